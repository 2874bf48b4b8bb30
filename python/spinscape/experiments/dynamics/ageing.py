"""Ageing: the correlation C(t, t_w) of Langevin dynamics from uniform starts, beside its limit."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from spinscape.experiments.dynamics import energy_time
from spinscape.experiments.dynamics.energy_time import Relaxation, energies, title_of
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure


def draw(table: Relaxation) -> Figure:
    """Energies beside the correlation with the waiting times."""
    return style.page(
        3.2,
        (title_of(table), partial(named_energies, table)),
        (f"Ageing, $N = {table.sizes[-1].N}$", partial(ageing, table)),
    )


@style.panel
def named_energies(table: Relaxation, ax: Axes) -> None:
    """Energy density against t with its legend."""
    energies(table, ax)
    ax.legend(loc="lower left")


@style.panel
def ageing(table: Relaxation, ax: Axes) -> None:
    """C(t_w + τ, t_w) against τ at the largest N, with the limit."""
    size = table.sizes[-1]
    for w, (wait, colour) in enumerate(zip(table.waits, style.ordered_colours(len(table.waits)), strict=True)):
        lags = table.times - wait
        grid = np.geomspace(min(lags[lags > 1e-9]), lags[-1], 25)
        shown = np.unique(np.argmin(np.abs(lags - grid[:, None]), axis=1))
        mean, half = size.correlation.mean[w, shown], np.nan_to_num(size.correlation.half[w, shown])
        ax.errorbar(lags[shown], mean, half, fmt="o", markersize=2.5, elinewidth=0.7, color=colour)
        smooth = np.geomspace(lags[shown][0], lags[shown][-1], 200)
        limit = table.limit.correlation_at(wait + smooth, wait)
        ax.plot(smooth, limit, color=colour, linewidth=1.0, label=f"$t_w = {wait:g}$")
    ax.set_xscale("log")
    ax.set_ylim(0, 1.03)
    ax.set_xlabel(r"$t - t_w$")
    ax.set_ylabel("$C(t, t_w)$")
    title = f"points: simulation, {style.BARS}\nlines: $N \\to \\infty$ (DMFT)"
    ax.legend(loc="lower left", title=title, title_fontsize=7.5)


EXPERIMENT = replace(
    energy_time.EXPERIMENT,
    name="ageing",
    sentence="Ageing of the correlation C(t, t_w), with the limit N to infinity (DMFT)",
    quick={
        "beta": 2.0,
        "waits": (1.0, 3.0, 10.0),
        "step": 0.005,
        "sizes": (50, 100),
        "tensors": 6,
        "starts": 12,
        "t_max": 30.0,
    },
    default={
        "beta": 2.0,
        "waits": (1.0, 3.0, 10.0, 30.0),
        "step": 0.005,
        "sizes": (100, 200),
        "tensors": {100: 24, 200: 8},
    },
    figure=draw,
    fits=lambda parameters: bool(parameters["waits"]),
)
