"""Instances of the disorder, and starts on them: what the experiments on glasses share."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core
from spinscape.couplings import LawName
from spinscape.hamiltonian import MixedGlass
from spinscape.study.experiment import Parameters, Unit
from spinscape.study.parameters import integer, several

FloatArray = NDArray[np.float64]

COUPLINGS, STARTS, NOISE = 0, 1, 2
"""What a stream of random numbers is for."""


def seed(rng: int, N: int, tensor: int, stream: int) -> np.random.SeedSequence:
    """The seed of one stream of one instance."""
    return np.random.SeedSequence(rng, spawn_key=(N, tensor, stream))


def instance(parameters: Parameters, unit: Unit, law: LawName = "gaussian") -> MixedGlass:
    """The glass of a unit: of its size N and tensor, of the recipe's ξ, law and dtype."""
    coefficients = {int(p): c for p, c in parameters["xi"].items()}
    couplings = seed(parameters["rng"], unit["N"], unit["tensor"], COUPLINGS)
    return MixedGlass(coefficients, unit["N"], rng=couplings, law=law, dtype=parameters.get("dtype", "float64"))


def starts(glass: MixedGlass, parameters: Parameters, unit: Unit) -> NDArray[Any]:
    """The unit's uniform starts, in the glass's dtype."""
    points = glass.random_points(parameters["starts"], rng=seed(parameters["rng"], unit["N"], unit["tensor"], STARTS))
    return points.astype(glass.dtype)


def instances(parameters: Parameters) -> Iterator[dict[str, Any]]:
    """A unit for every tensor of every size, small N first."""
    for N in parameters["sizes"]:
        for tensor in range(parameters["tensors"][str(N)]):
            yield {"N": N, "tensor": tensor}


def couplings(parameters: Parameters, N: int) -> float:
    """Number of couplings of a glass, what a gradient costs."""
    return float(sum(comb(N + int(p) - 1, int(p)) for p in parameters["xi"]))


def bytes_of(parameters: Parameters, unit: Unit, copies: int = 1, vectors: int = 40) -> int:
    """Bytes of `copies` sets of padded couplings and of `vectors` points a start."""
    padded = couplings(parameters, unit["N"]) + 8 * unit["N"] ** 2
    width = 4 if parameters.get("dtype") == "float32" else 8
    return int((4 + width) * copies * padded + 8 * vectors * parameters["starts"] * unit["N"])


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> int:
    """Bytes of a unit with one set of couplings."""
    return bytes_of(parameters, unit)


def couplings_times_starts(parameters: Parameters, unit: Unit, overhead: float = 1e4) -> float:
    """What a gradient at every start of a unit costs; `overhead`: what it costs beyond its couplings."""
    return parameters["starts"] * (couplings(parameters, unit["N"]) + overhead)


def hessian_bytes(unit: Unit, rows: int, n_threads: int) -> int:
    """Bytes of so many Hessians, and of the matrices that the threads work with."""
    return 8 * (rows + 8 * n_threads) * unit["N"] ** 2


def pure(values: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a recipe whose glass is pure: the order p becomes ξ."""
    p = values.pop("p")
    return {"xi": {str(p): 1.0}} | values


def one_size(values: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a recipe with one size N: that of a list of one."""
    N, tensors = values.pop("N"), values.pop("tensors", 1)
    return values | {"sizes": [N], "tensors": {str(N): tensors}}


ORDER = integer("p", 3, "number of interacting spins", 2, _core.max_order, unit="spins")
LAYERED = integer("p", 3, "number of interacting spins; p = 2 has no layers", 3, _core.max_order, unit="spins")
SIZES = several(integer("sizes", (50, 100, 200), "sizes N", 2, unit="spins"))
