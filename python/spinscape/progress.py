"""The progress door: long work says how much of how much is done.

A report is called as progress(done, all), on the calling thread, about every 50 ms and at the end (in the training of
networks on the threads that train, one at a time). A bar with `update` (tqdm's) is taken as well.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from inspect import signature
from threading import Lock
from typing import Any

from spinscape.arrays import described

Progress = Callable[[int, int], object]


def as_progress(value: Any, name: str = "progress") -> Progress | None:
    """Return a report as algorithms call it; None for none."""
    if value is None:
        return None
    try:
        if callable(value):
            _require_two(value)
            return value
        value.update(0)  # a dictionary has an update, too
    except (AttributeError, TypeError, ValueError):
        expected = "a callable(done, all), a bar with update(n), or None"
        raise TypeError(f"{name}: expected {expected}, got {described(value)}") from None
    return _Bar(value)


def _require_two(function: Callable[..., object]) -> None:
    """Raise TypeError where a function cannot take two numbers; of some built-in ones nobody knows."""
    with suppress(ValueError):
        signature(function).bind(0, 0)


def shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Return the report of one stretch of a longer work, with `before` done already."""
    return None if progress is None else lambda done, _: progress(before + done, total)


class Counted:
    """A report that several threads add to."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done, self._lock = progress, total, 0, Lock()

    def update(self, count: int) -> None:
        """Say that so much more is done."""
        if self._progress is not None:
            with self._lock:
                self._done += count
                self._progress(self._done, self._total)


class _Bar:
    """A bar that is told differences."""

    def __init__(self, bar: Any) -> None:
        self.bar, self.done, self.total = bar, 0, getattr(bar, "total", None)

    def __call__(self, done: int, total: int) -> None:
        if total != self.total and callable(getattr(self.bar, "reset", None)):
            self.bar.reset(total)
            self.done = 0
        self.total = total
        self.bar.update(done - self.done)
        self.done = done
