"""What a study leaves behind: its table as CSV and Markdown, its figures; each carries the recipe's key in its name."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from spinscape.cli import terminal
from spinscape.figures import style
from spinscape.study.experiment import Experiment
from spinscape.study.recipe import Recipe
from spinscape.study.store import Store

MOST_LINES = 40


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where results go."""
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("spinscape-results"), help="folder (spinscape-results)"
    )
    parser.add_argument(
        "--format",
        metavar="LIST",
        type=_formats,
        default=("png",),
        help="figures as png,pdf,svg; none: no figure (png)",
    )


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip() != "none")
    unknown = [name for name in names if name not in style.FORMATS]
    if unknown:
        expected = ", ".join(style.FORMATS)
        raise argparse.ArgumentTypeError(f"expected names from {expected} separated by commas, got {text!r}")
    return names


def require(folder: Path, formats: Iterable[str], needs: Mapping[str, str]) -> None:
    """Refuse before anything is computed what could not be computed, drawn or written afterwards."""
    wanted = dict(needs) | ({"matplotlib": "study"} if tuple(formats) else {})
    for module, extra in wanted.items():
        if find_spec(module) is None:
            hint = ", or pass --format none for the table alone" if module == "matplotlib" else ""
            raise ImportError(f"this needs {module}: pip install 'spinscape[{extra}]'{hint}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(
            error.errno, f"--out: the folder cannot be written to: {os.strerror(error.errno or 0)}", str(folder)
        ) from None


def stem(name: str, recipe: Recipe) -> str:
    """Return the name of an output without suffix."""
    return f"{name}-{recipe.key[:8]}"


def write(store: Store, experiment: Experiment, folder: Path, formats: Iterable[str]) -> int:
    """Write table and figures of a store, print the table and the paths; return the exit code.

    The table is written before anything is drawn, and stays where drawing fails; the exit code is then 1.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = experiment.table.from_store(store)
    read, notes = experiment.shown_rows(table.to_read()), table.notes()
    paths = [folder / f"{stem(experiment.name, store.recipe)}.csv"]
    table.write(paths[0], f"spinscape {experiment.name}, recipe {store.recipe.canonical()}")
    if experiment.shown:
        paths.append(paths[0].with_suffix(".md"))
        paths[1].write_text(as_markdown(read, notes), encoding="utf-8")
    if read:
        terminal.say(as_text(read[:: -(-len(read) // MOST_LINES)]))
    for note in notes:
        terminal.say(note)
    for path in paths:
        terminal.say(f"wrote {path}")
    return _draw(store, experiment, table, folder, tuple(formats))


def _draw(store: Store, experiment: Experiment, table: Any, folder: Path, formats: tuple[str, ...]) -> int:
    try:
        for name, figure in (experiment.figures(table) if formats else {}).items():
            for suffix in formats:
                path = style.save(figure, folder / f"{stem(name, store.recipe)}.{suffix}")
                terminal.say(f"wrote {path}")
    except Exception as error:  # whatever goes wrong in a drawing, the numbers are there
        terminal.complain(
            f"spinscape: the table is written, the figure cannot be drawn: {type(error).__name__}: {error}"
        )
        return 1
    return 0


def as_text(rows: list[dict[str, str]]) -> str:
    """Return the rows as aligned columns, in blocks where the terminal is too narrow for all."""
    cells = [list(rows[0]), *(list(row.values()) for row in rows)]
    return terminal.aligned(cells, terminal.width())


def as_markdown(rows: list[dict[str, str]], notes: list[str]) -> str:
    """Return the rows as a table of Markdown, the notes under it."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)] if rows else []
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "".join(f"\n{note}.\n" for note in notes)
