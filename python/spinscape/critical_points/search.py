"""Searches for critical points of a prescribed index or energy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_choice, as_integer, as_integers, as_real
from spinscape.critical_points.indices import count_index
from spinscape.critical_points.refinement import CriticalPoints, RefineStop, refine
from spinscape.critical_points.surfaces import fits, tile_of
from spinscape.hamiltonian import Glass
from spinscape.landscape import CalledLandscape, Landscape, as_landscape, on_domain, retracted
from spinscape.randomness import RNG
from spinscape.spectrum import IndexCount
from spinscape.threads import as_threads

SADDLE_METHODS = ("auto", "dense", "krylov")
SEARCH_METHODS = ("auto", "follow", "newton")

_LARGEST_DENSE = 600  # coordinates; beyond, one eigenvalue decomposition takes longer than an interrupt may wait
_LEVEL_STEPS = 10_000
_FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True, eq=False, repr=False)
class CriticalPointSearch:
    """What `find_saddles` or `find_critical_points` found, one row a start, in the order of the starts.

    No row is dropped: one that did not converge, or ended at another index, is there and says so. Rows may agree: two
    starts may lead to one critical point.

    points : (replicas, D) float64, |w|^2 = N on each sphere to 1e-12 relative.
    energy_density : (replicas,) float64, u = H/N (H/n for a layered glass, H on flat space).
    gradient_norm : (replicas,) float64, |g|/√D.
    index : `IndexCount` of the end points, with certificate and margin.
    stop_reason : (replicas,) int8, values of `RefineStop`, of the Newton steps at the end.
    steps : (replicas,) int64, steps of the search and of Newton's method together.
    overlap : (replicas,) float64, w.w'/D with the row of `starts`.
    starts : (replicas, D) float64, where following began: for a target energy, the points moved to it.
    target : (replicas,) float64, the index or the energy density asked for; nan where none was.
    kind : what `target` is, "index" or "energy".
    tol, method : how it was found.
    """

    points: NDArray[np.float64]
    energy_density: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]
    index: IndexCount
    stop_reason: NDArray[np.int8]
    steps: NDArray[np.int64]
    overlap: NDArray[np.float64]
    starts: NDArray[np.float64]
    target: NDArray[np.float64]
    kind: str
    tol: float
    method: str

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether each row is a critical point to `tol`, (replicas,)."""
        return np.asarray(self.stop_reason == int(RefineStop.converged))

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

    def to_dict(self) -> dict[str, Any]:
        """Return all fields by name, without copying the arrays; those of the index; the properties; stop reasons."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "index"}
        counts = {name: getattr(self.index, name) for name in ("negative", "zero", "positive", "margin", "zero_tol")}
        names = np.array([RefineStop(int(value)).name for value in self.stop_reason], dtype=np.str_)
        states = {name: getattr(self, name) for name in ("converged", "certified", "reached")}
        return own | counts | states | {"stop_reason_name": names}

    def __repr__(self) -> str:
        replicas, dimension = self.points.shape
        head = f"CriticalPointSearch(kind={self.kind!r}, method={self.method!r}, replicas={replicas}"
        if replicas == 0:
            return head + f", dimension={dimension})"
        found = self.converged
        u, negative = self.energy_density[found], self.index.negative[found]
        ranges = (
            ""
            if not found.any()
            else (
                f"\n  energy_density: from {u.min():.6g} to {u.max():.6g}"
                f"\n  index: from {negative.min()} to {negative.max()}"
            )
        )
        return (
            f"{head}, dimension={dimension}\n  converged: {np.count_nonzero(found)} of {replicas}"
            f"\n  reached: {np.count_nonzero(self.reached)}, certified: {np.count_nonzero(self.certified)}{ranges}"
            f"\n  steps: from {self.steps.min()} to {self.steps.max()})"
        )


def find_saddles(
    glass: Glass | Landscape,
    index: Any,
    count: int | None = None,
    *,
    rng: RNG = None,
    starts: Any = None,
    tol: float = 1e-12,
    max_steps: int = 400,
    zero_tol: float = 1e-3,
    method: str = "auto",
    n_threads: int | None = None,
) -> CriticalPointSearch:
    """Find saddles of a prescribed index by eigenvector following from random points, ended by Newton's method.

    Each step goes uphill along the `index` lowest directions of the Hessian and downhill along all others,

        d = -Σ_i s_i (g.v_i)/(|λ_i| + μ) v_i,     s_i = -1 for i < index, +1 otherwise,     |d| <= 0.2 √D,

    which is Newton's step where the Hessian has that many negative eigenvalues and leads there elsewhere (high-index
    saddle dynamics: Yin, Zhang, Zhang, SIAM J. Sci. Comput. 41 (2019) A3576). Near enough, `refine` takes over.

    Parameters
    ----------
    glass : a glass, a network's landscape, or any other `Landscape`.
    index : number of negative eigenvalues wanted, or one for each row, 0 for minima; at most the dimension of the
        tangent space.
    count : number of searches. Left out where `starts` is given.
    rng : of the uniform starts.
    starts : (count, D), points to begin at instead; needed on flat space.
    tol : as in `refine`: converged where |g|/√D <= tol * scale.
    max_steps : steps of following; Newton's come on top (50 at most).
    zero_tol : of the final count of eigenvalues; see `count_index`.
    method : "dense": the whole spectrum of the Hessian every step. "krylov": Lanczos for the lowest directions,
        conjugate gradients for the others; worth it for small indices only. "auto": dense up to D = 600.
    n_threads : number of threads; never changes a result.

    Returns `CriticalPointSearch`; rows that failed or ended at another index stay and say so (`reached`). Raises
    TypeError, ValueError or MemoryError naming the argument. An interrupt is raised within a second.
    """
    landscape = as_landscape(glass, "glass")
    begin = _starts(landscape, starts, count, rng)
    wanted = _indices(landscape, index, len(begin))
    as_choice(method, "method", SADDLE_METHODS)
    steps = as_integer(max_steps, "max_steps", 0, 10**6)
    if method == "auto":
        method = "dense" if landscape.size <= _LARGEST_DENSE and fits(5 * 8 * landscape.size**2) else "krylov"
    threads = as_threads(n_threads)
    followed = _follow(landscape, begin, wanted, steps, method == "krylov", threads)
    found = refine(landscape, followed["points"], tol=tol, n_threads=threads)
    return _result(
        landscape, found, begin, wanted.astype(np.float64), "index", method, followed["steps"], zero_tol, threads
    )


def find_critical_points(
    glass: Glass | Landscape,
    energy: Any = None,
    count: int | None = None,
    *,
    rng: RNG = None,
    starts: Any = None,
    tol: float = 1e-12,
    max_steps: int = 400,
    zero_tol: float = 1e-3,
    method: str = "auto",
    n_threads: int | None = None,
) -> CriticalPointSearch:
    """Find critical points, of whatever index, near a prescribed energy density.

    Random points go along the gradient, down or up, until their energy is the prescribed one, and from there to a
    critical point. Its energy differs from the target: by about 0.03 for p = 3 and N = 100, less for larger N. Below
    the energies that descent reaches, the searches end at minima of higher energy.

    Parameters
    ----------
    glass : a glass, a network's landscape, or any other `Landscape`.
    energy : target u = H/N (H/n for a layered glass, H on flat space), or one for each row. None: the random points
        are not moved first.
    count : number of searches. Left out where `starts` is given.
    rng : of the uniform starts.
    starts : (count, D), points to begin at instead; needed on flat space.
    tol : as in `refine`: converged where |g|/√D <= tol * scale.
    max_steps : steps of following, or of Newton's method.
    zero_tol : of the final count of eigenvalues; see `count_index`.
    method : "follow": eigenvector following, as in `find_saddles`, of the number of negative directions that the moved
        point has; nearly all searches converge. "newton": Newton's method with decreasing |g| from the moved point,
        as `refine` does: |g|^2 is minimised without any index in view, at the price of up to half the searches ending
        in local minima of |g|^2 (`stalled`). "auto": follow up to D = 600, else newton.
    n_threads : number of threads; never changes a result.

    Returns `CriticalPointSearch`; rows that failed stay and say so. Raises TypeError, ValueError or MemoryError naming
    the argument. An interrupt is raised within a second.
    """
    landscape = as_landscape(glass, "glass")
    begin = _starts(landscape, starts, count, rng)
    replicas = len(begin)
    as_choice(method, "method", SEARCH_METHODS)
    limit = as_integer(max_steps, "max_steps", 0, 10**6)
    if method == "auto":
        method = "follow" if landscape.size <= _LARGEST_DENSE and fits(5 * 8 * landscape.size**2) else "newton"
    threads = as_threads(n_threads)
    target = np.full(replicas, np.nan)
    if energy is not None:
        target = _broadcast(as_real(energy, "energy", _FLOAT64), "energy", replicas)
        extensive = np.ascontiguousarray(target * landscape.energy_scale)
        options = _core.LevelOptions(_LEVEL_STEPS)
        memory.require(6 * begin.nbytes, f"count: {replicas:,} searches in {landscape.size} coordinates")
        begin = _core.move_to_energy(landscape.surface, begin, extensive, options, threads)["points"]
    steps = np.zeros(replicas, dtype=np.int64)
    near = begin
    if method == "follow":
        own = np.full(replicas, -1, dtype=np.int64)
        followed = _follow(landscape, begin, own, limit, False, threads)
        near, steps = followed["points"], followed["steps"]
    found = refine(landscape, near, tol=tol, max_steps=limit if method == "newton" else 50, n_threads=threads)
    return _result(landscape, found, begin, target, "energy", method, steps, zero_tol, threads)


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


def _follow(
    landscape: CalledLandscape,
    starts: NDArray[np.float64],
    index: NDArray[np.int64],
    steps: int,
    free: bool,
    threads: int,
) -> dict[str, NDArray[Any]]:
    D = landscape.size
    matrix = 8 * D * D
    basis = min(D, int(index.max(initial=0)) + 500)
    # A replica has its Hessian and vectors; a thread decomposes in four matrices more, or has Lanczos bases.
    own, matrices = 8 * 12 * D + (0 if free else matrix), 0 if free else 4
    if free:
        memory.require(min(threads, len(starts) + 1) * 3 * 8 * basis * D, f"index: Lanczos bases for {D} coordinates")
    tile = tile_of(landscape, len(starts), own, matrices, threads, f"count: saddle searches in {D} coordinates")
    options = _core.FollowOptions(steps, free, basis, tile)
    return _core.follow_to_saddle(landscape.surface, starts, index, options, threads)


def _result(
    landscape: CalledLandscape,
    found: CriticalPoints,
    starts: NDArray[np.float64],
    target: NDArray[np.float64],
    kind: str,
    method: str,
    steps: NDArray[np.int64],
    zero_tol: float,
    threads: int,
) -> CriticalPointSearch:
    return CriticalPointSearch(
        points=found.points,
        energy_density=found.energy_density,
        gradient_norm=found.gradient_norm,
        index=count_index(landscape, found.points, zero_tol, n_threads=threads),
        stop_reason=found.stop_reason,
        steps=steps + found.steps,
        overlap=landscape.domain.overlap(found.points, starts),
        starts=starts,
        target=target,
        kind=kind,
        tol=found.tol,
        method=method,
    )
