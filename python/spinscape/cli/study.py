"""`spinscape run | resume | status | verify | export | report`: studies from recipe files, and their stores."""

from __future__ import annotations

import argparse
import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from spinscape import study
from spinscape.cli import outputs, terminal
from spinscape.study import experiments, report
from spinscape.study.records import encode
from spinscape.study.status import status as status_of

EPILOG = """\
a recipe file, sweep.toml:
  experiment = "scaled-losses"
  [parameters]
  starts = 200
  [grid]                            # every combination; leave it out for a single run
  p = [3, 4]
  law = ["gaussian", "rademacher"]

  spinscape run sweep.toml --workers 4
  spinscape run sweep.toml --scheduler tcp://head:8786
  mpiexec -n 65 python -m mpi4py.futures -m spinscape run sweep.toml --mpi
Interrupt it at any time: the same command, or `spinscape resume`, continues where it stopped.
"""


def register(subparsers: Any) -> None:
    """Add the six commands."""
    run = subparsers.add_parser(
        "run",
        help="run the study of a recipe file",
        description="Compute every unit of work of a recipe that its store does not hold yet.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("recipe", type=Path, help=".toml or .json file")
    run.add_argument("--store", type=Path, metavar="FILE", help="store (spinscape-results/NAME-KEY.sqlite)")
    add_plugins(run)
    _add_execution(run)
    run.set_defaults(run=run_recipe, parser=run)
    resume = subparsers.add_parser("resume", help="continue the study of a store")
    _add_store(resume)
    _add_execution(resume)
    resume.set_defaults(run=run_resume, parser=resume)
    status = subparsers.add_parser("status", help="how far a study is")
    _add_store(status)
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(run=run_status, parser=status)
    verify = subparsers.add_parser("verify", help="check every row of a store; salvage a damaged one")
    _add_store(verify)
    verify.add_argument("--recompute", type=int, metavar="K", default=0, help="compute K units again, compare bits")
    verify.add_argument("--salvage", type=Path, metavar="NEW", help="write the intact rows into a new store")
    verify.add_argument("--recipe", type=Path, metavar="FILE", help="the recipe, where the store has lost it")
    verify.add_argument("--json", action="store_true", help="for programs")
    verify.set_defaults(run=run_verify, parser=verify)
    export = subparsers.add_parser("export", help="write a store's table as .csv, .parquet or .nc")
    _add_store(export)
    export.add_argument("target", type=Path, help="file to write; its suffix is the format")
    export.set_defaults(run=run_export, parser=export)
    report = subparsers.add_parser("report", help="one self-contained HTML page from a store")
    _add_store(report)
    report.add_argument("--out", type=Path, metavar="FILE", help="page to write (beside the store, .html)")
    report.set_defaults(run=run_report, parser=report)


def run_recipe(arguments: argparse.Namespace) -> int:
    """Run or continue the study of a recipe file."""
    recipe = study.Recipe.from_file(arguments.recipe)
    path = arguments.store or Path("spinscape-results") / f"{outputs.stem(arguments.recipe.stem, recipe)}.sqlite"
    return _execute(recipe, path, arguments)


def run_resume(arguments: argparse.Namespace) -> int:
    """Continue the study of a store."""
    with study.Store(arguments.store) as store:
        recipe = store.recipe
    return _execute(recipe, arguments.store, arguments)


def run_status(arguments: argparse.Namespace) -> int:
    """Print how far a study is."""
    with study.Store(arguments.store) as store:
        found = status_of(store)
    if arguments.json:
        print(json.dumps(asdict(found), default=str))
    else:
        terminal.say(str(found))
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Check a store; exit code 1 if anything is wrong."""
    found: dict[str, Any] = {"store": str(arguments.store), "rows": None, "digest": None, "recomputed": 0}
    try:
        with study.Store(arguments.store) as store:
            problems = store.verify()
            if not problems:
                found |= {"rows": len(store.done()), "digest": store.digest}
                found["recomputed"], problems = _recomputed(store, arguments.recompute)
    except study.StoreError as error:
        problems = [str(error)]
    if arguments.json:
        print(json.dumps(found | {"problems": problems}))
    else:
        _tell(found, problems)
    if arguments.salvage is not None:
        _salvage(arguments)
    return 1 if problems else 0


def _tell(found: dict[str, Any], problems: list[str]) -> None:
    if found["digest"]:
        terminal.say(f"{found['store']}: {found['rows']:,} rows intact, digest {found['digest']}")
    if found["recomputed"]:
        right = found["recomputed"] - len(problems)
        terminal.say(f"{right} of {found['recomputed']} units computed again give the same bits")
    for problem in problems:
        terminal.say(problem)


def run_export(arguments: argparse.Namespace) -> int:
    """Write a store's table."""
    with study.Store(arguments.store) as store:
        terminal.say(f"wrote {store.export(arguments.target)}")
    return 0


def run_report(arguments: argparse.Namespace) -> int:
    """Write the page of a store."""
    target = arguments.out or arguments.store.with_suffix(".html")
    outputs.require(target.parent, ("svg",), {})
    with study.Store(arguments.store) as store:
        terminal.say(f"wrote {report.write(store, target)}")
    return 0


def _execute(recipe: Any, path: Path, arguments: argparse.Namespace) -> int:
    outputs.require(path.parent, (), getattr(experiments.load(recipe.experiment), "needs", {}))
    terminal.say(f"store: {path}" + (" (continued)" if path.exists() else ""))
    try:
        with _executor(arguments) as executor, terminal.progress_bar() as bar:
            study.run(recipe, path, executor, arguments.threads, progress=bar).close()
    except KeyboardInterrupt:
        terminal.complain(f"interrupted; {path} holds all finished units, `spinscape resume {path}` continues")
        return 130
    except (study.UnitsFailedError, study.WorkersLostError) as error:
        terminal.complain(f"spinscape: {error}")
        return 1
    terminal.say(f"finished; `spinscape report {path}` makes a page of it")
    return 0


@contextmanager
def _executor(arguments: argparse.Namespace) -> Iterator[Executor | Callable[[], Executor] | None]:
    if arguments.scheduler is not None:
        distributed = _engine("distributed", "dask")
        with distributed.Client(arguments.scheduler, set_as_default=False) as client:
            yield client.get_executor()
    elif arguments.mpi:
        world = _engine("mpi4py.MPI", "mpi").COMM_WORLD.Get_size()
        if world < 2 and "MPI4PY_FUTURES_MAX_WORKERS" not in os.environ:
            raise ValueError(
                "--mpi: expected several processes; start with mpiexec -n 65 python -m mpi4py.futures -m spinscape ..."
            )
        with _engine("mpi4py.futures", "mpi").MPIPoolExecutor() as executor:
            yield executor
    else:
        yield None if arguments.workers is None else study.processes(arguments.workers)


def _engine(module: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ValueError(f"this needs {module} ({error}): pip install 'spinscape[{extra}]'") from error
    except (RuntimeError, OSError) as error:  # the Python package is there, what it wraps is not
        raise ValueError(f"--mpi needs an MPI runtime, such as openmpi-bin or mpich: {error}") from error


def _recomputed(store: study.Store, count: int) -> tuple[int, list[str]]:
    """Compute randomly chosen units again and compare every bit: how many, and what is wrong."""
    rows = list(store.rows) if count else []
    chosen = random.SystemRandom().sample(rows, min(count, len(rows)))
    wrong = [row for row in chosen if encode(study.compute(store.recipe, row.unit)) != encode(row.arrays)]
    return len(chosen), [f"unit {dict(row.unit)}: computed again, it gives other bits" for row in wrong]


def _salvage(arguments: argparse.Namespace) -> None:
    recipe = None if arguments.recipe is None else study.Recipe.from_file(arguments.recipe)
    found = study.salvage(arguments.store, arguments.salvage, recipe)
    terminal.say(
        f"wrote {found.path} with {found.rows:,} intact rows; `spinscape resume {found.path}` computes the others"
    )


def add_plugins(parser: Any) -> None:
    """Add the option that makes experiments of one's own known."""
    parser.add_argument(
        "--experiment",
        action="append",
        default=[],
        metavar="NAME=MODULE",
        help="an experiment of your own: its name and importable module",
    )


def register_plugins(words: Sequence[str]) -> list[str]:
    """Make the experiments known that the words bring along; return the other words."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    add_plugins(parser)
    try:
        found, rest = parser.parse_known_args(list(words))
    except argparse.ArgumentError as error:
        raise ValueError(str(error)) from None
    for pair in found.experiment:
        name, separator, module = pair.partition("=")
        if not separator or not name or not module:
            raise ValueError(f"--experiment: expected NAME=MODULE, got {pair!r}")
        study.register(name, module)
    return rest


def _add_store(command: Any) -> None:
    command.add_argument("store", type=Path, help="store written by a study")
    add_plugins(command)


def _add_execution(command: Any) -> None:
    where = command.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="worker processes on this machine (none: in-process)")
    where.add_argument("--scheduler", metavar="ADDRESS", help="address of a dask scheduler")
    where.add_argument("--mpi", action="store_true", help="workers of mpi4py.futures (start with mpiexec)")
    command.add_argument("--threads", type=int, metavar="T", help="threads a unit (in-process: all, else 1)")
