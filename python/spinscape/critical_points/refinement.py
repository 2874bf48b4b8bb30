"""Newton refinement of points, such as the end points of descents, to critical points."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from spinscape import _core
from spinscape.arrays import as_number
from spinscape.critical_points.exclusion import exclusion_of
from spinscape.critical_points.methods import HESSIANS, HessianName, Newton, as_search_method
from spinscape.critical_points.surfaces import searched, tile_of
from spinscape.landscape import Landscape, landscape_first, on_domain, retracted
from spinscape.progress import Progress, as_progress
from spinscape.results import Result, StopReason, row
from spinscape.spectrum import IndexCount
from spinscape.threads import as_threads

REFINE_METHODS = HESSIANS
RefineStop = StopReason  # its name in version 0.1.0


@dataclass(frozen=True, eq=False, repr=False)
class CriticalPoints(Result):
    """What `refine` found, one row a replica in the order of the starts.

    points : (replicas, D) float64, |w|^2 = N on each sphere to 1e-12 relative.
    energy_density : (replicas,) float64, u = H/N (H/n for a layered glass).
    gradient_norm : (replicas,) float64, |g|/√D.
    stop_reason : (replicas,) int8, values of `StopReason`: `converged`; `max_steps`; `stalled` (no shorter step lowers
        the gradient, or none stays in the basin).
    steps : (replicas,) int64, Newton steps taken.
    overlap : (replicas,) float64, w.w'/D with the start (their cosine on flat space): how far it is from where it was
        looked for.
    tol, method : how it was found.
    index : `IndexCount` of the end points, once it is joined by `with_index`; else None.
    """

    points: NDArray[np.float64] = field(metadata=row("coordinate"))
    energy_density: NDArray[np.float64] = field(metadata=row())
    gradient_norm: NDArray[np.float64] = field(metadata=row())
    stop_reason: NDArray[np.int8] = field(metadata=row())
    steps: NDArray[np.int64] = field(metadata=row())
    overlap: NDArray[np.float64] = field(metadata=row())
    tol: float
    method: str
    index: IndexCount | None = field(default=None, metadata=row())
    derived: ClassVar[tuple[str, ...]] = ("converged",)

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether each replica ended with |g|/√D <= tol * scale, (replicas,)."""
        return np.asarray(self.stop_reason == int(StopReason.converged))

    def with_index(self, index: IndexCount) -> Self:
        """Return the same rows with what `count_index` found at them: one table, one mask, one file for both."""
        if not isinstance(index, IndexCount) or len(index) != len(self):
            raise ValueError(f"index: expected the IndexCount of {len(self)} rows, got {index!r}")
        return replace(self, index=index)


@landscape_first
def refine(
    landscape: Landscape,
    points: Any,
    *,
    tol: float = 1e-12,
    max_steps: int | None = None,
    method: HessianName | Newton = "auto",
    exclude: Any = None,
    progress: Progress | None = None,
    n_threads: int | None = None,
) -> CriticalPoints:
    """Bring every point to the critical point nearby by Newton's method on the landscape's domain, in float64.

    A start whose Riemannian Hessian is positive definite is led to the minimum of its basin: each step is at most
    0.1 √D long, raises neither the energy nor the gradient norm, and ends where the Hessian is positive definite again.
    Any other start goes to the critical point, of whatever index, that Newton's method with decreasing |g| reaches.

    Zero modes of symmetries do not count as negative: near a critical point, |g| <= 1e-4 |w| times a typical
    eigenvalue, eigenvalues up to 10 |g|/|w| are taken for them. On flat space 0.1 √D becomes 0.1 |w| where |w| > √D.

    Parameters
    ----------
    landscape : a glass, a network's landscape, or any other `Landscape` that offers `hvp` or `hessian`.
    points : (replicas, D), the starts, |w|^2 = N on each sphere to 1e-4 relative (they are then put on it).
    tol : converged where |g|/√D <= tol * scale, scale = max(|H|/D, root mean square eigenvalue of the Hessian).
    max_steps : Newton steps a replica, default 50.
    method : `Newton(hessian, max_steps)`, or what its `hessian` is. "dense": Hessian matrices, Cholesky or LU
        factorisation, Levenberg-Marquardt steps where Newton's are too long or the Hessian is singular. "krylov":
        Hessian-vector products only (conjugate gradients, MINRES), one replica after the other for a landscape of your
        own; it sees negative curvature only where the conjugate gradients meet it. "auto": dense up to D = 2000 where
        the matrices fit, else krylov.
    exclude : directions not to step along, those of symmetries: (k, D), or a function of points (rows, D) ->
        (rows, k, D); see `count_index`. Converged is still judged by the whole gradient.
    progress : called as progress(replicas that ended, replicas) about every 50 ms and at the end.
    n_threads : number of threads; never changes a result.

    Returns `CriticalPoints`; not converging is a stop reason, not an error. Raises TypeError, ValueError or MemoryError
    naming the argument. An interrupt is raised within a second.
    """
    called = searched(landscape)
    starts = retracted(called, on_domain(called, points))
    way = as_search_method(Newton, method, max_steps)
    tol = as_number(tol, "tol", 0.0)
    threads, report = as_threads(n_threads), as_progress(progress)
    replicas, D = starts.shape
    kind = way.kind(D)
    matrix_free = kind == "krylov"
    hessian = 0 if matrix_free else 8 * D * D
    # A replica has its Hessian, points, gradients and directions; a thread factorises in four matrices more.
    excluded = exclusion_of(exclude, starts)
    own, matrices = 8 * (12 + excluded.count) * D + hessian, 0 if matrix_free else 4
    tile = tile_of(called, replicas, own, matrices, threads, f"points: refining points of {D} coordinates")
    options = _core.RefineOptions(tol, way.steps(), 0.1, matrix_free, tile)
    found = _core.refine(called.surface, starts, excluded, options, report, threads)
    if report is not None:
        report(replicas, replicas)
    return CriticalPoints(
        points=found["points"],
        energy_density=found["energy"] / called.energy_scale,
        gradient_norm=found["gradient_norm"],
        stop_reason=found["stop"].astype(np.int8),
        steps=found["steps"],
        overlap=called.domain.overlap(found["points"], starts),
        tol=tol,
        method=kind,
    )
