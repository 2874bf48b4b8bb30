"""Simulated annealing against stochastic gradient descent on the same images: AISTATS15 Fig. 6.

Both start at the same law; annealing is Metropolis' with proposals of one weight at a time (`networks.Cooling`), whose
cost grows with the square of a network's size: so the paper, too, took a part of MNIST and small n.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_integer
from spinscape.study.disorder import as_counts
from spinscape.study.networks import intervals
from spinscape.study.networks.losses import data_of
from spinscape.study.networks.trained import parameter_count
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays, joined
from spinscape.study.store import Store

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


def recipe(
    *,
    sizes: tuple[int, ...] = (2, 3, 5, 10, 15, 25),
    networks: Mapping[Any, int] | int = 8,
    train: int = 1000,
    test: int | None = None,
    epochs: int = 200,
    rate: float = 0.5,
    decay: float = 0.05,
    sweeps: int = 60,
    hot: float = 3e-3,
    cold: float = 1e-5,
    step: float = 0.3,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a comparison.

    train, test : images, drawn at random.     epochs, rate, decay : of SGD with minibatches of 100.
    sweeps, hot, cold, step : see `networks.Cooling`.
    """
    from spinscape.networks import Cooling, Training

    parameters = {
        "sizes": [as_integer(n, "sizes", 1, 10**4) for n in sizes],
        "networks": as_counts(networks, tuple(sizes), "networks"),
        "train": as_integer(train, "train", 1, 60_000),
        "test": None if test is None else as_integer(test, "test", 1, 10_000),
        "training": Training(epochs=epochs, rate=rate, decay=decay).to_dict(),
        "cooling": Cooling(sweeps=sweeps, hot=hot, cold=cold, step=step).to_dict(),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("network-annealing", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return chunks of networks by both methods, small n first."""
    for n in parameters["sizes"]:
        count = parameters["networks"][str(n)]
        for first in range(0, count, CHUNK):
            for method in METHODS:
                yield {"n": n, "method": method, "first": first, "count": min(CHUNK, count - first)}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return about the seconds the unit takes."""
    moves = parameters["cooling"]["sweeps"] * parameter_count(unit["n"])
    if unit["method"] == "sgd":
        moves = parameters["training"]["epochs"] * (2.5 + 0.04 * unit["n"])
    return float(unit["count"] * SECONDS * parameters["train"] * moves)


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes a unit needs: data, activations of all images several times."""
    return int(2**28 + 4 * 6 * unit["count"] * parameters["train"] * (unit["n"] + 20))


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return the mean test loss."""
    return f"n = {unit['n']}, {unit['method']}: test loss {arrays['test_loss'].mean():.4f}"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
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
class NetworkAnnealing:
    """The table of a comparison; both methods of a size follow each other."""

    methods: tuple[Method, ...]
    published: Mapping[int, tuple[float, float]]
    recipe: Mapping[str, Any]

    @classmethod
    def from_store(cls, store: Store) -> NetworkAnnealing:
        """Read the finished units of a store; what has none is left out."""
        parameters, found = store.recipe.parameters, []
        rows = sorted(store.rows, key=lambda row: (row.unit["n"], row.unit["first"]))
        for n in parameters["sizes"]:
            for method in METHODS:
                mine = [row.arrays for row in rows if (row.unit["n"], row.unit["method"]) == (n, method)]
                if mine:
                    column = joined(mine)
                    found.append(Method(n, method, column["train_loss"], column["test_loss"], column["test_error"]))
        return cls(tuple(found), PUBLISHED, parameters)

    def difference(self, n: int) -> intervals.Interval:
        """Return mean test loss of annealing minus that of SGD, with Welch's interval."""
        sample = {one.method: one.test for one in self.methods if one.n == n}
        if len(sample) < 2:
            return intervals.Interval(*[intervals.NAN] * 3)
        return intervals.difference(sample["annealing"], sample["sgd"])

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a size and method; the difference of the test losses is in both rows of a size."""
        return [
            {
                "n": one.n,
                "method": one.method,
                "networks": len(one.test),
                **intervals.mean(one.train).columns("train_loss"),
                **intervals.mean(one.test).columns("test_loss"),
                "test_loss_published": self._published(one),
                "test_error": float(np.mean(one.test_error)),
                **self.difference(one.n).columns("annealing_minus_sgd"),
            }
            for one in self.methods
        ]

    def shown(self) -> list[dict[str, str]]:
        """Return the rows to read."""
        return [
            {
                "n": str(one.n),
                "method": one.method,
                "networks": str(len(one.test)),
                "train loss": intervals.mean(one.train).text(".4f"),
                "test loss": intervals.mean(one.test).text(".4f"),
                "published": f"{self._published(one):.3f}",
                "test error": f"{np.mean(one.test_error):.1%}",
                "annealing - SGD": self.difference(one.n).text("+.4f") if one.method == "annealing" else "",
            }
            for one in self.methods
        ]

    def notes(self) -> list[str]:
        """Return how networks were trained and annealed."""
        made, training, cooling = self.recipe, self.recipe["training"], self.recipe["cooling"]
        return [
            f"{made['train']:,} training images; SGD: {training['epochs']} epochs, rate {training['rate']:g}"
            f"/(1 + {training['decay']:g} t); annealing: {cooling['sweeps']} sweeps, T from {cooling['hot']:g} to "
            f"{cooling['cold']:g}; brackets: 95 % confidence"
        ]

    def _published(self, one: Method) -> float:
        annealed, trained = self.published.get(one.n, (float("nan"),) * 2)
        return annealed if one.method == "annealing" else trained
