"""Studies: a recipe is cut into units of work, their results are kept in a store, a table is read from it."""

from spinscape.study.engine import UnitsFailedError, resume, run
from spinscape.study.execution import WorkersLostError
from spinscape.study.experiments import register
from spinscape.study.grid import recipe as sweep
from spinscape.study.pools import processes
from spinscape.study.recipe import Recipe
from spinscape.study.records import Row
from spinscape.study.salvage import salvage
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
