"""One command an experiment, and `list`, `redraw`: what they say and take is read off the experiments."""

from __future__ import annotations

import argparse
import json
import os
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spinscape import study
from spinscape.cli import outputs, terminal
from spinscape.study import experiments as known_experiments
from spinscape.study.catalogue import experiment_of, experiment_of_recipe, subjects
from spinscape.study.experiment import Experiment, suggestion
from spinscape.study.parameters import Parameter
from spinscape.study.recipe import Recipe
from spinscape.study.status import duration
from spinscape.threads import as_threads

__all__ = ["commands", "register", "suggestion"]

BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
RESERVED = ("quick", "full", "set", "threads", "out", "format", "redraw", "help", "experiment")

EPILOG = """\
examples:
  spinscape {name}
  spinscape {name} --quick
  spinscape {name} {example}
Lists are written 25,50 and counts for each size 25:8,50:4; JSON does too. Interrupt it at any time: the same command
continues where it stopped, and redraws what is finished without computing. In a recipe file the names are the same.
"""


def register(subparsers: Any, words: Sequence[str]) -> None:
    """Add a command for every experiment; only those are imported that the words ask for, all of them for help."""
    asked = [word for word in words if not word.startswith("-")]
    names = known_experiments.names()
    groups = {known_experiments.subject_of(name) for name in names} - {""}
    for name in names:
        if name == "sweep":
            continue
        if not asked:
            subparsers.add_parser(name, help=_sentence(name), allow_abbrev=False)
        elif name in asked:
            _add_experiment(subparsers, name, experiment_of(name))
        else:
            subparsers.add_parser(name, allow_abbrev=False)
    for subject in sorted(groups):
        mine = [name for name in names if name.startswith(f"{subject}-")]
        if mine:
            _add_group(subparsers, subject, mine, asked)
    listing = subparsers.add_parser("list", help="what each experiment shows, reproduces and costs", allow_abbrev=False)
    form = listing.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--markdown", action="store_true", help="a table for a page")
    listing.set_defaults(run=run_list, parser=listing)
    redraw = subparsers.add_parser("redraw", help="write the table and figures of a results file again")
    redraw.add_argument("store", type=Path, help="results file, of any experiment known here")
    redraw.add_argument(
        "--glass", type=Path, metavar="FILE", help="results of scaled-losses, to draw beside those of network-losses"
    )
    outputs.add(redraw)
    redraw.set_defaults(run=run_redraw, parser=redraw)


def commands(parser: argparse.ArgumentParser) -> list[str]:
    """Return the names of all commands of a parser."""
    return [name for action in parser._actions for name in (action.choices or ()) if isinstance(action.choices, dict)]


def _sentence(name: str) -> str:
    try:
        return experiment_of(name).sentence.replace("%", "%%")
    except Exception as error:  # a plugin that is broken must not hide the others
        return f"(cannot be imported: {error})".replace("%", "%%")


def _add_group(subparsers: Any, subject: str, names: list[str], asked: list[str]) -> None:
    """The experiments named after their subject, under its name: `theory density` is theory-density."""
    group = subparsers.add_parser(subject, help=f"all of {subject}: {', '.join(_short(n) for n in names)}")
    inside = group.add_subparsers(title="experiments", metavar="EXPERIMENT", required=True)
    for name in names if subject in asked else ():
        _add_experiment(inside, _short(name), experiment_of(name), f"{subject} {_short(name)}")
    every = inside.add_parser("all", help="all of them, with their defaults", allow_abbrev=False)
    outputs.add(every)
    every.add_argument("--redraw", action="store_true", help="compute nothing, draw what is finished")
    every.set_defaults(run=run_all, names=names, parser=every)
    group.set_defaults(parser=group)


def _short(name: str) -> str:
    return name.partition("-")[2]


