r"""The one-point density of GOE_N for large N at a cost that does not grow with N, to rounding.

The density needs only :math:`\psi=\varphi_N`, its derivative and its integral at :math:`z=|y|`:

.. math::
   R_N=\tfrac12\bigl[\psi'^2+(2N-z^2)\psi^2+(\psi'+z\psi)(H-A)\bigr],\quad A=\int_z^\infty\psi,\quad
   H=\begin{cases}\tfrac12a_N(\infty)&N\text{ even}\\\sqrt{2/N}\,/a_{N-1}(\infty)&N\text{ odd}\end{cases}

:math:`\psi''=(z^2-M)\psi`, M = 2N + 1. With :math:`t=z/\sqrt M` and the distance :math:`\tau` to the turning point in
units of :math:`1/(\sqrt2N^{1/6})`:

* for :math:`|\tau|>18` the expansions in 1/M of parabolic cylinder functions (F. W. J. Olver, J. Res. NBS 63B, 131
  (1959); DLMF 12.10(ii)-(iv)), 17 terms; what they leave out is below rounding. The integral is
  :math:`\beta\psi'-\beta'\psi`, :math:`\beta` the solution without oscillation of :math:`\beta''+(M-z^2)\beta=-1`;
* between, the Taylor series of the equation itself from :math:`\tau=18` inwards, the direction in which it is stable.

For N of a few thousand both agree with the recurrence of :mod:`spinscape.theory.hermite` to 1e-13; that costs N steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from spinscape.conventions import FloatArray
from spinscape.theory.double_double import two_product
from spinscape.theory.elementary import sine_excess, sinh_excess
from spinscape.theory.hermite import total_primitive

TERMS = 17
INTEGRAL_TERMS = 14
EDGE_ZONE = 18.0
TAYLOR_ORDER = 34


class Expansion(NamedTuple):
    r"""Coefficients, by powers of :math:`X=1/(t^2-1)`, of the expansions for one N.

    Even and odd terms of the series of :math:`\psi` and of :math:`\psi'`; the series of :math:`M\beta`; and the
    constant in front of :math:`\psi`.
    """

    even: FloatArray
    odd: FloatArray
    slope_even: FloatArray
    slope_odd: FloatArray
    integral: FloatArray
    constant: float


class Functions(NamedTuple):
    """psi, psi' and H - A, the first two times e**-exponent."""

    value: FloatArray
    slope: FloatArray
    integral: FloatArray
    exponent: FloatArray


def log_density_large(y: FloatArray, N: int) -> FloatArray:
    """Natural logarithm of R_N(y), Mehta's scale, for N of 1000 or more."""
    z = np.abs(y)
    square, rest = two_product(z, z)
    excess = (square - (2.0 * N + 1.0)) + rest  # z^2 - M
    tau = excess / (z + np.sqrt(2.0 * N + 1.0)) / _airy_unit(N)
    result = np.empty_like(z)
    for zone, evaluate in (
        (tau < -EDGE_ZONE, _oscillating),
        (np.abs(tau) <= EDGE_ZONE, _turning),
        (tau > EDGE_ZONE, _decaying),
    ):
        if zone.any():
            result[zone] = _log_of_density(evaluate(excess[zone], tau[zone], N), z[zone], excess[zone])
    return result


def _log_of_density(f: Functions, z: FloatArray, excess: FloatArray) -> FloatArray:
    with np.errstate(under="ignore"):
        quadratic = f.slope**2 - (excess + 1.0) * f.value**2
        total = quadratic * np.exp(f.exponent) + (f.slope + z * f.value) * f.integral
    return np.log(0.5 * total) + f.exponent


def _airy_unit(N: int) -> float:
    return float(1.0 / (np.sqrt(2.0) * N ** (1.0 / 6.0)))


def _boundary(N: int) -> float:
    """H."""
    return 0.5 * total_primitive(N) if N % 2 == 0 else float(np.sqrt(2.0 / N)) / total_primitive(N - 1)


def _decaying(excess: FloatArray, tau: FloatArray, N: int) -> Functions:
    size, terms = 2.0 * N + 1.0, _expansion(N)
    x, t = size / excess, np.sqrt(1.0 + excess / size)
    root = np.sqrt(1.0 + x)
    value = terms.constant * x**0.25 * (_power_series(terms.even, x) + root * _power_series(terms.odd, x))
    series = _power_series(terms.slope_even, x) + root * _power_series(terms.slope_odd, x)
    slope = -terms.constant * np.sqrt(size) * x**-0.25 * series
    exponent = -0.25 * size * sinh_excess(2.0 * np.arcsinh(1.0 / np.sqrt(x)))
    primitive = _antiderivative(value, slope, x, t, terms, size)
    return Functions(value, slope, _boundary(N) + primitive * np.exp(exponent), exponent)


