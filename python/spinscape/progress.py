"""The progress door: long work says how much of how much is done.

A report is called as progress(done, all), on the calling thread, about every 50 ms and at the end. A bar with `update`
and `total` (tqdm's) is taken as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Progress = Callable[[int, int], object]


def as_progress(value: Any, name: str = "progress") -> Progress | None:
    """Return a report as algorithms call it; None for none."""
    if value is None or callable(value):
        return value
    if not callable(getattr(value, "update", None)):
        raise TypeError(
            f"{name}: expected a callable(done, all), a bar with update, or None, got {type(value).__name__}"
        )
    return _Bar(value)


def shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Return the report of one stretch of a longer work, with `before` done already."""
    return None if progress is None else lambda done, _: progress(before + done, total)


class _Bar:
    """A bar that is told differences."""

    def __init__(self, bar: Any) -> None:
        self.bar, self.done = bar, 0

    def __call__(self, done: int, total: int) -> None:
        if getattr(self.bar, "total", total) != total:
            self.bar.total, self.done = total, 0
        self.bar.update(done - self.done)
        self.done = done
