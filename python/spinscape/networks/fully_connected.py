"""A fully connected network as a torch module: for torch's own tools, and to go on training elsewhere."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spinscape.networks.architecture import Architecture
from spinscape.networks.tensors import tensor_of

_ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "linear": nn.Identity}


class Residual(nn.Module):
    """h ← h + activation(h W + b)."""

    def __init__(self, layer: nn.Linear, activation: nn.Module) -> None:
        super().__init__()
        self.layer, self.activation = layer, activation

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the sum of the input and what the layer makes of it."""
        raised: Tensor = hidden + self.activation(self.layer(hidden))
        return raised


def as_module(architecture: Architecture, theta: NDArray[Any]) -> nn.Sequential:
    """Return the layers with the parameters theta (P,), in its dtype; torch's weights are (fan_out, fan_in)."""
    numbers, modules = tensor_of(theta), nn.Sequential()
    last = len(architecture.layers) - 1
    for number, place in enumerate(architecture.layers):
        layer = nn.Linear(place.fan_in, place.fan_out, bias=architecture.biases, dtype=numbers.dtype)
        with torch.no_grad():
            layer.weight.copy_(numbers[place.start : place.middle].view(place.fan_in, place.fan_out).T)
            if architecture.biases:
                layer.bias.copy_(numbers[place.middle : place.stop])
        activation = _ACTIVATIONS[architecture.activation]()
        if number == last:
            modules.append(layer)
        elif architecture.adds_input(number):
            modules.append(Residual(layer, activation))
        else:
            modules.extend([layer, activation])
    return modules
