"""Barriers and graphs on any landscape; oracles: tables, closed forms, and the same glass seen as plain functions."""

from itertools import combinations

import numpy as np
import pytest

import spinscape as sp
from known_landscapes import LennardJones, MuellerBrown, UnequalSpheres, XYRing
from test_connect import minima_of

PAIRS = np.array(list(combinations(range(3), 2)))

# Müller and Brown's minima and saddles; the lowest passes between the minima 0-1, 0-2, 1-2.
MINIMA, SADDLES, PASSES = [-146.6995, -108.1667, -80.7678], [-40.6648, -72.2489], [-40.6648, -40.6648, -72.2489]


class Plain:
    """A landscape by its required members and a Hessian, in other units: energies times `energy`, lengths `length`."""

    def __init__(self, landscape, energy=1.0, length=1.0):
        self._of, self._energy, self._length = landscape, energy, length
        self.size, self.domain = landscape.size, landscape.domain
        self.energy_scale = getattr(landscape, "energy_scale", 1.0)
        self.blocks = []

    def energy(self, points):
        self.blocks.append(len(points))
        return self._energy * self._of.energy(points / self._length)

    def gradient(self, points):
        return self._energy / self._length * self._of.gradient(points / self._length)

    def hessian(self, points):
        return self._energy / self._length**2 * self._of.hessian(points / self._length)


def test_mueller_brown_by_connect():
    landscape = MuellerBrown()
    together = sp.connect_pairs(landscape, *landscape.minima[PAIRS.T])
    for (i, j), height, found in zip(PAIRS, PASSES, together, strict=True):
        assert found.linked
        assert not found.upper_bound
        assert (found.index, found.certified) == (1, True)
        assert found.energy_density == pytest.approx(height, abs=1e-4)
        assert found.barrier == pytest.approx(height - MINIMA[i], abs=2e-4)
        assert found.barrier_back == pytest.approx(height - MINIMA[j], abs=2e-4)
        np.testing.assert_allclose(found.path[[0, -1]], landscape.minima[[i, j]], atol=1e-5)
        np.testing.assert_allclose(found.energies, landscape.energy(found.path), rtol=1e-12)
        assert found.energies.max() <= found.energy_density + 1e-9
    np.testing.assert_allclose(together[0].minima[[0, -1]], landscape.minima[[0, 1]], atol=1e-5)


def test_mueller_brown_by_graph():
    landscape = MuellerBrown()
    saddles = sp.refine(landscape, landscape.saddles).points
    graph = sp.disconnectivity_graph(landscape, saddles, landscape.minima)
    np.testing.assert_allclose(graph.minimum_energy_density, MINIMA, atol=1e-4)
    np.testing.assert_allclose(graph.saddle_energy_density, SADDLES, atol=1e-4)
    assert np.sort(graph.joins, axis=1).tolist() == [[0, 2], [1, 2]]
    for (i, j), height in zip(PAIRS, PASSES, strict=True):
        assert graph.tree.lowest_pass(i, j) == pytest.approx(height, abs=1e-4)
    found = sp.disconnectivity_graph(landscape, saddles[:1])  # the descents find its minima
    np.testing.assert_allclose(np.sort(found.minimum_energy_density), np.sort([MINIMA[0], MINIMA[2]]), atol=1e-4)


@pytest.mark.parametrize(("energy", "length"), [(1e-8, 1), (1e8, 1), (1, 1e-7), (1, 100), (1e-5, 0.03)])
@np.errstate(over="ignore", invalid="ignore")  # the check of Hessians asks far away in such units
def test_units_do_not_matter(energy, length):
    landscape = Plain(MuellerBrown(), energy, length)
    minima, zero_tol = length * MuellerBrown.minima, 1e-3 * energy / length**2
    found = sp.connect_pairs(landscape, *minima[PAIRS.T], bands=2, zero_tol=zero_tol)
    assert all(one.linked for one in found)
    np.testing.assert_allclose([one.energy_density / energy for one in found], PASSES, atol=1e-4)
    saddles = np.stack([found[0].saddle, found[2].saddle])
    graph = sp.disconnectivity_graph(landscape, saddles, minima, zero_tol=zero_tol)
    assert np.sort(graph.joins, axis=1).tolist() == [[0, 2], [1, 2]]
    # and on spheres, where lengths are angles
    glass = sp.PureGlass(3, 12, rng=3)
    a, b = minima_of(glass, 16)[:2]
    one, other = sp.connect(glass, a, b), sp.connect(Plain(glass, energy), a, b, zero_tol=1e-3 * energy)
    assert other.energy_density == pytest.approx(energy * one.energy_density, rel=1e-9)


