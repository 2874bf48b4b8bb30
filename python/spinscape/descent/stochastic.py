"""Stochastic gradient descent: the schedule, its parts, and their seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spinscape import _core, memory
from spinscape.hamiltonian import Glass
from spinscape.randomness import RNG, seed_from
from spinscape.schedules import SGDSchedule


def plan_of(schedule: Any, parts: Any, step: float | None) -> SGDSchedule:
    """The schedule to run, with its number of parts settled."""
    if parts is not None and (isinstance(parts, Glass) or not isinstance(parts, Sequence) or len(parts) == 0):
        raise TypeError(f"parts: expected a non-empty sequence of glasses, got {type(parts).__name__}")
    if schedule is None:
        schedule = SGDSchedule() if parts is None else SGDSchedule(parts=len(parts))
    if not isinstance(schedule, SGDSchedule):
        raise TypeError(f"schedule: expected an SGDSchedule, got {type(schedule).__name__}")
    if parts is not None and schedule.split == "tuples":
        raise ValueError("parts: expected None for a schedule with split='tuples', whose parts are mini-batches")
    if parts is not None and len(parts) != schedule.parts:
        raise ValueError(f"parts: expected {schedule.parts} glasses as in the schedule, got {len(parts)}")
    return schedule if step is None else schedule.scaled_to(step)


def seed_of(glass: Glass, plan: SGDSchedule, rng: RNG) -> int:
    """Return the seed of the split and of a random order: `rng`, or else the glass's own."""
    if rng is not None:
        return seed_from(rng)
    if glass.seed is None and plan.order == "random":
        raise ValueError("rng: a random order on a glass without a seed of its own needs one")
    return 0 if glass.seed is None else glass.seed


def parts_of(
    glass: Glass, plan: SGDSchedule, parts: Sequence[Glass] | None, seed: int, threads: int
) -> Sequence[Glass]:
    """The parts of the steps on parts; none where one part is all."""
    if parts is not None:
        return parts
    if plan.parts == 1 or not any(stage.on_parts and stage.steps > 0 for stage in plan.stages):
        return []
    return glass._split(plan.parts, seed, threads)


def check_parts(glass: Glass, parts: Sequence[Glass]) -> None:
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


def require_tuples(glass: Glass) -> None:
    """Make sure that the tuples of all forms fit: values, coordinates, their order and the batch at work."""
    tuples = [(form.shape.entries(), form.shape.order) for form, _ in glass._terms]
    if max((count for count, _ in tuples), default=0) >= 2**32:
        raise ValueError("schedule: split='tuples' expects a glass of fewer than 2^32 couplings of each order")
    memory.require(
        sum(count * (16 + 4 * order) for count, order in tuples),
        f"schedule: mini-batches of {sum(count for count, _ in tuples):,} tuples",
    )


def core_schedule(plan: SGDSchedule, seed: int) -> _core.Schedule:
    """Return the schedule as the core takes it."""
    stages = [_core.Stage(stage.steps, stage.step, stage.decay, stage.on_parts) for stage in plan.stages]
    return _core.Schedule(stages, plan.order == "random", seed)
