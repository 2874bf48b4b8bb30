"""Spiked tensor: descents on a glass with a hidden direction, and how much of it they recover.

H = H_glass - λ N (w·v/N)^p, |v|² = N. From uniform starts the overlap |w·v|/N at the end stays of order N^{-1/2} until
λ grows like N^{(p-2)/2}; from v itself descent stays near v beyond a λ of order one (Ben Arous, Gheissari, Jagannath,
"Algorithmic thresholds for tensor PCA", 2020). For p = 2 both happen at the same λ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinscape.arrays import as_integer, as_number
from spinscape.couplings import as_order
from spinscape.descent import descend
from spinscape.study import disorder
from spinscape.study.disorder import Spread
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays
from spinscape.study.store import Store

STRENGTHS = (0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
RECOVERED = 0.5
"""Overlap from which on the direction counts as recovered."""


def recipe(
    *,
    p: int = 3,
    sizes: tuple[int, ...] = (50, 100, 200),
    tensors: Mapping[int, int] | int = 10,
    starts: int = 24,
    strengths: tuple[float, ...] = STRENGTHS,
    max_steps: int = 2000,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a spiked-tensor study; `strengths` are λ, each start descends by L-BFGS."""
    parameters = {
        "p": as_order(p),
        "xi": {str(as_order(p)): 1.0},
        "sizes": [as_integer(N, "sizes", 2) for N in sizes],
        "tensors": disorder.as_counts(tensors, tuple(sizes), "tensors"),
        "starts": as_integer(starts, "starts", 1, 10**6),
        "strengths": [as_number(strength, "strengths", 0.0) for strength in strengths],
        "max_steps": as_integer(max_steps, "max_steps", 1),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("spiked-tensor", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return one unit a tensor."""
    return disorder.instances(parameters)


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost in couplings times starts."""
    work = len(parameters["strengths"]) * parameters["starts"]
    return float(work * (disorder.couplings(parameters, unit["N"]) + 1e4))


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes of a unit."""
    return disorder.bytes_of(parameters, unit)


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return the overlaps at the strongest signal."""
    return f"N = {unit['N']}: overlap {np.mean(arrays['uniform'][:, -1]):.3f} at the strongest signal"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Descend on one instance at every strength, from uniform starts and from the hidden direction."""
    glass = disorder.instance(parameters, unit)
    hidden = glass.random_points(1, rng=disorder.seed(parameters["rng"], unit["N"], unit["tensor"], disorder.NOISE))
    begin = np.concatenate([disorder.starts(glass, parameters, unit), hidden])
    overlaps = []
    for strength in parameters["strengths"]:
        signal = glass if strength == 0 else glass.with_spike(hidden[0], strength, parameters["p"])
        run = descend(signal, begin, method="lbfgs", max_steps=parameters["max_steps"], n_threads=n_threads)
        overlap = run.points @ hidden[0] / unit["N"]
        overlaps.append(np.abs(overlap) if parameters["p"] % 2 == 0 else overlap)
    stacked = np.stack(overlaps, axis=1)
    return {"uniform": stacked[:-1], "planted": stacked[-1:], "strength": np.array(parameters["strengths"])}


@dataclass(frozen=True)
class SizeRecovery:
    """One size N: overlaps (strengths,) and frequencies of recovery, from uniform starts and from the direction."""

    N: int
    uniform: Spread
    planted: Spread
    recovered: Spread


@dataclass(frozen=True)
class SpikedTensor:
    """The table of a spiked-tensor study."""

    p: int
    strengths: tuple[float, ...]
    sizes: tuple[SizeRecovery, ...]

    @classmethod
    def from_store(cls, store: Store) -> SpikedTensor:
        """Read the finished units of a store; a size without any is left out."""
        parameters, sizes = store.recipe.parameters, []
        rows = sorted(store.rows, key=lambda row: (row.unit["N"], row.unit["tensor"]))
        for N in parameters["sizes"]:
            mine = [row.arrays for row in rows if row.unit["N"] == N]
            if mine:
                uniform = [arrays["uniform"] for arrays in mine]
                sizes.append(
                    SizeRecovery(
                        N,
                        disorder.spread(uniform),
                        disorder.spread([arrays["planted"] for arrays in mine]),
                        disorder.spread([(overlap > RECOVERED).astype(float) for overlap in uniform]),
                    )
                )
        return cls(parameters["p"], tuple(parameters["strengths"]), tuple(sizes))

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a size and strength."""
        return [
            {
                "N": size.N,
                "strength": strength,
                "instances": size.uniform.instances,
                "overlap": float(size.uniform.mean[k]),
                "overlap_error": float(size.uniform.error[k]),
                "recovered": float(size.recovered.mean[k]),
                "recovered_error": float(size.recovered.error[k]),
                "overlap_from_planted": float(size.planted.mean[k]),
                "overlap_from_planted_error": float(size.planted.error[k]),
            }
            for size in self.sizes
            for k, strength in enumerate(self.strengths)
        ]
