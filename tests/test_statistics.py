"""The statistics room against scipy, closed forms and counted coverage."""

import numpy as np
import pytest
from scipy import stats

from spinscape import statistics


def test_intervals_are_scipys():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(2, 30))
    y = 0.5 * x + y
    t = stats.ttest_1samp(x, 0.0).confidence_interval(0.95)
    assert statistics.mean(x) == pytest.approx((x.mean(), *t))
    welch = stats.ttest_ind(x, y[:12], equal_var=False).confidence_interval(0.95)
    assert statistics.difference(x, y[:12]) == pytest.approx((x.mean() - y[:12].mean(), *welch))
    paired = stats.ttest_rel(x, y).confidence_interval(0.95)
    assert statistics.paired(x, y) == pytest.approx(((x - y).mean(), *paired))
    pearson = stats.pearsonr(x, y)
    assert statistics.pearson(x, y) == pytest.approx((pearson.statistic, *pearson.confidence_interval(0.95)))
    assert statistics.spearman(x, np.round(y))[0] == pytest.approx(stats.spearmanr(x, np.round(y)).statistic)
    for hits in (0, 3, 10):
        exact = stats.binomtest(hits, 10).proportion_ci(0.95, method="exact")
        assert statistics.fraction(hits, 10) == pytest.approx((hits / 10, *exact))
    assert np.isnan(statistics.mean([1.0])[1:]).all()
    assert statistics.mean([1.0]).bars == (0.0, 0.0)
    assert np.isnan(statistics.pearson([1.0, 1.0], [1.0, 2.0])[0])


def test_intervals_cover_as_often_as_they_say():
    """1000 samples of 15: 95 % intervals cover 950 ± 7 times; within 5 s.d., a false alarm in a million."""
    generator = np.random.default_rng(1)
    samples = generator.normal(2.0, 3.0, size=(1000, 15))
    covered = sum(low <= 3.0 <= high for _, low, high in map(statistics.deviation, samples))
    assert abs(covered - 950) < 35
    other = 0.6 * samples + 0.8 * generator.normal(2.0, 3.0, size=samples.shape)
    # Bonett and Wright's interval is an approximation; for Gaussian pairs rho_s = 6/pi asin(r/2).
    truth = 6 / np.pi * np.arcsin(0.6 / 2)
    found = [statistics.spearman(a, b) for a, b in zip(samples, other, strict=True)]
    assert 0.91 < np.mean([low <= truth <= high for _, low, high in found]) < 0.99


def test_bootstrap_is_scipys():
    """The same resamples, so the same percentiles; scipy draws its own, so within their noise: 2000 of 300 values."""
    values = np.random.default_rng(2).gamma(2.0, size=300)
    (found,) = statistics.bootstrap(values, lambda samples: np.mean(samples, axis=1)[None])
    oracle = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=2000, rng=3).confidence_interval
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(tuple(oracle), abs=0.25 * values.std() / np.sqrt(300))


def model(generator, instances, starts, disorder=0.3):
    return [generator.normal(0, disorder) + generator.normal(0, 1.0, starts) for _ in range(instances)]


def test_spread_separates_disorder_from_starts():
    """Oracle: a variance-components model with known deviations, 400 instances of 50 starts."""
    generator = np.random.default_rng(0)
    samples = [generator.normal(0, 0.3) + generator.normal(0, 1.0, (50, 2)) for _ in range(400)]
    found = statistics.spread(samples)
    assert found.sd_disorder == pytest.approx(0.3, abs=0.04)
    assert found.sd_starts == pytest.approx(1.0, abs=0.02)
    assert found.error == pytest.approx(np.sqrt((0.09 + 1 / 50) / 400), rel=0.15)


def test_two_level_intervals_cover_as_often_as_they_say():
    """600 studies of 6 instances of 20 starts: both intervals cover 570 ± 5.3; within 5 s.d."""
    generator = np.random.default_rng(5)
    found = [statistics.spread(model(generator, 6, 20)) for _ in range(600)]
    assert abs(sum(one.interval.low <= 0.0 <= one.interval.high for one in found) - 570) < 27
    assert abs(sum(one.disorder.low <= 0.3 <= one.disorder.high for one in found) - 570) < 27


def test_instances_that_differ_no_more_than_their_starts_have_a_bound_and_no_estimate():
    generator = np.random.default_rng(7)
    found = [statistics.spread(model(generator, 6, 20, disorder=0.0)) for _ in range(40)]
    clipped = [one for one in found if one.excess <= 0]
    assert 10 < len(clipped) < 35
    for one in clipped:
        assert one.sd_disorder == 0
        assert np.isnan(one.disorder.value)
        assert one.disorder.low == 0 <= one.disorder.high


def test_one_instance_has_no_interval():
    found = statistics.spread([np.arange(5.0)])
    assert np.isnan(found.half)
    assert np.isnan(found.interval.low)
    assert np.isnan(found.disorder.high)


def test_the_interval_over_instances_is_students_of_their_means():
    samples = model(np.random.default_rng(8), 5, 7)
    expected = statistics.mean([sample.mean() for sample in samples])
    assert statistics.spread(samples).interval == pytest.approx(expected, rel=1e-12)
