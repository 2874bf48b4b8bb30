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

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr, logsumexp

from spinscape.arrays import as_reals, broadcast, ignoring_underflow
from spinscape.conventions import FloatArray, Xi
from spinscape.theory.counts import density_of
from spinscape.theory.domain import EVERY_INDEX, as_energies, as_indices, as_size
from spinscape.theory.index_counts import LogCount, law_of
from spinscape.theory.index_mean import mean_below
from spinscape.theory.mixture import at_one
from spinscape.theory.one_point import log_density
from spinscape.theory.quadrature import LogWeight, log_integrals

_NODES = 24  # a panel of width 1


@ignoring_underflow
def log_mean_critical_points_mixed(
    N: Any, xi: Xi, below: ArrayLike = np.inf, above: ArrayLike = -np.inf, index: ArrayLike | None = None
) -> FloatArray:
    """Natural logarithm of E #{critical points of H_N with above < H_N/N ≤ below}, exact for every N ≥ 2.

    Parameters
    ----------
    N : int ≥ 2
        Number of spins.
    xi : {p: c_p}, or a function xi(q, order)
        The mixture; a field (p = 1) is allowed.
    below, above : array_like of float
        Energy densities, infinite allowed. The result is −inf for an empty interval.
    index : int or array of them, optional
        Count only critical points of this index, 0 <= index <= N - 1, within 60 of either end; all by default.

    Returns
    -------
    float64 or ndarray of float64
        The broadcast shape of limits and index. Relative error of the count about 1e-12 (1e-9 for an index). Cost as
        for the pure model: tens of milliseconds at N = 1000; for an index, seconds at its first use.
    """
    return log_mean_index_count_mixed(N, xi, below, above, index).value


def log_mean_index_count_mixed(
    N: Any, xi: Xi, below: ArrayLike = np.inf, above: ArrayLike = -np.inf, index: ArrayLike | None = None
) -> LogCount:
    """As :func:`log_mean_critical_points_mixed`, together with an estimate of the error of the logarithm."""
    size, model = as_size(N), _Model.of(as_size(N), xi)
    upper, lower, indices = broadcast(
        below=as_energies(below, "below"), above=as_energies(above, "above"), index=as_indices(index, size - 1)
    )
    value, error = np.full(upper.shape, -np.inf), np.zeros(upper.shape)
    for place in zip(*np.nonzero(lower < upper), strict=True) if upper.ndim else [()] * bool(lower < upper):
        value[place], error[place] = model.count(float(lower[place]), float(upper[place]), int(indices[place]))
    return LogCount(value[()], error[()])


def critical_energy_density_mixed(
    u: ArrayLike, N: Any, xi: Xi, index: ArrayLike | None = None, log: bool = False
) -> FloatArray:
    """Exact density of the mean number of critical points of a mixed model per unit of energy density u.

    Parameters as :func:`log_mean_critical_points_mixed`; log returns the natural logarithm. OverflowError if the
    density exceeds the largest double and `log` is False.
    """
    size, model = as_size(N), _Model.of(as_size(N), xi)
    energies, indices = broadcast(u=as_energies(u, "u"), index=as_indices(index, size - 1))
    height = [model.log_density(float(v), int(k)) for v, k in zip(energies.flat, indices.flat, strict=True)]
    return density_of(np.array(height).reshape(energies.shape), log)


def mean_index_mixed(u: ArrayLike, N: Any, xi: Xi) -> FloatArray:
    """Exact mean index of the critical points of a mixed model of energy density u, in [0, N - 1].

    The mean over y given u of the pure model's (:mod:`spinscape.theory.index_mean`), which depends on y alone. Time
    grows as N^2.
    """
    model = _Model.of(as_size(N), xi)
    energies = as_reals(u, "u")
    return np.array([model.mean_index(float(v)) for v in energies.flat]).reshape(energies.shape)[()]


