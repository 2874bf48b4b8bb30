"""What the experiments on networks with one hidden layer share: their data, how large they are, where training goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinscape.study.parameters import Parameter, integer, number

if TYPE_CHECKING:
    from spinscape.networks import Architecture, Training
    from spinscape.networks.data import Data


def parameter_count(n: int, inputs: int = 100, outputs: int = 10) -> int:
    """Return the number P of weights and biases of a network inputs-n-outputs."""
    return (inputs + 1) * n + (n + 1) * outputs


def points_along_training(
    architecture: Architecture,
    data: Data,
    training: Training,
    epochs: Sequence[int],
    *,
    rng: np.random.SeedSequence,
    network: int = 0,
) -> NDArray[np.float64]:
    """Train one network of an ensemble in float64 on cross-entropy; return its parameters after each of the epochs.

    (epochs, P). The network depends on (rng, network) alone.
    """
    from spinscape.networks.ensembles import Samples, train_chunk
    from spinscape.networks.losses import as_loss
    from spinscape.randomness import seed_from

    path: dict[int, NDArray[np.float64]] = {}

    def keep(epoch: int, theta: NDArray[Any]) -> None:
        if epoch in epochs:
            path[epoch] = theta[0].astype(np.float64)

    samples, chosen = Samples(data, np.dtype(np.float64)), range(network, network + 1)
    train_chunk(architecture, samples, as_loss("cross-entropy"), training, seed_from(rng), chosen, on_epoch=keep)
    return np.array([path[epoch] for epoch in epochs])


@lru_cache(maxsize=2)
def data_of(train: int | None, test: int | None, rng: int) -> Data:
    """Return MNIST 10x10, or a random part of it."""
    from spinscape.networks import load_mnist10

    return load_mnist10().subset(train, test, rng=np.random.SeedSequence(rng, spawn_key=(0, 1)))


def chunks(count: int, chunk: int) -> Iterator[dict[str, Any]]:
    """Units of at most so many networks: {first, count}."""
    for first in range(0, count, chunk):
        yield {"first": first, "count": min(chunk, count - first)}


def with_training(values: dict[str, Any], **fixed: Any) -> dict[str, Any]:
    """The parameters of a recipe: what belongs to `networks.Training` becomes its own mapping, checked there.

    A list of epochs, at which something is measured, stays; training goes to its last.
    """
    from spinscape.networks import Training

    rest = dict(values)
    if isinstance(rest.get("epochs"), list):
        fixed["epochs"] = rest["epochs"][-1]
    names = [name for name in ("optimiser", "epochs", "rate", "decay", "batch") if name in rest and name not in fixed]
    training = Training(**{name: rest.pop(name) for name in names}, **fixed)
    return rest | {"training": training.to_dict()}


def with_cooling(values: dict[str, Any], **fixed: Any) -> dict[str, Any]:
    """The parameters of a recipe: what belongs to `networks.Cooling` becomes its own mapping, checked there."""
    from spinscape.networks import Cooling

    mine = {name: values.pop(name) for name in ("sweeps", "hot", "cold", "step") if name in values}
    return values | {"cooling": Cooling(**mine, **fixed).to_dict()}


def training_seconds(n: int) -> float:
    """Seconds that one core takes to train one network of n hidden units for an epoch on one image."""
    constant, slope = SECONDS_PER_EPOCH
    return (constant + slope * n) / 60_000


# Seconds of one network-epoch on 60,000 samples, one core of an EPYC (AVX2) among busy ones: a + b n. With AVX-512 and
# alone it was half of it. benchmarks/networks.py.
SECONDS_PER_EPOCH = (0.05, 9.0e-4)

NEEDS = {"torch": "networks"}


def sgd(epochs: int, rate: float, decay: float, batch: int | None = None) -> tuple[Parameter, ...]:
    """The parameters of SGD, with these defaults; the minibatches are fixed where `batch` is None."""
    listed = (
        integer("epochs", epochs, "epochs of SGD", unit="epochs"),
        number("rate", rate, "learning rate in epoch 0", 0.0),
        number("decay", decay, "learning rate is rate / (1 + decay t) in epoch t", 0.0, unit="1/epoch"),
    )
    return listed if batch is None else (*listed, integer("batch", batch, "images of a minibatch", 1, unit="images"))


def cooling(sweeps: int, hot: float, cold: float) -> tuple[Parameter, ...]:
    """The parameters of annealing, with these defaults."""
    return (
        integer("sweeps", sweeps, "sweeps of annealing over all weights", 1, unit="sweeps"),
        number("hot", hot, "temperature of the first sweep", 0.0, above=True, unit="loss"),
        number("cold", cold, "temperature of the last sweep", 0.0, above=True, unit="loss"),
    )


def images(train: int | None, optional: bool = False) -> Parameter:
    """The images that the training loss is of."""
    about = "training images, drawn at random from MNIST 10x10" + ("; none: all" if optional else "")
    return integer("train", train, about, 1, 60_000, unit="images", optional=optional)


TEST = integer("test", None, "test images, drawn at random; none: all", 1, 10_000, unit="images", optional=True)
