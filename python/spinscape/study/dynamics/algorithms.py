"""Algorithms at equal numbers of gradients, from the same starts on the same instances.

A budget is a number of gradients of the whole glass. A gradient of one of P parts, or of a mini-batch of one in P
tuples, counts 1/P; a Hessian-vector product, which costs about two gradients, counts 1. What a run used is stored with
where it ended; methods that stop by themselves use less. Simulated annealing and Hessian ascent do not end in minima:
L-BFGS goes on from where they end, within the budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_choice, as_dtype, as_integer
from spinscape.descent import Descent, descend
from spinscape.hamiltonian import Glass
from spinscape.sampling import anneal
from spinscape.schedules import AnnealingSchedule, ScheduleStage, SGDSchedule
from spinscape.study import disorder
from spinscape.study.disorder import Spread
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays
from spinscape.study.store import Store

METHODS = ("gradient", "sgd", "annealing", "lbfgs", "hessian-ascent", "momentum", "sgd-tuples")
COMPARED = METHODS[:5]

PARTS = 4  # of SGD
COOLED = 0.8  # share of the budget in which simulated annealing cools, or Hessian ascent walks; L-BFGS has the rest
KRYLOV = 5  # Hessian-vector products a step of Hessian ascent
STEP = 0.1  # of gradient descent: the largest stable one is 2/(largest eigenvalue), 0.204 at the threshold of p = 3


def recipe(
    *,
    xi: Mapping[Any, float] = MappingProxyType({3: 1.0}),
    sizes: tuple[int, ...] = (100, 200, 300),
    tensors: Mapping[int, int] | int = 10,
    starts: int = 24,
    methods: tuple[str, ...] = COMPARED,
    budgets: tuple[int, ...] = (1500,),
    dtype: str = "float32",
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a comparison of algorithms; `budgets` are numbers of gradients (default: the papers')."""
    parameters = {
        "xi": disorder.as_mixture(xi),
        "sizes": [as_integer(N, "sizes", 2) for N in sizes],
        "tensors": disorder.as_counts(tensors, tuple(sizes), "tensors"),
        "starts": as_integer(starts, "starts", 1, 10**6),
        "methods": [as_choice(method, "methods", METHODS) for method in methods],
        "budgets": [as_integer(budget, "budgets", 10, 10**9) for budget in budgets],
        "dtype": str(as_dtype(dtype)),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("algorithms", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return one unit a tensor, method and budget."""
    for unit in disorder.instances(parameters):
        for method in parameters["methods"]:
            for budget in parameters["budgets"]:
                yield {**unit, "method": method, "budget": budget}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost in couplings times starts times gradients."""
    return float(unit["budget"] * (parameters["starts"] * disorder.couplings(parameters, unit["N"]) + 1e5))


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes of a unit."""
    return disorder.bytes_of(parameters, unit, copies=1 + PARTS if unit["method"] == "sgd" else 1)


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return where the unit's runs ended."""
    return f"N = {unit['N']}, {unit['method']}: mean u = {np.mean(arrays['energy_density']):.4f}"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Run one method with one budget on one instance."""
    glass = disorder.instance(parameters, unit)
    begin = disorder.starts(glass, parameters, unit)
    noise = disorder.seed(parameters["rng"], unit["N"], unit["tensor"], disorder.NOISE)
    points, gradients = RUNS[unit["method"]](glass, begin, unit["budget"], noise, n_threads)
    exact = glass.astype("float64")
    ends = points.astype(np.float64)
    ends *= np.sqrt(unit["N"] / np.sum(ends**2, axis=1, keepdims=True))
    slope = exact.gradient(ends, n_threads=n_threads)
    return {
        "energy_density": exact.energy_density(ends, n_threads=n_threads),
        "gradient_norm": np.sqrt(np.mean(slope**2, axis=1)),
        "gradients": gradients.astype(np.float64),
    }


Run = tuple[NDArray[Any], NDArray[Any]]


def _gradient(glass: Glass, begin: NDArray[Any], budget: int, noise: np.random.SeedSequence, n_threads: int) -> Run:
    run = descend(glass, begin, step=STEP, tol=0.0, max_steps=budget - 1, n_threads=n_threads)
    return run.points, run.evaluations


def _sgd(glass: Glass, begin: NDArray[Any], budget: int, noise: np.random.SeedSequence, n_threads: int) -> Run:
    """The papers' schedule, a third of the budget on parts, its decays stretched with the budget."""
    on_parts, decay = budget // 3, 2.25 / budget  # 0.0015 for the papers' 1500
    rest = ScheduleStage(budget - on_parts - 1, 0.2, decay)
    schedule = SGDSchedule(PARTS, stages=(ScheduleStage(on_parts * PARTS, 0.3, decay, on_parts=True), rest))
    run = descend(glass, begin, method="sgd", schedule=schedule, rng=noise, n_threads=n_threads)
    return run.points, run.evaluations - on_parts * (PARTS - 1)


def _sgd_tuples(glass: Glass, begin: NDArray[Any], budget: int, noise: np.random.SeedSequence, n_threads: int) -> Run:
    """Half of the budget on mini-batches, reshuffled in every epoch; a third of the papers' step: they are noisier."""
    on_parts, decay = budget // 2, 2.25 / budget
    rest = ScheduleStage(budget - on_parts - 1, 0.2, decay)
    stages = (ScheduleStage(on_parts * PARTS, 0.1, decay, on_parts=True), rest)
    schedule = SGDSchedule(PARTS, "random", stages, split="tuples")
    run = descend(glass, begin, method="sgd", schedule=schedule, rng=noise, n_threads=n_threads)
    return run.points, run.evaluations - on_parts * (PARTS - 1)


def _momentum(glass: Glass, begin: NDArray[Any], budget: int, noise: np.random.SeedSequence, n_threads: int) -> Run:
    run = descend(glass, begin, method="momentum", step=STEP, tol=1e-5, max_steps=budget - 1, n_threads=n_threads)
    return run.points, run.evaluations


def _annealing(glass: Glass, begin: NDArray[Any], budget: int, noise: np.random.SeedSequence, n_threads: int) -> Run:
    cooled = int(COOLED * budget)
    chain = anneal(glass, begin, schedule=AnnealingSchedule(steps=cooled - 1), rng=noise, n_threads=n_threads)
    run = _lbfgs_run(glass, chain.points, budget - cooled, n_threads)
    return run.points, chain.evaluations + run.evaluations


def _hessian_ascent(
    glass: Glass, begin: NDArray[Any], budget: int, noise: np.random.SeedSequence, n_threads: int
) -> Run:
    """Subag's walk of K steps: K + 1 gradients and (K - 1) `KRYLOV` products."""
    steps = (int(COOLED * budget) + KRYLOV - 1) // (KRYLOV + 1)
    walk = descend(glass, begin, method="hessian-ascent", max_steps=steps, krylov=KRYLOV, n_threads=n_threads)
    run = _lbfgs_run(glass, walk.points, budget - int(walk.evaluations.max()), n_threads)
    return run.points, walk.evaluations + run.evaluations


def _lbfgs(glass: Glass, begin: NDArray[Any], budget: int, noise: np.random.SeedSequence, n_threads: int) -> Run:
    run = _lbfgs_run(glass, begin, budget, n_threads)
    return run.points, run.evaluations


def _lbfgs_run(glass: Glass, begin: NDArray[Any], budget: int, n_threads: int) -> Descent:
    """A line search takes about 1.1 gradients."""
    return descend(glass, begin, method="lbfgs", tol=1e-5, max_steps=int(budget / 1.1), n_threads=n_threads)


RUNS = {
    "gradient": _gradient,
    "sgd": _sgd,
    "annealing": _annealing,
    "lbfgs": _lbfgs,
    "hessian-ascent": _hessian_ascent,
    "momentum": _momentum,
    "sgd-tuples": _sgd_tuples,
}


@dataclass(frozen=True)
class Outcome:
    """One method with one budget at one size: energies, gradient norms and gradients used, over instances and starts.

    best : the mean over instances of the lowest energy of an instance's starts.
    difference : energy minus that of the recipe's first method, from the same starts on the same instances.
    """

    N: int
    method: str
    budget: int
    energy: Spread
    best: Spread
    difference: Spread
    gradient_norm: float
    gradients: float


@dataclass(frozen=True)
class Algorithms:
    """The table of a comparison of algorithms."""

    xi: Mapping[int, float]
    outcomes: tuple[Outcome, ...]

    @classmethod
    def from_store(cls, store: Store) -> Algorithms:
        """Read the finished units of a store, by size, method and budget."""
        parameters = store.recipe.parameters
        groups: dict[tuple[int, str, int], dict[int, Arrays]] = {}
        for row in sorted(store.rows, key=lambda row: row.unit["tensor"]):
            key = (row.unit["N"], row.unit["method"], row.unit["budget"])
            groups.setdefault(key, {})[row.unit["tensor"]] = row.arrays
        coefficients = {int(p): c for p, c in parameters["xi"].items()}
        first = parameters["methods"][0]
        outcomes = [
            _outcome(N, method, budget, groups[N, method, budget], groups.get((N, first, budget), {}))
            for N in parameters["sizes"]
            for method in parameters["methods"]
            for budget in parameters["budgets"]
            if (N, method, budget) in groups
        ]
        return cls(coefficients, tuple(outcomes))

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a size, method and budget."""
        return [
            {
                "N": found.N,
                "method": found.method,
                "budget": found.budget,
                "instances": found.energy.instances,
                "energy_density": float(found.energy.mean),
                "error": float(found.energy.error),
                "sd_disorder": float(found.energy.sd_disorder),
                "sd_starts": float(found.energy.sd_starts),
                "best_of_starts": float(found.best.mean),
                "best_error": float(found.best.error),
                "difference": float(found.difference.mean),
                "difference_error": float(found.difference.error),
                "gradient_norm": found.gradient_norm,
                "gradients": found.gradients,
            }
            for found in self.outcomes
        ]


def _outcome(N: int, method: str, budget: int, arrays: dict[int, Arrays], first: dict[int, Arrays]) -> Outcome:
    """`arrays`, `first`: what the units of this method and of the recipe's first returned, by tensor."""
    energies = {tensor: one["energy_density"] for tensor, one in arrays.items()}
    shared = [energies[k] - first[k]["energy_density"] for k in energies if k in first]
    return Outcome(
        N=N,
        method=method,
        budget=budget,
        energy=disorder.spread(list(energies.values())),
        best=disorder.spread([energy.min(keepdims=True) for energy in energies.values()]),
        difference=disorder.spread(shared or [np.full(1, np.nan)]),
        gradient_norm=float(np.median(np.concatenate([one["gradient_norm"] for one in arrays.values()]))),
        gradients=float(np.mean(np.concatenate([one["gradients"] for one in arrays.values()]))),
    )
