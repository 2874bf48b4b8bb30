"""Methods written in Python: blocks of replicas that take one step at a time, judged as the core judges its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core
from spinscape.landscape import CalledLandscape

StopReason = _core.StopReason
Move = Callable[[CalledLandscape, Any, Any, int], Any]


def walk(
    move: Move,
    landscape: CalledLandscape,
    starts: NDArray[Any],
    options: _core.DescentOptions,
    progress: Callable[[int, int], object] | None,
) -> dict[str, NDArray[Any]]:
    """Let every replica step until its gradient is small, it stalls, or the steps are used up."""
    rows = _Rows(starts, options, landscape.energy_scale)
    going, points = np.arange(len(starts)), landscape.domain.retract(starts).astype(starts.dtype)
    for t in range(options.max_steps + 1):
        if not going.size:
            break
        energies, gradients = landscape.energy_gradient(points)
        reasons = rows.judge(going, t, points, energies, gradients)
        if (reasons < 0).any():
            moved = np.array(move(landscape, points.copy(), gradients, t), dtype=starts.dtype)
            if moved.shape != points.shape:
                raise ValueError(f"method: expected moved points of shape {points.shape}, got {moved.shape}")
            finite = np.isfinite(moved).all(axis=1)
            moved[~finite] = points[~finite]
            moved = landscape.domain.retract(moved).astype(starts.dtype)
            reasons[(reasons < 0) & ~finite] = StopReason.not_finite
            reasons[(reasons < 0) & (moved == points).all(axis=1)] = StopReason.stalled
            rows.finish(going, reasons)
            points = moved
        else:
            rows.finish(going, reasons)
        points, going = points[reasons < 0], going[reasons < 0]
        if progress is not None:
            progress(len(starts) - going.size, len(starts))
    return rows.found


class _Rows:
    """The arrays of a `Descent`, a row a replica: the state last judged, and why it ended there."""

    def __init__(self, starts: NDArray[Any], options: _core.DescentOptions, energy_scale: float) -> None:
        replicas, columns, levels = len(starts), options.trace_columns(), len(options.ladder)
        self.options, self.scale = options, energy_scale
        self.ladder = np.array(options.ladder, dtype=np.float64)
        self.found: dict[str, NDArray[Any]] = {
            "points": starts.copy(),
            "energy_density": np.full(replicas, np.nan),
            "gradient_norm": np.full(replicas, np.nan),
            "stop_reason": np.zeros(replicas, dtype=np.int8),
            "steps": np.zeros(replicas, dtype=np.int64),
            "evaluations": np.zeros(replicas, dtype=np.int64),
            "halting_steps": np.full((replicas, levels), -1, dtype=np.int64),
            "halting_energy": np.full((replicas, levels), np.nan),
            "trace_energy_density": np.full((replicas, columns), np.nan),
            "trace_gradient_norm": np.full((replicas, columns), np.nan),
        }

    def judge(
        self, rows: NDArray[np.int64], t: int, points: NDArray[Any], energies: NDArray[Any], gradients: NDArray[Any]
    ) -> NDArray[np.int64]:
        """Take down the points reached after t steps; return why each replica ends there, -1 where it goes on."""
        density = energies.astype(np.float64) / self.scale
        norm = np.sqrt(np.mean(gradients.astype(np.float64) ** 2, axis=1))
        found = self.found
        for name, values in (("points", points), ("energy_density", density), ("gradient_norm", norm), ("steps", t)):
            found[name][rows] = values
        found["evaluations"][rows] = t + 1
        if self.options.trace_every and t % self.options.trace_every == 0:
            column = t // self.options.trace_every
            found["trace_energy_density"][rows, column] = density
            found["trace_gradient_norm"][rows, column] = norm
        if self.ladder.size:
            passed = (norm[:, None] <= self.ladder) & (found["halting_steps"][rows] < 0)
            found["halting_steps"][rows] = np.where(passed, t, found["halting_steps"][rows])
            found["halting_energy"][rows] = np.where(passed, density[:, None], found["halting_energy"][rows])
        reasons = np.full(len(rows), -1, dtype=np.int64)
        if t >= self.options.max_steps:
            reasons[:] = StopReason.max_steps
        reasons[norm <= self.options.tol] = StopReason.converged
        reasons[~(np.isfinite(density) & np.isfinite(norm))] = StopReason.not_finite
        return reasons

    def finish(self, rows: NDArray[np.int64], reasons: NDArray[np.int64]) -> None:
        """Take down why replicas end."""
        self.found["stop_reason"][rows] = np.maximum(reasons, 0)
