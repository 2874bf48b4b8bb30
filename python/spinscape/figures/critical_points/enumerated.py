"""Enumerated critical points beside the exact mean counts: by index, by energy, and as z-scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from spinscape.figures import style
from spinscape.theory import critical_energy_density

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.critical_points.enumerated import EnumeratedCounts, Model

MOST_MODELS = 3


def draw(table: EnumeratedCounts) -> Figure:
    """Counts by index of up to three models above; energies of a pure one and all z-scores below."""
    names = list(dict.fromkeys(model.name for model in table.models))[:MOST_MODELS]
    figure, above, (left, right) = _grid(len(names))
    for k, (name, ax) in enumerate(zip(names, above, strict=True)):
        counts([model for model in table.models if model.name == name], ax)
        style.panel_label(ax, "abc"[k], _title(name))
        if k:
            ax.set_ylabel("")
    pure = [model for model in table.models if len(model.xi) == 1 and model.complete]
    if pure:
        shown = max((model for model in pure if model.name == pure[0].name), key=lambda model: model.N)
        energies(shown, left)
        style.panel_label(left, "bcd"[len(names) - 1], rf"Energies by index, ${shown.name}$, $N = {shown.N}$")
    deviations(table, right)
    style.panel_label(right, "cde"[len(names) - 1], r"$(\mathrm{mean} - \mathrm{exact})/\mathrm{error}$")
    return figure


def _grid(columns: int) -> tuple[Figure, list[Axes], tuple[Axes, Axes]]:
    """A figure with `columns` panels above a wide and a narrow one."""
    figure, (first,) = style.new_figure("page", 5.2)
    first.remove()
    with style.context():
        grid = figure.add_gridspec(2, 6)
        width = 6 // columns
        above = [figure.add_subplot(grid[0, width * k : width * (k + 1)]) for k in range(columns)]
        return figure, above, (figure.add_subplot(grid[1, :4]), figure.add_subplot(grid[1, 4:]))


def counts(models: list[Model], ax: Axes | None = None) -> Axes:
    """Mean number of critical points of each index: enumerated (circles, 2 standard errors) and exact (lines)."""
    from matplotlib.ticker import LogLocator, NullLocator

    ax = style.axes_or_new(ax)
    with style.context():
        for model, colour in zip(models, style.ordered_colours(len(models)), strict=True):
            k = np.arange(model.N)
            ax.plot(k, model.exact, color=colour, linewidth=1.0, label=f"$N = {model.N}$")
            if model.complete > 1:
                error = 2 * model.counts.std(axis=0, ddof=1) / np.sqrt(model.complete)
                ax.errorbar(k, model.counts.mean(axis=0), error, fmt="o", color=colour, markersize=3.2, capsize=2)
        ax.set_yscale("log")
        low, high = ax.get_ylim()
        ax.set_ylim(low, high * (high / low) ** 0.35)  # room for the legend
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_locator(NullLocator())
        ax.set_xticks(range(max(model.N for model in models)))
        ax.set_xlabel("index $k$")
        ax.set_ylabel(r"mean number, $\mathrm{E\,Crt}_{N,k}$")
        ax.legend(loc="upper center", ncols=2, fontsize=7.5, columnspacing=0.8, handlelength=1.2)
    return ax


def energies(model: Model, ax: Axes | None = None) -> Axes:
    """Histogram of the energies of each index, in points an instance, over the exact densities."""
    ax = style.axes_or_new(ax)
    order = next(iter(model.xi))
    low, high = float(model.energy.min()), float(model.energy.max())
    u = np.linspace(low - 0.1, high + 0.1, 400)
    bins = np.linspace(low, high, 41).tolist()
    with style.context():
        for k, colour in zip(range(model.N), style.ordered_colours(model.N), strict=True):
            weights = np.full(np.count_nonzero(model.index == k), 1 / (model.complete * (bins[1] - bins[0])))
            ax.hist(model.energy[model.index == k], bins, weights=weights, color=colour, alpha=0.35, linewidth=0)
            ax.plot(u, critical_energy_density(u, N=model.N, p=order, index=k), color=colour, label=f"$k = {k}$")
        ax.set_xlabel("energy density $u$")
        ax.set_ylabel("points an instance and unit of $u$")
        ax.legend(loc="upper right", fontsize=7.5, handlelength=1.2)
        style.note(ax, "bars: enumerated\nlines: exact", y=0.82)
    return ax


def deviations(table: EnumeratedCounts, ax: Axes | None = None) -> Axes:
    """All z-scores in order, against the quantiles of as many normal ones."""
    ax = style.axes_or_new(ax)
    with style.context():
        for kind, colour, marker in (("index", style.PALETTE[0], "o"), ("energy", style.PALETTE[1], "D")):
            found = [m.z_by_index() if kind == "index" else m.z_by_energy() for m in table.models]
            z = np.sort(np.concatenate(found))
            z = z[np.isfinite(z)]
            expected = norm.ppf((np.arange(len(z)) + 0.5) / len(z))
            ax.plot(expected, z, marker, color=colour, markersize=2.8, markeredgewidth=0, label=f"by {kind}, {len(z)}")
        ax.plot([-3, 3], [-3, 3], color=style.MUTED, linewidth=0.8)
        for bound in (-4, 4):
            ax.axhline(bound, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
        ax.set_ylim(-5.2, 5.2)
        ax.set_xlabel("normal quantile")
        ax.set_ylabel("$z$")
        ax.legend(loc="lower right", fontsize=7.5, handletextpad=0.1)
    return ax


def _title(name: str) -> str:
    return "$" + name.replace("xi", r"\xi") + "$"
