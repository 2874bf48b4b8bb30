r"""Spectra of the Hessian at minima, at barriers between them and at saddles high up, against the shifted GOE.

Given the energy density u at a critical point, the Hessian on the tangent space is √(2(N-1)p(p-1)/N) GOE_{N-1} - p u in
law, weighted by the modulus of its determinant (and, for minima, kept where it is positive): for large N a semicircle
of half-width 2√(p(p-1)) about -p u. At the points that algorithms find nothing says that it must be so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_integer, as_number
from spinscape.couplings import as_order
from spinscape.critical_points import find_critical_points
from spinscape.geometry import connect_pairs
from spinscape.hamiltonian import Glass
from spinscape.study import disorder
from spinscape.study.critical_points.layers import order_of
from spinscape.study.critical_points.minima import different_minima
from spinscape.study.disorder import FloatArray
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays, joined
from spinscape.study.store import Store
from spinscape.theory import goe

KINDS = ("minimum", "barrier", "high")


def recipe(
    *,
    p: int = 3,
    N: int = 80,
    tensors: int = 6,
    starts: int = 24,
    pairs: int = 6,
    high: float = -0.8,
    rng: int = 0,
) -> Recipe:
    """Return the recipe of a study of spectra.

    starts : of descents, and of searches near energy density `high`, on each tensor;
    pairs : of its lowest minima, connected over certified saddles.
    """
    order = as_order(p)
    parameters = {
        "xi": {str(order): 1.0},
        "sizes": [as_integer(N, "N", 3, 600)],
        "tensors": {str(N): as_integer(tensors, "tensors", 1, 10**6)},
        "starts": as_integer(starts, "starts", 2, 10**6),
        "pairs": as_integer(pairs, "pairs", 1, 10**4),
        "high": as_number(high, "high"),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("hessian-spectra", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return one unit a tensor."""
    return disorder.instances(parameters)


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost: all units are alike."""
    return float(parameters["starts"] + 10 * parameters["pairs"])


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes of a unit: couplings, points, Hessians of all starts."""
    hessians = 2 * parameters["starts"] + 8 * n_threads
    return disorder.bytes_of(parameters, unit) + 8 * hessians * unit["N"] ** 2 + 8000 * parameters["pairs"] * unit["N"]


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return how many points of each kind were found."""
    return ", ".join(f"{np.count_nonzero(arrays['kind'] == k)} of kind {name}" for k, name in enumerate(KINDS))


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Find minima, barriers between the lowest of them, and saddles high up; decompose their Hessians."""
    glass = disorder.instance(parameters, unit)
    starts = disorder.starts(glass, parameters, unit)
    minima = different_minima(glass, starts, n_threads)
    barriers = _barriers(glass, minima, parameters["pairs"], n_threads)
    high = find_critical_points(glass, parameters["high"], starts=starts, n_threads=n_threads)
    points = np.concatenate([minima, barriers, high.points[high.certified]])
    sizes = [len(minima), len(barriers), int(np.count_nonzero(high.certified))]
    return {
        "kind": np.repeat(np.arange(len(KINDS)), sizes),
        "energy_density": glass.energy_density(points, n_threads=n_threads),
        "eigenvalues": tangent_spectra(glass, points, n_threads),
    }


def tangent_spectra(glass: Glass, points: FloatArray, n_threads: int) -> FloatArray:
    """The N - 1 eigenvalues of the Hessian on the tangent space of one sphere, a row a point, ascending."""
    spectra = np.empty((len(points), glass.size - 1))
    for row, point in enumerate(points):
        hessian = glass.hessian(point[None], n_threads=n_threads)[0]
        frame = np.linalg.svd(point[None])[2][1:]  # orthonormal rows, all orthogonal to the point
        spectra[row] = np.linalg.eigvalsh(frame @ hessian @ frame.T)
    return spectra


def _barriers(glass: Glass, minima: FloatArray, pairs: int, n_threads: int) -> FloatArray:
    """Different certified saddles that link pairs of the lowest minima, the lowest pairs first."""
    chosen = [(i, j) for j in range(1, len(minima)) for i in range(j)][:pairs]
    if not chosen:
        return np.empty((0, glass.size))
    first, second = np.array(chosen).T
    found = connect_pairs(glass, minima[first], minima[second], rng=0, n_threads=n_threads)
    saddles = [one.saddle for one in found if one.linked and one.certified and one.index == 1]
    unique = {f"{glass.energy_density(saddle[None])[0]:.9f}": saddle for saddle in saddles}
    return np.array(list(unique.values())).reshape(-1, glass.size)


@dataclass(frozen=True)
class Spectrum:
    """The Hessians of one kind of points: energies (points,), eigenvalues (points, N - 1)."""

    kind: str
    energies: FloatArray
    eigenvalues: FloatArray

    @property
    def index(self) -> NDArray[np.int64]:
        """Negative eigenvalues of every point."""
        return np.asarray((self.eigenvalues < 0).sum(axis=1))


@dataclass(frozen=True)
class HessianSpectra:
    """The table of a study of spectra."""

    p: int
    N: int
    spectra: tuple[Spectrum, ...]

    @classmethod
    def from_store(cls, store: Store) -> HessianSpectra:
        """Read the finished units of a store; a kind without any point is left out."""
        parameters = store.recipe.parameters
        rows = sorted(store.rows, key=lambda row: row.unit["tensor"])
        columns = joined([row.arrays for row in rows])
        spectra = []
        for number, kind in enumerate(KINDS):
            mine = columns["kind"] == number
            if mine.any():
                spectra.append(Spectrum(kind, columns["energy_density"][mine], columns["eigenvalues"][mine]))
        return cls(order_of(parameters), parameters["sizes"][0], tuple(spectra))

    @property
    def half_width(self) -> float:
        """Half-width of the semicircle at this N: √2 times the scale of the shifted GOE."""
        return float(2 * np.sqrt((self.N - 1) * self.p * (self.p - 1) / self.N))

    def distance(self, spectrum: Spectrum) -> float:
        """Largest difference between the distribution functions of λ + p u and of the semicircle."""
        shifted = np.sort((spectrum.eigenvalues + self.p * spectrum.energies[:, None]).ravel())
        below = np.asarray(goe.semicircle_cdf(shifted * np.sqrt(2) / self.half_width))
        steps = np.arange(len(shifted) + 1) / len(shifted)
        return float(max(np.abs(below - steps[1:]).max(), np.abs(below - steps[:-1]).max()))

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a kind: energies, centre, width and ends of the spectra beside the semicircle's."""
        return [self._row(spectrum) for spectrum in self.spectra]

    def _row(self, spectrum: Spectrum) -> dict[str, Any]:
        u, values = spectrum.energies, spectrum.eigenvalues
        centred = values + self.p * u[:, None]
        return {
            "points": spectrum.kind,
            "N": self.N,
            "number": len(u),
            "energy": float(u.mean()),
            "smallest_index": int(spectrum.index.min()),
            "largest_index": int(spectrum.index.max()),
            "centre": float(values.mean()),
            "semicircle_centre": float(-self.p * u.mean()),
            "half_width": float(2 * np.sqrt(np.mean((centred - centred.mean(axis=1, keepdims=True)) ** 2))),
            "semicircle_half_width": self.half_width,
            "lowest_eigenvalue": float(values[:, 0].mean()),
            "semicircle_lower_edge": float(-self.p * u.mean() - self.half_width),
            "distance": self.distance(spectrum),
        }
