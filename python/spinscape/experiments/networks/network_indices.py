"""Indices of small networks as trained and at the critical points nearby.

Indices of trained networks: AISTATS15 Figs. 4 and 5, as training leaves them and at the critical points nearby.

The Hessian is that of the training loss on the images of the recipe, exact, and its eigenvalues within zero_tol = 1e-3
count as zero, as in the paper. Where it stops, SGD has not reached a critical point: its gradient says how far it is.
So every network is also refined, and counted again; what did not converge is counted too, and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape import statistics
from spinscape.arrays import as_choice
from spinscape.experiments import trained
from spinscape.experiments.trained import data_of, parameter_count
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, counts, integer, number, several, word
from spinscape.study.records import Arrays

# n -> numbers of networks with index 0, 1, 2, ...: AISTATS15 Figs. 4 and 5, 1000 networks each. Their axis, the
# "normalised index", is the index over twice the number of parameters.
PUBLISHED: Mapping[int, tuple[int, ...]] = {
    10: (866, 97, 23, 4, 5, 4, 1),
    100: (84, 227, 249, 201, 145, 57, 24, 10, 2, 1),
}


STAGES = ("trained", "refined")
THRESHOLDS = np.geomspace(1e-7, 1e-1, 49)
CHUNK = 2
LINES = {"trained": "-", "refined": "--"}


def arrange(values: dict[str, Any]) -> dict[str, Any]:
    from spinscape.networks import Architecture
    from spinscape.networks.refinement import METHODS

    Architecture((100, 10), activation=values["activation"])
    as_choice(values["method"], "method", METHODS)
    return trained.with_training(values)


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    """Return chunks of networks, small n first."""
    for n in parameters["sizes"]:
        for chunk in trained.chunks(parameters["networks"][str(n)], CHUNK):
            yield {"n": n, **chunk}


def cost(parameters: Parameters, unit: Unit) -> float:
    samples, size = parameters["train"], parameter_count(unit["n"])
    passes = parameters["training"]["epochs"] + 3 * parameters["refine_steps"]
    hessians = 2 * (2 * samples * size**2 + 5 * size**3) / 5e9
    return float(unit["count"] * (passes * samples * trained.training_seconds(unit["n"]) + hessians))


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    return 2**28 + 8 * 6 * parameter_count(unit["n"]) ** 2


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
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
class NetworkIndices(ResultTable):
    """The table of a study of indices."""

    stages: tuple[Stage, ...]
    thresholds: NDArray[np.float64]
    zero_tol: float
    published: Mapping[int, tuple[int, ...]]
    recipe: Mapping[str, Any]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a size without any is left out."""
        made = results.parameters
        stages = (_stage(n, stage, column) for (n,), column in results.joined("n") for stage in STAGES)
        return cls(tuple(stages), THRESHOLDS, made["zero_tol"], PUBLISHED, made)

    def rows(self) -> Rows:
        """Return one row a size and stage; the normalised index is the index over P, its half the papers' axis."""
        return [self._row(stage) for stage in self.stages]

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
            **statistics.mean(one.index).columns("index_mean"),
            **statistics.deviation(one.index).columns("index_sd"),
            "index_max": int(one.index.max()),
            "normalised_index": float(np.mean(one.index)) / one.parameters,
            "half_normalised_index": float(np.mean(one.index)) / one.parameters / 2,
            **statistics.fraction(int(np.sum(one.index == 0)), len(one.index)).columns("index_0"),
            "published_mean": _mean_of(counts) if counts else float("nan"),
            "published_index_0": counts[0] / sum(counts) if counts else float("nan"),
            "zero_fraction": float(np.mean(one.zero)) / one.parameters,
            "certified": float(np.mean(one.certified)),
            "converged": float(np.mean(one.converged)) if one.stage == "refined" else float("nan"),
            "gradient_norm_median": float(np.median(one.gradient_norm)),
            "loss_mean": float(np.mean(one.loss)),
        }


def _stage(n: int, stage: str, column: Arrays) -> Stage:
    names = ("index", "zero", "certified", "below", "loss", "gradient_norm")
    mine: dict[str, Any] = {name: column[f"{stage}_{name}"] for name in names}
    return Stage(n=n, stage=stage, converged=column["converged"], **mine)


def _mean_of(counts: tuple[int, ...]) -> float:
    return float(np.arange(len(counts)) @ np.array(counts) / sum(counts))


