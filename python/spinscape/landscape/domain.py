r"""Where the points of a landscape live: flat space, a product of spheres of any sizes, or both.

A point is a row of `size` coordinates: the spheres one after the other, then the flat remainder. On a sphere of n
coordinates |w|^2 = n. Geodesics run along a great circle of each sphere, and a line in the remainder, all of them from
end to end in the same time; lengths are those of tangent vectors in the surrounding space (√n times the angle on one
sphere).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_array, as_block, as_dtype, as_integer, as_integers, as_reals, described
from spinscape.randomness import RNG, seed_from

FloatArray = NDArray[Any]
FLOAT64 = np.dtype(np.float64)

# How far |w|^2 may be from its sphere's size, relative: points in float32, or rounded by a file, are still taken.
OFF_SPHERE = 1e-4

# Points whose angle is within this of π have no unique great circle; a rounding of w.w' to 1e-16 moves it by 1e-8.
_ANTIPODAL = 1e-6

_NUMBERS_AT_ONCE = 2**22  # drawn between two looks for an interrupt


class _Run(NamedTuple):
    """Consecutive spheres of one size: the coordinates `at`, to be reshaped to (..., number, size)."""

    at: slice
    number: int
    size: int
    first: int  # number of the first of these spheres


@dataclass(frozen=True)
class Domain:
    """A product of spheres, |w|^2 = its size on each, and a flat remainder.

    sizes : coordinates of each sphere, in order; none on flat space.
    flat_size : coordinates of the flat remainder, the last ones of a point.

    Made by `Domain.flat(n)` and `Domain.spheres(sizes, flat=0)`. Points and vectors are arrays (..., size); points must
    lie on the spheres to 1e-4 relative. Every method raises TypeError or ValueError naming the argument.
    """

    sizes: tuple[int, ...]
    flat_size: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.sizes, Sequence) or isinstance(self.sizes, str):
            raise TypeError(f"sizes: expected the coordinates of each sphere, got {described(self.sizes)}")
        object.__setattr__(self, "sizes", tuple(as_integer(size, "sizes", 1, 2**40) for size in self.sizes))
        object.__setattr__(self, "flat_size", as_integer(self.flat_size, "flat_size", 0, 2**40))
        if self.size == 0:
            raise ValueError("sizes: expected at least one coordinate, got none")

    @classmethod
    def flat(cls, n: int) -> Domain:
        """Return flat space of n coordinates."""
        return cls((), as_integer(n, "n", 1, 2**40))

    @classmethod
    def spheres(cls, sizes: int | Sequence[int], flat: int = 0) -> Domain:
        """Return a product of spheres with `flat` coordinates beside them; a number is one sphere."""
        beside = as_integer(flat, "flat", 0, 2**40)
        each = np.atleast_1d(as_integers(sizes, "sizes", 1, 2**40))
        if each.ndim > 1:
            raise ValueError(f"sizes: expected a number or a list of them, got shape {each.shape}")
        return cls(tuple(each.tolist()), beside)

    @cached_property
    def size(self) -> int:
        """Number of coordinates of a point."""
        return sum(self.sizes) + self.flat_size

    @property
    def dimension(self) -> int:
        """Dimension of the tangent space: one less than the coordinates for every sphere."""
        return self.size - len(self.sizes)

    @property
    def curved(self) -> bool:
        """Whether there are spheres."""
        return bool(self.sizes)

    @property
    def equal_size(self) -> int | None:
        """Coordinates of each sphere where all have the same and nothing is flat, else None."""
        return self._runs[0].size if len(self._runs) == 1 and not self.flat_size else None

    def checked(self, value: Any, name: str = "points", dtype: Any = FLOAT64) -> FloatArray:
        """Return a block (replicas, size) of points, finite, on the spheres to 1e-4 relative, as `dtype`."""
        block = as_block(value, name, self.size, as_dtype(dtype))
        self._require_on_spheres(block, name)
        return block

    def project(self, points: Any, vectors: Any) -> FloatArray:
        """Return the tangent parts v - (w.v/n) w of the vectors, on each sphere."""
        base, given = self._pair(points, vectors, "vectors")
        tangent = given.copy()
        for w, v, run in self._parts(base, given):
            _put(tangent, run, _across(w, v, run.size))
        return tangent

    def curvature_term(self, points: Any, gradients: Any, vectors: Any) -> FloatArray:
        """Return (w.∇E/n) v on each sphere and 0 in the flat remainder.

        With Euclidean gradients ∇E and tangent vectors v this is what the spheres' curvature takes off a Hessian:
        Hess v = P ∇²E v - (w.∇E/n) v.
        """
        base, slope = self._pair(points, gradients, "gradients")
        given = self._pair(points, vectors, "vectors")[1]
        term = np.zeros_like(base)
        for w, g, run in self._parts(base, slope):
            _put(term, run, np.sum(w * g, axis=-1, keepdims=True) / run.size * _layers(given, run))
        return term

    def retract(self, points: Any) -> FloatArray:
        """Return w √n/|w| on each sphere: the nearest points of the domain; where w = 0 there is none (ValueError)."""
        block = self._array(points, "points")
        memory.require(16 * block.size, f"points: an array of shape {block.shape}")
        result = block.astype(np.float64)
        for run in self._runs:
            layers = result[..., run.at].reshape(-1, run.number, run.size)
            squares = np.einsum("rsi,rsi->rs", layers, layers, dtype=np.float64)
            if not (squares > 0).all():
                raise ValueError("points: expected |w| > 0 on each sphere, got 0 or nan")
            _put(result, run, layers * np.sqrt(run.size / squares)[:, :, None])
        return result

    def exp(self, points: Any, vectors: Any) -> FloatArray:
        """Return where the geodesics that leave the points with these tangent vectors are at time 1."""
        base, step = self._pair(points, vectors, "vectors")
        result = base + step
        for w, v, run in self._parts(base, step):
            angle = np.sqrt(np.sum(v * v, axis=-1, keepdims=True) / run.size)
            # sin(x)/x by numpy's normalised sinc, finite at 0
            moved = np.cos(angle) * w + np.sinc(angle / np.pi) * v
            moved *= np.sqrt(run.size / np.sum(moved * moved, axis=-1, keepdims=True))
            _put(result, run, moved)
        return result

    def log(self, points: Any, others: Any, *, through: Any = None, name: str = "others") -> FloatArray:
        """Return the tangent vectors of the shortest geodesics from the points to the others.

        Every great circle from a point leads to its antipode: there the one in the direction of the vectors `through`
        is taken, and without them ValueError names the argument.
        """
        base, target = self._pair(points, others, name)
        self._require_on_spheres(target, name)
        result = target - base
        turned = None if through is None else self._pair(points, through, "through")[1]
        for w, other, run in self._parts(base, target):
            chord = other - w
            # |w - w'| = 2√n sin(angle/2): exact for close points, where w.w'/n is 1 to rounding
            half = np.sqrt(np.sum(chord * chord, axis=-1, keepdims=True) / run.size) / 2
            angle = 2 * np.arcsin(np.minimum(half, 1.0))
            opposite = angle > np.pi - _ANTIPODAL
            across = _across(w, other, run.size)
            if opposite.any():
                if turned is None:
                    raise ValueError(
                        f"{name}: expected points that are not antipodal: every great circle leads to the antipode"
                    )
                across = np.where(opposite, _across(w, _layers(turned, run), run.size), across)
            sine = np.sqrt(np.sum(across * across, axis=-1, keepdims=True) / run.size)
            _put(result, run, across * np.where(sine > 0, angle / np.where(sine > 0, sine, 1.0), 1.0))
        return result

    def geodesic(self, points: Any, others: Any, t: Any) -> FloatArray:
        """Return the shortest geodesics from the points (t = 0) to the others (t = 1), at one time or several.

        t : a number, for the shape of the points; or (k,), for (replicas, k, size).
        """
        base, times = self._array(points, "points"), as_reals(t, "t")
        if times.ndim > 1:
            raise ValueError(f"t: expected a number or shape (k,), got {times.shape}")
        away = self.log(base, others)
        if times.ndim == 0:
            return self.exp(base, float(times) * away)
        steps = times[:, None] * away[..., None, :]
        return self.exp(np.broadcast_to(base[..., None, :], steps.shape), steps)

    def overlap(self, points: Any, others: Any) -> FloatArray:
        """Return w.w'/size row by row; where something is flat the cosine of the angle (nan for a zero row)."""
        base, other = self._pair(points, others, "others")
        self._require_on_spheres(other, "others")
        products: FloatArray = np.einsum("...i,...i->...", base, other)
        if not self.flat_size:
            return products / self.size
        with np.errstate(invalid="ignore"):
            return products / (np.linalg.norm(base, axis=-1) * np.linalg.norm(other, axis=-1))

    def random_points(self, count: int, *, rng: RNG = None) -> NDArray[np.float64]:
        """Return `count` points (count, size), uniform on the spheres, standard normal in the flat remainder.

        Row r depends on (rng, r) only.
        """
        count, seed = as_integer(count, "count", 0, 2**40), seed_from(rng)
        memory.require(3 * 8 * count * self.size, f"count: {count:,} points of {self.size} coordinates")
        points = np.empty((count, self.size))
        rows = max(1, _NUMBERS_AT_ONCE // self.size)
        for first in range(0, count, rows):  # in pieces, so that an interrupt does not wait for all of them
            self._fill_random(points[first : first + rows], seed, first)
        return points

    def _fill_random(self, points: NDArray[np.float64], seed: int, first: int) -> None:
        """Rows first, first + 1, ... of the random points of a seed."""
        normals = _core.normals(seed, _core.Purpose.points, 0, 0, first * self.size, points.size)
        points[...] = normals.reshape(points.shape)
        for run in self._runs:
            parts = _layers(points, run)
            # A running sum has one order of additions in every numpy: the points are as portable as the stream.
            squares = parts * parts
            np.cumsum(squares, axis=2, out=squares)
            _put(points, run, parts * np.sqrt(run.size / squares[:, :, -1:]))

    def radial(self, point: Any) -> NDArray[np.float64]:
        """Return the orthonormal directions normal to the spheres at a point (size,): (spheres, size)."""
        place = self._array(point, "point").reshape(-1)
        if len(place) != self.size:
            raise ValueError(f"point: expected one point, got shape {np.shape(point)}")
        normals = np.zeros((len(self.sizes), self.size))
        for run in self._runs:
            rows = np.arange(run.number)
            block = normals[run.first : run.first + run.number, run.at].reshape(run.number, run.number, run.size)
            block[rows, rows] = _layers(place, run) / np.sqrt(run.size)
            normals[run.first : run.first + run.number, run.at] = block.reshape(run.number, -1)
        return normals

    def __repr__(self) -> str:
        if not self.curved:
            return f"Domain.flat({self.flat_size})"
        alike = len(self._runs) == 1 and len(self.sizes) > 3
        sizes = f"({self.sizes[0]},) * {len(self.sizes)}" if alike else repr(self.sizes)
        return f"Domain.spheres({sizes}{f', flat={self.flat_size}' if self.flat_size else ''})"

    @cached_property
    def _runs(self) -> tuple[_Run, ...]:
        """Spheres of one size in a row are worked on together, by a reshape."""
        runs, begin, first = [], 0, 0
        for size, group in groupby(self.sizes):
            count = len(list(group))
            runs.append(_Run(slice(begin, begin + count * size), count, size, first))
            begin, first = begin + count * size, first + count
        return tuple(runs)

    def _parts(self, points: FloatArray, vectors: FloatArray) -> Iterator[tuple[FloatArray, FloatArray, _Run]]:
        for run in self._runs:
            yield _layers(points, run), _layers(vectors, run), run

    def _array(self, value: Any, name: str) -> FloatArray:
        array = as_array(value, name)
        if array.ndim == 0 or array.shape[-1] != self.size:
            raise ValueError(f"{name}: expected shape (..., {self.size}), got {array.shape}")
        return array

    def _pair(self, points: Any, others: Any, name: str) -> tuple[FloatArray, FloatArray]:
        """Points of the domain and an array of the same shape, both float64."""
        base = self._array(points, "points").astype(np.float64, copy=False)
        other = self._array(others, name).astype(np.float64, copy=False)
        if base.shape != other.shape:
            raise ValueError(f"{name}: expected the shape of the points, {base.shape}, got {other.shape}")
        self._require_on_spheres(base, "points")
        return base, other

    def _require_on_spheres(self, points: FloatArray, name: str) -> None:
        for run in self._runs:
            layers = points[..., run.at].reshape(-1, run.number, run.size)
            with np.errstate(over="ignore"):
                squares = np.einsum("rsi,rsi->rs", layers, layers, dtype=np.float64)
            on = np.abs(squares / run.size - 1) <= OFF_SPHERE
            if not on.all():
                row, sphere = np.unravel_index(np.argmin(on), on.shape)
                where = f"row {row}" if len(self.sizes) == 1 else f"row {row}, sphere {run.first + sphere}"
                got = f"{squares[row, sphere]:g} in {where}"
                raise ValueError(f"{name}: expected |w|^2 = {run.size} to 1e-4 relative, got {got}")


def _layers(block: FloatArray, run: _Run) -> FloatArray:
    """The coordinates of a run of spheres as (..., spheres, coordinates of each)."""
    return block[..., run.at].reshape(*block.shape[:-1], run.number, run.size)


def _put(block: FloatArray, run: _Run, layers: FloatArray) -> None:
    block[..., run.at] = layers.reshape(*block.shape[:-1], run.number * run.size)


def _across(points: FloatArray, vectors: FloatArray, size: int) -> FloatArray:
    radial = np.sum(points * vectors, axis=-1, keepdims=True) / size
    tangent: FloatArray = vectors - radial * points
    return tangent
