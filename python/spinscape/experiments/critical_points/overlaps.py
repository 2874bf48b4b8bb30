"""Overlaps among minima and saddles, and with the lowest minimum against the index.

COLT15 asks whether critical points of low index lie nearer the ground state. On every instance the lowest of many
minima stands for the ground state, and saddles of several indices are searched from uniform points; the smallest
instances are enumerated, where nothing is left to the bias of searches. The overlap is q = w.w'/N, with its sign: for
odd p w and -w have opposite energies, and the mirror image of the lowest minimum counts, with q = -1, at index N - 1;
for even p the modulus of q is taken. Errors are over the disorder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np

from spinscape.arrays import as_integer
from spinscape.critical_points import enumerate_critical_points, find_saddles
from spinscape.experiments import disorder
from spinscape.experiments.critical_points.layers import order_of
from spinscape.experiments.critical_points.minima_bias import different_minima
from spinscape.experiments.disorder import FloatArray
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.hamiltonian import MixedGlass
from spinscape.statistics import Spread, spread
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, counts, integer, several
from spinscape.study.records import Arrays

_FIRST_STREAM = 16  # of the starts of saddle searches


_BINS = np.linspace(-1.0, 1.0, 51)  # of pairwise overlaps


def _later(value: Any, name: str, values: Parameters) -> Any:
    return value  # `_checked` knows all sizes


def arrange(values: dict[str, Any]) -> dict[str, Any]:
    """Sizes together, those that are enumerated first; a number of tensors for each."""
    small, large, given = values["complete"], values["sizes"], values["tensors"]
    if set(small) & set(large):
        raise ValueError(f"sizes: expected none that is enumerated, {small}, got {large}")
    together = list(dict.fromkeys([*small, *large]))
    for k in values["indices"]:
        as_integer(k, "indices", 1, min([*large, 10**6]) - 1)
    tensors = TENSORS.check(given, "tensors", {"sizes": together})
    return disorder.pure(values) | {"sizes": together, "tensors": tensors}


def cost(parameters: Parameters, unit: Unit) -> float:
    N = unit["N"]
    if N in parameters["complete"]:
        return float(disorder.couplings(parameters, N) * (order_of(parameters) - 1) ** N * 300)
    searches = parameters["saddles"] * len(parameters["indices"])
    return float(searches * 300 * N**3 + parameters["starts"] * 100 * disorder.couplings(parameters, N))


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    rows = max(parameters["starts"], parameters["saddles"] * len(parameters["indices"]))
    return disorder.bytes_of(parameters, unit) + disorder.hessian_bytes(unit, 2 * rows, n_threads)


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Find critical points; overlaps of each with the lowest minimum, and histograms of those of pairs."""
    glass = disorder.instance(parameters, unit)
    if unit["N"] in parameters["complete"]:
        all_of_them = enumerate_critical_points(glass, n_threads=n_threads)
        points, index = all_of_them.points, all_of_them.index.negative
        complete = all_of_them.complete
    else:
        points, index = _searched(glass, parameters, unit, n_threads)
        complete = False
    energy = glass.energy_density(points, n_threads=n_threads)
    lowest = int(np.argmin(energy))
    overlap = points @ points.T / unit["N"]
    if order_of(parameters) % 2 == 0:
        overlap = np.abs(overlap)
    saddles = np.flatnonzero(index == 1)
    others = overlap[lowest] < 1 - 1e-9  # itself, and for even p its mirror image
    return {
        "energy_density": energy[others],
        "index": index[others],
        "overlap": overlap[lowest, others],
        "among_minima": _pairs(overlap, np.flatnonzero(index == 0)),
        "among_saddles": _pairs(overlap, saddles),
        "complete": np.array(complete),
    }


def _searched(glass: MixedGlass, parameters: Parameters, unit: Unit, n_threads: int) -> tuple[FloatArray, Any]:
    minima = different_minima(glass, disorder.starts(glass, parameters, unit), n_threads)
    target = np.repeat(parameters["indices"], parameters["saddles"])
    seed = disorder.seed(parameters["rng"], unit["N"], unit["tensor"], _FIRST_STREAM)
    found = find_saddles(glass, target, len(target), rng=seed, n_threads=n_threads)
    kept = found.reached & found.certified
    points = np.concatenate([minima, found.points[kept]])
    return points, np.concatenate([np.zeros(len(minima), dtype=np.int64), found.index.negative[kept]])


def _pairs(overlap: FloatArray, rows: Any) -> FloatArray:
    """Histogram of the overlaps between different points of some rows, in _BINS."""
    among = overlap[np.ix_(rows, rows)][np.triu_indices(len(rows), 1)]
    return np.asarray(np.histogram(among[among < 1 - 1e-9], _BINS)[0].astype(np.float64))


@dataclass(frozen=True)
class Layer:
    """The critical points of one index at one N: overlap with the lowest minimum and energy, over disorder."""

    N: int
    index: int
    enumerated: bool
    points: int
    overlap: Spread
    square: Spread
    energy: Spread


