"""Exact mean counts of mixed models.

Oracles: closed forms at N = 2, quadrature of the Kac–Rice formula at N = 2, Monte Carlo of it at N = 3 and
5, the published pure counts, and the complexity at large N.
"""

from math import gamma, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from spinscape import theory as th
from spinscape.theory.counts import log_mean_critical_points
from spinscape.theory.mixed import complexity_mixed
from spinscape.theory.mixed_counts import log_mean_critical_points_mixed as log_count
from spinscape.theory.mixture import at_one

MIXTURES = [{3: 0.5, 4: 0.5}, {2: 0.5, 3: 0.5}, {1: 0.8, 2: 0.1, 3: 0.1}]
mixtures = st.dictionaries(st.integers(1, 20), st.floats(0.05, 1.0), min_size=1, max_size=4).filter(
    lambda c: any(p >= 2 for p in c)
)


@given(mixtures)
def test_two_spins_in_closed_form(xi):
    at = at_one(xi)
    expected = 2 * np.sqrt((3 * at.second + at.first) / at.first)
    assert np.exp(log_count(2, xi)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("xi", [*MIXTURES, *({3: 1.0, 4: 10.0**-e} for e in range(2, 14))])
@pytest.mark.parametrize("u", [-2.0, -0.5, 0.3])
def test_two_spins_below_an_energy(xi, u):
    """One tangent direction: E|Hessian| given u is that of a Gaussian, integrated over u."""
    at = at_one(xi)
    deviation = np.sqrt(at.second + at.radial_variance / (2 * at.value))

    def integrand(energy):
        mean = at.first * energy / at.value
        folded = deviation * np.sqrt(2 / pi) * np.exp(-0.5 * (mean / deviation) ** 2)
        folded += mean * (1 - 2 * norm.cdf(-mean / deviation))
        return folded * norm.pdf(energy, scale=np.sqrt(at.value / 2))

    integral = quad(integrand, -np.inf, u, epsabs=0, epsrel=1e-12)[0]
    expected = 2 * pi * np.sqrt(2) / np.sqrt(2 * pi * at.first) * integral
    assert np.exp(log_count(2, xi, below=u)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("N", [3, 5])
@pytest.mark.parametrize("xi", MIXTURES)
def test_kac_rice_by_monte_carlo(N, xi):
    """200,000 samples of (u, r, GOE_{N−1}); 12 comparisons at 4.5 sigma: false alarm below 1e-4."""
    rng = np.random.default_rng(20)
    samples, at, n = 200_000, at_one(xi), N - 1
    covariance = np.array([[at.value, at.first], [at.first, at.second + at.first]]) / N
    u, r = np.linalg.cholesky(covariance) @ rng.standard_normal((2, samples))
    matrix = rng.standard_normal((samples, n, n))
    matrix = np.sqrt(at.second / N) * (matrix + matrix.transpose(0, 2, 1)) / np.sqrt(2)
    determinant = np.abs(np.linalg.det(matrix - r[:, np.newaxis, np.newaxis] * np.eye(n)))
    sphere = 2 * pi ** (N / 2) / gamma(N / 2) * N ** (n / 2)
    for level in (np.inf, -0.4):
        terms = sphere * (2 * pi * at.first) ** (-n / 2) * determinant * (u <= level)
        exact = np.exp(log_count(N, xi, below=level))
        assert abs(terms.mean() - exact) < 4.5 * terms.std() / np.sqrt(samples)


@pytest.mark.parametrize(("N", "p", "total"), [(3, 3, 10.552360), (4, 3, 18.790234), (10, 3, 286.915885)])
def test_published_pure_counts(N, p, total):
    assert np.exp(log_count(N, {p: 1.0})) == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("N", [2, 3, 30, 1001])
@pytest.mark.parametrize("p", [2, 3, 7])
def test_pure_models_are_the_pure_counts(N, p):
    edge = 2 * np.sqrt((p - 1) / p)
    for below, above in ((np.inf, -np.inf), (-edge, -np.inf), (-0.3, -1.1), (1.0, 0.2)):
        expected = float(log_mean_critical_points(N, p, below=below, above=above))
        assert log_count(N, {p: 1.0}, below=below, above=above) == pytest.approx(expected, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("N", [7, 50])
@pytest.mark.parametrize("xi", [{3: 1.0}, {3: 0.5, 4: 0.5}])
@pytest.mark.parametrize("u", [1.0, 3.0, 8.0])
def test_the_far_tails_keep_their_relative_accuracy(N, xi, u):
    """The law of H is that of −H; without care the upper tail is a difference of numbers equal to rounding."""
    assert log_count(N, xi, above=u) == pytest.approx(log_count(N, xi, below=-u), rel=1e-12)


@given(mixtures, st.integers(2, 40), st.floats(-2.0, 2.0))
def test_parts_add_up_and_the_law_is_symmetric(xi, N, u):
    total = log_count(N, xi)
    below, above = log_count(N, xi, below=u), log_count(N, xi, above=u)
    assert np.logaddexp(below, above) == pytest.approx(total, abs=1e-10)
    assert log_count(N, xi, below=-u) == pytest.approx(above, abs=1e-9)
    assert total >= np.log(2) - 1e-12


@pytest.mark.parametrize("xi", MIXTURES[:2])
@pytest.mark.parametrize("u", [-1.7, -1.2, np.inf])
def test_growth_rate_is_the_complexity(xi, u):
    """(log E Crt_{2N} − log E Crt_N)/N = Θ(u) + O(1/N)."""
    rate = (log_count(2000, xi, below=u) - log_count(1000, xi, below=u)) / 1000
    assert rate == pytest.approx(float(complexity_mixed(u, xi)), abs=1.5e-3)


def test_trivial_landscape_has_two_critical_points():
    assert np.exp(log_count(2000, {1: 0.8, 2: 0.1, 3: 0.1})) == pytest.approx(2.0, abs=1e-4)
    assert np.exp(log_count(2000, {1: 0.8, 2: 0.1, 3: 0.1}, below=0.0)) == pytest.approx(1.0, abs=1e-4)


def test_empty_interval_and_bad_input():
    assert log_count(5, {3: 1.0}, below=-1.0, above=-0.5) == -np.inf
    assert log_count(5, {3: 1.0}, below=-np.inf) == -np.inf
    with pytest.raises(ValueError, match="N: expected"):
        log_count(1, {3: 1.0})
    with pytest.raises(TypeError, match="N: expected an integer"):
        log_count(2.5, {3: 1.0})
    with pytest.raises(ValueError, match="below: expected numbers"):
        log_count(5, {3: 1.0}, below=float("nan"))


def test_kac_rice_by_index_by_monte_carlo():
    """200,000 samples of (u, r, GOE_{N−1}), the determinant kept where k eigenvalues are negative; the comparisons to
    which 1000 samples contribute, 7 of 8, at 4.5 sigma: false alarm below 1e-4."""
    xi, N, samples, n = {3: 0.5, 4: 0.5}, 4, 200_000, 3
    rng, at = np.random.default_rng(21), at_one(xi)
    covariance = np.array([[at.value, at.first], [at.first, at.second + at.first]]) / N
    u, r = np.linalg.cholesky(covariance) @ rng.standard_normal((2, samples))
    matrix = rng.standard_normal((samples, n, n))
    matrix = np.sqrt(at.second / N) * (matrix + matrix.transpose(0, 2, 1)) / np.sqrt(2)
    eigenvalues = np.linalg.eigvalsh(matrix) - r[:, None]
    determinant, negative = np.abs(eigenvalues.prod(axis=1)), (eigenvalues < 0).sum(axis=1)
    sphere = 2 * pi ** (N / 2) / gamma(N / 2) * N ** (n / 2)
    compared = 0
    for level in (np.inf, -0.4):
        for k in range(N):
            chosen = (u <= level) & (negative == k)
            if chosen.sum() < 1000:
                continue
            terms = sphere * (2 * pi * at.first) ** (-n / 2) * determinant * chosen
            exact = np.exp(log_count(N, xi, below=level, index=k))
            assert abs(terms.mean() - exact) < 4.5 * terms.std() / np.sqrt(samples)
            compared += 1
    assert compared == 7


@pytest.mark.parametrize("xi", MIXTURES[:2])
def test_indices_add_up(xi):
    """To the total, in windows of energy too; and with signs to the Euler characteristic of the sphere."""
    for limits in ({}, {"below": -0.3, "above": -0.9}):
        found = np.exp([log_count(4, xi, index=k, **limits) for k in range(4)])
        assert found.sum() == pytest.approx(np.exp(log_count(4, xi, **limits)), rel=1e-10)
    assert sum((-1) ** k * np.exp(log_count(5, xi, index=k)) for k in range(5)) == pytest.approx(2.0, rel=1e-9)


def test_a_nearly_pure_model_has_the_pure_counts_by_index():
    nearly = [log_count(4, {3: 1.0, 4: 1e-9}, below=-0.5, index=k) for k in range(3)]
    pure = [log_mean_critical_points(4, 3, below=-0.5, index=k) for k in range(3)]
    assert nearly == pytest.approx(pure, abs=1e-7)
    with pytest.raises(ValueError, match="index"):
        log_count(4, {3: 1.0}, index=4)


# --- what the pure models have, mixed ones have ------------------------------------------------------

ENERGIES = np.array([-1.8, -1.2, -0.3, 0.4])


@pytest.mark.parametrize("N", [2, 6, 40])
@pytest.mark.parametrize(("xi", "close"), [({3: 1.0}, 1e-14), ({3: 1.0, 4: 1e-12}, 1e-8)])
def test_density_and_mean_index_of_pure_models(N, xi, close):
    """Oracle: the formulas of the pure model; the second mixture goes through those of mixed ones."""
    density = th.critical_energy_density_mixed(ENERGIES, N, xi, log=True)
    np.testing.assert_allclose(density, th.critical_energy_density(ENERGIES, N, 3, log=True), rtol=0, atol=close * 10)
    np.testing.assert_allclose(
        th.mean_index_mixed(ENERGIES, N, xi), th.mean_index(ENERGIES, N, 3), rtol=0, atol=close * N
    )


@pytest.mark.parametrize("xi", MIXTURES)
def test_density_and_mean_index_over_the_indices(xi):
    """Oracle: the densities of the single indices, which come from the laws of the eigenvalues, not from a kernel."""
    N = 4
    k = np.arange(N)[:, None]
    each, every = (th.critical_energy_density_mixed(ENERGIES, N, xi, index=index) for index in (k, None))
    np.testing.assert_allclose(each.sum(axis=0), every, rtol=1e-11)
    np.testing.assert_allclose((k * each).sum(axis=0) / every, th.mean_index_mixed(ENERGIES, N, xi), atol=1e-11)


@pytest.mark.parametrize("index", [None, 1])
def test_the_density_integrates_to_the_count(index):
    low, high = -1.5, -0.5
    x, weights = np.polynomial.legendre.leggauss(24)
    u = 0.5 * (low + high) + 0.5 * (high - low) * x
    density = th.critical_energy_density_mixed(u, 4, {3: 0.5, 4: 0.5}, index=index)
    found = th.log_mean_index_count_mixed(4, {3: 0.5, 4: 0.5}, below=high, above=low, index=index)
    assert abs(np.log(0.5 * (high - low) * weights @ density) - found.value) < 1e-10
    assert 0 < found.error < 1e-8


def test_lists_of_cuts_and_indices_in_all_twins():
    """An array answers as its elements do."""
    xi, below, index = {3: 0.5, 4: 0.5}, np.array([-1.0, 0.0]), np.array([[0], [2]])
    calls = [
        lambda b, k: th.log_mean_critical_points(4, 3, below=b, index=k),
        lambda b, k: th.log_mean_critical_points_mixed(4, xi, below=b, index=k),
        lambda b, k: th.critical_energy_density(b, 4, 3, index=k),
        lambda b, k: th.critical_energy_density_mixed(b, 4, xi, index=k),
        lambda b, k: th.complexity(b, 3, index=k),
        lambda b, k: th.complexity_slope(b, 3, index=k),
        lambda b, k: th.complexity_mixed(b, xi, index=k),
        lambda b, k: th.layer_energy(3, k) + 0 * b,
        lambda b, k: th.layer_energy_mixed(xi, k) + 0 * b,
    ]
    for call in calls:
        one_by_one = [[float(call(float(b), int(k))) for b in below] for k in index[:, 0]]
        np.testing.assert_allclose(call(below, index), one_by_one, rtol=1e-12)
    assert th.layer_energy_mixed(xi, [0, 1]).shape == (2,)


def test_sizes_turned_round_are_refused_unless_named():
    """theory takes N, p; a glass p, N. Both orders give a number."""
    calls = [
        lambda *a, **k: th.log_mean_critical_points(*a, **k),
        lambda *a, **k: th.critical_energy_density(-1.6, *a, **k),
        lambda *a, **k: th.mean_index(-1.6, *a, **k),
        lambda *a, **k: th.sharp_asymptotics(-1.7, *a, **k),
        lambda *a, **k: th.ground_state_bound(-1.6, *a, **k),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"^N: expected N, p in this order, got N = 3 and p = 100"):
            call(3, 100)
        assert np.isfinite(call(100, 3))
        assert not np.isnan(call(N=3, p=100))
        assert not np.isnan(call(2, 3))
