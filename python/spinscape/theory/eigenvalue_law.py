r"""The exact law of the k-th smallest eigenvalue of GOE_N, tabulated once per N on Chebyshev panels.

:math:`F_k(y)=\mathrm P(\lambda_k\le y)=\mathrm P(\#>k)`, :math:`G_k=1-F_k`, :math:`p_k=F_k'`, in Mehta's scale and in
logarithms. A panel holds the Chebyshev coefficients of :math:`\log F_k` and :math:`\log G_k` for a block of six
indices; it is computed when a query first touches it, and kept. Cost of a panel: 0.1 s at N = 10, 0.5 s at
N = 1000, for k up to 5 and left of the bulk; a law needs about ten.

The density of an ordered eigenvalue of the GOE is log-concave (a marginal of a log-concave density on the
ordered cone; Prekopa), which bounds what lies beyond the panels that can be computed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from spinscape.conventions import FloatArray
from spinscape.theory.counting_law import counting_law
from spinscape.theory.one_point import log_density
from spinscape.theory.quadrature import log_integral

BLOCK = 6  # indices tabulated together
POINTS = 18  # Chebyshev points of a panel
LARGEST_INDEX = 60  # the cost grows as the fourth power of the index
LAST_PANEL = 14  # to 280 fluctuation lengths below the edge; the far tail takes over
FIRST_FAR_PANEL = 4  # the last resolved panel from which the repulsion law of the far tail may take over
USABLE = 1e-3  # estimated error of log F_k up to which a panel is used
CHECKED = np.array([2, POINTS - 3])  # points of a panel that are computed twice


class Law(NamedTuple):
    """Logarithms of P(lambda_k <= y), P(lambda_k > y) and of the density, and an estimate of their error."""

    log_below: FloatArray
    log_above: FloatArray
    log_density: FloatArray
    error: FloatArray

    def mirrored(self) -> Law:
        """The law of minus the eigenvalue."""
        return Law(self.log_above, self.log_below, self.log_density, self.error)


class Panel(NamedTuple):
    """Chebyshev coefficients (POINTS, indices) of log F_k and log G_k on [low, high], and error estimates."""

    low: float
    high: float
    log_below: FloatArray
    log_above: FloatArray
    error: FloatArray


def airy_scale(N: int) -> float:
    """Fluctuation length of the extreme eigenvalues, 1/(sqrt2 N^(1/6)), Mehta's scale."""
    return float(1.0 / (np.sqrt(2.0) * N ** (1.0 / 6.0)))


@lru_cache(maxsize=4096)
def panel_edge(N: int, number: int) -> float:
    """Upper end of panel `number`; numbers grow to the left, 0 begins at the edge of the semicircle.

    Panels are 2.5 fluctuation lengths wide near the edge, two and a half eigenvalues wide in the bulk, and
    grow by a factor 1.4 in the tail, where everything is a smooth function of the logarithm of the distance.
    """
    if number >= 2:
        t = 5.0 * 1.4 ** (number - 2)
    elif number >= -3:
        t = 2.5 * number
    else:
        t = -((1.5 * np.pi * (4.36 + 2.5 * (-3 - number))) ** (2.0 / 3.0))
    return float(-np.sqrt(2.0 * N) - t * airy_scale(N))


def panel_number(N: int, y: float) -> int:
    """The panel that holds y, LAST_PANEL + 1 if it is beyond the last."""
    number = 0
    while number <= LAST_PANEL and y < panel_edge(N, number + 1):
        number += 1
    while y > panel_edge(N, number):
        number -= 1
    return number


