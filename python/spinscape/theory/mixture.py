"""The mixture function ξ of a spherical Gaussian model: E[H_N(w) H_N(w')] = N ξ(w·w'/N), ξ(q) = Σ_p c_p q^p.

Wherever a function of this package asks for `xi` it takes

- a glass, or whatever has its coefficients as `xi`: the covariance of its couplings, without spikes and fields;
- a mapping {p: c_p} with integers p ≥ 1 and c_p ≥ 0, such as {3: 0.5, 4: 0.5}; p = 1 is a random field;
- or, for a series without a finite list of coefficients, a function xi(q, order) that returns the derivative
  of that order at every q of an array: orders 0 and 1 are asked for on [0, 1], order 2 (3 and 4 too by
  `is_full_rsb`) on [0, 1). Where ξ''(1) is infinite, as for a ReLU neuron (spinscape.covariances), ground states
  exist and critical points cannot be counted: what needs ξ''(1) says so.

A mixture need not be normalised to ξ(1) = 1: energies scale with the square root of ξ.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from spinscape.conventions import FloatArray, Xi
from spinscape.results import storable

MixtureFunction: TypeAlias = Callable[[ArrayLike, int], FloatArray]

BELOW_ONE = float(np.nextafter(1.0, 0.0))  # where ξ'' is asked for in place of 1


@storable
@dataclass(frozen=True)
class Mixture:
    """ξ(q) = Σ_p c_p q^p with finitely many terms; `terms` holds the pairs (p, c_p), c_p > 0, by rising p."""

    terms: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, coefficients: Mapping[int, float]) -> Mixture:
        """The mixture of a mapping {p: c_p}; ValueError unless p ≥ 1, c_p ≥ 0 and some c_p > 0 with p ≥ 2."""
        terms = sorted((_order_of(p), _coefficient(p, c)) for p, c in coefficients.items())
        terms = [(p, c) for p, c in terms if c > 0]
        if not any(p >= 2 for p, _ in terms):
            raise ValueError(f"xi: expected a positive coefficient at some p >= 2, got {dict(coefficients)!r}")
        _check_scale(sum(c for _, c in terms), sum(float(p) * (p - 1) * c for p, c in terms))
        return cls(tuple(terms))

    def __call__(self, q: ArrayLike, order: int = 0) -> FloatArray:
        """The derivative of ξ at q, elementwise: Σ_p c_p p(p−1)…(p−order+1) q^(p−order)."""
        points = np.asarray(q, dtype=np.float64)
        total = np.zeros_like(points)
        for p, c in self.terms:
            if p >= order:
                falling = float(np.prod(np.arange(p - order + 1, p + 1, dtype=np.float64)))
                total = total + c * falling * points ** (p - order)
        return total


@dataclass(frozen=True)
class MixtureAtOne:
    """ξ(1), ξ'(1), ξ''(1) and what the complexity needs of them.

    radial_variance is α² = ξ(ξ''+ξ') − ξ'², so that at given u = H/N the radial derivative r = w·∇H/N has
    variance α²/(Nξ). It is Σ c_p c_s (p−s)² over pairs p < s: 0 for the pure models alone, where r = p u.
    """

    value: float
    first: float
    second: float
    radial_variance: float


def mixture(xi: Xi) -> MixtureFunction:
    """`xi` checked and as a function of (q, order); TypeError or ValueError if it cannot be a mixture."""
    if isinstance(xi, Mixture):
        return xi
    xi = getattr(xi, "xi", xi)  # a glass: read by name, for theory imports no simulation
    if isinstance(xi, Mapping):
        return Mixture.of(xi)
    if not callable(xi):
        raise TypeError(f"xi: expected {{p: c_p}}, a glass or a function xi(q, order), got {type(xi).__name__}")
    given = xi

    def elementwise(q: ArrayLike, order: int) -> FloatArray:
        points = np.asarray(q, dtype=np.float64)
        # a constant derivative may come back as a scalar
        return np.broadcast_to(np.asarray(given(points, order), dtype=np.float64), points.shape)

    _check(elementwise)
    return elementwise


def at_one(xi: Xi) -> MixtureAtOne:
    """The values of ξ and its derivatives at q = 1; ValueError where ξ''(1) is not finite."""
    function = mixture(xi)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value, first, second = (float(function(1.0, order)) for order in range(3))
    if not np.isfinite(second):
        raise ValueError(f"xi: expected a finite xi''(1) (a field with Hessians), got {second}")
    if isinstance(function, Mixture):  # without the cancellation below: exactly 0 for a pure model
        terms = function.terms
        variance = float(sum(c * e * (p - s) ** 2 for p, c in terms for s, e in terms if p < s))
    else:
        scale = value * (second + first)
        variance = scale - first**2
        variance = variance if variance > 1e-14 * scale else 0.0  # below this it is the rounding of a pure model
    return MixtureAtOne(value, first, second, variance)


def _order_of(p: object) -> int:
    try:
        order = operator.index(p)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"xi: expected integer keys p, got {p!r}") from None
    if isinstance(p, bool) or order < 1:
        raise ValueError(f"xi: expected keys p >= 1 (a constant term moves no critical point), got {p!r}")
    return order


def _coefficient(p: object, c: object) -> float:
    try:
        value = float(c)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"xi: expected a real coefficient at p={p!r}, got {c!r}") from None
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"xi: expected a finite coefficient >= 0 at p={p!r}, got {c!r}")
    return value


def deficit(xi: MixtureFunction, q: FloatArray) -> FloatArray:
    """ξ(1) − ξ(q) without cancellation; for a function, a lower bound near q = 1.

    There it is the Gauss–Legendre sum of ξ' over [q, 1], and Gauss rules underestimate functions all of whose
    derivatives are positive.
    """
    q = np.asarray(q, dtype=np.float64)
    if isinstance(xi, Mixture):
        with np.errstate(divide="ignore", under="ignore"):
            logarithm = np.log1p(q - 1)
            return np.asarray(-sum(c * np.expm1(p * logarithm) for p, c in xi.terms))
    nodes, weights = np.polynomial.legendre.leggauss(16)
    rest = 1 - q[..., np.newaxis]
    near = np.sum(weights * xi(1 - rest * (1 - nodes) / 2, 1), axis=-1) * (1 - q) / 2
    return np.where(q > 0.99, near, xi(1.0, 0) - xi(q, 0))


def integral_of_root(xi: MixtureFunction, low: float, high: float) -> tuple[float, float]:
    """∫ √ξ'' from low to high, and a bound of its error: overlaps are rounded next to 1, where ξ'' may be singular."""
    x, w = _dyadic_rule()
    q = np.minimum(low + (high - low) * x, BELOW_ONE)
    parts = w * np.sqrt(xi(q, 2)) * (high - low)
    return float(parts.sum()), float(parts @ (np.finfo(np.float64).eps / (1 - q)))


@cache
def _dyadic_rule() -> tuple[FloatArray, FloatArray]:
    """Gauss–Legendre panels on [0, 1] that halve towards both ends.

    √ξ'' may start like a fractional power at 0, end like one at 1, and rises within 1/p of 1, at any scale: each panel
    is as wide as its distance from the nearer end.
    """
    nodes, weights = np.polynomial.legendre.leggauss(48)
    lengths = 0.5 ** np.arange(2, 54)
    ends = np.concatenate([[0.0], lengths[::-1], [0.5], 1 - lengths, [1.0]])
    half = np.diff(ends)[:, np.newaxis] / 2
    return (ends[:-1, np.newaxis] + half * (1 + nodes)).ravel(), (half * weights).ravel()


def _check(xi: MixtureFunction) -> None:
    """Refuse functions that cannot be ξ, ξ', ξ'' of one mixture: the usual slip is a wrong derivative."""
    x, weights = _dyadic_rule()
    q = np.minimum(x, BELOW_ONE)
    rows = [xi(np.concatenate([[0.0], q, [1.0]]), order) for order in range(2)] + [xi(np.concatenate([[0.0], q]), 2)]
    for order, row in enumerate(rows):
        if not np.all(np.isfinite(row)) or row[0] < 0 or np.any(np.diff(row) < -1e-12 * abs(row[-1])):
            raise ValueError(f"xi: derivative {order} must be finite, non-negative and non-decreasing on [0, 1)")
    for order in (0, 1):
        rise, integral = rows[order][-1] - rows[order][0], float(weights @ rows[order + 1][1 : len(q) + 1])
        if abs(rise - integral) > 1e-6 * max(abs(rise), abs(integral)):
            raise ValueError(
                f"xi: derivative {order + 1} does not integrate to derivative {order}: "
                f"{integral:.9g} against {rise:.9g} over [0, 1]"
            )
    if rows[0][0] != 0:
        raise ValueError(f"xi: expected xi(0) = 0, got {rows[0][0]:.9g}")
    if rows[2][-1] <= 0:
        raise ValueError("xi: expected xi'' > 0 next to 1; a purely linear field has two critical points")
    _check_scale(float(rows[0][-1]), float(rows[2][-1]))


def _check_scale(value: float, second: float) -> None:
    """Squares and products of ξ and its derivatives must fit a double."""
    for name, number in (("xi(1)", value), ("xi''(1)", second)):
        if not 1e-100 <= number <= 1e100:
            raise ValueError(f"xi: expected {name} between 1e-100 and 1e100, got {number:.3g}; rescale the energy")
