"""Confidence intervals of independent values; two-sided, 95 %, each with its assumption."""

from __future__ import annotations

from collections.abc import Callable
from math import atanh, sqrt, tanh
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_array, as_integer, described
from spinscape.randomness import RNG

LEVEL = 0.95
NAN = float("nan")


class Interval(NamedTuple):
    """An estimate and its interval of 95 % confidence; nan where there are too few values for one."""

    value: float
    low: float
    high: float

    @property
    def bars(self) -> tuple[float, float]:
        """The lengths below and above the value that an error bar has; 0 where there is no interval."""
        below, above = self.value - self.low, self.high - self.value
        return (below if below == below else 0.0, above if above == above else 0.0)

    def columns(self, name: str) -> dict[str, float]:
        """Return {name, name_low, name_high}, for a row of a table."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}

    def text(self, form: str) -> str:
        """Return "value [low, high]" with numbers in this format."""
        return f"{self.value:{form}} [{self.low:{form}}, {self.high:{form}}]"


def mean(values: Any) -> Interval:
    """Return the mean with Student's t interval: exact for Gaussian values, right for many of any law."""
    from scipy.stats import t

    sample = _finite(values, "values")
    if len(sample) < 2:
        return Interval(float(sample[0]) if len(sample) else NAN, NAN, NAN)
    centre = float(sample.mean())
    half = float(t.ppf((1 + LEVEL) / 2, len(sample) - 1) * sample.std(ddof=1) / sqrt(len(sample)))
    return Interval(centre, centre - half, centre + half)


def difference(first: Any, second: Any) -> Interval:
    """Return mean(first) − mean(second) with Welch's t interval: Gaussian values of different variances."""
    from scipy.stats import t

    samples = _finite(first, "first"), _finite(second, "second")
    if min(map(len, samples)) < 2:
        return Interval(NAN, NAN, NAN)
    shares = [float(sample.var(ddof=1)) / len(sample) for sample in samples]
    centre, total = float(samples[0].mean() - samples[1].mean()), sum(shares)
    if total == 0:
        return Interval(centre, centre, centre)
    freedom = total**2 / sum(share**2 / (len(sample) - 1) for share, sample in zip(shares, samples, strict=True))
    half = float(t.ppf((1 + LEVEL) / 2, freedom)) * sqrt(total)
    return Interval(centre, centre - half, centre + half)


def paired(first: Any, second: Any) -> Interval:
    """Return the mean of first − second, pair by pair, with Student's t interval; a pair with a gap is left out."""
    one, other = _numbers(first, "first"), _numbers(second, "second")
    if one.shape != other.shape:
        raise ValueError(f"second: expected shape {one.shape}, as first, got {other.shape}")
    return mean(one - other)


def deviation(values: Any) -> Interval:
    """Return the standard deviation (n − 1) with the χ² interval of Gaussian values."""
    from scipy.stats import chi2

    sample = _finite(values, "values")
    if len(sample) < 2:
        return Interval(NAN, NAN, NAN)
    freedom, found = len(sample) - 1, float(sample.std(ddof=1))
    large, small = (float(chi2.ppf(tail, freedom)) for tail in ((1 + LEVEL) / 2, (1 - LEVEL) / 2))
    return Interval(found, found * sqrt(freedom / large), found * sqrt(freedom / small))


def bootstrap(
    values: Any, statistic: Callable[[NDArray[Any]], Any], resamples: int = 2000, rng: RNG = 0
) -> list[Interval]:
    """Return statistics with their percentile intervals over resamples of the values: for many values of any law.

    statistic : (samples, (resamples, n)) -> (statistics, resamples).
    """
    sample, count = _numbers(values, "values"), as_integer(resamples, "resamples", 1, 2**31)
    if sample.ndim != 1 or not sample.size:
        raise ValueError(f"values: expected at least one, shape (n,), got {sample.shape}")
    if not callable(statistic):
        raise TypeError(f"statistic: expected a function of samples, got {described(statistic)}")
    memory.require(8 * count * sample.size, f"resamples: {count:,} of {sample.size:,} values")
    tails = 100 * np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    drawn = _generator(rng).choice(sample, (count, len(sample)))
    of_drawn, of_all = (np.asarray(statistic(some)) for some in (drawn, sample[None]))
    if of_drawn.ndim != 2 or of_drawn.shape != (len(of_all), count):
        raise ValueError(f"statistic: expected shape (statistics, {count}), got {of_drawn.shape}")
    low, high = np.percentile(of_drawn, tails, axis=1)
    found = of_all[:, 0]
    return [Interval(float(a), float(b), float(c)) for a, b, c in zip(found, low, high, strict=True)]


def pearson(x: Any, y: Any) -> Interval:
    """Return Pearson's correlation with Fisher's interval, tanh(artanh r ± z/√(n − 3)): Gaussian pairs."""
    return _correlation(*_pairs(x, y))


def spearman(x: Any, y: Any) -> Interval:
    """Return Spearman's ρ with Bonett and Wright's interval, tanh(artanh ρ ± z √((1 + ρ²/2)/(n − 3))).

    Psychometrika 65 (2000) 23. Ties get mean ranks.
    """
    from scipy.stats import rankdata

    first, second = _pairs(x, y)
    return _correlation(rankdata(first), rankdata(second), 0.5)


def fraction(hits: int, trials: int) -> Interval:
    """Return hits/trials with the interval of Clopper and Pearson, which never covers too rarely."""
    from scipy.stats import beta

    trials = as_integer(trials, "trials", 0)
    hits = as_integer(hits, "hits", 0, trials)
    if trials == 0:
        return Interval(NAN, NAN, NAN)
    tail = (1 - LEVEL) / 2
    low = float(beta.ppf(tail, hits, trials - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, trials - hits)) if hits < trials else 1.0
    return Interval(hits / trials, low, high)


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64], extra: float = 0.0) -> Interval:
    """Fisher's transform; its variance is (1 + extra ρ²)/(n − 3)."""
    from scipy.stats import norm

    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Interval(NAN, NAN, NAN)
    found = float(np.clip(np.corrcoef(x, y)[0, 1], -1.0, 1.0))
    if len(x) < 4:
        return Interval(found, NAN, NAN)
    if abs(found) == 1.0:
        return Interval(found, found, found)
    half = float(norm.ppf((1 + LEVEL) / 2)) * sqrt((1 + extra * found**2) / (len(x) - 3))
    return Interval(found, tanh(atanh(found) - half), tanh(atanh(found) + half))


def _generator(rng: RNG) -> np.random.Generator:
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"rng: expected None, an integer, a SeedSequence or a Generator, got {described(rng)}"
        ) from None


def _pairs(x: Any, y: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = _numbers(x, "x"), _numbers(y, "y")
    if first.shape != second.shape:
        raise ValueError(f"y: expected shape {first.shape}, as x, got {second.shape}")
    kept = np.isfinite(first) & np.isfinite(second)
    return first[kept], second[kept]


def _finite(values: Any, name: str) -> NDArray[np.float64]:
    sample = _numbers(values, name)
    return sample[np.isfinite(sample)]


def _numbers(values: Any, name: str) -> NDArray[np.float64]:
    """Numbers, gaps (nan) among them; truth values count as 0 and 1."""
    if isinstance(values, np.ndarray) and values.dtype == np.bool_:
        values = values.astype(np.float64)
    return as_array(values, name).astype(np.float64)
