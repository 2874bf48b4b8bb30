"""Parts of the samples, drawn at random: what a landscape's mini-batches are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinscape.randomness import RNG, seed_from


def parts_of_samples(samples: int, count: int, seed: RNG) -> list[NDArray[np.int64]]:
    """Return `count` disjoint parts of range(samples), as equal as can be, sorted, that together are all of it."""
    order = np.random.default_rng(seed_from(seed, "seed")).permutation(samples)
    return [np.sort(part).astype(np.int64) for part in np.array_split(order, count)]
