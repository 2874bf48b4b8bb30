"""What a sampler does step by step, against numpy twins; cutting, threads, results, errors, interrupts."""

import hashlib
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import spinscape as sp
from dense_descent import DenseGlass
from spinscape import _core

THERMAL = _core.Purpose.thermal


def glasses():
    return {
        "p=3": sp.PureGlass(3, 7, rng=1),
        "mixed": sp.MixedGlass({2: 0.3, 4: 0.7}, 6, rng=4),
        "layered": sp.LayeredGlass(3, 5, rng=5),
        "spiked": sp.PureGlass(3, 9, rng=6).with_spike(np.arange(1.0, 10.0), 1.5, 3),
        "float32": sp.PureGlass(3, 8, rng=2, dtype="float32"),
    }


def uniform(seed, chain, step, subject=1):
    """53 bits of the Philox block with counter (step, chain, tag)."""
    tag = (1 << 24) | (int(THERMAL.value) << 16) | subject
    words = _core.philox4x32([step % 2**32, step >> 32, chain, tag], [seed % 2**32, seed >> 32])
    return ((words[0] >> 6) * 2**27 + (words[1] >> 5) + 0.5) / 2**53


def tangent(dense, w, vector):
    parts, vectors = w.reshape(dense.layers, dense.size), vector.reshape(dense.layers, dense.size)
    return (vectors - np.sum(parts * vectors, axis=1, keepdims=True) / dense.size * parts).ravel()


def flow(dense, w, v, time):
    """Great circles, written with the unit vectors of each sphere's plane."""
    points, velocities = [], []
    for x, y in zip(w.reshape(dense.layers, -1), v.reshape(dense.layers, -1), strict=True):
        radius, speed = np.linalg.norm(x), np.linalg.norm(y)
        a, b, angle = x / radius, y / speed, time * speed / radius
        points.append(radius * (np.cos(angle) * a + np.sin(angle) * b))
        velocities.append(speed * (np.cos(angle) * b - np.sin(angle) * a))
    return np.concatenate(points), np.concatenate(velocities)


def numpy_chain(glass, w, beta, epsilon, leapfrogs, steps, seed, chain, adjusted=True):
    """The sampler on dense tensors, from the same velocities and uniforms."""
    dense, stride = DenseGlass(glass), (glass.size + 3) // 4 * 4
    energy, gradient = dense.energy_gradient(w)
    path = [energy]
    for t in range(steps):
        v = _core.normals(seed, THERMAL, 0, chain, t * stride, glass.size).astype(float)
        x, g = w, gradient
        v = tangent(dense, w, v)
        before = beta * energy + v @ v / 2
        for _ in range(leapfrogs):
            v = v - epsilon / 2 * beta * g
            x, v = flow(dense, x, v, epsilon)
            there, g = dense.energy_gradient(x)
            v = v - epsilon / 2 * beta * g
        if not adjusted or uniform(seed, chain, t) < np.exp(before - beta * there - v @ v / 2):
            w, energy, gradient = x, there, g
        path.append(energy)
    return w, np.array(path)


@pytest.mark.parametrize("name", ["p=3", "mixed", "layered", "spiked"])
@pytest.mark.parametrize(("method", "leapfrogs"), [("mala", 1), ("langevin", 1), ("hmc", 4)])
def test_a_chain_equals_its_numpy_twin(name, method, leapfrogs):
    glass, beta, epsilon = glasses()[name], 0.9, 0.55
    starts = glass.random_points(3, rng=8)
    step = epsilon if method == "hmc" else beta * epsilon**2 / 2
    run = sp.sample(
        glass, starts, beta=beta, steps=25, rng=11, method=method, step=step, trace_every=1, leapfrogs=leapfrogs
    )
    seed = sp.randomness.seed_from(11)
    for row, start in enumerate(starts):
        w, path = numpy_chain(glass, start, beta, epsilon, leapfrogs, 25, seed, row, method != "langevin")
        np.testing.assert_allclose(run.points[row], w, atol=1e-9)
        np.testing.assert_allclose(run.trace_energy_density[row], path / glass.energy_scale, atol=1e-10)
    assert run.step == pytest.approx(step)
    assert (run.evaluations == 1 + 25 * leapfrogs).all()
    assert (run.acceptance < 1).any() == (method != "langevin")


