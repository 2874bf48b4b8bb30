"""Overlaps with the lowest minimum against the index, and among minima and saddles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.critical_points.overlaps import Overlaps


def draw(table: Overlaps) -> Figure:
    """Overlap with the lowest minimum beside that of pairs."""
    figure, (left, right) = style.new_figure("page", 2.9, columns=2)
    with_lowest(table, left)
    among(table, right)
    style.panel_label(left, "a", f"With the lowest minimum, $p = {table.p}$")
    style.panel_label(right, "b", "Between different points")
    return figure


def with_lowest(table: Overlaps, ax: Axes | None = None) -> Axes:
    """Mean overlap with the lowest minimum against the fraction of negative directions; 95 % over disorder."""
    ax = style.axes_or_new(ax)
    sizes = sorted({layer.N for layer in table.layers})
    with style.context():
        for N, colour in zip(sizes, style.ordered_colours(len(sizes)), strict=True):
            mine = [layer for layer in table.layers if layer.N == N]
            fraction = [layer.index / (N - 1) for layer in mine]
            mean = [float(layer.overlap.mean) for layer in mine]
            error = np.nan_to_num([1.96 * float(layer.overlap.error) for layer in mine])
            label = f"$N = {N}$, {'all points' if mine[0].enumerated else 'searches'}"
            ax.errorbar(fraction, mean, error, fmt="o-", color=colour, linewidth=0.9, capsize=2, label=label)
        ax.axhline(0, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
        ax.set_xlabel("index$/(N-1)$")
        ax.set_ylabel(r"overlap $\langle q \rangle$ with the lowest minimum")
        ax.legend(loc="upper right", fontsize=7.5)
    return ax


def among(table: Overlaps, ax: Axes | None = None) -> Axes:
    """Distribution of overlaps between minima (solid) and between saddles of index 1 (dashed) of an instance."""
    ax = style.axes_or_new(ax)
    sizes = sorted({N for N, _ in table.pairs})
    with style.context():
        for N, colour in zip(sizes, style.ordered_colours(len(sizes)), strict=True):
            for name, line in (("minima", "-"), ("saddles", (0, (3, 1.5)))):
                if (N, name) in table.pairs:
                    density, bins = table.pairs[N, name]
                    label = f"$N = {N}$, {'minima' if name == 'minima' else 'index 1'}"
                    ax.stairs(density, bins, color=colour, linestyle=line, linewidth=1.1, label=label)
        ax.set_xlim(-1, 1)
        ax.set_xlabel("overlap $q$ of two points of an instance")
        ax.set_ylabel("density")
        ax.legend(loc="upper right", fontsize=7.0)
    return ax
