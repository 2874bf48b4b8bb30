"""Studies: a recipe is cut into units of work, their results are kept in a store, a table is read from it."""

import logging
from importlib import import_module
from typing import Any

from spinscape.study import experiments as _experiments
from spinscape.study.catalogue import experiment_of, subjects
from spinscape.study.engine import UnitsFailedError, resume, run
from spinscape.study.execution import WorkersLostError
from spinscape.study.experiment import Experiment, Results, ResultTable
from spinscape.study.experiments import register
from spinscape.study.pools import processes
from spinscape.study.recipe import Recipe, sweep
from spinscape.study.records import Row
from spinscape.study.salvaging import salvage
from spinscape.study.slabs import SlabGlass
from spinscape.study.store import Store, StoreError
from spinscape.study.work import compute

logging.getLogger("spinscape").addHandler(logging.NullHandler())

__all__ = [
    "Experiment",
    "Recipe",
    "ResultTable",
    "Results",
    "Row",
    "SlabGlass",
    "Store",
    "StoreError",
    "UnitsFailedError",
    "WorkersLostError",
    "compute",
    "experiment_of",
    "processes",
    "register",
    "resume",
    "run",
    "salvage",
    "subjects",
    "sweep",
]


def __getattr__(name: str) -> Any:
    """Return the module of an experiment, `study.scaled_losses` that of scaled-losses, or a room of 0.1.0."""
    if name == "networks":
        return import_module(f"{__name__}.{name}")
    known = name.replace("_", "-")
    if name.startswith("_") or known not in _experiments.names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _experiments.module(known)


def __dir__() -> list[str]:
    return sorted({*__all__, "networks", *(name.replace("-", "_") for name in _experiments.names())})
