"""Halting times of gradient descent for couplings of several laws: is their distribution universal?

The protocol of AISTATS15's companion (Sagun, Trogdon, LeCun, "Universality in halting time"): p = 3, N = 200, step 0.2,
stop at |g| < 0.01, fresh couplings and a fresh uniform start for every sample. Compared are the halting times
themselves and their fluctuations (T - mean)/sd.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from spinscape.arrays import as_integer, as_number
from spinscape.couplings import Law, as_order
from spinscape.descent import descend
from spinscape.study import disorder
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays
from spinscape.study.store import Store

LAWS = ("gaussian", "rademacher", "uniform", "exponential")
BLOCK = 10  # samples of one unit of work
CONFIDENCE, RESAMPLES = 0.95, 2000
MOMENTS = ("mean", "sd", "skewness", "kurtosis")


def recipe(
    *,
    laws: tuple[str, ...] = LAWS,
    N: int = 200,
    p: int = 3,
    samples: int = 200,
    step: float = 0.2,
    gradient: float = 0.01,
    max_steps: int = 100_000,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a halting-time study.

    samples : of each law. gradient : |g| at which a descent halts, of the whole vector (not divided by √N).
    """
    for law in laws:
        Law(law, None)
    parameters = {
        "laws": list(laws),
        "N": as_integer(N, "N", 2),
        "p": as_order(p),
        "samples": as_integer(samples, "samples", 2, 10**7),
        "step": as_number(step, "step", 0.0, exclusive=True),
        "gradient": as_number(gradient, "gradient", 0.0, exclusive=True),
        "max_steps": as_integer(max_steps, "max_steps", 1),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("halting-times", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return blocks of samples, all laws of the first block first."""
    for first in range(0, parameters["samples"], BLOCK):
        for law in parameters["laws"]:
            yield {"law": law, "first": first, "count": min(BLOCK, parameters["samples"] - first)}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost."""
    return float(unit["count"])


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes of one instance."""
    one = {"xi": {str(parameters["p"]): 1.0}, "starts": 1}
    return disorder.bytes_of(one, {"N": parameters["N"]})


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return the mean halting time of the unit."""
    return f"{unit['law']}: mean {np.mean(arrays['steps']):.0f} steps"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Descend from one start on each of the unit's instances."""
    N = parameters["N"]
    runs = []
    for index in range(unit["first"], unit["first"] + unit["count"]):
        one = {"xi": {str(parameters["p"]): 1.0}, "rng": parameters["rng"], "starts": 1}
        glass = disorder.instance(one, {"N": N, "tensor": index}, law=unit["law"])
        begin = disorder.starts(glass, one, {"N": N, "tensor": index})
        tol = parameters["gradient"] / np.sqrt(N)
        options = {"step": parameters["step"], "tol": tol, "max_steps": parameters["max_steps"]}
        runs.append(descend(glass, begin, **options, n_threads=n_threads))
    return {
        "steps": np.array([run.steps[0] for run in runs]),
        "converged": np.array([run.converged[0] for run in runs]),
        "energy_density": np.array([run.energy_density[0] for run in runs]),
    }


@dataclass(frozen=True)
class HaltingSample:
    """Halting times of one law, (samples,); moments and their confidence intervals by the percentile bootstrap.

    halted : fraction that reached the gradient; the moments are of those alone.
    intervals : {moment: (low, high)}, 95 %.
    ks_distance, ks_pvalue : two-sample Kolmogorov-Smirnov of the fluctuations (T - mean)/sd against the first law's;
        nan for that one. Standardising by the samples' own moments makes the p-value conservative.
    """

    law: str
    steps: NDArray[np.int64]
    halted: float
    moments: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    ks_distance: float
    ks_pvalue: float

    @property
    def fluctuations(self) -> NDArray[np.float64]:
        """(T - mean)/sd."""
        return fluctuations(self.steps)


@dataclass(frozen=True)
class HaltingTimes:
    """The table of a halting-time study."""

    N: int
    p: int
    samples: tuple[HaltingSample, ...]

    @classmethod
    def from_store(cls, store: Store) -> HaltingTimes:
        """Read the finished units of a store; a law without any is left out."""
        parameters = store.recipe.parameters
        rows = sorted(store.rows, key=lambda row: row.unit["first"])
        found: list[HaltingSample] = []
        for law in parameters["laws"]:
            mine = [row.arrays for row in rows if row.unit["law"] == law]
            if mine:
                steps = np.concatenate([arrays["steps"] for arrays in mine])
                converged = np.concatenate([arrays["converged"] for arrays in mine])
                found.append(_sample(law, steps, converged, found[0] if found else None))
        return cls(parameters["N"], parameters["p"], tuple(found))

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a law."""
        return [
            {
                "law": sample.law,
                "samples": len(sample.steps),
                "halted": sample.halted,
                **{
                    key: value
                    for name in MOMENTS
                    for key, value in (
                        (name, sample.moments[name]),
                        (f"{name}_low", sample.intervals[name][0]),
                        (f"{name}_high", sample.intervals[name][1]),
                    )
                },
                "ks_distance": sample.ks_distance,
                "ks_pvalue": sample.ks_pvalue,
            }
            for sample in self.samples
        ]


def fluctuations(steps: NDArray[np.int64]) -> NDArray[np.float64]:
    """(T - mean)/sd of a sample."""
    spread = np.std(steps, ddof=1)
    return (steps - np.mean(steps)) / (spread if spread > 0 else 1.0)


def _sample(
    law: str, steps: NDArray[np.int64], converged: NDArray[np.bool_], first: HaltingSample | None
) -> HaltingSample:
    halted = steps[converged]
    resampled = np.random.default_rng(0).choice(halted, (RESAMPLES, len(halted)))
    tails = 100 * np.array([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    low, high = np.percentile(_moments(resampled), tails, axis=1)
    test = None if first is None else stats.ks_2samp(fluctuations(halted), first.fluctuations, method="asymp")
    return HaltingSample(
        law=law,
        steps=halted,
        halted=float(np.mean(converged)),
        moments=dict(zip(MOMENTS, map(float, _moments(halted[None])[:, 0]), strict=True)),
        intervals={name: (float(low[k]), float(high[k])) for k, name in enumerate(MOMENTS)},
        ks_distance=float("nan") if test is None else float(test.statistic),
        ks_pvalue=float("nan") if test is None else float(test.pvalue),
    )


def _moments(samples: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean, standard deviation, skewness and excess kurtosis of each row, (4, rows)."""
    mean, sd = np.mean(samples, axis=1), np.std(samples, axis=1, ddof=1)
    scaled = (samples - mean[:, None]) / np.where(sd > 0, sd, 1.0)[:, None]
    return np.stack([mean, sd, np.mean(scaled**3, axis=1), np.mean(scaled**4, axis=1) - 3])
