"""Spectra of Hessians through training, outliers against clusters and width.

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
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape import statistics
from spinscape.experiments import trained
from spinscape.experiments.trained import parameter_count, points_along_training
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, integer, number, several, word
from spinscape.study.records import Arrays

FLOOR = 0.1  # of the largest eigenvalue: outliers lie above it
LINEAR = 1e-3  # spectra are drawn on an axis linear within it and logarithmic beyond


def arrange(values: dict[str, Any]) -> dict[str, Any]:
    from spinscape.networks import Architecture

    Architecture((values["inputs"], 2), activation=values["activation"])
    return trained.with_training(values, decay=0.0, batch=50)


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    for clusters in parameters["clusters"]:
        for n in parameters["widths"]:
            for network in range(parameters["networks"]):
                yield {"clusters": clusters, "n": n, "network": network}


def cost(parameters: Parameters, unit: Unit) -> float:
    size = size_of(parameters, unit["clusters"], unit["n"])
    spectra = len(parameters["epochs"]) * (4e-10 * parameters["train"] * size**2 + 1e-9 * size**3 + 5e-3)
    return float(spectra + parameters["training"]["epochs"] * parameters["train"] * 4e-6)


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    return 2**27 + 32 * size_of(parameters, unit["clusters"], unit["n"]) ** 2


def size_of(parameters: Parameters, clusters: int, n: int) -> int:
    """Return the number of parameters P of a network."""
    return parameter_count(n, parameters["inputs"], clusters)


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
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
class HessianSpectra(ResultTable):
    """The table of a study of spectra."""

    spectra: tuple[Spectra, ...]
    epochs: tuple[int, ...]
    zero_tol: float
    recipe: Mapping[str, Any]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; what has none is left out."""
        made, found = results.parameters, []
        for (clusters, n), rows in results.by("clusters", "n"):
            eigenvalues, loss = (np.stack([row.arrays[name] for row in rows]) for name in ("eigenvalues", "loss"))
            found.append(Spectra(clusters, n, eigenvalues, loss))
        return cls(tuple(found), tuple(made["epochs"]), made["zero_tol"], made)

    def rows(self) -> Rows:
        """Return one row a number of clusters, width and epoch."""
        return [self._row(one, k) for one in self.spectra for k in range(len(self.epochs))]

    def to_read(self) -> Rows:
        """Return the rows of the last epoch."""
        return [row for row in self.rows() if row["epoch"] == self.epochs[-1]]

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
            **statistics.mean(one.outliers[:, k]).columns("outliers"),
            "zero_fraction": float(np.mean(np.abs(eigenvalues) <= self.zero_tol)),
            "negative_fraction": float(np.mean(eigenvalues < -self.zero_tol)),
            "largest": float(np.mean(eigenvalues.max(axis=1))),
            "smallest": float(np.mean(eigenvalues.min(axis=1))),
            "loss": float(np.mean(one.loss[:, k])),
        }


def draw(table: HessianSpectra) -> Figure:
    """One network's spectrum through training, the top of it by clusters, and the number of outliers."""
    widest = max(one.n for one in table.spectra)
    mine = [one for one in table.spectra if one.n == widest]
    return style.page(
        2.9,
        (f"{mine[-1].clusters} clusters, $n = {widest}$", partial(through_training, table, mine[-1])),
        (f"Largest, $n = {widest}$", partial(tops, table, mine)),
        ("Outliers", partial(counts, table)),
        note="b: the first network of each kind, after training. c: small dots: networks, large: their medians",
        width_ratios=(1.2, 1.0, 1.0),
    )


@style.panel
def through_training(table: HessianSpectra, one: Spectra, ax: Axes) -> None:
    """Distribution functions of the eigenvalues of all networks of a kind at every epoch."""
    for k, colour in enumerate(style.ordered_colours(len(table.epochs))):
        values = np.sort(one.eigenvalues[:, k].ravel())
        fraction = np.arange(1, len(values) + 1) / len(values)
        label = f"epoch {table.epochs[k]}, $L = {one.loss[:, k].mean():.2g}$"
        ax.plot(values, fraction, color=colour, linewidth=1.1, label=label)
    ax.set_xscale("symlog", linthresh=LINEAR)
    ax.set_xticks([-1, -0.01, 0, 0.01, 1])
    ax.set_xlabel(r"eigenvalue $\lambda$")
    ax.set_ylabel(r"fraction of eigenvalues $\leq \lambda$")
    ax.legend(loc="upper left", fontsize=7.0)


