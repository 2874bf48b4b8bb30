"""Recovery of a hidden direction against the strength of its signal.

H = H_glass - λ N (w·v/N)^p, |v|² = N. From uniform starts the overlap |w·v|/N at the end stays of order N^{-1/2} until
λ grows like N^{(p-2)/2}; from v itself descent stays near v beyond a λ of order one (Ben Arous, Gheissari, Jagannath,
"Algorithmic thresholds for tensor PCA", 2020). For p = 2 both happen at the same λ.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np

from spinscape.descent import descend
from spinscape.experiments import disorder
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.statistics import Spread, spread
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, counts, integer, number, several
from spinscape.study.records import Arrays

STRENGTHS = (0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)


RECOVERED = 0.5
"""Overlap from which on the direction counts as recovered."""


def cost(parameters: Parameters, unit: Unit) -> float:
    return float(len(parameters["strengths"]) * disorder.couplings_times_starts(parameters, unit))


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
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
class SpikedTensor(ResultTable):
    """The table of a spiked-tensor study."""

    p: int
    strengths: tuple[float, ...]
    sizes: tuple[SizeRecovery, ...]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a size without any is left out."""
        sizes = []
        for (N,), rows in results.by("N"):
            uniform, planted = ([row.arrays[name] for row in rows] for name in ("uniform", "planted"))
            recovered = [(overlap > RECOVERED).astype(float) for overlap in uniform]
            sizes.append(SizeRecovery(N, spread(uniform), spread(planted), spread(recovered)))
        return cls(results.parameters["p"], tuple(results.parameters["strengths"]), tuple(sizes))

    def rows(self) -> Rows:
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

    def notes(self) -> list[str]:
        """Return what the errors are."""
        return [f"error: standard error over instances; recovered: overlap above {RECOVERED}"]


def draw(table: SpikedTensor) -> Figure:
    """Recovery against the signal, and against the signal over N^{(p-2)/2}."""
    return style.page(
        3.2,
        (f"Descent on the spiked tensor, $p = {table.p}$", partial(overlaps, table)),
        ("Uniform starts, signal rescaled", partial(collapse, table)),
        legend=f"circles: uniform starts; squares: starts at $v$; {style.BARS} over instances",
    )


@style.panel
def overlaps(table: SpikedTensor, ax: Axes) -> None:
    """Mean overlap at the end against λ: uniform starts (solid) and starts at the hidden direction (dashed)."""
    strengths = np.array(table.strengths)
    for size, colour in zip(table.sizes, style.ordered_colours(len(table.sizes)), strict=True):
        _curve(ax, strengths, size.uniform, colour, "o-", f"$N = {size.N}$")
        _curve(ax, strengths, size.planted, colour, "s--", None)
    ax.set_xscale("symlog", linthresh=1.0, linscale=0.6)
    ax.set_xticks([0, 1, 2, 4, 8, 16], ["0", "1", "2", "4", "8", "16"])
    ax.set_xlim(0, strengths.max() * 1.1)
    ax.set_ylim(-0.05, 1.05)
    ax.set_xlabel(r"signal $\lambda$")
    ax.set_ylabel(r"overlap $w \cdot v/N$ at the end")


@style.panel
def collapse(table: SpikedTensor, ax: Axes) -> None:
    """Fraction of uniform starts that recover the direction against λ/N^{(p-2)/2}."""
    power = (table.p - 2) / 2
    for size, colour in zip(table.sizes, style.ordered_colours(len(table.sizes)), strict=True):
        scaled = np.array(table.strengths) / size.N**power
        scaled[scaled == 0] = np.nan
        _curve(ax, scaled, size.recovered, colour, "o-", f"$N = {size.N}$")
    ax.set_xscale("log")
    ax.set_ylim(-0.03, 1.03)
    ax.set_xlabel(rf"$\lambda/N^{{{table.p - 2}/2}}$" if power else r"$\lambda$")
    ax.set_ylabel(f"fraction with overlap above {RECOVERED}")


def _curve(ax: Axes, x: np.ndarray, values: Spread, colour: str, form: str, label: str | None) -> None:
    half = np.nan_to_num(values.half)
    ax.errorbar(x, values.mean, half, fmt=form, color=colour, markersize=3, linewidth=1.0, label=label)


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=1.0e-08,
    source="Ben Arous, Gheissari and Jagannath 2020",
    parameters=(
        disorder.ORDER,
        disorder.SIZES,
        counts("tensors", 10, "instances of every size", unit="tensors"),
        integer("starts", 24, "uniform starts on each", 1, 10**6, unit="starts"),
        several(number("strengths", STRENGTHS, "strengths λ of the signal", 0.0, unit="energy")),
        integer("max_steps", 2000, "steps of L-BFGS at most", 1, unit="steps"),
        SEED,
    ),
    arrange=lambda values: {"p": values["p"]} | disorder.pure(values),
    quick={"sizes": (25, 50, 100), "tensors": 6, "starts": 12},
    default={"tensors": {50: 40, 100: 20, 200: 6}},
    units=disorder.instances,
    memory=disorder.memory,
    table=SpikedTensor,
)
recipe = EXPERIMENT.maker
