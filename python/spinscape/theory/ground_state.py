"""The ground state of a spherical mixed model: the Crisanti–Sommers problem at zero temperature, solved.

With D(q) = s + ∫_q^1 α(r) dr the variational formula of Chen and Sen (arXiv:1512.08492, Theorem 1) reads

    E_0 = min over s > 0 and non-decreasing α ≥ 0 of  F = ½ [ ξ'(1) s + ∫₀¹ ξ'(q) α(q) dq + ∫₀¹ dq / D(q) ],

and lim min H_N / N = −E_0. α is the order parameter: the limit T → 0 of x(q)/T, x being Parisi's distribution
function of overlaps. F is strictly convex in D. A staircase close to the optimum (`staircase`) shows the pattern of
symmetry breaking; its overlaps are then solved to rounding (`breaking`), and the dual problem bounds the error over all
overlaps (`overlap_profile`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from spinscape.arrays import as_reals, ignoring_underflow
from spinscape.conventions import FloatArray, Xi
from spinscape.theory.breaking import patterns, solved, staircase_of
from spinscape.theory.mixture import MixtureFunction, mixture
from spinscape.theory.overlap_profile import Profile
from spinscape.theory.staircase import Steps, best_steps, better_overlaps

_EXACT = 5e-11  # gap, relative to the energy, of a pattern that is the right one
_STAIRCASE = 1e-8  # of a staircase that stands for a pattern not found
_ROUNDS = 40


@dataclass(frozen=True)
class GroundState:
    """The ground state of a mixed spherical model and its order parameter.

    energy : E_0 > 0; the lowest energy density is −E_0 for large N. An upper bound on the true value.
    gap : the dual bound proves E_0 ≥ energy − gap: its constraint holds at every overlap, rounding allowed for.
    overlaps : (steps,) the overlaps q_j < 1 at which the order parameter jumps, ascending: none for a
        replica-symmetric model, 0 alone for one step of replica symmetry breaking without a field, and a fine
        staircase in place of every interval where symmetry breaking is full.
    jumps : (steps,) the heights a_j > 0 of these jumps, in units of 1/energy density.
    susceptibility : s = D(1), the limit of (1 − q_EA)/T as T → 0; 0 where ξ''(1) is infinite.
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


@ignoring_underflow
def ground_state_energy_mixed(xi: Xi) -> float:
    """E_0 > 0 with lim min H_N/N = −E_0, for any mixture. See `ground_state_mixed`.

    Relative error below 5e-11 by proof, 1e-8 where the pattern of symmetry breaking was not recognised.

    Proved for every mixture: Talagrand (2006), Chen (arXiv:1204.5115) and, at zero temperature, Chen and Sen
    (arXiv:1512.08492, Theorem 1).
    """
    return ground_state_mixed(xi).energy


@ignoring_underflow
def ground_state_mixed(xi: Xi) -> GroundState:
    """The minimiser of the zero-temperature Crisanti–Sommers problem, with a bound on its own error.

    xi : {p: c_p}, or a function xi(q, order); p = 1 (a Gaussian random field) is allowed, and an infinite ξ''(1).
    RuntimeError if the duality gap does not fall below 1e-8 of the energy.
    """
    function = mixture(xi)
    steps = Steps(float(function(1.0, 1)) ** -0.5, np.zeros(0), np.zeros(0))
    for number in range(_ROUNDS):
        steps = best_steps(function, steps)
        more = better_overlaps(function, steps)
        if number > 1 or not more.size:
            found = _recognised(function, steps)
            if found is not None:
                return _state(found, staircase_of(found))
        if not more.size:
            break
        steps = steps.with_overlaps(more)
    profile = steps.profile(function)
    if profile.gap() > _STAIRCASE * profile.value():
        raise RuntimeError(
            f"the ground-state problem stopped at energy {profile.value():.15g} with duality gap {profile.gap():.3g}"
        )
    return _state(profile, steps)


def _recognised(xi: MixtureFunction, steps: Steps) -> Profile | None:
    """The profile of the first pattern the steps suggest that is proven to be the right one."""
    for pattern in patterns(xi, steps):
        profile = solved(xi, pattern)
        if profile is not None and profile.gap() <= _EXACT * profile.value():
            return profile
    return None


def _state(profile: Profile, steps: Steps) -> GroundState:
    used = steps.jumps > 0
    return GroundState(profile.value(), profile.gap(), steps.overlaps[used], steps.jumps[used], steps.base)
