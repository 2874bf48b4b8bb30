"""The loss of any torch module as a landscape, in float64, on flat space.

A row's bits depend on its point and on the vectors given at that point, never on the other points. Between different
numbers of torch threads sums over samples agree to rounding.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinscape import memory
from spinscape.arrays import as_array, as_block, as_choice, as_integer
from spinscape.landscape import Domain
from spinscape.networks.modules import batch_norm as batch_norms
from spinscape.networks.modules.filters import filters_of
from spinscape.networks.modules.functional import FunctionalModule
from spinscape.networks.modules.problem import Problem
from spinscape.networks.sample_batches import parts_of_samples
from spinscape.networks.tensors import tensor_of

FloatArray = NDArray[Any]
FLOAT64 = np.dtype(np.float64)

# Bytes that the vectors of one batched backward pass may take together, and of a graph that stays in cache with them:
# with a larger one they are faster one after the other (benchmarks/hessian_products.py).
_PASS_BYTES, _CACHED_GRAPH = 2**26, 2**20


class TorchLandscape:
    """The loss of a torch module on fixed samples, as a function of its parameters; made by `landscape_of`.

    point : (1, P) the parameters the module had, a point to begin with.
    """

    spheres: tuple[int, int] | None = None

    def __init__(
        self,
        module: torch.nn.Module,
        loss: Callable[..., Any],
        X: Any,
        y: Any = None,
        *,
        chunk: int | None = None,
        batch_norm: str = "running",
    ) -> None:
        if not isinstance(module, torch.nn.Module):
            raise TypeError(f"torch_module: expected a torch.nn.Module, got {type(module).__name__}")
        if not callable(loss):
            raise TypeError(f"loss: expected a function (outputs, y) -> scalar, got {type(loss).__name__}")
        as_choice(batch_norm, "batch_norm", batch_norms.STATISTICS)
        self._chunk = None if chunk is None else as_integer(chunk, "chunk", 1)
        with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
            self._function = FunctionalModule(module, loss)
            self._problem = Problem.of(self._function, X, y, self._chunk, batch_norm)
        self.point: FloatArray = self._function.start[None]
        self._batched: bool | None = None  # whether backward passes of many vectors at once are right; None: not tried

    @property
    def size(self) -> int:
        """Number of parameters P that require a gradient, in the order of `named_parameters`."""
        return sum(self._function.lengths)

    @property
    def domain(self) -> Domain:
        """Flat space."""
        return Domain.flat(self.size)

    @property
    def samples(self) -> int | None:
        """Number of samples, the first axis of X and y; None where their tensors do not agree about it."""
        return self._problem.samples

    @property
    def filters(self) -> list[NDArray[np.int64]]:
        """For every unit or filter the coordinates of its incoming weights; biases and scales are in none."""
        return filters_of(self._function)

    def energy(self, points: Any) -> FloatArray:
        """Return the losses, (replicas,)."""
        block = as_block(points, "points", self.size, FLOAT64)
        graph = self._function.graph_in_energies
        with self._function.evaluating(), torch.set_grad_enabled(graph):
            return np.array([self._energy(tensor_of(row).requires_grad_(graph)) for row in block], dtype=np.float64)

    def gradient(self, points: Any) -> FloatArray:
        """Return the gradients, (replicas, P)."""
        return self.energy_gradient(points)[1]

    def energy_gradient(self, points: Any) -> tuple[FloatArray, FloatArray]:
        """Return the losses, (replicas,), and their gradients, (replicas, P), in one pass."""
        block = as_block(points, "points", self.size, FLOAT64)
        self._problem.require_memory(2)
        energies, gradients = np.empty(len(block)), np.empty(block.shape)
        with self._function.evaluating():
            for number, row in enumerate(block):
                energy, total = 0.0, torch.zeros(self.size, dtype=torch.float64)
                for theta, value in self._values(row):
                    energy += float(value.detach())
                    total += _derivative(value, theta)
                energies[number], gradients[number] = energy, total.numpy()
        return energies, gradients

    def hvp(self, points: Any, vectors: Any) -> FloatArray:
        """Return the Hessian at each point times the row of `vectors`, (replicas, P).

        Consecutive rows at one point share its graph and go backward together.
        """
        block = as_block(points, "points", self.size, FLOAT64)
        directions = as_block(vectors, "vectors", self.size, FLOAT64, rows=len(block))
        self._problem.require_memory(6)
        products = np.empty(block.shape)
        with self._function.evaluating():
            for rows in _runs(block):
                products[rows] = self._products(block[rows.start], tensor_of(directions[rows])).numpy()
        return products

    def hessian(self, points: Any) -> FloatArray:
        """Return the Hessians, (replicas, P, P), their rows as torch differentiates them, not made symmetric."""
        block, size = as_block(points, "points", self.size, FLOAT64), self.size
        memory.require(8 * (len(block) + 3) * size**2, f"points: Hessians of {size} x {size}")
        self._problem.require_memory(6)
        hessians = np.empty((len(block), size, size))
        with self._function.evaluating():
            for row, hessian in zip(block, hessians, strict=True):
                hessian[:] = self._products(row, torch.eye(size, dtype=torch.float64)).numpy()
        return hessians

    def module(self, point: Any) -> torch.nn.Module:
        """Return a copy of the module, in float64, with the parameters of one point (P,)."""
        block = as_block(as_array(point, "point").reshape(1, -1), "point", self.size, FLOAT64)
        return self._function.with_parameters(tensor_of(block[0]))

    def batches(self, count: int, seed: int = 0) -> list[TorchLandscape]:
        """Return the landscapes of `count` disjoint parts of the samples, drawn at random; they sum to this one.

        ValueError where the loss is neither a mean nor a sum over samples.
        """
        count = as_integer(count, "count", 1, self.samples or 1)
        with self._function.evaluating():
            mean = self._problem.require_mean(tensor_of(self.point[0]))
        parts = [] if self.samples is None else parts_of_samples(self.samples, count, seed)
        return [self._of(self._problem.rows(tensor_of(part), mean)) for part in parts]

    def __repr__(self) -> str:
        samples = "samples" if self.samples is None else f"{self.samples} samples"
        return f"TorchLandscape({type(self._function.module).__name__}, {self.size} parameters, {samples})"

    def _of(self, problem: Problem) -> TorchLandscape:
        part = TorchLandscape.__new__(TorchLandscape)
        part.__dict__.update(self.__dict__)
        part._problem = problem
        return part

    def _energy(self, theta: Tensor) -> float:
        return sum(
            weight * float(self._function.value(theta, part).detach()) for part, weight in self._problem.weighted()
        )

    def _values(self, row: FloatArray) -> Iterator[tuple[Tensor, Tensor]]:
        """θ and its weighted loss, a part of the samples after the other."""
        for part, weight in self._problem.weighted():
            theta = tensor_of(row).requires_grad_()
            yield theta, weight * self._function.value(theta, part)

    def _products(self, row: FloatArray, vectors: Tensor) -> Tensor:
        """The Hessian at one point times k vectors, (k, P)."""
        total = torch.zeros_like(vectors)
        for theta, value in self._values(row):
            gradient = _derivative(value, theta, graph=True)
            if not gradient.requires_grad:
                continue  # the value is linear
            step = self._vectors_at_once()
            for first in range(0, len(vectors), step):
                total[first : first + step] += self._backward(gradient, theta, vectors[first : first + step])
        return total

    def _vectors_at_once(self) -> int:
        graph = self._problem.graph_bytes
        return 1 if graph > _CACHED_GRAPH else max(1, _PASS_BYTES // max(graph, 8 * self.size))

    def _backward(self, gradient: Tensor, theta: Tensor, vectors: Tensor) -> Tensor:
        """Vectors times the derivative of the gradient: at once if that gives what one alone does, else in turn."""
        if len(vectors) == 1 or self._batched is False:
            return torch.stack([_second(gradient, theta, vector) for vector in vectors])
        together = _together(gradient, theta, vectors)
        if self._batched is None:
            alone = _second(gradient, theta, vectors[-1])
            scale = float(alone.abs().max()) + 1e-300
            self._batched = together is not None and float((together[-1] - alone).abs().max()) <= 1e-8 * scale
        if together is None or not self._batched:
            self._batched = False
            return self._backward(gradient, theta, vectors)
        return together


def landscape_of(
    torch_module: torch.nn.Module,
    loss: Callable[..., Any],
    X: Any,
    y: Any = None,
    *,
    chunk: int | None = None,
    batch_norm: str = "running",
) -> TorchLandscape:
    """Return the landscape of any torch module: loss(module(X), y) as a function of its parameters.

    torch_module : a model; it is copied to float64 on the CPU in evaluation mode (no dropout).
    loss : (outputs, y) -> scalar tensor, twice differentiable: `torch.nn.CrossEntropyLoss()`, a function of your own.
        One with an argument `parameters` gets the module's by name: loss(outputs, y, parameters), for a weight decay.
    X, y : tensors or arrays, as module and loss want them; they are copied, floating point becomes float64. A tuple of
        arrays is passed by position; a mapping by name where `forward` has its names, else as one input. Without y,
        X yields pairs (X, y), as a DataLoader does: each is worked on apart, and the loss is over all of them.
    chunk : samples of a pass; the loss must be a mean or a sum over samples. None: as many as keep 16 MB, all where
        the loss is neither.
    batch_norm : statistics of batch normalisation. "running": the module's own; "fixed": those of all samples at the
        module's parameters; "batch": those of all samples at every point.

    The module's present parameters are `.point`; `.module(point)` gives a module back. Raises TypeError, ValueError or
    MemoryError naming the argument: where the loss is random, constant, or depends on parameters that are not the
    module's, and NotImplementedError where torch has no second derivative.
    """
    return TorchLandscape(torch_module, loss, X, y, chunk=chunk, batch_norm=batch_norm)


def _runs(block: FloatArray) -> Iterator[slice]:
    """Consecutive rows that are equal."""
    edges = np.flatnonzero((block[1:] != block[:-1]).any(axis=1)) + 1
    bounds = [0, *edges.tolist(), len(block)]
    return (slice(low, high) for low, high in pairwise(bounds) if low < high)


def _derivative(value: Tensor, theta: Tensor, graph: bool = False) -> Tensor:
    if not value.requires_grad:
        return torch.zeros_like(theta)
    (found,) = torch.autograd.grad(value, theta, create_graph=graph, allow_unused=True)
    return torch.zeros_like(theta) if found is None else found


def _second(gradient: Tensor, theta: Tensor, vector: Tensor) -> Tensor:
    try:
        (found,) = torch.autograd.grad(gradient, theta, vector, retain_graph=True, allow_unused=True)
    except (RuntimeError, NotImplementedError) as error:
        if "not implement" not in str(error) and "once_differentiable" not in str(error):
            raise
        raise NotImplementedError(f"torch_module: torch has no second derivative of it: {error}") from error
    return torch.zeros_like(theta) if found is None else found.detach()


def _together(gradient: Tensor, theta: Tensor, vectors: Tensor) -> Tensor | None:
    """All vectors in one batched backward pass; None where torch cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an operation without a batching rule is slower, not wrong
        try:
            (found,) = torch.autograd.grad(
                gradient, theta, vectors, retain_graph=True, allow_unused=True, is_grads_batched=True
            )
        except (RuntimeError, NotImplementedError):
            return None
    return torch.zeros_like(vectors) if found is None else found.detach()
