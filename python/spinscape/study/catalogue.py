"""The experiments known here, as objects: by name, by the recipe of a store, all of them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from spinscape.study import experiments, grid, moments
from spinscape.study.experiment import Experiment, Readable, ResultTable
from spinscape.study.parameters import Parameter
from spinscape.study.recipe import Recipe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_log = logging.getLogger(__name__)


def experiment_of(name: str) -> Experiment:
    """Return an experiment by name; a module of functions gets a table and a figure of moments."""
    return _as_experiment(name, experiments.load(name))


def subjects() -> dict[str, list[Experiment]]:
    """Return all experiments by subject: the folder of a package's own, "" for the others.

    One that cannot be imported is left out and named in the log.
    """
    found: dict[str, list[Experiment]] = {}
    for name, module in experiments.names().items():
        if module == grid.__name__:
            continue
        try:
            one = experiment_of(name)
        except Exception as error:  # a plugin that is broken must not hide the others
            _log.warning("experiment %s cannot be imported: %s", name, error)
            continue
        found.setdefault(experiments.subject_of(name), []).append(one)
    return found


def table_of_store(store: Readable) -> ResultTable:
    """Return what the experiment of a store reads its results as."""
    if next(iter(store.rows), None) is None:
        raise ValueError("store: expected finished units, got none")
    return experiment_of_recipe(store.recipe).table.from_store(store)


def figures_of_store(store: Readable) -> dict[str, Figure]:
    """Return the figures of a store's results, by name."""
    return experiment_of_recipe(store.recipe).figures(table_of_store(store))


def experiment_of_recipe(recipe: Recipe) -> Experiment:
    """Return the experiment that reads and draws the results of a recipe."""
    found = experiment_of(recipe.experiment)
    if not found.recorded_as or found.fits(recipe.parameters):
        return found
    for module in experiments.names().values():
        if experiments.recorded_as(module) == recipe.experiment:
            one = experiments.load_module(module)
            if isinstance(one, Experiment) and one.fits(recipe.parameters):
                return one
    return found


def _as_experiment(name: str, found: Any) -> Experiment:
    if isinstance(found, Experiment):
        return found
    sentence = (inspect.getdoc(found) or name).strip().split("\n")[0].rstrip(".")
    maker = getattr(found, "recipe", None)
    return Experiment(
        name=name,
        sentence=sentence,
        parameters=tuple(_parameters(maker) if callable(maker) else ()),
        arrange=partial(_arranged, name) if callable(maker) else dict,
        units=found.units,
        compute=found.compute,
        cost=found.cost,
        memory=getattr(found, "memory", None),
        **({"summary": found.summary} if hasattr(found, "summary") else {}),
        table=moments.Moments,
        figure=moments.draw,
    )


def _arranged(name: str, values: dict[str, Any]) -> dict[str, Any]:
    return experiments.complete(name, values)[1]


def _parameters(maker: Callable[..., Any]) -> Iterator[Parameter]:
    """The keywords of a module's `recipe`, which checks them itself."""

    def unchecked(value: Any, name: str, values: Mapping[str, Any]) -> Any:
        return value

    for one in inspect.signature(maker).parameters.values():
        if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD):
            default = None if one.default is one.empty else one.default
            listed = isinstance(default, (list, tuple))
            yield Parameter(one.name, default, "not declared", "see its module", "JSON", unchecked, several=listed)
