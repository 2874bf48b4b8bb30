"""Training and test losses of ensembles of networks 100-n-10 on MNIST 10x10: AISTATS15 Fig. 3 (right), Table 1, Fig. 7.

The paper prints neither loss, rate, batch nor data sizes; ours are in the recipe: cross-entropy, all 60,000 training
images, minibatches of 100, rate / (1 + decay t) in epoch t, initial weights and biases uniform in [-1/2, 1/2].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_integer
from spinscape.study.networks import intervals, scaling
from spinscape.study.networks.intervals import Interval
from spinscape.study.networks.trained import parameter_count
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays, joined
from spinscape.study.store import Store

if TYPE_CHECKING:
    from spinscape.networks.data import Data

# n -> train mean, s.d., test mean, s.d., Pearson correlation: AISTATS15 Fig. 3 (right) and Table 1. 1000 networks each;
# 890 and 970 for n = 250 and 500.
PUBLISHED: Mapping[int, tuple[float, float, float, float, float]] = {
    10: (0.22830, 0.00683, 0.22501, 0.00808, 0.8635),
    25: (0.12500, 0.00360, 0.13060, 0.00445, 0.7616),
    50: (0.09183, 0.00208, 0.10163, 0.00268, 0.6861),
    100: (0.07668, 0.00116, 0.08881, 0.00170, 0.5983),
    250: (0.06702, 0.00062, 0.08069, 0.00100, 0.5302),
    500: (0.06252, 0.00040, 0.07717, 0.00074, 0.4081),
}

CHUNK = 8

# Seconds of one network-epoch on 60,000 samples, one core of an EPYC (AVX2) among busy ones: a + b n. With AVX-512 and
# alone it was half of it. benchmarks/networks.py.
SECONDS_PER_EPOCH = (0.05, 9.0e-4)


def recipe(
    *,
    sizes: tuple[int, ...] = (10, 25, 50, 100),
    networks: int | Mapping[int, int] = 48,
    train: int | None = 10_000,
    test: int | None = None,
    epochs: int = 20,
    rate: float = 0.1,
    decay: float = 0.1,
    batch: int = 100,
    optimiser: str = "sgd",
    init: str = "cube",
    rng: int = 0,
) -> Recipe:
    """Return the recipe of an ensemble study.

    sizes : hidden units n.     networks : of each size, or {n: networks}.
    train, test : images drawn at random from MNIST 10x10; None for all of them.
    epochs, rate, decay, batch, optimiser : see `networks.Training`.     init : see `networks.Architecture`.
    """
    from spinscape.networks import Architecture, Training

    given = dict.fromkeys(sizes, networks) if isinstance(networks, int) else {int(n): c for n, c in networks.items()}
    if set(given) != set(sizes):
        raise ValueError(f"networks: expected a count for each of {tuple(sizes)}, got {given}")
    Architecture((100, 10), init=init)
    training = Training(optimiser=optimiser, rate=rate, decay=decay, batch=batch, epochs=epochs)
    parameters = {
        "sizes": [as_integer(n, "sizes", 1, 10**5) for n in sizes],
        "networks": {str(n): as_integer(count, "networks", 1, 10**7) for n, count in given.items()},
        "train": None if train is None else as_integer(train, "train", 1, 60_000),
        "test": None if test is None else as_integer(test, "test", 1, 10_000),
        "training": training.to_dict(),
        "init": init,
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("network-losses", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the chunks of networks, one chunk of every size in turn, so that all sizes are there early."""
    counts = {n: parameters["networks"][str(n)] for n in parameters["sizes"]}
    for first in range(0, max(counts.values()), CHUNK):
        for n, count in counts.items():
            if first < count:
                yield {"n": n, "first": first, "count": min(CHUNK, count - first)}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the seconds the unit takes on one core."""
    constant, slope = SECONDS_PER_EPOCH
    samples = (parameters["train"] or 60_000) / 60_000
    epochs = parameters["training"]["epochs"]
    return float(unit["count"] * samples * (epochs + 2) * (constant + slope * unit["n"]))


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes a unit needs at most: the data, parameters, activations."""
    return int(
        2**28 + 8 * 6 * unit["count"] * parameter_count(unit["n"]) + 8 * 4 * unit["count"] * 1000 * (unit["n"] + 110)
    )


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return the mean losses."""
    return f"n = {unit['n']}: train {arrays['train_loss'].mean():.4f}, test {arrays['test_loss'].mean():.4f}"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Train one chunk of networks on one thread, whatever n_threads: the bits must not depend on it."""
    from spinscape.networks import Architecture, Training, train_ensemble

    ensemble = train_ensemble(
        Architecture((100, unit["n"], 10), init=parameters["init"]),
        data_of(parameters["train"], parameters["test"], parameters["rng"]),
        unit["count"],
        first=unit["first"],
        training=Training(**parameters["training"]),
        rng=np.random.SeedSequence(parameters["rng"], spawn_key=(unit["n"],)),
        chunk=CHUNK,
        n_threads=1,
    )
    names = ("train_loss", "test_loss", "train_error", "test_error", "gradient_norm", "epochs")
    return {"network": np.arange(unit["first"], unit["first"] + unit["count"])} | {
        name: getattr(ensemble, name) for name in names
    }


