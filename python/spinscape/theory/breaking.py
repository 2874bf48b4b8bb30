"""Patterns of replica symmetry breaking: where the order parameter jumps, where it rises, solved to rounding.

At the optimum the dual constraint is touched at every overlap that has weight: W = Δ and P = ξ' (`overlap_profile`).
Between two such overlaps u < v without any in between D is linear, and its ends follow from u and v alone,

    ξ'(v) − ξ'(u) = ∫ D⁻² = h/(D_u D_v),    ξ(v) − ξ(u) − h ξ'(u) = ∫∫ D⁻² = h² χ(1 − D_v/D_u)/D_u²,    h = v − u.

Where every overlap has weight D = 1/√ξ''; below the smallest one, q, it is constant, with q/D² = ξ'(q). A pattern says
which of the three holds on each piece; its overlaps are those at which D is continuous. A staircase that approximates
the order parameter (`staircase`) suggests patterns; the duality gap judges them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import exp, expm1

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, root

from spinscape.conventions import FloatArray
from spinscape.theory.mixture import BELOW_ONE, MixtureFunction, deficit
from spinscape.theory.overlap_profile import IntArray, Profile
from spinscape.theory.staircase import Steps

_SAMPLES = 400  # steps that stand for a continuous piece
_NEAR = (0.05, 0.0, 0.01, 0.002, 0.0004)  # relative distance of D from 1/√ξ'' on a continuous piece
_NEIGHBOURS = (0.3, 0.1, 0.03, 0.01, 0.003)  # steps this near, relative to their distance from 1, may be one jump
_MOST_PIECES = 10
_CONCAVE = 1e-9  # allowed fall of the order parameter, relative
_ROUNDING = 1e-14  # of D, relative


@dataclass(frozen=True)
class Pattern:
    """Pieces between consecutive knots: the first constant where `flat`, those marked `full` 1/√ξ'', others lines."""

    knots: tuple[float, ...]
    full: tuple[bool, ...]
    flat: bool


def solved(xi: MixtureFunction, pattern: Pattern) -> Profile | None:
    """The profile of the pattern whose inner knots make D continuous and concave, if there is one."""
    inner = np.array(pattern.knots[1:-1])

    def knots_at(logits: FloatArray) -> FloatArray:
        return np.concatenate([[0.0], 1 / (1 + np.exp(-logits)), [1.0]])

    def jumps(logits: FloatArray) -> FloatArray:
        left, right = _ends(xi, pattern, knots_at(logits))
        return np.log(right[:-1] / left[1:])

    knots = np.array(pattern.knots)
    with np.errstate(all="ignore"):
        if inner.size:
            found = root(jumps, np.log(inner / (1 - inner)), method="hybr", options={"xtol": 1e-15})
            knots = knots_at(found.x)
            if not (np.abs(found.fun).max() < 1e-9 and (np.diff(knots) > 0).all()):
                return None
        profile = Profile(xi, knots, *_joined(pattern, *_ends(xi, pattern, knots)), np.array(pattern.full))
        steps = staircase_of(profile)
    concave = bool((steps.jumps >= -_CONCAVE * np.cumsum(steps.jumps)).all())
    return profile if np.isfinite(profile.left).all() and concave else None


def staircase_of(profile: Profile) -> Steps:
    """The profile as steps, many in place of each continuous piece."""
    parts = [profile.knots]
    for j in np.flatnonzero(profile.full):
        turn = (1 - np.cos(np.pi * np.arange(1, _SAMPLES) / _SAMPLES)) / 2
        parts.append(profile.knots[j] + profile.width[j] * turn)
    q = np.unique(np.concatenate(parts))
    q = q[(q < BELOW_ONE) | (q == 1)]
    j = np.clip(np.searchsorted(profile.knots, q, side="right") - 1, 0, len(profile.width) - 1)
    d = profile.left[j] - profile.slope[j] * (q - profile.knots[j])
    inside = profile.full[j] & (q > profile.knots[j]) & (q < 1)
    d[inside] = profile.xi(q[inside], 2) ** -0.5
    jumps = np.diff(-np.diff(d) / np.diff(q), prepend=0.0)
    rounding = _ROUNDING * d[:-1] / np.diff(q)
    return Steps(float(d[-1]), q[:-1], np.where(np.abs(jumps) > rounding, jumps, 0.0))


def patterns(xi: MixtureFunction, steps: Steps) -> Iterator[Pattern]:
    """Patterns that a staircase may stand for, the likeliest first."""
    if not steps.overlaps.size:
        yield Pattern((0.0, 1.0), (True,), False)
        yield Pattern((0.0, 1.0), (False,), True)
        return
    q = steps.overlaps
    between = np.sort(np.concatenate([q, (q[1:] + q[:-1]) / 2]))
    with np.errstate(divide="ignore"):
        distance = np.abs(steps.at(between) * np.sqrt(xi(between, 2)) - 1)
    seen = set()
    for near in _NEAR:
        linked = np.maximum(np.maximum(distance[:-2:2], distance[1:-1:2]), distance[2::2]) < near
        for neighbours in _NEIGHBOURS:
            groups, full = _groups(q, linked, neighbours)
            for to_one in (True, False) if any(full) else (False,):
                pattern = _pattern(xi, steps, groups, full, to_one)
                if pattern is not None and len(pattern.full) <= _MOST_PIECES and pattern not in seen:
                    seen.add(pattern)
                    yield pattern


def _groups(q: FloatArray, linked: NDArray[np.bool_], neighbours: float) -> tuple[list[IntArray], list[bool]]:
    """Numbers of the steps that are one thing: runs on 1/√ξ'', which are continuous pieces, and near neighbours."""
    in_run = np.append(linked, False) | np.insert(linked, 0, False)
    apart = np.diff(q) > neighbours * (1 - q[:-1])
    cut = ~linked & (apart | in_run[1:] | in_run[:-1])
    groups = np.split(np.arange(len(q)), np.flatnonzero(cut) + 1)
    return groups, [bool(in_run[group[0]]) for group in groups]


def _pattern(
    xi: MixtureFunction, steps: Steps, groups: list[IntArray], full: list[bool], to_one: bool
) -> Pattern | None:
    """Groups as jumps or as continuous pieces, with lines between them; the last such piece up to 1 where asked."""
    from_zero = float(xi(0.0, 1)) == 0
    last_run = max((number for number, continuous in enumerate(full) if continuous), default=-1)
    knots, kinds = [0.0], []
    for number, (group, continuous) in enumerate(zip(groups, full, strict=True)):
        q, a = steps.overlaps[group], steps.jumps[group]
        first, last = (q[0], q[-1]) if continuous else (float(q @ a / a.sum()),) * 2
        if not (number == 0 and from_zero and first < 0.05):
            knots.append(float(first))
            kinds.append(False)
        if continuous:
            to_end = to_one and number == last_run
            knots.append(1.0 if to_end else float(last))
            kinds.append(True)
            if to_end:
                break
    if knots[-1] < 1:
        knots.append(1.0)
        kinds.append(False)
    ascending = all(low < high for low, high in pairwise(knots))
    flat = not (kinds[0] or (bool(groups) and from_zero and steps.overlaps[0] < 0.05))
    return Pattern(tuple(knots), tuple(kinds), flat) if ascending else None


def _ends(xi: MixtureFunction, pattern: Pattern, knots: FloatArray) -> tuple[FloatArray, FloatArray]:
    """D at the ends of every piece."""
    full = np.array(pattern.full)
    first = xi(knots, 1)
    width, rise = np.diff(knots), np.diff(first)
    bend = -np.diff(deficit(xi, knots)) - first[:-1] * width
    share = bend / (width * rise)
    ratio = np.array([1.0 if skip else _ratio(float(b)) for b, skip in zip(share, full, strict=True)])
    left = np.sqrt(width / (rise * ratio))
    right = ratio * left
    if full.any():
        bent = xi(np.minimum(knots, BELOW_ONE), 2) ** -0.5
        left, right = np.where(full, bent[:-1], left), np.where(full, bent[1:], right)
        if full[-1] and bent[-1] < 0.7 * xi(1 - 1e-12, 2) ** -0.5:
            right[-1] = 0.0  # ξ''(1) is infinite
    if pattern.flat:
        left[0] = right[0] = np.sqrt(knots[1] / first[1])
    return left, right


def _joined(pattern: Pattern, left: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The ends of lines moved onto each other: D is continuous to the bit, and what it lacks the duality gap tells."""
    full = np.array(pattern.full)
    at = np.where(full[:-1], right[:-1], np.where(full[1:], left[1:], np.sqrt(right[:-1] * left[1:])))
    left, right = np.append(left[0], at), np.append(at, right[-1])
    if pattern.flat:
        left[0] = right[0]
    return left, right


def _ratio(share: float) -> float:
    """ρ = D_v/D_u with ρ χ(1 − ρ) = share; 1 at share ½, falling to 0 with it."""
    if not 0 < share < 0.5:
        return 1.0 if share >= 0.5 else float("nan")

    def miss(logarithm: float) -> float:
        fall = -expm1(logarithm)
        series = fall < 1e-2
        bent = sum(fall**k / (k + 2) for k in range(10)) if series else (-fall - logarithm) / fall**2
        return exp(logarithm) * bent - share

    return exp(brentq(miss, -600.0, 0.0, xtol=1e-16, rtol=1e-15))
