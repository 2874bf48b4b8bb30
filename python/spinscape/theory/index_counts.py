r"""Exact weighted masses of the k-th eigenvalue of GOE_N, behind the mean counts per index (ABAC Theorem 2.1).

The mean number of critical points of index k is a Gaussian-weighted mass of :math:`\lambda_k`,
:math:`\mathrm E[e^{-c\lambda_k^2};\lambda_k\in B]`, :math:`c=(p-2)/(2p)`, in Mehta's scale. The weight favours
eigenvalues deep inside the spectrum, so the law is needed with relative accuracy far into its tails, which is
what :mod:`spinscape.theory.eigenvalue_law` tabulates. The integrand is log-concave: its mass outside a stretch of
panels is bounded by what falls off inside.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from spinscape.conventions import FloatArray
from spinscape.theory.eigenvalue_law import (
    LARGEST_INDEX,
    Law,
    centre_panel,
    eigenvalue_law,
    panel_edge,
    panel_number,
    resolved_panel,
)

LARGEST_SIZE = 100_000
DROP = 40.0  # natural-log units below the maximum at which an integrand is cut
GRID = 33  # points of the search for the window that matters
NODES = 48  # integrate e^{-40 x}, and a Gaussian of the same drop, to 1e-15


class LogCount(NamedTuple):
    """Natural logarithm of a mean count, and an estimate of the absolute error of that logarithm."""

    value: FloatArray
    error: FloatArray


def nearer_end(N: int, k: int) -> tuple[int, bool]:
    """The index counted from the nearer end of the spectrum, and whether that is the upper end.

    Raises
    ------
    ValueError
        If N is above 100,000 or the index more than 60 from both ends.
    """
    if N > LARGEST_SIZE:
        raise ValueError(f"N: expected at most {LARGEST_SIZE} for a given index (the cost grows with N), got {N}")
    nearer = min(k, N - 1 - k)
    if nearer > LARGEST_INDEX:
        raise ValueError(
            f"index: expected one within {LARGEST_INDEX} of 0 or of N - 1 = {N - 1} (the cost grows as the fourth "
            f"power of the distance), got {k}"
        )
    return nearer, k != nearer


def law_of(y: FloatArray, N: int, k: int) -> Law:
    """Law of the k-th smallest eigenvalue of GOE_N at the points y, Mehta's scale, k within 60 of either end."""
    nearer, upper = nearer_end(N, k)
    if not upper:
        return eigenvalue_law(y, N, nearer)
    return eigenvalue_law(-y, N, nearer).mirrored()


def log_weighted_masses(N: int, k: int, c: float, cuts: FloatArray) -> LogCount:
    r""":math:`\log\mathrm E[e^{-c\lambda_k^2};\lambda_k\in I]` for the intervals I between consecutive `cuts`.

    Parameters
    ----------
    N : int >= 2
    k : int
        Within 60 of 0 or of N - 1.
    c : float in [0, 1/2)
    cuts : (m + 1,) float64, increasing, infinite ends allowed; Mehta's scale

    Returns
    -------
    LogCount
        Of shape (m,).
    """
    nearer, upper = nearer_end(N, k)
    if upper:
        mirrored = log_weighted_masses(N, nearer, c, -cuts[::-1])
        return LogCount(mirrored.value[::-1], mirrored.error[::-1])
    ends = cuts.copy()
    inner = cuts[np.isfinite(cuts)]
    peak = _peak_panel(N, k, c)
    left = _reach(N, k, c, max(peak, panel_number(N, float(inner[0]))) if inner.size else peak, 1)
    right = _reach(N, k, c, min(peak, panel_number(N, float(inner[-1]))) if inner.size else peak, -1)
    edges = np.array([panel_edge(N, number) for number in range(left + 1, right - 1, -1)])
    ends[0], ends[-1] = _finite_end(N, k, c, ends[0], edges[0]), _finite_end(N, k, c, ends[-1], edges[-1])
    if inner.size:  # cuts beyond the last resolved panel hold no mass, but stay in order
        ends[0], ends[-1] = min(ends[0], inner[0]), max(ends[-1], inner[-1])
    points = np.unique(np.concatenate([ends, edges[(edges > ends[0]) & (edges < ends[-1])]]))
    pieces = _integrate(N, k, c, points[:-1], points[1:])
    owner = np.searchsorted(ends, points[:-1], side="right") - 1
    value, error = np.full(cuts.size - 1, -np.inf), np.zeros(cuts.size - 1)
    np.logaddexp.at(value, owner, pieces.value)
    with np.errstate(invalid="ignore"):
        share = np.nan_to_num(np.exp(pieces.value - value[owner]))
    np.add.at(error, owner, share * np.minimum(pieces.error, 1.0))
    return LogCount(value, error)