@dataclass(frozen=True)
class _Model:
    """The law of (y, u): u given y is normal of mean slope·y and standard deviation `deviation`, 0 for a pure model."""

    size: int
    kappa: float
    constant: float
    slope: float
    deviation: float

    @classmethod
    def of(cls, size: int, xi: Xi) -> _Model:
        at = at_one(xi)
        total = at.second + at.first
        constant = 1.5 * np.log(2.0) + 0.5 * (size - 1) * np.log(at.second / at.first)
        return cls(
            size=size,
            kappa=(at.second - at.first) / (2 * total),
            constant=float(constant + 0.5 * np.log(at.second / total)),
            slope=float(at.first * np.sqrt(2 * at.second / size) / total),
            deviation=float(np.sqrt(at.radial_variance / (size * total))),
        )

    def count(self, lower: float, upper: float, k: int) -> tuple[float, float]:
        """Logarithm of the mean count of an index, and an estimate of its error."""
        if self.deviation == 0.0:
            return self._integral(lambda y: -self.kappa * y**2, np.array([lower, upper]) / self.slope, k)

        def log_weight(y: FloatArray) -> FloatArray:
            low, high = ((bound - self.slope * y) / self.deviation for bound in (lower, upper))
            return -self.kappa * y**2 + _log_probability(low, high)

        # the probability is a step of width `deviation` at each bound, arbitrarily narrow for nearly pure models
        steps = [bound + self.deviation * shift for bound in (lower, upper) for shift in (-8.0, 0.0, 8.0)]
        cuts = np.unique([-np.inf, *(step / self.slope for step in steps), np.inf])
        return self._integral(log_weight, cuts, k)

    def log_density(self, u: float, k: int) -> float:
        """Logarithm of the density of an index at energy density u."""
        if not np.isfinite(u):
            return -np.inf
        if self.deviation == 0.0:
            y = np.array([u / self.slope])
            density = log_density(y, self.size) if k == EVERY_INDEX else law_of(y, self.size, k).log_density
            return float(self.constant - np.log(self.slope) + density[0] - self.kappa * y[0] ** 2)
        return self._integral(self._given(u), self._cuts(u), k)[0]

    def mean_index(self, u: float) -> float:
        """Mean index at energy density u."""
        if self.deviation == 0.0:
            return float(mean_below(np.array([u / self.slope]), self.size)[0])
        centre, width = u / self.slope, self.deviation / self.slope
        edges = np.linspace(centre - 9 * width, centre + 9 * width, 6 + int(np.ceil(18 * width)))
        y, weights = _nodes(edges, _NODES)
        height = log_density(y, self.size) + self._given(u)(y)
        share = weights * np.exp(height - height.max())
        return float(share @ mean_below(y, self.size) / share.sum())

    def _given(self, u: float) -> LogWeight:
        """Logarithm of the weight of y at energy density u."""
        scale = -np.log(self.deviation) - 0.5 * np.log(2 * np.pi)
        return lambda y: -self.kappa * y**2 + scale - 0.5 * ((u - self.slope * y) / self.deviation) ** 2

    def _cuts(self, u: float) -> FloatArray:
        """The normal law of y around u/slope may be narrower than an eigenvalue spacing."""
        return np.array(
            [-np.inf, *((u + self.deviation * shift) / self.slope for shift in (-9.0, -3.0, 3.0, 9.0)), np.inf]
        )

    def _integral(self, log_weight: LogWeight, cuts: FloatArray, k: int) -> tuple[float, float]:
        if k == EVERY_INDEX:
            total = float(logsumexp(log_integrals(self.size, log_weight, cuts)))
            return self.constant + total, 1e-12 + 1e-16 * self.size
        value, error = _index_integral(self.size, k, log_weight, cuts)
        return self.constant + value, error


def _index_integral(size: int, k: int, log_weight: LogWeight, cuts: FloatArray) -> tuple[float, float]:
    """Logarithm of the integral of the k-th eigenvalue's density times a weight, panels of width about 1 between cuts.

    Beyond √(2N) + 12 the density of any eigenvalue is below e^-140 of its largest. The error is that of the density,
    and the change by a third fewer nodes.
    """
    fewer, _ = _panels(size, k, log_weight, cuts, 2 * _NODES // 3)
    value, error = _panels(size, k, log_weight, cuts, _NODES)
    return value, error + (abs(value - fewer) if np.isfinite(value) and np.isfinite(fewer) else 0.0) + 1e-12


def _panels(size: int, k: int, log_weight: LogWeight, cuts: FloatArray, nodes: int) -> tuple[float, float]:
    end = np.sqrt(2.0 * size) + 12.0
    inner = np.clip(cuts, -end, end)
    edges = np.unique(np.concatenate([inner, *map(_unit_steps, inner[:-1], inner[1:])]))
    if edges.size < 2:
        return -np.inf, 0.0
    y, weights = _nodes(edges, nodes)
    law = law_of(y, size, k)
    height = law.log_density + log_weight(y)
    value = float(logsumexp(height, b=weights))
    share = np.exp(height - value) * weights if np.isfinite(value) else np.zeros(y.shape)
    return value, float(share @ np.minimum(law.error, 1.0))


def _nodes(edges: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of Gauss and Legendre's rule on every panel between consecutive edges."""
    x, weights = np.polynomial.legendre.leggauss(count)
    half = 0.5 * np.diff(edges)[:, None]
    return (0.5 * (edges[:-1] + edges[1:])[:, None] + half * x).ravel(), (half * weights).ravel()


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
