"""What a loss surface offers: the protocol of glasses, networks and your own landscapes.

Points are blocks (replicas, size), float64. A landscape lives on flat space (`spheres` is None) or, as a glass, on a
product of spheres: `spheres` = (number, coordinates of each), |w|^2 = coordinates on each. Gradients, products and
Hessians are then Riemannian: tangent vectors, and symmetric matrices that are zero along the radial directions.

A landscape may offer more than the protocol asks for:

- `exact_derivatives = True`: gradients, products and Hessians are exact and symmetric by construction. Others are
  checked against each other before anything is certified from them (spinscape.derivative_checks).
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_block

FloatArray = NDArray[Any]
FLOAT64 = np.dtype(np.float64)


@runtime_checkable
class Landscape(Protocol):
    """A twice differentiable energy of blocks of points."""

    @property
    def size(self) -> int:
        """Number of coordinates of a point."""

    @property
    def spheres(self) -> tuple[int, int] | None:
        """(number of spheres, coordinates of each), or None for flat space."""

    def energy(self, points: Any) -> FloatArray:
        """Return the energies, (replicas,)."""

    def gradient(self, points: Any) -> FloatArray:
        """Return the (Riemannian) gradients, (replicas, size)."""

    def hvp(self, points: Any, vectors: Any) -> FloatArray:
        """Return the (Riemannian) Hessian at each point times the row of `vectors`, (replicas, size)."""

    def hessian(self, points: Any) -> FloatArray:
        """Return the (Riemannian) Hessians, (replicas, size, size)."""


def as_landscape(value: Any, name: str = "landscape") -> Landscape:
    """Return the landscape, or raise TypeError naming what it lacks."""
    if isinstance(value, Landscape):
        return value
    offers = ("size", "spheres", "energy", "gradient", "hvp", "hessian")
    missing = ", ".join(word for word in offers if not hasattr(value, word))
    raise TypeError(f"{name}: expected a glass or a landscape, got {type(value).__name__} without {missing}")


def on_domain(landscape: Landscape, points: Any, dtype: Any = FLOAT64, name: str = "points") -> FloatArray:
    """Return the points as a block of `dtype`; on spheres, |w|^2 must be right to 1e-4 relative."""
    block = as_block(points, name, landscape.size, np.dtype(dtype))
    if landscape.spheres is None:
        return block
    count, size = landscape.spheres
    layers = block.reshape(block.shape[0], count, size)
    with np.errstate(over="ignore"):
        squares = np.einsum("rsi,rsi->rs", layers, layers, dtype=np.float64)
    off = np.abs(squares / size - 1)
    if not (off <= 1e-4).all():
        row, sphere = np.unravel_index(np.argmin(off <= 1e-4), off.shape)
        where = f"row {row}" if count == 1 else f"row {row}, sphere {sphere}"
        raise ValueError(f"{name}: expected |w|^2 = {size} to 1e-4 relative, got {squares[row, sphere]:g} in {where}")
    return block


def uniform_points(spheres: tuple[int, int], count: int, seed: int) -> NDArray[np.float64]:
    """Return `count` uniform points on the spheres, normalised Gaussians; row r depends on (seed, r) only."""
    size = spheres[0] * spheres[1]
    memory.require(3 * 8 * count * size, f"count: {count:,} points of {size} coordinates")
    normals = _core.normals(seed, _core.Purpose.points, 0, 0, 0, count * size)
    parts = normals.astype(np.float64).reshape(count, *spheres)
    # A running sum has one order of additions in every numpy: the points are as portable as the stream.
    squares = parts * parts
    np.cumsum(squares, axis=2, out=squares)
    parts *= np.sqrt(spheres[1] / squares[:, :, -1:])
    return parts.reshape(count, size)


def retracted(landscape: Landscape, block: FloatArray) -> FloatArray:
    """Return points put on the spheres to rounding, (replicas, size); the block itself on flat space."""
    if landscape.spheres is None:
        return block
    memory.require(2 * block.nbytes, f"points: {block.shape[0]:,} of {landscape.size} coordinates")
    count, size = landscape.spheres
    layers = block.reshape(block.shape[0], count, size)
    squares = np.einsum("rsi,rsi->rs", layers, layers, dtype=np.float64)
    result: FloatArray = (layers * np.sqrt(size / squares)[:, :, None]).reshape(block.shape)
    return result


def radial_directions(landscape: Landscape, point: FloatArray) -> FloatArray:
    """Return the orthonormal directions normal to the spheres at a point, (spheres, size); none on flat space."""
    if landscape.spheres is None:
        return np.empty((0, landscape.size))
    count, size = landscape.spheres
    normals = np.zeros((count, count, size))
    normals[np.arange(count), np.arange(count)] = point.reshape(count, size) / np.sqrt(size)
    return normals.reshape(count, landscape.size)
