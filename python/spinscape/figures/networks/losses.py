"""Losses of ensembles of networks for growing n: AISTATS15 Fig. 3 (right, or both panels), Table 1, Fig. 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.networks.losses import NetworkLosses
    from spinscape.study.scaled_losses import ScaledLosses


def draw(table: NetworkLosses) -> dict[str, Figure]:
    """The moments against n, and the scatter of training and test losses."""
    return {"network-losses": moments(table), "network-correlation": scatter(table)}


def moments(table: NetworkLosses) -> Figure:
    """Distributions of test losses, their means and deviations and the train-test correlation against n."""
    figure, axes = style.new_figure("page", 5.2, rows=2, columns=2)
    distributions(table, axes[0])
    means(table, axes[1])
    deviations(table, axes[2])
    correlations(table, axes[3])
    titles = ("Test losses", "Means", "Spread over networks", "Correlation of training and test loss")
    for ax, letter, title in zip(axes, "abcd", titles, strict=True):
        style.panel_label(ax, letter, title)
    return figure


def beside_the_glass(networks: NetworkLosses, glass: ScaledLosses) -> Figure:
    """AISTATS15 Fig. 3: final losses of spin glasses of N spins beside those of networks of n hidden units."""
    from spinscape.figures import scaled_losses

    figure, (left, right) = style.new_figure("page", 3.0, columns=2)
    scaled_losses.distributions(glass, left)
    distributions(networks, right)
    style.panel_label(left, "a", "Spin glass, one tensor a size")
    style.panel_label(right, "b", "Networks")
    return figure


def distributions(table: NetworkLosses, ax: Axes | None = None) -> Axes:
    """Histograms of the test losses, divided by the fitted e^{αn^β} where there is a fit."""
    ax = style.axes_or_new(ax)
    law = table.scaling
    sizes = [size for size in table.sizes if len(size.test) > 1]
    with style.context():
        samples = [size.test / (law.factor(size.n) if law else 1.0) for size in sizes]
        for size, sample, colour in zip(sizes, samples, style.ordered_colours(len(sizes)), strict=True):
            edges = np.histogram_bin_edges(sample, "auto")
            heights, _ = np.histogram(sample, edges, density=True)
            ax.stairs(heights, edges, fill=True, color=colour, alpha=0.30)
            ax.stairs(heights, edges, color=colour, linewidth=1.2, label=f"$n = {size.n}$")
        ax.set_xlabel(r"scaled test loss  $L/e^{\alpha n^\beta}$" if law else "test loss")
        ax.set_ylabel("probability density")
        if law:
            constants = rf"$\alpha = {law.alpha.value:.2f}$, $\beta = {law.beta.value:.2f}$"
            ax.legend(loc="best", title=constants, title_fontsize=7.5)
        else:
            ax.legend(loc="best")
    return ax


def means(table: NetworkLosses, ax: Axes | None = None) -> Axes:
    """Mean training and test loss against n with intervals of 95 %, published ones beside them."""
    ax = style.axes_or_new(ax)
    with style.context():
        for k, part in enumerate(("train", "test")):
            name = {"train": "training", "test": "test"}[part]
            _against_n(table, f"{part}_mean", style.PALETTE[k], name, ax)
        law = table.scaling
        if law is not None:
            n = np.geomspace(table.sizes[0].n, table.sizes[-1].n, 200)
            fitted = [law.constant.value * law.factor(float(one)) for one in n]
            ax.plot(n, fitted, color=style.MUTED, linewidth=0.8, label=r"test: $c\,e^{\alpha n^\beta}$", zorder=1)
        _finish(table, ax, "mean loss", logarithmic=True)
    return ax


def deviations(table: NetworkLosses, ax: Axes | None = None) -> Axes:
    """Standard deviations over the networks of a size."""
    ax = style.axes_or_new(ax)
    with style.context():
        for k, part in enumerate(("train", "test")):
            name = {"train": "training", "test": "test"}[part]
            _against_n(table, f"{part}_sd", style.PALETTE[k], name, ax)
        _finish(table, ax, "standard deviation of the loss", logarithmic=True)
    return ax


def correlations(table: NetworkLosses, ax: Axes | None = None) -> Axes:
    """Pearson's correlation of training and test loss against n (AISTATS15 Table 1)."""
    ax = style.axes_or_new(ax)
    with style.context():
        _against_n(table, "correlation", style.PALETTE[2], "", ax)
        ax.axhline(0, color=style.MUTED, linewidth=0.6)
        _finish(table, ax, "Pearson correlation")
        ax.set_ylim(min(-0.05, ax.get_ylim()[0]), 1.02)
    return ax


def scatter(table: NetworkLosses) -> Figure:
    """AISTATS15 Fig. 7: test against training loss, a panel a size, an element a network."""
    columns = min(3, len(table.sizes))
    rows = -(-len(table.sizes) // columns)
    figure, axes = style.new_figure("page", 2.1 * rows + 0.2, rows=rows, columns=columns)
    with style.context():
        for ax, size, colour in zip(axes, table.sizes, style.ordered_colours(len(table.sizes)), strict=False):
            ax.plot(size.train, size.test, ".", color=colour, markersize=3.5, alpha=0.7)
            found = size.correlation
            ax.set_title(f"$n = {size.n}$,  $r = {found.value:.2f}$ [{found.low:.2f}, {found.high:.2f}]", loc="left")
            ax.locator_params(nbins=4)
        for ax in axes[len(table.sizes) :]:
            ax.set_axis_off()
        figure.supxlabel("training loss", fontsize=9.5)
        figure.supylabel("test loss", fontsize=9.5)
    return figure


def _against_n(table: NetworkLosses, name: str, colour: str, label: str, ax: Axes) -> None:
    """A column with its interval, filled; the published values hollow, a little to the right."""
    rows = table.rows()

    def column(key: str) -> np.ndarray:
        return np.array([float(row[key]) for row in rows])

    n, value = column("n"), column(name)
    bars = np.nan_to_num([value - column(f"{name}_low"), column(f"{name}_high") - value])
    ax.errorbar(n, value, bars, fmt="o-", color=colour, capsize=2, linewidth=1.0, label=label or "ours")
    shown = f"{label}, published" if label else "published"
    ax.plot(n, column(f"{name}_published"), "s--", mfc="none", color=colour, linewidth=0.7, alpha=0.8, label=shown)


def _finish(table: NetworkLosses, ax: Axes, label: str, logarithmic: bool = False) -> None:
    ax.set_xscale("log")
    if logarithmic:
        ax.set_yscale("log")
    n = [size.n for size in table.sizes]
    ax.set_xticks(n, [str(one) for one in n])
    ax.xaxis.minorticks_off()
    ax.set_xlabel("hidden units $n$")
    ax.set_ylabel(label)
    ax.legend(loc="best", fontsize=7.5)
