"""The disorder has the right law: exact laws of H, gradient and Hessian at finite N (ABAC §3; AISTATS15 eq. 7).

Seeds are fixed; every p-value is compared with 5e-6, so a correct package fails one of the about 40 comparisons below
with probability 2e-4. Oracles: Gaussian, χ² and GOE laws in closed form, and ABAC Theorem 2.2 at N = 2.
"""

from functools import cache
from math import sqrt

import numpy as np
import pytest
from scipy import stats

import spinscape as sp

FALSE_ALARM = 5e-6
SAMPLES = 4000


def assert_law(samples, law):
    assert stats.kstest(samples, law.cdf).pvalue > FALSE_ALARM


def assert_mean(samples, mean):
    z = (np.mean(samples) - mean) / (np.std(samples) / sqrt(len(samples)))
    assert 2 * stats.norm.sf(abs(z)) > FALSE_ALARM


def pair_at_overlap(q, N):
    """Two points with w.w'/N = q, along no axis in particular."""
    basis = stats.ortho_group.rvs(N, random_state=np.random.default_rng(0))
    return sqrt(N) * np.array([basis[0], q * basis[0] + sqrt(1 - q * q) * basis[1]])


def assert_pair_law(energies, variance, covariance):
    """Pairs of energies are bivariate Gaussian: Mahalanobis squares are χ²(2), products have the mean covariance."""
    matrix = np.array([[variance, covariance], [covariance, variance]])
    squares = np.einsum("si,si->s", energies @ np.linalg.inv(matrix), energies)
    assert_law(squares, stats.chi2(2))
    assert_mean(energies[:, 0] * energies[:, 1], covariance)


@pytest.mark.parametrize("q", [-0.8, -0.3, 0.0, 0.5, 0.9])
@pytest.mark.parametrize("p", [3, 4])
def test_energy_covariance_is_N_q_to_the_p(p, q):
    N = 6
    w = pair_at_overlap(q, N)
    energies = np.array([sp.PureGlass(p, N, rng=seed).energy(w, n_threads=1) for seed in range(SAMPLES)])
    assert_pair_law(energies, N, N * q**p)


@pytest.mark.parametrize("q", [-0.6, 0.7])
def test_mixed_energy_covariance_is_N_xi(q):
    N, xi = 5, {2: 0.25, 3: 0.5, 4: 0.75}
    w = pair_at_overlap(q, N)
    energies = np.array([sp.MixedGlass(xi, N, rng=seed).energy(w, n_threads=1) for seed in range(SAMPLES)])
    assert_pair_law(energies, N * sum(xi.values()), N * sum(c * q**p for p, c in xi.items()))


def test_layered_energy_covariance_is_n_times_the_product_of_overlaps():
    n, overlaps = 4, (0.9, -0.7, 0.6)
    w = np.hstack([pair_at_overlap(q, n) for q in overlaps])
    energies = np.array([sp.LayeredGlass(3, n, rng=seed).energy(w, n_threads=1) for seed in range(SAMPLES)])
    assert_pair_law(energies, n, n * np.prod(overlaps))


def test_layered_gradient_of_each_sphere_is_chi_squared():
    n, p = 4, 3
    w = sp.LayeredGlass(p, n, rng=0).random_points(1, rng=5)
    g = np.array([sp.LayeredGlass(p, n, rng=seed).gradient(w, n_threads=1)[0] for seed in range(SAMPLES)])
    assert_law((g.reshape(-1, p, n) ** 2).sum(axis=2).ravel(), stats.chi2(n - 1))


@cache
def local_geometry(p, N):
    """H, the tangent gradient and tangent ∇²H of many disorders, each at its own uniform point, in a tangent basis."""
    energies, gradients, hessians = [], [], []
    for seed in range(SAMPLES):
        glass = sp.PureGlass(p, N, rng=seed)
        w = glass.random_points(1, rng=10**6 + seed)
        # The first row of Q^T is ±w/|w|, the others are a basis of the tangent space.
        tangent = np.linalg.qr(np.column_stack([w[0], np.eye(N)[:, : N - 1]]))[0][:, 1:]
        energy = glass.energy(w, n_threads=1)[0]
        energies.append(energy)
        gradients.append(glass.gradient(w, n_threads=1)[0] @ tangent)
        hessians.append(tangent.T @ glass.hessian(w, n_threads=1)[0] @ tangent + p * energy / N * np.eye(N - 1))
    return np.array(energies), np.array(gradients), np.array(hessians)


