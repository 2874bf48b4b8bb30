"""Losses of one sample, their slopes and curvatures in the outputs, for blocks of networks; torch tensors.

Outputs are (..., samples, outputs). Cross-entropy takes classes; the others take one output f and targets y:

    cross-entropy   log Σ_k e^{f_k} − f_y        hinge     max(0, 1 − y f)
    absolute        |y − f|                      squared   (y − f)²
    logistic        log(1 + e^{−y f})

Hinge and logistic losses tell signs apart: their targets are ±1, never 0. Cross-entropy needs two outputs or more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from spinscape.arrays import as_choice

LOSSES = ("cross-entropy", "hinge", "absolute", "squared", "logistic")
_OF_SIGNS = ("hinge", "logistic")


@dataclass(frozen=True)
class Loss:
    """A loss by name.

    value : (..., samples).     slope : (..., samples, k), the derivative by the k outputs.
    curvature : (..., samples, k, k), the second one; curved : it times directions (..., samples, k).
    """

    name: str
    value: Callable[[Tensor, Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]
    curvature: Callable[[Tensor, Tensor], Tensor]
    curved: Callable[[Tensor, Tensor, Tensor], Tensor]

    @property
    def classifies(self) -> bool:
        """Whether targets are classes, one output each."""
        return self.name == "cross-entropy"

    def require_outputs(self, outputs: int) -> None:
        """Raise ValueError where a network of so many outputs cannot have this loss."""
        if self.classifies and outputs < 2:
            raise ValueError(
                f"loss: expected a loss of one output, such as 'logistic', got {self.name!r}, there constant"
            )
        if not self.classifies and outputs != 1:
            raise ValueError(f"loss: expected cross-entropy for {outputs} outputs, got {self.name!r}")

    def require_targets(self, targets: NDArray[Any], name: str) -> None:
        """Raise ValueError where the loss of a sample would be constant: signs are -1 and 1, not 0 and 1."""
        if self.name in _OF_SIGNS and (targets == 0).any():
            raise ValueError(f"{name}: expected the signs -1 and 1 for the {self.name} loss, got 0")


def as_loss(name: str) -> Loss:
    """Return the loss of this name."""
    return _TABLE[as_choice(name, "loss", LOSSES)]


def correct(outputs: Tensor, targets: Tensor) -> Tensor:
    """Whether each sample is classified rightly: the largest output, or the sign of a single one."""
    if outputs.shape[-1] > 1:
        return outputs.argmax(-1) == targets
    return outputs[..., 0] * targets > 0


def _entropy_value(outputs: Tensor, targets: Tensor) -> Tensor:
    chosen = outputs.gather(-1, targets.expand(outputs.shape[:-1]).unsqueeze(-1)).squeeze(-1)
    return torch.logsumexp(outputs, -1) - chosen


def _entropy_slope(outputs: Tensor, targets: Tensor) -> Tensor:
    wanted = targets.expand(outputs.shape[:-1]).unsqueeze(-1)
    minus_one = torch.full((), -1.0, dtype=outputs.dtype).expand(wanted.shape)
    return torch.softmax(outputs, -1).scatter_add(-1, wanted, minus_one)


def _entropy_curvature(outputs: Tensor, targets: Tensor) -> Tensor:
    p = torch.softmax(outputs, -1)
    return torch.diag_embed(p) - p.unsqueeze(-1) * p.unsqueeze(-2)


def _entropy_curved(outputs: Tensor, targets: Tensor, directions: Tensor) -> Tensor:
    p = torch.softmax(outputs, -1)
    along = p * directions
    return along - p * along.sum(-1, keepdim=True)


Scalar = Callable[[Tensor, Tensor], Tensor]


def _single(function: Scalar, axes: int) -> Scalar:
    """A function of (f, y) as one of (outputs, targets), with `axes` axes of length one added."""

    def of_outputs(outputs: Tensor, targets: Tensor) -> Tensor:
        result = function(outputs[..., 0], targets.to(outputs.dtype))
        return result.reshape(result.shape + (1,) * axes)

    return of_outputs


def _scalar(name: str, value: Scalar, slope: Scalar, curvature: Scalar) -> Loss:
    column = _single(curvature, 1)

    def curved(outputs: Tensor, targets: Tensor, directions: Tensor) -> Tensor:
        return column(outputs, targets) * directions

    return Loss(name, _single(value, 0), _single(slope, 1), _single(curvature, 2), curved)


def _nothing(f: Tensor, y: Tensor) -> Tensor:
    return torch.zeros_like(f)


# torch's softplus is linear beyond 20 and, like its sigmoid, rounds the last numbers of a row by another rule.
def _softplus(x: Tensor) -> Tensor:
    return torch.logsumexp(torch.stack([torch.zeros_like(x), x], -1), -1)


def _sigmoid(x: Tensor) -> Tensor:
    return torch.exp(-_softplus(-x))


def _logistic_curvature(f: Tensor, y: Tensor) -> Tensor:
    return y * y * _sigmoid(y * f) * _sigmoid(-y * f)


_TABLE = {
    "cross-entropy": Loss("cross-entropy", _entropy_value, _entropy_slope, _entropy_curvature, _entropy_curved),
    "hinge": _scalar("hinge", lambda f, y: (1 - y * f).clamp(min=0), lambda f, y: -y * (y * f < 1), _nothing),
    "absolute": _scalar("absolute", lambda f, y: (y - f).abs(), lambda f, y: torch.sign(f - y), _nothing),
    "squared": _scalar(
        "squared", lambda f, y: (y - f) ** 2, lambda f, y: 2 * (f - y), lambda f, y: torch.full_like(f, 2.0)
    ),
    "logistic": _scalar(
        "logistic", lambda f, y: _softplus(-y * f), lambda f, y: -y * _sigmoid(-y * f), _logistic_curvature
    ),
}
