"""The distribution of final scaled losses u = H_N/N of the p-spin glass: AISTATS15 Fig. 3 (left), COLT15 Fig. 1 (left).

For each N: `starts` uniform points on the first tensor, as the papers did, and `extra_starts` on each further tensor,
because one tensor's mean moves by its own spread. Each point descends by the chosen protocol (its end is the "raw"
point, the papers' measurement), goes on by L-BFGS, is polished by Newton and its index is counted there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_choice, as_dtype, as_integer, as_number
from spinscape.couplings import Law, LawName, as_order
from spinscape.critical_points import count_index, refine
from spinscape.descent import descend
from spinscape.hamiltonian import PureGlass
from spinscape.schedules import SGDSchedule
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays, joined
from spinscape.study.store import Store

METHODS = ("sgd", "gradient", "lbfgs")

# Final u of 1000 starts on one tensor per N, p = 3, read off AISTATS15 Fig. 3 (left): N -> (mean, standard deviation).
PUBLISHED: Mapping[int, tuple[float, float]] = {
    25: (-1.4409, 0.0579),
    50: (-1.5014, 0.0410),
    100: (-1.5505, 0.0406),
    250: (-1.5874, 0.0197),
    500: (-1.6015, 0.0118),
}

# Starts of one unit of work: what an interruption can lose at most, yet enough to keep every lane of the kernels full.
BLOCK = 288

# Hessians that refinement and index counts hold at once: about so many bytes, or 48 of them.
HESSIANS_BYTES = 2**28


def recipe(
    *,
    sizes: tuple[int, ...] = (25, 50, 100, 250),
    tensors: Mapping[int, int] | None = None,
    starts: int = 1000,
    extra_starts: int = 100,
    p: int = 3,
    law: str = "gaussian",
    nu: float | None = None,
    method: str = "sgd",
    parts: int = 4,
    tol: float = 1e-6,
    dtype: str = "float32",
    zero_tol: float = 1e-3,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a scaled-loss study.

    tensors : {N: number of coupling tensors}; sizes it does not name have one.
    method : "sgd" (the papers' schedule with the couplings in `parts` cyclic parts; parts=1 uses full gradients),
        "gradient" (constant step 0.1 to |g|/√N <= tol) or "lbfgs" (to the same tol).
    dtype : arithmetic of the descent; everything after it is float64.
    zero_tol : eigenvalues of the Hessian within it count as zero; 1e-3 is the papers' rule.
    """
    counts = {int(N): count for N, count in (tensors or {}).items()}  # JSON and TOML keys are text
    unknown = sorted(set(counts) - set(sizes))
    if unknown:
        raise ValueError(f"tensors: expected sizes among {sizes}, got {unknown}")
    Law(law, nu)
    parameters = {
        "p": as_order(p),
        "sizes": [as_integer(N, "sizes", 2) for N in sizes],
        "tensors": {str(N): as_integer(counts.get(N, 1), "tensors", 1, 10**6) for N in sizes},
        "starts": as_integer(starts, "starts", 1, 10**9),
        "extra_starts": as_integer(extra_starts, "extra_starts", 1, 10**9),
        "law": law,
        "nu": nu,
        "method": as_choice(method, "method", METHODS),
        "parts": as_integer(parts, "parts", 1, 64),
        "tol": as_number(tol, "tol", 0.0),
        "dtype": str(as_dtype(dtype)),
        "zero_tol": as_number(zero_tol, "zero_tol", 0.0),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("scaled-losses", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the blocks of starts of every tensor, small N first."""
    for N in parameters["sizes"]:
        for tensor in range(parameters["tensors"][str(N)]):
            count = parameters["starts"] if tensor == 0 else parameters["extra_starts"]
            for first in range(0, count, BLOCK):
                yield {"N": N, "tensor": tensor, "first": first, "count": min(BLOCK, count - first)}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost in couplings times starts; the constant is the overhead of a small N."""
    return float(unit["count"] * (float(unit["N"]) ** parameters["p"] + 1e5))


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes a unit needs at most: couplings and their parts, points, L-BFGS pairs, Hessians."""
    N, count = unit["N"], unit["count"]
    couplings = comb(N + parameters["p"] - 1, parameters["p"]) + 8 * N**2  # kernels pad rows
    tensors = 2 + parameters["parts"] if parameters["method"] == "sgd" else 1
    points = 3 * (unit["first"] + count) + 40 * count
    hessians = min(count, max(HESSIANS_BYTES // (8 * N**2), 48)) + 4 * n_threads
    return int(4 * tensors * couplings + 8 * points * N + 8 * hessians * N**2)


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return where the unit's descents ended."""
    return f"N = {unit['N']}: mean u = {np.mean(arrays['energy_density']):.4f}"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Descend, polish and count the index of one block of starts."""
    glass = _glass(parameters["p"], unit["N"], unit["tensor"], parameters["law"], parameters["nu"], parameters["rng"])
    exact = glass.astype("float64")
    seed = _seed(parameters["rng"], unit["N"], unit["tensor"], stream=1)
    begin = exact.random_points(unit["first"] + unit["count"], rng=seed)[unit["first"] :]
    raw = _descended(glass.astype(parameters["dtype"]), begin, parameters, unit, n_threads)
    settled = descend(exact, raw, method="lbfgs", tol=1e-8, max_steps=5000, n_threads=n_threads)
    critical = refine(exact, settled.points, n_threads=n_threads)
    index = count_index(exact, critical.points, zero_tol=parameters["zero_tol"], n_threads=n_threads)
    gradient = exact.gradient(raw, n_threads=n_threads)
    return {
        "energy_density": exact.energy_density(raw, n_threads=n_threads),
        "gradient_norm": np.sqrt(np.mean(gradient**2, axis=1)),
        "refined_energy_density": np.asarray(critical.energy_density),
        "refined_gradient_norm": np.asarray(critical.gradient_norm),
        "converged": np.asarray(critical.converged),
        "overlap": np.einsum("ri,ri->r", raw, critical.points) / unit["N"],
        "negative": np.asarray(index.negative),
        "zero": np.asarray(index.zero),
        "certified": np.asarray(index.certified),
        "margin": np.asarray(index.margin),
    }


def _descended(
    glass: PureGlass, begin: NDArray[Any], parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int
) -> NDArray[np.float64]:
    method, start = parameters["method"], begin.astype(glass.dtype)
    if method == "sgd":
        run = descend(glass, start, method="sgd", schedule=SGDSchedule(parts=parameters["parts"]), n_threads=n_threads)
    else:
        run = descend(glass, start, method=method, tol=parameters["tol"], max_steps=100_000, n_threads=n_threads)
    ends: NDArray[np.float64] = run.points.astype(np.float64)
    ends *= np.sqrt(unit["N"] / np.sum(ends**2, axis=1, keepdims=True))
    return ends


def _seed(rng: int, N: int, tensor: int, stream: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(rng, spawn_key=(N, tensor, stream))


@lru_cache(maxsize=1)  # the blocks of one tensor come one after the other
def _glass(p: int, N: int, tensor: int, law: LawName, nu: float | None, rng: int) -> PureGlass:
    return PureGlass(p, N, rng=_seed(rng, N, tensor, stream=0), law=law, nu=nu)


@dataclass(frozen=True)
class SizeSummary:
    """The ends of one size N, starts of tensor 0 first; arrays have one element a start."""

    N: int
    tensor: NDArray[np.int64]
    energy_density: NDArray[np.float64]
    refined_energy_density: NDArray[np.float64]
    overlap: NDArray[np.float64]
    index: NDArray[np.int64]
    zero: NDArray[np.int64]
    certified: NDArray[np.bool_]
    converged: NDArray[np.bool_]

    @property
    def tensors(self) -> int:
        """Number of coupling tensors."""
        return int(self.tensor.max()) + 1

    def first(self) -> NDArray[np.float64]:
        """Raw energy densities of the first tensor, the papers' sample."""
        sample: NDArray[np.float64] = self.energy_density[self.tensor == 0]
        return sample

    def tensor_means(self) -> NDArray[np.float64]:
        """Mean raw energy density of each tensor."""
        return np.bincount(self.tensor, weights=self.energy_density) / np.bincount(self.tensor)

    def within_sd(self) -> float:
        """Root mean square over tensors of the standard deviation within a tensor."""
        variances = [np.var(self.energy_density[self.tensor == t], ddof=1) for t in range(self.tensors)]
        return float(np.sqrt(np.mean(variances)))

    def tensor_sd(self) -> float:
        """Standard deviation of the tensor means, nan for one tensor."""
        means = self.tensor_means()
        return float(np.std(means, ddof=1)) if len(means) > 1 else float("nan")


@dataclass(frozen=True)
class ScaledLosses:
    """The table of a scaled-loss study: what the figure draws and the CSV holds."""

    p: int
    method: str
    law: str
    sizes: tuple[SizeSummary, ...]

    @classmethod
    def from_store(cls, store: Store) -> ScaledLosses:
        """Read the finished units of a store; a size without any is left out."""
        parameters = store.recipe.parameters
        rows = sorted(store.rows, key=lambda row: (row.unit["N"], row.unit["tensor"], row.unit["first"]))
        sizes = []
        for N in parameters["sizes"]:
            mine = [row for row in rows if row.unit["N"] == N]
            if mine:
                columns = joined([row.arrays for row in mine])
                tensor = np.concatenate([np.full(row.unit["count"], row.unit["tensor"]) for row in mine])
                sizes.append(_summary(N, tensor, columns))
        return cls(parameters["p"], parameters["method"], parameters["law"], tuple(sizes))

    def rows(self) -> list[dict[str, float | int | str]]:
        """Return one row a size: counts, moments, published values, what the end points are."""
        return [_row(size, self.p) for size in self.sizes]

    def shown(self) -> list[dict[str, str]]:
        """Return the rows to read: what the figure shows, and how many minima there are among the end points."""
        return [{title: form.format(row[name]) for name, title, form in SHOWN} for row in self.rows()]

    def notes(self) -> list[str]:
        """Return what belongs under the table."""
        return ["mean u, s.d.: of the starts on the first tensor; published: AISTATS15; index 0: of the refined points"]


SHOWN = (
    ("N", "N", "{:d}"),
    ("tensors", "tensors", "{:d}"),
    ("starts", "starts", "{:d}"),
    ("mean_first_tensor", "mean u", "{:.4f}"),
    ("sd_first_tensor", "s.d.", "{:.4f}"),
    ("published_mean", "published", "{:.4f}"),
    ("mean_of_tensors", "all tensors", "{:.4f}"),
    ("sd_of_tensor_means", "s.d. of means", "{:.4f}"),
    ("mean_refined", "refined", "{:.4f}"),
    ("mean_overlap", "overlap", "{:.4f}"),
    ("index_0", "index 0", "{:.1%}"),
    ("certified", "certified", "{:.1%}"),
)  # column of rows(), title, format


def _summary(N: int, tensor: NDArray[np.int64], columns: Mapping[str, NDArray[Any]]) -> SizeSummary:
    return SizeSummary(
        N=N,
        tensor=tensor,
        energy_density=columns["energy_density"],
        refined_energy_density=columns["refined_energy_density"],
        overlap=columns["overlap"],
        index=columns["negative"],
        zero=columns["zero"],
        certified=columns["certified"],
        converged=columns["converged"],
    )


def _row(size: SizeSummary, p: int) -> dict[str, float | int | str]:
    first = size.first()
    published = PUBLISHED.get(size.N) if p == 3 else None
    means = size.tensor_means()
    return {
        "N": size.N,
        "tensors": size.tensors,
        "starts": len(size.tensor),
        "mean_first_tensor": float(np.mean(first)),
        "sd_first_tensor": float(np.std(first, ddof=1)) if len(first) > 1 else float("nan"),
        "published_mean": published[0] if published else float("nan"),
        "published_sd": published[1] if published else float("nan"),
        "mean_of_tensors": float(np.mean(means)),
        "sd_within_tensor": size.within_sd(),
        "sd_of_tensor_means": size.tensor_sd(),
        "mean_refined": float(np.mean(size.refined_energy_density)),
        "mean_overlap": float(np.mean(size.overlap)),
        "converged": float(np.mean(size.converged)),
        "certified": float(np.mean(size.certified)),
        "index_0": float(np.mean(size.index == 0)),
        "max_index": int(size.index.max()),
        "with_zero_modes": float(np.mean(size.zero > 0)),
    }
