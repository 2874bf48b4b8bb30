r"""Covariances of random fields on the sphere that networks define: duals of activations.

A neuron :math:`G(w)=P^{-1/2}\sum_\mu\epsilon_\mu\,\sigma(x_\mu\cdot w/\sqrt N)` with random signs and Gaussian inputs
is, for many samples, a Gaussian field on the sphere :math:`|w|^2=N` whose covariance at overlap q is the dual of its
activation (Daniely, Frostig and Singer, NeurIPS 2016),

.. math:: \hat\sigma(q)=E[\sigma(x)\sigma(y)]=\sum_k\mu_k^2q^k,\qquad\mu_k=E[\sigma(x)\,{\rm He}_k(x)]/\sqrt{k!},

x and y standard normal with correlation q. Its constant term moves no critical point; centred samples do not have it.
What is left is a mixture :math:`\xi`, for `theory` and for simulated glasses alike: a function ``xi(q, order)`` or a
mapping ``{k: μ_k²}``.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinscape.arrays import as_integer, described

FloatArray = NDArray[np.float64]

_FARTHEST = 12.0  # standard deviations: exp(-72) is below the rounding of any activation that grows like a power
_PANELS = 24  # a side
_MOST_ORDERS = 100


class ArcCosine:
    r"""The dual of :math:`\sigma(x)=\theta(x)x^n`, less its constant: n = 0 a step, 1 a ReLU, 2 its square.

    As a function, ``(q, order)``: the derivative of that order. With the angle :math:`\varphi=\pi-\arccos q` the duals
    :math:`\kappa_n` (Cho and Saul, NeurIPS 2009) are

    .. math:: 2\pi\kappa_0=\varphi,\quad 2\pi\kappa_1=\sqrt{1-q^2}+q\varphi,\quad
              2\pi\kappa_2=3q\sqrt{1-q^2}+(1+2q^2)\varphi,\qquad\kappa_n'=n^2\kappa_{n-1}.

    Derivatives beyond n are infinite at q = 1: a gradient (n = 0) or Hessian (n = 1) that grows with the number of
    samples, at kinks.
    """

    def __init__(self, n: int) -> None:
        self.n = as_integer(n, "n", 0, 2)

    def __call__(self, q: ArrayLike, order: int = 0) -> FloatArray:
        """Return the derivative at every q in [-1, 1]; order from 0 to n + 4."""
        points = np.asarray(q, dtype=np.float64)
        order = as_integer(order, "order", 0, self.n + 4)
        if order == 0:
            return self._dual(self.n, points) - self._dual(self.n, np.zeros(()))
        taken = min(order, self.n)  # κ_n' = n² κ_{n-1} as often as there is an n
        factor = (factorial(self.n) // factorial(self.n - taken)) ** 2
        if order <= self.n:
            return factor * self._dual(self.n - taken, points)
        return factor * self._step(order - taken, points)

    @staticmethod
    def _dual(n: int, q: FloatArray) -> FloatArray:
        angle = np.pi - np.arccos(q)
        root = np.sqrt((1 - q) * (1 + q))
        return np.asarray((angle, root + q * angle, 3 * q * root + (1 + 2 * q * q) * angle)[n] / (2 * np.pi))

    @staticmethod
    def _step(order: int, q: FloatArray) -> FloatArray:
        """Derivatives of φ/2π, of order 1 to 4."""
        numerator = (np.ones_like(q), q, 1 + 2 * q**2, q * (9 + 6 * q**2))[order - 1]
        with np.errstate(divide="ignore"):
            return np.asarray(numerator * ((1 - q) * (1 + q)) ** (0.5 - order) / (2 * np.pi))

    def __repr__(self) -> str:
        return f"ArcCosine({self.n})"


def hermite_coefficients(activation: Callable[[FloatArray], ArrayLike], most: int) -> FloatArray:
    r"""Return :math:`\mu_0\dots\mu_{most}` of an activation, :math:`\mu_k=E[\sigma(x){\rm He}_k(x)]/\sqrt{k!}`.

    activation : a function of an array, elementwise; smooth but for kinks or jumps at 0, of growth below e^{x²/5}.
    most : largest k, at most 100. Absolute errors are about 1e-14 of the standard deviation of σ(x).

    Raises TypeError or ValueError naming the argument.
    """
    most = as_integer(most, "most", 0, _MOST_ORDERS)
    if not callable(activation):
        raise TypeError(f"activation: expected a function of an array, got {described(activation)}")
    nodes, weights = np.polynomial.legendre.leggauss(32)
    ends = np.linspace(-_FARTHEST, _FARTHEST, 2 * _PANELS + 1)
    half = np.diff(ends)[:, None] / 2
    x = ((ends[:-1] + ends[1:])[:, None] / 2 + half * nodes).ravel()
    values = np.asarray(activation(x), dtype=np.float64)
    if values.shape != x.shape or not np.isfinite(values).all():
        raise ValueError(f"activation: expected finite values of shape {x.shape}, got shape {values.shape}")
    measure = (half * weights).ravel() * values * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    coefficients = np.empty(most + 1)
    before, now = np.zeros_like(x), np.ones_like(x)  # orthonormal Hermite polynomials
    for k in range(most + 1):
        coefficients[k] = measure @ now
        before, now = now, (x * now - np.sqrt(k) * before) / np.sqrt(k + 1)
    return coefficients


def mixture_of(coefficients: ArrayLike) -> dict[int, float]:
    r"""Return {k: μ_k²}, k >= 1: the dual of :math:`\sum_k\mu_k{\rm He}_k/\sqrt{k!}` as a mixture."""
    mu = np.asarray(coefficients, dtype=np.float64)
    if mu.ndim != 1 or not np.isfinite(mu).all():
        raise ValueError(f"coefficients: expected finite numbers (orders,), got shape {mu.shape}")
    return {k: float(mu[k] ** 2) for k in range(1, len(mu)) if mu[k] != 0}
