"""The derivative of a row's change by the row, for Newton's method; the sums follow `RowEquations.change` by line."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from spinscape.conventions import FloatArray
from spinscape.theory.two_time.equations import Fields, Past, RowEquations


def jacobian(equations: RowEquations, y: FloatArray, past: Past, f: Fields) -> FloatArray:
    """The derivative of `equations.change` by y, (2 count, 2 count)."""
    matrix = np.zeros((2, equations.count, 2, equations.count))
    _add_correlation(matrix, equations, past.time, f)
    _add_response(matrix, equations, past.time, f)
    _add_multiplier(matrix, equations, y, past)
    _add_start(matrix, equations, y, f)
    return past.time * matrix.reshape(2 * equations.count, 2 * equations.count)


def _add_correlation(matrix: FloatArray, eq: RowEquations, t: float, f: Fields) -> None:
    """The integrals of ∂_t C + θ ∂_t' C."""
    op, xi, theta, own = eq.operators, eq.model.derivative, eq.theta[:, None], eq.own[:, None]
    below, above = t * eq.below_weight, t * eq.above_weight
    by_C, by_R = matrix[0, :, 0], matrix[0, :, 1]
    own_C = f.below2 * f.below[1] + theta * (xi(f.inner[0], 3) * f.inner[1] * f.below[0] + f.inner2 * f.below[1])
    below_C = xi(f.below[0], 3) * f.below[1] * f.inner[0] + f.below2 * f.inner[1] + theta * f.inner2 * f.inner[1]
    by_C += _summed(op.below, below * below_C) + own * below * own_C
    by_R += _summed(op.below, below * (f.below2 * f.inner[0] + theta * f.inner1))
    by_R += own * below * (f.below1 + theta * f.inner2 * f.below[0])
    by_C += _summed(op.above, above * xi(f.above[0], 3) * f.above[1] * f.outer[0])
    by_R += _summed(op.above, above * (f.above2 * f.outer[0] + theta * f.outer1))
    by_C += _summed(op.current, above * f.above[1] * (f.above2 + theta * f.outer2))


def _add_response(matrix: FloatArray, eq: RowEquations, t: float, f: Fields) -> None:
    """The integrals of ∂_t R + θ ∂_t' R."""
    op, xi, theta = eq.operators, eq.model.derivative, eq.theta[:, None]
    above = t * eq.above_weight
    by_C, by_R = matrix[1, :, 0], matrix[1, :, 1]
    by_C += _summed(op.above, above * xi(f.above[0], 3) * f.above[1] * f.outer[1])
    by_R += _summed(op.above, above * (f.above2 - theta * f.outer2) * f.outer[1])
    by_C -= _summed(op.current, above * theta * f.above[1] * xi(f.outer[0], 3) * f.outer[1])
    by_R += _summed(op.current, above * f.above[1] * (f.above2 - theta * f.outer2))


def _add_multiplier(matrix: FloatArray, eq: RowEquations, y: FloatArray, past: Past) -> None:
    """The terms with μ(t) and μ(t'), and 2T R."""
    (C, R), t, theta, xi = y, past.time, eq.theta, eq.model.derivative
    node = np.arange(eq.count)
    mu = eq.multiplier(y, t)
    earlier_mu = past.multiplier + eq.own * mu
    matrix[0, node, 0, node] -= mu + theta * earlier_mu
    matrix[0, node, 1, node] += 2 * theta * eq.model.temperature
    matrix[1, node, 1, node] -= mu - theta * earlier_mu
    by_row = t * eq.weights * np.stack([(xi(C, 3) * C + 2 * xi(C, 2)) * R, xi(C, 2) * C + xi(C, 1)])
    by_row[0, 0] += eq.model.start_beta * float(xi(C[0], 2) * C[0] + xi(C[0], 1))
    matrix[0] -= (C * (1 + theta * eq.own))[:, None, None] * by_row
    matrix[1] -= (R * (1 - theta * eq.own))[:, None, None] * by_row


def _add_start(matrix: FloatArray, eq: RowEquations, y: FloatArray, f: Fields) -> None:
    """The terms β' D(t, 0) C(t', 0) and β' D(t', 0) C(t, 0)."""
    begin, earlier, xi = y[0, 0], f.inner[0, :, 0], eq.model.derivative
    by_begin = xi(begin, 2) * earlier + eq.theta * xi(earlier, 1)
    by_begin = by_begin + eq.own * (xi(begin, 1) + eq.theta * xi(earlier, 2) * begin)
    matrix[0, :, 0, 0] += eq.model.start_beta * by_begin


def _summed(matrix: Any, factor: FloatArray) -> FloatArray:
    """Σ_m factor[j, m] matrix[(j, m), :] for every j, dense."""
    count = len(factor)
    data = matrix.data * np.repeat(factor.ravel(), np.diff(matrix.indptr))
    return sparse.csr_array((data, matrix.indices, matrix.indptr[::count]), shape=(count, matrix.shape[1])).toarray()
