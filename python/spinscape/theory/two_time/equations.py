r"""The two-time equations of gradient flow and Langevin dynamics as N goes to infinity (CHSCK).

For :math:`dw=-g\,dt+\sqrt{2T}\,dB` on the sphere, covariance :math:`N\xi(q)`, and a start in equilibrium at inverse
temperature β' (0: a uniform one), with :math:`\Sigma(t,u)=\xi''(C(t,u))R(t,u)`, :math:`D(t,u)=\xi'(C(t,u))`, t > t',

.. math::
   \partial_tC(t,t')&=-\mu(t)C(t,t')+\int_0^t\Sigma(t,u)C(u,t')du+\int_0^{t'}D(t,u)R(t',u)du+\beta'D(t,0)C(t',0)\\
   \partial_tR(t,t')&=-\mu(t)R(t,t')+\int_{t'}^t\Sigma(t,u)R(u,t')du\\
   \mu(t)&=T+\int_0^t[\Sigma(t,u)C(t,u)+D(t,u)R(t,u)]du+\beta'D(t,0)C(t,0)\\
   E(t)&=-\int_0^tD(t,u)R(t,u)du-\beta'\xi(C(t,0)).

Sources: Crisanti, Horner, Sommers, Z. Phys. B 92, 257 (1993); Cugliandolo, Kurchan, PRL 71, 173 (1993); for starts in
equilibrium Franz, Parisi, J. Physique I 5, 1401 (1995); proved by Ben Arous, Dembo, Guionnet, PTRF 136, 619 (2006).
Their covariance (N/2) q^p gives p(p-1)/2 for our p(p-1), and temperatures :math:`\sqrt2` smaller.

A row moves at constant θ = t'/t, so it also needs, by the symmetry of C and from the resolvent of R,

.. math::
   \partial_{t'}C(t,t')&=-\mu(t')C(t,t')+2TR(t,t')+\int_0^{t'}\Sigma(t',u)C(t,u)du+\int_0^tD(t',u)R(t,u)du
       +\beta'D(t',0)C(t,0)\\
   \partial_{t'}R(t,t')&=\mu(t')R(t,t')-\int_{t'}^tR(t,u)\Sigma(u,t')du.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spinscape.conventions import FloatArray
from spinscape.results import storable
from spinscape.theory.mixture import MixtureFunction
from spinscape.theory.two_time.grid import ROW_POINTS
from spinscape.theory.two_time.operators import Operators


@storable
@dataclass(frozen=True)
class Model:
    """What moves: the mixture ξ, the temperature T, and the inverse temperature β' of the start."""

    xi: MixtureFunction
    temperature: float
    start_beta: float

    @property
    def rate(self) -> float:
        """The largest of the model's rates: 1 over its shortest time."""
        first, second = float(self.xi(1.0, 1)), float(self.xi(1.0, 2))
        return max(self.temperature, np.sqrt(first), np.sqrt(second), self.start_beta * first)

    def derivative(self, q: FloatArray, order: int) -> FloatArray:
        """A derivative of ξ, also where rounding has left [0, 1]; the third by a difference, for Newton's steps."""
        inside = np.clip(q, 0.0, 1.0)
        if order < 3:
            return self.xi(inside, order)
        low, high = np.maximum(inside - 1e-5, 0.0), np.minimum(inside + 1e-5, 1.0)
        return (self.xi(high, 2) - self.xi(low, 2)) / (high - low)

    def early(self, t: FloatArray, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Rows (times, 2, count) of C and R and μ at small t, to second order in t."""
        T, b = self.temperature, self.start_beta
        first, second = float(self.xi(1.0, 1)), float(self.xi(1.0, 2))
        level, slope = T + b * first, (first + second) * (1 - b * T)  # μ(t) = level + slope t
        lag = t[:, None] * (1 - theta)
        C = 1 - T * lag + (T * T - first + 2 * b * T * first) * lag**2 / 2
        R = 1 - level * lag - slope * t[:, None] * (1 + theta) * lag / 2 + (level**2 + second) * lag**2 / 2
        return np.stack([C, R], axis=1), level + slope * t


@dataclass(frozen=True)
class Past:
    """The parts of the fields of row t that come from the rows before it."""

    time: float
    below: FloatArray  # (2, count, count): C and R at (t', u), u below t'
    above: FloatArray  # (2, count, count): C and R at (u, t'), u above t'
    multiplier: FloatArray  # (count,): μ(t')


@dataclass(frozen=True)
class Fields:
    """C and R on the pairs of a row, (count, count) each, and the derivatives of ξ there.

    below, above : at (t, u); inner : at (t', u), u below t'; outer : at (u, t'), u above t'.
    """

    below: FloatArray
    above: FloatArray
    inner: FloatArray
    outer: FloatArray
    below1: FloatArray
    below2: FloatArray
    above2: FloatArray
    inner1: FloatArray
    inner2: FloatArray
    outer1: FloatArray
    outer2: FloatArray


class RowEquations:
    """The equations of one row y = (C, R), (2, count), in log t at constant θ; `operators` say where its points lie."""

    def __init__(self, model: Model, operators: Operators) -> None:
        self.model, self.operators = model, operators
        self.theta, self.weights = operators.ratios.theta, operators.ratios.weights
        self.count = len(self.theta)
        # The share of row t in the row at t'.
        self.own = np.where(operators.row_index == 0, operators.row_weight, 0.0).sum(axis=1)
        # of du, for t = 1
        self.below_weight = self.theta[:, None] * self.weights
        self.above_weight = operators.ratios.complement[:, None] * self.weights

    def past(self, time: float, rows: FloatArray, multipliers: FloatArray) -> Past:
        """What the `window` - 1 rows before row t give, oldest first; rows (window - 1, 2, count)."""
        op = self.operators
        weight = np.where(op.row_index == 0, 0.0, op.row_weight)
        index = np.minimum(len(rows) - op.row_index, len(rows) - 1)
        below = sum(weight[:, q, None, None] * rows[index[:, q]] for q in range(ROW_POINTS))
        above = self._pairs(op.past, np.swapaxes(rows, 0, 1).reshape(2, -1))
        return Past(time, np.swapaxes(below, 0, 1), above, np.sum(weight * multipliers[index], axis=1))

    def fields(self, y: FloatArray, past: Past) -> Fields:
        """The fields of the row y."""
        op, xi = self.operators, self.model.derivative
        below, above = self._pairs(op.below, y), self._pairs(op.above, y)
        inner = past.below + self.own[:, None] * y[:, None, :]
        outer = past.above + self._pairs(op.current, y)
        return Fields(
            *(below, above, inner, outer, xi(below[0], 1), xi(below[0], 2), xi(above[0], 2)),
            *(xi(inner[0], 1), xi(inner[0], 2), xi(outer[0], 1), xi(outer[0], 2)),
        )

    def multiplier(self, y: FloatArray, time: float) -> float:
        """The multiplier μ(t) that keeps C(t, t) = 1."""
        (C, R), xi = y, self.model.derivative
        memory = time * float(self.weights @ ((xi(C, 2) * C + xi(C, 1)) * R))
        return self.model.temperature + memory + self.model.start_beta * float(xi(C[0], 1) * C[0])

    def energy(self, y: FloatArray, time: float) -> float:
        """The energy density E(t)."""
        (C, R), xi = y, self.model.derivative
        return -time * float(self.weights @ (xi(C, 1) * R)) - self.model.start_beta * float(xi(C[0], 0))

    def change(self, y: FloatArray, past: Past, f: Fields) -> FloatArray:
        """dy/d log t at constant θ, t(∂_t + θ ∂_t')."""
        (C, R), t, theta = y, past.time, self.theta
        T, b, xi = self.model.temperature, self.model.start_beta, self.model.derivative
        below, above = t * self.below_weight, t * self.above_weight
        mu = self.multiplier(y, t)
        earlier_mu = past.multiplier + self.own * mu
        memory = above * f.above2 * f.above[1]
        C_t = -mu * C + np.sum(below * (f.below2 * f.below[1] * f.inner[0] + f.below1 * f.inner[1]), axis=1)
        C_t += np.sum(memory * f.outer[0], axis=1) + b * xi(C[0], 1) * f.inner[0, :, 0]
        C_s = -earlier_mu * C + 2 * T * R + b * xi(f.inner[0, :, 0], 1) * C[0]
        C_s += np.sum(below * (f.inner2 * f.inner[1] * f.below[0] + f.inner1 * f.below[1]), axis=1)
        C_s += np.sum(above * f.outer1 * f.above[1], axis=1)
        R_t = -mu * R + np.sum(memory * f.outer[1], axis=1)
        R_s = earlier_mu * R - np.sum(above * f.above[1] * f.outer2 * f.outer[1], axis=1)
        return t * np.stack([C_t + theta * C_s, R_t + theta * R_s])

    def _pairs(self, matrix: Any, both: FloatArray) -> FloatArray:
        """A matrix on C and on R; one after the other is twice as fast as both at once."""
        return np.stack([matrix @ one for one in both]).reshape(2, self.count, self.count)
