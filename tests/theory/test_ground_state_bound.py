"""Ground states are proven: energy and gap against a dual written anew.

Oracles: the functional by cumulative Gauss sums on panels graded to every overlap with weight, and the dual value of
g = λ/D (√ξ'' where D follows it), its constraint looked at on the edges of all panels; closed forms in mpmath.
"""

from itertools import pairwise

import mpmath
import numpy as np
import pytest

from spinscape import theory as th
from spinscape.covariances import ArcCosine
from spinscape.theory.mixture import at_one, deficit, mixture
from spinscape.theory.overlap_profile import Profile
from spinscape.theory.staircase import Steps

NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)
PANELS = np.concatenate([0.5 ** np.arange(40, 1, -1), np.linspace(0.5, 1, 30), [2]])
EDGES = np.unique(np.concatenate([[0.0], PANELS[:-1] / 2, 1 - PANELS[:-1] / 2, [1.0]]))  # graded to both ends of [0, 1]


def xi_of(terms, q, order):
    """Σ c p(p−1).. q^(p−order), term by term."""
    return sum(c * np.prod([p - k for k in range(order)]) * q ** max(p - order, 0) for p, c in terms.items())


def edges_of(state):
    """Edges between consecutive overlaps; the intervals of a staircase are narrow already."""
    knots = np.unique(np.concatenate([[0.0], state.overlaps, [1.0]]))
    staircase = len(knots) > 50
    parts = [np.array([a]) if staircase and b - a < 0.02 else a + (b - a) * EDGES[:-1] for a, b in pairwise(knots)]
    return np.unique(np.concatenate([*parts, [1.0]])), staircase


def proven_bounds(terms, state):
    """An upper and a lower bound of E_0 from the returned order parameter alone."""
    edges, staircase = edges_of(state)
    width = np.diff(edges)
    q = edges[:-1, None] + width[:, None] * (1 + NODES) / 2
    weight = width[:, None] * WEIGHTS / 2
    D = state.integrated_order_parameter(q)
    second = xi_of(terms, q, 2)
    ends = np.minimum(edges, np.nextafter(1, 0))
    with np.errstate(divide="ignore"):
        on = np.abs(state.integrated_order_parameter(ends) * np.sqrt(xi_of(terms, ends, 2)) - 1) < 1e-7
    follows = staircase & (width < 0.02) & on[1:] & on[:-1]
    D = np.where(follows[:, None], np.where(second > 0, second, 1.0) ** -0.5, D)
    first = xi_of(terms, 1.0, 1)
    upper = 0.5 * (xi_of(terms, 0.0, 1) * D[0, 0] + np.sum(weight * (second * D + 1 / D)))
    square = D**-2.0
    rise = np.concatenate([[0.0], np.cumsum(np.sum(weight * square, axis=1))])
    area = rise[:-1] * width + np.sum(weight * square * (edges[1:, None] - q), axis=1)
    W = np.concatenate([np.cumsum(area[::-1])[::-1], [0.0]])
    delta = np.cumsum(np.sum(weight * xi_of(terms, q, 1), axis=1)[::-1])[::-1]
    scale = min(1.0, first / rise[-1], float((delta / W[:-1]).min()))
    return upper, np.sqrt(scale) * float(np.sum(weight / D))


def random_mixture(rng):
    """Any orders, far apart ones (several steps), or most weight at p = 2 (continuous); half of them with a field."""
    kind = rng.integers(3)
    if kind == 0:
        orders = rng.choice([2, 3, 4, 5, 6, 8, 10, 16, 25, 40, 100], size=rng.integers(1, 5), replace=False)
        terms = {int(p): float(10 ** rng.uniform(-2.5, 0)) for p in orders}
    elif kind == 1:
        terms = {3: 1.0, int(rng.integers(16, 31)): float(rng.uniform(0.1, 0.3)), int(rng.integers(200, 400)): 0.05}
    else:
        terms = {2: 1.0} | {
            int(p): float(rng.uniform(0.01, 0.2)) for p in rng.choice(np.arange(3, 9), 2, replace=False)
        }
    return terms | ({1: float(10 ** rng.uniform(-3, -0.3))} if rng.random() < 0.5 else {})


def check(terms):
    state = th.ground_state_mixed(terms)
    upper, lower = proven_bounds(terms, state)
    assert 0 < state.gap <= 1e-10 * state.energy
    assert upper == pytest.approx(state.energy, rel=1e-10)
    assert lower >= state.energy * (1 - 1e-10)
    return len(state.overlaps)


