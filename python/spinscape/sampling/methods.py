"""The ways chains move, a class each: its arguments, and what a step of it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from spinscape.arrays import as_choice, as_integer, as_number

SamplingName = Literal["mala", "hmc", "langevin"]


@dataclass(frozen=True)
class SamplingMethod:
    """A way chains move on a landscape: one of `MALA`, `HMC`, `Langevin`.

    name : what `sample(method=...)` calls it.
    acceptance : the frequency with which moves are taken where the step is found.
    adjusted : whether moves are taken or not by Metropolis' rule, so that the law is exact at any step.
    """

    step: float | None = None
    name: ClassVar[str] = ""
    acceptance: ClassVar[float] = 0.574  # Roberts and Rosenthal 1998
    adjusted: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.step is not None:
            object.__setattr__(self, "step", as_number(self.step, "step", 0.0, exclusive=True))

    def gradients(self) -> int:
        """Return the number of leapfrog steps, and so of gradients, of a move."""
        return 1

    def epsilon(self, beta: float) -> float:
        """Return the leapfrog step ε of the method's step."""
        assert self.step is not None
        if beta == 0:
            raise ValueError(
                f"step: a time step of method {self.name!r} needs beta > 0; leave it to be found, or use 'hmc'"
            )
        return float(np.sqrt(2 * float(self.step) / beta))

    def step_of(self, epsilon: Any, beta: Any) -> Any:
        """Return the step as the user knows it: ε for `HMC`, dt = βε²/2 otherwise."""
        return beta * epsilon**2 / 2


@dataclass(frozen=True)
class MALA(SamplingMethod):
    """The Metropolis-adjusted Langevin algorithm on great circles, exact at any step.

    step : the time step dt. Default: one of acceptance 0.574, found by a pilot run.
    """

    name: ClassVar[str] = "mala"


@dataclass(frozen=True)
class HMC(SamplingMethod):
    """Hamiltonian Monte Carlo of `leapfrogs` steps a move, exact at any step.

    step : the leapfrog step ε = √(2 dt/β). Default: one of acceptance 0.8, found by a pilot run.
    """

    leapfrogs: int = 10
    name: ClassVar[str] = "hmc"
    acceptance: ClassVar[float] = 0.8

    def __post_init__(self) -> None:
        super().__post_init__()
        as_integer(self.leapfrogs, "leapfrogs", 1, 2**20)

    def gradients(self) -> int:
        """Return the number of leapfrog steps, and so of gradients, of a move."""
        return int(self.leapfrogs)

    def epsilon(self, beta: float) -> float:
        """Return the leapfrog step ε."""
        assert self.step is not None
        return float(self.step)

    def step_of(self, epsilon: Any, beta: Any) -> Any:
        """Return ε."""
        return epsilon


@dataclass(frozen=True)
class Langevin(SamplingMethod):
    """The unadjusted Langevin equation dw = -g dt + √(2/β) dB; its energies are biased by the step.

    step : the time step dt.
    """

    step: float | None = 0.01
    name: ClassVar[str] = "langevin"
    adjusted: ClassVar[bool] = False

    def __post_init__(self) -> None:
        as_number(self.step, "step", 0.0, exclusive=True)


_CLASSES: tuple[type[SamplingMethod], ...] = (MALA, HMC, Langevin)
_BY_NAME = {method.name: method for method in _CLASSES}
METHODS = tuple(_BY_NAME)


def as_sampling_method(method: Any, step: Any, leapfrogs: Any, choices: tuple[str, ...] = METHODS) -> SamplingMethod:
    """Return the method of a name with its arguments (None stands for one not given), or the object itself."""
    if isinstance(method, SamplingMethod):
        as_choice(method.name, "method", choices)
        for name, value in (("step", step), ("leapfrogs", leapfrogs)):
            if value is not None:
                raise ValueError(f"{name}: expected None beside {type(method).__name__}(...), which has its own")
        return method
    kind = _BY_NAME[as_choice(method, "method", choices)]
    given: dict[str, Any] = {} if step is None else {"step": step}
    if leapfrogs is not None:
        count = as_integer(leapfrogs, "leapfrogs", 1, 2**20)
        if kind is HMC:
            given["leapfrogs"] = count
        elif count != 1:
            raise ValueError(f"leapfrogs: expected None or 1 for method {method!r}, got {count}")
    return kind(**given)
