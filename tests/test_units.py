"""Units do not matter: counts, flags, enumerations and refinement at every scale of the couplings.

Oracles: the same problem at scale one, dense eigenvalues, trigonometric roots.
"""

import numpy as np
import pytest

import spinscape as sp
from spinscape.arrays import lengths

SCALES = [1e-300, 1e-200, 1e-160, 1e-30, 1e30, 1e160, 1e200, 1e300]


def goe(n=40, seed=0):
    A = np.random.default_rng(seed).normal(size=(n, n))
    return (A + A.T) / 2


@pytest.mark.parametrize("scale", SCALES)
def test_spectra(scale):
    A = goe()
    values = np.linalg.eigvalsh(A)
    negative = int((values < 0).sum())
    full = sp.lanczos_index(scale * A, 40, 0.0, rng=0)
    assert (full.negative, full.certified) == (negative, True)
    short = sp.lanczos_index(scale * A, 40, 0.0, max_steps=15, rng=0)
    assert not short.certified
    assert short.negative <= negative
    for which, expected in (("smallest", values[:3]), ("largest", values[-3:])):
        found = sp.extreme_eigenvalues(scale * A, 40, 3, which=which, rng=0)
        assert found.converged
        np.testing.assert_allclose(found.values / scale, expected, atol=1e-9)
    matrix = sp.matrix_index(scale * A, 0.0)
    assert (matrix.negative[0], matrix.certified[0]) == (negative, True)
    one, other = (sp.spectral_density(s * A, 40, probes=3, steps=20, rng=0) for s in (1.0, scale))
    np.testing.assert_allclose(other.density * scale, one.density, atol=1e-12)
    np.testing.assert_allclose(other.grid / scale, one.grid, rtol=1e-12)


def test_a_small_matrix_beside_a_large_one_is_judged_by_its_own_size():
    crooked = goe()
    crooked[0, 1] += 1e-3
    with pytest.raises(ValueError, match=r"symmetric matrices, got entries that differ by 0\.001"):
        sp.matrix_index(np.array([1e12 * goe(), crooked]))


def test_a_matrix_with_nan_in_its_first_row_is_not_counted():
    glass = sp.PureGlass.from_couplings(np.full(10, 1e308), p=3, N=3)
    with pytest.raises((OverflowError, ValueError)):
        sp.count_index(glass, glass.random_points(1, rng=0))


@pytest.mark.parametrize("scale", [1e-280, 1e-160, 1e-20, 1e20, 1e160, 1e200])
def test_searches(scale):
    T = np.random.default_rng(3).normal(size=(9,) * 3)
    one, other = sp.PureGlass.from_tensor(T), sp.PureGlass.from_tensor(scale * T)
    starts = one.random_points(16, rng=1)
    for method in ("dense", "krylov"):
        near, far = sp.refine(one, starts, method=method), sp.refine(other, starts, method=method)
        critical = np.abs(one.gradient(far.points)).max(axis=1) < 1e-9
        assert (critical[far.converged]).all()
        assert np.count_nonzero(far.converged) >= np.count_nonzero(near.converged) - 2  # rounding decides a few
    saddles = sp.find_saddles(other, 2, 8, rng=0, zero_tol=0.0)
    assert saddles.converged.sum() >= 5
    assert (np.abs(one.gradient(saddles.points[saddles.converged])) < 1e-9).all()
    for method in ("lbfgs", "power", "trust-region"):
        found = sp.descend(other, starts, method=method, tol=1e-8 * scale, max_steps=500)
        norms = lengths(one.gradient(found.points[found.converged]), 9)
        assert (norms < 1e-7).all()
        np.testing.assert_allclose(found.gradient_norm[found.converged] / scale, norms, atol=1e-11)


def angles_by_roots(energy, degree):
    """Critical angles of θ -> H, from the roots of its trigonometric derivative (of a high precision companion)."""
    count = 2 * degree + 1
    theta = 2 * np.pi * np.arange(count) / count
    values = energy(np.sqrt(2) * np.stack([np.cos(theta), np.sin(theta)], -1))
    harmonics = np.roll(np.fft.fft(values / np.abs(values).max()) / count, degree)
    slope = 1j * np.arange(-degree, degree + 1) * harmonics
    roots = np.roots(slope[::-1])
    return np.sort(np.angle(roots[np.abs(np.abs(roots) - 1) < 1e-6]))


@pytest.mark.parametrize("p", [3, 6, 8, 10, 12])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_two_spins_of_any_order_and_scale(p, scale):
    packed = np.random.default_rng(p).normal(size=p + 1) * scale
    glass = sp.PureGlass.from_couplings(packed, p=p, N=2)
    found = sp.enumerate_critical_points(glass)
    assert found.complete
    assert found.solutions == found.expected_solutions == p
    angles = np.sort(np.arctan2(found.points[:, 1], found.points[:, 0]))
    np.testing.assert_allclose(angles, angles_by_roots(glass.energy, p), atol=1e-6)


