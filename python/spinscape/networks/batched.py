"""Many networks at once: forward and backward passes as batched matrix products over flat parameter vectors.

theta is (networks, parameters); samples are (samples, inputs), the same for all networks, or (networks, samples,
inputs). The backward pass is written out: it makes no graph and writes straight into one flat gradient, a third less
time than torch's autograd on these sizes (benchmarks/networks.py). The derivative of relu at 0 is 0.

A network's bits do not depend on the networks beside it. BLAS chooses a kernel by shape and by the alignment of its
operands, so every network's numbers begin at a multiple of 64 bytes (`aligned`), and products with a vector, for which
it chooses by the whole batch as well, are sums (`product`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from threading import Event

import torch
from torch import Tensor

from spinscape.networks.architecture import Architecture
from spinscape.networks.losses import Loss, correct
from spinscape.networks.torch_state import in_order

# Samples of one pass over all data: enough to fill the products, few enough for the activations to stay in cache.
BLOCK = 1000

_ALIGNMENT = 64  # bytes: a cache line, and where torch begins its arrays


def aligned(networks: int, shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Return an empty (networks, *shape) whose rows begin at multiples of 64 bytes."""
    length, step = prod(shape), _ALIGNMENT // like.element_size()
    rows = like.new_empty(networks, -(-length // step) * step)
    return rows[:, :length].view(networks, *shape)


def placed(block: Tensor) -> Tensor:
    """Return (networks, ...) with rows at multiples of 64 bytes, copied if need be; a shared row stays shared."""
    if block.stride(0) * block.element_size() % _ALIGNMENT == 0 and block.data_ptr() % _ALIGNMENT == 0:
        return block
    if block.stride(0) == 0:
        return placed(block[:1]).expand(block.shape)
    return aligned(block.shape[0], tuple(block.shape[1:]), block).copy_(block)


def product(left: Tensor, right: Tensor, out: Tensor | None = None) -> Tensor:
    """Return left right of each network, (networks, a, b) (networks, b, c); bits as if the network were alone."""
    if out is None:
        out = aligned(left.shape[0], (left.shape[1], right.shape[2]), left)
    if left.shape[1] == 1:
        return torch.sum(left.transpose(1, 2) * right, 1, keepdim=True, out=out)
    if right.shape[2] == 1:
        return torch.sum(left * right.transpose(1, 2), 2, keepdim=True, out=out)
    return torch.bmm(left, right, out=out)


@dataclass(frozen=True)
class Weights:
    """The layers of a block of networks as views of their flat vectors."""

    matrices: tuple[Tensor, ...]  # (networks, fan_in, fan_out)
    biases: tuple[Tensor, ...]  # (networks, 1, fan_out); none without biases

    @classmethod
    def of(cls, architecture: Architecture, theta: Tensor) -> Weights:
        """Return the views of theta, (networks, parameters), in rows as `placed` makes them."""
        networks = theta.shape[0]
        matrices = [theta[:, k.start : k.middle].view(networks, k.fan_in, k.fan_out) for k in architecture.layers]
        if not architecture.biases:
            return cls(tuple(matrices), ())
        biases = [theta[:, k.middle : k.stop].view(networks, 1, k.fan_out) for k in architecture.layers]
        return cls(tuple(matrices), tuple(biases))

    def apply(self, layer: int, hidden: Tensor) -> Tensor:
        """Return h W + b."""
        raw = product(hidden, self.matrices[layer])
        return raw.add_(self.biases[layer]) if self.biases else raw


@dataclass(frozen=True)
class Pass:
    """A forward pass: what each layer was given, what its activation returned, and the outputs."""

    inputs: tuple[Tensor, ...]
    active: tuple[Tensor, ...]
    outputs: Tensor


def forward(architecture: Architecture, weights: Weights, samples: Tensor) -> Pass:
    """Return the pass of samples through all networks; samples (networks, samples, inputs)."""
    inputs, active = [placed(samples)], []
    last = len(weights.matrices) - 1
    for layer in range(last):
        result = activate(architecture.activation, weights.apply(layer, inputs[-1]))
        active.append(result)
        inputs.append(placed(inputs[-1] + result) if architecture.adds_input(layer) else result)
    return Pass(tuple(inputs), tuple(active), weights.apply(last, inputs[-1]))


def activate(activation: str, raw: Tensor) -> Tensor:
    """Return the activation, written over `raw`."""
    if activation == "relu":
        return raw.relu_()
    return raw.tanh_() if activation == "tanh" else raw


def derivative(activation: str, active: Tensor) -> Tensor:
    """Return the activation's derivative from its value."""
    if activation == "relu":
        return (active > 0).to(active.dtype)
    return 1 - active**2 if activation == "tanh" else torch.ones_like(active)


def backward(architecture: Architecture, weights: Weights, done: Pass, slope: Tensor, into: Weights) -> None:
    """Write the gradient of Σ slope · outputs into the views `into`."""
    last = len(weights.matrices) - 1
    upstream = slope = placed(slope)  # the derivative by what a layer returned; `slope` is that by h W + b
    for layer in range(last, -1, -1):
        product(done.inputs[layer].transpose(1, 2), slope, out=into.matrices[layer])
        if into.biases:
            torch.sum(slope, 1, keepdim=True, out=into.biases[layer])
        if layer == 0:
            return
        down = product(slope, weights.matrices[layer].transpose(1, 2))
        upstream = placed(down + upstream) if layer < last and architecture.adds_input(layer) else down
        slope = placed(upstream * derivative(architecture.activation, done.active[layer - 1]))


def expanded(samples: Tensor, networks: int) -> Tensor:
    """Return samples shared by all networks as (networks, samples, inputs), without copying."""
    return samples if samples.dim() == 3 else samples.expand(networks, *samples.shape)


def blocks_of(samples: Tensor) -> list[slice]:
    """Return the blocks of samples that passes over all data take."""
    return [slice(first, first + BLOCK) for first in range(0, len(samples), BLOCK)]


@torch.no_grad()
def batch_gradient(
    architecture: Architecture, loss: Loss, weights: Weights, samples: Tensor, targets: Tensor, into: Weights
) -> Tensor:
    """Write the gradient of the mean loss over (networks, samples, inputs) into `into`; return the outputs."""
    done = forward(architecture, weights, samples)
    slope = loss.slope(done.outputs, targets)
    slope *= 1 / samples.shape[1]
    backward(architecture, weights, done, slope, into)
    return done.outputs


@torch.no_grad()
def mean_loss(
    architecture: Architecture,
    loss: Loss,
    theta: Tensor,
    samples: Tensor,
    targets: Tensor,
    threads: int = 1,
    stop: Event | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the mean loss and the fraction of samples wrongly classified, (networks,) each, float64."""
    theta = placed(theta)
    weights, networks = Weights.of(architecture, theta), theta.shape[0]

    def of_block(rows: slice) -> tuple[Tensor, Tensor]:
        with torch.no_grad():  # a thread's own setting
            block = expanded(samples[rows].to(theta.dtype), networks)
            outputs = forward(architecture, weights, block).outputs
            losses, right = loss.value(outputs, targets[rows]), correct(outputs, targets[rows])
            return losses.sum(-1, dtype=torch.float64), right.sum(-1, dtype=torch.float64)

    total, right = torch.zeros(networks, dtype=torch.float64), torch.zeros(networks, dtype=torch.float64)
    for losses, hits in in_order(of_block, blocks_of(samples), threads, stop):
        total += losses
        right += hits
    return total / len(samples), 1 - right / len(samples)


@torch.no_grad()
def full_gradient(
    architecture: Architecture,
    loss: Loss,
    theta: Tensor,
    samples: Tensor,
    targets: Tensor,
    threads: int = 1,
    stop: Event | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the mean loss over all samples, (networks,) float64, and its gradient, (networks, parameters)."""
    theta = placed(theta)
    weights, networks = Weights.of(architecture, theta), theta.shape[0]

    def of_block(rows: slice) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            part = aligned(networks, (architecture.parameters,), theta)
            block = expanded(samples[rows].to(theta.dtype), networks)
            outputs = batch_gradient(architecture, loss, weights, block, targets[rows], Weights.of(architecture, part))
            part *= block.shape[1] / len(samples)
            return loss.value(outputs, targets[rows]).sum(-1, dtype=torch.float64), part

    total, mean = torch.zeros_like(theta), torch.zeros(networks, dtype=torch.float64)
    for losses, part in in_order(of_block, blocks_of(samples), threads, stop):
        mean += losses
        total += part
    return mean / len(samples), total
