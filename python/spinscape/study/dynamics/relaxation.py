"""Relaxation from uniform starts at finite N, beside its limit: energy against time, and ageing.

Gradient flow, or Langevin dynamics at β; at every time of the recipe the energy density, and the correlation
C(t, t_w) = w(t)·w(t_w)/N with the points at the waiting times t_w. `Relaxation.limit` solves the two-time equations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_dtype, as_integer, as_number
from spinscape.hamiltonian import Glass
from spinscape.sampling import sample
from spinscape.study import disorder
from spinscape.study.disorder import FloatArray, Spread
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays
from spinscape.study.store import Store
from spinscape.theory import MeanFieldDynamics, dmft

FIRST_TIME = 0.1


def recipe(
    *,
    xi: Mapping[Any, float] = MappingProxyType({3: 1.0}),
    sizes: tuple[int, ...] = (50, 100, 200),
    tensors: Mapping[int, int] | int = 20,
    starts: int = 24,
    t_max: float = 100.0,
    beta: float | None = None,
    waits: tuple[float, ...] = (),
    step: float = 0.01,
    a_decade: int = 8,
    dtype: str = "float32",
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a relaxation study.

    xi : {p: c_p}.
    tensors : instances of the couplings, one number or {N: number}; starts : uniform starts on each.
    beta : inverse temperature; None for gradient flow (fourth-order Runge-Kutta).
    waits : waiting times t_w.
    step : time step of Langevin dynamics (Euler's scheme on the sphere; its energies are off by O(step)).
    a_decade : times a decade, of t and of t - t_w.
    """
    parameters: dict[str, Any] = {
        "xi": disorder.as_mixture(xi),
        "sizes": [as_integer(N, "sizes", 2) for N in sizes],
        "tensors": disorder.as_counts(tensors, tuple(sizes), "tensors"),
        "starts": as_integer(starts, "starts", 1, 10**6),
        "t_max": as_number(t_max, "t_max", FIRST_TIME, exclusive=True),
        "beta": None if beta is None else as_number(beta, "beta", 0.0, exclusive=True),
        "waits": sorted(as_number(wait, "waits", 0.0) for wait in waits),
        "step": as_number(step, "step", 0.0, exclusive=True),
        "a_decade": as_integer(a_decade, "a_decade", 1, 100),
        "dtype": str(as_dtype(dtype)),
        "rng": as_integer(rng, "rng", 0),
    }
    if any(wait >= t_max for wait in parameters["waits"]):
        raise ValueError(f"waits: expected times below t_max = {t_max}, got {waits}")
    return Recipe("relaxation", parameters)