@lru_cache(maxsize=4096)
def panel(N: int, block: int, number: int) -> Panel:
    """Tabulate panel `number` of GOE_N for the indices 6 * block to 6 * block + 5."""
    low, high = panel_edge(N, number + 1), panel_edge(N, number)
    angle = np.pi * (np.arange(POINTS) + 0.5) / POINTS
    y = 0.5 * (high + low) + 0.5 * (high - low) * np.cos(angle)
    first, largest = BLOCK * block, min(BLOCK * block + BLOCK, N) - 1
    inside = max(high + np.sqrt(2.0 * N), 0.0) / airy_scale(N)
    nodes = 36 + 4 * int(2.0 / (3.0 * np.pi) * inside**1.5)  # the eigenvalues that the edge law expects inside
    law = counting_law(N, y, largest, nodes)
    check = counting_law(N, y[CHECKED], largest, nodes + 6, drop=66.0, relax=0.5)
    transform = np.cos(np.outer(np.arange(POINTS), angle)) * (2.0 / POINTS)
    transform[0] *= 0.5
    below, above = law.log_above[:, first:], law.log_not_above[:, first:]
    difference = np.where(
        above[CHECKED] < below[CHECKED],
        above[CHECKED] - check.log_not_above[:, first:],
        below[CHECKED] - check.log_above[:, first:],
    )
    with np.errstate(invalid="ignore"):
        coefficients = transform @ below, transform @ above
        error = 3.0 * np.abs(difference).max(axis=0) + 1e-12
        used = np.where(above[0] < below[0], coefficients[1], coefficients[0])
        # The density is a derivative: the last coefficients enter it times POINTS.
        error += POINTS * np.abs(used[-2:]).sum(axis=0)
    lost = ~np.isfinite(coefficients[0] + coefficients[1]).all(axis=0)
    return Panel(low, high, *coefficients, np.where(lost, np.inf, error))


def expected_below(y: float, N: int) -> float:
    """Leading order of the number of eigenvalues below y: N times the semicircle's mass."""
    x = min(max(y / np.sqrt(2.0 * N), -1.0), 1.0)
    return float(N * (0.5 + (x * np.sqrt(1.0 - x * x) + np.arcsin(x)) / np.pi))


def eigenvalue_law(y: FloatArray, N: int, k: int) -> Law:
    """Law of the k-th smallest eigenvalue of GOE_N at the points y, Mehta's scale, k <= (N - 1)/2.

    Parameters
    ----------
    y : (points,) float64, finite
    N : int >= 2
    k : int

    Returns
    -------
    Law
        Arrays of the shape of `y`.
    """
    result = Law(*(np.empty_like(y) for _ in range(4)))
    turned = (y > panel_edge(N, centre_panel(N, k))) & _both_tabulated(N, k)
    for here, mirror in ((~turned, False), (turned, True)):
        if here.any():
            law = _left_law(-y[here], N, N - 1 - k) if mirror else _left_law(y[here], N, k)
            for target, values in zip(result, law.mirrored() if mirror else law, strict=True):
                target[here] = values
    return result


def _both_tabulated(N: int, k: int) -> bool:
    """Whether N is so small that index k is in the first block from either end: left tails are the better ones."""
    return N - 1 - k < BLOCK


def _left_law(y: FloatArray, N: int, k: int) -> Law:
    """The law from the tables of index k itself."""
    result = Law(*(np.empty_like(y) for _ in range(4)))
    numbers = np.array([panel_number(N, float(value)) for value in y], dtype=np.int64)
    for number in np.unique(numbers):
        here = numbers == number
        nearest = _resolved(N, k, int(number))
        if nearest == number:
            part = _on_panel(y[here], N, k, nearest)
        elif number > nearest >= FIRST_FAR_PANEL:
            part = _far_left(y[here], N, k, nearest)
        else:
            part = _tangent(y[here], N, k, nearest, number > nearest)
        for target, values in zip(result, part, strict=True):
            target[here] = values
    return result


def centre_panel(N: int, k: int) -> int:
    """The panel where the semicircle expects k + 1/2 eigenvalues below; always resolved."""
    low, high = -np.sqrt(2.0 * N), 0.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if expected_below(middle, N) < k + 0.5 else (low, middle)
    return panel_number(N, low)


def resolved_panel(N: int, k: int, number: int) -> int:
    """The panel nearest to `number`, on the way from the centre of the law, that has digits: often `number`."""
    if number < centre_panel(N, k) and _both_tabulated(N, k):
        return number
    return _resolved(N, k, number)


