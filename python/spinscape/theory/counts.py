r"""Exact mean number of critical points at finite N (ABAC = Auffinger, Ben Arous, Cerny, arXiv:1003.1129).

With :math:`c=(p-2)/(2p)`, :math:`y=u\sqrt{Np/(2(p-1))}` and the Gaussian orthogonal ensemble GOE_N in Mehta's scale,

.. math::
   \mathrm E\,\mathrm{Crt}_N(B)&=2\sqrt{\tfrac2p}\,(p-1)^{N/2}\int_{y(B)}e^{-cy^2}R_N(y)\,dy &&\text{(Theorem 2.2)}\\
   \mathrm E\,\mathrm{Crt}_{N,k}(B)&=2\sqrt{\tfrac2p}\,(p-1)^{N/2}\,
   \mathrm E\bigl[e^{-c\lambda_k^2};\lambda_k\in y(B)\bigr]&&\text{(Theorem 2.1)}

where :math:`R_N` is the one-point density and :math:`\lambda_k` the k-th smallest eigenvalue, k = 0 ... N - 1. The
index k of a critical point is the number of negative eigenvalues of its Riemannian Hessian, of dimension N - 1.

Cost of a curve of 200 energies, processor time on one x86-64 core, p = 3 (any p costs the same):

======  ==========  =======================  =================
N       total       index 0 to 5, first use  afterwards
======  ==========  =======================  =================
10      0.1 s       3 s                      25 ms an index
100     0.1 s       9 s                      30 ms an index
1000    0.13 s      17 s                     25 ms an index
======  ==========  =======================  =================

The first use of an index tabulates the law of the six lowest eigenvalues, which serves every p, every energy and
all six indices. Relative error of the counts: totals below 1e-12 up to N = 10^4 and limited by the rounding of the
argument beyond; index 0, 1, 2 below 1e-10; other indices as estimated by :func:`log_mean_index_count`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spinscape.arrays import as_flag, broadcast, ignoring_underflow
from spinscape.conventions import FloatArray
from spinscape.theory.domain import EVERY_INDEX, as_energies, as_indices, as_order, as_size, sizes_in_order
from spinscape.theory.index_counts import LogCount, law_of, log_weighted_masses, upper_limit
from spinscape.theory.one_point import log_density
from spinscape.theory.quadrature import log_integrals


@sizes_in_order
@ignoring_underflow
def log_mean_critical_points(
    N: Any, p: Any, below: ArrayLike = np.inf, above: ArrayLike = -np.inf, index: Any = None
) -> FloatArray:
    r"""Natural logarithm of the exact mean number of critical points with energy density in (above, below].

    Parameters
    ----------
    N : int >= 2
        Number of spins.
    p : int >= 2
        Number of interacting spins.
    below, above : array_like of float
        Limits of the energy density u = H_N/N; infinite allowed; broadcast against each other.
    index : int, optional
        Count only critical points of this index, 0 <= index <= N - 1, within 60 of either end; all by default.

    Returns
    -------
    float64 or ndarray of float64
        The broadcast shape of the limits; ``-inf`` for an empty interval.

    Raises
    ------
    TypeError, ValueError
        Naming the argument that is out of its domain.

    Notes
    -----
    ABAC Theorems 2.1 and 2.2, exact for every N >= 2 and p >= 2, p = 2 included (2 critical points an index).

    Examples
    --------
    >>> import numpy as np
    >>> float(np.exp(log_mean_critical_points(2, 3)))  # 2 sqrt(3p - 2)
    5.29150262212918...
    """
    return log_mean_index_count(N=N, p=p, below=below, above=above, index=index).value


@sizes_in_order
@ignoring_underflow
def log_mean_index_count(
    N: Any, p: Any, below: ArrayLike = np.inf, above: ArrayLike = -np.inf, index: Any = None
) -> LogCount:
    """As :func:`log_mean_critical_points`, together with an estimate of the error.

    Returns
    -------
    LogCount
        ``value``, the natural logarithm, and ``error``, an estimate of its absolute error from above: from a
        second evaluation with other nodes. It passes 1e-4 only where index 4 or more is asked for so far below
        the edge that the count is below about e^-1000, and there says by how much.
    """
    size, order = as_size(N), as_order(p)
    upper, lower, indices = broadcast(
        below=as_energies(below, "below"), above=as_energies(above, "above"), index=as_indices(index, size - 1)
    )
    value, error = np.empty(upper.shape), np.empty(upper.shape)
    for k in np.unique(indices):
        here = indices == k
        counts = _counts(lower[here], upper[here], size, order, int(k))
        value[here], error[here] = log_prefactor(size, order) + counts.value, counts.error
    return LogCount(value[()], error[()])


def _counts(lower: FloatArray, upper: FloatArray, size: int, order: int, k: int) -> LogCount:
    """The counts of one index, or of every one, without their prefactor."""
    scale, c = _spectral_scale(size, order), _tilt(order)
    if k == EVERY_INDEX:
        return _between(scale * lower, scale * upper, lambda cuts: _totals(size, c, cuts))
    high = np.minimum(scale * upper, upper_limit(size, k, c))
    return _between(scale * lower, high, lambda cuts: log_weighted_masses(size, k, c, cuts))


@sizes_in_order
@ignoring_underflow
def critical_energy_density(u: ArrayLike, N: Any, p: Any, index: Any = None, log: bool = False) -> FloatArray:
    """Exact density of the mean number of critical points per unit of energy density u.

    Parameters
    ----------
    u : array_like of float
        Energy densities.
    N, p, index
        As in :func:`log_mean_critical_points`.
    log : bool
        Return the natural logarithm.

    Returns
    -------
    float64 or ndarray of float64, the shape of `u`

    Raises
    ------
    OverflowError
        If the density exceeds the largest double and `log` is False.
    """
    size, order = as_size(N), as_order(p)
    energies, indices = broadcast(u=as_energies(u, "u"), index=as_indices(index, size - 1))
    scale, height = _spectral_scale(size, order), np.full(energies.shape, -np.inf)
    for k in np.unique(indices):
        here = (indices == k) & np.isfinite(energies)
        y = scale * energies[here]
        density = log_density(y, size) if k == EVERY_INDEX else law_of(y, size, int(k)).log_density
        height[here] = density - _tilt(order) * y * y + log_prefactor(size, order) + np.log(scale)
    return density_of(height, log)


def density_of(height: FloatArray, log: bool) -> FloatArray:
    """A density of its logarithm, or the logarithm itself; OverflowError beyond doubles."""
    if as_flag(log, "log"):
        return height[()]
    if np.any(height > 709.0):
        raise OverflowError(f"u: the density is e^{height.max():.1f}, beyond doubles; call with log=True")
    return np.exp(height)[()]


def log_prefactor(N: int, p: int) -> float:
    """Logarithm of 2 sqrt(2/p) (p - 1)^(N/2)."""
    return float(np.log(2.0) + 0.5 * np.log(2.0 / p) + 0.5 * N * np.log(p - 1.0))


def _spectral_scale(N: int, p: int) -> float:
    """Mehta's spectral variable over the energy density."""
    return float(np.sqrt(0.5 * N * p / (p - 1.0)))


