"""Certified indices of blocks of points: how many negative directions the Riemannian Hessian has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_choice, as_number
from spinscape.critical_points.surfaces import fits, tile_of
from spinscape.derivative_checks import check_products, checked_hessian
from spinscape.hamiltonian import Glass
from spinscape.landscape import Landscape, as_landscape, on_domain, radial_directions, retracted
from spinscape.spectrum import (
    IndexCount,
    LanczosIndex,
    index_count,
    inertia_method,
    lanczos_bytes,
    lanczos_index,
    lanczos_options,
    matrix_index,
)
from spinscape.threads import as_threads

INDEX_METHODS = ("auto", "tridiagonal", "cholesky", "lanczos")


def count_index(
    glass: Glass | Landscape, points: Any, zero_tol: float = 1e-3, method: str = "auto", *, n_threads: int | None = None
) -> IndexCount:
    """Count the eigenvalues of the Riemannian Hessian on the tangent space below -zero_tol, within, above.

    The counts add up to N - 1; p (n - 1) for a layered glass; `size` on flat space. Computed in float64.

    Parameters
    ----------
    glass : a glass, a network's landscape, or any other `Landscape`.
    points : (replicas, D), |w|^2 = N on each sphere to 1e-4 relative (they are then put on it); refined critical points
        for an index, but any point has its counts.
    zero_tol : eigenvalues within [-zero_tol, zero_tol] count as zero (AISTATS15, section 6: 1e-3).
    method : "tridiagonal": Householder reduction and Sturm counts. "cholesky": a Cholesky factorisation first, three
        times faster at minima but without their margin. "lanczos": Hessian-vector products only; certified where its
        basis fills the tangent space (up to D = 1000). "auto": tridiagonal where a Hessian fits in memory, else
        lanczos.
    n_threads : number of threads; never changes a result.

    Returns `IndexCount`: every row says whether it is certified, and its margin. Raises TypeError, ValueError or
    MemoryError naming the argument, ValueError where the Hessian of a landscape of yours is not symmetric or is not the
    derivative of its gradient (spinscape.derivative_checks), OverflowError where a Hessian is not finite. An interrupt
    is raised within a second.
    """
    landscape = as_landscape(glass, "glass")
    block = retracted(landscape, on_domain(landscape, points))
    as_choice(method, "method", INDEX_METHODS)
    zero_tol = as_number(zero_tol, "zero_tol", 0.0)
    threads = as_threads(n_threads)
    if not isinstance(glass, Glass):
        return _landscape_index(landscape, block, zero_tol, method, threads)
    replicas, D = block.shape
    hessian = 8 * D * D
    if method == "auto":
        method = "tridiagonal" if fits(3 * hessian) else "lanczos"
    if method == "lanczos":
        memory.require(min(threads, replicas) * lanczos_bytes(D, None), f"points: Lanczos bases for {D} spins")
        options = lanczos_options(D, None, 1, 0, float(np.finfo(np.float64).eps))
        return index_count(_core.glass_lanczos(glass._core, block, zero_tol, options, threads), zero_tol, method)
    tile = tile_of(glass, replicas, hessian + 8 * 12 * D, 1, threads, f"points: Hessians of {D} x {D}")
    counted = _core.glass_index(glass._core, block, zero_tol, inertia_method(method), tile, threads)
    return index_count(counted, zero_tol, method)


def _landscape_index(
    landscape: Landscape, block: NDArray[np.float64], zero_tol: float, method: str, threads: int
) -> IndexCount:
    """Count one point after the other: a landscape of the user's own has no block of Hessians to offer."""
    if method == "auto":
        method = "tridiagonal" if fits(4 * 8 * landscape.size**2) else "lanczos"
    if method == "lanczos":
        by_products = [_by_products(landscape, point, zero_tol) for point in block]
        return index_count(_columns(by_products), zero_tol, method)
    memory.require(4 * 8 * landscape.size**2, f"points: a Hessian of {landscape.size} x {landscape.size}")
    counts = [_by_matrix(landscape, point, zero_tol, method, threads) for point in block]
    return index_count(_columns(counts), zero_tol, method)


def _by_matrix(
    landscape: Landscape, point: NDArray[np.float64], zero_tol: float, method: str, threads: int
) -> IndexCount:
    """Count in the whole matrix, its radial eigenvalues lifted above all others and then taken off."""
    hessian = checked_hessian(landscape, point)
    radial = radial_directions(landscape, point)
    lift = float(np.abs(hessian).sum(axis=1).max(initial=0.0)) + 2 * zero_tol + np.finfo(np.float64).tiny
    lifted = hessian + lift * radial.T @ radial if radial.size else hessian
    count = matrix_index(lifted, zero_tol, method=method, n_threads=threads)
    return replace(count, positive=count.positive - radial.shape[0])


def _by_products(landscape: Landscape, point: NDArray[np.float64], zero_tol: float) -> LanczosIndex:
    """Count from Hessian-vector products on the tangent space."""
    check_products(landscape, point)
    radial = radial_directions(landscape, point)
    return lanczos_index(
        lambda vector: landscape.hvp(point[None], vector[None])[0],
        landscape.size,
        zero_tol,
        exclude=radial if radial.size else None,
        rng=0,
    )


def _columns(counts: Sequence[IndexCount | LanczosIndex]) -> dict[str, NDArray[Any]]:
    kinds = {"negative": np.int64, "zero": np.int64, "positive": np.int64, "certified": np.bool_, "margin": np.float64}
    return {
        name: np.array([np.ravel(getattr(count, name))[0] for count in counts], dtype=kind)
        for name, kind in kinds.items()
    }
