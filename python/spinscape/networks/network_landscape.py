"""Loss surfaces of fully connected networks as landscapes: the protocol of the glasses, in float64, on flat space.

Every function of the package that takes a landscape takes these: `sp.count_index`, `sp.lanczos_index` through their
Hessian-vector products, `sp.spectral_density`. Sums over samples have one order: a row's bits depend neither on the
other rows nor on the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_block, as_integer, as_real
from spinscape.landscape import Domain
from spinscape.networks import batched
from spinscape.networks.architecture import Architecture
from spinscape.networks.data.dataset import as_targets
from spinscape.networks.exact_hessian import exact_hessian, working_bytes
from spinscape.networks.hessian_products import hessian_products
from spinscape.networks.losses import as_loss
from spinscape.networks.sample_batches import parts_of_samples
from spinscape.networks.tensors import tensor_of
from spinscape.networks.torch_state import one_torch_thread
from spinscape.threads import as_threads

FloatArray = NDArray[Any]
FLOAT64 = np.dtype(np.float64)

# Networks worked on at once: their activations stay in cache.
CHUNK = 8

# Below so many operations a pool of threads costs more than it saves.
_WORTH_THREADS = 10**8


class NetworkLandscape:
    """The mean loss over samples of a fully connected network, as a function of its parameters.

    architecture : its inputs and outputs are those of the samples and the loss.
    loss : "cross-entropy"; with one output "hinge", "absolute", "squared" or "logistic".
    X, y : (samples, inputs) and (samples,): classes for cross-entropy, else numbers (±1); copied.

    Points are (networks, P), P = architecture.parameters. A relu network's surface has kinks; gradient and Hessian are
    those of the piece the point lies on (derivative 0 at 0). With hinge or absolute loss and relu or linear
    activations the loss is linear in each layer: the Hessian's trace is zero.
    """

    spheres: tuple[int, int] | None = None
    exact_derivatives = True

    def __init__(self, architecture: Architecture, loss: str, X: Any, y: Any) -> None:
        if not isinstance(architecture, Architecture):
            raise TypeError(f"architecture: expected an Architecture, got {type(architecture).__name__}")
        self.architecture, self._loss = architecture, as_loss(loss)
        self.loss = loss
        inputs = as_real(X, "X", FLOAT64)
        if inputs.ndim != 2 or inputs.shape[1] != architecture.inputs or len(inputs) == 0:
            raise ValueError(f"X: expected shape (samples, {architecture.inputs}), got {inputs.shape}")
        self._loss.require_outputs(architecture.outputs)
        targets = as_targets(y, "y", len(inputs), architecture.outputs if self._loss.classifies else 1)
        self._loss.require_targets(targets, "y")
        self._samples, self._targets = tensor_of(inputs), tensor_of(targets)
        self._share = 1.0  # of the mean loss, in parts of a landscape that sum to it

    @property
    def size(self) -> int:
        """Number of parameters P."""
        return self.architecture.parameters

    @property
    def domain(self) -> Domain:
        """Flat space."""
        return Domain.flat(self.size)

    @property
    def samples(self) -> int:
        """Number of samples the loss is a mean over."""
        return len(self._samples)

    def energy(self, points: Any) -> FloatArray:
        """Return the mean losses, (networks,)."""
        return self._share * self._mean(points)[0]

    def error(self, points: Any) -> FloatArray:
        """Return the fractions of samples wrongly classified, (networks,)."""
        return self._mean(points)[1]

    def gradient(self, points: Any) -> FloatArray:
        """Return the gradients, (networks, P)."""
        return self.energy_gradient(points)[1]

    def energy_gradient(self, points: Any) -> tuple[FloatArray, FloatArray]:
        """Return the mean losses, (networks,), and their gradients, (networks, P), in one pass over the samples."""
        block = as_block(points, "points", self.size, FLOAT64)
        energies, gradients = np.empty(len(block)), np.empty(block.shape)
        problem, threads = (self._samples, self._targets), self._threads(min(CHUNK, len(block)))
        for rows in _chunks(len(block)):
            theta = tensor_of(block[rows])
            mean, gradient = batched.full_gradient(self.architecture, self._loss, theta, *problem, threads)
            energies[rows], gradients[rows] = mean.numpy(), gradient.numpy()
        return self._share * energies, self._share * gradients

    def hvp(self, points: Any, vectors: Any) -> FloatArray:
        """Return the Hessian at each point times the row of `vectors`, (networks, P).

        Many vectors at one point, given in consecutive rows, share what depends on the point: k of them cost about
        (1 + 2k) gradients.
        """
        block = as_block(points, "points", self.size, FLOAT64)
        directions = as_block(vectors, "vectors", self.size, FLOAT64, rows=len(block))
        products = np.empty(block.shape)
        problem, threads = (self._samples, self._targets), self._threads(min(CHUNK, len(block)))
        for rows in _chunks(len(block)):
            same = (block[rows] == block[rows][:1]).all()
            theta, along = tensor_of(block[rows][: 1 if same else None]), tensor_of(directions[rows])
            products[rows] = hessian_products(self.architecture, self._loss, theta, along, *problem, threads).numpy()
        return self._share * products

    def hessian(self, points: Any) -> FloatArray:
        """Return the Hessians, (networks, P, P), exact and exactly symmetric."""
        block = as_block(points, "points", self.size, FLOAT64)
        threads = self._threads(self.size)
        work = working_bytes(self.architecture, len(self._samples), threads)
        memory.require(8 * len(block) * self.size**2 + work, f"points: Hessians of {self.size} x {self.size}")
        hessians = np.empty((len(block), self.size, self.size))
        problem = (self._samples, self._targets)
        for row, point in enumerate(block):
            found = exact_hessian(self.architecture, self._loss, tensor_of(point), *problem, threads)
            np.multiply(found.numpy(), self._share, out=hessians[row])
        return hessians

    @property
    def filters(self) -> list[NDArray[np.int64]]:
        """For every unit the coordinates of its incoming weights, layer after layer; biases are in none."""
        return [
            np.arange(layer.start + unit, layer.middle, layer.fan_out, dtype=np.int64)
            for layer in self.architecture.layers
            for unit in range(layer.fan_out)
        ]

    def batches(self, count: int, seed: int = 0) -> list[NetworkLandscape]:
        """Return the landscapes of `count` disjoint parts of the samples, drawn at random; they sum to this one."""
        parts = parts_of_samples(self.samples, as_integer(count, "count", 1, self.samples), seed)
        return [self._of(part) for part in parts]

    def __repr__(self) -> str:
        return f"NetworkLandscape({self.architecture.widths}, {self.loss!r}, {len(self._samples)} samples)"

    def _of(self, rows: NDArray[np.int64]) -> NetworkLandscape:
        part = NetworkLandscape.__new__(NetworkLandscape)
        part.__dict__.update(self.__dict__)
        part._samples, part._targets = self._samples[rows], self._targets[rows]
        part._share = self._share * len(rows) / self.samples
        return part

    def _threads(self, rows: int) -> int:
        worth = rows * self.size * len(self._samples) >= _WORTH_THREADS
        return as_threads(None) if worth else 1

    def _mean(self, points: Any) -> tuple[FloatArray, FloatArray]:
        block = as_block(points, "points", self.size, FLOAT64)
        energies, errors = np.empty(len(block)), np.empty(len(block))
        problem, threads = (self._samples, self._targets), self._threads(min(CHUNK, len(block)))
        for rows in _chunks(len(block)):
            mean, wrong = batched.mean_loss(self.architecture, self._loss, tensor_of(block[rows]), *problem, threads)
            energies[rows], errors[rows] = mean.numpy(), wrong.numpy()
        return energies, errors


def _chunks(networks: int) -> Iterator[slice]:
    """The blocks of networks that are worked on at once, all with one torch thread."""
    with one_torch_thread():
        for first in range(0, networks, CHUNK):
            yield slice(first, first + CHUNK)
