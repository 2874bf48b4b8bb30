"""Exact mean counts against mpmath, to 1e-10 in the logarithm: totals to N = 10^4, index 0 to 2 against Pfaffians."""

import mp_goe
import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spinscape import theory as th
from spinscape.theory import goe
from spinscape.theory.counting_law import counting_law
from spinscape.theory.eigenvalue_law import airy_scale, eigenvalue_law


def log_total(N, p):
    """The mean of ABAC Theorem 2.2 over all energies, without a quadrature.

    With phi_j the Hermite functions, w = exp(-c y²) and e the odd primitive, the integrals of Mehta's density obey
    sum_j z^j ∫phi_j² w = [(1 + c)(1 - z)(1 - rz)]^{-1/2}, r = (1 - c)/(1 + c)              (Mehler's kernel)
    b_N = √(N/2) ∫phi_{N-1} (e phi_N) w = [(1 - 2c) b_{N-2} + a_{N-2}]/(1 + 2c) - a_{N-1}   (phi_j', y phi_j, by parts)
    ∫phi_{2m} w / ∫phi_{2m} = (1 + 2c)^{-1/2} [(1 - 2c)/(1 + 2c)]^m                         (generating function).
    """
    with mpmath.workdps(60):
        c = mpmath.mpf(p - 2) / (2 * p)
        r = (1 - c) / (1 + c)
        a = [1 / mpmath.sqrt(1 + c)]
        for n in range(N - 1):
            a.append(((2 * n + 1) * (1 + r) / 2 * a[n] - n * r * (a[n - 1] if n else 0)) / (n + 1))
        b = -a[0] if N % 2 else a[0] / (1 + 2 * c) - a[1]
        for n in range(4 - N % 2, N + 1, 2):
            b = ((1 - 2 * c) * b + a[n - 2]) / (1 + 2 * c) - a[n - 1]
        odd = ((1 - 2 * c) / (1 + 2 * c)) ** ((N - 1) // 2) / mpmath.sqrt(1 + 2 * c) if N % 2 else 0
        return prefactor(N, p) + mpmath.log(mpmath.fsum(a) + b + odd)


def prefactor(N, p):
    return mpmath.log(2 * mpmath.sqrt(mpmath.mpf(2) / p)) + mpmath.mpf(N) / 2 * mpmath.log(p - 1)


def log_counted(density, N, p, below, above):
    """The logarithm of a mean count from a density of the eigenvalues in Mehta's scale.

    80 Gauss nodes on the part of the interval, from its upper end, on which the integrand falls by e^-45.
    """
    with mpmath.workdps(30):
        c, scale = mpmath.mpf(p - 2) / (2 * p), mpmath.sqrt(mpmath.mpf(N) * p / (2 * (p - 1)))
        weighted = lambda y: density(y) * mpmath.exp(-c * y * y)  # noqa: E731
        top, low = scale * mpmath.mpf(below), scale * mpmath.mpf(above)
        length, height = mpmath.mpf("0.1"), weighted(top)
        while top - length > low and weighted(top - length) > height * mpmath.exp(-45):
            length *= mpmath.mpf("1.3")
        half = min(length, top - low) / 2
        nodes, weights = np.polynomial.legendre.leggauss(80)
        terms = [
            mpmath.mpf(w) * weighted(top - half * (1 - mpmath.mpf(x))) for x, w in zip(nodes, weights, strict=True)
        ]
        return prefactor(N, p) + mpmath.log(half * mpmath.fsum(terms))


def test_known_totals():
    """The closed form at N = 2, two per index at p = 2, and integrals over the eigenvalues to the digits given."""
    for p in (3, 4, 9):
        assert np.exp(th.log_mean_critical_points(2, p)) == pytest.approx(2 * np.sqrt(3 * p - 2), rel=1e-13)
    for N in (2, 3, 17, 1000):
        assert th.log_mean_critical_points(N, 2) == pytest.approx(np.log(2 * N), abs=1e-12)
    for N, p, total in ((3, 3, 10.552360), (4, 3, 18.790234), (10, 3, 286.915885), (10, 4, 1595.705)):
        assert np.exp(th.log_mean_critical_points(N, p)) == pytest.approx(total, rel=2e-7)
        assert mpmath.exp(log_total(N, p)) == pytest.approx(total, rel=2e-7)


SIZES = [(2, range(2, 21)), (3, range(2, 21)), (10, range(2, 21)), (100, (3, 20)), (1001, (3,)), (10_000, (3,))]


@pytest.mark.parametrize(("N", "orders"), [*SIZES, pytest.param(10_000, range(2, 21), marks=pytest.mark.slow)])
def test_totals_against_mpmath(N, orders):
    for p in orders:
        assert abs(th.log_mean_critical_points(N, p) - log_total(N, p)) < 1e-10


@pytest.mark.parametrize(
    ("N", "p"),
    [(2, 5), (10, 3), (25, 20), *(pytest.param(N, 3, marks=pytest.mark.slow) for N in (60, 400, 10_000))],
)
def test_totals_below_an_energy_against_mpmath(N, p):
    for ratio in (1 + 1e-12, 1 - 1e-12, 1.05, 0.9 if N < 1000 else 0.999):
        u = -ratio * float(th.threshold_energy(p))
        expected = log_counted(lambda y: mp_goe.one_point_density(y, N), N, p, u, 20 * u)
        assert abs(th.log_mean_critical_points(N, p, below=u) - expected) < 1e-10


@pytest.mark.parametrize(
    "N", [3, 6, pytest.param(12, marks=pytest.mark.slow), pytest.param(25, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("p", [2, 3, 20])
def test_densities_by_index_against_pfaffians(N, p):
    """Energies around E_inf, where the lowest eigenvalues are: to 1e-10, or to the estimate from index 3 on."""
    for ratio in (1.15, 1 + 1e-12, 0.9, 0.6):
        u = -ratio * float(th.threshold_energy(p))
        with mpmath.workdps(40):
            scale = mpmath.sqrt(mpmath.mpf(N) * p / (2 * (p - 1)))
            y, c = scale * mpmath.mpf(u), mpmath.mpf(p - 2) / (2 * p)
            exact = [mpmath.log(d * scale) - c * y * y + prefactor(N, p) for d in mp_goe.ordered_densities(y, N)]
        errors = eigenvalue_law_errors(N, float(y))
        for k in range(min(6, N)):
            value = th.critical_energy_density(u, N, p, index=k, log=True)
            assert errors[k] <= 1e-4
            assert abs(value - exact[k]) < (1e-10 if k <= 2 else max(1e-10, errors[k]))


def eigenvalue_law_errors(N, y):
    return [float(goe.eigenvalue_law(y, N, k).error) for k in range(min(6, N))]


@pytest.mark.parametrize("k", [0, 1, 2])
def test_counts_by_index_against_pfaffians(k):
    """N = 5, p = 3, between two energies."""
    expected = log_counted(lambda y: mp_goe.ordered_densities(y, 5)[k], 5, 3, -0.9, -1.8)
    value, error = th.log_mean_index_count(5, 3, below=-0.9, above=-1.8, index=k)
    assert abs(value - expected) < 1e-10
    assert error < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("N", [100, 1000])
def test_the_law_of_an_index_against_twice_the_nodes(N):
    """Around the edge of a large matrix: another window, and twice the nodes; index 3 to 5 within the estimate."""
    y = -np.sqrt(2 * N) + airy_scale(N) * np.array([-6.0, -3.0, -1.0, 0.5, 2.0])
    doubled = counting_law(N, y, 5, 100, drop=66.0, relax=0.5)
    for k in range(6):
        law = eigenvalue_law(y, N, k)
        known = law.log_below < law.log_above  # the smaller of the two carries the digits
        found = np.where(known, law.log_below, law.log_above)
        expected = np.where(known, doubled.log_above[:, k], doubled.log_not_above[:, k])
        assert np.all(law.error <= 1e-4)
        assert np.all(np.abs(found - expected) < (1e-10 if k <= 2 else np.maximum(1e-10, law.error)))


@settings(max_examples=20)
@given(st.integers(2, 10**6), st.integers(2, 200), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
@example(10**6, 3, -np.inf, np.inf)
@example(2, 10**9, -1.0, 1.0)
@example(10**6, 3, -1.632993161855452 * (1 + 1e-12), -np.inf)
def test_totals_never_break(N, p, below, above):
    value = th.log_mean_critical_points(N=N, p=p, below=below, above=above)
    assert not np.isnan(value)
    assert value < np.inf
    assert (value == -np.inf) or below > above
    assert value <= th.log_mean_critical_points(N=N, p=p) + 1e-9


@pytest.mark.slow
@settings(max_examples=40)
@given(st.sampled_from([2, 3, 9]), st.integers(2, 200), st.floats(-50, 50), st.floats(-50, 50), st.integers(0, 8))
def test_counts_by_index_never_break(N, p, below, above, index):
    k = index % N
    value, error = th.log_mean_index_count(N=N, p=p, below=below, above=above, index=k)
    assert not np.isnan(value)
    assert not np.isnan(error)
    assert value <= th.log_mean_critical_points(N=N, p=p, below=below, above=above) + max(1e-9, error)
