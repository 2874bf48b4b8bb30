"""Halting times of gradient descent: distributions of their fluctuations, and moments, by law of the couplings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.dynamics.halting import HaltingTimes


def draw(table: HaltingTimes) -> Figure:
    """Fluctuations beside moments."""
    figure, (left, middle, right) = style.new_figure("page", 2.9, columns=3, width_ratios=(1.5, 1, 1))
    fluctuations(table, left)
    moments(table, ("mean", "sd"), middle)
    moments(table, ("skewness", "kurtosis"), right)
    style.panel_label(left, "a", f"Halting times, $N = {table.N}$")
    style.panel_label(middle, "b", "steps")
    style.panel_label(right, "c", "shape")
    return figure


def fluctuations(table: HaltingTimes, ax: Axes | None = None) -> Axes:
    """Empirical distribution functions of (T - mean)/sd."""
    ax = style.axes_or_new(ax)
    with style.context():
        for colour, sample in zip(style.PALETTE, table.samples, strict=False):
            values = np.sort(sample.fluctuations)
            test = "" if np.isnan(sample.ks_pvalue) else f", KS $p = {sample.ks_pvalue:.2f}$"
            heights = (np.arange(len(values)) + 1) / len(values)
            ax.step(values, heights, color=colour, linewidth=1.1, where="post", label=f"{sample.law}{test}")
        ax.set_xlabel(r"fluctuation $(T - \langle T \rangle)/\sigma_T$")
        ax.set_ylabel("fraction of samples below")
        against = f"{len(table.samples[0].steps):,} samples a law; tests against {table.samples[0].law}"
        ax.legend(loc="lower right", fontsize=7.5, title=against, title_fontsize=7.0)
    return ax


def moments(table: HaltingTimes, names: tuple[str, ...], ax: Axes | None = None) -> Axes:
    """Moments with 95 % bootstrap intervals, a row a law."""
    ax = style.axes_or_new(ax)
    laws = [sample.law for sample in table.samples]
    with style.context():
        for k, name in enumerate(names):
            values = np.array([sample.moments[name] for sample in table.samples])
            intervals = np.array([sample.intervals[name] for sample in table.samples]).T
            at = np.arange(len(laws)) + 0.16 * (k - (len(names) - 1) / 2)
            bars = np.abs(intervals - values)
            options: dict[str, Any] = {
                "color": (style.INK, style.PALETTE[1])[k % 2],
                "capsize": 2,
                "elinewidth": 0.9,
                "label": name,
            }
            ax.errorbar(values, at, xerr=bars, fmt="oD"[k % 2], **options)
        ax.set_yticks(np.arange(len(laws)), laws if names[0] == "mean" else [""] * len(laws))
        ax.set_ylim(len(laws) - 0.4, -1.1)
        ax.set_xlabel("moment, 95 % interval")
        ax.legend(loc="upper center", ncols=2, fontsize=7.5, columnspacing=0.8, handletextpad=0.2)
    return ax
