"""The dynamics experiments on small glasses: units, and what they compute."""

from types import SimpleNamespace

import numpy as np
import pytest

import spinscape as sp
from spinscape import study
from spinscape.experiments import disorder
from spinscape.experiments.dynamics import algorithms, turning
from spinscape.experiments.dynamics import best_known as search
from spinscape.experiments.dynamics import energy_time as relaxation
from spinscape.experiments.dynamics import halting_times as halting
from spinscape.experiments.dynamics import spiked_tensor as spiked


def test_relaxation_follows_the_flow_of_small_steps():
    """Oracle: gradient descent with steps of 1e-3 and 5e-4, extrapolated."""
    made = relaxation.recipe(sizes=(12,), tensors=1, starts=3, t_max=2.0, waits=(0.5,), dtype="float64")
    unit = {"N": 12, "tensor": 0}
    arrays = relaxation.compute(made.parameters, unit, 1)
    glass = disorder.instance(made.parameters, unit)
    begin = disorder.starts(glass, made.parameters, unit)
    coarse, fine = (
        sp.descend(glass, begin, step=step, tol=0.0, max_steps=round(2.0 / step)).energy_density
        for step in (1e-3, 5e-4)
    )
    assert arrays["energy_density"][:, -1] == pytest.approx(2 * fine - coarse, abs=2e-5)
    at = np.argmin(np.abs(arrays["times"] - 0.5))
    assert arrays["correlation"][:, 0, at] == pytest.approx(1.0)
    assert np.all(np.isnan(arrays["correlation"][:, 0, :at]))


def test_relaxation_is_the_same_for_any_number_of_threads():
    made = relaxation.recipe(sizes=(12,), tensors=1, starts=5, t_max=1.0, beta=2.0, step=0.02)
    one, two = (relaxation.compute(made.parameters, {"N": 12, "tensor": 0}, threads) for threads in (1, 2))
    assert all(np.array_equal(one[name], two[name], equal_nan=True) for name in one)


def test_no_algorithm_takes_more_than_its_budget():
    made = algorithms.recipe(sizes=(20,), tensors=1, starts=6, budgets=(90, 300), methods=algorithms.METHODS)
    ends = {}
    for unit in algorithms.units(made.parameters):
        arrays = algorithms.compute(made.parameters, unit, 1)
        assert np.all(arrays["gradients"] <= unit["budget"])
        ends[unit["method"], unit["budget"]] = arrays["energy_density"].mean()
    for method in made.parameters["methods"]:
        assert ends[method, 300] < -1.0


def test_methods_are_compared_from_the_same_starts(tmp_path):
    """The paired difference and its error by hand; from the shared instances where some are missing."""
    made = algorithms.recipe(sizes=(10,), tensors=4, starts=3, budgets=(60,), methods=("gradient", "lbfgs"))
    with study.run(made, tmp_path / "s.sqlite") as store:
        ends = {(row.unit["method"], row.unit["tensor"]): row.arrays["energy_density"].mean() for row in store.rows}
        first, second = algorithms.Algorithms.from_store(store).outcomes
    by_hand = np.array([ends["lbfgs", k] - ends["gradient", k] for k in range(4)])
    assert first.difference.mean == first.difference.error == 0
    assert second.difference.mean == pytest.approx(by_hand.mean(), abs=1e-15)
    assert second.difference.error == pytest.approx(by_hand.std(ddof=1) / 2, rel=1e-12)

    partial = {"gradient": [0, 1], "lbfgs": [1, 2, 3]}
    rows = [
        SimpleNamespace(unit=row.unit, arrays=row.arrays)
        for row in _rows(tmp_path / "s.sqlite")
        if row.unit["tensor"] in partial[row.unit["method"]]
    ]
    unfinished = algorithms.Algorithms.from_store(SimpleNamespace(recipe=made, rows=rows)).outcomes[1]
    assert unfinished.difference.instances == 1
    assert unfinished.difference.mean == pytest.approx(by_hand[1], abs=1e-15)


def _rows(path):
    with study.Store(path) as store:
        return list(store.rows)


def test_annealing_slowly_ends_lower():
    made = algorithms.recipe(sizes=(20,), tensors=12, methods=("annealing",), budgets=(30, 1000))
    fast, slow = (
        np.mean(
            [
                algorithms.compute(made.parameters, unit, 1)["energy_density"]
                for unit in algorithms.units(made.parameters)
                if unit["budget"] == budget
            ]
        )
        for budget in (30, 1000)
    )
    assert slow < fast - 0.01


