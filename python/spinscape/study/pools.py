"""Pools of worker processes that end with their driver, and what the engine must know about any executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import wait
from typing import Any

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


def submit(executor: Executor, function: Callable[[Any], Any], argument: Any) -> Future[Any]:
    """Return `executor.submit(function, argument)`, as a future that is certain to end.

    dask's executor forgets the future of a task whose result was lost with its worker and that failed when it was
    computed again: waiting for it would take for ever. Its client is asked directly, and every end is handed over.
    """
    client = getattr(executor, "_client", None)  # dask's ClientExecutor
    if client is None:
        return _submit_or_broken(executor, function, argument)
    remote = client.submit(function, argument, **getattr(executor, "_kwargs", {}))
    future: Future[Any] = Future()
    future.add_done_callback(lambda ended: remote.cancel() if ended.cancelled() else None)
    client.loop.add_callback(_hand_over, remote, future)
    return future


def _submit_or_broken(executor: Executor, function: Callable[[Any], Any], argument: Any) -> Future[Any]:
    """A pool that breaks while it starts a worker for this task has closed the pipes the worker should inherit."""
    try:
        return executor.submit(function, argument)
    except OSError as error:
        if getattr(executor, "_broken", False):
            raise BrokenExecutor(f"it broke while a worker was started: {error}") from error
        raise


async def _hand_over(remote: Any, future: Future[Any]) -> None:
    try:
        result = await remote._result()
    except Exception as error:
        if future.set_running_or_notify_cancel():
            future.set_exception(error)
    else:
        if future.set_running_or_notify_cancel():
            future.set_result(result)


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
    pool = _inside(executor)
    executor.shutdown(wait=False, cancel_futures=True)  # forgets what it is made of
    _end(*pool)


def notice_deaths(executor: Executor) -> bool:
    """Break a pool of this machine that has lost a worker, where it has not noticed by itself; whether it has lost one.

    A worker that is killed while it hands over a result leaves the standard library's pool reading for ever, for the
    rest of the message: no future would end.
    """
    workers, writer = _inside(executor)
    if all(worker.is_alive() for worker in workers):
        return False
    _end(workers, writer)
    return True


def _inside(executor: Executor) -> tuple[list[Any], Any]:
    """The worker processes of a pool and its end of the pipe they answer through; of other executors nothing.

    The names are private: from Python 3.14 there is kill_workers(), which does half of what is done with them here.
    """
    workers = list((getattr(executor, "_processes", None) or {}).values())
    return workers, getattr(getattr(executor, "_result_queue", None), "_writer", None)


def _end(workers: list[Any], writer: Any) -> None:
    """Kill a pool's processes, and tell its reader that nobody is left to write."""
    for worker in workers:
        worker.kill()
    if writer is not None and not writer.closed:
        writer.close()


def _follow_driver() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    driver = multiprocessing.parent_process()
    if driver is not None:
        threading.Thread(target=_end_with, args=(driver.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
