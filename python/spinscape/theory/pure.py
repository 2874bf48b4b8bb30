r"""Complexity of the pure spherical p-spin glass as N goes to infinity (ABAC = arXiv:1003.1129).

Energies below the threshold :math:`-E_\infty`, :math:`E_\infty=2\sqrt{(p-1)/p}`, are written
:math:`u=-E_\infty\cosh t`. Then

.. math::
   I(u)=\tfrac12(\sinh 2t-2t),\qquad
   \Theta_p(u)=\tfrac12\log(p-1)-\tfrac{(p-2)u^2}{4(p-1)}-I(u).

:math:`\sinh^2t=u^2/E_\infty^2-1` is a rational function of u and p and is formed from the double u without rounding, so
every function keeps its digits at the threshold, where u agrees with :math:`-E_\infty` to twelve digits and I is 1e-18.
Energies are densities u = H_N/N in the convention of :mod:`spinscape.conventions`; functions broadcast over u and p.
"""

from __future__ import annotations

from functools import lru_cache
from math import acosh
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import airy

from spinscape.arrays import as_integer, as_integers, broadcast, ignoring_underflow
from spinscape.conventions import FloatArray
from spinscape.theory.domain import (
    as_energies,
    as_indices,
    as_order,
    as_orders,
    as_size,
    refuse_quadratic,
    sizes_in_order,
)
from spinscape.theory.double_double import two_product, two_sum
from spinscape.theory.elementary import sine_excess, sinh_excess


@ignoring_underflow
def threshold_energy(p: ArrayLike) -> FloatArray:
    r"""The threshold :math:`E_\infty=2\sqrt{(p-1)/p}`: critical points of finite index lie below it (ABAC (2.14))."""
    orders = as_orders(p)
    return (2.0 * np.sqrt((orders - 1.0) / orders))[()]


@ignoring_underflow
def ground_state_energy(p: ArrayLike) -> FloatArray:
    r"""The ground state :math:`E_0`: min H_N/N goes to -E_0 (ABAC Theorem 2.12); :math:`\sqrt2` at p = 2."""
    return layer_energy(p, 0)


@ignoring_underflow
def layer_energy(p: ArrayLike, k: ArrayLike) -> FloatArray:
    r"""The energy :math:`E_k` of layer k, the root of :math:`\Theta_{k,p}(-E_k)=0` (ABAC (2.16)).

    Critical points of index k are found, for large N, above -E_k only. :math:`E_0>E_1>\dots\to E_\infty`; at p = 2 all
    are :math:`\sqrt2`.
    """
    orders, indices = broadcast(p=as_orders(p), k=as_integers(k, "k", 0))
    values = [_layer(int(order), int(index)) for order, index in zip(orders.flat, indices.flat, strict=True)]
    return np.array(values, dtype=np.float64).reshape(orders.shape)[()]


@ignoring_underflow
def layer_barrier(p: ArrayLike, k: ArrayLike) -> FloatArray:
    r"""The least energy per spin, :math:`E_0-E_k`, between a critical point of index k and the ground state.

    A path from layer k to the ground state must descend through it; a path out of the ground state's well to a saddle
    of index k climbs at least N times as much (COLT15, section 2).
    """
    return ground_state_energy(p) - layer_energy(p, k)


@ignoring_underflow
def rate_function(u: ArrayLike, p: ArrayLike, derivative: int = 0) -> FloatArray:
    r"""The rate function I(u) and its first two derivatives; 0 above :math:`-E_\infty`.

    :math:`I(u)=-\frac{u}{E_\infty^2}\sqrt{u^2-E_\infty^2}-\log(-u+\sqrt{u^2-E_\infty^2})+\log E_\infty` for
    :math:`u\le-E_\infty` (ABAC (2.13)), :math:`I'(u)=-\frac{2}{E_\infty^2}\sqrt{u^2-E_\infty^2}`. The second derivative
    is infinite at the threshold.
    """
    energies, orders = broadcast(u=as_energies(u, "u"), p=as_orders(p))
    which = as_integer(derivative, "derivative", 0, 2)
    edge = 2.0 * np.sqrt((orders - 1.0) / orders)
    t = _angle(energies, orders)
    if which == 0:
        return (0.5 * sinh_excess(2.0 * t))[()]
    if which == 1:
        return (-2.0 / edge * np.sinh(t))[()]
    at_or_below = (energies < 0.0) & (_excess(energies, orders) >= 0.0)
    with np.errstate(divide="ignore"):
        return np.where(at_or_below, 2.0 / (edge**2 * np.tanh(t)), 0.0)[()]


