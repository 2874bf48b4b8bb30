"""Asymptotics of the pure model: printed numbers, mpmath at 50 digits, and identities between the formulas."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinscape import theory as th
from spinscape.conventions import energy_from_physics, energy_to_physics, temperature_from_physics
from spinscape.theory import finite_size

TABLE = {  # p: threshold, E_0, E_1, E_2, E_5, Theta(-threshold)
    3: (1.632993, 1.656998, 1.652873, 1.650253, 1.645893, 0.013240),
    4: (1.732051, 1.794085, 1.783300, 1.776478, 1.765171, 0.049306),
    10: (1.897367, 2.135364, 2.092142, 2.065219, 2.021294, 0.298612),
}
RATIOS = [1 - 1e-12, 1 + 1e-12, 1 + 1e-9, 1 + 1e-6, 1.001, 1.02, 1.03, 1.1, 1.5, 3.0, 1e5, 0.5, 1e-3]
ORDERS = [2, 3, 4, 7, 20, 50, 200]

energies = st.floats(allow_nan=False)
orders = st.integers(2, 10**9)


def rate(u, p):
    """I(u) as printed."""
    edge, u = 2 * mpmath.sqrt(mpmath.mpf(p - 1) / p), mpmath.mpf(u)
    if u > -edge:
        return mpmath.mpf(0)
    root = mpmath.sqrt(u * u - edge * edge)
    return -u / edge**2 * root - mpmath.log(-u + root) + mpmath.log(edge)


@pytest.mark.parametrize("p", TABLE)
def test_printed_energies(p):
    edge, *layers, height = TABLE[p]
    assert th.threshold_energy(p) == pytest.approx(edge, abs=5e-7)
    for k, energy in zip((0, 1, 2, 5), layers, strict=True):
        assert th.layer_energy(p, k) == pytest.approx(energy, abs=5e-7)
    assert th.ground_state_energy(p) == th.layer_energy(p, 0)
    assert th.complexity(-th.threshold_energy(p), p) == pytest.approx(height, abs=5e-7)


@pytest.mark.parametrize("p", [3, 4, 10, 37, 200])
def test_ground_state_is_that_of_one_step_replica_symmetry_breaking(p):
    """The T = 0 solution of Crisanti and Sommers in other variables, solved at 40 digits."""
    with mpmath.workdps(40):
        equation = lambda y: p * (1 - y) * mpmath.log(1 - y) / y**2 + mpmath.mpf(p) / y - (p - 1)  # noqa: E731
        y = mpmath.findroot(equation, (mpmath.mpf("1e-3"), 1 - mpmath.mpf(10) ** -30), solver="anderson", tol=1e-60)
        inverse = (p * (1 - y)) ** mpmath.mpf("-0.5")
        m = y * inverse
        energy = (p * inverse - m * (p - 1) - mpmath.log(1 - y) / m) / 2
        assert abs(th.ground_state_energy(p) - energy) < 5e-15


def test_layers_fall_towards_the_threshold():
    layers = th.layer_energy([[3], [10], [200]], [0, 1, 2, 5, 50, 10**6])
    assert layers.shape == (3, 6)
    assert np.all(np.diff(layers, axis=1) < 0)
    assert np.all(layers >= th.threshold_energy([[3], [10], [200]]))
    np.testing.assert_array_equal(th.layer_energy(2, [0, 3]), np.full(2, th.threshold_energy(2)))
    np.testing.assert_allclose(th.complexity(-layers[:, :4], [[3], [10], [200]], index=0)[:, 0], 0, atol=2e-15)
    for j, k in enumerate((0, 1, 2, 5)):
        np.testing.assert_allclose(th.complexity(-layers[:, j], [3, 10, 200], index=k), 0, atol=1e-14)
    assert th.layer_barrier(3, 2) == pytest.approx(1.656998 - 1.650253, abs=1e-6)


@pytest.mark.parametrize("p", ORDERS)
def test_rate_function_against_mpmath(p):
    """To rounding relative to its own value, which is 1e-18 next to the threshold."""
    with mpmath.workdps(60):
        for u in -th.threshold_energy(p) * np.array(RATIOS):
            expected = rate(u, p)
            assert abs(th.rate_function(u, p) - expected) <= 2e-15 * expected
            expected = -mpmath.diff(lambda x: rate(-x, p), -u) if expected and expected > 1e-12 else None
            if expected is not None:
                assert abs(th.rate_function(u, p, 1) / expected - 1) < 1e-14


@pytest.mark.parametrize("p", ORDERS)
@pytest.mark.parametrize("index", [None, 0, 1, 5])
def test_complexity_against_mpmath(p, index):
    with mpmath.workdps(60):
        edge = 2 * mpmath.sqrt(mpmath.mpf(p - 1) / p)
        for u in np.append(-th.threshold_energy(p) * np.array(RATIOS), [0.0, 0.7, 10.0]):
            x = mpmath.mpf(u)
            x = min(x, 0) if index is None else min(x, -edge)
            expected = mpmath.log(p - 1) / 2 - (p - 2) * x * x / (4 * mpmath.mpf(p - 1))
            expected -= (1 if index is None else index + 1) * rate(u, p)
            assert abs(th.complexity(u, p, index) - expected) <= 4e-15 * max(1, abs(expected))


@pytest.mark.parametrize("index", [None, 0, 3])
def test_slopes_are_the_derivatives(index):
    for p in (2, 3, 10):
        edge = th.threshold_energy(p)
        u = np.array([-2 * edge, -1.1 * edge, -0.99 * edge, -0.4, 0.5])
        step = 1e-6
        numerical = (th.complexity(u + step, p, index) - th.complexity(u - step, p, index)) / (2 * step)
        np.testing.assert_allclose(th.complexity_slope(u, p, index), numerical, atol=1e-8)
        below = u[:2]
        second = (th.rate_function(below + step, p, 1) - th.rate_function(below - step, p, 1)) / (2 * step)
        np.testing.assert_allclose(th.rate_function(below, p, 2), second, rtol=1e-7)


def test_the_constant_that_the_paper_misprints():
    """With (H - 2)/(4(H - 1)) the curve of index k would jump at the threshold."""
    edge = th.threshold_energy(3)
    assert th.complexity(-edge + 1e-9, 3, 0) == pytest.approx(th.complexity(-edge - 1e-9, 3, 0), abs=1e-9)
    assert th.complexity(0.0, 3, 4) == pytest.approx(0.013240, abs=5e-7)
    assert 0.5 * np.log(2) - 1 / 8 == pytest.approx(0.221574, abs=5e-7)


@pytest.mark.parametrize(("u", "fraction"), [(-1.5, 0.01378), (-1.2, 0.07861), (-1.0, 0.13611), (0.0, 0.5)])
def test_printed_fractions_of_negative_eigenvalues(u, fraction):
    assert th.negative_fraction(u, 3) == pytest.approx(fraction, abs=5e-6)
    assert th.negative_fraction(u, 3) + th.negative_fraction(-u, 3) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("p", ORDERS)
def test_negative_fraction_against_mpmath(p):
    with mpmath.workdps(60):
        for u in -th.threshold_energy(p) * np.array([1 - 1e-12, 1 - 1e-6, 0.99, 0.7, 0.3, 1e-3, 1e-9]):
            x = mpmath.mpf(u) / (2 * mpmath.sqrt(mpmath.mpf(p - 1) / p))
            expected = mpmath.mpf("0.5") + (x * mpmath.sqrt(1 - x * x) + mpmath.asin(x)) / mpmath.pi
            assert abs(th.negative_fraction(u, p) / expected - 1) < 3e-15
    np.testing.assert_array_equal(th.negative_fraction([-5, -np.inf, 5, np.inf], p), [0, 0, 1, 1])


def exact_log_count(u, N, p):
    return float(th.log_mean_critical_points(N, p, below=u))


@pytest.mark.parametrize("p", [3, 4, 10])
@pytest.mark.parametrize("ratio", [1.2, 0.6, -0.5])
def test_sharp_asymptotics_away_from_the_edges(p, ratio):
    """The error is O(1/N): ten times the size, a tenth of the error."""
    u = -ratio * float(th.threshold_energy(p))
    small, large = (float(th.sharp_asymptotics(u, N, p)) - exact_log_count(u, N, p) for N in (10**4, 10**5))
    assert abs(large) < 1e-3
    assert small == pytest.approx(10 * large, rel=0.05)


def test_sharp_asymptotics_at_the_threshold():
    """The corrected constant: the ratio to the exact mean falls to 1; the printed one stays 1.566 times too low."""
    u = -float(th.threshold_energy(3))
    ratios = [
        np.exp(float(th.sharp_asymptotics(u, N, 3)) - exact_log_count(u, N, 3)) for N in (10**3, 10**4, 10**5, 10**9)
    ]
    np.testing.assert_allclose(ratios[:3], [1.33, 1.14, 1.06], atol=0.006)
    assert ratios[3] == pytest.approx(1, abs=3e-3)
    airy = np.array([float(mpmath.airyai(0, derivative=1)) ** 2, float(mpmath.airyai(0)) / 3])
    assert airy.sum() / airy[1] == pytest.approx(1.566, abs=5e-4)


def test_sharp_asymptotics_at_zero_is_half_of_all():
    assert th.sharp_asymptotics(0.0, 100, 3) == pytest.approx(float(th.sharp_asymptotics(1.0, 100, 3)) - np.log(2))
    assert exact_log_count(0.0, 100, 3) == pytest.approx(exact_log_count(np.inf, 100, 3) - np.log(2), abs=1e-13)
    assert th.sharp_asymptotics(-np.inf, 100, 3) == -np.inf


def test_conversions_to_the_physics_convention():
    assert energy_to_physics(th.threshold_energy(3)) == pytest.approx(2 / np.sqrt(3))  # Crisanti and Sommers 1995
    assert energy_from_physics(energy_to_physics(1.3)) == pytest.approx(1.3)
    dynamic = np.sqrt(3 / 8)  # p = 3 in the physics convention
    assert temperature_from_physics(dynamic) == pytest.approx(th.dynamic_temperature(3))


@given(energies, orders, st.one_of(st.none(), st.integers(0, 100)))
def test_no_energy_breaks_the_formulas(u, p, index):
    for value in (th.complexity(u, p, index), th.complexity_slope(u, p, index), th.rate_function(u, p)):
        assert not np.isnan(value)
    assert th.rate_function(u, p) >= 0
    assert 0 <= th.negative_fraction(u, p) <= 1
    assert th.complexity(u, p, index) <= 0.5 * np.log(p - 1) + 1e-12
    if p > 2:
        assert not np.isnan(th.sharp_asymptotics(u, N=1000, p=p))


def test_functions_broadcast():
    u, p = np.linspace(-2, 1, 5)[:, None], np.array([2, 3, 5])
    assert th.complexity(u, p).shape == th.negative_fraction(u, p).shape == th.rate_function(u, p, 2).shape == (5, 3)
    assert np.shape(th.complexity(-1.0, 3)) == ()


@pytest.mark.parametrize("p", [1, 0, -3, 2.0, "3", None, True, 10**10])
def test_a_bad_order_is_named(p):
    for call in (th.threshold_energy, lambda p: th.complexity(-1.0, p), lambda p: th.sharp_asymptotics(-1.0, 10, p)):
        with pytest.raises((TypeError, ValueError), match="p: expected"):
            call(p)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: th.complexity(np.nan, 3), "u"),
        (lambda: th.complexity("low", 3), "u"),
        (lambda: th.complexity(-1.0, 3, -1), "index"),
        (lambda: th.complexity(-1.0, 3, 0.5), "index"),
        (lambda: th.layer_energy(3, -1), "k"),
        (lambda: th.layer_energy(3, 0.5), "k"),
        (lambda: th.rate_function(-1.0, 3, 3), "derivative"),
        (lambda: th.sharp_asymptotics(-1.0, 1, 3), "N"),
    ],
)
def test_other_bad_arguments_are_named(call, name):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected"):
        call()


def test_the_quadratic_model_is_refused_where_constants_divide_by_p_minus_2():
    for call in (lambda: th.sharp_asymptotics(-1.0, 10, 2), lambda: th.dynamic_temperature(2)):
        with pytest.raises(th.QuadraticModelError, match="p: expected at least 3"):
            call()
    assert issubclass(th.QuadraticModelError, ValueError)
    assert np.isfinite(finite_size.log_mean_below_threshold(10, 2))  # but not where they do not
