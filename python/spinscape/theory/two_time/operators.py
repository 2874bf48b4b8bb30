"""What the integrals over a row need from the rows, as fixed sparse matrices.

Row t looks at pairs (t', u), t' = θ_j t, with u = t' θ_m below t' and u = t' + (t - t') θ_m above. Times of rows are
uniform in log t and ratios are the same on every row, so where these points lie between rows and ratios never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from spinscape import memory
from spinscape.conventions import FloatArray
from spinscape.theory.two_time.grid import RATIO_POINTS, ROW_POINTS, IntArray, Ratios, stencil


@dataclass(frozen=True)
class Operators:
    """Interpolation from the `window` last rows; fields on the pairs are (count, count), j by m.

    below, above : C(t, u) from row t, for u on the two intervals.
    row_index, row_weight : (count, ROW_POINTS), which rows give the row at t'; 0 is row t, 1 the one before it.
    past, current : C(u, t'), u above t', from the rows before row t, oldest first, and from row t.
    """

    ratios: Ratios
    window: int
    below: Any
    above: Any
    row_index: IntArray
    row_weight: FloatArray
    past: Any
    current: Any

    @classmethod
    def of(cls, ratios: Ratios, spacing: float, window: int) -> Operators:
        """The operators for rows `spacing` apart in log t; times before the window are taken as its first row's."""
        pairs = len(ratios) ** 2
        memory.require(40 * pairs * ROW_POINTS * RATIO_POINTS, f"t_max, tol: a grid of {len(ratios):,} ratios")
        theta, complement = ratios.theta, ratios.complement
        j, jc, m, mc = theta[:, None], complement[:, None], theta, complement
        above, above_c = j + jc * m, jc * mc
        with np.errstate(divide="ignore"):
            row_at = np.minimum(-np.log(theta) / spacing, window - 1.0)
            above_at = np.minimum(-np.log1p(-above_c) / spacing, window - 1.0)
        row_index, row_weight = stencil(row_at, window, ROW_POINTS)
        positive = np.where(above > 0, above, 1.0)  # u = 0 where j = m = 0 alone
        earlier_c = np.where(above > 0, jc * m / positive, 1.0)
        past, current = _two_time(ratios, j / positive, earlier_c, above_at, window)
        return cls(
            ratios,
            window,
            _one_time(ratios, j * m, jc + j * mc),
            _one_time(ratios, above, above_c),
            row_index,
            row_weight,
            past,
            current,
        )


def _one_time(ratios: Ratios, theta: FloatArray, complement: FloatArray) -> Any:
    index, weight = stencil(ratios.position(theta, complement).ravel(), len(ratios), RATIO_POINTS)
    pointers = np.arange(0, weight.size + 1, RATIO_POINTS)
    return sparse.csr_array((weight.ravel(), index.ravel(), pointers), shape=(theta.size, len(ratios)))


def _two_time(
    ratios: Ratios, theta: FloatArray, complement: FloatArray, row_at: FloatArray, window: int
) -> tuple[Any, Any]:
    count = len(ratios)
    rows, row_weight = stencil(row_at.ravel(), window, ROW_POINTS)
    index, weight = stencil(ratios.position(theta, complement).ravel(), count, RATIO_POINTS)
    column = (window - 1 - rows)[:, :, None] * count + index[:, None, :]
    value = row_weight[:, :, None] * weight[:, None, :]
    pointers = np.arange(0, value.size + 1, ROW_POINTS * RATIO_POINTS)
    both = sparse.csr_array((value.ravel(), column.ravel(), pointers), shape=(count * count, window * count))
    last = (window - 1) * count
    return both[:, :last], both[:, last:]
