"""Whose statistics batch normalisation uses: the module's own, those of all samples, fixed or of every evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

STATISTICS = ("running", "fixed", "batch")


def normalising(module: nn.Module) -> list[_BatchNorm]:
    """Return the layers of batch normalisation."""
    return [part for part in module.modules() if isinstance(part, _BatchNorm)]


def use_batch(module: nn.Module) -> None:
    """Let every evaluation take the statistics of its own samples."""
    for part in normalising(module):
        part.running_mean = part.running_var = None


def fix(module: nn.Module, evaluate: Callable[[], Any]) -> None:
    """Set the statistics to those of the samples that `evaluate` passes through the module."""
    found: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def take(part: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """What the layer normalises by in training mode: mean and biased variance of each channel."""
        axes = [axis for axis in range(inputs[0].dim()) if axis != 1]
        found[part] = inputs[0].mean(axes), inputs[0].var(axes, unbiased=False)
        part.running_mean, part.running_var = found[part]

    hooks = [part.register_forward_pre_hook(take) for part in normalising(module)]
    try:
        with torch.no_grad():
            evaluate()
    finally:
        for hook in hooks:
            hook.remove()
    for part, statistics in found.items():  # buffers swapped in for the evaluation are gone with it
        part.running_mean, part.running_var = statistics
