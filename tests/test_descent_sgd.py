"""Parts of the couplings, and stochastic gradient descent over them, against numpy."""

import numpy as np
import pytest
from scipy import stats

import spinscape as sp
from dense_descent import DenseGlass
from spinscape import ScheduleStage, SGDSchedule, StopReason, _core
from spinscape.couplings import packed_indices
from spinscape.schedules import papers_stages


def sampled_glasses():
    return {
        "pure": sp.PureGlass(3, 7, rng=1),
        "mixed": sp.MixedGlass({2: 0.4, 3: 0.6}, 6, rng=2),
        "layered": sp.LayeredGlass(3, 5, rng=3),
        "spiked": sp.PureGlass(4, 5, rng=4).with_spike(np.arange(1.0, 6.0), 2.0, 3).with_field(np.ones(5), 0.3),
    }


def short(parts, order="cyclic"):
    return SGDSchedule(parts, order, (ScheduleStage(90, 0.3, 0.0015, on_parts=True), ScheduleStage(60, 0.2, 0.0015)))


# Parts


@pytest.mark.parametrize("name", sampled_glasses())
@pytest.mark.parametrize("P", [1, 2, 5])
def test_parts_sum_to_the_glass(name, P):
    glass = sampled_glasses()[name]
    parts = glass.split(P)
    w = glass.random_points(6, rng=0)
    assert len(parts) == P
    for evaluate in ("energy", "gradient"):
        whole = getattr(glass, evaluate)(w)
        total = sum(getattr(part, evaluate)(w) for part in parts)
        np.testing.assert_allclose(total, whole, atol=1e-6 * np.abs(whole).max())


def test_parts_are_the_formula_on_the_normals_of_their_stream():
    p, N, P, seed = 3, 6, 4, 77
    glass = sp.PureGlass(p, N, rng=5)
    parts = glass._split(P, seed, 1)
    roots = np.sqrt([_core.multiplicity(row) for row in packed_indices(p, N)])
    Z = np.stack([_core.normals(seed, _core.Purpose.parts, p, s, 0, roots.size) * roots for s in range(P)])
    expected = glass.couplings / P + (Z - Z.mean(axis=0)) / np.sqrt(P)
    for part, row in zip(parts, expected, strict=True):
        np.testing.assert_allclose(part.couplings, row, atol=1e-6)
        np.testing.assert_array_equal(part.couplings, part.couplings.astype(np.float32))
    np.testing.assert_allclose(sum(part.couplings for part in parts), glass.couplings, atol=1e-6)


def test_a_layered_part_has_its_own_stream():
    glass = sp.LayeredGlass(2, 4, rng=5)
    Z = np.stack([_core.normals(9, _core.Purpose.parts, 2 | 0x100, s, 0, 16) for s in range(3)])
    expected = glass.couplings.ravel() / 3 + (Z - Z.mean(axis=0)) / np.sqrt(3)
    for part, row in zip(glass._split(3, 9, 1), expected, strict=True):
        np.testing.assert_allclose(part.couplings.ravel(), row, atol=1e-6)


def test_parts_are_independent_gaussians_of_variance_one_over_P():
    """False alarms: three two-sided tests at 1e-6 each, for one fixed seed."""
    p, N, P = 3, 25, 3
    parts = sp.PureGlass(p, N, rng=6).split(P, rng=7)
    roots = np.sqrt([_core.multiplicity(row) for row in packed_indices(p, N)])
    Z = np.stack([part.couplings / roots for part in parts]) * np.sqrt(P)
    assert stats.kstest(Z.ravel(), "norm").pvalue > 1e-6
    chi = stats.chi2(Z.size)
    assert 5e-7 < chi.cdf(np.sum(Z**2)) < 1 - 5e-7
    pairs = [stats.pearsonr(Z[a], Z[b]).statistic for a in range(P) for b in range(a)]
    assert np.abs(pairs).max() < 5.1 / np.sqrt(Z.shape[1])


def test_parts_are_reproducible_and_extend_with_N():
    glass = sp.PureGlass(3, 6, rng=1)
    for a, b in zip(glass.split(3), glass.split(3, n_threads=2), strict=True):
        np.testing.assert_array_equal(a.couplings, b.couplings)
    small = [part.couplings for part in sp.PureGlass(3, 5, rng=1).split(3)]
    for a, b in zip(glass.split(3), small, strict=True):
        np.testing.assert_array_equal(a.couplings[: b.size], b)
    assert not np.array_equal(glass.split(3, rng=2)[0].couplings, glass.split(3)[0].couplings)