def _oscillating(excess: FloatArray, tau: FloatArray, N: int) -> Functions:
    size, terms = 2.0 * N + 1.0, _expansion(N)
    x, t = size / excess, np.sqrt(1.0 + excess / size)
    sine = np.sqrt(-1.0 / x)
    phase = 0.25 * size * sine_excess(2.0 * np.arctan2(sine, t)) - 0.25 * np.pi
    root = -t / sine
    cos, sin = np.cos(phase), np.sin(phase)
    amplitude = 2.0 * terms.constant / np.sqrt(sine)
    value = amplitude * (cos * _power_series(terms.even, x) - sin * root * _power_series(terms.odd, x))
    slope = _power_series(terms.slope_even, x) * sin + root * _power_series(terms.slope_odd, x) * cos
    slope *= 2.0 * terms.constant * np.sqrt(size * sine)
    return Functions(value, slope, _antiderivative(value, slope, x, t, terms, size), np.zeros_like(x))


def _antiderivative(
    value: FloatArray, slope: FloatArray, x: FloatArray, t: FloatArray, terms: Expansion, size: float
) -> FloatArray:
    r""":math:`\beta\psi'-\beta'\psi`, whose derivative is :math:`\psi`."""
    beta = _power_series(terms.integral, x) / size
    powers = np.arange(1, terms.integral.size)
    beta_x = _power_series(terms.integral[1:] * powers, x) / size
    return np.asarray(beta * slope + beta_x * (2.0 * t * x * x / np.sqrt(size)) * value)


def _power_series(coefficients: FloatArray, x: FloatArray | float) -> FloatArray:
    return np.asarray(np.polynomial.polynomial.polyval(x, coefficients), dtype=np.float64)


@lru_cache(maxsize=64)
def _expansion(N: int) -> Expansion:
    size = 2.0 * N + 1.0
    values, slopes = _olver_polynomials()
    even, odd = _collect(values, size, 0), _collect(values, size, 1)
    slope_even, slope_odd = _collect(slopes, size, 0), _collect(slopes, size, 1)
    # At z = 0, X = -1 and the odd terms vanish; psi or psi' there are products over the degrees below.
    if N % 2 == 0:
        at_zero = total_primitive(N) / np.sqrt(2.0 * np.pi)
        constant = at_zero / (2.0 * float(_power_series(even, -1.0)))
    else:
        at_zero = np.sqrt(2.0 * N) * total_primitive(N - 1) / np.sqrt(2.0 * np.pi)
        constant = at_zero / (2.0 * np.sqrt(size) * float(_power_series(slope_even, -1.0)))
    return Expansion(even, odd, slope_even, slope_odd, _integral_series(size), float(constant))


def _collect(polynomials: list[list[Fraction]], size: float, parity: int) -> FloatArray:
    """The sum over s of one parity of polynomial s over size**s, as coefficients of powers of X."""
    total = np.zeros(max(len(polynomial) for polynomial in polynomials))
    for s in range(parity, len(polynomials), 2):
        coefficients = np.array([float(c) for c in polynomials[s]])
        total[: coefficients.size] += coefficients / size**s
    return total


def _integral_series(size: float) -> FloatArray:
    """M beta by powers of X: beta_0 = X/M and beta_{n+1} = X/M^2 times the second derivative of beta_n in t."""
    term = np.polynomial.Polynomial([0.0, 1.0])
    total = term
    for _ in range(INTEGRAL_TERMS):
        first, second = term.deriv(), term.deriv(2)
        curvature = np.polynomial.Polynomial([0, 0, 6, 8]) * first + np.polynomial.Polynomial([0, 0, 0, 4, 4]) * second
        term = np.polynomial.Polynomial([0, 1]) * curvature / size**2
        total = total + term
    return np.asarray(total.coef)


@lru_cache(maxsize=1)
def _olver_polynomials() -> tuple[list[list[Fraction]], list[list[Fraction]]]:
    r"""Olver's :math:`u_s` and :math:`v_s` over :math:`(t^2-1)^{3s/2}`: polynomials in X, for odd s times a root.

    That root, :math:`\sqrt{1+X}`, is left out.

    :math:`(t^2-1)u_s'-3stu_s=r_{s-1}`, :math:`8r_s=(3t^2+2)u_s-12(s+1)tr_{s-1}+4(t^2-1)r_{s-1}'`,
    :math:`v_s=u_s+\frac12tu_{s-1}-r_{s-2}` (DLMF 12.10.7-12.10.13).
    """
    zero = [Fraction(0)]
    u, v = [[Fraction(1)]], []
    r: list[list[Fraction]] = []
    for s in range(TERMS):
        if s > 0:
            u.append(_solve_for_u(r[s - 1], s))
        previous = r[s - 1] if s > 0 else zero
        rest = _times([Fraction(-12 * (s + 1)) * c for c in previous], [0, 1])
        lift = _times([4 * k * c for k, c in enumerate(previous)][1:] or zero, [-1, 0, 1])
        r.append([c / 8 for c in _plus(_plus(_times(u[s], [2, 0, 3]), rest), lift)])
        half = _times(u[s - 1], [Fraction(0), Fraction(1, 2)]) if s > 0 else zero
        v.append(_plus(_plus(u[s], half), [-c for c in r[s - 2]] if s > 1 else zero))
    return [_in_x(c, s) for s, c in enumerate(u)], [_in_x(c, s) for s, c in enumerate(v)]