def draw(table: NetworkIndices) -> Figure:
    """The distributions of trained networks and of refined ones beside the index against the threshold."""
    return style.page(
        2.9,
        ("As trained", partial(distributions, table, "trained")),
        ("Refined", partial(distributions, table, "refined")),
        ("Against the threshold", partial(thresholds, table)),
        note=r"Hollow: AISTATS15. Dotted: the threshold of the index; eigenvalues of smaller modulus count as zero",
        width_ratios=(1.0, 1.0, 1.15),
    )


@style.panel
def distributions(table: NetworkIndices, stage: str, ax: Axes) -> None:
    """Fractions of networks by index over P; hollow: published, in the same unit (its own axis is halved)."""
    mine = [one for one in table.stages if one.stage == stage]
    for one, colour in zip(mine, style.ordered_colours(len(mine)), strict=True):
        values, counts = np.unique(one.index, return_counts=True)
        place = values / one.parameters
        ax.vlines(place, 0, counts / counts.sum(), color=colour, linewidth=1.2)
        ax.plot(place, counts / counts.sum(), "o", color=colour, label=f"$n = {one.n}$")
        published = table.published.get(one.n)
        if published is not None and stage == "trained":
            heights = np.array(published) / sum(published)
            at = np.arange(len(published)) / one.parameters
            ax.plot(at, heights, "s", mfc="none", color=colour, label=f"$n = {one.n}$, published", markersize=3.5)
    ax.set_xlabel("index / $P$")
    ax.set_ylabel("fraction of networks")
    ax.set_ylim(bottom=0)
    ax.locator_params(axis="x", nbins=4)
    ax.legend(loc="best", fontsize=7.5)


@style.panel
def thresholds(table: NetworkIndices, ax: Axes) -> None:
    """Mean fraction of eigenvalues below -t against t; dotted: the papers' 1e-3."""
    colours = dict(zip(dict.fromkeys(one.n for one in table.stages), style.PALETTE, strict=False))
    for one in table.stages:
        mean = one.below.mean(axis=0) / one.parameters
        ax.plot(table.thresholds, mean, LINES[one.stage], color=colours[one.n], label=f"{one.n}, {one.stage}")
    style.reference_line(ax, table.zero_tol, "", vertical=True)
    ax.set_xscale("log")
    ax.set_yscale("symlog", linthresh=1e-4)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("threshold $t$")
    ax.set_ylabel("fraction of eigenvalues $< -t$")
    ax.legend(loc="lower left", fontsize=7.5)


EXPERIMENT = Experiment.of(
    __name__,
    source="AISTATS15 Figs. 4 and 5",
    parameters=(
        several(integer("sizes", (5, 10), "hidden units n", 1, 10**4, unit="units")),
        counts("networks", 16, "networks of every size", unit="networks"),
        trained.images(3000),
        *trained.sgd(60, 0.5, 0.05, 100),
        word("activation", "relu", "of the hidden units, see networks.Architecture"),
        word("method", "lbfgs", "of refinement, see networks.refinement"),
        integer("refine_steps", 500, "steps of the refinement; 0 refines nothing", unit="steps"),
        number("tol", 1e-6, "|g|/√P at which the refinement stops", 0.0, unit="loss"),
        number("zero_tol", 1e-3, "eigenvalues of the Hessian within it count as zero", 0.0, unit="loss"),
        SEED,
    ),
    quick={"networks": {5: 8, 10: 4}, "train": 2000, "refine_steps": 200},
    default={"networks": {5: 32, 10: 16}, "train": 5000, "refine_steps": 1000},
    full={"sizes": (10, 100), "networks": 1000, "train": 60_000, "epochs": 200, "refine_steps": 0},
    core_seconds=1.0,
    single_thread=True,
    needs=trained.NEEDS,
    table=NetworkIndices,
    shown={
        "n": "",
        "parameters": ("P", ""),
        "stage": "",
        "networks": "",
        "index_mean": ("mean index", ".2f"),
        "normalised_index": ("index / P", ".5f"),
        "half_normalised_index": ("index / 2P", ".5f"),
        "index_0": ("index 0", ".2f"),
        "zero_fraction": ("zero / P", ".3f"),
        "certified": ".0%",
        "gradient_norm_median": ("median gradient", ".1e"),
        "loss_mean": ("loss", ".4f"),
    },
    published=PUBLISHED,
)
recipe = EXPERIMENT.maker
