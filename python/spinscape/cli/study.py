"""`spinscape run | resume | status | verify | export | report`: studies from recipe files, and their stores."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
    _add_experiment(run)
    _add_execution(run)
    run.set_defaults(run=run_recipe)
    resume = subparsers.add_parser("resume", help="continue the study of a store")
    _add_store(resume)
    _add_execution(resume)
    resume.set_defaults(run=run_resume)
    status = subparsers.add_parser("status", help="how far a study is")
    _add_store(status)
    status.set_defaults(run=run_status)
    verify = subparsers.add_parser("verify", help="check every row of a store; salvage a damaged one")
    _add_store(verify)
    verify.add_argument("--recompute", type=int, metavar="K", default=0, help="compute K units again, compare bits")
    verify.add_argument("--salvage", type=Path, metavar="NEW", help="write the intact rows into a new store")
    verify.add_argument("--recipe", type=Path, metavar="FILE", help="the recipe, where the store has lost it")
    verify.set_defaults(run=run_verify)
    export = subparsers.add_parser("export", help="write a store's table as .csv, .parquet or .nc")
    _add_store(export)
    export.add_argument("target", type=Path, help="file to write; its suffix is the format")
    export.set_defaults(run=run_export)
    report = subparsers.add_parser("report", help="one self-contained HTML page from a store")
    _add_store(report)
    report.add_argument("--out", type=Path, metavar="FILE", help="page to write (beside the store, .html)")
    report.set_defaults(run=run_report)


def run_recipe(arguments: argparse.Namespace) -> int:
    """Run or continue the study of a recipe file."""
    from spinscape.study import Recipe

    _register_experiments(arguments)
    recipe = Recipe.from_file(arguments.recipe)
    path = arguments.store or Path("spinscape-results") / f"{arguments.recipe.stem}-{recipe.key[:8]}.sqlite"
    return _execute(recipe, path, arguments)


def run_resume(arguments: argparse.Namespace) -> int:
    """Continue the study of a store."""
    from spinscape.study import Store

    _register_experiments(arguments)
    with Store(arguments.store) as store:
        recipe = store.recipe
    return _execute(recipe, arguments.store, arguments)


def run_status(arguments: argparse.Namespace) -> int:
    """Print how far a study is."""
    from spinscape.study import Store
    from spinscape.study.status import status

    _register_experiments(arguments)
    with Store(arguments.store) as store:
        print(status(store))
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Check a store; exit code 1 if anything is wrong."""
    from spinscape.study import Store, StoreError

    _register_experiments(arguments)
    try:
        with Store(arguments.store) as store:
            problems = store.verify()
            if not problems:
                print(f"{arguments.store}: {len(store.done()):,} rows intact, digest {store.digest}")
                problems = _recomputed(store, arguments.recompute)
    except StoreError as error:
        problems = [str(error)]
    for problem in problems:
        print(problem)
    if arguments.salvage is not None:
        _salvage(arguments)
    return 1 if problems else 0


def run_export(arguments: argparse.Namespace) -> int:
    """Write a store's table."""
    from spinscape.study import Store

    with Store(arguments.store) as store:
        print(f"wrote {store.export(arguments.target)}")
    return 0


def run_report(arguments: argparse.Namespace) -> int:
    """Write the page of a store."""
    from spinscape.cli import experiments
    from spinscape.figures import report
    from spinscape.study import Store

    _register_experiments(arguments)
    with Store(arguments.store) as store:
        target = arguments.out or arguments.store.with_suffix(".html")
        print(f"wrote {report.write(store, target, experiments.contents(store))}")
    return 0


def _execute(recipe: Any, path: Path, arguments: argparse.Namespace) -> int:
    from spinscape import study

    print(f"store: {path}" + (" (continued)" if path.exists() else ""), flush=True)
    try:
        with _executor(arguments) as executor, progress_bar() as bar:
            study.run(recipe, path, executor, arguments.threads, progress=bar).close()
    except KeyboardInterrupt:
        print(f"interrupted; {path} holds all finished units, `spinscape resume {path}` continues", file=sys.stderr)
        return 130
    except (study.UnitsFailedError, study.WorkersLostError) as error:
        print(f"spinscape: {error}", file=sys.stderr)
        return 1
    print(f"finished; `spinscape report {path}` makes a page of it")
    return 0


