"""Complexity and thresholds of mixed models.

Oracles: numbers computed elsewhere to the digits given; the variational formula maximised numerically;
mpmath; the pure models' own functions; the ground state from the Crisanti–Sommers problem, which knows
nothing of Kac–Rice.
"""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar

from spinscape.theory import mixed, pure
from spinscape.theory.ground_state import ground_state_energy_mixed, ground_state_mixed
from spinscape.theory.mixture import at_one, mixture

THREE_FOUR = {3: 0.5, 4: 0.5}
TWO_THREE = {2: 0.5, 3: 0.5}
TRIVIAL = {1: 0.8, 2: 0.1, 3: 0.1}

mixtures = st.dictionaries(st.integers(2, 12), st.floats(0.05, 1.0), min_size=2, max_size=4)


def theta(u, r, xi, k=0):
    """Θ(u, r) − k J as printed, for α² > 0."""
    at = at_one(xi)
    x = abs(r) / np.sqrt(at.second)
    outlier = 0.0
    if x > 2:
        root = np.sqrt(x * x - 4)
        outlier = x * root / 4 - np.log((x + root) / 2)
    quadratic = (at.second + at.first) * u**2 - 2 * at.first * u * r + at.value * r**2
    density = 0.5 + 0.5 * np.log(at.second / at.first) + x * x / 4 - 0.5 - (k + 1) * outlier
    return density - quadratic / (2 * at.radial_variance)


def supremum(u, xi, k=None):
    """Θ(u) or Θ_k(u) by numerical maximisation over r, then over u' ≤ u."""
    at = at_one(xi)
    edge = -2 * np.sqrt(at.second)
    upper = 60.0 if k is None else edge

    def over_r(energy):
        found = minimize_scalar(
            lambda r: -theta(energy, r, xi, k or 0),
            bounds=(-60, upper),
            method="bounded",
            options={"xatol": 1e-10},
        )
        return max(-found.fun, theta(energy, upper, xi, k or 0))

    found = minimize_scalar(lambda v: -over_r(v), bounds=(-30, u), method="bounded", options={"xatol": 1e-10})
    return max(-found.fun, over_r(u))


def test_published_thresholds_of_three_plus_four():
    assert mixed.marginal_energy(THREE_FOUR) == pytest.approx(71 / 42, rel=1e-14)
    assert mixed.marginal_range(THREE_FOUR) == pytest.approx((1.644094, 1.715906), abs=5e-7)
    assert mixed.algorithmic_energy(THREE_FOUR) == pytest.approx(1.699522, abs=5e-7)
    assert mixed.layer_energy_mixed(THREE_FOUR, 0) == pytest.approx(1.733070, abs=5e-7)
    assert mixed.layer_energy_mixed(THREE_FOUR, 1) == pytest.approx(1.727295, abs=5e-7)


def test_published_thresholds_of_two_plus_three():
    assert mixed.marginal_energy(TWO_THREE) == pytest.approx(1.55, rel=1e-14)
    assert mixed.layer_energy_mixed(TWO_THREE, 0) == pytest.approx(1.557094, abs=5e-7)


@pytest.mark.parametrize("xi", [THREE_FOUR, TWO_THREE, {2: 0.2, 9: 0.7}, {1: 0.2, 3: 0.8}, TRIVIAL])
@pytest.mark.parametrize("index", [None, 0, 1, 4])
def test_closed_form_is_the_supremum_of_the_printed_formula(xi, index):
    scale = np.sqrt(at_one(xi).value)
    for u in scale * np.array([-2.2, -1.75, -1.66, -1.58, -1.2, -0.4, 0.3]):
        assert mixed.complexity_mixed(u, xi, index) == pytest.approx(supremum(u, xi, index), abs=2e-9)


@given(mixtures, st.sampled_from([None, 0, 1, 3]))
def test_complexity_is_non_decreasing_and_continuous(xi, index):
    threshold = mixed.marginal_energy(xi)
    u = -threshold * np.concatenate([np.linspace(1.5, -0.5, 301), 1 + np.array([1e-7, -1e-7])])
    values = mixed.complexity_mixed(u, xi, index)
    order = np.argsort(u)
    assert np.all(np.diff(values[order]) >= -1e-13)
    assert abs(values[-1] - values[-2]) < 1e-5