def test_search_counts_successes_by_hand():
    arrays = [
        {"lbfgs": np.array([-1.0, -2.0, -2.0, -1.5]), "annealing": np.array([-2.0, -2.0, -2.0, -1.0]),
         "lbfgs_gradients": np.full(4, 50), "annealing_gradients": np.full(4, 150)},
        {"lbfgs": np.array([-1.0, -1.0, -1.0, -1.0]), "annealing": np.array([-1.0, -1.2, -1.0, -1.0]),
         "lbfgs_gradients": np.full(4, 50), "annealing_gradients": np.full(4, 150)},
    ]  # fmt: skip
    plain, cooled = (search._search(10, method, arrays) for method in search.METHODS)
    assert plain.expected_starts.tolist() == [2.0, np.inf]
    assert cooled.expected_gradients.tolist() == [200.0, 600.0]
    assert (plain.once, cooled.once) == (0.5, 0.5)


def test_search_recovers_a_known_rate_of_growth():
    made = [
        search.Search(N, "lbfgs", 10**6, np.full(4, int(1e6 * np.exp(-0.1 * N))), np.full(4, 50.0), np.full(4, -1.6))
        for N in (20, 30, 40, 50)
    ]
    rate = search.BestKnown({3: 1.0}, tuple(made)).growth("lbfgs")
    assert rate.value == pytest.approx(0.1, abs=1e-4)
    assert max(rate.bars) < 3e-4


def test_halting_is_the_papers_stop_and_fresh_for_every_sample():
    made = halting.recipe(N=12, samples=4, laws=("gaussian", "rademacher"))
    arrays = [halting.compute(made.parameters, unit, 1) for unit in halting.units(made.parameters)]
    assert len(set(arrays[0]["steps"].tolist())) > 1
    glass = sp.PureGlass(3, 12, rng=np.random.SeedSequence(0, spawn_key=(12, 2, 0)))
    w = glass.random_points(1, rng=np.random.SeedSequence(0, spawn_key=(12, 2, 1)))
    steps = 0
    while np.linalg.norm(g := glass.gradient(w)) > 0.01:
        w = w - 0.2 * g
        w *= np.sqrt(12) / np.linalg.norm(w)
        steps += 1
    assert arrays[0]["steps"][2] == steps


def test_halting_moments_are_those_of_scipy():
    from scipy import stats

    steps = np.random.default_rng(0).gamma(3.0, 50.0, 500).astype(int)
    found = halting._sample("gaussian", steps, np.ones(500, dtype=bool), None)
    assert found.intervals["mean"].value == pytest.approx(steps.mean())
    assert found.intervals["skewness"].value == pytest.approx(stats.skew(steps), rel=0.01)
    assert found.intervals["kurtosis"].value == pytest.approx(stats.kurtosis(steps), abs=0.05)
    assert all(one.low <= one.value <= one.high for one in found.intervals.values())


def test_turning_measures_the_cosine_between_successive_gradients():
    made = turning.recipe(N=10, tensors=1, starts=2, steps=3, rates=(0.05,), parts=(2,))
    unit = {"N": 10, "tensor": 0, "parts": 2, "rate": 0.2}
    cosines = turning.compute(made.parameters, unit, 1)["cosine"]
    glass = disorder.instance(made.parameters, unit)
    pieces = glass.split(2, rng=disorder.seed(0, 10, 0, disorder.NOISE))
    w = disorder.starts(glass, made.parameters, unit)
    first = pieces[0].gradient(w)
    w = w - 0.2 * first
    w *= np.sqrt(10) / np.linalg.norm(w, axis=1, keepdims=True)
    second = pieces[1].gradient(w)
    expected = np.sum(first * second, axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    assert cosines[:, 0] == pytest.approx(expected)


def test_strong_signals_are_recovered_and_none_is_not():
    made = spiked.recipe(sizes=(30,), tensors=2, starts=6, strengths=(0.0, 100.0))
    for unit in spiked.EXPERIMENT.units(made.parameters):
        arrays = spiked.compute(made.parameters, unit, 1)
        assert np.all(arrays["uniform"][:, 1] > 0.9) or arrays["uniform"][:, 1].mean() > 0.8
        assert arrays["planted"][0, 1] > 0.99
        assert np.abs(arrays["uniform"][:, 0]).max() < 0.8


def test_interrupted_work_is_continued(tmp_path):
    made = turning.recipe(N=8, tensors=2, starts=2, steps=5)
    whole = study.run(made, tmp_path / "a.sqlite").digest
    assert study.run(made, tmp_path / "a.sqlite").digest == whole
