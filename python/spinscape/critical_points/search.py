"""Searches for critical points of a prescribed index or energy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_choice, as_integer, as_integers, as_real
from spinscape.critical_points.exclusion import exclusion_of
from spinscape.critical_points.indices import count_index
from spinscape.critical_points.methods import (
    HESSIANS,
    Follow,
    HessianName,
    Newton,
    SearchMethod,
    SearchName,
    as_search_method,
    refuse_beside,
)
from spinscape.critical_points.refinement import CriticalPoints, refine
from spinscape.critical_points.surfaces import searched, tile_of
from spinscape.landscape import CalledLandscape, Landscape, landscape_first, on_domain, retracted
from spinscape.progress import Progress, as_progress, shifted
from spinscape.randomness import RNG
from spinscape.results import Result, StopReason, row
from spinscape.spectrum import IndexCount
from spinscape.threads import as_threads

SADDLE_METHODS = HESSIANS
SEARCH_METHODS = ("auto", "follow", "newton")

_LEVEL_STEPS = 10_000
_FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True, eq=False, repr=False)
class CriticalPointSearch(Result):
    """What `find_saddles` or `find_critical_points` found, one row a start, in the order of the starts.

    No row is dropped: one that did not converge, or ended at another index, is there and says so. Rows may agree: two
    starts may lead to one critical point.

    points : (replicas, D) float64, |w|^2 = N on each sphere to 1e-12 relative.
    energy_density : (replicas,) float64, u = H/N (H/n for a layered glass, H on flat space).
    gradient_norm : (replicas,) float64, |g|/√D.
    index : `IndexCount` of the end points, with certificate and margin.
    stop_reason : (replicas,) int8, values of `StopReason`, of the Newton steps at the end.
    steps : (replicas,) int64, steps of the search and of Newton's method together.
    overlap : (replicas,) float64, w.w'/D with the row of `starts`.
    starts : (replicas, D) float64, where following began: for a target energy, the points moved to it.
    target : (replicas,) float64, the index or the energy density asked for; nan where none was.
    kind : what `target` is, "index" or "energy".
    tol, method : how it was found.
    """

    points: NDArray[np.float64] = field(metadata=row("coordinate"))
    energy_density: NDArray[np.float64] = field(metadata=row())
    gradient_norm: NDArray[np.float64] = field(metadata=row())
    index: IndexCount = field(metadata=row())
    stop_reason: NDArray[np.int8] = field(metadata=row())
    steps: NDArray[np.int64] = field(metadata=row())
    overlap: NDArray[np.float64] = field(metadata=row())
    starts: NDArray[np.float64] = field(metadata=row("coordinate"))
    target: NDArray[np.float64] = field(metadata=row())
    kind: str
    tol: float
    method: str
    derived: ClassVar[tuple[str, ...]] = ("converged", "certified", "reached")

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether each row is a critical point to `tol`, (replicas,)."""
        return np.asarray(self.stop_reason == int(StopReason.converged))

    @property
    def certified(self) -> NDArray[np.bool_]:
        """Whether each row converged and its index is right up to rounding, (replicas,)."""
        return np.asarray(self.converged & self.index.certified)

    @property
    def reached(self) -> NDArray[np.bool_]:
        """Whether each row converged, to the index asked for where one was, (replicas,)."""
        return self.converged if self.kind == "energy" else np.asarray(self.converged & self._of_index())

    def _of_index(self) -> NDArray[np.bool_]:
        return np.asarray(self.index.negative == self.target)


