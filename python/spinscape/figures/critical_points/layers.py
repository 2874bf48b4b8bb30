"""Layers of critical points: energies by index over the exact densities, and index against energy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spinscape.figures import style
from spinscape.study.critical_points.layers import exact_energies, index_spread, mean_index
from spinscape.theory import layer_energy, negative_fraction, threshold_energy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.critical_points.layers import Cloud, Layers

MOST_PANELS = 3


def draw(table: Layers) -> dict[str, Figure]:
    """The layered structure at up to three sizes, and the cloud of index against energy."""
    return {"layers": structure(table), "index-energy": clouds(table)}


def structure(table: Layers) -> Figure:
    """A panel for each size, a row for each index."""
    shown = table.clouds[:MOST_PANELS]
    figure, axes = style.new_figure("page", 4.2, columns=len(shown), sharey=True)
    for letter, cloud, ax in zip("abc", shown, axes, strict=False):
        ridges(cloud, table.low, ax)
        style.panel_label(ax, letter, f"$p = {table.p}$, $N = {cloud.N}$")
        if letter != "a":
            ax.set_ylabel("")
    return figure


def ridges(cloud: Cloud, low: int, ax: Axes | None = None) -> Axes:
    """Energies found at each index (bars) over the exact densities (lines), rows on a common scale; E_k as ticks."""
    ax = style.axes_or_new(ax)
    exact = [exact_energies(cloud.N, cloud.p, k) for k in range(low + 1)]
    top = 1.25 * max(float(density.max()) for _, density in exact)
    with style.context():
        for k, ((u, density), colour) in enumerate(zip(exact, style.ordered_colours(low + 1), strict=True)):
            seen = density > 1e-4 * density.max()
            found = cloud.energy[(cloud.index == k) & cloud.certified]
            if len(found) > 1:
                heights, edges = np.histogram(found, bins=max(8, min(18, len(found) // 8)), density=True)
                ax.stairs(
                    np.minimum(k + heights / top, k + 0.97), edges, baseline=k, fill=True, color=colour, alpha=0.4
                )
            ax.plot(u[seen], k + density[seen] / top, color=colour, linewidth=1.2)
            edge = -float(layer_energy(cloud.p, k))
            ax.plot([edge, edge], [k, k + 0.5], color=style.INK, linewidth=1.0)
        style.reference_line(ax, -float(threshold_energy(cloud.p)), r"$-E_\infty$", at=0.995)
        ax.set_ylim(0, low + 1)
        ax.set_yticks(np.arange(low + 1), [str(k) for k in range(low + 1)])
        ax.set_xlabel("energy density $u$")
        ax.set_ylabel("index $k$")
        style.note(ax, "bars: found\nlines: exact\nblack: $-E_k$", x=0.98, y=0.02, ha="right")
    return ax


def clouds(table: Layers) -> Figure:
    """Fractions of negative directions against the semicircle law, and deviations at the largest cloud."""
    figure, (left, right) = style.new_figure("page", 3.0, columns=2)
    fractions(table, left)
    largest = max(table.clouds, key=lambda cloud: np.count_nonzero(cloud.certified) * cloud.N)
    deviations(largest, right)
    style.panel_label(left, "a", f"Index against energy, $p = {table.p}$")
    style.panel_label(right, "b", f"Off the exact mean, $N = {largest.N}$")
    return figure


def fractions(table: Layers, ax: Axes | None = None) -> Axes:
    """Index over N - 1 of every certified point, and the semicircle's mass below p u."""
    ax = style.axes_or_new(ax)
    with style.context():
        for cloud, colour in zip(table.clouds, style.ordered_colours(len(table.clouds)), strict=True):
            ok = cloud.certified
            label = f"$N = {cloud.N}$, {np.count_nonzero(ok):,} points"
            options: dict[str, Any] = {"markersize": 2.0, "markeredgewidth": 0, "alpha": 0.6, "rasterized": True}
            ax.plot(cloud.energy[ok], cloud.index[ok] / (cloud.N - 1), "o", color=colour, label=label, **options)
        u = np.linspace(-1.05 * float(threshold_energy(table.p)), 0.05, 300)
        ax.plot(
            u, negative_fraction(u, table.p), color=style.INK, linewidth=1.0, zorder=3, label="semicircle below $pu$"
        )
        style.reference_line(ax, -float(threshold_energy(table.p)), r"$-E_\infty$", at=0.5)
        ax.set_xlabel("energy density $u$")
        ax.set_ylabel("index$/(N-1)$")
        ax.legend(loc="upper left", fontsize=7.5, markerscale=2, handletextpad=0.4)
    return ax


def deviations(cloud: Cloud, ax: Axes | None = None) -> Axes:
    """Index minus E[index | u] against u, with the band of four σ(N, u) from the shifted GOE."""
    ax = style.axes_or_new(ax)
    ok = cloud.certified
    u = np.linspace(cloud.energy[ok].min(), cloud.energy[ok].max(), 120)
    sigma = index_spread(u, cloud.N, cloud.p, cloud.draws)
    off = cloud.index[ok] - cloud.expected[ok]
    with style.context():
        ax.fill_between(u, -4 * sigma, 4 * sigma, color=style.FAINT, linewidth=0, label=r"$\pm 4\sigma(N, u)$")
        ax.fill_between(u, -sigma, sigma, color=style.MUTED, alpha=0.4, linewidth=0, label=r"$\pm\sigma(N, u)$")
        options: dict[str, Any] = {"markersize": 2.0, "markeredgewidth": 0, "alpha": 0.6, "rasterized": True}
        ax.plot(cloud.energy[ok], off, "o", color=style.PALETTE[0], **options)
        ax.axhline(0, color=style.INK, linewidth=0.7)
        lower = -mean_index(u, N=cloud.N, p=cloud.p)
        ax.plot(u, lower, color=style.INK, linewidth=0.8, linestyle=(0, (3, 2)), label="index 0")
        limit = 1.35 * float(max(4 * sigma.max(), np.abs(off).max()))
        ax.set_ylim(-limit, limit)
        ax.set_xlabel("energy density $u$")
        ax.set_ylabel(r"index $-\,\mathrm{E}[\mathrm{index} \mid u]$")
        ax.legend(loc="upper right", ncols=3, fontsize=7.5, columnspacing=1.0)
        style.note(
            ax, f"{cloud.within[ok].mean():.2%} of {np.count_nonzero(ok):,} within $4\\sigma$", x=0.98, ha="right"
        )
    return ax
