"""Index against error through training: Dauphin et al. 2014 (NIPS 27), Fig. 1, on small networks and MNIST 5x5.

Networks are trained by SGD; at given epochs Newton's method leads their parameters to the critical point nearby, of
whatever index, and its training loss, error and index are recorded. tanh, because a relu network's surface has kinks at
which Newton stops. Points that did not converge are kept, marked, and left out of the correlation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_integer, as_number
from spinscape.study.networks import intervals
from spinscape.study.networks.losses import data_of
from spinscape.study.networks.trained import parameter_count, points_along_training
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays, joined
from spinscape.study.store import Store

if TYPE_CHECKING:
    from spinscape.networks.data import Data


def recipe(
    *,
    n: int = 4,
    side: int = 5,
    networks: int = 6,
    train: int = 500,
    epochs: tuple[int, ...] = (0, 2, 5, 10, 20, 50, 100),
    rate: float = 0.5,
    decay: float = 0.02,
    batch: int = 50,
    newton_steps: int = 300,
    tol: float = 2e-5,
    zero_tol: float = 1e-3,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a study of critical points along training.

    n : hidden units.     side : MNIST 10x10 is averaged to side x side pixels, so that Hessians are small.
    epochs : when Newton starts.     newton_steps, tol : of `networks.refinement.refined_networks`.
    """
    from spinscape.networks import Training

    times = sorted(as_integer(epoch, "epochs", 0, 10**6) for epoch in epochs)
    if not times:
        raise ValueError("epochs: expected at least one epoch, got none")
    parameters = {
        "n": as_integer(n, "n", 1, 10**3),
        "side": as_integer(side, "side", 1, 10),
        "networks": as_integer(networks, "networks", 1, 10**6),
        "train": as_integer(train, "train", 1, 60_000),
        "epochs": times,
        "training": Training(epochs=times[-1], rate=rate, decay=decay, batch=batch).to_dict(),
        "newton_steps": as_integer(newton_steps, "newton_steps", 0),
        "tol": as_number(tol, "tol", 0.0),
        "zero_tol": as_number(zero_tol, "zero_tol", 0.0),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("index-error", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return one unit a network."""
    for network in range(parameters["networks"]):
        yield {"network": network}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return about the seconds a unit takes: a Hessian, its eigenvectors and a search a Newton step."""
    size = _size(parameters)
    step = 2e-3 + 4e-10 * parameters["train"] * size**2 + 3e-9 * size**3
    return float(len(parameters["epochs"]) * parameters["newton_steps"] * step)


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes a unit needs."""
    return int(2**28 + 64 * _size(parameters) ** 2)


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return how many points converged, and the lowest loss."""
    return f"{arrays['converged'].sum()} of {len(arrays['loss'])} converged, lowest loss {arrays['loss'].min():.3f}"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Train one network, and polish what it was at every epoch asked for; on one thread."""
    from spinscape.networks import Architecture, NetworkLandscape, Training
    from spinscape.networks.ensembles import one_torch_thread
    from spinscape.networks.refinement import refined_networks
    from spinscape.spectrum import matrix_index

    data = small_images(parameters["train"], parameters["side"], parameters["rng"])
    architecture = Architecture((data.inputs, parameters["n"], 10), activation="tanh")
    landscape = NetworkLandscape(architecture, "cross-entropy", data.train_inputs, data.train_targets)
    training, seed = Training(**parameters["training"]), np.random.SeedSequence(parameters["rng"])
    with one_torch_thread():
        starts = points_along_training(
            architecture, data, training, parameters["epochs"], rng=seed, network=unit["network"]
        )
        found = refined_networks(
            landscape, starts, method="newton", tol=parameters["tol"], max_steps=parameters["newton_steps"]
        )
        count = matrix_index(landscape.hessian(found.points), parameters["zero_tol"], n_threads=1)
        return {
            "epoch": np.array(parameters["epochs"]),
            "start_loss": landscape.energy(starts),
            "loss": found.energy,
            "error": landscape.error(found.points),
            "index": count.negative,
            "zero": count.zero,
            "certified": count.certified,
            "converged": found.converged,
            "gradient_norm": found.gradient_norm,
        }


def _size(parameters: Mapping[str, Any]) -> int:
    return parameter_count(parameters["n"], parameters["side"] ** 2)


@lru_cache(maxsize=2)
def small_images(train: int, side: int, rng: int) -> Data:
    """Return random training images of MNIST 10x10 averaged to side x side pixels, and all test images."""
    from spinscape.networks import downsample

    data = data_of(train, None, rng)
    train_inputs, test_inputs = (
        downsample(inputs.reshape(-1, 10, 10), side).reshape(len(inputs), -1).astype(np.float32)
        for inputs in (data.train_inputs, data.test_inputs)
    )
    return replace(data, train_inputs=train_inputs, test_inputs=test_inputs)


@dataclass(frozen=True)
class TrainingPath:
    """The table: an element a critical point searched; `fraction` is its index over the number of parameters."""

    epoch: NDArray[np.int64]
    loss: NDArray[np.float64]
    error: NDArray[np.float64]
    fraction: NDArray[np.float64]
    certified: NDArray[np.bool_]
    converged: NDArray[np.bool_]
    recipe: Mapping[str, Any]

    @classmethod
    def from_store(cls, store: Store) -> TrainingPath:
        """Read the finished units of a store."""
        made = store.recipe.parameters
        rows = [row.arrays for row in sorted(store.rows, key=lambda row: row.unit["network"])]
        column = joined(rows)
        kept = {name: column[name] for name in ("epoch", "loss", "error", "certified", "converged")}
        return cls(fraction=column["index"] / _size(made), recipe=made, **kept)

    def correlation(self, what: str = "loss", *, all_points: bool = False) -> intervals.Interval:
        """Return Spearman's ρ between index and "loss" or "error" of the critical points, or of all end points."""
        chosen = np.ones(len(self.loss), dtype=bool) if all_points else self.converged
        return intervals.spearman(getattr(self, what)[chosen], self.fraction[chosen])

    def rows(self) -> list[dict[str, Any]]:
        """Return one row an epoch."""
        return [self._row(epoch) for epoch in self.recipe["epochs"]]

    def shown(self) -> list[dict[str, str]]:
        """Return the rows to read."""
        names = {"epoch": "d", "points": "d", "converged": "d", "certified": "d"}
        names |= {"loss": ".4f", "error": ".3f", "index_fraction": ".4f", "index_fraction_max": ".4f"}
        return [{name.replace("_", " "): f"{row[name]:{form}}" for name, form in names.items()} for row in self.rows()]

    def notes(self) -> list[str]:
        """Return how points were found and the correlations."""
        made = self.recipe
        return [
            f"tanh networks {made['side'] ** 2}-{made['n']}-10, {_size(made)} parameters, {made['train']:,} images; "
            f"Newton, at most {made['newton_steps']} steps to |g|/sqrt(P) <= {made['tol']:g}; means over end points",
            f"Spearman's rho of index and training loss: {self.correlation().text('.3f')} over "
            f"{int(self.converged.sum())} critical points, {self.correlation(all_points=True).text('.3f')} over all "
            f"{len(self.loss)} end points; of index and training error: {self.correlation('error').text('.3f')}",
        ]

    def _row(self, epoch: int) -> dict[str, Any]:
        mine = self.epoch == epoch
        return {
            "epoch": epoch,
            "points": int(np.sum(mine)),
            "converged": int(np.sum(self.converged[mine])),
            "certified": int(np.sum(self.certified[mine])),
            "loss": float(np.mean(self.loss[mine])),
            "error": float(np.mean(self.error[mine])),
            "index_fraction": float(np.mean(self.fraction[mine])),
            "index_fraction_max": float(np.max(self.fraction[mine])),
        }
