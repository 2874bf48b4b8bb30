"""Chains at one temperature."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core
from spinscape.arrays import as_integer
from spinscape.landscape import as_landscape, landscape_first
from spinscape.progress import Progress
from spinscape.randomness import RNG
from spinscape.results import Result, row, shared
from spinscape.sampling.methods import SamplingMethod, SamplingName, as_sampling_method
from spinscape.sampling.steps import (
    MOST_STEPS,
    as_beta,
    checked_call,
    leapfrog_steps,
    require_memory,
    trace_steps,
)


@dataclass(frozen=True, eq=False, repr=False)
class Sampling(Result):
    """What `sample` found, one row a chain in the order of the starts.

    points : (replicas, D), the end points, in the landscape's dtype; on the spheres to rounding.
    energy_density : (replicas,) float64, u = H/N (H/n for a layered glass) at the end points.
    mean_energy_density : (replicas,) float64, the mean of u after each of the steps; nan where there were none.
    acceptance : (replicas,) float64, the fraction of moves that were taken; nan where there were none.
    trace_steps, trace_energy_density : (columns,) and (replicas, columns), u after that many steps of the streams.
    kept_steps, kept_points : (kept,) and (replicas, kept, D), points after that many steps.
    evaluations : (replicas,) int64, gradients evaluated.
    beta, step, method : the temperature and how it was sampled; `step` is ε for "hmc", else dt = βε²/2.
    next_step : the `first_step` that continues this run.
    """

    points: NDArray[Any] = field(metadata=row("coordinate"))
    energy_density: NDArray[np.float64] = field(metadata=row())
    mean_energy_density: NDArray[np.float64] = field(metadata=row())
    acceptance: NDArray[np.float64] = field(metadata=row())
    trace_steps: NDArray[np.int64] = field(metadata=shared("column"))
    trace_energy_density: NDArray[np.float64] = field(metadata=row("column"))
    kept_steps: NDArray[np.int64] = field(metadata=shared("kept"))
    kept_points: NDArray[Any] = field(metadata=row("kept", "coordinate"))
    evaluations: NDArray[np.int64] = field(metadata=row())
    beta: float
    step: float
    method: str
    next_step: int


@landscape_first
def sample(
    landscape: Any,
    points: Any,
    *,
    beta: float,
    steps: int,
    rng: RNG = None,
    method: SamplingName | SamplingMethod = "mala",
    step: float | None = None,
    leapfrogs: int | None = None,
    first_step: int = 0,
    first_replica: int = 0,
    trace_every: int = 0,
    keep_every: int = 0,
    progress: Progress | None = None,
    n_threads: int | None = None,
) -> Sampling:
    """Let every chain take `steps` steps that leave exp(-βH) on the sphere invariant.

    Parameters
    ----------
    landscape : a glass, a network's landscape, or any other `Landscape`; of one that is no glass all chains are one
        call a step.
    points : (replicas, D), the starts, |w|^2 = N on each sphere to 1e-4 relative (they are then put on it).
    beta : inverse temperature, β >= 0; H is extensive, so the equilibrium energy density above T_s is u = -β ξ(1).
    steps : moves of each chain: one gradient each, `leapfrogs` gradients for "hmc"; and one at the start.
    rng : of velocities and decisions. Chain r's numbers are a function of (rng, first_replica + r, step).
    method : an object, `MALA(step)`, `HMC(step, leapfrogs)` or `Langevin(step)`, or its name, with its arguments as
        keywords. "mala": Metropolis-adjusted Langevin on great circles, exact at any step. "hmc": Hamiltonian Monte
        Carlo of `leapfrogs` steps, exact too. "langevin": unadjusted, dw = -g dt + √(2/β) dB; its energies are biased
        by the step, u = u_eq + (ξ'(1)/2 - ξ(1)/3) dt + O(dt²) above T_d.
    step : "mala", "langevin": the time step dt; "hmc": the leapfrog step ε = √(2 dt/β). Default: 0.01 for "langevin";
        for the exact ones a step of acceptance 0.574 ("mala") or 0.8 ("hmc"), found by a pilot run of 8 chains of 300
        moves from points of its own (their gradients are not counted): a function of the landscape, β and the method,
        so the law of a chain stays exact.
    leapfrogs : for "hmc", leapfrog steps a move, default 10.
    first_step, first_replica : where in the streams this call begins. A run may be cut: the points of a run of a steps,
        continued with first_step = a, and rows a: alone with first_replica = a, end with the same bits.
    trace_every : record the energy density every so many steps; 0 for never.
    keep_every : keep the points every so many steps; 0 for never.
    progress : called as progress(steps done by all chains, steps of all chains) about every 50 ms and at the end.
    n_threads : number of threads; never changes a result.

    Returns a `Sampling`. Raises TypeError, ValueError or MemoryError naming the argument. An interrupt is raised within
    a second.
    """
    inverse = as_beta(beta)
    count = as_integer(steps, "steps", 0, MOST_STEPS)
    call = checked_call(
        as_landscape(landscape),
        points,
        as_sampling_method(method, step, leapfrogs),
        rng=rng,
        first_step=first_step,
        first_replica=first_replica,
        trace_every=trace_every,
        keep_every=keep_every,
        progress=progress,
        n_threads=n_threads,
    )
    replicas = call.starts.shape[0]
    require_memory(call, count, replicas, 1)
    epsilon = leapfrog_steps([inverse], call)[0]
    levels = [_core.ThermalLevel(inverse, count, epsilon)]
    found = _core.sample(call.landscape.surface, call.starts, levels, call.options(), call.progress, call.threads)
    if call.progress is not None:
        call.progress(replicas * count, replicas * count)
    of_moves = {"mean_energy_density": found["level_energy"][:, 0], "acceptance": found["acceptance"][:, 0]}
    for values in of_moves.values():
        values[...] = values if count else np.nan
    return Sampling(
        points=found["points"],
        energy_density=found["energy_density"],
        **of_moves,
        trace_steps=trace_steps(found["trace"], call),
        trace_energy_density=found["trace"],
        kept_steps=call.first_step + np.arange(1, found["kept"].shape[1] + 1, dtype=np.int64) * call.keep_every,
        kept_points=found["kept"],
        evaluations=np.full(replicas, 1 + count * call.method.gradients(), dtype=np.int64),
        beta=inverse,
        step=call.method.step_of(epsilon, inverse),
        method=call.method.name,
        next_step=call.first_step + count,
    )
