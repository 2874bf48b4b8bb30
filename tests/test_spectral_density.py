"""Stochastic Lanczos quadrature against exact eigenvalues, the semicircle and exact moments."""

import numpy as np
import pytest

import spinscape as sp


def goe(n, seed):
    """Edge √2."""
    gaussian = np.random.default_rng(seed).normal(size=(n, n))
    return (gaussian + gaussian.T) / np.sqrt(4 * n)


def smoothed(eigenvalues, grid, width):
    return np.exp(-((grid[:, None] - eigenvalues) ** 2) / (2 * width**2)).mean(axis=1) / (width * np.sqrt(2 * np.pi))


def test_density_of_exact_eigenvalues():
    """30 probes, 200 correlated points, |z| <= 6 (Student, 29 degrees): the seed is fixed."""
    matrix = goe(250, 1)
    matrix[:3, :3] += 4 * np.eye(3)  # outliers
    found = sp.spectral_density(matrix, 250, probes=30, steps=120, width=0.08, grid=200, rng=2)
    exact = smoothed(np.linalg.eigvalsh(matrix), found.grid, found.width)
    z = (found.density - exact) / (found.error + 1e-9)
    assert np.abs(z).max() < 6
    assert 0.3 < np.sqrt(np.mean(z[exact > 1e-3] ** 2)) < 2
    assert np.trapezoid(found.density, found.grid) == pytest.approx(1, abs=1e-3)
    outliers, error = found.fraction(3.0, np.inf)
    assert abs(outliers - 3 / 250) < 5 * error


def test_semicircle():
    found = sp.spectral_density(goe(1500, 3), 1500, probes=4, steps=60, width=0.15, rng=0)
    x = np.linspace(-np.sqrt(2), np.sqrt(2), 4001)
    law = np.sqrt(np.maximum(2 - x**2, 0)) / np.pi
    expected = np.trapezoid(
        law * np.exp(-((found.grid[:, None] - x) ** 2) / (2 * 0.15**2)) / (0.15 * np.sqrt(2 * np.pi)), x, axis=1
    )
    assert np.abs(found.density - expected).max() < 0.02


def test_moments_are_exact_for_a_full_basis_of_probes():
    """A polynomial of degree below 2 steps: the quadrature of one probe is v.A^k v, to rounding."""
    matrix = goe(40, 5)
    found = sp.spectral_density(matrix, 40, probes=1, steps=4, rng=7)
    from spinscape.randomness import child_seeds, seed_from

    v = np.random.default_rng(child_seeds(seed_from(7), 1)[0]).normal(size=40)
    v /= np.linalg.norm(v)
    for order in range(8):
        assert found.moment(order)[0] == pytest.approx(v @ np.linalg.matrix_power(matrix, order) @ v, abs=1e-12)
    assert abs(found.moment(8)[0] - v @ np.linalg.matrix_power(matrix, 8) @ v) > 1e-9
    assert np.isnan(found.moment(1)[1])


def test_a_glass_and_its_tangent_space():
    glass = sp.PureGlass(3, 30, rng=1)
    point = glass.random_points(1, rng=2)
    found = sp.spectral_density(glass, point, probes=20, steps=29, width=0.4, rng=3)
    assert found.n == 29
    eigenvalues, vectors = np.linalg.eigh(glass.hessian(point)[0])
    tangent = np.abs(vectors.T @ point[0]) < 0.5 * np.sqrt(30)
    exact = smoothed(eigenvalues[tangent], found.grid, 0.4)
    assert np.abs(found.density - exact).max() < 6 * found.error.max()
    same = sp.spectral_density(glass, point[0], probes=20, steps=29, width=0.4, rng=3)
    assert np.array_equal(same.density, found.density)


def test_a_multiple_of_the_identity_ends_at_once():
    found = sp.spectral_density(lambda v: 2.5 * v, 7, probes=2, steps=5, rng=0)
    assert found.products == 2
    assert found.fraction(2.4, 2.6)[0] == pytest.approx(1)
    assert "n=7" in repr(found)


def test_refusals_name_the_argument():
    with pytest.raises(ValueError, match="operator: expected a symmetric one"):
        sp.spectral_density(np.triu(np.ones((20, 20))), 20, rng=0)
    with pytest.raises(ValueError, match="where: expected one point of 5 coordinates"):
        sp.spectral_density(sp.PureGlass(3, 5, rng=0), np.ones((2, 5)))
    with pytest.raises(ValueError, match="steps"):
        sp.spectral_density(np.eye(3), 3, steps=0)
    with pytest.raises(OverflowError, match="operator: expected finite products"):
        sp.spectral_density(lambda v: v * np.nan, 3, rng=0)
