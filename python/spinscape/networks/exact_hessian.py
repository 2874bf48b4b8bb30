"""The exact Hessian of a network's mean loss, from its structure: no P backward passes, only matrix products.

With z_k = h_k W_k (h_k the inputs of layer k, and 1 for the bias), D_kq = ∂z_q/∂z_k, U_km = ∂h_m/∂z_k and
g_m = ∂L/∂z_m, the block of layers k <= m is a sum over samples,

    ∂²L/∂W_k[i,j] ∂W_m[i',j'] = h_k[i] ( A_km[j,j'] h_m[i'] + U_km[j,i'] g_m[j'] ),
    A_km = Σ_{q >= m} D_kq C_q D_mqᵀ,

C_q being the curvature of the loss in the outputs for the last layer, diag(activation'' · ∂L/∂activation) below it.
With n hidden units and d inputs that is d² n² operations a sample, against d² n² times about six by backward passes.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from spinscape.networks import batched
from spinscape.networks.architecture import Architecture
from spinscape.networks.losses import Loss
from spinscape.networks.torch_state import in_order

_BYTES = 2**25  # of one product's right-hand side
_TILE = 512  # rows and columns symmetrised at once


def working_bytes(architecture: Architecture, samples: int, threads: int = 1) -> int:
    """Return the bytes `exact_hessian` takes at most, its result included."""
    layers, step = architecture.layers, _step(architecture, samples)
    pairs = [(low, high) for number, low in enumerate(layers) for high in layers[number:]]
    jacobians = sum(low.fan_out * (high.fan_out + high.fan_in) for low, high in pairs)
    curvatures = 4 * sum(low.fan_out * high.fan_out for low, high in pairs)
    activations = 8 * sum(layer.fan_in + layer.fan_out for layer in layers)
    of_step = threads * _widest(architecture) + jacobians + curvatures + activations
    return 8 * (architecture.parameters**2 + 2 * _TILE**2 + step * of_step)


def _widest(architecture: Architecture) -> int:
    return max((layer.fan_in + architecture.biases) * layer.fan_out for layer in architecture.layers)


def _step(architecture: Architecture, samples: int) -> int:
    return min(samples, max(16, min(batched.BLOCK, _BYTES // (8 * _widest(architecture)))))


@torch.no_grad()
def exact_hessian(
    architecture: Architecture, loss: Loss, theta: Tensor, samples: Tensor, targets: Tensor, threads: int = 1
) -> Tensor:
    """Return the Hessian at theta (P,), (P, P) float64, exactly symmetric."""
    step = _step(architecture, len(samples))
    hessian = theta.new_zeros(architecture.parameters, architecture.parameters)
    spaces = [theta.new_empty(step * _widest(architecture)) for _ in range(threads)]
    for first in range(0, len(samples), step):
        rows = slice(first, first + step)
        _Piece(architecture, loss, theta, samples[rows], targets[rows]).add_to(hessian, spaces)
    _symmetrise(hessian, [layer.start for layer in architecture.layers])
    return hessian.div_(len(samples))


def _symmetrise(hessian: Tensor, starts: list[int]) -> None:
    """Make the matrix symmetric in place, a tile at a time: the mean within a layer's block, a copy below it."""
    size = len(hessian)
    edges = sorted({*starts, *range(0, size, _TILE), size})
    tiles = [(slice(low, high), sum(start <= low for start in starts)) for low, high in pairwise(edges)]
    for number, (rows, layer) in enumerate(tiles):
        for columns, other in tiles[number:]:
            upper, lower = hessian[rows, columns], hessian[columns, rows]
            if layer == other:
                upper.copy_((upper + lower.T) / 2)
            lower.copy_(upper.T.clone())


