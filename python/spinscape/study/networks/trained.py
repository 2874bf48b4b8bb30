"""What the studies of networks with one hidden layer share: how large they are, and where training takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
