"""Simulated annealing against SGD on a part of MNIST.

Both start at the same law; annealing is Metropolis' with proposals of one weight at a time (`networks.Cooling`), whose
cost grows with the square of a network's size: so the paper, too, took a part of MNIST and small n.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape import statistics
from spinscape.experiments import trained
from spinscape.experiments.trained import data_of, parameter_count
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.statistics import NAN, Interval
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, counts, integer, number, several
from spinscape.study.records import Arrays

# n -> mean test loss of annealed networks and of those trained by SGD: AISTATS15 Fig. 6, on a part of MNIST.
PUBLISHED: Mapping[int, tuple[float, float]] = {
    2: (1.110, 1.074),
    3: (0.777, 0.729),
    5: (0.488, 0.448),
    10: (0.373, 0.352),
    15: (0.354, 0.355),
    25: (0.349, 0.305),
}


METHODS = ("sgd", "annealing")


CHUNK = 4


SECONDS = 1.9e-7  # of a proposal, a network and an image: benchmarks/networks.py


NAMES = {"sgd": "SGD", "annealing": "annealing"}


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    """Return chunks of networks by both methods, small n first."""
    for n in parameters["sizes"]:
        for chunk in trained.chunks(parameters["networks"][str(n)], CHUNK):
            for method in METHODS:
                yield {"n": n, "method": method, **chunk}


def cost(parameters: Parameters, unit: Unit) -> float:
    moves = parameters["cooling"]["sweeps"] * parameter_count(unit["n"])
    if unit["method"] == "sgd":
        moves = parameters["training"]["epochs"] * (2.5 + 0.04 * unit["n"])
    return float(unit["count"] * SECONDS * parameters["train"] * moves)


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    return 2**28 + 4 * 6 * unit["count"] * parameters["train"] * (unit["n"] + 20)


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Train or anneal one chunk of networks; on one thread."""
    from spinscape.networks import Architecture, Cooling, Training, anneal_ensemble, train_ensemble

    architecture = Architecture((100, unit["n"], 10))
    data = data_of(parameters["train"], parameters["test"], parameters["rng"])
    seed = np.random.SeedSequence(parameters["rng"], spawn_key=(unit["n"],))
    first, count = unit["first"], unit["count"]
    if unit["method"] == "sgd":
        training = Training(**parameters["training"])
        ensemble = train_ensemble(architecture, data, count, first=first, training=training, rng=seed, n_threads=1)
    else:
        cooling = Cooling(**parameters["cooling"])
        ensemble = anneal_ensemble(architecture, data, count, first=first, cooling=cooling, rng=seed)
    return {name: getattr(ensemble, name) for name in ("train_loss", "test_loss", "train_error", "test_error")}


@dataclass(frozen=True)
class Method:
    """Networks of one n found by one method, an element a network."""

    n: int
    method: str
    train: NDArray[np.float64]
    test: NDArray[np.float64]
    test_error: NDArray[np.float64]


@dataclass(frozen=True)
class NetworkAnnealing(ResultTable):
    """The table of a comparison; both methods of a size follow each other."""

    methods: tuple[Method, ...]
    published: Mapping[int, tuple[float, float]]
    recipe: Mapping[str, Any]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; what has none is left out."""
        found = (
            Method(n, method, column["train_loss"], column["test_loss"], column["test_error"])
            for (n, method), column in results.joined("n", "method")
        )
        return cls(tuple(found), PUBLISHED, results.parameters)

    def difference(self, n: int) -> Interval:
        """Return mean test loss of annealing minus that of SGD, with Welch's interval."""
        sample = {one.method: one.test for one in self.methods if one.n == n}
        if len(sample) < 2:
            return Interval(NAN, NAN, NAN)
        return statistics.difference(sample["annealing"], sample["sgd"])

    def rows(self) -> Rows:
        """Return one row a size and method; the difference of the test losses is in both rows of a size."""
        return [
            {
                "n": one.n,
                "method": one.method,
                "networks": len(one.test),
                **statistics.mean(one.train).columns("train_loss"),
                **statistics.mean(one.test).columns("test_loss"),
                "test_loss_published": self.published.get(one.n, (NAN, NAN))[one.method == "sgd"],
                "test_error": float(np.mean(one.test_error)),
                **self.difference(one.n).columns("annealing_minus_sgd"),
            }
            for one in self.methods
        ]

    def notes(self) -> list[str]:
        """Return how networks were trained and annealed."""
        made, training, cooling = self.recipe, self.recipe["training"], self.recipe["cooling"]
        return [
            f"{made['train']:,} training images; SGD: {training['epochs']} epochs, rate {training['rate']:g}"
            f"/(1 + {training['decay']:g} t); annealing: {cooling['sweeps']} sweeps, T from {cooling['hot']:g} to "
            f"{cooling['cold']:g}; brackets: 95 % confidence; parentheses: published, on another part of MNIST"
        ]


