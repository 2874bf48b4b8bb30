"""Which minima a saddle joins: the ends of the descents from its two sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_array
from spinscape.geometry.terrain import FloatArray, Terrain, apart, unit_of_curvature

_CHUNK, _CHUNKS = 5, 1000  # steps of steepest descent between two points of a way, and points at most

_SIDESTEP = 0.02  # radians, from the saddle into the basin beside it
_HERE = 0.02**0.5  # radians between a minimum and the point that was said to be it: overlap 0.99
_LINEAR = 0.1  # on flat space: where the gradient differs by this share from what the Hessian says
_DOUBLINGS = 60

Fold = bool | Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Sides:
    """The minima on the two sides of each saddle.

    minima : (saddles, 2, D); against and along `direction`.
    found : (saddles, 2) bool, whether the descent ended in a point that converged, of certified index 0.
    direction : (saddles, D), the unit eigenvector of the lowest eigenvalue.
    """

    minima: FloatArray
    found: NDArray[np.bool_]
    direction: FloatArray


@dataclass(frozen=True, eq=False)
class Beside:
    """Points beside saddles, from where the ways go down.

    points : (2 saddles, D), against and along `direction`.
    direction : (saddles, D), the unit eigenvector of the lowest eigenvalue.
    curvature, length : (2 saddles,), the units there.
    """

    points: FloatArray
    direction: FloatArray
    curvature: FloatArray
    length: FloatArray


def sides(terrain: Terrain, saddles: FloatArray) -> Sides:
    """Descend from both sides of index-1 saddles, (saddles, D), along the paths of steepest descent."""
    start = beside(terrain, saddles)
    # Steepest descent first: L-BFGS alone may leap into another basin.
    *_, near = downhill(terrain, start)
    ends = np.empty_like(near)
    for rows, run in terrain.walk(near, start.curvature, "lbfgs", 1e-9):
        ends[rows] = run.points
    minima = terrain.refine(ends)
    index = terrain.index(minima.points)
    return Sides(
        minima=minima.points.reshape(-1, 2, terrain.size),
        found=(minima.converged & index.certified & (index.negative == 0)).reshape(-1, 2),
        direction=start.direction,
    )


def downhill(terrain: Terrain, start: Beside) -> Iterator[FloatArray]:
    """Yield the points of a block on their ways of steepest descent, every few steps, until all are near their minima.

    The gradient is small beside a saddle too: near a minimum it is also well below the largest on the way. A point that
    has arrived stays. Steps that end higher than they began are taken back and repeated shorter.
    """
    now, units, going = start.points.copy(), start.curvature.copy(), np.arange(len(start.points))
    steepest, energy = np.zeros(len(now)), terrain.energy(now) / terrain.landscape.energy_scale
    yield now.copy()
    for _ in range(_CHUNKS):
        slope = np.zeros(len(now))
        for some, run in terrain.walk(now[going], units[going], "gradient", 0.0, max_steps=_CHUNK):
            lower = run.energy_density <= energy[going[some]] + 1e-9 * np.abs(run.energy_density)
            rows = going[some[lower]]
            now[rows], energy[rows] = run.points[lower], run.energy_density[lower]
            slope[rows] = run.gradient_norm[lower]
            slope[going[some[~lower]]] = np.inf
            units[going[some[~lower]]] *= 4
        finite = going[np.isfinite(slope[going])]
        steepest[finite] = np.maximum(steepest[finite], slope[finite])
        yield now.copy()
        near = np.minimum(1e-2 * start.curvature * start.length, 0.1 * steepest)
        going = going[slope[going] > near[going]]
        if not going.size:
            return


def beside(terrain: Terrain, saddles: FloatArray) -> Beside:
    """Return two points beside each saddle, against and along its lowest direction."""
    direction, value, unit = np.empty_like(saddles), np.empty(len(saddles)), np.empty(len(saddles))
    for row, saddle in enumerate(saddles):
        values, vectors = terrain.eigenpairs(saddle)
        direction[row], value[row], unit[row] = vectors[0], values[0], unit_of_curvature(values)
    radian = np.sqrt(terrain.size)
    step = np.full(len(saddles), _SIDESTEP * radian)
    if not terrain.domain.curved:
        step = _linear_range(terrain, saddles, direction, value)
    shift = step[:, None, None] * np.stack([-direction, direction], axis=1)
    return Beside(
        points=terrain.domain.exp(np.repeat(saddles, 2, axis=0), shift.reshape(-1, terrain.size)),
        direction=direction,
        curvature=np.repeat(unit, 2),
        length=np.repeat(step / (_SIDESTEP * radian), 2),
    )


def _linear_range(terrain: Terrain, saddles: FloatArray, direction: FloatArray, value: FloatArray) -> FloatArray:
    """How far from each saddle, to a factor of two, the gradient on either side is what its eigenvalue says.

    Flat space has no radian: the landscape itself says how near a saddle is near.
    """

    def linear(rows: NDArray[np.int64], step: FloatArray) -> NDArray[np.bool_]:
        shift = np.stack([-direction[rows], direction[rows]], axis=1) * step[:, None, None]
        found = terrain.energy_gradient((saddles[rows, None] + shift).reshape(-1, terrain.size))[1]
        off = np.linalg.norm(found.reshape(shift.shape) - value[rows, None, None] * shift, axis=2)
        return np.asarray((off <= _LINEAR * np.abs(value[rows] * step)[:, None]).all(axis=1))

    lengths = np.linalg.norm(saddles, axis=1)
    step = 2.0**-10 * np.where(lengths > 0, lengths, 1.0)
    for growing, factor in ((False, 0.5), (True, 2.0)):
        rows = np.arange(len(saddles))
        for _ in range(_DOUBLINGS):
            rows = rows[linear(rows, factor * step[rows]) if growing else ~linear(rows, step[rows])]
            step[rows] *= factor
            if not rows.size:
                break
    return step


def refined_minima(terrain: Terrain, points: Any, name: str) -> FloatArray:
    """Return the minima that the points are, by Newton's method; ValueError names the rows that are none, and why."""
    given = terrain.domain.checked(points, name)
    found = terrain.refine(given)
    index = terrain.index(found.points)
    moved = apart(found.points, given)
    minimal = found.converged & index.certified & (index.negative == 0)
    # What is far has no length on flat space: there the point must lie in the bowl of the minimum.
    minimal &= terrain.index(given).negative == 0 if terrain.domain.flat_size else moved <= _HERE
    if not minimal.all():
        wrong = np.flatnonzero(~minimal)
        row = wrong[0]
        others = f"; {wrong.size} rows are none, {', '.join(map(str, wrong[:10]))}" if wrong.size > 1 else ""
        certified = "certified" if index.certified[row] else "not certified"
        raise ValueError(
            f"{name}: expected minima, but Newton's method from row {row} ends {moved[row]:.2g} away (root mean square "
            f"over the coordinates) with gradient norm {found.gradient_norm[row]:.2g}, "
            f"index {index.negative[row]} ({certified}){others}"
        )
    return np.asarray(found.points)


