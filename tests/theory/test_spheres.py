"""The product of spheres.

Oracles: published constants; the Kac–Rice formula by Monte Carlo at n = 2; and, independently of it, all
critical points of random instances of 2 × 2 × 2 counted directly.
"""

import numpy as np
import pytest

from spinscape.theory import spheres
from spinscape.theory.mixed import complexity_mixed

TOTAL_2x2x2 = 34.293


def test_published_values():
    assert spheres.threshold_energy_spheres(3) == pytest.approx(2.828427, abs=5e-7)
    assert spheres.ground_state_energy_spheres(3) == pytest.approx(2.870005, abs=5e-7)
    u = np.linspace(-2 * np.sqrt(2), 0.0, 9)
    np.testing.assert_allclose(spheres.complexity_spheres(u, 3), 1.5 * np.log(2) - u**2 / 8, atol=1e-14)


@pytest.mark.parametrize("p", [2, 3, 5])
def test_per_spin_is_per_sphere_divided_by_p(p):
    assert spheres.threshold_energy_spheres(p, per="spin") * p == pytest.approx(spheres.threshold_energy_spheres(p))
    assert spheres.ground_state_energy_spheres(p, per="spin") * p == pytest.approx(
        spheres.ground_state_energy_spheres(p)
    )
    u = np.linspace(-4, 1, 11)
    np.testing.assert_allclose(
        spheres.complexity_spheres(u / p, p, per="spin") * p,
        spheres.complexity_spheres(u, p),
        rtol=1e-13,
        atol=1e-13,
    )


@pytest.mark.parametrize("p", [3, 4, 8])
def test_complexity_vanishes_at_the_ground_state(p):
    energy = spheres.ground_state_energy_spheres(p)
    assert spheres.complexity_spheres(-energy, p) == pytest.approx(0.0, abs=1e-12)
    assert spheres.complexity_spheres(-np.inf, p) == -np.inf
    pure = p * complexity_mixed(-1.3, {p: 1.0})
    assert spheres.complexity_spheres(-1.3 * np.sqrt(p), p) == pytest.approx(float(pure), rel=1e-13)


def test_total_at_two_spins_each_by_kac_rice():
    """(2π)^{3/2} E|det(A − g)|, A symmetric 3 × 3 with zero diagonal; 2e6 samples, 4.5 sigma."""
    rng = np.random.default_rng(5)
    a, b, c, g = rng.standard_normal((4, 2_000_000))
    terms = (2 * np.pi) ** 1.5 * np.abs(2 * a * b * c + g * (a * a + b * b + c * c) - g**3)
    assert abs(terms.mean() - TOTAL_2x2x2) < 4.5 * terms.std() / np.sqrt(terms.size) + 5e-4


def test_total_at_two_spins_each_by_counting():
    """All critical points of 4000 instances, counted on a grid of the third circle; 4.5 sigma.

    For fixed w³ the critical (w¹, w²) are the singular pairs of the 2 × 2 matrix M(w³) = Σ_k X_{··k} w³_k,
    four for each singular value; those values are |z₊| ± |z₋| with z± linear in w³. So the total is four
    times the number of critical points of |z₊| + |z₋| and of |z₊| − |z₋| (signed singular value) on the
    circle.
    """
    rng = np.random.default_rng(6)
    angle = 2 * np.pi * np.arange(2048) / 2048
    circle = np.stack([np.cos(angle), np.sin(angle)])
    counts = []
    for _ in range(4000):
        m = rng.standard_normal((2, 2, 2)) @ circle
        plus = np.hypot(m[0, 0] + m[1, 1], m[1, 0] - m[0, 1])
        minus = np.hypot(m[0, 0] - m[1, 1], m[1, 0] + m[0, 1])
        turns = 0
        for value in (plus + minus, plus - minus):
            slope = np.sign(np.roll(value, -1) - value)
            turns += int(np.count_nonzero(slope != np.roll(slope, -1)))
        counts.append(4 * turns)
    mean, error = np.mean(counts), np.std(counts) / np.sqrt(len(counts))
    assert abs(mean - TOTAL_2x2x2) < 4.5 * error


@pytest.mark.parametrize(
    "call",
    [
        lambda: spheres.threshold_energy_spheres(1),
        lambda: spheres.threshold_energy_spheres(3, per="layer"),
        lambda: spheres.complexity_spheres(float("nan"), 3),
        lambda: spheres.ground_state_energy_spheres("3"),
    ],
)
def test_bad_input(call):
    with pytest.raises((TypeError, ValueError), match=r"^(p|per|u)\b"):
        call()
