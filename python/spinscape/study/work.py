"""What a worker does: compute the units of a task and seal their results, wherever spinscape can be imported."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from spinscape import memory
from spinscape.study import experiments
from spinscape.study.experiments import Computable
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays, Record, printable
from spinscape.versions import version_info


@dataclass(frozen=True)
class Task:
    """A batch of units on its way to a worker; `modules` are the experiments the driver knows, by name.

    `trial` numbers the driver's submissions: dask takes equal tasks for one and would repeat the first's error.
    """

    recipe: Recipe
    units: tuple[Mapping[str, Any], ...]
    n_threads: int
    modules: Mapping[str, str]
    trial: int


@dataclass(frozen=True)
class Outcome:
    """What became of one unit: a sealed record, or the error that stopped it."""

    record: Record | None
    seconds: float
    summary: str = ""
    error: str = ""


def perform(task: Task) -> list[Outcome]:
    """Compute a task's units one after the other; an error of one does not stop the next."""
    for name, module in task.modules.items():
        experiments.register(name, module)
    experiment = experiments.load(task.recipe.experiment)
    return [_outcome(experiment, task.recipe, unit, task.n_threads) for unit in task.units]


def compute(recipe: Recipe, unit: Mapping[str, Any], n_threads: int = 1) -> dict[str, Any]:
    """Compute one unit of a recipe alone: the same bits as in any run of the whole."""
    return experiments.load(recipe.experiment).compute(recipe.parameters, unit, n_threads)


def _outcome(experiment: Computable, recipe: Recipe, unit: Mapping[str, Any], n_threads: int) -> Outcome:
    started, clock = datetime.now(UTC), time.perf_counter()
    try:
        estimate = getattr(experiment, "memory", None)
        if estimate is not None:
            memory.require(int(estimate(recipe.parameters, unit, n_threads)), f"unit {dict(unit)}")
        arrays = experiment.compute(recipe.parameters, unit, n_threads)
        seconds = time.perf_counter() - clock
        where = {
            **_versions(),
            "threads": n_threads,
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(seconds, 6),
        }
        record = Record.sealed(recipe, unit, arrays, where)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() among them: what a unit raises is data; retried, then set aside
        where_from = traceback.format_exc(limit=-3)
        return Outcome(None, time.perf_counter() - clock, error=f"{type(error).__name__}: {error}\n{where_from}")
    return Outcome(record, seconds, _summary(experiment, unit, arrays))


def _summary(experiment: Computable, unit: Mapping[str, Any], arrays: Arrays) -> str:
    """A few words about a finished unit; where they cannot be found it is finished all the same."""
    summary = getattr(experiment, "summary", None)
    try:
        return "" if summary is None else printable(str(summary(unit, arrays)))
    except (Exception, SystemExit) as error:
        return printable(f"no summary: {type(error).__name__}: {error}")


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    return version_info()