GEOMETRIES = pytest.mark.parametrize(("p", "N"), [(3, 6), (5, 4)])


@GEOMETRIES
def test_energy_is_gaussian_of_variance_N(p, N):
    assert_law(local_geometry(p, N)[0], stats.norm(0, sqrt(N)))


@GEOMETRIES
def test_squared_gradient_is_chi_squared(p, N):
    assert_law((local_geometry(p, N)[1] ** 2).sum(axis=1) / p, stats.chi2(N - 1))


@GEOMETRIES
def test_hessian_off_the_diagonal(p, N):
    i, j = np.triu_indices(N - 1, 1)
    assert_law(local_geometry(p, N)[2][:, i, j].ravel(), stats.norm(0, sqrt(p * (p - 1) / N)))


@GEOMETRIES
def test_hessian_on_the_diagonal(p, N):
    diagonal = np.einsum("sii->si", local_geometry(p, N)[2])
    assert_law(diagonal.ravel(), stats.norm(0, sqrt(2 * p * (p - 1) / N)))


@GEOMETRIES
def test_energy_gradient_and_hessian_are_independent(p, N):
    """All components, standardised, are one white Gaussian vector: its norm is χ² and its correlations vanish."""
    energies, gradients, hessians = local_geometry(p, N)
    i, j = np.triu_indices(N - 1)
    scale = np.sqrt(np.where(i == j, 2, 1) * p * (p - 1) / N)
    white = np.column_stack([energies / sqrt(N), gradients / sqrt(p), hessians[:, i, j] / scale])
    assert_law((white**2).sum(axis=1), stats.chi2(white.shape[1]))
    correlations = np.corrcoef(white, rowvar=False)[np.triu_indices(white.shape[1], 1)]
    assert stats.chi2(correlations.size).sf(SAMPLES * (correlations**2).sum()) > FALSE_ALARM


@GEOMETRIES
def test_riemannian_hessian_is_a_shifted_goe(p, N):
    """Its trace carries the shift -p u of every eigenvalue: tr + (N-1) p u ~ N(0, 2p(p-1)(N-1)/N), u independent."""
    energies, _, hessians = local_geometry(p, N)
    traces = np.einsum("sii->s", hessians)
    assert_law(traces, stats.norm(0, sqrt(2 * p * (p - 1) * (N - 1) / N)))
    assert stats.pearsonr(traces, energies).pvalue > FALSE_ALARM


@pytest.mark.parametrize("p", [3, 4, 5])
def test_mean_number_of_critical_points_at_N_2(p):
    """E Crt_2 = 2 sqrt(3p - 2) (ABAC Theorem 2.2). On the circle (c, s), dH/dθ is a form of degree p in (c, s); each
    real root t = s/c is two critical points. At N = 2 the packed coupling of rank k belongs to c^{p-k} s^k."""
    J = np.array([sp.PureGlass(p, 2, rng=seed).couplings for seed in range(20_000)])
    k = np.arange(p + 1)
    derivative = np.zeros_like(J)  # coefficient of c^{p-k} s^k in c ∂H/∂s - s ∂H/∂c
    derivative[:, :-1] += J[:, 1:] * k[1:]
    derivative[:, 1:] -= J[:, :-1] * (p - k[:-1])
    companion = np.zeros((len(J), p, p))
    companion[:, range(1, p), range(p - 1)] = 1
    companion[:, 0, :] = -derivative[:, p - 1 :: -1] / derivative[:, p:]
    roots = np.linalg.eigvals(companion)
    counts = 2 * (np.abs(roots.imag) < 1e-9 * (1 + np.abs(roots))).sum(axis=1)
    assert_mean(counts, 2 * sqrt(3 * p - 2))
    # The roots are where the package's own gradient vanishes.
    glass, real = sp.PureGlass(p, 2, rng=0), roots[0][np.abs(roots[0].imag) < 1e-9].real
    points = sqrt(2) * np.column_stack([np.ones_like(real), real]) / np.sqrt(1 + real[:, None] ** 2)
    np.testing.assert_allclose(glass.gradient(points), 0, atol=1e-10)
