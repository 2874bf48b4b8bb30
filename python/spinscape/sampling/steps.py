"""What the samplers share: leapfrog steps, the core's options, and what their arguments must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_integer, as_number
from spinscape.landscape import CalledLandscape, on_domain
from spinscape.progress import Progress, as_progress
from spinscape.randomness import RNG, seed_from
from spinscape.sampling.methods import SamplingMethod
from spinscape.threads import as_threads

MOST_STEPS = 2**40
MOST_CHAINS = 2**32

_PILOT_CHAINS = 8
_PILOT_STEPS = 300
_CHAINS_A_THREAD = 96  # evaluated at once


@dataclass(frozen=True)
class Call:
    """The checked arguments that all samplers have."""

    landscape: CalledLandscape
    starts: NDArray[Any]
    method: SamplingMethod
    seed: int
    first_step: int
    first_replica: int
    trace_every: int
    keep_every: int
    progress: Progress | None
    threads: int

    def options(self) -> _core.ThermalOptions:
        """Return the options of the core."""
        return _core.ThermalOptions(
            self.method.gradients(),
            self.method.adjusted,
            self.method.acceptance,
            self.seed,
            self.first_step,
            self.first_replica,
            self.trace_every,
            self.keep_every,
        )


def checked_call(
    landscape: CalledLandscape,
    points: Any,
    method: SamplingMethod,
    *,
    rng: RNG,
    first_step: Any = 0,
    first_replica: Any = 0,
    trace_every: Any = 0,
    keep_every: Any = 0,
    rungs: int = 1,
    progress: Any = None,
    n_threads: int | None = None,
) -> Call:
    """Check what all samplers are given; `rungs` rows of points are one replica."""
    starts = on_domain(landscape, points, landscape.dtype)
    replicas, most = starts.shape[0] // rungs, MOST_CHAINS // rungs
    if replicas > most:
        raise ValueError(f"points: expected at most {most:,} replicas, got {replicas:,}")
    return Call(
        landscape=landscape,
        starts=starts,
        method=method,
        seed=seed_from(rng),
        first_step=as_integer(first_step, "first_step", 0, MOST_STEPS),
        first_replica=as_integer(first_replica, "first_replica", 0, most - replicas),
        trace_every=as_integer(trace_every, "trace_every", 0, MOST_STEPS),
        keep_every=as_integer(keep_every, "keep_every", 0, MOST_STEPS),
        progress=as_progress(progress),
        threads=as_threads(n_threads),
    )


def as_beta(value: Any, name: str = "beta") -> float:
    """Return an inverse temperature, at least 0."""
    return as_number(value, name, 0.0)


def leapfrog_steps(betas: Sequence[float], call: Call) -> list[float]:
    """Return ε for every β: the method's own, or found by a pilot run.

    The pilot's chains start from uniform points of
    their own (where a part of the domain is flat there are none: from the first starts) and adapt their steps while
    they go through the βs in order; the median over them is taken, so that the steps are a function of the landscape,
    the βs and the method.
    """
    if call.method.step is not None:
        return [call.method.epsilon(beta) for beta in betas]
    moves = [_PILOT_STEPS] + [_PILOT_STEPS // 3] * (len(betas) - 1)
    levels = [_core.ThermalLevel(beta, count, 0.0) for beta, count in zip(betas, moves, strict=True)]
    options = _core.ThermalOptions(call.method.gradients(), True, call.method.acceptance, 0, 0, 0, 0, 0)
    found = _core.sample(call.landscape.surface, _pilot_starts(call), levels, options, None, call.threads)
    return [float(epsilon) for epsilon in np.median(found["epsilon"], axis=0)]


def _pilot_starts(call: Call) -> NDArray[Any]:
    domain = call.landscape.domain
    if domain.flat_size and len(call.starts):
        return call.starts[np.arange(_PILOT_CHAINS) % len(call.starts)]
    return domain.random_points(_PILOT_CHAINS, rng=0).astype(call.landscape.dtype)


def require_memory(call: Call, steps: int, rows: int, levels: int) -> None:
    """Make sure that the results and the blocks at work fit; `rows` chains of the result."""
    D, size = call.starts.shape[1], call.starts.itemsize
    kept = steps // call.keep_every if call.keep_every else 0
    traced = steps // call.trace_every + 1 if call.trace_every else 0
    memory.require(rows * kept * D * size, f"keep_every: {kept:,} points of {rows:,} chains")
    memory.require(16 * rows * traced, f"trace_every: {traced:,} records of {rows:,} chains")
    together = min(rows, _CHAINS_A_THREAD * call.threads) if call.landscape.surface.concurrent else rows
    at_work = together * D * size * 8
    memory.require(rows * (2 * D * size + 32 * levels) + at_work, f"points: {rows:,} chains of {D:,} coordinates")


def trace_steps(trace: NDArray[np.float64], call: Call) -> NDArray[np.int64]:
    """Return the steps of a trace's columns, counted from the start of the streams."""
    return call.first_step + np.arange(trace.shape[-1], dtype=np.int64) * call.trace_every
