"""The ground-state problem over staircases: jumps of the order parameter at given overlaps, and where more would help.

With D = s + Σ_j a_j (1 − max(q, q_j)) the functional is convex in s > 0 and a_j ≥ 0, and

    ∂F/∂s = ½ [ξ'(1) − P(1)],   ∂F/∂a at overlap t = ½ [Δ(t) − W(t)]

(`overlap_profile`). The best staircase on given overlaps is found by Newton's method; new overlaps are put where Δ/W is
lowest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinscape.conventions import FloatArray
from spinscape.theory.mixture import MixtureFunction
from spinscape.theory.overlap_profile import Profile

_NODES, _WEIGHTS = (v / 2 for v in np.polynomial.legendre.leggauss(16))
_NODES = _NODES + 0.5


@dataclass(frozen=True)
class Steps:
    """D(q) = base + Σ jumps (1 − max(q, overlaps)), overlaps ascending in [0, 1)."""

    base: float
    overlaps: FloatArray
    jumps: FloatArray

    def with_overlaps(self, more: FloatArray) -> Steps:
        """The same D with empty steps at further overlaps."""
        overlaps = np.concatenate([self.overlaps, more])
        order = np.argsort(overlaps)
        return Steps(self.base, overlaps[order], np.concatenate([self.jumps, np.zeros(len(more))])[order])

    def at(self, q: FloatArray) -> FloatArray:
        """D at overlaps."""
        return np.asarray(self.base + (1 - np.maximum(q[:, np.newaxis], self.overlaps)) @ self.jumps)

    def profile(self, xi: MixtureFunction) -> Profile:
        """D as lines between its steps."""
        knots = np.unique(np.concatenate([[0.0], self.overlaps, [1.0]]))
        d = self.at(knots)
        return Profile(xi, knots, d[:-1], d[1:], np.zeros(len(d) - 1, dtype=bool))


def best_steps(xi: MixtureFunction, steps: Steps) -> Steps:
    """Newton's method over s > 0 and the jumps a_j ≥ 0; a jump that reaches 0 leaves the set."""
    previous = np.inf
    for _ in range(500):
        direction, decrement = _newton(xi, steps)
        value = steps.profile(xi).value()
        # close to the minimum the value is flat to rounding: only the decrement still shows progress
        close = decrement <= 1e-10 * value
        if close and (decrement >= previous or decrement <= 1e-22 * value):
            break
        following = _move(xi, steps, direction, 0.0 if close else decrement)
        if following is None:
            break
        previous = decrement if close and len(following.jumps) == len(steps.jumps) else np.inf
        steps = following
    used = steps.jumps > 0
    return Steps(steps.base, steps.overlaps[used], steps.jumps[used])


def better_overlaps(xi: MixtureFunction, steps: Steps) -> FloatArray:
    """Where the dual constraint is violated most, on a grid finer than the steps and graded to 1."""
    profile = steps.profile(xi)
    inner = profile.knots[:-1, np.newaxis] + profile.width[:, np.newaxis] * np.arange(8) / 8
    t = np.unique(np.concatenate([np.arange(400) / 400, 1 - 0.8 ** np.arange(26, 90), inner.ravel()]))
    t = t[t < 1 - 1e-8]
    return _minima(t, profile.ratio(t), steps.overlaps)


def _newton(xi: MixtureFunction, steps: Steps) -> tuple[FloatArray, float]:
    profile = steps.profile(xi)
    at = np.searchsorted(profile.knots, steps.overlaps)
    at_overlaps = profile.deficits[at] - profile.weight[at]
    gradient = 0.5 * np.concatenate([[xi(1.0, 1) - profile.rise[-1]], at_overlaps])
    curvature = _curvature(profile, steps.overlaps)
    # steps that have closed up on each other make the curvature singular to rounding: a trace of a ridge
    curvature.flat[:: len(gradient) + 1] *= 1 + 1e-14
    direction = np.asarray(-np.linalg.solve(curvature, gradient), dtype=np.float64)
    return direction, float(-gradient @ direction)


