"""Duals of activations. Oracles: two-dimensional expectations in mpmath, derivatives of closed forms, each other."""

import mpmath
import numpy as np
import pytest

from spinscape.covariances import ArcCosine, hermite_coefficients, mixture_of


def expectation(n, q):
    """E[θ(x)x^n θ(y)y^n] at correlation q: in polar coordinates an integral over one angle."""
    with mpmath.workdps(25):
        angle = mpmath.acos(q)
        radial = mpmath.factorial(n) * 2**n / (2 * mpmath.pi)  # ∫ r^(2n+1) e^{-r²/2} dr = 2^n n!
        overlap = mpmath.quad(
            lambda t: (mpmath.cos(t) * mpmath.cos(t - angle)) ** n, [angle - mpmath.pi / 2, mpmath.pi / 2]
        )
        return float(radial * overlap)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_duals_are_expectations(n):
    xi = ArcCosine(n)
    for q in (-0.5, 0.1, 0.6, 0.99):
        assert float(xi(q)) == pytest.approx(expectation(n, q) - expectation(n, 0.0), abs=1e-14)
    assert float(xi(0.0)) == 0


def angle(x):
    return mpmath.pi - mpmath.acos(x)


DUALS = [
    lambda x: angle(x) / (2 * mpmath.pi),
    lambda x: (mpmath.sqrt(1 - x * x) + x * angle(x)) / (2 * mpmath.pi),
    lambda x: (3 * x * mpmath.sqrt(1 - x * x) + (1 + 2 * x * x) * angle(x)) / (2 * mpmath.pi),
]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_derivatives(n):
    xi = ArcCosine(n)
    with mpmath.workdps(30):
        for q in (0.2, 0.9):
            for order in range(1, n + 5):
                assert float(xi(q, order)) == pytest.approx(float(mpmath.diff(DUALS[n], q, order)), rel=1e-12)
    assert np.isfinite(xi(1.0, n))
    assert np.isinf(xi(1.0, n + 1))


@pytest.mark.parametrize(("n", "activation"), [(1, lambda x: np.maximum(x, 0)), (2, lambda x: np.maximum(x, 0) ** 2)])
def test_hermite_coefficients_are_the_taylor_series(n, activation):
    mu = hermite_coefficients(activation, 60)
    q = np.array([0.05, 0.2, 0.4])
    series = sum(c * q**k for k, c in mixture_of(mu).items())
    np.testing.assert_allclose(series, ArcCosine(n)(q), rtol=1e-11)


def test_a_hermite_polynomial_is_a_pure_model():
    mu = hermite_coefficients(lambda x: (x**3 - 3 * x) / np.sqrt(6), 6)
    np.testing.assert_allclose(mu, np.eye(7)[3], atol=1e-13)


def test_parseval():
    """E tanh² = Σ μ_k²; the rest beyond order 100 is small."""
    mu = hermite_coefficients(np.tanh, 100)
    exact = float(mpmath.quad(lambda x: mpmath.tanh(x) ** 2 * mpmath.npdf(x), mpmath.linspace(-14, 14, 15)))
    assert np.sum(mu**2) == pytest.approx(exact, abs=1e-9)


def test_refusals_name_the_argument():
    with pytest.raises(ValueError, match="n: expected an integer from 0 to 2"):
        ArcCosine(3)
    with pytest.raises(ValueError, match="order: expected an integer from 0 to 5"):
        ArcCosine(1)(0.5, 6)
    with pytest.raises(TypeError, match="activation: expected a function"):
        hermite_coefficients("relu", 3)
    with pytest.raises(ValueError, match="activation: expected finite values"):
        hermite_coefficients(lambda x: np.full(x.shape, np.nan), 3)
    with pytest.raises(ValueError, match="coefficients: expected finite numbers"):
        mixture_of([[1.0]])
