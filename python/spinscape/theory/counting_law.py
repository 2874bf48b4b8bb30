r"""The law of the number of eigenvalues of GOE_N below s, to full relative accuracy in both tails.

:math:`\mathrm Ez^{\#}=\sum_jP_jz^j` is known at any z from one determinant (:mod:`spinscape.theory.window`), and
:math:`\#` is a sum of independent Bernoulli variables, so :math:`P_{j+1}/P_j` falls with j, usually by powers of
ten. Evaluated at positive z near :math:`P_{j-1}/P_j`, one z a coefficient, the generating function gives a
triangular-like linear system for the :math:`P_j`, whose loss of digits the 31 digits of the determinant absorb.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinscape.conventions import FloatArray
from spinscape.theory.double_double import DoubleDouble, log_determinants, solve, stack
from spinscape.theory.elementary import decay_exponent
from spinscape.theory.window import Window, windows

COMPRESSION = 0.1  # evaluation points over the ratios of coefficients: small ones push the cut terms down
CUT = 42.0  # natural-log units by which the terms left out of the polynomial must be down

IntegerArray: TypeAlias = NDArray[np.int64]


class CountingLaw(NamedTuple):
    """Logarithms of P(# > k) and P(# <= k), shape (len(s), largest + 1)."""

    log_above: FloatArray
    log_not_above: FloatArray


def window_length(s: FloatArray, N: int, drop: float) -> FloatArray:
    """Length of the window (s - length, s) beyond which the density has fallen by e**-drop."""
    target = np.where(s < 0.0, decay_exponent(s, 2.0 * N), 0.0) + drop
    edge = np.sqrt(2.0 * N)
    low, high = np.full_like(s, edge), np.maximum(np.abs(s), edge) + np.sqrt(2.0 * drop) + 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = decay_exponent(middle, 2.0 * N) < target
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(s + high)


def counting_law(N: int, s: FloatArray, largest: int, m: int, drop: float = 60.0, relax: float = 1.0) -> CountingLaw:
    """P(# > k) and P(# <= k) for k = 0 ... largest, # the number of eigenvalues of GOE_N below s.

    Parameters
    ----------
    N : int >= 2
    s : (points,) float64
        Mehta's scale.
    largest : int < N
    m : int
        Nodes of a window.
    drop, relax : float
        Length of the window in natural-log units of the density, and a factor on the evaluation points; other
        values give an independent evaluation to estimate the error by.

    Returns
    -------
    CountingLaw
        NaN where 31 digits do not resolve the probability: from index 4 on where it is far below 1e-300.
    """
    window = windows(N, s, window_length(s, N, drop), m, (m + 4) // 4)
    x, y = _linear_and_quadratic(window)
    tiny = np.exp2(np.maximum(window.unit, -1074.0))
    most = min(N, largest + 12)
    log_odds = np.stack([_log_odds(window, i, float(tiny[i]), most) for i in range(s.size)])
    # The generating function has degree 2 * (number of pairs) + 1, the last from rho.
    degrees = np.minimum(2 * np.count_nonzero(window.sigma.high, axis=1) + 1, most)
    points = _log_points(log_odds, largest) + np.log(relax)
    counts = np.minimum(_coefficients(log_odds, points, largest), degrees)
    most = int(counts.max())
    log_p = _log_probabilities(x, y, tiny, log_odds[:, :most], points[:, :most], counts)
    log_p += (np.log(2.0) * window.unit)[:, None] * np.arange(log_p.shape[1])
    return _cumulate(log_p, counts, largest)


def _cumulate(log_p: FloatArray, counts: IntegerArray, largest: int) -> CountingLaw:
    # A coefficient lost to rounding is negative, its logarithm NaN: zero where it is only a small part of a sum.
    log_p = np.pad(log_p, ((0, 0), (0, max(largest + 2 - log_p.shape[1], 0))), constant_values=-np.inf)
    lost = np.isnan(log_p) | ((np.arange(log_p.shape[1]) > counts[:, None]) & (log_p == -np.inf))
    log_p = np.where(lost, -np.inf, log_p)
    below = np.logaddexp.accumulate(log_p, axis=1)[:, : largest + 1]
    above = np.logaddexp.accumulate(log_p[:, ::-1], axis=1)[:, ::-1][:, 1 : largest + 2]
    # The coefficients beyond the last one solved for are missing from `above`, which matters only near 1.
    with np.errstate(divide="ignore"):
        complement = np.log(-np.expm1(np.minimum(below, 0.0)))
    large = below < -0.7
    above = np.where(large, complement, np.where(lost[:, 1 : largest + 2], np.nan, above))
    return CountingLaw(above, np.where(lost[:, : largest + 1] & large, np.nan, below))


def _log_points(log_odds: FloatArray, largest: int) -> FloatArray:
    """Logarithms of the evaluation points z_1, z_2, ...; z_0 is 0.

    Below the mode of the law P_0 may be as small as rounding: there z_j is where the terms j - 1 and j + 1 are
    equal, so that its error shrinks from one coefficient to the next. Beyond the mode, and for the guard, the points
    are smaller, which suppresses the terms that are cut.
    """
    following = np.concatenate([log_odds[:, 1:], log_odds[:, -1:]], axis=1)
    below_mode = (np.arange(log_odds.shape[1]) < largest) & (log_odds > 0.0)
    return np.asarray(np.where(below_mode, -0.5 * (log_odds + following), np.log(COMPRESSION) - log_odds))


def _coefficients(log_odds: FloatArray, log_points: FloatArray, largest: int) -> IntegerArray:
    """How many coefficients to solve for: the relative error of P_largest is the product of odds_j z_j from it on."""
    # Point j + 1 belongs to ratio j; the product runs over ratio j + 1 and point j + 1.
    steps = log_odds[:, largest:] + log_points[:, largest - 1 : -1] if largest else log_odds
    enough = np.cumsum(steps, axis=1) < -CUT
    return np.asarray(np.where(enough.any(axis=1), largest + 1 + np.argmax(enough, axis=1), log_odds.shape[1]))


def _log_probabilities(
    x: DoubleDouble,
    y: DoubleDouble,
    tiny: FloatArray,
    log_odds: FloatArray,
    log_points: FloatArray,
    counts: IntegerArray,
) -> FloatArray:
    """Logarithms of P_0 ... P_count of each window, z in units of 1/tiny; ``-inf`` beyond the window's count."""
    windows_, most = log_odds.shape
    used = np.arange(most) < counts[:, None]
    log_odds = np.where(used, log_odds, 0.0)
    z = np.concatenate([np.zeros((windows_, 1)), np.where(used, np.exp(log_points), 0.0)], axis=1)
    wide, unit = DoubleDouble.of(z[..., None, None]), tiny[:, None, None, None]
    matrices = x[:, None] * (wide - unit) + y[:, None] * ((wide - unit) * (wide + unit)) + np.eye(x.shape[-1])
    flat = DoubleDouble(*(part.reshape(-1, *x.shape[1:]) for part in (matrices.high, matrices.low)))
    mantissa, exponent = log_determinants(flat)
    odd = exponent % 2
    root = DoubleDouble(*(part.reshape(z.shape) for part in vars(mantissa.scaled(odd).sqrt()).values()))
    exponent = ((exponent - odd) / 2).reshape(z.shape)
    system, scale = _expected_terms(z, log_odds, used)
    right = root.scaled(np.clip(exponent - exponent[:, :1] - scale, -2000, 2000))
    solution = solve(system, right)
    with np.errstate(invalid="ignore", divide="ignore"):
        log_c = np.log(solution.high) + solution.low / solution.high
    log_p = log_c + exponent[:, :1] * np.log(2.0) + np.pad(np.cumsum(log_odds, axis=1), ((0, 0), (1, 0)))
    return np.where(np.pad(used, ((0, 0), (1, 0)), constant_values=True), log_p, -np.inf)


def _expected_terms(z: FloatArray, log_odds: FloatArray, used: NDArray[np.bool_]) -> tuple[DoubleDouble, FloatArray]:
    """The linear system for the coefficients over their expected values: z_i^j times those, the rows scaled.

    Returns the system, and the power of two that each row was divided by. Rows and columns that are not used are
    those of the identity.
    """
    terms, shifts = [DoubleDouble.of(np.ones(z.shape))], [np.zeros(z.shape)]
    for j in range(log_odds.shape[1]):
        term = terms[-1] * z * np.exp(log_odds[:, j, None])
        _, more = np.frexp(term.high)
        terms.append(term.scaled(-more))
        shifts.append(shifts[-1] + more)
    system = stack([term[..., None] for term in terms], axis=-1)
    shift = np.stack(shifts, axis=-1)
    real = np.pad(used, ((0, 0), (1, 0)), constant_values=True)
    live = real[:, :, None] & real[:, None, :] & (system.high != 0.0)
    scale = np.max(np.where(live, shift, -np.inf), axis=-1)
    scale = np.where(real, scale, 0.0)
    scaled = system.scaled(np.clip(shift - scale[..., None], -2000, 0)) * np.where(live, 1.0, 0.0)
    return scaled + np.eye(real.shape[1]) * np.where(real, 0.0, 1.0)[..., None], scale


def _linear_and_quadratic(window: Window) -> tuple[DoubleDouble, DoubleDouble]:
    r"""X and Y of :math:`(\mathrm Ez^{\#})^2=\det(1+(z-1)X+(z^2-1)Y)` per window, in units of 2**unit and 4**unit."""
    mean, v, w, g = window.mean, window.v, window.w, window.g
    count, rank = v.shape
    corner = mean[:, None, None] * np.eye(2)
    first = stack([-w[:, None], v[:, None]], axis=1)
    empty = DoubleDouble.of(np.zeros((count, rank, rank + 2)))
    x = stack([stack([corner, first], axis=-1), empty], axis=1)
    # Row 2i of sigma (u u'^T - u' u^T) takes its factor from row 2i + 1, and the other way round with a minus.
    partner = np.arange(rank) ^ 1
    strength = window.sigma[:, np.arange(rank) // 2] * np.tile([1.0, -1.0], rank // 2)
    lower = stack([v[:, partner, None], w[:, partner, None], g[:, partner]], axis=-1) * strength[..., None]
    return x, stack([DoubleDouble.of(np.zeros((count, 2, rank + 2))), lower], axis=1)


def _log_odds(window: Window, i: int, tiny: float, count: int) -> FloatArray:
    r"""Approximate logarithms of lambda/(1 - lambda), decreasing, lambda in units of 2**unit; to choose z by.

    The lambda are the doubly degenerate eigenvalues of the matrix kernel on (1, U) and (U, rho). Those that
    doubles do not resolve are continued at the last ratio.
    """
    mean, v, w, g = (float(window.mean.high[i]), window.v.high[i], window.w.high[i], window.g.high[i])
    rank = v.size
    sigma = np.zeros((rank, rank))
    even, odd = np.arange(0, rank, 2), np.arange(1, rank, 2)
    sigma[even, odd], sigma[odd, even] = window.sigma.high[i], -window.sigma.high[i]
    zero, none = np.zeros((rank, rank)), np.zeros((rank, 1))
    column_v, column_w, corner = v[:, None], w[:, None], np.array([[mean]])
    matrix = np.block(
        [
            [zero, column_v, -g - 2.0 * tiny * column_v * w, -column_w],
            [none.T, corner, (1.0 - 2.0 * tiny * mean) * w[None], np.zeros((1, 1))],
            [sigma, none, 2.0 * tiny * sigma @ g, 2.0 * tiny * sigma @ column_w],
            [none.T, np.zeros((1, 1)), v[None], corner],
        ]
    )
    eigenvalues = np.sort(np.linalg.eigvals(matrix).real)[::-1]
    values = (0.5 * (eigenvalues[0::2] + eigenvalues[1::2]))[:count]
    trusted = np.flatnonzero((values > 1e-9 * values[0]) & (values * tiny < 1.0 - 1e-8))
    if trusted.size == 0:  # all but certainly below s: any spread of ratios above 1e8 will do
        return 20.0 * np.arange(count, 0, -1.0)
    first, last = trusted[0], trusted[-1]
    log_odds = np.log(values[first : last + 1]) - np.log1p(-values[first : last + 1] * tiny)
    steps = -np.diff(log_odds) if last > first else np.array([20.0])
    before = log_odds[0] + steps[0] * np.arange(first, 0, -1)
    after = log_odds[-1] - steps[-1] * np.arange(1, count - last)
    return np.concatenate([before, log_odds, after])
