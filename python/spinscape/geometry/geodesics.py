"""Geodesics of a landscape's domain: great circles on spheres, lines on flat space.

On a product of spheres a geodesic runs along a great circle of each, all of them from end to end in the same time.
Lengths are those of tangent vectors in the surrounding space: √N times the angle on one sphere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinscape.landscape import Landscape

FloatArray = NDArray[np.float64]


def exponential(landscape: Landscape, points: FloatArray, tangents: FloatArray) -> FloatArray:
    """Return where the geodesics from the points with these tangent vectors are at time 1, (replicas, size)."""
    return landscape.domain.exp(points, tangents)


def logarithm(
    landscape: Landscape, points: FloatArray, targets: FloatArray, name: str, through: FloatArray | None = None
) -> FloatArray:
    """Return the tangent vectors of the shortest geodesics from points to targets, (replicas, size).

    Every great circle from a point leads to its antipode: there the one in the direction of `through` is taken, and
    without it ValueError names the argument.
    """
    return landscape.domain.log(points, targets, through=through, name=name)


def tangent_part(landscape: Landscape, points: FloatArray, vectors: FloatArray) -> FloatArray:
    """Return the parts of the vectors orthogonal to the points, sphere by sphere; the vectors on flat space."""
    return landscape.domain.project(points, vectors)