def _tilt(p: int) -> float:
    return (p - 2.0) / (2.0 * p)


def _totals(N: int, c: float, cuts: FloatArray) -> LogCount:
    value = log_integrals(N, lambda y: -c * y * y, cuts)
    # Relative rounding of the density and of the argument; the second shows from N = 10^5 on.
    return LogCount(value, np.full(value.shape, 1e-12 + 1e-16 * N))


def _between(lower: FloatArray, upper: FloatArray, masses: Callable[[FloatArray], LogCount]) -> LogCount:
    """Sum the masses between consecutive limits over each (lower, upper], relative accuracy kept."""
    value, error = np.full(lower.shape, -np.inf), np.zeros(lower.shape)
    real = np.flatnonzero(lower < upper)
    if real.size == 0:
        return LogCount(value, error)
    cuts = np.unique(np.concatenate([lower[real], upper[real]]))
    steps = masses(cuts)
    first, last = np.searchsorted(cuts, lower[real]), np.searchsorted(cuts, upper[real])
    for i, a, b in zip(real, first, last, strict=True):
        value[i] = np.logaddexp.reduce(steps.value[a:b])
        if value[i] > -np.inf:
            error[i] = np.sum(np.exp(steps.value[a:b] - value[i]) * np.minimum(steps.error[a:b], 1.0))
    return LogCount(value, error)
