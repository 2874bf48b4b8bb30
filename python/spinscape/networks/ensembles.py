"""Ensembles: many networks of one architecture trained at once, every one as if it were alone.

A chunk of networks goes through batched matrix products on one processor; chunks go to threads. A network's initial
parameters and the order of its minibatches are functions of (seed, its number), and a product's bits are those of one
network alone (`batched`): a network's bits depend neither on the others, nor on `chunk`, nor on the number of threads.
They do depend on torch's version and on the processor.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinscape import memory
from spinscape.arrays import as_block, as_dtype, as_integer
from spinscape.networks import batched
from spinscape.networks.annealing_schedule import Cooling
from spinscape.networks.architecture import ORDER, Architecture, network_stream
from spinscape.networks.data import Data
from spinscape.networks.losses import Loss, as_loss
from spinscape.networks.optimisers import Training, stepper
from spinscape.networks.tensors import tensor_of
from spinscape.networks.torch_state import one_torch_thread as one_torch_thread
from spinscape.networks.torch_state import require_running
from spinscape.progress import Counted, Progress, as_progress
from spinscape.randomness import RNG, seed_from
from spinscape.results import Result, row
from spinscape.threads import as_threads

CHUNK = 8
"""Networks of one batched product: more do not go faster (benchmarks/networks.py)."""

Settings = TypeVar("Settings", Training, Cooling)
OnEpoch = Callable[[int, NDArray[Any]], None]


@dataclass(frozen=True, eq=False, repr=False)
class Ensemble(Result):
    """Trained networks, one row each; losses and gradients are computed in float64.

    parameters : (networks, P) in the dtype of the training, in the order of `Architecture.layers`.
    train_loss, test_loss : (networks,) mean loss over all samples.
    train_error, test_error : (networks,) fraction of samples wrongly classified.
    gradient_norm : (networks,) |∇L|/√P of the training loss.
    epochs : (networks,) epochs trained.
    converged : (networks,) whether training stopped at gradient_tol.
    architecture, loss, training, seed : how they were trained; `training` is a `Cooling` where they were annealed.
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
    training: Training | Cooling
    seed: int


