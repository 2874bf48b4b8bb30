"""Barriers; oracles: the eigenvalues of p = 2, flooding of a fine grid on the two-sphere, the definition of a path."""

from itertools import combinations

import numpy as np
import pytest

import spinscape as sp
from dense import symmetric_tensor
from flooding import flooded_passes, minima_and_saddles


def minima_of(glass, count, seed=1):
    """Return different minima."""
    ends = sp.descend(glass, glass.random_points(count, rng=seed), method="lbfgs", tol=1e-8)
    found = sp.refine(glass, ends.points)
    order = np.argsort(found.energy_density)
    new = np.concatenate([[True], np.diff(found.energy_density[order]) > 1e-9])
    return found.points[order[new]]


def check_path(glass, connection, a, b):
    """A path: from a to b on the spheres, nowhere above its saddle, which is a certified one of index 1."""
    assert connection.linked
    assert connection.index == 1
    assert connection.certified
    assert connection.gradient_norm < 1e-10
    np.testing.assert_allclose(connection.path[[0, -1]], [a, b], atol=1e-9)
    np.testing.assert_allclose(np.sum(connection.path**2, axis=1), glass.size, rtol=1e-12)
    np.testing.assert_allclose(connection.energies, glass.energy_density(connection.path), atol=1e-12)
    assert connection.energies.max() <= connection.energy_density + 1e-12
    assert connection.barrier == pytest.approx(
        (connection.energies.max() - connection.energies[0]) * glass.energy_scale
    )
    assert connection.barrier_back >= 0
    steps = np.linalg.norm(np.diff(connection.path, axis=0), axis=1)
    assert steps.max() < 0.35 * np.sqrt(glass.size)
    assert len(connection.minima) == len(connection.saddles) + 1


@pytest.mark.parametrize("N", [3, 8, 40])
def test_two_spin_barriers_are_gaps_between_eigenvalues(N):
    glass = sp.PureGlass(2, N, rng=N)
    values, vectors = np.linalg.eigh(symmetric_tensor(glass.couplings, 2, N))
    ground = np.sqrt(N) * vectors[:, 0]
    found = sp.connect(glass, ground, -ground, beads=41)
    check_path(glass, found, ground, -ground)
    assert abs(found.saddle @ vectors[:, 1]) == pytest.approx(np.sqrt(N), rel=1e-9)
    assert found.barrier == pytest.approx(np.sqrt(N) * (values[1] - values[0]), rel=1e-9)
    assert found.barrier_back == pytest.approx(found.barrier, rel=1e-9)


@pytest.mark.parametrize(("p", "seed"), [(3, 1), (3, 4), (4, 0)])
def test_barriers_of_three_spins_are_those_of_flooding(p, seed):
    glass = sp.PureGlass(p, 3, rng=seed)
    minima, saddles = minima_and_saddles(glass)
    pairs = np.array(list(combinations(range(len(minima)), 2)))
    flooded = flooded_passes(glass, minima)
    heights = glass.energy_density(saddles)
    for (i, j), found in zip(pairs, sp.connect_pairs(glass, *minima[pairs.T], bands=8), strict=True):
        check_path(glass, found, minima[i], minima[j])
        assert np.abs(heights - found.energy_density).min() < 1e-10  # one of the saddles there are
        assert found.energy_density == pytest.approx(flooded[i, j], abs=1e-3)


@pytest.mark.parametrize(
    "glass",
    [
        sp.PureGlass(3, 40, rng=3),
        sp.PureGlass(4, 14, rng=0),
        sp.MixedGlass({3: 0.5, 4: 0.5}, 16, rng=0),
        sp.LayeredGlass(3, 7, rng=0),
        sp.PureGlass(3, 20, rng=0).with_field(np.ones(20), 0.2),
    ],
)
def test_every_glass_has_paths(glass):
    minima = minima_of(glass, 12)[:4]
    pairs = np.array(list(combinations(range(len(minima)), 2)))
    for (i, j), found in zip(pairs, sp.connect_pairs(glass, *minima[pairs.T]), strict=True):
        check_path(glass, found, minima[i], minima[j])


def test_a_pair_is_alone_in_its_block_unless_others_lower_its_barrier():
    glass = sp.PureGlass(3, 24, rng=0)
    minima = minima_of(glass, 16)[:4]
    pairs = np.array(list(combinations(range(len(minima)), 2)))
    together = sp.connect_pairs(glass, *minima[pairs.T], bands=2, n_threads=2)
    lowered = 0
    for (i, j), found in zip(pairs, together, strict=True):
        check_path(glass, found, minima[i], minima[j])
        alone = sp.connect(glass, minima[i], minima[j][None], bands=2, n_threads=1)
        if found.energy_density < alone.energy_density - 1e-9:
            lowered += 1
            continue
        for name, value in alone.to_dict().items():
            np.testing.assert_array_equal(found.to_dict()[name], value, err_msg=name)
    assert 0 < lowered < len(pairs)


def enumerated(glass):
    """Return all minima and all saddles of index 1."""
    every = sp.enumerate_critical_points(glass)
    assert every.complete
    return (every.points[every.index.negative == k] for k in (0, 1))


