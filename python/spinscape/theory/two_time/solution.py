"""`dmft`: the dynamics as N goes to infinity, solved to a stated energy error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spinscape.arrays import as_number, as_reals, broadcast, ignoring_underflow
from spinscape.conventions import FloatArray, Xi
from spinscape.results import Result
from spinscape.theory.mixture import at_one, mixture
from spinscape.theory.two_time.equations import Model
from spinscape.theory.two_time.grid import RATIO_POINTS, ROW_POINTS, stencil
from spinscape.theory.two_time.integrate import Rows, integrate

COARSEST, FINEST = 0.14, 0.0175  # spacings of the rows in log t


@dataclass(frozen=True, eq=False, repr=False)
class MeanFieldDynamics(Result):
    """The solution of the two-time equations at the times t, 0 first, then uniform in log t; n of them.

    t : (n,).
    energy : (n,), the energy density E(t) = lim H_N/N.
    correlation : (n, n), C(t_i, t_j) = lim w(t_i)·w(t_j)/N, symmetric.
    response : (n, n), R(t_i, t_j), the response of w_k(t_i) to a force on w_k at t_j <= t_i; 0 above the diagonal.
    multiplier : (n,), μ(t) = T - lim w·∇H/N, the force that keeps w on the sphere; T - p E(t) for a pure model.
    energy_error : (n,), the estimated error of `energy`: of its change when the spacings of times and ratios were last
        halved, 3/2 of what further halvings would still change, 1/(r − 1). Here r is the measured ratio of the last two
        changes, 16 for a method of fourth order (3.41e-6/2.11e-7 = 16.2 for p = 3, T = 0, t_max = 20). inf where the
        equations could not be solved (energy is nan there).
    constraint_residual : (n,), |C(t, t) - 1| with C extrapolated from t' < t to the diagonal.
    temperature, start_beta : T and β'.
    spacing : of the times in log t.
    """

    t: FloatArray
    energy: FloatArray
    correlation: FloatArray
    response: FloatArray
    multiplier: FloatArray
    energy_error: FloatArray
    constraint_residual: FloatArray
    temperature: float
    start_beta: float
    spacing: float
    _model: Model
    _rows: Rows

    def energy_at(self, t: ArrayLike) -> FloatArray:
        """The energy density at any times from 0 to t_max."""
        rows, times = self._rows, self._times(t, "t")
        begin = -self.start_beta * float(self._model.xi(1.0, 0))
        early = begin + (rows.energy[0] - begin) * times / rows.times[0]
        index, weight = stencil(self._position(times), len(rows.times), ROW_POINTS)
        return np.where(times < rows.times[0], early, np.sum(weight * rows.energy[index], axis=-1))[()]

    def correlation_at(self, t: ArrayLike, s: ArrayLike) -> FloatArray:
        """C(t, s) at any times from 0 to t_max, broadcast; symmetric."""
        return self._two_time(t, s)[0][()]

    def response_at(self, t: ArrayLike, s: ArrayLike) -> FloatArray:
        """R(t, s) at any times from 0 to t_max, broadcast; 0 where s > t."""
        times, earlier = broadcast(t=self._times(t, "t"), s=self._times(s, "s"))
        return np.where(earlier > times, 0.0, self._two_time(times, earlier)[1])[()]

    def _times(self, value: ArrayLike, name: str) -> FloatArray:
        times = as_reals(value, name)
        latest = float(self._rows.times[-1])
        if times.size and not (times.min() >= 0 and times.max() <= latest * (1 + 1e-12)):
            raise ValueError(f"{name}: expected times from 0 to {latest:g}, got {times.min():g} to {times.max():g}")
        return np.minimum(times, latest)

    def _position(self, times: FloatArray) -> FloatArray:
        first = self._rows.times[0]
        return np.log(np.maximum(times, first) / first) / self._rows.spacing

    def _two_time(self, t: ArrayLike, s: ArrayLike) -> FloatArray:
        """C and R at (max(t, s), min(t, s)), (2, ...)."""
        times, others = broadcast(t=self._times(t, "t"), s=self._times(s, "s"))
        later, earlier = np.maximum(times, others), np.minimum(times, others)
        positive = np.where(later > 0, later, 1.0)
        theta, complement = earlier / positive, np.where(later > 0, (later - earlier) / positive, 1.0)
        rows, ratios = self._rows, self._rows.ratios
        row_index, row_weight = stencil(self._position(later), len(rows.times), ROW_POINTS)
        index, weight = stencil(ratios.position(theta, complement), len(ratios), RATIO_POINTS)
        corners = rows.rows[row_index[..., :, None], :, index[..., None, :]]
        found = np.einsum("...r,...k,...rkf->f...", row_weight, weight, corners)
        early, _ = self._model.early(later.ravel(), theta.ravel()[:, None])
        return np.where(later < rows.times[0], early[:, :, 0].T.reshape(found.shape), found)


@ignoring_underflow
def dmft(
    xi: Xi, t_max: float, beta: float | None = None, *, start_beta: float = 0.0, tol: float = 1e-4
) -> MeanFieldDynamics:
    r"""Solve the dynamics of the spherical model as N goes to infinity, up to time t_max.

    The two-time (CHSCK) equations of :mod:`spinscape.theory.two_time.equations`, for gradient flow dw/dt = -g or, at a
    finite β, Langevin dynamics :math:`dw=-g\,dt+\sqrt{2/\beta}\,dB` on the sphere. One step of size γ of gradient
    descent is a time γ.

    Parameters
    ----------
    xi : the mixture, {p: c_p} or a function xi(q, order); see :mod:`spinscape.theory.mixture`.
    t_max : the last time; the cost grows with its logarithm (t_max = 1000: seconds).
    beta : inverse temperature of the noise; None for gradient flow, T = 0.
    start_beta : inverse temperature β' of the start; 0 for a uniform start. A positive one starts in equilibrium where
        annealed and quenched averages agree (up to 1/T_s), else at a point planted at energy density -β' ξ(1).
    tol : spacings are halved, down to 0.0175 in log t, until the energy changes by at most this, in units of √ξ(1);
        `energy_error` is smaller, and is returned whether or not the change meets `tol`.

    Returns a `MeanFieldDynamics`. Raises TypeError or ValueError naming the argument; MemoryError for a t_max or tol
    whose grid does not fit.
    """
    temperature = 0.0 if beta is None else 1.0 / as_number(beta, "beta", 1e-300)
    at_one(xi)  # refuses an infinite ξ''(1): the gradient of such a field has no derivative
    model = Model(mixture(xi), temperature, _inverse_temperature(start_beta, "start_beta"))
    last = as_number(t_max, "t_max", 0.0, exclusive=True)
    target = as_number(tol, "tol", 0.0, exclusive=True) * float(np.sqrt(model.xi(1.0, 0)))
    spacing = COARSEST / 2
    rough, coarse, fine = (integrate(model, last, step) for step in (2 * COARSEST, COARSEST, spacing))
    while not np.max(_change(coarse, fine)) <= target and spacing > FINEST:
        spacing /= 2
        rough, coarse, fine = coarse, fine, integrate(model, last, spacing)
    return _result(model, fine, _error(rough, coarse, fine))


def _error(rough: Rows, coarse: Rows, fine: Rows) -> FloatArray:
    """What is left of a geometric series of changes, and half of it more."""
    change = _change(coarse, fine)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.max(_change(rough, coarse)) / np.max(change)
    falling = float(np.clip(ratio, 2.0, 16.0)) if np.isfinite(ratio) else 2.0
    return 1.5 / (falling - 1) * change


def _change(coarse: Rows, fine: Rows) -> FloatArray:
    """|E - E'| at the fine times, where the last of both and every other fine one is a coarse one."""
    backward = fine.energy[::-2]
    count = min(len(backward), len(coarse.energy))
    change = np.abs(backward[:count] - coarse.energy[::-1][:count])[::-1]
    change = np.where(np.isfinite(change), change, np.inf)
    bins = np.searchsorted(
        coarse.times[-count:] * (1 - 1e-9), fine.times, side="right"
    )  # the larger of both neighbours
    padded = np.concatenate([change[:1], change, change[-1:]])
    return np.maximum(padded[bins], padded[np.minimum(bins + 1, count)])


