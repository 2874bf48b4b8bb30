"""Any experiment's results, where it says nothing of its own: moments of each column over groups of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from spinscape.figures import style
from spinscape.study.experiment import Readable, ResultTable, Rows
from spinscape.study.summary import Group, Summary, summarise
from spinscape.study.table import table_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_COLUMNS = 8
MAX_SERIES = 7


@dataclass(frozen=True)
class Moments(ResultTable):
    """Mean and standard deviation of every numeric column; `left_out` names the arrays that fit no column."""

    summary: Summary
    left_out: tuple[str, ...]

    @classmethod
    def from_store(cls, store: Readable) -> Self:
        """Read the finished units of a store."""
        table = table_of(store)
        return cls(summarise(table), table.left_out)

    def rows(self) -> Rows:
        """Return one row a group."""
        return [
            dict(zip(self.summary.by, group.values, strict=True))
            | {"samples": group.count}
            | {
                f"{name} {what}": value
                for name in self.summary.results
                for what, value in zip(("mean", "s.d."), group.moments[name], strict=False)
            }
            for group in self.summary.groups
        ]

    def notes(self) -> list[str]:
        """Return what the figure does not show and the table cannot hold."""
        more = len(self.summary.results) - MAX_COLUMNS
        notes = [f"The figure leaves out {more} columns of the table"] if more > 0 else []
        return notes + (
            [f"Arrays of the store that do not fit a table: {', '.join(self.left_out)}"] if self.left_out else []
        )


def draw(table: Moments) -> dict[str, Figure]:
    """A panel a result column, at most MAX_COLUMNS; nothing where nothing is numeric."""
    summary = table.summary
    names = summary.results[:MAX_COLUMNS]
    if not names or not summary.groups:
        return {}
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    figure, axes = style.new_figure("page" if columns == 2 else "column", 2.3 * rows, rows, columns)
    for ax, name in zip(axes, names, strict=False):
        panel(summary, name, ax)
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    with style.context():
        figure.supxlabel("bars: standard deviation of the samples", fontsize=8.0, color=style.MUTED)
    return {"moments": figure}


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
