"""Gradient descent, SGD, simulated annealing, L-BFGS, Hessian ascent at equal numbers of gradients.

A budget is a number of gradients of the whole glass. A gradient of one of P parts, or of a mini-batch of one in P
tuples, counts 1/P; a Hessian-vector product, which costs about two gradients, counts 1. What a run used is stored with
where it ended; methods that stop by themselves use less. Simulated annealing and Hessian ascent do not end in minima:
L-BFGS goes on from where they end, within the budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape.descent import Descent, descend
from spinscape.experiments import disorder
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.hamiltonian import Glass
from spinscape.sampling import anneal
from spinscape.schedules import AnnealingSchedule, ScheduleStage, SGDSchedule
from spinscape.statistics import Spread, spread
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, choice, counts, dtype, integer, mixture, several
from spinscape.study.records import Arrays
from spinscape.theory import ground_state_energy_mixed, marginal_energy

METHODS = ("gradient", "sgd", "annealing", "lbfgs", "hessian-ascent", "momentum", "sgd-tuples")


COMPARED = METHODS[:5]


PARTS = 4  # of SGD


COOLED = 0.8  # share of the budget in which simulated annealing cools, or Hessian ascent walks; L-BFGS has the rest


KRYLOV = 5  # Hessian-vector products a step of Hessian ascent


STEP = 0.1  # of gradient descent: the largest stable one is 2/(largest eigenvalue), 0.204 at the threshold of p = 3


NAMES = {
    "gradient": "gradient descent",
    "sgd": "SGD, 4 parts",
    "annealing": "simulated annealing",
    "lbfgs": "L-BFGS",
    "hessian-ascent": "Hessian ascent",
    "momentum": "momentum",
    "sgd-tuples": "SGD, mini-batches",
}


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    for unit in disorder.instances(parameters):
        for method in parameters["methods"]:
            for budget in parameters["budgets"]:
                yield {**unit, "method": method, "budget": budget}


def cost(parameters: Parameters, unit: Unit) -> float:
    return float(unit["budget"] * disorder.couplings_times_starts(parameters, unit, 1e5 / parameters["starts"]))


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    return disorder.bytes_of(parameters, unit, copies=1 + PARTS if unit["method"] == "sgd" else 1)


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
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
class Algorithms(ResultTable):
    """The table of a comparison of algorithms."""

    xi: Mapping[int, float]
    outcomes: tuple[Outcome, ...]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units, by size, method and budget."""
        groups = {
            key: {row.unit["tensor"]: row.arrays for row in rows} for key, rows in results.by("N", "method", "budget")
        }
        first = results.parameters["methods"][0]
        outcomes = [
            _outcome(N, method, budget, arrays, groups.get((N, first, budget), {}))
            for (N, method, budget), arrays in groups.items()
        ]
        return cls(results.xi, tuple(outcomes))

    def rows(self) -> Rows:
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

    def notes(self) -> list[str]:
        """Return what the errors are."""
        return ["error: standard error over instances; difference: from the first method, the same starts"]


def _outcome(N: int, method: str, budget: int, arrays: dict[int, Arrays], first: dict[int, Arrays]) -> Outcome:
    """`arrays`, `first`: what the units of this method and of the recipe's first returned, by tensor."""
    energies = {tensor: one["energy_density"] for tensor, one in arrays.items()}
    shared = [energies[k] - first[k]["energy_density"] for k in energies if k in first]
    return Outcome(
        N=N,
        method=method,
        budget=budget,
        energy=spread(list(energies.values())),
        best=spread([energy.min(keepdims=True) for energy in energies.values()]),
        difference=spread(shared or [np.full(1, np.nan)]),
        gradient_norm=float(np.median(np.concatenate([one["gradient_norm"] for one in arrays.values()]))),
        gradients=float(np.mean(np.concatenate([one["gradients"] for one in arrays.values()]))),
    )


def draw(table: Algorithms) -> Figure:
    """Means, paired differences and spreads against N, a colour a method."""
    return style.page(
        3.5,
        (f"At most {max(found.budget for found in table.outcomes):,} gradients", partial(energies, table)),
        ("The same starts", partial(differences, table)),
        (f"Spread, {style.model(table.xi)}", partial(spreads, table)),
        legend=f"{style.BARS} over instances",
        columns=5,
    )