@pytest.mark.parametrize("glass", [sp.PureGlass(3, 14, rng=3), sp.LayeredGlass(3, 7, rng=0)])
def test_a_glass_seen_as_plain_functions_has_the_same_paths(glass):
    minima, plain = minima_of(glass, 16)[:3], Plain(glass)
    for one, other in zip(*(sp.connect_pairs(of, *minima[PAIRS.T]) for of in (glass, plain)), strict=True):
        for name, value in one.to_dict().items():
            if isinstance(value, (np.ndarray, float)):
                np.testing.assert_allclose(other.to_dict()[name], value, atol=1e-8, err_msg=name)
            else:
                assert other.to_dict()[name] == value, name
    saddles = sp.find_saddles(glass, 1, 12, rng=0)
    saddles = saddles.points[saddles.reached]
    one, other = (sp.disconnectivity_graph(of, saddles, minima) for of in (glass, plain))
    np.testing.assert_array_equal(one.joins, other.joins)
    np.testing.assert_allclose(one.minima, other.minima, atol=1e-8)
    assert min(plain.blocks) > 0


def test_unequal_spheres_and_a_flat_remainder():
    # The minima are ± the lowest eigenvector on each sphere; the pass that turns one of them over is the second one.
    landscape = UnequalSpheres()
    low, _, _ = landscape.critical_point((0, 0, 0))
    for sphere, n in enumerate(landscape.domain.sizes):
        turned, begin = low.copy(), sum(landscape.domain.sizes[:sphere])
        turned[:, begin : begin + n] *= -1
        found = sp.connect(landscape, low, turned)
        values = landscape.spectra[sphere]
        assert found.linked
        assert found.barrier == pytest.approx(n / 2 * (values[1] - values[0]), rel=1e-9)
        assert landscape.domain.checked(found.path).shape == found.path.shape


class Wells:
    """(x² - 1)² + y² on flat space: minima at (±1, 0), a pass of height 1 between them; it offers no Hessian."""

    size = 2
    domain = sp.Domain.flat(2)

    def energy(self, points):
        return (points[:, 0] ** 2 - 1) ** 2 + points[:, 1] ** 2

    def gradient(self, points):
        x, y = points.T
        return np.stack([4 * x * (x**2 - 1), 2 * y], axis=1)


class Curved(Wells):
    def hessian(self, points):
        x = points[:, 0]
        zero = np.zeros_like(x)
        return np.stack([np.stack([12 * x**2 - 4, zero], 1), np.stack([zero, zero + 2], 1)], 1)


class Noisy(Curved):
    def energy(self, points):
        self.rng = getattr(self, "rng", np.random.default_rng(0))
        return super().energy(points) + self.rng.normal(size=len(points))


class Stiffening(Wells):
    """(x² - 1)² + ½ (1 + 400 x²) (y - x²)²: a bent valley with curvatures of 4 at its pass, of 2000 at its ends."""

    def energy(self, points):
        x, y = points.T
        return (x**2 - 1) ** 2 + (1 + 400 * x**2) * (y - x**2) ** 2 / 2

    def gradient(self, points):
        x, y = points.T
        off, stiff = y - x**2, 1 + 400 * x**2
        return np.stack([4 * x * (x**2 - 1) + 400 * x * off**2 - 2 * x * stiff * off, stiff * off], axis=1)

    def hessian(self, points):
        x, y = points.T
        off, stiff = y - x**2, 1 + 400 * x**2
        xx = 12 * x**2 - 4 + 400 * off**2 - 3200 * x**2 * off - 2 * stiff * off + 4 * x**2 * stiff
        xy = 800 * x * off - 2 * x * stiff
        return np.stack([np.stack([xx, xy], 1), np.stack([xy, stiff], 1)], 1)


