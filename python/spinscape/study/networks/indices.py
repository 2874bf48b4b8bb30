"""Indices of trained networks: AISTATS15 Figs. 4 and 5, as training leaves them and at the critical points nearby.

The Hessian is that of the training loss on the images of the recipe, exact, and its eigenvalues within zero_tol = 1e-3
count as zero, as in the paper. Where it stops, SGD has not reached a critical point: its gradient says how far it is.
So every network is also refined, and counted again; what did not converge is counted too, and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_choice, as_integer, as_number
from spinscape.study.disorder import as_counts
from spinscape.study.networks import intervals
from spinscape.study.networks.losses import SECONDS_PER_EPOCH, data_of
from spinscape.study.networks.trained import parameter_count
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays, joined
from spinscape.study.store import Store

# n -> numbers of networks with index 0, 1, 2, ...: AISTATS15 Figs. 4 and 5, 1000 networks each. Their axis, the
# "normalised index", is the index over twice the number of parameters.
PUBLISHED: Mapping[int, tuple[int, ...]] = {
    10: (866, 97, 23, 4, 5, 4, 1),
    100: (84, 227, 249, 201, 145, 57, 24, 10, 2, 1),
}

STAGES = ("trained", "refined")
THRESHOLDS = np.geomspace(1e-7, 1e-1, 49)
CHUNK = 2


def recipe(
    *,
    sizes: tuple[int, ...] = (5, 10),
    networks: Mapping[Any, int] | int = 16,
    train: int = 3000,
    epochs: int = 60,
    rate: float = 0.5,
    decay: float = 0.05,
    batch: int = 100,
    activation: str = "relu",
    method: str = "lbfgs",
    refine_steps: int = 500,
    tol: float = 1e-6,
    zero_tol: float = 1e-3,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a study of indices.

    train : images of the training loss, drawn at random; None for all.     epochs, rate, decay, batch : of SGD.
    method, refine_steps, tol : of `networks.refinement.refined_networks`; 0 steps refine nothing.
    """
    from spinscape.networks import Architecture, Training
    from spinscape.networks.refinement import METHODS

    Architecture((100, 10), activation=activation)
    parameters = {
        "sizes": [as_integer(n, "sizes", 1, 10**4) for n in sizes],
        "networks": as_counts(networks, tuple(sizes), "networks"),
        "train": as_integer(train, "train", 1, 60_000),
        "training": Training(epochs=epochs, rate=rate, decay=decay, batch=batch).to_dict(),
        "activation": activation,
        "method": as_choice(method, "method", METHODS),
        "refine_steps": as_integer(refine_steps, "refine_steps", 0),
        "tol": as_number(tol, "tol", 0.0),
        "zero_tol": as_number(zero_tol, "zero_tol", 0.0),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("network-indices", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return chunks of networks, small n first."""
    for n in parameters["sizes"]:
        count = parameters["networks"][str(n)]
        for first in range(0, count, CHUNK):
            yield {"n": n, "first": first, "count": min(CHUNK, count - first)}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return about the seconds the unit takes: training and refinement, four Hessians' products and reductions."""
    constant, slope = SECONDS_PER_EPOCH
    samples, size = parameters["train"], parameter_count(unit["n"])
    passes = (constant + slope * unit["n"]) * samples / 60_000
    passes *= parameters["training"]["epochs"] + 3 * parameters["refine_steps"]
    return float(unit["count"] * (passes + 2 * (2 * samples * size**2 + 5 * size**3) / 5e9))


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes of a unit: data and three Hessians."""
    return int(2**28 + 8 * 6 * parameter_count(unit["n"]) ** 2)


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return the mean indices."""
    trained, refined = (arrays[f"{stage}_index"].mean() for stage in STAGES)
    return f"n = {unit['n']}: mean index {trained:.1f} trained, {refined:.1f} refined"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Train a few networks, refine them, and count eigenvalues before and after; on one thread."""
    from spinscape.networks import Architecture, NetworkLandscape, Training, train_ensemble
    from spinscape.networks.ensembles import one_torch_thread
    from spinscape.networks.refinement import refined_networks

    architecture = Architecture((100, unit["n"], 10), activation=parameters["activation"])
    data = data_of(parameters["train"], None, parameters["rng"])
    landscape = NetworkLandscape(architecture, "cross-entropy", data.train_inputs, data.train_targets)
    with one_torch_thread():
        ensemble = train_ensemble(
            architecture,
            data,
            unit["count"],
            first=unit["first"],
            training=Training(**parameters["training"]),
            rng=np.random.SeedSequence(parameters["rng"], spawn_key=(unit["n"],)),
            n_threads=1,
        )
        points = ensemble.parameters.astype(np.float64)
        found = refined_networks(
            landscape,
            points,
            method=parameters["method"],
            tol=parameters["tol"],
            max_steps=parameters["refine_steps"],
        )
        ends = {"trained": points, "refined": found.points}
        arrays: dict[str, NDArray[Any]] = {"converged": found.converged, "steps": found.steps}
        for stage in STAGES:
            arrays |= {f"{stage}_{k}": v for k, v in _counted(landscape, ends[stage], parameters["zero_tol"]).items()}
    return arrays


def _counted(landscape: Any, points: NDArray[np.float64], zero_tol: float) -> dict[str, NDArray[Any]]:
    """Losses, gradients, certified indices and numbers of eigenvalues below -t for every threshold t."""
    from scipy.linalg import eigvalsh

    from spinscape.spectrum import matrix_index

    columns: dict[str, list[Any]] = {name: [] for name in ("index", "zero", "certified", "margin", "below")}
    for point in points:
        hessian = landscape.hessian(point[None])[0]
        count = matrix_index(hessian, zero_tol, n_threads=1)
        for name, values in (("index", count.negative), ("zero", count.zero), ("certified", count.certified)):
            columns[name].append(values[0])
        columns["margin"].append(count.margin[0])
        columns["below"].append(np.searchsorted(eigvalsh(hessian), -THRESHOLDS))
    norm = np.sqrt(np.mean(landscape.gradient(points) ** 2, axis=1))
    return {"loss": landscape.energy(points), "gradient_norm": norm} | {k: np.array(v) for k, v in columns.items()}


@dataclass(frozen=True)
class Stage:
    """Networks of one n, trained or refined, an element a network.

    index, zero, certified : of the Hessian.     below : (networks, thresholds) eigenvalues below -THRESHOLDS.
    """

    n: int
    stage: str
    index: NDArray[np.int64]
    zero: NDArray[np.int64]
    certified: NDArray[np.bool_]
    below: NDArray[np.int64]
    loss: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]
    converged: NDArray[np.bool_]

    @property
    def parameters(self) -> int:
        """Number of weights and biases P."""
        return parameter_count(self.n)


@dataclass(frozen=True)
class NetworkIndices:
    """The table of a study of indices."""

    stages: tuple[Stage, ...]
    thresholds: NDArray[np.float64]
    zero_tol: float
    published: Mapping[int, tuple[int, ...]]
    recipe: Mapping[str, Any]

    @classmethod
    def from_store(cls, store: Store) -> NetworkIndices:
        """Read the finished units of a store; a size without any is left out."""
        parameters, stages = store.recipe.parameters, []
        rows = sorted(store.rows, key=lambda row: (row.unit["n"], row.unit["first"]))
        for n in parameters["sizes"]:
            mine = [row.arrays for row in rows if row.unit["n"] == n]
            stages += [_stage(n, stage, mine) for stage in STAGES if mine]
        return cls(tuple(stages), THRESHOLDS, parameters["zero_tol"], PUBLISHED, parameters)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a size and stage; the normalised index is the index over P, its half the papers' axis."""
        return [self._row(stage) for stage in self.stages]

    def shown(self) -> list[dict[str, str]]:
        """Return the rows to read."""
        return [
            {
                "n": str(one.n),
                "P": str(one.parameters),
                "stage": one.stage,
                "networks": str(len(one.index)),
                "mean index": intervals.mean(one.index).text(".2f"),
                "index / P": f"{np.mean(one.index) / one.parameters:.5f}",
                "index / 2P": f"{np.mean(one.index) / one.parameters / 2:.5f}",
                "index 0": intervals.fraction(int(np.sum(one.index == 0)), len(one.index)).text(".2f"),
                "zero / P": f"{np.mean(one.zero) / one.parameters:.3f}",
                "certified": f"{np.sum(one.certified)} of {len(one.index)}",
                "median gradient": f"{np.median(one.gradient_norm):.1e}",
                "loss": f"{np.mean(one.loss):.4f}",
            }
            for one in self.stages
        ]

    def notes(self) -> list[str]:
        """Return how the networks were made, how many refinements converged, and the published indices."""
        made, training = self.recipe, self.recipe["training"]
        text = f"{training['epochs']} epochs of SGD on {made['train']:,} images, rate {training['rate']:g}"
        text += f"/(1 + {training['decay']:g} t); refined by {made['method']}, at most {made['refine_steps']} steps"
        done = [one for one in self.stages if one.stage == "refined"]
        reached = ", ".join(f"n = {one.n}: {np.sum(one.converged)} of {len(one.index)}" for one in done)
        means = ", ".join(f"n = {n}: {_mean_of(counts):.2f}" for n, counts in self.published.items())
        return [
            f"{text}; brackets: 95 % confidence",
            f"gradient norm |g|/sqrt(P) below {made['tol']:g} reached: {reached}",
            f"published mean index (1000 trained networks): {means}; |eigenvalue| <= {self.zero_tol:g} counts as zero",
        ]

    def _row(self, one: Stage) -> dict[str, Any]:
        counts = self.published.get(one.n)
        return {
            "n": one.n,
            "parameters": one.parameters,
            "stage": one.stage,
            "networks": len(one.index),
            **intervals.mean(one.index).columns("index_mean"),
            **intervals.deviation(one.index).columns("index_sd"),
            "index_max": int(one.index.max()),
            "normalised_index": float(np.mean(one.index)) / one.parameters,
            "half_normalised_index": float(np.mean(one.index)) / one.parameters / 2,
            **intervals.fraction(int(np.sum(one.index == 0)), len(one.index)).columns("index_0"),
            "published_mean": _mean_of(counts) if counts else float("nan"),
            "published_index_0": counts[0] / sum(counts) if counts else float("nan"),
            "zero_fraction": float(np.mean(one.zero)) / one.parameters,
            "certified": float(np.mean(one.certified)),
            "converged": float(np.mean(one.converged)) if one.stage == "refined" else float("nan"),
            "gradient_norm_median": float(np.median(one.gradient_norm)),
            "loss_mean": float(np.mean(one.loss)),
        }


def _stage(n: int, stage: str, arrays: list[Arrays]) -> Stage:
    names = ("index", "zero", "certified", "below", "loss", "gradient_norm")
    column = joined(arrays)
    mine: dict[str, Any] = {name: column[f"{stage}_{name}"] for name in names}
    return Stage(n=n, stage=stage, converged=column["converged"], **mine)


def _mean_of(counts: tuple[int, ...]) -> float:
    return float(np.arange(len(counts)) @ np.array(counts) / sum(counts))
