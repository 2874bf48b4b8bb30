"""Disconnectivity graphs: minima and the saddles over which they are joined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from spinscape import theory
from spinscape.critical_points import enumerate_critical_points, find_saddles
from spinscape.experiments import disorder
from spinscape.experiments.critical_points.layers import order_of
from spinscape.experiments.critical_points.minima_bias import different_minima
from spinscape.figures import results, style
from spinscape.figures.style import Axes, Figure
from spinscape.geometry import DisconnectivityTree, disconnectivity_graph
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, counts, integer, several
from spinscape.study.records import Arrays
from spinscape.theory import threshold_energy

LARGEST_COMPLETE = 8  # sizes up to it are enumerated
MOST_PANELS = 3
_FIRST_STREAM = 24  # of the starts of saddle searches


def cost(parameters: Parameters, unit: Unit) -> float:
    return float(parameters["starts"] * (1e4 + unit["N"] ** 3))


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    hessians = disorder.hessian_bytes(unit, 2 * parameters["starts"], n_threads)
    return disorder.bytes_of(parameters, unit, vectors=120) + hessians


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
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
class Disconnectivity(ResultTable):
    """The table of disconnectivity graphs."""

    p: int
    graphs: tuple[Graph, ...]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units."""
        graphs = []
        for row in sorted(results.rows, key=lambda row: row.unit["N"]):
            arrays = row.arrays
            tree = DisconnectivityTree(arrays["energy"], arrays["parent"], arrays["saddle"], arrays["order"])
            joins = arrays["joins"].reshape(-1, 2)
            joining = int(np.count_nonzero((joins >= 0).all(axis=1) & (joins[:, 0] != joins[:, 1])))
            graphs.append(Graph(row.unit["N"], row.unit["tensor"], bool(arrays["complete"]), tree, len(joins), joining))
        return cls(results.order, tuple(graphs))

    def rows(self) -> Rows:
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


def draw(table: Disconnectivity) -> Figure:
    """The first instance of every size, or the first instances of one."""
    sizes = list(dict.fromkeys(graph.N for graph in table.graphs))
    first = [next(graph for graph in table.graphs if graph.N == N) for N in sizes]
    shown = (first if len(sizes) > 1 else list(table.graphs))[:MOST_PANELS]
    widths = [max(len(graph.tree.order), 8) ** 0.5 for graph in shown]
    figure, axes = style.new_figure("page", 3.6, columns=len(shown), width_ratios=widths)
    for letter, ax, graph in zip("abc", axes, shown, strict=False):
        tree(graph, table.p, ax)
        known = "complete" if graph.complete else "found"
        style.panel_label(ax, letter, f"$p = {table.p}$, $N = {graph.N}$, {known}")
        if letter != "a":
            ax.set_ylabel("")
    names = ("the lowest minimum", "the other minima", "passes: saddles of index 1 that join them")
    with style.context():
        for name, colour in zip(names, (style.PALETTE[1], style.PALETTE[0], style.INK), strict=True):
            axes[0].plot([], [], color=colour, label=name)
    style.legend_below(figure, axes[0])
    return figure


@style.panel
def tree(graph: Graph, p: int, ax: Axes) -> None:
    """One tree, with the threshold where it is near."""
    results.tree(graph.tree, ax=ax)
    u, threshold = graph.tree.energy_density, -float(threshold_energy(p))
    if u.min() - 0.3 * (u.max() - u.min()) < threshold < u.max():
        style.reference_line(ax, threshold, r"$-E_\infty$", vertical=False)
    ax.set_xlabel(f"{len(graph.tree.order)} minima, {graph.joining} saddles join two")


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=5.3e-08,
    source="Becker and Karplus 1997; counts: ABAC Theorem 2.1",
    parameters=(
        disorder.ORDER,
        several(integer("sizes", (8, 16, 24), "sizes N, enumerated up to 8", 3, 600, unit="spins")),
        counts("tensors", 1, "instances of every size", unit="tensors"),
        integer("starts", 400, "descents, and searches for saddles, where N is above 8", 2, 10**6, unit="starts"),
        SEED,
    ),
    arrange=disorder.pure,
    quick={"sizes": (6, 12), "starts": 96},
    units=disorder.instances,
    table=Disconnectivity,
)
recipe = EXPERIMENT.maker
