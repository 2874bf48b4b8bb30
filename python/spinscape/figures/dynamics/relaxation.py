"""Energy against time at several N with the limit N to infinity; the approach to the threshold, or ageing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style
from spinscape.theory import marginal_energy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.dynamics.relaxation import Relaxation


def draw(table: Relaxation) -> Figure:
    """Energies; beside them the correlation with the waiting times, or the distance to the threshold."""
    figure, (left, right) = style.new_figure("page", 3.0, columns=2)
    energies(table, left)
    moves = (
        "Gradient flow from uniform starts" if table.beta is None else rf"Langevin dynamics, $\beta = {table.beta:g}$"
    )
    style.panel_label(left, "a", moves)
    if table.waits:
        ageing(table, right)
        style.panel_label(right, "b", f"Ageing, $N = {table.sizes[-1].N}$")
    else:
        approach(table, right)
        style.panel_label(right, "b", "Distance to the threshold")
    return figure


def energies(table: Relaxation, ax: Axes | None = None) -> Axes:
    """Energy density against t, mean and two standard errors, with the limit."""
    ax = style.axes_or_new(ax)
    later = table.times > 0
    with style.context():
        for size, colour in zip(table.sizes, style.ordered_colours(len(table.sizes)), strict=True):
            mean, error = size.energy.mean[later], 2 * np.nan_to_num(size.energy.error[later])
            ax.fill_between(table.times[later], mean - error, mean + error, color=colour, alpha=0.3, linewidth=0)
            ax.plot(table.times[later], mean, color=colour, linewidth=1.0, label=f"$N = {size.N}$")
        limit = table.limit
        drawn = limit.t >= table.times[later][0]
        ax.plot(limit.t[drawn], limit.energy[drawn], color=style.INK, linestyle="--", label=r"$N \to \infty$ (DMFT)")
        if table.beta is None:
            name = r"$-E_\infty$" if len(table.xi) == 1 else r"$-E_\mathrm{th}$"
            style.reference_line(ax, -float(marginal_energy(table.xi)), name, vertical=False, at=0.98, before=True)
            bottom = -float(marginal_energy(table.xi))
            ax.set_ylim(bottom - 0.09 * abs(bottom), None)
        ax.set_xscale("log")
        ax.set_xlabel("time $t$")
        ax.set_ylabel("energy density $u = H_N/N$")
        ax.legend(loc="upper right", title="band: 2 standard errors", title_fontsize=7.5)
    return ax


def approach(table: Relaxation, ax: Axes | None = None) -> Axes:
    """Energies above the threshold on logarithmic axes: sizes, their extrapolation to 1/N = 0, and the limit."""
    ax = style.axes_or_new(ax)
    threshold, later = float(marginal_energy(table.xi)), table.times > 0
    with style.context():
        for size, colour in zip(table.sizes, style.ordered_colours(len(table.sizes)), strict=True):
            ax.plot(table.times[later], size.energy.mean[later] + threshold, color=colour, linewidth=1.0)
        mean, error = table.extrapolated()
        shown = later & np.isfinite(mean) & (mean + threshold > 2 * error)
        ax.errorbar(
            table.times[shown],
            mean[shown] + threshold,
            2 * error[shown],
            fmt="o",
            markersize=2.5,
            elinewidth=0.7,
            color=style.PALETTE[1],
            label=r"sizes, extrapolated in $1/N$",
        )
        limit = table.limit
        drawn = limit.t >= table.times[later][0]
        ax.plot(limit.t[drawn], limit.energy[drawn] + threshold, color=style.INK, linestyle="--", label="DMFT")
        if len(table.xi) == 1:
            t = np.array([10.0, limit.t[-1]])
            height = float(limit.energy_at(limit.t[-1])) + threshold
            ax.plot(t, 0.6 * height * (t / t[-1]) ** (-2 / 3), color=style.MUTED, linewidth=0.8)
            ax.annotate("$t^{-2/3}$", (t[-1], 0.6 * height), (-22, -4), textcoords="offset points", color=style.MUTED)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel("time $t$")
        ax.set_ylabel(r"$u + E_\infty$" if len(table.xi) == 1 else r"$u + E_\mathrm{th}$")
        ax.legend(loc="lower left", title="bars: 2 standard errors", title_fontsize=7.5)
    return ax


def ageing(table: Relaxation, ax: Axes | None = None) -> Axes:
    """C(t_w + τ, t_w) against τ at the largest N, with the limit."""
    ax = style.axes_or_new(ax)
    size = table.sizes[-1]
    with style.context():
        for w, (wait, colour) in enumerate(zip(table.waits, style.ordered_colours(len(table.waits)), strict=True)):
            lags = table.times - wait
            grid = np.geomspace(min(lags[lags > 1e-9]), lags[-1], 25)
            shown = np.unique(np.argmin(np.abs(lags - grid[:, None]), axis=1))
            mean, error = size.correlation.mean[w, shown], 2 * np.nan_to_num(size.correlation.error[w, shown])
            ax.errorbar(lags[shown], mean, error, fmt="o", markersize=2.5, elinewidth=0.7, color=colour)
            smooth = np.geomspace(lags[shown][0], lags[shown][-1], 200)
            limit = table.limit.correlation_at(wait + smooth, wait)
            ax.plot(smooth, limit, color=colour, linewidth=1.0, label=f"$t_w = {wait:g}$")
        ax.set_xscale("log")
        ax.set_ylim(0, 1.03)
        ax.set_xlabel(r"$t - t_w$")
        ax.set_ylabel("$C(t, t_w)$")
        ax.legend(loc="lower left", title="points: simulation, 2 s.e.\nlines: DMFT", title_fontsize=7.5)
    return ax
