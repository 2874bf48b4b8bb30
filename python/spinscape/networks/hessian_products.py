"""Hessian-vector products of networks by Pearlmutter's R-operator (1994), written out: no graph, only matrix products.

With R = d/dε at θ + ε v the pass forward and the pass backward are differentiated along v,

    R h W = (R h) W + h V,        R φ(z) = φ'(z) R z,        R ∂L/∂W = (R h)ᵀ s + hᵀ (R s),

s = ∂L/∂z. What depends on the point alone is computed once for all vectors at it: k products cost (1 + 2k) passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spinscape.networks import batched
from spinscape.networks.architecture import Architecture
from spinscape.networks.losses import Loss
from spinscape.networks.torch_state import in_order


@torch.no_grad()
def hessian_products(
    architecture: Architecture,
    loss: Loss,
    theta: Tensor,
    vectors: Tensor,
    samples: Tensor,
    targets: Tensor,
    threads: int = 1,
) -> Tensor:
    """Return the Hessians of the mean loss times vectors, (k, P); theta is (k, P), or (1, P) for all vectors."""
    weights = batched.Weights.of(architecture, batched.placed(theta))
    directions = batched.Weights.of(architecture, batched.placed(vectors))

    def of_block(rows: slice) -> Tensor:
        with torch.no_grad():  # a thread's own setting
            part = batched.aligned(len(vectors), (architecture.parameters,), vectors)
            block = _Block(architecture, loss, weights, directions, samples[rows], targets[rows])
            block.write(batched.Weights.of(architecture, part))
            return part

    total = torch.zeros_like(vectors)
    for part in in_order(of_block, batched.blocks_of(samples), threads):
        total += part
    return total / len(samples)


@dataclass(frozen=True)
class _Block:
    """Some samples at some points and directions."""

    architecture: Architecture
    loss: Loss
    weights: batched.Weights
    directions: batched.Weights
    samples: Tensor
    targets: Tensor

    def write(self, into: batched.Weights) -> None:
        """Write R of the gradient of the summed loss into the views `into`."""
        samples = batched.expanded(self.samples, self.weights.matrices[0].shape[0])
        done = batched.forward(self.architecture, self.weights, samples)
        first = [batched.derivative(self.architecture.activation, active) for active in done.active]
        moved_inputs, moved_raw, moved_outputs = self._forward(done, first)
        slope = batched.placed(self.loss.slope(done.outputs, self.targets))
        moved = batched.placed(self.loss.curved(done.outputs, self.targets, moved_outputs))
        upstream, moved_upstream = slope, moved
        last = len(self.weights.matrices) - 1
        for layer in range(last, -1, -1):
            self._write_layer(into, layer, done.inputs[layer], moved_inputs[layer], slope, moved)
            if layer == 0:
                return
            through = self._all(self.weights.matrices[layer]).transpose(1, 2)
            down = batched.product(slope, self.weights.matrices[layer].transpose(1, 2))
            moved_down = batched.product(moved, through)
            moved_down += batched.product(self._all(slope), self.directions.matrices[layer].transpose(1, 2))
            adds = layer < last and self.architecture.adds_input(layer)
            upstream = batched.placed(down + upstream) if adds else down
            moved_upstream = batched.placed(moved_down + moved_upstream) if adds else moved_down
            active = done.active[layer - 1]
            slope, moved = batched.placed(upstream * first[layer - 1]), moved_upstream * first[layer - 1]
            if self.architecture.activation == "tanh":
                moved += (-2 * active * slope) * moved_raw[layer - 1]
            moved = batched.placed(moved)

    def _forward(self, done: batched.Pass, first: list[Tensor]) -> tuple[list[Tensor | None], list[Tensor], Tensor]:
        """R of the layers' inputs (None: zero), of the hidden layers' z, of the outputs; first: their φ'(z)."""
        moved: list[Tensor | None] = [None]
        raw: list[Tensor] = []
        last = len(self.weights.matrices) - 1
        for layer in range(last + 1):
            present = batched.product(self._all(done.inputs[layer]), self.directions.matrices[layer])
            before = moved[-1]
            if before is not None:
                present += batched.product(before, self._all(self.weights.matrices[layer]))
            if self.directions.biases:
                present += self.directions.biases[layer]
            if layer == last:
                return moved, raw, present
            raw.append(present)
            after = present * first[layer]
            if self.architecture.adds_input(layer) and before is not None:
                after += before
            moved.append(batched.placed(after))
        raise AssertionError("unreachable: the last layer returns")

    def _write_layer(
        self,
        into: batched.Weights,
        layer: int,
        inputs: Tensor,
        moved_inputs: Tensor | None,
        slope: Tensor,
        moved: Tensor,
    ) -> None:
        batched.product(self._all(inputs).transpose(1, 2), moved, out=into.matrices[layer])
        if moved_inputs is not None:
            into.matrices[layer].add_(batched.product(moved_inputs.transpose(1, 2), self._all(slope)))
        if into.biases:
            torch.sum(moved, 1, keepdim=True, out=into.biases[layer])

    def _all(self, of_points: Tensor) -> Tensor:
        """What belongs to the points, once for every vector."""
        return of_points.expand(self.directions.matrices[0].shape[0], -1, -1)
