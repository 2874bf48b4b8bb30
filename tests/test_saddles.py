"""Searches for critical points of given index or energy; oracles: eigenvectors (p = 2), dense spectra, Müller-Brown."""

import numpy as np
import pytest

import spinscape as sp
from known_landscapes import MuellerBrown, UnequalSpheres
from spinscape import theory as th


class Disguised:
    """A glass that the package does not recognise as one."""

    def __init__(self, glass):
        self.size, self.spheres = glass.size, glass.spheres
        self.energy, self.gradient, self.hvp, self.hessian = glass.energy, glass.gradient, glass.hvp, glass.hessian


GLASSES = {
    "pure": sp.PureGlass(3, 30, rng=1),
    "mixed": sp.MixedGlass({3: 0.5, 4: 0.5}, 16, rng=2),
    "layered": sp.LayeredGlass(3, 8, rng=3),
    "spiked": sp.PureGlass(4, 14, rng=4).with_spike(np.ones(14), 1.0, 4),
}


def dense_indices(glass, points, zero_tol=1e-3):
    """Return the numbers of eigenvalues below -zero_tol, from numpy's spectra; radial ones are zeros."""
    return (np.linalg.eigvalsh(glass.hessian(points)) < -zero_tol).sum(axis=1)


def test_quadratic_glass_has_an_eigenvector_of_every_index():
    N = 12
    X = np.random.default_rng(5).normal(size=(N, N))
    glass = sp.PureGlass.from_tensor(X)
    values, vectors = np.linalg.eigh((X + X.T) / 2)
    found = sp.find_saddles(glass, np.arange(N), N, rng=6)
    assert found.reached.all()
    np.testing.assert_allclose(found.energy_density, values / np.sqrt(N), atol=1e-12)
    np.testing.assert_allclose(np.abs(np.einsum("ri,ir->r", found.points, vectors)), np.sqrt(N), rtol=1e-9)


@pytest.mark.parametrize("name", GLASSES)
def test_found_saddles_are_critical_and_of_their_index(name):
    glass = GLASSES[name]
    wanted = np.repeat([0, 1, 4, 7], 6)
    found = sp.find_saddles(glass, wanted, 24, rng=7)
    assert found.reached.mean() >= 0.9
    ok = found.converged
    assert np.abs(glass.gradient(found.points[ok])).max() < 1e-9
    np.testing.assert_array_equal(found.index.negative[ok], dense_indices(glass, found.points[ok]))
    np.testing.assert_allclose(found.energy_density, glass.energy_density(found.points), atol=1e-12)
    np.testing.assert_array_equal(found.reached, ok & (found.index.negative == wanted))
    np.testing.assert_array_equal(found.starts, glass.random_points(24, rng=7))


@pytest.mark.parametrize("method", ["follow", "newton"])
def test_points_near_an_energy(method):
    glass = sp.PureGlass(3, 60, rng=8)
    for energy in (-1.2, 0.0, 0.9):
        found = sp.find_critical_points(glass, energy, 16, rng=9, method=method)
        np.testing.assert_allclose(glass.energy_density(found.starts), energy, atol=1e-8)
        ok = found.converged
        assert ok.mean() >= (0.9 if method == "follow" else 0.3)
        assert found.certified[ok].all()
        assert np.abs(glass.gradient(found.points[ok])).max() < 1e-9
        np.testing.assert_array_equal(found.index.negative[ok], dense_indices(glass, found.points[ok]))
        # A shifted semicircle whose edges are rigid: index and energy hang together, to a few counts at N = 60.
        off = found.index.negative[ok] - th.mean_index(found.energy_density[ok], 60, 3)
        assert np.abs(off).max() < 4
        if method == "follow":
            assert np.abs(np.mean(found.energy_density[ok]) - energy) < 0.05


def test_energies_row_by_row_and_out_of_reach():
    glass = sp.PureGlass(3, 25, rng=10)
    found = sp.find_critical_points(glass, [-0.5, 0.5, -9.0], 3, rng=11)
    np.testing.assert_allclose(glass.energy_density(found.starts)[:2], [-0.5, 0.5], atol=1e-8)
    assert found.converged[2]
    assert found.index.negative[2] == 0
    assert found.energy_density[2] > -1.8
    free = sp.find_critical_points(glass, count=3, rng=11)
    assert np.isnan(free.target).all()
    np.testing.assert_array_equal(free.starts, glass.random_points(3, rng=11))


def test_mueller_brown():
    grid = np.stack(np.meshgrid(np.linspace(-1.2, 0.8, 7), np.linspace(0.0, 1.6, 7)), -1).reshape(-1, 2)
    published = {  # coordinates and energies, to the digits printed by several authors
        0: [(-0.558, 1.442, -146.700), (0.623, 0.028, -108.167), (-0.050, 0.467, -80.768)],
        1: [(-0.822, 0.624, -40.665), (0.212, 0.293, -72.249)],
    }
    for k, known in published.items():
        found = sp.find_saddles(MuellerBrown(), k, starts=grid)
        rows = np.column_stack([found.points, found.energy_density])[found.reached]
        for row in known:
            assert np.abs(rows - row).max(axis=1).min() < 1.5e-3


