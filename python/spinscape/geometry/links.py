"""Which minima a saddle joins: the ends of the descents from its two sides."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.critical_points import count_index, refine
from spinscape.descent import descend
from spinscape.geometry.geodesics import FloatArray, exponential
from spinscape.hamiltonian import Glass
from spinscape.landscape import on_domain

# Critical points nearer than this (root mean square over coordinates) are one: refined ones are right to about 1e-12,
# and different ones of a generic glass hardly ever so close.
SAME = 1e-6

_CHUNK, _CHUNKS = 5, 1000  # steps of steepest descent between two points of a way, and points at most

_HERE = 0.99  # overlap of a minimum with the point that was said to be it

_SIDESTEP = 0.02  # of √D: from the saddle into the basin beside it


@dataclass(frozen=True, eq=False)
class Sides:
    """The minima on the two sides of each saddle.

    minima : (saddles, 2, D); against and along `direction`.
    energy_density, gradient_norm : (saddles, 2), of the minima.
    found : (saddles, 2) bool, whether the descent ended in a point that converged, of certified index 0.
    direction : (saddles, D), the unit eigenvector of the lowest eigenvalue.
    """

    minima: FloatArray
    energy_density: FloatArray
    gradient_norm: FloatArray
    found: NDArray[np.bool_]
    direction: FloatArray


def sides(glass: Glass, saddles: FloatArray, *, zero_tol: float, threads: int) -> Sides:
    """Descend from both sides of index-1 saddles, (saddles, D), along the paths of steepest descent."""
    count, D = saddles.shape
    direction = lowest_direction(glass, saddles, threads)
    starts = sidesteps(glass, saddles, direction)
    # Steepest descent first: L-BFGS alone may leap into another basin.
    near = deque(downhill(glass, starts, threads), maxlen=1).pop()
    ends = descend(glass, near, method="lbfgs", tol=1e-9, n_threads=threads)
    minima = refine(glass, ends.points, n_threads=threads)
    index = count_index(glass, minima.points, zero_tol, n_threads=threads)
    return Sides(
        minima=minima.points.reshape(count, 2, D),
        energy_density=minima.energy_density.reshape(count, 2),
        gradient_norm=minima.gradient_norm.reshape(count, 2),
        found=(minima.converged & index.certified & (index.negative == 0)).reshape(count, 2),
        direction=direction,
    )


def refined_minima(glass: Glass, points: Any, name: str, *, zero_tol: float, threads: int) -> FloatArray:
    """Return the minima that the points are, by Newton's method; ValueError names the rows that are none, and why."""
    found = refine(glass, on_domain(glass, points, name=name), n_threads=threads)
    index = count_index(glass, found.points, zero_tol, n_threads=threads)
    minimal = found.converged & index.certified & (index.negative == 0) & (found.overlap >= _HERE)
    if not minimal.all():
        wrong = np.flatnonzero(~minimal)
        row = wrong[0]
        others = f"; {wrong.size} rows are none, {', '.join(map(str, wrong[:10]))}" if wrong.size > 1 else ""
        certified = "certified" if index.certified[row] else "not certified"
        raise ValueError(
            f"{name}: expected minima, but Newton's method from row {row} ends at overlap {found.overlap[row]:.4g} "
            f"with gradient norm {found.gradient_norm[row]:.2g}, index {index.negative[row]} ({certified}){others}"
        )
    return np.asarray(found.points)


def downhill(glass: Glass, starts: FloatArray, threads: int) -> Iterator[FloatArray]:
    """Yield the points of a block on their ways of steepest descent, every few steps, until all are near their minima.

    The gradient is small beside a saddle too: near a minimum it is also well below the largest on the way. A point that
    has arrived stays.
    """
    now, steepest, going = starts.copy(), np.zeros(len(starts)), np.arange(len(starts))
    yield now.copy()
    for _ in range(_CHUNKS):
        run = descend(glass, now[going], method="gradient", step=0.1, tol=0.0, max_steps=_CHUNK, n_threads=threads)
        now[going] = run.points
        steepest[going] = np.maximum(steepest[going], run.gradient_norm)
        yield now.copy()
        going = going[run.gradient_norm > np.minimum(1e-2, 0.1 * steepest[going])]
        if not going.size:
            return


def sidesteps(glass: Glass, saddles: FloatArray, direction: FloatArray) -> FloatArray:
    """Return two points beside each saddle, against and along its direction, (2 saddles, D)."""
    shift = _SIDESTEP * np.sqrt(glass.size) * np.stack([-direction, direction], axis=1)
    return exponential(glass, np.repeat(saddles, 2, axis=0), shift.reshape(-1, glass.size))


def lowest_direction(glass: Glass, saddles: FloatArray, threads: int) -> FloatArray:
    """Return the unit eigenvectors of the lowest eigenvalues of the Hessians, one saddle's matrix at a time."""
    found = np.empty_like(saddles)
    for row, saddle in enumerate(saddles):
        found[row] = np.linalg.eigh(glass.hessian(saddle[None], n_threads=threads)[0])[1][:, 0]
    return found


class Catalogue:
    """Different critical points, numbered as they come; with `fold`, w and -w are one."""

    def __init__(self, points: FloatArray, fold: bool = False) -> None:
        self.fold = fold
        self.points = np.empty((0, points.shape[1]))
        for point in points:
            self.row(point)

    def row(self, point: FloatArray) -> int:
        """Return the number of a point, a new one where it is not known."""
        known = np.flatnonzero(self._same(point))
        if known.size:
            return int(known[0])
        self.points = np.concatenate([self.points, point[None]])
        return len(self.points) - 1

    def _same(self, point: FloatArray) -> NDArray[np.bool_]:
        near = same_point(self.points, point)
        return near | same_point(self.points, -point) if self.fold else near


def same_point(points: FloatArray, point: FloatArray) -> NDArray[np.bool_]:
    """Return which rows of `points` are the same critical point."""
    return np.asarray(np.sqrt(np.mean((points - point) ** 2, axis=-1)) <= SAME)


def require_even(glass: Glass, name: str = "fold") -> None:
    """Raise ValueError where H(-w) is not H(w): equal at random points, equal everywhere."""
    probes = glass.random_points(2, rng=0)
    energy, mirrored = glass.energy(probes), glass.energy(-probes)
    if not np.allclose(energy, mirrored, rtol=1e-9, atol=1e-9 * np.sqrt(glass.size)):
        raise ValueError(f"{name}: expected False for a glass whose energy is not even")