@ignoring_underflow
def complexity(u: ArrayLike, p: ArrayLike, index: ArrayLike | None = None) -> FloatArray:
    r"""The complexity :math:`\lim\frac1N\log\mathrm E\,\mathrm{Crt}_N((-\infty,u])`, of one index or of all.

    All indices (ABAC Theorem 2.8): :math:`\Theta_p(u)=\frac12\log(p-1)-\frac{(p-2)u^2}{4(p-1)}-I(u)` for
    :math:`u\le-E_\infty`, without I(u) up to u = 0, and :math:`\frac12\log(p-1)` above.

    Index k (ABAC Theorem 2.5): :math:`\Theta_{k,p}(u)=\frac12\log(p-1)-\frac{(p-2)u^2}{4(p-1)}-(k+1)I(u)` for
    :math:`u\le-E_\infty`, and the constant :math:`\frac12\log(p-1)-\frac{p-2}{p}` above.

    Notes
    -----
    AISTATS15 (p. 197) prints the last constant with (H-2)/(4(H-1)) for (p-2)/p; the function would jump at the
    threshold (p = 3: 0.221574 against 0.013240), and ABAC has it right.

    :math:`e^{N\Theta}` is not a count: for p = 3, N = 1000 and index 0 it is :math:`e^{13.2}` at the plateau, where the
    exact mean number of minima is :math:`e^{24.4}`; see :func:`spinscape.theory.log_mean_critical_points`.
    """
    energies, orders, indices = broadcast(u=as_energies(u, "u"), p=as_orders(p), index=as_indices(index))
    weight = 1 if index is None else indices + 1
    rate = rate_function(energies, orders.astype(np.int64))
    # (p - 2)/p times u^2/E_inf^2, flat above 0 for all indices and above the threshold for one.
    square = np.where(energies < 0.0, 1.0 + _excess(energies, orders), 0.0)
    if index is not None:
        square = np.maximum(square, 1.0)
    with np.errstate(invalid="ignore"):
        quadratic = np.where(orders == 2, 0.0, (orders - 2.0) / orders * square)
    return (0.5 * np.log(orders - 1.0) - quadratic - weight * rate)[()]


@ignoring_underflow
def complexity_slope(u: ArrayLike, p: ArrayLike, index: ArrayLike | None = None) -> FloatArray:
    r"""The derivative of :func:`complexity` by u; from the left where that has a corner."""
    energies, orders, indices = broadcast(u=as_energies(u, "u"), p=as_orders(p), index=as_indices(index))
    weight = 1 if index is None else indices + 1
    with np.errstate(invalid="ignore"):
        quadratic = np.where(orders == 2, 0.0, -(orders - 2.0) / (2.0 * (orders - 1.0)) * energies)
    rising = (energies <= 0.0) & ((_excess(energies, orders) >= 0.0) | (index is None))
    return np.where(rising, quadratic - weight * rate_function(energies, orders.astype(np.int64), 1), 0.0)[()]


@ignoring_underflow
def negative_fraction(u: ArrayLike, p: ArrayLike) -> FloatArray:
    r"""Fraction of negative eigenvalues of the Hessian at a critical point of energy density u, as N grows.

    The spectrum is a semicircle of centre -pu and half-width :math:`2\sqrt{p(p-1)}` (ABAC Lemma 3.2), so the fraction
    is the mass of the semicircle on [-1, 1] below :math:`u/E_\infty`: 0 below :math:`-E_\infty`, 1/2 at u = 0.
    """
    energies, orders = broadcast(u=as_energies(u, "u"), p=as_orders(p))
    excess = np.clip(_excess(energies, orders), -1.0, 0.0)
    # (theta - sin theta cos theta)/pi, theta counted from the nearer edge: no cancellation there.
    theta = np.arctan2(np.sqrt(-excess), np.minimum(0.5 * np.sqrt(orders / (orders - 1.0)) * np.abs(energies), 1.0))
    mass = sine_excess(2.0 * theta) / (2.0 * np.pi)
    return np.where(energies <= 0.0, mass, 1.0 - mass)[()]


