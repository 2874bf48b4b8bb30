"""Losses of one sample, their slopes and curvatures in the outputs, for blocks of networks; torch tensors.

Outputs are (..., samples, outputs). Cross-entropy takes classes; the others take one output f and targets y:

    cross-entropy   log Σ_k e^{f_k} − f_y        hinge     max(0, 1 − y f)
    absolute        |y − f|                      squared   (y − f)²
    logistic        log(1 + e^{−y f})
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from spinscape.arrays import as_choice

LOSSES = ("cross-entropy", "hinge", "absolute", "squared", "logistic")


@dataclass(frozen=True)
class Loss:
    """A loss by name: value (..., samples), slope (..., samples, k) and curvature (..., samples, k, k) in k outputs."""

    name: str
    value: Callable[[Tensor, Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]
    curvature: Callable[[Tensor, Tensor], Tensor]

    @property
    def classifies(self) -> bool:
        """Whether targets are classes, one output each."""
        return self.name == "cross-entropy"


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


def _single(function: Callable[[Tensor, Tensor], Tensor], axes: int) -> Callable[[Tensor, Tensor], Tensor]:
    """A function of (f, y) as one of (outputs, targets), with `axes` axes of length one added."""

    def of_outputs(outputs: Tensor, targets: Tensor) -> Tensor:
        result = function(outputs[..., 0], targets.to(outputs.dtype))
        return result.reshape(result.shape + (1,) * axes)

    return of_outputs


def _scalar(
    name: str,
    value: Callable[[Tensor, Tensor], Tensor],
    slope: Callable[[Tensor, Tensor], Tensor],
    curvature: Callable[[Tensor, Tensor], Tensor],
) -> Loss:
    return Loss(name, _single(value, 0), _single(slope, 1), _single(curvature, 2))


def _nothing(f: Tensor, y: Tensor) -> Tensor:
    return torch.zeros_like(f)


def _logistic_curvature(f: Tensor, y: Tensor) -> Tensor:
    p = torch.sigmoid(y * f)
    return y * y * p * (1 - p)


_TABLE = {
    "cross-entropy": Loss("cross-entropy", _entropy_value, _entropy_slope, _entropy_curvature),
    "hinge": _scalar("hinge", lambda f, y: (1 - y * f).clamp(min=0), lambda f, y: -y * (y * f < 1), _nothing),
    "absolute": _scalar("absolute", lambda f, y: (y - f).abs(), lambda f, y: torch.sign(f - y), _nothing),
    "squared": _scalar(
        "squared", lambda f, y: (y - f) ** 2, lambda f, y: 2 * (f - y), lambda f, y: torch.full_like(f, 2.0)
    ),
    "logistic": _scalar(
        "logistic",
        lambda f, y: functional.softplus(-y * f),
        lambda f, y: -y * torch.sigmoid(-y * f),
        _logistic_curvature,
    ),
}
