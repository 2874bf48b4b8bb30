"""Halting times of gradient descent for couplings of several laws: universality.

The protocol of AISTATS15's companion (Sagun, Trogdon, LeCun, "Universality in halting time"): p = 3, N = 200, step 0.2,
stop at |g| < 0.01, fresh couplings and a fresh uniform start for every sample. Compared are the halting times
themselves and their fluctuations (T - mean)/sd.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape import statistics
from spinscape.descent import descend
from spinscape.experiments import disorder
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.statistics import Interval
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, choice, integer, number, several
from spinscape.study.records import Arrays

LAWS = ("gaussian", "rademacher", "uniform", "exponential")
BLOCK = 10  # samples of one unit of work
MOMENTS = ("mean", "sd", "skewness", "kurtosis")
TITLES = {"mean": "mean", "sd": "s.d.", "skewness": "skewness", "kurtosis": "excess kurtosis"}


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    """Return blocks of samples, all laws of the first block first."""
    for first in range(0, parameters["samples"], BLOCK):
        for law in parameters["laws"]:
            yield {"law": law, "first": first, "count": min(BLOCK, parameters["samples"] - first)}


def cost(parameters: Parameters, unit: Unit) -> float:
    return unit["count"] * (disorder.couplings({"xi": {parameters["p"]: 1.0}}, parameters["N"]) + 1e4)


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    return disorder.bytes_of({"xi": {str(parameters["p"]): 1.0}, "starts": 1}, {"N": parameters["N"]})


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
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
    intervals : {moment: interval}, 95 %; "kurtosis" is the excess over that of a Gaussian, 3.
    ks_distance, ks_pvalue : two-sample Kolmogorov-Smirnov of the fluctuations (T - mean)/sd against the first law's;
        nan for that one. Standardising by the samples' own moments makes the p-value conservative.
    """

    law: str
    steps: NDArray[np.int64]
    halted: float
    intervals: Mapping[str, Interval]
    ks_distance: float
    ks_pvalue: float

    @property
    def fluctuations(self) -> NDArray[np.float64]:
        """(T - mean)/sd."""
        return fluctuations_of(self.steps)


@dataclass(frozen=True)
class HaltingTimes(ResultTable):
    """The table of a halting-time study."""

    N: int
    p: int
    samples: tuple[HaltingSample, ...]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a law without any is left out."""
        found: list[HaltingSample] = []
        for (law,), arrays in results.joined("law"):
            found.append(_sample(law, arrays["steps"], arrays["converged"], found[0] if found else None))
        return cls(results.parameters["N"], results.parameters["p"], tuple(found))

    def rows(self) -> Rows:
        """Return one row a law."""
        return [
            {
                "law": sample.law,
                "samples": len(sample.steps),
                "halted": sample.halted,
                **{k: value for name in MOMENTS for k, value in sample.intervals[name].columns(name).items()},
                "ks_distance": sample.ks_distance,
                "ks_pvalue": sample.ks_pvalue,
            }
            for sample in self.samples
        ]

    def notes(self) -> list[str]:
        """Return what the columns are."""
        return ["kurtosis: excess over a Gaussian's; brackets: 95 % confidence, by the percentile bootstrap"]


def fluctuations_of(steps: NDArray[np.int64]) -> NDArray[np.float64]:
    """(T - mean)/sd of a sample."""
    spread = np.std(steps, ddof=1)
    return (steps - np.mean(steps)) / (spread if spread > 0 else 1.0)


def _sample(
    law: str, steps: NDArray[np.int64], converged: NDArray[np.bool_], first: HaltingSample | None
) -> HaltingSample:
    from scipy import stats  # most of a second that naming the experiment need not take

    halted = steps[converged]
    test = None if first is None else stats.ks_2samp(fluctuations_of(halted), first.fluctuations, method="asymp")
    return HaltingSample(
        law=law,
        steps=halted,
        halted=float(np.mean(converged)),
        intervals=dict(zip(MOMENTS, statistics.bootstrap(halted, _moments), strict=True)),
        ks_distance=float("nan") if test is None else float(test.statistic),
        ks_pvalue=float("nan") if test is None else float(test.pvalue),
    )


def _moments(samples: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean, standard deviation, skewness and excess kurtosis of each row, (4, rows)."""
    mean, sd = np.mean(samples, axis=1), np.std(samples, axis=1, ddof=1)
    scaled = (samples - mean[:, None]) / np.where(sd > 0, sd, 1.0)[:, None]
    return np.stack([mean, sd, np.mean(scaled**3, axis=1), np.mean(scaled**4, axis=1) - 3])


