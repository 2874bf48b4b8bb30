"""Disconnectivity trees; oracles: minimax paths by Floyd and Warshall, and flooding of a fine grid on the sphere."""

from itertools import combinations

import numpy as np
import pytest

import spinscape as sp
from flooding import flooded_passes, minima_and_saddles


def minimax(minima, heights, joins):
    """Lowest highest saddle between all pairs, by Floyd and Warshall."""
    passes = np.full((minima, minima), np.inf)
    for height, (i, j) in zip(heights, joins, strict=True):
        if i >= 0 and j >= 0 and i != j:
            passes[i, j] = passes[j, i] = min(passes[i, j], height)
    for k in range(minima):
        passes = np.minimum(passes, np.maximum(passes[:, [k]], passes[[k], :]))
    return passes


@pytest.mark.parametrize("seed", range(6))
def test_lowest_passes_are_minimax(seed):
    rng = np.random.default_rng(seed)
    minima, saddles = 25, rng.integers(0, 60)
    depths, heights = rng.normal(-2, 0.1, minima), rng.normal(-1, 0.1, saddles)
    joins = rng.integers(-1, minima, size=(saddles, 2))
    tree = sp.disconnectivity_tree(depths, heights, joins)
    expected = minimax(minima, heights, joins)
    for i, j in combinations(range(minima), 2):
        assert tree.lowest_pass(i, j) == expected[i, j]
    reached = (expected < np.inf) | np.eye(minima, dtype=bool)
    assert tree.trees == len({tuple(row) for row in reached.tolist()})
    assert sorted(tree.order) == list(range(minima))


@pytest.mark.parametrize("seed", range(3))
def test_branches_of_the_drawing_do_not_cross(seed):
    rng = np.random.default_rng(seed)
    minima = 30
    joins = np.array([[k, rng.integers(k)] for k in range(1, minima)])
    tree = sp.disconnectivity_tree(rng.normal(-2, 0.1, minima), rng.normal(-1, 0.1, minima - 1), joins)
    place = np.argsort(tree.order)
    below = {node: [node] for node in range(minima)}
    for node, parent in enumerate(tree.parent):
        if parent >= 0:
            below.setdefault(parent, []).extend(below[node])
    for leaves in below.values():  # every set of minima stands side by side
        stood = sorted(place[leaves])
        assert stood == list(range(stood[0], stood[0] + len(stood)))
    assert tree.order[0] == np.argmin(tree.energy_density[:minima])


@pytest.mark.parametrize(("p", "seed"), [(3, 1), (3, 4), (4, 0)])
def test_the_graph_of_a_glass_of_three_spins_is_that_of_flooding(p, seed):
    glass = sp.PureGlass(p, 3, rng=seed)
    minima, saddles = minima_and_saddles(glass)
    graph = sp.disconnectivity_graph(glass, saddles, minima)
    assert graph.tree.trees == 1
    assert len(graph.minima) == len(minima)
    flooded = flooded_passes(glass, graph.minima)
    for i, j in combinations(range(len(minima)), 2):
        assert graph.tree.lowest_pass(i, j) == pytest.approx(flooded[i, j], abs=1e-3)
    # without minima given, the descents find them
    again = sp.disconnectivity_graph(glass, saddles)
    np.testing.assert_allclose(np.sort(again.minimum_energy_density), np.sort(graph.minimum_energy_density))


def test_folded_graphs_take_opposite_points_for_one():
    glass = sp.PureGlass(4, 3, rng=0)
    minima, saddles = minima_and_saddles(glass)
    folded = sp.disconnectivity_graph(glass, saddles, minima, fold=True)
    assert len(folded.minima) == len(minima) / 2
    assert folded.tree.trees == 1
    with pytest.raises(ValueError, match="fold: expected False"):
        sp.disconnectivity_graph(sp.PureGlass(3, 3, rng=0), saddles, fold=True)


def test_points_that_are_no_simple_saddles_join_nothing():
    glass = sp.PureGlass(3, 3, rng=1)
    minima, saddles = minima_and_saddles(glass)
    graph = sp.disconnectivity_graph(glass, np.concatenate([minima[:1], -minima[:1], saddles[:1]]), minima)
    assert graph.joins[:2].tolist() == [[-1, -1]] * 2
    assert (graph.joins[2] >= 0).all()
    assert "trees=" in repr(graph)
    assert graph.to_dict()["tree"] is graph.tree
    empty = sp.disconnectivity_graph(glass, np.empty((0, 3)))
    assert empty.tree.trees == 0


def test_points_that_are_no_minima_are_refused_by_row():
    glass = sp.PureGlass(3, 3, rng=1)
    minima, saddles = minima_and_saddles(glass)
    with pytest.raises(ValueError, match=r"minima: expected minima, .* row 1 ends 0 away .*, index 1"):
        sp.disconnectivity_graph(glass, saddles, np.concatenate([minima[:1], saddles[:1], minima[1:]]))
    with pytest.raises(ValueError, match=r"minima: expected minima, .* row 0 .* index 2 \(certified\)"):
        sp.disconnectivity_graph(glass, saddles, -minima[:1])
    beside = minima + 0.001 * glass.random_points(len(minima), rng=0)
    beside *= np.sqrt(3) / np.linalg.norm(beside, axis=1, keepdims=True)
    known = sp.disconnectivity_graph(glass, saddles, beside).minima[: len(minima)]
    np.testing.assert_allclose(known, minima, atol=1e-9)
    # a point on the way down is led to a minimum, but it is none
    away = sp.descend(glass, glass.random_points(50, rng=0), max_steps=15).points
    ends = sp.descend(glass, away, method="lbfgs").points
    overlap = np.einsum("ri,ri->r", away, ends) / 3
    far = (overlap > 0.9) & (overlap < 0.985) & (sp.count_index(glass, away).negative == 0)
    assert far.any()
    with pytest.raises(ValueError, match=r"minima: expected minima, .* row 0 ends 0\.[1-4]\d* away"):
        sp.disconnectivity_graph(glass, saddles, away[far])


def test_wrong_joins_are_refused():
    with pytest.raises(ValueError, match="joins: expected"):
        sp.disconnectivity_tree([-1.0, -2.0], [0.0], [[0, 2]])
    with pytest.raises(ValueError, match="minima: expected a vector"):
        sp.disconnectivity_tree([[-1.0]], [0.0], [[0, 0]])
