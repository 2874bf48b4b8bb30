r"""Arrays of about 31 significant digits, each number the unevaluated sum of two doubles.

Sums and products go through the error-free transformations of Knuth and Dekker (1971). Only what the
determinants of :mod:`spinscape.theory.counting_law` need is here. NumPy has no portable wider type
(``longdouble`` is 64 bits on several platforms), and Python's decimals are not vectorised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spinscape.conventions import FloatArray

SPLITTER = 134217729.0  # 2^27 + 1


def two_sum(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rounded sum and its exact error (Knuth)."""
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)


def quick_two_sum(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """As :func:`two_sum` for abs(a) >= abs(b)."""
    total = a + b
    return total, b - (total - a)


def split(a: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two halves of 26 bits each, exact for abs(a) < 1e300 (Dekker)."""
    carrier = SPLITTER * a
    high = carrier - (carrier - a)
    return high, a - high


def two_product(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rounded product and its exact error (Dekker)."""
    product = a * b
    a_high, a_low = split(a)
    b_high, b_low = split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


@dataclass(frozen=True, eq=False)
class DoubleDouble:
    """An array of numbers high + low, both of one shape, abs(low) below half an ulp of high."""

    high: FloatArray
    low: FloatArray

    # Makes `ndarray * DoubleDouble` call the reflected method below instead of looping over elements.
    __array_ufunc__ = None

    @staticmethod
    def of(value: ArrayLike | DoubleDouble) -> DoubleDouble:
        """A double-double equal to an array of doubles (or the argument itself)."""
        if isinstance(value, DoubleDouble):
            return value
        high = np.asarray(value, dtype=np.float64)
        return DoubleDouble(high, np.zeros_like(high))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of both parts."""
        return self.high.shape

    @property
    def transposed(self) -> DoubleDouble:
        """The last two axes exchanged."""
        return DoubleDouble(np.swapaxes(self.high, -1, -2), np.swapaxes(self.low, -1, -2))

    def __getitem__(self, key: Any) -> DoubleDouble:
        return DoubleDouble(np.asarray(self.high[key]), np.asarray(self.low[key]))

    def __neg__(self) -> DoubleDouble:
        return DoubleDouble(-self.high, -self.low)

    def __add__(self, other: ArrayLike | DoubleDouble) -> DoubleDouble:
        other = DoubleDouble.of(other)
        high, error = two_sum(self.high, other.high)
        low, low_error = two_sum(self.low, other.low)
        high, error = quick_two_sum(high, error + low)
        return DoubleDouble(*quick_two_sum(high, error + low_error))

    __radd__ = __add__

    def __sub__(self, other: ArrayLike | DoubleDouble) -> DoubleDouble:
        return self + (-DoubleDouble.of(other))

    def __rsub__(self, other: ArrayLike | DoubleDouble) -> DoubleDouble:
        return DoubleDouble.of(other) + (-self)

    def __mul__(self, other: ArrayLike | DoubleDouble) -> DoubleDouble:
        if not isinstance(other, DoubleDouble):
            factor = np.asarray(other, dtype=np.float64)
            high, error = two_product(self.high, factor)
            return DoubleDouble(*quick_two_sum(high, error + self.low * factor))
        high, error = two_product(self.high, other.high)
        return DoubleDouble(*quick_two_sum(high, error + (self.high * other.low + self.low * other.high)))

    __rmul__ = __mul__

    def __truediv__(self, other: ArrayLike | DoubleDouble) -> DoubleDouble:
        other = DoubleDouble.of(other)
        first = self.high / other.high
        remainder = self - other * first
        second = remainder.high / other.high
        third = (remainder - other * second).high / other.high
        return DoubleDouble(*quick_two_sum(first, second)) + third

    def __rtruediv__(self, other: ArrayLike | DoubleDouble) -> DoubleDouble:
        return DoubleDouble.of(other) / self

    def sqrt(self) -> DoubleDouble:
        """Square root of numbers >= 0: the double root and one Newton step."""
        root = DoubleDouble.of(np.sqrt(self.high))
        with np.errstate(divide="ignore", invalid="ignore"):
            step = (self - root * root).high / (2.0 * root.high)
        return root + np.where(root.high > 0.0, step, 0.0)

    def exp(self) -> DoubleDouble:
        """Exponential of numbers of absolute value below 1: Taylor's series of x/256, squared 8 times."""
        small = self.scaled(-8)
        value = DoubleDouble.of(np.ones_like(self.high))
        for n in range(14, 0, -1):
            value = (value * small) / float(n) + 1.0
        for _ in range(8):
            value = value * value
        return value

    def scaled(self, exponent: ArrayLike) -> DoubleDouble:
        """Times 2**exponent; exact unless it underflows."""
        shift = np.asarray(exponent, dtype=np.int32)
        return DoubleDouble(np.ldexp(self.high, shift), np.ldexp(self.low, shift))


def stack(parts: list[DoubleDouble], axis: int = 0) -> DoubleDouble:
    """Join along an existing axis."""
    return DoubleDouble(
        np.concatenate([part.high for part in parts], axis=axis),
        np.concatenate([part.low for part in parts], axis=axis),
    )


def product(factors: DoubleDouble) -> DoubleDouble:
    """Product of a vector, by halves."""
    while factors.shape[0] > 1:
        half = factors.shape[0] // 2
        rest = factors[2 * half :]
        factors = stack([factors[:half] * factors[half : 2 * half], rest])
    return factors[0]


def matmul(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """Matrix product over the last two axes, one rank-one update at a time; for inner sizes of a hundred."""
    total = a[..., :, 0:1] * b[..., 0:1, :]
    for k in range(1, a.shape[-1]):
        total = total + a[..., :, k : k + 1] * b[..., k : k + 1, :]
    return total


def gram(a: DoubleDouble, b: DoubleDouble, bits: int) -> DoubleDouble:
    r"""``a.T @ b`` for entries of absolute value at most 1 and a long first axis, through exact BLAS products.

    Both factors are cut into slices of `bits` bits; products of slices are sums of integers that BLAS adds
    without rounding as long as ``2 * bits + log2(length) <= 53`` (Ozaki et al., Numer. Algorithms 59, 2012).
    """
    count = -(-105 // bits)
    left, right = _slices(a, count, bits), _slices(b, count, bits)
    products = np.swapaxes(left, -1, -2) @ right
    rows, columns = a.shape[-1], b.shape[-1]
    total = DoubleDouble.of(np.zeros((*products.shape[:-2], rows, columns)))
    for level in range(count, -1, -1):
        for i in range(level + 1):
            j = level - i
            if i < count and j < count:
                part = products[..., i * rows : (i + 1) * rows, j * columns : (j + 1) * columns]
                total = total + np.ldexp(part, -bits * (level + 2))
    return total


def _slices(a: DoubleDouble, count: int, bits: int) -> FloatArray:
    """Integer slices of `a`, most significant first, side by side along the last axis."""
    high, low = a.high, a.low
    slices = []
    for _ in range(count):
        high, low = np.ldexp(high, bits), np.ldexp(low, bits)
        part = np.rint(high)
        high, low = quick_two_sum(high - part, low)
        slices.append(part)
    return np.concatenate(slices, axis=-1)


def triangulate(matrices: DoubleDouble) -> tuple[DoubleDouble, FloatArray]:
    """Upper triangles of a stack of matrices (n rows, n or more columns) by Gauss with partial pivoting.

    Returns
    -------
    triangles : DoubleDouble
        The shape of `matrices`; what is below the diagonal is meaningless.
    sign : (stack,) float64
        Of the row permutations.
    """
    high, low = matrices.high.copy(), matrices.low.copy()
    stack_size, n, _ = high.shape
    rows = np.arange(stack_size)
    sign = np.ones(stack_size)
    for k in range(n - 1):
        chosen = k + np.argmax(np.abs(high[:, k:, k]), axis=1)
        for part in (high, low):
            part[rows, k], part[rows, chosen] = part[rows, chosen], part[rows, k].copy()
        sign = np.where(chosen == k, sign, -sign)
        pivot = DoubleDouble(high[:, k, k, None], low[:, k, k, None])
        factor = DoubleDouble(high[:, k + 1 :, k], low[:, k + 1 :, k]) / pivot
        _eliminate(high[:, k:, k + 1 :], low[:, k:, k + 1 :], factor)
    return DoubleDouble(high, low), sign


def _eliminate(high: FloatArray, low: FloatArray, factor: DoubleDouble) -> None:
    """Subtract factor times the first row from the others, in place; the inner loop, so written out."""
    left, left_low = factor.high[:, :, None], factor.low[:, :, None]
    right, right_low = high[:, :1], low[:, :1]
    update, error = two_product(left, right)
    error += left * right_low + left_low * right
    total, rounding = two_sum(high[:, 1:], -update)
    rounding += low[:, 1:] - error
    high[:, 1:], low[:, 1:] = quick_two_sum(total, rounding)


def log_determinants(matrices: DoubleDouble) -> tuple[DoubleDouble, FloatArray]:
    """Determinants of a stack of square matrices as (mantissa, exponent of two).

    The rows are brought to one size first, so that rows of very different size keep their own accuracy.
    """
    _, shift = np.frexp(np.abs(matrices.high).max(axis=-1))
    triangles, sign = triangulate(matrices.scaled(-shift[..., None]))
    mantissa, exponent = DoubleDouble.of(sign), shift.sum(axis=-1).astype(np.float64)
    for k in range(matrices.shape[-1]):
        mantissa = mantissa * triangles[:, k, k]
        _, shift = np.frexp(mantissa.high)
        mantissa, exponent = mantissa.scaled(-shift), exponent + shift
    return mantissa, exponent


def solve(matrices: DoubleDouble, right: DoubleDouble) -> DoubleDouble:
    """Solutions of a stack of linear systems: `matrices` (stack, n, n), `right` (stack, n)."""
    triangles, _ = triangulate(stack([matrices, right[..., None]], axis=-1))
    n = right.shape[-1]
    solution: list[DoubleDouble] = []
    for k in range(n - 1, -1, -1):
        value = triangles[:, k, n]
        for j, known in zip(range(n - 1, k, -1), solution, strict=True):
            value = value - triangles[:, k, j] * known
        solution.append(value / triangles[:, k, k])
    return stack([value[:, None] for value in reversed(solution)], axis=-1)
