"""Equilibrium of the pure model: printed temperatures, the replica equations in other variables, thermodynamics."""

import mpmath
import numpy as np
import pytest

from spinscape import theory as th


@pytest.mark.parametrize(("p", "dynamic", "static"), [(3, 0.866025, 0.828805), (4, 0.769800, 0.711405)])
def test_printed_temperatures(p, dynamic, static):
    assert th.dynamic_temperature(p) == pytest.approx(dynamic, abs=5e-7)
    assert th.static_temperature(p) == pytest.approx(static, abs=5e-7)


@pytest.mark.parametrize("p", [3, 5, 20, 200])
def test_transitions_from_the_franz_parisi_potential(p):
    """The potential V(q) = -beta^2 q^p/2 - (log(1 - q) + q)/2 has a minimum at q > 0 below T_d; it is 0 at T_s."""
    with mpmath.workdps(40):
        squared_beta = lambda q: q ** (2 - p) / (p * (1 - q))  # noqa: E731  where V' = 0
        lowest = min(squared_beta(mpmath.mpf(i) / 4000) for i in range(1, 4000))
        assert th.dynamic_temperature(p) ** 2 * float(lowest) == pytest.approx(1, abs=1e-4)
        value = lambda q: q * q / (p * (1 - q)) + mpmath.log(1 - q) + q  # noqa: E731  -2V there
        low, high = mpmath.mpf("0.3"), 1 - mpmath.mpf(10) ** -12  # negative there, positive here
        for _ in range(140):
            q = (low + high) / 2
            low, high = (q, high) if value(q) < 0 else (low, q)
        assert abs(th.static_temperature(p) ** -2 / squared_beta(q) - 1) < 1e-13


@pytest.mark.parametrize("p", [3, 4, 10])
def test_equilibrium_energy(p):
    static = th.static_temperature(p)
    assert th.equilibrium_energy(2.0, p) == -0.5
    assert th.equilibrium_energy(np.inf, p) == 0
    assert th.equilibrium_energy(0.0, p) == pytest.approx(-float(th.ground_state_energy(p)), abs=1e-13)
    assert th.equilibrium_energy(static * (1 - 1e-9), p) == pytest.approx(-1 / static, abs=1e-7)
    T = np.linspace(0, 2, 101).reshape(1, 101)
    energy = th.equilibrium_energy(T, p)
    assert energy.shape == (1, 101)
    assert np.all(np.diff(energy) > 0)


def test_bad_temperatures_are_named():
    for T in (-1.0, np.nan, "cold"):
        with pytest.raises((TypeError, ValueError), match="T: expected"):
            th.equilibrium_energy(T, 3)
    for call in (th.static_temperature, lambda p: th.equilibrium_energy(1.0, p)):
        with pytest.raises(th.QuadraticModelError, match="p: expected"):
            call(2)
