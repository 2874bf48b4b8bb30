"""Energies and derivatives of every glass: against dense einsum, exact rationals, finite differences and identities."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import spinscape as sp
from dense import euclidean, riemannian, spike, symmetric_tensor

TOLERANCE = {"float64": 1e-12, "float32": 2e-5}
SIZES = [(2, 1), (2, 12), (3, 1), (3, 10), (4, 7), (5, 6), (6, 5)]


def assert_close(got, want, dtype="float64"):
    """Equal to the tolerance relative to the largest entry: entries that cancel carry the rounding of the others."""
    want = np.asarray(want)
    assert got.shape == want.shape
    assert got.dtype == np.dtype(dtype)
    np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE[dtype] * max(1.0, np.abs(want).max(initial=0)))


def assert_all_quantities(glass, w, oracle, spheres=1):
    """All members of a glass against `oracle(point) -> (energy, gradient, Hessian)`; Euclidean ones anywhere."""
    dtype = glass.dtype.name
    v = np.random.default_rng(5).normal(size=w.shape).astype(dtype)
    rows = [oracle(point) for point in w.astype(np.float64)]
    tangent = [riemannian(g, h, point, spheres) for (_, g, h), point in zip(rows, w.astype(np.float64), strict=True)]
    assert_close(glass.energy(w), [e for e, _, _ in rows], dtype)
    assert_close(glass.energy_density(w), [e * spheres / w.shape[1] for e, _, _ in rows], dtype)
    assert_close(glass.gradient(w), [g for g, _ in tangent], dtype)
    assert_close(glass.hessian(w), [h for _, h in tangent], dtype)
    assert_close(glass.hvp(w, v), [h @ x for (_, h), x in zip(tangent, v.astype(np.float64), strict=True)], dtype)
    for answer, part in zip(glass.energy_gradient(w), (glass.energy(w), glass.gradient(w)), strict=True):
        assert_close(answer, part, dtype)
    for anywhere in (w, w * w.dtype.type(0.7)):
        rows = [oracle(point) for point in anywhere.astype(np.float64)]
        assert_close(glass.euclidean_energy(anywhere), [e for e, _, _ in rows], dtype)
        assert_close(glass.euclidean_gradient(anywhere), [g for _, g, _ in rows], dtype)
        assert_close(glass.euclidean_hessian(anywhere), [h for _, _, h in rows], dtype)
        products = [h @ x for (_, _, h), x in zip(rows, v.astype(np.float64), strict=True)]
        assert_close(glass.euclidean_hvp(anywhere, v), products, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("p", "N"), SIZES)
def test_pure_glass_equals_dense_einsum(p, N, dtype):
    glass = sp.PureGlass(p, N, rng=3, dtype=dtype)
    X = symmetric_tensor(glass.couplings, p, N)
    assert_all_quantities(glass, glass.random_points(3, rng=1), lambda w: euclidean(X, w))


@given(p=st.integers(2, 6), N=st.integers(1, 5), replicas=st.integers(1, 9), seed=st.integers(0, 2**32))
def test_any_tensor_equals_dense_einsum(p, N, replicas, seed):
    """The dense tensor is not symmetric: only its symmetric part may matter."""
    X = np.random.default_rng(seed).normal(size=(N,) * p)
    glass = sp.PureGlass.from_tensor(X)
    assert_all_quantities(glass, glass.random_points(replicas, rng=seed), lambda w: euclidean(X, w))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_mixed_glass_is_the_weighted_sum_of_pure_ones(dtype):
    xi, N = {2: 0.2, 3: 0.5, 5: 0.3}, 6
    glass = sp.MixedGlass(xi, N, rng=4, dtype=dtype)
    dense = [(c, symmetric_tensor(sp.PureGlass(p, N, rng=4).couplings, p, N)) for p, c in xi.items()]

    def oracle(w):
        parts = [(np.sqrt(c), euclidean(X, w)) for c, X in dense]
        return tuple(sum(scale * part[k] for scale, part in parts) for k in range(3))

    assert_all_quantities(glass, glass.random_points(3, rng=1), oracle)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("p", "n"), [(2, 5), (3, 1), (3, 4), (4, 3), (5, 2)])
def test_layered_glass_equals_dense_einsum(p, n, dtype):
    glass = sp.LayeredGlass(p, n, rng=8, dtype=dtype)
    assert (glass.size, glass.energy_scale, glass.spheres) == (p * n, n, (p, n))
    X = glass.couplings
    assert_all_quantities(glass, glass.random_points(3, rng=1), lambda w: euclidean(X, w, layered=True), spheres=p)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["pure", "layered"])
def test_spike_and_field(kind, order):
    glass = sp.PureGlass(3, 6, rng=8) if kind == "pure" else sp.LayeredGlass(3, 3, rng=8)
    layered = kind == "layered"
    X = glass.couplings if layered else symmetric_tensor(glass.couplings, 3, 6)
    direction = np.random.default_rng(2).normal(size=glass.size)
    planted = glass.with_spike(direction, 0.7, order)

    def oracle(w):
        terms = euclidean(X, w, layered), spike(direction, w, 0.7, order)
        return tuple(a + b for a, b in zip(*terms, strict=True))

    w = glass.random_points(4, rng=1)
    assert_all_quantities(planted, w, oracle, spheres=glass.spheres[0])
    if order == 1:
        np.testing.assert_array_equal(glass.with_field(direction, 0.7).energy(w), planted.energy(w))


def test_spikes_add_up_and_leave_the_glass_alone():
    glass = sp.PureGlass(3, 5, rng=0)
    w, direction = glass.random_points(3, rng=1), np.arange(1.0, 6.0)
    before = glass.energy(w)
    twice = glass.with_spike(direction, 0.5, 3).with_spike(direction, 0.25, 3)
    assert_close(twice.energy(w), glass.with_spike(direction, 0.75, 3).energy(w))
    np.testing.assert_array_equal(glass.energy(w), before)


def test_a_spike_of_order_p_is_a_rank_one_shift_of_the_tensor():
    p, N, strength = 3, 5, 1.3
    rng = np.random.default_rng(3)
    X, v = rng.normal(size=(N,) * p), rng.normal(size=N)
    u = v * np.sqrt(N) / np.linalg.norm(v)
    shifted = sp.PureGlass.from_tensor(X - strength * N ** (-(p - 1) / 2) * np.einsum("i,j,k->ijk", u, u, u))
    planted = sp.PureGlass.from_tensor(X).with_spike(v, strength, p)
    w = planted.random_points(4, rng=1)
    assert_close(planted.energy(w), shifted.energy(w))
    assert_close(planted.gradient(w), shifted.gradient(w))
    assert_close(planted.hessian(w), shifted.hessian(w))


@pytest.mark.parametrize("p", [2, 3, 4, 5, 6])
def test_energy_against_exact_rationals(p):
    """N = 4, so that N^{-(p-1)/2} is a power of two and every number below is an exact fraction."""
    N = 4
    glass = sp.PureGlass(p, N, rng=p)
    X = symmetric_tensor(glass.couplings, p, N)
    w = glass.random_points(3, rng=0)
    for point, got in zip(w, glass.energy(w), strict=True):
        total = Fraction(0)
        for index in product(range(N), repeat=p):
            term = Fraction(float(X[index]))
            for i in index:
                term *= Fraction(float(point[i]))
            total += term
        assert got == pytest.approx(float(total / 2 ** (p - 1)), rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_points_off_the_sphere_are_refused(dtype):
    """Unit vectors, and one layer of several; what is off by float32's rounding is taken."""
    pure, layered = sp.PureGlass(3, 8, rng=0, dtype=dtype), sp.LayeredGlass(3, 4, rng=0, dtype=dtype)
    w, v = pure.random_points(3, rng=1), layered.random_points(3, rng=1)
    v[2, 4:8] *= 1.001
    for glass, points, where in (
        (pure, w / np.linalg.norm(w, axis=1, keepdims=True), r"\|w\|\^2 = 8 to 1e-4 relative, got 1 in row 0$"),
        (layered, v, r"\|w\|\^2 = 4 to 1e-4 relative, got 4.00\d+ in row 2, sphere 1$"),
    ):
        for member in ("energy", "energy_density", "gradient", "energy_gradient", "hessian"):
            with pytest.raises(ValueError, match=f"points: expected {where}"):
                getattr(glass, member)(points)
        with pytest.raises(ValueError, match=f"points: expected {where}"):
            glass.hvp(points, points)
        assert glass.euclidean_energy(points).shape == (3,)
    np.testing.assert_array_equal(pure.energy(w.astype(np.float32)), pure.energy(w.astype(np.float32).astype(dtype)))


