"""What a descent found, one row a replica."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core

StopReason = _core.StopReason


@dataclass(frozen=True, eq=False, repr=False)
class Descent:
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

    points: NDArray[Any]
    energy_density: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]
    stop_reason: NDArray[np.int8]
    steps: NDArray[np.int64]
    evaluations: NDArray[np.int64]
    ladder: NDArray[np.float64]
    halting_steps: NDArray[np.int64]
    halting_energy: NDArray[np.float64]
    trace_steps: NDArray[np.int64]
    trace_energy_density: NDArray[np.float64]
    trace_gradient_norm: NDArray[np.float64]
    method: str
    tol: float

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether each replica ended with a gradient norm of at most `tol`, (replicas,)."""
        return np.asarray(self.stop_reason == int(StopReason.converged))

    @property
    def stop_counts(self) -> dict[str, int]:
        """Number of replicas for each stop reason that occurred, by its name."""
        values, counts = np.unique(self.stop_reason, return_counts=True)
        return {StopReason(int(value)).name: int(count) for value, count in zip(values, counts, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        """Return all fields by name, without copying the arrays, and the stop reasons' names as `stop_reason_name`."""
        names = np.array([StopReason(int(value)).name for value in self.stop_reason], dtype=np.str_)
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"stop_reason_name": names}

    def __repr__(self) -> str:
        replicas, dimension = self.points.shape
        head = f"Descent(method={self.method!r}, tol={self.tol:g}, replicas={replicas}, dimension={dimension}"
        if replicas == 0:
            return head + ")"
        ends = ", ".join(f"{count} {name}" for name, count in self.stop_counts.items())
        u = self.energy_density
        return (
            f"{head}\n  stop_reason: {ends}"
            f"\n  energy_density: mean {u.mean():.6g}, sd {u.std():.3g}, from {u.min():.6g} to {u.max():.6g}"
            f"\n  gradient_norm: from {self.gradient_norm.min():.3g} to {self.gradient_norm.max():.3g}"
            f"\n  steps: from {self.steps.min()} to {self.steps.max()})"
        )


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
