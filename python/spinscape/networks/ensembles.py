"""Ensembles: many networks of one architecture trained at once, every one as if it were alone.

A chunk of networks goes through batched matrix products on one processor; chunks go to threads. A network's initial
parameters and the order of its minibatches are functions of (seed, its number), and products of a batch do not mix
networks: its bits do not depend on the others', nor on the number of threads. They do depend on torch's version, on the
processor and on `chunk`, since torch chooses its product kernels by the shape of the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinscape import memory
from spinscape.arrays import as_dtype, as_integer
from spinscape.networks import batched
from spinscape.networks.architecture import ORDER, Architecture, network_stream
from spinscape.networks.data import Data
from spinscape.networks.losses import Loss, as_loss
from spinscape.networks.optimisers import Training, stepper
from spinscape.randomness import RNG, seed_from
from spinscape.results import Result, row
from spinscape.threads import as_threads

CHUNK = 8
"""Networks of one batched product: more do not go faster (benchmarks/networks.py)."""

OnEpoch = Callable[[int, NDArray[Any]], None]


class Progress(Protocol):
    """What is told about progress; `tqdm` bars fit."""

    def update(self, n: float) -> Any:
        """Add n network-epochs to what is done."""


@dataclass(frozen=True, eq=False, repr=False)
class Ensemble(Result):
    """Trained networks, one row each; losses and gradients are computed in float64.

    parameters : (networks, P) in the dtype of the training, in the order of `Architecture.layers`.
    train_loss, test_loss : (networks,) mean loss over all samples.
    train_error, test_error : (networks,) fraction of samples wrongly classified.
    gradient_norm : (networks,) |∇L|/√P of the training loss.
    epochs : (networks,) epochs trained.
    converged : (networks,) whether training stopped at gradient_tol.
    architecture, loss, training, seed : how they were trained.
    """

    parameters: NDArray[Any] = field(metadata=row("coordinate"))
    train_loss: NDArray[np.float64] = field(metadata=row())
    test_loss: NDArray[np.float64] = field(metadata=row())
    train_error: NDArray[np.float64] = field(metadata=row())
    test_error: NDArray[np.float64] = field(metadata=row())
    gradient_norm: NDArray[np.float64] = field(metadata=row())
    epochs: NDArray[np.int64] = field(metadata=row())
    converged: NDArray[np.bool_] = field(metadata=row())
    architecture: Architecture
    loss: str
    training: Training
    seed: int


def train_ensemble(
    architecture: Architecture,
    data: Data,
    count: int,
    *,
    loss: str = "cross-entropy",
    training: Training | None = None,
    rng: RNG = None,
    first: int = 0,
    chunk: int = CHUNK,
    dtype: str = "float32",
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Ensemble:
    """Train networks first .. first + count - 1 of the ensemble that `rng` names.

    Parameters
    ----------
    architecture : of all networks; its inputs and outputs must be those of the data.
    loss : "cross-entropy"; with one output "hinge", "absolute", "squared" or "logistic".
    training : optimiser, learning rate and its decay, batch, epochs, stopping; default `Training()`.
    rng : seed of the ensemble; network k's initial parameters and minibatches are functions of (seed, k).
    chunk : networks of one batched product.
    dtype : arithmetic of the training.
    n_threads : chunks trained at once; never changes a result.
    progress : told about finished network-epochs.

    A network that diverges is data: its losses are inf or nan. Raises ValueError or TypeError naming the argument,
    MemoryError with the bytes. An interrupt is raised within an epoch's minibatches.
    """
    chosen = as_loss(loss)
    require_match(architecture, data, chosen)
    settings = Training() if training is None else training
    seed, threads = seed_from(rng), as_threads(n_threads)
    as_integer(count, "count", 1)
    as_integer(first, "first", 0)
    as_integer(chunk, "chunk", 1, 4096)
    real = as_dtype(dtype)
    memory.require(
        5 * real.itemsize * count * architecture.parameters + 16 * data.train_inputs.size,
        f"count: {count} networks of {architecture.parameters} parameters",
    )
    tensors = Samples(data, real)
    numbers = [range(k, min(k + chunk, first + count)) for k in range(first, first + count, chunk)]

    def one(networks: range) -> dict[str, NDArray[Any]]:
        return train_chunk(architecture, tensors, chosen, settings, seed, networks, progress)

    with one_torch_thread(), ThreadPoolExecutor(min(threads, len(numbers)), initializer=_one_thread) as pool:
        parts = list(pool.map(one, numbers)) if threads > 1 and len(numbers) > 1 else [one(part) for part in numbers]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Ensemble(**columns, architecture=architecture, loss=loss, training=settings, seed=seed)


class Samples:
    """The data as tensors: training samples in the dtype of the training, everything in float64 for the evaluation."""

    def __init__(self, data: Data, dtype: np.dtype[Any]) -> None:
        self.dtype = torch.float64 if dtype == np.float64 else torch.float32
        self.inputs = torch.from_numpy(data.train_inputs).to(self.dtype)
        self.targets = torch.from_numpy(data.train_targets)
        self.test_inputs = torch.from_numpy(data.test_inputs)
        self.test_targets = torch.from_numpy(data.test_targets)

    def __len__(self) -> int:
        return len(self.inputs)


def train_chunk(
    architecture: Architecture,
    samples: Samples,
    loss: Loss,
    training: Training,
    seed: int,
    networks: range,
    progress: Progress | None = None,
    on_epoch: OnEpoch | None = None,
) -> dict[str, NDArray[Any]]:
    """Train the networks of these numbers as one block; return the columns of `Ensemble`.

    on_epoch : called with the number of epochs done (0 first) and the parameters, before each epoch and at the end.
    """
    theta = torch.from_numpy(architecture.drawn(seed, networks)).to(samples.dtype)
    trained = np.zeros(len(networks), dtype=np.int64)
    running = np.ones(len(networks), dtype=bool)
    epoch = _Epoch(architecture, samples, loss, training, theta)
    for number in range(training.epochs):
        if on_epoch is not None:
            on_epoch(number, theta.numpy())
        epoch.run([network_stream(seed, network, ORDER, number) for network in networks], number, running)
        trained += running
        if progress is not None:
            progress.update(len(networks))
        if training.gradient_tol > 0:
            gradient = batched.full_gradient(architecture, loss, theta, samples.inputs, samples.targets)
            running &= ~(norms(gradient) <= training.gradient_tol)
            if not running.any():
                break
    if on_epoch is not None:
        on_epoch(int(trained.max(initial=0)), theta.numpy())
    return {"parameters": theta.numpy(), **evaluated(architecture, samples, loss, theta), "epochs": trained} | {
        "converged": ~running
    }


def evaluated(
    architecture: Architecture, samples: Samples, loss: Loss, theta: Tensor
) -> dict[str, NDArray[np.float64]]:
    """Return losses, errors and the gradient norm of trained networks, in float64."""
    exact = theta.double()
    columns: dict[str, NDArray[Any]] = {}
    for part, inputs, targets in (
        ("train", samples.inputs, samples.targets),
        ("test", samples.test_inputs, samples.test_targets),
    ):
        mean, wrong = batched.mean_loss(architecture, loss, exact, inputs, targets)
        columns |= {f"{part}_loss": mean.numpy(), f"{part}_error": wrong.numpy()}
    gradient = batched.full_gradient(architecture, loss, exact, samples.inputs, samples.targets)
    return {**columns, "gradient_norm": norms(gradient)}


def norms(gradient: Tensor) -> NDArray[np.float64]:
    """Return |g|/√P of each row."""
    result: NDArray[np.float64] = gradient.double().square().mean(1).sqrt().numpy()
    return result


def require_match(architecture: Architecture, data: Data, loss: Loss) -> None:
    """Raise ValueError where inputs, outputs, loss and data do not fit together."""
    if architecture.inputs != data.inputs:
        raise ValueError(f"architecture: expected {data.inputs} inputs, as the data has, got {architecture.inputs}")
    if architecture.outputs != data.classes:
        raise ValueError(f"architecture: expected {data.classes} outputs, as the data has, got {architecture.outputs}")
    if loss.classifies != (data.classes > 1):
        wanted = "cross-entropy" if data.classes > 1 else "a loss of one output"
        raise ValueError(f"loss: expected {wanted} for {data.classes} outputs, got {loss.name!r}")


class _Epoch:
    """One pass of a block of networks over the training set, each in its own order."""

    def __init__(
        self, architecture: Architecture, samples: Samples, loss: Loss, training: Training, theta: Tensor
    ) -> None:
        self.architecture, self.samples, self.loss, self.training = architecture, samples, loss, training
        self.theta, self.gradient = theta, torch.empty_like(theta)
        self.weights, self.into = (
            batched.Weights.of(architecture, theta),
            batched.Weights.of(architecture, self.gradient),
        )
        self.step = stepper(training, theta)
        self.full = training.optimiser == "gd"

    def run(self, streams: list[np.random.Generator], number: int, running: NDArray[np.bool_]) -> None:
        """Take the steps of epoch `number`; networks that are not running keep their parameters."""
        rates = self.training.rate_at(number) * torch.from_numpy(running[:, None].astype(np.float64))
        rate = rates.to(self.theta.dtype)
        if self.full:
            inputs, targets = self.samples.inputs, self.samples.targets
            gradient = batched.full_gradient(self.architecture, self.loss, self.theta, inputs, targets)
            self.step(self.theta, gradient, rate)
            return
        order = torch.from_numpy(np.stack([stream.permutation(len(self.samples)) for stream in streams]))
        batch = min(self.training.batch, len(self.samples))
        for first in range(0, len(self.samples) - batch + 1, batch):
            self._minibatch(order[:, first : first + batch], rate)

    def _minibatch(self, rows: Tensor, rate: Tensor) -> None:
        chosen = rows.reshape(-1)
        inputs = self.samples.inputs.index_select(0, chosen).view(*rows.shape, -1)
        targets = self.samples.targets.index_select(0, chosen).view(rows.shape)
        batched.batch_gradient(self.architecture, self.loss, self.weights, inputs, targets, self.into)
        self.step(self.theta, self.gradient, rate)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """One torch thread inside the block: sums have one order, and blocks of networks share the processors instead."""
    before = torch.get_num_threads()
    _one_thread()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _one_thread() -> None:
    torch.set_num_threads(1)
