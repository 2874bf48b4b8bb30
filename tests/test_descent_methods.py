"""Momentum, flow, power, trust regions, saddle-free Newton and Hessian ascent: numpy twins, exact facts, known laws."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import dense_descent
import spinscape as sp
from dense_descent import DenseGlass
from spinscape import StopReason
from spinscape.theory import algorithmic_energy


def glasses():
    direction = np.arange(1.0, 9.0)
    return {
        "pure p=3": sp.PureGlass(3, 8, rng=1),
        "pure p=4": sp.PureGlass(4, 6, rng=2),
        "mixed": sp.MixedGlass({2: 0.3, 3: 0.5, 4: 0.2}, 6, rng=4),
        "layered": sp.LayeredGlass(3, 5, rng=5),
        "spiked": sp.PureGlass(3, 8, rng=6).with_spike(direction, 1.5, 3).with_field(direction[::-1], 0.2),
    }


@pytest.mark.parametrize("name", glasses())
@pytest.mark.parametrize("decay", [0.0, 0.02])
def test_momentum_equals_its_numpy_twin(name, decay):
    glass = glasses()[name]
    starts = glass.random_points(3, rng=9)
    run = sp.descend(glass, starts, method="momentum", step=0.1, momentum=0.7, decay=decay, tol=0.0, max_steps=60)
    for row, start in enumerate(starts):
        expected = dense_descent.momentum(DenseGlass(glass), start, 60, 0.1, 0.7, decay)
        np.testing.assert_allclose(run.points[row], expected, atol=1e-9)
    assert (run.evaluations == 61).all()


def test_no_momentum_is_the_papers_step():
    glass = sp.PureGlass(3, 8, rng=1)
    starts = glass.random_points(3, rng=9)
    plain = sp.descend(glass, starts, step=0.1, tol=0.0, max_steps=50)
    still = sp.descend(glass, starts, method="momentum", step=0.1, momentum=0.0, tol=0.0, max_steps=50)
    np.testing.assert_allclose(still.points, plain.points, atol=1e-12)


@pytest.mark.parametrize("name", glasses())
def test_the_flow_is_the_flow_of_scipy(name):
    """Oracle: DOP853 to 1e-11, with the field's radial part removed at every length."""
    glass = glasses()[name]
    dense = DenseGlass(glass)
    starts = glass.random_points(3, rng=9)
    run = sp.descend(glass, starts, method="flow", accuracy=1e-9, duration=1.7, tol=0.0)
    assert (run.stop_reason == StopReason.completed).all()
    for row, start in enumerate(starts):
        found = solve_ivp(
            lambda t, w: -dense.energy_gradient(dense.retract(w))[1], (0, 1.7), start, "DOP853", rtol=1e-11, atol=1e-11
        )
        np.testing.assert_allclose(run.points[row], dense.retract(found.y[:, -1]), atol=2e-7)


def test_the_flow_is_as_accurate_as_asked_and_of_fifth_order():
    glass = sp.PureGlass(3, 20, rng=1)
    starts = glass.random_points(6, rng=0)
    exact = sp.descend(glass, starts, method="flow", accuracy=1e-11, duration=3.0, tol=0.0)
    errors, steps = [], []
    for accuracy in (1e-4, 1e-6, 1e-8):
        run = sp.descend(glass, starts, method="flow", accuracy=accuracy, duration=3.0, tol=0.0)
        errors.append(np.sqrt(np.mean((run.points - exact.points) ** 2)))
        steps.append(run.steps.mean())
        assert errors[-1] < 30 * accuracy
    assert np.all(np.diff(np.log(errors)) < -3)
    # Steps as accuracy^{-1/5}: a factor 100 costs 2.5 times as many.
    assert 1.8 < steps[2] / steps[1] < 3.2


def test_the_flow_comes_to_rest_at_minima():
    glass = sp.PureGlass(3, 15, rng=1)
    run = sp.descend(glass, glass.random_points(12, rng=0), method="flow", tol=1e-8, trace_every=1)
    assert run.converged.all()
    assert (sp.count_index(glass, run.points).negative == 0).all()
    path = run.trace_energy_density
    assert np.nanmax(np.diff(path, axis=1)) < 1e-13


