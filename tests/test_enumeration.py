"""All critical points of small glasses; oracles: trigonometric roots (N = 2), eigenvectors (p = 2), diagonal tensors,
the other method, the Euler characteristic, exact mean counts."""

from itertools import product

import numpy as np
import pytest

import spinscape as sp
from spinscape import theory as th
from spinscape.couplings import packed_indices


def angles_by_roots(glass, degree):
    """Return the critical angles of θ -> H(√2 (cos θ, sin θ)), from the roots of its trigonometric derivative."""
    count = 2 * degree + 1
    theta = 2 * np.pi * np.arange(count) / count
    values = glass.energy(np.sqrt(2) * np.stack([np.cos(theta), np.sin(theta)], -1))
    harmonics = np.roll(np.fft.fft(values) / count, degree)  # of e^{ikθ}, k = -degree .. degree
    slope = 1j * np.arange(-degree, degree + 1) * harmonics
    roots = np.roots(slope[::-1])
    return np.sort(np.angle(roots[np.abs(np.abs(roots) - 1) < 1e-7]))


def angles(points):
    return np.sort(np.arctan2(points[:, 1], points[:, 0]))


@pytest.mark.parametrize("seed", range(8))
def test_two_spins(seed):
    for glass, degree in (
        (sp.PureGlass(3, 2, rng=seed), 3),
        (sp.PureGlass(6, 2, rng=seed), 6),
        (sp.MixedGlass({2: 0.3, 5: 0.7}, 2, rng=seed), 5),
        (sp.PureGlass(3, 2, rng=seed).with_field([1.0, 0.5], 0.7), 3),
    ):
        found = sp.enumerate_critical_points(glass)
        assert found.complete
        np.testing.assert_allclose(angles(found.points), angles_by_roots(glass, degree), atol=1e-7)


def test_eigenvectors():
    X = np.random.default_rng(1).normal(size=(7, 7))
    values = np.linalg.eigvalsh((X + X.T) / 2) / np.sqrt(7)
    found = sp.enumerate_critical_points(sp.PureGlass.from_tensor(X))
    assert found.complete
    np.testing.assert_allclose(found.energy_density, np.repeat(values, 2), atol=1e-12)
    assert found.counts().tolist() == [2] * 7


@pytest.mark.parametrize("N", [2, 4, 6])
def test_diagonal_tensor(N):
    """H ~ Σ a_i w_i^3: every solution is real, w_i ~ 1/a_i on any set of indices and 0 elsewhere."""
    a = np.random.default_rng(N).uniform(0.5, 2.0, N)
    tuples = packed_indices(3, N)
    packed = np.where((tuples == tuples[:, :1]).all(axis=1), a[tuples[:, 0]], 0.0)
    found = sp.enumerate_critical_points(sp.PureGlass.from_couplings(packed, p=3, N=N))
    assert found.complete
    assert len(found.points) == 2 * (2**N - 1) == 2 * found.solutions
    sets = np.array([s for s in product((0.0, 1.0), repeat=N) if any(s)]) / a
    sets *= np.sqrt(N / np.sum(sets**2, axis=1, keepdims=True))
    for known in np.concatenate([sets, -sets]):
        assert np.abs(found.points - known).max(axis=1).min() < 1e-9


QUICK = [
    sp.PureGlass(3, 6, rng=2),
    sp.PureGlass(4, 4, rng=3),
    sp.PureGlass(5, 3, rng=4),
    sp.MixedGlass({2: 0.5, 3: 0.5}, 5, rng=5),
    sp.MixedGlass({2: 0.3, 3: 0.3, 4: 0.4}, 4, rng=6),
    sp.MixedGlass({2: 0.5, 4: 0.5}, 4, rng=7),
    sp.PureGlass(3, 4, rng=8).with_spike(np.ones(4), 1.0, 3).with_field([1, 0, 0, 0], 0.3),
]


@pytest.mark.parametrize("glass", QUICK, ids=lambda glass: f"{type(glass).__name__}-{glass.size}")
def test_paths_and_searches_agree(glass):
    proven = sp.enumerate_critical_points(glass)
    assert proven.complete
    assert proven.missing_estimate == 0
    assert proven.solutions == proven.expected_solutions
    assert proven.morse_sum == proven.expected_morse_sum == 1 + (-1) ** (glass.size - 1)
    assert np.abs(glass.gradient(proven.points)).max() < 1e-11
    spectra = np.linalg.eigvalsh(glass.hessian(proven.points))
    np.testing.assert_array_equal(proven.index.negative, (spectra < -1e-9).sum(axis=1))
    searched = sp.enumerate_critical_points(glass, method="searches", rng=9)
    assert not searched.complete
    assert searched.missing_estimate == 0
    assert len(searched.points) == len(proven.points)
    distance = np.linalg.norm(searched.points[:, None] - proven.points[None], axis=2)
    assert (distance.min(axis=1) < 1e-6).all()
    assert (distance.min(axis=0) < 1e-6).all()