def train_ensemble(
    architecture: Architecture,
    data: Data,
    count: int,
    *,
    loss: str = "cross-entropy",
    training: Training | None = None,
    start: Any = None,
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
    start : (count, P) parameters to begin with; None: drawn by the architecture's initial law.
    rng : seed of the ensemble; network k's initial parameters and minibatches are functions of (seed, k).
    chunk : networks of one batched product; never changes a result.
    dtype : arithmetic of the training.
    n_threads : chunks trained at once; never changes a result.
    progress : called as progress(epochs that ended, epochs), over all networks; or a tqdm bar.

    A network that diverges is data: its losses are inf or nan. Raises ValueError or TypeError naming the argument,
    MemoryError with the bytes. An interrupt is raised within a minibatch.
    """
    chosen = as_loss(loss)
    require_match(architecture, data, chosen)
    settings = as_settings(training, Training, "training")
    seed, threads = seed_from(rng), as_threads(n_threads)
    as_integer(count, "count", 1)
    as_integer(first, "first", 0)
    as_integer(chunk, "chunk", 1, 4096)
    real = as_dtype(dtype)
    memory.require(
        (3 * 8 + 5 * real.itemsize) * count * architecture.parameters + 16 * data.train_inputs.size,
        f"count: {count} networks of {architecture.parameters} parameters",
    )
    counted = Counted(as_progress(progress), count * settings.epochs)
    starts = None if start is None else as_block(start, "start", architecture.parameters, real, rows=count)
    tensors, stop = Samples(data, real), Event()
    parts = [range(k, min(k + chunk, first + count)) for k in range(first, first + count, chunk)]

    def one(networks: range) -> dict[str, NDArray[Any]]:
        rows = slice(networks.start - first, networks.stop - first)
        theta = architecture.drawn(seed, networks) if starts is None else starts[rows]
        return train_from(theta, architecture, tensors, chosen, settings, seed, networks, progress=counted, stop=stop)

    columns = _joined(_in_threads(one, parts, min(threads, len(parts)), stop))
    return Ensemble(**columns, architecture=architecture, loss=loss, training=settings, seed=seed)


def as_settings(value: Any, kind: type[Settings], name: str) -> Settings:
    """Return the settings, the default ones for None; TypeError for anything else."""
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise TypeError(f"{name}: expected a {kind.__name__}, got {type(value).__name__}")
    return value


def _in_threads(
    one: Callable[[range], dict[str, NDArray[Any]]], parts: list[range], threads: int, stop: Event
) -> list[dict[str, NDArray[Any]]]:
    """The columns of every part; after an error or an interrupt `stop` ends the others within a minibatch."""
    with one_torch_thread():
        if threads == 1:
            return [one(part) for part in parts]
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            waiting = [pool.submit(one, part) for part in parts]
            try:
                return [future.result() for future in waiting]
            except BaseException:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _joined(parts: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class Samples:
    """The data as tensors: training samples in the dtype of the training, everything in float64 for the evaluation."""

    def __init__(self, data: Data, dtype: np.dtype[Any]) -> None:
        self.dtype = torch.float64 if dtype == np.float64 else torch.float32
        self.inputs = tensor_of(data.train_inputs).to(self.dtype)
        self.targets = tensor_of(data.train_targets)
        self.test_inputs = tensor_of(data.test_inputs)
        self.test_targets = tensor_of(data.test_targets)

    def __len__(self) -> int:
        return len(self.inputs)


def train_chunk(
    architecture: Architecture,
    samples: Samples,
    loss: Loss,
    training: Training,
    seed: int,
    networks: range,
    progress: Counted | None = None,
    on_epoch: OnEpoch | None = None,
) -> dict[str, NDArray[Any]]:
    """Train the networks of these numbers as one block; return the columns of `Ensemble`.

    on_epoch : called with the number of epochs done (0 first) and the parameters, before each epoch and at the end.
    """
    theta = architecture.drawn(seed, networks)
    return train_from(
        theta, architecture, samples, loss, training, seed, networks, progress=progress, on_epoch=on_epoch
    )


def train_from(
    start: NDArray[Any],
    architecture: Architecture,
    samples: Samples,
    loss: Loss,
    training: Training,
    seed: int,
    networks: range,
    *,
    progress: Counted | None = None,
    on_epoch: OnEpoch | None = None,
    stop: Event | None = None,
) -> dict[str, NDArray[Any]]:
    """Return what `train_chunk` does from these parameters; an event that is set ends it with `StoppedError`."""
    theta = batched.placed(tensor_of(start).to(samples.dtype))
    trained = np.zeros(len(networks), dtype=np.int64)
    running = np.ones(len(networks), dtype=bool)
    epoch = _Epoch(architecture, samples, loss, training, theta, stop)
    for number in range(training.epochs):
        if on_epoch is not None:
            on_epoch(number, theta.numpy())
        epoch.run([network_stream(seed, network, ORDER, number) for network in networks], number, running)
        trained += running
        if progress is not None:
            progress.update(len(networks))
        if training.gradient_tol > 0:
            running &= ~(norms(epoch.full_gradient()) <= training.gradient_tol)
            if not running.any():
                break
    if on_epoch is not None:
        on_epoch(int(trained.max(initial=0)), theta.numpy())
    parameters = np.ascontiguousarray(theta.numpy())
    return {"parameters": parameters, **evaluated(architecture, samples, loss, theta, stop), "epochs": trained} | {
        "converged": ~running
    }


def evaluated(
    architecture: Architecture, samples: Samples, loss: Loss, theta: Tensor, stop: Event | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return losses, errors and the gradient norm of trained networks, in float64."""
    exact = theta.double()
    columns: dict[str, NDArray[Any]] = {}
    for part, inputs, targets in (
        ("train", samples.inputs, samples.targets),
        ("test", samples.test_inputs, samples.test_targets),
    ):
        mean, wrong = batched.mean_loss(architecture, loss, exact, inputs, targets, stop=stop)
        columns |= {f"{part}_loss": mean.numpy(), f"{part}_error": wrong.numpy()}
    _, gradient = batched.full_gradient(architecture, loss, exact, samples.inputs, samples.targets, stop=stop)
    return {**columns, "gradient_norm": norms(gradient)}


def norms(gradient: Tensor) -> NDArray[np.float64]:
    """Return |g|/√P of each row."""
    result: NDArray[np.float64] = gradient.double().square().mean(1).sqrt().numpy()
    return result


def require_match(architecture: Architecture, data: Data, loss: Loss) -> None:
    """Raise TypeError or ValueError where inputs, outputs, loss and data do not fit together."""
    for value, name, kind in ((architecture, "architecture", Architecture), (data, "data", Data)):
        if not isinstance(value, kind):
            raise TypeError(f"{name}: expected {kind.__name__}, got {type(value).__name__}")
    if architecture.inputs != data.inputs:
        raise ValueError(f"architecture: expected {data.inputs} inputs, as the data has, got {architecture.inputs}")
    if architecture.outputs != data.classes:
        raise ValueError(f"architecture: expected {data.classes} outputs, as the data has, got {architecture.outputs}")
    loss.require_outputs(data.classes)
    if len(data.train_inputs) == 0:
        raise ValueError("data: expected at least one training sample, got none")
    for part in ("train", "test"):
        loss.require_targets(getattr(data, f"{part}_targets"), f"data.{part}_targets")


class _Epoch:
    """One pass of a block of networks over the training set, each in its own order."""

    def __init__(
        self,
        architecture: Architecture,
        samples: Samples,
        loss: Loss,
        training: Training,
        theta: Tensor,
        stop: Event | None = None,
    ) -> None:
        self.architecture, self.samples, self.loss, self.training = architecture, samples, loss, training
        self.theta, self.stop = theta, stop
        self.gradient = batched.aligned(len(theta), (architecture.parameters,), theta)
        self.weights = batched.Weights.of(architecture, theta)
        self.into = batched.Weights.of(architecture, self.gradient)
        self.step = stepper(training, theta)
        self.full = training.optimiser == "gd"

    def run(self, streams: list[np.random.Generator], number: int, running: NDArray[np.bool_]) -> None:
        """Take the steps of epoch `number`; networks that are not running keep their parameters."""
        rates = self.training.rate_at(number) * torch.from_numpy(running[:, None].astype(np.float64))
        rate = rates.to(self.theta.dtype)
        if self.full:
            self.step(self.theta, self.full_gradient(), rate)
            return
        order = torch.from_numpy(np.stack([stream.permutation(len(self.samples)) for stream in streams]))
        batch = min(self.training.batch, len(self.samples))
        for first in range(0, len(self.samples) - batch + 1, batch):
            require_running(self.stop)
            self._minibatch(order[:, first : first + batch], rate)

    def full_gradient(self) -> Tensor:
        """Return the gradients over all samples."""
        problem = self.samples.inputs, self.samples.targets
        return batched.full_gradient(self.architecture, self.loss, self.theta, *problem, stop=self.stop)[1]

    def _minibatch(self, rows: Tensor, rate: Tensor) -> None:
        chosen = rows.reshape(-1)
        inputs = self.samples.inputs.index_select(0, chosen).view(*rows.shape, -1)
        targets = self.samples.targets.index_select(0, chosen).view(rows.shape)
        batched.batch_gradient(self.architecture, self.loss, self.weights, inputs, targets, self.into)
        self.step(self.theta, self.gradient, rate)