@landscape_first
def find_saddles(
    landscape: Landscape,
    index: Any,
    count: int | None = None,
    *,
    rng: RNG = None,
    starts: Any = None,
    tol: float = 1e-12,
    max_steps: int | None = None,
    zero_tol: float = 1e-3,
    method: HessianName | Follow = "auto",
    exclude: Any = None,
    progress: Progress | None = None,
    n_threads: int | None = None,
) -> CriticalPointSearch:
    """Find saddles of a prescribed index by eigenvector following from random points, ended by Newton's method.

    Each step goes uphill along the `index` lowest directions of the Hessian and downhill along all others,

        d = -Σ_i s_i (g.v_i)/(|λ_i| + μ) v_i,     s_i = -1 for i < index, +1 otherwise,     |d| <= 0.2 √D,

    which is Newton's step where the Hessian has that many negative eigenvalues and leads there elsewhere (high-index
    saddle dynamics: Yin, Zhang, Zhang, SIAM J. Sci. Comput. 41 (2019) A3576). Near enough, `refine` takes over.

    Zero modes of symmetries are lowest directions too, and a search from a minimum would climb along them: `exclude`
    takes them out. Without it they are told from others only near a critical point (see `refine`), where they are
    neither followed nor counted.

    Parameters
    ----------
    landscape : a glass, a network's landscape, or any other `Landscape` that offers `hvp` or `hessian`.
    index : number of negative eigenvalues wanted, or one for each row, 0 for minima; at most the dimension of the
        tangent space.
    count : number of searches. Left out where `starts` is given.
    rng : of the uniform starts.
    starts : (count, D), points to begin at instead; needed on flat space.
    tol : as in `refine`: converged where |g|/√D <= tol * scale.
    max_steps : steps of following, default 400; Newton's come on top (50 at most).
    zero_tol : of the final count of eigenvalues; see `count_index`.
    method : `Follow(hessian, max_steps)`, or what its `hessian` is. "dense": the whole spectrum of the Hessian every
        step. "krylov": Lanczos for the lowest directions, conjugate gradients for the others; worth it for small
        indices only, and one search after the other for a landscape of your own. "auto": dense up to D = 600.
    exclude : directions neither stepped along nor counted, those of symmetries: (k, D), or a function of points
        (rows, D) -> (rows, k, D); see `count_index`.
    progress : called as progress(done, all) about every 50 ms and at the end, where each search counts once when it is
        followed, once when it is refined and once when it is counted.
    n_threads : number of threads; never changes a result.

    Returns `CriticalPointSearch`; rows that failed or ended at another index stay and say so (`reached`). Raises
    TypeError, ValueError or MemoryError naming the argument. An interrupt is raised within a second.
    """
    called = searched(landscape)
    begin = _starts(called, starts, count, rng)
    wanted = _indices(called, index, len(begin))
    way = as_search_method(Follow, method, max_steps)
    kind = way.kind(called.size)
    work = _Work(called, exclude, as_progress(progress), as_threads(n_threads))
    followed = work.follow(begin, wanted, way.steps(), kind == "krylov")
    found = work.refined(followed["points"], tol, 50)
    counted = work.counted(found, zero_tol)
    target = wanted.astype(np.float64)
    return _result(called, found, counted, begin, target, "index", kind, followed["steps"])


@landscape_first
def find_critical_points(
    landscape: Landscape,
    energy: Any = None,
    count: int | None = None,
    *,
    rng: RNG = None,
    starts: Any = None,
    tol: float = 1e-12,
    max_steps: int | None = None,
    zero_tol: float = 1e-3,
    method: SearchName | Follow | Newton = "auto",
    exclude: Any = None,
    progress: Progress | None = None,
    n_threads: int | None = None,
) -> CriticalPointSearch:
    """Find critical points, of whatever index, near a prescribed energy density.

    Random points go along the gradient, down or up, until their energy is the prescribed one, and from there to a
    critical point. Its energy differs from the target: by about 0.03 for p = 3 and N = 100, less for larger N. Below
    the energies that descent reaches, the searches end at minima of higher energy.

    Parameters
    ----------
    landscape : a glass, a network's landscape, or any other `Landscape` that offers `hvp` or `hessian`.
    energy : target u = H/N (H/n for a layered glass, H on flat space), or one for each row. None: the random points
        are not moved first.
    count : number of searches. Left out where `starts` is given.
    rng : of the uniform starts.
    starts : (count, D), points to begin at instead; needed on flat space.
    tol : as in `refine`: converged where |g|/√D <= tol * scale.
    max_steps : steps of following, or of Newton's method; default 400.
    zero_tol : of the final count of eigenvalues; see `count_index`.
    method : `Follow(...)`, `Newton(...)`, or a name. "follow": eigenvector following, as in `find_saddles`, of the
        number of negative directions that the moved point has; nearly all searches converge. "newton": Newton's method
        with decreasing |g| from the moved point, as `refine` does: |g|^2 is minimised without any index in view, at the
        price of up to half the searches ending in local minima of |g|^2 (`stalled`). "auto": follow up to D = 600,
        else newton.
    exclude : directions neither stepped along nor counted, those of symmetries: (k, D), or a function of points
        (rows, D) -> (rows, k, D); see `count_index`.
    progress : called as progress(done, all) about every 50 ms and at the end, where each search counts once when it is
        followed, once when it is refined and once when it is counted.
    n_threads : number of threads; never changes a result.

    Returns `CriticalPointSearch`; rows that failed stay and say so. Raises TypeError, ValueError or MemoryError naming
    the argument. An interrupt is raised within a second.
    """
    called = searched(landscape)
    begin = _starts(called, starts, count, rng)
    replicas = len(begin)
    way = _as_way(method, max_steps, called.size)
    work = _Work(called, exclude, as_progress(progress), as_threads(n_threads))
    target = np.full(replicas, np.nan)
    if energy is not None:
        target = _broadcast(as_real(energy, "energy", _FLOAT64), "energy", replicas)
        extensive = np.ascontiguousarray(target * called.energy_scale)
        options = _core.LevelOptions(_LEVEL_STEPS)
        memory.require(6 * begin.nbytes, f"count: {replicas:,} searches in {called.size} coordinates")
        excluded = exclusion_of(exclude, begin)
        begin = _core.move_to_energy(called.surface, begin, extensive, excluded, options, work.threads)["points"]
    steps = np.zeros(replicas, dtype=np.int64)
    near = begin
    if isinstance(way, Follow):
        own = np.full(replicas, -1, dtype=np.int64)
        followed = work.follow(begin, own, way.steps(), False)
        near, steps = followed["points"], followed["steps"]
        found = work.refined(near, tol, 50)
    else:
        found = work.refined(near, tol, way.steps(400), way.hessian)
    counted = work.counted(found, zero_tol)
    return _result(called, found, counted, begin, target, "energy", way.name, steps)


