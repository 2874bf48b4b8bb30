"""Index against error of the critical points along training: Dauphin et al. 2014, Fig. 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.networks.training_path import TrainingPath

NAMES = {"loss": "training loss", "error": "training error"}


def draw(table: TrainingPath) -> Figure:
    """Loss and error of the end points against their index over P."""
    figure, axes = style.new_figure("page", 2.8, columns=2)
    for ax, letter, (what, name) in zip(axes, "ab", NAMES.items(), strict=True):
        against_index(table, what, ax)
        found = table.correlation(what)
        title = rf", $\rho = {found.value:.2f}$ [{found.low:.2f}, {found.high:.2f}]" if np.isfinite(found.value) else ""
        style.panel_label(ax, letter, name.capitalize() + title)
    return figure


def against_index(table: TrainingPath, what: str, ax: Axes | None = None) -> Axes:
    """One point each, coloured by the epoch at which Newton's method began; hollow where it did not converge."""
    ax = style.axes_or_new(ax)
    epochs = list(dict.fromkeys(table.epoch.tolist()))
    with style.context():
        for epoch, colour in zip(epochs, style.ordered_colours(len(epochs)), strict=True):
            mine = table.epoch == epoch
            for chosen, face in ((mine & table.converged, colour), (mine & ~table.converged, "none")):
                x, y = table.fraction[chosen], getattr(table, what)[chosen]
                ax.plot(x, y, "o", mec=colour, mfc=face, markersize=3.5, alpha=0.8)
            ax.plot([], [], "o", color=colour, label=f"epoch {epoch}")
        ax.set_xlabel("index / $P$")
        ax.set_ylabel(NAMES[what])
        ax.set_xlim(left=-0.02 * max(float(np.max(table.fraction)), 0.01))
        ax.legend(loc="lower right", fontsize=7.5)
    return ax
