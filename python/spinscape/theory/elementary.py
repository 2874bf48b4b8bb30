"""Differences of elementary functions without cancellation, and the decay of oscillator functions."""

from __future__ import annotations

import numpy as np

from spinscape.conventions import FloatArray


def sinh_excess(x: FloatArray) -> FloatArray:
    """Sinh(x) - x for x >= 0, infinite allowed."""
    bounded = np.minimum(x, 700.0)
    return np.where(x < 1.0, _odd_series(x, 1.0), np.where(np.isinf(x), np.inf, np.sinh(bounded) - bounded))


def sine_excess(x: FloatArray) -> FloatArray:
    """X - sin(x) for x >= 0."""
    return np.abs(np.where(x < 1.0, _odd_series(x, -1.0), x - np.sin(x)))


def decay_exponent(y: FloatArray, square: FloatArray | float) -> FloatArray:
    r""":math:`\int_e^{|y|}\sqrt{x^2-e^2}\,dx`, e the root of `square`; 0 for abs(y) <= e.

    Outside the spectrum, where square = 2N, the density of GOE_N falls as the exponential of minus this.
    """
    edge = np.sqrt(square)
    excess = np.maximum((np.abs(y) - edge) * (np.abs(y) + edge), 0.0)
    return np.asarray(0.25 * square * sinh_excess(2.0 * np.arcsinh(np.sqrt(excess / square))))


def _odd_series(x: FloatArray, sign: float) -> FloatArray:
    """The sum over k >= 1 of sign^k x^(2k+1)/(2k+1)!, to rounding for x <= 1."""
    small = np.minimum(x, 1.0)
    square, total = sign * small**2, np.zeros_like(small)
    for k in range(9, 0, -1):
        total = square / ((2 * k) * (2 * k + 1)) * (1.0 + total)
    return small * total
