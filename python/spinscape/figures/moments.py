"""Any experiment's results against a numeric argument: mean and standard deviation of each column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.summary import Group, Summary

MAX_COLUMNS = 8
MAX_SERIES = 7


def draw(summary: Summary) -> list[tuple[str, Figure]]:
    """Return (caption, figure) with a panel a result column, at most MAX_COLUMNS; none where nothing is numeric."""
    names = summary.results[:MAX_COLUMNS]
    if not names or not summary.groups:
        return []
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    figure, axes = style.new_figure("page" if columns == 2 else "column", 2.3 * rows, rows, columns)
    for ax, name in zip(axes, names, strict=False):
        panel(summary, name, ax)
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    left = len(summary.results) - len(names)
    more = f" {left} more columns are in the table." if left else ""
    return [(f"Mean and standard deviation over the samples of each group.{more}", figure)]


def panel(summary: Summary, name: str, ax: Axes | None = None) -> Axes:
    """Mean ± s.d. of one result column against a numeric argument, a series for each value of the others."""
    ax = style.axes_or_new(ax)
    axis = _axis(summary)
    with style.context():
        series = _series(summary, axis)
        for (label, groups), colour in zip(list(series.items())[:MAX_SERIES], style.PALETTE, strict=False):
            means, spreads = zip(*(group.moments[name][:2] for group in groups), strict=True)
            places = [_place(group, axis) for group in groups]
            bars = [0.0 if spread != spread else spread for spread in spreads]
            ax.errorbar(places, means, bars, fmt="o", color=colour, capsize=2, elinewidth=0.9, label=label)
        if axis is None:
            ax.set_xticks([])
        else:
            ax.set_xlabel(summary.by[axis])
        ax.set_ylabel(name)
        if len(series) > 1:
            others = ", ".join(by for k, by in enumerate(summary.by) if k != axis)
            ax.legend(title=others if len(series) <= MAX_SERIES else f"{others} (the first {MAX_SERIES})")
    return ax


def _axis(summary: Summary) -> int | None:
    """The position of the argument with the most different numbers, None where none is a number in every group."""
    numeric = [
        k for k in range(len(summary.by)) if all(isinstance(group.values[k], (int, float)) for group in summary.groups)
    ]
    return max(numeric, key=lambda k: len({group.values[k] for group in summary.groups}), default=None)


def _place(group: Group, axis: int | None) -> float:
    return 0.0 if axis is None else float(group.values[axis])


def _series(summary: Summary, axis: int | None) -> dict[str, list[Group]]:
    out: dict[str, list[Group]] = {}
    for group in summary.groups:
        label = ", ".join(str(value) for k, value in enumerate(group.values) if k != axis)
        out.setdefault(label, []).append(group)
    return out
