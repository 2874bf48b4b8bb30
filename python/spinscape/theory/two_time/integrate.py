"""Rows in turn by the fourth-order backward differentiation formula in log t, each by Newton's method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from spinscape.conventions import FloatArray
from spinscape.results import storable
from spinscape.theory.two_time.equations import Model, Past, RowEquations
from spinscape.theory.two_time.grid import ROW_POINTS, Ratios
from spinscape.theory.two_time.jacobian import jacobian
from spinscape.theory.two_time.operators import Operators

# y_n = Σ_k PAST[k] y_{n-1-k} + OWN δ y'_n, and the quartic through five rows that predicts the next.
OWN, PAST = 12 / 25, np.array([48.0, -36.0, 16.0, -3.0]) / 25
PREDICTOR = np.array([5.0, -10.0, 10.0, -5.0, 1.0])

# In units of the model's shortest time: the first row solved for (the error of the early expansion is its cube), the
# first of those by the expansion (times before it count as 0).
FIRST_TIME, EARLIEST_TIME = 2e-3, 1e-9
RESOLVED = 0.1  # shortest time the ratios of the last row resolve, in the same unit
RATIOS_A_ROW = 1.35  # spacing of the ratios in s over the spacing of the rows in log t

NEWTON_TOL, MOST_STEPS = 1e-10, 30


@storable
@dataclass(frozen=True)
class Rows:
    """The solution: times (n,), rows (n, 2, count) of C and R at θ t, μ and E (n,); nan from where Newton failed."""

    ratios: Ratios
    spacing: float
    times: FloatArray
    rows: FloatArray
    multiplier: FloatArray
    energy: FloatArray


def integrate(model: Model, t_max: float, spacing: float) -> Rows:
    """Solve the two-time equations up to t_max, rows `spacing` apart in log t."""
    span = max(np.log(t_max * model.rate / FIRST_TIME), 10 * spacing)
    steps = int(np.ceil(span / spacing))
    # rows of the early expansion: every row looks equally far back
    before = steps + ROW_POINTS + int(np.log(FIRST_TIME / EARLIEST_TIME) / spacing)
    times = t_max * np.exp(spacing * np.arange(-before - steps, 1))
    ratios = _ratios(RESOLVED / (model.rate * t_max), spacing)
    equations = RowEquations(model, Operators.of(ratios, spacing, before))
    rows, multiplier = np.full((len(times), 2, len(ratios)), np.nan), np.full(len(times), np.nan)
    rows[: before + 1], multiplier[: before + 1] = model.early(times[: before + 1], ratios.theta)
    newton = _Newton(equations, OWN * spacing)
    for n in range(before + 1, len(times)):
        window = slice(n - before + 1, n)
        past = equations.past(times[n], rows[window], multiplier[window])
        row = newton.solve(
            np.tensordot(PREDICTOR, rows[n - 1 : n - 6 : -1], 1), np.tensordot(PAST, rows[n - 1 : n - 5 : -1], 1), past
        )
        if row is None:
            break
        rows[n], multiplier[n] = row, equations.multiplier(row, times[n])
    kept = slice(before, None)
    energy = np.array([equations.energy(row, time) for row, time in zip(rows[kept], times[kept], strict=True)])
    return Rows(ratios, spacing, times[kept], rows[kept], multiplier[kept], energy)


def _ratios(scale: float, spacing: float) -> Ratios:
    half = int(np.ceil(np.arcsinh(1.0 / scale) / (RATIOS_A_ROW * spacing)))
    return Ratios.of(scale, 2 * max(half, 16) + 1)


class _Newton:
    """Solves y = known + step change(y) with C(t, t) = R(t, t) = 1; keeps its factors from row to row."""

    def __init__(self, equations: RowEquations, step: float) -> None:
        self.equations, self.step = equations, step
        self.free = np.arange(2 * equations.count).reshape(2, -1)[:, :-1].ravel()
        self.factors: Any = None

    def solve(self, guess: FloatArray, known: FloatArray, past: Past) -> FloatArray | None:
        """The row, or None where Newton does not converge."""
        y, last, age = np.array(guess), np.inf, 1
        for _ in range(MOST_STEPS):
            fields = self.equations.fields(y, past)
            residual = (y - known - self.step * self.equations.change(y, past, fields)).ravel()[self.free]
            if not np.all(np.isfinite(residual)):
                return None
            if self.factors is None:
                matrix = np.eye(y.size) - self.step * jacobian(self.equations, y, past, fields)
                self.factors, age = lu_factor(matrix[np.ix_(self.free, self.free)]), 0
            move = lu_solve(self.factors, residual)
            size = float(np.abs(move).max())
            if age > 0 and size > 0.1 * last:  # with old factors it converges slowly, or not at all
                self.factors = None
                continue
            y.ravel()[self.free] -= move
            if size < NEWTON_TOL:
                return y
            last, age = size, age + 1
        return None
