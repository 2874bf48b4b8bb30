"""Experiments by name: modules, imported when they are run.

A store or a recipe holds a name only. Which module it means is decided by `register`, or by an entry point of group
"spinscape.experiments" of an installed package, ours among them: never by a file, so that opening one runs no code. An
entry point names the module of one experiment, or a package whose folders are subjects: every module in a subject's
folder is an experiment, named like its file with - for _.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Protocol, cast

from spinscape.arrays import described

GROUP = "spinscape.experiments"

_log = logging.getLogger(__name__)

_registered: dict[str, str] = {}


class Computable(Protocol):
    """What the engine needs of an experiment: an `Experiment`, or a module of these functions; arguments are JSON-able.

    It may offer more: `memory(parameters, unit, n_threads) -> int` (bytes a unit needs, checked before anything starts)
    and `summary(unit, arrays) -> str` (a few words about a finished unit, shown while the study runs); a module also
    `recipe(**parameters) -> Recipe` (defaults and checks for recipe files).
    """

    def units(self, parameters: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        """Return the units of work, cheapest information first."""

    def cost(self, parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
        """Return the relative cost of a unit, for batches and estimates."""

    def compute(self, parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> dict[str, Any]:
        """Compute one unit: a pure function of parameters and unit, the same bits for every n_threads."""


def register(name: str, module: str) -> None:
    """Make the importable module of this dotted name known as experiment `name`, here and in workers."""
    for what, value in (("name", name), ("module", module)):
        if not isinstance(value, str) or not value:
            raise TypeError(f"{what}: expected a name, got {described(value)}")
    known = names().get(name, module)
    if known != module:
        raise ValueError(f"name: experiment {name!r} is {known} already, got {module}")
    _registered[name] = module


def names() -> dict[str, str]:
    """Return the dotted module of every experiment known here, by name, without importing any."""
    return {name: module for name, (module, _) in _offered().items()} | _registered


def subject_of(name: str) -> str:
    """Return the subject of an experiment, the folder it lies in; "" for one that stands alone."""
    return _offered().get(name, ("", ""))[1]


def modules(name: str) -> dict[str, str]:
    """Return the experiments a worker must know to run `name`, by name."""
    return {**_registered, name: module_of(name)}


def module_of(name: str) -> str:
    """Return the dotted name of an experiment's module; ValueError names the known experiments."""
    if not isinstance(name, str):
        raise TypeError(f"experiment: expected a name, got {described(name)}")
    known = names()
    if name in known:
        return known[name]
    for module in known.values():  # the names that recipes of other times use
        if recorded_as(module) == name:
            return module
    raise ValueError(f"recipe: expected an experiment among {sorted(known)}, got {name!r}")


def load(name: str) -> Computable:
    """Return an experiment: the `EXPERIMENT` of its module, or the module itself."""
    return load_module(module_of(name))


def module(name: str) -> ModuleType:
    """Return the imported module of an experiment."""
    return import_module(module_of(name))


def load_module(dotted: str) -> Computable:
    """Import a module and make sure that it is an experiment."""
    found = _loaded(dotted)
    missing = [name for name in ("units", "cost", "compute") if not callable(getattr(found, name, None))]
    if missing:
        raise TypeError(f"experiment: module {dotted} has no {', '.join(missing)}")
    return cast("Computable", found)


def complete(name: str, parameters: Mapping[str, Any], size: str | None = None) -> tuple[str, dict[str, Any]]:
    """Return the name in recipes and all parameters: the experiment's defaults filled in, its values checked.

    size : None for the parameters' own defaults, or the values of "quick", "default" or "full" where none are given.
    """
    found: Any = load(name)
    if hasattr(found, "complete"):
        return found.recorded_as or name, dict(found.complete(parameters, size))
    maker = getattr(found, "recipe", None)
    if maker is None:
        return name, dict(parameters)
    try:
        with exits_are_errors(name):
            return name, dict(maker(**parameters).parameters)
    except TypeError as error:
        raise TypeError(f"recipe: {name}: {error}") from None


def recorded_as(dotted: str) -> str:
    """The name of an experiment in recipes; a plugin that cannot be imported has none, and hides no other."""
    try:
        return str(getattr(_loaded(dotted), "recorded_as", ""))
    except Exception as error:
        _log.warning("experiment %s cannot be imported: %s", dotted, error)
        return ""


def _loaded(dotted: str) -> Any:
    with exits_are_errors(f"module {dotted}"):
        module = import_module(dotted)
    return getattr(module, "EXPERIMENT", module)


@contextmanager
def exits_are_errors(what: str) -> Iterator[None]:
    """Turn sys.exit() into a ValueError: a command that ends with exit code 0 says that all is computed."""
    try:
        yield
    except SystemExit as error:
        raise ValueError(f"experiment: {what} called sys.exit({error.code!r})") from error


@lru_cache(maxsize=1)
def _offered() -> dict[str, tuple[str, str]]:
    """What installed packages declare: name -> (module, subject)."""
    found: dict[str, tuple[str, str]] = {}
    for entry in entry_points(group=GROUP):
        found |= dict(_walked(entry.value)) or {entry.name: (entry.value, "")}
    return found


def _walked(dotted: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """The experiments of a package: the modules in its folders, its subjects."""
    try:
        spec = find_spec(dotted)
    except ModuleNotFoundError:  # said when it is asked for
        return
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        for subject in iter_modules([place]):
            for one in iter_modules([str(Path(place) / subject.name)]) if subject.ispkg else ():
                yield one.name.replace("_", "-"), (f"{dotted}.{subject.name}.{one.name}", subject.name)
