"""What a descent found, one row a replica."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spinscape import _core
from spinscape.results import Result, StopReason, row, shared


@dataclass(frozen=True, eq=False, repr=False)
class Descent(Result):
    """What `descend` found, one row a replica in the order of the starts.

    points : (replicas, D), the end points, in the glass's dtype; on the spheres to rounding.
    energy_density : (replicas,) float64, u = H/N (H/n for a layered glass) at the end points.
    gradient_norm : (replicas,) float64, |g|/√D at the end points.
    stop_reason : (replicas,) int8, values of `StopReason`.
    steps : (replicas,) int64, steps taken (for "lbfgs" line searches completed; for "trust-region" steps accepted).
    evaluations : (replicas,) int64, gradients evaluated, those of parts included. A Hessian-vector product counts as
        one gradient (it costs about two), a dense Hessian as D of them.
    ladder, halting_steps, halting_energy : (levels,), and (replicas, levels) each: the step at which the gradient norm
        first was at most the level, and the energy density there; -1 and nan where it never was.
    trace_steps, trace_energy_density, trace_gradient_norm : (columns,), and (replicas, columns) each: the state after
        that many steps, nan after a replica's end.
    method, tol : how it was found.
    """

    points: NDArray[Any] = field(metadata=row("coordinate"))
    energy_density: NDArray[np.float64] = field(metadata=row())
    gradient_norm: NDArray[np.float64] = field(metadata=row())
    stop_reason: NDArray[np.int8] = field(metadata=row())
    steps: NDArray[np.int64] = field(metadata=row())
    evaluations: NDArray[np.int64] = field(metadata=row())
    ladder: NDArray[np.float64] = field(metadata=shared("level"))
    halting_steps: NDArray[np.int64] = field(metadata=row("level"))
    halting_energy: NDArray[np.float64] = field(metadata=row("level"))
    trace_steps: NDArray[np.int64] = field(metadata=shared("column"))
    trace_energy_density: NDArray[np.float64] = field(metadata=row("column"))
    trace_gradient_norm: NDArray[np.float64] = field(metadata=row("column"))
    method: str
    tol: float
    derived: ClassVar[tuple[str, ...]] = ("converged",)

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether each replica ended with a gradient norm of at most `tol`, (replicas,)."""
        return np.asarray(self.stop_reason == int(StopReason.converged))


def as_descent(found: dict[str, NDArray[Any]], method: str, tol: float, options: _core.DescentOptions) -> Descent:
    """The core's arrays as a Descent, the trace cut where the last replica ended."""
    every = options.trace_every
    columns = int(found["steps"].max(initial=0)) // every + 1 if every else 0
    for name in ("trace_energy_density", "trace_gradient_norm"):
        found[name] = found[name][:, :columns].copy()
    return Descent(
        **found,
        ladder=np.asarray(options.ladder, dtype=np.float64),
        trace_steps=np.arange(columns, dtype=np.int64) * every,
        method=method,
        tol=tol,
    )