def _move(xi: MixtureFunction, steps: Steps, direction: FloatArray, decrement: float) -> Steps | None:
    """The longest step inside the cone, halved until the value falls; unchecked if decrement is 0."""
    start, position = steps.profile(xi).value(), np.concatenate([[steps.base], steps.jumps])
    shrinking = direction < 0
    reach = np.full(len(position), np.inf)
    reach[shrinking] = -position[shrinking] / direction[shrinking]
    reach[0] *= 0.9
    size = min(1.0, float(reach.min()))
    blocked = reach <= size * (1 + 1e-9)  # these jumps end at 0, which rounding would miss
    blocked[0] = False
    if size < 1e-12:  # empty jumps that want to shrink: drop them, nothing else moves
        keep = ~blocked[1:]
        return Steps(steps.base, steps.overlaps[keep], steps.jumps[keep])
    while size > 1e-12:
        moved = np.where(blocked, 0.0, position + size * direction)
        keep = moved[1:] > 0
        trial = Steps(float(moved[0]), steps.overlaps[keep], moved[1:][keep])
        if decrement == 0.0 or trial.profile(xi).value() <= start - 1e-4 * size * decrement:
            return trial
        size, blocked = size / 2, np.zeros_like(blocked)
    return None


def _curvature(profile: Profile, overlaps: FloatArray) -> FloatArray:
    """∫ φ_i φ_j D⁻³ for φ_0 = 1 and φ_j = 1 − max(q, q_j), from three running integrals.

    With M_k(x) = ∫₀^x (1−q)^k D⁻³ and q_i ≤ q_j the integral is
    (1−q_j) [(1−q_i) M_0(q_i) + M_1(q_j) − M_1(q_i)] + M_2(1) − M_2(q_j).
    """
    weight, q = _cubic_rule(profile)
    moments = [np.concatenate([[0.0], np.cumsum(np.sum(weight * (1 - q) ** k, axis=1))]) for k in range(3)]
    at = np.searchsorted(profile.knots, overlaps)
    m0, m1, beyond, rest = moments[0][at], moments[1][at], (moments[2][-1] - moments[2])[at], 1 - overlaps
    upper = rest * ((rest * m0 - m1)[:, np.newaxis] + m1) + beyond
    product = np.empty((len(at) + 1, len(at) + 1))
    product[0, 0] = moments[0][-1]
    product[0, 1:] = product[1:, 0] = rest * m0 + moments[1][-1] - m1
    product[1:, 1:] = np.triu(upper) + np.triu(upper, 1).T
    return product


def _cubic_rule(profile: Profile) -> tuple[FloatArray, FloatArray]:
    """Weights of ∫ f D⁻³ and its nodes, (pieces, 16): Gauss nodes in log D keep steep pieces accurate."""
    ratio = np.log(profile.left / profile.right)[:, np.newaxis]
    flat = ratio < 1e-12
    safe = np.where(flat, 1.0, ratio)
    fraction = np.where(flat, _NODES, np.expm1(-safe * _NODES) / np.expm1(-safe))
    density = np.where(flat, 1.0, -safe * np.exp(-safe * _NODES) / np.expm1(-safe))
    d = profile.left[:, np.newaxis] * np.exp(-ratio * _NODES)
    h = profile.width[:, np.newaxis]
    return h * density * _WEIGHTS / d**3, profile.knots[:-1, np.newaxis] + h * fraction


def _minima(t: FloatArray, ratio: FloatArray, taken: FloatArray) -> FloatArray:
    """Local minima below 1 of a sampled function, sharpened by a parabola, at least 1e-9 from those taken."""
    padded = np.concatenate([[np.inf], ratio, [np.inf]])
    lowest = np.flatnonzero((ratio <= padded[:-2]) & (ratio < padded[2:]) & (ratio < 1 - 1e-13))
    found = []
    for i in lowest:
        best = t[i]
        if 0 < i < len(t) - 1:
            x, y = t[i - 1 : i + 2] - t[i], ratio[i - 1 : i + 2] - ratio[i]
            left, right = y[0] / x[0], y[2] / x[2]
            bend = (right - left) / (x[2] - x[0])
            if bend > 0:
                best += float(np.clip(-(left - bend * x[0]) / (2 * bend), x[0], x[2]))
        if not np.any(np.abs(taken - best) < 1e-9):
            found.append(float(best))
    return np.asarray(found, dtype=np.float64)