def test_a_hessian_too_large_is_refused(available):
    glass = sp.PureGlass(3, 8, rng=0)
    points = glass.random_points(5, rng=1)
    available(3000)
    with pytest.raises(MemoryError, match="points: 5 Hessians of 8 x 8 needs 5,120 bytes; 3,000 bytes are available"):
        glass.euclidean_hessian(points)


# --- identities ------------------------------------------------------------------------------------------------------

PURE = st.tuples(st.integers(2, 6), st.integers(2, 6), st.integers(0, 10**6))


@given(PURE)
def test_euler_relations_and_parity(case):
    """w.∇H = pH; H(-w) = (-1)^p H(w); and the tangent quantities have no part along w."""
    p, N, seed = case
    glass = sp.PureGlass(p, N, rng=seed)
    w = glass.random_points(4, rng=seed)
    assert_close(np.einsum("ri,ri->r", w, glass.euclidean_gradient(w)), p * glass.energy(w))
    assert_close(glass.energy(-w), (-1) ** p * glass.energy(w))
    assert_close(np.einsum("ri,ri->r", w, glass.gradient(w)), np.zeros(4))
    assert_close(np.einsum("rij,rj->ri", glass.hessian(w), w), np.zeros((4, N)))
    assert_close(glass.hvp(w, w), np.zeros((4, N)))


