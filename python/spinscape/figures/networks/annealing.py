"""Simulated annealing against SGD: AISTATS15 Fig. 6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.networks.annealing import NetworkAnnealing

NAMES = {"sgd": "SGD", "annealing": "annealing"}


def draw(table: NetworkAnnealing) -> Figure:
    """Training losses beside test losses, both methods against n."""
    figure, (left, right) = style.new_figure("page", 2.8, columns=2)
    losses(table, "train", left)
    losses(table, "test", right)
    style.panel_label(left, "a", "Training loss")
    style.panel_label(right, "b", "Test loss")
    return figure


def losses(table: NetworkAnnealing, part: str, ax: Axes | None = None) -> Axes:
    """Every network (small) and the means with intervals of 95 %; hollow: published mean test losses."""
    ax = style.axes_or_new(ax)
    rows = table.rows()
    with style.context():
        for k, method in enumerate(NAMES):
            colour, shift = style.PALETTE[k], (0.97, 1.03)[k]
            for one in (one for one in table.methods if one.method == method):
                values = getattr(one, part)
                ax.plot(np.full(len(values), one.n * shift), values, ".", color=colour, markersize=2.5, alpha=0.6)
            mine = [row for row in rows if row["method"] == method]
            n = np.array([row["n"] for row in mine], dtype=float)
            name = f"{part}_loss"
            mean = np.array([row[name] for row in mine])
            low, high = (np.array([row[f"{name}_{end}"] for row in mine]) for end in ("low", "high"))
            bars = np.nan_to_num([mean - low, high - mean])
            ax.errorbar(n * shift, mean, bars, fmt="o-", color=colour, capsize=2, linewidth=1.0, label=NAMES[method])
            if part == "test":
                published = [row["test_loss_published"] for row in mine]
                label = f"{NAMES[method]}, published"
                ax.plot(n * shift, published, "s--", mfc="none", color=colour, linewidth=0.7, alpha=0.8, label=label)
        sizes = list(dict.fromkeys(one.n for one in table.methods))
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xticks(sizes, [str(n) for n in sizes])
        ax.xaxis.minorticks_off()
        ax.set_xlabel("hidden units $n$")
        ax.set_ylabel(f"{'training' if part == 'train' else part} loss")
        ax.legend(loc="best", fontsize=7.5)
    return ax