class Catalogue:
    """Different critical points, numbered as they come.

    same : points nearer than this (root mean square over the coordinates) are one.
    fold : True: w and -w are one. A function of a block of points: points with one answer, to `same`, are one.
    """

    def __init__(self, points: FloatArray, same: float, fold: Fold = False) -> None:
        self._same, self._fold = same, fold
        self.points = np.empty((0, points.shape[1]))
        self._images = images(self.points, fold)
        for point in points:
            self.row(point)

    def row(self, point: FloatArray) -> int:
        """Return the number of a point, a new one where it is not known."""
        image = images(point[None], self._fold)
        near = apart(self._images, image) <= self._same
        if self._fold is True:
            near |= apart(self._images, -image) <= self._same
        known = np.flatnonzero(near)
        if known.size:
            return int(known[0])
        self.points = np.concatenate([self.points, point[None]])
        self._images = np.concatenate([self._images.reshape(-1, image.shape[1]), image])
        return len(self.points) - 1


def images(points: FloatArray, fold: Fold) -> FloatArray:
    """Return what tells points apart: the points themselves, or what `fold` answers, checked."""
    if not callable(fold):
        return points
    if not len(points):
        return np.empty((0, 1))
    answer = as_array(fold(points.copy()), "fold").astype(np.float64)
    if answer.ndim != 2 or len(answer) != len(points):
        raise ValueError(f"fold: expected ({len(points)}, k) for a block of {len(points)} points, got {answer.shape}")
    return answer


def require_even(terrain: Terrain, name: str = "fold") -> None:
    """Raise ValueError where H(-w) is not H(w): equal at random points, equal everywhere."""
    probes = terrain.domain.random_points(2, rng=0)
    energy, mirrored = terrain.energy(probes), terrain.energy(-probes)
    if not np.allclose(energy, mirrored, rtol=1e-9, atol=1e-9 * np.sqrt(terrain.size)):
        raise ValueError(f"{name}: expected False for a landscape whose energy is not even")