@pytest.mark.parametrize("p", [2, 3, 4, 5, 6])
def test_hessian_trace_holds_the_radial_part(p):
    """∇²H w = (p-1)∇H, through what is public: the Riemannian Hessian's trace is tr ∇²H - p(p-1)H/N - (N-1)pH/N."""
    N = 5
    glass = sp.PureGlass(p, N, rng=p)
    w = glass.random_points(3, rng=2)
    X = symmetric_tensor(glass.couplings, p, N)
    for point, matrix, energy in zip(w, glass.hessian(w), glass.energy(w), strict=True):
        _, gradient, hessian = euclidean(X, point)
        np.testing.assert_allclose(hessian @ point, (p - 1) * gradient, rtol=1e-12, atol=1e-12)
        want = np.trace(hessian) - p * (p - 1) * energy / N - (N - 1) * p * energy / N
        assert np.trace(matrix) == pytest.approx(want, rel=1e-12, abs=1e-11)


@given(PURE)
def test_hessian_is_symmetric_and_hvp_is_its_product(case):
    p, N, seed = case
    glass = sp.PureGlass(p, N, rng=seed)
    w = glass.random_points(3, rng=seed)
    v = np.random.default_rng(seed).normal(size=w.shape)
    matrices = glass.hessian(w)
    np.testing.assert_array_equal(matrices, matrices.transpose(0, 2, 1))
    assert_close(glass.hvp(w, v), np.einsum("rij,rj->ri", matrices, v))


@pytest.mark.parametrize("spheres", [1, 3])
def test_hessian_of_a_layered_glass_is_zero_along_every_sphere(spheres):
    glass = sp.LayeredGlass(3, 5, rng=1) if spheres == 3 else sp.MixedGlass({3: 0.5, 4: 0.5}, 8, rng=1)
    w = glass.random_points(2, rng=1)
    for point, matrix in zip(w, glass.hessian(w), strict=True):
        for part in range(spheres):
            along = np.zeros_like(point)
            at = slice(part * glass.spheres[1], (part + 1) * glass.spheres[1])
            along[at] = point[at]
            np.testing.assert_allclose(matrix @ along, 0, atol=1e-12)


@pytest.mark.parametrize("glass", [sp.PureGlass(3, 9, rng=1), sp.LayeredGlass(3, 4, rng=1)], ids=["pure", "layered"])
def test_taylor_expansion_along_geodesics(glass):
    """H(γ(t)) = H + t g.v + t²/2 v.Hess v + O(t³) on the great circles γ: the remainder falls with slope 3."""
    w = glass.random_points(1, rng=3)
    v = np.random.default_rng(1).normal(size=w.shape)
    parts, speeds = w.reshape(glass.spheres), v.reshape(glass.spheres)
    speeds -= (np.einsum("si,si->s", parts, speeds) / glass.spheres[1])[:, None] * parts
    rate = np.linalg.norm(speeds, axis=1)[:, None] / np.sqrt(glass.spheres[1])
    first, second = (glass.gradient(w) * v).sum(), (glass.hvp(w, v) * v).sum()
    steps = np.array([1e-2, 1e-3])
    remainders = []
    for t in steps:
        moved = np.cos(rate * t) * parts + np.sin(rate * t) / rate * speeds
        remainder = glass.energy(moved.reshape(1, -1)) - glass.energy(w) - t * first - t**2 / 2 * second
        remainders.append(abs(remainder[0]))
    assert np.log10(remainders[0] / remainders[1]) == pytest.approx(3, abs=0.1)


