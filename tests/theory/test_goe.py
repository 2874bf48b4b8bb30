"""The GOE toolbox: sampled matrices and tridiagonal models against exact laws, scales, semicircle, large deviations.

Samples have fixed seeds; each p-value is compared with 1e-6.
"""

import numpy as np
import pytest
from scipy import integrate, stats

from spinscape.conventions import goe_edge, rescale_goe
from spinscape.theory import goe

FALSE_ALARM = 1e-6


def test_matrices_have_the_stated_variances():
    """E M_ij² = (1 + δ_ij)/(2n), 4,000 matrices of n = 5: each entry's sum of squares is a χ²."""
    n, count = 5, 4000
    matrices = np.array([goe.sample_matrix(n, seed) for seed in range(count)])
    np.testing.assert_array_equal(matrices, matrices.transpose(0, 2, 1))
    squares = np.sum(matrices**2, axis=0) * 2 * n / (1 + np.eye(n))
    p_values = 2 * np.minimum(stats.chi2.cdf(squares, count), stats.chi2.sf(squares, count))
    assert p_values[np.triu_indices(n)].min() > FALSE_ALARM


@pytest.mark.parametrize(("n", "k"), [(2, 0), (3, 1), (5, 0), (5, 3), (5, 4)])
def test_tridiagonal_models_and_matrices_have_the_exact_law(n, k):
    """Kolmogorov-Smirnov distance of 1,500 samples of λ_k, of either kind, from the exact distribution."""
    tridiagonal = goe.sample_eigenvalues(n, 1, 1500, "mehta")[:, k]
    full = np.array([np.linalg.eigvalsh(goe.sample_matrix(n, seed, "mehta"))[k] for seed in range(1500)])
    for sample in (tridiagonal, full):
        found = stats.ks_1samp(sample, lambda y: np.exp(goe.eigenvalue_law(y, n, k).log_below))
        assert found.pvalue > FALSE_ALARM


def test_two_by_two_in_closed_form():
    """Oracle: the joint density ∝ (y1 - y0) e^{-(y0² + y1²)/2}, integrated by scipy."""
    total = integrate.dblquad(lambda b, a: (b - a) * np.exp(-(a * a + b * b) / 2), -12, 12, lambda a: a, 12)[0]
    for y in (-2.0, -0.3, 0.8):
        density = integrate.quad(lambda b, y=y: (b - y) * np.exp(-(y * y + b * b) / 2), y, 14)[0] / total
        assert goe.eigenvalue_law(y, 2, 0).log_density == pytest.approx(np.log(density), abs=1e-7)
        assert goe.eigenvalue_law(-y, 2, 1).log_density == pytest.approx(np.log(density), abs=1e-7)


def test_ordered_densities_add_up_to_the_one_point_density():
    y = np.linspace(-4.5, 4.5, 19)
    parts = np.logaddexp.reduce([goe.eigenvalue_law(y, 6, k).log_density for k in range(6)])
    np.testing.assert_allclose(parts, goe.log_density(y, 6), atol=1e-10)


def test_scales():
    """One spectrum in four scales: the edge of each, and the entries that define them."""
    assert [goe_edge(9, scale) for scale in ("abac", "mehta", "library", "unit")] == pytest.approx(
        [np.sqrt(2), np.sqrt(18), 6, 1]
    )
    for scale in ("abac", "mehta", "library", "unit"):
        values = goe.sample_eigenvalues(9, 3, 2, scale)
        np.testing.assert_allclose(values / goe_edge(9, scale), goe.sample_eigenvalues(9, 3, 2, "unit"), rtol=1e-14)
        np.testing.assert_allclose(rescale_goe(values, 9, scale, "mehta"), goe.sample_eigenvalues(9, 3, 2, "mehta"))
    entries = np.array([goe.sample_matrix(3, seed, "library")[0, 1] for seed in range(2000)])
    assert stats.kstest(entries, "norm").pvalue > FALSE_ALARM  # off-diagonal variance 1
    with pytest.raises(ValueError, match="scale: expected one of"):
        goe_edge(9, "wigner")


def test_semicircle():
    assert integrate.quad(goe.semicircle_density, -np.sqrt(2), np.sqrt(2))[0] == pytest.approx(1, abs=1e-9)
    for x in (-1.414, -1.2, 0.0, 0.7):
        mass = integrate.quad(goe.semicircle_density, -np.sqrt(2), x, epsabs=1e-13)[0]
        assert goe.semicircle_cdf(x) == pytest.approx(mass, abs=1e-10)
    np.testing.assert_array_equal(goe.semicircle_cdf([-9.0, 9.0]), [0, 1])
    values = np.sort(goe.sample_eigenvalues(1500, 0)[0])
    assert np.abs(goe.semicircle_cdf(values) - (np.arange(1500) + 0.5) / 1500).max() < 0.005  # rigid: O(log N/N)


def test_large_deviation_rate():
    """(k + 1) ∫_{√2}^{|x|} √(z² - 2) dz, and where the exact law of a large matrix tends to."""
    for x in (-1.5, -2.0, -3.0):
        rate = integrate.quad(lambda z: np.sqrt(z * z - 2), np.sqrt(2), -x)[0]
        for k in (0, 2):
            assert goe.large_deviation_rate(x, k) == pytest.approx((k + 1) * rate, rel=1e-8)
    np.testing.assert_array_equal(goe.large_deviation_rate([-1.0, 0.0, 2.0]), 0)
    gaps = []
    for N in (30, 120):
        y = np.sqrt(N) * -1.8
        gaps.append(goe.large_deviation_rate(-1.8) + goe.eigenvalue_law(y, N, 0).log_below / N)
    assert 0 > gaps[1] > gaps[0] / 2 > -0.1  # O(log N/N) from below


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: goe.sample_matrix(0, 0), "n"),
        (lambda: goe.sample_eigenvalues(3, 0, -1), "samples"),
        (lambda: goe.eigenvalue_law(0.0, 3, 3), "k"),
        (lambda: goe.eigenvalue_law(np.inf, 3, 0), "y"),
        (lambda: goe.large_deviation_rate(-2.0, -1), "k"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected"):
        call()
