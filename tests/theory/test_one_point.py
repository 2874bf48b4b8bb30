"""The one-point density of the GOE against mpmath, its own two algorithms against each other, and exact integrals."""

import mp_goe
import mpmath
import numpy as np
import pytest

from spinscape.theory import goe, one_point
from spinscape.theory.hermite_large import log_density_large
from spinscape.theory.quadrature import log_integral, log_integrals

IN_UNITS_OF_THE_EDGE = np.array([0, 0.1, 0.5, 0.9, 0.97, 0.99, 0.999, 1, 1.001, 1.01, 1.05, 1.2, 2, 10, 1e3, 1e6])


def relative_error(values, y, N, digits):
    """Error of R_N; of its logarithm over the logarithm's size where that is large."""
    with mpmath.workdps(digits):
        expected = [mpmath.log(mp_goe.one_point_density(x, N)) for x in y]
        return max(abs(v - e) / max(1, abs(e) / 100) for v, e in zip(values, expected, strict=True))


@pytest.mark.parametrize("N", [1, 2, 3, 10, 25, 100, 101, 999])
def test_density_against_mpmath(N):
    y = np.append(IN_UNITS_OF_THE_EDGE * np.sqrt(2 * N), [1.2345, -0.3, 1e7])
    assert relative_error(goe.log_density(y, N), y, N, 50) < 2e-13


@pytest.mark.parametrize("N", [2001, 10000])
def test_large_density_against_mpmath(N):
    edge, unit = np.sqrt(2 * N + 1), 1 / (np.sqrt(2) * N ** (1 / 6))
    y = np.concatenate([edge * np.array([0, 0.7, 1.3]), edge + unit * np.array([-19, -17, -3.2, 0, 4, 17.5, 18.5])])
    assert relative_error(goe.log_density(y, N), y, N, 60) < 2e-13


@pytest.mark.parametrize("N", [500, 1000, 1001, 3000, 10001])
def test_recurrence_and_expansions_agree(N):
    """They share nothing but the formula of the density: N steps of a recurrence, or no dependence of cost on N."""
    edge, unit = np.sqrt(2 * N + 1), 1 / (np.sqrt(2) * N ** (1 / 6))
    y = -np.concatenate(
        [edge * np.linspace(0, 1.3, 41), edge + unit * np.linspace(-20, 20, 41), edge * np.array([3, 40])]
    )
    previous = one_point.LARGE
    one_point.LARGE = 10**9
    try:
        recurrence = one_point.log_density(y, N)
    finally:
        one_point.LARGE = previous
    difference = (log_density_large(y, N) - recurrence) / np.maximum(1, np.abs(recurrence) / 100)
    assert np.abs(difference).max() < 3e-13


@pytest.mark.parametrize("N", [10**6, 10**9, 10**12])
def test_huge_sizes_tend_to_the_semicircle(N):
    x = np.array([-1.2, 0.0, 0.3, 1.3])
    density = np.exp(goe.log_density(np.sqrt(N) * x, N)) / np.sqrt(N)
    np.testing.assert_allclose(density, goe.semicircle_density(x), rtol=20 / N + 1e-14)


def test_density_is_even_and_keeps_its_shape():
    y = np.array([[0.3, -0.3], [2.0, -2.0]])
    values = goe.log_density(y, 7)
    assert values.shape == (2, 2)
    np.testing.assert_array_equal(values[:, 0], values[:, 1])
    assert goe.log_density(np.inf, 5) == goe.log_density(-np.inf, 5000) == -np.inf
    assert goe.log_density(1e200, 5) == -np.inf
    assert goe.log_density([], 5).shape == (0,)


@pytest.mark.parametrize("N", [1, 2, 3, 10, 101, 1000, 4000])
def test_the_density_integrates_to_the_size(N):
    assert log_integral(N, np.zeros_like) == pytest.approx(np.log(N), abs=1e-13)
    assert log_integral(N, np.zeros_like, -np.inf, 0.0) == pytest.approx(np.log(N / 2), abs=1e-13)


@pytest.mark.parametrize(
    ("N", "lower", "upper", "c"), [(3, -1.0, 0.2, 0.3), (10, -9.0, -5.0, 0.1), (25, -7.5, 2.0, 0.45)]
)
def test_integrals_against_mpmath(N, lower, upper, c):
    with mpmath.workdps(30):
        cuts = mpmath.linspace(lower, upper, 5)
        expected = mpmath.log(mpmath.quad(lambda y: mp_goe.one_point_density(y, N) * mpmath.exp(-c * y * y), cuts))
    assert abs(log_integral(N, lambda y: -c * y * y, lower, upper) - expected) < 1e-13


@pytest.mark.parametrize("N", [10**4, 10**6, 10**9])
def test_integrals_do_not_depend_on_how_they_are_cut(N):
    edge = np.sqrt(2 * N)
    cuts = np.concatenate([[-np.inf], -edge * np.array([1.01, 1.0, 0.99, 0.5]), [-3.0, 0.0, 2.0, np.inf]])
    pieces = log_integrals(N, lambda y: -y * y / 6, cuts)
    whole = log_integral(N, lambda y: -y * y / 6)
    assert np.logaddexp.reduce(pieces) == pytest.approx(whole, rel=1e-13)
    assert pieces[0] == pytest.approx(log_integral(N, lambda y: -y * y / 6, -2 * edge, cuts[1]), rel=1e-13)


def test_a_weight_sharper_than_the_eigenvalue_spacing_is_resolved():
    """A narrow Gaussian bump reads off the density."""
    width, centre, N = 1e-4, -12.3, 100
    bump = log_integral(N, lambda y: -0.5 * ((y - centre) / width) ** 2)
    assert bump - np.log(width * np.sqrt(2 * np.pi)) == pytest.approx(float(goe.log_density(centre, N)), abs=1e-6)


def test_empty_intervals_and_vanishing_weights():
    assert log_integral(10, np.zeros_like, 1.0, 1.0) == -np.inf
    assert log_integral(10, np.zeros_like, 2.0, 1.0) == -np.inf
    assert log_integral(10, lambda y: np.full_like(y, -np.inf)) == -np.inf


@pytest.mark.parametrize("N", [0, -3, 2.5, "7", True, None])
def test_a_bad_size_is_named(N):
    with pytest.raises((TypeError, ValueError), match="N: expected"):
        goe.log_density(0.0, N)


@pytest.mark.parametrize("y", [np.nan, [0.0, np.nan], "1", 1j, None])
def test_a_bad_point_is_named(y):
    with pytest.raises((TypeError, ValueError), match="y: expected"):
        goe.log_density(y, 5)