def test_rotating_spike_and_points_together_changes_nothing():
    N, zero = 7, np.zeros((7, 7, 7))
    rotation = stats.ortho_group.rvs(N, random_state=np.random.default_rng(4))
    direction = np.random.default_rng(5).normal(size=N)
    plain = sp.PureGlass.from_tensor(zero).with_spike(direction, 2.0, 4)
    turned = sp.PureGlass.from_tensor(zero).with_spike(rotation @ direction, 2.0, 4)
    w = plain.random_points(5, rng=0)
    assert_close(turned.energy(w @ rotation.T), plain.energy(w))
    assert_close(turned.gradient(w @ rotation.T), plain.gradient(w) @ rotation.T)
    assert_close(turned.hessian(w @ rotation.T), rotation @ plain.hessian(w) @ rotation.T)


def test_rotating_a_tensor_and_points_together_changes_nothing():
    N = 6
    rotation = stats.ortho_group.rvs(N, random_state=np.random.default_rng(4))
    X = np.random.default_rng(6).normal(size=(N, N, N))
    turned = np.einsum("abc,ia,jb,kc->ijk", X, rotation, rotation, rotation)
    plain, other = sp.PureGlass.from_tensor(X), sp.PureGlass.from_tensor(turned)
    w = plain.random_points(5, rng=0)
    assert_close(other.energy(w @ rotation.T), plain.energy(w))
    assert_close(other.hessian(w @ rotation.T), rotation @ plain.hessian(w) @ rotation.T)


def test_p_2_critical_points_are_the_eigenvectors():
    """H = N^{-1/2} w.Xw: at the k-th eigenvector the gradient vanishes, and k Hessian eigenvalues are negative."""
    N = 8
    glass = sp.PureGlass(2, N, rng=1)
    X = symmetric_tensor(glass.couplings, 2, N)
    values, vectors = np.linalg.eigh(X)
    w = np.sqrt(N) * vectors.T.copy()
    np.testing.assert_allclose(glass.gradient(w), 0, atol=1e-12)
    np.testing.assert_allclose(glass.energy(w), np.sqrt(N) * values, atol=1e-12)
    for k, matrix in enumerate(glass.hessian(w)):
        want = np.sort([*(2 * (np.delete(values, k) - values[k]) / np.sqrt(N)), 0.0])
        np.testing.assert_allclose(np.linalg.eigvalsh(matrix), want, atol=1e-12)


# --- the objects -----------------------------------------------------------------------------------------------------


def test_astype_shares_the_couplings():
    glass = sp.MixedGlass({3: 0.5, 4: 0.5}, 6, rng=0)
    single = glass.astype("float32")
    assert (glass.dtype, single.dtype) == (np.dtype("float64"), np.dtype("float32"))
    assert all(a[0] is b[0] for a, b in zip(glass._terms, single._terms, strict=True))
    w = glass.random_points(3, rng=1)
    assert single.energy(w).dtype == np.float32
    np.testing.assert_allclose(single.energy(w), glass.energy(w), atol=1e-4)
    np.testing.assert_array_equal(single.astype("float64").energy(w), glass.energy(w))


@pytest.mark.parametrize("glass", [sp.PureGlass(3, 7, rng=1), sp.LayeredGlass(3, 4, rng=1)], ids=["pure", "layered"])
def test_random_points_rows_do_not_depend_on_their_number(glass):
    many = glass.random_points(1000, rng=9)
    for count in (1, 2, 3, 17, 999):
        np.testing.assert_array_equal(glass.random_points(count, rng=9), many[:count])
    squares = (many.reshape(-1, *glass.spheres) ** 2).sum(axis=2)
    np.testing.assert_allclose(squares, glass.spheres[1], rtol=1e-12)
    np.testing.assert_array_equal(glass.astype("float32").random_points(9, rng=9), many[:9].astype(np.float32))


def test_random_points_are_uniform():
    """w_1²/N ~ Beta(1/2, (N-1)/2) in every coordinate; p-value above 1e-6."""
    N = 5
    w = sp.PureGlass(2, N, rng=0).random_points(20_000, rng=2)
    for i in range(N):
        assert stats.kstest(w[:, i] ** 2 / N, stats.beta(0.5, (N - 1) / 2).cdf).pvalue > 1e-6
        assert stats.binomtest(int((w[:, i] > 0).sum()), len(w)).pvalue > 1e-6


def test_an_empty_block_is_a_block():
    glass = sp.PureGlass(3, 4, rng=0)
    w = glass.random_points(0)
    assert w.shape == (0, 4)
    assert glass.energy(w).shape == (0,)
    assert glass.gradient(w).shape == glass.hvp(w, w).shape == (0, 4)
    assert glass.hessian(w).shape == (0, 4, 4)


def test_xi_names_the_covariance():
    assert sp.PureGlass(3, 4, rng=0).xi == {3: 1.0}
    assert sp.MixedGlass({3: 0.5, 4: 0.25}, 4, rng=0).xi == {3: 0.5, 4: 0.25}
