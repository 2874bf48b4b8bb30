"""Overlaps among minima and saddles, and with the lowest minimum, against the index.

COLT15 asks whether critical points of low index lie nearer the ground state. On every instance the lowest of many
minima stands for the ground state, and saddles of several indices are searched from uniform points; the smallest
instances are enumerated, where nothing is left to the bias of searches. The overlap is q = w.w'/N, with its sign: for
odd p w and -w have opposite energies, and the mirror image of the lowest minimum counts, with q = -1, at index N - 1;
for even p the modulus of q is taken. Errors are over the disorder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinscape.arrays import as_integer
from spinscape.couplings import as_order
from spinscape.critical_points import enumerate_critical_points, find_saddles
from spinscape.hamiltonian import MixedGlass
from spinscape.study import disorder
from spinscape.study.critical_points.layers import order_of
from spinscape.study.critical_points.minima import different_minima
from spinscape.study.disorder import FloatArray, Spread
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays
from spinscape.study.store import Store

_FIRST_STREAM = 16  # of the starts of saddle searches
_BINS = np.linspace(-1.0, 1.0, 51)  # of pairwise overlaps


def recipe(
    *,
    p: int = 3,
    complete: tuple[int, ...] = (8,),
    sizes: tuple[int, ...] = (30, 60),
    tensors: Mapping[int, int] | int = 12,
    starts: int = 200,
    saddles: int = 24,
    indices: tuple[int, ...] = (1, 2, 4, 8, 15),
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a study of overlaps.

    complete : sizes whose instances are enumerated; sizes : those that are searched, `starts` descents and `saddles`
        searches of each of `indices` on every tensor; tensors : a number, or {N: number} for all of these sizes.
    """
    order = as_order(p)
    small = [as_integer(N, "complete", 3, 12) for N in complete]
    large = [as_integer(N, "sizes", 4, 600) for N in sizes]
    together = tuple(dict.fromkeys([*small, *large]))
    if set(small) & set(large):
        raise ValueError(f"sizes: expected none that is enumerated, {small}, got {large}")
    parameters = {
        "xi": {str(order): 1.0},
        "complete": small,
        "sizes": list(together),
        "tensors": disorder.as_counts(tensors, together, "tensors"),
        "starts": as_integer(starts, "starts", 2, 10**6),
        "saddles": as_integer(saddles, "saddles", 1, 10**6),
        "indices": [as_integer(k, "indices", 1, min([*large, 10**6]) - 1) for k in indices],
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("overlaps", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return one unit a tensor."""
    return disorder.instances(parameters)


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost: paths of an enumeration, or spectra and gradients of searches."""
    N = unit["N"]
    if N in parameters["complete"]:
        return float(disorder.couplings(parameters, N) * (order_of(parameters) - 1) ** N * 300)
    searches = parameters["saddles"] * len(parameters["indices"])
    return float(searches * 300 * N**3 + parameters["starts"] * 100 * disorder.couplings(parameters, N))


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes of a unit: couplings, points, Hessians."""
    rows = max(parameters["starts"], parameters["saddles"] * len(parameters["indices"]))
    return disorder.bytes_of(parameters, unit) + 8 * (2 * rows + 8 * n_threads) * unit["N"] ** 2


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return how many points there are."""
    return f"N = {unit['N']}: {np.count_nonzero(arrays['index'] == 0)} minima, {len(arrays['index'])} critical points"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
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


def _searched(
    glass: MixedGlass, parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int
) -> tuple[FloatArray, Any]:
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
class Overlaps:
    """The table of a study of overlaps.

    pairs : {(N, "minima" or "saddles"): (densities in bins, bins)}, overlaps between different points of an instance.
    """

    p: int
    layers: tuple[Layer, ...]
    pairs: Mapping[tuple[int, str], tuple[FloatArray, FloatArray]]

    @classmethod
    def from_store(cls, store: Store) -> Overlaps:
        """Read the finished units of a store; enumerations that are not proven complete are left out."""
        parameters = store.recipe.parameters
        rows = sorted(store.rows, key=lambda row: row.unit["tensor"])
        layers: list[Layer] = []
        pairs = {}
        for N in parameters["sizes"]:
            enumerated = N in parameters["complete"]
            mine = [row.arrays for row in rows if row.unit["N"] == N and (row.arrays["complete"] or not enumerated)]
            layers += _layers(N, enumerated, mine)
            for name in ("minima", "saddles") if mine else ():
                counts = np.sum([arrays[f"among_{name}"] for arrays in mine], axis=0)
                if counts.sum():
                    pairs[N, name] = (counts / (counts.sum() * np.diff(_BINS)), _BINS)
        return cls(order_of(parameters), tuple(layers), pairs)

    def rows(self) -> list[dict[str, Any]]:
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
                overlap=disorder.spread(q),
                square=disorder.spread([values**2 for values in q]),
                energy=disorder.spread([arrays["energy_density"][rows] for arrays, rows in chosen]),
            )
        )
    return layers


def _row(layer: Layer) -> dict[str, Any]:
    mean, error = float(layer.overlap.mean), float(layer.overlap.error)
    return {
        "N": layer.N,
        "index": layer.index,
        "found_by": "enumeration" if layer.enumerated else "searches",
        "instances": layer.overlap.instances,
        "points": layer.points,
        "energy": float(layer.energy.mean),
        "overlap": mean,
        "low": mean - 1.96 * error,
        "high": mean + 1.96 * error,
        "mean_square_times_N": layer.N * float(layer.square.mean),
        "error_of_square": layer.N * float(layer.square.error),
    }