@given(mixtures, st.integers(0, 6))
def test_more_negative_modes_cost_more_and_the_total_covers_them(xi, k):
    u = -mixed.marginal_energy(xi) * np.linspace(1.3, 0.2, 40)
    total, here, above = (mixed.complexity_mixed(u, xi, index) for index in (None, k, k + 1))
    assert np.all(above <= here + 1e-13)
    assert np.all(here <= total + 1e-13)
    top = mixed.finite_index_complexity(xi)
    assert mixed.complexity_mixed(np.inf, xi, k) == pytest.approx(top, abs=1e-13)


def test_complexity_keeps_shape_and_takes_infinities():
    values = mixed.complexity_mixed([[-np.inf, -1e200], [0.0, np.inf]], THREE_FOUR)
    assert values.shape == (2, 2)
    assert np.all(np.isneginf(values[0]))
    at = at_one(THREE_FOUR)
    assert np.all(values[1] == pytest.approx(0.5 * np.log(at.second / at.first)))


@given(mixtures, st.floats(0.01, 100.0))
def test_energies_scale_with_the_square_root_of_xi(xi, factor):
    scaled = {p: factor * c for p, c in xi.items()}
    root = np.sqrt(factor)
    assert mixed.marginal_energy(scaled) == pytest.approx(root * mixed.marginal_energy(xi), rel=1e-11)
    assert mixed.algorithmic_energy(scaled) == pytest.approx(root * mixed.algorithmic_energy(xi), rel=1e-11)
    assert mixed.marginal_range(scaled) == pytest.approx(tuple(root * e for e in mixed.marginal_range(xi)), rel=1e-11)
    assert mixed.layer_energy_mixed(scaled, 1) == pytest.approx(root * mixed.layer_energy_mixed(xi, 1), rel=1e-10)


@pytest.mark.parametrize("xi", [THREE_FOUR, TWO_THREE, {2: 0.1, 5: 0.3, 20: 0.6}])
def test_marginal_range_holds_the_zeros_of_the_marginal_complexity(xi):
    low, high = mixed.marginal_range(xi)
    at = at_one(xi)
    marginal = -2 * np.sqrt(at.second)
    middle = 2 * at.first * np.sqrt(at.second) / (at.second + at.first)
    assert low == pytest.approx(brentq(lambda e: theta(-e, marginal, xi), 0, middle, xtol=1e-14), rel=1e-11)
    assert high == pytest.approx(brentq(lambda e: theta(-e, marginal, xi), middle, 99, xtol=1e-14), rel=1e-11)
    assert theta(-middle, marginal, xi) == pytest.approx(mixed.finite_index_complexity(xi), abs=1e-13)


@pytest.mark.parametrize("xi", [THREE_FOUR, TWO_THREE, {3: 1.0}, {2: 0.95, 4: 0.05}, {2: 1e-6, 200: 1.0}])
def test_algorithmic_energy_against_mpmath(xi):
    def root(q):
        return mpmath.sqrt(sum(p * (p - 1) * mpmath.mpf(c) * q ** (p - 2) for p, c in xi.items()))

    with mpmath.workdps(30):
        expected = float(mpmath.quad(root, [0, 0.25, 0.5, 0.75, *(0.8 + 0.01 * i for i in range(20)), 1]))
    assert mixed.algorithmic_energy(xi) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("p", [3, 1000, 10**6])
def test_algorithmic_energy_of_any_pure_model(p):
    assert mixed.algorithmic_energy({p: 1.0}) == pytest.approx(2 * np.sqrt((p - 1) / p), rel=1e-12)


def test_algorithmic_energy_in_a_field_is_the_relaxed_variational_problem():
    """min over decreasing D of ½[ξ'(0)D(0) + ∫(ξ''D + 1/D)], on a grid, without concavity."""
    xi = mixture({1: 0.2, 3: 0.8})
    q = (np.arange(20000) + 0.5) / 20000

    def value(root):
        d_tail = 1 / np.sqrt(xi(np.maximum(q, root), 2))
        return 0.5 * (0.2 * d_tail[0] + np.mean(xi(q, 2) * d_tail + 1 / d_tail))

    found = minimize_scalar(value, bounds=(0.05, 0.9), method="bounded", options={"xatol": 1e-9})
    assert mixed.algorithmic_energy({1: 0.2, 3: 0.8}) == pytest.approx(found.fun, abs=1e-6)


