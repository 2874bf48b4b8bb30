"""How few different weights a network needs: (s, ε)-reduction images (AISTATS15 Thm 3.2) and weights −1, 0, 1.

A trained network's weights are replaced by the s centres of k-means among them, on networks of ten outputs and, as in
the paper's definition, on networks of one output whose sign is the prediction (digits below five against the others).
The theorem bounds the correlation of the signs from below where the labels are balanced. Networks over the levels
{−1, 0, 1} are found by annealing, and compared with real weights trained on the same images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_integer
from spinscape.study.networks import intervals
from spinscape.study.networks.annealing import SECONDS
from spinscape.study.networks.losses import SECONDS_PER_EPOCH, data_of
from spinscape.study.networks.trained import parameter_count
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays, joined
from spinscape.study.store import Store

LEVELS = (-1.0, 0.0, 1.0)
POSITIVE = (0, 1, 2, 3, 4)  # the digits of the one-output problem's label +1
CHUNK = 4
PUBLISHED_LOSS = 0.025  # of accuracy, at most, with weights in {−1, 0, 1}: AISTATS15 section 3.3
KINDS = ("classes", "signs", "levels")


def recipe(
    *,
    n: int = 25,
    networks: int = 8,
    values: tuple[int, ...] = (2, 3, 4, 6, 8, 16, 32, 64),
    train: int = 5000,
    epochs: int = 40,
    rate: float = 0.5,
    decay: float = 0.05,
    annealed: int = 2,
    annealed_train: int = 1000,
    sweeps: int = 30,
    hot: float = 3e-2,
    cold: float = 1e-4,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a redundancy study.

    n : hidden units.     networks : trained by SGD (epochs, rate, decay), with ten outputs and with one.
    values : numbers s of different weights.     train : images.
    annealed, annealed_train, sweeps, hot, cold : networks over {−1, 0, 1}, their images and cooling; as many networks
        with real weights are trained on the same images.
    """
    from spinscape.networks import Cooling, Training

    parameters = {
        "n": as_integer(n, "n", 1, 10**4),
        "networks": as_integer(networks, "networks", 1, 10**6),
        "values": [as_integer(s, "values", 1, 10**6) for s in values],
        "train": as_integer(train, "train", 1, 60_000),
        "training": Training(epochs=epochs, rate=rate, decay=decay).to_dict(),
        "annealed": as_integer(annealed, "annealed", 0, 10**6),
        "annealed_train": as_integer(annealed_train, "annealed_train", 1, 60_000),
        "cooling": Cooling(sweeps=sweeps, hot=hot, cold=cold, levels=LEVELS).to_dict() | {"levels": list(LEVELS)},
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("redundancy", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return chunks of networks of every kind."""
    for kind in KINDS:
        count, chunk = (parameters["annealed"], 1) if kind == "levels" else (parameters["networks"], CHUNK)
        for first in range(0, count, chunk):
            yield {"kind": kind, "first": first, "count": min(chunk, count - first)}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return about the seconds the unit takes."""
    n, constant_slope = parameters["n"], SECONDS_PER_EPOCH
    epoch = (constant_slope[0] + constant_slope[1] * n) / 60_000 * parameters["training"]["epochs"]
    if unit["kind"] == "levels":
        moves = SECONDS * parameters["cooling"]["sweeps"] * parameter_count(n)
        return float(unit["count"] * parameters["annealed_train"] * (moves + epoch))
    return float(unit["count"] * (parameters["train"] * epoch + 0.02 * len(parameters["values"])))


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes a unit needs: data and activations."""
    return int(2**28 + 4 * 6 * unit["count"] * parameters["annealed_train"] * (parameters["n"] + 20))


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return the test error of the unrestricted networks."""
    return f"{unit['kind']}: test error {arrays['error'].mean():.3f}"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Train a few networks and reduce them, or anneal a few over the levels; on one thread."""
    from spinscape.networks.ensembles import one_torch_thread

    with one_torch_thread():
        return _annealed(parameters, unit) if unit["kind"] == "levels" else _reduced(parameters, unit)


def _trained(parameters: Mapping[str, Any], unit: Mapping[str, Any], data: Any, loss: str) -> Any:
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


def _annealed(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> Arrays:
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


def _reduced(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> Arrays:
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
class Redundancy:
    """The table of a redundancy study.

    reductions : kinds "classes" and "signs", for every s.     levels_lost : accuracy lost by weights in {−1, 0, 1}.
    """

    reductions: tuple[Reduction, ...]
    levels_lost: NDArray[np.float64]
    levels_error: NDArray[np.float64]
    parameters: int
    recipe: Mapping[str, Any]

    @classmethod
    def from_store(cls, store: Store) -> Redundancy:
        """Read the finished units of a store; a kind without any is left out."""
        made, reductions = store.recipe.parameters, []
        rows = sorted(store.rows, key=lambda row: row.unit["first"])
        column = {kind: joined([row.arrays for row in rows if row.unit["kind"] == kind]) for kind in KINDS}
        for kind in ("classes", "signs"):
            for k, s in enumerate(made["values"] if column[kind] else ()):
                found = column[kind]
                lost = found["reduced_error"][:, k] - found["error"]
                reductions.append(Reduction(kind, s, lost, found["changed"][:, k], found["correlation"][:, k]))
        levels = column["levels"] or {"error": np.empty(0), "level_error": np.empty(0)}
        size = parameter_count(made["n"])
        return cls(tuple(reductions), levels["level_error"] - levels["error"], levels["level_error"], size, made)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a kind and s, and one for the levels."""
        rows = [
            {
                "kind": one.kind,
                "s": one.s,
                "networks": len(one.lost),
                **intervals.mean(one.lost).columns("accuracy_lost"),
                **intervals.mean(one.changed).columns("changed"),
                **intervals.mean(one.correlation).columns("correlation"),
                "correlation_bound": float(np.mean(one.bound)),
            }
            for one in self.reductions
        ]
        nothing = intervals.Interval(*[intervals.NAN] * 3)
        if len(self.levels_lost):
            lost = intervals.mean(self.levels_lost)
            levels = {"kind": "levels", "s": len(LEVELS), "networks": len(self.levels_lost)}
            levels |= {**lost.columns("accuracy_lost"), **nothing.columns("changed"), **nothing.columns("correlation")}
            rows.append({**levels, "correlation_bound": float("nan")})
        return rows

    def shown(self) -> list[dict[str, str]]:
        """Return the rows to read."""
        shown = []
        for row in self.rows():
            lost, changed, correlation = (
                intervals.Interval(*(row[name + end] for end in ("", "_low", "_high")))
                for name in ("accuracy_lost", "changed", "correlation")
            )
            shown.append(
                {
                    "kind": row["kind"],
                    "s": str(row["s"]),
                    "networks": str(row["networks"]),
                    "accuracy lost": lost.text(".4f"),
                    "changed": changed.text(".4f") if np.isfinite(changed.value) else "",
                    "correlation of signs": correlation.text(".4f") if np.isfinite(correlation.value) else "",
                    "bound": f"{row['correlation_bound']:.4f}" if np.isfinite(correlation.value) else "",
                }
            )
        return shown

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
