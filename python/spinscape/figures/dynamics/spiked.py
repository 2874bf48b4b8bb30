"""Spiked tensor: recovery of the hidden direction against the signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.disorder import Spread
    from spinscape.study.dynamics.spiked import SpikedTensor


def draw(table: SpikedTensor) -> Figure:
    """Recovery against the signal, and against the signal over N^{(p-2)/2}."""
    figure, (left, right) = style.new_figure("page", 2.9, columns=2)
    overlaps(table, left)
    collapse(table, right)
    style.panel_label(left, "a", f"Descent on the spiked tensor, $p = {table.p}$")
    style.panel_label(right, "b", "Uniform starts, signal rescaled")
    return figure


def overlaps(table: SpikedTensor, ax: Axes | None = None) -> Axes:
    """Mean overlap at the end against λ: uniform starts (solid) and starts at the hidden direction (dashed)."""
    ax = style.axes_or_new(ax)
    strengths = np.array(table.strengths)
    with style.context():
        for size, colour in zip(table.sizes, style.ordered_colours(len(table.sizes)), strict=True):
            _curve(ax, strengths, size.uniform, colour, "o-", f"$N = {size.N}$")
            _curve(ax, strengths, size.planted, colour, "s--", None)
        ax.set_xscale("symlog", linthresh=1.0, linscale=0.6)
        ax.set_xticks([0, 1, 2, 4, 8, 16], ["0", "1", "2", "4", "8", "16"])
        ax.set_xlim(0, strengths.max() * 1.1)
        ax.set_ylim(-0.05, 1.6)  # room for the legend
        ax.set_yticks(np.linspace(0, 1, 6))
        ax.set_xlabel(r"signal $\lambda$")
        ax.set_ylabel(r"overlap $w \cdot v/N$ at the end")
        title = "circles: uniform starts; squares: starts at $v$\nbars: 2 standard errors"
        ax.legend(loc="upper left", ncols=len(table.sizes), title=title, title_fontsize=7.5, fontsize=7.5)
    return ax


def collapse(table: SpikedTensor, ax: Axes | None = None) -> Axes:
    """Fraction of uniform starts that recover the direction against λ/N^{(p-2)/2}."""
    ax = style.axes_or_new(ax)
    power = (table.p - 2) / 2
    with style.context():
        for size, colour in zip(table.sizes, style.ordered_colours(len(table.sizes)), strict=True):
            scaled = np.array(table.strengths) / size.N**power
            scaled[scaled == 0] = np.nan
            _curve(ax, scaled, size.recovered, colour, "o-", f"$N = {size.N}$")
        ax.set_xscale("log")
        ax.set_ylim(-0.03, 1.03)
        ax.set_xlabel(rf"$\lambda/N^{{{table.p - 2}/2}}$" if power else r"$\lambda$")
        ax.set_ylabel("fraction with overlap above 0.5")
        ax.legend(loc="upper left", title="bars: 2 standard errors", title_fontsize=7.5)
    return ax


def _curve(ax: Axes, x: np.ndarray, values: Spread, colour: str, form: str, label: str | None) -> None:
    error = 2 * np.nan_to_num(values.error)
    ax.errorbar(x, values.mean, error, fmt=form, color=colour, markersize=3, linewidth=1.0, label=label)