@contextmanager
def _executor(arguments: argparse.Namespace) -> Iterator[Executor | Callable[[], Executor] | None]:
    from spinscape import study

    if arguments.scheduler is not None:
        distributed = _engine("distributed", "dask")
        with distributed.Client(arguments.scheduler, set_as_default=False) as client:
            yield client.get_executor()
    elif arguments.mpi:
        with _engine("mpi4py.futures", "mpi").MPIPoolExecutor() as executor:
            yield executor
    else:
        yield None if arguments.workers is None else study.processes(arguments.workers)


def _engine(module: str, extra: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        raise ValueError(f"this needs {module} ({error}): pip install 'spinscape[{extra}]'") from error


@contextmanager
def progress_bar() -> Iterator[Any]:
    """A bar with an estimate on a terminal; elsewhere, and without tqdm, a line every half minute."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield Lines()
        return
    with tqdm(bar_format="{percentage:3.0f}% |{bar:30}| {elapsed} < {remaining}  {postfix}", mininterval=0.2) as bar:
        yield bar


class Lines:
    """Progress for log files: how much is done, what is left at this pace, one line every `seconds`."""

    def __init__(self, seconds: float = 30.0) -> None:
        self.total: float | None = None
        self._every, self._text = seconds, ""
        self._done, self._before = 0.0, 0.0
        self._began = self._told = time.monotonic()

    def update(self, n: float) -> None:
        """Add n to what is done; the first call brings what was there already."""
        self._before = n if self._done == 0 else self._before
        self._done += n
        now = time.monotonic()
        if self.total and now >= self._told + self._every:
            self._told = now
            pace = (self._done - self._before) / (now - self._began)
            left = f", about {_duration((self.total - self._done) / pace)} left" if pace > 0 else ""
            print(f"{self._done / self.total:4.0%}{left}, {self._text}", file=sys.stderr, flush=True)

    def set_postfix_str(self, s: str) -> None:
        """Say what is being done."""
        self._text = s


def _recomputed(store: Any, count: int) -> list[str]:
    """Compute randomly chosen units again and compare every bit."""
    from spinscape.study import compute
    from spinscape.study.records import encode

    rows = list(store.rows) if count else []
    chosen = random.SystemRandom().sample(rows, min(count, len(rows)))
    wrong = [row for row in chosen if encode(compute(store.recipe, row.unit)) != encode(row.arrays)]
    if chosen:
        print(f"{len(chosen) - len(wrong)} of {len(chosen)} units computed again give the same bits")
    return [f"unit {dict(row.unit)}: computed again, it gives other bits" for row in wrong]


def _salvage(arguments: argparse.Namespace) -> None:
    from spinscape.study import Recipe, salvage

    recipe = None if arguments.recipe is None else Recipe.from_file(arguments.recipe)
    found = salvage(arguments.store, arguments.salvage, recipe)
    print(f"wrote {found.path} with {found.rows:,} intact rows; `spinscape resume {found.path}` computes the others")


def _register_experiments(arguments: argparse.Namespace) -> None:
    from spinscape.study import register as register_experiment

    for pair in arguments.experiment:
        name, separator, module = pair.partition("=")
        if not separator or not name or not module:
            raise ValueError(f"--experiment: expected NAME=MODULE, got {pair!r}")
        register_experiment(name, module)


def _add_store(command: Any) -> None:
    command.add_argument("store", type=Path, help="store written by a study")
    _add_experiment(command)


def _add_experiment(command: Any) -> None:
    command.add_argument(
        "--experiment",
        action="append",
        default=[],
        metavar="NAME=MODULE",
        help="an experiment of your own: its name and importable module",
    )


def _add_execution(command: Any) -> None:
    where = command.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="worker processes on this machine (none: in-process)")
    where.add_argument("--scheduler", metavar="ADDRESS", help="address of a dask scheduler")
    where.add_argument("--mpi", action="store_true", help="workers of mpi4py.futures (start with mpiexec)")
    command.add_argument("--threads", type=int, metavar="T", help="threads a unit (in-process: all, else 1)")


def _duration(seconds: float) -> str:
    from spinscape.study.status import duration

    return duration(seconds)
