"""AISTATS15 Fig. 3 (left) = COLT15 Fig. 1 (left): where descents on the spin glass end, for growing N."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style
from spinscape.theory import ground_state_energy, threshold_energy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.scaled_losses import ScaledLosses

# From the exact mean counts: 0.41 critical points below -E_inf at N = 100, 1.36 at N = 200 (p = 3).
FINITE_SIZE = r"Grey: the band $[-E_0, -E_\infty]$; for $N$ below about 180 fewer than one critical point lies there."


def draw(table: ScaledLosses) -> Figure:
    """The distributions of final u beside their means against N."""
    figure, (left, right) = style.new_figure("page", 3.1, columns=2, width_ratios=(1.35, 1.0))
    distributions(table, left)
    means(table, right)
    style.panel_label(left, "a", "Final scaled losses, one tensor a size")
    style.panel_label(right, "b", "Means over starts and tensors")
    if any(size.N < 200 for size in table.sizes) and table.p == 3:
        with style.context():
            figure.supxlabel(FINITE_SIZE, fontsize=8.0, color=style.MUTED)
    return figure


def distributions(table: ScaledLosses, ax: Axes | None = None) -> Axes:
    """Histograms of the final energy densities of the first tensor of each size, with the band [-E_0, -E∞]."""
    ax = style.axes_or_new(ax)
    with style.context():
        samples = [size.first() for size in table.sizes]
        edges = _edges(samples)
        for size, sample, colour in zip(table.sizes, samples, style.ordered_colours(len(samples)), strict=True):
            heights, _ = np.histogram(sample, edges, density=True)
            ax.stairs(heights, edges, fill=True, color=colour, alpha=0.30)
            ax.stairs(heights, edges, color=colour, linewidth=1.3, label=f"$N = {size.N}$")
        low, high = -float(ground_state_energy(table.p)), -float(threshold_energy(table.p))
        ax.axvspan(low, high, color=style.FAINT, zorder=0, linewidth=0)
        ax.annotate(
            r"$[-E_0, -E_\infty]$",
            (low, 0.62),
            xycoords=ax.get_xaxis_transform(),
            xytext=(-3, 0),
            textcoords="offset points",
            rotation=90,
            ha="right",
            va="center",
            color=style.MUTED,
            fontsize=8.5,
        )
        ax.set_xlim(min(edges[0], low - 0.06), edges[-1])
        ax.set_xlabel(r"scaled loss  $u = H_N/N$")
        ax.set_ylabel("probability density")
        ax.legend(loc="upper right")
    return ax


def means(table: ScaledLosses, ax: Axes | None = None) -> Axes:
    """Mean final u against N: the first tensor, the mean over tensors, and the published one-tensor means."""
    ax = style.axes_or_new(ax)
    with style.context():
        rows = table.rows()
        sizes = np.array([float(row["N"]) for row in rows])
        column = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
        low, high = -float(ground_state_energy(table.p)), -float(threshold_energy(table.p))
        ax.axhspan(low, high, color=style.FAINT, zorder=0, linewidth=0)
        style.reference_line(ax, high, r"$-E_\infty$", vertical=False, at=0.12)
        style.reference_line(ax, low, r"$-E_0$", vertical=False, at=0.12)
        series = (
            (0.94, "published_mean", "published_sd", "s", style.PALETTE[1], "published, 1 tensor"),
            (1.00, "mean_first_tensor", "sd_first_tensor", "o", style.PALETTE[0], "ours, 1 tensor"),
            (1.06, "mean_of_tensors", "sd_of_tensor_means", "D", style.PALETTE[2], "ours, all tensors"),
        )
        for shift, mean, spread, marker, colour, label in series:
            ax.errorbar(
                sizes * shift,
                column[mean],
                np.nan_to_num(column[spread]),
                fmt=marker,
                color=colour,
                capsize=2,
                elinewidth=0.9,
                label=label,
            )
        ax.set_xscale("log")
        ax.set_xticks(sizes, [f"{int(N)}" for N in sizes])
        ax.minorticks_off()
        ax.set_xlabel("$N$")
        ax.set_ylabel(r"mean final $u$")
        ax.legend(
            loc="upper right", title="bars: s.d. of starts (of tensor\nmeans for all tensors)", title_fontsize=7.5
        )
    return ax


def _edges(samples: list[np.ndarray]) -> np.ndarray:
    """Bins common to all sizes, fine enough for the narrowest: its interquartile range over 2 n^{1/3}, doubled."""
    widths = [
        2 * float(np.subtract(*np.percentile(sample, [75, 25]))) / len(sample) ** (1 / 3)
        for sample in samples
        if len(sample) > 1
    ]
    width = max(2 * min((w for w in widths if w > 0), default=0.01), 1e-4)
    low = min(float(sample.min()) for sample in samples)
    high = max(float(sample.max()) for sample in samples)
    return np.arange(np.floor(low / width), np.ceil(high / width) + 2) * width