def _as_way(method: Any, max_steps: Any, size: int) -> Follow | Newton:
    """The method of `find_critical_points`."""
    if isinstance(method, SearchMethod):
        refuse_beside(method, max_steps)
        if not isinstance(method, (Follow, Newton)):
            raise TypeError(f"method: expected Follow or Newton, got {type(method).__name__}")
        if isinstance(method, Follow) and method.hessian == "krylov":
            raise ValueError("method: expected whole Hessians to follow the index a point has, got Follow('krylov')")
        return method
    name = as_choice(method, "method", SEARCH_METHODS)
    if name == "auto":
        name = "follow" if Follow().kind(size) == "dense" else "newton"
    return Follow(max_steps=max_steps) if name == "follow" else Newton(max_steps=max_steps)


def _starts(landscape: CalledLandscape, starts: Any, count: int | None, rng: RNG) -> NDArray[np.float64]:
    """Return the given starts on the spheres, or `count` uniform points."""
    if starts is not None:
        block = retracted(landscape, on_domain(landscape, starts, name="starts"))
        if count is not None and as_integer(count, "count", 0) != len(block):
            raise ValueError(f"count: expected {len(block)}, the number of starts, or None, got {count}")
        return block
    if not landscape.domain.curved:
        raise ValueError("starts: expected points to begin at, for flat space has no uniform ones")
    if count is None:
        raise TypeError("count: expected the number of searches, got None")
    return landscape.domain.random_points(count, rng=rng)


def _indices(landscape: CalledLandscape, index: Any, replicas: int) -> NDArray[np.int64]:
    wanted = as_integers(index, "index", 0, landscape.domain.dimension)
    return np.ascontiguousarray(_broadcast(wanted, "index", replicas))


def _broadcast(values: NDArray[Any], name: str, replicas: int) -> NDArray[Any]:
    if values.shape not in ((), (1,), (replicas,)):
        raise ValueError(f"{name}: expected one number or shape ({replicas},), got {values.shape}")
    return np.broadcast_to(values, (replicas,))


class _Work:
    """The three stretches of a search, each with its part of the progress."""

    def __init__(self, landscape: CalledLandscape, exclude: Any, progress: Progress | None, threads: int) -> None:
        self.landscape, self.exclude, self.progress, self.threads = landscape, exclude, progress, threads

    def follow(
        self, starts: NDArray[np.float64], index: NDArray[np.int64], steps: int, free: bool
    ) -> dict[str, NDArray[Any]]:
        """Lead the starts near critical points with so many negative directions."""
        D, landscape, threads = self.landscape.size, self.landscape, self.threads
        exclusion = exclusion_of(self.exclude, starts)
        matrix = 8 * D * D
        basis = min(D, int(index.max(initial=0)) + 500)
        # A replica has its Hessian and vectors; a thread decomposes in four matrices more, or has Lanczos bases.
        own, matrices = 8 * (12 + exclusion.count) * D + (0 if free else matrix), 0 if free else 4
        if free:
            bases = min(threads, len(starts) + 1) * 3
            memory.require(bases * 8 * basis * D, f"index: Lanczos bases for {D} coordinates")
        tile = tile_of(landscape, len(starts), own, matrices, threads, f"count: saddle searches in {D} coordinates")
        options = _core.FollowOptions(steps, free, basis, tile)
        report = self._report(0, len(starts))
        return _core.follow_to_saddle(landscape.surface, starts, index, exclusion, options, report, threads)

    def refined(
        self, points: NDArray[np.float64], tol: float, steps: int, hessian: HessianName = "auto"
    ) -> CriticalPoints:
        """Bring them there by Newton's method."""
        way, report = Newton(hessian, steps), self._report(1, len(points))
        return refine(
            self.landscape, points, tol=tol, method=way, exclude=self.exclude, progress=report, n_threads=self.threads
        )

    def counted(self, found: CriticalPoints, zero_tol: float) -> IndexCount:
        """Count their indices."""
        report = self._report(2, len(found))
        return count_index(
            self.landscape, found.points, zero_tol, exclude=self.exclude, progress=report, n_threads=self.threads
        )

    def _report(self, stretches: int, count: int) -> Progress | None:
        return shifted(self.progress, stretches * count, 3 * count)


def _result(
    landscape: CalledLandscape,
    found: CriticalPoints,
    index: IndexCount,
    starts: NDArray[np.float64],
    target: NDArray[np.float64],
    kind: str,
    method: str,
    steps: NDArray[np.int64],
) -> CriticalPointSearch:
    return CriticalPointSearch(
        points=found.points,
        energy_density=found.energy_density,
        gradient_norm=found.gradient_norm,
        index=index,
        stop_reason=found.stop_reason,
        steps=steps + found.steps,
        overlap=landscape.domain.overlap(found.points, starts),
        starts=starts,
        target=target,
        kind=kind,
        tol=found.tol,
        method=method,
    )
