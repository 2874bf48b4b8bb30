"""How fast the energy of the gradient flow comes down to where it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinscape.arrays import as_number, described, ignoring_underflow
from spinscape.conventions import FloatArray
from spinscape.theory.two_time.solution import MeanFieldDynamics

CORRECTIONS = (1 / 3, 2 / 3)
"""Exponents of the leading correction that are tried."""


@dataclass(frozen=True)
class RelaxationExponent:
    """E(t) - E(∞) ≈ a t^-α in a window of times.

    exponent : α, the middle of the interval.
    interval : the smallest and largest α that the fits give, widened by the error of the energies. It is no statistical
        confidence interval, as nothing here is random: it says how far α depends on the choices of the fit.
    window : the first and last time of the widest fit.
    limit : E(∞), the energy density assumed.
    plain : α of the fit without a correction over the whole window.
    """

    exponent: float
    interval: tuple[float, float]
    window: tuple[float, float]
    limit: float
    plain: float


@ignoring_underflow
def relaxation_exponent(dynamics: MeanFieldDynamics, limit: float, start: float = 100.0) -> RelaxationExponent:
    r"""Fit :math:`\log(E(t)-E(\infty))=\log a-α\log t+b\,t^{-c}` by least squares in log t.

    All fits end at the last time of `dynamics`; they begin at `start` and at three later times, up to the geometric
    mean of `start` and the end; c is 1/3 and 2/3; and the energies are as found, and moved by :math:`\pm`
    `energy_error`.
    `limit` is E(∞) = -E∞ for a pure model, where the literature has α = 2/3 (Cugliandolo and Kurchan 1993; Folena and
    Zamponi, arXiv:2303.00026, measure it).

    Raises ValueError naming the argument, also where the energy does not stay above `limit` by more than its error.
    """
    if not (hasattr(dynamics, "t") and hasattr(dynamics, "energy")):
        raise TypeError(f"dynamics: expected times t and their energy, as `dmft` returns, got {described(dynamics)}")
    begin, end = as_number(start, "start", 0.0, exclusive=True), float(dynamics.t[-1])
    floor = as_number(limit, "limit")
    if not begin <= end / 10:
        raise ValueError(f"start: expected a time a decade or more before the last, {end:g}, got {begin:g}")
    inside = dynamics.t >= begin
    t, excess, error = dynamics.t[inside], dynamics.energy[inside] - floor, dynamics.energy_error[inside]
    if not np.all(excess > error):
        raise ValueError(f"limit: expected an energy density below all energies from t = {begin:g} on, got {floor!r}")
    found = [
        _slope(t[t >= first], (excess + sign * error)[t >= first], correction)
        for first in np.geomspace(begin, np.sqrt(begin * end), 4)
        for correction in CORRECTIONS
        for sign in (-1, 0, 1)
    ]
    low, high = min(found), max(found)
    return RelaxationExponent((low + high) / 2, (low, high), (float(t[0]), end), floor, _slope(t, excess, None))


def _slope(t: FloatArray, excess: FloatArray, correction: float | None) -> float:
    """Least squares for α; the times of a solution are uniform in log t."""
    columns = [np.ones_like(t), -np.log(t)]
    if correction is not None:
        columns.append(t**-correction)
    return float(np.linalg.lstsq(np.column_stack(columns), np.log(excess), rcond=None)[0][1])