@pytest.mark.parametrize("name", ["pure", "mixed", "layered"])
def test_a_landscape_is_searched_as_a_glass(name):
    glass = GLASSES[name]
    starts = glass.random_points(3, rng=13)
    for search, target, method in (
        (sp.find_saddles, 3, "dense"),
        (sp.find_saddles, 1, "krylov"),
        (sp.find_critical_points, -0.8, "follow"),
        (sp.find_critical_points, -0.8, "newton"),
    ):
        own = search(glass, target, starts=starts, method=method)
        other = search(Disguised(glass), target, starts=starts, method=method)
        np.testing.assert_allclose(other.points, own.points, atol=1e-8)
        np.testing.assert_allclose(other.starts, own.starts, atol=1e-8)
        np.testing.assert_array_equal(other.index.negative, own.index.negative)
    for method in ("dense", "krylov"):
        ends, other = (sp.refine(landscape, starts, method=method).points for landscape in (glass, Disguised(glass)))
        np.testing.assert_allclose(other, ends, atol=1e-8)
    for method in ("tridiagonal", "cholesky", "lanczos"):
        own, other = (sp.count_index(landscape, ends, method=method) for landscape in (glass, Disguised(glass)))
        np.testing.assert_array_equal(other.negative, own.negative)
        np.testing.assert_array_equal(other.certified, own.certified)


class Counted(UnequalSpheres):
    """Knows how many rows it was asked about in each call."""

    def __init__(self):
        super().__init__()
        self.rows = {"energy": [], "gradient": [], "hvp": []}

    def energy(self, points):
        self.rows["energy"].append(len(points))
        return super().energy(points)

    def gradient(self, points):
        self.rows["gradient"].append(len(points))
        return super().gradient(points)

    def hvp(self, points, vectors):
        self.rows["hvp"].append(len(points))
        return super().hvp(points, vectors)


def test_live_rows_are_asked_about_in_one_call():
    """Twelve replicas: as many calls as the longest search takes steps, not as all together do; and none of no rows."""
    for method in ("dense", "krylov"):
        landscape = Counted()
        starts = landscape.domain.random_points(12, rng=1)
        found = sp.refine(landscape, starts, method=method, n_threads=3)
        assert landscape.rows["gradient"][0] == 12
        assert len(landscape.rows["gradient"]) < found.steps.sum()
        assert min(landscape.rows["gradient"]) > 0
    for search in (
        lambda landscape: sp.find_saddles(landscape, 0, starts=starts),
        lambda landscape: sp.find_critical_points(landscape, landscape.lowest / 3, starts=starts),
    ):
        landscape = Counted()
        found = search(landscape)
        # Of the gradient, one call a step of following and one at its end, those of Newton's line searches, and the
        # one asked twice; the Hessians of all rows are one call of their unit vectors.
        assert len(landscape.rows["gradient"]) < found.steps.sum()
        assert max(landscape.rows["hvp"]) == 12 * landscape.size or max(landscape.rows["hvp"]) == landscape.size
        assert min(min(rows) for rows in landscape.rows.values()) > 0


def test_what_is_not_offered_is_named():
    class NoHessian:
        size, spheres = 2, None

        def energy(self, points):
            return np.sum(points**2, axis=1)

        def gradient(self, points):
            return 2 * points

    points = np.ones((1, 2))
    for call in (
        lambda: sp.refine(NoHessian(), points),
        lambda: sp.count_index(NoHessian(), points),
        lambda: sp.find_saddles(NoHessian(), 0, starts=points),
        lambda: sp.find_critical_points(NoHessian(), starts=points, method="newton"),
    ):
        with pytest.raises(TypeError, match="landscape: expected one that offers hvp or hessian, got NoHessian"):
            call()


def test_the_former_name_of_the_first_argument():
    glass = sp.PureGlass(3, 8, rng=0)
    points = glass.random_points(2, rng=1)
    refined = sp.refine(glass=glass, points=points)
    np.testing.assert_array_equal(refined.points, sp.refine(glass, points).points)
    assert (sp.count_index(glass=glass, points=points).negative == sp.count_index(glass, points).negative).all()
    np.testing.assert_array_equal(
        sp.find_saddles(glass=glass, index=1, count=2, rng=2).points, sp.find_saddles(glass, 1, 2, rng=2).points
    )
    assert len(sp.find_critical_points(glass=glass, energy=-1.0, count=2, rng=2).points) == 2
    with pytest.raises(TypeError, match="expected one of landscape and glass"):
        sp.refine(glass, points, glass=glass)


