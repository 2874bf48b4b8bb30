"""One command an experiment: run or continue its recipe, write its table, draw its figures.

A subject (`cli.dynamics`, ...) is a tuple of `Command`s; what they share is here, once.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinscape.cli.study import progress_bar

if TYPE_CHECKING:
    from spinscape.figures.report import Contents

MOST_LINES = 40
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Command:
    """One command: parameters of `spinscape.study.<module>.recipe`, and how its results become table and figures.

    `table` is a class of that module with `from_store` and `rows`; where it has `shown` (fewer columns, as text) and
    `notes` (lines), these are printed and written as Markdown. `spinscape.figures.<module>.draw(table)` returns a
    figure, or {name: figure}. `experiment` is the recipe's name of it; of several commands that run the same
    experiment, `fits` tells from the parameters whose results a store holds.
    """

    name: str
    module: str
    table: str
    help: str
    default: Mapping[str, Any] = field(default_factory=dict)
    quick: Mapping[str, Any] = field(default_factory=dict)
    full: Mapping[str, Any] | None = None
    experiment: str = ""
    fits: Callable[[Mapping[str, Any]], bool] = lambda parameters: True
    example: str = "starts=12"
    single: bool = False  # whether its units take one thread each: they then go to as many processes

    def options(self, quick: bool, full: bool) -> dict[str, Any]:
        """Parameters of the recipe at one of the sizes."""
        return dict((self.full or {}) if full else self.quick if quick else self.default)


def all_commands() -> tuple[Command, ...]:
    """Every command of every subject that `register` adds."""
    from spinscape.cli import critical_points, dynamics, networks

    return (*critical_points.COMMANDS, *dynamics.COMMANDS, *networks.COMMANDS)


EPILOG = """\
examples:
  spinscape {name}
  spinscape {name} --quick
  spinscape {name} --set rng=1 --set {example}
