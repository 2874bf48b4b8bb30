"""Finite-size statements against per-index sums, GOE sampling and printed values."""

import numpy as np
import pytest

from spinscape import theory as th


@pytest.mark.parametrize("N", [2, 3, 4, 5, 8])
def test_mean_index_is_the_sum_over_indices(N):
    """Oracle: the exact densities of every index, which come from a Fredholm determinant."""
    u = np.array([-2.2, -1.6, -1.0, -0.3, 0.0, 0.8])
    for p in (2, 3, 5):
        density = np.array([th.critical_energy_density(u, N, p, index=k) for k in range(N)])
        expected = np.arange(N) @ density / density.sum(axis=0)
        assert np.allclose(th.mean_index(u, N, p), expected, rtol=1e-9, atol=1e-12)


def test_mean_index_against_sampled_matrices():
    """Mean index at u = weight of det over GOE_{N-1}: 40,000 draws at N = 6, 5 sigma."""
    N, p, u = 6, 3, -0.9
    generator = np.random.default_rng(0)
    entries = generator.normal(size=(40_000, N - 1, N - 1))
    hessian = (entries + entries.transpose(0, 2, 1)) * np.sqrt(p * (p - 1) / (2 * N)) - p * u * np.eye(N - 1)
    eigenvalues = np.linalg.eigvalsh(hessian)
    weight = np.abs(np.prod(eigenvalues, axis=1))
    index = np.sum(eigenvalues < 0, axis=1)
    mean = weight @ index / weight.sum()
    error = np.sqrt(np.sum((weight * (index - mean)) ** 2)) / weight.sum()
    assert abs(th.mean_index(u, N, p) - mean) < 5 * error


def test_mean_index_approaches_the_semicircle():
    u = np.array([-1.5, -1.0, -0.4])
    gaps = [np.abs(th.mean_index(u, N, 3) / (N - 1) - th.negative_fraction(u, 3)).max() for N in (50, 200, 800)]
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2]
    assert th.mean_index(-1.9, 500, 3) == pytest.approx(0.0, abs=1e-9)
    assert th.mean_index(1.9, 500, 3) == pytest.approx(499.0, abs=1e-9)


def test_the_band_is_empty_at_small_N():
    found = [np.exp(th.log_mean_below_threshold(N, 3)) for N in (25, 100, 200, 400)]
    assert np.allclose(found, [0.18, 0.41, 1.36, 16.8], atol=[5e-3, 5e-3, 5e-3, 5e-2])


def test_high_minima_become_rare():
    fractions = np.array([th.minima_fraction_above(0.3, N, 3) for N in (5, 10, 20)])
    assert np.all(np.diff(np.log(fractions)) < 0)
    assert th.minima_fraction_above(-9.0, 10, 3) == pytest.approx(1.0)
    above = th.minima_fraction_above(0.1, 10, 3)
    below = np.exp(
        th.log_mean_critical_points(10, 3, below=0.1 - th.threshold_energy(3), index=0)
        - th.log_mean_critical_points(10, 3, index=0)
    )
    assert above + below == pytest.approx(1.0, abs=1e-10)


def test_ground_state_of_the_quadratic_model():
    """p = 2: min H/N is the least eigenvalue of the symmetric part of X over sqrt(N); 20,000 draws at N = 8."""
    N = 8
    generator = np.random.default_rng(1)
    X = generator.normal(size=(20_000, N, N))
    least = np.linalg.eigvalsh((X + X.transpose(0, 2, 1)) / 2)[:, 0] / np.sqrt(N)
    estimate = th.ground_state_estimate(N, 2)
    # One pair of minima exactly: Markov's bound is the probability itself, and only the Poisson guess is a heuristic.
    for u in (-1.4, -1.2, -1.0):
        share = np.mean(least <= u)
        assert abs(th.ground_state_bound(u, N, 2) - share) < 5 * np.sqrt(share * (1 - share) / 20_000) + 1e-9
    assert estimate.mean == pytest.approx(least.mean(), abs=0.15)


def test_ground_state_estimate():
    means = [th.ground_state_estimate(N, 3) for N in (5, 10, 20)]
    assert means[0].mean > means[1].mean > means[2].mean > -1.7
    assert means[0].sd > means[1].sd > means[2].sd > 0
    assert th.ground_state_bound(-9.0, 20, 3) < 1e-30
    assert th.ground_state_bound(5.0, 20, 3) == 1.0
