"""(s, ε)-reduction images: a network with s different weights that predicts almost the same (AISTATS15, Def. 3.3).

AISTATS15 Thm 3.2: if at most a fraction ε of the signs change, corr(sign Y_s, sign Y) >= (1 − 2ε)/(1 + 2ε).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_block, as_integer, as_number, as_real, described
from spinscape.networks.architecture import Architecture


def clustered(parameters: Any, s: int) -> NDArray[np.float64]:
    """Return each network's parameters with at most s different values: k-means centres of its own parameters.

    parameters : (networks, P).     s : number of values; k-means starts at the quantiles, so that it draws nothing.
    """
    from scipy.cluster.vq import kmeans2

    block = as_real(parameters, "parameters", np.dtype(np.float64))
    if block.ndim != 2 or block.shape[1] == 0:
        raise ValueError(f"parameters: expected shape (networks, P), got {block.shape}")
    as_integer(s, "s", 1, block.shape[1])
    result = np.empty_like(block)
    for row, theta in enumerate(block):
        start = np.quantile(theta, (np.arange(s) + 0.5) / s)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty cluster: one value fewer, which is allowed
            centres, label = kmeans2(theta[:, None], np.unique(start)[:, None], iter=100, minit="matrix")
        result[row] = centres[label, 0]
    return result


def sign_agreement(architecture: Architecture, first: Any, second: Any, inputs: Any) -> tuple[float, float]:
    """Return ε, the fraction of samples on which two networks' single outputs differ in sign, and their correlation.

    The correlation is Pearson's between the signs, nan where one of them is constant.
    """
    if not isinstance(architecture, Architecture) or architecture.outputs != 1:
        raise TypeError(f"architecture: expected an Architecture with one output, got {described(architecture)}")
    block = as_block(inputs, "inputs", architecture.inputs, np.dtype(np.float64))
    if len(block) == 0:
        raise ValueError("inputs: expected at least one sample, got none")
    signs = []
    for value, name in ((first, "first"), (second, "second")):
        theta = as_real(value, name, np.dtype(np.float64))
        if theta.shape != (architecture.parameters,):
            raise ValueError(f"{name}: expected shape ({architecture.parameters},), got {theta.shape}")
        signs.append(np.where(architecture.outputs_of(theta, block)[:, 0] >= 0, 1.0, -1.0))
    epsilon = float(np.mean(signs[0] != signs[1]))
    constant = any(np.ptp(sign) == 0 for sign in signs)
    return epsilon, float("nan") if constant else float(np.corrcoef(signs[0], signs[1])[0, 1])


def correlation_bound(epsilon: float) -> float:
    """Return (1 − 2ε)/(1 + 2ε), the least correlation AISTATS15 Thm 3.2 allows; ε in [0, 1]."""
    epsilon = as_number(epsilon, "epsilon", 0.0)
    if epsilon > 1:
        raise ValueError(f"epsilon: expected a fraction, at most 1, got {epsilon}")
    return (1 - 2 * epsilon) / (1 + 2 * epsilon)