@sizes_in_order
@ignoring_underflow
def sharp_asymptotics(u: ArrayLike, N: Any, p: Any) -> FloatArray:
    r"""Natural logarithm of the mean number of critical points below u for large N, constants included.

    ABAC Theorem 2.17 (AISTATS15 Theorem 11.1), four regimes: below, at and above :math:`-E_\infty`, and above 0. The
    relative error is O(1/N) at fixed u but not uniform: at the threshold the formula is still 1.33 times the exact mean
    at N = 1000, and near 0 it fails within a layer of width :math:`N^{-1/2}`. Exact values:
    :func:`spinscape.theory.log_mean_critical_points`.

    Raises
    ------
    QuadraticModelError
        At p = 2, where the constants divide by p - 2.

    Notes
    -----
    The papers print Ai(0)/3 in the constant at the threshold, without Ai'(0)^2: 1.566 times too small.
    """
    order, size, energies = as_order(p), as_size(N), as_energies(u, "u")
    refuse_quadratic(float(order), "the sharp asymptotics")
    edge = float(threshold_energy(order))
    exponent = size * complexity(energies, order)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        regimes = [
            (energies < -edge, _log_constant_below(energies, order) - 0.5 * np.log(size)),
            (energies == -edge, np.full(energies.shape, _log_constant_at_edge(order) - np.log(size) / 3.0)),
            (energies < 0.0, _log_constant_above(energies, order)),
            (energies == 0.0, np.full(energies.shape, _log_constant_all(order) + 0.5 * np.log(size) - np.log(2.0))),
        ]
        everything = np.full(energies.shape, _log_constant_all(order) + 0.5 * np.log(size))
        constant = np.select([where for where, _ in regimes], [value for _, value in regimes], everything)
        return np.where(energies == -np.inf, -np.inf, exponent + constant)[()]


def _log_constant_below(u: FloatArray, p: int) -> FloatArray:
    """h(v)/sqrt(2 p pi) e^{I_1 - v I_1'/2} / (I_1' - Phi'), with v = sqrt(2) cosh t, I_1 - v I_1'/2 = -t."""
    t = _angle(u, np.float64(p))
    root = np.sqrt(np.tanh(0.5 * t))
    denominator = (p - 2.0) / p * np.sqrt(2.0) * np.cosh(t) + np.sqrt(2.0) * np.sinh(t)
    return np.log(root + 1.0 / root) - 0.5 * np.log(2.0 * p * np.pi) - t - np.log(denominator)


def _log_constant_at_edge(p: int) -> float:
    value, slope, _, _ = airy(0.0)
    return float(np.log(2.0 * np.sqrt(2.0 * p) / (p - 2.0) * (slope**2 + value / 3.0)))


def _log_constant_above(u: FloatArray, p: int) -> FloatArray:
    """2 sqrt(2 p (E_inf^2 - u^2)) / ((2 - p) pi u)."""
    return np.log(2.0 * np.sqrt(-8.0 * (p - 1.0) * _excess(u, np.float64(p))) / ((2.0 - p) * np.pi * u))


def _log_constant_all(p: int) -> float:
    return float(np.log(4.0 * np.sqrt(2.0) / np.sqrt(np.pi * (p - 2.0))))


def _excess(u: FloatArray, p: FloatArray | np.float64) -> FloatArray:
    """u^2/E_inf^2 - 1 = (p u^2 - 4(p - 1))/(4(p - 1)) to full relative accuracy for the double u."""
    bounded = np.clip(u, -1e100, 1e100)
    square, square_error = two_product(bounded, bounded)
    scaled, scaled_error = two_product(square, np.asarray(p))
    difference, error = two_sum(scaled, -4.0 * (np.asarray(p) - 1.0))
    exact = (difference + (error + scaled_error + square_error * p)) / (4.0 * (p - 1.0))
    return np.where(np.abs(u) > 1e100, np.inf, exact)


def _angle(u: FloatArray, p: FloatArray | np.float64) -> FloatArray:
    """The t >= 0 of u = -E_inf cosh t, and 0 above -E_inf."""
    return np.arcsinh(np.sqrt(np.where(u < 0.0, np.maximum(_excess(u, p), 0.0), 0.0)))


@lru_cache(maxsize=4096)
def _layer(p: int, k: int) -> float:
    """E_k = E_inf cosh t, t the root of a function that decreases from 1/2 log(p - 1) - (p - 2)/p > 0."""
    edge = float(threshold_energy(p))
    if p == 2:
        return edge

    def height(t: float) -> float:
        excess = 0.5 * float(sinh_excess(np.asarray(2.0 * t)))
        return float(0.5 * np.log(p - 1.0) - (p - 2.0) / p * np.cosh(t) ** 2 - (k + 1) * excess)

    top = acosh(np.sqrt(0.5 * np.log(p - 1.0) * p / (p - 2.0)))  # where it would vanish without the rate function
    t = brentq(height, 0.0, top, xtol=1e-17, rtol=4 * np.finfo(float).eps)
    return edge * float(np.cosh(t))
