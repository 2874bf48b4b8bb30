"""Gradient descent against the dense numpy protocol, exact cases, and what a result says."""

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spinscape as sp
from dense_descent import DenseGlass
from spinscape import StopReason

METHODS = ("gradient", "sgd", "lbfgs", "momentum", "flow", "trust-region", "saddle-free-newton", "power")
TO_THE_END = [method for method in METHODS if method != "sgd"]
SHORT = sp.SGDSchedule(parts=1, stages=(sp.ScheduleStage(20, 0.2),))


def glasses():
    direction = np.arange(1.0, 9.0)
    return {
        "pure p=3": sp.PureGlass(3, 8, rng=1),
        "pure p=4": sp.PureGlass(4, 6, rng=2),
        "student-t": sp.PureGlass(3, 7, rng=3, law="student-t", nu=5.0),
        "mixed": sp.MixedGlass({2: 0.3, 3: 0.5, 4: 0.2}, 6, rng=4),
        "layered": sp.LayeredGlass(3, 5, rng=5),
        "spiked": sp.PureGlass(3, 8, rng=6).with_spike(direction, 1.5, 3).with_field(direction[::-1], 0.2),
    }


@pytest.mark.parametrize("name", glasses())
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_the_protocol_equals_its_numpy_twin(name, decay):
    glass = glasses()[name]
    dense = DenseGlass(glass)
    starts = glass.random_points(4, rng=9)
    run = sp.descend(glass, starts, step=0.15, decay=decay, tol=0.0, max_steps=250)
    for row, start in enumerate(starts):
        w = start
        for t in range(250):
            w = dense.step(w, 0.15 / (1 + decay * t))
        np.testing.assert_allclose(run.points[row], w, atol=1e-10)
        energy, gradient = dense.energy_gradient(run.points[row])
        assert run.energy_density[row] == pytest.approx(energy / glass.energy_scale, rel=1e-12)
        assert run.gradient_norm[row] == pytest.approx(np.linalg.norm(gradient) / np.sqrt(w.size), abs=1e-13)


@given(p=st.integers(2, 4), N=st.integers(2, 7), seed=st.integers(0, 10**6), step=st.floats(0.01, 0.5))
@settings(max_examples=30)
def test_one_step_is_the_papers_formula(p, N, seed, step):
    glass = sp.PureGlass(p, N, rng=seed)
    w = glass.random_points(3, rng=seed)
    run = sp.descend(glass, w, step=step, tol=0.0, max_steps=1)
    moved = w - step * glass.gradient(w)
    expected = moved * np.sqrt(N / np.sum(moved**2, axis=1, keepdims=True))
    np.testing.assert_allclose(run.points, expected, atol=1e-12)
    assert (run.steps == 1).all()
    assert (run.evaluations == 2).all()
    assert (run.stop_reason == StopReason.max_steps).all()


