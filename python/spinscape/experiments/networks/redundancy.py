"""Networks of few different weights: k-means images of trained ones, annealing over -1, 0, 1.

A trained network's weights are replaced by the s centres of k-means among them, on networks of ten outputs and, as in
the paper's definition, on networks of one output whose sign is the prediction (digits below five against the others).
The theorem bounds the correlation of the signs from below where the labels are balanced. Networks over the levels
{−1, 0, 1} are found by annealing, and compared with real weights trained on the same images.
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
from spinscape.experiments.networks.network_annealing import SECONDS
from spinscape.experiments.trained import data_of, parameter_count
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.statistics import NAN, Interval
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, integer, several
from spinscape.study.records import Arrays

LEVELS = (-1.0, 0.0, 1.0)


POSITIVE = (0, 1, 2, 3, 4)  # the digits of the one-output problem's label +1


CHUNK = 4


PUBLISHED_LOSS = 0.025  # of accuracy, at most, with weights in {−1, 0, 1}: AISTATS15 section 3.3


KINDS = ("classes", "signs", "levels")


NAMES = {"classes": "ten outputs", "signs": "one output"}


def arrange(values: dict[str, Any]) -> dict[str, Any]:
    made = trained.with_cooling(trained.with_training(values), levels=LEVELS)
    made["cooling"]["levels"] = list(LEVELS)
    return made


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    """Return chunks of networks of every kind."""
    for kind in KINDS:
        count, chunk = (parameters["annealed"], 1) if kind == "levels" else (parameters["networks"], CHUNK)
        for one in trained.chunks(count, chunk):
            yield {"kind": kind, **one}


def cost(parameters: Parameters, unit: Unit) -> float:
    epochs = trained.training_seconds(parameters["n"]) * parameters["training"]["epochs"]
    if unit["kind"] == "levels":
        moves = SECONDS * parameters["cooling"]["sweeps"] * parameter_count(parameters["n"])
        return float(unit["count"] * parameters["annealed_train"] * (moves + epochs))
    return float(unit["count"] * (parameters["train"] * epochs + 0.02 * len(parameters["values"])))


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    return 2**28 + 4 * 6 * unit["count"] * parameters["annealed_train"] * (parameters["n"] + 20)


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Train a few networks and reduce them, or anneal a few over the levels; on one thread."""
    from spinscape.networks.ensembles import one_torch_thread

    with one_torch_thread():
        return _annealed(parameters, unit) if unit["kind"] == "levels" else _reduced(parameters, unit)


def _trained(parameters: Parameters, unit: Unit, data: Any, loss: str) -> Any:
    from spinscape.networks import Architecture, Training, train_ensemble

    return train_ensemble(
        Architecture((100, parameters["n"], data.classes)),
        data,
        unit["count"],
        loss=loss,
        first=unit["first"],
        training=Training(**parameters["training"]),
        rng=np.random.SeedSequence(parameters["rng"], spawn_key=(KINDS.index(unit["kind"]),)),
        n_threads=1,
    )


def _annealed(parameters: Parameters, unit: Unit) -> Arrays:
    from spinscape.networks import Cooling, anneal_ensemble

    data = data_of(parameters["annealed_train"], None, parameters["rng"])
    real = _trained(parameters, unit, data, "cross-entropy")
    found = anneal_ensemble(
        real.architecture,
        data,
        unit["count"],
        first=unit["first"],
        cooling=Cooling(**{**parameters["cooling"], "levels": LEVELS}),
        rng=np.random.SeedSequence(parameters["rng"], spawn_key=(KINDS.index("levels"), 1)),
    )
    return {"error": real.test_error, "level_error": found.test_error, "level_train_error": found.train_error}