def test_what_cannot_be_split_says_so():
    for glass in (
        sp.PureGlass(3, 5, rng=0, law="rademacher"),
        sp.PureGlass.from_tensor(np.ones((3, 3))),
        sp.PureGlass(3, 5, rng=0).split(2)[0],
    ):
        with pytest.raises(ValueError, match=r"^glass: .*parts="):
            glass.split(2)
        with pytest.raises(ValueError, match=r"^glass: .*parts="):
            sp.descend(glass, glass.random_points(2, rng=0), method="sgd")
    glass = sp.PureGlass(3, 200, rng=0)
    with pytest.raises(MemoryError, match=r"^parts: .* bytes"):
        glass.split(2**16)
    for bad in (0, 2**17, -1):
        with pytest.raises(ValueError, match=r"^parts"):
            glass.split(bad)
    with pytest.raises(TypeError, match=r"^rng"):
        glass.split(2, rng="seed")


# Descent


def numpy_sgd(glass, parts, plan, order, start):
    """The protocol, one replica: the part of the turn and then full gradients, with γ restarting in each stage."""
    dense, pieces = DenseGlass(glass), [DenseGlass(part) for part in parts]
    w, turn = start, 0
    for stage in plan.stages:
        for k in range(stage.steps):
            gamma = stage.step / (1 + stage.decay * k)
            if stage.on_parts and len(pieces) > 1:
                gradient = pieces[order(turn)].energy_gradient(w)[1]
                turn += 1
            else:
                gradient = dense.energy_gradient(w)[1]
            w = dense.retract(w - gamma * gradient)
    return w


@pytest.mark.parametrize("name", sampled_glasses())
@pytest.mark.parametrize("P", [1, 2, 3])
def test_the_sequence_equals_its_numpy_twin(name, P):
    glass = sampled_glasses()[name]
    starts = glass.random_points(3, rng=8)
    plan = short(P)
    run = sp.descend(glass, starts, method="sgd", schedule=plan)
    expected = [numpy_sgd(glass, glass.split(P), plan, lambda turn: turn % P, start) for start in starts]
    np.testing.assert_allclose(run.points, expected, atol=1e-10)
    np.testing.assert_allclose(run.energy_density, glass.energy_density(run.points), rtol=1e-13)
    assert (run.stop_reason == StopReason.completed).all()
    assert (run.steps == 150).all()
    assert (run.evaluations == 151).all()


