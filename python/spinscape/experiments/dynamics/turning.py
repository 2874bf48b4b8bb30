"""Angles between successive gradients through a descent: how a walk bounces.

Gradient descent follows a valley's floor, cosines near 1, or bounces between its walls, cosines near -1; SGD on parts
of the couplings walks by gradients of different parts, whose cosines also say how much of each is noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape.experiments import disorder
from spinscape.experiments.disorder import FloatArray
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.statistics import Spread, spread
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, dtype, integer, mixture, number, several
from spinscape.study.records import Arrays


def walks(parameters: Parameters) -> list[tuple[int, float]]:
    """The (parts, rate) of every walk, without repetition."""
    plain = [(1, rate) for rate in parameters["rates"]]
    return list(dict.fromkeys(plain + [(count, parameters["sgd_rate"]) for count in parameters["parts"]]))


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    for unit in disorder.instances(parameters):
        for parts, rate in walks(parameters):
            yield {**unit, "parts": parts, "rate": rate}


def cost(parameters: Parameters, unit: Unit) -> float:
    return float(parameters["steps"] * disorder.couplings_times_starts(parameters, unit, 1e5 / parameters["starts"]))


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    return disorder.bytes_of(parameters, unit, copies=1 + unit["parts"])


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Walk, and compare each gradient with the one before."""
    glass = disorder.instance(parameters, unit)
    parts = unit["parts"]
    pieces = [glass] if parts == 1 else glass.split(parts, rng=_split_seed(parameters, unit), n_threads=n_threads)
    points = disorder.starts(glass, parameters, unit)
    cosines = np.empty((len(points), parameters["steps"] - 1))
    before = np.empty_like(points)
    for step in range(parameters["steps"]):
        gradient = pieces[step % parts].gradient(points, n_threads=n_threads)
        direction = gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
        if step:
            cosines[:, step - 1] = np.einsum("ri,ri->r", direction, before)
        before = direction
        points = points - points.dtype.type(unit["rate"]) * gradient
        points *= np.sqrt(unit["N"] / np.sum(points**2, axis=1, keepdims=True))
    return {"cosine": cosines, "energy_density": glass.energy_density(points, n_threads=n_threads)}


def _split_seed(parameters: Parameters, unit: Unit) -> np.random.SeedSequence:
    return disorder.seed(parameters["rng"], unit["N"], unit["tensor"], disorder.NOISE)


@dataclass(frozen=True)
class Walk:
    """One way to walk: cosines between the gradients of steps t and t + 1, (steps - 1,), and the energy at the end."""

    parts: int
    rate: float
    cosine: Spread
    energy: Spread

    @property
    def angle(self) -> FloatArray:
        """The angle of the mean cosine, in degrees."""
        return np.degrees(np.arccos(np.clip(self.cosine.mean, -1.0, 1.0)))