def upper_limit(N: int, k: int, c: float) -> float:
    """Where the weighted mass of the k-th eigenvalue ends: at most e**-40 of the largest panel's lies above it."""
    nearer, upper = nearer_end(N, k)
    number = _reach(N, nearer, c, _peak_panel(N, nearer, c), 1 if upper else -1)
    return -panel_edge(N, number + 1) if upper else panel_edge(N, number)


def _peak_panel(N: int, k: int, c: float) -> int:
    """The panel of the largest mass, climbing from the centre of the unweighted law."""
    number = centre_panel(N, k)
    for step in (-1, 1):
        while _panel_mass(N, k, c, number + step) > _panel_mass(N, k, c, number):
            number += step
    return number


def _reach(N: int, k: int, c: float, number: int, step: int) -> int:
    """The last panel on the way from `number` that holds more than e**-DROP of the largest, or that is resolved."""
    number = resolved_panel(N, k, number)
    largest = -np.inf
    while True:
        mass = _panel_mass(N, k, c, number)
        largest = max(largest, mass)
        if mass < largest - DROP or resolved_panel(N, k, number + step) != number + step:
            return number
        number += step


@lru_cache(maxsize=4096)
def _panel_mass(N: int, k: int, c: float, number: int) -> float:
    low, high = panel_edge(N, number + 1), panel_edge(N, number)
    return float(_integrate(N, k, c, np.array([low]), np.array([high])).value[0])


def _finite_end(N: int, k: int, c: float, end: float, edge: float) -> float:
    """A finite replacement of an infinite end, outside the panel edge `edge`, where the integrand is negligible."""
    if np.isfinite(end):
        return float(end)
    step = np.copysign(1.0, end)
    height = _log_integrand(np.array([edge]), N, k, c)[0]
    while _log_integrand(np.array([edge + step]), N, k, c)[0] > height - DROP:
        step *= 2.0
    return float(edge + step)


def _log_integrand(y: FloatArray, N: int, k: int, c: float) -> FloatArray:
    return eigenvalue_law(y, N, k).log_density - c * y * y


def _integrate(N: int, k: int, c: float, low: FloatArray, high: FloatArray) -> LogCount:
    """Integrals over intervals none of which crosses a panel edge, on the part within DROP of the maximum."""
    rows = np.arange(low.size)
    for _ in range(2):
        grid = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, GRID)
        height = _log_integrand(grid.ravel(), N, k, c).reshape(grid.shape)
        kept = height >= height.max(axis=1, keepdims=True) - DROP
        first, last = np.argmax(kept, axis=1), GRID - 1 - np.argmax(kept[:, ::-1], axis=1)
        low, high = grid[rows, np.maximum(first - 1, 0)], grid[rows, np.minimum(last + 1, GRID - 1)]
    x, weights = np.polynomial.legendre.leggauss(NODES)
    y = 0.5 * (low + high)[:, None] + 0.5 * (high - low)[:, None] * x
    law = eigenvalue_law(y.ravel(), N, k)
    height = law.log_density.reshape(y.shape) - c * y * y
    top = height.max(axis=1)
    scaled = np.exp(height - np.where(np.isinf(top), 0.0, top)[:, None])
    with np.errstate(divide="ignore"):
        value = np.log(0.5 * (high - low) * (scaled @ weights)) + top
    return LogCount(value, law.error.reshape(y.shape).max(axis=1))