def _reduced(parameters: Parameters, unit: Unit) -> Arrays:
    """For every s: the error of the images, the fraction ε of changed predictions, the correlation of the signs."""
    from spinscape.networks import NetworkLandscape, clustered, sign_agreement

    data = data_of(parameters["train"], None, parameters["rng"])
    signs = unit["kind"] == "signs"
    data = data.binary(POSITIVE) if signs else data
    loss = "logistic" if signs else "cross-entropy"
    ensemble = _trained(parameters, unit, data, loss)
    architecture, points = ensemble.architecture, ensemble.parameters.astype(np.float64)
    landscape = NetworkLandscape(architecture, loss, data.test_inputs, data.test_targets)
    shape = (len(points), len(parameters["values"]))
    error, changed, correlation = (np.full(shape, np.nan) for _ in range(3))
    for k, s in enumerate(parameters["values"]):
        images = clustered(points, min(s, points.shape[1]))
        error[:, k] = landscape.error(images)
        for row, (point, image) in enumerate(zip(points, images, strict=True)):
            if signs:
                changed[row, k], correlation[row, k] = sign_agreement(architecture, point, image, data.test_inputs)
            else:
                before, after = (architecture.outputs_of(one, data.test_inputs) for one in (point, image))
                changed[row, k] = np.mean(before.argmax(axis=1) != after.argmax(axis=1))
    return {
        "error": ensemble.test_error,
        "reduced_error": error,
        "changed": changed,
        "correlation": correlation,
    }


@dataclass(frozen=True)
class Reduction:
    """Networks of one kind reduced to s values, an element a network; correlation is nan for ten outputs."""

    kind: str
    s: int
    lost: NDArray[np.float64]
    changed: NDArray[np.float64]
    correlation: NDArray[np.float64]

    @property
    def bound(self) -> NDArray[np.float64]:
        """Return (1 − 2ε)/(1 + 2ε), the least correlation of AISTATS15 Thm 3.2, for each network."""
        return (1 - 2 * self.changed) / (1 + 2 * self.changed)


@dataclass(frozen=True)
class Redundancy(ResultTable):
    """The table of a redundancy study.

    reductions : kinds "classes" and "signs", for every s.     levels_lost : accuracy lost by weights in {−1, 0, 1}.
    """

    reductions: tuple[Reduction, ...]
    levels_lost: NDArray[np.float64]
    levels_error: NDArray[np.float64]
    parameters: int
    recipe: Mapping[str, Any]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a kind without any is left out."""
        made = results.parameters
        columns = {kind: column for (kind,), column in results.joined("kind")}
        levels = columns.pop("levels", {"error": np.empty(0), "level_error": np.empty(0)})
        reductions = tuple(
            Reduction(
                kind,
                s,
                found["reduced_error"][:, k] - found["error"],
                found["changed"][:, k],
                found["correlation"][:, k],
            )
            for kind, found in columns.items()
            for k, s in enumerate(made["values"])
        )
        lost = levels["level_error"] - levels["error"]
        return cls(reductions, lost, levels["level_error"], parameter_count(made["n"]), made)

    def rows(self) -> Rows:
        """Return one row a kind and s, and one for the levels."""
        rows = [
            {
                "kind": one.kind,
                "s": one.s,
                "networks": len(one.lost),
                **statistics.mean(one.lost).columns("accuracy_lost"),
                **statistics.mean(one.changed).columns("changed"),
                **statistics.mean(one.correlation).columns("correlation"),
                "correlation_bound": float(np.mean(one.bound)),
            }
            for one in self.reductions
        ]
        nothing = Interval(NAN, NAN, NAN)
        if len(self.levels_lost):
            lost = statistics.mean(self.levels_lost)
            levels = {"kind": "levels", "s": len(LEVELS), "networks": len(self.levels_lost)}
            levels |= {**lost.columns("accuracy_lost"), **nothing.columns("changed"), **nothing.columns("correlation")}
            rows.append({**levels, "correlation_bound": NAN})
        return rows

    def notes(self) -> list[str]:
        """Return how networks were made and what was published."""
        made, cooling = self.recipe, self.recipe["cooling"]
        error = f", their test error {np.mean(self.levels_error):.1%}" if len(self.levels_error) else ""
        return [
            f"n = {made['n']}, {self.parameters:,} weights with ten outputs, {made['train']:,} training images; "
            f"classes: ten outputs, signs: one output, both by k-means; brackets: 95 % confidence",
            f"levels: weights in -1, 0, 1 annealed on {made['annealed_train']:,} images, {cooling['sweeps']} sweeps, "
            f"against real weights on the same images{error}; published: less than {PUBLISHED_LOSS:.1%} lost",
        ]


def draw(table: Redundancy) -> Figure:
    """Accuracy lost against s beside the correlation of the signs against ε, with the theorem's bound."""
    dots = "a: small dots: networks, circles: means. b: a dot a network; line: the bound of AISTATS15 Theorem 3.2"
    return style.page(
        2.8,
        ("Accuracy lost with $s$ different weights", partial(lost, table)),
        ("Correlation of the signs", partial(correlation, table)),
        note=f"$n = {table.recipe['n']}$. {dots}",
    )


