"""The ground state of a spherical mixed model: the Crisanti–Sommers problem at zero temperature, solved.

With D(q) = s + ∫_q^1 α(r) dr the variational formula of Chen and Sen (arXiv:1512.08492, Theorem 1) reads

    E_0 = min over s > 0 and non-decreasing α ≥ 0 of  F = ½ [ ξ'(1) s + ∫₀¹ ξ'(q) α(q) dq + ∫₀¹ dq / D(q) ],

and lim min H_N / N = −E_0. α is the order parameter: the limit T → 0 of x(q)/T, x being Parisi's distribution
function of overlaps. F is strictly convex in D. Writing α as a sum of jumps a_j at overlaps q_j,
D = s + Σ_j a_j (1 − max(q, q_j)),

    ∂F/∂s = ½ [ξ'(1) − ∫ D⁻²],   ∂F/∂a at overlap t = G(t) = ½ [ξ(1) − ξ(t) − ∫ (1 − max(q, t)) D⁻² dq],

and the optimum has G ≥ 0 everywhere and G = 0 on the support of α. The method adds jumps where G is most
negative, minimises over s and all a_j ≥ 0 by Newton's method, and repeats. The dual problem bounds the error:
for every g ≥ 0 with ∫ g² ≤ ξ'(1) and ∫ (1 − max(q, t)) g² ≤ ξ(1) − ξ(t) for all t, E_0 ≥ ∫ g; and g = λ/D
with the largest allowed λ is such a g.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from spinscape.arrays import as_reals
from spinscape.conventions import FloatArray, Xi
from spinscape.theory.mixture import MixtureFunction, mixture

_NODES, _WEIGHTS = (v / 2 for v in np.polynomial.legendre.leggauss(16))
_NODES = _NODES + 0.5
_FEW = 20  # steps; more of them are a staircase that stands for a continuous order parameter
_ROUNDS = 40


@dataclass(frozen=True)
class GroundState:
    """The ground state of a mixed spherical model and its order parameter.

    energy : E_0 > 0; the lowest energy density is −E_0 for large N. An upper bound on the true value.
    gap : the dual bound proves E_0 ≥ energy − gap (its constraint is checked on a grid of overlaps).
    overlaps : (steps,) the overlaps q_j < 1 at which the order parameter jumps, ascending: none for a
        replica-symmetric model, 0 alone for one step of replica symmetry breaking without a field, and a fine
        staircase in place of every interval where symmetry breaking is full.
    jumps : (steps,) the heights a_j > 0 of these jumps, in units of 1/energy density.
    susceptibility : s = D(1), the limit of (1 − q_EA)/T as T → 0.
    """

    energy: float
    gap: float
    overlaps: FloatArray = field(repr=False)
    jumps: FloatArray = field(repr=False)
    susceptibility: float

    def order_parameter(self, q: ArrayLike) -> FloatArray:
        """α(q) = Σ_j a_j 1{q ≥ q_j} on [0, 1)."""
        points = as_reals(q, "q")
        heights = np.concatenate([[0.0], np.cumsum(self.jumps)])
        return heights[np.searchsorted(self.overlaps, points, side="right")]

    def integrated_order_parameter(self, q: ArrayLike) -> FloatArray:
        """D(q) = susceptibility + ∫_q^1 α(r) dr: concave, and 1/√ξ''(q) where breaking is full."""
        points = as_reals(q, "q")[..., np.newaxis]
        return np.asarray(self.susceptibility + (1 - np.maximum(points, self.overlaps)) @ self.jumps)


def ground_state_energy_mixed(xi: Xi) -> float:
    """E_0 > 0 with lim min H_N/N = −E_0, for any mixture. See `ground_state_mixed`.

    Relative error below 1e-10, and where symmetry breaking is continuous below 1e-8 by proof and 1e-10 by comparison
    with closed forms.

    Proved for every mixture: Talagrand (2006), Chen (arXiv:1204.5115) and, at zero temperature, Chen and Sen
    (arXiv:1512.08492, Theorem 1).
    """
    return ground_state_mixed(xi).energy


def ground_state_mixed(xi: Xi) -> GroundState:
    """The minimiser of the zero-temperature Crisanti–Sommers problem, with a bound on its own error.

    xi : {p: c_p}, or a function xi(q, order); p = 1 (a Gaussian random field) is allowed.
    RuntimeError if the duality gap does not fall below 1e-10 of the energy, or 1e-8 where breaking is continuous.
    """
    problem = _Problem(mixture(xi))
    steps = _Steps(problem.first**-0.5, np.zeros(0), np.zeros(0))
    for _ in range(_ROUNDS):
        steps = problem.minimise(steps)
        gap, candidates = problem.certify(steps)
        if gap <= _tolerance(problem, steps) or not candidates.size:
            break
        steps = steps.with_overlaps(candidates)
    steps, gap = _merge(problem, steps, gap)
    energy = problem.value(steps)
    if gap > _tolerance(problem, steps):
        raise RuntimeError(f"the ground-state problem stopped at energy {energy:.15g} with duality gap {gap:.3g}")
    return GroundState(energy, gap, steps.overlaps, steps.jumps, steps.base)


@dataclass(frozen=True)
class _Steps:
    """D(q) = base + Σ jumps (1 − max(q, overlaps)), overlaps ascending in [0, 1)."""

    base: float
    overlaps: FloatArray
    jumps: FloatArray

    def with_overlaps(self, more: FloatArray) -> _Steps:
        """The same D with empty steps at further overlaps."""
        overlaps = np.concatenate([self.overlaps, more])
        order = np.argsort(overlaps)
        return _Steps(self.base, overlaps[order], np.concatenate([self.jumps, np.zeros(len(more))])[order])


class _Profile:
    """Closed-form integrals of 1/D and 1/D² for a piecewise linear D."""

    def __init__(self, steps: _Steps) -> None:
        x = np.unique(np.concatenate([[0.0], steps.overlaps, [1.0]]))
        d = steps.base + steps.jumps @ (1 - np.maximum(x, steps.overlaps[:, np.newaxis]))
        h, fall = np.diff(x), 1 - d[1:] / d[:-1]
        self.x, self.d, self.h, self.slope = x, d, h, fall / h
        self.inverse = float(np.sum(h / d[:-1] * (1 + fall * _chi(fall))))  # ∫ 1/D
        self.rise = np.concatenate([[0.0], np.cumsum(h / (d[:-1] * d[1:]))])  # P(x) = ∫₀^x D⁻²
        piece = self.rise[:-1] * h + h**2 * _chi(fall) / d[:-1] ** 2
        self.tail = np.concatenate([np.cumsum(piece[::-1])[::-1], [0.0]])  # ∫_x^1 P

    def weight_beyond(self, t: FloatArray) -> FloatArray:
        """∫ (1 − max(q, t)) D⁻² dq = ∫_t^1 P."""
        j = np.clip(np.searchsorted(self.x, t, side="right") - 1, 0, len(self.h) - 1)
        y = t - self.x[j]
        within = self.rise[j] * y + y**2 * _chi(self.slope[j] * y) / self.d[j] ** 2
        return np.asarray(self.tail[j] - within)

    def curvature(self, overlaps: FloatArray) -> FloatArray:
        """∫ φ_i φ_j D⁻³ for φ_0 = 1 and φ_j = 1 − max(q, q_j), from three running integrals.

        With M_k(x) = ∫₀^x (1−q)^k D⁻³ and q_i ≤ q_j the integral is
        (1−q_j) [(1−q_i) M_0(q_i) + M_1(q_j) − M_1(q_i)] + M_2(1) − M_2(q_j).
        """
        weight, q = self._cubic_rule()
        moments = [np.concatenate([[0.0], np.cumsum(np.sum(weight * (1 - q) ** k, axis=1))]) for k in range(3)]
        at = np.searchsorted(self.x, overlaps)
        m0, m1, beyond, rest = moments[0][at], moments[1][at], (moments[2][-1] - moments[2])[at], 1 - overlaps
        upper = rest * ((rest * m0 - m1)[:, np.newaxis] + m1) + beyond
        product = np.empty((len(at) + 1, len(at) + 1))
        product[0, 0] = moments[0][-1]
        product[0, 1:] = product[1:, 0] = rest * m0 + moments[1][-1] - m1
        product[1:, 1:] = np.triu(upper) + np.triu(upper, 1).T
        return product

    def _cubic_rule(self) -> tuple[FloatArray, FloatArray]:
        """Weights of ∫ f D⁻³ and its nodes, (pieces, 16): Gauss nodes in log D keep steep pieces accurate."""
        ratio = np.log(self.d[:-1] / self.d[1:])[:, np.newaxis]
        flat = ratio < 1e-12
        safe = np.where(flat, 1.0, ratio)
        fraction = np.where(flat, _NODES, np.expm1(-safe * _NODES) / np.expm1(-safe))
        density = np.where(flat, 1.0, -safe * np.exp(-safe * _NODES) / np.expm1(-safe))
        d = self.d[:-1, np.newaxis] * np.exp(-ratio * _NODES)
        h = self.h[:, np.newaxis]
        return h * density * _WEIGHTS / d**3, self.x[:-1, np.newaxis] + h * fraction


@dataclass(frozen=True)
class _Problem:
    """The functional F of one mixture, its minimisation over given overlaps and its dual certificate."""

    xi: MixtureFunction

    @property
    def first(self) -> float:
        return float(self.xi(1.0, 1))

    def deficit(self, t: FloatArray) -> FloatArray:
        return self.xi(1.0, 0) - self.xi(t, 0)

    def value(self, steps: _Steps) -> float:
        linear = self.first * steps.base + float(steps.jumps @ self.deficit(steps.overlaps))
        return 0.5 * (linear + _Profile(steps).inverse)

    def minimise(self, steps: _Steps) -> _Steps:
        """Newton's method over s > 0 and the jumps a_j ≥ 0; a jump that reaches 0 leaves the set."""
        previous = np.inf
        for _ in range(500):
            direction, decrement = self._newton(steps)
            # close to the minimum the value is flat to rounding: only the decrement still shows progress
            close = decrement <= 1e-10 * self.value(steps)
            if close and (decrement >= previous or decrement <= 1e-22 * self.value(steps)):
                break
            following = self._move(steps, direction, 0.0 if close else decrement)
            if following is None:
                break
            previous = decrement if close and len(following.jumps) == len(steps.jumps) else np.inf
            steps = following
        used = steps.jumps > 0
        return _Steps(steps.base, steps.overlaps[used], steps.jumps[used])

    def _newton(self, steps: _Steps) -> tuple[FloatArray, float]:
        profile, overlaps = _Profile(steps), steps.overlaps
        at_overlaps = self.deficit(overlaps) - profile.weight_beyond(overlaps)
        gradient = 0.5 * np.concatenate([[self.first - profile.rise[-1]], at_overlaps])
        curvature = profile.curvature(overlaps)
        # steps that have closed up on each other make the curvature singular to rounding: a trace of a ridge
        curvature.flat[:: len(gradient) + 1] *= 1 + 1e-14
        direction = np.asarray(-np.linalg.solve(curvature, gradient), dtype=np.float64)
        return direction, float(-gradient @ direction)

    def _move(self, steps: _Steps, direction: FloatArray, decrement: float) -> _Steps | None:
        """The longest step inside the cone, halved until the value falls; unchecked if decrement is 0."""
        start, position = self.value(steps), np.concatenate([[steps.base], steps.jumps])
        shrinking = direction < 0
        reach = np.full(len(position), np.inf)
        reach[shrinking] = -position[shrinking] / direction[shrinking]
        reach[0] *= 0.9
        size = min(1.0, float(reach.min()))
        blocked = reach <= size * (1 + 1e-9)  # these jumps end at 0, which rounding would miss
        blocked[0] = False
        if size < 1e-12:  # empty jumps that want to shrink: drop them, nothing else moves
            keep = ~blocked[1:]
            return _Steps(steps.base, steps.overlaps[keep], steps.jumps[keep])
        while size > 1e-12:
            moved = np.where(blocked, 0.0, position + size * direction)
            keep = moved[1:] > 0
            trial = _Steps(float(moved[0]), steps.overlaps[keep], moved[1:][keep])
            if decrement == 0.0 or self.value(trial) <= start - 1e-4 * size * decrement:
                return trial
            size, blocked = size / 2, np.zeros_like(blocked)
        return None

    def certify(self, steps: _Steps) -> tuple[float, FloatArray]:
        """The duality gap, and the overlaps where the dual constraint is violated most."""
        profile = _Profile(steps)
        inner = profile.x[:-1, np.newaxis] + profile.h[:, np.newaxis] * np.arange(8) / 8
        t = np.unique(np.concatenate([np.arange(400) / 400, inner.ravel()]))
        t = t[t < 1 - 1e-5]  # closer to 1 both sides vanish and the ratio tends to that of the base
        ratio = self.deficit(t) / profile.weight_beyond(t)
        scale = min(float(ratio.min()), self.first / profile.rise[-1], 1.0)
        gap = max(self.value(steps) - np.sqrt(scale) * profile.inverse, 0.0)
        return float(gap), _minima(t, ratio, steps.overlaps)


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