def draw(table: NetworkAnnealing) -> Figure:
    """Training losses beside test losses, both methods against n."""
    images = f"{table.recipe['train']:,} training images"
    return style.page(
        3.0,
        (f"Training loss, {images}", partial(losses, table, "train")),
        (f"Test loss, {images}", partial(losses, table, "test")),
        note=f"Small: networks; {style.BARS}. Grey: AISTATS15, a part of MNIST of unknown size: heights do not compare",
    )


@style.panel
def losses(table: NetworkAnnealing, part: str, ax: Axes) -> None:
    """Every network (small) and the means with intervals of 95 %; hollow: published mean test losses."""
    rows = table.rows()
    for k, method in enumerate(NAMES):
        colour, shift = style.PALETTE[k], (0.97, 1.03)[k]
        for one in (one for one in table.methods if one.method == method):
            values = getattr(one, part)
            ax.plot(np.full(len(values), one.n * shift), values, ".", color=colour, markersize=2.5, alpha=0.6)
        mine = [row for row in rows if row["method"] == method]
        n = np.array([row["n"] for row in mine], dtype=float)
        name = f"{part}_loss"
        mean = np.array([row[name] for row in mine])
        low, high = (np.array([row[f"{name}_{end}"] for row in mine]) for end in ("low", "high"))
        bars = np.nan_to_num([mean - low, high - mean])
        ax.errorbar(n * shift, mean, bars, fmt="o-", color=colour, capsize=2, linewidth=1.0, label=NAMES[method])
        if part == "test":
            published = [row["test_loss_published"] for row in mine]
            label = f"{NAMES[method]}, AISTATS15"
            options: dict[str, Any] = {"color": style.MUTED, "linewidth": 0.7, "alpha": 0.8, "markersize": 3.0}
            ax.plot(n, published, "sD"[k] + ":", mfc="none", label=label, **options)
    sizes = list(dict.fromkeys(one.n for one in table.methods))
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(sizes, [str(n) for n in sizes])
    ax.xaxis.minorticks_off()
    ax.set_xlabel("hidden units $n$")
    ax.set_ylabel(f"{'training' if part == 'train' else part} loss")
    ax.legend(loc="best", fontsize=7.5)


EXPERIMENT = Experiment.of(
    __name__,
    source="AISTATS15 Fig. 6",
    parameters=(
        several(integer("sizes", (2, 3, 5, 10, 15, 25), "hidden units n", 1, 10**4, unit="units")),
        counts("networks", 8, "networks of every size and method", unit="networks"),
        trained.images(1000),
        trained.TEST,
        *trained.sgd(200, 0.5, 0.05),
        *trained.cooling(60, 3e-3, 1e-5),
        number("step", 0.3, "standard deviation of the first proposals", 0.0, above=True, unit="weight"),
        SEED,
    ),
    arrange=lambda values: trained.with_cooling(trained.with_training(values)),
    quick={"sizes": (2, 3, 5, 10), "networks": 4, "sweeps": 30, "epochs": 100},
    full={"networks": 100, "train": 2000, "sweeps": 200},
    core_seconds=1.0,
    single_thread=True,
    needs=trained.NEEDS,
    table=NetworkAnnealing,
    shown={
        "n": "",
        "method": "",
        "networks": "",
        "train_loss": ".4f",
        "test_loss": ".4f",
        "test_error": ".1%",
        "annealing_minus_sgd": ("annealing - SGD", "+.4f"),
    },
    published=PUBLISHED,
)
recipe = EXPERIMENT.maker
