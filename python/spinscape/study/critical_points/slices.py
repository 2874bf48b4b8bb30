"""The energy along the great circle through the two lowest minima found, and on the great sphere through the three.

On a great circle a glass of order p is a trigonometric polynomial of degree p of the angle: the table says how far the
sampled energies are from one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinscape.arrays import as_integer
from spinscape.geometry import slice_energy
from spinscape.study import disorder
from spinscape.study.critical_points.minima import different_minima
from spinscape.study.disorder import FloatArray
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays
from spinscape.study.store import Store


def recipe(
    *, xi: Mapping[Any, float] | None = None, N: int = 50, starts: int = 200, points: int = 121, rng: int = 0
) -> Recipe:
    """Return the recipe of the slices of one instance.

    xi : {p: c_p}, {3: 1.0} by default; starts : descents that look for its minima; points : of the grid on an axis.
    """
    parameters = {
        "xi": disorder.as_mixture(xi or {3: 1.0}),
        "sizes": [as_integer(N, "N", 4)],
        "tensors": {str(N): 1},
        "starts": as_integer(starts, "starts", 3, 10**6),
        "points": as_integer(points, "points", 9, 2001),
        "rng": as_integer(rng, "rng", 0),
    }
    return Recipe("energy-slice", parameters)


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the one unit."""
    return disorder.instances(parameters)


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    """Return the unit's cost in gradients."""
    return float(100 * parameters["starts"] + parameters["points"] ** 2)


def memory(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> int:
    """Return the bytes of the unit: couplings, points of descents and of a block of the grid."""
    grid = 8 * 3 * min(parameters["points"] ** 2 * unit["N"], 2**22)
    return disorder.bytes_of(parameters, unit) + grid


def summary(unit: Mapping[str, Any], arrays: Arrays) -> str:
    """Return the energies of the minima."""
    return "minima at u = " + ", ".join(f"{u:.4f}" for u in arrays["minimum_energy"])


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> Arrays:
    """Find minima; slice through the lowest."""
    glass = disorder.instance(parameters, unit)
    minima = different_minima(glass, disorder.starts(glass, parameters, unit), n_threads)
    minima = _independent(minima)
    if len(minima) < 3:
        raise ValueError(
            f"starts: expected three different minima, {parameters['starts']} descents found {len(minima)}"
        )
    angles = np.linspace(-np.pi, np.pi, 4 * (parameters["points"] - 1) + 1)
    grid = np.linspace(-np.pi, np.pi, parameters["points"])
    circle, sphere = slice_energy(glass, minima[:2], angles), slice_energy(glass, minima[:3], grid, grid)
    return {
        "angle": angles,
        "circle": circle.energy_density,
        "circle_marks": circle.marks,
        "grid": grid,
        "sphere": sphere.energy_density,
        "sphere_marks": sphere.marks,
        "minimum_energy": glass.energy_density(minima[:3], n_threads=n_threads),
    }


def _independent(minima: FloatArray) -> FloatArray:
    """The minima without mirror images of lower ones, which span no slice with them."""
    kept: list[FloatArray] = []
    for point in minima:
        if all(abs(point @ other) < (1 - 1e-6) * point.size for other in kept):
            kept.append(point)
    return np.array(kept).reshape(-1, minima.shape[1])


@dataclass(frozen=True)
class EnergySlices:
    """The table of the slices: energy densities on a circle and on a sphere, and where the minima lie on them."""

    orders: tuple[int, ...]
    N: int
    angle: FloatArray
    circle: FloatArray
    circle_marks: FloatArray
    grid: FloatArray
    sphere: FloatArray
    sphere_marks: FloatArray
    minimum_energy: FloatArray

    @classmethod
    def from_store(cls, store: Store) -> EnergySlices:
        """Read the store's one unit."""
        parameters = store.recipe.parameters
        arrays = next(iter(store.rows)).arrays
        return cls(tuple(sorted(int(p) for p in parameters["xi"])), parameters["sizes"][0], **arrays)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a minimum: its place on the slices, and the height between the first two."""
        return [self._row(number) for number in range(len(self.minimum_energy))]

    def residual(self) -> float:
        """Largest distance of the circle's energies from a trigonometric polynomial of the glass's degree."""
        degree = max(self.orders)
        basis = np.exp(1j * np.outer(self.angle, np.arange(-degree, degree + 1)))
        fit = basis @ np.linalg.lstsq(basis, self.circle.astype(complex), rcond=None)[0]
        return float(np.abs(fit - self.circle).max())

    def _row(self, number: int) -> dict[str, Any]:
        x, y = self.sphere_marks[number]
        nan = float("nan")
        between = nan
        if number == 1:
            end = float(self.circle_marks[1, 0])
            between = float(self.circle[(self.angle >= 0) & (self.angle <= end)].max())
        return {
            "minimum": number,
            "energy": float(self.minimum_energy[number]),
            "angle_from_first": float(np.hypot(x, y)),
            "overlap_with_first": float(np.cos(np.hypot(x, y))),
            "x": float(x),
            "y": float(y),
            "highest_between": between,
            "residual_of_polynomial": self.residual() if number == 1 else nan,
        }