@pytest.mark.parametrize("p", [3, 6, 8, 12])
def test_three_spins_are_proven_at_every_scale(p):
    packed = np.random.default_rng(p).normal(size=(p + 1) * (p + 2) // 2)
    found = [
        sp.enumerate_critical_points(sp.PureGlass.from_couplings(scale * packed, p=p, N=3), method="homotopy")
        for scale in (1.0, 1e-30, 1e-5, 1e30)
    ]
    assert all(one.complete for one in found)
    assert {one.solutions for one in found} == {(p - 1) ** 2 + (p - 1) + 1}
    for other in found[1:]:
        np.testing.assert_allclose(np.sort(other.points, axis=0), np.sort(found[0].points, axis=0), atol=1e-9)
    searched = sp.enumerate_critical_points(
        sp.PureGlass.from_couplings(packed, p=p, N=3), method="searches", max_searches=2000, rng=1
    )
    assert len(searched.points) <= len(found[0].points)
    distance = np.linalg.norm(searched.points[:, None] - found[0].points[None], axis=2).min(axis=1)
    assert distance.max() < 1e-6


@pytest.mark.parametrize("p", [3, 6])
@pytest.mark.parametrize("strength", [1e-6, 1e6])
def test_spikes_and_fields_of_any_strength(p, strength):
    glass = sp.PureGlass(p, 3, rng=2)
    for order in {1, 2, 3, p}:
        found = sp.enumerate_critical_points(glass.with_spike([1, 2, -1], strength, order), method="homotopy")
        assert found.complete, order


@pytest.mark.parametrize("N", [30, 61, 62, 300])
def test_too_many_paths_are_refused_with_their_number(N):
    with pytest.raises(MemoryError, match=r"method: [\d,]+ paths of the homotopy needs"):
        sp.enumerate_critical_points(sp.PureGlass(3, N, rng=0), method="homotopy")


def test_twenty_spins_interacting_two_at_a_time_of_order_twenty():
    found = sp.enumerate_critical_points(sp.PureGlass(20, 2, rng=1))
    assert found.complete
    assert found.solutions == 20


def test_what_is_missing_is_never_estimated_as_nothing():
    v = np.array([1.0, 2, 3])
    for subscripts in ("i,j,k", "i,j,k,l"):
        T = np.einsum(subscripts, *[v] * (1 + subscripts.count(",")))  # w.v = 0 is a circle of critical points
        found = sp.enumerate_critical_points(sp.PureGlass.from_tensor(T))
        assert not found.complete
        assert np.isnan(found.missing_estimate)
    few = sp.enumerate_critical_points(sp.PureGlass(3, 9, rng=10), method="searches", max_searches=8)
    assert few.missing_estimate >= abs(few.morse_sum - few.expected_morse_sum)


def test_progress_of_enumerations():
    for method in ("homotopy", "searches"):
        told = []
        sp.enumerate_critical_points(
            sp.PureGlass(3, 5, rng=1), method=method, progress=lambda done, most, told=told: told.append((done, most))
        )
        assert told
        assert all(done <= most for done, most in told)
    with pytest.raises(TypeError, match="progress: expected a callable"):
        sp.enumerate_critical_points(sp.PureGlass(3, 3, rng=1), progress=3)


def test_excluded_directions_that_dominate():
    """A = x xᵀ + small: without x, rounding of products is that of |x|²."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=40)
    for rest in (0.0, 1e-9):
        A = np.outer(x, x) + rest * np.diag(np.arange(-20, 20))
        found = sp.lanczos_index(A, 40, exclude=x[None], rng=0)
        assert (found.negative, found.zero, found.positive) == (0, 39, 0)
        assert found.norm == pytest.approx(x @ x, rel=1e-9)
        lowest = sp.extreme_eigenvalues(A, 40, 2, exclude=x[None], rng=0)
        assert np.abs(lowest.values).max() <= 20 * rest + 1e-12
        sp.spectral_density(A, 40, exclude=x[None], probes=2, rng=0)


def test_an_operator_that_overwrites_its_argument():
    A = goe()

    def product(v):
        v[...] = A @ v
        return v

    found = sp.spectral_density(product, 40, probes=3, steps=20, rng=0)
    np.testing.assert_array_equal(found.density, sp.spectral_density(A, 40, probes=3, steps=20, rng=0).density)
    assert sp.lanczos_index(product, 40, rng=0).negative == sp.lanczos_index(A, 40, rng=0).negative


@pytest.mark.parametrize("value", [3.0, -1e-200, 1e200, 0.0])
def test_the_density_of_one_eigenvalue(value):
    found = sp.spectral_density(value * np.eye(30), 30, probes=3, rng=0)
    mass = np.sum((found.density[1:] + found.density[:-1]) / 2 * np.diff(found.grid))
    assert mass == pytest.approx(1, abs=2e-4)  # four standard deviations each way


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_directions_of_spikes_have_no_units(scale):
    glass, direction = sp.PureGlass(3, 6, rng=1), np.arange(1.0, 7.0)
    w = glass.random_points(3, rng=2)
    one, other = (glass.with_spike(s * direction, 0.7, 3).energy(w) for s in (1.0, scale))
    np.testing.assert_allclose(other, one, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_parts_that_do_not_sum_are_refused_in_any_units(scale):
    packed = np.random.default_rng(0).normal(size=20)
    glass, half = (sp.PureGlass.from_couplings(c * scale * packed, p=3, N=4) for c in (1.0, 0.5))
    w = glass.random_points(1, rng=0)
    sp.descend(glass, w, sp.SGD(parts=[half, half], step=1e-3 / scale), max_steps=3)
    with pytest.raises(ValueError, match="parts: expected gradients that sum"):
        sp.descend(glass, w, sp.SGD(parts=[half, glass], step=1e-3 / scale), max_steps=3)


@pytest.mark.parametrize("unit", [1e-250, 1e-160, 1e160, 1e250])
def test_hessian_ascent_goes_the_same_way_in_any_units(unit):
    glass = sp.PureGlass(3, 20, rng=1)
    starts = glass.random_points(2, rng=2)
    scaled = sp.PureGlass.from_couplings(glass.couplings * unit, p=3, N=20)
    own, other = (sp.descend(g, starts, "hessian-ascent") for g in (glass, scaled))
    np.testing.assert_allclose(other.energy_density / unit, own.energy_density, rtol=1e-9)