@style.panel
def tops(table: HessianSpectra, spectra: list[Spectra], ax: Axes) -> None:
    """The largest eigenvalues of the first network of each kind after training, by rank; ticks at the clusters."""
    shown = 3 * max(one.clusters for one in spectra)
    for one, colour in zip(spectra, style.ordered_colours(len(spectra)), strict=True):
        values = np.sort(one.eigenvalues[0, -1])[::-1][:shown]
        values = values[values > 0]
        ax.plot(np.arange(1, len(values) + 1), values, ".-", color=colour, linewidth=0.8, label=f"{one.clusters}")
    ax.set_yscale("log")
    ax.set_xlabel("rank")
    ax.set_ylabel(r"eigenvalue $\lambda$")
    ax.legend(loc="upper right", title="clusters", fontsize=7.5, title_fontsize=7.5)


@style.panel
def counts(table: HessianSpectra, ax: Axes) -> None:
    """Outliers after training against clusters: networks (small) and their medians; lines: clusters, and one less."""
    widths = list(dict.fromkeys(one.n for one in table.spectra))
    clusters = sorted({one.clusters for one in table.spectra})
    ax.plot(clusters, clusters, color=style.MUTED, linewidth=0.8, label="clusters")
    ax.plot(clusters, [k - 1 for k in clusters], color=style.MUTED, linewidth=0.8, ls=":", label="clusters $-$ 1")
    for k, n in enumerate(widths):
        colour, shift = style.PALETTE[k % 7], 0.2 * (k - (len(widths) - 1) / 2)
        mine = [one for one in table.spectra if one.n == n]
        for one in mine:
            found = one.outliers[:, -1]
            ax.plot(np.full(len(found), one.clusters + shift), found, ".", color=colour, markersize=3, alpha=0.7)
        place = [one.clusters + shift for one in mine]
        ax.plot(place, [np.median(one.outliers[:, -1]) for one in mine], "o", color=colour, label=f"$n = {n}$")
    ax.set_xlabel("clusters")
    ax.set_ylabel("outliers")
    ax.set_ylim(bottom=0)
    ax.legend(loc="best", fontsize=7.0)


EXPERIMENT = Experiment.of(
    __name__,
    source="Sagun, Bottou and LeCun 2016",
    parameters=(
        several(
            integer("clusters", (2, 3, 5, 8), "clusters of the data, networks.gaussian_blobs", 2, 1000, unit="clusters")
        ),
        several(integer("widths", (5, 10, 20), "hidden units n", 1, 10**4, unit="units")),
        integer("inputs", 10, "dimensions of the data", 1, 10**5, unit="dimensions"),
        integer("networks", 4, "networks of every kind, each with data of its own", 1, 10**6, unit="networks"),
        integer("train", 500, "samples of the training loss", 1, 10**7, unit="samples"),
        number("separation", 3.0, "distance of the clusters, in their standard deviation", 0.0),
        several(
            integer("epochs", (0, 1, 5, 20, 40), "when spectra are taken", 0, 10**6, unit="epochs"),
            ascending=True,
            least=1,
        ),
        number("rate", 0.2, "learning rate of SGD with minibatches of 50", 0.0),
        word("activation", "relu", "of the hidden units, see networks.Architecture"),
        number("zero_tol", 1e-3, "eigenvalues of the Hessian within it count as zero", 0.0, unit="loss"),
        SEED,
    ),
    default={"networks": 16, "widths": (5, 10, 20, 40), "train": 2000},
    core_seconds=1.0,
    single_thread=True,
    needs=trained.NEEDS,
    table=HessianSpectra,
    shown={
        "clusters": "",
        "n": "",
        "parameters": ("P", ""),
        "networks": "",
        "outliers": ".1f",
        "zero_fraction": ("within zero_tol", ".2f"),
        "negative_fraction": ("negative", ".3f"),
        "largest": ".3f",
        "loss": ".4f",
    },
)
recipe = EXPERIMENT.maker
