"""One look for every figure: sizes, fonts, colours that colour-blind readers tell apart, reproducible files.

Nothing here computes, and nothing touches matplotlib's global state: the settings live inside `context()`,
figures are made without pyplot, and matplotlib itself is imported only when a function is called.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.figure import Figure as Figure
else:  # names for annotations; matplotlib itself is imported when something is drawn
    Axes = Figure = Any

Width = Literal["column", "page"]

WIDTHS: dict[str, float] = {"column": 3.4, "page": 7.0}
"""Figure widths in inches: one column and the full width of a two-column page."""

PALETTE: tuple[str, ...] = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Unordered categories: the colours of Okabe and Ito (2008), without their yellow, too pale for a line."""

INK, MUTED, FAINT = "#1A1A1A", "#6B6B6B", "#D9D9D9"
"""Text and data, annotation and reference lines, grids and bands."""

FORMATS: tuple[str, ...] = ("png", "pdf", "svg")

_SETTINGS: Any = {  # Any: matplotlib types the keys differently in each version
    "font.family": "STIXGeneral",  # ships with matplotlib, so a figure looks the same on every machine
    "mathtext.fontset": "stix",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.5,
    "legend.fontsize": 8.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "axes.linewidth": 0.7,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "figure.dpi": 100.0,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 200.0,
    "pdf.fonttype": 42,  # text stays text: journals reject Type 3 fonts
    "svg.fonttype": "none",
    "svg.hashsalt": "spinscape",  # otherwise the identifiers inside an SVG file are random
}

_SMALL: Any = {"color": MUTED, "fontsize": 8.5}


@contextmanager
def context(changes: Mapping[str, Any] | None = None) -> Iterator[None]:
    """The package's matplotlib settings, with `changes`, for the duration of a `with` block and never beyond it."""
    try:
        from matplotlib import rc_context
    except ImportError as error:
        raise ImportError("figures need matplotlib: pip install 'spinscape[study]'") from error
    settings: Any = {**_SETTINGS, **(changes or {})}
    with rc_context(settings):
        yield


def new_figure(
    width: Width = "page", height: float = 2.8, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, list[Axes]]:
    """A figure outside pyplot's registry and its axes, row by row.

    height in inches; `options` go to `Figure.subplots` (sharex, width_ratios, ...).
    """
    with context():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTHS[width], height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, [ax for row in axes for ax in row]


def axes_or_new(ax: Axes | None, width: Width = "column", height: float = 2.6) -> Axes:
    """The caller's axes, or fresh ones in a figure of their own."""
    return new_figure(width, height)[1][0] if ax is None else ax


Drawing = ParamSpec("Drawing")


def panel(draw: Callable[Drawing, None]) -> Callable[..., Axes]:
    """Make a function that draws into `ax` one panel: ax may be left out, settings are ours, the axes are returned."""
    signature = inspect.signature(draw)
    needed = signature.replace(
        parameters=[p.replace(default=None) if p.name == "ax" else p for p in signature.parameters.values()]
    )

    @wraps(draw)
    def drawn(*args: Any, **options: Any) -> Axes:
        given = needed.bind(*args, **options)
        given.arguments["ax"] = ax = axes_or_new(given.arguments.get("ax"))
        with context():
            draw(*given.args, **given.kwargs)
        return ax

    return drawn


def page(
    height: float,
    *panels: tuple[str, Callable[[Axes], Any]],
    legend: str | None = None,
    columns: int = 4,
    note: str = "",
    **options: Any,
) -> Figure:
    """A page of panels side by side, each (title, what draws into its axes), lettered from a.

    legend : title of one legend for all, under them;     note : small print under them;     options : of `new_figure`.
    """
    figure, axes = new_figure("page", height, columns=len(panels), **options)
    for letter, (title, draw), ax in zip(LETTERS, panels, axes, strict=False):
        draw(ax)
        panel_label(ax, letter, title)
    if legend is not None:
        legend_below(figure, *axes, columns=columns, title=legend)
    if note:
        caption(figure, note)
    return figure


LETTERS = "abcdefgh"