def test_ways_down_where_curvatures_grow():
    landscape = Stiffening()
    report = sp.check_landscape(landscape, [[0.3, -0.2], [1.2, 0.4]])
    assert report.ok, report
    found = sp.connect(landscape, [-1.0, 1.0], [1.0, 1.0])
    assert found.linked
    assert found.barrier == pytest.approx(1, rel=1e-12)
    assert found.energies.max() <= found.energy_density + 1e-12  # beads of a straight way would be up to 3 higher
    graph = sp.disconnectivity_graph(landscape, np.zeros((1, 2)))
    np.testing.assert_allclose(graph.minima[np.argsort(graph.minima[:, 0])], [[-1, 1], [1, 1]], atol=1e-9)


def test_a_barrier_without_a_proof_is_an_upper_bound():
    a, b = np.array([[-1.0, 0.0], [1.0, 0.0]])
    found = sp.connect(Curved(), a, b)
    assert found.linked
    assert found.barrier == pytest.approx(1, rel=1e-12)
    # No saddle is of index 1 where every eigenvalue counts as zero; the ends are minima by the same rule.
    unproven = sp.connect(MuellerBrown(), *MuellerBrown.minima[:2], zero_tol=1e5, max_rounds=1, max_steps=20)
    assert unproven.upper_bound
    assert unproven.stop_reason != sp.ConnectStop.linked
    assert unproven.barrier == unproven.energies.max() - unproven.energies[0]
    assert unproven.barrier_back == unproven.energies.max() - unproven.energies[-1]
    assert unproven.energy_density != unproven.energies.max()
    assert "upper_bound=True" in repr(unproven)
    assert "upper_bound=False" in repr(found)
    assert unproven.to_dict()["upper_bound"]


def test_excluded_directions_bound_the_barrier_of_what_is_left():
    # With the direction of the way over left out the pass is none, and the band's height is all that is known.
    a, b = np.array([[-1.0, 0.0], [1.0, 0.0]])
    found = sp.connect(Curved(), a, b, exclude=np.array([[1.0, 0.0]]), max_rounds=1)
    assert found.upper_bound
    assert found.barrier == pytest.approx(1, abs=0.1)


def test_what_a_landscape_lacks_is_named():
    a, b = np.array([[-1.0, 0.0], [1.0, 0.0]])
    with pytest.raises(TypeError, match=r"landscape: .* hessian"):
        sp.connect(Wells(), a, b)
    with pytest.raises(TypeError, match=r"landscape: .* hessian"):
        sp.disconnectivity_graph(Wells(), a[None])
    with pytest.raises(ValueError, match=r"landscape: .* same answer"):
        sp.connect(Noisy(), a, b)
    with pytest.raises(ValueError, match=r"a: expected minima, .* row 0 .* index 1 \(certified\)"):
        sp.connect(Curved(), [0.0, 0.0], b)
    # A point beyond the bowl of the minimum that Newton's method leads it to.
    beyond = np.array([MuellerBrown.minima[0], [0.5, -0.2]])
    with pytest.raises(ValueError, match=r"minima: .* row 1 ends 0.18 away .* index 0"):
        sp.disconnectivity_graph(MuellerBrown(), MuellerBrown.saddles, beyond)
    with pytest.raises(ValueError, match="b: expected a minimum different from a"):
        sp.connect(Curved(), a, a + 1e-3)
    with pytest.raises(ValueError, match=r"fold: expected \(3, k\)"):
        sp.disconnectivity_graph(Curved(), np.zeros((1, 2)), fold=lambda points: points[0])
    with pytest.raises(ValueError, match="fold: expected False"):
        sp.disconnectivity_graph(MuellerBrown(), MuellerBrown.saddles, fold=True)
    folded = sp.disconnectivity_graph(Curved(), np.zeros((1, 2)), fold=True)
    assert (len(folded.minima), folded.joins.tolist()) == (1, [[0, 0]])


def slipped(ring):
    """The passes between no turn and one of a ring of n spins: one bond at π - α, the others at α = π/(n - 2).

    All bonds have one sine, so no spin feels a force; the energy is -(n - 2) cos α. A copy for each bond.
    """
    alpha = np.pi / (ring.spins - 2)
    bonds = np.full((ring.spins, ring.spins), alpha)
    np.fill_diagonal(bonds, np.pi - alpha)
    angles = np.cumsum(bonds, axis=1)
    return np.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=2).reshape(ring.spins, -1)


