"""D(q) = s + ∫_q^1 α of a ground state, piece by piece, and the proof of how far it is from the best one.

A piece is a line (α constant, between two overlaps with positive weight), or has D = 1/√ξ'' (every overlap in it has).
The functional (`ground_state`) at D is an upper bound of E_0. The dual problem gives a lower one: for every g ≥ 0 with

    W(t) = ∫ (1 − max(q, t)) g(q)² dq ≤ Δ(t) = ξ(1) − ξ(t) on [0, 1)   and   P(1) = ∫ g² ≤ ξ'(1),

E_0 ≥ ∫ g, because 1/D + g² D ≥ 2g under the integral. Here g = λ/D with the largest λ that the constraints allow:
λ² = min Δ/W, over all t, not over some of them. On a line both are concave, so Δ lies above its chords and W below its
tangents; between two points their ratio is at least its value where the chord of Δ meets the corner of the tangents of
W. Pieces are halved until this bound agrees with the values at their ends. Where D = 1/√ξ'', Δ − W is linear, and its
ends tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinscape.conventions import FloatArray
from spinscape.theory.mixture import MixtureFunction, deficit, integral_of_root

IntArray: TypeAlias = NDArray[np.int64]

_RESOLVED = 1e-13  # of the ratio: bounds of pieces agree with values at their ends to this
_MOST_PIECES = 2**14  # unclear ones: beyond it the bounds reached are taken
_NEAREST = 1e-15  # to overlap 1, where pieces are no longer halved
_ROUNDING = 64 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Profile:
    """D on consecutive pieces.

    knots : (pieces + 1,) overlaps from 0 to 1, ascending.
    left, right : (pieces,) D at the ends of each piece.
    full : (pieces,) whether D = 1/√ξ'' there, else it is linear.
    """

    xi: MixtureFunction
    knots: FloatArray
    left: FloatArray
    right: FloatArray
    full: NDArray[np.bool_]

    @cached_property
    def width(self) -> FloatArray:
        """Lengths of the pieces."""
        return np.diff(self.knots)

    @cached_property
    def slope(self) -> FloatArray:
        """α on linear pieces, its mean on others."""
        return (self.left - self.right) / self.width

    @cached_property
    def inverse(self) -> FloatArray:
        """∫ 1/D over each piece."""
        fall = 1 - self.right / self.left
        whole = self.width / self.left * (1 + fall * chi(fall))
        for j, (exact, _) in self._roots.items():
            whole[j] = exact
        return whole

    @cached_property
    def _roots(self) -> dict[int, tuple[float, float]]:
        """∫ √ξ'' over each full piece, and its error."""
        ends = zip(self.knots, self.knots[1:], strict=False)
        return {j: integral_of_root(self.xi, *pair) for j, pair in enumerate(ends) if self.full[j]}

    @cached_property
    def rise(self) -> FloatArray:
        """P = ∫₀ D⁻² at the knots."""
        first = self.xi(self.knots, 1)
        with np.errstate(divide="ignore"):
            pieces = np.where(self.full, np.diff(first), self.width / (self.left * self.right))
        return np.concatenate([[0.0], np.cumsum(pieces)])

    @cached_property
    def deficits(self) -> FloatArray:
        """Δ = ξ(1) − ξ at the knots."""
        return deficit(self.xi, self.knots)

    @cached_property
    def weight(self) -> FloatArray:
        """W = ∫ P from each knot to 1, summed from 1: a sum of positive terms."""
        fall = 1 - self.right / self.left
        first = self.xi(self.knots[:-1], 1)
        bends = -np.diff(self.deficits) - first * self.width
        pieces = self.rise[:-1] * self.width + np.where(self.full, bends, self.width**2 * chi(fall) / self.left**2)
        return np.concatenate([np.cumsum(pieces[::-1])[::-1], [0.0]])

    def value(self) -> float:
        """The functional: an upper bound of E_0 wherever D is concave."""
        first = self.xi(self.knots, 1)
        with np.errstate(invalid="ignore"):
            bent = first[:-1] * self.left - first[1:] * self.right + self.inverse
        ordered = np.where(self.full, bent, -self.slope * np.diff(self.deficits))
        return float(0.5 * (first[-1] * self.right[-1] + ordered.sum() + self.inverse.sum()))

    def gap(self) -> float:
        """A proven bound of value() − E_0, rounding allowed for."""
        value = self.value()
        proven = np.sqrt(self.allowed()) * float(self.inverse.sum())
        return float(max(value - proven, 0.0) + _ROUNDING * value + 2 * sum(error for _, error in self._roots.values()))

    def allowed(self) -> float:
        """λ²: a lower bound of Δ/W over all overlaps, at most 1."""
        ratio = np.concatenate([self.deficits[:-1] / self.weight[:-1], [self.xi(1.0, 1) / self.rise[-1]]])
        least = min(float(ratio.min()), 1.0)
        for j in np.flatnonzero(~self.full):
            least = min(least, self._allowed_on(int(j), least))
        return least

    def ratio(self, t: FloatArray) -> FloatArray:
        """Δ/W at overlaps on linear pieces."""
        j = np.clip(np.searchsorted(self.knots, t, side="right") - 1, 0, len(self.width) - 1)
        return deficit(self.xi, t) / self._inside(j, t)[0]

    def _allowed_on(self, j: int, least: float) -> float:
        """The bound on a linear piece; what is known to be above `least` is not looked at again."""
        ends = np.linspace(self.knots[j], self.knots[j + 1], 9)
        beyond = np.inf
        if j == len(self.width) - 1:  # halves towards 1
            halvings = int(np.ceil(np.log2(self.width[j] / _NEAREST)))
            ends = 1 - self.width[j] * 0.5 ** np.arange(max(halvings, 1) + 1)
            last, w = 1 - ends[-1], float(self.rise[-1])
            beyond = float(deficit(self.xi, ends[-1])) / (last * w)  # Δ is concave and W ≤ P(1) (1 − t)
        low, high = ends[:-1], ends[1:]
        while True:
            bound, at_ends = self._bounds(j, low, high)
            least = min(least, at_ends)
            unclear = bound < least - _RESOLVED
            if not unclear.any() or np.count_nonzero(unclear) > _MOST_PIECES:
                return min(float(bound.min()), least - _RESOLVED, beyond)
            low, high = low[unclear], high[unclear]
            middle = (low + high) / 2
            low, high = np.concatenate([low, middle]), np.concatenate([middle, high])

    def _bounds(self, j: int, low: FloatArray, high: FloatArray) -> tuple[FloatArray, float]:
        """Lower bounds of Δ/W between the overlaps of piece j, and the smallest value met at the ends."""
        (w0, p0), (w1, p1) = self._inside(j, low), self._inside(j, high)
        d0, d1 = deficit(self.xi, low), deficit(self.xi, high)
        length = high - low
        with np.errstate(invalid="ignore"):
            corner = np.clip(np.nan_to_num((w0 - w1 - p1 * length) / (p0 - p1)), 0.0, length)
        chord = d0 + (d1 - d0) * corner / length
        at_ends = np.minimum(d0 / w0, d1 / w1)
        return np.minimum(chord / (w0 - p0 * corner), at_ends), float(at_ends.min())

    def _inside(self, j: int | IntArray, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """W and P at overlaps of linear pieces, from their right ends."""
        rest = self.knots[j + 1] - t
        d = self.right[j] + self.slope[j] * rest
        p = self.rise[j] + (t - self.knots[j]) / (self.left[j] * d)
        return self.weight[j + 1] + p * rest + rest**2 * chi(self.slope[j] * rest / d) / d**2, p


def chi(z: FloatArray) -> FloatArray:
    """(−z − log(1 − z)) / z² for 0 ≤ z < 1, continued to ½ at 0."""
    small = z < 1e-2
    power_series = np.polynomial.polynomial.polyval(np.where(small, z, 0.0), 1.0 / np.arange(2.0, 12.0))
    large = np.where(small, 0.5, z)
    with np.errstate(divide="ignore"):
        return np.where(small, power_series, (-large - np.log1p(-large)) / large**2)
