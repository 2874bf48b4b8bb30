"""Spectra of Hessians through training, and against the number of clusters of the data and the width of the network.

Sagun, Bottou and LeCun (2016), Sagun, Evci et al. (2017): after training most eigenvalues are near zero, a bulk that
grows with the network, and a few lie far outside, about as many as the data has clusters, whatever the width. Data here
are Gaussian blobs, one a class, so that clusters = classes; cross-entropy does not see a shift common to all outputs,
which leaves one direction less. The blobs overlap: where the loss nearly vanishes, so do the outliers.

`outliers` is where the spectrum's largest gap is: the k that maximises λ_k/λ_{k+1} (from the top) among the `most`
largest eigenvalues, all above a tenth of the largest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_integer, as_number
from spinscape.study.networks import intervals
from spinscape.study.networks.trained import parameter_count, points_along_training
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays
from spinscape.study.store import Store

FLOOR = 0.1  # of the largest eigenvalue: outliers lie above it


def recipe(
    *,
    clusters: tuple[int, ...] = (2, 3, 5, 8),
    widths: tuple[int, ...] = (5, 10, 20),
    inputs: int = 10,
    networks: int = 4,
    train: int = 500,
    separation: float = 3.0,
    epochs: tuple[int, ...] = (0, 1, 5, 20, 40),
    rate: float = 0.2,
    activation: str = "relu",
    zero_tol: float = 1e-3,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a study of spectra.

    clusters, separation : of `networks.gaussian_blobs` in `inputs` dimensions.     widths : hidden units n.
    epochs : when spectra are taken, SGD with minibatches of 50 between them.
    """
    from spinscape.networks import Architecture, Training

    Architecture((inputs, 2), activation=activation)
    times = sorted(as_integer(epoch, "epochs", 0, 10**6) for epoch in epochs)
    if not times:
        raise ValueError("epochs: expected at least one epoch, got none")
    parameters = {
        "clusters": [as_integer(k, "clusters", 2, 1000) for k in clusters],
        "widths": [as_integer(n, "widths", 1, 10**4) for n in widths],
        "inputs": as_integer(inputs, "inputs", 1, 10**5),
        "networks": as_integer(networks, "networks", 1, 10**6),
        "train": as_integer(train, "train", 1, 10**7),
        "separation": as_number(separation, "separation", 0.0),
        "epochs": times,
        "training": Training(epochs=times[-1], rate=rate, decay=0.0, batch=50).to_dict(),
        "activation": activation,
        "zero_tol": as_number(zero_tol, "zero_tol", 0.0),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("network-spectra", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return one unit a network, few clusters first."""
    for clusters in parameters["clusters"]:
        for n in parameters["widths"]:
            for network in range(parameters["networks"]):
                yield {"clusters": clusters, "n": n, "network": network}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return about the seconds a unit takes."""
    size = size_of(parameters, unit["clusters"], unit["n"])
    spectra = len(parameters["epochs"]) * (4e-10 * parameters["train"] * size**2 + 1e-9 * size**3 + 5e-3)
    return float(spectra + parameters["training"]["epochs"] * parameters["train"] * 4e-6)


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes a unit needs."""
    return int(2**27 + 32 * size_of(parameters, unit["clusters"], unit["n"]) ** 2)


def size_of(parameters: Mapping[str, Any], clusters: int, n: int) -> int:
    """Return the number of parameters P of a network."""
    return parameter_count(n, parameters["inputs"], clusters)


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return the number of outliers at the end."""
    return f"{unit['clusters']} clusters, n = {unit['n']}: {outliers(arrays['eigenvalues'][-1])} outliers"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Train one network and take the spectrum of its Hessian at every epoch asked for; on one thread."""
    from scipy.linalg import eigvalsh

    from spinscape.networks import Architecture, NetworkLandscape, Training, gaussian_blobs
    from spinscape.networks.ensembles import one_torch_thread

    # Every network has blobs of its own: intervals over networks hold what the data contribute.
    key = (unit["clusters"], unit["n"], unit["network"])
    of_data, of_network = np.random.SeedSequence(parameters["rng"], spawn_key=key).spawn(2)
    clusters, inputs = unit["clusters"], parameters["inputs"]
    data = gaussian_blobs(inputs, clusters, parameters["train"], separation=parameters["separation"], rng=of_data)
    architecture = Architecture((inputs, unit["n"], clusters), activation=parameters["activation"])
    landscape = NetworkLandscape(architecture, "cross-entropy", data.train_inputs, data.train_targets)
    training = Training(**parameters["training"])
    with one_torch_thread():
        points = points_along_training(architecture, data, training, parameters["epochs"], rng=of_network)
        spectra = [eigvalsh(hessian) for hessian in landscape.hessian(points)]
        return {"epoch": np.array(parameters["epochs"]), "eigenvalues": np.array(spectra)} | {
            "loss": landscape.energy(points),
            "error": landscape.error(points),
        }


def outliers(eigenvalues: NDArray[np.float64], most: int = 40) -> int:
    """Return the k maximising λ_k/λ_{k+1} from the top, λ_k at least `FLOOR` of the largest; 0 if none is positive."""
    top = np.sort(eigenvalues)[::-1][: most + 1]
    if len(top) < 2 or top[0] <= 0:
        return 0
    above = int(np.sum(top[:-1] >= FLOOR * top[0]))
    below = np.maximum(top[1 : above + 1], 1e-12 * top[0])
    return int(np.argmax(top[:above] / below)) + 1


@dataclass(frozen=True)
class Spectra:
    """Networks of one number of clusters and width: eigenvalues (networks, epochs, P), losses (networks, epochs)."""

    clusters: int
    n: int
    eigenvalues: NDArray[np.float64]
    loss: NDArray[np.float64]

    @property
    def outliers(self) -> NDArray[np.int64]:
        """Number of outliers of each network at each epoch."""
        return np.array([[outliers(spectrum) for spectrum in network] for network in self.eigenvalues])


@dataclass(frozen=True)
class HessianSpectra:
    """The table of a study of spectra."""

    spectra: tuple[Spectra, ...]
    epochs: tuple[int, ...]
    zero_tol: float
    recipe: Mapping[str, Any]

    @classmethod
    def from_store(cls, store: Store) -> HessianSpectra:
        """Read the finished units of a store; what has none is left out."""
        made, found = store.recipe.parameters, []
        rows = sorted(store.rows, key=lambda row: row.unit["network"])
        for clusters in made["clusters"]:
            for n in made["widths"]:
                mine = [row.arrays for row in rows if (row.unit["clusters"], row.unit["n"]) == (clusters, n)]
                if mine:
                    stacked = {name: np.stack([one[name] for one in mine]) for name in ("eigenvalues", "loss")}
                    found.append(Spectra(clusters, n, stacked["eigenvalues"], stacked["loss"]))
        return cls(tuple(found), tuple(made["epochs"]), made["zero_tol"], made)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a number of clusters, width and epoch."""
        return [self._row(one, k) for one in self.spectra for k in range(len(self.epochs))]

    def shown(self) -> list[dict[str, str]]:
        """Return the rows of the last epoch, to read."""
        rows = [row for row in self.rows() if row["epoch"] == self.epochs[-1]]
        return [
            {
                "clusters": str(row["clusters"]),
                "n": str(row["n"]),
                "P": str(row["parameters"]),
                "networks": str(row["networks"]),
                "outliers": f"{row['outliers']:.1f} [{row['outliers_low']:.1f}, {row['outliers_high']:.1f}]",
                "within zero_tol": f"{row['zero_fraction']:.2f}",
                "negative": f"{row['negative_fraction']:.3f}",
                "largest": f"{row['largest']:.3f}",
                "loss": f"{row['loss']:.4f}",
            }
            for row in rows
        ]

    def notes(self) -> list[str]:
        """Return how networks were made."""
        made = self.recipe
        return [
            f"{made['activation']} networks {made['inputs']}-n-clusters on {made['train']:,} samples of Gaussian blobs "
            f"{made['separation']:g} apart, {self.epochs[-1]} epochs of SGD at {made['training']['rate']:g}; "
            f"zero: |eigenvalue| <= {self.zero_tol:g}; brackets: 95 % confidence"
        ]

    def _row(self, one: Spectra, k: int) -> dict[str, Any]:
        eigenvalues = one.eigenvalues[:, k]
        return {
            "clusters": one.clusters,
            "n": one.n,
            "parameters": eigenvalues.shape[1],
            "networks": len(eigenvalues),
            "epoch": self.epochs[k],
            **intervals.mean(one.outliers[:, k]).columns("outliers"),
            "zero_fraction": float(np.mean(np.abs(eigenvalues) <= self.zero_tol)),
            "negative_fraction": float(np.mean(eigenvalues < -self.zero_tol)),
            "largest": float(np.mean(eigenvalues.max(axis=1))),
            "smallest": float(np.mean(eigenvalues.min(axis=1))),
            "loss": float(np.mean(one.loss[:, k])),
        }
