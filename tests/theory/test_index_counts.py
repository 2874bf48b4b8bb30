"""Mean counts per index: closed forms, printed values, identities of Morse theory and parity, sampled matrices."""

import numpy as np
import pytest

from spinscape import theory as th


def counts(N, p, **limits):
    return np.array([np.exp(th.log_mean_critical_points(N, p, index=k, **limits)) for k in range(N)])


def test_known_numbers():
    """N = 3, 4, 10 at p = 3: integrals over the eigenvalues of GOE_N, to the digits given."""
    assert np.allclose(counts(3, 3), [3.138090, 4.276180, 3.138090], atol=5e-7, rtol=0)
    assert np.allclose(counts(4, 3), [3.579524462, 5.815592439, 5.815592439, 3.579524462], atol=5e-10, rtol=0)
    assert np.exp(th.log_mean_critical_points(10, 3, index=0)) == pytest.approx(6.080387185, abs=5e-10)


@pytest.mark.parametrize(("N", "p"), [(2, 3), (3, 5), (5, 4), (8, 3), (11, 7)])
def test_identities(N, p):
    found = counts(N, p)
    assert found.sum() == pytest.approx(np.exp(th.log_mean_critical_points(N, p)), rel=1e-10)
    assert np.sum((-1.0) ** np.arange(N) * found) == pytest.approx(1 + (-1) ** (N - 1), abs=1e-9 * found.sum())
    assert np.allclose(found, found[::-1], rtol=1e-10)
    below = counts(N, p, below=-0.7)
    assert below.sum() == pytest.approx(np.exp(th.log_mean_critical_points(N, p, below=-0.7)), rel=1e-10)
    assert np.allclose(below, counts(N, p, above=0.7)[::-1], rtol=1e-9)


@pytest.mark.parametrize("N", [2, 3, 6, 9])
def test_quadratic_model_has_two_of_each_index(N):
    assert np.allclose(counts(N, 2), 2.0, rtol=1e-11)


@pytest.mark.parametrize(("N", "p", "u"), [(3, 3, -1.0), (5, 4, -1.2), (10, 3, -1.3)])
def test_against_sampled_matrices(N, p, u):
    """ABAC Theorem 2.1 by Monte Carlo over 60,000 GOE_N (edge sqrt 2), 5 sigma an index.

    E Crt_{N,k}(u) = 2 sqrt(2/p) (p-1)^{N/2} E[e^{-N(p-2) λ_k²/(2p)}; λ_k <= u sqrt(p/(2(p-1)))].
    """
    generator = np.random.default_rng(N)
    entries = generator.normal(size=(60_000, N, N))
    eigenvalues = np.linalg.eigvalsh((entries + entries.transpose(0, 2, 1)) / (2 * np.sqrt(N)))
    weights = np.exp(-N * (p - 2) * eigenvalues**2 / (2 * p)) * (eigenvalues <= u * np.sqrt(p / (2 * (p - 1))))
    scale = 2 * np.sqrt(2 / p) * (p - 1) ** (N / 2)
    error = scale * weights.std(axis=0) / np.sqrt(len(weights))
    exact = counts(N, p, below=u)
    seen = weights.sum(axis=0) > 0
    assert seen.any()
    assert np.all(np.abs(scale * weights.mean(axis=0) - exact)[seen] < 5 * error[seen] + 1e-9)


@pytest.mark.parametrize("k", [3, 4, 5])
def test_error_estimate_is_small_and_honest(k):
    """Where all indices are summed the total knows better: the estimate covers the difference."""
    value, error = np.vectorize(lambda u: tuple(th.log_mean_index_count(12, 3, below=u, index=k)))([-1.6, -1.2, -0.8])
    assert np.all(error <= 1e-4)
    others = [th.log_mean_critical_points(12, 3, below=[-1.6, -1.2, -0.8], index=j) for j in range(12) if j != k]
    total = np.exp(th.log_mean_critical_points(12, 3, below=[-1.6, -1.2, -0.8]))
    rest = total - np.exp(others).sum(axis=0)
    assert np.all(np.abs(np.exp(value) - rest) <= (error + 1e-10) * np.exp(value) + 1e-11 * total)
