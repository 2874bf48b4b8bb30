"""Indices of networks before and after refinement, against the threshold: AISTATS15 Figs. 4 and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.networks.indices import NetworkIndices

LINES = {"trained": "-", "refined": "--"}


def draw(table: NetworkIndices) -> Figure:
    """The distributions of trained networks and of refined ones beside the index against the threshold."""
    figure, axes = style.new_figure("page", 2.9, columns=3, width_ratios=(1.0, 1.0, 1.15))
    distributions(table, "trained", axes[0])
    distributions(table, "refined", axes[1])
    thresholds(table, axes[2])
    for ax, letter, title in zip(axes, "abc", ("As trained", "Refined", "Against the threshold"), strict=True):
        style.panel_label(ax, letter, title)
    return figure


def distributions(table: NetworkIndices, stage: str, ax: Axes | None = None) -> Axes:
    """Fractions of networks by index over P; hollow: published, in the same unit (its own axis is halved)."""
    ax = style.axes_or_new(ax)
    mine = [one for one in table.stages if one.stage == stage]
    with style.context():
        for one, colour in zip(mine, style.ordered_colours(len(mine)), strict=True):
            values, counts = np.unique(one.index, return_counts=True)
            place = values / one.parameters
            ax.vlines(place, 0, counts / counts.sum(), color=colour, linewidth=1.2)
            ax.plot(place, counts / counts.sum(), "o", color=colour, label=f"$n = {one.n}$")
            published = table.published.get(one.n)
            if published is not None and stage == "trained":
                heights = np.array(published) / sum(published)
                at = np.arange(len(published)) / one.parameters
                ax.plot(at, heights, "s", mfc="none", color=colour, label=f"$n = {one.n}$, published", markersize=3.5)
        ax.set_xlabel("index / $P$")
        ax.set_ylabel("fraction of networks")
        ax.set_ylim(bottom=0)
        ax.locator_params(axis="x", nbins=4)
        ax.legend(loc="best", fontsize=7.5)
    return ax


def thresholds(table: NetworkIndices, ax: Axes | None = None) -> Axes:
    """Mean fraction of eigenvalues below -t against t; dotted: the papers' 1e-3."""
    ax = style.axes_or_new(ax)
    colours = dict(zip(dict.fromkeys(one.n for one in table.stages), style.PALETTE, strict=False))
    with style.context():
        for one in table.stages:
            mean = one.below.mean(axis=0) / one.parameters
            ax.plot(table.thresholds, mean, LINES[one.stage], color=colours[one.n], label=f"{one.n}, {one.stage}")
        style.reference_line(ax, table.zero_tol, "", vertical=True)
        ax.set_xscale("log")
        ax.set_yscale("symlog", linthresh=1e-4)
        ax.set_ylim(bottom=0)
        ax.set_xlabel("threshold $t$")
        ax.set_ylabel("fraction of eigenvalues $< -t$")
        ax.legend(loc="lower left", fontsize=7.5)
    return ax
