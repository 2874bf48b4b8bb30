"""Downsampling of images, (images, rows, columns) to (images, side, side): area average, bilinear, crop."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_array, as_choice, as_integer

FloatArray = NDArray[np.float64]
_IMAGES = 4096
METHODS = ("area", "bilinear", "crop")


def downsample(images: Any, side: int, method: str = "area") -> FloatArray:
    """Return images of `side` x `side` pixels by "area" average, "bilinear" interpolation or a central "crop"."""
    makers = {"area": area_average, "bilinear": bilinear, "crop": crop}
    return makers[as_choice(method, "method", METHODS)](images, side)


def area_average(images: Any, side: int) -> FloatArray:
    """Return the mean over each of side x side equal boxes, pixels on an edge counted by their part inside."""
    block = _as_images(images, side)
    return _separable(block, _box_weights(block.shape[1], side), _box_weights(block.shape[2], side))


def bilinear(images: Any, side: int) -> FloatArray:
    """Return values at the centres of side x side equal boxes, interpolated between the four nearest pixel centres."""
    block = _as_images(images, side)
    return _separable(block, _linear_weights(block.shape[1], side), _linear_weights(block.shape[2], side))


def crop(images: Any, side: int) -> FloatArray:
    """Return the central side x side pixels."""
    block = _as_images(images, side)
    top, left = (block.shape[1] - side) // 2, (block.shape[2] - side) // 2
    return block[:, top : top + side, left : left + side].astype(np.float64)


def _as_images(images: Any, side: int) -> NDArray[Any]:
    block = as_array(images, "images")
    if block.ndim != 3:
        raise ValueError(f"images: expected shape (images, rows, columns), got {block.shape}")
    as_integer(side, "side", 1, min(block.shape[1:]))
    memory.require(16 * block.size, f"images: downsampling {block.shape}")
    return block


def _separable(block: NDArray[Any], rows: FloatArray, columns: FloatArray) -> FloatArray:
    result = np.empty((len(block), len(rows), len(columns)))
    for first in range(0, len(block), _IMAGES):  # an interrupt waits for some images, not for all
        some = slice(first, first + _IMAGES)
        result[some] = rows @ block[some].astype(np.float64) @ columns.T
    return result


def _box_weights(pixels: int, side: int) -> FloatArray:
    """(side, pixels): the part of each pixel in each box, divided by the box."""
    edges = np.linspace(0, pixels, side + 1)
    low, high = edges[:-1, None], edges[1:, None]
    at = np.arange(pixels)
    covered = np.clip(np.minimum(at + 1, high) - np.maximum(at, low), 0, None)
    weights: FloatArray = covered / covered.sum(axis=1, keepdims=True)
    return weights


def _linear_weights(pixels: int, side: int) -> FloatArray:
    centres = (np.arange(side) + 0.5) * pixels / side - 0.5
    weights: FloatArray = np.clip(1 - np.abs(centres[:, None] - np.arange(pixels)), 0, None)
    return weights / weights.sum(axis=1, keepdims=True)