def above_the_minimax(glass, pairs, minima, tree, **options):
    """Count the barriers above the lowest ones, of the pairs one by one and in one call."""
    lowest = np.array([tree.lowest_pass(i, j) for i, j in pairs])
    together = sp.connect_pairs(glass, *minima[pairs.T], **options)
    for (i, j), found in zip(pairs, together, strict=True):
        end = minima[j] if options.get("either_sign") is None else found.path[-1]
        check_path(glass, found, minima[i], end)
    alone = [sp.connect(glass, *minima[pair], **options) for pair in pairs]
    heights = np.array([[found.energy_density for found in way] for way in (alone, together)])
    assert (heights > lowest - 1e-9).all()
    return tuple(np.count_nonzero(heights > lowest + 1e-9, axis=1))


@pytest.mark.parametrize("seed", [0, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 3, 4, 5, 6, 7))])
def test_the_passes_of_a_call_serve_all_its_pairs(seed):
    # Oracle: the minimum spanning tree of all critical points, an enumeration proven complete. 139 pairs, all seeds
    # together; alone about half of them stay above the lowest barrier.
    glass = sp.PureGlass(3, 9, rng=seed)
    minima, saddles = enumerated(glass)
    graph = sp.disconnectivity_graph(glass, saddles, minima)
    assert graph.tree.trees == 1
    pairs = np.array(list(combinations(range(len(minima)), 2)))
    alone, together = above_the_minimax(glass, pairs, minima, graph.tree)
    assert alone >= len(pairs) // 4
    assert together == 0


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))])
def test_mirrored_passes_serve_pairs_of_either_sign(seed):
    glass = sp.PureGlass(4, 7, rng=seed)
    minima, saddles = enumerated(glass)
    graph = sp.disconnectivity_graph(glass, saddles, minima, fold=True)
    pairs = np.array(list(combinations(range(len(graph.minima)), 2)))
    alone, together = above_the_minimax(glass, pairs, graph.minima, graph.tree, either_sign=True)
    assert together == 0, alone


def test_the_landscape_may_be_given_by_its_former_name():
    glass = sp.PureGlass(3, 10, rng=0)
    a, b = minima_of(glass, 12)[:2]
    found = sp.connect(glass=glass, a=a, b=b)
    assert found.energy_density == sp.connect_pairs(glass=glass, a=a[None], b=b[None])[0].energy_density
    assert len(sp.disconnectivity_graph(glass=glass, saddles=found.saddles).minima) >= 2


def test_more_bands_lower_barriers():
    glass = sp.PureGlass(3, 20, rng=5)
    minima = minima_of(glass, 16)[:4]
    pairs = np.array(list(combinations(range(len(minima)), 2))).T
    one, many = (sp.connect_pairs(glass, *minima[pairs], bands=bands) for bands in (1, 4))
    drop = np.array([a.energy_density - b.energy_density for a, b in zip(one, many, strict=True)])
    assert (drop >= -1e-12).all()
    assert drop.max() > 0


def test_opposite_points_are_one_state_if_asked():
    glass = sp.PureGlass(4, 10, rng=2)
    a, b = minima_of(glass, 12)[:2]
    plain, mirrored = sp.connect(glass, a, b), sp.connect(glass, a, -b)
    either = sp.connect(glass, a, b, either_sign=True)
    assert either.energy_density == min(plain.energy_density, mirrored.energy_density)
    check_path(glass, sp.connect(glass, a, -a), a, -a)
    with pytest.raises(ValueError, match="either_sign: expected False"):
        sp.connect(sp.PureGlass(3, 10, rng=2), a, b, either_sign=True)


def test_not_finding_a_chain_is_said():
    glass = sp.PureGlass(3, 30, rng=5)
    a, b = minima_of(glass, 16)[:2]
    found = sp.connect(glass, a, b, max_steps=1, max_rounds=1)
    assert not found.linked
    assert found.stop_reason in (sp.ConnectStop.max_rounds, sp.ConnectStop.no_pass)
    assert found.saddles.shape == (0, 30)
    assert "linked" not in repr(found)
    assert found.energy_density == pytest.approx(glass.energy_density(found.saddle[None])[0])
    assert found.index == sp.count_index(glass, found.saddle[None]).negative[0]


def test_ends_must_be_different_minima():
    glass = sp.PureGlass(3, 12, rng=0)
    minima, w = minima_of(glass, 12), glass.random_points(1, rng=0)
    with pytest.raises(ValueError, match="a: expected minima"):
        sp.connect(glass, w, minima[0])
    high = sp.find_saddles(glass, 1, 4, rng=0).points
    blocks = np.concatenate([minima[:1], high[:1], minima[1:2], high[1:2]])
    with pytest.raises(ValueError, match=r"b: expected minima, .* row 1 .* index 1 \(certified\); 2 rows .* 1, 3"):
        sp.connect_pairs(glass, minima[[1, 1, 0, 0]], blocks)
    with pytest.raises(ValueError, match="b: expected a minimum different from a"):
        sp.connect(glass, minima[0], minima[0])
    with pytest.raises(ValueError, match="b: expected as many points as a"):
        sp.connect_pairs(glass, minima[:2], minima[:1])
    with pytest.raises(ValueError, match="a: expected one point"):
        sp.connect(glass, minima[:2], minima[0])
    with pytest.raises(ValueError, match="b: expected shape"):
        sp.connect(glass, minima[0], minima[1, :-1])
    with pytest.raises(TypeError, match="landscape: expected a glass or a landscape, got NoneType"):
        sp.connect(None, minima[0], minima[1])
    with pytest.raises(ValueError, match="beads: expected an integer from 5"):
        sp.connect(glass, minima[0], minima[1], beads=3)
