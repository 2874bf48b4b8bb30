"""The two-time equations against closed forms (p = 2), exact series, equilibrium, and a naive integration."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import ive

from spinscape.theory import dmft, relaxation_exponent, threshold_energy

TERMS = {"p=3": {3: 1.0}, "p=4": {4: 1.0}, "3+4": {3: 0.5, 4: 0.5}}


def polynomial(terms, q, order):
    falling = [np.prod([p - k for k in range(order)]) for p in terms]
    return sum(c * f * q ** (p - order) for (p, c), f in zip(terms.items(), falling, strict=True) if p >= order)


# ---- p = 2: w_λ(t) ~ e^{-λt}/√K(2t) in the eigenbasis; K(s) is the semicircle's Laplace transform, edge 2√2.


def log_laplace(s):
    x = 2 * np.sqrt(2) * np.maximum(s, 1e-9)
    return np.log(2 * ive(1, x) / x) + x


def test_quadratic_gradient_flow_has_the_closed_form_in_bessel_functions():
    found = dmft({2: 1.0}, 50.0)
    t, s = found.t[1:, None], found.t[1:]
    x = 2 * np.sqrt(2) * 2 * s
    energy = -np.sqrt(2) * ive(2, x) / ive(1, x)
    C = np.exp(log_laplace(t + s) - 0.5 * log_laplace(2 * t) - 0.5 * log_laplace(2 * s))
    R = np.exp(log_laplace(np.abs(t - s)) + 0.5 * log_laplace(2 * s) - 0.5 * log_laplace(2 * t))
    assert np.abs(found.energy[1:] - energy).max() < 2e-5
    assert np.all(np.abs(found.energy[1:] - energy) <= found.energy_error[1:] + 1e-7)
    assert np.abs(found.correlation[1:, 1:] - C).max() < 2e-5
    assert np.abs(found.response[1:, 1:] - np.tril(R)).max() < 2e-5
    assert found.energy_error.max() <= 1e-4
    assert np.allclose(found.multiplier, -2 * found.energy, atol=1e-9)


def test_quadratic_langevin_dynamics_solves_the_scalar_volterra_equation():
    """Cugliandolo and Dean (1995): Γ(t) = K(2t) + 2T ∫ K(2(t - s)) Γ(s) ds and C(t, 0) = K(t)/√Γ(t)."""
    T, h, n = 0.7, 0.002, 1500
    grid = h * np.arange(n + 1)
    kernel = np.exp(log_laplace(2 * grid))
    gamma = np.empty(n + 1)
    for i in range(n + 1):
        gamma[i] = (kernel[i] + 2 * T * h * (kernel[i:0:-1] @ gamma[:i] - 0.5 * kernel[i] * gamma[0] * (i > 0))) / (
            1 - T * h * (i > 0)
        )
    found = dmft({2: 1.0}, grid[-1], beta=1 / T)
    exact = np.exp(log_laplace(grid[1:])) / np.sqrt(gamma[1:])
    assert np.abs(found.correlation_at(grid[1:], 0.0) - exact).max() < 3e-5


# ---- Exact power series in (t, s), by Picard iteration on polynomials: no grid, no interpolation.


class Series:
    """Truncated polynomials Σ c[a, b] t^a s^b of total degree `degree`."""

    def __init__(self, terms, T, start_beta, degree):
        self.terms, self.T, self.b, self.n = terms, T, start_beta, degree + 1
        self.C, self.R = self.unit(), self.unit()
        for _ in range(degree):
            self.improve()

    def unit(self):
        one = np.zeros((self.n, self.n))
        one[0, 0] = 1.0
        return one

    def times(self, f, g):
        out = np.zeros((self.n, self.n))
        for a, b in zip(*np.nonzero(f), strict=True):
            out[a:, b:] += f[a, b] * g[: self.n - a, : self.n - b]
        i, j = np.indices(out.shape)
        return np.where(i + j < self.n, out, 0.0)

    def xi(self, order, f):
        out = np.zeros((self.n, self.n))
        for p, c in self.terms.items():
            power = self.unit()
            for _ in range(p - order):
                power = self.times(power, f)
            out += c * np.prod([p - k for k in range(order)]) * power
        return out

    def integral(self, f, g, low, high):
        """∫ f(t, u) g(., .) du; from 0 to s with g(s, u), from s to t with g(u, s), from 0 to t with g = 1."""
        out = np.zeros((self.n, self.n))
        for a, b in zip(*np.nonzero(f), strict=True):
            for c, d in zip(*np.nonzero(g), strict=True):
                power = b + (d if low == 0 else c) + 1
                value = f[a, b] * g[c, d] / power
                if a + b + c + d + 1 >= self.n:
                    continue
                if (low, high) == (0, "s"):
                    out[a, c + power] += value
                elif (low, high) == ("s", "t"):
                    out[a + power, d] += value
                    out[a, d + power] -= value
                else:
                    out[a + power, 0] += value
        return out

    def at_zero(self, f):
        out = np.zeros((self.n, self.n))
        out[:, 0] = f[:, 0]
        return out

    def improve(self):
        S, D = self.times(self.xi(2, self.C), self.R), self.xi(1, self.C)
        start = self.b * self.at_zero(D)
        mu = self.integral(self.times(S, self.C) + self.times(D, self.R), self.unit(), 0, "t")
        mu = mu + self.T * self.unit() + self.times(start, self.at_zero(self.C))
        slope_C = -self.times(mu, self.C) + self.integral(S, self.C, 0, "s") + self.integral(S, self.C, "s", "t")
        slope_C += self.integral(D, self.R, 0, "s") + self.times(start, self.at_zero(self.C).T)
        slope_R = -self.times(mu, self.R) + self.integral(S, self.R, "s", "t")
        self.energy = -self.integral(self.times(D, self.R), self.unit(), 0, "t")
        self.energy -= self.b * self.at_zero(self.xi(0, self.C))
        self.C, self.R = self.from_diagonal(slope_C), self.from_diagonal(slope_R)

    def from_diagonal(self, slope):
        """1 + ∫_s^t slope(v, s) dv."""
        out = self.unit()
        for a, b in zip(*np.nonzero(slope), strict=True):
            if a + b + 1 < self.n:
                out[a + 1, b] += slope[a, b] / (a + 1)
                out[0, a + b + 1] -= slope[a, b] / (a + 1)
        return out


@pytest.mark.parametrize(
    ("terms", "T", "start_beta"), [({3: 1.0}, 0.0, 0.0), ({3: 0.5, 4: 0.5}, 0.5, 0.0), ({4: 1.0}, 0.25, 1.0)]
)
def test_short_times_follow_the_exact_series(terms, T, start_beta):
    series = Series(terms, T, start_beta, degree=9)
    t = np.linspace(0.0, 0.04, 13)
    found = dmft(terms, 0.04, beta=1 / T if T else None, start_beta=start_beta, tol=1e-5)
    expected = np.polynomial.polynomial.polyval(t, series.energy[:9, 0])
    assert series.energy[1, 0] == pytest.approx(-polynomial(terms, 1.0, 1) * (1 - start_beta * T))
    assert np.abs(found.energy_at(t) - expected).max() < 1e-6
    pairs = [(0.03, 0.0), (0.04, 0.01), (0.04, 0.038)]
    for (later, earlier), name in itertools.product(pairs, ("C", "R")):
        exact = np.polynomial.polynomial.polyval2d(later, earlier, getattr(series, name)[:9, :9])
        value = found.correlation_at(later, earlier) if name == "C" else found.response_at(later, earlier)
        assert value == pytest.approx(exact, abs=2e-6)


# ---- A naive first-order integration on a dense grid, with Richardson's extrapolation.


def euler(terms, T, start_beta, t_max, steps):
    h = t_max / steps
    C, R = np.eye(steps + 1), np.eye(steps + 1)
    energies = np.empty(steps + 1)
    for i in range(steps + 1):
        row = C[i, : i + 1]
        S, D = polynomial(terms, row, 2) * R[i, : i + 1], polynomial(terms, row, 1)
        weight = np.full(i + 1, h)
        weight[[0, -1]] = h / 2 if i else 0.0
        energies[i] = -weight @ (D * R[i, : i + 1]) - start_beta * polynomial(terms, row[0], 0)
        if i == steps:
            return energies
        mu = T + weight @ (S * row + D * R[i, : i + 1]) + start_beta * D[0] * row[0]
        memory = (weight * S) @ C[: i + 1, : i + 1] + R[: i + 1, : i + 1] @ (h * D) - h / 2 * (D + D[0] * R[: i + 1, 0])
        C[i + 1, : i + 1] = row + h * (-mu * row + memory + start_beta * D[0] * C[: i + 1, 0])
        C[: i + 1, i + 1] = C[i + 1, : i + 1]
        inner = np.tril(R[: i + 1, : i + 1])
        response = (h * S) @ inner - h / 2 * (S + S[-1] * R[i, : i + 1])
        R[i + 1, : i + 1] = R[i, : i + 1] * (1 - h * mu) + h * response
    return energies


@pytest.mark.parametrize(
    ("case", "T", "start_beta"), [("p=3", 0.0, 0.0), ("p=4", 0.4, 0.0), ("3+4", 0.0, 0.0), ("3+4", 0.4, 1.1)]
)
def test_a_naive_integration_converges_to_the_solution(case, T, start_beta):
    terms, t_max = TERMS[case], 4.0
    coarse, fine = (euler(terms, T, start_beta, t_max, steps) for steps in (160, 320))
    times = np.linspace(0.0, t_max, 161)[20:]
    extrapolated = (2 * fine[::2] - coarse)[20:]
    found = dmft(terms, t_max, beta=1 / T if T else None, start_beta=start_beta)
    first, second = (np.abs(e - found.energy_at(times)).max() for e in (coarse[20:], extrapolated))
    assert second < 2.5e-3
    assert second < 0.15 * first


# ---- Equilibrium.


@pytest.mark.parametrize(("case", "T"), [("p=4", 0.8), ("3+4", 0.9)])
def test_an_equilibrium_start_stays_in_equilibrium(case, T):
    """E = -β, stationary C that solves the one-time equation, and R = -β dC/dτ."""
    terms = TERMS[case]
    found = dmft(terms, 100.0, beta=1 / T, start_beta=1 / T)
    assert np.abs(found.energy + 1 / T).max() < 2e-6
    tau = np.linspace(0.0, 8.0, 1601)
    h, C = tau[1], np.ones(1601)
    for i in range(1600):  # dC/dτ = -T C - β ∫ ξ'(C(τ - u)) dC/du du, by Heun's rule
        force = polynomial(terms, C, 1)

        def slope(k, force=force):
            steps = np.diff(C[: k + 1])
            middle = 0.5 * (force[k:0:-1] + force[k - 1 :: -1][:k]) if k else np.empty(0)
            return -T * C[k] - middle @ steps / T

        start = slope(i)
        C[i + 1] = C[i] + h * start
        force[i + 1] = polynomial(terms, C[i + 1], 1)
        C[i + 1] = C[i] + h / 2 * (start + slope(i + 1))
    for begin in (0.0, 1.0, 30.0):
        assert np.abs(found.correlation_at(begin + tau, begin) - C).max() < 1e-4
    derivative = np.gradient(C, h, edge_order=2)
    assert np.abs(found.response_at(20.0 + tau, 20.0) + derivative / T)[1:].max() < 1e-4


def test_a_uniform_start_above_the_dynamic_transition_equilibrates():
    assert dmft({3: 1.0}, 60.0, beta=0.8).energy[-1] == pytest.approx(-0.8, abs=1e-5)


# ---- Invariances, the result, and refusals.


def test_energies_scale_with_the_root_of_xi_and_times_inversely():
    one, four = dmft({3: 1.0}, 8.0), dmft({3: 4.0}, 4.0)
    assert np.allclose(four.energy, 2 * one.energy, atol=1e-9)


def test_a_function_gives_what_its_coefficients_give():
    def xi(q, order):
        return polynomial({3: 1.0}, np.asarray(q, dtype=float), order)

    assert np.allclose(dmft(xi, 5.0).energy, dmft({3: 1.0}, 5.0).energy, atol=1e-12)


def test_result_is_consistent_and_frozen():
    found = dmft({3: 1.0}, 20.0)
    assert found.t[0] == 0.0
    assert found.t[-1] == pytest.approx(20.0)
    assert found.energy[0] == 0.0
    assert found.correlation.shape == found.response.shape == (len(found.t),) * 2
    assert np.allclose(found.correlation, found.correlation.T)
    assert np.allclose(np.diag(found.correlation), 1.0)
    assert np.allclose(found.multiplier, -3 * found.energy, atol=1e-12)
    assert found.constraint_residual.max() < 1e-8
    assert np.allclose(found.energy_at(found.t), found.energy)
    assert np.allclose(found.correlation_at(found.t[:, None], found.t), found.correlation)
    assert found.response_at(1.0, 2.0) == 0.0
    assert set(found.to_dict()) >= {"t", "energy", "correlation", "response", "energy_error", "multiplier"}
    assert "from 0 to 20" in repr(found)
    with pytest.raises(AttributeError):
        found.t = found.t
    with pytest.raises(ValueError, match="t: expected times from 0 to 20"):
        found.energy_at(21.0)


@pytest.mark.parametrize(
    ("arguments", "options", "named"),
    [
        (({3: 1.0}, -1.0), {}, "t_max"),
        (({3: 1.0}, np.inf), {}, "t_max"),
        (({3: 1.0}, 1.0), {"beta": 0.0}, "beta"),
        (({3: 1.0}, 1.0), {"start_beta": -1.0}, "start_beta"),
        (({3: 1.0}, 1.0), {"tol": 0.0}, "tol"),
        (({1: 1.0}, 1.0), {}, "xi"),
    ],
)
def test_bad_arguments_are_named(arguments, options, named):
    with pytest.raises(ValueError, match=named):
        dmft(*arguments, **options)


# ---- Long times.


def made(t, energy, error=0.0):
    """Something with the times and energies of a solution."""
    return SimpleNamespace(t=t, energy=energy, energy_error=np.full(t.shape, error))


@pytest.mark.parametrize("exponent", [0.5, 2 / 3, 1.0])
def test_a_known_exponent_is_found(exponent):
    t = np.geomspace(1.0, 1e5, 400)
    plain = relaxation_exponent(made(t, -1.6 + 0.7 * t**-exponent), -1.6)
    assert plain.interval == pytest.approx((exponent, exponent), abs=1e-9)
    assert plain.plain == pytest.approx(exponent)
    corrected = relaxation_exponent(made(t, -1.6 + 0.7 * t**-exponent * np.exp(2 * t ** (-1 / 3))), -1.6)
    assert corrected.interval[0] <= exponent + 1e-9
    assert corrected.interval[1] >= exponent - 1e-9
    assert corrected.interval[1] - corrected.interval[0] < 0.06
    assert corrected.plain > exponent + 0.03
    # Errors of the energies widen the interval.
    vague = relaxation_exponent(made(t, -1.6 + 0.7 * t**-exponent, 1e-6), -1.6, start=10.0)
    assert vague.interval[1] - vague.interval[0] > 1e-5


def test_windows_and_limits_that_make_no_sense_are_named():
    t = np.geomspace(1.0, 1e3, 50)
    with pytest.raises(ValueError, match=r"^start"):
        relaxation_exponent(made(t, t**-0.5), 0.0, start=500.0)
    with pytest.raises(ValueError, match=r"^limit"):
        relaxation_exponent(made(t, t**-0.5), 0.1, start=10.0)


@pytest.mark.slow
@pytest.mark.parametrize("p", [3, 4])
def test_energy_approaches_the_threshold_as_t_to_the_minus_two_thirds(p):
    """T = 0: e(t) + E∞ ~ t^(-2/3) with all fits on 10² <= t <= 10⁵ within 0.01 of it."""
    found = dmft({p: 1.0}, 1e5)
    assert found.energy_error.max() <= 1e-4
    fitted = relaxation_exponent(found, -threshold_energy(p), start=100.0)
    assert fitted.window[0] >= 100.0
    assert fitted.interval[1] - fitted.interval[0] < 0.02
    assert fitted.exponent == pytest.approx(2 / 3, abs=0.01)
