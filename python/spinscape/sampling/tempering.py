"""Parallel tempering: ladders of chains that exchange their temperatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_array, as_integer, as_real, described
from spinscape.landscape import as_landscape, landscape_first
from spinscape.progress import Progress
from spinscape.randomness import RNG
from spinscape.results import Result, row, shared
from spinscape.sampling.methods import SamplingMethod, SamplingName, as_sampling_method
from spinscape.sampling.steps import (
    MOST_STEPS,
    checked_call,
    leapfrog_steps,
    require_memory,
    trace_steps,
)


@dataclass(frozen=True, eq=False, repr=False)
class Tempering(Result):
    """What `temper` found, one row a ladder in the order of the starts, one column a β in the order given.

    points : (replicas, betas, D), the end points, in the landscape's dtype.
    energy_density : (replicas, betas) float64, u = H/N (H/n for a layered glass) at the end points.
    mean_energy_density : (replicas, betas) float64, the mean of u after each of the steps; nan where there were none.
    acceptance : (replicas, betas) float64, the fraction of moves that were taken; nan where there were none.
    swap_acceptance : (replicas, betas - 1) float64, of the swaps of neighbours; nan where none was tried.
    round_trips : (replicas,) int64, journeys of a chain from the first β to the last and back.
    trace_steps, trace_energy_density : (columns,) and (replicas, betas, columns).
    evaluations : (replicas,) int64, gradients evaluated, of all chains of the ladder.
    betas, step : (betas,), the inverse temperatures and their steps, ε for "hmc", else dt = βε²/2.
    method, next_step : how it was sampled, and the `first_step` that continues this run.
    """

    points: NDArray[Any] = field(metadata=row("beta", "coordinate"))
    energy_density: NDArray[np.float64] = field(metadata=row("beta"))
    mean_energy_density: NDArray[np.float64] = field(metadata=row("beta"))
    acceptance: NDArray[np.float64] = field(metadata=row("beta"))
    swap_acceptance: NDArray[np.float64] = field(metadata=row("pair"))
    round_trips: NDArray[np.int64] = field(metadata=row())
    trace_steps: NDArray[np.int64] = field(metadata=shared("column"))
    trace_energy_density: NDArray[np.float64] = field(metadata=row("beta", "column"))
    evaluations: NDArray[np.int64] = field(metadata=row())
    betas: NDArray[np.float64] = field(metadata=shared("beta"))
    step: NDArray[np.float64] = field(metadata=shared("beta"))
    method: str
    next_step: int


@landscape_first
def temper(
    landscape: Any,
    points: Any,
    *,
    betas: Sequence[float],
    steps: int,
    rng: RNG = None,
    method: SamplingName | SamplingMethod = "mala",
    step: float | None = None,
    leapfrogs: int | None = None,
    swap_every: int = 1,
    first_step: int = 0,
    first_replica: int = 0,
    trace_every: int = 0,
    progress: Progress | None = None,
    n_threads: int | None = None,
) -> Tempering:
    """Sample exp(-β_k H) at all of `betas` at once, with exchanges between neighbours in the list.

    Parameters
    ----------
    landscape : a glass, a network's landscape, or any other `Landscape`; of one that is no glass all chains are one
        call a step.
    points : (replicas, D): the start of all chains of a ladder; or (replicas, betas, D), of each of them.
    betas : strictly monotone inverse temperatures.
    steps : moves of each chain.
    method : "mala" or "hmc", or `MALA(...)` or `HMC(...)`.
    swap_every : after so many steps neighbouring chains swap their points with probability
        min(1, exp((β - β')(H - H'))), even pairs and odd pairs in turn.
    rng, step, leapfrogs, first_step, first_replica, trace_every, progress, n_threads : as in `sample`; a default
        step is found for each β. Streams belong to (replica, β): a run may be cut.

    Returns a `Tempering`. Raises TypeError, ValueError or MemoryError naming the argument. An interrupt is raised
    within a second.
    """
    ladder = _as_ladder(betas)
    way = as_sampling_method(method, step, leapfrogs, ("mala", "hmc"))
    count = as_integer(steps, "steps", 0, MOST_STEPS)
    every = as_integer(swap_every, "swap_every", 1, MOST_STEPS)
    rungs = len(ladder)
    called = as_landscape(landscape)
    flat = _rows(points, rungs, called.size)
    call = checked_call(
        called,
        flat,
        way,
        rng=rng,
        first_step=first_step,
        first_replica=first_replica,
        trace_every=trace_every,
        rungs=rungs,
        progress=progress,
        n_threads=n_threads,
    )
    chains = call.starts.shape[0]
    require_memory(call, count, chains, 1)
    epsilons = leapfrog_steps(ladder, call)
    core = _core.Ladder(ladder, epsilons, count, every)
    starts = call.starts.reshape(chains // rungs, rungs, called.size)
    found = _core.temper(called.surface, starts, core, call.options(), call.progress, call.threads)
    if call.progress is not None:
        call.progress(chains * count, chains * count)
    for name in ("mean_energy", "acceptance"):
        found[name][...] = found[name] if count else np.nan
    return Tempering(
        points=found["points"],
        energy_density=found["energy_density"],
        mean_energy_density=found["mean_energy"],
        acceptance=found["acceptance"],
        swap_acceptance=found["swap_acceptance"],
        round_trips=found["round_trips"],
        trace_steps=trace_steps(found["trace"], call),
        trace_energy_density=found["trace"],
        evaluations=np.full(chains // rungs, rungs * (1 + count * call.method.gradients()), dtype=np.int64),
        betas=np.array(ladder),
        step=call.method.step_of(np.array(epsilons), np.array(ladder)),
        method=call.method.name,
        next_step=call.first_step + count,
    )


def _as_ladder(betas: Any) -> list[float]:
    values = as_real(betas, "betas", np.dtype(np.float64))
    steps = np.diff(values) if values.ndim == 1 else np.zeros(1)
    monotone = bool((steps > 0).all() or (steps < 0).all())
    if values.ndim != 1 or not 1 <= values.size <= 4096 or not monotone or (values < 0).any():
        raise ValueError(f"betas: expected 1 to 4096 strictly monotone numbers >= 0, got {described(betas)}")
    return [float(beta) for beta in values]


def _rows(points: Any, rungs: int, size: int) -> Any:
    """The starts of all chains, one row each."""
    array = as_array(points, "points")
    if array.ndim == 2:
        memory.require(rungs * array.size * array.itemsize, f"betas: {rungs:,} copies of the points")
        return np.repeat(array, rungs, axis=0)
    if array.ndim != 3 or array.shape[1:] != (rungs, size):
        raise ValueError(f"points: expected shape (replicas, {size}) or (replicas, {rungs}, {size}), got {array.shape}")
    return array.reshape(-1, size)