@dataclass(frozen=True)
class Turning(ResultTable):
    """The table of a turning study."""

    xi: Mapping[int, float]
    N: int
    walks: tuple[Walk, ...]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a walk without any is left out."""
        found = []
        for (parts, rate), rows in results.by("parts", "rate"):
            cosine, energy = (spread([row.arrays[name] for row in rows]) for name in ("cosine", "energy_density"))
            found.append(Walk(parts, rate, cosine, energy))
        return cls(results.xi, results.parameters["sizes"][0], tuple(found))

    def rows(self) -> Rows:
        """Return one row a walk: cosines early and late, and the energy reached."""
        return [_row(walk) for walk in self.walks]

    def notes(self) -> list[str]:
        """Return what the errors are."""
        return ["error: standard error over instances"]


def _row(walk: Walk) -> dict[str, Any]:
    mean: NDArray[np.float64] = walk.cosine.mean
    last = max(len(mean) // 10, 1)
    return {
        "parts": walk.parts,
        "rate": walk.rate,
        "instances": walk.cosine.instances,
        "cosine_first": float(mean[0]),
        "cosine_middle": float(mean[len(mean) // 2]),
        "cosine_last_tenth": float(np.mean(mean[-last:])),
        "angle_last_tenth": float(np.degrees(np.arccos(np.clip(np.mean(mean[-last:]), -1, 1)))),
        "energy_density": float(walk.energy.mean),
        "energy_error": float(walk.energy.error),
    }


def draw(table: Turning) -> Figure:
    """Gradient descent by its step beside SGD by its number of parts."""
    figure, (left, right) = style.new_figure("page", 2.8, columns=2, sharey=True)
    plain = sorted((walk for walk in table.walks if walk.parts == 1), key=lambda walk: walk.rate)
    rates = {walk.rate for walk in table.walks if walk.parts > 1}
    noisy = [walk for walk in table.walks if walk.parts > 1 or walk.rate in rates]
    noisy.sort(key=lambda walk: walk.parts)
    cosines(plain, [rf"$\gamma = {walk.rate:g}$" for walk in plain], left)
    cosines(noisy, [f"$P = {walk.parts}$" for walk in noisy], right)
    right.set_ylabel("")
    style.panel_label(left, "a", f"Gradient descent, {style.model(table.xi)}, $N = {table.N}$")
    step = rf", $\gamma = {min(rates):g}$" if rates else ""
    style.panel_label(right, "b", f"SGD on $P$ parts{step}")
    style.caption(figure, "bands: 95 % confidence over instances; $u$: mean energy density at the last step")
    return figure


@style.panel
def cosines(walks: list[Walk], names: list[str], ax: Axes) -> None:
    """Mean cosine between the gradients of steps t and t + 1, with its 95 % band; binned in log t."""
    for walk, name, colour in zip(walks, names, style.ordered_colours(len(walks)), strict=True):
        steps, mean = _binned(walk.cosine.mean)
        _, half = _binned(np.nan_to_num(walk.cosine.half))
        ax.fill_between(steps, mean - half, mean + half, color=colour, alpha=0.3, linewidth=0)
        ax.plot(steps, mean, color=colour, linewidth=1.1, label=f"{name}, $u = {float(walk.energy.mean):.3f}$")
    ax.axhline(0, color=style.MUTED, linewidth=0.6)
    ax.set_xscale("log")
    ax.set_ylim(-1.08, 1.08)
    ax.set_yticks([-1, -0.5, 0, 0.5, 1])
    ax.set_xlabel("step $t$")
    ax.set_ylabel(r"$\cos(g_t, g_{t+1})$")
    ax.legend(loc="center right", bbox_to_anchor=(1.0, 0.7), fontsize=7.5)


def _binned(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over logarithmic bins, about 20 a decade."""
    edges = np.unique(np.round(np.geomspace(1, len(values) + 1, 20 * int(np.log10(len(values)) + 1))).astype(int))
    centres = np.sqrt(edges[:-1] * (edges[1:] - 1.0))
    return centres, np.add.reduceat(values, edges[:-1] - 1) / np.diff(edges)


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=1.3e-10,
    source="the schedule of AISTATS15 section 4; Xing et al. 2018",
    parameters=(
        mixture(),
        integer("N", 100, "size", 2, unit="spins"),
        integer("tensors", 10, "instances", 1, 10**6, unit="tensors"),
        integer("starts", 24, "uniform starts on each", 1, 10**6, unit="starts"),
        several(number("rates", (0.05, 0.2, 0.3), "steps γ of gradient descent", 0.0, above=True, unit="time")),
        several(integer("parts", (1, 2, 4, 8), "parts of the couplings that SGD takes in turn", 1, 64, unit="parts")),
        number("sgd_rate", 0.2, "step γ of SGD; P steps on parts go about as far as one", 0.0, above=True, unit="time"),
        integer("steps", 500, "steps of every walk", 2, 10**7, unit="gradients"),
        dtype("float64", "arithmetic of the walks"),
        SEED,
    ),
    arrange=disorder.one_size,
    quick={"N": 50, "tensors": 6, "starts": 12, "steps": 300},
    table=Turning,
)
recipe = EXPERIMENT.maker
