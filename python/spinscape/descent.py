r"""Descent of blocks of replicas on a glass, with what became of each of them.

The step of the papers (AISTATS15, section 6) is

    w <- w - γ_t g(w),   then   w <- √N w/|w|,        g = ∇H - (w.∇H/N) w,

on each sphere of a layered glass. "Gradient norm" and `tol` mean |g|/√D throughout, D the number of coordinates of a
point (N, or p n for a layered glass). A replica's result depends on its start, the glass and the options alone, bit for
bit: not on the other replicas, their order or number, nor on the number of threads. Nothing stops on wall time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_choice, as_integer, as_number, as_real, described
from spinscape.hamiltonian import Glass
from spinscape.landscape import on_domain
from spinscape.randomness import RNG, seed_from
from spinscape.schedules import SGDSchedule
from spinscape.threads import as_threads

METHODS = ("gradient", "sgd", "lbfgs")
StopReason = _core.StopReason
Progress = Callable[[int, int], object]

_MOST_STEPS = 2**53
_REPLICAS_A_THREAD = 96  # evaluated at once


@dataclass(frozen=True, eq=False, repr=False)
class Descent:
    """What `descend` found, one row a replica in the order of the starts.

    points : (replicas, D), the end points, in the glass's dtype; on the spheres to rounding.
    energy_density : (replicas,) float64, u = H/N (H/n for a layered glass) at the end points.
    gradient_norm : (replicas,) float64, |g|/√D at the end points.
    stop_reason : (replicas,) int8, values of `StopReason`.
    steps : (replicas,) int64, steps taken (for "lbfgs" line searches completed).
    evaluations : (replicas,) int64, gradients evaluated, parts included.
    ladder, halting_steps, halting_energy : (levels,), and (replicas, levels) each: the step at which the gradient norm
        first was at most the level, and the energy density there; -1 and nan where it never was.
    trace_steps, trace_energy_density, trace_gradient_norm : (columns,), and (replicas, columns) each: the state after
        that many steps, nan after a replica's end.
    method, tol : how it was found.
    """

    points: NDArray[Any]
    energy_density: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]
    stop_reason: NDArray[np.int8]
    steps: NDArray[np.int64]
    evaluations: NDArray[np.int64]
    ladder: NDArray[np.float64]
    halting_steps: NDArray[np.int64]
    halting_energy: NDArray[np.float64]
    trace_steps: NDArray[np.int64]
    trace_energy_density: NDArray[np.float64]
    trace_gradient_norm: NDArray[np.float64]
    method: str
    tol: float

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether each replica ended with a gradient norm of at most `tol`, (replicas,)."""
        return np.asarray(self.stop_reason == int(StopReason.converged))

    @property
    def stop_counts(self) -> dict[str, int]:
        """Number of replicas for each stop reason that occurred, by its name."""
        values, counts = np.unique(self.stop_reason, return_counts=True)
        return {StopReason(int(value)).name: int(count) for value, count in zip(values, counts, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        """Return all fields by name, without copying the arrays, and the stop reasons' names as `stop_reason_name`."""
        names = np.array([StopReason(int(value)).name for value in self.stop_reason], dtype=np.str_)
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"stop_reason_name": names}

    def __repr__(self) -> str:
        replicas, dimension = self.points.shape
        head = f"Descent(method={self.method!r}, tol={self.tol:g}, replicas={replicas}, dimension={dimension}"
        if replicas == 0:
            return head + ")"
        ends = ", ".join(f"{count} {name}" for name, count in self.stop_counts.items())
        u = self.energy_density
        return (
            f"{head}\n  stop_reason: {ends}"
            f"\n  energy_density: mean {u.mean():.6g}, sd {u.std():.3g}, from {u.min():.6g} to {u.max():.6g}"
            f"\n  gradient_norm: from {self.gradient_norm.min():.3g} to {self.gradient_norm.max():.3g}"
            f"\n  steps: from {self.steps.min()} to {self.steps.max()})"
        )


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
    history: int = 10,
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
        "sgd": the papers' protocol for `schedule`: one part of the couplings a step, then full gradients.
        "lbfgs": Riemannian L-BFGS with a Wolfe line search, the way to a critical point in few gradients. Its energies
        never rise by more than their rounding; a step turns a point by at most 0.25 radian (root mean square over the
        spheres of a layered glass).
    step : γ_0. Default 0.1; for "lbfgs" the first trial step along -g; for "sgd" the schedule's own (a number rescales
        all its stages so that the first starts at it).
    decay : for "gradient".
    tol : a replica has converged when |g|/√D <= tol, tested before each step. Default 1e-6, for "sgd" 0: the schedule
        is run to its end. With "sgd", tol and ladder act where the gradient of the whole glass is taken.
    max_steps : default 20000, for "sgd" the length of the schedule.
    schedule : for "sgd"; default SGDSchedule(): four parts in turn.
    parts : for "sgd", glasses whose sum is `glass`. Default: `glass.split(P, rng=rng)`, for Gaussian couplings.
    rng : for "sgd", of the split and of a random order. Default: the glass's own seed, so that calls with the same
        glass agree.
    history : for "lbfgs", pairs kept.
    ladder : decreasing gradient norms at whose first passage step and energy density are recorded.
    trace_every : record energy density and gradient norm every so many steps; 0 for never. In steps on parts this
        costs a gradient of the whole glass each time.
    progress : called as progress(replicas that ended, replicas) about every 50 ms and at the end, on the calling
        thread.
    n_threads : number of threads; never changes a result.

    Returns a `Descent`. Not converging is a stop reason, not an error: `max_steps`; `completed` (a schedule run to its
    end); `stalled` or `line_search_failed` (rounding allows no better point, as with a `tol` below the rounding of the
    dtype); `not_finite` (energies or gradients overflow; the last finite point is kept).

    Raises TypeError, ValueError or MemoryError naming the argument. An interrupt is raised within a second.
    """
    if not isinstance(glass, Glass):
        raise TypeError(f"glass: expected a glass, got {type(glass).__name__}")
    as_choice(method, "method", METHODS)
    starts = on_domain(glass, points, glass.dtype)
    rate = as_number(decay, "decay", 0.0)
    pairs = as_integer(history, "history", 1, 1000)
    gamma = None if step is None else as_number(step, "step", 0.0, exclusive=True)
    _check_use(method, rate, schedule=schedule, parts=parts, rng=rng)
    if progress is not None and not callable(progress):
        raise TypeError(f"progress: expected a callable or None, got {type(progress).__name__}")
    threads = as_threads(n_threads)
    tol = as_number((0.0 if method == "sgd" else 1e-6) if tol is None else tol, "tol", 0.0)
    plan = _plan(schedule, parts, gamma) if method == "sgd" else None
    limit = as_integer((plan.steps if plan else 20000) if max_steps is None else max_steps, "max_steps", 0, _MOST_STEPS)
    options = _options(starts, tol, min(limit, plan.steps) if plan else limit, ladder, trace_every)
    _require_memory(starts, len(options.ladder), pairs if method == "lbfgs" else 0, threads)
    first = 0.1 if gamma is None else gamma
    if plan is not None:
        seed = _sgd_seed(glass, plan, rng)
        pieces = [part._core for part in _parts(glass, plan, parts, seed, threads)]
        moves = _core_schedule(plan, seed)
        found = _core.descend_schedule(glass._core, starts, pieces, moves, options, progress, threads)
    elif method == "gradient":
        found = _core.descend_gradient(glass._core, starts, first, rate, options, progress, threads)
    else:
        found = _core.descend_lbfgs(glass._core, starts, first, pairs, options, progress, threads)
    if progress is not None:
        progress(starts.shape[0], starts.shape[0])
    return _result(found, method, tol, options)


def _check_use(method: str, decay: float, **of_sgd: object) -> None:
    """Refuse arguments that the method would ignore."""
    if method != "gradient" and decay != 0:
        raise ValueError(f"decay: expected 0 for method {method!r}, got {decay!r}")
    for name, value in of_sgd.items():
        if method != "sgd" and value is not None:
            raise ValueError(f"{name}: expected None for method {method!r}, which does not use it")


def _options(starts: NDArray[Any], tol: float, max_steps: int, ladder: Any, trace_every: Any) -> _core.DescentOptions:
    levels = as_real(ladder, "ladder", np.dtype(np.float64))
    if levels.ndim != 1 or (levels <= 0).any() or (np.diff(levels) >= 0).any():
        raise ValueError(f"ladder: expected positive, strictly decreasing gradient norms, got {described(ladder)}")
    every = as_integer(trace_every, "trace_every", 0, _MOST_STEPS)
    options = _core.DescentOptions(tol, max_steps, list(levels), every)
    replicas, columns = starts.shape[0], options.trace_columns()
    memory.require(16 * replicas * columns, f"trace_every: {columns:,} records of {replicas:,} replicas")
    return options


def _require_memory(starts: NDArray[Any], levels: int, pairs: int, threads: int) -> None:
    """Make sure that the results and the blocks at work fit (about ten vectors a replica, and the pairs of L-BFGS)."""
    replicas, dimension = starts.shape
    at_work = min(replicas, _REPLICAS_A_THREAD * threads) * dimension * starts.itemsize * (10 + 2 * pairs)
    memory.require(
        starts.nbytes + replicas * (64 + 16 * levels) + at_work,
        f"points: a descent of {replicas:,} replicas of {dimension:,} coordinates",
    )


def _plan(schedule: Any, parts: Any, step: float | None) -> SGDSchedule:
    """The schedule to run, with its number of parts settled."""
    if parts is not None and (isinstance(parts, Glass) or not isinstance(parts, Sequence) or len(parts) == 0):
        raise TypeError(f"parts: expected a non-empty sequence of glasses, got {type(parts).__name__}")
    if schedule is None:
        schedule = SGDSchedule() if parts is None else SGDSchedule(parts=len(parts))
    if not isinstance(schedule, SGDSchedule):
        raise TypeError(f"schedule: expected an SGDSchedule, got {type(schedule).__name__}")
    if parts is not None and len(parts) != schedule.parts:
        raise ValueError(f"parts: expected {schedule.parts} glasses as in the schedule, got {len(parts)}")
    return schedule if step is None else schedule.scaled_to(step)


def _sgd_seed(glass: Glass, plan: SGDSchedule, rng: RNG) -> int:
    if rng is not None:
        return seed_from(rng)
    if glass.seed is None and plan.order == "random":
        raise ValueError("rng: a random order on a glass without a seed of its own needs one")
    return 0 if glass.seed is None else glass.seed


def _parts(glass: Glass, plan: SGDSchedule, parts: Sequence[Glass] | None, seed: int, threads: int) -> Sequence[Glass]:
    """The parts of the steps on parts; none where one part is all."""
    if parts is not None:
        _check_parts(glass, parts)
        return parts
    if plan.parts == 1 or not any(stage.on_parts and stage.steps > 0 for stage in plan.stages):
        return []
    return glass._split(plan.parts, seed, threads)


def _check_parts(glass: Glass, parts: Sequence[Glass]) -> None:
    """Make sure that the parts sum to the glass: forms that agree at random points agree everywhere."""
    for k, part in enumerate(parts):
        if not isinstance(part, Glass):
            raise TypeError(f"parts[{k}]: expected a glass, got {type(part).__name__}")
        if part.spheres != glass.spheres or part.dtype != glass.dtype:
            raise ValueError(
                f"parts[{k}]: expected spheres {glass.spheres} in {glass.dtype}, got {part.spheres} in {part.dtype}"
            )
    probes = glass.random_points(2, rng=0)
    gradients = [part.euclidean_gradient(probes).astype(np.float64) for part in parts]
    error = np.linalg.norm(np.sum(gradients, axis=0) - glass.euclidean_gradient(probes))
    scale = sum(np.linalg.norm(gradient) for gradient in gradients) + np.linalg.norm(glass.euclidean_gradient(probes))
    # Parts of single-precision couplings, or in single-precision arithmetic, sum to about 1e-7 of their size.
    if not error <= 1e-5 * scale:
        raise ValueError(
            f"parts: expected gradients that sum to the glass's, but they differ by {error / scale:.2g} of their size"
        )


def _core_schedule(plan: SGDSchedule, seed: int) -> _core.Schedule:
    stages = [_core.Stage(stage.steps, stage.step, stage.decay, stage.on_parts) for stage in plan.stages]
    return _core.Schedule(stages, plan.order == "random", seed)


def _result(found: dict[str, NDArray[Any]], method: str, tol: float, options: _core.DescentOptions) -> Descent:
    """The core's arrays as a Descent, the trace cut where the last replica ended."""
    every = options.trace_every
    columns = int(found["steps"].max(initial=0)) // every + 1 if every else 0
    for name in ("trace_energy_density", "trace_gradient_norm"):
        found[name] = found[name][:, :columns].copy()
    return Descent(
        **found,
        ladder=np.asarray(options.ladder, dtype=np.float64),
        trace_steps=np.arange(columns, dtype=np.int64) * every,
        method=method,
        tol=tol,
    )