class _Piece:
    """Some samples: the derivatives of everything by the z of every layer."""

    def __init__(self, architecture: Architecture, loss: Loss, theta: Tensor, samples: Tensor, targets: Tensor) -> None:
        self.architecture = architecture
        weights = batched.Weights.of(architecture, batched.placed(theta[None]))
        self.matrices = [matrix[0] for matrix in weights.matrices]
        done = batched.forward(architecture, weights, samples[None])
        self.active = [active[0] for active in done.active]
        self.hidden = [self._with_one(inputs[0]) for inputs in done.inputs]
        self.slopes, self.curved = self._slopes(loss.slope(done.outputs[0], targets))
        self.curvature = loss.curvature(done.outputs[0], targets)
        self.down = [self._downstream(k) for k in range(len(self.matrices))]

    def add_to(self, hessian: Tensor, spaces: list[Tensor]) -> None:
        """Add the sum over the samples to the upper blocks; a thread a space to work in."""
        sides = range(len(self.matrices))
        curvatures = {(k, m): self._curvature(k, m) for k in sides for m in sides if m >= k}
        units = [(k, m, unit) for k, m in curvatures for unit in range(self.architecture.layers[k].fan_out)]

        def add_unit(of: tuple[int, int, int]) -> None:
            space = spaces.pop()
            with torch.no_grad():  # a thread's own setting
                self._add_unit(*of, curvatures[of[:2]], hessian, space)
            spaces.append(space)

        for _ in in_order(add_unit, units, len(spaces)):
            pass

    def _add_unit(self, k: int, m: int, unit: int, curvature: Tensor, hessian: Tensor, space: Tensor) -> None:
        """Add the rows of one unit of layer k in the columns of layer m."""
        hidden, through = self.hidden[m], self.down[k][1].get(m)
        columns, rows = self.architecture.layers[m], self.architecture.layers[k]
        shape = (*hidden.shape, columns.fan_out)
        right = space[: hidden.numel() * columns.fan_out].view(shape)
        torch.mul(hidden.unsqueeze(2), curvature[:, unit].unsqueeze(1), out=right)
        if through is not None:
            right[:, : through.shape[2]].addcmul_(through[:, unit].unsqueeze(2), self.slopes[m].unsqueeze(1))
        # The incoming weights of a unit and its bias: every fan_out-th row.
        of_unit = hessian[rows.start + unit : rows.stop : rows.fan_out, columns.start : columns.stop]
        of_unit.addmm_(self.hidden[k].T, right.flatten(1))

    def _curvature(self, k: int, m: int) -> Tensor:
        """A_km, (samples, outputs of k, outputs of m)."""
        last = len(self.matrices) - 1
        left, right = self._jacobian(k, last), self._jacobian(m, last)
        total = left @ self.curvature @ right.transpose(1, 2)
        for q in range(m, last):
            curved = self.curved[q]
            if curved is not None:
                total = total + (self._jacobian(k, q) * curved.unsqueeze(1)) @ self._jacobian(m, q).transpose(1, 2)
        return total

    def _jacobian(self, k: int, q: int) -> Tensor:
        """D_kq, (samples, outputs of k, outputs of q)."""
        if k == q:
            width = self.matrices[k].shape[1]
            return torch.eye(width, dtype=self.hidden[0].dtype).expand(len(self.hidden[0]), width, width)
        return self.down[k][0][q]

    def _downstream(self, k: int) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        """D_kq and U_kq for every layer q above k."""
        of_z: dict[int, Tensor] = {}
        of_inputs: dict[int, Tensor] = {}
        for q in range(k + 1, len(self.matrices)):
            derivative = batched.derivative(self.architecture.activation, self.active[q - 1])
            if q == k + 1:
                of_inputs[q] = torch.diag_embed(derivative)
            else:
                of_inputs[q] = of_z[q - 1] * derivative.unsqueeze(1)
                if self.architecture.adds_input(q - 1):
                    of_inputs[q] = of_inputs[q] + of_inputs[q - 1]
            of_z[q] = of_inputs[q] @ self.matrices[q]
        return of_z, of_inputs

    def _slopes(self, slope: Tensor) -> tuple[list[Tensor], list[Tensor | None]]:
        """∂L/∂z of every layer, and activation'' · ∂L/∂activation of the hidden ones (None where it is zero)."""
        last = len(self.matrices) - 1
        slopes, upstream = [slope], slope
        curved: list[Tensor | None] = []
        for layer in range(last, 0, -1):
            down = slopes[0] @ self.matrices[layer].T
            upstream = down + upstream if layer < last and self.architecture.adds_input(layer) else down
            active = self.active[layer - 1]
            tanh = self.architecture.activation == "tanh"
            curved.insert(0, -2 * active * (1 - active**2) * upstream if tanh else None)
            slopes.insert(0, upstream * batched.derivative(self.architecture.activation, active))
        return slopes, curved

    def _with_one(self, inputs: Tensor) -> Tensor:
        return torch.cat([inputs, torch.ones_like(inputs[:, :1])], 1) if self.architecture.biases else inputs
