r"""Equilibrium of the pure spherical p-spin glass at temperature T: transitions and the energy density.

In this package's convention (covariance N q^p; temperatures are :math:`\sqrt2` times those of Crisanti and Sommers,
Z. Phys. B 87, 341 (1992)) the one-step free energy with overlap q and breaking point m is stationary where, with
:math:`a=mq/(1-q)`,

.. math::
   \frac{a^2}{p}-(1+a)\log(1+a)+a=0,\qquad p\,q^{p-2}(1-q)^2(1+a)=T^2,

so that a depends on p alone. Proved for the spherical model by Talagrand (Probab. Theory Relat. Fields 134, 339, 2006).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from spinscape.arrays import ignoring_underflow
from spinscape.conventions import FloatArray
from spinscape.theory.domain import as_energies, as_order, refuse_quadratic

_ABSOLUTE, _RELATIVE = 1e-15, 4 * float(np.finfo(float).eps)


@ignoring_underflow
def dynamic_temperature(p: Any) -> float:
    r"""The dynamic transition :math:`T_d=\sqrt{p(p-2)^{p-2}/(p-1)^{p-1}}`, p >= 3: relaxation times diverge there."""
    order = as_order(p)
    refuse_quadratic(float(order), "the dynamic transition")
    return float(np.exp(0.5 * (np.log(order) + (order - 2) * np.log(order - 2.0) - (order - 1) * np.log(order - 1.0))))


@ignoring_underflow
def static_temperature(p: Any) -> float:
    """The static transition T_s, p >= 3: below it the replica symmetry is broken in one step."""
    order = as_order(p)
    refuse_quadratic(float(order), "the static transition")
    a = _ratio(order)
    q = a / (1.0 + a)
    return float(np.sqrt(order * q ** (order - 2) * (1.0 - q)))


@ignoring_underflow
def equilibrium_energy(T: ArrayLike, p: Any) -> FloatArray:
    """Equilibrium energy density: -1/T for T >= T_s, the one-step solution below, -E_0 at T = 0; p >= 3.

    Raises ValueError for a negative temperature.
    """
    order, temperatures = as_order(p), as_energies(T, "T")
    refuse_quadratic(float(order), "the static transition")
    if temperatures.size and temperatures.min() < 0:
        raise ValueError(f"T: expected at least 0, got {temperatures.min()}")
    static = static_temperature(order)
    values = [-1.0 / T if static <= T else _broken_energy(float(T), order) for T in temperatures.ravel()]
    return np.array(values, dtype=np.float64).reshape(temperatures.shape)[()]


@lru_cache(maxsize=256)
def _ratio(p: int) -> float:
    """The positive root a; the left side is negative for small a (its slope is a(2/p - 1)) and grows like a^2/p."""

    def stationarity(a: float) -> float:
        return a * a / p - (1.0 + a) * float(np.log1p(a)) + a

    high = 1.0
    while stationarity(high) <= 0:
        high *= 2.0
    return float(brentq(stationarity, high / 2.0 if high > 1.0 else 1e-3, high, xtol=_ABSOLUTE, rtol=_RELATIVE))


def _broken_energy(T: float, p: int) -> float:
    """The energy u = -(1 - (1 - m) q^p)/T, written in s = (1 - q)/T, in which the limit T = 0 is regular."""
    a = _ratio(p)

    # In s = (1 - q)/T the second equation is p q^(p-2) s^2 (1 + a) = 1 for every T, and m/T = a s/q.
    def stationarity(s: float) -> float:
        return p * (1.0 - T * s) ** (p - 2) * s * s * (1.0 + a) - 1.0

    low = 1.0 / np.sqrt(p * (1.0 + a))
    # The left side grows in s until q = (p - 2)/p; the solution with the larger q is the stable one.
    high = 2.0 / (p * T) if T > 0 else np.inf
    s = float(brentq(stationarity, low, min(high, 10.0 * low), xtol=_ABSOLUTE, rtol=_RELATIVE)) if T > 0 else float(low)
    q = 1.0 - T * s
    one_minus_power = -np.expm1(p * np.log1p(-T * s)) / T if T > 0 else p * s
    return float(-(one_minus_power + a * s / q * q**p))