def _tolerance(problem: _Problem, steps: _Steps) -> float:
    """The gap at which to stop: a staircase would need ever more steps, and its energy is far closer than its gap."""
    return (1e-10 if len(steps.jumps) <= _FEW else 1e-8) * problem.value(steps)


def _merge(problem: _Problem, steps: _Steps, gap: float) -> tuple[_Steps, float]:
    """Unite steps that straddle one true jump, as far as the certificate allows it; leave a staircase alone."""
    tolerance = max(gap, _tolerance(problem, steps))
    while 1 < len(steps.overlaps) <= _FEW and np.diff(steps.overlaps).min() < 1e-2:
        i = int(np.argmin(np.diff(steps.overlaps)))
        total = steps.jumps[i] + steps.jumps[i + 1]
        middle = float(steps.overlaps[i : i + 2] @ steps.jumps[i : i + 2] / total)
        overlaps = np.concatenate([steps.overlaps[:i], [middle], steps.overlaps[i + 2 :]])
        jumps = np.concatenate([steps.jumps[:i], [total], steps.jumps[i + 2 :]])
        united = problem.minimise(_Steps(steps.base, overlaps, jumps))
        united_gap = problem.certify(united)[0]
        if united_gap > tolerance:
            break
        steps, gap = united, united_gap
    return steps, gap


def _chi(z: FloatArray) -> FloatArray:
    """(−z − log(1 − z)) / z² for 0 ≤ z < 1, continued to ½ at 0."""
    small = z < 1e-2
    power_series = np.polynomial.polynomial.polyval(np.where(small, z, 0.0), 1.0 / np.arange(2.0, 12.0))
    large = np.where(small, 0.5, z)
    return np.where(small, power_series, (-large - np.log1p(-large)) / large**2)