@style.panel
def lost(table: Redundancy, ax: Axes) -> None:
    """Test accuracy lost against s, networks (small) and means; the diamond: weights −1, 0, 1 by annealing."""
    for k, (kind, name) in enumerate(NAMES.items()):
        mine = [one for one in table.reductions if one.kind == kind]
        for one in mine:
            ax.plot(np.full(len(one.lost), one.s), one.lost, ".", color=style.PALETTE[k], markersize=2.5, alpha=0.6)
        means = [float(np.mean(one.lost)) for one in mine]
        ax.plot([one.s for one in mine], means, "o-", color=style.PALETTE[k], linewidth=1.0, label=f"k-means, {name}")
    if len(table.levels_lost):
        place = np.full(len(table.levels_lost), 3.0)
        ax.plot(place, table.levels_lost, "D", mfc="none", color=style.PALETTE[2], label="annealed over $-1, 0, 1$")
    ax.axhline(0, color=style.MUTED, linewidth=0.6)
    style.reference_line(ax, 0.025, "2.5 %", vertical=False, at=1.0)
    ax.set_xscale("log", base=2)
    ax.set_yscale("symlog", linthresh=0.01)
    ax.set_ylim(-0.01, 1.0)
    ax.set_xlabel("different weights $s$")
    ax.set_ylabel("test accuracy lost")
    ax.legend(loc="upper right", fontsize=7.5)


@style.panel
def correlation(table: Redundancy, ax: Axes) -> None:
    """Correlation of the signs of networks and images against the fraction ε of signs that differ."""
    mine = [one for one in table.reductions if one.kind == "signs"]
    for one, colour in zip(mine, style.ordered_colours(len(mine)), strict=True):
        ax.plot(one.changed, one.correlation, "o", color=colour, markersize=3, label=f"$s = {one.s}$")
    largest = max((float(one.changed.max()) for one in mine), default=0.5)
    epsilon = np.linspace(0, min(1.05 * largest, 0.5), 200)
    bound = r"$(1-2\epsilon)/(1+2\epsilon)$"
    ax.plot(epsilon, (1 - 2 * epsilon) / (1 + 2 * epsilon), color=style.INK, linewidth=0.8, label=bound)
    ax.set_xlabel(r"signs that differ $\epsilon$")
    ax.set_ylabel("correlation of the signs")
    ax.legend(loc="lower left", fontsize=7.5, ncols=2)


EXPERIMENT = Experiment.of(
    __name__,
    source="AISTATS15 Theorem 3.2 and section 3.3",
    parameters=(
        integer("n", 25, "hidden units", 1, 10**4, unit="units"),
        integer("networks", 8, "networks trained by SGD, with ten outputs and with one", 1, 10**6, unit="networks"),
        several(
            integer("values", (2, 3, 4, 6, 8, 16, 32, 64), "numbers s of different weights", 1, 10**6, unit="weights")
        ),
        trained.images(5000),
        *trained.sgd(40, 0.5, 0.05),
        integer("annealed", 2, "networks over -1, 0, 1, and as many with real weights", 0, 10**6, unit="networks"),
        integer("annealed_train", 1000, "images of these", 1, 60_000, unit="images"),
        *trained.cooling(30, 3e-2, 1e-4),
        SEED,
    ),
    default={"networks": 32, "train": 20_000, "annealed": 6, "sweeps": 80, "annealed_train": 2000},
    core_seconds=1.0,
    single_thread=True,
    needs=trained.NEEDS,
    table=Redundancy,
    shown={
        "kind": "",
        "s": "",
        "networks": "",
        "accuracy_lost": ".4f",
        "changed": ".4f",
        "correlation": ("correlation of signs", ".4f"),
        "correlation_bound": ("bound", ".4f"),
    },
    published={"accuracy lost by weights in -1, 0, 1, less than": PUBLISHED_LOSS},
)
recipe = EXPERIMENT.maker
