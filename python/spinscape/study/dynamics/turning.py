"""How a walk turns: the cosine between successive gradients' directions through a descent.

Gradient descent follows a valley's floor, cosines near 1, or bounces between its walls, cosines near -1; SGD on parts
of the couplings walks by gradients of different parts, whose cosines also say how much of each is noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_dtype, as_integer, as_number
from spinscape.study import disorder
from spinscape.study.disorder import FloatArray, Spread
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays
from spinscape.study.store import Store


def recipe(
    *,
    xi: Mapping[Any, float] = MappingProxyType({3: 1.0}),
    N: int = 100,
    tensors: int = 10,
    starts: int = 24,
    rates: tuple[float, ...] = (0.05, 0.2, 0.3),
    parts: tuple[int, ...] = (1, 2, 4, 8),
    sgd_rate: float = 0.2,
    steps: int = 500,
    dtype: str = "float64",
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a turning study.

    rates : steps γ of gradient descent; parts : numbers of parts of SGD at γ = `sgd_rate`, in turn, as in AISTATS15;
        1 is gradient descent, and P steps on parts go about as far as one on the whole glass.
    """
    parameters = {
        "xi": disorder.as_mixture(xi),
        "sizes": [as_integer(N, "N", 2)],
        "tensors": {str(N): as_integer(tensors, "tensors", 1, 10**6)},
        "starts": as_integer(starts, "starts", 1, 10**6),
        "rates": [as_number(rate, "rates", 0.0, exclusive=True) for rate in rates],
        "parts": [as_integer(count, "parts", 1, 64) for count in parts],
        "sgd_rate": as_number(sgd_rate, "sgd_rate", 0.0, exclusive=True),
        "steps": as_integer(steps, "steps", 2, 10**7),
        "dtype": str(as_dtype(dtype)),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("turning", parameters)


def walks(parameters: Mapping[str, Any]) -> list[tuple[int, float]]:
    """The (parts, rate) of every walk, without repetition."""
    plain = [(1, rate) for rate in parameters["rates"]]
    return list(dict.fromkeys(plain + [(count, parameters["sgd_rate"]) for count in parameters["parts"]]))


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return one unit a tensor and walk."""
    for unit in disorder.instances(parameters):
        for parts, rate in walks(parameters):
            yield {**unit, "parts": parts, "rate": rate}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost in couplings times starts times steps."""
    return float(parameters["steps"] * (parameters["starts"] * disorder.couplings(parameters, unit["N"]) + 1e5))


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes of a unit."""
    return disorder.bytes_of(parameters, unit, copies=1 + unit["parts"])


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return the mean cosine of the last steps."""
    return f"{unit['parts']} parts, step {unit['rate']:g}: last cosine {np.mean(arrays['cosine'][:, -1]):.3f}"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Walk, and compare each gradient with the one before."""
    glass = disorder.instance(parameters, unit)
    parts = unit["parts"]
    pieces = [glass] if parts == 1 else glass.split(parts, rng=_split_seed(parameters, unit), n_threads=n_threads)
    points = disorder.starts(glass, parameters, unit)
    cosines = np.empty((len(points), parameters["steps"] - 1))
    before = np.empty_like(points)
    for step in range(parameters["steps"]):
        gradient = pieces[step % parts].gradient(points, n_threads=n_threads)
        direction = gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
        if step:
            cosines[:, step - 1] = np.einsum("ri,ri->r", direction, before)
        before = direction
        points = points - points.dtype.type(unit["rate"]) * gradient
        points *= np.sqrt(unit["N"] / np.sum(points**2, axis=1, keepdims=True))
    return {"cosine": cosines, "energy_density": glass.energy_density(points, n_threads=n_threads)}


def _split_seed(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> np.random.SeedSequence:
    return disorder.seed(parameters["rng"], unit["N"], unit["tensor"], disorder.NOISE)


@dataclass(frozen=True)
class Walk:
    """One way to walk: cosines between the gradients of steps t and t + 1, (steps - 1,), and the energy at the end."""

    parts: int
    rate: float
    cosine: Spread
    energy: Spread

    @property
    def angle(self) -> FloatArray:
        """The angle of the mean cosine, in degrees."""
        return np.degrees(np.arccos(np.clip(self.cosine.mean, -1.0, 1.0)))


@dataclass(frozen=True)
class Turning:
    """The table of a turning study."""

    N: int
    walks: tuple[Walk, ...]

    @classmethod
    def from_store(cls, store: Store) -> Turning:
        """Read the finished units of a store; a walk without any is left out."""
        parameters, found = store.recipe.parameters, []
        rows = sorted(store.rows, key=lambda row: row.unit["tensor"])
        for parts, rate in walks(parameters):
            mine = [row.arrays for row in rows if (row.unit["parts"], row.unit["rate"]) == (parts, rate)]
            if mine:
                cosine = disorder.spread([arrays["cosine"] for arrays in mine])
                found.append(Walk(parts, rate, cosine, disorder.spread([arrays["energy_density"] for arrays in mine])))
        return cls(parameters["sizes"][0], tuple(found))

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a walk: cosines early and late, and the energy reached."""
        return [_row(walk) for walk in self.walks]


def _row(walk: Walk) -> dict[str, Any]:
    mean: NDArray[np.float64] = walk.cosine.mean
    last = max(len(mean) // 10, 1)
    return {
        "parts": walk.parts,
        "rate": walk.rate,
        "instances": walk.cosine.instances,
        "cosine_first": float(mean[0]),
        "cosine_middle": float(mean[len(mean) // 2]),
        "cosine_last_tenth": float(np.mean(mean[-last:])),
        "angle_last_tenth": float(np.degrees(np.arccos(np.clip(np.mean(mean[-last:]), -1, 1)))),
        "energy_density": float(walk.energy.mean),
        "energy_error": float(walk.energy.error),
    }
