"""The zero-temperature Crisanti–Sommers problem.

Oracles: closed forms (replica symmetric, full breaking, pure p), a two-parameter minimisation for one step,
a plain convex minimisation on a grid for any mixture, and numerical quadrature of the functional at the
returned minimiser.
"""

import itertools

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize

from spinscape.theory.ground_state import ground_state_energy_mixed, ground_state_mixed
from spinscape.theory.mixed import algorithmic_energy, is_full_rsb
from spinscape.theory.mixture import at_one, mixture

mixtures = st.dictionaries(st.integers(1, 40), st.floats(0.05, 1.0), min_size=1, max_size=4).filter(
    lambda c: any(p >= 2 for p in c)
)


def pure_ground_state(p):
    """E_0 of the pure model from its one-step equations, at 40 digits."""
    with mpmath.workdps(40):

        def equation(y):
            return p * (1 - y) * mpmath.log(1 - y) / y**2 + mpmath.mpf(p) / y - (p - 1)

        y = mpmath.findroot(equation, (mpmath.mpf("1e-6"), 1 - mpmath.mpf("1e-9") / p), solver="anderson", tol=1e-30)
        length = (p * (1 - y)) ** mpmath.mpf(-0.5)
        return float((p * length - y * length * (p - 1) - mpmath.log(1 - y) / (y * length)) / 2)


def functional(xi, state):
    """½[ξ'(1)s + ∫ξ'α + ∫1/D] of a returned order parameter, by adaptive quadrature between its jumps."""
    function = mixture(xi)
    edges = np.unique(np.concatenate([[0.0], state.overlaps, [1.0]]))

    def integrand(q):
        d = float(state.integrated_order_parameter(q))
        return float(function(q, 1) * state.order_parameter(q)) + 1 / d

    pieces = [quad(integrand, a, b, epsabs=1e-13, epsrel=1e-12)[0] for a, b in itertools.pairwise(edges)]
    return 0.5 * (float(function(1.0, 1)) * state.susceptibility + sum(pieces))


def on_a_grid(xi, cells=40):
    """The convex problem with jumps on a fixed grid, by a general-purpose optimiser (log s keeps s > 0)."""
    function, first = mixture(xi), float(mixture(xi)(1.0, 1))
    at = np.arange(cells) / cells
    deficit = function(1.0, 0) - function(at, 0)
    q = (np.arange(4000) + 0.5) / 4000
    phi = 1 - np.maximum(q, at[:, np.newaxis])

    def value(parameters):
        s, jumps = np.exp(parameters[0]), parameters[1:]
        d = s + jumps @ phi
        inverse = 1 / d
        gradient = 0.5 * np.concatenate([[s * (first - np.mean(inverse**2))], deficit - phi @ inverse**2 / len(q)])
        return 0.5 * (first * s + jumps @ deficit + np.mean(inverse)), gradient

    start = np.concatenate([[-0.5 * np.log(first)], np.full(cells, 0.01)])
    bounds = [(None, None)] + [(0, None)] * cells
    return minimize(
        value,
        start,
        jac=True,
        bounds=bounds,
        method="L-BFGS-B",
        options={"maxiter": 20000, "maxfun": 50000, "maxcor": 60, "ftol": 1e-15, "gtol": 1e-9},
    ).fun


@pytest.mark.parametrize(
    ("xi", "energy"),
    [({3: 0.5, 4: 0.5}, 1.733070), ({2: 0.5, 3: 0.5}, 1.557094), ({3: 1.0}, 1.656998), ({4: 1.0}, 1.794085)],
)
def test_published_values(xi, energy):
    assert ground_state_energy_mixed(xi) == pytest.approx(energy, abs=5e-7)


@pytest.mark.parametrize("p", [3, 4, 5, 10, 30, 100, 200])
def test_pure_models(p):
    state = ground_state_mixed({p: 1.0})
    assert state.energy == pytest.approx(pure_ground_state(p), rel=1e-11)
    assert state.overlaps.tolist() == [0.0]


def test_quadratic_model_is_replica_symmetric():
    state = ground_state_mixed({2: 1.0})
    assert state.energy == pytest.approx(np.sqrt(2), rel=1e-14)
    assert state.overlaps.size == 0


@pytest.mark.parametrize("xi", [{2: 0.95, 4: 0.05}, {2: 1.0, 3: 0.02}, {2: 0.97, 4: 0.02, 6: 0.002}])
def test_full_breaking_reaches_the_algorithmic_energy(xi):
    if not is_full_rsb(xi):
        assert ground_state_energy_mixed(xi) > algorithmic_energy(xi)
        return
    state = ground_state_mixed(xi)
    assert state.energy == pytest.approx(algorithmic_energy(xi), rel=1e-10)
    q = np.linspace(0.02, 0.98, 49)
    expected = mixture(xi)(q, 2) ** -0.5
    assert state.integrated_order_parameter(q) == pytest.approx(expected, abs=1e-5)


