"""From `rng=` to the 64-bit seed of a counter-based stream.

Every random number of the package is a pure function of (seed, purpose, index), so a seed is all there is to keep.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

RNG: TypeAlias = int | np.integer[Any] | np.random.SeedSequence | np.random.Generator | None


def seed_from(rng: RNG, name: str = "rng") -> int:
    """Return a 64-bit seed.

    None draws fresh entropy; an int or SeedSequence always gives the same seed; a Generator is advanced by one draw.
    """
    if isinstance(rng, np.random.Generator):
        rng = np.random.SeedSequence(int(rng.integers(2**63)))
    elif rng is None:
        rng = np.random.SeedSequence()
    elif isinstance(rng, (int, np.integer)) and not isinstance(rng, bool):
        if rng < 0:
            raise ValueError(f"{name}: expected a non-negative integer, got {rng}")
        rng = np.random.SeedSequence(int(rng))
    if not isinstance(rng, np.random.SeedSequence):
        raise TypeError(
            f"{name}: expected None, an int, a numpy SeedSequence or a numpy Generator, got {type(rng).__name__}"
        )
    return int(rng.generate_state(1, np.uint64)[0])


def child_seeds(rng: RNG, count: int, name: str = "rng") -> list[int]:
    """Return `count` seeds of independent streams derived from one `rng`; the first k do not depend on `count`."""
    return [seed_from(child) for child in np.random.SeedSequence(seed_from(rng, name)).spawn(count)]


def generator_from(rng: RNG, name: str = "rng") -> np.random.Generator:
    """Return numpy's own generator of an `rng`: the given one, or a new one of its seed."""
    if not isinstance(rng, np.random.Generator):
        seed_from(rng, name)
    return np.random.default_rng(rng)