def _result(model: Model, rows: Rows, error: FloatArray) -> MeanFieldDynamics:
    t = np.concatenate([[0.0], rows.times])
    _, start_multiplier = model.early(np.zeros(1), np.zeros(1))
    result = MeanFieldDynamics(
        t=t,
        energy=np.concatenate([[0.0 - model.start_beta * float(model.xi(1.0, 0))], rows.energy]),
        correlation=np.empty(0),
        response=np.empty(0),
        multiplier=np.concatenate([start_multiplier, rows.multiplier]),
        energy_error=np.concatenate([[0.0], error]),
        constraint_residual=np.concatenate([[0.0], _constraint_residual(rows)]),
        temperature=model.temperature,
        start_beta=model.start_beta,
        spacing=rows.spacing,
        _model=model,
        _rows=rows,
    )
    C, R = result._two_time(t[:, None], t)
    object.__setattr__(result, "correlation", C)
    object.__setattr__(result, "response", np.tril(R))
    return result


def _constraint_residual(rows: Rows) -> FloatArray:
    """C at θ = 1 by the polynomial through the last ratios before it, against 1."""
    degree = RATIO_POINTS
    sign = (-1.0) ** np.arange(degree)
    binomial = np.cumprod(np.concatenate([[degree], (degree - np.arange(1, degree)) / np.arange(2, degree + 1)]))
    return np.abs(rows.rows[:, 0, -2 : -2 - degree : -1] @ (sign * binomial) - 1.0)


def _inverse_temperature(value: Any, name: str) -> float:
    number = as_number(value, name, 0.0)
    if number > 1e100:
        raise ValueError(f"{name}: expected at most 1e100, got {number:g}")
    return number