def test_power_equals_its_numpy_twin():
    for name in ("pure p=3", "pure p=4"):
        glass = glasses()[name]
        starts = glass.random_points(3, rng=9)
        run = sp.descend(glass, starts, method="power", shift=4.0, tol=0.0, max_steps=40)
        for row, start in enumerate(starts):
            expected = dense_descent.power(DenseGlass(glass), start, 40, 4.0)
            np.testing.assert_allclose(run.points[row], expected, atol=1e-9)


def test_a_shifted_power_method_is_monotone_and_ends_in_its_fixed_points():
    """Kolda and Mayo (2011), theorem 4.4: monotone for shifts above (p - 1) p max|u|."""
    glass = sp.PureGlass(3, 12, rng=3)
    starts = glass.random_points(40, rng=0)
    ground = sp.descend(glass, glass.random_points(400, rng=1), method="lbfgs").energy_density.min()
    for shift in (6 * 1.01 * abs(ground), None):
        run = sp.descend(glass, starts, method="power", shift=shift, tol=1e-9, trace_every=1)
        assert run.converged.all()
        assert np.nanmax(np.diff(run.trace_energy_density, axis=1)) <= 1e-14
        # w = α√N (αw - ∇H)/|αw - ∇H| at the end: -∇H is along w, with the eigenvalue p H/N.
        slope = glass.euclidean_gradient(run.points)
        np.testing.assert_allclose(slope, 3 * run.energy_density[:, None] * run.points, atol=1e-8)


def test_an_unshifted_power_method_need_not_converge():
    """Kolda and Mayo (2011), example 3.5, of Kofidis and Regalia: a 3x3x3x3 tensor the unshifted method fails on."""
    entries = {
        (1, 1, 1, 1): 0.2883, (1, 1, 1, 2): -0.0031, (1, 1, 1, 3): 0.1973, (1, 1, 2, 2): -0.2485, (1, 1, 2, 3): -0.2939,
        (1, 1, 3, 3): 0.3847, (1, 2, 2, 2): 0.2972, (1, 2, 2, 3): 0.1862, (1, 2, 3, 3): 0.0919, (1, 3, 3, 3): -0.3619,
        (2, 2, 2, 2): 0.1241, (2, 2, 2, 3): -0.3420, (2, 2, 3, 3): 0.2127, (2, 3, 3, 3): 0.2727, (3, 3, 3, 3): -0.3054,
    }  # fmt: skip
    tensor = np.empty((3,) * 4)
    for index in np.ndindex(tensor.shape):
        tensor[index] = entries[tuple(sorted(k + 1 for k in index))]
    glass = sp.PureGlass.from_tensor(tensor)
    starts = glass.random_points(100, rng=0)
    eigenvalue = np.sqrt(3) ** 3 / np.sqrt(3) ** 4  # H = 3^{-3/2} A w^4 on |w|^2 = 3: A x^4 at |x| = 1 is this times H
    run = sp.descend(glass, starts, method="power", tol=1e-9, max_steps=5000)
    assert run.converged.all()
    minima = run.energy_density * 3 * eigenvalue
    # Their table 3.2 (negative shift): the minima of A x^4 on the unit sphere.
    assert set(np.round(minima, 4)) == {-1.0954, -0.5629, -0.0451}
    unshifted = sp.descend(glass, starts, method="power", shift=0.0, tol=1e-9, max_steps=2000)
    assert not unshifted.converged.all()


@pytest.mark.parametrize("name", glasses())
def test_trust_regions_equal_their_numpy_twin(name):
    glass = glasses()[name]
    starts = glass.random_points(4, rng=9)
    run = sp.descend(glass, starts, method="trust-region", tol=0.0, max_steps=6)
    for row, start in enumerate(starts):
        expected = dense_descent.trust_region(DenseGlass(glass), start, 6)
        np.testing.assert_allclose(run.points[row], expected[-1], atol=1e-7)


@pytest.mark.parametrize("name", glasses())
@pytest.mark.parametrize("krylov", [None, 3, 20])
def test_saddle_free_newton_equals_its_numpy_twin(name, krylov):
    glass = glasses()[name]
    starts = glass.random_points(4, rng=9)
    options = {"hessian": "dense"} if krylov is None else {"krylov": krylov}
    run = sp.descend(glass, starts, method="saddle-free-newton", tol=0.0, max_steps=5, **options)
    for row, start in enumerate(starts):
        expected = dense_descent.saddle_free(DenseGlass(glass), start, 5, krylov=krylov)
        np.testing.assert_allclose(run.points[row], expected[-1], atol=1e-7)


