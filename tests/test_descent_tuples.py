"""Mini-batches of tuples: unbiased to rounding, the shuffles of their stream, the protocol of numpy, the same bits."""

import numpy as np
import pytest

import dense_descent
import spinscape as sp
from spinscape import ScheduleStage, SGDSchedule, StopReason
from spinscape.couplings import packed_indices


def glasses():
    direction = np.arange(1.0, 7.0)
    return {
        "pure p=3": sp.PureGlass(3, 6, rng=1),
        "pure p=4, exponential": sp.PureGlass(4, 5, rng=2, law="exponential"),
        "mixed": sp.MixedGlass({2: 0.3, 3: 0.7}, 6, rng=4),
        "layered": sp.LayeredGlass(3, 4, rng=5),
        "spiked": sp.PureGlass(3, 6, rng=6).with_spike(direction, 1.5, 3).with_field(direction[::-1], 0.2),
        "tensor": sp.PureGlass.from_tensor(np.random.default_rng(0).standard_normal((4, 4, 4))),
    }


def one_step(glass, w, parts, turn, order="cyclic", rng=3):
    """The batch's gradient at w from a step: -g = (w'/|w| scaled to w.w' = N) - w, over γ."""
    stages = (ScheduleStage(turn, 1e-300, on_parts=True), ScheduleStage(1, 0.01, on_parts=True))
    schedule = SGDSchedule(parts, order, stages, split="tuples")
    moved = sp.descend(glass, w, method="sgd", schedule=schedule, rng=rng).points
    layers, n = glass.spheres
    a, b = w.reshape(-1, layers, n), moved.reshape(-1, layers, n)
    g = (a - b * n / np.sum(a * b, axis=2, keepdims=True)) / 0.01
    return g.reshape(w.shape)


@pytest.mark.parametrize("name", glasses())
@pytest.mark.parametrize("order", ["cyclic", "random"])
def test_the_mean_over_the_batches_is_the_gradient(name, order):
    glass = glasses()[name]
    w = glass.random_points(5, rng=0)
    for parts in (2, 5):
        for epoch in (0, 1):
            turns = range(epoch * parts, (epoch + 1) * parts)
            batches = [one_step(glass, w, parts, turn, order) for turn in turns]
            np.testing.assert_allclose(np.mean(batches, axis=0), glass.gradient(w), atol=1e-10)
            assert np.abs(batches[0] - batches[1]).max() > 0.1


def test_a_batch_is_its_share_of_the_shuffled_tuples():
    """Oracle: Fisher and Yates on the words of the stream, and a sum over the tuples."""
    glass = sp.PureGlass(3, 6, rng=1)
    w = glass.random_points(3, rng=0)
    seed, parts = 12, 4
    tuples, couplings = packed_indices(3, 6), glass.couplings
    ranks = np.arange(len(tuples))
    for epoch in range(2):
        ranks = dense_descent.shuffled(ranks, sp.randomness.seed_from(seed), 3, epoch)
        for s in range(parts):
            begin, end = (len(ranks) * k // parts for k in (s, s + 1))
            expected = np.zeros_like(w)
            for rank in ranks[begin:end]:
                i, j, k = tuples[rank]
                for first, second, third in ((i, j, k), (j, i, k), (k, i, j)):
                    expected[:, first] += parts * couplings[rank] * w[:, second] * w[:, third] / 6
            expected -= np.sum(expected * w, axis=1, keepdims=True) / 6 * w
            seen = one_step(glass, w, parts, epoch * parts + s, "random", seed)
            np.testing.assert_allclose(seen, expected, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_protocol_runs_its_stages(dtype):
    glass = sp.PureGlass(3, 20, rng=1, dtype=dtype)
    starts = glass.random_points(10, rng=0)
    stages = (ScheduleStage(400, 0.05, 0.01, on_parts=True), ScheduleStage(300, 0.2))
    schedule = SGDSchedule(4, "random", stages, split="tuples")
    run = sp.descend(glass, starts, method="sgd", schedule=schedule, trace_every=100)
    assert (run.stop_reason == StopReason.completed).all()
    assert (run.steps == 700).all()
    # A step on a batch counts as a gradient; the traces of the stage on batches cost one each.
    assert (run.evaluations == 701 + 4).all()
    assert (run.energy_density < -1.1).all()
    assert (run.gradient_norm < 0.01).all()
    np.testing.assert_allclose(run.trace_energy_density[:, -1], run.energy_density, rtol=1e-5)


def test_one_batch_is_gradient_descent():
    glass = sp.PureGlass(4, 6, rng=1)
    starts = glass.random_points(4, rng=0)
    schedule = SGDSchedule(1, stages=(ScheduleStage(50, 0.1, on_parts=True),), split="tuples")
    run = sp.descend(glass, starts, method="sgd", schedule=schedule)
    plain = sp.descend(glass, starts, step=0.1, tol=0.0, max_steps=50)
    np.testing.assert_allclose(run.points, plain.points, atol=1e-9)


def test_threads_and_batches_of_replicas_do_not_change_a_bit():
    stages = (ScheduleStage(12, 0.05, on_parts=True), ScheduleStage(4, 0.2))
    for glass, replicas in ((sp.PureGlass(3, 7, rng=1), 133), (sp.MixedGlass({2: 0.4, 4: 0.6}, 16, rng=1), 19)):
        starts = glass.random_points(replicas, rng=0)
        schedule = SGDSchedule(3, "random", stages, split="tuples")
        runs = [
            sp.descend(glass, starts, method="sgd", schedule=schedule, trace_every=3, n_threads=n) for n in (1, 2, 3, 5)
        ]
        for run in runs[1:]:
            np.testing.assert_array_equal(run.points, runs[0].points)
            np.testing.assert_array_equal(run.trace_energy_density, runs[0].trace_energy_density)
        rows = np.random.default_rng(0).permutation(replicas)[:9]
        part = sp.descend(glass, starts[rows], method="sgd", schedule=schedule, n_threads=2)
        np.testing.assert_array_equal(part.points, runs[0].points[rows])


def test_what_mini_batches_cannot_use_is_named():
    glass = sp.PureGlass(3, 5, rng=0)
    w = glass.random_points(2, rng=0)
    with pytest.raises(ValueError, match=r"^split"):
        SGDSchedule(split="words")
    with pytest.raises(ValueError, match=r"^parts"):
        sp.descend(glass, w, method="sgd", schedule=SGDSchedule(2, split="tuples"), parts=glass.split(2))
    given = sp.PureGlass.from_tensor(np.ones((3, 3, 3)))
    with pytest.raises(ValueError, match=r"^rng"):
        sp.descend(
            given, given.random_points(2, rng=0), method="sgd", schedule=SGDSchedule(2, "random", split="tuples")
        )
