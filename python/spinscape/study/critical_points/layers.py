r"""Layers: critical points by index and energy, against the exact theory at the same N.

Three kinds of searches on every instance: for the lowest indices in turn ("low"), for indices evenly spaced from 0 to
N/2 ("index"), and from points moved to energies evenly spaced from the threshold -E_inf to 0 ("energy"). At a critical
point of energy density u the index is close to

    E[index | u],    spread σ(N, u) = s.d. of #{eigenvalues of √(2(N-1)p(p-1)/N) GOE_{N-1} below p u},

the first exact (`theory.mean_index`), the second from draws of the shifted GOE. No search is a fair sample: at a given
index each has energies of its own. The table says how far its mean is from that of all critical points of the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from spinscape import theory
from spinscape.arrays import as_integer
from spinscape.couplings import as_order
from spinscape.critical_points import CriticalPointSearch, find_critical_points, find_saddles
from spinscape.study import disorder
from spinscape.study.disorder import FloatArray
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays, joined
from spinscape.study.store import Store
from spinscape.theory import goe

KINDS = ("low", "index", "energy")
BLOCK = 48  # searches of a unit

_FIRST_STREAM = 8  # of the starts; those below are disorder's


def recipe(
    *,
    p: int = 3,
    sizes: tuple[int, ...] = (50, 100, 200),
    tensors: Mapping[int, int] | int = 8,
    starts: int = 96,
    low: int = 5,
    draws: int = 1000,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a study of layers.

    starts : searches of each kind on each tensor; low : the largest index of the kind "low";
    draws : of the shifted GOE behind σ(N, u).
    """
    order = as_order(p)
    if order < 3:
        raise ValueError(f"p: expected an order from 3, for p = 2 has no layers, got {p}")
    counts = [as_integer(N, "sizes", 4) for N in sizes]
    parameters = {
        "xi": {str(order): 1.0},
        "sizes": counts,
        "tensors": disorder.as_counts(tensors, tuple(counts), "tensors"),
        "starts": as_integer(starts, "starts", 2, 10**6),
        "low": as_integer(low, "low", 0, min(counts) // 2),
        "draws": as_integer(draws, "draws", 2, 10**6),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("layers", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return blocks of searches of every kind on every tensor."""
    for unit in disorder.instances(parameters):
        for kind in KINDS:
            for first in range(0, parameters["starts"], BLOCK):
                yield {**unit, "kind": kind, "first": first}


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost: one spectrum a step and search."""
    return float(_count(parameters, unit) * (unit["N"] ** 3 + 1e4))


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes of a unit: couplings, Hessians of all its searches, matrices of the threads."""
    matrices = 2 * _count(parameters, unit) + 8 * n_threads
    return int(12 * disorder.couplings(parameters, unit["N"]) + 8 * matrices * unit["N"] ** 2)


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return what was found."""
    found = arrays["certified"]
    u = arrays["energy_density"][found]
    span = f", u from {u.min():.2f} to {u.max():.2f}" if found.any() else ""
    return f"N = {unit['N']}, {unit['kind']}: {np.count_nonzero(found)} of {len(found)} certified{span}"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Search, and count every eigenvalue by its sign."""
    glass = disorder.instance(parameters, unit)
    key = (unit["N"], unit["tensor"], _FIRST_STREAM + KINDS.index(unit["kind"]), unit["first"])
    seed = np.random.SeedSequence(parameters["rng"], spawn_key=key)
    target = targets(parameters, unit)
    options: dict[str, Any] = {"rng": seed, "zero_tol": 0.0, "n_threads": n_threads}
    found: CriticalPointSearch = (
        find_critical_points(glass, target, len(target), **options)
        if unit["kind"] == "energy"
        else find_saddles(glass, target, len(target), **options)
    )
    return {
        "target": np.asarray(target, dtype=np.float64),
        "energy_density": found.energy_density,
        "index": found.index.negative,
        "converged": found.converged,
        "certified": found.certified,
        "margin": found.index.margin,
        "gradient_norm": found.gradient_norm,
        "steps": found.steps,
    }


def targets(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> NDArray[Any]:
    """The indices or energies of a unit's searches; blocks together are evenly spaced."""
    count, largest = parameters["starts"], unit["N"] // 2
    if unit["kind"] == "low":
        wanted = np.arange(count) % (parameters["low"] + 1)
    elif unit["kind"] == "index":
        wanted = np.arange(count) * largest // (count - 1)
    else:
        wanted = np.linspace(-float(theory.threshold_energy(order_of(parameters))), 0.0, count)
    return np.asarray(wanted[unit["first"] : unit["first"] + BLOCK])


def order_of(parameters: Mapping[str, Any]) -> int:
    """The order p of a recipe's pure glass."""
    return int(next(iter(parameters["xi"])))


def _count(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> int:
    return int(min(BLOCK, parameters["starts"] - unit["first"]))


@lru_cache(maxsize=16)
def shifted_goe_edges(N: int, p: int, draws: int) -> FloatArray:
    """Draws of √(2(N-1)p(p-1)/N) λ/p, λ the eigenvalues of GOE_{N-1} of edge √2, (draws, N - 1).

    At energy density u the Hessian's index is the number of them below u.
    """
    scale = np.sqrt(2 * (N - 1) * p * (p - 1) / N) / p
    seed = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(N,)))
    return np.asarray(scale * goe.sample_eigenvalues(N - 1, seed, draws, "abac"))


def index_spread(u: FloatArray, N: int, p: int, draws: int = 1000) -> FloatArray:
    """σ(N, u): standard deviation over draws of the index of the shifted GOE at each energy density."""
    counts = np.array([np.searchsorted(row, u) for row in shifted_goe_edges(N, p, draws)])
    return np.asarray(counts.std(axis=0, ddof=1))


def mean_index(u: FloatArray, N: int, p: int) -> FloatArray:
    """E[index | u], exact, interpolated from a grid much finer than the eigenvalues' spacing where there are many u."""
    fine = 4 * N
    if u.size <= fine:
        return np.asarray(theory.mean_index(u, N=N, p=p))
    grid = np.linspace(u.min(), u.max(), fine)
    return np.asarray(CubicSpline(grid, _on_grid(float(grid[0]), float(grid[-1]), fine, N, p))(u))


@lru_cache(maxsize=16)
def _on_grid(low: float, high: float, count: int, N: int, p: int) -> FloatArray:
    return np.asarray(theory.mean_index(np.linspace(low, high, count), N=N, p=p))


@dataclass(frozen=True)
class Cloud:
    """The searches at one N, one element a search; `searches` of them, certified or not."""

    N: int
    p: int
    draws: int
    tensor: NDArray[np.int64]
    kind: NDArray[np.str_]
    target: FloatArray
    energy: FloatArray
    index: NDArray[np.int64]
    converged: NDArray[np.bool_]
    certified: NDArray[np.bool_]

    @cached_property
    def expected(self) -> FloatArray:
        """E[index | u] of each row."""
        return mean_index(self.energy, N=self.N, p=self.p)

    @cached_property
    def sigma(self) -> FloatArray:
        """σ(N, u) of each row."""
        return index_spread(self.energy, self.N, self.p, self.draws)

    @cached_property
    def within(self) -> NDArray[np.bool_]:
        """Whether each row's index is within four σ of its mean."""
        return np.asarray(np.abs(self.index - self.expected) <= 4 * self.sigma)

    def distinct(self, rows: NDArray[np.bool_]) -> int:
        """Number of different critical points among some rows: another tensor, index or energy."""
        keys = zip(self.tensor[rows], self.index[rows], np.round(self.energy[rows], 9), strict=True)
        return len(set(keys))


@dataclass(frozen=True)
class Layers:
    """The table of a study of layers."""

    p: int
    low: int
    clouds: tuple[Cloud, ...]

    @classmethod
    def from_store(cls, store: Store) -> Layers:
        """Read the finished units of a store; a size without any is left out."""
        parameters = store.recipe.parameters
        rows = sorted(store.rows, key=lambda row: (row.unit["tensor"], row.unit["kind"], row.unit["first"]))
        clouds = []
        for N in parameters["sizes"]:
            mine = [row for row in rows if row.unit["N"] == N]
            if not mine:
                continue
            columns = joined([row.arrays for row in mine])
            of_unit = {
                name: np.concatenate([np.full(len(row.arrays["index"]), row.unit[name]) for row in mine])
                for name in ("tensor", "kind")
            }
            clouds.append(
                Cloud(
                    N,
                    order_of(parameters),
                    parameters["draws"],
                    of_unit["tensor"],
                    of_unit["kind"],
                    columns["target"],
                    columns["energy_density"],
                    columns["index"],
                    columns["converged"],
                    columns["certified"],
                )
            )
        return cls(order_of(parameters), parameters["low"], tuple(clouds))

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each N and kind of search, then one for each N and layer, and what lies outside 4 σ."""
        rows = []
        for cloud in self.clouds:
            rows.append(_row(cloud, "all", np.ones(len(cloud.index), dtype=bool)))
            rows += [_row(cloud, f"searches: {kind}", cloud.kind == kind) for kind in KINDS]
            rows += [_row(cloud, f"index {k}", cloud.index == k, k) for k in range(self.low + 1)]
            edges = [self.low + 1, *(cloud.N * eighth // 8 for eighth in (1, 2, 3)), cloud.N]
            rows += [
                _row(cloud, f"index {low} to {high - 1}", (cloud.index >= low) & (cloud.index < high))
                for low, high in pairwise(edges)
                if low < high
            ]
        return rows


def exact_energies(N: int, p: int, k: int) -> tuple[FloatArray, FloatArray]:
    """Energy densities, and the exact density of the mean number of critical points of index k there, made one."""
    middle = -float(theory.threshold_energy(p))
    u = np.linspace(middle - 0.6, min(middle + 1.6, 0.0) if k <= N // 4 else middle + 3.2, 700)
    log_density = np.asarray(theory.critical_energy_density(u, N=N, p=p, index=k, log=True))
    density = np.exp(log_density - log_density.max())
    return u, density / np.trapezoid(density, u)


def _row(cloud: Cloud, name: str, rows: NDArray[np.bool_], k: int | None = None) -> dict[str, Any]:
    found = rows & cloud.certified
    u, off = cloud.energy[found], (cloud.index - cloud.expected)[found]
    any_found = bool(found.any())
    exact = np.nan
    if k is not None and any_found:
        at, density = exact_energies(cloud.N, cloud.p, k)
        exact = float(np.trapezoid(at * density, at))
    nan = float("nan")
    return {
        "N": cloud.N,
        "what": name,
        "searches": int(np.count_nonzero(rows)),
        "converged": int(np.count_nonzero(rows & cloud.converged)),
        "certified": int(np.count_nonzero(found)),
        "distinct": cloud.distinct(found),
        "smallest_index": int(cloud.index[found].min()) if any_found else -1,
        "largest_index": int(cloud.index[found].max()) if any_found else -1,
        "energy": float(u.mean()) if any_found else nan,
        "energy_sd": float(u.std(ddof=1)) if len(u) > 1 else nan,
        "exact_energy": exact,
        "bias": float(u.mean()) - exact if any_found else nan,
        "index_minus_expected": float(off.mean()) if any_found else nan,
        "spread": float(np.sqrt(np.mean(off**2))) if any_found else nan,
        "sigma": float(np.sqrt(np.mean(cloud.sigma[found] ** 2))) if any_found else nan,
        "within_4_sigma": float(cloud.within[found].mean()) if any_found else nan,
    }
