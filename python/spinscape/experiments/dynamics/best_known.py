"""Starts and gradients needed to reach the best-known minimum against N.

How many starts and gradients reach the lowest minimum known (COLT15: exponentially many in N)?

On every instance many uniform starts descend by L-BFGS, and many are annealed and then descend. The lowest energy of
all is the best-known minimum; a run succeeds if it ends there. The fraction s of successes gives the expected number of
starts, 1/s, and of gradients, (mean gradients of a run)/s. Where the best-known minimum was found only once it need not
be the lowest, and 1/s is a lower bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape.descent import descend
from spinscape.experiments import disorder
from spinscape.experiments.disorder import FloatArray
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.sampling import anneal
from spinscape.schedules import AnnealingSchedule
from spinscape.statistics import LEVEL, NAN, Interval
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, counts, integer, mixture, several
from spinscape.study.records import Arrays

METHODS = ("lbfgs", "annealing")
SAME = 1e-6  # energy densities within it are one minimum's: L-BFGS to |g|/√N <= 1e-7 leaves about 1e-13
NAMES = {"lbfgs": "L-BFGS", "annealing": "annealing, then L-BFGS"}


MARKERS = {"lbfgs": "o", "annealing": "D"}


def cost(parameters: Parameters, unit: Unit) -> float:
    return float((parameters["annealing_steps"] + 400) * disorder.couplings_times_starts(parameters, unit))


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Search one instance by both methods from the same starts."""
    glass = disorder.instance(parameters, unit)
    begin = disorder.starts(glass, parameters, unit)
    noise = disorder.seed(parameters["rng"], unit["N"], unit["tensor"], disorder.NOISE)
    schedule = AnnealingSchedule(steps=parameters["annealing_steps"])
    chain = anneal(glass, begin, schedule=schedule, rng=noise, n_threads=n_threads)
    arrays: dict[str, NDArray[Any]] = {}
    for method, points, spent in (("lbfgs", begin, 0), ("annealing", chain.points, chain.evaluations)):
        run = descend(glass, points, method="lbfgs", tol=1e-7, max_steps=20_000, n_threads=n_threads)
        arrays |= {method: run.energy_density, f"{method}_gradients": run.evaluations + spent}
    return arrays


@dataclass(frozen=True)
class Search:
    """A method at a size, an element an instance: successes among `starts`, gradients a run, best-known energies."""

    N: int
    method: str
    starts: int
    successes: NDArray[np.int64]
    gradients: FloatArray
    lowest: FloatArray

    @property
    def expected_starts(self) -> FloatArray:
        """Starts expected until the best-known minimum is found, (instances,); inf where it never was."""
        with np.errstate(divide="ignore"):
            return self.starts / self.successes.astype(np.float64)

    @property
    def expected_gradients(self) -> FloatArray:
        """Gradients expected until the best-known minimum is found, (instances,)."""
        return self.expected_starts * self.gradients

    @property
    def once(self) -> float:
        """Fraction of instances whose best-known minimum this method found at most once."""
        return float(np.mean(self.successes <= 1))


