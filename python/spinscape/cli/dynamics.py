"""The commands of the dynamics experiments: each runs one recipe, writes its table and draws its figure."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

MOST_LINES = 40


@dataclass(frozen=True)
class Command:
    """One command: `default` and `quick` are parameters of the recipe of `study.dynamics.<module>`."""

    name: str
    module: str
    table: str
    help: str
    default: Mapping[str, Any] = field(default_factory=dict)
    quick: Mapping[str, Any] = field(default_factory=dict)


COMMANDS = (
    Command(
        "energy-time",
        "relaxation",
        "Relaxation",
        "energy against time at several N, with the limit N to infinity (DMFT)",
        default={"sizes": (50, 100, 200, 300), "tensors": {50: 80, 100: 40, 200: 12, 300: 4}},
        quick={"sizes": (40, 80), "tensors": {40: 30, 80: 12}, "starts": 12, "t_max": 20.0},
    ),
    Command(
        "ageing",
        "relaxation",
        "Relaxation",
        "ageing of the correlation C(t, t_w), with the limit N to infinity (DMFT)",
        default={
            "beta": 2.0,
            "waits": (1.0, 3.0, 10.0, 30.0),
            "step": 0.02,
            "sizes": (100, 200),
            "tensors": {100: 16, 200: 4},
        },
        quick={
            "beta": 2.0,
            "waits": (1.0, 3.0, 10.0),
            "step": 0.02,
            "sizes": (50, 100),
            "tensors": 6,
            "starts": 12,
            "t_max": 30.0,
        },
    ),
    Command(
        "algorithms",
        "algorithms",
        "Algorithms",
        "SGD, gradient descent, simulated annealing, L-BFGS at equal numbers of gradients",
        default={"sizes": (100, 200, 300, 500), "tensors": {100: 20, 200: 8, 300: 4, 500: 2}},
        quick={"sizes": (50, 100), "tensors": 6, "starts": 12, "budgets": (600,)},
    ),
    Command(
        "annealing-rate",
        "algorithms",
        "Algorithms",
        "final energy of simulated annealing against its number of gradients and N",
        default={
            "methods": ("annealing",),
            "budgets": (100, 300, 1000, 3000, 10_000, 30_000),
            "sizes": (25, 50, 100, 150),
            "tensors": {25: 30, 50: 30, 100: 12, 150: 6},
        },
        quick={
            "methods": ("annealing",),
            "budgets": (100, 300, 1000, 3000),
            "sizes": (25, 50, 100),
            "tensors": 8,
            "starts": 12,
        },
    ),
    Command(
        "best-known",
        "search",
        "BestKnown",
        "starts and gradients needed to reach the best-known minimum against N",
        default={"starts": 1000, "sizes": (20, 30, 40, 50, 60, 70, 80), "tensors": 10},
        quick={"starts": 200, "sizes": (20, 30, 40), "tensors": 6, "annealing_steps": 300},
    ),
    Command(
        "halting-times",
        "halting",
        "HaltingTimes",
        "halting times of gradient descent for couplings of several laws: universality",
        quick={"N": 60, "samples": 100},
    ),
    Command(
        "turning",
        "turning",
        "Turning",
        "angles between successive gradients through a descent: how a walk bounces",
        quick={"N": 50, "tensors": 6, "starts": 12, "steps": 300},
    ),
    Command(
        "spiked-tensor",
        "spiked",
        "SpikedTensor",
        "recovery of a hidden direction against the strength of its signal",
        default={"sizes": (50, 100, 200), "tensors": {50: 40, 100: 20, 200: 6}},
        quick={"sizes": (25, 50, 100), "tensors": 6, "starts": 12},
    ),
)

EPILOG = """\
examples:
  spinscape {name}
  spinscape {name} --quick
  spinscape {name} --set rng=1 --set {example}
Interrupt it at any time: the same command continues where it stopped, and redraws what is finished without computing.
"""


def register(subparsers: Any) -> None:
    """Add the commands."""
    for command in COMMANDS:
        parser = subparsers.add_parser(
            command.name,
            help=command.help,
            description=command.help[0].upper() + command.help[1:] + ".",
            epilog=EPILOG.format(
                name=command.name, example="samples=50" if command.module == "halting" else "starts=12"
            ),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("--quick", action="store_true", help="a small version, under a minute")
        parser.add_argument(
            "--set",
            metavar="NAME=VALUE",
            action="append",
            default=[],
            type=_setting,
            help=f"a parameter of spinscape.study.dynamics.{command.module}.recipe, as JSON; may be repeated",
        )
        parser.add_argument("--threads", type=int, metavar="T", help="threads (all the processor quota allows)")
        parser.add_argument(
            "--out", metavar="DIR", type=Path, default=Path("spinscape-results"), help="folder (spinscape-results)"
        )
        parser.add_argument(
            "--format", metavar="LIST", type=_names, default=("png",), help="figure formats: png,pdf,svg (png)"
        )
        parser.set_defaults(run=run, command=command)


def run(arguments: argparse.Namespace) -> int:
    """Run or continue the study, then write its outputs."""
    from tqdm import tqdm

    from spinscape import study

    command: Command = arguments.command
    module = import_module(f"spinscape.study.dynamics.{command.module}")
    made = module.recipe(**{**(command.quick if arguments.quick else command.default), **_overrides(arguments.set)})
    path = arguments.out / f"{command.name}-{made.key[:8]}.sqlite"
    print(f"results file: {path}" + (" (continued)" if path.exists() else ""))
    bar_format = "{percentage:3.0f}% |{bar:30}| {elapsed} < {remaining}  {postfix}"
    try:
        with tqdm(bar_format=bar_format, mininterval=0.2) as bar:
            store = study.run(made, path, n_threads=arguments.threads, progress=bar)
        with store:
            write(store, command, arguments.out, arguments.format)
    except KeyboardInterrupt:
        print(f"interrupted; {path} holds all finished work, the same command continues it", file=sys.stderr)
        return 130
    except study.UnitsFailedError as error:
        print(f"spinscape: {error}", file=sys.stderr)
        return 1
    return 0


def command_of(store: Any) -> Command | None:
    """The command whose results a store holds, for drawing it again; None if it is none of these."""
    name, parameters = store.recipe.experiment, store.recipe.parameters
    experiments = {"halting": "halting-times", "spiked": "spiked-tensor"}
    fitting = [command for command in COMMANDS if experiments.get(command.module, command.module) == name]
    if name == "relaxation":
        fitting = fitting[1:] if parameters["waits"] else fitting[:1]
    if name == "algorithms":
        fitting = fitting[1:] if len(parameters["budgets"]) > 1 else fitting[:1]
    return fitting[0] if fitting else None


def write(store: Any, command: Command, folder: Path, formats: tuple[str, ...]) -> None:
    """Write table and figure of a store and print the table and the paths."""
    from spinscape.figures import style

    table = getattr(import_module(f"spinscape.study.dynamics.{command.module}"), command.table).from_store(store)
    rows = table.rows()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{command.name}.csv"
    with target.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# spinscape {command.name}, recipe {store.recipe.canonical()}\n")
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    figure = import_module(f"spinscape.figures.dynamics.{command.module}").draw(table)
    figures = [style.save(figure, folder / f"{command.name}.{suffix}") for suffix in formats]
    print(_as_text(rows[:: -(-len(rows) // MOST_LINES)]))
    for path in (target, *figures):
        print(f"wrote {path}")


def _as_text(rows: list[dict[str, Any]]) -> str:
    cells = [[name.replace("_", " ") for name in rows[0]]]
    cells += [[f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()] for row in rows]
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
