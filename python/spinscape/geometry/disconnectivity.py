"""Disconnectivity graphs: minima joined below an energy (Becker, Karplus, J. Chem. Phys. 106, 1495 (1997)).

Saddles of index 1 are taken in the order of their energies; one whose two sides lie in different sets of minima merges
them. The merging saddles are a minimum spanning forest: between two minima, the highest saddle on their path in it is
the lowest barrier that the saddles given allow.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_array, as_flag, as_integer, as_number, as_real
from spinscape.critical_points import count_index, refine
from spinscape.geometry.geodesics import FloatArray
from spinscape.geometry.links import Catalogue, require_even, sides
from spinscape.hamiltonian import Glass
from spinscape.landscape import on_domain, retracted
from spinscape.threads import as_threads

FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True, eq=False, repr=False)
class DisconnectivityTree:
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

    def to_dict(self) -> dict[str, Any]:
        """Return all fields by name, without copying the arrays."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __repr__(self) -> str:
        minima = self.order.size
        return f"DisconnectivityTree(minima={minima}, merging saddles={self.parent.size - minima}, trees={self.trees})"


@dataclass(frozen=True, eq=False, repr=False)
class DisconnectivityGraph:
    """What `disconnectivity_graph` found.

    minima : (minima, D) float64, those given (each once), then those that the saddles lead to.
    minimum_energy_density : (minima,) float64.
    joins : (saddles, 2) int64, rows of the minima on the two sides of each saddle given; -1 where a descent from it did
        not end in a certified minimum, or where the saddle is none of index 1.
    saddle_energy_density : (saddles,) float64.
    tree : the `DisconnectivityTree`.
    folded : whether w and -w are one.
    """

    minima: NDArray[np.float64]
    minimum_energy_density: NDArray[np.float64]
    joins: NDArray[np.int64]
    saddle_energy_density: NDArray[np.float64]
    tree: DisconnectivityTree
    folded: bool

    def to_dict(self) -> dict[str, Any]:
        """Return all fields by name, without copying the arrays."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __repr__(self) -> str:
        used = np.count_nonzero((self.joins >= 0).all(axis=1))
        return (
            f"DisconnectivityGraph(minima={len(self.minima)}, saddles={len(self.joins)}, "
            f"with two known sides={used}, trees={self.tree.trees}, folded={self.folded})"
        )


def disconnectivity_graph(
    glass: Glass,
    saddles: Any,
    minima: Any = None,
    *,
    fold: bool = False,
    zero_tol: float = 1e-3,
    n_threads: int | None = None,
) -> DisconnectivityGraph:
    """Find the minima that each index-1 saddle joins, and the tree of their lowest barriers.

    Parameters
    ----------
    glass : the landscape.
    saddles : (saddles, D), refined critical points, as of `find_saddles`, `enumerate_critical_points` or `connect`;
        points that are not certified to be of index 1 join nothing.
    minima : (minima, D) or None, minima known already; the others are found by descents from the saddles.
    fold : take w and -w for one minimum (glasses of even p, where H(-w) = H(w)).
    zero_tol : as in `count_index`.
    n_threads : number of threads; never changes a result.

    The tree knows the saddles given and no others: a barrier read from it is an upper bound of the true one. Raises
    TypeError, ValueError or MemoryError naming the argument.
    """
    if not isinstance(glass, Glass):
        raise TypeError(f"glass: expected a glass, got {type(glass).__name__}")
    zero_tol, threads = as_number(zero_tol, "zero_tol", 0.0), as_threads(n_threads)
    exact = glass.astype("float64")
    if as_flag(fold, "fold"):
        require_even(exact)
    passes = retracted(exact, on_domain(exact, saddles, name="saddles"))
    memory.require(60 * passes.nbytes, f"saddles: descents from both sides of {len(passes):,}")
    index = count_index(exact, passes, zero_tol, n_threads=threads)
    simple = (index.negative == 1) & index.certified
    beside = sides(exact, passes[simple], zero_tol=zero_tol, threads=threads)
    given = on_domain(exact, np.empty((0, glass.size)) if minima is None else minima, name="minima")
    known = refine(exact, given, n_threads=threads).points
    catalogue = Catalogue(known, fold)
    joins = np.full((len(passes), 2), -1, dtype=np.int64)
    joins[simple] = [
        [catalogue.row(point) if found else -1 for point, found in zip(*both, strict=True)]
        for both in zip(beside.minima, beside.found, strict=True)
    ] or np.empty((0, 2))
    heights = exact.energy_density(passes, n_threads=threads)
    depths = exact.energy_density(catalogue.points, n_threads=threads)
    return DisconnectivityGraph(
        catalogue.points, depths, joins, heights, disconnectivity_tree(depths, heights, joins), fold
    )


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
