r"""Descent of blocks of replicas on a glass, with what became of each of them.

The step of the papers (AISTATS15, section 6) is

    w <- w - γ_t g(w),   then   w <- √N w/|w|,        g = ∇H - (w.∇H/N) w,

on each sphere of a layered glass. "Gradient norm" and `tol` mean |g|/√D throughout, D the number of coordinates of a
point (N, or p n for a layered glass). A replica's result depends on its start, the glass and the options alone, bit for
bit: not on the other replicas, their order or number, nor on the number of threads. Nothing stops on wall time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_choice, as_integer, as_number, as_real, described
from spinscape.descent.methods import METHODS, settled
from spinscape.descent.result import Descent, as_descent
from spinscape.hamiltonian import Glass
from spinscape.landscape import on_domain
from spinscape.randomness import RNG
from spinscape.schedules import SGDSchedule
from spinscape.threads import as_threads

Progress = Callable[[int, int], object]

_MOST_STEPS = 2**53
_REPLICAS_A_THREAD = 96  # evaluated at once


def descend(
    glass: Glass,
    points: Any,
    method: str = "gradient",
    *,
    step: float | None = None,
    decay: float = 0.0,
    tol: float | None = None,
    max_steps: int | None = None,
    schedule: SGDSchedule | None = None,
    parts: Sequence[Glass] | None = None,
    rng: RNG = None,
    history: int | None = None,
    momentum: float | None = None,
    accuracy: float | None = None,
    duration: float | None = None,
    radius: float | None = None,
    hessian: str | None = None,
    krylov: int | None = None,
    shift: float | None = None,
    ladder: Any = (),
    trace_every: int = 0,
    progress: Progress | None = None,
    n_threads: int | None = None,
) -> Descent:
    """Let every replica descend from its start; return end points, energies, gradient norms and stop reasons.

    Parameters
    ----------
    glass : the landscape.
    points : (replicas, D), the starts, |w|^2 = N on each sphere to 1e-4 relative (they are then put on it); never
        modified.
    method : "gradient": the papers' step with γ_t = step/(1 + decay t).
        "momentum": Polyak's heavy ball, v <- μ P v - γ_t g and w <- w + v, put on the spheres; P projects on the new
        tangent space.
        "flow": the gradient flow dw/dt = -g(w), by Runge-Kutta formulas of orders 5 and 4 (Dormand and Prince) with
        steps as long as `accuracy` allows; one step takes 6 gradients.
        "sgd": the papers' protocol for `schedule`: one part a step, then full gradients. A part is one of independent
        tensors that sum to the couplings, or a mini-batch of tuples (`SGDSchedule.split`).
        "lbfgs": Riemannian L-BFGS with a Wolfe line search, the way to a critical point in few gradients. Its energies
        never rise by more than their rounding; a step turns a point by at most 0.25 radian (root mean square over the
        spheres of a layered glass).
        "trust-region": Newton's model of the energy within a radius, minimised by the truncated conjugate gradients of
        Steihaug and Toint (Absil, Baker and Gallivan 2007); quadratic convergence, directions of negative curvature
        are followed to the radius.
        "saddle-free-newton": steps -(|Hess H| + μ)^{-1} g with |.| on the eigenvalues (Dauphin et al. 2014,
        arXiv:1406.2572), at most 0.25 radian, halved until the energy falls.
        "hessian-ascent": Subag's walk (arXiv:1812.04588) from the origin to the sphere in `max_steps` orthogonal steps,
        the first along the start, each other along a lowest eigenvector of the Euclidean Hessian across the point. It
        ends near the energy -ALG (`theory.algorithmic_energy`) where the gradient is not small, as `completed`. One
        sphere only; it takes neither `tol` nor `ladder`, and its trace is of points inside the sphere.
        "power": the shifted symmetric higher-order power method w <- √N (αw - ∇H)/|αw - ∇H| (Kolda and Mayo 2011);
        pure glasses only.
    step : γ_0. Default 0.1; for "lbfgs" the first trial step along -g; for "sgd" the schedule's own (a number rescales
        all its stages so that the first starts at it).
    decay : for "gradient" and "momentum".
    tol : a replica has converged when |g|/√D <= tol, tested before each step. Default 1e-6, for "sgd" 0: the schedule
        is run to its end. With "sgd", tol and ladder act where the gradient of the whole glass is taken.
    max_steps : default 20000; 2000 for "trust-region" and "saddle-free-newton", 100 for "hessian-ascent", for "sgd"
        the length of the schedule.
    schedule : for "sgd"; default SGDSchedule(): four parts in turn.
    parts : for "sgd", glasses whose sum is `glass`. Default: `glass.split(P, rng=rng)`, for Gaussian couplings.
    rng : for "sgd", of the split, the shuffle, a random order. Default: the glass's own seed, so that calls with the
        same glass agree.
    history : for "lbfgs", pairs kept. Default 10.
    momentum : μ in [0, 1). Default 0.9.
    accuracy : for "flow", the error of a step, root mean square over the coordinates, in units of min(1, |g|/√D).
        Default 1e-6 in float64, 1e-4 in float32.
    duration : for "flow", the time at which it ends as `completed`, if nothing ends it before. Default: none.
    radius : for "trust-region", the largest, in units of √D. Default 0.25.
    hessian : for "saddle-free-newton": "dense" (eigenvectors of the whole Hessian), "krylov" (in the Krylov space of
        the gradient) or "auto" (default): dense up to 256 coordinates. An interrupt waits for the eigendecomposition at
        work, which for more than about 1,000 coordinates takes longer than the second promised below.
    krylov : most vectors of a Krylov space: for "saddle-free-newton" 64, for "hessian-ascent" 5 by default.
    shift : α of "power". Default: each replica's own, from the gradient at its start, and doubled wherever a step would
        raise the energy. A given one is kept; energies never rise if it is at least the largest eigenvalue of ∇²H on
        the ball, for which p(p-1) max|u| suffices.
    ladder : decreasing gradient norms at whose first passage step and energy density are recorded.
    trace_every : record energy density and gradient norm every so many steps; 0 for never. In steps on parts this
        costs a gradient of the whole glass each time.
    progress : called as progress(replicas that ended, replicas) about every 50 ms and at the end, on the calling
        thread.
    n_threads : number of threads; never changes a result.

    Returns a `Descent`. Not converging is a stop reason, not an error: `max_steps`; `completed` (a schedule, a
    duration or a walk run to its end); `stalled` or `line_search_failed` (rounding allows no better point, as with a
    `tol` below the rounding of the dtype); `not_finite` (energies or gradients overflow; the last finite point is
    kept).

    Raises TypeError, ValueError or MemoryError naming the argument. An interrupt is raised within a second.
    """
    if not isinstance(glass, Glass):
        raise TypeError(f"glass: expected a glass, got {type(glass).__name__}")
    as_choice(method, "method", METHODS)
    starts = on_domain(glass, points, glass.dtype)
    threads = as_threads(n_threads)
    arguments = {
        "step": step,
        "decay": None if isinstance(decay, (int, float)) and decay == 0 else decay,
        "schedule": schedule,
        "parts": parts,
        "rng": rng,
        "history": history,
        "momentum": momentum,
        "accuracy": accuracy,
        "duration": duration,
        "radius": radius,
        "hessian": hessian,
        "krylov": krylov,
        "shift": shift,
    }
    chosen = settled(method, glass, arguments, threads)
    if progress is not None and not callable(progress):
        raise TypeError(f"progress: expected a callable or None, got {type(progress).__name__}")
    if method == "hessian-ascent" and tol is not None:
        raise ValueError(f"tol: expected None for method {method!r}, which does not use it, got {tol!r}")
    tol = as_number(chosen.tol if tol is None else tol, "tol", 0.0)
    limit = as_integer(chosen.max_steps if max_steps is None else max_steps, "max_steps", 0, _MOST_STEPS)
    options = _options(starts, tol, min(limit, chosen.most_steps), ladder, trace_every)
    if method == "hessian-ascent" and options.ladder:
        raise ValueError(f"ladder: expected none for method {method!r}, which does not use it, got {described(ladder)}")
    _require_memory(starts, len(options.ladder), chosen.vectors, threads)
    found = chosen.call(glass._core, starts, options, progress, threads)
    if progress is not None:
        progress(starts.shape[0], starts.shape[0])
    return as_descent(found, method, tol, options)


def _options(starts: NDArray[Any], tol: float, max_steps: int, ladder: Any, trace_every: Any) -> _core.DescentOptions:
    levels = as_real(ladder, "ladder", np.dtype(np.float64))
    if levels.ndim != 1 or (levels <= 0).any() or (np.diff(levels) >= 0).any():
        raise ValueError(f"ladder: expected positive, strictly decreasing gradient norms, got {described(ladder)}")
    every = as_integer(trace_every, "trace_every", 0, _MOST_STEPS)
    options = _core.DescentOptions(tol, max_steps, list(levels), every)
    replicas, columns = starts.shape[0], options.trace_columns()
    memory.require(16 * replicas * columns, f"trace_every: {columns:,} records of {replicas:,} replicas")
    return options


def _require_memory(starts: NDArray[Any], levels: int, vectors: int, threads: int) -> None:
    """Make sure that the results and the blocks at work fit (about ten vectors a replica, and the method's own)."""
    replicas, dimension = starts.shape
    at_work = (
        min(replicas, _REPLICAS_A_THREAD * threads)
        * dimension
        * starts.itemsize
        * (10 + vectors * 8 // starts.itemsize)
    )
    memory.require(
        starts.nbytes + replicas * (64 + 16 * levels) + at_work,
        f"points: a descent of {replicas:,} replicas of {dimension:,} coordinates",
    )