def test_a_full_krylov_space_is_the_dense_method():
    glass = sp.PureGlass(3, 30, rng=2)
    starts = glass.random_points(6, rng=9)
    dense, krylov = (
        sp.descend(glass, starts, method="saddle-free-newton", hessian=how, tol=0.0, max_steps=3)
        for how in ("dense", "krylov")
    )
    np.testing.assert_allclose(krylov.points, dense.points, atol=0.05)
    auto = sp.descend(glass, starts, method="saddle-free-newton", tol=0.0, max_steps=3)
    np.testing.assert_array_equal(auto.points, dense.points)


NEWTON = {
    "trust-region": {"method": "trust-region"},
    "dense": {"method": "saddle-free-newton", "hessian": "dense"},
    "krylov": {"method": "saddle-free-newton", "krylov": 24},
}


@pytest.mark.parametrize("name", NEWTON)
def test_newton_methods_end_in_certified_minima_with_falling_energies(name):
    glass = sp.PureGlass(3, 40, rng=1)
    run = sp.descend(glass, glass.random_points(30, rng=0), **NEWTON[name], tol=1e-10, trace_every=1)
    assert run.converged.all()
    index = sp.count_index(glass, run.points)
    assert index.certified.all()
    assert (index.negative == 0).all()
    assert np.nanmax(np.diff(run.trace_energy_density, axis=1)) < 1e-12
    # Quadratic in the end: from |g| = δ to about δ^2 (Krylov spaces of 24 vectors end before that).
    if name != "krylov":
        rows = np.arange(30)
        norms = [run.trace_gradient_norm[rows, run.steps - k] for k in (2, 1, 0)]
        small = (norms[1] < 1e-3) & (norms[2] > 1e-14)
        assert small.sum() > 5
        assert np.all(norms[2][small] < 30 * norms[1][small] ** 1.8)


@pytest.mark.parametrize("name", NEWTON)
def test_newton_methods_leave_saddles(name):
    """From next to saddles of index 2, where Newton's own method would stay."""
    glass = sp.PureGlass(3, 20, rng=1)
    saddles = glass.random_points(60, rng=0)
    found = sp.find_saddles(glass, 2, starts=saddles)
    saddles = found.points[found.index.negative == 2][:12]
    assert len(saddles) == 12
    nudged = saddles + 1e-4 * np.random.default_rng(0).standard_normal(saddles.shape)
    nudged *= np.sqrt(20 / np.sum(nudged**2, axis=1, keepdims=True))
    run = sp.descend(glass, nudged, **NEWTON[name], tol=1e-10)
    assert run.converged.all()
    assert (sp.count_index(glass, run.points).negative == 0).all()
    assert (run.energy_density < glass.energy_density(saddles) - 1e-6).all()


@pytest.mark.parametrize("name", ["pure p=3", "pure p=4", "mixed", "spiked"])
def test_hessian_ascent_equals_its_numpy_twin(name):
    """With Krylov spaces that fill the complement, the eigenvectors are exact."""
    glass = glasses()[name]
    dense, N = DenseGlass(glass), glass.spheres[1]
    starts = glass.random_points(4, rng=9)
    run = sp.descend(glass, starts, method="hessian-ascent", max_steps=12, krylov=20, trace_every=1)
    assert (run.stop_reason == StopReason.completed).all()
    for row, start in enumerate(starts):
        path = dense_descent.hessian_ascent(dense, start, 12)
        np.testing.assert_allclose(run.points[row], path[-1], atol=1e-7)
        energies = [dense.euclidean(x)[0] / N for x in path]
        np.testing.assert_allclose(run.trace_energy_density[row], energies, atol=1e-9)
    assert (run.evaluations == 13 + 11 * (N - 1)).all()
    np.testing.assert_allclose(np.sum(run.points**2, axis=1), N, rtol=1e-14)


def test_hessian_ascent_counts_its_products_as_gradients():
    glass = sp.PureGlass(3, 60, rng=1)
    run = sp.descend(glass, glass.random_points(5, rng=0), method="hessian-ascent", max_steps=25, krylov=6)
    assert (run.evaluations == 26 + 24 * 6).all()
    assert (run.steps == 25).all()