@style.panel
def energies(table: Algorithms, ax: Axes) -> None:
    """Mean final energy density of every method against N (circles), and the best start's (triangles)."""
    for colour, shift, found in _by_method(table):
        N, name = np.array([one.N for one in found]) * shift, NAMES[found[0].method]
        style.estimates(ax, N, [one.energy.interval for one in found], color=colour, label=name)
        best = [one.best.interval for one in found]
        style.estimates(ax, N, best, fmt="^", color=colour, markersize=3.5, markerfacecolor="white", capsize=0)
    band(table.xi, ax)
    _sizes(table, ax)
    ax.set_ylabel("final energy density $u$")
    style.note(ax, "circles: mean\ntriangles: best start", 0.98, 0.98, ha="right", va="top")


@style.panel
def differences(table: Algorithms, ax: Axes) -> None:
    """Mean final energy density minus that of the first method, over the same starts on the same instances."""
    for colour, shift, found in _by_method(table)[1:]:
        N = np.array([one.N for one in found]) * shift
        style.estimates(ax, N, [one.difference.interval for one in found], color=colour)
    style.reference_line(ax, 0.0, "", vertical=False)
    _sizes(table, ax)
    ax.set_ylabel(f"$u$ minus $u$ of {NAMES[table.outcomes[0].method]}")


@style.panel
def spreads(table: Algorithms, ax: Axes) -> None:
    """Standard deviations of the final energy over starts (filled) and over instances (open).

    Where the instances differ less than their starts explain there is no estimate, and the bar alone is drawn.
    """
    for colour, shift, found in _by_method(table):
        N = np.array([one.N for one in found]) * shift
        ax.plot(N, [float(one.energy.sd_starts) for one in found], "o", color=colour)
        for at, one in zip(N, (one.energy.disorder for one in found), strict=True):
            ax.vlines(at, one.low, one.high, color=colour, linewidth=0.9)
            ax.plot(at, one.value, "s", color=colour, markerfacecolor="white")
    _sizes(table, ax)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("standard deviation of $u$")
    text = "filled: starts on one instance\nopen: instances; a bar alone:\nno more than starts explain"
    style.note(ax, text, 0.98, 0.98, ha="right", va="top")
    style.headroom(ax, 0.3)


def _by_method(table: Algorithms) -> list[tuple[str, float, list[Outcome]]]:
    methods = list(dict.fromkeys(found.method for found in table.outcomes))
    shifts = np.exp(np.linspace(-0.06, 0.06, len(methods)))
    return [
        (style.PALETTE[k], float(shift), [found for found in table.outcomes if found.method == method])
        for k, (method, shift) in enumerate(zip(methods, shifts, strict=True))
    ]


def band(xi: Mapping[int, float], ax: Axes, at: float = 0.14) -> None:
    """The energies between ground state and threshold."""
    threshold, ground = float(marginal_energy(xi)), float(ground_state_energy_mixed(xi))
    ax.axhspan(-ground, -threshold, color=style.FAINT, zorder=0, linewidth=0)
    style.reference_line(ax, -threshold, style.threshold(xi), vertical=False, at=at)
    style.reference_line(ax, -ground, "$-E_0$", vertical=False, at=at, before=True)
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, -ground - 0.03), high)


def _sizes(table: Algorithms, ax: Axes) -> None:
    sizes = sorted({found.N for found in table.outcomes})
    style.size_axis(ax, sizes)
    ax.set_xlim(sizes[0] / 1.4, sizes[-1] * 1.2)  # names of lines on the left


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=4.2e-11,
    source="the schedule of AISTATS15 section 4; Subag 2021",
    parameters=(
        mixture(),
        several(integer("sizes", (100, 200, 300), "sizes N", 2, unit="spins")),
        counts("tensors", 10, "instances of every size", unit="tensors"),
        integer("starts", 24, "uniform starts on each, the same for all methods", 1, 10**6, unit="starts"),
        several(choice("methods", COMPARED, METHODS, "ways down; differences are from the first")),
        several(integer("budgets", (1500,), "gradients a run may take", 10, 10**9, unit="gradients")),
        dtype("float32", "arithmetic of the descents"),
        SEED,
    ),
    quick={"sizes": (50, 100), "tensors": 6, "starts": 12, "budgets": (600,)},
    default={"sizes": (100, 200, 300, 500), "tensors": {100: 60, 200: 30, 300: 12, 500: 8}},
    table=Algorithms,
    recorded_as="algorithms",
    fits=lambda parameters: len(parameters["budgets"]) == 1,
)
recipe = EXPERIMENT.maker
