"""Fully connected networks as data: widths, activation, layout of the parameters, initial weights; numpy only.

A network's parameters are one flat vector: layer after layer the weights (fan_in, fan_out), row-major, then the biases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_array, as_block, as_choice, as_flag, as_integer, as_number, as_real
from spinscape.randomness import RNG, seed_from
from spinscape.results import storable

if TYPE_CHECKING:
    from torch import nn

ACTIVATIONS = ("relu", "tanh", "linear")
INITS = ("cube", "fan-in", "gaussian", "orthogonal")

# What a network's stream is for: the second word of its counter, so that draws never meet.
INIT, ORDER, MOVES = 1, 2, 3


@dataclass(frozen=True)
class Layer:
    """Where one layer's numbers lie in the flat vector: weights from `start`, biases from `middle`, end at `stop`."""

    fan_in: int
    fan_out: int
    start: int
    middle: int
    stop: int


@storable
@dataclass(frozen=True)
class Architecture:
    """A fully connected network: h ← activation(h W + b) in every hidden layer, outputs h W + b.

    widths : inputs, hidden layers, outputs: (100, 25, 10) is the papers' network with 25 hidden units.
    activation : "relu", "tanh" or "linear", of the hidden layers.
    biases : whether layers have biases b.
    residual : hidden layers as wide as their input add it: h ← h + activation(h W + b).
    init : law of the initial parameters.
        "cube": all of them uniform in [-scale, scale]; scale 0.5, the default, is the unit cube around the origin.
        "fan-in": all of them uniform in ± scale/√fan_in.
        "gaussian": weights N(0, scale² g/fan_in), g = 2 for relu and 1 otherwise; biases 0.
        "orthogonal": weights scale √g times a random orthogonal (or partly orthogonal) matrix; biases 0.
    scale : None for 0.5 ("cube") or 1.
    """

    widths: tuple[int, ...]
    activation: str = "relu"
    biases: bool = True
    residual: bool = False
    init: str = "cube"
    scale: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.widths, str) or not isinstance(self.widths, Sequence) or len(self.widths) < 2:
            raise TypeError(f"widths: expected (inputs, hidden layers ..., outputs), got {self.widths!r}")
        object.__setattr__(self, "widths", tuple(as_integer(width, "widths", 1, 10**6) for width in self.widths))
        as_choice(self.activation, "activation", ACTIVATIONS)
        as_choice(self.init, "init", INITS)
        for name in ("biases", "residual"):
            object.__setattr__(self, name, as_flag(getattr(self, name), name))
        scale = (0.5 if self.init == "cube" else 1.0) if self.scale is None else as_number(self.scale, "scale", 0.0)
        object.__setattr__(self, "scale", scale)

    @property
    def inputs(self) -> int:
        """Numbers a sample has."""
        return self.widths[0]

    @property
    def outputs(self) -> int:
        """Numbers the network returns."""
        return self.widths[-1]

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, input side first."""
        layers, start = [], 0
        for fan_in, fan_out in zip(self.widths[:-1], self.widths[1:], strict=True):
            middle = start + fan_in * fan_out
            stop = middle + (fan_out if self.biases else 0)
            layers.append(Layer(fan_in, fan_out, start, middle, stop))
            start = stop
        return tuple(layers)

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return self.layers[-1].stop

    @property
    def paths(self) -> int:
        """Ψ = Π widths, paths from an input to an output (COLT15)."""
        return int(np.prod(np.array(self.widths, dtype=object)))

    def adds_input(self, layer: int) -> bool:
        """Whether hidden layer `layer` (from 0) adds its input to its output."""
        layer = as_integer(layer, "layer", 0, len(self.widths) - 2)
        return self.residual and self.widths[layer] == self.widths[layer + 1]

    def initial(self, count: int, *, first: int = 0, rng: RNG = None) -> NDArray[np.float64]:
        """Return initial parameters of networks first .. first + count - 1, (count, parameters).

        A network's draws depend on the seed and its number only.
        """
        first, count = as_integer(first, "first", 0), as_integer(count, "count", 0)
        return self.drawn(seed_from(rng), range(first, first + count))

    def drawn(self, seed: int, networks: range) -> NDArray[np.float64]:
        """Return `initial` of these network numbers for a 64-bit seed."""
        memory.require(16 * len(networks) * self.parameters, f"count: parameters of {len(networks)} networks")
        rows = [self._draw(network_stream(seed, network, INIT)) for network in networks]
        return np.array(rows).reshape(len(networks), self.parameters)

    def outputs_of(self, parameters: Any, inputs: Any) -> NDArray[np.float64]:
        """Return the outputs of one network, (samples, outputs), in float64."""
        theta = as_real(parameters, "parameters", np.dtype(np.float64))
        if theta.shape != (self.parameters,):
            raise ValueError(f"parameters: expected shape ({self.parameters},), got {theta.shape}")
        hidden = as_block(inputs, "inputs", self.inputs, np.dtype(np.float64))
        for number, layer in enumerate(self.layers):
            raw = hidden @ theta[layer.start : layer.middle].reshape(layer.fan_in, layer.fan_out)
            raw = raw + theta[layer.middle : layer.stop] if self.biases else raw
            if number == len(self.layers) - 1:
                return raw
            active = _active(self.activation, raw)
            hidden = hidden + active if self.adds_input(number) else active
        raise AssertionError("unreachable: the last layer returns")

    def to_torch(self, parameters: Any) -> nn.Module:
        """Return a torch module, layer after layer, with the parameters of one network (P,), in float32 or float64."""
        theta = as_array(parameters, "parameters")
        dtype = np.dtype(np.float32 if theta.dtype == np.float32 else np.float64)
        theta = as_real(theta, "parameters", dtype)
        if theta.shape != (self.parameters,):
            raise ValueError(f"parameters: expected shape ({self.parameters},), got {theta.shape}")
        from spinscape.networks.fully_connected import as_module

        return as_module(self, theta)

    def to_dict(self) -> dict[str, Any]:
        """Return what makes an equal architecture, JSON-able."""
        names = ("activation", "biases", "residual", "init", "scale")
        return {"widths": list(self.widths), **{name: getattr(self, name) for name in names}}

    def _draw(self, generator: np.random.Generator) -> NDArray[np.float64]:
        theta, scale = np.zeros(self.parameters), float(self.scale or 0.0)
        for layer in self.layers:
            weights = slice(layer.start, layer.middle)
            if self.init in ("cube", "fan-in"):
                half = scale if self.init == "cube" else scale / sqrt(layer.fan_in)
                theta[layer.start : layer.stop] = generator.uniform(-half, half, layer.stop - layer.start)
                continue
            gain = scale * sqrt(2.0 if self.activation == "relu" else 1.0)
            shape = (layer.fan_in, layer.fan_out)
            if self.init == "gaussian":
                theta[weights] = gain / sqrt(layer.fan_in) * generator.normal(size=layer.fan_in * layer.fan_out)
            else:
                theta[weights] = gain * _orthogonal(generator.normal(size=shape)).ravel()
        return theta


def network_stream(seed: int, network: int, purpose: int, part: int = 0) -> np.random.Generator:
    """Return the generator of one network, purpose (INIT, ORDER, MOVES) and part (an epoch).

    Counter-based (Philox 4x64): draws of different networks, purposes and parts never meet.
    """
    key = np.array([seed, network], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, part, purpose], dtype=np.uint64)))


def _active(activation: str, raw: NDArray[np.float64]) -> NDArray[np.float64]:
    if activation == "relu":
        return np.maximum(raw, 0)
    return np.tanh(raw) if activation == "tanh" else raw


def _orthogonal(gaussian: NDArray[np.float64]) -> NDArray[np.float64]:
    """A Haar-distributed matrix with orthonormal columns, or rows where it is wide."""
    wide = gaussian.shape[0] < gaussian.shape[1]
    q, r = np.linalg.qr(gaussian.T if wide else gaussian)
    q = q * np.sign(np.diag(r))
    return q.T if wide else q
