"""The oracle of barriers on the two-sphere: a fine grid is flooded from below."""

import numpy as np

import spinscape as sp


def minima_and_saddles(glass, starts=4000):
    """Return all minima and saddles of a glass of three spins; minima + maxima - saddles = 2 says none is missing."""
    found = sp.refine(glass, glass.random_points(starts, rng=5))
    index = sp.count_index(glass, found.points)
    kinds = [distinct(found.points[found.converged & (index.negative == k)]) for k in range(3)]
    assert len(kinds[0]) + len(kinds[2]) - len(kinds[1]) == 2
    return kinds[0], kinds[1]


def distinct(points):
    kept = []
    for point in points:
        if not any(np.allclose(point, other, atol=1e-6) for other in kept):
            kept.append(point)
    return np.array(kept).reshape(-1, points.shape[1])


def flooded_passes(glass, minima, steps=120):
    """Lowest energies at which the minima are joined on a cube-sphere grid of 6 x steps x steps points."""
    t = np.tan(np.linspace(-np.pi / 4, np.pi / 4, steps + 1))  # even spacing; faces share their edges
    x, y = (axis.ravel() for axis in np.meshgrid(t, t, indexing="ij"))
    one = np.ones_like(x)
    faces = [np.stack(np.roll([s * one, x, y], k, axis=0), axis=1) for k in range(3) for s in (1, -1)]
    points = np.concatenate(faces)
    points *= np.sqrt(3) / np.linalg.norm(points, axis=1, keepdims=True)
    _, first, same = np.unique(np.round(points, 9), axis=0, return_index=True, return_inverse=True)
    same = same.ravel()
    energy = glass.energy_density(points[first])
    grid = same.reshape(6, steps + 1, steps + 1)
    edges = np.concatenate(
        [
            np.stack([grid[:, 1:].ravel(), grid[:, :-1].ravel()], axis=1),
            np.stack([grid[:, :, 1:].ravel(), grid[:, :, :-1].ravel()], axis=1),
            np.stack([grid[:, 1:, 1:].ravel(), grid[:, :-1, :-1].ravel()], axis=1),
            np.stack([grid[:, 1:, :-1].ravel(), grid[:, :-1, 1:].ravel()], axis=1),
        ]
    )
    heights = energy[edges].max(axis=1)
    seats = [int(np.argmax(points[first] @ minimum)) for minimum in minima]
    return _joined(len(energy), edges, heights, seats)


def _joined(nodes, edges, heights, seats):
    """Single-linkage heights between the seats, by scipy's minimum spanning tree."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    shifted = heights - heights.min() + 1  # zero weights are no edges
    keep = edges[:, 0] != edges[:, 1]
    order = np.lexsort((shifted[keep], *np.sort(edges[keep], axis=1).T))
    pairs, weights = np.sort(edges[keep], axis=1)[order], shifted[keep][order]
    new = np.ones(len(pairs), dtype=bool)
    new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    graph = coo_matrix((weights[new], tuple(pairs[new].T)), shape=(nodes, nodes)).tocsr()
    tree = minimum_spanning_tree(graph)
    tree = tree + tree.T
    passes = np.full((len(seats), len(seats)), np.nan)
    for i, seat in enumerate(seats):
        order, before = breadth_first_order(tree, seat, directed=False)
        steps = np.asarray(tree[order[1:], before[order[1:]]]).ravel()
        highest = np.full(nodes, -np.inf)
        for node, step in zip(order[1:].tolist(), steps.tolist(), strict=True):
            highest[node] = max(highest[before[node]], step)
        passes[i] = highest[seats] + heights.min() - 1
    return passes