@pytest.mark.parametrize("method", TO_THE_END)
def test_order_two_ends_in_the_lowest_eigenvector(method):
    rng = np.random.default_rng(3)
    a = rng.standard_normal((10, 10))
    glass = sp.PureGlass.from_tensor(a)
    values, vectors = np.linalg.eigh((a + a.T) / 2)
    run = sp.descend(glass, glass.random_points(12, rng=0), method=method, tol=1e-9, max_steps=40_000)
    assert run.converged.all()
    # H = N^{-1/2} w'Aw on |w|^2 = N: the ground state has u = λ_0/√N.
    np.testing.assert_allclose(run.energy_density, values[0] / np.sqrt(10), rtol=1e-12)
    np.testing.assert_allclose(np.abs(run.points @ vectors[:, 0]), np.sqrt(10), rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_no_steps_return_the_starts_bit_for_bit(method):
    glass = sp.PureGlass(3, 7, rng=0)
    starts = glass.random_points(5, rng=1)
    run = sp.descend(glass, starts, method=method, max_steps=0)
    np.testing.assert_array_equal(run.points, starts)
    np.testing.assert_allclose(run.energy_density, glass.energy_density(starts), rtol=1e-14)
    assert run.points is not starts
    assert (run.steps == 0).all()
    assert (run.evaluations == 1).all()
    assert (run.stop_reason == StopReason.max_steps).all()


@pytest.mark.parametrize("method", METHODS)
def test_no_replicas(method):
    glass = sp.PureGlass(3, 5, rng=0)
    run = sp.descend(glass, np.empty((0, 5)), method=method, ladder=[0.1], trace_every=1)
    assert run.points.shape == (0, 5)
    assert run.energy_density.shape == run.steps.shape == (0,)
    assert run.halting_steps.shape == (0, 1)
    assert "replicas=0" in repr(run)
    assert run.stop_counts == {}


@pytest.mark.parametrize("method", METHODS)
def test_a_zero_tensor_has_converged_at_once(method):
    glass = sp.PureGlass.from_couplings(np.zeros(35), p=3, N=5)
    starts = glass.random_points(3, rng=0)
    run = sp.descend(glass, starts, method=method, tol=0.0, schedule=SHORT if method == "sgd" else None)
    assert (run.stop_reason == StopReason.converged).all()
    assert (run.gradient_norm == 0).all()
    assert (run.steps == 0).all()
    np.testing.assert_array_equal(run.points, starts)


@pytest.mark.parametrize("method", TO_THE_END)
def test_one_spin_is_critical_everywhere(method):
    glass = sp.PureGlass(3, 1, rng=0)
    run = sp.descend(glass, [[1.0], [-1.0]], method=method)
    assert run.converged.all()
    np.testing.assert_allclose(run.energy_density[0], -run.energy_density[1])


def test_convergence_is_tested_before_stepping():
    glass = sp.PureGlass(3, 8, rng=0)
    first = sp.descend(glass, glass.random_points(6, rng=1), tol=1e-6)
    assert first.converged.all()
    assert (first.gradient_norm <= 1e-6).all()
    again = sp.descend(glass, first.points, tol=1e-6)
    assert (again.steps == 0).all()
    np.testing.assert_array_equal(again.points, first.points)
    before = sp.descend(glass, glass.random_points(6, rng=1), tol=0.0, max_steps=int(first.steps[0]) - 1)
    assert before.gradient_norm[0] > 1e-6


def test_a_descent_continues_as_if_it_had_not_been_cut():
    glass = sp.LayeredGlass(3, 6, rng=0)
    starts = glass.random_points(9, rng=1)
    whole = sp.descend(glass, starts, tol=0.0, max_steps=40)
    half = sp.descend(glass, starts, tol=0.0, max_steps=15)
    rest = sp.descend(glass, half.points, tol=0.0, max_steps=25)
    np.testing.assert_array_equal(rest.points, whole.points)
    np.testing.assert_array_equal(rest.energy_density, whole.energy_density)


def test_the_trace_is_the_path():
    glass = sp.MixedGlass({3: 0.5, 4: 0.5}, 6, rng=0)
    starts = glass.random_points(5, rng=1)
    run = sp.descend(glass, starts, tol=1e-3, trace_every=7)
    np.testing.assert_array_equal(run.trace_steps, 7 * np.arange(run.steps.max() // 7 + 1))
    for column, t in enumerate(run.trace_steps):
        there = sp.descend(glass, starts, tol=1e-3, max_steps=int(t))
        alive = run.steps >= t
        np.testing.assert_array_equal(run.trace_energy_density[alive, column], there.energy_density[alive])
        np.testing.assert_array_equal(run.trace_gradient_norm[alive, column], there.gradient_norm[alive])
        assert np.isnan(run.trace_energy_density[~alive, column]).all()


@pytest.mark.parametrize("method", TO_THE_END)
def test_the_ladder_is_the_first_passage_of_the_trace(method):
    glass = sp.PureGlass(3, 8, rng=0)
    ladder = (3.0, 1.0, 0.3, 1e-1, 1e-2, 1e-3, 1e-9)
    run = sp.descend(glass, glass.random_points(20, rng=1), method=method, tol=1e-4, ladder=ladder, trace_every=1)
    np.testing.assert_array_equal(run.ladder, ladder)
    for row in range(20):
        path = run.trace_gradient_norm[row]
        for column, level in enumerate(ladder):
            passed = np.flatnonzero(path <= level)
            if passed.size == 0:
                assert run.halting_steps[row, column] == -1
                assert np.isnan(run.halting_energy[row, column])
            else:
                assert run.halting_steps[row, column] == passed[0]
                assert run.halting_energy[row, column] == run.trace_energy_density[row, passed[0]]
    assert (run.halting_steps[:, -1] == -1).all()
    assert (run.halting_steps[:, -2] >= 0).any()


@pytest.mark.parametrize("method", TO_THE_END)
def test_a_tolerance_below_rounding_is_never_called_converged(method):
    glass = sp.PureGlass(3, 8, rng=0, dtype="float32")
    run = sp.descend(glass, glass.random_points(12, rng=1), method=method, tol=1e-12, max_steps=4000)
    assert not run.converged.any()
    assert set(run.stop_counts) <= {"max_steps", "stalled", "line_search_failed"}
    assert (run.gradient_norm > 1e-12).all()
    assert (run.gradient_norm < 1e-4).all()
    assert run.points.dtype == np.float32


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("dtype", "size"), [("float64", 1e308), ("float32", 3e38)])
def test_overflow_is_not_finite(method, dtype, size):
    glass = sp.PureGlass.from_couplings(np.full(35, size), p=3, N=5, dtype=dtype)
    starts = glass.random_points(3, rng=0)
    run = sp.descend(glass, starts, method=method, schedule=SHORT if method == "sgd" else None)
    assert (run.stop_reason == StopReason.not_finite).all()
    np.testing.assert_array_equal(run.points, starts)


def test_a_step_out_of_the_finite_numbers_keeps_the_last_point():
    glass = sp.PureGlass(3, 5, rng=0)
    starts = glass.random_points(3, rng=0)
    run = sp.descend(glass, starts, step=1e200)
    assert (run.stop_reason == StopReason.not_finite).all()
    np.testing.assert_array_equal(run.points, starts)
    assert np.isfinite(run.gradient_norm).all()


def test_starts_near_the_sphere_are_put_on_it_and_left_alone():
    glass = sp.LayeredGlass(2, 6, rng=0)
    starts = glass.random_points(4, rng=1) * (1 + 4e-5)
    kept = starts.copy()
    run = sp.descend(glass, starts, max_steps=0)
    np.testing.assert_array_equal(starts, kept)
    squares = np.sum(run.points.reshape(4, 2, 6) ** 2, axis=2)
    np.testing.assert_allclose(squares, 6.0, rtol=1e-14)
    np.testing.assert_allclose(run.points * (1 + 4e-5), starts, rtol=1e-12)


def test_layout_of_the_starts_does_not_matter():
    glass = sp.PureGlass(3, 6, rng=0)
    starts = glass.random_points(5, rng=1)
    plain = sp.descend(glass, starts, max_steps=20).points
    read_only = starts.copy()
    read_only.flags.writeable = False
    for other in (np.asfortranarray(starts), np.repeat(starts, 2, axis=0)[::2], starts.tolist(), read_only):
        np.testing.assert_array_equal(sp.descend(glass, other, max_steps=20).points, plain)
    np.testing.assert_array_equal(sp.descend(glass, starts.astype(">f8"), max_steps=20).points, plain)


def test_what_a_result_shows():
    glass = sp.PureGlass(3, 8, rng=0)
    run = sp.descend(glass, glass.random_points(6, rng=1), max_steps=150)
    text = repr(run)
    for word in ("method='gradient'", "replicas=6", "dimension=8", *run.stop_counts):
        assert word in text
    table = run.to_dict()
    assert table["points"] is run.points
    assert table["stop_reason_name"].tolist() == [StopReason(k).name for k in run.stop_reason]
    assert sum(run.stop_counts.values()) == 6
    with pytest.raises(FrozenInstanceError):
        run.steps = None
    copy = pickle.loads(pickle.dumps(run))
    np.testing.assert_array_equal(copy.points, run.points)
    assert pickle.loads(pickle.dumps(StopReason.stalled)) is StopReason.stalled
    np.testing.assert_array_equal(run.converged, run.gradient_norm <= 1e-6)


@pytest.mark.parametrize(
    ("error", "name", "arguments"),
    [
        (ValueError, "method", {"method": "newton"}),
        (ValueError, "method", {"method": None}),
        (ValueError, "step", {"step": 0.0}),
        (ValueError, "step", {"step": float("nan")}),
        (ValueError, "step", {"step": -1}),
        (TypeError, "step", {"step": "0.1"}),
        (ValueError, "decay", {"decay": -0.1}),
        (ValueError, "decay", {"decay": 0.1, "method": "lbfgs"}),
        (ValueError, "tol", {"tol": -1e-6}),
        (ValueError, "tol", {"tol": float("inf")}),
        (TypeError, "tol", {"tol": 1j}),
        (ValueError, "max_steps", {"max_steps": -1}),
        (TypeError, "max_steps", {"max_steps": 1.5}),
        (ValueError, "max_steps", {"max_steps": 10**30}),
        (ValueError, "ladder", {"ladder": (1e-2, 1e-1)}),
        (ValueError, "ladder", {"ladder": (1e-1, 1e-1)}),
        (ValueError, "ladder", {"ladder": (1e-1, 0.0)}),
        (ValueError, "ladder", {"ladder": [[1e-1]]}),
        (ValueError, "ladder", {"ladder": [1e-1, float("nan")]}),
        (ValueError, "trace_every", {"trace_every": -1}),
        (MemoryError, "trace_every", {"trace_every": 1, "max_steps": 10**15}),
        (TypeError, "progress", {"progress": 3}),
        (ValueError, "n_threads", {"n_threads": 0}),
        (ValueError, "schedule", {"schedule": sp.SGDSchedule()}),
        (ValueError, "parts", {"parts": []}),
        (ValueError, "rng", {"rng": 1}),
        (ValueError, "history", {"history": 0, "method": "lbfgs"}),
        (ValueError, "history", {"history": 10**12, "method": "lbfgs"}),
        (TypeError, "schedule", {"schedule": (1, 2), "method": "sgd"}),
        (TypeError, "parts", {"parts": 3, "method": "sgd"}),
    ],
)
def test_bad_arguments_are_named(error, name, arguments):
    glass = sp.PureGlass(3, 5, rng=0)
    with pytest.raises(error, match=f"^{name}"):
        sp.descend(glass, glass.random_points(2, rng=0), **arguments)


@pytest.mark.parametrize(
    ("error", "points"),
    [
        (ValueError, np.ones(5)),
        (ValueError, np.ones((2, 4))),
        (ValueError, 1.1 * np.ones((2, 5))),
        (ValueError, np.zeros((2, 5))),
        (ValueError, np.full((2, 5), np.nan)),
        (ValueError, np.full((2, 5), 1e300)),
        (TypeError, np.ones((2, 5), dtype=complex)),
        (TypeError, np.ma.masked_array(np.ones((2, 5)))),
        (TypeError, [["a"] * 5]),
        (TypeError, None),
    ],
)
def test_bad_starts_are_named(error, points):
    with pytest.raises(error, match=r"^points"):
        sp.descend(sp.PureGlass(3, 5, rng=0), points)


def test_the_glass_is_named():
    with pytest.raises(TypeError, match=r"^landscape"):
        sp.descend(np.ones((3, 3)), np.ones((2, 3)))