def test_a_random_order_is_that_of_its_stream():
    glass, P, seed = sp.PureGlass(3, 7, rng=1), 3, 12
    starts = glass.random_points(2, rng=8)
    plan = short(P, "random")
    used = sp.randomness.seed_from(seed)
    tag = (1 << 24) | (_core.Purpose.order.value << 16)
    drawn = [
        (_core.philox4x32([t // 4, 0, 0, tag], [used & 0xFFFFFFFF, used >> 32])[t % 4] * P) >> 32 for t in range(90)
    ]
    assert set(drawn) == {0, 1, 2}
    run = sp.descend(glass, starts, method="sgd", schedule=plan, rng=seed)
    expected = [numpy_sgd(glass, glass.split(P, rng=seed), plan, drawn.__getitem__, start) for start in starts]
    np.testing.assert_allclose(run.points, expected, atol=1e-10)
    given = sp.descend(glass, starts, method="sgd", schedule=plan, rng=seed, parts=glass.split(P, rng=seed))
    np.testing.assert_array_equal(given.points, run.points)


def test_the_default_is_the_papers_protocol():
    plan = SGDSchedule()
    assert plan == SGDSchedule(4, "cyclic", papers_stages(4))
    assert plan.stages == (ScheduleStage(2000, 0.3, 0.0015, on_parts=True), ScheduleStage(1000, 0.2, 0.0015))
    assert plan.steps == 3000
    assert SGDSchedule(parts=1).steps == 1500
    glass = sp.PureGlass(3, 6, rng=0)
    starts = glass.random_points(2, rng=1)
    run = sp.descend(glass, starts, method="sgd")
    again = sp.descend(glass, starts, method="sgd", schedule=plan, parts=glass.split(4))
    np.testing.assert_array_equal(run.points, again.points)
    assert (run.steps == 3000).all()


def test_one_part_is_full_gradient_descent_stage_by_stage():
    glass = sp.PureGlass(3, 7, rng=1, law="uniform")
    starts = glass.random_points(4, rng=2)
    run = sp.descend(glass, starts, method="sgd", schedule=SGDSchedule(parts=1))
    first = sp.descend(glass, starts, step=0.3, decay=0.0015, tol=0.0, max_steps=500)
    second = sp.descend(glass, first.points, step=0.2, decay=0.0015, tol=0.0, max_steps=1000)
    np.testing.assert_allclose(run.points, second.points, atol=1e-12)


def test_given_parts_of_any_law():
    glass = sp.PureGlass(3, 5, rng=3, law="rademacher")
    half = glass.couplings / 2
    other = np.random.default_rng(0).standard_normal(half.size)
    parts = [sp.PureGlass.from_couplings(half + sign * other, p=3, N=5) for sign in (1, -1)]
    starts = glass.random_points(3, rng=0)
    run = sp.descend(glass, starts, method="sgd", schedule=short(2), parts=parts)
    expected = [numpy_sgd(glass, parts, short(2), lambda turn: turn % 2, start) for start in starts]
    np.testing.assert_allclose(run.points, expected, atol=1e-10)


def test_wrong_parts_are_refused():
    glass = sp.PureGlass(3, 5, rng=3)
    starts = glass.random_points(2, rng=0)
    good = glass.split(2)
    for error, parts in (
        (ValueError, [good[0], glass]),
        (ValueError, [good[0], good[1].with_field(np.ones(5), 1e-3)]),
        (ValueError, [good[0], good[1].astype("float32")]),
        (ValueError, [good[0], sp.PureGlass(3, 6, rng=3)]),
        (TypeError, [good[0], good[1].couplings]),
        (TypeError, glass),
    ):
        with pytest.raises(error, match=r"^parts"):
            sp.descend(glass, starts, method="sgd", parts=parts)
    with pytest.raises(ValueError, match=r"^parts: expected 4"):
        sp.descend(glass, starts, method="sgd", parts=good, schedule=SGDSchedule())
    tensor = sp.PureGlass.from_couplings(glass.couplings, p=3, N=5)
    with pytest.raises(ValueError, match=r"^rng"):
        sp.descend(tensor, starts, method="sgd", parts=good, schedule=short(2, "random"))


def test_a_tolerance_ends_only_full_gradient_steps():
    glass = sp.PureGlass(3, 6, rng=2)
    starts = glass.random_points(12, rng=0)
    plan = SGDSchedule(2, stages=(ScheduleStage(40, 0.2, on_parts=True), ScheduleStage(400, 0.1)))
    run = sp.descend(glass, starts, method="sgd", schedule=plan, tol=1e-4, ladder=[1e-1, 1e-3], trace_every=1)
    full = sp.descend(glass, starts, method="sgd", schedule=plan, trace_every=1)
    assert run.converged.any()
    for row in range(12):
        path = full.trace_gradient_norm[row]
        small = np.flatnonzero(path[40:] <= 1e-4)
        end = 40 + small[0] if small.size else 440
        assert run.steps[row] == end
        assert run.gradient_norm[row] == path[end]
        np.testing.assert_array_equal(
            run.trace_energy_density[row, : end + 1], full.trace_energy_density[row, : end + 1]
        )
        assert run.halting_steps[row, 0] == 40 + np.flatnonzero(path[40:] <= 1e-1)[0]


def test_the_trace_in_steps_on_parts_is_of_the_whole_glass():
    glass = sp.PureGlass(3, 6, rng=2)
    starts = glass.random_points(3, rng=0)
    run = sp.descend(glass, starts, method="sgd", schedule=short(3), trace_every=10)
    assert (run.evaluations == 151 + 9).all()
    for column in (0, 4, 9, 15):
        there = sp.descend(glass, starts, method="sgd", schedule=short(3), max_steps=10 * column)
        np.testing.assert_array_equal(run.trace_energy_density[:, column], there.energy_density)
        np.testing.assert_array_equal(run.trace_gradient_norm[:, column], there.gradient_norm)
        assert (there.stop_reason == (StopReason.max_steps if column < 15 else StopReason.completed)).all()


def test_a_step_rescales_the_schedule():
    plan = SGDSchedule(2).scaled_to(0.15)
    assert [stage.step for stage in plan.stages] == [0.15, 0.1]
    glass = sp.PureGlass(3, 5, rng=2)
    starts = glass.random_points(3, rng=0)
    run = sp.descend(glass, starts, method="sgd", schedule=SGDSchedule(2), step=0.15, max_steps=30)
    np.testing.assert_array_equal(
        run.points, sp.descend(glass, starts, method="sgd", schedule=plan, max_steps=30).points
    )


@pytest.mark.parametrize(
    ("error", "name", "make"),
    [
        (ValueError, "parts", lambda: SGDSchedule(parts=0)),
        (TypeError, "parts", lambda: SGDSchedule(parts=2.0)),
        (ValueError, "order", lambda: SGDSchedule(order="shuffled")),
        (TypeError, "stages", lambda: SGDSchedule(stages=((500, 0.3),))),
        (ValueError, "steps", lambda: ScheduleStage(-1, 0.3)),
        (ValueError, "step", lambda: ScheduleStage(10, 0.0)),
        (ValueError, "decay", lambda: ScheduleStage(10, 0.3, -1.0)),
        (TypeError, "on_parts", lambda: ScheduleStage(10, 0.3, on_parts=1)),
    ],
)
def test_bad_schedules_are_named(error, name, make):
    with pytest.raises(error, match=f"^{name}:"):
        make()
