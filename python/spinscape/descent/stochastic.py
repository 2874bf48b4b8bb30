"""Stochastic gradient descent: the schedule, its parts, and their seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_number, lengths
from spinscape.descent.method import DescentMethod, Found, keep
from spinscape.hamiltonian import Glass
from spinscape.landscape import CalledLandscape, as_landscape
from spinscape.randomness import RNG, seed_from
from spinscape.schedules import SGDSchedule


@dataclass(frozen=True)
class SGD(DescentMethod):
    """The papers' protocol: one part of the landscape a step, then full gradients.

    A part is one of independent tensors that sum to the couplings, or a mini-batch of tuples (`SGDSchedule.split`); of
    a landscape that offers `batches`, the part of the energy that belongs to some of its samples. `tol` and `ladder`
    act where the gradient of the whole is taken.

    step : rescales all stages so that the first starts at it. Default: the schedule's own steps.
    schedule : default SGDSchedule(): four parts in turn.
    parts : landscapes whose sum is the landscape. Default: `glass.split(P, rng=rng)` for Gaussian couplings,
        `landscape.batches(P)` where that is offered.
    rng : of the split, the shuffle, a random order. Default: the glass's own seed, so that calls with the same glass
        agree.
    """

    step: float | None = None
    schedule: SGDSchedule | None = None
    parts: Sequence[Any] | None = None
    rng: RNG = None
    name: ClassVar[str] = "sgd"
    default_tol: ClassVar[float] = 0.0
    default_max_steps: ClassVar[int] = 2**53

    def __post_init__(self) -> None:
        if self.step is not None:
            keep(self, "step", as_number(self.step, "step", 0.0, exclusive=True))
        self.plan  # noqa: B018  # refuses what does not fit together

    @property
    def plan(self) -> SGDSchedule:
        """The schedule to run, with its number of parts settled."""
        parts, schedule = self.parts, self.schedule
        if parts is not None and (not isinstance(parts, Sequence) or len(parts) == 0):
            raise TypeError(f"parts: expected a non-empty sequence of landscapes, got {type(parts).__name__}")
        if schedule is None:
            schedule = SGDSchedule() if parts is None else SGDSchedule(parts=len(parts))
        if not isinstance(schedule, SGDSchedule):
            raise TypeError(f"schedule: expected an SGDSchedule, got {type(schedule).__name__}")
        if parts is not None and schedule.split == "tuples":
            raise ValueError("parts: expected None for a schedule with split='tuples', whose parts are mini-batches")
        if parts is not None and len(parts) != schedule.parts:
            raise ValueError(f"parts: expected {schedule.parts} landscapes as in the schedule, got {len(parts)}")
        return schedule if self.step is None else schedule.scaled_to(self.step)

    def check(self, landscape: CalledLandscape) -> None:
        """Raise TypeError or ValueError where the landscape has no parts, or not these."""
        plan = self.plan
        _seed(landscape, plan, self.rng)
        if self.parts is not None:
            _check_parts(landscape, self.parts)
        elif plan.split == "tuples":
            _require_tuples(landscape)
        elif not isinstance(landscape, Glass) and landscape.batches is None:
            raise TypeError("landscape: method 'sgd' asks for batches (or for parts=), which this one does not offer")

    def most_steps(self) -> int:
        """Return the length of the schedule."""
        return self.plan.steps

    def run(self, landscape: Any, starts: NDArray[Any], *rest: Any) -> Found:
        """Walk all replicas to their ends; return the arrays of a `Descent`."""
        plan = self.plan
        seed = _seed(landscape, plan, self.rng)
        stages = [_core.Stage(stage.steps, stage.step, stage.decay, stage.on_parts) for stage in plan.stages]
        moves = _core.Schedule(stages, plan.order == "random", seed)
        if plan.split == "tuples":
            return _core.descend_tuples(landscape.surface, starts, plan.parts, moves, *rest)
        pieces = [part.surface for part in self._parts(landscape, plan, seed, rest[-1])]
        return _core.descend_schedule(landscape.surface, starts, pieces, moves, *rest)

    def _parts(self, landscape: Any, plan: SGDSchedule, seed: int, threads: int) -> Sequence[Any]:
        """The parts of the steps on parts; none where one part is all."""
        if self.parts is not None:
            return [as_landscape(part, f"parts[{k}]") for k, part in enumerate(self.parts)]
        if plan.parts == 1 or not any(stage.on_parts and stage.steps > 0 for stage in plan.stages):
            return []
        if isinstance(landscape, Glass):
            return landscape._split(plan.parts, seed, threads)
        parts = [as_landscape(part, f"landscape: batches({plan.parts})") for part in landscape.batches(plan.parts)]
        if len(parts) != plan.parts:
            raise ValueError(
                f"landscape: expected {plan.parts} landscapes from batches({plan.parts}), got {len(parts)}"
            )
        _check_parts(landscape, parts)
        return parts


def _seed(landscape: Any, plan: SGDSchedule, rng: RNG) -> int:
    """The seed of the split and of a random order: `rng`, or else the glass's own."""
    if rng is not None:
        return seed_from(rng)
    own = getattr(landscape, "seed", None)
    if own is None and plan.order == "random":
        raise ValueError("rng: a random order on a landscape without a seed of its own needs one")
    return 0 if own is None else int(own)


def _check_parts(landscape: CalledLandscape, parts: Sequence[Any]) -> None:
    """Make sure that the parts sum to the landscape: gradients that agree at random points agree everywhere."""
    called = [as_landscape(part, f"parts[{k}]") for k, part in enumerate(parts)]
    for k, part in enumerate(called):
        if part.domain != landscape.domain or part.dtype != landscape.dtype:
            raise ValueError(
                f"parts[{k}]: expected {landscape.domain} in {landscape.dtype}, got {part.domain} in {part.dtype}"
            )
    probes = landscape.domain.random_points(2, rng=0).astype(landscape.dtype)
    gradients = [part.gradient(probes).astype(np.float64) for part in called]
    whole = landscape.gradient(probes).astype(np.float64)
    error = float(lengths((np.sum(gradients, axis=0) - whole).ravel()))
    scale = sum(float(lengths(gradient.ravel())) for gradient in [*gradients, whole])
    # Parts of single-precision couplings, or in single-precision arithmetic, sum to about 1e-7 of their size.
    if not error <= 1e-5 * scale:
        raise ValueError(
            f"parts: expected gradients that sum to the landscape's, but they differ by {error / scale:.2g} of their "
            f"size"
        )


def _require_tuples(landscape: Any) -> None:
    """Make sure that there are tuples, and that they fit: values, coordinates, their order and the batch at work."""
    if not isinstance(landscape, Glass):
        raise TypeError("landscape: a schedule with split='tuples' asks for couplings, which only a glass has")
    tuples = [(form.shape.entries(), form.shape.order) for form, _ in landscape._terms]
    if max((count for count, _ in tuples), default=0) >= 2**32:
        raise ValueError("schedule: split='tuples' expects a glass of fewer than 2^32 couplings of each order")
    memory.require(
        sum(count * (16 + 4 * order) for count, order in tuples),
        f"schedule: mini-batches of {sum(count for count, _ in tuples):,} tuples",
    )
