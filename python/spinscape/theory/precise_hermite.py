r"""Hermite functions and their primitives in 31 digits, for the determinants of :mod:`spinscape.theory.window`."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from spinscape.conventions import FloatArray
from spinscape.theory.double_double import DoubleDouble, product
from spinscape.theory.elementary import decay_exponent

PI = DoubleDouble(np.asarray(3.141592653589793), np.asarray(1.2246467991473532e-16))
LN2 = DoubleDouble(np.asarray(0.6931471805599453), np.asarray(2.3190468138462996e-17))
RESCALING_PERIOD = 8


class Oscillators(NamedTuple):
    """Orthonormal Hermite functions at points of windows; true values are phi * 2**exponent.

    phi : DoubleDouble of shape (windows, degrees, points), degrees first to N, at most 1 over the degrees
    exponent : (windows, points) float64
    at_last : DoubleDouble of shape (windows, N + 1)
        All degrees at the last point, true values.
    first : int
    """

    phi: DoubleDouble
    exponent: FloatArray
    at_last: DoubleDouble
    first: int


def hermite_functions(y: DoubleDouble, N: int) -> Oscillators:
    """Hermite functions of degrees up to N at the points y, shape (windows, points), increasing, in 31 digits.

    Degrees too low to reach the window are left out: near the edge only some 30 N^(1/3) are not below 2^-130.
    """
    first = _first_degree(float(y.high[:, -1].max()), N)
    current, exponent = _ground_function(y)
    previous = DoubleDouble.of(np.zeros(y.shape))
    high = np.empty((y.shape[0], N + 1 - first, y.shape[1]))
    low, exponents = np.empty_like(high), np.empty_like(high)
    last_high, last_low = np.empty((2, y.shape[0], N + 1))
    for j, (up, down) in enumerate(_recurrence(N)):
        if j >= first:
            high[:, j - first], low[:, j - first], exponents[:, j - first] = current.high, current.low, exponent
        # Terms below 2^-1000 of the largest cannot matter; they would only underflow.
        last = current[:, -1].scaled(np.maximum(exponent[:, -1], -1000))
        last_high[:, j], last_low[:, j] = last.high, last.low
        previous, current = current, y * current * up - previous * down
        if j % RESCALING_PERIOD == 0:
            _, shift = np.frexp(np.maximum(np.abs(current.high), np.abs(previous.high)))
            current, previous, exponent = current.scaled(-shift), previous.scaled(-shift), exponent + shift
    _, size = np.frexp(high)
    common = np.max(np.where(high != 0.0, exponents + size, -np.inf), axis=1)
    phi = DoubleDouble(high, low).scaled(np.maximum(exponents - common[:, None], -4000))
    return Oscillators(phi, common, DoubleDouble(last_high, last_low), first)


def _first_degree(s: float, N: int) -> int:
    """The lowest degree whose function at s is within 2^-130 of the largest, by its exponential decay."""
    decay = decay_exponent(np.asarray(min(s, 0.0)), 2.0 * np.arange(N + 1.0) + 1.0)
    return int(np.flatnonzero(decay < decay.min() + 90.0)[0])


@lru_cache(maxsize=8)
def _recurrence(N: int) -> list[tuple[DoubleDouble, DoubleDouble]]:
    r"""The coefficients :math:`\sqrt{2/(j+1)}` and :math:`\sqrt{j/(j+1)}`, j = 0 ... N."""
    j = np.arange(N + 1.0)
    up, down = (DoubleDouble.of(2.0) / (j + 1.0)).sqrt(), (DoubleDouble.of(j) / (j + 1.0)).sqrt()
    return [(up[i], down[i]) for i in range(N + 1)]


def _ground_function(y: DoubleDouble) -> tuple[DoubleDouble, FloatArray]:
    r""":math:`\pi^{-1/4}e^{-y^2/2}` with its exponent of two."""
    square = y * y * 0.5
    exponent = np.rint(square.high / np.log(2.0))
    return (-(square - LN2 * exponent)).exp() / PI.sqrt().sqrt(), -exponent


def boundary_constant(N: int, at_s: DoubleDouble, s: DoubleDouble) -> DoubleDouble:
    r""":math:`\kappa(s)`, from the Hermite functions at s, shape (windows, N + 1).

    For even N, :math:`a_N(s)-a_N(\infty)/2=\int_0^s\varphi_N`; for odd N, :math:`a_N` itself is needed. Both obey
    the recurrence of the primitives from a Gaussian integral or from a single function.
    """
    if N % 2 == 0:
        value, start = half_gaussian_integral(s), 1
    else:
        value, start = at_s[:, 0] * -DoubleDouble.of(2.0).sqrt(), 2
    for j, (up, down) in enumerate(_recurrence(N)[start:N:2]):
        value = value * down - at_s[:, start + 2 * j] * up
    value = value * DoubleDouble.of(0.5 * N).sqrt()
    return value if N % 2 == 0 else value + 1.0 / total_integral(N - 1)


@lru_cache(maxsize=64)
def total_integral(j: int) -> DoubleDouble:
    r""":math:`a_j(\infty)=\sqrt2\,\pi^{1/4}\prod_{m\le j/2}\sqrt{(2m-1)/(2m)}`, even j."""
    constant = DoubleDouble.of(2.0).sqrt() * PI.sqrt().sqrt()
    if j == 0:
        return constant
    m = np.arange(1.0, j // 2 + 1.0)
    return constant * product(DoubleDouble.of(2.0 * m - 1.0) / (2.0 * m)).sqrt()


def half_gaussian_integral(s: DoubleDouble) -> DoubleDouble:
    r""":math:`\int_0^s\varphi_0=\tfrac12a_0(\infty)\,\mathrm{erf}(s/\sqrt2)`, by a series of positive terms."""
    far = total_integral(0) * (0.5 * np.sign(s.high))
    beyond = np.abs(s.high) >= 13.0  # where erf differs from 1 by less than 1e-37
    if beyond.all():
        return far
    inside = np.where(beyond, 0.0, np.abs(s.high))
    square = DoubleDouble.of(inside) * inside
    term = total = DoubleDouble.of(inside)
    n = 0
    while np.any(term.high > 1e-33 * total.high):
        n += 1
        term = term * square / (2.0 * n + 1.0)
        total = total + term
    mantissa, exponent = _ground_function(DoubleDouble.of(inside))
    near = (total * mantissa).scaled(exponent) * np.sign(s.high)
    return DoubleDouble(np.where(beyond, far.high, near.high), np.where(beyond, far.low, near.low))