CASES = [
    ({3: 0.9, 100: 0.1}, 2.0775398216),
    ({1: 0.1, 5: 0.9}, 1.8506627057),
    ({3: 0.9, 16: 0.1}, None),
    ({2: 0.8, 4: 0.2}, None),  # continuous from 0, then a gap
    ({1: 0.005, 2: 0.87, 3: 0.27, 6: 0.05, 40: 0.04}, None),  # a field, a gap, continuous, a gap
    ({1: 0.2, 2: 0.18, 3: 0.26, 6: 0.16, 25: 0.005}, None),  # a field, a jump, a gap, continuous up to 1
    ({1: 0.167, 3: 0.127}, None),  # nearly trivial
]


@pytest.mark.parametrize(("terms", "known"), CASES)
def test_energy_and_gap_against_an_independent_dual(terms, known):
    check(terms)
    if known is not None:
        assert th.ground_state_energy_mixed(terms) == pytest.approx(known, abs=1e-10)


@pytest.mark.slow
def test_200_random_mixtures():
    rng = np.random.default_rng(0)
    steps = [check(random_mixture(rng)) for _ in range(200)]
    one, several, continuous = (
        sum(low <= count < high for count in steps) for low, high in ((1, 2), (2, 20), (20, 999))
    )
    print(f"{one} with one step, {several} with several, {continuous} continuous")
    assert min(one, several, continuous) > 40


def relu_ground_state():
    """√(q₀ξ'(q₀)) + ∫_{q₀}^1 √ξ'' with q₀ξ''(q₀) = ξ'(q₀): full breaking above q₀, at 30 digits."""
    with mpmath.workdps(30):
        first = lambda q: (mpmath.pi - mpmath.acos(q)) / (2 * mpmath.pi)  # noqa: E731
        second = lambda q: 1 / (2 * mpmath.pi * mpmath.sqrt(1 - q * q))  # noqa: E731
        root = mpmath.findroot(lambda q: q * second(q) - first(q), (0.9, 0.97), solver="anderson")
        # √ξ'' dq at q = 1 − x⁴
        integrand = lambda x: 4 * x**2 / mpmath.sqrt(2 * mpmath.pi) / (2 - x**4) ** mpmath.mpf("0.25")  # noqa: E731
        rest = mpmath.quad(integrand, [0, (1 - root) ** mpmath.mpf("0.25")])
        return float(mpmath.sqrt(root * first(root)) + rest)


def test_a_relu_neuron():
    state = th.ground_state_mixed(ArcCosine(1))
    exact = relu_ground_state()
    assert exact == pytest.approx(0.7008635104027167, abs=1e-15)
    assert abs(state.energy - exact) <= state.gap < 1e-10
    assert state.overlaps[0] == pytest.approx(0.941680458193263907, abs=1e-12)
    assert state.susceptibility == 0
    assert th.algorithmic_energy(ArcCosine(1)) == pytest.approx(exact, abs=1e-11)
    with pytest.raises(ValueError, match=r"finite xi''\(1\)"):
        at_one(ArcCosine(1))


def test_what_needs_hessians_says_so():
    for ask in (th.ground_state_energy_mixed, th.log_mean_critical_points_mixed):
        with pytest.raises(ValueError, match="xi"):
            ask(*((ArcCosine(0),) if ask is th.ground_state_energy_mixed else (10, ArcCosine(1))))


def test_the_bound_holds_between_the_points_it_was_computed_at():
    """A staircase that is not the best one: the ratio Δ/W on a fine grid never falls below what was proven."""
    rng = np.random.default_rng(3)
    for terms in ({3: 0.9, 16: 0.1}, {1: 0.1, 5: 0.9}, {2: 0.5, 30: 0.5}):
        xi = mixture(terms)
        overlaps = np.sort(rng.uniform(0, 1, 3))
        steps = Steps(0.4 * at_one(terms).first ** -0.5, overlaps, rng.uniform(0.1, 1.0, 3))
        profile: Profile = steps.profile(xi)
        t = np.concatenate([np.linspace(0, 1, 20_001)[:-1], 1 - np.logspace(-3, -9, 500)])
        allowed, met = profile.allowed(), float(profile.ratio(t).min())
        least = min(met, at_one(terms).first / profile.rise[-1], 1.0)
        assert allowed <= least
        assert allowed == pytest.approx(least, rel=1e-6)


def test_deficits_do_not_cancel():
    q = 1 - np.logspace(-1, -14, 14)
    terms = {1: 0.2, 3: 0.5, 40: 0.3}
    with mpmath.workdps(40):
        exact = [float(sum(mpmath.mpf(c) * (1 - mpmath.mpf(x) ** p) for p, c in terms.items())) for x in q]
    np.testing.assert_allclose(deficit(mixture(terms), q), exact, rtol=1e-14)
    as_function = deficit(mixture(lambda x, order: np.asarray(xi_of(terms, np.asarray(x), order)) + 0 * x), q)
    np.testing.assert_allclose(as_function, exact, rtol=1e-13)
