"""Disconnectivity graphs: minima at the ends of branches, merged where the lowest saddle joins them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style
from spinscape.theory import threshold_energy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.critical_points.barriers import Disconnectivity, Graph

MOST_PANELS = 3


def draw(table: Disconnectivity) -> Figure:
    """The first instance of every size, or the first instances of one."""
    sizes = list(dict.fromkeys(graph.N for graph in table.graphs))
    first = [next(graph for graph in table.graphs if graph.N == N) for N in sizes]
    shown = (first if len(sizes) > 1 else list(table.graphs))[:MOST_PANELS]
    widths = [max(len(graph.tree.order), 8) ** 0.5 for graph in shown]
    figure, axes = style.new_figure("page", 3.6, columns=len(shown), width_ratios=widths)
    for letter, ax, graph in zip("abc", axes, shown, strict=False):
        tree(graph, table.p, ax)
        known = "all of them" if graph.complete else "those found"
        style.panel_label(ax, letter, f"$N = {graph.N}$, {known}")
        if letter != "a":
            ax.set_ylabel("")
    return figure


def tree(graph: Graph, p: int, ax: Axes | None = None) -> Axes:
    """One tree: a vertical line from each node to the saddle that merges it, a horizontal one at that saddle."""
    ax = style.axes_or_new(ax)
    nodes, minima = graph.tree, len(graph.tree.order)
    place = np.full(len(nodes.parent), np.nan)
    place[nodes.order] = np.arange(minima)
    children: dict[int, list[int]] = {}
    for node, parent in enumerate(nodes.parent.tolist()):
        children.setdefault(parent, []).append(node)
    for node in range(minima, len(nodes.parent)):  # children come before their parents
        place[node] = np.mean([place[child] for child in children[node]])
    u = nodes.energy_density
    height = u.max() - u.min()
    lowest = int(np.argmin(u[:minima]))
    with style.context():
        for node, parent in enumerate(nodes.parent.tolist()):
            top = u[parent] if parent >= 0 else u.max() + 0.05 * height
            colour = style.PALETTE[1] if node == lowest else style.PALETTE[0] if node < minima else style.INK
            ax.plot([place[node], place[node]], [u[node], top], color=colour, linewidth=1.0)
        for node in range(minima, len(nodes.parent)):
            ends = [place[child] for child in children[node]]
            ax.plot([min(ends), max(ends)], [u[node], u[node]], color=style.INK, linewidth=1.0)
        if u.min() - 0.3 * height < -float(threshold_energy(p)) < u.max():
            style.reference_line(ax, -float(threshold_energy(p)), r"$-E_\infty$", vertical=False)
        ax.set_xticks([])
        ax.spines["bottom"].set_visible(False)
        ax.set_xlim(-0.8, minima - 0.2)
        ax.set_ylabel("energy density $u$")
        ax.set_xlabel(f"{minima} minima, {graph.joining} passes")
    return ax