CALLS = {
    "mala": {"beta": 0.8, "step": 0.1},
    "hmc": {"beta": 0.8, "step": 0.3, "method": "hmc", "leapfrogs": 3},
    "langevin": {"beta": 0.8, "step": 0.1, "method": "langevin"},
    "found step": {"beta": 2.0},
}
ROWS = ("points", "energy_density", "mean_energy_density", "acceptance", "trace_energy_density")


@pytest.mark.parametrize("name", glasses())
@pytest.mark.parametrize("call", CALLS)
def test_threads_blocks_and_cuts_do_not_change_a_bit(name, call):
    glass, options = glasses()[name], {**CALLS[call], "rng": 7, "trace_every": 4}
    starts = glass.random_points(113, rng=1)
    whole = sp.sample(glass, starts, steps=20, **options, n_threads=2)
    for threads in (1, 3):
        other = sp.sample(glass, starts, steps=20, **options, n_threads=threads)
        for field in ROWS:
            np.testing.assert_array_equal(getattr(other, field), getattr(whole, field))
    part = sp.sample(glass, starts[40:57], steps=20, first_replica=40, **options)
    for field in ROWS:
        np.testing.assert_array_equal(getattr(part, field), getattr(whole, field)[40:57])
    first = sp.sample(glass, starts, steps=8, **options)
    second = sp.sample(glass, first.points, steps=12, first_step=first.next_step, **options)
    np.testing.assert_array_equal(second.points, whole.points)
    assert second.next_step == whole.next_step == 20
    joined = np.concatenate([first.trace_energy_density, second.trace_energy_density[:, 1:]], axis=1)
    np.testing.assert_array_equal(joined, whole.trace_energy_density)
    np.testing.assert_array_equal(second.trace_steps, [8, 12, 16, 20])


def test_kept_points_are_those_of_shorter_runs():
    glass = glasses()["p=3"]
    starts = glass.random_points(5, rng=1)
    run = sp.sample(glass, starts, beta=1.0, steps=10, rng=3, step=0.1, keep_every=3)
    np.testing.assert_array_equal(run.kept_steps, [3, 6, 9])
    for column, steps in enumerate(run.kept_steps):
        shorter = sp.sample(glass, starts, beta=1.0, steps=int(steps), rng=3, step=0.1)
        np.testing.assert_array_equal(run.kept_points[:, column], shorter.points)


def test_found_steps_are_accepted_as_often_as_stated():
    glass = sp.PureGlass(3, 60, rng=1)
    for beta in (0.2, 1.0):
        for method, target in (("mala", 0.574), ("hmc", 0.8)):
            call = {"beta": beta, "rng": 1, "method": method}
            run = sp.sample(glass, glass.random_points(20, rng=2), steps=150, **call)
            assert run.acceptance.mean() == pytest.approx(target, abs=0.12)


def test_no_steps_and_no_chains():
    glass = glasses()["layered"]
    starts = glass.random_points(3, rng=1)
    run = sp.sample(glass, starts, beta=1.0, steps=0, rng=1)
    np.testing.assert_array_equal(run.points, starts)
    assert np.isnan(run.acceptance).all()
    assert (run.evaluations == 1).all()
    assert sp.sample(glass, starts[:0], beta=1.0, steps=5, rng=1).points.shape == (0, 15)
    assert "replicas=0" in repr(sp.anneal(glass, starts[:0], rng=1))
    assert "replicas=0" in repr(sp.temper(glass, starts[:0], betas=[1.0], steps=3, rng=1))


def test_results_say_what_they_are():
    glass = glasses()["p=3"]
    starts = glass.random_points(3, rng=1)
    runs = (
        sp.sample(glass, starts, beta=1.0, steps=5, rng=1),
        sp.anneal(glass, starts, schedule=sp.AnnealingSchedule(steps=20, levels=5), rng=1),
        sp.temper(glass, starts, betas=[0.5, 1.0], steps=5, rng=1),
    )
    for run in runs:
        assert repr(run).startswith(type(run).__name__ + "(")
        assert set(run.to_dict()) >= {"points", "energy_density", "acceptance", "evaluations"}
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(run)).points, run.points)


# --- annealing --------------------------------------------------------------------------------------------------------


def test_schedules_spread_their_steps():
    plan = sp.AnnealingSchedule(0.5, 8.0, steps=103, levels=5)
    np.testing.assert_allclose(plan.betas, [0.5, 1.0, 2.0, 4.0, 8.0])
    assert sum(plan.level_steps) == 103
    assert max(plan.level_steps) - min(plan.level_steps) <= 1
    np.testing.assert_allclose(sp.AnnealingSchedule(0.0, 8.0, levels=5, spacing="linear").betas, [0, 2, 4, 6, 8])
    assert sp.AnnealingSchedule(1.0, 4.0, levels=1).betas == [4.0]