def _solve_for_u(right: list[Fraction], s: int) -> list[Fraction]:
    """The polynomial solution; for even s the one whose degree is below 3s."""
    degree = 3 * s
    r = right + [Fraction(0)] * (degree + 3 - len(right))
    a = [Fraction(0)] * (degree + 3)
    if s % 2:
        a[1] = -r[0]
        for k in range(1, degree - 1, 2):
            a[k + 2] = ((k - 3 * s) * a[k] - r[k + 1]) / (k + 2)
    else:
        for k in range(degree - 2, -1, -2):
            a[k] = (r[k + 1] + (k + 2) * a[k + 2]) / (k - 3 * s)
    return a[: degree + 1]


def _in_x(coefficients: list[Fraction], s: int) -> list[Fraction]:
    """Sum of c_k t^k over (t^2 - 1)^(3s/2), t^2 = (1 + X)/X; for odd s divided by sqrt(1 + X)."""
    total = [Fraction(0)]
    for k, c in enumerate(coefficients):
        if c:
            power = [Fraction(1)]
            for _ in range(k // 2):
                power = _times(power, [1, 1])
            total = _plus(total, [Fraction(0)] * ((3 * s - k) // 2) + [c * value for value in power])
    return total


def _plus(a: list[Fraction], b: list[Fraction]) -> list[Fraction]:
    size = max(len(a), len(b))
    padded = [list(c) + [Fraction(0)] * (size - len(c)) for c in (a, b)]
    return [x + y for x, y in zip(*padded, strict=True)]


def _times(a: list[Fraction], b: Sequence[int | Fraction]) -> list[Fraction]:
    result = [Fraction(0)] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            result[i + j] += x * y
    return result


def _turning(excess: FloatArray, tau: FloatArray, N: int) -> Functions:
    steps = _taylor_steps(N)
    which = np.clip((EDGE_ZONE - tau).astype(np.int64), 0, len(steps) - 1)
    local = tau - (EDGE_ZONE - 0.5 - which)
    coefficients = np.array(steps)[which]
    value, slope, integral = np.zeros_like(tau), np.zeros_like(tau), np.zeros_like(tau)
    for k in range(TAYLOR_ORDER, -1, -1):
        value = value * local + coefficients[:, k]
        integral = integral * local + coefficients[:, k] / (k + 1.0)
        if k > 0:
            slope = slope * local + k * coefficients[:, k]
    unit = _airy_unit(N)
    return Functions(value, slope / unit, coefficients[:, -1] + unit * local * integral, np.zeros_like(tau))


@lru_cache(maxsize=64)
def _taylor_steps(N: int) -> list[FloatArray]:
    r"""Taylor coefficients of :math:`\psi(\tau)` about 17.5, 16.5, ..., -17.5, and H - A there as the last entry."""
    size, unit = 2.0 * N + 1.0, _airy_unit(N)
    linear, quadratic = 2.0 * np.sqrt(size) * unit**3, unit**4  # psi'' = (linear tau + quadratic tau^2) psi
    delta = unit * EDGE_ZONE
    start = _decaying(np.array([delta * (2.0 * np.sqrt(size) + delta)]), np.array([EDGE_ZONE]), N)
    scale = np.exp(start.exponent[0])
    value, slope, integral = start.value[0] * scale, start.slope[0] * scale * unit, start.integral[0]
    steps = []
    for step in range(int(2 * EDGE_ZONE)):
        # From the right end of a unit interval to its centre, and on to its left end.
        centre = EDGE_ZONE - 0.5 - step
        about_end = _taylor(value, slope, centre + 0.5, linear, quadratic)
        value, slope, change = _move(about_end, -0.5)
        integral += unit * change
        about_centre = _taylor(value, slope, centre, linear, quadratic)
        steps.append(np.append(about_centre, integral))
        value, slope, change = _move(about_centre, -0.5)
        integral += unit * change
    return steps


def _taylor(value: float, slope: float, tau: float, linear: float, quadratic: float) -> FloatArray:
    """Coefficients up to TAYLOR_ORDER of the solution with this value and slope at tau."""
    c = np.zeros(TAYLOR_ORDER + 1)
    c[0], c[1] = value, slope
    constant, first = linear * tau + quadratic * tau * tau, linear + 2.0 * quadratic * tau
    for k in range(TAYLOR_ORDER - 1):
        total = constant * c[k]
        total += first * c[k - 1] if k > 0 else 0.0
        total += quadratic * c[k - 2] if k > 1 else 0.0
        c[k + 2] = total / ((k + 1) * (k + 2))
    return c


def _move(c: FloatArray, step: float) -> tuple[float, float, float]:
    """Value and slope after the step, and the integral over it."""
    powers = step ** np.arange(c.size)
    k = np.arange(c.size)
    slope = float(np.sum(k[1:] * c[1:] * powers[:-1]))
    return float(np.sum(c * powers)), slope, float(np.sum(c * powers * step / (k + 1.0)))
