"""How slowly must one anneal: the final energy of simulated annealing against its number of gradients and N."""

from __future__ import annotations

from dataclasses import replace

from spinscape.experiments.dynamics import algorithms
from spinscape.experiments.dynamics.algorithms import NAMES, Algorithms, band
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure


def draw(table: Algorithms) -> Figure:
    """Means against the budget."""
    figure, (ax,) = style.new_figure("column", 3.2)
    rates(table, ax)
    methods = list(dict.fromkeys(NAMES[found.method] for found in table.outcomes))
    ax.set_title(f"{', '.join(methods).capitalize()}, {style.model(table.xi)}", loc="left")
    style.legend_below(figure, ax, title=f"{style.BARS} over instances")
    return figure


@style.panel
def rates(table: Algorithms, ax: Axes) -> None:
    """Mean final energy against the budget, a colour a size and a line a method."""
    sizes = sorted({found.N for found in table.outcomes})
    methods = list(dict.fromkeys(found.method for found in table.outcomes))
    for N, colour in zip(sizes, style.ordered_colours(len(sizes)), strict=True):
        for method, line in zip(methods, ("-", "--", ":", "-.", "-"), strict=False):
            found = [one for one in table.outcomes if (one.N, one.method) == (N, method)]
            label = f"$N = {N}$" if method == methods[0] else None
            intervals = [one.energy.interval for one in found]
            options = {"fmt": "o" + line, "color": colour, "linewidth": 1.0, "label": label}
            style.estimates(ax, [one.budget for one in found], intervals, **options)
    band(table.xi, ax, at=0.98)
    ax.set_xscale("log")
    ax.set_xlabel("gradients a run")
    ax.set_ylabel("final energy density $u$")


EXPERIMENT = replace(
    algorithms.EXPERIMENT,
    name="annealing-rate",
    sentence="Final energy of simulated annealing against its number of gradients and N",
    source="",
    quick={
        "methods": ("annealing",),
        "budgets": (100, 300, 1000, 3000),
        "sizes": (25, 50, 100),
        "tensors": 8,
        "starts": 12,
    },
    default={
        "methods": ("annealing",),
        "budgets": (100, 300, 1000, 3000, 10_000, 30_000),
        "sizes": (25, 50, 100, 150),
        "tensors": {25: 30, 50: 30, 100: 12, 150: 6},
    },
    figure=draw,
    fits=lambda parameters: len(parameters["budgets"]) > 1,
)