def test_numbers_of_complex_solutions():
    for glass, number in (
        (sp.PureGlass(3, 5, rng=1), 2**5 - 1),
        (sp.PureGlass(4, 4, rng=1), (3**4 - 1) // 2),
        (sp.MixedGlass({3: 0.5, 4: 0.5}, 3, rng=1), 3**3 - 1),
    ):
        found = sp.enumerate_critical_points(glass, method="homotopy")
        assert found.solutions == found.expected_solutions == number
        assert found.searches == 0


def test_degenerate_glasses_are_not_called_complete():
    flat = sp.PureGlass.from_couplings(np.zeros(20), p=3, N=4)
    lonely = np.zeros(20)
    lonely[0] = 1.0  # w_0^3: the whole equator is critical
    for glass in (flat, sp.PureGlass.from_couplings(lonely, p=3, N=4)):
        assert not sp.enumerate_critical_points(glass, method="homotopy").complete
    steep = sp.PureGlass(3, 3, rng=1).with_spike([1, 2, 3], 1.0, 4)  # solutions at infinity
    found = sp.enumerate_critical_points(steep, max_searches=512)
    assert not found.complete
    assert found.searches > 0
    assert found.morse_sum == found.expected_morse_sum


def test_layered_glass_by_searches():
    found = sp.enumerate_critical_points(sp.LayeredGlass(2, 3, rng=1))
    X = sp.LayeredGlass(2, 3, rng=1).couplings
    values = np.linalg.svd(X)[1]  # H = n^{-1/2} x.X y with |x|^2 = |y|^2 = n: ±√n σ, each for two points
    expected = np.sort(np.repeat(np.concatenate([values, -values]) / np.sqrt(3), 2))
    np.testing.assert_allclose(found.energy_density, expected, atol=1e-10)
    assert found.morse_sum == found.expected_morse_sum == 4
    assert found.counts().tolist() == [2, 2, 4, 2, 2]


def test_what_searches_miss_is_estimated():
    glass = sp.PureGlass(3, 9, rng=10)
    some = sp.enumerate_critical_points(glass, method="searches", max_searches=60)
    assert not some.complete
    assert some.missing_estimate > 0
    assert "missing_estimate" in repr(some)


def test_bits_do_not_depend_on_threads():
    glass = sp.PureGlass(3, 5, rng=11)
    for method in ("homotopy", "searches"):
        one = sp.enumerate_critical_points(glass, method=method, n_threads=1)
        three = sp.enumerate_critical_points(glass, method=method, n_threads=3)
        for name, value in one.to_dict().items():
            np.testing.assert_array_equal(value, three.to_dict()[name])


def test_refusals_name_the_argument():
    with pytest.raises(TypeError, match="glass: expected a glass"):
        sp.enumerate_critical_points(None)
    with pytest.raises(ValueError, match="method: expected one of"):
        sp.enumerate_critical_points(sp.PureGlass(3, 3, rng=0), method="guess")
    with pytest.raises(ValueError, match="max_searches: expected an integer from 1"):
        sp.enumerate_critical_points(sp.PureGlass(3, 3, rng=0), max_searches=0)


def z_scores(samples, mean):
    """Return (sample mean - mean) over its standard error."""
    return (samples.mean(axis=0) - mean) / (samples.std(axis=0, ddof=1) / np.sqrt(len(samples)))


@pytest.mark.parametrize(("N", "p", "count"), [(2, 3, 150), (3, 3, 150), (4, 4, 30)])
def test_mean_counts(N, p, count):
    """Of each index, against the exact means; |z| < 4 fails by chance once in 1000 runs of all three."""
    found = [sp.enumerate_critical_points(sp.PureGlass(p, N, rng=(1000 * N + seed))) for seed in range(count)]
    assert all(one.complete for one in found)
    counts = np.array([one.counts() for one in found])
    exact = np.exp([th.log_mean_critical_points(N, p, index=k) for k in range(N)])
    assert np.abs(z_scores(counts, exact)).max() < 4
    assert abs(z_scores(counts.sum(axis=1), exact.sum())) < 4


@pytest.mark.slow
@pytest.mark.parametrize(("N", "p", "count"), [(8, 3, 40), (6, 4, 40), (5, 5, 20)])
def test_morse_sum_of_complete_instances(N, p, count):
    found = [sp.enumerate_critical_points(sp.PureGlass(p, N, rng=seed)) for seed in range(count)]
    assert all(one.complete for one in found)
    assert all(one.morse_sum == one.expected_morse_sum for one in found)