def ordered_colours(count: int) -> list[str]:
    """`count` colours for an ordered family (index k, depth p, size N): viridis up to a readable green."""
    with context():
        from matplotlib import colormaps
        from matplotlib.colors import to_hex

        scale = colormaps["viridis"]
        return [to_hex(scale(0.85 * i / max(count - 1, 1))) for i in range(count)]


BARS = "bars: 95 % confidence"
"""What every error bar of the package is."""


def estimates(ax: Axes, x: Any, intervals: Sequence[Any], **options: Any) -> None:
    """Points with 95 % bars; `intervals` have `value` and `bars`, the lengths below and above."""
    bars = list(zip(*(one.bars for one in intervals), strict=True)) or None
    values = [one.value for one in intervals]
    ax.errorbar(x, values, bars, **{"fmt": "o", "capsize": 2, "elinewidth": 0.9, **options})


def size_axis(ax: Axes, sizes: Sequence[int], label: str = "$N$") -> None:
    """A logarithmic axis with a tick at every size."""
    ax.set_xscale("log")
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.xaxis.minorticks_off()
    ax.set_xlabel(label)


def legend_below(figure: Figure, *axes: Axes, columns: int = 4, title: str | None = None) -> None:
    """One legend for the panels of a figure, under them, each label once."""
    entries: dict[str, Any] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    with context():
        options: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "title": title}
        figure.legend(list(entries.values()), list(entries), title_fontsize=8.0, **options)


def headroom(ax: Axes, share: float) -> None:
    """Raise the top of an axis by a share of its height, for what is written there."""
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + share * (high - low))


def model(xi: Mapping[int, float]) -> str:
    """A glass in words: p, or ξ."""
    if len(xi) == 1:
        return f"$p = {next(iter(xi))}$"
    return r"$\xi = " + " + ".join(f"{c:g}\\,q^{{{p}}}" for p, c in sorted(xi.items())) + "$"


def threshold(xi: Mapping[int, float]) -> str:
    """The name of a glass's threshold energy."""
    return r"$-E_\infty$" if len(xi) == 1 else r"$-E_\mathrm{th}$"


def caption(figure: Figure, text: str) -> None:
    """Small print under the panels."""
    with context():
        figure.supxlabel(text, fontsize=8.0, color=MUTED)


def reference_line(
    ax: Axes, position: float, label: str, vertical: bool = True, at: float = 1.0, before: bool = False
) -> None:
    """A thin dotted line at `position` with its name beside it (`before`: on its left), `at` a fraction of the axes."""
    draw = ax.axvline if vertical else ax.axhline
    draw(position, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    if vertical:
        place, shift, side = (position, at), (-2 if before else 2, -1), "right" if before else "left"
        ax.annotate(label, place, shift, ax.get_xaxis_transform(), "offset points", ha=side, va="top", **_SMALL)
    else:
        place, side = (at, position), "top" if before else "bottom"
        shift = (-2, -2 if before else 2)
        ax.annotate(label, place, shift, ax.get_yaxis_transform(), "offset points", ha="right", va=side, **_SMALL)


def panel_label(ax: Axes, letter: str, title: str = "") -> None:
    """The bold letter of a panel, left above it, followed by its title."""
    ax.set_title(rf"$\bf{{{letter}}}$" + (f"   {title}" if title else ""), loc="left")


def note(ax: Axes, text: str, x: float = 0.02, y: float = 0.02, **options: Any) -> None:
    """Small print inside the axes, at axes coordinates."""
    ax.text(x, y, text, **{"transform": ax.transAxes, "color": MUTED, "fontsize": 8.0, **options})


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write `figure` in the format of the path's suffix, undated: the same figure gives the same bytes."""
    target = Path(path)
    suffix = target.suffix.removeprefix(".")
    if suffix not in FORMATS:
        raise ValueError(f"path: expected a name ending in one of {', '.join(FORMATS)}, got {target.name!r}")
    undated: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    target.parent.mkdir(parents=True, exist_ok=True)
    with context():
        figure.savefig(target, metadata=undated[suffix])
    return target
