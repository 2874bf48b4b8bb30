"""How many starts and gradients reach the lowest minimum known (COLT15: exponentially many in N)?

On every instance many uniform starts descend by L-BFGS, and many are annealed and then descend. The lowest energy of
all is the best-known minimum; a run succeeds if it ends there. The fraction s of successes gives the expected number of
starts, 1/s, and of gradients, (mean gradients of a run)/s. Where the best-known minimum was found only once it need not
be the lowest, and 1/s is a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_integer
from spinscape.descent import descend
from spinscape.sampling import anneal
from spinscape.schedules import AnnealingSchedule
from spinscape.study import disorder
from spinscape.study.disorder import FloatArray
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays
from spinscape.study.store import Store

METHODS = ("lbfgs", "annealing")
SAME = 1e-6  # energy densities within it are one minimum's: L-BFGS to |g|/√N <= 1e-7 leaves about 1e-13


def recipe(
    *,
    xi: Mapping[Any, float] = MappingProxyType({3: 1.0}),
    sizes: tuple[int, ...] = (20, 30, 40, 50, 60, 80, 100),
    tensors: Mapping[int, int] | int = 10,
    starts: int = 1000,
    annealing_steps: int = 1000,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a search study; `starts` of each of the two methods, `annealing_steps` gradients to cool."""
    parameters = {
        "xi": disorder.as_mixture(xi),
        "sizes": [as_integer(N, "sizes", 2) for N in sizes],
        "tensors": disorder.as_counts(tensors, tuple(sizes), "tensors"),
        "starts": as_integer(starts, "starts", 1, 10**7),
        "annealing_steps": as_integer(annealing_steps, "annealing_steps", 1, 10**9),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("search", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return one unit a tensor."""
    return disorder.instances(parameters)


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost in couplings times starts times gradients."""
    gradients = parameters["annealing_steps"] + 400
    return float(gradients * parameters["starts"] * (disorder.couplings(parameters, unit["N"]) + 1e4))


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes of a unit."""
    return disorder.bytes_of(parameters, unit)


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return the lowest energy of the instance."""
    return f"N = {unit['N']}: lowest u = {min(arrays[method].min() for method in METHODS):.6f}"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
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
class BestKnown:
    """The table of a search study."""

    xi: Mapping[int, float]
    searches: tuple[Search, ...]

    @classmethod
    def from_store(cls, store: Store) -> BestKnown:
        """Read the finished units of a store; a size without any is left out."""
        parameters, searches = store.recipe.parameters, []
        rows = sorted(store.rows, key=lambda row: (row.unit["N"], row.unit["tensor"]))
        for N in parameters["sizes"]:
            mine = [row.arrays for row in rows if row.unit["N"] == N]
            searches += [_search(N, method, mine) for method in METHODS if mine]
        return cls({int(p): c for p, c in parameters["xi"].items()}, tuple(searches))

    def growth(self, method: str) -> tuple[float, float]:
        """The rate a of expected starts ~ e^{aN} and its error, from the instances of all sizes.

        By least squares of log(starts) on N; instances whose best-known minimum the method found at most once, lower
        bounds, are left out, so the rate is one too.
        """
        mine = [search for search in self.searches if search.method == method]
        sizes = np.concatenate([np.full(np.sum(search.successes > 1), search.N, dtype=float) for search in mine])
        values = np.concatenate([np.log(search.expected_starts[search.successes > 1]) for search in mine])
        if len(np.unique(sizes)) < 2 or len(sizes) < 3:
            return float("nan"), float("nan")
        centred = sizes - sizes.mean()
        slope = float(centred @ values / (centred @ centred))
        residual = values - values.mean() - slope * centred
        return slope, float(np.sqrt(residual @ residual / (len(sizes) - 2) / (centred @ centred)))

    def rows(self) -> list[dict[str, Any]]:
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


def _search(N: int, method: str, arrays: list[Arrays]) -> Search:
    lowest = np.array([min(one[name].min() for name in METHODS) for one in arrays])
    hits = [np.sum(one[method] <= low + SAME) for one, low in zip(arrays, lowest, strict=True)]
    gradients = np.array([np.mean(one[f"{method}_gradients"]) for one in arrays])
    return Search(N, method, len(arrays[0][method]), np.array(hits, dtype=np.int64), gradients, lowest)
