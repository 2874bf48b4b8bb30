"""How competitors are timed: in turns, by medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


def medians(
    competitors: dict[str, Callable[[], Any]], repeats: int, clock: Callable[[], float] = time.thread_time
) -> dict[str, float]:
    """Median seconds of each, taking turns; the first turn warms up and does not count.

    All run on the calling thread, whose processor time is what other programs on the machine do not stretch.
    """
    seconds: dict[str, list[float]] = {name: [] for name in competitors}
    for turn in range(repeats + 1):
        for name, run in competitors.items():
            start = clock()
            run()
            if turn:
                seconds[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}