@dataclass(frozen=True)
class Overlaps(ResultTable):
    """The table of a study of overlaps.

    pairs : {(N, "minima" or "saddles"): (densities in bins, bins)}, overlaps between different points of an instance.
    """

    p: int
    layers: tuple[Layer, ...]
    pairs: Mapping[tuple[int, str], tuple[FloatArray, FloatArray]]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; enumerations that are not proven complete are left out."""
        layers: list[Layer] = []
        pairs = {}
        for (N,), rows in results.by("N"):
            enumerated = N in results.parameters["complete"]
            mine = [row.arrays for row in rows if row.arrays["complete"] or not enumerated]
            layers += _layers(N, enumerated, mine)
            for name in ("minima", "saddles") if mine else ():
                counts = np.sum([arrays[f"among_{name}"] for arrays in mine], axis=0)
                if counts.sum():
                    pairs[N, name] = (counts / (counts.sum() * np.diff(_BINS)), _BINS)
        return cls(results.order, tuple(layers), pairs)

    def rows(self) -> Rows:
        """Return one row a size and index: overlaps with the lowest minimum, 95 % intervals over the disorder."""
        return [_row(layer) for layer in self.layers]


def _layers(N: int, enumerated: bool, mine: list[Arrays]) -> list[Layer]:
    layers = []
    for k in sorted({int(k) for arrays in mine for k in arrays["index"]}):
        chosen = [(arrays, arrays["index"] == k) for arrays in mine if (arrays["index"] == k).any()]
        q = [arrays["overlap"][rows] for arrays, rows in chosen]
        layers.append(
            Layer(
                N=N,
                index=k,
                enumerated=enumerated,
                points=sum(len(values) for values in q),
                overlap=spread(q),
                square=spread([values**2 for values in q]),
                energy=spread([arrays["energy_density"][rows] for arrays, rows in chosen]),
            )
        )
    return layers


def _row(layer: Layer) -> dict[str, Any]:
    return {
        "N": layer.N,
        "index": layer.index,
        "found_by": "enumeration" if layer.enumerated else "searches",
        "instances": layer.overlap.instances,
        "points": layer.points,
        "energy": float(layer.energy.mean),
        "overlap": layer.overlap.interval.value,
        "low": layer.overlap.interval.low,
        "high": layer.overlap.interval.high,
        "mean_square_times_N": layer.N * float(layer.square.mean),
        "error_of_square": layer.N * float(layer.square.error),
    }


def draw(table: Overlaps) -> Figure:
    """Overlap with the lowest minimum beside that of pairs."""
    return style.page(
        2.9,
        (f"With the lowest minimum, $p = {table.p}$", partial(with_lowest, table)),
        ("Between different points", partial(among, table)),
        note=f"{style.BARS.capitalize()} over instances (Student)",
    )


@style.panel
def with_lowest(table: Overlaps, ax: Axes) -> None:
    """Mean overlap with the lowest minimum against the fraction of negative directions; 95 % over disorder."""
    sizes = sorted({layer.N for layer in table.layers})
    for N, colour in zip(sizes, style.ordered_colours(len(sizes)), strict=True):
        mine = [layer for layer in table.layers if layer.N == N]
        fraction = [layer.index / (N - 1) for layer in mine]
        label = f"$N = {N}$, {'all points' if mine[0].enumerated else 'searches'}"
        intervals = [layer.overlap.interval for layer in mine]
        style.estimates(ax, fraction, intervals, fmt="o-", color=colour, linewidth=0.9, label=label)
    ax.axhline(0, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    ax.set_xlabel("index$/(N-1)$")
    ax.set_ylabel(r"overlap $\langle q \rangle$ with the lowest minimum")
    ax.legend(loc="upper right", fontsize=7.5)


@style.panel
def among(table: Overlaps, ax: Axes) -> None:
    """Distribution of overlaps between minima (solid) and between saddles of index 1 (dashed) of an instance."""
    sizes = sorted({N for N, _ in table.pairs})
    for N, colour in zip(sizes, style.ordered_colours(len(sizes)), strict=True):
        for name, line in (("minima", "-"), ("saddles", (0, (3, 1.5)))):
            if (N, name) in table.pairs:
                density, bins = table.pairs[N, name]
                label = f"$N = {N}$, {'minima' if name == 'minima' else 'index 1'}"
                ax.stairs(density, bins, color=colour, linestyle=line, linewidth=1.1, label=label)
    ax.set_xlim(-1, 1)
    ax.set_xlabel("overlap $q$ of two points of an instance")
    ax.set_ylabel("density")
    ax.legend(loc="best", fontsize=7.0)


TENSORS = counts("tensors", 12, "instances of every size, of both kinds", unit="tensors")
EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=2.5e-10,
    source="a question of COLT15",
    parameters=(
        disorder.ORDER,
        several(integer("complete", (8,), "sizes whose instances are enumerated", 3, 12, unit="spins")),
        several(integer("sizes", (30, 60), "sizes that are searched", 4, 600, unit="spins")),
        replace(TENSORS, check=_later),
        integer("starts", 200, "descents on every tensor", 2, 10**6, unit="starts"),
        integer("saddles", 24, "searches of each index on every tensor", 1, 10**6, unit="starts"),
        several(integer("indices", (1, 2, 4, 8, 15), "indices searched, below the smallest N", 1, unit="index")),
        SEED,
    ),
    quick={"complete": (6,), "sizes": (20,), "tensors": 6, "starts": 48, "saddles": 12, "indices": (1, 2, 4, 9)},
    default={"tensors": {8: 40, 30: 16, 60: 6}},
    units=disorder.instances,
    table=Overlaps,
)
recipe = EXPERIMENT.maker
