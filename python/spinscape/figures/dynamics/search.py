"""Starts and gradients needed to reach the best-known minimum, against N."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.dynamics.search import BestKnown

NAMES = {"lbfgs": "L-BFGS", "annealing": "annealing, then L-BFGS"}
MARKERS = {"lbfgs": "o", "annealing": "D"}


def draw(table: BestKnown) -> Figure:
    """Starts beside gradients."""
    figure, (left, right) = style.new_figure("page", 2.9, columns=2)
    needed(table, "expected_starts", left)
    needed(table, "expected_gradients", right)
    style.panel_label(left, "a", "Starts to the best-known minimum")
    style.panel_label(right, "b", "Gradients to the best-known minimum")
    return figure


def needed(table: BestKnown, what: str, ax: Axes | None = None) -> Axes:
    """`expected_starts` or `expected_gradients` of every instance (small) and their medians (large) against N."""
    ax = style.axes_or_new(ax)
    with style.context():
        for k, method in enumerate(dict.fromkeys(search.method for search in table.searches)):
            mine = [search for search in table.searches if search.method == method]
            shift = (-0.6, 0.6)[k % 2]
            for search in mine:
                values = getattr(search, what)
                bounds = search.successes <= 1
                place = np.full(len(values), search.N + shift)
                ax.plot(place[~bounds], values[~bounds], ".", color=style.PALETTE[k], markersize=2.5, alpha=0.6)
                finite = bounds & np.isfinite(values)
                ax.plot(place[finite], values[finite], "^", color=style.PALETTE[k], markersize=3.5, alpha=0.6)
            rate, error = table.growth(method)
            text = "" if np.isnan(rate) else rf", starts $\propto e^{{({rate:.3f} \pm {error:.3f}) N}}$"
            medians = [float(np.median(getattr(search, what))) for search in mine]
            shown = f"{NAMES[method]}{text if what == 'expected_starts' else ''}"
            at = [search.N + shift for search in mine]
            ax.plot(at, medians, MARKERS[method] + "-", color=style.PALETTE[k], linewidth=1.0, label=shown)
        ax.set_yscale("log")
        ax.set_xlabel("$N$")
        ax.set_ylabel(what.replace("_", " "))
        title = "large: median; small: instances\ntriangles: found at most once, lower bounds"
        ax.legend(loc="upper left", title=title, title_fontsize=7.5, fontsize=7.5)
        low, high = ax.get_ylim()
        ax.set_ylim(low, high * (high / low) ** 0.45)  # room for the legend
    return ax
