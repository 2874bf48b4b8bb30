"""Which minima descent finds, against the exact density of all minima.

The exact mean number of minima per unit of energy (ABAC Theorem 2.1, index 0) is what a fair sample of all minima of
all instances would follow. Descent from uniform points is no fair sample: it finds a minimum in proportion to the
volume that flows to it, and deep minima have large basins. Both accounts are kept: every find, and every different
minimum of an instance once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape import theory
from spinscape.critical_points import count_index, refine
from spinscape.descent import descend
from spinscape.experiments import disorder
from spinscape.experiments.critical_points.layers import exact_energies
from spinscape.experiments.disorder import FloatArray
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.geometry.links import Catalogue
from spinscape.hamiltonian import Glass
from spinscape.randomness import RNG
from spinscape.sampling import anneal
from spinscape.schedules import AnnealingSchedule
from spinscape.statistics import Spread, spread
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, choice, counts, integer, several
from spinscape.study.records import Arrays
from spinscape.theory import ground_state_estimate, threshold_energy

METHODS = ("gradient", "lbfgs", "sgd", "annealing")
NAMES = {"gradient": "gradient descent", "lbfgs": "L-BFGS", "sgd": "SGD, 4 parts", "annealing": "annealing"}

_SAME = 1e-6  # root mean square over coordinates: refined minima nearer than this are one


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    for unit in disorder.instances(parameters):
        for method in parameters["methods"]:
            yield {**unit, "method": method}


def cost(parameters: Parameters, unit: Unit) -> float:
    gradients = {"lbfgs": 100, "annealing": parameters["annealing_steps"]}.get(unit["method"], 1500)
    one = disorder.couplings(parameters, unit["N"]) + 2e3
    return float(parameters["starts"] * (gradients + 5 * unit["N"]) * one)


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> int:
    hessians = min(parameters["starts"], max(2**28 // (8 * unit["N"] ** 2), 48)) + 8 * n_threads
    return disorder.bytes_of(parameters, unit, copies=6) + 8 * hessians * unit["N"] ** 2


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Go downhill from the tensor's starts; keep the certified minima, numbered, and the number that is none."""
    glass = disorder.instance(parameters, unit)
    starts = disorder.starts(glass, parameters, unit)
    noise = disorder.seed(parameters["rng"], unit["N"], unit["tensor"], disorder.NOISE)
    method, steps = unit["method"], parameters["annealing_steps"]
    points = minima_below(glass, starts, n_threads, method=method, annealing_steps=steps, rng=noise)
    return {
        "energy_density": glass.energy_density(points, n_threads=n_threads),
        "minimum": numbered(points),
        "lost": np.array(len(starts) - len(points)),
    }


def minima_below(
    glass: Glass,
    starts: FloatArray,
    n_threads: int,
    *,
    method: str = "lbfgs",
    annealing_steps: int = 1000,
    rng: RNG = None,
) -> FloatArray:
    """The certified minima that a method and then L-BFGS and Newton's method lead to, a row a start that led to one."""
    points = starts
    if method == "annealing":
        schedule = AnnealingSchedule(steps=annealing_steps)
        points = anneal(glass, starts, schedule=schedule, rng=rng, n_threads=n_threads).points
    elif method == "sgd":
        points = descend(glass, starts, method="sgd", n_threads=n_threads).points
    elif method == "gradient":
        points = descend(glass, starts, method="gradient", tol=1e-4, n_threads=n_threads).points
    settled = descend(glass, points, method="lbfgs", tol=1e-8, max_steps=5000, n_threads=n_threads)
    found = refine(glass, settled.points, n_threads=n_threads)
    index = count_index(glass, found.points, n_threads=n_threads)
    minima = found.converged & index.certified & (index.negative == 0)
    return np.asarray(found.points[minima])