@dataclass(frozen=True)
class BestKnown(ResultTable):
    """The table of a search study."""

    xi: Mapping[int, float]
    searches: tuple[Search, ...]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a size without any is left out."""
        groups = [(N, [row.arrays for row in rows]) for (N,), rows in results.by("N")]
        return cls(results.xi, tuple(_search(N, method, mine) for N, mine in groups for method in METHODS))

    def growth(self, method: str) -> Interval:
        """The rate a of expected starts ~ e^{aN} with its 95 % interval, from the instances of all sizes.

        By least squares of log(starts) on N; instances whose best-known minimum the method found at most once, lower
        bounds, are left out, so the rate is one too.
        """
        from scipy.stats import t

        mine = [search for search in self.searches if search.method == method]
        sizes = np.concatenate([np.full(np.sum(search.successes > 1), search.N, dtype=float) for search in mine])
        values = np.concatenate([np.log(search.expected_starts[search.successes > 1]) for search in mine])
        if len(np.unique(sizes)) < 2 or len(sizes) < 3:
            return Interval(NAN, NAN, NAN)
        centred = sizes - sizes.mean()
        slope = float(centred @ values / (centred @ centred))
        residual = values - values.mean() - slope * centred
        error = float(np.sqrt(residual @ residual / (len(sizes) - 2) / (centred @ centred)))
        half = float(t.ppf((1 + LEVEL) / 2, len(sizes) - 2)) * error
        return Interval(slope, slope - half, slope + half)

    def rows(self) -> Rows:
        """Return one row a size and method, medians over instances."""
        return [
            {
                "N": search.N,
                "method": search.method,
                "instances": len(search.successes),
                "starts": search.starts,
                "lowest": float(np.mean(search.lowest)),
                "successes_median": float(np.median(search.successes)),
                "expected_starts_median": float(np.median(search.expected_starts)),
                "expected_gradients_median": float(np.median(search.expected_gradients)),
                "found_at_most_once": search.once,
            }
            for search in self.searches
        ]

    def notes(self) -> list[str]:
        """Return the rates of growth."""
        rates = ((NAMES[method], self.growth(method)) for method in METHODS)
        said = "; ".join(f"{name}: {rate.text('.3f')}" for name, rate in rates if rate.value == rate.value)
        return [f"rate a of expected starts ~ exp(a N), 95 % confidence: {said}"] if said else []


def _search(N: int, method: str, arrays: list[Arrays]) -> Search:
    lowest = np.array([min(one[name].min() for name in METHODS) for one in arrays])
    hits = [np.sum(one[method] <= low + SAME) for one, low in zip(arrays, lowest, strict=True)]
    gradients = np.array([np.mean(one[f"{method}_gradients"]) for one in arrays])
    return Search(N, method, len(arrays[0][method]), np.array(hits, dtype=np.int64), gradients, lowest)


def draw(table: BestKnown) -> Figure:
    """Starts beside gradients."""
    return style.page(
        3.4,
        (f"Starts to the best-known minimum, {style.model(table.xi)}", partial(needed, table, "expected_starts")),
        ("Gradients to the best-known minimum", partial(needed, table, "expected_gradients")),
        legend="large: median; small: instances; triangles: found at most once, a lower bound; brackets: 95 %",
        columns=1,
    )


@style.panel
def needed(table: BestKnown, what: str, ax: Axes) -> None:
    """`expected_starts` or `expected_gradients` of every instance (small) and their medians (large) against N."""
    for k, method in enumerate(dict.fromkeys(search.method for search in table.searches)):
        mine = [search for search in table.searches if search.method == method]
        shift = (-0.6, 0.6)[k % 2]
        for search in mine:
            values = getattr(search, what)
            bounds = search.successes <= 1
            place = np.full(len(values), search.N + shift)
            ax.plot(place[~bounds], values[~bounds], ".", color=style.PALETTE[k], markersize=2.5, alpha=0.6)
            finite = bounds & np.isfinite(values)
            ax.plot(place[finite], values[finite], "^", color=style.PALETTE[k], markersize=3.5, alpha=0.6)
        rate = table.growth(method)
        text = rf", starts $\propto e^{{a N}}$, $a$ = {rate.text('.3f')}" if rate.value == rate.value else ""
        medians = [float(np.median(getattr(search, what))) for search in mine]
        at, name = [search.N + shift for search in mine], NAMES[method] + text
        ax.plot(at, medians, MARKERS[method] + "-", color=style.PALETTE[k], linewidth=1.0, label=name)
    ax.set_yscale("log")
    ax.set_xlabel("$N$")
    ax.set_ylabel(what.replace("_", " "))


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=7.1e-11,
    source="a claim of COLT15",
    parameters=(
        mixture(),
        several(integer("sizes", (20, 30, 40, 50, 60, 80, 100), "sizes N", 2, unit="spins")),
        counts("tensors", 10, "instances of every size", unit="tensors"),
        integer("starts", 1000, "uniform starts on each, the same for both methods", 1, 10**7, unit="starts"),
        integer("annealing_steps", 1000, "gradients to cool", 1, 10**9, unit="gradients"),
        SEED,
    ),
    quick={"starts": 200, "sizes": (20, 30, 40), "tensors": 6, "annealing_steps": 300},
    default={"starts": 2000, "sizes": (20, 40, 60, 80, 100, 120), "tensors": 12},
    units=disorder.instances,
    memory=disorder.memory,
    table=BestKnown,
    recorded_as="search",
)
recipe = EXPERIMENT.maker
