"""Studies: a recipe is cut into units of work, their results are kept in a store, a table is read from it."""

from typing import TYPE_CHECKING

from spinscape import lazy
from spinscape.study.engine import UnitsFailedError, resume, run
from spinscape.study.execution import WorkersLostError
from spinscape.study.experiments import register
from spinscape.study.grid import recipe as sweep
from spinscape.study.pools import processes
from spinscape.study.recipe import Recipe
from spinscape.study.records import Row
from spinscape.study.salvaging import salvage
from spinscape.study.slabs import SlabGlass
from spinscape.study.store import Store, StoreError
from spinscape.study.work import compute

__all__ = [
    "Recipe",
    "Row",
    "SlabGlass",
    "Store",
    "StoreError",
    "UnitsFailedError",
    "WorkersLostError",
    "compute",
    "processes",
    "register",
    "resume",
    "run",
    "salvage",
    "sweep",
]

# The experiments, a module or a room each.
if not TYPE_CHECKING:  # a type checker would take any name for one of the package
    __getattr__, __dir__ = lazy.attach(__name__, ("critical_points", "dynamics", "networks", "scaled_losses"), __all__)