def gap(xi, N, instances, starts):
    """Mean over instances of u + ALG where Hessian ascent ends, and its standard error."""
    means = []
    for k in range(instances):
        glass = sp.MixedGlass(xi, N, rng=np.random.SeedSequence(5, spawn_key=(N, k)), dtype="float32")
        run = sp.descend(glass, glass.random_points(starts, rng=k), method="hessian-ascent", n_threads=1)
        means.append(run.energy_density.mean())
    return np.mean(means) + algorithmic_energy(xi), np.std(means, ddof=1) / np.sqrt(instances)


def test_hessian_ascent_approaches_the_algorithmic_energy():
    """u + ALG falls about like N^{-2/3}, the scale of the lowest eigenvalues: from N = 25 to 75 by more than 1.5."""
    (small, error), (large, other) = gap({3: 1.0}, 25, 8, 6), gap({3: 1.0}, 75, 8, 6)
    assert large + 3 * other < (small - 3 * error) / 1.5 + 3 * error
    assert 0 < large < 0.16


@pytest.mark.slow
@pytest.mark.parametrize(
    ("xi", "sizes"), [({3: 1.0}, (200, 300)), ({4: 1.0}, (60, 100)), ({2: 0.9, 4: 0.1}, (60, 100))]
)
def test_hessian_ascent_ends_within_the_finite_size_of_the_algorithmic_energy(xi, sizes):
    """0 < u + ALG < 2.5 N^{-2/3} at both sizes, and it falls."""
    (small, error), (large, other) = (gap(xi, N, 4, 6) for N in sizes)
    assert large - 3 * other > 0
    assert small - 3 * error < 2.5 * sizes[0] ** (-2 / 3)
    assert large - 3 * other < 2.5 * sizes[1] ** (-2 / 3)
    assert large < small


@pytest.mark.parametrize(
    ("error", "name", "arguments"),
    [
        (ValueError, "momentum", {"method": "momentum", "momentum": 1.0}),
        (ValueError, "momentum", {"method": "gradient", "momentum": 0.5}),
        (ValueError, "accuracy", {"method": "flow", "accuracy": 0.0}),
        (ValueError, "duration", {"method": "flow", "duration": -1.0}),
        (ValueError, "step", {"method": "flow", "step": 0.1}),
        (ValueError, "radius", {"method": "trust-region", "radius": 0}),
        (ValueError, "hessian", {"method": "saddle-free-newton", "hessian": "exact"}),
        (ValueError, "krylov", {"method": "saddle-free-newton", "hessian": "dense", "krylov": 5}),
        (ValueError, "krylov", {"method": "hessian-ascent", "krylov": 0}),
        (ValueError, "tol", {"method": "hessian-ascent", "tol": 1e-3}),
        (ValueError, "ladder", {"method": "hessian-ascent", "ladder": [1e-3]}),
        (ValueError, "shift", {"method": "power", "shift": -1.0}),
        (TypeError, "shift", {"method": "power", "shift": "big"}),
        (ValueError, "history", {"method": "power", "history": 5}),
    ],
)
def test_bad_arguments_of_the_methods_are_named(error, name, arguments):
    glass = sp.PureGlass(3, 5, rng=0)
    with pytest.raises(error, match=f"^{name}"):
        sp.descend(glass, glass.random_points(2, rng=0), **arguments)


def test_methods_that_ask_for_a_kind_of_glass_say_so():
    for glass in (sp.MixedGlass({2: 0.5, 3: 0.5}, 5, rng=0), sp.PureGlass(3, 5, rng=0).with_field(np.ones(5), 0.1)):
        with pytest.raises(ValueError, match=r"^method: 'power'"):
            sp.descend(glass, glass.random_points(2, rng=0), method="power")
    layered = sp.LayeredGlass(2, 4, rng=0)
    with pytest.raises(ValueError, match=r"^method: 'hessian-ascent'"):
        sp.descend(layered, layered.random_points(2, rng=0), method="hessian-ascent")


@pytest.mark.parametrize("method", ["gradient", "momentum"])
@pytest.mark.parametrize("decay", [np.zeros((2, 3)), [], "", NotImplemented])
def test_a_decay_that_is_no_number_is_named(method, decay):
    glass = sp.PureGlass(3, 6, rng=1)
    with pytest.raises(TypeError, match=r"^decay"):
        sp.descend(glass, glass.random_points(2, rng=0), method=method, decay=decay)
