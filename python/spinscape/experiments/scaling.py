"""The scaling of losses with the number n of hidden units, L(n) = c e^{α n^β}: AISTATS15 draws L / e^{α n^β}."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.statistics import LEVEL, Interval

PUBLISHED = (13.68, -1.128)  # α and β of AISTATS15
RESAMPLES = 200
EXPONENTS = np.linspace(-4.0, -0.05, 80)


@dataclass(frozen=True)
class Scaling:
    """L(n) = constant e^{alpha n^beta}, by least squares of log L over the sizes, each weighing the same.

    Intervals are percentiles over resamples of the networks of every size; that the law need not hold is not in them:
    `residual` is the root mean square of log L minus the fit.
    """

    constant: Interval
    alpha: Interval
    beta: Interval
    residual: float

    def factor(self, n: float) -> float:
        """Return e^{alpha n^beta}."""
        return exp(self.alpha.value * n**self.beta.value)


def fit(sizes: Sequence[int], losses: Sequence[NDArray[Any]], rng: int = 0) -> Scaling | None:
    """Fit the means of the losses of each size.

    None for fewer than four sizes, which three constants always fit, and where no β in `EXPONENTS` is best.
    """
    if len(sizes) < 4:
        return None
    n = np.array(sizes, dtype=np.float64)
    found, residual = fit_means(n, np.array([np.mean(sample) for sample in losses]))
    if not EXPONENTS[0] + 0.01 < found[2] < EXPONENTS[-1] - 0.001:
        return None
    generator = np.random.default_rng(rng)
    again = [
        fit_means(n, np.array([np.mean(generator.choice(sample, len(sample))) for sample in losses]))[0]
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(again, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    constant, alpha, beta = (Interval(float(a), float(b), float(c)) for a, b, c in zip(found, low, high, strict=True))
    return Scaling(constant, alpha, beta, residual)


def fit_means(n: NDArray[np.float64], means: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return (c, α, β) and the root mean square residual of log L; linear in log c and α for each β."""
    from scipy.optimize import minimize_scalar

    logs = np.log(means)

    def solved(beta: float) -> tuple[NDArray[np.float64], float]:
        solution = np.asarray(np.linalg.pinv(_design(n, beta)) @ logs, dtype=np.float64)
        return solution, float(np.sum((logs - _design(n, beta) @ solution) ** 2))

    designs = np.stack([_design(n, beta) for beta in EXPONENTS])
    errors = np.sum((logs - (designs @ (np.linalg.pinv(designs) @ logs)[..., None])[..., 0]) ** 2, axis=1)
    best = int(np.clip(np.argmin(errors), 1, len(EXPONENTS) - 2))
    bracket = (EXPONENTS[best - 1], EXPONENTS[best + 1])
    beta = float(minimize_scalar(lambda b: solved(b)[1], bounds=bracket, method="bounded", options={"xatol": 1e-8}).x)
    (log_c, scaled), error = solved(beta)
    return np.array([exp(log_c), scaled * n[0] ** -beta, beta]), float(np.sqrt(error / len(n)))


def _design(n: NDArray[np.float64], beta: float) -> NDArray[np.float64]:
    return np.stack([np.ones_like(n), (n / n[0]) ** beta], axis=1)
