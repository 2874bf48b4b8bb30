"""Two levels of chance: starts within instances of the disorder. What is independent is the instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_array, described
from spinscape.statistics.intervals import LEVEL, NAN, Interval

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """A mean over instances and starts, its standard error, and where the spread comes from.

    error : from the spread of the instances' means, which holds all of it; nan for one instance.
    sd_disorder, sd_starts : standard deviations between instances (that of the starts taken out) and within them.
    excess : variance between instances' means minus what the starts contribute; where it is negative, the instances
        differ less than their starts explain, and sd_disorder is 0.
    """

    mean: FloatArray
    error: FloatArray
    sd_disorder: FloatArray
    sd_starts: FloatArray
    excess: FloatArray
    instances: int

    @property
    def half(self) -> FloatArray:
        """Half of the 95 % interval of the mean, by Student's t over the instances; nan for one instance."""
        from scipy.stats import t

        factor = t.ppf((1 + LEVEL) / 2, self.instances - 1) if self.instances > 1 else np.nan
        return np.asarray(factor * self.error)

    @property
    def disorder(self) -> Interval:
        """sd_disorder of one number with the 95 % interval of Gaussian instances; its value is nan where excess is not
        positive: the interval then reaches from 0 to what the instances could differ by at most.
        """
        from scipy.stats import chi2

        freedom, between = self.instances - 1, float(np.ravel(self.error)[0]) ** 2 * self.instances
        excess = float(np.ravel(self.excess)[0])
        if freedom < 1:
            return Interval(NAN, NAN, NAN)
        share = between - excess
        tails = (float(freedom / chi2.ppf(tail, freedom)) for tail in ((1 + LEVEL) / 2, (1 - LEVEL) / 2))
        low, high = (max(between * tail - share, 0.0) ** 0.5 for tail in tails)
        return Interval(excess**0.5 if excess > 0 else NAN, low, high)

    @property
    def interval(self) -> Interval:
        """The mean of one number with its 95 % interval."""
        mean, half = (float(np.ravel(values)[0]) for values in (self.mean, self.half))
        return Interval(mean, mean - half, mean + half)


def spread(samples: list[NDArray[Any]]) -> Spread:
    """Statistics of one array an instance, starts along the first axis."""
    if not isinstance(samples, (list, tuple)) or not samples:
        raise TypeError(f"samples: expected a list of arrays, one an instance, got {described(samples)}")
    samples = [as_array(sample, f"samples[{k}]") for k, sample in enumerate(samples)]
    shapes = {sample.shape[1:] for sample in samples}
    if len(shapes) != 1 or min(sample.ndim for sample in samples) == 0 or min(map(len, samples)) == 0:
        raise ValueError(f"samples: expected arrays of at least one start, alike but for their number, got {shapes}")
    means = np.stack([np.mean(sample, axis=0) for sample in samples])
    within = np.mean([np.var(s, axis=0, ddof=1) if len(s) > 1 else np.zeros(s.shape[1:]) for s in samples], axis=0)
    count = len(samples)
    nan = np.full(means.shape[1:], np.nan)
    between = np.var(means, axis=0, ddof=1) if count > 1 else nan
    excess = between - within / np.mean([len(sample) for sample in samples])
    return Spread(
        mean=np.mean(means, axis=0),
        error=np.sqrt(between / count),
        sd_disorder=np.sqrt(np.maximum(excess, 0.0)),
        sd_starts=np.sqrt(within),
        excess=excess,
        instances=count,
    )