@lru_cache(maxsize=2)
def data_of(train: int | None, test: int | None, rng: int) -> Data:
    """Return MNIST 10x10, or a random part of it."""
    from spinscape.networks import load_mnist10

    return load_mnist10().subset(train, test, rng=np.random.SeedSequence(rng, spawn_key=(0, 1)))


@dataclass(frozen=True)
class Size:
    """The networks of one number n of hidden units that did not diverge, an element a network; `diverged` did."""

    n: int
    train: NDArray[np.float64]
    test: NDArray[np.float64]
    train_error: NDArray[np.float64]
    test_error: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]
    diverged: int

    @property
    def correlation(self) -> Interval:
        """Pearson's correlation of training and test loss."""
        return intervals.pearson(self.train, self.test)


@dataclass(frozen=True)
class NetworkLosses:
    """The table of a study of losses: sizes with finished networks, and the fitted scaling of the mean test loss."""

    sizes: tuple[Size, ...]
    scaling: scaling.Scaling | None
    training: Mapping[str, Any]
    images: int

    @classmethod
    def from_store(cls, store: Store) -> NetworkLosses:
        """Read the finished units of a store; a size without any is left out."""
        parameters = store.recipe.parameters
        rows = sorted(store.rows, key=lambda row: (row.unit["n"], row.unit["first"]))
        found = [(n, [row.arrays for row in rows if row.unit["n"] == n]) for n in sorted(parameters["sizes"])]
        sizes = tuple(_size(n, arrays) for n, arrays in found if arrays)
        usable = [size for size in sizes if len(size.test) > 1]
        law = scaling.fit([size.n for size in usable], [size.test for size in usable])
        return cls(sizes, law, parameters["training"], parameters["train"] or 60_000)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a size: moments and correlation with intervals of 95 %, the published values beside them."""
        return [_row(size) for size in self.sizes]

    def shown(self) -> list[dict[str, str]]:
        """Return the rows to read: estimates with their intervals, published values in parentheses."""
        return [_shown(size) for size in self.sizes]

    def notes(self) -> list[str]:
        """Return what belongs under the table: how networks were trained, the fitted scaling."""
        training = self.training
        text = f"{training['optimiser']}, {training['epochs']} epochs, {self.images:,} training images, "
        text += f"rate {training['rate']:g}/(1 + {training['decay']:g} t), minibatches of {training['batch']}"
        notes = [f"trained by {text}; brackets: 95 % confidence, parentheses: published"]
        if self.scaling is not None:
            law, (alpha, beta) = self.scaling, scaling.PUBLISHED
            fitted = f"c = {law.constant.text('.4f')}, alpha = {law.alpha.text('.2f')}, beta = {law.beta.text('.3f')}"
            notes.append(
                f"mean test loss = c exp(alpha n^beta): {fitted}, relative residual {law.residual:.2%}; "
                f"published: alpha = {alpha}, beta = {beta}"
            )
        return notes


def _size(n: int, arrays: list[Arrays]) -> Size:
    column = joined(arrays)
    kept = np.isfinite(column["train_loss"]) & np.isfinite(column["test_loss"])
    return Size(
        n=n,
        train=column["train_loss"][kept],
        test=column["test_loss"][kept],
        train_error=column["train_error"][kept],
        test_error=column["test_error"][kept],
        gradient_norm=column["gradient_norm"][kept],
        diverged=int(np.sum(~kept)),
    )


def _row(size: Size) -> dict[str, Any]:
    nan = float("nan")
    train_mean, train_sd, test_mean, test_sd, correlation = PUBLISHED.get(size.n, (nan,) * 5)
    return {
        "n": size.n,
        "networks": len(size.train) + size.diverged,
        "diverged": size.diverged,
        **intervals.mean(size.train).columns("train_mean"),
        "train_mean_published": train_mean,
        **intervals.deviation(size.train).columns("train_sd"),
        "train_sd_published": train_sd,
        **intervals.mean(size.test).columns("test_mean"),
        "test_mean_published": test_mean,
        **intervals.deviation(size.test).columns("test_sd"),
        "test_sd_published": test_sd,
        **size.correlation.columns("correlation"),
        "correlation_published": correlation,
        "test_error": float(np.mean(size.test_error)) if len(size.test_error) else nan,
        "gradient_norm": float(np.mean(size.gradient_norm)) if len(size.gradient_norm) else nan,
    }


def _shown(size: Size) -> dict[str, str]:
    published = PUBLISHED.get(size.n)
    beside = [f" ({value:.5f})" for value in published[:4]] if published else [""] * 4
    found = [f(sample).text(".5f") for sample in (size.train, size.test) for f in (intervals.mean, intervals.deviation)]
    return {
        "n": str(size.n),
        "networks": str(len(size.train) + size.diverged),
        **dict(
            zip(("train mean", "train s.d.", "test mean", "test s.d."), map(str.__add__, found, beside), strict=True)
        ),
        "correlation": size.correlation.text(".3f") + (f" ({published[4]:.4f})" if published else ""),
        "test error": f"{np.mean(size.test_error):.2%}" if len(size.test_error) else "",
    }
