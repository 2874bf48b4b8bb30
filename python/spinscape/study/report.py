"""One self-contained HTML page from a store: figures inline, tables, provenance, how to reproduce it.

Everything that comes from the store is escaped; the page loads nothing and runs no script.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinscape.figures import style
from spinscape.study import moments
from spinscape.study.catalogue import experiment_of_recipe
from spinscape.study.status import Status, duration, status

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from spinscape.study.store import Store

Cells = Iterable[Iterable[Any]]

MAX_COLUMNS = 10  # of numbers, on a page of paper
MAX_ROWS = 60


@dataclass(frozen=True)
class Contents:
    """What a page shows of an experiment: figures by caption, the rows of its table, and the lines under it."""

    figures: Mapping[str, Figure]
    rows: list[dict[str, Any]]
    notes: Iterable[str] = ()


def contents(store: Store) -> Contents:
    """What the page shows: the experiment's figures and table where all units are there, else moments of those."""
    state = status(store)
    if state.done != state.total:
        table = moments.Moments.from_store(store)
        figures: dict[str, Figure] = moments.draw(table)
        return Contents(_captioned(figures, "Mean and standard deviation over the samples of each group"), table.rows())
    experiment = experiment_of_recipe(store.recipe)
    found = experiment.table.from_store(store)
    figures = _captioned(experiment.figures(found), experiment.sentence[0].upper() + experiment.sentence[1:])
    rows = found.to_read() or found.rows()
    return Contents(figures, experiment.shown_rows(rows) if experiment.shown else rows, found.notes())


def _captioned(figures: Mapping[str, Figure], first: str) -> dict[str, Figure]:
    captions = [first, *(name.replace("-", " ") for name in list(figures)[1:])]
    return dict(zip(captions, figures.values(), strict=False))


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


def page(store: Store, shown: Contents | None = None) -> str:
    """Return the page as text."""
    state = status(store)
    sections = [_head(store, state)]
    if state.failures:
        sections.append(_section("Set aside", _failures(state)))
    if state.done:
        shown = shown or contents(store)
        figures = "".join(_figure(figure, caption) for caption, figure in shown.figures.items())
        sections.append(_section("Figures", figures))
        sections.append(_section("Results", _results(shown.rows) + _notes(shown.notes)))
    sections.append(_section("Recipe", _table(("parameter", "value"), _parameters(store.recipe.parameters))))
    sections.append(_section("Provenance", _provenance(state)))
    sections.append(_section("How to reproduce", _reproduce(store)))
    title = f"spinscape: {escape(_title(store))}"
    return _PAGE.format(title=title, style=_STYLE, body="\n".join(sections))


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


def _results(rows: list[dict[str, Any]]) -> str:
    """A table that fits a page: one with many columns and few rows lies on its side, one with many rows is thinned."""
    names = [name.replace("_", " ") for name in rows[0]]
    every = -(-len(rows) // MAX_ROWS)
    cells = [list(row.values()) for row in rows[::every]]
    note = _notes([f"One row in {every} of {len(rows):,}; `spinscape export` writes all"] if every > 1 else [])
    if len(names) <= MAX_COLUMNS or len(cells) > MAX_COLUMNS:
        return _table(names, cells) + note
    first, *others = zip(names, *cells, strict=True)
    return _table(map(_text, first), others)


def _failures(state: Status) -> str:
    note = "<p>These units failed three times; resuming the store tries them again.</p>"
    return note + _table(("unit", "last error"), [(unit, error.partition("\n")[0]) for unit, error in state.failures])


def _notes(lines: Iterable[str]) -> str:
    return "".join(f"<p class='note'>{escape(line)}.</p>" for line in lines)


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
    names, cells = list(head), [list(row) for row in rows]
    numbers = [bool(cells) and all(_is_number(row[k]) for row in cells) for k in range(len(names))]
    top = "".join(_cell("th", name, number) for name, number in zip(names, numbers, strict=True))
    body = "".join("<tr>" + "".join(_cell("td", value, _is_number(value)) for value in row) + "</tr>" for row in cells)
    return f"<div class='scroll'><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"


def _cell(tag: str, value: Any, number: bool) -> str:
    return f"<{tag}{' class=number' if number else ''}>{escape(_text(value))}</{tag}>"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if not _is_number(value):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else "–" if value != value else f"{value + 0.0:.4g}"


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
th { border-bottom: 1.5px solid #1a1a1a; font-weight: 600; vertical-align: bottom; }
td { overflow-wrap: anywhere; }
.number { text-align: right; overflow-wrap: normal; }
td.number { white-space: nowrap; }
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