def test_bits_do_not_depend_on_threads_or_batches():
    glass = sp.PureGlass(3, 24, rng=15)
    starts = glass.random_points(9, rng=16)
    for search, target in ((sp.find_saddles, 5), (sp.find_critical_points, -1.0)):
        whole = search(glass, target, starts=starts, n_threads=1)
        threads = search(glass, target, starts=starts, n_threads=3)
        pieces = [search(glass, target, starts=starts[i : i + 2]) for i in range(0, 9, 2)]
        for name in ("points", "energy_density", "gradient_norm", "steps", "overlap"):
            np.testing.assert_array_equal(getattr(whole, name), getattr(threads, name))
            np.testing.assert_array_equal(getattr(whole, name), np.concatenate([getattr(x, name) for x in pieces]))


@pytest.mark.parametrize("k", [0, 1, 3])
def test_without_matrices(k):
    glass = sp.PureGlass(3, 40, rng=17)
    found = sp.find_saddles(glass, k, 8, rng=18, method="krylov")
    assert found.reached.mean() >= 0.75
    ok = found.reached
    assert np.abs(glass.gradient(found.points[ok])).max() < 1e-9
    assert (dense_indices(glass, found.points[ok]) == k).all()


def test_rows_that_fail_stay():
    glass = sp.PureGlass(3, 30, rng=19)
    found = sp.find_saddles(glass, 3, 12, rng=20, max_steps=1)
    assert len(found.points) == 12
    assert not found.reached.all()
    missed = ~found.reached
    assert ((found.index.negative != 3) | ~found.converged)[missed].all()
    assert "reached" in repr(found)
    assert found.to_dict()["stop_reason_name"].shape == (12,)


def test_nothing_to_search():
    found = sp.find_saddles(sp.PureGlass(3, 6, rng=0), 1, 0, rng=0)
    assert found.points.shape == (0, 6)
    assert "replicas=0" in repr(found)


def test_refusals_name_the_argument():
    glass = sp.PureGlass(3, 6, rng=0)
    with pytest.raises(TypeError, match="landscape: expected a glass or a landscape"):
        sp.find_saddles(None, 1, 2)
    with pytest.raises(ValueError, match="index: expected integers from 0 to 5"):
        sp.find_saddles(glass, 6, 2)
    with pytest.raises(TypeError, match="index: expected an integer or an array of integers"):
        sp.find_saddles(glass, 1.5, 2)
    with pytest.raises(ValueError, match=r"index: expected one number or shape \(2,\)"):
        sp.find_saddles(glass, [1, 2, 3], 2)
    with pytest.raises(ValueError, match=r"energy: expected one number or shape \(2,\)"):
        sp.find_critical_points(glass, [1, 2, 3], 2)
    with pytest.raises(TypeError, match="count: expected the number of searches"):
        sp.find_critical_points(glass, -1.0)
    with pytest.raises(ValueError, match="count: expected 3"):
        sp.find_critical_points(glass, -1.0, 2, starts=glass.random_points(3, rng=0))
    with pytest.raises(ValueError, match="starts: expected points to begin at"):
        sp.find_saddles(MuellerBrown(), 1, 2)
    with pytest.raises(ValueError, match="starts: expected"):
        sp.find_saddles(glass, 1, starts=np.ones((2, 6)) * 2)
    with pytest.raises(ValueError, match="method: expected one of"):
        sp.find_saddles(glass, 1, 2, method="follow")


class Wrong(MuellerBrown):
    def hessian(self, points):
        return super().hessian(points)[:, :1]


class Skew(MuellerBrown):
    """Its Hessian's halves differ."""

    def __init__(self, by):
        self.by = by

    def hessian(self, points):
        return super().hessian(points) + self.by * np.array([[0.0, 1.0], [-1.0, 0.0]])


def test_a_landscape_that_answers_wrongly_is_told():
    with pytest.raises(ValueError, match=r"hessian of Wrong: expected shape \(1, 2, 2\), got \(1, 1, 2\)"):
        sp.find_saddles(Wrong(), 1, starts=np.zeros((1, 2)))
    minima = MuellerBrown.minima
    with pytest.raises(ValueError, match="landscape: expected symmetric Hessians, got entries that differ by 2"):
        sp.count_index(Skew(1.0), minima)
    # Less than rounding in single precision may have done: counted, but certified only far from a threshold.
    nearest = np.abs(np.linalg.eigvalsh(MuellerBrown().hessian(minima))).min(axis=1)
    for method in ("tridiagonal", "cholesky"):
        near = sp.count_index(Skew(1e-3), minima, nearest.min() - 1e-3, method=method)
        far = sp.count_index(Skew(1e-3), minima, 1.0, method=method)
        assert far.certified.all()
        assert not near.certified.all()
        assert sp.count_index(Skew(0.0), minima, nearest.min() - 1e-3, method=method).certified.all()
