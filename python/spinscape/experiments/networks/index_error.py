"""Index against error of the critical points along training.

Index against error through training: Dauphin et al. 2014 (NIPS 27), Fig. 1, on small networks and MNIST 5x5.

Networks are trained by SGD; at given epochs Newton's method leads their parameters to the critical point nearby, of
whatever index, and its training loss, error and index are recorded. tanh, because a relu network's surface has kinks at
which Newton stops. Points that did not converge are kept, marked, and left out of the correlation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape import statistics
from spinscape.experiments import trained
from spinscape.experiments.trained import data_of, parameter_count, points_along_training
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.statistics import Interval
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, integer, number, several
from spinscape.study.records import Arrays, joined

if TYPE_CHECKING:
    from spinscape.networks.data import Data

NAMES = {"loss": "training loss", "error": "training error"}


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    for network in range(parameters["networks"]):
        yield {"network": network}


def cost(parameters: Parameters, unit: Unit) -> float:
    size = _size(parameters)
    step = 2e-3 + 4e-10 * parameters["train"] * size**2 + 3e-9 * size**3
    return float(len(parameters["epochs"]) * parameters["newton_steps"] * step)


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    return 2**28 + 64 * _size(parameters) ** 2


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
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


def _size(parameters: Parameters) -> int:
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
class TrainingPath(ResultTable):
    """The table: an element a critical point searched; `fraction` is its index over the number of parameters."""

    epoch: NDArray[np.int64]
    loss: NDArray[np.float64]
    error: NDArray[np.float64]
    fraction: NDArray[np.float64]
    certified: NDArray[np.bool_]
    converged: NDArray[np.bool_]
    recipe: Mapping[str, Any]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units."""
        column, made = joined([row.arrays for row in results.rows]), results.parameters
        kept = {name: column[name] for name in ("epoch", "loss", "error", "certified", "converged")}
        return cls(fraction=column["index"] / _size(made), recipe=made, **kept)

    def correlation(self, what: str = "loss", *, all_points: bool = False) -> Interval:
        """Return Spearman's ρ between index and "loss" or "error" of the critical points, or of all end points."""
        chosen = np.ones(len(self.loss), dtype=bool) if all_points else self.converged
        return statistics.spearman(getattr(self, what)[chosen], self.fraction[chosen])

    def rows(self) -> Rows:
        """Return one row an epoch."""
        return [self._row(epoch) for epoch in self.recipe["epochs"]]

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


def draw(table: TrainingPath) -> Figure:
    """Loss and error of the end points against their index over P."""
    found = {what: table.correlation(what) for what in NAMES}
    said = {what: rf", $\rho$ = {one.text('.2f')}" if np.isfinite(one.value) else "" for what, one in found.items()}
    return style.page(
        2.8,
        *((NAMES[what].capitalize() + said[what], partial(against_index, table, what)) for what in NAMES),
        note=r"Hollow: Newton's method did not converge. $\rho$: Spearman, of the others, with its 95 % interval",
    )


@style.panel
def against_index(table: TrainingPath, what: str, ax: Axes) -> None:
    """One point each, coloured by the epoch at which Newton's method began; hollow where it did not converge."""
    epochs = list(dict.fromkeys(table.epoch.tolist()))
    for epoch, colour in zip(epochs, style.ordered_colours(len(epochs)), strict=True):
        mine = table.epoch == epoch
        for chosen, face in ((mine & table.converged, colour), (mine & ~table.converged, "none")):
            x, y = table.fraction[chosen], getattr(table, what)[chosen]
            ax.plot(x, y, "o", mec=colour, mfc=face, markersize=3.5, alpha=0.8)
        ax.plot([], [], "o", color=colour, label=f"epoch {epoch}")
    ax.set_xlabel("index / $P$")
    ax.set_ylabel(NAMES[what])
    ax.set_xlim(left=-0.02 * max(float(np.max(table.fraction)), 0.01))
    ax.legend(loc="lower right", fontsize=7.5)


EXPERIMENT = Experiment.of(
    __name__,
    source="Dauphin et al. 2014, Fig. 1",
    parameters=(
        integer("n", 4, "hidden units", 1, 10**3, unit="units"),
        integer("side", 5, "MNIST 10x10 is averaged to side x side, so that Hessians are small", 1, 10, unit="pixels"),
        integer("networks", 6, "networks", 1, 10**6, unit="networks"),
        trained.images(500),
        several(
            integer("epochs", (0, 2, 5, 10, 20, 50, 100), "when Newton's method starts", 0, 10**6, unit="epochs"),
            ascending=True,
            least=1,
        ),
        *trained.sgd(100, 0.5, 0.02, 50)[1:],
        integer("newton_steps", 300, "steps of Newton's method at most", unit="steps"),
        number("tol", 2e-5, "|g|/√P at which it has converged", 0.0, unit="loss"),
        number("zero_tol", 1e-3, "eigenvalues of the Hessian within it count as zero", 0.0, unit="loss"),
        SEED,
    ),
    arrange=trained.with_training,
    default={"networks": 24},
    core_seconds=1.0,
    single_thread=True,
    needs=trained.NEEDS,
    table=TrainingPath,
    shown={
        "epoch": "",
        "points": "",
        "converged": "",
        "certified": "",
        "loss": ".4f",
        "error": ".3f",
        "index_fraction": ".4f",
        "index_fraction_max": ".4f",
    },
)
recipe = EXPERIMENT.maker