def test_one_step_depends_on_the_mixture_through_two_numbers_only():
    """ξ(1) and ξ'(1) of q⁵ equal those of (q⁴ + q⁶)/2."""
    assert ground_state_energy_mixed({4: 0.5, 6: 0.5}) == pytest.approx(ground_state_energy_mixed({5: 1.0}), rel=1e-12)


@pytest.mark.parametrize(
    "xi",
    [
        {3: 0.9, 16: 0.1},  # two steps
        {2: 0.8, 4: 0.2},  # continuous, then a gap
        {2: 0.3, 3: 0.1, 30: 0.6},
        {1: 0.2, 3: 0.8},  # a field
        {1: 0.0625, 25: 1.0},  # the search passes through an overlap that it must leave again
        {3: 0.5, 4: 0.5},
    ],
)
def test_against_a_plain_minimisation_on_a_grid(xi):
    found = ground_state_energy_mixed(xi)
    coarse = on_a_grid(xi)
    assert found <= coarse + 1e-5  # the grid restricts the minimum, up to its midpoint rule
    assert coarse == pytest.approx(found, abs=3e-5)


def test_steps_are_recognised():
    two_steps = ground_state_mixed({3: 0.9, 16: 0.1})
    assert len(two_steps.overlaps) == 2
    assert two_steps.overlaps[0] == 0.0
    np.testing.assert_array_equal(
        two_steps.order_parameter([0.0, 0.5, 0.95]), np.cumsum([*two_steps.jumps, 0])[[0, 0, 1]]
    )


@pytest.mark.parametrize(
    ("xi", "steps"), [({1: 0.2, 3: 0.8}, 1), ({2: 0.5, 200: 0.5}, 1), ({2: 0.3, 3: 0.1, 30: 0.6}, 2)]
)
def test_a_jump_inside_is_one_jump(xi, steps):
    """The search brackets a jump from both sides; the pair is united."""
    state = ground_state_mixed(xi)
    assert len(state.overlaps) == steps
    assert 0 < state.overlaps[-1] < 1


@given(mixtures)
def test_the_energy_is_that_of_the_order_parameter_and_the_gap_is_small(xi):
    state = ground_state_mixed(xi)
    assert 0 <= state.gap <= (1e-10 if len(state.overlaps) <= 20 else 1e-8) * state.energy
    assert np.all(state.jumps > 0)
    assert np.all(np.diff(state.overlaps) > 0)
    assert state.susceptibility > 0
    if len(state.overlaps) < 10:
        assert functional(xi, state) == pytest.approx(state.energy, rel=1e-10)


@given(mixtures, st.integers(2, 20), st.floats(0.01, 1.0))
def test_more_disorder_lowers_the_ground_state_but_not_more_than_the_sum(xi, p, extra):
    more = dict(xi)
    more[p] = more.get(p, 0.0) + extra
    energy = ground_state_energy_mixed(xi)
    raised = ground_state_energy_mixed(more)
    assert raised >= energy * (1 - 1e-9)
    assert raised <= (energy + ground_state_energy_mixed({p: extra})) * (1 + 1e-9)


@given(mixtures, st.floats(1e-6, 1e6))
def test_energy_scales_with_the_square_root_of_xi(xi, factor):
    scaled = {p: factor * c for p, c in xi.items()}
    assert ground_state_energy_mixed(scaled) == pytest.approx(np.sqrt(factor) * ground_state_energy_mixed(xi), rel=1e-9)


def test_a_mixture_given_as_a_function():
    """ξ = e^q − 1 − q against its truncated series."""
    series = {p: 1.0 / np.prod(np.arange(1.0, p + 1)) for p in range(2, 25)}
    by_function = ground_state_energy_mixed(lambda q, order: np.exp(q) - (1 + q if order == 0 else order == 1))
    assert by_function == pytest.approx(ground_state_energy_mixed(series), rel=1e-9)


def test_replica_symmetric_bound_is_reached_exactly_when_the_landscape_is_trivial():
    for xi in ({1: 0.5, 2: 0.5}, {1: 1.0, 3: 0.3}, {1: 2.0, 3: 0.3, 4: 0.1}):
        at = at_one(xi)
        energy = ground_state_energy_mixed(xi)
        if at.second <= at.first:
            assert energy == pytest.approx(np.sqrt(at.first), rel=1e-12)
        else:
            assert energy < np.sqrt(at.first) * (1 - 1e-9)
