"""An experiment over a grid: every combination of parameter values, each a complete recipe of the inner experiment.

A sweep is an experiment like any other. Its units are those of the inner recipes, each with its point of the grid, and
they give the same bits as the inner recipe run alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from spinscape.study import experiments

MAX_POINTS = 10**6


def points_of(experiment: str, grid: Mapping[str, Sequence[Any]], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the sweep of `experiment` over a grid; `fixed` is common to all of its points.

    The first parameter of the grid varies slowest. Each combination is completed and checked by the experiment now.
    """
    if not isinstance(experiment, str):
        raise TypeError(f"experiment: expected a name, got {experiment!r:.60}")
    if experiment == "sweep":
        raise ValueError("experiment: expected one other than 'sweep'; put all parameters into one grid")
    if not isinstance(grid, Mapping) or not grid:
        raise TypeError(f"grid: expected a mapping of parameters to lists of values, got {grid!r}")
    total = 1
    for name, values in grid.items():
        if isinstance(values, str) or not isinstance(values, Sequence) or not values:
            raise TypeError(f"grid: expected a list of values for {name!r}, got {values!r}")
        if name in fixed:
            raise ValueError(f"grid: {name!r} is fixed already")
        total *= len(values)
    if total > MAX_POINTS:
        raise ValueError(f"grid: expected at most {MAX_POINTS:,} combinations, got {total:,}")
    points = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    made = [experiments.complete(experiment, {**fixed, **point}) for point in points]
    complete = [parameters for _, parameters in made]
    common = {name: value for name, value in complete[0].items() if all(c.get(name, ...) == value for c in complete)}
    varied = [{name: value for name, value in c.items() if name not in common} for c in complete]
    return {"experiment": made[0][0], "common": common, "grid": points, "points": varied}


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the units of every point, point after point."""
    experiment = experiments.load(parameters["experiment"])
    for number, point in enumerate(parameters["grid"]):
        for unit in experiment.units(_inner(parameters, {"point": number})):
            yield {"point": number, **point, "unit": unit}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the inner cost."""
    return experiments.load(parameters["experiment"]).cost(_inner(parameters, unit), unit["unit"])


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> dict[str, Any]:
    """Compute the inner unit."""
    return experiments.load(parameters["experiment"]).compute(_inner(parameters, unit), unit["unit"], n_threads)


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the inner estimate, 0 where the experiment gives none."""
    estimate = getattr(experiments.load(parameters["experiment"]), "memory", None)
    return int(estimate(_inner(parameters, unit), unit["unit"], n_threads)) if estimate else 0


def summary(unit: Mapping[str, Any], arrays: Mapping[str, Any]) -> str:
    """Return the point of the grid."""
    return ", ".join(f"{name} {value}" for name, value in unit.items() if name not in ("point", "unit"))


def _inner(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> dict[str, Any]:
    return {**parameters["common"], **parameters["points"][unit["point"]]}
