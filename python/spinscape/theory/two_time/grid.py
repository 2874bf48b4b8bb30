"""The grid of the two-time equations: rows at t = t_max e^{-kδ}, and on each row the same ratios θ = t'/t.

The ratios are uniform in

    s(θ) = asinh(θ/a) - asinh((1 - θ)/a),

dense to the scale a at both ends, where C and R vary over microscopic times, and logarithmic between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinscape.conventions import FloatArray
from spinscape.results import storable

RATIO_POINTS = 8  # of the interpolation in s
ROW_POINTS = 6  # of the interpolation in log t

IntArray = NDArray[np.int64]


def stencil(position: FloatArray, count: int, points: int) -> tuple[IntArray, FloatArray]:
    """Lagrange interpolation at fractional positions of the grid 0, 1, ..., count - 1: indices and weights.

    Both have one more axis, of length `points`: those nearest to the position that exist.
    """
    first = np.clip(np.floor(position).astype(np.int64) - (points - 1) // 2, 0, count - points)
    offset = (position - first)[..., None] - np.arange(points)
    weights = np.empty(offset.shape)
    for k in range(points):
        others = [m for m in range(points) if m != k]
        weights[..., k] = np.prod(offset[..., others], axis=-1) / np.prod([float(k - m) for m in others])
    return first[..., None] + np.arange(points), weights


@storable
@dataclass(frozen=True)
class Ratios:
    """The ratios θ of a row, ascending from 0 to 1, with their complements 1 - θ to full accuracy.

    weights : of the quadrature ∫_0^1 f(θ) dθ = Σ weights f(θ), exact for the interpolant that `position` serves.
    """

    scale: float
    theta: FloatArray
    complement: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, scale: float, count: int) -> Ratios:
        """`count` ratios (odd, so that 1/2 is one) that resolve `scale` at both ends."""
        top = float(np.arcsinh(1.0 / scale))
        theta = _inverse(np.linspace(-top, top, count), scale)
        nodes, weights = np.polynomial.legendre.leggauss(6)
        inside = np.arange(count - 1)[:, None] + (nodes + 1) / 2
        spacing = 2 * top / (count - 1)
        at = _inverse(-top + spacing * inside.ravel(), scale)
        speed = spacing / (1 / np.hypot(at, scale) + 1 / np.hypot(1 - at, scale))  # dθ/ds ds
        index, share = stencil(inside.ravel(), count, RATIO_POINTS)
        mass = (np.tile(weights / 2, count - 1) * speed)[:, None] * share
        quadrature = np.zeros(count)
        np.add.at(quadrature, index, mass)
        return cls(scale, theta, theta[::-1].copy(), quadrature)

    def __len__(self) -> int:
        return len(self.theta)

    def position(self, theta: FloatArray, complement: FloatArray) -> FloatArray:
        """Where θ lies on the grid, as a fractional index."""
        top = np.arcsinh(1.0 / self.scale)
        s = np.arcsinh(theta / self.scale) - np.arcsinh(complement / self.scale)
        return np.clip((s / top + 1) / 2, 0.0, 1.0) * (len(self) - 1)


def _inverse(s: FloatArray, scale: float) -> FloatArray:
    """The θ with s(θ) = s, by Newton on the side of the nearer end; s is odd about θ = 1/2."""
    target = -np.abs(s)
    theta = np.minimum(scale * np.sinh(np.maximum(target + np.arcsinh(1.0 / scale), 0.0)), 0.5)
    for _ in range(60):
        value = np.arcsinh(theta / scale) - np.arcsinh((1 - theta) / scale) - target
        step = value / (1 / np.hypot(theta, scale) + 1 / np.hypot(1 - theta, scale))
        theta = np.clip(theta - step, 0.0, 0.5)
    return np.where(s <= 0, theta, 1 - theta)