def test_annealing_with_fixed_steps_is_sampling_level_by_level():
    glass = glasses()["mixed"]
    starts = glass.random_points(4, rng=1)
    plan = sp.AnnealingSchedule(0.5, 4.0, steps=32, levels=4)
    run = sp.anneal(glass, starts, schedule=plan, rng=9, step=0.05)
    points, first = starts, 0
    for level, (beta, steps) in enumerate(zip(plan.betas, plan.level_steps, strict=True)):
        piece = sp.sample(glass, points, beta=beta, steps=steps, rng=9, step=0.05, first_step=first)
        np.testing.assert_array_equal(run.level_energy_density[:, level], piece.mean_energy_density)
        np.testing.assert_array_equal(run.acceptance[:, level], piece.acceptance)
        points, first = piece.points, piece.next_step
    np.testing.assert_array_equal(run.points, points)
    assert (run.evaluations == 33).all()


def test_annealing_goes_below_gradient_descent_at_equal_gradients():
    glass = sp.PureGlass(3, 40, rng=2)
    starts = glass.random_points(40, rng=0)
    run = sp.anneal(glass, starts, schedule=sp.AnnealingSchedule(0.3, 200.0, steps=3000), rng=1)
    cold = sp.descend(glass, run.points, method="lbfgs")
    plain = sp.descend(glass, starts, max_steps=3000)
    assert cold.energy_density.mean() < plain.energy_density.mean() - 0.01
    assert 0 < (run.energy_density - cold.energy_density).mean() < 0.01  # about 1/(2 β)
    fall = run.level_energy_density.mean(axis=0)
    assert (np.diff(fall) < 0.02).all()
    np.testing.assert_allclose(run.acceptance[:, 20:].mean(), 0.574, atol=0.03)


def test_an_annealing_does_not_depend_on_threads_or_blocks():
    glass = glasses()["p=3"]
    starts = glass.random_points(120, rng=1)
    plan = sp.AnnealingSchedule(steps=40, levels=7)
    whole = sp.anneal(glass, starts, schedule=plan, rng=9, n_threads=2, trace_every=10)
    part = sp.anneal(glass, starts[50:70], schedule=plan, rng=9, n_threads=1, trace_every=10, first_replica=50)
    for field in ("points", "energy_density", "level_energy_density", "acceptance", "step", "trace_energy_density"):
        np.testing.assert_array_equal(getattr(part, field), getattr(whole, field)[50:70])


# --- tempering --------------------------------------------------------------------------------------------------------


def test_one_rung_is_a_sampler_and_rungs_may_be_cut():
    glass = glasses()["p=3"]
    starts = glass.random_points(5, rng=1)
    alone = sp.sample(glass, starts, beta=0.7, steps=9, rng=3, step=0.1)
    single = sp.temper(glass, starts, betas=[0.7], steps=9, rng=3, step=0.1)
    np.testing.assert_array_equal(single.points[:, 0], alone.points)
    call = {"betas": [2.0, 1.2, 0.7], "rng": 3, "step": 0.1, "swap_every": 2}
    whole = sp.temper(glass, starts, steps=20, trace_every=1, **call, n_threads=1)
    first = sp.temper(glass, starts, steps=7, **call, n_threads=3)
    second = sp.temper(glass, first.points, steps=13, first_step=7, **call)
    np.testing.assert_array_equal(second.points, whole.points)
    rows = sp.temper(glass, starts[2:], steps=20, first_replica=2, **call)
    np.testing.assert_array_equal(rows.points, whole.points[2:])
    np.testing.assert_array_equal(whole.trace_energy_density[:, :, -1], whole.energy_density)
    np.testing.assert_allclose(whole.trace_energy_density[:, :, 1:].mean(axis=2), whole.mean_energy_density)
    assert (whole.evaluations == 3 * 21).all()


