"""Runs a recipe: every unit that the store does not hold yet is computed, somewhere, and written here.

A unit is a pure function of (recipe, unit), so a store can be continued after any interruption, on any number of
workers and threads, and ends up with the same bits. Only this process writes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from spinscape import memory
from spinscape.arrays import as_kind, as_path, described
from spinscape.study import experiments
from spinscape.study.execution import Driver
from spinscape.study.experiment import MAX_UNITS
from spinscape.study.interrupts import terminate_as_interrupt
from spinscape.study.pools import local_workers
from spinscape.study.recipe import Recipe
from spinscape.study.store import Store, StoreError, salvage_hint
from spinscape.threads import as_threads

AnyExecutor = Executor | Callable[[], Executor] | None


@runtime_checkable
class Progress(Protocol):
    """What `run` tells about its progress; `tqdm` bars fit."""

    total: float | None

    def update(self, n: float) -> Any:
        """Add n to what is done."""

    def set_postfix_str(self, s: str) -> Any:
        """Say what is being done."""


class UnitsFailedError(RuntimeError):
    """Units that failed three times and were set aside; everything else is in the store."""


def run(
    recipe: Recipe,
    store: str | os.PathLike[str],
    executor: AnyExecutor = None,
    n_threads: int | None = None,
    *,
    progress: Progress | None = None,
) -> Store:
    """Compute every unit of `recipe` that `store` (a path, created if needed) does not hold; return the open store.

    executor : None (one unit at a time in this process), any concurrent.futures.Executor (dask's
        `client.get_executor()` and mpi4py's `MPIPoolExecutor` among them), or a function that makes one, such as
        `study.processes(4)`; only the last can be replaced when a worker's death breaks it.
    n_threads : threads of a unit; None means all the processor quota allows in this process and 1 in an executor.

    A unit that fails, or kills its worker, three times is set aside while the rest finishes; then UnitsFailedError is
    raised. KeyboardInterrupt and SIGTERM leave a store that holds all finished units: running the same recipe again
    continues it. MemoryError with the bytes if a unit cannot fit; StoreError if the store is foreign, stale or damaged.
    """
    as_kind(recipe, "recipe", Recipe)
    path = as_path(store, "store")
    if progress is not None and not isinstance(progress, Progress):
        raise TypeError(f"progress: expected update() and set_postfix_str(), got {described(progress)}")
    if executor is not None and not isinstance(executor, Executor) and not callable(executor):
        raise TypeError(f"executor: expected None, an Executor or a function making one, got {executor!r}")
    experiment, parameters = experiments.load(recipe.experiment), recipe.parameters
    threads = as_threads(n_threads) if executor is None else as_threads(1 if n_threads is None else n_threads)
    with experiments.exits_are_errors(recipe.experiment):
        units = list(islice(experiment.units(parameters), MAX_UNITS + 1))
        if len(units) > MAX_UNITS:
            raise ValueError(f"recipe: expected at most {MAX_UNITS:,} units of work, got more")
        costs = [experiment.cost(parameters, unit) for unit in units]
        _require_memory(recipe, units, executor, threads)
    _check(path)
    opened = Store(path, recipe)
    try:
        done = opened.done()
        missing = [pair for pair in zip(units, costs, strict=True) if recipe.unit_key(pair[0]) not in done]
        observer = _Observer(progress, len(units), len(units) - len(missing), sum(costs))
        observer.begin(sum(costs) - sum(cost for _, cost in missing))
        with terminate_as_interrupt():
            Driver(opened, executor, threads, observer).run(missing)
        opened.require_in_place()
        if opened.failures:
            raise UnitsFailedError(_failure_text(opened, len(units)))
    except BaseException:
        opened.close()
        raise
    return opened


def resume(
    store: str | os.PathLike[str],
    executor: AnyExecutor = None,
    n_threads: int | None = None,
    *,
    progress: Progress | None = None,
) -> Store:
    """Continue the recipe that `store` holds, units that were set aside included; arguments as `run`."""
    with Store(as_path(store, "store")) as opened:
        recipe = opened.recipe
    return run(recipe, store, executor, n_threads, progress=progress)


@dataclass
class _Observer:
    """Turns finished units into what a progress bar shows."""

    progress: Progress | None
    total: int
    done: int
    cost: float
    failures: int = 0

    def begin(self, cost: float) -> None:
        if self.progress is not None:
            self.progress.total = self.cost
            if cost:
                self.progress.update(cost)
            self.progress.set_postfix_str(self._text(""))

    def finished(self, cost: float, summary: str, failed: bool) -> None:
        self.done += not failed
        self.failures += failed
        if self.progress is not None:
            self.progress.set_postfix_str(self._text(summary))
            self.progress.update(cost)

    def _text(self, summary: str) -> str:
        failed = f"{self.failures} set aside" if self.failures else ""
        return ", ".join(part for part in (f"{self.done}/{self.total} units", failed, summary) if part)


def _require_memory(recipe: Recipe, units: list[dict[str, Any]], executor: AnyExecutor, threads: int) -> None:
    """Refuse before anything starts what this machine's memory cannot hold; remote workers check for themselves."""
    estimate, at_once = getattr(experiments.load(recipe.experiment), "memory", None), local_workers(executor)
    if estimate is None or at_once == 0 or not units:
        return
    needed, unit = max(((int(estimate(recipe.parameters, u, threads)), u) for u in units), key=lambda pair: pair[0])
    named = ", ".join(f"{name} {value}" for name, value in unit.items())
    memory.require(needed * at_once, f"recipe: {at_once} x unit ({named})")


def _check(path: Path) -> None:
    """A damaged store is not continued: what it lost would be computed again beside what it got wrong.

    It is opened to read, which leaves it as it is for `salvage`.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return
    with Store(path) as store:
        problems = store.verify()
    if problems:
        raise StoreError(f"{path} is damaged ({problems[0]}); {salvage_hint(path)}")


def _failure_text(store: Store, total: int) -> str:
    unit, error = store.failures[0]
    reason = error.partition("\n")[0]
    return (
        f"{len(store.failures)} of {total} units failed three times and were set aside, the first one {unit}: "
        f"{reason.rstrip('.')}. "
        f"{store.path} holds the others; resuming it tries these again"
    )
