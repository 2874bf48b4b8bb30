r"""Integrals of :math:`R_N(y)e^{\ell(y)}` in log space, by Gauss-Legendre panels on the window that matters.

Every exact mean count of the package is such an integral with a smooth log-weight :math:`\ell`. Three steps:

1. *window*: a coarse logarithmic estimate of the integrand finds where it is within ``DROP`` of its maximum;
   for N = 10^6 this is often a few tens of eigenvalue spacings out of a million;
2. *panels* of at most ``SPACINGS`` mean eigenvalue spacings, the length on which :math:`R_N` oscillates;
3. *bisection* of every panel whose Legendre coefficients have not decayed: the weight may vary faster.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from spinscape.arrays import as_integer, described
from spinscape.conventions import FloatArray
from spinscape.theory.domain import as_limit
from spinscape.theory.elementary import decay_exponent
from spinscape.theory.one_point import log_density

LogWeight: TypeAlias = Callable[[FloatArray], FloatArray]

NODES = 32
SPACINGS = 6.0
DROP = 50.0  # natural-log units below the maximum at which the integrand is cut
# A geometric tail that is down by 1e-8 at degree 31 is down by 1e-16 at degree 64, the first that the rule misses.
UNRESOLVED = 1e-8
MAX_BISECTIONS = 40
BLOCK = 256  # panels evaluated together


def log_integral(N: Any, log_weight: LogWeight, lower: float = -np.inf, upper: float = np.inf) -> float:
    r""":math:`\log\int_{lower}^{upper}R_N(y)e^{\ell(y)}dy`, natural logarithm, relative error about 1e-13.

    Parameters
    ----------
    N : int >= 1
        Size of the GOE; Mehta's scale, :math:`\int R_N=N`.
    log_weight : callable
        Vectorised :math:`\ell(y)`: float64 array of any shape in, the same shape out; smooth on the scale of an
        eigenvalue spacing, ``-inf`` allowed where the weight vanishes.
    lower, upper : float
        Limits, infinite allowed.

    Returns
    -------
    float
        ``-inf`` if the interval is empty or the weight vanishes on it.

    Raises
    ------
    TypeError, ValueError
        If `N` is not an integer >= 1 or a limit is NaN.
    """
    cuts = np.array([as_limit(lower, "lower"), as_limit(upper, "upper")])
    if not callable(log_weight):
        raise TypeError(f"log_weight: expected a function of an array, got {described(log_weight)}")
    if not cuts[0] < cuts[1]:
        return -np.inf
    return float(log_integrals(N, log_weight, cuts)[0])


def log_integrals(N: Any, log_weight: LogWeight, cuts: FloatArray) -> FloatArray:
    """Logarithms of the integrals over the consecutive intervals between the increasing `cuts`.

    Each has the relative accuracy of :func:`log_integral`, so a cumulative curve is their running sum.

    Parameters
    ----------
    N : int >= 1
    log_weight : callable
        As in :func:`log_integral`.
    cuts : (m + 1,) float64, non-decreasing, infinite ends allowed

    Returns
    -------
    (m,) float64
    """
    size = as_integer(N, "N", 1)
    lows, highs, owners = [np.empty(0)], [np.empty(0)], [np.empty(0, dtype=np.int64)]
    for i, (low, high) in enumerate(pairwise(cuts)):
        window = _window(size, log_weight, float(low), float(high)) if low < high else None
        if window is not None:
            edges = _panel_edges(size, *window)
            lows.append(edges[:-1])
            highs.append(edges[1:])
            owners.append(np.full(edges.size - 1, i))
    return _sum_panels(
        size, log_weight, np.concatenate(lows), np.concatenate(highs), np.concatenate(owners), cuts.size - 1
    )


def log_envelope(y: FloatArray, N: int) -> FloatArray:
    r"""Leading order of :math:`\log R_N`: the semicircle inside, :math:`-\int\sqrt{y^2-2N}` outside."""
    edge = np.sqrt(2.0 * N)
    excess = (np.abs(y) - edge) * (np.abs(y) + edge)
    floor = float(N) ** (1.0 / 3.0)  # the density does not follow the semicircle to zero
    inside = 0.5 * np.log(np.maximum(-excess, floor))
    return np.asarray(inside - np.log(np.pi) - decay_exponent(y, 2.0 * N))


def _window(N: int, log_weight: LogWeight, low: float, high: float) -> tuple[float, float] | None:
    """The part of [low, high] where the integrand is within DROP of its maximum, or None if it vanishes."""
    grid = _search_grid(N, low, high)
    for _ in range(3):
        with np.errstate(over="ignore", invalid="ignore"):
            height = log_weight(grid) + log_envelope(grid, N)
        height = np.where(np.isnan(height), -np.inf, height)
        if height.max() == -np.inf:
            return None
        inside = np.flatnonzero(height >= height.max() - DROP)
        first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, grid.size - 1)
        grid = np.linspace(grid[first], grid[last], 400)
    return float(grid[0]), float(grid[-1])


def _search_grid(N: int, low: float, high: float) -> FloatArray:
    """Points of [low, high] that see every scale: the spectrum, its edges, the far tails, both end points."""
    edge = np.sqrt(2.0 * N)
    steps = np.geomspace(1e-14, 1e9, 700) * edge
    inside = edge * np.sin(np.linspace(-0.5 * np.pi, 0.5 * np.pi, 801))
    points = [inside, edge + steps, -edge - steps, steps, -steps]
    for end in (low, high):
        if np.isfinite(end):
            reach = np.geomspace(1e-14, 1e9, 700) * max(edge, abs(end))
            points += [np.array([end]), end + reach, end - reach]
    grid = np.unique(np.concatenate(points))
    return grid[(grid >= low) & (grid <= high)]


def _panel_edges(N: int, low: float, high: float) -> FloatArray:
    """Panel boundaries on [low, high], at most SPACINGS eigenvalue spacings apart."""
    fine = np.linspace(low, high, 400)
    excess = 2.0 * N - fine * fine
    # Near and beyond the edge the eigenvalue spacing saturates at the scale of the Airy functions.
    density = np.sqrt(np.maximum(excess, 2.0 * N ** (1.0 / 3.0))) / np.pi
    counting = np.concatenate([[0.0], np.cumsum(np.maximum(density[1:], density[:-1]) * np.diff(fine))])
    # Beyond the edge one decay length carries the whole window, however many Airy scales it spans.
    panels = int(np.ceil(min(counting[-1] / SPACINGS, N + 8.0))) if counting[-1] > 0.0 else 1
    edges = np.interp(np.linspace(0.0, counting[-1], panels + 1), counting, fine)
    edges[0], edges[-1] = low, high
    return edges


def _sum_panels(N: int, log_weight: LogWeight, low: FloatArray, high: FloatArray, owner: Any, count: int) -> FloatArray:
    """Integrate the panels, bisecting the unresolved ones, and add them up by owner in log space."""
    total = np.full(count, -np.inf)
    x, weights = np.polynomial.legendre.leggauss(NODES)
    tail = _legendre_tail(x, weights)
    for _ in range(MAX_BISECTIONS):
        again = np.zeros(low.size, dtype=bool)
        for start in range(0, low.size, BLOCK):
            block = slice(start, min(start + BLOCK, low.size))
            half = 0.5 * (high[block] - low[block])
            y = (0.5 * (high[block] + low[block]))[:, None] + half[:, None] * x
            height = log_density(y, N) + log_weight(y)
            top = height.max(axis=1)
            scaled = np.exp(height - np.where(np.isinf(top), 0.0, top)[:, None])
            with np.errstate(divide="ignore"):
                value = np.log(half * (scaled @ weights)) + top
            reference = np.maximum(total[owner[block]], value)
            with np.errstate(invalid="ignore"):
                error = np.abs(scaled @ tail).max(axis=1) * half * np.exp(top - reference)
            again[block] = error > UNRESOLVED
            done = ~again[block]
            np.logaddexp.at(total, owner[block][done], value[done])
        if not again.any():
            return total
        middle = 0.5 * (low[again] + high[again])
        low, high = np.concatenate([low[again], middle]), np.concatenate([middle, high[again]])
        owner = np.concatenate([owner[again], owner[again]])
    raise ValueError("log_weight is not smooth: the quadrature did not resolve it after 40 bisections")


def _legendre_tail(x: FloatArray, weights: FloatArray) -> FloatArray:
    """Matrix (NODES, 3) from values at the nodes to the last three Legendre coefficients."""
    degrees = np.arange(NODES - 3, NODES)
    basis = np.polynomial.legendre.legvander(x, NODES - 1)[:, degrees]
    return np.asarray(basis * weights[:, None] * (degrees + 0.5), dtype=np.float64)
