"""Slices of a landscape along great circles and great spheres; along lines and planes on flat space.

A slice goes through two or three points of the landscape. Its coordinates are distances from the first one along
geodesics: angles on a sphere (root mean square angles on a product of spheres), lengths on flat space. On one sphere
the slice through two points is a great circle, coordinate in [-π, π]; the one through three is a great sphere, the disc
x² + y² <= π² with its edge the antipode. A direction is given by a point: on a sphere √N times a unit tangent vector is
a point a quarter of a great circle away.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_array, as_real
from spinscape.geometry.terrain import FloatArray
from spinscape.landscape import Landscape, as_landscape, on_domain, retracted

FLOAT64 = np.dtype(np.float64)

_BLOCK = 2**22  # coordinates of points evaluated at once, 32 MiB
_STEPS = {1: 361, 2: 121}  # default grid points along a coordinate


@dataclass(frozen=True, eq=False, repr=False)
class EnergySlice:
    """What `slice_energy` found.

    energy : (n,) or (n, m) float64, the landscape's energies; row i, column j at coordinates[0][i], coordinates[1][j].
    coordinates : one or two vectors.
    marks : (points, 1 or 2) float64, where the points that the slice goes through lie in it.
    curved : whether the coordinates are angles.
    energy_scale : what an energy is divided by to give an energy density; 1 for landscapes without one.
    """

    energy: NDArray[np.float64]
    coordinates: tuple[NDArray[np.float64], ...]
    marks: NDArray[np.float64]
    curved: bool
    energy_scale: float

    @property
    def energy_density(self) -> NDArray[np.float64]:
        """U = H/N of a glass, the energy of other landscapes."""
        return self.energy / self.energy_scale

    def to_dict(self) -> dict[str, Any]:
        """Return all fields by name, without copying the arrays."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __repr__(self) -> str:
        unit = "angle" if self.curved else "length"
        ranges = ", ".join(f"{axis[0]:.4g} to {axis[-1]:.4g}" for axis in self.coordinates if axis.size)
        return f"EnergySlice(shape={self.energy.shape}, {unit}: {ranges}, points={len(self.marks)})"


def slice_energy(landscape: Landscape, through: Any, *coordinates: Any) -> EnergySlice:
    """Return the energies on a slice through two points (a curve) or three (a surface).

    Parameters
    ----------
    landscape : a glass, a network's landscape, or any other `Landscape`.
    through : (2, D) or (3, D), |w|^2 = N on each sphere to 1e-4 relative; the first point is the origin, the second
        lies on the first axis, the third in the half plane y > 0.
    coordinates : the grid, one vector for a curve, two for a surface. Default: the whole circle or sphere, -π to π; on
        flat space half the distances of the points beyond them.

    Returns an `EnergySlice`. Raises TypeError, ValueError or MemoryError naming the argument; ValueError where the
    points do not span a slice (two of them equal or antipodal, three on one geodesic).
    """
    landscape = as_landscape(landscape)
    surface = _Surface(landscape, through)
    axes = surface.axes(coordinates)
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    memory.require(2 * grid.nbytes, f"coordinates: a grid of {len(grid):,} points")
    rows = max(1, _BLOCK // landscape.size)
    energy = np.empty(len(grid))
    for first in range(0, len(grid), rows):
        energy[first : first + rows] = landscape.energy(surface.points(grid[first : first + rows]))
    return EnergySlice(
        energy=energy.reshape([axis.size for axis in axes]),
        coordinates=axes,
        marks=surface.marks,
        curved=landscape.domain.curved,
        energy_scale=float(landscape.energy_scale),
    )


def slice_points(landscape: Landscape, through: Any, at: Any) -> NDArray[np.float64]:
    """Return the points of a slice at coordinates `at`, (count, 1) or (count, 2), as a block (count, D).

    `through` and errors as `slice_energy`; for a curve `at` may be (count,).
    """
    surface = _Surface(as_landscape(landscape), through)
    places = as_real(at, "at", FLOAT64)
    places = places[:, None] if places.ndim == 1 else places
    if places.ndim != 2 or places.shape[1] != len(surface.frame):
        raise ValueError(f"at: expected shape (count, {len(surface.frame)}), got {np.shape(at)}")
    memory.require(6 * 8 * len(places) * landscape.size, f"at: {len(places):,} points of {landscape.size} coordinates")
    return surface.points(places)


class _Surface:
    """The origin of a slice and an orthonormal frame of its tangent space there."""

    def __init__(self, landscape: Landscape, through: Any) -> None:
        given = as_array(through, "through")
        if given.ndim != 2 or given.shape[0] not in (2, 3):
            raise ValueError(f"through: expected two or three points, shape (2 or 3, size), got {given.shape}")
        self.landscape = landscape
        points = retracted(landscape, on_domain(landscape, given, name="through"))
        self.origin = points[0]
        # Lengths in units of √D on spheres: angles, root mean square over the spheres.
        self.unit = float(np.sqrt(landscape.size)) if landscape.domain.curved else 1.0
        away = landscape.domain.log(np.repeat(points[:1], len(points) - 1, axis=0), points[1:], name="through")
        directions, lengths = np.linalg.qr(away.T)
        signs = np.where(np.diag(lengths) < 0, -1.0, 1.0)
        lengths = signs[:, None] * lengths
        if (np.abs(np.diag(lengths)) <= 1e-8 * np.linalg.norm(away, axis=1)).any() or not away.any(axis=1).all():
            raise ValueError("through: expected points that span a slice, got equal points or three on one geodesic")
        self.frame = (directions * signs).T
        self.marks = np.concatenate([np.zeros((1, len(self.frame))), lengths.T]) / self.unit

    def axes(self, coordinates: tuple[Any, ...]) -> tuple[FloatArray, ...]:
        """The grid's coordinates, checked, or the default ones."""
        dimension = len(self.frame)
        if not coordinates:
            return tuple(np.linspace(*self._range(k), _STEPS[dimension]) for k in range(dimension))
        if len(coordinates) != dimension:
            raise ValueError(f"coordinates: expected {dimension} for {dimension + 1} points, got {len(coordinates)}")
        axes = tuple(as_real(axis, "coordinates", FLOAT64) for axis in coordinates)
        if any(axis.ndim != 1 for axis in axes):
            raise ValueError(f"coordinates: expected vectors, got shapes {[axis.shape for axis in axes]}")
        return axes

    def _range(self, axis: int) -> tuple[float, float]:
        if self.landscape.domain.curved:
            return -np.pi, np.pi
        low, high = float(self.marks[:, axis].min()), float(self.marks[:, axis].max())
        return low - (high - low) / 2, high + (high - low) / 2

    def points(self, at: FloatArray) -> FloatArray:
        """The points at coordinates, (count, D)."""
        base = np.broadcast_to(self.origin, (len(at), self.origin.size))
        return self.landscape.domain.exp(base, self.unit * at @ self.frame)
