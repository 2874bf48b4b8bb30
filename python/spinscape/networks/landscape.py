"""Loss surfaces of networks as landscapes: the protocol of the glasses, in float64, on flat space.

Every function of the package that takes a landscape takes these: `sp.count_index`, `sp.lanczos_index` through their
Hessian-vector products, `sp.spectral_density`. Sums over samples are torch's: they agree to rounding, not to the bit,
between different numbers of torch threads.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call

from spinscape import memory
from spinscape.arrays import as_array, as_block, as_real
from spinscape.landscape import Domain
from spinscape.networks import batched
from spinscape.networks.architecture import Architecture
from spinscape.networks.data.dataset import as_targets
from spinscape.networks.exact_hessian import exact_hessian
from spinscape.networks.losses import as_loss

FloatArray = NDArray[Any]
FLOAT64 = np.dtype(np.float64)

# Networks worked on at once: their activations stay in cache.
CHUNK = 8


class NetworkLandscape:
    """The mean loss over samples of a fully connected network, as a function of its parameters.

    architecture : its inputs and outputs are those of the samples and the loss.
    loss : "cross-entropy"; with one output "hinge", "absolute", "squared" or "logistic".
    X, y : (samples, inputs) and (samples,): classes for cross-entropy, else numbers (±1).

    Points are (networks, P), P = architecture.parameters. A relu network's surface has kinks; gradient and Hessian are
    those of the piece the point lies on (derivative 0 at 0). With hinge or absolute loss and relu or linear
    activations the loss is linear in each layer: the Hessian's trace is zero.
    """

    exact_derivatives = True
    spheres: tuple[int, int] | None = None

    def __init__(self, architecture: Architecture, loss: str, X: Any, y: Any) -> None:
        self.architecture, self._loss = architecture, as_loss(loss)
        self.loss = loss
        inputs = as_real(X, "X", FLOAT64)
        if inputs.ndim != 2 or inputs.shape[1] != architecture.inputs or len(inputs) == 0:
            raise ValueError(f"X: expected shape (samples, {architecture.inputs}), got {inputs.shape}")
        if not self._loss.classifies and architecture.outputs != 1:
            raise ValueError(f"loss: expected cross-entropy for {architecture.outputs} outputs, got {loss!r}")
        classes = architecture.outputs if self._loss.classifies else 1
        self._samples = torch.from_numpy(inputs)
        self._targets = torch.from_numpy(as_targets(y, "y", len(inputs), classes))

    @property
    def size(self) -> int:
        """Number of parameters P."""
        return self.architecture.parameters

    @property
    def domain(self) -> Domain:
        """Flat space."""
        return Domain.flat(self.size)

    def energy(self, points: Any) -> FloatArray:
        """Return the mean losses, (networks,)."""
        return self._mean(points)[0]

    def error(self, points: Any) -> FloatArray:
        """Return the fractions of samples wrongly classified, (networks,)."""
        return self._mean(points)[1]

    def gradient(self, points: Any) -> FloatArray:
        """Return the gradients, (networks, P)."""
        parts = [
            batched.full_gradient(self.architecture, self._loss, theta, self._samples, self._targets)
            for theta in self._chunks(points)
        ]
        return torch.cat(parts).numpy() if parts else np.empty((0, self.size))

    def hvp(self, points: Any, vectors: Any) -> FloatArray:
        """Return the Hessian at each point times the row of `vectors`, (networks, P)."""
        block = as_block(points, "points", self.size, FLOAT64)
        directions = torch.from_numpy(as_block(vectors, "vectors", self.size, FLOAT64, rows=len(block)))
        parts = [self._hvp(theta, v) for theta, v in zip(self._chunks(block), _split(directions, CHUNK), strict=True)]
        return torch.cat(parts).numpy() if parts else np.empty((0, self.size))

    def hessian(self, points: Any) -> FloatArray:
        """Return the Hessians, (networks, P, P), exact and exactly symmetric."""
        block = as_block(points, "points", self.size, FLOAT64)
        memory.require(8 * (len(block) + 2) * self.size**2, f"points: Hessians of {self.size} x {self.size}")
        hessians = np.empty((len(block), self.size, self.size))
        for row, point in enumerate(torch.from_numpy(block)):
            found = exact_hessian(self.architecture, self._loss, point, self._samples, self._targets)
            hessians[row] = found.numpy()
        return hessians

    def __repr__(self) -> str:
        return f"NetworkLandscape({self.architecture.widths}, {self.loss!r}, {len(self._samples)} samples)"

    def _chunks(self, points: Any) -> tuple[Tensor, ...]:
        block = torch.from_numpy(as_block(points, "points", self.size, FLOAT64))
        return _split(block, CHUNK) if len(block) else ()

    def _mean(self, points: Any) -> tuple[FloatArray, FloatArray]:
        parts = [
            batched.mean_loss(self.architecture, self._loss, theta, self._samples, self._targets)
            for theta in self._chunks(points)
        ]
        if not parts:
            return np.empty(0), np.empty(0)
        return torch.cat([mean for mean, _ in parts]).numpy(), torch.cat([wrong for _, wrong in parts]).numpy()

    def _hvp(self, theta: Tensor, vectors: Tensor) -> Tensor:
        """Differentiate gradient · v, a block of samples at a time."""
        total = torch.zeros_like(theta)
        theta = theta.clone().requires_grad_()
        for first in range(0, len(self._samples), batched.BLOCK):
            samples = batched.expanded(self._samples[first : first + batched.BLOCK], len(theta))
            weights = batched.Weights.of(self.architecture, theta)
            outputs = batched.forward(self.architecture, weights, samples).outputs
            value = self._loss.value(outputs, self._targets[first : first + batched.BLOCK]).sum()
            (gradient,) = torch.autograd.grad(value, theta, create_graph=True)
            total += _grad_or_zeros((gradient * vectors).sum(), theta)
        return total / len(self._samples)


class TorchLandscape:
    """The loss of a torch module on fixed samples, as a function of its parameters; made by `landscape_of`.

    point : (1, P) the parameters the module had, a point to begin with.
    """

    spheres: tuple[int, int] | None = None

    def __init__(self, module: torch.nn.Module, loss: Callable[[Any, Any], Any], X: Any, y: Any) -> None:
        if not isinstance(module, torch.nn.Module):
            raise TypeError(f"torch_module: expected a torch.nn.Module, got {type(module).__name__}")
        if not callable(loss):
            raise TypeError(f"loss: expected a function (outputs, y) -> scalar, got {type(loss).__name__}")
        self._module, self._loss = deepcopy(module).double().eval(), loss
        self._samples, self._targets = _as_tensor(X, "X"), _as_tensor(y, "y")
        if self._targets.is_floating_point():
            self._targets = self._targets.double()
        self._samples = self._samples.double() if self._samples.is_floating_point() else self._samples
        trained = {name: p for name, p in self._module.named_parameters() if p.requires_grad}
        if not trained:
            raise ValueError("torch_module: expected parameters that require a gradient, got none")
        self._shapes = {name: tuple(p.shape) for name, p in trained.items()}
        self._lengths = [p.numel() for p in trained.values()]
        self.point: FloatArray = torch.cat([p.detach().reshape(-1) for p in trained.values()])[None].numpy()

    @property
    def size(self) -> int:
        """Number of parameters P that require a gradient, in the order of `named_parameters`."""
        return sum(self._lengths)

    @property
    def domain(self) -> Domain:
        """Flat space."""
        return Domain.flat(self.size)

    def energy(self, points: Any) -> FloatArray:
        """Return the losses, (replicas,)."""
        with torch.no_grad():
            return np.array([float(self._value(theta)) for theta in self._rows(points)])

    def gradient(self, points: Any) -> FloatArray:
        """Return the gradients, (replicas, P)."""
        rows = [self._gradient(theta).detach().numpy() for theta in self._rows(points)]
        return np.array(rows).reshape(-1, self.size)

    def hvp(self, points: Any, vectors: Any) -> FloatArray:
        """Return the Hessian at each point times the row of `vectors`, (replicas, P)."""
        rows = self._rows(points)
        directions = torch.from_numpy(as_block(vectors, "vectors", self.size, FLOAT64, rows=len(rows)))
        products = [
            _grad_or_zeros(self._gradient(theta, graph=True) @ direction, theta).numpy()
            for theta, direction in zip(rows, directions, strict=True)
        ]
        return np.array(products).reshape(-1, self.size)

    def hessian(self, points: Any) -> FloatArray:
        """Return the Hessians, (replicas, P, P), a row each backward pass; raw, so that symmetry is checked."""
        rows = self._rows(points)
        memory.require(8 * (len(rows) + 1) * self.size**2, f"points: Hessians of {self.size} x {self.size}")
        hessians = np.empty((len(rows), self.size, self.size))
        for number, theta in enumerate(rows):
            gradient = self._gradient(theta, graph=True)
            for k in range(self.size):
                hessians[number, k] = _grad_or_zeros(gradient[k], theta, keep=True).numpy()
        return hessians

    def module(self, point: Any) -> torch.nn.Module:
        """Return a copy of the module, in float64, with the parameters of one point (P,)."""
        theta = self._rows(as_array(point, "point").reshape(1, -1))[0].detach()
        copy = deepcopy(self._module)
        with torch.no_grad():
            for name, part in self._split(theta).items():
                copy.get_parameter(name).copy_(part)
        return copy

    def __repr__(self) -> str:
        return f"TorchLandscape({type(self._module).__name__}, {self.size} parameters, {len(self._samples)} samples)"

    def _rows(self, points: Any) -> list[Tensor]:
        block = as_block(points, "points", self.size, FLOAT64)
        return [torch.from_numpy(row.copy()).requires_grad_() for row in block]

    def _split(self, theta: Tensor) -> dict[str, Tensor]:
        parts = _split(theta, self._lengths)
        return {name: part.view(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}

    def _value(self, theta: Tensor) -> Tensor:
        outputs = functional_call(self._module, self._split(theta), (self._samples,))
        value = self._loss(outputs, self._targets)
        if not isinstance(value, Tensor) or value.dim() != 0:
            raise ValueError(f"loss: expected one number, the mean over samples, got {getattr(value, 'shape', value)}")
        return value

    def _gradient(self, theta: Tensor, graph: bool = False) -> Tensor:
        (gradient,) = torch.autograd.grad(self._value(theta), theta, create_graph=graph)
        return gradient


def landscape_of(torch_module: torch.nn.Module, loss: Callable[[Any, Any], Any], X: Any, y: Any) -> TorchLandscape:
    """Return the landscape of any torch module: loss(module(X), y) as a function of its parameters.

    torch_module : a model; it is copied to float64 in evaluation mode (no dropout, fixed batch statistics).
    loss : (outputs, y) -> scalar tensor, twice differentiable; `torch.nn.CrossEntropyLoss()`, a function of your own.
    X, y : tensors or arrays, as module and loss want them; floating point becomes float64.

    The module's present parameters are `.point`; `.module(point)` gives a module back.
    """
    return TorchLandscape(torch_module, loss, X, y)


def _grad_or_zeros(value: Tensor, theta: Tensor, keep: bool = False) -> Tensor:
    """The gradient of a value; zeros where the value is linear, so that nothing depends on theta any more."""
    if not value.requires_grad:
        return torch.zeros_like(theta)
    (found,) = torch.autograd.grad(value, theta, retain_graph=keep, allow_unused=True)
    return torch.zeros_like(theta) if found is None else found.detach()


def _split(tensor: Tensor, lengths: int | list[int]) -> tuple[Tensor, ...]:
    parts: tuple[Tensor, ...] = torch.split(tensor, lengths)
    return parts


def _as_tensor(value: Any, name: str) -> Tensor:
    return value.detach().cpu() if isinstance(value, Tensor) else torch.from_numpy(np.array(as_array(value, name)))
