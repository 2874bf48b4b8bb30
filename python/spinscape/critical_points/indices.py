"""Certified indices of blocks of points: how many negative directions the Riemannian Hessian has."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_choice, as_number
from spinscape.critical_points.exclusion import exclusion_of
from spinscape.critical_points.surfaces import fits, searched, tile_of
from spinscape.landscape import (
    CalledLandscape,
    Landscape,
    certified,
    check_products,
    landscape_first,
    on_domain,
    retracted,
)
from spinscape.progress import Progress, as_progress
from spinscape.spectrum import IndexCount, index_count, inertia_method, lanczos_bytes, lanczos_options
from spinscape.threads import as_threads

IndexName = Literal["auto", "tridiagonal", "cholesky", "lanczos"]
INDEX_METHODS = ("auto", "tridiagonal", "cholesky", "lanczos")


@landscape_first
def count_index(
    landscape: Landscape,
    points: Any,
    zero_tol: float = 1e-3,
    method: IndexName = "auto",
    *,
    exclude: Any = None,
    progress: Progress | None = None,
    n_threads: int | None = None,
) -> IndexCount:
    """Count the eigenvalues of the Riemannian Hessian on the tangent space below -zero_tol, within, above.

    The counts add up to N - 1; p (n - 1) for a layered glass; the size less the number of spheres in general, and less
    the number of independent excluded directions. Computed in float64.

    Parameters
    ----------
    landscape : a glass, a network's landscape, or any other `Landscape` that offers `hvp` or `hessian`.
    points : (replicas, D), |w|^2 = N on each sphere to 1e-4 relative (they are then put on it); refined critical points
        for an index, but any point has its counts.
    zero_tol : eigenvalues within [-zero_tol, zero_tol] count as zero (AISTATS15, section 6: 1e-3).
    method : "tridiagonal": Householder reduction and Sturm counts. "cholesky": a Cholesky factorisation first, three
        times faster at minima but without their margin. "lanczos": Hessian-vector products only; certified where its
        basis fills the tangent space (up to D = 1000). "auto": tridiagonal where a Hessian fits in memory, else
        lanczos.
    exclude : directions not to count in, those of symmetries: (k, D), or a function of points (rows, D) ->
        (rows, k, D). Their tangent parts are made orthonormal; those that vanish there or depend on others (1e-8) are
        none. Counted is the Hessian restricted to their complement. Where they are null directions, as a symmetry's
        are at critical points, that is the Hessian without its zero modes; how far they are from it is
        `excluded_curvature`.
    progress : called as progress(replicas counted, replicas) about every 50 ms and at the end.
    n_threads : number of threads; never changes a result.

    Returns `IndexCount`: every row says whether it is certified, and its margin. Raises TypeError, ValueError or
    MemoryError naming the argument, ValueError where the Hessian of a landscape of yours is not symmetric or not the
    derivative of its gradient (spinscape.landscape.derivatives), OverflowError where a Hessian is not finite. An
    interrupt is raised within a second.
    """
    called = certified(searched(landscape))
    block = retracted(called, on_domain(called, points))
    as_choice(method, "method", INDEX_METHODS)
    zero_tol = as_number(zero_tol, "zero_tol", 0.0)
    threads, report = as_threads(n_threads), as_progress(progress)
    replicas, D = block.shape
    excluded = exclusion_of(exclude, block)
    if method == "auto":
        method = "tridiagonal" if fits(3 * 8 * D * D) else "lanczos"
    if method == "lanczos":
        memory.require(min(threads, replicas) * lanczos_bytes(D, None), f"points: Lanczos bases for {D} spins")
        options = lanczos_options(D, None, 1, 0, float(np.finfo(np.float64).eps))
        for point in block:
            check_products(called, point)
        counted = _core.surface_lanczos(called.surface, block, zero_tol, excluded, options, report, threads)
    else:
        counted = _by_matrix(called, block, zero_tol, method, excluded, report, threads)
    if report is not None:
        report(replicas, replicas)
    return index_count(counted, zero_tol, method)


def _by_matrix(
    called: CalledLandscape,
    block: NDArray[np.float64],
    zero_tol: float,
    method: str,
    excluded: _core.Exclusion,
    report: Progress | None,
    threads: int,
) -> dict[str, NDArray[Any]]:
    replicas, D = block.shape
    own = 8 * D * (D + 12 + excluded.count)
    tile = tile_of(called, replicas, own, 1, threads, f"points: Hessians of {D} x {D}")
    inertia = inertia_method(method)
    return _core.surface_index(called.surface, block, zero_tol, inertia, excluded, tile, report, threads)
