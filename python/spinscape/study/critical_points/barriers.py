"""Disconnectivity graphs: the minima of an instance, and the saddles of index 1 over which they are joined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinscape import theory
from spinscape.arrays import as_integer
from spinscape.couplings import as_order
from spinscape.critical_points import enumerate_critical_points, find_saddles
from spinscape.geometry import DisconnectivityTree, disconnectivity_graph
from spinscape.study import disorder
from spinscape.study.critical_points.layers import order_of
from spinscape.study.critical_points.minima import different_minima
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays
from spinscape.study.store import Store

LARGEST_COMPLETE = 8  # sizes up to it are enumerated
_FIRST_STREAM = 24  # of the starts of saddle searches


def recipe(
    *, p: int = 3, sizes: tuple[int, ...] = (8, 16, 24), tensors: int = 1, starts: int = 400, rng: int = 0
) -> Recipe:
    """Return the recipe of disconnectivity graphs.

    sizes : those up to 8 are enumerated, on others `starts` descents and as many searches for saddles are made.
    """
    counts = [as_integer(N, "sizes", 3, 600) for N in sizes]
    parameters = {
        "xi": {str(as_order(p)): 1.0},
        "sizes": counts,
        "tensors": disorder.as_counts(tensors, tuple(counts), "tensors"),
        "starts": as_integer(starts, "starts", 2, 10**6),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("disconnectivity", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return one unit a tensor."""
    return disorder.instances(parameters)


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost in spectra and gradients."""
    return float(parameters["starts"] * (1e4 + unit["N"] ** 3))


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes of a unit: couplings, points, Hessians."""
    hessians = 2 * parameters["starts"] + 8 * n_threads
    return disorder.bytes_of(parameters, unit, vectors=120) + 8 * hessians * unit["N"] ** 2


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return the size of the graph."""
    return f"N = {unit['N']}: {len(arrays['order'])} minima, {len(arrays['saddle_energy'])} saddles of index 1"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Find minima and saddles of index 1, different ones; join the minima."""
    glass = disorder.instance(parameters, unit)
    even = order_of(parameters) % 2 == 0
    complete = False
    if unit["N"] <= LARGEST_COMPLETE:
        found = enumerate_critical_points(glass, n_threads=n_threads)
        minima, saddles = (found.points[found.index.negative == k] for k in (0, 1))
        complete = found.complete
    else:
        minima = different_minima(glass, disorder.starts(glass, parameters, unit), n_threads)
        seed = disorder.seed(parameters["rng"], unit["N"], unit["tensor"], _FIRST_STREAM)
        searched = find_saddles(glass, 1, parameters["starts"], rng=seed, n_threads=n_threads)
        saddles = searched.points[searched.reached & searched.certified]
        first = np.unique(np.round(glass.energy_density(saddles, n_threads=n_threads), 10), return_index=True)[1]
        saddles = saddles[first]
    graph = disconnectivity_graph(glass, saddles, minima, fold=even, n_threads=n_threads)
    return {
        "energy": graph.tree.energy_density,
        "parent": graph.tree.parent,
        "saddle": graph.tree.saddle,
        "order": graph.tree.order,
        "saddle_energy": graph.saddle_energy_density,
        "joins": graph.joins,
        "complete": np.array(complete),
    }


@dataclass(frozen=True)
class Graph:
    """One instance: its tree, the energies of all its saddles and of those that join two known minima."""

    N: int
    tensor: int
    complete: bool
    tree: DisconnectivityTree
    saddles: int
    joining: int


@dataclass(frozen=True)
class Disconnectivity:
    """The table of disconnectivity graphs."""

    p: int
    graphs: tuple[Graph, ...]

    @classmethod
    def from_store(cls, store: Store) -> Disconnectivity:
        """Read the finished units of a store."""
        rows = sorted(store.rows, key=lambda row: (row.unit["N"], row.unit["tensor"]))
        graphs = []
        for row in rows:
            arrays = row.arrays
            tree = DisconnectivityTree(arrays["energy"], arrays["parent"], arrays["saddle"], arrays["order"])
            joins = arrays["joins"].reshape(-1, 2)
            joining = int(np.count_nonzero((joins >= 0).all(axis=1) & (joins[:, 0] != joins[:, 1])))
            graphs.append(Graph(row.unit["N"], row.unit["tensor"], bool(arrays["complete"]), tree, len(joins), joining))
        return cls(order_of(store.recipe.parameters), tuple(graphs))

    def rows(self) -> list[dict[str, Any]]:
        """Return one row an instance: how much of it is known, and the barriers around its lowest minimum."""
        return [_row(graph, self.p) for graph in self.graphs]


def _row(graph: Graph, p: int) -> dict[str, Any]:
    tree = graph.tree
    minima = len(tree.order)
    orbit = 2 if p % 2 == 0 else 1  # of ±w one is in the graph
    lowest = int(np.argmin(tree.energy_density[:minima]))
    away = [tree.lowest_pass(lowest, other) for other in range(minima) if other != lowest]
    escape = min(away, default=np.nan) - float(tree.energy_density[lowest])
    return {
        "N": graph.N,
        "tensor": graph.tensor,
        "proven_complete": graph.complete,
        "minima": minima,
        "minima_exact_mean": float(np.exp(theory.log_mean_critical_points(N=graph.N, p=p, index=0))) / orbit,
        "saddles": graph.saddles,
        "saddles_exact_mean": float(np.exp(theory.log_mean_critical_points(N=graph.N, p=p, index=1))) / orbit,
        "joining_two_minima": graph.joining,
        "trees": tree.trees,
        "lowest_energy": float(tree.energy_density[lowest]),
        "escape_barrier": graph.N * escape,
        "highest_merging_saddle": float(tree.energy_density[minima:].max(initial=-np.inf)),
    }
