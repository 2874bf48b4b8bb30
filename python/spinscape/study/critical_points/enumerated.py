"""All critical points of many small instances: mean counts by index and by energy, against the exact finite-N formulas.

Every instance is enumerated with a proof of completeness (`enumerate_critical_points`); one without proof is counted in
the table and left out of the means, which are then means over instances that could be proven complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from spinscape import theory
from spinscape.arrays import as_integer
from spinscape.critical_points import enumerate_critical_points
from spinscape.study import disorder
from spinscape.study.disorder import FloatArray
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays, joined
from spinscape.study.store import Store

BLOCK = 10  # instances of a unit

MIXTURES: tuple[Mapping[int, float], ...] = ({3: 1.0}, {4: 1.0}, {3: 0.5, 4: 0.5})


def recipe(
    *,
    mixtures: tuple[Mapping[Any, float], ...] = MIXTURES,
    sizes: tuple[int, ...] = (2, 3, 4, 5, 6),
    tensors: Mapping[int, int] | int = 40,
    bins: int = 8,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of an enumeration over disorder.

    mixtures : the ξ of every model, {p: c_p}; tensors : instances of every model, a number or one for each N;
    bins : bins of energy, each with the same exact mean count.
    """
    if not mixtures:
        raise ValueError("mixtures: expected at least one {p: c_p}, got none")
    counts = [as_integer(N, "sizes", 2, 12) for N in sizes]
    parameters = {
        "mixtures": [disorder.as_mixture(xi) for xi in mixtures],
        "sizes": counts,
        "tensors": disorder.as_counts(tensors, tuple(counts), "tensors"),
        "bins": as_integer(bins, "bins", 1, 100),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("enumerated-counts", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return blocks of instances of every size and model, small N first."""
    for N in parameters["sizes"]:
        for model in range(len(parameters["mixtures"])):
            for first in range(0, parameters["tensors"][str(N)], BLOCK):
                yield {"N": N, "model": model, "first": first}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost: paths followed, each by steps whose cost is that of the couplings."""
    xi = parameters["mixtures"][unit["model"]]
    degree = max(int(p) for p in xi)
    paths = max(2, (degree - 1) ** unit["N"])
    return float(len(_numbers(parameters, unit)) * (20 + paths * disorder.couplings({"xi": xi}, unit["N"]) / 20))


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return how many instances are complete."""
    complete = arrays["complete"]
    return f"N = {unit['N']}: {np.count_nonzero(complete)} of {len(complete)} complete"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Enumerate the critical points of a block of instances: those of all of them in one array each."""
    numbers = _numbers(parameters, unit)
    xi = parameters["mixtures"][unit["model"]]
    found = []
    for tensor in numbers:
        key = {"xi": xi, "rng": parameters["rng"]}
        glass = disorder.instance(key, {"N": unit["N"], "tensor": tensor})
        found.append(enumerate_critical_points(glass, n_threads=n_threads))
    return {
        "instance": np.array(numbers),
        "complete": np.array([one.complete for one in found]),
        "missing_estimate": np.array([one.missing_estimate for one in found]),
        "morse_sum": np.array([one.morse_sum for one in found]),
        "expected_morse_sum": np.array([one.expected_morse_sum for one in found]),
        "counts": np.array([np.bincount(one.index.negative, minlength=unit["N"]) for one in found]),
        "point_instance": np.repeat(numbers, [len(one.points) for one in found]),
        "point_energy_density": np.concatenate([one.energy_density for one in found]),
        "point_index": np.concatenate([one.index.negative for one in found]),
    }


def _numbers(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> list[int]:
    last = parameters["tensors"][str(unit["N"])]
    return list(range(unit["first"], min(unit["first"] + BLOCK, last)))


@dataclass(frozen=True)
class Model:
    """The instances of one ξ and N that are proven complete, and what is known of the others.

    counts : (complete instances, N) int64, critical points by index.
    instance, energy, index : one element a critical point of the complete instances; `instance` is a row of `counts`.
    morse : number of complete instances whose Morse sum is the Euler characteristic.
    """

    xi: Mapping[int, float]
    N: int
    instances: int
    morse: int
    bins: int
    counts: NDArray[np.int64]
    instance: NDArray[np.int64]
    energy: FloatArray
    index: NDArray[np.int64]

    @property
    def name(self) -> str:
        """The model in words."""
        return name_of(self.xi)

    @property
    def complete(self) -> int:
        """Number of instances proven complete."""
        return len(self.counts)

    @cached_property
    def exact(self) -> FloatArray:
        """Exact mean counts by index, (N,)."""
        return np.array([mean_count(self.xi, self.N, index=k) for k in range(self.N)])

    @cached_property
    def edges(self) -> FloatArray:
        """Energies between bins of equal exact mean count, (bins + 1,), the ends infinite."""
        inner = quantiles(self.xi, self.N, np.arange(1, self.bins) / self.bins)
        return np.array([-np.inf, *inner, np.inf])

    @cached_property
    def exact_by_energy(self) -> FloatArray:
        """Exact mean counts in the bins, (bins,)."""
        return np.array([mean_count(self.xi, self.N, below=high, above=low) for low, high in pairwise(self.edges)])

    @cached_property
    def by_energy(self) -> FloatArray:
        """Counts in the bins, (complete instances, bins)."""
        found = np.zeros((self.complete, self.bins))
        np.add.at(found, (self.instance, np.searchsorted(self.edges, self.energy) - 1), 1)
        return found

    def z_by_index(self) -> FloatArray:
        """(mean - exact) over the standard error, by index."""
        return z_scores(self.counts, self.exact)

    def z_by_energy(self) -> FloatArray:
        """(mean - exact) over the standard error, by bin."""
        return z_scores(self.by_energy, self.exact_by_energy)


@dataclass(frozen=True)
class EnumeratedCounts:
    """The table of an enumeration over disorder."""

    models: tuple[Model, ...]

    @classmethod
    def from_store(cls, store: Store) -> EnumeratedCounts:
        """Read the finished units of a store; a model without any is left out."""
        parameters = store.recipe.parameters
        rows = sorted(store.rows, key=lambda row: row.unit["first"])
        models = []
        for number, xi in enumerate(parameters["mixtures"]):
            for N in parameters["sizes"]:
                mine = [row.arrays for row in rows if (row.unit["model"], row.unit["N"]) == (number, N)]
                if mine:
                    models.append(_model({int(p): c for p, c in xi.items()}, N, parameters["bins"], mine))
        return cls(tuple(models))

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for every index, every bin of energy and the total of every model."""
        rows = []
        for model in self.models:
            rows.append(_row(model, "all", model.counts.sum(axis=1), model.exact.sum()))
            rows += [_row(model, f"index {k}", model.counts[:, k], model.exact[k]) for k in range(model.N)]
            rows += [
                _row(
                    model,
                    f"{model.edges[b]:.4f} < u <= {model.edges[b + 1]:.4f}",
                    model.by_energy[:, b],
                    model.exact_by_energy[b],
                )
                for b in range(model.bins)
            ]
        return rows


def name_of(xi: Mapping[int, float]) -> str:
    """A model in words: "p = 3", or ξ."""
    if len(xi) == 1:
        return f"p = {next(iter(xi))}"
    return "xi = " + " + ".join(f"{c:g} q^{p}" for p, c in sorted(xi.items()))


def mean_count(xi: Mapping[int, float], N: int, **limits: Any) -> float:
    """Exact mean number of critical points, by index or energy or both; the pure formula where it applies."""
    if len(xi) == 1 and next(iter(xi.values())) == 1.0:
        return float(np.exp(theory.log_mean_critical_points(N=N, p=next(iter(xi)), **limits)))
    return float(np.exp(theory.log_mean_critical_points_mixed(N, xi, **limits)))


def quantiles(xi: Mapping[int, float], N: int, at: FloatArray) -> FloatArray:
    """Energies below which about the given fractions of the exact mean count lie, by interpolation."""
    grid = np.linspace(-3.0, 3.0, 41)
    if len(xi) == 1:
        below = np.exp(theory.log_mean_critical_points(N=N, p=next(iter(xi)), below=grid))
    else:
        below = np.array([mean_count(xi, N, below=u) for u in grid])
    fine = np.linspace(-3.0, 3.0, 6001)
    return np.interp(at, PchipInterpolator(grid, below / below[-1])(fine), fine)


def z_scores(samples: NDArray[Any], exact: FloatArray) -> FloatArray:
    """(mean - exact) over its standard error, instances along the first axis; nan where they do not differ."""
    if len(samples) < 2:
        return np.full(np.shape(exact), np.nan)
    error = np.std(samples, axis=0, ddof=1) / np.sqrt(len(samples))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(error > 0, (np.mean(samples, axis=0) - exact) / error, np.nan))


def _model(xi: Mapping[int, float], N: int, bins: int, mine: list[Arrays]) -> Model:
    columns = joined(mine)
    complete = columns["complete"]
    numbers = columns["instance"][complete]
    known = np.isin(columns["point_instance"], numbers)
    right = columns["morse_sum"] == columns["expected_morse_sum"]
    return Model(
        xi=xi,
        N=N,
        instances=len(complete),
        morse=int(np.count_nonzero(right & complete)),
        bins=bins,
        counts=columns["counts"][complete],
        instance=np.searchsorted(numbers, columns["point_instance"][known]),
        energy=columns["point_energy_density"][known],
        index=columns["point_index"][known],
    )


def _row(model: Model, what: str, counts: NDArray[Any], exact: float) -> dict[str, Any]:
    some = len(counts) > 0
    return {
        "model": model.name,
        "N": model.N,
        "instances": model.instances,
        "complete": model.complete,
        "morse_right": model.morse,
        "what": what,
        "mean": float(np.mean(counts)) if some else float("nan"),
        "error": float(np.std(counts, ddof=1) / np.sqrt(len(counts))) if len(counts) > 1 else float("nan"),
        "exact": float(exact),
        "z": float(z_scores(counts, np.asarray(exact))),
    }