def _add_experiment(subparsers: Any, command: str, experiment: Experiment, shown: str = "") -> None:
    example = next((f"--{_flag(p)} {p.default_text(p.default)}" for p in experiment.parameters if p.several), "--rng 1")
    source = f" ({experiment.source})" if experiment.source else ""
    parser = subparsers.add_parser(
        command,
        help=experiment.sentence.replace("%", "%%"),
        description=textwrap.fill(f"{experiment.sentence[0].upper()}{experiment.sentence[1:]}{source}.", 100),
        epilog=EPILOG.format(name=shown or command, example=example) + _sizes(experiment),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="size", action="store_const", const="quick", help="a small version")
    if experiment.full is not None:
        size.add_argument("--full", dest="size", action="store_const", const="full", help="the papers' sizes")
    listed = parser.add_argument_group("parameters [unit; default]")
    for parameter in experiment.parameters:
        if parameter.name not in RESERVED:
            _add_parameter(listed, parameter, {**experiment.default}.get(parameter.name, parameter.default))
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_setting(experiment),
        help="another way to say it",
    )
    parser.add_argument("--threads", type=int, metavar="T", help="threads (all the processor quota allows)")
    parser.add_argument("--redraw", action="store_true", help="compute nothing, draw what is finished")
    outputs.add(parser)
    parser.set_defaults(run=run, experiment_object=experiment, size="default", parser=parser)


def _add_parameter(listed: Any, parameter: Parameter, default: Any) -> None:
    meaning = f"{parameter.help}: {parameter.kind} [{parameter.unit}; {parameter.default_text(default)}]"
    listed.add_argument(
        f"--{_flag(parameter)}",
        dest=f"parameter:{parameter.name}",
        metavar=parameter.name.upper() if len(parameter.name) > 1 else parameter.name,
        nargs="+" if parameter.several else None,
        action=_Given,
        parameter=parameter,
        default=argparse.SUPPRESS,
        help=meaning.replace("%", "%%"),
    )


class _Given(argparse.Action):
    """Reads a parameter's text as the parameter does."""

    def __init__(self, parameter: Parameter, **options: Any) -> None:
        super().__init__(**options)
        self.parameter = parameter

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        text = ",".join(values) if isinstance(values, list) else values
        try:
            setattr(namespace, self.dest, self.parameter.parsed(text))
        except ValueError as error:
            parser.error(f"{option_string}: {error}")


def _flag(parameter: Parameter) -> str:
    return parameter.name.replace("_", "-")