def times_of(parameters: Mapping[str, Any]) -> FloatArray:
    """The times of the measurements: logarithmic in t and in t - t_w; for Langevin dynamics multiples of its step."""
    t_max = parameters["t_max"]
    decades = np.log10(t_max / FIRST_TIME)
    grid = np.geomspace(FIRST_TIME, t_max, int(np.ceil(decades * parameters["a_decade"])) + 1)
    parts: list[FloatArray] = [np.zeros(1), grid]
    parts += [wait + np.append(0.0, grid) for wait in parameters["waits"]]
    times = np.concatenate(parts)
    times = times[times <= t_max * (1 + 1e-9)]
    unit = FIRST_TIME / 10 if parameters["beta"] is None else parameters["step"]
    return np.unique(np.round(times / unit)) * unit


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return one unit a tensor."""
    return disorder.instances(parameters)


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost in couplings times starts times gradients."""
    gradients = parameters["t_max"] * (20 if parameters["beta"] is None else 1 / parameters["step"])
    return float(gradients * (parameters["starts"] * disorder.couplings(parameters, unit["N"]) + 1e5))


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes a unit needs at most."""
    return disorder.bytes_of(parameters, unit)


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return where the unit's replicas were at the last time."""
    return f"N = {unit['N']}: mean u = {np.mean(arrays['energy_density'][:, -1]):.4f}"


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Follow the replicas of one instance."""
    glass = disorder.instance(parameters, unit)
    noise = disorder.seed(parameters["rng"], unit["N"], unit["tensor"], disorder.NOISE)
    points, times, waits = disorder.starts(glass, parameters, unit), times_of(parameters), parameters["waits"]
    energies = np.empty((len(points), len(times)))
    correlations = np.full((len(points), len(waits), len(times)), np.nan)
    kept: list[NDArray[Any]] = []
    for k, time in enumerate(times):
        if k:
            points = _moved(glass, points, times[k - 1], time, parameters, noise, n_threads)
        energies[:, k] = glass.energy_density(points, n_threads=n_threads)
        if len(kept) < len(waits) and np.isclose(time, waits[len(kept)], rtol=0, atol=0.51 * FIRST_TIME / 10):
            kept.append(points)
        for w, earlier in enumerate(kept):
            correlations[:, w, k] = np.einsum("ri,ri->r", points, earlier, dtype=np.float64) / unit["N"]
    return {"times": times, "energy_density": energies, "correlation": correlations}


def _moved(
    glass: Glass,
    points: NDArray[Any],
    begin: float,
    end: float,
    parameters: Mapping[str, Any],
    noise: np.random.SeedSequence,
    n_threads: int,
) -> NDArray[Any]:
    if parameters["beta"] is None:
        return _flow(glass, points, begin, end, n_threads)
    dt = parameters["step"]
    first, last = round(begin / dt), round(end / dt)
    run = sample(
        glass,
        points,
        beta=parameters["beta"],
        steps=last - first,
        method="langevin",
        step=dt,
        first_step=first,
        rng=noise,
        n_threads=n_threads,
    )
    return run.points


def _flow(glass: Glass, points: NDArray[Any], begin: float, end: float, n_threads: int) -> NDArray[Any]:
    """dw/dt = -g from time to time, fourth order; steps of 0.1 while the fastest modes relax, then of 0.2."""
    count = int(np.ceil((end - begin) / (0.1 if begin < 3 else 0.2) - 1e-9))
    h = (end - begin) / count

    def slope(w: NDArray[Any]) -> NDArray[Any]:
        return -glass.gradient(w, n_threads=n_threads)

    def on_sphere(w: NDArray[Any]) -> NDArray[Any]:
        moved: NDArray[Any] = w * np.sqrt(w.shape[1] / np.sum(w**2, axis=1, keepdims=True))
        return moved

    for _ in range(count):
        first = slope(points)
        second = slope(on_sphere(points + h / 2 * first))
        third = slope(on_sphere(points + h / 2 * second))
        fourth = slope(on_sphere(points + h * third))
        points = on_sphere(points + h / 6 * (first + 2 * second + 2 * third + fourth)).astype(points.dtype)
    return points


@dataclass(frozen=True)
class SizeRelaxation:
    """One size N: statistics of u, (times,), and of C(t, t_w), (waits, times), over instances and starts."""

    N: int
    energy: Spread
    correlation: Spread


@dataclass(frozen=True)
class Relaxation:
    """The table of a relaxation study."""

    xi: Mapping[int, float]
    beta: float | None
    waits: tuple[float, ...]
    times: FloatArray
    sizes: tuple[SizeRelaxation, ...]

    @classmethod
    def from_store(cls, store: Store) -> Relaxation:
        """Read the finished units of a store; a size without any is left out."""
        parameters, sizes = store.recipe.parameters, []
        rows = sorted(store.rows, key=lambda row: (row.unit["N"], row.unit["tensor"]))
        for N in parameters["sizes"]:
            mine = [row.arrays for row in rows if row.unit["N"] == N]
            if mine:
                energy = disorder.spread([arrays["energy_density"] for arrays in mine])
                sizes.append(SizeRelaxation(N, energy, disorder.spread([arrays["correlation"] for arrays in mine])))
        coefficients = {int(p): c for p, c in parameters["xi"].items()}
        waits = tuple(parameters["waits"])
        return cls(coefficients, parameters["beta"], waits, times_of(parameters), tuple(sizes))

    @cached_property
    def limit(self) -> MeanFieldDynamics:
        """The limit N to infinity, solved on first use (seconds)."""
        return dmft(self.xi, float(self.times[-1]), beta=self.beta)

    def extrapolated(self) -> tuple[FloatArray, FloatArray]:
        """The energies at 1/N = 0 and their errors: a line in 1/N through the sizes, weighted by their errors.

        nan for fewer than two sizes, or one instance a size.
        """
        inverse = np.array([1 / size.N for size in self.sizes])
        means = np.stack([size.energy.mean for size in self.sizes])
        weights = np.stack([size.energy.error for size in self.sizes]) ** -2.0
        total, first = weights.sum(0), inverse @ weights
        second = inverse**2 @ weights
        determinant = total * second - first**2
        if len(inverse) < 2:
            determinant = np.full(len(self.times), np.nan)
        mean = (second * np.sum(weights * means, axis=0) - first * (inverse @ (weights * means))) / determinant
        return mean, np.sqrt(second / determinant)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a size and time: energy, error and spreads, limit and extrapolation; then C at each t_w."""
        limit, (line, line_error) = self.limit.energy_at(self.times), self.extrapolated()
        return [
            {
                "N": size.N,
                "instances": size.energy.instances,
                "t": float(time),
                "energy_density": float(size.energy.mean[k]),
                "error": float(size.energy.error[k]),
                "sd_disorder": float(size.energy.sd_disorder[k]),
                "sd_starts": float(size.energy.sd_starts[k]),
                "limit": float(limit[k]),
                "extrapolated": float(line[k]),
                "extrapolated_error": float(line_error[k]),
                **{f"C(t,{wait:g})": float(size.correlation.mean[w, k]) for w, wait in enumerate(self.waits)},
            }
            for size in self.sizes
            for k, time in enumerate(self.times)
        ]
