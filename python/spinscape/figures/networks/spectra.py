"""Spectra of Hessians through training, and their outliers against clusters and width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.networks.spectra import HessianSpectra, Spectra

LINEAR = 1e-3  # spectra are drawn on an axis linear within it and logarithmic beyond


def draw(table: HessianSpectra) -> Figure:
    """One network's spectrum through training, the top of it by clusters, and the number of outliers."""
    figure, axes = style.new_figure("page", 2.9, columns=3, width_ratios=(1.2, 1.0, 1.0))
    widest = max(one.n for one in table.spectra)
    mine = [one for one in table.spectra if one.n == widest]
    through_training(table, mine[-1], axes[0])
    tops(table, mine, axes[1])
    counts(table, axes[2])
    style.panel_label(axes[0], "a", f"{mine[-1].clusters} clusters, $n = {widest}$")
    style.panel_label(axes[1], "b", f"Largest, $n = {widest}$")
    style.panel_label(axes[2], "c", "Outliers")
    return figure


def through_training(table: HessianSpectra, one: Spectra, ax: Axes | None = None) -> Axes:
    """Distribution functions of the eigenvalues of all networks of a kind at every epoch."""
    ax = style.axes_or_new(ax)
    with style.context():
        for k, colour in enumerate(style.ordered_colours(len(table.epochs))):
            values = np.sort(one.eigenvalues[:, k].ravel())
            fraction = np.arange(1, len(values) + 1) / len(values)
            label = f"epoch {table.epochs[k]}, $L = {one.loss[:, k].mean():.2g}$"
            ax.plot(values, fraction, color=colour, linewidth=1.1, label=label)
        ax.set_xscale("symlog", linthresh=LINEAR)
        ax.set_xticks([-1, -0.01, 0, 0.01, 1])
        ax.set_xlabel(r"eigenvalue $\lambda$")
        ax.set_ylabel(r"fraction of eigenvalues $\leq \lambda$")
        ax.legend(loc="upper left", fontsize=7.0)
    return ax


def tops(table: HessianSpectra, spectra: list[Spectra], ax: Axes | None = None) -> Axes:
    """The largest eigenvalues of the first network of each kind after training, by rank; ticks at the clusters."""
    ax = style.axes_or_new(ax)
    shown = 3 * max(one.clusters for one in spectra)
    with style.context():
        for one, colour in zip(spectra, style.ordered_colours(len(spectra)), strict=True):
            values = np.sort(one.eigenvalues[0, -1])[::-1][:shown]
            values = values[values > 0]
            ax.plot(np.arange(1, len(values) + 1), values, ".-", color=colour, linewidth=0.8, label=f"{one.clusters}")
        ax.set_yscale("log")
        ax.set_xlabel("rank")
        ax.set_ylabel(r"eigenvalue $\lambda$")
        ax.legend(loc="upper right", title="clusters", fontsize=7.5, title_fontsize=7.5)
    return ax


def counts(table: HessianSpectra, ax: Axes | None = None) -> Axes:
    """Outliers after training against clusters: networks (small) and their medians; lines: clusters, and one less."""
    ax = style.axes_or_new(ax)
    widths = list(dict.fromkeys(one.n for one in table.spectra))
    clusters = sorted({one.clusters for one in table.spectra})
    with style.context():
        ax.plot(clusters, clusters, color=style.MUTED, linewidth=0.8, label="clusters")
        ax.plot(clusters, [k - 1 for k in clusters], color=style.MUTED, linewidth=0.8, ls=":", label="clusters $-$ 1")
        for k, n in enumerate(widths):
            colour, shift = style.PALETTE[k % 7], 0.2 * (k - (len(widths) - 1) / 2)
            mine = [one for one in table.spectra if one.n == n]
            for one in mine:
                found = one.outliers[:, -1]
                ax.plot(np.full(len(found), one.clusters + shift), found, ".", color=colour, markersize=3, alpha=0.7)
            place = [one.clusters + shift for one in mine]
            ax.plot(place, [np.median(one.outliers[:, -1]) for one in mine], "o", color=colour, label=f"$n = {n}$")
        ax.set_xlabel("clusters")
        ax.set_ylabel("outliers")
        ax.set_ylim(0, 1.75 * max(clusters))
        ax.legend(loc="upper right", fontsize=7.5)
    return ax
