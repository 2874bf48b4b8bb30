"""Double-double arithmetic against mpmath at 50 digits and exact rational arithmetic."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinscape.theory.double_double import DoubleDouble, gram, log_determinants, matmul, product, solve, stack

numbers = st.floats(-1e50, 1e50).filter(lambda x: x == 0 or abs(x) > 1e-50)


def pair(a, b):
    """A double-double with high part a and a low part that b chooses, and its exact value."""
    low = a * 2.0**-54 * np.sin(b)
    return DoubleDouble(np.array([np.float64(a)]), np.array([low])), Fraction(float(a)) + Fraction(float(low))


def exact(value):
    return Fraction(float(value.high.flat[0])) + Fraction(float(value.low.flat[0]))


def random(shape, seed):
    rng = np.random.default_rng(seed)
    high = rng.uniform(-1, 1, shape)
    return DoubleDouble(high, high * rng.uniform(-1, 1, shape) * 2.0**-54)


def as_mp(value):
    rows = np.atleast_2d(value.high).shape
    high, low = np.atleast_2d(value.high), np.atleast_2d(value.low)
    return mpmath.matrix(
        [[mpmath.mpf(high[i, j]) + mpmath.mpf(low[i, j]) for j in range(rows[1])] for i in range(rows[0])]
    )


@given(numbers, numbers, numbers, numbers)
def test_field_operations_are_exact_to_31_digits(a, b, c, d):
    (x, x_value), (y, y_value) = pair(a, b), pair(c, d)
    size = abs(x_value) + abs(y_value)
    assert abs(exact(x + y) - (x_value + y_value)) <= Fraction(2, 10**31) * size
    assert abs(exact(x - y) - (x_value - y_value)) <= Fraction(2, 10**31) * size
    assert abs(exact(x * y) - x_value * y_value) <= Fraction(2, 10**31) * abs(x_value * y_value)
    assert abs(exact(x * c) - x_value * Fraction(c)) <= Fraction(2, 10**31) * abs(x_value * Fraction(c))
    if y_value != 0:
        assert abs(exact(x / y) - x_value / y_value) <= Fraction(5, 10**31) * abs(x_value / y_value)
    assert abs(exact(c + x) - (x_value + Fraction(c))) <= Fraction(2, 10**31) * (abs(x_value) + abs(Fraction(c)))
    assert exact(2.0 - x) == exact(-(x - 2.0))


@pytest.mark.parametrize("x", [-0.99, -0.3, 1e-9, 0.5, 0.7])
def test_exponential_and_root(x):
    with mpmath.workdps(50):
        value = DoubleDouble.of(np.array([x])).exp()
        assert abs(as_mp(value)[0] / mpmath.exp(mpmath.mpf(x)) - 1) < 1e-29
        root = DoubleDouble.of(np.array([abs(x)])).sqrt()
        assert abs(as_mp(root)[0] / mpmath.sqrt(mpmath.mpf(abs(x))) - 1) < 1e-31
    assert float(DoubleDouble.of(np.array([0.0])).sqrt().high[0]) == 0.0


def test_matrix_products_and_the_product_of_a_vector():
    a, b = random((5, 7), 1), random((7, 3), 2)
    with mpmath.workdps(50):
        expected = as_mp(a) * as_mp(b)
        assert mpmath.mnorm(as_mp(matmul(a, b)) - expected) < 1e-30
        vector = as_mp(random((1, 7), 3))
        assert abs(as_mp(product(random((7,), 3)))[0] / mpmath.fprod(vector) - 1) < 1e-29


@pytest.mark.parametrize("bits", [19, 21, 24])
def test_gram_of_a_long_axis(bits):
    """Entries of very different size, as the Hermite functions have them."""
    a, b = random((60, 4), 4), random((60, 5), 5)
    sizes = np.ldexp(1.0, -np.arange(60))[:, None]
    a, b = a * sizes, b * sizes
    with mpmath.workdps(50):
        expected = as_mp(a).T * as_mp(b)
        assert mpmath.mnorm(as_mp(gram(a, b, bits)) - expected) < 5e-31


def test_determinants_and_linear_systems_keep_rows_of_any_size():
    matrices = random((3, 6, 6), 6) * np.ldexp(1.0, -40 * np.arange(6))[None, :, None]
    right = random((3, 6), 7)
    mantissa, exponent = log_determinants(matrices)
    solution = solve(matrices, right)
    with mpmath.workdps(120):
        for i in range(3):
            expected = mpmath.det(as_mp(matrices[i]))
            value = as_mp(mantissa)[i] * mpmath.mpf(2) ** int(exponent[i])
            assert abs(value / expected - 1) < 1e-27
            expected = mpmath.lu_solve(as_mp(matrices[i]), as_mp(right[i]).T)
            assert mpmath.norm(as_mp(solution[i]).T - expected) < 1e-26 * mpmath.norm(expected)


def test_joining_and_indexing():
    a = random((2, 3), 8)
    np.testing.assert_array_equal(stack([a, a], axis=1).high, np.concatenate([a.high, a.high], axis=1))
    np.testing.assert_array_equal(a.transposed.low, a.low.T)
    np.testing.assert_array_equal(a[1].high, a.high[1])
    np.testing.assert_array_equal((np.ones(3) * a).high, a.high)