@given(mixtures)
def test_order_of_the_thresholds(xi):
    low, high = mixed.marginal_range(xi)
    ground = ground_state_energy_mixed(xi)
    algorithmic = mixed.algorithmic_energy(xi)
    assert low <= mixed.marginal_energy(xi) * (1 + 1e-12)
    assert low <= high
    assert algorithmic <= ground * (1 + 1e-9)
    assert ground <= mixed.layer_energy_mixed(xi, 0) * (1 + 1e-9)
    assert ground <= np.sqrt(at_one(xi).first) * (1 + 1e-9)


@given(mixtures)
def test_annealed_zero_is_the_ground_state_where_symmetry_breaks_in_one_step(xi):
    found = ground_state_mixed(xi)
    annealed = mixed.layer_energy_mixed(xi, 0)
    if len(found.overlaps) == 1 and found.overlaps[0] == 0:
        assert annealed == pytest.approx(found.energy, rel=1e-9)
    else:
        assert annealed > found.energy


@pytest.mark.parametrize("p", [2, 3, 4, 10, 60, 200])
def test_pure_models_are_the_pure_functions(p):
    xi, edge = {p: 1.0}, pure.threshold_energy(p)
    assert mixed.marginal_energy(xi) == pytest.approx(edge, rel=1e-14)
    assert mixed.marginal_range(xi) == pytest.approx((edge, edge), rel=1e-14)
    assert mixed.algorithmic_energy(xi) == pytest.approx(edge, rel=1e-13)
    assert mixed.finite_index_complexity(xi) == pytest.approx(0.5 * np.log(p - 1) - (p - 2) / p, abs=1e-15)
    u = np.concatenate([-edge * np.array([3, 1.3, 1.01, 1 + 1e-9, 1, 1 - 1e-9, 0.5]), [0.0, 1.0, np.inf]])
    for k in (None, 0, 1, 7):
        np.testing.assert_allclose(mixed.complexity_mixed(u, xi, k), pure.complexity(u, p, k), rtol=1e-12, atol=2e-14)
    for k in (0, 1, 7):
        assert mixed.layer_energy_mixed(xi, k) == pytest.approx(pure.layer_energy(p, k), rel=1e-13)
    assert ground_state_energy_mixed(xi) == pytest.approx(pure.ground_state_energy(p), rel=1e-12)


def test_full_replica_symmetry_breaking():
    """ξ = a q² + b q⁴: 1/√ξ'' is concave on [0, 1] exactly when a ≥ 12 b (second derivative at q = 1)."""
    assert mixed.is_full_rsb({2: 12.01, 4: 1.0})
    assert not mixed.is_full_rsb({2: 11.99, 4: 1.0})
    assert not mixed.is_full_rsb({2: 1.0})
    assert not mixed.is_full_rsb(THREE_FOUR)
    assert not mixed.is_full_rsb(TRIVIAL)
    assert mixed.is_full_rsb({1: 0.01, 2: 0.95, 4: 0.05})


def test_trivial_landscapes():
    assert mixed.is_trivial(TRIVIAL)
    assert not mixed.is_trivial({2: 1.0})
    assert not mixed.is_trivial(THREE_FOUR)
    first = at_one(TRIVIAL).first
    assert ground_state_energy_mixed(TRIVIAL) == pytest.approx(np.sqrt(first), rel=1e-12)
    assert mixed.algorithmic_energy(TRIVIAL) == pytest.approx(np.sqrt(first), rel=1e-12)
    # two critical points: no exponential number of minima, and none of any other finite index
    assert mixed.complexity_mixed(np.inf, TRIVIAL) == pytest.approx(0.0, abs=1e-14)
    assert mixed.complexity_mixed(np.inf, TRIVIAL, 0) == pytest.approx(0.0, abs=1e-14)
    assert mixed.complexity_mixed(np.inf, TRIVIAL, 1) < 0
    assert mixed.complexity_mixed(-1.01 * np.sqrt(first), TRIVIAL, 0) < 0
    for function in (mixed.marginal_energy, mixed.marginal_range, mixed.finite_index_complexity):
        with pytest.raises(ValueError, match="two critical points"):
            function(TRIVIAL)
    with pytest.raises(ValueError, match="two critical points"):
        mixed.layer_energy_mixed(TRIVIAL, 0)


@pytest.mark.parametrize("index", [-1, 0.5, "0", True])
def test_index_must_be_a_natural_number(index):
    with pytest.raises((TypeError, ValueError), match="index"):
        mixed.complexity_mixed(-1.0, THREE_FOUR, index)


def test_nan_energy_is_refused():
    with pytest.raises(ValueError, match="u: expected numbers"):
        mixed.complexity_mixed(float("nan"), THREE_FOUR)
