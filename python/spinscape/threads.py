"""The thread budget of a call."""

from __future__ import annotations

from spinscape import _core
from spinscape.arrays import as_integer


def as_threads(n_threads: int | None) -> int:
    """Return the number of threads of a call.

    None means what OpenMP allows the calling thread, but not more than the container's processor quota. The number of
    threads never changes a result.
    """
    return _core.default_threads() if n_threads is None else as_integer(n_threads, "n_threads", 1, 1024)