def _setting(experiment: Experiment) -> Callable[[str], tuple[str, Any]]:
    """The type of --set: NAME=VALUE, the value as the parameter reads it."""
    listed = {parameter.name: parameter for parameter in experiment.parameters}

    def setting(text: str) -> tuple[str, Any]:
        name, separator, value = text.partition("=")
        if not separator:
            raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
        if name not in listed:
            raise argparse.ArgumentTypeError(f"{experiment.name} has no parameter {name!r}; {suggestion(name, listed)}")
        try:
            return name, listed[name].parsed(value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return setting


def _sizes(experiment: Experiment) -> str:
    """What --quick and --full set."""
    listed = {parameter.name: parameter for parameter in experiment.parameters}
    lines = [
        f"--{size} sets {' '.join(f'--{_flag(listed[n])} {listed[n].default_text(v)}' for n, v in values.items())}"
        for size, values in (("quick", experiment.quick), ("full", experiment.full or {}))
        if values
    ]
    return "".join(textwrap.fill(line, 118, subsequent_indent="  ") + "\n" for line in lines)


def run(arguments: argparse.Namespace) -> int:
    """Run or continue the study, then write its outputs."""
    experiment: Experiment = arguments.experiment_object
    prefix = "parameter:"
    given = {name.removeprefix(prefix): value for name, value in vars(arguments).items() if name.startswith(prefix)}
    recipe = experiment.recipe(arguments.size, **{**given, **dict(arguments.set)})
    if arguments.size == "full":
        terminal.say(f"predicted cost: {experiment.core_seconds_of(recipe) / 3600:,.1f} core-hours")
    return run_experiment(experiment, recipe, arguments)


def run_all(arguments: argparse.Namespace) -> int:
    """Run all experiments of a group at their default sizes; return the worst exit code."""
    arguments.threads = None
    found = [experiment_of(name) for name in arguments.names]
    return max(run_experiment(experiment, experiment.recipe("default"), arguments) for experiment in found)


def run_experiment(experiment: Experiment, recipe: Recipe, arguments: argparse.Namespace) -> int:
    """Run or continue a recipe, write what it leaves; return the exit code."""
    path = arguments.out / f"{outputs.stem(experiment.name, recipe)}.sqlite"
    outputs.require(arguments.out, arguments.format, {} if arguments.redraw else experiment.needs)
    if arguments.redraw:
        with study.Store(path) as store:
            return outputs.write(store, experiment, arguments.out, arguments.format)
    terminal.say(f"results file: {path}" + (" (continued)" if path.exists() else ""))
    try:
        with _running(experiment, recipe, path, arguments.threads) as store:
            return outputs.write(store, experiment, arguments.out, arguments.format)
    except KeyboardInterrupt:
        terminal.complain(f"interrupted; {path} holds all finished work, the same command continues it")
        return 130
    except study.UnitsFailedError as error:
        terminal.complain(f"spinscape: {error}")
        return 1


@contextmanager
def _running(experiment: Experiment, recipe: Recipe, path: Path, n_threads: int | None) -> Iterator[study.Store]:
    """The finished study; where every unit takes one thread, as many processes as there are threads work on it."""
    workers = as_threads(n_threads) if experiment.single_thread else 1
    with terminal.progress_bar() as bar:
        if workers > 1:
            with _one_blas_thread():
                store = study.run(recipe, path, study.processes(workers), progress=bar)
        else:
            store = study.run(recipe, path, n_threads=n_threads, progress=bar)
    with store:
        yield store


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


def run_redraw(arguments: argparse.Namespace) -> int:
    """Write table and figures of an existing results file; nothing is computed."""
    outputs.require(arguments.out, arguments.format, {})
    with study.Store(arguments.store) as store:
        if arguments.glass is not None:
            return _beside_the_glass(store, arguments)
        return outputs.write(store, experiment_of_recipe(store.recipe), arguments.out, arguments.format)


def _beside_the_glass(store: study.Store, arguments: argparse.Namespace) -> int:
    """Draw two stores as one figure, where the first one's experiment knows how: AISTATS15 Fig. 3."""
    from spinscape.figures import style

    experiment = experiment_of_recipe(store.recipe)
    with study.Store(arguments.glass) as glass:
        if glass.recipe.experiment not in experiment.beside:
            expected = ", ".join(f"results of {name}" for name in experiment.beside) or "no other file"
            raise ValueError(f"--glass: expected {expected}, got those of {glass.recipe.experiment}")
        code = outputs.write(store, experiment, arguments.out, arguments.format)
        name, draw = experiment.beside[glass.recipe.experiment]
        for suffix in arguments.format:
            stem = outputs.stem(name, store.recipe)
            terminal.say(f"wrote {style.save(draw(store.table(), glass.table()), arguments.out / f'{stem}.{suffix}')}")
    return code


def run_list(arguments: argparse.Namespace) -> int:
    """Print the experiments by subject."""
    if arguments.json:
        entries = [_entry(subject, one) for subject, found in subjects().items() for one in found]
        print(json.dumps(entries, indent=1))
        return 0
    if arguments.markdown:
        print(as_markdown(subjects()), end="")
        return 0
    for subject, found in subjects().items():
        terminal.say(f"{subject.replace('_', ' ') or 'yours'}")
        for one in found:
            cost = one.core_seconds_of(one.recipe("default"))
            about = f"{one.sentence}{f'; {one.source}' if one.source else ''}"
            took = "" if cost != cost else f"; about {duration(cost)} of one core"
            wide = max(terminal.width() or 120, 60)
            terminal.say(
                textwrap.fill(about + took, wide, initial_indent=f"  {one.name:<26}", subsequent_indent=" " * 28)
            )
    return 0


def as_markdown(found: dict[str, list[Experiment]]) -> str:
    """Return the experiments as tables of Markdown, one a subject: what each shows, reproduces and costs."""
    tables = []
    for subject, some in found.items():
        lines = [
            f"### {subject.replace('_', ' ').capitalize() or 'Yours'}\n",
            "| command | what it shows | from | cost |",
        ]
        lines.append("|---|---|---|---|")
        for one in some:
            cost = one.core_seconds_of(one.recipe("default"))
            took = duration(cost) if cost == cost else ""
            lines.append(f"| `{one.name}` | {one.sentence} | {one.source} | {took} |")
        tables.append("\n".join(lines) + "\n")
    return "\n".join(tables)


def _entry(subject: str, one: Experiment) -> dict[str, Any]:
    cost = one.core_seconds_of(one.recipe("default"))
    return {
        "name": one.name,
        "subject": subject,
        "sentence": one.sentence,
        "source": one.source,
        "core_seconds": None if cost != cost else cost,
        "parameters": [
            {"name": p.name, "kind": p.kind, "unit": p.unit, "default": p.default, "help": p.help}
            for p in one.parameters
        ],
    }
