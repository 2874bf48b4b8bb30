"""Schedules: which gradient each step of stochastic gradient descent takes and how far it goes; how annealing cools."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal, Self

from spinscape.arrays import as_choice, as_integer, as_number, described
from spinscape.results import storable

ORDERS = ("cyclic", "random")
SPLITS = ("couplings", "tuples")
SPACINGS = ("geometric", "linear")
MOST_PARTS = 2**16


@storable
@dataclass(frozen=True)
class ScheduleStage:
    """`steps` steps of length γ_k = step/(1 + decay k), k = 0, 1, ... within the stage.

    on_parts : the gradient of one part of the couplings a step, or that of the whole glass.
    """

    steps: int
    step: float
    decay: float = 0.0
    on_parts: bool = False

    def __post_init__(self) -> None:
        as_integer(self.steps, "steps", 0, 2**40)
        as_number(self.step, "step", 0.0, exclusive=True)
        as_number(self.decay, "decay", 0.0)
        if not isinstance(self.on_parts, bool):
            raise TypeError(f"on_parts: expected True or False, got {self.on_parts!r}")


def papers_stages(parts: int) -> tuple[ScheduleStage, ...]:
    """Return the stages of AISTATS15's spin-glass experiment for P parts.

    γ_t = 0.3/(1 + 0.0015 t) for 500 P steps on the parts in turn, then γ_k = 0.2/(1 + 0.0015 k) for 1000 steps with the
    gradient of the whole glass (settings of the authors' public code).
    """
    return ScheduleStage(500 * parts, 0.3, 0.0015, on_parts=True), ScheduleStage(1000, 0.2, 0.0015)


@storable
@dataclass(frozen=True)
class SGDSchedule:
    """Stochastic gradient descent: each step on parts takes one of P parts of the glass.

    Parameters
    ----------
    parts : P. The papers do not print theirs; 1 is the schedule with full gradients.
    order : "cyclic" (s = t mod P, the papers') or "random", the same for all replicas: s uniform and independent at
        each step, or for tuples a new shuffle after every P steps.
    stages : ScheduleStage after ScheduleStage; () stands for `papers_stages(parts)`.
    split : what a part is. "couplings", the papers': X = Σ_s X^{(s)} with independent Gaussian tensors, the gradient
        that of one of them, on average the whole gradient over P. "tuples", mini-batches: the tuples i1 ≤ ... ≤ ip (of
        a layered glass all of them) are shuffled and cut into P batches of equal size, for couplings of any law; the
        gradient is that of one batch times P, so that the mean over the batches is the whole gradient. Every batch has
        the spikes and fields in full.
    """

    parts: int = 4
    order: Literal["cyclic", "random"] = "cyclic"
    stages: tuple[ScheduleStage, ...] = field(default=())
    split: Literal["couplings", "tuples"] = "couplings"

    def __post_init__(self) -> None:
        as_integer(self.parts, "parts", 1, MOST_PARTS)
        as_choice(self.order, "order", ORDERS)
        as_choice(self.split, "split", SPLITS)
        if not isinstance(self.stages, (tuple, list)):
            raise TypeError(f"stages: expected a tuple of ScheduleStage, got {described(self.stages)}")
        stages = tuple(self.stages) or papers_stages(self.parts)
        for stage in stages:
            if not isinstance(stage, ScheduleStage):
                raise TypeError(f"stages: expected ScheduleStage, got {type(stage).__name__}")
        object.__setattr__(self, "stages", stages)

    @property
    def steps(self) -> int:
        """Number of steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def scaled_to(self, step: float) -> Self:
        """Return the schedule with all step lengths multiplied so that the first stage starts at γ_0 = step."""
        factor = as_number(step, "step", 0.0, exclusive=True) / self.stages[0].step
        return replace(self, stages=tuple(replace(stage, step=stage.step * factor) for stage in self.stages))


@storable
@dataclass(frozen=True)
class AnnealingSchedule:
    """Simulated annealing: `steps` steps, shared out evenly over `levels` inverse temperatures from `first` to `last`.

    Level k of L has β_k = first (last/first)^{k/(L-1)} ("geometric") or first + (last - first) k/(L-1) ("linear"), and
    ⌊(k+1) steps/L⌋ - ⌊k steps/L⌋ steps. With one gradient a step ("mala") a run costs steps + 1 gradients.
    """

    first: float = 0.1
    last: float = 100.0
    steps: int = 2000
    levels: int = 100
    spacing: Literal["geometric", "linear"] = "geometric"

    def __post_init__(self) -> None:
        as_choice(self.spacing, "spacing", SPACINGS)
        as_number(self.first, "first", 0.0, exclusive=self.spacing == "geometric")
        as_number(self.last, "last", 0.0, exclusive=self.spacing == "geometric")
        as_integer(self.steps, "steps", 0, 2**40)
        as_integer(self.levels, "levels", 1, 2**20)

    @property
    def betas(self) -> list[float]:
        """The inverse temperatures of the levels."""
        if self.levels == 1:
            return [float(self.last)]
        places = [k / (self.levels - 1) for k in range(self.levels)]
        if self.spacing == "linear":
            return [self.first + (self.last - self.first) * x for x in places]
        return [float(self.first ** (1 - x) * self.last**x) for x in places]

    @property
    def level_steps(self) -> list[int]:
        """The numbers of steps of the levels."""
        ends = [k * self.steps // self.levels for k in range(self.levels + 1)]
        return [end - begin for begin, end in pairwise(ends)]