def draw(table: HaltingTimes) -> Figure:
    """Fluctuations beside moments."""
    figure, (left, *others) = style.new_figure("page", 3.2, columns=5, width_ratios=(2.6, 1, 1, 1, 1))
    fluctuations(table, left)
    for name, ax in zip(MOMENTS, others, strict=True):
        moments(table, name, ax)
    style.panel_label(left, "a", f"Halting times, $p = {table.p}$, $N = {table.N}$")
    style.panel_label(others[0], "b", "Moments")
    samples = f"{len(table.samples[0].steps):,} samples a law"
    style.caption(
        figure, f"{samples}; Kolmogorov–Smirnov tests against {table.samples[0].law}; {style.BARS} (bootstrap)"
    )
    return figure


@style.panel
def fluctuations(table: HaltingTimes, ax: Axes) -> None:
    """Empirical distribution functions of (T - mean)/sd."""
    for colour, sample in zip(style.PALETTE, table.samples, strict=False):
        values = np.sort(sample.fluctuations)
        test = "" if np.isnan(sample.ks_pvalue) else f", KS $P = {sample.ks_pvalue:.2f}$"
        heights = (np.arange(len(values)) + 1) / len(values)
        ax.step(values, heights, color=colour, linewidth=1.1, where="post", label=f"{sample.law}{test}")
    ax.set_xlabel(r"fluctuation $(T - \langle T \rangle)/\sigma_T$")
    ax.set_ylabel("fraction of samples below")
    ax.legend(loc="lower right", fontsize=7.5)


@style.panel
def moments(table: HaltingTimes, name: str, ax: Axes) -> None:
    """One moment with 95 % intervals, a row a law."""
    laws = [sample.law for sample in table.samples]
    for k, (sample, colour) in enumerate(zip(table.samples, style.PALETTE, strict=False)):
        found = sample.intervals[name]
        ax.errorbar(found.value, k, xerr=np.array([found.bars]).T, fmt="o", color=colour, capsize=2, elinewidth=0.9)
    ax.set_yticks(np.arange(len(laws)), laws if name == MOMENTS[0] else [""] * len(laws))
    ax.set_ylim(len(laws) - 0.5, -0.5)
    ax.locator_params(axis="x", nbins=3)
    ax.set_xlabel(TITLES[name] + (" of $T$, steps" if name in MOMENTS[:2] else ""))


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=1.3e-7,
    source="Sagun, Trogdon and LeCun 2015",
    parameters=(
        several(choice("laws", LAWS, LAWS, "laws of the couplings; tests are against the first")),
        integer("N", 200, "size", 2, unit="spins"),
        disorder.ORDER,
        integer("samples", 200, "instances of each law, with a start each", 2, 10**7, unit="samples"),
        number("step", 0.2, "step of gradient descent", 0.0, above=True, unit="time"),
        number("gradient", 0.01, "|g| at which a descent halts, not divided by √N", 0.0, above=True, unit="energy"),
        integer("max_steps", 100_000, "steps after which it counts as not halted", 1, unit="gradients"),
        SEED,
    ),
    quick={"N": 60, "samples": 100},
    table=HaltingTimes,
)
recipe = EXPERIMENT.maker