def different_minima(glass: Glass, starts: FloatArray, n_threads: int) -> FloatArray:
    """The different minima that L-BFGS finds from the starts, ascending in energy."""
    points = minima_below(glass, starts, n_threads)
    first = np.unique(numbered(points), return_index=True)[1]
    order = np.argsort(glass.energy_density(points[first], n_threads=n_threads))
    return np.asarray(points[first][order])


def numbered(points: FloatArray) -> NDArray[np.int64]:
    """Number each row by the different point it is, in order of appearance."""
    known = Catalogue(points[:0], _SAME)
    return np.array([known.row(point) for point in points], dtype=np.int64)


@dataclass(frozen=True)
class Found:
    """The minima that one method found at one N.

    finds, minima : energies over disorder: of every find, and of every different minimum of an instance once.
    energies, once : all of them, pooled.
    different : mean number of different minima an instance;   exact : exact mean number that there are.
    lost : fraction of starts that did not lead to a certified minimum.
    """

    N: int
    method: str
    starts: int
    finds: Spread
    minima: Spread
    energies: FloatArray
    once: FloatArray
    different: float
    exact: float
    lost: float


@dataclass(frozen=True)
class MinimaBias(ResultTable):
    """The table of a study of minima."""

    p: int
    found: tuple[Found, ...]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a size and method without any minimum is left out."""
        p, starts = results.order, results.parameters["starts"]
        groups = (
            (N, method, [row.arrays for row in rows if len(row.arrays["minimum"])])
            for (N, method), rows in results.by("N", "method")
        )
        return cls(p, tuple(_found(N, p, method, starts, mine) for N, method, mine in groups if mine))

    def rows(self) -> Rows:
        """Return one row a size and method: energies of finds and of minima, beside the exact ones of all minima."""
        return [_row(one, self.p) for one in self.found]


def _found(N: int, p: int, method: str, starts: int, mine: list[Arrays]) -> Found:
    once = [_once(arrays) for arrays in mine]
    return Found(
        N=N,
        method=method,
        starts=starts,
        finds=spread([arrays["energy_density"] for arrays in mine]),
        minima=spread(once),
        energies=np.concatenate([arrays["energy_density"] for arrays in mine]),
        once=np.concatenate(once),
        different=float(np.mean([len(energies) for energies in once])),
        exact=float(np.exp(theory.log_mean_critical_points(N=N, p=p, index=0))),
        lost=float(np.mean([arrays["lost"] for arrays in mine]) / starts),
    )


def _once(arrays: Arrays) -> FloatArray:
    """The energy of every different minimum."""
    first = np.unique(arrays["minimum"], return_index=True)[1]
    return np.asarray(arrays["energy_density"][first])


def _row(one: Found, p: int) -> dict[str, Any]:
    u, density = exact_energies(one.N, p, 0)
    mean = float(np.trapezoid(u * density, u))
    reached = float(one.finds.mean)
    above = theory.minima_fraction_above(reached + float(theory.threshold_energy(p)), N=one.N, p=p)
    return {
        "N": one.N,
        "method": one.method,
        "instances": one.finds.instances,
        "starts": one.starts,
        "lost": one.lost,
        "minima_found": one.different,
        "minima_exact": one.exact,
        "energy_of_finds": reached,
        "error": float(one.finds.error),
        "energy_of_minima_found": float(one.minima.mean),
        "error_of_minima": float(one.minima.error),
        "pooled_energy_of_minima_found": float(one.once.mean()),
        "exact_energy_of_all": mean,
        "bias": reached - mean,
        "fraction_of_all_above_mean_find": float(above),
    }


def draw(table: MinimaBias) -> Figure:
    """Energies at the smallest and the largest N, and means against N."""
    sizes = list(dict.fromkeys(one.N for one in table.found))
    shown = list(dict.fromkeys([sizes[0], sizes[-1]]))
    figure, axes = style.new_figure("page", 3.5, columns=len(shown) + 1)
    for letter, N, ax in zip("ab", shown, axes, strict=False):
        energies([one for one in table.found if one.N == N], table.p, ax)
        style.panel_label(ax, letter, f"$p = {table.p}$, $N = {N}$")
    means(table, axes[-1])
    style.panel_label(axes[-1], "abc"[len(shown)], "Means")
    title = f"a row a method: bars found, line all minima (exact); filled: finds, {style.BARS}; open: each minimum once"
    style.legend_below(figure, axes[-1], columns=6, title=title)
    return figure


@style.panel
def energies(found: list[Found], p: int, ax: Axes) -> None:
    """Energies of the finds, a row a method (bars), each over the exact density of all minima (line)."""
    u, density = exact_energies(found[0].N, p, 0)
    seen = density > 1e-3 * density.max()
    low, high = (float(f([f(one.energies) for one in found])) for f in (np.min, np.max))
    bars = [np.histogram(one.energies, np.linspace(low, high, 25), density=True) for one in found]
    top = 1.06 * max(float(density.max()), *(float(heights.max()) for heights, _ in bars))
    for row, (one, (heights, edges)) in enumerate(zip(found, bars, strict=True)):
        colour = _colour(one.method)
        ax.stairs(row + heights / top, edges, baseline=row, fill=True, color=colour, alpha=0.5)
        ax.plot(u[seen], row + density[seen] / top, color=style.INK, linewidth=0.9)
    style.reference_line(ax, -float(threshold_energy(p)), r"$-E_\infty$", at=0.99, before=True)
    ax.set_ylim(0, len(found))
    ax.set_yticks(range(len(found)), [""] * len(found))
    ax.set_xlabel("energy density $u$")
    ax.set_ylabel("density of $u$, a row a method")


@style.panel
def means(table: MinimaBias, ax: Axes) -> None:
    """Mean energies of finds (filled) and of minima found, each once (open), the exact mean of all and the lowest."""
    sizes = list(dict.fromkeys(one.N for one in table.found))
    methods = list(dict.fromkeys(one.method for one in table.found))
    for number, method in enumerate(methods):
        mine = [one for one in table.found if one.method == method]
        N = np.array([one.N for one in mine]) * 1.03 ** (number - (len(methods) - 1) / 2)
        finds = [one.finds.interval for one in mine]
        style.estimates(ax, N, finds, color=_colour(method), elinewidth=0.8, label=NAMES[method])
        once = [float(one.once.mean()) for one in mine]
        ax.plot(N, once, "o", color=_colour(method), markersize=4.5, markerfacecolor="none", markeredgewidth=0.9)
    exact = [np.trapezoid(u * d, u) for u, d in (exact_energies(N, table.p, 0) for N in sizes)]
    ax.plot(sizes, exact, color=style.INK, linewidth=1.0, label="all minima, exact")
    lowest = [ground_state_estimate(N, table.p).mean for N in sizes]
    ax.plot(sizes, lowest, color=style.MUTED, linewidth=1.0, linestyle=(0, (3, 2)), label="lowest, estimate")
    style.size_axis(ax, sizes)
    ax.set_ylabel("mean energy density $u$")


def _colour(method: str) -> str:
    return style.PALETTE[list(NAMES).index(method)]


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=4.9e-11,
    source="ABAC Theorem 2.1, index 0, exact at finite N",
    parameters=(
        disorder.LAYERED,
        several(integer("sizes", (15, 25, 50, 100), "sizes N", 3, unit="spins")),
        counts("tensors", 20, "instances of every size", unit="tensors"),
        integer("starts", 100, "uniform starts on each, the same for all methods", 1, 10**6, unit="starts"),
        several(choice("methods", METHODS, METHODS, "ways down")),
        integer("annealing_steps", 1000, "gradients that annealing takes", 1, 10**7, unit="gradients"),
        SEED,
    ),
    arrange=disorder.pure,
    quick={"sizes": (10, 20), "tensors": 6, "starts": 48, "annealing_steps": 300},
    default={"tensors": {15: 40, 25: 30, 50: 12, 100: 4}},
    table=MinimaBias,
)
recipe = EXPERIMENT.maker
