"""Simulated annealing: chains whose temperature falls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core
from spinscape.landscape import as_landscape, landscape_first
from spinscape.progress import Progress
from spinscape.randomness import RNG
from spinscape.results import Result, row, shared
from spinscape.sampling.methods import SamplingMethod, SamplingName, as_sampling_method
from spinscape.sampling.steps import checked_call, require_memory, trace_steps
from spinscape.schedules import AnnealingSchedule


@dataclass(frozen=True, eq=False, repr=False)
class Annealing(Result):
    """What `anneal` found, one row a chain in the order of the starts.

    points : (replicas, D), the end points, in the landscape's dtype; on the spheres to rounding.
    energy_density : (replicas,) float64, u = H/N (H/n for a layered glass) at the end points.
    betas : (levels,), the inverse temperatures.
    level_energy_density : (replicas, levels) float64, the mean of u over the steps of each level; nan where none.
    acceptance : (replicas, levels) float64, the fraction of moves that were taken; nan where there were none.
    step : (replicas, levels) float64, the step at the end of each level: ε for "hmc", else dt = βε²/2.
    trace_steps, trace_energy_density : (columns,) and (replicas, columns), u after that many steps.
    evaluations : (replicas,) int64, gradients evaluated.
    schedule, method : how it was done.
    """

    points: NDArray[Any] = field(metadata=row("coordinate"))
    energy_density: NDArray[np.float64] = field(metadata=row())
    betas: NDArray[np.float64] = field(metadata=shared("level"))
    level_energy_density: NDArray[np.float64] = field(metadata=row("level"))
    acceptance: NDArray[np.float64] = field(metadata=row("level"))
    step: NDArray[np.float64] = field(metadata=row("level"))
    trace_steps: NDArray[np.int64] = field(metadata=shared("column"))
    trace_energy_density: NDArray[np.float64] = field(metadata=row("column"))
    evaluations: NDArray[np.int64] = field(metadata=row())
    schedule: AnnealingSchedule
    method: str


@landscape_first
def anneal(
    landscape: Any,
    points: Any,
    *,
    schedule: AnnealingSchedule | None = None,
    rng: RNG = None,
    method: SamplingName | SamplingMethod = "mala",
    step: float | None = None,
    leapfrogs: int | None = None,
    first_replica: int = 0,
    trace_every: int = 0,
    progress: Progress | None = None,
    n_threads: int | None = None,
) -> Annealing:
    """Let every chain go through the schedule's inverse temperatures with the moves of `sample`.

    Parameters
    ----------
    landscape : a glass, a network's landscape, or any other `Landscape`; of one that is no glass all chains are one
        call a step.
    points : (replicas, D), the starts, |w|^2 = N on each sphere to 1e-4 relative (they are then put on it).
    schedule : an `AnnealingSchedule`; default AnnealingSchedule(), 2000 steps from β = 0.1 to 100.
    rng, method, leapfrogs, first_replica, trace_every, progress, n_threads : as in `sample`. Of the methods, "langevin"
        takes every move, at the time step 0.01 where none is given.
    step : fixed at all temperatures (dt, or ε for "hmc"). Default: each chain adapts its own all the way, so that its
        moves are taken with frequency 0.574 ("mala") or 0.8 ("hmc"); no chain of changing step is exactly stationary,
        but an annealed one is not anyway.

    The end points are still warm: u exceeds that of the nearest minimum by about 1/(2 β) at the last β; `descend` goes
    the rest of the way. With "mala" the cost is one gradient a step and one at the start.

    Returns an `Annealing`. Raises TypeError, ValueError or MemoryError naming the argument. An interrupt is raised
    within a second.
    """
    plan = AnnealingSchedule() if schedule is None else schedule
    if not isinstance(plan, AnnealingSchedule):
        raise TypeError(f"schedule: expected an AnnealingSchedule, got {type(schedule).__name__}")
    call = checked_call(
        as_landscape(landscape),
        points,
        as_sampling_method(method, step, leapfrogs),
        rng=rng,
        first_replica=first_replica,
        trace_every=trace_every,
        progress=progress,
        n_threads=n_threads,
    )
    replicas = call.starts.shape[0]
    require_memory(call, plan.steps, replicas, plan.levels)
    betas, counts = plan.betas, plan.level_steps
    fixed = [0.0 if call.method.step is None else call.method.epsilon(beta) for beta in betas]
    levels = [_core.ThermalLevel(*level) for level in zip(betas, counts, fixed, strict=True)]
    found = _core.sample(call.landscape.surface, call.starts, levels, call.options(), call.progress, call.threads)
    if call.progress is not None:
        call.progress(replicas * plan.steps, replicas * plan.steps)
    empty = np.array(counts) == 0
    for name in ("level_energy", "acceptance"):
        found[name][:, empty] = np.nan
    return Annealing(
        points=found["points"],
        energy_density=found["energy_density"],
        betas=np.array(betas),
        level_energy_density=found["level_energy"],
        acceptance=found["acceptance"],
        step=call.method.step_of(found["epsilon"], np.array(betas)),
        trace_steps=trace_steps(found["trace"], call),
        trace_energy_density=found["trace"],
        evaluations=np.full(replicas, 1 + plan.steps * call.method.gradients(), dtype=np.int64),
        schedule=plan,
        method=call.method.name,
    )