def bonds_of(points):
    """Cosines and sines of the angles between neighbours, (rows, 2 n): the same for all common rotations."""
    spins = points.reshape(len(points), -1, 2) / np.sqrt(2)
    ahead = np.roll(spins, -1, axis=1)
    across = spins[..., 0] * ahead[..., 1] - spins[..., 1] * ahead[..., 0]
    return np.concatenate([np.sum(spins * ahead, axis=2), across], axis=1)


def test_zero_modes_of_a_ring_of_spins():
    ring, saddles = XYRing(8), slipped(XYRing(8))
    minima = np.concatenate([ring.twisted(0, turn=0.3), ring.twisted(1)])
    graph = sp.disconnectivity_graph(ring, saddles, minima, fold=bonds_of, exclude=ring.zero_modes)
    assert len(graph.minima) == 2
    assert np.sort(graph.joins, axis=1).tolist() == [[0, 1]] * 8
    densities = np.array([ring.twisted_energy(0), ring.twisted_energy(1)]) / 2  # on circles |w|² = 2
    np.testing.assert_allclose(graph.minimum_energy_density, densities, rtol=1e-9)
    assert graph.tree.lowest_pass(0, 1) == pytest.approx(-3 * np.cos(np.pi / 6), rel=1e-9)
    # the zero mode is left out: nothing else is near zero, and what is left in stays undecided
    strict = sp.disconnectivity_graph(ring, saddles, minima, fold=bonds_of, exclude=ring.zero_modes, zero_tol=0.0)
    np.testing.assert_array_equal(strict.joins, graph.joins)
    with pytest.raises(ValueError, match="minima: expected minima"):
        sp.disconnectivity_graph(ring, saddles, minima, fold=bonds_of, zero_tol=0.0)
    # without folding every way down ends at its own angle
    assert len(sp.disconnectivity_graph(ring, saddles, exclude=ring.zero_modes).minima) > 2


@pytest.mark.slow
def test_seven_atoms():
    # Oracles: the four minima of LJ7; the lowest pass is the highest energy on a relaxed path between its two sides.
    cluster = LennardJones(7)
    first, second = np.triu_indices(7, 1)

    def distances(points):
        places = points.reshape(len(points), 7, 3)
        return np.sort(np.linalg.norm(places[:, first] - places[:, second], axis=2), axis=1)

    rng = np.random.default_rng(0)
    ends = sp.descend(cluster, 0.9 * rng.normal(size=(40, 21)), "lbfgs", tol=1e-7)
    kinds = np.unique(np.round(ends.energy_density, 5), return_index=True)[1]
    minima = ends.points[kinds]
    np.testing.assert_allclose(ends.energy_density[kinds], [-16.505384, -15.935043, -15.593211, -15.533060], atol=1e-6)
    starts = np.repeat(minima, 15, axis=0) + 0.15 * rng.normal(size=(60, 21))
    found = sp.find_saddles(cluster, 1, starts=starts, exclude=cluster.zero_modes)
    saddles = found.points[found.reached & found.certified]
    kinds = np.unique(np.round(cluster.energy(saddles), 5), return_index=True)[1]
    graph = sp.disconnectivity_graph(cluster, saddles[kinds], minima, fold=distances, exclude=cluster.zero_modes)
    assert len(graph.minima) == 4
    assert graph.tree.trees == 1
    assert (graph.joins >= 0).all()
    # the ends of a band lie on the orbits of the minima: no chain leads to them, but the path's height is the pass's
    over = saddles[kinds[0]]
    values, vectors = np.linalg.eigh(cluster.hessian(over[None])[0])
    assert values[0] < -1e-3
    beside = over + 0.05 * np.stack([vectors[:, 0], -vectors[:, 0]])
    ends = sp.refine(cluster, sp.descend(cluster, beside, "flow", tol=1e-4).points, exclude=cluster.zero_modes).points
    path = sp.connect(cluster, *ends, exclude=cluster.zero_modes, max_rounds=1)
    assert path.upper_bound
    assert path.energies.max() == pytest.approx(graph.saddle_energy_density[0], abs=1e-3)
