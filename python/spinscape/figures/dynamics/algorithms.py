"""Where algorithms end at equal numbers of gradients: against N, or against the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style
from spinscape.theory import ground_state_energy_mixed, marginal_energy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.dynamics.algorithms import Algorithms, Outcome

NAMES = {
    "gradient": "gradient descent",
    "sgd": "SGD, 4 parts",
    "annealing": "simulated annealing",
    "lbfgs": "L-BFGS",
    "hessian-ascent": "Hessian ascent",
    "momentum": "momentum",
    "sgd-tuples": "SGD, mini-batches",
}


def draw(table: Algorithms) -> Figure:
    """With one budget means and spreads against N; with several, means against the budget."""
    if len({found.budget for found in table.outcomes}) > 1:
        figure, (left,) = style.new_figure("column", 3.0)
        rates(table, left)
        return figure
    figure, (left, middle, right) = style.new_figure("page", 3.4, columns=3)
    energies(table, left, legend=False)
    differences(table, middle)
    spreads(table, right)
    budget = table.outcomes[0].budget
    style.panel_label(left, "a", f"At most {budget:,} gradients")
    style.panel_label(middle, "b", "The same starts")
    style.panel_label(right, "c", "Spread")
    with style.context():
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def energies(table: Algorithms, ax: Axes | None = None, legend: bool = True) -> Axes:
    """Mean final energy density of every method against N (circles), and the best start's (triangles)."""
    ax = style.axes_or_new(ax)
    with style.context():
        for colour, shift, found in _by_method(table):
            N = np.array([one.N for one in found]) * shift
            mean, error = _column(found, "energy")
            ax.errorbar(
                N, mean, 2 * error, fmt="o", color=colour, capsize=2, elinewidth=0.9, label=NAMES[found[0].method]
            )
            best, error = _column(found, "best")
            ax.errorbar(
                N, best, 2 * error, fmt="^", markersize=3.5, color=colour, elinewidth=0.7, markerfacecolor="white"
            )
        _band(table, ax)
        _sizes(table, ax)
        ax.set_ylabel("final energy density $u$")
        style.note(
            ax, "circles: mean\ntriangles: best start\nbars: 2 standard errors", 0.98, 0.97, ha="right", va="top"
        )
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + (0.75 if legend else 0.3) * (high - low))  # room for what is written
        if legend:
            ax.legend(loc="upper left", fontsize=7.5)
    return ax


def differences(table: Algorithms, ax: Axes | None = None) -> Axes:
    """Mean final energy density minus that of the first method, over the same starts on the same instances."""
    ax = style.axes_or_new(ax)
    with style.context():
        for colour, shift, found in _by_method(table)[1:]:
            N = np.array([one.N for one in found]) * shift
            mean, error = _column(found, "difference")
            ax.errorbar(N, mean, 2 * error, fmt="o", color=colour, capsize=2, elinewidth=0.9)
        style.reference_line(ax, 0.0, "", vertical=False)
        _sizes(table, ax)
        ax.set_ylabel(f"$u$ minus $u$ of {NAMES[table.outcomes[0].method]}")
    return ax


def spreads(table: Algorithms, ax: Axes | None = None) -> Axes:
    """Standard deviations of the final energy over starts (filled) and over instances (open)."""
    ax = style.axes_or_new(ax)
    with style.context():
        for colour, shift, found in _by_method(table):
            N = np.array([one.N for one in found]) * shift
            ax.plot(N, [float(one.energy.sd_starts) for one in found], "o-", color=colour, linewidth=0.9)
            disorder = [float(one.energy.sd_disorder) for one in found]
            ax.plot(N, disorder, "s:", color=colour, markerfacecolor="white", linewidth=0.9)
        _sizes(table, ax)
        ax.set_ylim(0, 1.2 * ax.get_ylim()[1])  # room for the note
        ax.set_ylabel("standard deviation of $u$")
        style.note(ax, "filled: starts on one instance\nopen: instances", 0.98, 0.97, ha="right", va="top")
    return ax


def rates(table: Algorithms, ax: Axes | None = None) -> Axes:
    """Mean final energy against the budget, a colour a size."""
    ax = style.axes_or_new(ax)
    sizes = sorted({found.N for found in table.outcomes})
    methods = list(dict.fromkeys(found.method for found in table.outcomes))
    with style.context():
        for N, colour in zip(sizes, style.ordered_colours(len(sizes)), strict=True):
            for method, line in zip(methods, ("-", "--", ":", "-.", "-"), strict=False):
                found = [one for one in table.outcomes if (one.N, one.method) == (N, method)]
                mean, error = _column(found, "energy")
                label = f"$N = {N}$" if method == methods[0] else None
                budgets = [one.budget for one in found]
                ax.errorbar(
                    budgets, mean, 2 * error, fmt="o" + line, color=colour, capsize=2, linewidth=1.0, label=label
                )
        _band(table, ax, at=0.98)
        ax.set_xscale("log")
        ax.set_xlabel("gradients a run")
        ax.set_ylabel("final energy density $u$")
        title = ", ".join(NAMES[method] for method in methods)
        ax.legend(loc="upper right", ncols=2, title=f"{title}\nbars: 2 standard errors", title_fontsize=7.5)
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.4 * (high - low))  # room for the legend
    return ax


def _by_method(table: Algorithms) -> list[tuple[str, float, list[Outcome]]]:
    methods = list(dict.fromkeys(found.method for found in table.outcomes))
    shifts = np.exp(np.linspace(-0.06, 0.06, len(methods)))
    return [
        (style.PALETTE[k], float(shift), [found for found in table.outcomes if found.method == method])
        for k, (method, shift) in enumerate(zip(methods, shifts, strict=True))
    ]


def _column(found: list[Outcome], name: str) -> tuple[np.ndarray, np.ndarray]:
    mean = np.array([float(np.ravel(getattr(one, name).mean)[0]) for one in found])
    error = np.array([float(np.ravel(getattr(one, name).error)[0]) for one in found])
    return mean, np.nan_to_num(error)


def _band(table: Algorithms, ax: Axes, at: float = 0.14) -> None:
    threshold, ground = float(marginal_energy(table.xi)), float(ground_state_energy_mixed(table.xi))
    ax.axhspan(-ground, -threshold, color=style.FAINT, zorder=0, linewidth=0)
    name = r"$-E_\infty$" if len(table.xi) == 1 else r"$-E_\mathrm{th}$"
    style.reference_line(ax, -threshold, name, vertical=False, at=at)
    style.reference_line(ax, -ground, "$-E_0$", vertical=False, at=at, before=True)
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, -ground - 0.03), high)


def _sizes(table: Algorithms, ax: Axes) -> None:
    sizes = sorted({found.N for found in table.outcomes})
    ax.set_xscale("log")
    ax.set_xticks(sizes, [str(N) for N in sizes])
    ax.set_xlim(sizes[0] / 1.4, sizes[-1] * 1.2)  # names of lines on the left
    ax.minorticks_off()
    ax.set_xlabel("$N$")
