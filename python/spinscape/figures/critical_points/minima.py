"""Energies of the minima that descent finds, over the exact density of all minima."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style
from spinscape.study.critical_points.layers import exact_energies
from spinscape.theory import ground_state_estimate, threshold_energy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.critical_points.minima import Found, MinimaBias

NAMES = {"gradient": "gradient descent", "lbfgs": "L-BFGS", "sgd": "SGD, 4 parts", "annealing": "annealing"}


def draw(table: MinimaBias) -> Figure:
    """Energies at the smallest and the largest N, and means against N."""
    sizes = list(dict.fromkeys(one.N for one in table.found))
    shown = list(dict.fromkeys([sizes[0], sizes[-1]]))
    figure, axes = style.new_figure("page", 2.9, columns=len(shown) + 1)
    for letter, N, ax in zip("ab", shown, axes, strict=False):
        energies([one for one in table.found if one.N == N], table.p, ax, legend=letter == "a")
        style.panel_label(ax, letter, f"$p = {table.p}$, $N = {N}$")
    means(table, axes[-1])
    style.panel_label(axes[-1], "abc"[len(shown)], "Means")
    return figure


def energies(found: list[Found], p: int, ax: Axes | None = None, legend: bool = True) -> Axes:
    """Energies of the finds of every method (steps) over the exact density of all minima (filled)."""
    ax = style.axes_or_new(ax)
    u, density = exact_energies(found[0].N, p, 0)
    seen = density > 1e-3 * density.max()
    with style.context():
        ax.fill_between(u[seen], density[seen], color=style.FAINT, linewidth=0, label="all minima, exact")
        top = float(density.max())
        low, high = (float(f([f(one.energies) for one in found])) for f in (np.min, np.max))
        bins = np.linspace(low, high, 31)
        for one in found:
            heights, edges = np.histogram(one.energies, bins, density=True)
            top = max(top, float(heights.max()))
            ax.stairs(heights, edges, color=_colour(one.method), linewidth=1.1, label=NAMES[one.method])
        style.reference_line(ax, -float(threshold_energy(p)), r"$-E_\infty$", at=0.55 if legend else 0.98, before=True)
        ax.set_ylim(0, (1.75 if legend else 1.15) * top)
        ax.set_xlabel("energy density $u$")
        ax.set_ylabel("density")
        if legend:
            ax.legend(loc="upper left", fontsize=7.5)
    return ax


def means(table: MinimaBias, ax: Axes | None = None) -> Axes:
    """Mean energies of finds (filled) and of minima found, each once (open), the exact mean of all and the lowest."""
    ax = style.axes_or_new(ax)
    sizes = list(dict.fromkeys(one.N for one in table.found))
    methods = list(dict.fromkeys(one.method for one in table.found))
    with style.context():
        for number, method in enumerate(methods):
            mine = [one for one in table.found if one.method == method]
            N = np.array([one.N for one in mine]) * 1.03 ** (number - (len(methods) - 1) / 2)
            finds, errors = [float(one.finds.mean) for one in mine], [2 * float(one.finds.error) for one in mine]
            ax.errorbar(N, finds, np.nan_to_num(errors), fmt="o", color=_colour(method), capsize=2, elinewidth=0.8)
            once = [float(one.once.mean()) for one in mine]
            ax.plot(N, once, "o", color=_colour(method), markersize=4.5, markerfacecolor="none", markeredgewidth=0.9)
        exact = [np.trapezoid(u * d, u) for u, d in (exact_energies(N, table.p, 0) for N in sizes)]
        ax.plot(sizes, exact, color=style.INK, linewidth=1.0, label="all minima, exact")
        lowest = [ground_state_estimate(N=N, p=table.p).mean for N in sizes]
        ax.plot(sizes, lowest, color=style.MUTED, linewidth=1.0, linestyle=(0, (3, 2)), label="lowest, estimate")
        ax.set_xscale("log")
        ax.set_xticks(sizes, [str(N) for N in sizes])
        ax.xaxis.set_minor_formatter("")
        ax.set_xlabel("$N$")
        ax.set_ylabel("mean energy density $u$")
        ax.legend(loc="upper right", fontsize=7.5, title="filled: finds; open: each once", title_fontsize=7.5)
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.3 * (high - low))
    return ax


def _colour(method: str) -> str:
    return style.PALETTE[list(NAMES).index(method)]
