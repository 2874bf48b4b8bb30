"""Exact mean number of critical points of a spherical mixed model at finite N, in natural logarithms.

With R_N the one-point density of GOE_N in Mehta's scale and κ = (ξ''−ξ')/(2(ξ''+ξ')),

    E Crt_N(ℝ) = 2√2 (ξ''/ξ')^{(N−1)/2} √(ξ''/(ξ''+ξ')) ∫ R_N(y) e^{−κy²} dy,

and y is the radial derivative in disguise: r = y√(2ξ''/N). Given r the energy density u is Gaussian with mean
ξ'r/(ξ''+ξ') and variance α²/(N(ξ''+ξ')); restricting u inserts that probability under the integral. This
extends Theorem 2.2 of Auffinger, Ben Arous and Černý (arXiv:1003.1129), its pure case α = 0; for N = 2 it
is 2√((3ξ''+ξ')/ξ'). For critical points of index k the density of the k-th eigenvalue of GOE_N, k = 0 ... N - 1,
takes the place of R_N, as in their Theorem 2.1: the index is the number of other eigenvalues below y.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_ndtr, logsumexp

from spinscape.arrays import ignoring_underflow
from spinscape.conventions import FloatArray, Xi
from spinscape.theory.domain import as_energies, as_index, as_size
from spinscape.theory.index_counts import law_of
from spinscape.theory.mixture import at_one
from spinscape.theory.quadrature import LogWeight, log_integral, log_integrals

_NODES = 24  # a panel of width 1


@ignoring_underflow
def log_mean_critical_points_mixed(
    N: Any, xi: Xi, below: float = np.inf, above: float = -np.inf, index: Any = None
) -> float:
    """Natural logarithm of E #{critical points of H_N with above < H_N/N ≤ below}, exact for every N ≥ 2.

    Parameters
    ----------
    N : int ≥ 2
        Number of spins.
    xi : {p: c_p}, or a function xi(q, order)
        The mixture; a field (p = 1) is allowed.
    below, above : float
        Energy densities, infinite allowed. The result is −inf for an empty interval.
    index : int, optional
        Count only critical points of this index, 0 <= index <= N - 1, within 60 of either end; all by default.

    Returns
    -------
    float
        Relative error of the count about 1e-12 (1e-9 for an index). Cost as for the pure model: tens of milliseconds
        at N = 1000; for an index, seconds at its first use.
    """
    size, at = as_size(N), at_one(xi)
    lower, upper = (float(v) for v in as_energies([above, below], "above and below"))
    if not lower < upper:
        return -np.inf
    total = at.second + at.first
    kappa = (at.second - at.first) / (2 * total)
    constant = 1.5 * np.log(2.0) + 0.5 * (size - 1) * np.log(at.second / at.first)
    constant += 0.5 * np.log(at.second / total)
    slope = at.first * np.sqrt(2 * at.second / size) / total  # E(u | y) = slope · y
    if at.radial_variance == 0.0:
        ends = lower / slope, upper / slope
        if index is not None:
            return float(constant + _index_integral(size, index, lambda y: -kappa * y**2, np.array(ends)))
        return float(constant + log_integral(size, lambda y: -kappa * y**2, *ends))
    deviation = np.sqrt(at.radial_variance / (size * total))  # of u at given y

    def log_weight(y: FloatArray) -> FloatArray:
        mean = slope * y
        return -kappa * y**2 + _log_probability((lower - mean) / deviation, (upper - mean) / deviation)

    # the probability is a step of width `deviation` at each bound, arbitrarily narrow for nearly pure models
    steps = [bound + deviation * shift for bound in (lower, upper) for shift in (-8.0, 0.0, 8.0)]
    cuts = np.unique([-np.inf, *(step / slope for step in steps), np.inf])
    if index is not None:
        return float(constant + _index_integral(size, index, log_weight, cuts))
    return float(constant + logsumexp(log_integrals(size, log_weight, cuts)))


def _index_integral(size: int, index: Any, log_weight: LogWeight, cuts: FloatArray) -> float:
    """Logarithm of the integral of the k-th eigenvalue's density times a weight, panels of width about 1 between cuts.

    Beyond √(2N) + 12 the density of any eigenvalue is below e^-140 of its largest.
    """
    k = as_index(index, size)
    end = np.sqrt(2.0 * size) + 12.0
    inner = np.clip(cuts, -end, end)
    edges = np.unique(np.concatenate([inner, *map(_unit_steps, inner[:-1], inner[1:])]))
    x, weights = np.polynomial.legendre.leggauss(_NODES)
    half = 0.5 * np.diff(edges)
    if half.size == 0:
        return -np.inf
    y = 0.5 * (edges[:-1] + edges[1:])[:, None] + half[:, None] * x
    height = law_of(y.ravel(), size, k).log_density.reshape(y.shape) + log_weight(y)
    return float(logsumexp(height, b=half[:, None] * weights))


def _unit_steps(low: float, high: float) -> FloatArray:
    return np.linspace(low, high, int(np.ceil(high - low)) + 1)


def _log_probability(low: FloatArray, high: FloatArray) -> FloatArray:
    """Logarithm of the standard normal probability of (low, high], without cancellation in either tail."""
    flip = low > 0
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    log_high = log_ndtr(high)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.exp(np.minimum(log_ndtr(low) - log_high, 0.0))
        return np.where(np.isneginf(log_high), -np.inf, log_high + np.log1p(-share))
