"""A landscape as one call of this room sees it: its members, its critical points, and its natural units.

Lengths. On spheres a length is an angle: √D is one radian, root mean square over the coordinates 1. On flat space the
distance of a pair of minima stands for a quarter of a great circle, which is what two minima of a glass are apart.
Curvatures. Glasses in the papers' units have Hessians whose largest eigenvalues are between 1/4 and 20, and steps are
made for these: there the unit is 1. Elsewhere it is a quarter of the largest eigenvalue, as a power of two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.critical_points import CriticalPoints, count_index, refine
from spinscape.descent import descend
from spinscape.descent.result import Descent
from spinscape.landscape import CalledLandscape, Domain, as_landscape
from spinscape.spectrum import IndexCount

FloatArray = NDArray[np.float64]

_STEP = 0.1  # of steepest descent, in units of the inverse curvature: stable up to curvatures of 20


@dataclass(frozen=True)
class Terrain:
    """A landscape in float64, with the options that every evaluation of a call takes."""

    landscape: CalledLandscape
    zero_tol: float
    exclude: Any
    threads: int

    @classmethod
    def of(cls, landscape: Any, zero_tol: float, exclude: Any, threads: int) -> Terrain:
        """Return the terrain of a glass, of whatever dtype, or of a landscape."""
        known: Any = as_landscape(landscape)
        exact = known if isinstance(known, CalledLandscape) else known.astype("float64")
        return cls(exact, zero_tol, exclude, threads)

    @property
    def domain(self) -> Domain:
        """Where points live."""
        return self.landscape.domain

    @property
    def size(self) -> int:
        """Number of coordinates of a point."""
        return self.landscape.size

    def energy(self, points: FloatArray) -> FloatArray:
        """Return the energies, (replicas,)."""
        return self.landscape.energy(points, **self._own)

    def energy_gradient(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return energies and gradients, of one evaluation where the landscape offers that."""
        return self.landscape.energy_gradient(points, **self._own)

    def refine(self, points: FloatArray) -> CriticalPoints:
        """Return the critical points nearby."""
        return refine(self.landscape, points, n_threads=self.threads, **self._excluded)

    def index(self, points: FloatArray) -> IndexCount:
        """Return the indices, certified."""
        return count_index(self.landscape, points, self.zero_tol, n_threads=self.threads, **self._excluded)

    def eigenpairs(self, point: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return eigenvalues, ascending, and eigenvectors, in rows, of the Hessian without what is excluded."""
        hessian = self.landscape.hessian(point[None], **self._own)[0]
        if self.exclude is not None:
            directions = self.exclude(point[None].copy())[0] if callable(self.exclude) else self.exclude
            _, lengths, axes = np.linalg.svd(np.asarray(directions, dtype=np.float64), full_matrices=False)
            axes = axes[lengths > 1e-10 * lengths.max(initial=0.0)]
            across = np.eye(self.size) - axes.T @ axes
            hessian = across @ hessian @ across
        values, vectors = np.linalg.eigh(hessian)
        return values, vectors.T

    def walk(
        self, points: FloatArray, units: FloatArray, method: str, tol: float, **options: Any
    ) -> Iterator[tuple[NDArray[np.int64], Descent]]:
        """Descend from the points; yield rows that share a unit of curvature, and what became of them."""
        for unit in np.unique(units):
            rows = np.flatnonzero(units == unit)
            run = descend(
                self.landscape,
                points[rows],
                method,
                step=_STEP / unit,
                tol=tol * unit,
                n_threads=self.threads,
                **options,
            )
            yield rows, run

    @property
    def _own(self) -> dict[str, Any]:
        """A glass is told the number of threads; a landscape of the user's own has its own mind."""
        return {} if isinstance(self.landscape, CalledLandscape) else {"n_threads": self.threads}

    @property
    def _excluded(self) -> dict[str, Any]:
        return {} if self.exclude is None else {"exclude": self.exclude}


def unit_of_curvature(eigenvalues: FloatArray) -> float:
    """Return the unit in which a Hessian with these eigenvalues is of the order of one."""
    largest = float(np.abs(eigenvalues).max(initial=0.0))
    return 1.0 if largest == 0 or 0.25 <= largest <= 20 else float(2.0 ** np.round(np.log2(largest / 4)))


def apart(points: FloatArray, others: FloatArray) -> FloatArray:
    """Return the distances of points through the surrounding space, root mean square over the coordinates."""
    return np.asarray(np.sqrt(np.mean((points - others) ** 2, axis=-1)))


def unit_of_length(domain: Domain, points: FloatArray, others: FloatArray) -> FloatArray:
    """Return the units of length for pairs of points, (pairs,): 1 on spheres."""
    if domain.curved:
        return np.ones(len(points))
    return 2 / np.pi * apart(points, others)