def test_swaps_follow_the_rule_and_carry_chains_up_and_down():
    """Between moves of no length the swaps alone act, and are exactly the Metropolis rule on the starts' energies."""
    glass = sp.PureGlass(3, 8, rng=1)
    starts = glass.random_points(40, rng=2).reshape(20, 2, 8)
    run = sp.temper(glass, starts, betas=[3.0, 1.0], steps=1, rng=5, step=1e-24, swap_every=1)
    second = sp.temper(glass, starts, betas=[3.0, 1.0], steps=2, rng=5, step=1e-24, swap_every=1)
    u = glass.energy(starts.reshape(40, 8)).reshape(20, 2)
    assert np.isnan(run.swap_acceptance).all()  # odd pairs have their turn first: there are none
    draws = np.array([uniform(sp.randomness.seed_from(5), 2 * row, 2, subject=2) for row in range(20)])
    swapped = draws < np.exp(2.0 * (u[:, 0] - u[:, 1]))
    np.testing.assert_array_equal(second.swap_acceptance[:, 0], swapped)
    np.testing.assert_allclose(second.energy_density * 8, np.where(swapped[:, None], u[:, ::-1], u), atol=1e-8)
    long = sp.temper(glass, starts[:, 0], betas=[0.4, 0.8, 1.2], steps=400, rng=5)
    assert (long.round_trips > 5).all()


# --- errors, progress, interrupts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ({"beta": -1}, ValueError, "beta"),
        ({"steps": 1.5}, TypeError, "steps"),
        ({"method": "heat-bath"}, ValueError, "method"),
        ({"step": 0}, ValueError, "step"),
        ({"step": 0.1, "beta": 0}, ValueError, "step"),
        ({"leapfrogs": 3}, ValueError, "leapfrogs"),
        ({"rng": -1}, ValueError, "rng"),
        ({"first_replica": 2**32}, ValueError, "first_replica"),
        ({"keep_every": 1, "steps": 2**40}, MemoryError, "keep_every"),
        ({"points": np.ones((2, 5))}, ValueError, "points"),
        ({"landscape": 3}, TypeError, "landscape"),
        ({"progress": 3}, TypeError, "progress"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    glass = glasses()["p=3"]
    valid = {"landscape": glass, "points": glass.random_points(2, rng=0), "beta": 1.0, "steps": 2, "rng": 1}
    with pytest.raises(error, match=rf"^{message}"):
        sp.sample(**{**valid, **call})


def test_wrong_ladders_and_schedules_are_named():
    glass = glasses()["p=3"]
    starts = glass.random_points(2, rng=0)
    for betas in ([], [1.0, 1.0], [1.0, 2.0, 1.5], [-1.0, 1.0], 1.0):
        with pytest.raises(ValueError, match=r"^betas"):
            sp.temper(glass, starts, betas=betas, steps=1)
    with pytest.raises(ValueError, match=r"^points"):
        sp.temper(glass, starts[:, None], betas=[1.0, 2.0], steps=1)
    with pytest.raises(TypeError, match=r"^schedule"):
        sp.anneal(glass, starts, schedule=3)
    with pytest.raises(ValueError, match=r"^first"):
        sp.AnnealingSchedule(0.0, 1.0)


def test_progress_counts_steps():
    glass = sp.PureGlass(3, 12, rng=1)
    starts, seen = glass.random_points(60, rng=0), []
    call = {"beta": 1.0, "steps": 1500, "rng": 1, "step": 0.05, "n_threads": 2}
    sp.sample(glass, starts, **call, progress=lambda done, of: seen.append((done, of)))
    assert seen == sorted(seen)
    assert seen[-1] == (90000, 90000)
    assert len({of for _, of in seen}) == 1
    with pytest.raises(RuntimeError, match="enough"):
        sp.temper(glass, starts, betas=[1.0, 2.0], steps=10**9, step=0.1, progress=lambda *_: raise_enough())


def raise_enough():
    raise RuntimeError("enough")


@pytest.mark.parametrize(
    "call", ["sample(glass, starts, beta=1.0, steps=10**9)", "temper(glass, starts, betas=[1, 2], steps=10**9)"]
)
def test_an_interrupt_is_acted_on(call):
    script = f"""
        import signal, time, threading, _thread
        import spinscape as sp
        glass = sp.PureGlass(3, 20, rng=1)
        starts = glass.random_points(120, rng=0)
        threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
        try:
            sp.{call}
        except KeyboardInterrupt:
            print("interrupted")
    """
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60)
    assert out.stdout == "interrupted\n", out.stderr


def test_streams_stand_still():
    """A hash of one small run: a change of any random number or of its place needs a new stream version."""
    w = _core.normals(3, THERMAL, 0, 2, 8, 5)
    assert hashlib.sha256(w.tobytes()).hexdigest()[:16] == "fa9018e7028820fb"
