"""Directions that searches do not step along and counts do not count: those of a landscape's symmetries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_array, as_real, described

FloatArray = NDArray[np.float64]
_FLOAT64 = np.dtype(np.float64)


def exclusion_of(exclude: Any, points: FloatArray) -> _core.Exclusion:
    """Return the directions for the core: none, the same (k, size) everywhere, or a function's of (rows, size) points.

    A function is asked once for their number, at the first of the points.
    """
    if exclude is None or len(points) == 0:
        return _core.Exclusion()
    size = points.shape[1]
    directions = exclude if callable(exclude) else _constant(exclude, size)
    count = _answer(directions, points[:1], None).shape[1]
    memory.require(8 * len(points) * count * size, f"exclude: {count:,} directions at {len(points):,} points")
    return _core.Exclusion(lambda block: _answer(directions, block, count), size, count)


def _constant(exclude: Any, size: int) -> Callable[[FloatArray], FloatArray]:
    block = as_array(exclude, "exclude")
    if block.ndim != 2 or block.shape[1] != size:
        raise ValueError(f"exclude: expected shape (k, {size}), or a function of points, got {block.shape}")
    directions = as_real(block, "exclude", _FLOAT64)
    return lambda points: np.broadcast_to(directions, (len(points), *directions.shape))


def _answer(directions: Callable[[Any], Any], points: FloatArray, count: int | None) -> FloatArray:
    """The directions at the points, (rows, k, size), checked."""
    answer = directions(points.copy())
    if answer is None:
        raise TypeError(f"exclude: expected directions from the function, got {described(answer)}")
    block = as_array(answer, "exclude")
    expected = (len(points), "k" if count is None else count, points.shape[1])
    if block.ndim != 3 or block.shape[::2] != expected[::2] or (count is not None and block.shape[1] != count):
        raise ValueError(f"exclude: expected shape ({', '.join(map(str, expected))}) from it, got {block.shape}")
    return as_real(block, "exclude", _FLOAT64)