def _resolved(N: int, k: int, number: int) -> int:
    nearest = centre_panel(N, k)
    step = 1 if number > nearest else -1
    while nearest != number:
        following = nearest + step
        if following > LAST_PANEL or not panel(N, k // BLOCK, following).error[k % BLOCK] < USABLE:
            break
        nearest = following
    return nearest


def _on_panel(y: FloatArray, N: int, k: int, number: int) -> Law:
    table = panel(N, k // BLOCK, number)
    column = k % BLOCK
    half = 0.5 * (table.high - table.low)
    x = (y - 0.5 * (table.high + table.low)) / half
    below, below_slope = _chebyshev(x, table.log_below[:, column])
    above, above_slope = _chebyshev(x, table.log_above[:, column])
    # log F carries the digits of the density where F < 1/2, log G elsewhere.
    right = above < below
    known = np.where(right, above, below)
    slope = np.where(right, -above_slope, below_slope) / half
    with np.errstate(divide="ignore"):
        other = np.log(-np.expm1(np.minimum(known, 0.0)))
        density = known + np.log(np.maximum(slope, 0.0))
    error = np.full_like(y, table.error[column])
    return Law(np.where(right, other, known), np.where(right, known, other), density, error)


def _chebyshev(x: FloatArray, coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Value and derivative with respect to x."""
    derivative = np.polynomial.chebyshev.chebder(coefficients)
    value, slope = (np.polynomial.chebyshev.chebval(x, c) for c in (coefficients, derivative))
    return np.asarray(value, dtype=np.float64), np.asarray(slope, dtype=np.float64)


def _far_left(y: FloatArray, N: int, k: int, last: int) -> Law:
    r"""Left of the last resolved panel.

    :math:`F_0=\int R_N` exactly there. The repulsion of the k + 1 lowest eigenvalues makes
    :math:`F_k/F_0^{k+1}` proportional to :math:`(y^2-2N)^{-3k(k+1)/4}(1+O(\varepsilon))`,
    :math:`\varepsilon=N^{-1}(y^2/N-2)^{-3/2}`; the constant is matched at the panel's end. The error estimate is
    the size of the term left out there, :math:`3(k+1)^3\varepsilon`, as measured at N = 100.
    """
    if k == 0:
        log_f0 = np.array([log_integral(N, np.zeros_like, -np.inf, float(value)) for value in y])
        return Law(log_f0, -np.exp(log_f0), log_density(y, N), np.full_like(y, 1e-12))
    lowest = _left_law(y, N, 0)
    end = panel_edge(N, last + 1)
    at_end = _on_panel(np.array([end]), N, k, last).log_below[0]
    gap, gap_end = y * y - 2.0 * N, end * end - 2.0 * N
    power = 0.75 * k * (k + 1)
    lowest_end = _left_law(np.array([end]), N, 0).log_below[0]
    log_f = at_end + (k + 1) * (lowest.log_below - lowest_end) - power * np.log(gap / gap_end)
    with np.errstate(over="ignore"):  # a hazard beyond doubles is infinite
        log_p = log_f + np.log((k + 1) * np.exp(lowest.log_density - lowest.log_below) - 2.0 * power * y / gap)
    error = 3.0 * (k + 1) ** 3 / (N * (gap_end / N) ** 1.5)
    return Law(log_f, -np.exp(log_f), log_p, np.full_like(y, error))


def _tangent(y: FloatArray, N: int, k: int, last: int, left: bool) -> Law:
    """Beyond the last resolved panel: the tangents at its end, upper bounds because the functions are log-concave."""
    low, high = panel_edge(N, last + 1), panel_edge(N, last)
    end, inner = (low, low + 0.05 * (high - low)) if left else (high, high - 0.05 * (high - low))
    at_end, before = (_on_panel(np.array([point]), N, k, last) for point in (end, inner))
    moved = (y - end) / (end - inner)
    below, above, density = (
        outer[0] + (outer[0] - inside[0]) * moved for outer, inside in zip(at_end[:3], before[:3], strict=True)
    )
    below, above = (below, -np.exp(below)) if left else (-np.exp(above), above)
    return Law(below, above, density, np.full_like(y, np.inf))
