"""Many networks at once: forward and backward passes as batched matrix products over flat parameter vectors.

theta is (networks, parameters); samples are (samples, inputs), the same for all networks, or (networks, samples,
inputs). The backward pass is written out: it makes no graph and writes straight into one flat gradient, a third less
time than torch's autograd on these sizes (benchmarks/networks.py). The derivative of relu at 0 is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spinscape.networks.architecture import Architecture
from spinscape.networks.losses import Loss, correct

# Samples of one pass over all data: enough to fill the products, few enough for the activations to stay in cache.
BLOCK = 1000


@dataclass(frozen=True)
class Weights:
    """The layers of a block of networks as views of their flat vectors."""

    matrices: tuple[Tensor, ...]  # (networks, fan_in, fan_out)
    biases: tuple[Tensor, ...]  # (networks, 1, fan_out); none without biases

    @classmethod
    def of(cls, architecture: Architecture, theta: Tensor) -> Weights:
        """Return the views of theta, (networks, parameters)."""
        networks = theta.shape[0]
        matrices = [theta[:, k.start : k.middle].view(networks, k.fan_in, k.fan_out) for k in architecture.layers]
        if not architecture.biases:
            return cls(tuple(matrices), ())
        biases = [theta[:, k.middle : k.stop].view(networks, 1, k.fan_out) for k in architecture.layers]
        return cls(tuple(matrices), tuple(biases))

    def apply(self, layer: int, hidden: Tensor) -> Tensor:
        """Return h W + b."""
        if self.biases:
            return torch.baddbmm(self.biases[layer], hidden, self.matrices[layer])
        return torch.bmm(hidden, self.matrices[layer])


@dataclass(frozen=True)
class Pass:
    """A forward pass: what each layer was given, what its activation returned, and the outputs."""

    inputs: tuple[Tensor, ...]
    active: tuple[Tensor, ...]
    outputs: Tensor


def forward(architecture: Architecture, weights: Weights, samples: Tensor) -> Pass:
    """Return the pass of samples through all networks; samples (networks, samples, inputs)."""
    inputs, active = [samples], []
    last = len(weights.matrices) - 1
    for layer in range(last):
        raw = weights.apply(layer, inputs[-1])
        result = activate(architecture.activation, raw)
        active.append(result)
        inputs.append(inputs[-1] + result if architecture.adds_input(layer) else result)
    return Pass(tuple(inputs), tuple(active), weights.apply(last, inputs[-1]))


def activate(activation: str, raw: Tensor) -> Tensor:
    """Return the activation."""
    if activation == "relu":
        return torch.relu(raw)
    return torch.tanh(raw) if activation == "tanh" else raw


def derivative(activation: str, active: Tensor) -> Tensor:
    """Return the activation's derivative from its value."""
    if activation == "relu":
        return (active > 0).to(active.dtype)
    return 1 - active**2 if activation == "tanh" else torch.ones_like(active)


def backward(architecture: Architecture, weights: Weights, done: Pass, slope: Tensor, into: Weights) -> None:
    """Write the gradient of Σ slope · outputs into the views `into`."""
    last = len(weights.matrices) - 1
    upstream = slope  # the derivative by what a layer returned; `slope` is that by h W + b
    for layer in range(last, -1, -1):
        torch.bmm(done.inputs[layer].transpose(1, 2), slope, out=into.matrices[layer])
        if into.biases:
            torch.sum(slope, 1, keepdim=True, out=into.biases[layer])
        if layer == 0:
            return
        down = torch.bmm(slope, weights.matrices[layer].transpose(1, 2))
        upstream = down + upstream if layer < last and architecture.adds_input(layer) else down
        slope = upstream * derivative(architecture.activation, done.active[layer - 1])


def expanded(samples: Tensor, networks: int) -> Tensor:
    """Return samples shared by all networks as (networks, samples, inputs), without copying."""
    return samples if samples.dim() == 3 else samples.expand(networks, *samples.shape)


@torch.no_grad()
def batch_gradient(
    architecture: Architecture, loss: Loss, weights: Weights, samples: Tensor, targets: Tensor, into: Weights
) -> None:
    """Write the gradient of the mean loss over (networks, samples, inputs) into `into`."""
    done = forward(architecture, weights, samples)
    slope = loss.slope(done.outputs, targets)
    slope *= 1 / samples.shape[1]
    backward(architecture, weights, done, slope, into)


@torch.no_grad()
def mean_loss(
    architecture: Architecture, loss: Loss, theta: Tensor, samples: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the mean loss and the fraction of samples wrongly classified, (networks,) each, in theta's dtype."""
    weights, networks = Weights.of(architecture, theta), theta.shape[0]
    total, right = torch.zeros(networks, dtype=torch.float64), torch.zeros(networks, dtype=torch.float64)
    for first in range(0, len(samples), BLOCK):
        chosen = targets[first : first + BLOCK]
        block = samples[first : first + BLOCK].to(theta.dtype)
        outputs = forward(architecture, weights, expanded(block, networks)).outputs
        total += loss.value(outputs, chosen).sum(-1, dtype=torch.float64)
        right += correct(outputs, chosen).sum(-1, dtype=torch.float64)
    return total / len(samples), 1 - right / len(samples)


@torch.no_grad()
def full_gradient(architecture: Architecture, loss: Loss, theta: Tensor, samples: Tensor, targets: Tensor) -> Tensor:
    """Return the gradients of the mean loss over all samples, (networks, parameters)."""
    weights, networks = Weights.of(architecture, theta), theta.shape[0]
    total, part = torch.zeros_like(theta), torch.empty_like(theta)
    into = Weights.of(architecture, part)
    for first in range(0, len(samples), BLOCK):
        block = expanded(samples[first : first + BLOCK].to(theta.dtype), networks)
        batch_gradient(architecture, loss, weights, block, targets[first : first + BLOCK], into)
        total += part * (block.shape[1] / len(samples))
    return total
