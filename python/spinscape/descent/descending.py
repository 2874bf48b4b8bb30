r"""Descent of blocks of replicas on a landscape, with what became of each of them.

The step of the papers (AISTATS15, section 6) is

    w <- w - γ_t g(w),   then   w <- √N w/|w|,        g = ∇H - (w.∇H/N) w,

on each sphere of the landscape's domain. "Gradient norm" and `tol` mean |g|/√D throughout, D the number of coordinates
of a point. A replica's result depends on its start, the glass and the options alone, bit for bit: not on the other
replicas, their order or number, nor on the number of threads (of a landscape of your own as far as its answers do not).
Nothing stops on wall time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_choice, as_integer, as_number, as_real, described
from spinscape.descent.method import DescentMethod
from spinscape.descent.methods import (
    LBFGS,
    GradientDescent,
    GradientFlow,
    HessianAscent,
    Momentum,
    PowerMethod,
    SaddleFreeNewton,
    TrustRegion,
)
from spinscape.descent.result import Descent, as_descent
from spinscape.descent.stochastic import SGD
from spinscape.landscape import CalledLandscape, as_landscape, landscape_first, on_domain
from spinscape.progress import Progress, as_progress
from spinscape.threads import as_threads

_CLASSES: tuple[type[DescentMethod], ...] = (
    GradientDescent, Momentum, GradientFlow, SGD, LBFGS, TrustRegion, SaddleFreeNewton, HessianAscent, PowerMethod,
)  # fmt: skip
_BY_NAME = {method.name: method for method in _CLASSES}
METHODS = tuple(_BY_NAME)
MethodName = Literal[
    "gradient", "momentum", "flow", "sgd", "lbfgs", "trust-region", "saddle-free-newton", "hessian-ascent", "power"
]

_MOST_STEPS = 2**53
_REPLICAS_A_THREAD = 96  # evaluated at once


@landscape_first
def descend(
    landscape: Any,
    points: Any,
    method: MethodName | DescentMethod = "gradient",
    *,
    tol: float | None = None,
    max_steps: int | None = None,
    ladder: Any = (),
    trace_every: int = 0,
    progress: Progress | None = None,
    n_threads: int | None = None,
    **arguments: Any,
) -> Descent:
    """Let every replica descend from its start; return end points, energies, gradient norms and stop reasons.

    Parameters
    ----------
    landscape : a glass, a network's landscape, or any other `Landscape`.
    points : (replicas, D), the starts, |w|^2 = N on each sphere to 1e-4 relative (they are then put on it); never
        modified.
    method : an object, such as `LBFGS(history=5)`, or its name with its arguments as keywords: method="lbfgs",
        history=5 is the same. One of

        "gradient", `GradientDescent(step=0.1, decay=0.0)`      w <- w - γ_t g, γ_t = step/(1 + decay t)
        "momentum", `Momentum(step, decay, momentum=0.9)`       Polyak's heavy ball
        "flow", `GradientFlow(accuracy, duration)`              dw/dt = -g to a given accuracy
        "sgd", `SGD(step, schedule, parts, rng)`                the papers' protocol: one part a step
        "lbfgs", `LBFGS(step=0.1, history=10)`                  the way to a critical point in few gradients
        "trust-region", `TrustRegion(radius=0.25)`              Newton's model within a radius
        "saddle-free-newton", `SaddleFreeNewton(hessian, krylov)`    -(|Hess H| + μ)^{-1} g
        "hessian-ascent", `HessianAscent(krylov=5)`             Subag's walk along the Hessian; one sphere
        "power", `PowerMethod(shift)`                           the higher-order power method; pure glasses

        whose docstrings say what they do; or a `DescentMethod` of your own. Arguments that a method does not use are
        refused by name.
    tol : a replica has converged when |g|/√D <= tol, tested before each step. Default 1e-6, for "sgd" 0: the schedule
        is run to its end.
    max_steps : default 20000; 2000 for "trust-region" and "saddle-free-newton", 100 for "hessian-ascent", for "sgd"
        the length of the schedule.
    ladder : decreasing gradient norms at whose first passage step and energy density are recorded.
    trace_every : record energy density and gradient norm every so many steps; 0 for never. In steps on parts this
        costs a gradient of the whole each time.
    progress : called as progress(replicas that ended, replicas) about every 50 ms and at the end, on the calling
        thread.
    n_threads : number of threads; never changes a result.

    A landscape that is no glass is called back, all replicas that are on their way in one call a step; it is asked for
    `energy_gradient` where it offers that, and for the members that a method names.

    Returns a `Descent`. Not converging is a stop reason, not an error: `max_steps`; `completed` (a schedule, a
    duration or a walk run to its end); `stalled` or `line_search_failed` (rounding allows no better point, as with a
    `tol` below the rounding of the dtype); `not_finite` (energies or gradients overflow; the last finite point is
    kept).

    Raises TypeError, ValueError or MemoryError naming the argument. An interrupt is raised within a second.
    """
    called = as_landscape(landscape)
    way = as_method(method, arguments)
    starts = on_domain(called, points, called.dtype)
    threads, report = as_threads(n_threads), as_progress(progress)
    way.check(called)
    if not way.takes_tol and tol is not None:
        raise ValueError(f"tol: expected None for method {way.name!r}, which does not use it, got {tol!r}")
    tol = as_number(way.default_tol if tol is None else tol, "tol", 0.0)
    limit = as_integer(way.default_max_steps if max_steps is None else max_steps, "max_steps", 0, _MOST_STEPS)
    options = _options(starts, tol, min(limit, way.most_steps()), ladder, trace_every)
    if not way.takes_tol and options.ladder:
        raise ValueError(
            f"ladder: expected none for method {way.name!r}, which does not use it, got {described(ladder)}"
        )
    _require_memory(called, starts, len(options.ladder), way.vectors(called), threads)
    found = way.run(called, starts, options, report, threads)
    if report is not None:
        report(starts.shape[0], starts.shape[0])
    return as_descent(found, way.name, tol, options)


def as_method(method: Any, arguments: Mapping[str, Any]) -> DescentMethod:
    """Return the method of a name with its arguments (None stands for one not given), or the object itself."""
    for name in arguments:
        if not any(name in _arguments_of(known) for known in _CLASSES):
            raise TypeError(f"descend: unexpected argument {name!r}")
    own: tuple[str, ...] = ()
    if isinstance(method, DescentMethod):
        kind = type(method)
    else:
        kind = _BY_NAME[as_choice(method, "method", METHODS)]
        own = _arguments_of(kind)
    # 0.1.0's default of `decay` was 0 for every method
    given = {name: value for name, value in arguments.items() if value is not None and not _is_no_decay(name, value)}
    for name, value in given.items():
        if isinstance(method, DescentMethod):
            raise ValueError(f"{name}: expected None beside a method that is an object, got {value!r} and {method!r}")
        if name not in own:
            raise ValueError(f"{name}: expected None for method {kind.name!r}, which does not use it, got {value!r}")
    return method if isinstance(method, DescentMethod) else kind(**given)


def _arguments_of(kind: type[DescentMethod]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _is_no_decay(name: str, value: Any) -> bool:
    return name == "decay" and isinstance(value, (int, float)) and value == 0


def _options(starts: NDArray[Any], tol: float, max_steps: int, ladder: Any, trace_every: Any) -> _core.DescentOptions:
    levels = as_real(ladder, "ladder", np.dtype(np.float64))
    if levels.ndim != 1 or (levels <= 0).any() or (np.diff(levels) >= 0).any():
        raise ValueError(f"ladder: expected positive, strictly decreasing gradient norms, got {described(ladder)}")
    every = as_integer(trace_every, "trace_every", 0, _MOST_STEPS)
    options = _core.DescentOptions(tol, max_steps, list(levels), every)
    replicas, columns = starts.shape[0], options.trace_columns()
    memory.require(16 * replicas * columns, f"trace_every: {columns:,} records of {replicas:,} replicas")
    return options


def _require_memory(landscape: CalledLandscape, starts: NDArray[Any], levels: int, vectors: int, threads: int) -> None:
    """Make sure that the results and the blocks at work fit (about ten vectors a replica, and the method's own)."""
    replicas, dimension = starts.shape
    together = min(replicas, _REPLICAS_A_THREAD * threads) if landscape.surface.concurrent else replicas
    at_work = together * dimension * starts.itemsize * (10 + vectors * 8 // starts.itemsize)
    memory.require(
        starts.nbytes + replicas * (64 + 16 * levels) + at_work,
        f"points: a descent of {replicas:,} replicas of {dimension:,} coordinates",
    )
