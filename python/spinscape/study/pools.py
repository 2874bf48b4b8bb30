"""Pools of worker processes that end with their driver, and what the engine must know about any executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import wait

from spinscape.arrays import as_choice, as_integer

METHODS = ("spawn", "forkserver", "fork")


def processes(workers: int, method: str = "spawn") -> Callable[[], Executor]:
    """Return a function that makes a pool of `workers` processes; `study.run` replaces such a pool when it breaks.

    method : how a process is started, "spawn", "forkserver" or "fork". A script needs `if __name__ == "__main__":` for
        the first two. The workers leave Ctrl-C to the driver and end when it ends, however it ends.
    """
    count = as_integer(workers, "workers", 1, 4096)
    context = multiprocessing.get_context(as_choice(method, "method", METHODS))
    return partial(ProcessPoolExecutor, count, mp_context=context, initializer=_follow_driver)


def worker_count(executor: Executor) -> int:
    """Return how many units an executor runs at once, as far as it tells; else the number of processors."""
    client = getattr(executor, "_client", None)  # dask's ClientExecutor
    if client is not None:
        return max(1, int(sum(client.nthreads().values())))
    for name in ("num_workers", "_max_workers"):  # mpi4py; the standard library and loky
        count = getattr(executor, name, None)
        if isinstance(count, int) and count > 0:
            return count
    return os.cpu_count() or 1


def local_workers(executor: Executor | Callable[[], Executor] | None) -> int:
    """Return how many units run at once on this machine for certain; 0 where that may be elsewhere."""
    if executor is None:
        return 1
    if isinstance(executor, partial) and executor.func is ProcessPoolExecutor:
        return int(executor.args[0])
    if isinstance(executor, (ProcessPoolExecutor, ThreadPoolExecutor)):
        return worker_count(executor)
    return 0


def discard(executor: Executor) -> None:
    """Give up a pool without waiting for the units it runs: they are computed again."""
    running = list((getattr(executor, "_processes", None) or {}).values())  # public from Python 3.14: kill_workers()
    executor.shutdown(wait=False, cancel_futures=True)
    for process in running:
        process.kill()


def _follow_driver() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    driver = multiprocessing.parent_process()
    if driver is not None:
        threading.Thread(target=_end_with, args=(driver.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
