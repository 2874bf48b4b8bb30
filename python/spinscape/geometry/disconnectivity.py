"""Disconnectivity graphs: minima joined below an energy (Becker, Karplus, J. Chem. Phys. 106, 1495 (1997)).

Saddles of index 1 are taken in the order of their energies; one whose two sides lie in different sets of minima merges
them. The merging saddles are a minimum spanning forest: between two minima, the highest saddle on their path in it is
the lowest barrier that the saddles given allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_array, as_flag, as_integer, as_number, as_real
from spinscape.geometry.links import Catalogue, Fold, images, refined_minima, require_even, sides
from spinscape.geometry.terrain import FloatArray, Terrain
from spinscape.landscape import Landscape, landscape_first
from spinscape.results import Result
from spinscape.threads import as_threads

FLOAT64 = np.dtype(np.float64)

_SAME = 1e-6  # nearer minima are one: refined ones are right to about 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class DisconnectivityTree(Result):
    """Minima are the first nodes, in the order given; then the merging saddles by energy.

    energy_density : (nodes,) float64, of the minimum or of the saddle.
    parent : (nodes,) int64, the saddle by which a node's set is first merged with another; -1 where it never is.
    saddle : (nodes,) int64, row of the merging saddle among those given, -1 for minima.
    order : (minima,) int64, minima from left to right so that no branches of a drawing cross, the deepest set first.
    """

    energy_density: NDArray[np.float64]
    parent: NDArray[np.int64]
    saddle: NDArray[np.int64]
    order: NDArray[np.int64]
    derived: ClassVar[tuple[str, ...]] = ("trees",)

    @property
    def trees(self) -> int:
        """Number of sets of minima that no saddle given joins."""
        return int(np.count_nonzero(self.parent < 0))

    def lowest_pass(self, i: int, j: int) -> float:
        """Energy density of the lowest saddle over which minima i and j are joined; inf where they are not."""
        first, second = (as_integer(k, name, 0, self.order.size - 1) for name, k in (("i", i), ("j", j)))
        above = set(self._ancestors(first))
        return next((float(self.energy_density[node]) for node in self._ancestors(second) if node in above), np.inf)

    def _ancestors(self, node: int) -> list[int]:
        """The node and the saddles above it, upwards."""
        line = [node]
        while self.parent[line[-1]] >= 0:
            line.append(int(self.parent[line[-1]]))
        return line


@dataclass(frozen=True, eq=False, repr=False)
class DisconnectivityGraph(Result):
    """What `disconnectivity_graph` found.

    minima : (minima, D) float64, those given (each once), then those that the saddles lead to.
    minimum_energy_density : (minima,) float64.
    joins : (saddles, 2) int64, rows of the minima on the two sides of each saddle given; -1 where a descent from it did
        not end in a certified minimum, or where the saddle is none of index 1.
    saddle_energy_density : (saddles,) float64.
    tree : the `DisconnectivityTree`.
    folded : whether w and -w, or points that `fold` gives one answer, are one.
    """

    minima: NDArray[np.float64]
    minimum_energy_density: NDArray[np.float64]
    joins: NDArray[np.int64]
    saddle_energy_density: NDArray[np.float64]
    tree: DisconnectivityTree
    folded: bool


@landscape_first
def disconnectivity_graph(
    landscape: Landscape,
    saddles: Any,
    minima: Any = None,
    *,
    fold: Fold = False,
    zero_tol: float = 1e-3,
    exclude: Any = None,
    n_threads: int | None = None,
) -> DisconnectivityGraph:
    """Find the minima that each index-1 saddle joins, and the tree of their lowest barriers.

    Parameters
    ----------
    landscape : a glass, a network's landscape, or any other `Landscape` that offers `hvp` or `hessian`.
    saddles : (saddles, D), refined critical points, as of `find_saddles`, `enumerate_critical_points` or `connect`;
        points that are not certified to be of index 1 join nothing.
    minima : (minima, D) or None, minima known already, made exact by Newton's method; the others are found by descents
        from the saddles.
    fold : True: take w and -w for one minimum (glasses of even p, where H(-w) = H(w)). Or a function of points, (rows,
        D) -> (rows, k): points with one answer are one minimum. For a cluster of equal atoms, its sorted distances.
    zero_tol : as in `count_index`.
    exclude : as in `connect_pairs`.
    n_threads : number of threads; never changes a result.

    The tree knows the saddles given and no others: a barrier read from it is an upper bound of the true one. Raises
    TypeError, ValueError or MemoryError naming the argument; ValueError where a row of `minima` leads to no critical
    point of certified index 0.
    """
    terrain = Terrain.of(landscape, as_number(zero_tol, "zero_tol", 0.0), exclude, as_threads(n_threads))
    if not callable(fold) and as_flag(fold, "fold"):
        require_even(terrain)
    passes = terrain.domain.retract(terrain.domain.checked(saddles, "saddles"))
    memory.require(60 * passes.nbytes, f"saddles: descents from both sides of {len(passes):,}")
    known = np.empty((0, terrain.size)) if minima is None else refined_minima(terrain, minima, "minima")
    index = terrain.index(passes)
    simple = (index.negative == 1) & index.certified
    joined = sides(terrain, passes[simple])
    reached = joined.minima[joined.found]
    catalogue = Catalogue(known, _same(terrain, images(np.concatenate([passes, known, reached]), fold), fold), fold)
    joins = np.full((len(passes), 2), -1, dtype=np.int64)
    joins[simple] = [
        [catalogue.row(point) if found else -1 for point, found in zip(*both, strict=True)]
        for both in zip(joined.minima, joined.found, strict=True)
    ] or np.empty((0, 2))
    heights, depths = (terrain.energy(points) / terrain.landscape.energy_scale for points in (passes, catalogue.points))
    tree = disconnectivity_tree(depths, heights, joins)
    return DisconnectivityGraph(catalogue.points, depths, joins, heights, tree, bool(fold))


def _same(terrain: Terrain, points: FloatArray, fold: Fold) -> float:
    """How near two minima are one: in radians on spheres, elsewhere in the extent of all points."""
    if (terrain.domain.curved and not callable(fold)) or not len(points):
        return _SAME
    return _SAME * float(np.sqrt(np.mean((points - points.mean(axis=0)) ** 2)))


def disconnectivity_tree(minima: Any, saddles: Any, joins: Any) -> DisconnectivityTree:
    """Return the tree of lowest barriers.

    minima : (minima,), energy densities.     saddles : (saddles,), energy densities.
    joins : (saddles, 2) integers, rows of the minima on the two sides of each saddle; a negative one joins nothing.
    """
    depths, heights = as_real(minima, "minima", FLOAT64), as_real(saddles, "saddles", FLOAT64)
    pairs = as_array(joins, "joins")
    for name, energies in (("minima", depths), ("saddles", heights)):
        if energies.ndim != 1:
            raise ValueError(f"{name}: expected a vector of energies, got shape {energies.shape}")
    if pairs.shape != (heights.size, 2) or (
        pairs.size and (pairs.dtype.kind not in "iu" or pairs.max() >= depths.size)
    ):
        raise ValueError(f"joins: expected ({heights.size}, 2) rows of {depths.size} minima, got shape {pairs.shape}")
    merging = merging_saddles(depths.size, heights, pairs)
    top = list(range(depths.size))  # of the set of each node: the last saddle that merged it
    parent = np.full(depths.size + len(merging), -1, dtype=np.int64)
    for node, saddle in enumerate(merging, start=depths.size):
        top.append(node)
        for minimum in pairs[saddle]:
            below = _root(top, int(minimum))
            parent[below] = top[below] = node
    energy = np.concatenate([depths, heights[merging]])
    kind = np.concatenate([np.full(depths.size, -1, dtype=np.int64), merging])
    return DisconnectivityTree(energy, parent, kind, _drawing_order(parent, energy, depths.size))


def merging_saddles(minima: int, heights: FloatArray, joins: NDArray[Any]) -> NDArray[np.int64]:
    """Return the saddles that merge sets of minima, lowest first: a minimum spanning forest (Kruskal)."""
    above = list(range(minima))
    merging = []
    for saddle in np.argsort(heights, kind="stable"):
        i, j = (int(minimum) for minimum in joins[saddle])
        if i < 0 or j < 0 or _root(above, i) == _root(above, j):
            continue
        above[_root(above, i)] = _root(above, j)
        merging.append(int(saddle))
    return np.array(merging, dtype=np.int64)


def _root(above: list[int], node: int) -> int:
    """The representative of a node's set; the way there is shortened."""
    while above[node] != node:
        above[node] = above[above[node]]
        node = above[node]
    return node


def _drawing_order(parent: NDArray[np.int64], energy: FloatArray, minima: int) -> NDArray[np.int64]:
    """Minima depth first; of two branches the one with the deeper minimum comes first."""
    children: dict[int, list[int]] = {}
    deepest = np.where(np.arange(parent.size) < minima, energy, np.inf)
    for node, above in enumerate(parent.tolist()):  # children come before their parents
        children.setdefault(above, []).append(node)
        if above >= 0:
            deepest[above] = min(deepest[above], deepest[node])
    order, waiting = [], sorted(children.get(-1, []), key=lambda node: -deepest[node])
    while waiting:
        node = waiting.pop()
        if node < minima:
            order.append(node)
        waiting.extend(sorted(children.get(node, []), key=lambda child: -deepest[child]))
    return np.array(order, dtype=np.int64)
