"""Which of many points are the same, up to rounding and the landscape's symmetries."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_array, as_number, as_real, described
from spinscape.landscape.domain import FLOAT64
from spinscape.landscape.protocol import domain_of

FloatArray = NDArray[np.float64]

_PROJECTIONS = 8  # directions along which neighbours are looked for: a tree in many dimensions is no faster than a scan


def distinct(points: Any, landscape: Any = None, tolerance: float = 1e-6) -> NDArray[np.int64]:
    """Return the indices of one row a distinct point, ascending: the first of each.

    Parameters
    ----------
    points : (rows, D).
    landscape : whose symmetries make points one: where it offers `symmetries` (changes of sign that leave the energy as
        it is: w and -w of a glass of even p) and `canonical` (`spinscape.landscape.protocol`). Default: none.
    tolerance : two points are the same if |w - w'| <= tolerance √D, as angles on a sphere to first order.

    A row is left out if it is the same as an earlier one that was kept. Neighbours are found by a tree over a few
    projections of the points, so that memory and time grow with the number of rows, not with its square.
    """
    array = as_array(points, "points")
    if array.ndim != 2:
        raise ValueError(f"points: expected shape (rows, D), got {array.shape}")
    if landscape is not None and not hasattr(landscape, "size"):
        raise TypeError(f"landscape: expected a landscape, got {described(landscape)}")
    block = as_real(array, "points", FLOAT64) if landscape is None else domain_of(landscape).checked(array)
    radius = as_number(tolerance, "tolerance", 0.0) * float(np.sqrt(block.shape[1]))
    signs = np.ones((1, block.shape[1]))
    if landscape is not None:
        signs = _signs(landscape, block.shape[1])
        block = _canonical(landscape, block)
    memory.require(8 * len(block) * 4 * _PROJECTIONS, f"points: comparing {len(block):,} points")
    return _first_of_each(block, signs, radius)


def _signs(landscape: Any, size: int) -> FloatArray:
    given = getattr(landscape, "symmetries", None)
    if given is None:
        return np.ones((1, size))
    signs = as_real(given, "landscape: symmetries", FLOAT64)
    if signs.ndim != 2 or signs.shape[1] != size or not (np.abs(signs) == 1).all():
        raise ValueError(f"landscape: expected symmetries as signs of shape (count, {size}), got shape {signs.shape}")
    return signs


def _canonical(landscape: Any, block: FloatArray) -> FloatArray:
    canonical = getattr(landscape, "canonical", None)
    if canonical is None or len(block) == 0:
        return block
    images = as_real(canonical(block.copy()), "landscape: canonical", FLOAT64)
    if images.shape != block.shape:
        raise ValueError(f"landscape: expected canonical points of shape {block.shape}, got {images.shape}")
    return images


def _first_of_each(block: FloatArray, signs: FloatArray, radius: float) -> NDArray[np.int64]:
    from scipy.spatial import cKDTree  # not loaded by `import spinscape`

    if len(block) == 0 or block.shape[1] == 0:
        return np.arange(min(1, len(block)), dtype=np.int64)
    directions = np.linalg.qr(np.random.default_rng(0).normal(size=(block.shape[1], _PROJECTIONS)))[0]
    places = block @ directions  # nearer to each other than the points are, never farther
    tree = cKDTree(places)
    slack = radius * (1 + 1e-9) + 1e-13 * float(np.abs(places).max())
    new = np.ones(len(block), dtype=np.bool_)
    kept = []
    for row, point in enumerate(block):
        if not new[row]:
            continue
        kept.append(row)
        for image in signs * point:
            near = np.asarray(tree.query_ball_point(image @ directions, slack), dtype=np.int64)
            near = near[(near > row) & new[near]]
            new[near[np.linalg.norm(block[near] - image, axis=1) <= radius]] = False
    return np.array(kept, dtype=np.int64)
