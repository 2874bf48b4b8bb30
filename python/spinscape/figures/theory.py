"""The theoretical figures, drawn from the tables of `spinscape.theory.tables`; nothing is computed here.

Every panel is a function of a table and, optionally, of the axes to draw in; `draw(table)` gives the whole figure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from spinscape.conventions import FloatArray
from spinscape.figures import style
from spinscape.theory.table import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENERGY = r"Energy density $u=H_N/N$"


def draw(table: Table) -> Figure:
    """The figure of a table of `spinscape.theory.tables`. ValueError if the table is of another kind."""
    if table.name not in _FIGURES:
        raise ValueError(f"table: expected one of {', '.join(_FIGURES)}, got {table.name!r}")
    with style.context():
        return _FIGURES[table.name](table)


def derivative_total(table: Table, ax: Axes | None = None, exact: bool = False) -> Axes:
    """All critical points: d/du exp(NΘ_p(u)), or with `exact` the density of their exact mean number, against Nu."""
    return _linear_curves(table, ["log_density_total" if exact else "log_derivative_total"], ax)


def derivative_by_index(table: Table, ax: Axes | None = None) -> Axes:
    """Each index k: d/du exp(NΘ_{k,p}(u)) against Nu, as published."""
    axes = _linear_curves(table, [f"log_derivative_{k}" for k in _indices(table, "log_derivative_")], ax)
    with style.context():
        style.reference_line(axes, -_number(table, "N") * _number(table, "threshold"), r"$-NE_\infty$")
        axes.legend(loc="upper left", handlelength=1.2, labelspacing=0.25)
    return axes


def exact_by_index(table: Table, ax: Axes | None = None) -> Axes:
    """Each index k: density of the exact mean number against Nu, logarithmic; the published curves dashed."""
    labels, size = _indices(table, "log_density_"), _number(table, "N")
    top = max(table[f"log_density_{label}"].max() for label in labels)
    bottom = min(table[f"log_derivative_{label}"].max() for label in labels) - 12.0
    visible = np.any([table[f"log_density_{label}"] > bottom for label in labels], axis=0)
    with style.context():
        axes = style.axes_or_new(ax)
        for colour, label in zip(style.ordered_colours(len(labels)), labels, strict=True):
            for kind, line in (("density", "-"), ("derivative", (0, (2, 1)))):
                values = table[f"log_{kind}_{label}"] / np.log(10.0)
                axes.plot(
                    size * table["u"], values, color=colour, linestyle=line, linewidth=1.5 if line == "-" else 1.0
                )
        axes.set(xlim=_padded(size * table["u"][visible]), ylim=(bottom / np.log(10.0), (top + 2.0) / np.log(10.0)))
        style.reference_line(axes, -size * _number(table, "threshold"), r"$-NE_\infty$")
        axes.locator_params(axis="x", nbins=6)
        axes.set(xlabel="Energy $H_N=Nu$", ylabel=r"$\log_{10}$ of number per unit $u$")
    return axes


def complexity_total(table: Table, ax: Axes | None = None) -> Axes:
    """Θ_p(u) of all critical points, from the ground state to u = 0."""
    with style.context():
        axes = style.axes_or_new(ax)
        shown = table["u"] >= -1.01 * _number(table, "ground_state")
        axes.plot(table["u"][shown], table["theta_total"][shown], color=style.PALETTE[0])
        _energy_axis(axes, table)
        axes.set(xlabel=ENERGY, ylabel=r"Complexity $\Theta_p(u)$")
    return axes


def complexity_by_index(table: Table, ax: Axes | None = None) -> Axes:
    """Θ_{k,p}(u) for each index k, around the band [−E_0, −E∞]."""
    ground, edge = _number(table, "ground_state"), _number(table, "threshold")
    labels = _indices(table, "theta_")
    with style.context():
        axes = style.axes_or_new(ax)
        shown = (table["u"] >= -ground - (ground - edge)) & (table["u"] <= -edge + 0.25 * (ground - edge))
        for colour, label in zip(style.ordered_colours(len(labels)), labels, strict=True):
            axes.plot(table["u"][shown], table[f"theta_{label}"][shown], color=colour, label=rf"$k={label}$")
        axes.axhline(0.0, color=style.MUTED, linewidth=0.8)
        _energy_axis(axes, table)
        axes.legend(loc="lower right", labelspacing=0.25, bbox_to_anchor=(0.85, 0.0))
        axes.set(xlabel=ENERGY, ylabel=r"Complexity $\Theta_{k,p}(u)$")
    return axes


def layer_ladder(table: Table, ax: Axes | None = None) -> Axes:
    """The layers −E_k for each p as rungs between ground state and threshold, in units of E∞.

    Under each ladder the least N at which the band holds a critical point on average: at smaller N it is mostly empty.
    """
    with style.context():
        axes = style.axes_or_new(ax)
        orders = [int(p) for p in np.unique(table["p"])]
        last = int(table["index"].max())
        colours, half = style.ordered_colours(last + 1), 0.34
        for place, p in enumerate(orders):
            rows = table["p"] == p
            depth = -table["energy"][rows] / table["threshold"][rows]
            axes.fill_between([place - half, place + half], depth[0], -1.0, color=style.FAINT, alpha=0.5, linewidth=0)
            axes.hlines(depth, place - half, place + half, colors=colours[: len(depth)], linewidth=1.6)
            axes.annotate(
                f"$N\\geq{int(table['smallest_N'][rows][0])}$",
                (place, depth[0]),
                (0, -4),
                "data",
                "offset points",
                ha="center",
                va="top",
                color=style.MUTED,
                fontsize=8.5,
            )
        for k in sorted({0, min(1, last), min(2, last), last}):
            axes.annotate(f"$k={k}$", (len(orders) - 1 + half, depth[k]), (3, 0), "data", "offset points", va="center")
        axes.axhline(-1.0, color=style.INK, linewidth=0.9, linestyle=(0, (4, 2)))
        axes.annotate(r"$-E_\infty$", (len(orders) - 1 + half, -1.0), (3, 3), "data", "offset points")
        axes.set_xticks(range(len(orders)), [f"$p={p}$" for p in orders])
        axes.set(ylabel=r"Energy density, in units of $E_\infty$", xlim=(-0.5, len(orders) - 1 + half + 0.3))
        axes.set_ylim(axes.get_ylim()[0] * 1.004, -1.0 + 0.06 * (-1.0 - axes.get_ylim()[0]))
    return axes


def growth_rates(table: Table, ax: Axes | None = None) -> Axes:
    """(1/N) log of the exact mean counts against N, tending to the complexities (dotted)."""
    with style.context():
        axes = style.axes_or_new(ax)
        for name, words, colour in _LEVELS:
            exact = table[f"log_exact_{name}"] / table["N"]
            axes.plot(table["N"], exact, "o-", color=colour, label=words, markersize=3.5)
            axes.axhline(table[f"rate_{name}"][0], color=colour, linewidth=0.9, linestyle=(0, (1, 1.5)))
        axes.set_xscale("log")
        axes.set(xlabel="Number of spins $N$", ylabel=r"$N^{-1}\log\,\mathrm{E}\,\mathrm{Crt}_N$")
    return axes


def asymptotic_ratios(table: Table, ax: Axes | None = None) -> Axes:
    """Sharp asymptotic formula divided by the exact mean count, against N."""
    with style.context():
        axes = style.axes_or_new(ax)
        for name, words, colour in _LEVELS:
            if f"log_sharp_{name}" in table.columns:
                ratio = np.exp(table[f"log_sharp_{name}"] - table[f"log_exact_{name}"])
                axes.plot(table["N"], ratio, "o-", color=colour, label=words, markersize=3.5)
        axes.axhline(1.0, color=style.MUTED, linewidth=0.8)
        axes.set_xscale("log")
        axes.set(xlabel="Number of spins $N$", ylabel="Sharp asymptotics / exact")
    return axes


def mean_density(table: Table, ax: Axes | None = None) -> Axes:
    """Exact mean number of critical points per unit of energy density: all of them, and each index."""
    labels, ten = _indices(table, "log_density_"), np.log(10.0)
    total = table["log_density_total"] / ten
    with style.context():
        axes = style.axes_or_new(ax)
        axes.plot(table["u"], total, color=style.INK)
        for colour, label in zip(style.ordered_colours(len(labels)), labels, strict=True):
            axes.plot(table["u"], table[f"log_density_{label}"] / ten, color=colour, label=rf"$k={label}$")
        middle = int(np.searchsorted(table["u"], -0.25 * _number(table, "threshold")))
        axes.annotate("all indices", (table["u"][middle], total[middle]), (0, -6), "data", "offset points", va="top")
        axes.set(xlim=_padded(table["u"][total > -3.0]), ylim=(-3.0, float(total.max()) + 0.5))
        _energy_axis(axes, table)
        axes.set(xlabel=ENERGY, ylabel=r"$\log_{10}$ of mean number per unit $u$")
    return axes


def energy_distribution(table: Table, ax: Axes | None = None) -> Axes:
    """Exact distribution of the energy of critical points of each index, and how many lie below −E∞."""
    labels = _indices(table, "pdf_")
    highest = max(table[f"pdf_{label}"].max() for label in labels)
    visible = np.any([table[f"pdf_{label}"] > 2e-3 * highest for label in labels], axis=0)
    with style.context():
        axes = style.axes_or_new(ax)
        for colour, label in zip(style.ordered_colours(len(labels)), labels, strict=True):
            curve = table[f"pdf_{label}"]
            axes.plot(table["u"], curve, color=colour, label=rf"$k={label}$")
            peak = (table["u"][curve.argmax()], curve.max())
            name = f"$k={label}$" if label == labels[0] else f"${label}$"
            axes.annotate(name, peak, (0, 2), "data", "offset points", ha="center", va="bottom", fontsize=8.5)
        edge = -_number(table, "threshold")
        axes.set(xlim=_padded(np.append(table["u"][visible], 1.05 * edge)), ylim=(0.0, 1.3 * highest))
        _energy_axis(axes, table)
        below = f"{_rounded(_number(table, 'mean_below_threshold'))} critical points below $-E_\\infty$ on average"
        style.note(axes, below, 0.98, 0.9, ha="right", va="top")
        axes.set(xlabel=ENERGY, ylabel="Probability density of $u$")
    return axes


_LEVELS: tuple[tuple[str, str, str], ...] = (
    ("all", "all", style.PALETTE[0]),
    ("bulk", r"$u\leq-E_\infty/2$", style.PALETTE[2]),
    ("edge", r"$u\leq-E_\infty$", style.PALETTE[1]),
    ("band", r"$u\leq-(E_0+E_\infty)/2$", style.PALETTE[3]),
    ("minima", "minima", style.PALETTE[6]),
)


def _derivative_figure(table: Table) -> Figure:
    figure, axes = style.new_figure("page", 4.6, 2, 2)
    derivative, parameters = r"$\frac{\mathrm{d}}{\mathrm{d}u}$", table.parameters
    style.panel_label(
        derivative_total(table, axes[0]),
        "a",
        rf"Published: {derivative} $e^{{N\Theta_p(u)}}$,  $p={parameters['p']}$, $N={parameters['N']}$",
    )
    style.panel_label(derivative_by_index(table, axes[1]), "b", rf"Published: {derivative} $e^{{N\Theta_{{k,p}}(u)}}$")
    style.panel_label(
        derivative_total(table, axes[2], exact=True), "c", rf"Exact: {derivative} $\mathrm{{E\,Crt}}_N(u)$"
    )
    style.panel_label(
        exact_by_index(table, axes[3]), "d", rf"Exact: {derivative} $\mathrm{{E\,Crt}}_{{N,k}}(u)$; dashed: b"
    )
    return figure


def _complexity_figure(table: Table) -> Figure:
    figure, axes = style.new_figure("page", 2.7, 1, 2)
    style.panel_label(complexity_total(table, axes[0]), "a", f"All critical points, $p={table.parameters['p']}$")
    style.panel_label(complexity_by_index(table, axes[1]), "b", "By index $k$, around the band")
    smallest = f"the band holds less than\none critical point on average\nfor $N<{table.parameters['smallest_N']}$"
    style.note(axes[0], smallest, 0.98, 0.05, ha="right")
    return figure


def _layer_figure(table: Table) -> Figure:
    figure, axes = style.new_figure("page", 3.2, 1, 1)
    sizes = "Below each ladder: the sizes at which its band holds a critical point or more on average"
    layer_ladder(table, axes[0]).set_title(sizes, fontsize=8.5, color=style.MUTED)
    return figure


def _count_figure(table: Table) -> Figure:
    figure, axes = style.new_figure("page", 2.8, 1, 2)
    title = rf"Exact growth rates, $p={table.parameters['p']}$ (dotted: $N\to\infty$)"
    style.panel_label(growth_rates(table, axes[0]), "a", title)
    style.panel_label(asymptotic_ratios(table, axes[1]), "b", "Sharp asymptotics against exact")
    bottom, top = axes[0].get_ylim()
    axes[0].set_ylim(bottom, top + 0.3 * (top - bottom))  # room for the legend, which serves both panels
    axes[0].legend(loc="upper right", labelspacing=0.25, ncols=2, columnspacing=1.0)
    return figure


def _density_figure(table: Table) -> Figure:
    figure, axes = style.new_figure("page", 2.8, 1, 2)
    size = f"$p={table.parameters['p']}$, $N={table.parameters['N']}$"
    style.panel_label(mean_density(table, axes[0]), "a", f"Mean numbers, {size}")
    style.panel_label(energy_distribution(table, axes[1]), "b", "Energies of each index")
    return figure


_FIGURES: dict[str, Callable[[Table], Figure]] = {
    "derivative-curves": _derivative_figure,
    "complexity": _complexity_figure,
    "layers": _layer_figure,
    "counts": _count_figure,
    "density": _density_figure,
}


def _linear_curves(table: Table, columns: Sequence[str], ax: Axes | None) -> Axes:
    """The exponentials of columns against Nu, where any is within e^−8 of the maximum, in units of a power of ten."""
    highest, size = max(table[column].max() for column in columns), _number(table, "N")
    visible = table["u"][np.any([table[column] >= highest - 8.0 for column in columns], axis=0)]
    shown = (table["u"] >= visible.min()) & (table["u"] <= visible.max())
    exponent = int(np.floor(highest / np.log(10.0)))
    with style.context():
        axes = style.axes_or_new(ax)
        colours = style.ordered_colours(len(columns)) if len(columns) > 1 else [style.PALETTE[0]]
        for colour, column in zip(colours, columns, strict=True):
            scaled = np.exp(table[column][shown] - exponent * np.log(10.0))
            axes.plot(size * table["u"][shown], scaled, color=colour, label=f"$k={column.rsplit('_', 1)[1]}$")
        axes.set_ylim(0.0, None)
        axes.locator_params(axis="x", nbins=6)
        axes.set(xlabel="Energy $H_N=Nu$", ylabel=rf"Per unit $u$, in $10^{{{exponent}}}$")
    return axes


def _rounded(value: float) -> str:
    """A mean number for the eye: 0.23, 317, 4.1·10⁷."""
    if 1e-3 <= value < 1e4:
        return f"{value:.2g}" if value < 1 else f"{value:.3g}"
    digits, exponent = f"{value:.1e}".split("e")
    return rf"${digits}\cdot10^{{{int(exponent)}}}$"


def _padded(values: FloatArray) -> tuple[float, float]:
    """Limits of an axis that shows `values` with a margin."""
    low, high = float(values.min()), float(values.max())
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def _energy_axis(axes: Axes, table: Table) -> None:
    """Mark the band between ground state and threshold on an axis of energy densities, names above the curves."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    ground, edge, room = -_number(table, "ground_state"), -_number(table, "threshold"), 0.1 * (right - left)
    axes.axvspan(ground, edge, color=style.FAINT, alpha=0.5, linewidth=0, zorder=0)
    if ground < left:
        style.reference_line(axes, edge, r"$-E_\infty$")
    elif edge - ground > room and ground - left > room:
        style.reference_line(axes, ground, r"$-E_0$", before=True)
        style.reference_line(axes, edge, r"$-E_\infty$")
    else:
        style.reference_line(axes, edge, r"$[{-}E_0,{-}E_\infty]$")
    axes.set(xlim=(left, right), ylim=(bottom, top + 0.1 * (top - bottom)))


def _indices(table: Table, prefix: str) -> list[str]:
    """The labels 0, 1, … of the columns prefix + index, ascending."""
    return [str(k) for k in range(len(table.columns)) if f"{prefix}{k}" in table.columns]


def _number(table: Table, parameter: str) -> float:
    value = table.parameters[parameter]
    if not isinstance(value, (int, float)):
        raise ValueError(f"table {table.name}: parameter {parameter} must be a number, got {value!r}")
    return float(value)
