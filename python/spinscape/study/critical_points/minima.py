"""Minima: which of them descent finds, against how many there are of every energy.

The exact mean number of minima per unit of energy (ABAC Theorem 2.1, index 0) is what a fair sample of all minima of
all instances would follow. Descent from uniform points is no fair sample: it finds a minimum in proportion to the
volume that flows to it, and deep minima have large basins. Both accounts are kept: every find, and every different
minimum of an instance once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import theory
from spinscape.arrays import as_choice, as_integer
from spinscape.couplings import as_order
from spinscape.critical_points import count_index, refine
from spinscape.descent import descend
from spinscape.geometry.links import Catalogue
from spinscape.hamiltonian import Glass
from spinscape.randomness import RNG
from spinscape.sampling import anneal
from spinscape.schedules import AnnealingSchedule
from spinscape.study import disorder
from spinscape.study.critical_points.layers import exact_energies, order_of
from spinscape.study.disorder import FloatArray, Spread
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays
from spinscape.study.store import Store

METHODS = ("gradient", "lbfgs", "sgd", "annealing")


def recipe(
    *,
    p: int = 3,
    sizes: tuple[int, ...] = (15, 25, 50, 100),
    tensors: Mapping[int, int] | int = 20,
    starts: int = 100,
    methods: tuple[str, ...] = METHODS,
    annealing_steps: int = 1000,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a study of minima.

    methods : among METHODS, all from the same uniform starts; annealing takes `annealing_steps` gradients.
    """
    order = as_order(p)
    if order < 3:
        raise ValueError(f"p: expected an order from 3, for p = 2 has two minima, got {p}")
    counts = [as_integer(N, "sizes", 3) for N in sizes]
    parameters = {
        "xi": {str(order): 1.0},
        "sizes": counts,
        "tensors": disorder.as_counts(tensors, tuple(counts), "tensors"),
        "starts": as_integer(starts, "starts", 1, 10**6),
        "methods": [as_choice(method, "methods", METHODS) for method in methods],
        "annealing_steps": as_integer(annealing_steps, "annealing_steps", 1, 10**7),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("minima-bias", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return one unit a tensor and method."""
    for unit in disorder.instances(parameters):
        for method in parameters["methods"]:
            yield {**unit, "method": method}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost in gradients: those of the method, and a Hessian for every start."""
    gradients = {"lbfgs": 100, "annealing": parameters["annealing_steps"]}.get(unit["method"], 1500)
    one = disorder.couplings(parameters, unit["N"]) + 2e3
    return float(parameters["starts"] * (gradients + 5 * unit["N"]) * one)


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes of a unit: couplings, their parts, points, Hessians."""
    hessians = min(parameters["starts"], max(2**28 // (8 * unit["N"] ** 2), 48)) + 8 * n_threads
    return disorder.bytes_of(parameters, unit, copies=6) + 8 * hessians * unit["N"] ** 2


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return how many minima were found."""
    different = len(np.unique(arrays["minimum"]))
    return f"N = {unit['N']}, {unit['method']}: {different} minima in {len(arrays['minimum'])} finds"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Go downhill from the tensor's starts; keep the certified minima, numbered, and the number that is none."""
    glass = disorder.instance(parameters, unit)
    starts = disorder.starts(glass, parameters, unit)
    noise = disorder.seed(parameters["rng"], unit["N"], unit["tensor"], disorder.NOISE)
    method, steps = unit["method"], parameters["annealing_steps"]
    points = minima_below(glass, starts, n_threads, method=method, annealing_steps=steps, rng=noise)
    return {
        "energy_density": glass.energy_density(points, n_threads=n_threads),
        "minimum": numbered(points),
        "lost": np.array(len(starts) - len(points)),
    }


def minima_below(
    glass: Glass,
    starts: FloatArray,
    n_threads: int,
    *,
    method: str = "lbfgs",
    annealing_steps: int = 1000,
    rng: RNG = None,
) -> FloatArray:
    """The certified minima that a method and then L-BFGS and Newton's method lead to, a row a start that led to one."""
    points = starts
    if method == "annealing":
        schedule = AnnealingSchedule(steps=annealing_steps)
        points = anneal(glass, starts, schedule=schedule, rng=rng, n_threads=n_threads).points
    elif method == "sgd":
        points = descend(glass, starts, method="sgd", n_threads=n_threads).points
    elif method == "gradient":
        points = descend(glass, starts, method="gradient", tol=1e-4, n_threads=n_threads).points
    settled = descend(glass, points, method="lbfgs", tol=1e-8, max_steps=5000, n_threads=n_threads)
    found = refine(glass, settled.points, n_threads=n_threads)
    index = count_index(glass, found.points, n_threads=n_threads)
    minima = found.converged & index.certified & (index.negative == 0)
    return np.asarray(found.points[minima])


def different_minima(glass: Glass, starts: FloatArray, n_threads: int) -> FloatArray:
    """The different minima that L-BFGS finds from the starts, ascending in energy."""
    points = minima_below(glass, starts, n_threads)
    first = np.unique(numbered(points), return_index=True)[1]
    order = np.argsort(glass.energy_density(points[first], n_threads=n_threads))
    return np.asarray(points[first][order])


def numbered(points: FloatArray) -> NDArray[np.int64]:
    """Number each row by the different point it is, in order of appearance."""
    known = Catalogue(points[:0])
    return np.array([known.row(point) for point in points], dtype=np.int64)


@dataclass(frozen=True)
class Found:
    """The minima that one method found at one N.

    finds, minima : energies over disorder: of every find, and of every different minimum of an instance once.
    energies, once : all of them, pooled.
    different : mean number of different minima an instance;   exact : exact mean number that there are.
    lost : fraction of starts that did not lead to a certified minimum.
    """

    N: int
    method: str
    starts: int
    finds: Spread
    minima: Spread
    energies: FloatArray
    once: FloatArray
    different: float
    exact: float
    lost: float


@dataclass(frozen=True)
class MinimaBias:
    """The table of a study of minima."""

    p: int
    found: tuple[Found, ...]

    @classmethod
    def from_store(cls, store: Store) -> MinimaBias:
        """Read the finished units of a store; a size and method without any minimum is left out."""
        parameters = store.recipe.parameters
        rows = sorted(store.rows, key=lambda row: row.unit["tensor"])
        p, found = order_of(parameters), []
        for N in parameters["sizes"]:
            for method in parameters["methods"]:
                units_ = [row.arrays for row in rows if (row.unit["N"], row.unit["method"]) == (N, method)]
                mine = [arrays for arrays in units_ if len(arrays["minimum"])]
                if mine:
                    found.append(_found(N, p, method, parameters["starts"], mine))
        return cls(p, tuple(found))

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a size and method: energies of finds and of minima, beside the exact ones of all minima."""
        return [_row(one, self.p) for one in self.found]


def _found(N: int, p: int, method: str, starts: int, mine: list[Arrays]) -> Found:
    once = [_once(arrays) for arrays in mine]
    return Found(
        N=N,
        method=method,
        starts=starts,
        finds=disorder.spread([arrays["energy_density"] for arrays in mine]),
        minima=disorder.spread(once),
        energies=np.concatenate([arrays["energy_density"] for arrays in mine]),
        once=np.concatenate(once),
        different=float(np.mean([len(energies) for energies in once])),
        exact=float(np.exp(theory.log_mean_critical_points(N=N, p=p, index=0))),
        lost=float(np.mean([arrays["lost"] for arrays in mine]) / starts),
    )


def _once(arrays: Arrays) -> FloatArray:
    """The energy of every different minimum."""
    first = np.unique(arrays["minimum"], return_index=True)[1]
    return np.asarray(arrays["energy_density"][first])


def _row(one: Found, p: int) -> dict[str, Any]:
    u, density = exact_energies(one.N, p, 0)
    mean = float(np.trapezoid(u * density, u))
    reached = float(one.finds.mean)
    above = theory.minima_fraction_above(reached + float(theory.threshold_energy(p)), N=one.N, p=p)
    return {
        "N": one.N,
        "method": one.method,
        "instances": one.finds.instances,
        "starts": one.starts,
        "lost": one.lost,
        "minima_found": one.different,
        "minima_exact": one.exact,
        "energy_of_finds": reached,
        "error": float(one.finds.error),
        "energy_of_minima_found": float(one.minima.mean),
        "error_of_minima": float(one.minima.error),
        "pooled_energy_of_minima_found": float(one.once.mean()),
        "exact_energy_of_all": mean,
        "bias": reached - mean,
        "fraction_of_all_above_mean_find": float(above),
    }
