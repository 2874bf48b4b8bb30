"""L-BFGS: few gradients, never uphill, in the valley it started in, honest at rounding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spinscape as sp
from dense_descent import DenseGlass


def glasses():
    return {
        "p=3": sp.PureGlass(3, 12, rng=1),
        "p=4": sp.PureGlass(4, 8, rng=2),
        "mixed": sp.MixedGlass({2: 0.3, 4: 0.7}, 8, rng=4),
        "layered": sp.LayeredGlass(3, 6, rng=5),
        "spiked": sp.PureGlass(3, 10, rng=6).with_spike(np.arange(1.0, 11.0), 3.0, 3),
        "from_tensor": sp.PureGlass.from_tensor(1e-9 * np.random.default_rng(0).standard_normal((9, 9, 9))),
        "huge": sp.PureGlass.from_tensor(1e9 * np.random.default_rng(1).standard_normal((9, 9, 9))),
    }


SCALES = {"from_tensor": 1e-9, "huge": 1e9}  # of energies and gradients


@pytest.mark.parametrize("name", glasses())
def test_it_ends_in_critical_points_of_the_dense_glass(name):
    glass, scale = glasses()[name], SCALES.get(name, 1.0)
    dense = DenseGlass(glass)
    # A first trial step of the order of a tenth radian whatever the units.
    run = sp.descend(glass, glass.random_points(25, rng=3), method="lbfgs", tol=1e-9 * scale, step=0.1 / scale)
    assert run.converged.all()
    for w, u, norm in zip(run.points, run.energy_density, run.gradient_norm, strict=True):
        assert dense.norm(w) <= 1.001e-9 * scale
        assert norm == pytest.approx(dense.norm(w), abs=1e-13 * scale)
        assert u == pytest.approx(dense.energy_gradient(w)[0] / glass.energy_scale, rel=1e-12)
        assert np.linalg.eigvalsh(glass.hessian(w[None])[0])[0] > -1e-6 * scale  # a minimum: zero along w


@pytest.mark.parametrize("name", glasses())
def test_energies_never_rise(name):
    glass, scale = glasses()[name], SCALES.get(name, 1.0)
    starts = glass.random_points(25, rng=4)
    run = sp.descend(glass, starts, method="lbfgs", tol=1e-9 * scale, step=0.1 / scale, trace_every=1)
    rises = np.diff(run.trace_energy_density, axis=1)
    rounding = 1e-14 * np.nanmax(np.abs(run.trace_energy_density), axis=1, keepdims=True)
    assert not (rises > rounding).any()
    rows = np.arange(25)
    np.testing.assert_array_equal(run.trace_energy_density[rows, run.steps], run.energy_density)


def test_it_needs_a_fraction_of_the_gradients_of_plain_descent():
    glass = sp.PureGlass(3, 16, rng=2)
    starts = glass.random_points(30, rng=0)
    fast = sp.descend(glass, starts, method="lbfgs", tol=1e-8)
    plain = sp.descend(glass, starts, method="gradient", tol=1e-8)
    assert fast.converged.all()
    assert plain.converged.all()
    assert fast.evaluations.mean() < plain.evaluations.mean() / 4
    assert (fast.evaluations > fast.steps).all()


def test_it_stays_in_its_valley():
    glass = sp.PureGlass(3, 12, rng=7)
    minima = sp.descend(glass, glass.random_points(40, rng=0), method="lbfgs", tol=1e-10).points
    kicks = np.random.default_rng(0).standard_normal(minima.shape)
    nearby = minima + 0.05 * kicks
    nearby *= np.sqrt(12 / np.sum(nearby**2, axis=1, keepdims=True))
    back = sp.descend(glass, nearby, method="lbfgs", tol=1e-10).points
    overlaps = np.einsum("ri,ri->r", back, minima) / 12
    np.testing.assert_allclose(overlaps, 1.0, atol=1e-12)


@given(p=st.integers(2, 4), N=st.integers(2, 8), seed=st.integers(0, 10**6), history=st.integers(1, 6))
@settings(max_examples=40)
def test_any_small_glass_converges(p, N, seed, history):
    glass = sp.PureGlass(p, N, rng=seed)
    starts = glass.random_points(4, rng=seed)
    run = sp.descend(glass, starts, method="lbfgs", tol=1e-7, history=history, trace_every=1)
    assert run.converged.all()
    rises = np.diff(run.trace_energy_density, axis=1)
    assert not (rises > 1e-13).any()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rounding_is_reported_and_not_called_convergence(dtype):
    glass = sp.PureGlass(3, 10, rng=2, dtype=dtype)
    run = sp.descend(glass, glass.random_points(30, rng=0), method="lbfgs", tol=0.0)
    assert set(run.stop_counts) <= {"stalled", "line_search_failed", "converged"}
    assert (run.gradient_norm[run.converged] == 0).all()  # in float32 that happens
    assert not run.converged.all()
    assert (run.gradient_norm < 100 * np.finfo(dtype).eps).all()
    assert (run.steps < 500).all()


def test_max_steps_counts_line_searches():
    glass = sp.PureGlass(3, 10, rng=2)
    starts = glass.random_points(5, rng=0)
    run = sp.descend(glass, starts, method="lbfgs", max_steps=4, trace_every=1)
    assert (run.steps == 4).all()
    assert run.stop_counts == {"max_steps": 5}
    whole = sp.descend(glass, starts, method="lbfgs", trace_every=1)
    np.testing.assert_array_equal(run.trace_energy_density, whole.trace_energy_density[:, :5])


def test_the_first_step_may_be_absurd():
    glass = sp.PureGlass(3, 8, rng=2)
    starts = glass.random_points(10, rng=0)
    for step in (1e-12, 1e12):
        assert sp.descend(glass, starts, method="lbfgs", step=step).converged.all()


def test_a_plateau_at_zero_energy():
    """A planted critical point of energy 0 with a positive tangent Hessian: no scale of energies to lean on."""
    N, p = 7, 3
    rng = np.random.default_rng(5)
    tensor = np.zeros((N,) * p)
    a = np.diag(np.linspace(0.5, 3.0, N - 1)) * np.sqrt(N) / (p * (p - 1))
    for axes in ((0, 1, 2), (1, 0, 2), (1, 2, 0)):
        tensor += np.transpose(np.concatenate([np.pad(a, ((1, 0), (1, 0)))[None], np.zeros((N - 1, N, N))]), axes)
    glass = sp.PureGlass.from_tensor(tensor)
    pole = np.sqrt(N) * np.eye(N)[0]
    starts = pole + 0.05 * rng.standard_normal((10, N))
    starts *= np.sqrt(N / np.sum(starts**2, axis=1, keepdims=True))
    run = sp.descend(glass, starts, method="lbfgs", tol=1e-9)
    assert run.converged.all()
    np.testing.assert_allclose(run.points @ pole / N, 1.0, atol=1e-12)
    np.testing.assert_allclose(run.energy_density, 0.0, atol=1e-15)


# A twin in numpy: the inverse Hessian as a dense matrix, built from the pairs by the BFGS formula, and the slope of the
# energy along a retracted line from the derivative of the retraction.


def inverse_hessian(pairs, size):
    s, y = pairs[-1]
    B = (s @ y) / (y @ y) * np.eye(size)
    for s, y in pairs:
        V = np.eye(size) - np.outer(s, y) / (s @ y)
        B = V @ B @ V.T + np.outer(s, s) / (s @ y)
    return B


def line(dense, w, d):
    """Point, energy, gradient and slope at step a along the retraction of w + a d."""

    def at(a):
        layers = (w + a * d).reshape(dense.layers, dense.size)
        moves = d.reshape(dense.layers, dense.size)
        squares = np.sum(layers**2, axis=1, keepdims=True)
        along = np.sum(layers * moves, axis=1, keepdims=True)
        velocity = np.sqrt(dense.size / squares) * (moves - layers * along / squares)
        point = dense.retract(w + a * d)
        energy, gradient = dense.energy_gradient(point)
        return point, energy, gradient, gradient @ velocity.ravel()

    return at


def minimum_of_cubic(low, high):
    """Smallest root of the derivative that is a minimum of the cubic through (step, value, slope) of both ends."""
    (a, u, p), (b, v, q) = low, high
    matrix = [[1, a, a**2, a**3], [1, b, b**2, b**3], [0, 1, 2 * a, 3 * a**2], [0, 1, 2 * b, 3 * b**2]]
    _, c1, c2, c3 = np.linalg.solve(matrix, [u, v, p, q])
    roots = np.roots([3 * c3, 2 * c2, c1])
    minima = [r.real for r in roots if abs(r.imag) < 1e-9 and 2 * c2 + 6 * c3 * r.real > 0]
    middle = minima[0] if minima else (a + b) / 2
    return np.clip(middle, a + (b - a) / 10, b - (b - a) / 10)


def wolfe_step(at, value, slope, first, longest):
    low, high, a = (0.0, value, slope), None, min(first, longest)
    while True:
        _, energy, _, here = at(a)
        if energy <= value + 1e-4 * a * slope:
            if here >= 0.9 * slope or a >= longest:
                return a
            low = (a, energy, here)
        else:
            high = (a, energy, here)
        a = minimum_of_cubic(low, high) if high else min(3 * a, longest)


def numpy_lbfgs(dense, w, steps, history):
    energies, pairs = [], []
    energy, gradient = dense.energy_gradient(w)
    for _ in range(steps):
        energies.append(energy)
        d = -inverse_hessian(pairs, w.size) @ gradient if pairs else -gradient
        d = project(dense, w, d)
        longest = 0.25 * np.sqrt(w.size) / np.linalg.norm(d)
        at = line(dense, w, d)
        a = wolfe_step(at, energy, gradient @ d, 1.0 if pairs else 0.1, longest)
        point, energy, new, _ = at(a)
        s, y = project(dense, point, a * d), new - project(dense, point, gradient)
        if s @ y > 1e-10 * np.linalg.norm(s) * np.linalg.norm(y):
            pairs = [*pairs, (s, y)][-history:]
        w, gradient = point, new
    return np.array(energies)


def project(dense, w, vector):
    parts, vectors = w.reshape(dense.layers, dense.size), vector.reshape(dense.layers, dense.size)
    return (vectors - np.sum(parts * vectors, axis=1, keepdims=True) / dense.size * parts).ravel()


@pytest.mark.parametrize("name", ["p=3", "p=4", "mixed", "layered", "spiked"])
@pytest.mark.parametrize("history", [1, 3, 30])
def test_the_path_equals_that_of_a_dense_twin(name, history):
    glass = glasses()[name]
    dense = DenseGlass(glass)
    starts = glass.random_points(6, rng=5)
    run = sp.descend(glass, starts, method="lbfgs", tol=0.0, max_steps=12, history=history, trace_every=1)
    for row, start in enumerate(starts):
        expected = numpy_lbfgs(dense, start, 13, history) / glass.energy_scale
        np.testing.assert_allclose(run.trace_energy_density[row], expected, rtol=1e-9)
