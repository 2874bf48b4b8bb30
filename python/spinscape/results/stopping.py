"""Why an algorithm ended for a row: one account for all of them.

    converged             what was looked for is found: |g|/√D <= tol, a chain that links both ends
    max_steps             as many steps (rounds) were taken as were allowed
    completed             a schedule, a duration or a walk was run to its end
    stalled               no step improves: rounding, or a minimum of |g|² where a critical point was looked for
    line_search_failed    no acceptable point along the steepest descent: rounding, as a rule
    not_finite            an energy, a gradient or a step left the finite numbers
    no_pass               no saddle between two points is left to be tried

`linked` and `max_rounds` are the names that connections of version 0.1.0 had for the first two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinscape import _core

StopReason = _core.StopReason


def stop_names(reasons: NDArray[np.integer]) -> NDArray[np.str_]:
    """Return the reasons' names, of the same shape."""
    values, where = np.unique(reasons, return_inverse=True)
    names = np.array([StopReason(int(value)).name for value in values], dtype=np.str_)
    return names[where].reshape(np.shape(reasons)) if names.size else np.empty(np.shape(reasons), dtype=np.str_)


def stop_counts(reasons: NDArray[np.integer]) -> dict[str, int]:
    """Return the number of rows for each reason that occurred, by its name."""
    values, counts = np.unique(reasons, return_counts=True)
    return {StopReason(int(value)).name: int(count) for value, count in zip(values, counts, strict=True)}
