"""One self-contained HTML page from a store: figures inline, tables, provenance, how to reproduce it.

Everything that comes from the store is escaped; the page loads nothing and runs no script.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinscape.figures import moments, style
from spinscape.study.status import Status, duration, status
from spinscape.study.summary import Summary, summarise
from spinscape.study.table import table_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from spinscape.study.store import Store

Cells = Iterable[Iterable[Any]]

MAX_COLUMNS = 10  # of numbers, on a page of paper


def write(store: Store, path: str | os.PathLike[str]) -> Path:
    """Write the page of a store; it appears when it is whole."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_text(page(store), encoding="utf-8")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def page(store: Store) -> str:
    """Return the page as text."""
    state, table = status(store), table_of(store)
    summary = summarise(table)
    sections = [_head(store, state)]
    if state.failures:
        sections.append(_section("Set aside", _failures(state)))
    if state.done:
        figures, rows = _own(store) if store.recipe.experiment in _OWN else (moments.draw(summary), _rows(summary))
        sections.append(_section("Figures", "".join(_figure(figure, title) for title, figure in figures)))
        sections.append(_section("Results", _results(*rows) + _left_out(table.left_out)))
    sections.append(_section("Recipe", _table(("parameter", "value"), _parameters(store.recipe.parameters))))
    sections.append(_section("Provenance", _provenance(state)))
    sections.append(_section("How to reproduce", _reproduce(store)))
    title = f"spinscape: {escape(_title(store))}"
    return _PAGE.format(title=title, style=_STYLE, body="\n".join(sections))


def _own(store: Store) -> tuple[list[tuple[str, Figure]], tuple[tuple[str, ...], Cells]]:
    return _OWN[store.recipe.experiment](store)


def _scaled_losses(store: Store) -> tuple[list[tuple[str, Figure]], tuple[tuple[str, ...], Cells]]:
    from spinscape.figures import scaled_losses
    from spinscape.study.scaled_losses import ScaledLosses

    table = ScaledLosses.from_store(store)
    rows = table.rows()
    names = tuple(rows[0])
    caption = "Final scaled losses u = H_N/N of descents from random starts, and their means against N."
    return [(caption, scaled_losses.draw(table))], (names, [[row[name] for name in names] for row in rows])


# Experiments with figures of their own; all others show the moments of their table.
_OWN: Mapping[str, Callable[[Store], tuple[list[tuple[str, Figure]], tuple[tuple[str, ...], Cells]]]] = {
    "scaled-losses": _scaled_losses
}


def _head(store: Store, state: Status) -> str:
    if state.total is None:
        progress = f"{state.done:,} units"
    elif state.done == state.total:
        progress = f"finished: {state.done:,} units"
    else:
        progress = f"unfinished: {state.done:,} of {state.total:,} units"
    facts = [progress, f"{duration(state.seconds)} of unit time", escape(store.begun)]
    when = f"<p class='when'>last unit begun {escape(state.last)}</p>" if state.last else ""
    return (
        f"<header><p class='kind'>spinscape study</p><h1>{escape(_title(store))}</h1>"
        f"<p class='facts'>{' · '.join(facts)}</p>{when}</header>"
    )


def _title(store: Store) -> str:
    inner = store.recipe.parameters.get("experiment", "")
    return f"{store.recipe.experiment} of {inner}" if store.recipe.experiment == "sweep" else store.recipe.experiment


def _rows(summary: Summary) -> tuple[tuple[str, ...], Cells]:
    head = (*summary.by, "samples", *(f"{name} {what}" for name in summary.results for what in ("mean", "s.d.")))
    cells = [
        [*group.values, group.count, *(value for name in summary.results for value in group.moments[name][:2])]
        for group in summary.groups
    ]
    return head, cells


def _results(head: Iterable[str], rows: Cells) -> str:
    """A table that fits a page: one with more columns than that, and few rows, lies on its side."""
    names, cells = list(head), [list(row) for row in rows]
    if len(names) <= MAX_COLUMNS or len(cells) > MAX_COLUMNS:
        return _table(names, cells)
    first, *others = zip(names, *cells, strict=True)
    return _table(map(str, first), others)


def _failures(state: Status) -> str:
    note = "<p>These units failed three times; resuming the store tries them again.</p>"
    return note + _table(("unit", "last error"), [(unit, error.partition("\n")[0]) for unit, error in state.failures])


def _left_out(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    return f"<p class='note'>Arrays of the store that do not fit a table: {escape(', '.join(names))}.</p>"


def _parameters(parameters: Mapping[str, Any]) -> Cells:
    return [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in parameters.items()]


def _provenance(state: Status) -> str:
    rows = [
        (name.replace("_", " "), "; ".join(f"{value} ({count:,} units)" for value, count in values.items()))
        for name, values in state.origins.items()
    ]
    return _table(("", "of the units"), rows)


def _reproduce(store: Store) -> str:
    recipe = json.dumps({"experiment": store.recipe.experiment, "parameters": store.recipe.parameters}, indent=1)
    version = store.begun.partition(",")[0].replace(" ", "==")
    commands = f"pip install '{version}'\nspinscape run recipe.json --store again.sqlite\nspinscape verify again.sqlite"
    return (
        "<p>Save this as <code>recipe.json</code>; any number of workers and threads gives the same bits on the same "
        f"instruction set.</p><pre>{escape(recipe)}</pre><pre>{escape(commands)}</pre>"
        f"<p>The digest of the result must be <code class='long'>{store.digest}</code></p>"
        f"<p>Recipe key <code class='long'>{store.recipe.key}</code></p>"
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _figure(figure: Figure, caption: str) -> str:
    buffer = io.StringIO()
    with style.context({"svg.fonttype": "path"}):  # the reader's machine may lack the font
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :].replace("<svg ", "<svg role='img' ", 1)
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _table(head: Iterable[str], rows: Cells) -> str:
    top = "".join(f"<th>{escape(str(name))}</th>" for name in head)
    body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    return f"<div class='scroll'><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"<td>{escape(str(value))}</td>"
    text = f"{value:,}" if isinstance(value, int) else "–" if value != value else f"{value:.4g}"
    return f"<td class='number'>{text}</td>"


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 Georgia, 'Times New Roman', serif; color: #1a1a1a; background: #fff; max-width: 54rem;
  margin: 3rem auto; padding: 0 1.5rem; }
header { border-bottom: 2px solid #1a1a1a; margin-bottom: 2rem; padding-bottom: .6rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
.kind, .facts, .when, .note, figcaption { color: #555; font-size: .9rem; margin: .2rem 0; }
figure { margin: 1rem 0 1.6rem; break-inside: avoid; }
figure svg { width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .82rem; min-width: 60%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
th { border-bottom: 1.5px solid #1a1a1a; font-weight: 600; }
td { overflow-wrap: anywhere; }
td.number { text-align: right; white-space: nowrap; overflow-wrap: normal; }
pre, code { font: .82rem/1.45 'DejaVu Sans Mono', Consolas, monospace; }
pre { background: #f6f6f4; padding: .8rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; }
code.long { overflow-wrap: anywhere; }
@media print {
  @page { margin: 18mm 16mm; }
  body { max-width: none; margin: 0; padding: 0; font-size: 10.5pt; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; } th, td { padding-right: .5rem; } tr { break-inside: avoid; }
  h2 { break-after: avoid; }
}
"""
