"""Mixture functions: values against explicit sums, and the errors of the door."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinscape.theory.mixture import Mixture, at_one, mixture

coefficients = st.dictionaries(st.integers(1, 30), st.floats(1e-3, 10.0), min_size=1, max_size=4).filter(
    lambda c: any(p >= 2 for p in c)
)


def exponential(q, order):
    """ξ(q) = e^q − 1: all derivatives are e^q."""
    return np.exp(q) - (order == 0)


@given(coefficients, st.integers(0, 3))
def test_derivatives_are_those_of_the_polynomial(terms, order):
    dense = np.zeros(31)
    for p, c in terms.items():
        dense[p] = c
    q = np.linspace(0, 1, 7)
    np.testing.assert_allclose(
        mixture(terms)(q, order), np.polynomial.Polynomial(dense).deriv(order)(q), rtol=1e-12, atol=1e-300
    )


@given(coefficients)
def test_radial_variance_in_exact_arithmetic(terms):
    exact = {p: Fraction(c) for p, c in terms.items()}
    value = sum(exact.values())
    first = sum(p * c for p, c in exact.items())
    second = sum(p * (p - 1) * c for p, c in exact.items())
    expected = float(value * (second + first) - first**2)
    assert at_one(terms).radial_variance == pytest.approx(expected, rel=1e-12, abs=1e-13 * float(first) ** 2)


@pytest.mark.parametrize("p", [2, 3, 7, 50])
def test_pure_models_have_no_radial_variance(p):
    assert at_one({p: 0.3}).radial_variance == 0.0
    assert at_one(lambda q, order: Mixture(((p, 0.3),))(q, order)).radial_variance == 0.0


def test_a_function_and_its_coefficients_agree():
    by_function = at_one(exponential)
    series = {p: 1.0 / np.prod(np.arange(1.0, p + 1)) for p in range(1, 25)}
    by_series = at_one(series)
    for name in ("value", "first", "second", "radial_variance"):
        assert getattr(by_function, name) == pytest.approx(getattr(by_series, name), rel=1e-12)


@pytest.mark.parametrize(
    ("xi", "error", "words"),
    [
        ({0: 1.0, 3: 1.0}, ValueError, "keys p >= 1"),
        ({3: -0.1}, ValueError, "coefficient >= 0"),
        ({3: float("nan")}, ValueError, "coefficient >= 0"),
        ({3: float("inf")}, ValueError, "coefficient >= 0"),
        ({1: 1.0}, ValueError, "p >= 2"),
        ({}, ValueError, "p >= 2"),
        ({3: 0.0}, ValueError, "p >= 2"),
        ({2.5: 1.0}, TypeError, "integer keys"),
        ({True: 1.0, 3: 1.0}, ValueError, "keys p >= 1"),
        ({3: "much"}, TypeError, "real coefficient"),
        ({3: 1e-300}, ValueError, "rescale"),
        ({3: 1e300, 4: 1e300}, ValueError, "rescale"),
        ({10**60: 1.0}, ValueError, "rescale"),
        (lambda q, order: 1e-200 * Mixture(((3, 1.0),))(q, order), ValueError, "rescale"),
        (3, TypeError, r"xi\(q, order\)"),
        (lambda q, order: np.cos(q), ValueError, "non-decreasing"),
        (lambda q, order: np.exp(q) + 0 * order, ValueError, r"xi\(0\) = 0"),
        (lambda q, order: [q**3, 3 * q**2, 5 * q][order], ValueError, "derivative 2 does not integrate"),
        (lambda q, order: [q, 1.0, 0.0][order], ValueError, "linear"),
        (lambda q, order: np.zeros(3), ValueError, "broadcast"),
    ],
)
def test_what_is_not_a_mixture_is_refused(xi, error, words):
    with pytest.raises(error, match=words):
        mixture(xi)


def test_xi_of_a_glass_is_read_by_name():
    class Glass:
        xi = {3: 0.5, 4: 0.5}  # noqa: RUF012

    assert mixture(Glass()) == mixture({3: 0.5, 4: 0.5})
    assert at_one(Glass()) == at_one({3: 0.5, 4: 0.5})
    with pytest.raises(TypeError, match=r"xi: expected \{p: c_p\}, a glass or a function xi\(q, order\), got int"):
        mixture(3)
