"""Geodesics of a landscape's domain: great circles on spheres, lines on flat space.

On a product of spheres a geodesic runs along a great circle of each, all of them from end to end in the same time.
Lengths are those of tangent vectors in the surrounding space: √N times the angle on one sphere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.landscape import Landscape

FloatArray = NDArray[np.float64]

# Points whose angle is within this of π have no unique great circle; a rounding of w.w' to 1e-16 moves it by 1e-8.
_ANTIPODAL = 1e-6


def exponential(landscape: Landscape, points: FloatArray, tangents: FloatArray) -> FloatArray:
    """Return where the geodesics from the points with these tangent vectors are at time 1, (replicas, size)."""
    if landscape.spheres is None:
        return points + tangents
    base, step = (_by_sphere(landscape, array) for array in (points, tangents))
    angle = np.sqrt(np.sum(step * step, axis=-1, keepdims=True) / landscape.spheres[1])
    # sin(x)/x by numpy's normalised sinc, finite at 0
    moved = np.cos(angle) * base + np.sinc(angle / np.pi) * step
    moved *= np.sqrt(landscape.spheres[1] / np.sum(moved * moved, axis=-1, keepdims=True))
    return moved.reshape(points.shape)


def logarithm(
    landscape: Landscape, points: FloatArray, targets: FloatArray, name: str, through: FloatArray | None = None
) -> FloatArray:
    """Return the tangent vectors of the shortest geodesics from points to targets, (replicas, size).

    Every great circle from a point leads to its antipode: there the one in the direction of `through` is taken, and
    without it ValueError names the argument.
    """
    if landscape.spheres is None:
        return targets - points
    size = landscape.spheres[1]
    base, target = (_by_sphere(landscape, array) for array in (points, targets))
    chord = target - base
    # |w - w'| = 2√N sin(angle/2): exact for close points, where w.w'/N is 1 to rounding
    angle = 2 * np.arcsin(np.minimum(np.sqrt(np.sum(chord * chord, axis=-1, keepdims=True) / size) / 2, 1.0))
    opposite = angle > np.pi - _ANTIPODAL
    across = tangent_part(landscape, points, targets).reshape(base.shape)
    if opposite.any():
        if through is None:
            raise ValueError(
                f"{name}: expected points that are not antipodal: every great circle leads to the antipode"
            )
        other = tangent_part(landscape, points, through).reshape(base.shape)
        across = np.where(opposite, other, across)
    sine = np.sqrt(np.sum(across * across, axis=-1, keepdims=True) / size)
    return (across * np.where(sine > 0, angle / np.where(sine > 0, sine, 1.0), 1.0)).reshape(points.shape)


def tangent_part(landscape: Landscape, points: FloatArray, vectors: FloatArray) -> FloatArray:
    """Return the parts of the vectors orthogonal to the points, sphere by sphere; the vectors on flat space."""
    if landscape.spheres is None:
        return vectors
    base, given = (_by_sphere(landscape, array) for array in (points, vectors))
    radial = np.sum(base * given, axis=-1, keepdims=True) / landscape.spheres[1]
    return (given - radial * base).reshape(vectors.shape)


def _by_sphere(landscape: Landscape, block: Any) -> FloatArray:
    """The block as (..., spheres, coordinates)."""
    spheres: Any = landscape.spheres
    return np.asarray(block, dtype=np.float64).reshape(*np.shape(block)[:-1], *spheres)
