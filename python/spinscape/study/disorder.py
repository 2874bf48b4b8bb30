"""Instances of the disorder, starts on them, and statistics over both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_integer, as_number
from spinscape.couplings import LawName
from spinscape.hamiltonian import MixedGlass

FloatArray = NDArray[np.float64]

COUPLINGS, STARTS, NOISE = 0, 1, 2
"""What a stream of random numbers is for."""


def seed(rng: int, N: int, tensor: int, stream: int) -> np.random.SeedSequence:
    """The seed of one stream of one instance."""
    return np.random.SeedSequence(rng, spawn_key=(N, tensor, stream))


def as_mixture(xi: Mapping[Any, Any]) -> dict[str, float]:
    """The coefficients of ξ with the orders as text, as JSON and TOML keep them."""
    if not isinstance(xi, Mapping) or not xi:
        raise ValueError(f"xi: expected {{p: c_p}}, got {xi!r}")
    return {str(int(p)): as_number(c, f"xi[{p}]", 0.0, exclusive=True) for p, c in xi.items()}


def as_counts(counts: Mapping[Any, int] | int, sizes: tuple[int, ...], name: str) -> dict[str, int]:
    """How many instances of every size: one number for all, or {N: number}."""
    given = (
        {int(N): count for N, count in counts.items()} if isinstance(counts, Mapping) else dict.fromkeys(sizes, counts)
    )
    if set(given) != set(sizes):
        raise ValueError(f"{name}: expected one number, or one for each of {sizes}, got {counts!r}")
    return {str(N): as_integer(given[N], name, 1, 10**6) for N in sizes}


def instance(parameters: Mapping[str, Any], unit: Mapping[str, Any], law: LawName = "gaussian") -> MixedGlass:
    """The glass of a unit: of its size N and tensor, of the recipe's ξ, law and dtype."""
    coefficients = {int(p): c for p, c in parameters["xi"].items()}
    couplings = seed(parameters["rng"], unit["N"], unit["tensor"], COUPLINGS)
    return MixedGlass(coefficients, unit["N"], rng=couplings, law=law, dtype=parameters.get("dtype", "float64"))


def starts(glass: MixedGlass, parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> NDArray[Any]:
    """The unit's uniform starts, in the glass's dtype."""
    points = glass.random_points(parameters["starts"], rng=seed(parameters["rng"], unit["N"], unit["tensor"], STARTS))
    return points.astype(glass.dtype)


def instances(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A unit for every tensor of every size, small N first."""
    for N in parameters["sizes"]:
        for tensor in range(parameters["tensors"][str(N)]):
            yield {"N": N, "tensor": tensor}


def couplings(parameters: Mapping[str, Any], N: int) -> float:
    """Number of couplings of a glass, what a gradient costs."""
    return float(sum(comb(N + int(p) - 1, int(p)) for p in parameters["xi"]))


def bytes_of(parameters: Mapping[str, Any], unit: Mapping[str, Any], copies: int = 1, vectors: int = 40) -> int:
    """Bytes of `copies` sets of padded couplings and of `vectors` points a start."""
    padded = couplings(parameters, unit["N"]) + 8 * unit["N"] ** 2
    width = 4 if parameters.get("dtype") == "float32" else 8
    return int((4 + width) * copies * padded + 8 * vectors * parameters["starts"] * unit["N"])


@dataclass(frozen=True)
class Spread:
    """A mean over instances and starts, its standard error, and where the spread comes from.

    error : from the spread of the instances' means, which holds all of it; nan for one instance.
    sd_disorder, sd_starts : standard deviations between instances (that of the starts taken out) and within them.
    """

    mean: FloatArray
    error: FloatArray
    sd_disorder: FloatArray
    sd_starts: FloatArray
    instances: int


def spread(samples: list[NDArray[Any]]) -> Spread:
    """Statistics of one array a instance, starts along the first axis."""
    means = np.stack([np.mean(sample, axis=0) for sample in samples])
    within = np.mean([np.var(s, axis=0, ddof=1) if len(s) > 1 else np.zeros(s.shape[1:]) for s in samples], axis=0)
    count = len(samples)
    nan = np.full(means.shape[1:], np.nan)
    between = np.var(means, axis=0, ddof=1) if count > 1 else nan
    share = within / np.mean([len(sample) for sample in samples])
    return Spread(
        mean=np.mean(means, axis=0),
        error=np.sqrt(between / count),
        sd_disorder=np.sqrt(np.maximum(between - share, 0.0)),
        sd_starts=np.sqrt(within),
        instances=count,
    )
