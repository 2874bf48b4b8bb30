r"""The exact mean index of critical points at a given energy density.

Given a critical point of energy density u, its index is k with probability :math:`p_k(y)/R_N(y)`, p_k the density of
the k-th eigenvalue of GOE_N and :math:`y=u\sqrt{Np/(2(p-1))}` (ABAC Theorem 2.1). Hence

.. math::
   \mathrm E[k\mid u]=\frac1{R_N(y)}\int_{-\infty}^y R_2(x,y)\,dx,\qquad R_2(x,y)=R_N(x)R_N(y)-T_2(x,y),

with :math:`T_2(x,y)=K_{11}(x,y)K_{11}(y,x)+K_{12}(x,y)K_{21}(y,x)` of the Pfaffian kernel of GOE_N (Mehta, Random
Matrices, chapter 7) in the oscillator functions :math:`\varphi_j`, :math:`g_j=a_j(\infty)-2a_j`,
:math:`a_j=\int_{-\infty}\varphi_j`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erf

from spinscape.arrays import as_reals, ignoring_underflow
from spinscape.conventions import FloatArray
from spinscape.theory.domain import as_order, as_size, sizes_in_order
from spinscape.theory.one_point import log_density

_NODES_A_PANEL = 32
_BLOCK = 2**22  # numbers held at once of each kind of function: 32 MB
_TAIL = 8.0  # beyond the spectral edge, in units of the edge's own width: R_N is below 1e-16 there


@sizes_in_order
@ignoring_underflow
def mean_index(u: ArrayLike, N: Any, p: Any) -> FloatArray:
    """Exact mean index of the critical points of energy density u; absolute error about 1e-12 N.

    For large N it approaches (N - 1) times :func:`spinscape.theory.negative_fraction`.

    Parameters
    ----------
    u : array_like of float
        Finite energy densities.
    N, p : int >= 2
        Time grows as N^2: 0.2 s at N = 1000.

    Returns
    -------
    float64 or ndarray of float64, the shape of `u`, in [0, N - 1]
    """
    size, order, energies = as_size(N), as_order(p), as_reals(u, "u")
    y = np.sqrt(0.5 * size * order / (order - 1.0)) * energies.ravel()
    return mean_below(y, size).reshape(energies.shape)[()]


def mean_below(y: FloatArray, N: int) -> FloatArray:
    """Mean number of eigenvalues of GOE_N below y, given one at y; y (points,)."""
    # Parity: index k at u is index N - 1 - k at -u; the smaller of the two sums is the accurate one.
    below = _mean_below(-np.abs(y), N)
    return np.where(y > 0, N - 1 - below, below)


def _mean_below(y: FloatArray, N: int) -> FloatArray:
    """Mean number of eigenvalues of GOE_N below y <= 0, given one at y."""
    edge, width = np.sqrt(2.0 * N), 1.0 / (np.sqrt(2.0) * N ** (1.0 / 6.0))
    result = np.zeros(y.shape)
    inside = np.flatnonzero(y > -edge - _TAIL * width)  # further out the mean is below rounding
    for i in inside:
        x, weights = _panels(-edge - 2.0 * _TAIL * width, float(y[i]), N)
        density = np.exp(log_density(np.append(x, y[i]), N))
        block = max(_BLOCK // N, 1)
        cluster = [_cluster(x[start : start + block], float(y[i]), N) for start in range(0, x.size, block)]
        result[i] = weights @ density[:-1] - weights @ np.concatenate(cluster) / density[-1]
    return np.maximum(result, 0.0)


def _panels(low: float, high: float, N: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre panels, about three nodes per eigenvalue spacing at the centre of the spectrum."""
    spacing = np.pi / np.sqrt(2.0 * N)
    count = int(np.ceil(3.0 * (high - low) / spacing / _NODES_A_PANEL)) + 2
    nodes, weights = np.polynomial.legendre.leggauss(_NODES_A_PANEL)
    half = 0.5 * (high - low) / count
    centres = low + half * (2.0 * np.arange(count) + 1.0)
    return (centres[:, None] + half * nodes).ravel(), np.tile(half * weights, count)


def _cluster(x: FloatArray, y: float, N: int) -> FloatArray:
    """T_2(x, y) at points x < y."""
    phi, g = _oscillators(np.append(x, y), N)
    at_y, g_at_y = _inverse_gram(phi[:, -1], N), _inverse_gram(g[:, -1], N)
    phi, g = phi[:, :-1], g[:, :-1]
    forward, backward = at_y @ g, -g_at_y @ phi  # K_11(x, y), K_11(y, x)
    return forward * backward + (-1.0 - g_at_y @ g) * (-at_y @ phi)


def _oscillators(x: FloatArray, N: int) -> tuple[FloatArray, FloatArray]:
    """Rows phi_j and g_j at the points x, j < N; for odd N one row more, a particle at infinity: phi = 0, g = 1.

    The recurrence runs on phi_j e^(x^2/2) with a logarithmic scale per point, which plain numbers would underflow.
    """
    rows = N + N % 2
    phi, g = np.zeros((rows, x.size)), np.ones((rows, x.size))
    scale = -0.5 * x * x
    last, this = np.zeros(x.size), np.full(x.size, np.pi**-0.25)
    totals = _total_integrals(N)
    primitives = np.zeros((2, x.size))  # a_{j-1}, a_j
    primitives[1] = np.sqrt(0.5) * np.pi**0.25 * (1.0 + erf(x / np.sqrt(2.0)))
    for j in range(N):
        phi[j] = this * np.exp(scale)
        g[j] = totals[j] - 2.0 * primitives[1]
        ratio = np.sqrt(j / (j + 1.0))
        last, this = this, x * np.sqrt(2.0 / (j + 1.0)) * this - ratio * last
        primitives = np.array([primitives[1], ratio * primitives[0] - np.sqrt(2.0 / (j + 1.0)) * phi[j]])
        large = np.abs(this) > 1e100
        last[large], this[large], scale[large] = last[large] * 1e-100, this[large] * 1e-100, scale[large] + _LOG_1E100
    return phi, g


_LOG_1E100 = 100.0 * float(np.log(10.0))


def _total_integrals(N: int) -> FloatArray:
    """The integrals a_j(inf) over the real line, j < N: 0 for odd j."""
    totals = np.zeros(N)
    totals[0] = np.sqrt(2.0) * np.pi**0.25
    for j in range(2, N, 2):
        totals[j] = np.sqrt((j - 1.0) / j) * totals[j - 2]
    return totals


def _inverse_gram(values: FloatArray, N: int) -> FloatArray:
    """B v, B the antisymmetric inverse of the skew Gram matrix of the oscillator functions."""
    j = np.arange(N - 1)
    upper = -0.5 * np.sqrt((j + 1.0) / 2.0)  # B_{j,j+1}
    result = np.zeros(values.shape)
    result[: N - 1] += upper * values[1:N]
    result[1:N] -= upper * values[: N - 1]
    if N % 2:
        border = 1.0 / _total_integrals(N)[N - 1]  # B_{N,N-1}
        result[N] += border * values[N - 1]
        result[N - 1] -= border * values[N]
    return result
