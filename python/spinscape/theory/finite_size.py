r"""What the exact mean counts say about systems of finite size: the empty band, high minima, the ground state.

Everything here is exact at every N >= 2 (ABAC Theorems 2.1, 2.2) unless it says that it is a heuristic.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from spinscape.arrays import ignoring_underflow
from spinscape.conventions import FloatArray
from spinscape.theory.counts import log_mean_critical_points
from spinscape.theory.domain import as_energies, as_order, as_size, sizes_in_order
from spinscape.theory.pure import threshold_energy


@sizes_in_order
@ignoring_underflow
def log_mean_below_threshold(N: Any, p: Any) -> float:
    r"""Natural logarithm of the exact mean number of critical points below :math:`-E_\infty`.

    While it is negative the band :math:`[-E_0,-E_\infty]` is typically empty: for p = 3 up to N of about 180.
    """
    return float(log_mean_critical_points(N=N, p=p, below=-threshold_energy(as_order(p))))


@sizes_in_order
@ignoring_underflow
def minima_fraction_above(delta: ArrayLike, N: Any, p: Any) -> FloatArray:
    r"""Fraction of the mean number of minima whose energy density is above :math:`-E_\infty+\delta`.

    AISTATS15 (section 4.2): the probability of a bad minimum decays exponentially with size. So it does for delta > 0,
    but slowly where delta is small: at p = 3 and delta = 0.05 the fraction is still 0.96 at N = 100.
    """
    level = as_energies(delta, "delta") - threshold_energy(as_order(p))
    above = log_mean_critical_points(N=N, p=p, above=level, index=0)
    return np.exp(above - log_mean_critical_points(N=N, p=p, index=0))[()]


@sizes_in_order
@ignoring_underflow
def ground_state_bound(u: ArrayLike, N: Any, p: Any) -> FloatArray:
    """Rigorous upper bound of P(min H_N/N <= u): the mean number of minima below u, half of it for even p, at most 1.

    Markov's inequality; for even p minima come in pairs ±w.
    """
    log_count = log_mean_critical_points(N=N, p=p, below=as_energies(u, "u"), index=0)
    return np.exp(np.minimum(log_count - np.log(_orbit(p)), 0.0))[()]


class GroundStateEstimate(NamedTuple):
    """Heuristic mean and standard deviation over disorder of min H_N/N."""

    mean: float
    sd: float


@sizes_in_order
@ignoring_underflow
def ground_state_estimate(N: Any, p: Any) -> GroundStateEstimate:
    r"""Heuristic mean and standard deviation of min H_N/N: minima as a Poisson process of the exact mean density.

    P(min > u) is taken as :math:`e^{-\Lambda(u)}`, with :math:`\Lambda(u)` the exact mean number of minima below u (of
    pairs, for even p), given that there is one. Not a theorem: minima are not independent. Against the
    lowest of many descents at p = 3 the mean is 5.4(4) % too high at N = 3 (4,000 instances), 1.3(2) % at N = 10
    (2,500), 0.3(2) % at N = 25 (300); the standard deviation is 25(1), 15(2) and 1(4) % too large.
    """
    size, order = as_size(N), as_order(p)
    low, high = _transition(size, order)
    x, weights = np.polynomial.legendre.leggauss(64)
    u = 0.5 * (low + high) + 0.5 * (high - low) * x
    some = -np.expm1(-np.exp(_log_minima(np.inf, size, order)))  # probability that the process has a point at all
    beyond = 1.0 + np.expm1(-np.exp(_log_minima(u, size, order))) / some  # P(min > u)
    measure = 0.5 * (high - low) * weights
    mean = low + float(measure @ beyond)
    second = 2.0 * float(measure @ ((u - mean) * beyond)) + (low - mean) ** 2
    return GroundStateEstimate(mean, float(np.sqrt(second)))


def _log_minima(u: ArrayLike, N: int, p: int) -> FloatArray:
    return log_mean_critical_points(N=N, p=p, below=u, index=0) - np.log(_orbit(p))


def _orbit(p: Any) -> int:
    """Minima that come together: 1 for odd p, ±w for even p."""
    return 2 if as_order(p) % 2 == 0 else 1


def _transition(N: int, p: int) -> tuple[float, float]:
    """Energies between which P(min > u) falls from 1 to 0, to 1e-17."""
    edge = float(threshold_energy(p))
    grid = np.linspace(-4.0 * edge, 4.0 * edge, 801)
    log_count = _log_minima(grid, N, p)
    last = log_count[-1]
    low = np.searchsorted(log_count, -39.0)
    high = np.searchsorted(log_count, min(3.7, last - 1e-15))
    return float(grid[max(int(low) - 1, 0)]), float(grid[min(int(high) + 1, grid.size - 1)])
