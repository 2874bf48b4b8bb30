"""How networks are trained: the settings, and the steps for a block of networks, each with its own rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from spinscape.arrays import as_choice, as_integer, as_number
from spinscape.results import storable

if TYPE_CHECKING:
    from torch import Tensor

OPTIMISERS = ("sgd", "momentum", "adam", "gd")

Step = Callable[["Tensor", "Tensor", "Tensor"], None]
"""Changes parameters in place: (theta, gradient, rate), rate (networks, 1)."""


@storable
@dataclass(frozen=True)
class Training:
    """Settings of a training; the rate in epoch t (from 0) is rate / (1 + decay t).

    optimiser : "sgd"; "momentum" (v ← momentum v + g, θ ← θ − rate v); "adam" (Kingma and Ba 2015); "gd": full
        gradients, one step an epoch.
    rate, decay : of the learning rate.
    batch : samples of a minibatch; each network draws its own order in every epoch, an incomplete last batch is left.
    epochs : passes over the training set.
    momentum : of "momentum".
    gradient_tol : a network stops after an epoch with |∇L|/√P at most this, L over the whole training set and P
        parameters; 0 never. Looking costs about half an epoch.
    """

    optimiser: str = "sgd"
    rate: float = 0.1
    decay: float = 0.02
    batch: int = 100
    epochs: int = 20
    momentum: float = 0.9
    gradient_tol: float = 0.0

    def __post_init__(self) -> None:
        as_choice(self.optimiser, "optimiser", OPTIMISERS)
        as_integer(self.batch, "batch", 1)
        as_integer(self.epochs, "epochs", 0)
        for name in ("rate", "decay", "momentum", "gradient_tol"):
            object.__setattr__(self, name, as_number(getattr(self, name), name, 0.0))

    def rate_at(self, epoch: int) -> float:
        """Return the learning rate of an epoch, from 0."""
        return self.rate / (1 + self.decay * as_integer(epoch, "epoch", 0))

    @property
    def summary(self) -> str:
        """The settings in a few words."""
        return f"{self.optimiser}, {self.epochs} epochs"

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, JSON-able."""
        return asdict(self)


def stepper(training: Training, theta: Tensor) -> Step:
    """Return the step of these settings, with its state for parameters like theta."""
    if training.optimiser == "momentum":
        return _momentum(training.momentum, theta)
    if training.optimiser == "adam":
        return _adam(theta)
    return _plain


def _plain(theta: Tensor, gradient: Tensor, rate: Tensor) -> None:
    theta.addcmul_(gradient, rate, value=-1)


def _momentum(momentum: float, like: Tensor) -> Step:
    velocity = like.new_zeros(like.shape)

    def step(theta: Tensor, gradient: Tensor, rate: Tensor) -> None:
        velocity.mul_(momentum).add_(gradient)
        theta.addcmul_(velocity, rate, value=-1)

    return step


def _adam(like: Tensor, first: float = 0.9, second: float = 0.999, epsilon: float = 1e-8) -> Step:
    mean, square, count = like.new_zeros(like.shape), like.new_zeros(like.shape), 0

    def step(theta: Tensor, gradient: Tensor, rate: Tensor) -> None:
        nonlocal count
        count += 1
        mean.mul_(first).add_(gradient, alpha=1 - first)
        square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        scale = (square / (1 - second**count)).sqrt_().add_(epsilon)
        theta.addcmul_(mean / scale, rate, value=-1 / (1 - first**count))

    return step