Interrupt it at any time: the same command continues where it stopped, and redraws what is finished without computing.
"""


def register(subparsers: Any) -> None:
    """Add the commands."""
    for command in all_commands():
        parser = subparsers.add_parser(
            command.name,
            help=command.help,
            description=command.help[0].upper() + command.help[1:] + ".",
            epilog=EPILOG.format(name=command.name, example=command.example),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        size = parser.add_mutually_exclusive_group()
        size.add_argument("--quick", action="store_true", help="a small version, a minute or so")
        if command.full is not None:
            size.add_argument("--full", action="store_true", help="the papers' sizes; the cost is said first")
        parser.add_argument(
            "--set",
            metavar="NAME=VALUE",
            action="append",
            default=[],
            type=_setting,
            help=f"a parameter of spinscape.study.{command.module}.recipe, as JSON; may be repeated",
        )
        parser.add_argument("--threads", type=int, metavar="T", help="threads (all the processor quota allows)")
        add_output(parser)
        parser.set_defaults(run=run, command=command, full=False)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where results go."""
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("spinscape-results"), help="folder (spinscape-results)"
    )
    parser.add_argument(
        "--format", metavar="LIST", type=_names, default=("png",), help="figure formats: png,pdf,svg (png)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run or continue the study, then write its outputs."""
    command: Command = arguments.command
    module = import_module(f"spinscape.study.{command.module}")
    options = command.options(arguments.quick, arguments.full) | _overrides(arguments.set)
    made = module.recipe(**options)
    path = arguments.out / f"{command.name}-{made.key[:8]}.sqlite"
    if arguments.full:
        seconds = sum(module.cost(made.parameters, unit) for unit in module.units(made.parameters))
        print(f"predicted cost: {seconds / 3600:,.1f} core-hours")
    return run_recipe(made, path, arguments.threads, lambda store: write(store, command, arguments), command.single)


def run_recipe(made: Any, path: Path, n_threads: int | None, write: Callable[[Any], None], single: bool = False) -> int:
    """Run or continue a recipe in a results file, hand the store to `write`; return the exit code.

    single : every unit takes one thread; n_threads is then the number of worker processes, 1 for none.
    """
    from spinscape import study
    from spinscape.threads import as_threads

    print(f"results file: {path}" + (" (continued)" if path.exists() else ""), flush=True)
    try:
        with progress_bar() as bar:
            if single and as_threads(n_threads) > 1:
                with _one_blas_thread():
                    store = study.run(made, path, study.processes(as_threads(n_threads)), progress=bar)
            else:
                store = study.run(made, path, n_threads=n_threads, progress=bar)
        with store:
            write(store)
    except KeyboardInterrupt:
        print(f"interrupted; {path} holds all finished work, the same command continues it", file=sys.stderr)
        return 130
    except study.UnitsFailedError as error:
        print(f"spinscape: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Processes started inside have one BLAS thread, unless the environment says more: they share the processors."""
    names = [name for name in BLAS_THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)


def command_of(store: Any) -> Command:
    """The command whose results a store holds, for drawing it again; ValueError if it is none of these."""
    from spinscape.cli import scaled_losses

    recipe = store.recipe
    for command in (scaled_losses.COMMAND, *all_commands()):
        if command.experiment == recipe.experiment and command.fits(recipe.parameters):
            return command
    raise ValueError(f"{store.path}: no command draws the experiment {recipe.experiment!r}")


def drawn(store: Any, command: Command) -> tuple[Any, dict[str, Any]]:
    """The table of a store and its figures by name."""
    table = getattr(import_module(f"spinscape.study.{command.module}"), command.table).from_store(store)
    figures = import_module(f"spinscape.figures.{command.module}").draw(table)
    return table, dict(figures) if isinstance(figures, Mapping) else {command.name: figures}


def write(store: Any, command: Command, arguments: argparse.Namespace) -> None:
    """Write table and figures of a store and print the table and the paths."""
    table, figures = drawn(store, command)
    if not hasattr(table, "shown"):
        write_outputs(store, command.name, table.rows(), figures, arguments)
        return
    shown, notes = table.shown(), table.notes()
    write_outputs(store, command.name, table.rows(), figures, arguments, lambda _: "\n".join([as_text(shown), *notes]))
    target = arguments.out / f"{command.name}.md"
    target.write_text(as_markdown(shown, notes), encoding="utf-8")
    print(f"wrote {target}")


def contents(store: Any) -> Contents | None:
    """What a report shows of a finished store; None where no command draws it, or units are missing."""
    from spinscape.figures.report import Contents
    from spinscape.study.status import status

    try:
        command = command_of(store)
    except ValueError:
        return None
    state = status(store)
    if state.done != state.total:
        return None
    table, figures = drawn(store, command)
    captions = [command.help[0].upper() + command.help[1:], *(name.replace("-", " ") for name in list(figures)[1:])]
    rows, notes = (table.shown(), table.notes()) if hasattr(table, "shown") else (table.rows(), ())
    return Contents(dict(zip(captions, figures.values(), strict=True)), rows, notes)


def write_outputs(
    store: Any,
    name: str,
    rows: list[dict[str, Any]],
    figures: Mapping[str, Any],
    arguments: argparse.Namespace,
    text: Callable[[list[dict[str, Any]]], str] | None = None,
) -> None:
    """Write the rows as CSV and the figures in the formats asked for; print the rows and the paths."""
    from spinscape.figures import style

    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.csv"
    with target.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# spinscape {name}, recipe {store.recipe.canonical()}\n")
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    paths = [
        style.save(figure, folder / f"{figure_name}.{suffix}")
        for figure_name, figure in figures.items()
        for suffix in arguments.format
    ]
    print((text or as_text)(rows[:: -(-len(rows) // MOST_LINES)]))
    for path in (target, *paths):
        print(f"wrote {path}")


def as_text(rows: list[dict[str, Any]]) -> str:
    """The rows as aligned columns."""
    cells = [[name.replace("_", " ") for name in rows[0]]]
    cells += [[_as_cell(value) for value in row.values()] for row in rows]
    return aligned(cells)


def _as_cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def as_markdown(rows: list[dict[str, Any]], notes: list[str]) -> str:
    """The rows as a table of Markdown, the notes under it."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([_as_cell(value) for value in row.values()] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "".join(f"\n{note}.\n" for note in notes)


def aligned(cells: list[list[str]]) -> str:
    """Cells as lines of columns, flush right."""
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def _overrides(settings: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in settings}


def _setting(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE with a JSON value, got {text!r}") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))
