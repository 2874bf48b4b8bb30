"""What is lost when a network keeps s different weights: (s, ε)-reduction images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.networks.redundancy import Redundancy

NAMES = {"classes": "ten outputs", "signs": "one output"}


def draw(table: Redundancy) -> Figure:
    """Accuracy lost against s beside the correlation of the signs against ε, with the theorem's bound."""
    figure, (left, right) = style.new_figure("page", 2.8, columns=2)
    lost(table, left)
    correlation(table, right)
    style.panel_label(left, "a", "Accuracy lost with $s$ different weights")
    style.panel_label(right, "b", "Correlation of the signs")
    return figure


def lost(table: Redundancy, ax: Axes | None = None) -> Axes:
    """Test accuracy lost against s, networks (small) and means; the diamond: weights −1, 0, 1 by annealing."""
    ax = style.axes_or_new(ax)
    with style.context():
        for k, (kind, name) in enumerate(NAMES.items()):
            mine = [one for one in table.reductions if one.kind == kind]
            for one in mine:
                ax.plot(np.full(len(one.lost), one.s), one.lost, ".", color=style.PALETTE[k], markersize=2.5, alpha=0.6)
            means = [float(np.mean(one.lost)) for one in mine]
            ax.plot(
                [one.s for one in mine], means, "o-", color=style.PALETTE[k], linewidth=1.0, label=f"k-means, {name}"
            )
        if len(table.levels_lost):
            place = np.full(len(table.levels_lost), 3.0)
            ax.plot(place, table.levels_lost, "D", mfc="none", color=style.PALETTE[2], label="annealed over $-1, 0, 1$")
        ax.axhline(0, color=style.MUTED, linewidth=0.6)
        style.reference_line(ax, 0.025, "2.5 %", vertical=False, at=1.0)
        ax.set_xscale("log", base=2)
        ax.set_yscale("symlog", linthresh=0.01)
        ax.set_ylim(-0.01, 1.0)
        ax.set_xlabel("different weights $s$")
        ax.set_ylabel("test accuracy lost")
        ax.legend(loc="upper right", fontsize=7.5)
    return ax


def correlation(table: Redundancy, ax: Axes | None = None) -> Axes:
    """Correlation of the signs of networks and images against the fraction ε of signs that differ."""
    ax = style.axes_or_new(ax)
    mine = [one for one in table.reductions if one.kind == "signs"]
    with style.context():
        for one, colour in zip(mine, style.ordered_colours(len(mine)), strict=True):
            ax.plot(one.changed, one.correlation, "o", color=colour, markersize=3, label=f"$s = {one.s}$")
        largest = max((float(one.changed.max()) for one in mine), default=0.5)
        epsilon = np.linspace(0, min(1.05 * largest, 0.5), 200)
        bound = r"$(1-2\epsilon)/(1+2\epsilon)$"
        ax.plot(epsilon, (1 - 2 * epsilon) / (1 + 2 * epsilon), color=style.INK, linewidth=0.8, label=bound)
        ax.set_xlabel(r"signs that differ $\epsilon$")
        ax.set_ylabel("correlation of the signs")
        ax.legend(loc="lower left", fontsize=7.5, ncols=2)
    return ax
