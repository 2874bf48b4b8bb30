"""From where training stopped to a real critical point of a landscape on flat space, one point after the other.

L-BFGS and Newton-CG are scipy's. The two dense methods see the whole spectrum of the Hessian H = Σ λ_k e_k e_kᵀ: the
saddle-free step −Σ e_k (e_k·g)/(|λ_k| + μ) lowers the energy (Dauphin et al. 2014, algorithm 1), the Newton step
−Σ e_k λ_k (e_k·g)/(λ_k² + μ²) lowers |g| and leads to critical points of whatever index. μ is adapted until it does.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_choice, as_integer, as_number
from spinscape.landscape import CalledLandscape, Landscape, as_landscape, on_domain
from spinscape.results import Result, StopReason, row

FloatArray = NDArray[np.float64]
METHODS = ("lbfgs", "newton-cg", "saddle-free", "newton")


@dataclass(frozen=True, eq=False, repr=False)
class RefinedNetworks(Result):
    """What `refined_networks` found, one row a start.

    points : (replicas, P).     energy : (replicas,).     gradient_norm : (replicas,) |∇L|/√P.
    converged : (replicas,) gradient_norm <= tol. False is data: relu networks stop at kinks.
    stop_reason : (replicas,) int8, values of `StopReason`: `converged`, `max_steps`, `stalled` (no step improves).
    steps : (replicas,) steps taken.     tol, method : how it was found.
    """

    points: FloatArray = field(metadata=row("coordinate"))
    energy: FloatArray = field(metadata=row())
    gradient_norm: FloatArray = field(metadata=row())
    converged: NDArray[np.bool_] = field(metadata=row())
    stop_reason: NDArray[np.int8] = field(metadata=row())
    steps: NDArray[np.int64] = field(metadata=row())
    tol: float
    method: str


def refine_networks(
    landscape: Landscape, points: Any, *, method: str = "lbfgs", tol: float = 1e-8, max_steps: int = 1000
) -> RefinedNetworks:
    """Bring every point to a critical point nearby; deprecated, arguments and errors as `refined_networks`.

    `spinscape.refine` leads networks to critical points by Newton's method, `spinscape.descend` to minima, with
    method "lbfgs" as here.
    """
    warnings.warn(
        "refine_networks goes in version 0.3: spinscape.refine leads a network's points to critical points, "
        'spinscape.descend(landscape, points, method="lbfgs") downhill',
        DeprecationWarning,
        stacklevel=2,
    )
    return refined_networks(landscape, points, method=method, tol=tol, max_steps=max_steps)


def refined_networks(
    landscape: Landscape, points: Any, *, method: str = "lbfgs", tol: float = 1e-8, max_steps: int = 1000
) -> RefinedNetworks:
    """Bring every point to a critical point nearby, by the methods of the experiments' recipes.

    method : "lbfgs", "newton-cg" (scipy; minima), "saddle-free" (dense Hessians; minima, passing saddles quickly),
        "newton" (dense Hessians; the critical point, of whatever index, that decreasing |g| leads to).
    tol : converged where |∇L|/√P <= tol.

    Raises TypeError, ValueError or MemoryError naming the argument.
    """
    called = as_landscape(landscape)
    if called.domain.curved:
        raise ValueError("landscape: expected one on flat space; spinscape.refine refines on spheres")
    as_choice(method, "method", METHODS)
    tol, max_steps = as_number(tol, "tol", 0.0), as_integer(max_steps, "max_steps", 0)
    block = on_domain(called, points)
    if method in ("saddle-free", "newton"):
        memory.require(32 * called.size**2, f"points: a Hessian of {called.size} x {called.size}")
    one: Callable[[CalledLandscape, FloatArray, float, int, str], tuple[FloatArray, int, StopReason]] = (
        _by_scipy if method in ("lbfgs", "newton-cg") else _by_spectrum
    )
    ends = [one(called, point, tol, max_steps, method) for point in block]
    found = np.array([end[0] for end in ends]).reshape(block.shape)
    norm = np.sqrt(np.mean(called.gradient(found) ** 2, axis=1)) if len(found) else np.empty(0)
    converged = norm <= tol
    reasons = [StopReason.converged if done else end[2] for done, end in zip(converged, ends, strict=True)]
    return RefinedNetworks(
        points=found,
        energy=called.energy(found),
        gradient_norm=norm,
        converged=converged,
        stop_reason=np.array(reasons, dtype=np.int8),
        steps=np.array([end[1] for end in ends], dtype=np.int64),
        tol=tol,
        method=method,
    )


def _by_scipy(
    landscape: CalledLandscape, start: FloatArray, tol: float, max_steps: int, method: str
) -> tuple[FloatArray, int, StopReason]:
    from scipy.optimize import minimize

    if max_steps == 0:  # scipy's methods take a step before they count it
        return start, 0, StopReason.max_steps

    def energy(x: FloatArray) -> float:
        return float(landscape.energy(x[None])[0])

    def gradient(x: FloatArray) -> FloatArray:
        return np.asarray(landscape.gradient(x[None])[0], dtype=np.float64)

    def product(x: FloatArray, v: FloatArray) -> FloatArray:
        return np.asarray(landscape.hvp(x[None], v[None])[0], dtype=np.float64)

    def stop(x: FloatArray) -> None:
        if np.sqrt(np.mean(gradient(x) ** 2)) <= tol:
            raise StopIteration

    # scipy-stubs type the options of all methods as one, and no callback that raises.
    lbfgs = {
        "method": "L-BFGS-B",
        "options": {"maxiter": max_steps, "maxfun": 10**9, "ftol": 0.0, "gtol": tol, "maxcor": 20},
    }
    newton = {
        "method": "Newton-CG",
        "hessp": product,
        "callback": stop,
        "options": {"maxiter": max_steps, "xtol": 1e-14},
    }
    chosen: Any = lbfgs if method == "lbfgs" else newton
    end = minimize(energy, start, jac=gradient, **chosen)
    reason = StopReason.max_steps if end.nit >= max_steps else StopReason.stalled
    return np.asarray(end.x, dtype=np.float64), int(end.nit), reason


def _by_spectrum(
    landscape: CalledLandscape, start: FloatArray, tol: float, max_steps: int, method: str
) -> tuple[FloatArray, int, StopReason]:
    """Damped steps in the eigenbasis: a smaller μ after a success, a larger one until there is one."""
    point, damping = start.copy(), 1e-3

    def merit(x: FloatArray) -> float:
        if method == "saddle-free":
            return float(landscape.energy(x[None])[0])
        return float(np.linalg.norm(landscape.gradient(x[None])[0]))

    value = merit(point)
    for step in range(max_steps):
        gradient = landscape.gradient(point[None])[0]
        if np.sqrt(np.mean(gradient**2)) <= tol:
            return point, step, StopReason.converged
        eigenvalues, vectors = np.linalg.eigh(landscape.hessian(point[None])[0])
        along = vectors.T @ gradient
        while True:
            if method == "saddle-free":
                factors = 1 / (np.abs(eigenvalues) + damping)
            else:
                factors = eigenvalues / (eigenvalues**2 + damping**2)
            trial = point - vectors @ (factors * along)
            tried = merit(trial)
            if tried < value:
                break
            damping *= 4
            if damping > 1e8:
                return point, step, StopReason.stalled
        point, value, damping = trial, tried, max(damping / 8, 1e-12)
    return point, max_steps, StopReason.max_steps
