"""Experiments by name: modules, imported when they are run.

A store or a recipe holds a name only. Which module it means is decided by this table, by `register`, or by an entry
point of group "spinscape.experiments" of an installed package: never by a file, so that opening one runs no code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Protocol, cast

from spinscape.arrays import described
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays

_modules = {
    "enumerated-counts": "spinscape.study.critical_points.enumerated",
    "halting-times": "spinscape.study.dynamics.halting",
    "relaxation": "spinscape.study.dynamics.relaxation",
    "spiked-tensor": "spinscape.study.dynamics.spiked",
    "turning": "spinscape.study.dynamics.turning",
    "algorithms": "spinscape.study.dynamics.algorithms",
    "search": "spinscape.study.dynamics.search",
    "disconnectivity": "spinscape.study.critical_points.barriers",
    "energy-slice": "spinscape.study.critical_points.slices",
    "hessian-spectra": "spinscape.study.critical_points.spectra",
    "minima-bias": "spinscape.study.critical_points.minima",
    "overlaps": "spinscape.study.critical_points.overlaps",
    "layers": "spinscape.study.critical_points.layers",
    "network-losses": "spinscape.study.networks.losses",
    "network-indices": "spinscape.study.networks.indices",
    "network-annealing": "spinscape.study.networks.annealing",
    "index-error": "spinscape.study.networks.training_path",
    "network-spectra": "spinscape.study.networks.spectra",
    "redundancy": "spinscape.study.networks.redundancy",
    "scaled-losses": "spinscape.study.scaled_losses",
    "sweep": "spinscape.study.grid",
}


class Experiment(Protocol):
    """What a module must offer to be run as an experiment; all arguments are JSON-able.

    It may offer more: `recipe(**parameters) -> Recipe` (defaults and checks for recipe files),
    `memory(parameters, unit, n_threads) -> int` (bytes a unit needs, checked before anything starts) and
    `summary(unit, arrays) -> str` (a few words about a finished unit, shown while the study runs).
    """

    def units(self, parameters: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        """Return the units of work, cheapest information first."""

    def cost(self, parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
        """Return the relative cost of a unit, for batches and estimates."""

    def compute(self, parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
        """Compute one unit: a pure function of parameters and unit, the same bits for every n_threads."""


def register(name: str, module: str) -> None:
    """Make the importable module of this dotted name known as experiment `name`, here and in workers."""
    for what, value in (("name", name), ("module", module)):
        if not isinstance(value, str) or not value:
            raise TypeError(f"{what}: expected a name, got {described(value)}")
    known = _modules.setdefault(name, module)
    if known != module:
        raise ValueError(f"name: experiment {name!r} is {known} already, got {module}")


def modules(name: str) -> dict[str, str]:
    """Return the experiments a worker must know to run `name`, by name."""
    return {**_modules, name: module_of(name)}


def module_of(name: str) -> str:
    """Return the dotted name of an experiment's module; ValueError names the known experiments."""
    if not isinstance(name, str):
        raise TypeError(f"experiment: expected a name, got {described(name)}")
    if name in _modules:
        return _modules[name]
    offered = {entry.name: entry.value for entry in entry_points(group="spinscape.experiments")}
    if name not in offered:
        raise ValueError(f"recipe: expected an experiment among {sorted({*_modules, *offered})}, got {name!r}")
    return offered[name]


def load(name: str) -> Experiment:
    """Return an experiment's module."""
    return load_module(module_of(name))


def load_module(dotted: str) -> Experiment:
    """Import a module and make sure that it is an experiment."""
    with exits_are_errors(f"module {dotted}"):
        module = import_module(dotted)
    missing = [name for name in ("units", "cost", "compute") if not callable(getattr(module, name, None))]
    if missing:
        raise TypeError(f"experiment: module {dotted} has no {', '.join(missing)}")
    return cast("Experiment", module)


@contextmanager
def exits_are_errors(what: str) -> Iterator[None]:
    """Turn sys.exit() into a ValueError: a command that ends with exit code 0 says that all is computed."""
    try:
        yield
    except SystemExit as error:
        raise ValueError(f"experiment: {what} called sys.exit({error.code!r})") from error


def complete(name: str, parameters: Mapping[str, Any]) -> Recipe:
    """Return the recipe with the experiment's defaults filled in and its values checked."""
    maker = getattr(load(name), "recipe", None)
    if maker is None:
        return Recipe(name, parameters)
    try:
        with exits_are_errors(name):
            made = maker(**parameters)
    except TypeError as error:
        raise TypeError(f"recipe: {name}: {error}") from None
    return cast("Recipe", made)
