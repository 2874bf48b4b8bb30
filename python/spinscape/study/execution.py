"""The driver's loop: hand batches of units to an executor, write what comes back, survive workers that die.

- A unit that raises is tried three times, then set aside.
- When a worker dies (its pool breaks, or its batch comes back with an error of the executor), nobody knows which of
  the units in flight killed it. Each of them is run again alone; one that kills its worker three times, alone, is set
  aside.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

from spinscape.study import experiments
from spinscape.study.pools import discard, notice_deaths, submit, worker_count
from spinscape.study.store import Store
from spinscape.study.work import Outcome, Task, perform

ATTEMPTS = 3
BATCH_SECONDS = 0.5  # small units travel together until they take this long: a task costs a millisecond or two
MAX_BATCH = 256
QUIET_SECONDS = 2.0  # without a result: then it is looked whether a worker has died unnoticed


class Observer(Protocol):
    """Who is told about every unit that ends."""

    def finished(self, cost: float, summary: str, failed: bool) -> None:
        """A unit of this cost was written (or, failed, set aside)."""


class WorkersLostError(RuntimeError):
    """The caller's executor broke and cannot be replaced; the store holds all finished units."""


@dataclass
class _Job:
    unit: Mapping[str, Any]
    cost: float
    attempts: int = 0  # that raised
    deaths: int = 0  # of a worker that ran this unit alone


class InProcess(Executor):
    """Runs what is submitted at once, in the calling thread; an interrupt goes straight through."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future that is done."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Driver:
    """One run of a list of units: construct it, then call `run` once."""

    def __init__(
        self,
        store: Store,
        executor: Executor | Callable[[], Executor] | None,
        n_threads: int,
        observer: Observer,
    ) -> None:
        self._store, self._recipe = store, store.recipe
        self._n_threads, self._observer = n_threads, observer
        self._modules = experiments.modules(self._recipe.experiment)
        self._factory = executor if callable(executor) and not isinstance(executor, Executor) else None
        self._executor = executor if isinstance(executor, Executor) else None
        self._in_process = executor is None
        self._waiting: deque[_Job] = deque()
        self._suspects: deque[_Job] = deque()
        self._flying: dict[Future[list[Outcome]], tuple[list[_Job], bool]] = {}  # batch, and whether it is a suspect
        self._broken: BaseException | None = None
        self._seconds = self._cost = 0.0
        self._count, self._counted = 0, -math.inf
        self._trials = count()

    def run(self, units: Iterable[tuple[Mapping[str, Any], float]]) -> None:
        """Compute all (unit, cost); returns when each is in the store, among its units or its failures."""
        self._waiting.extend(_Job(unit, cost) for unit, cost in units)
        try:
            while self._waiting or self._suspects or self._flying:
                self._launch()
                done = wait(self._flying, QUIET_SECONDS, FIRST_COMPLETED).done
                if not done and self._executor is not None and notice_deaths(self._executor):
                    self._broken = BrokenExecutor("a worker died unnoticed")  # its futures end, one by one
                for future in done:
                    self._collect(future, *self._flying.pop(future))
        except BaseException:
            for future in self._flying:
                future.cancel()
            if self._factory is not None and self._executor is not None:
                discard(self._executor)
            raise
        if self._factory is not None and self._executor is not None:
            self._executor.shutdown()

    def _launch(self) -> None:
        if self._broken is not None:
            if self._flying:
                return
            self._replace()
        if any(alone for _, alone in self._flying.values()):
            return
        pool = self._pool()
        if self._suspects:
            if not self._flying:
                self._submit(pool, [self._suspects[0]], self._suspects, alone=True)
            return
        workers = 0 if self._in_process else self._workers(pool)
        while self._waiting and len(self._flying) < 2 * workers + 1 and self._broken is None:
            self._submit(pool, self._batch(workers), self._waiting, alone=False)

    def _batch(self, workers: int) -> list[_Job]:
        """The next units: BATCH_SECONDS of work once units have been timed, but something left for every worker."""
        if workers == 0 or self._cost == 0:
            return [self._waiting[0]]
        budget = BATCH_SECONDS * self._cost / max(self._seconds, 1e-9)
        most = min(MAX_BATCH, 1 + len(self._waiting) // (2 * workers))
        batch: list[_Job] = []
        for job in self._waiting:
            if batch and (len(batch) >= most or sum(j.cost for j in batch) + job.cost > budget or job.attempts):
                break
            batch.append(job)
        return batch

    def _submit(self, pool: Executor, batch: list[_Job], source: deque[_Job], alone: bool) -> None:
        task = Task(self._recipe, tuple(job.unit for job in batch), self._n_threads, self._modules, next(self._trials))
        try:
            future = submit(pool, perform, task)
        except BrokenExecutor as error:  # noticed before the futures in flight were told: the batch is not to blame
            self._broken = error
            return
        for _ in batch:
            source.popleft()
        self._flying[future] = (batch, alone)

    def _collect(self, future: Future[list[Outcome]], batch: list[_Job], alone: bool) -> None:
        try:
            outcomes = future.result()
        except Exception as error:  # not from the unit, whose errors are outcomes: the worker or the way to it failed
            self._died(batch, alone, error)
            return
        self._store.insert(*(outcome.record for outcome in outcomes if outcome.record is not None))
        for job, outcome in zip(batch, outcomes, strict=True):
            if outcome.record is not None:
                self._seconds, self._cost = self._seconds + outcome.seconds, self._cost + job.cost
                self._observer.finished(job.cost, outcome.summary, failed=False)
            else:
                job.attempts += 1
                self._retry(job, job.attempts, outcome.error, self._waiting)

    def _died(self, batch: list[_Job], alone: bool, error: Exception) -> None:
        if isinstance(error, BrokenExecutor):
            self._broken = error
        if not alone:
            self._suspects.extend(batch)
            return
        (job,) = batch
        # dask gives up on a unit by itself, after more deaths than we would allow: alone, that is a verdict.
        job.deaths += ATTEMPTS if type(error).__name__ == "KilledWorker" else 1
        self._retry(job, job.deaths, f"{type(error).__name__}: {error}", self._suspects)

    def _retry(self, job: _Job, times: int, error: str, queue: deque[_Job]) -> None:
        if times < ATTEMPTS:
            queue.append(job)
        else:
            self._store.quarantine(job.unit, error)
            self._observer.finished(job.cost, "", failed=True)

    def _pool(self) -> Executor:
        if self._executor is None:
            self._executor = InProcess() if self._factory is None else self._factory()
        return self._executor

    def _replace(self) -> None:
        if self._factory is None or self._executor is None:
            raise WorkersLostError(
                f"executor: it broke ({self._broken}); {self._store.path} holds all finished units. Pass a function "
                "that makes executors, such as study.processes(4), and a broken one is replaced"
            )
        discard(self._executor)
        self._executor = self._broken = None

    def _workers(self, pool: Executor) -> int:
        """How many there are; asked again every few seconds, because a cluster may grow."""
        if time.monotonic() > self._counted + 5:
            self._count, self._counted = worker_count(pool), time.monotonic()
        return self._count
