"""The engine on a toy experiment: the same bits however it runs, nothing lost, nothing dropped silently."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError, ProcessPoolExecutor, ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import toy_experiment as toy

from child import SANITIZED
from spinscape import study
from spinscape.study import execution, experiments, pools, scaled_losses
from spinscape.study.execution import BATCH_SECONDS


def digest(recipe, path, *arguments, **options):
    with study.run(recipe, path, *arguments, **options) as store:
        assert store.verify() == []
        return store.digest


def test_rows_are_what_compute_returns(tmp_path):
    """Oracle: the experiment's own function, called for one unit alone."""
    recipe = toy.recipe()
    with study.run(recipe, tmp_path / "s.sqlite") as store:
        rows = list(store.rows)
    assert [row.unit for row in rows] == toy.units(recipe.parameters)
    for row in rows:
        alone = study.compute(recipe, row.unit)
        assert {name: array.tobytes() for name, array in row.arrays.items()} == {
            name: array.tobytes() for name, array in alone.items()
        }
        told = {"spinscape", "stream_version", "level", "compiler", "threads", "seconds", "started"}
        assert told <= set(row.provenance)


def test_finished_units_are_not_computed_again(tmp_path):
    with study.run(toy.recipe(), tmp_path / "s.sqlite") as store:
        before = [row.provenance["started"] for row in store.rows]
    time.sleep(1.1)
    with study.resume(tmp_path / "s.sqlite") as store:
        assert [row.provenance["started"] for row in store.rows] == before


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_threads_of_an_executor(tmp_path, workers):
    recipe = toy.recipe(units=20)
    expected = digest(recipe, tmp_path / "here.sqlite")
    with ThreadPoolExecutor(workers) as executor:
        assert digest(recipe, tmp_path / "there.sqlite", executor) == expected
        assert executor.submit(abs, -1).result() == 1  # the caller's executor stays usable


def test_small_units_travel_together(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "BATCH_SECONDS", 1e6)  # a busy machine makes no unit large
    recipe = toy.recipe(units=400)
    with ThreadPoolExecutor(1) as inner:
        sizes = []

        class Counting(ThreadPoolExecutor):
            def submit(self, fn, /, *args, **kwargs):
                sizes.append(len(args[0].units))
                return inner.submit(fn, *args, **kwargs)

        with Counting(1) as executor:
            digest(recipe, tmp_path / "s.sqlite", executor)
    assert sizes[0] == 1  # nothing is known about the first one
    assert max(sizes) > 20
    assert sum(sizes) == 400


def test_large_units_travel_alone(tmp_path):
    recipe = toy.recipe(units=6, seconds=1.2 * BATCH_SECONDS / 2)
    sizes = []

    class Counting(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            sizes.append(len(args[0].units))
            return super().submit(fn, *args, **kwargs)

    with Counting(2) as executor:
        digest(recipe, tmp_path / "s.sqlite", executor)
    assert set(sizes) == {1}


def test_a_failing_unit_is_set_aside_and_the_rest_finishes(tmp_path):
    path = tmp_path / "s.sqlite"
    with pytest.raises(study.UnitsFailedError, match=r'1 of 6 units .*"block":2.*ValueError: block 2 cannot') as caught:
        study.run(toy.recipe(failing=[2]), path)
    assert str(path) in str(caught.value)
    with study.Store(path) as store:
        assert len(store.done()) == 5
        ((unit, error),) = store.failures
        assert '"block":2' in unit
        assert "toy_experiment.py" in error  # where it happened
        assert store.verify() == []


@pytest.mark.parametrize("workers", [0, 2])
def test_a_unit_that_exits_or_says_no_utf8_is_a_unit_that_fails(tmp_path, workers):
    """sys.exit() in a library it calls; the name of a file in an error."""
    path, executor = tmp_path / "s.sqlite", study.processes(workers, "forkserver") if workers else None
    with pytest.raises(study.UnitsFailedError, match="2 of 6 units failed three times"):
        study.run(toy.recipe(failing=[2], exiting=[1]), path, executor)
    with study.Store(path) as store:
        assert {row.unit["block"] for row in store.rows} == {0, 3, 4, 5}
        errors = [error for _, error in store.failures]
    assert sorted(error.partition("\n")[0] for error in errors) == [
        "SystemExit: ",
        r"ValueError: block 2 cannot be computed from data-\udcff",
    ]


def test_a_summary_that_fails_costs_no_unit(tmp_path, monkeypatch):
    def summary(unit, arrays):
        if unit["block"] == 3:
            sys.exit(1)
        raise KeyError("\udcff")

    monkeypatch.setattr(toy, "summary", summary)
    bar = Bar()
    with study.run(toy.recipe(), tmp_path / "s.sqlite", progress=bar) as store:
        assert len(store.done()) == 6
    assert "no summary: KeyError: " in bar.texts[1]


def test_an_experiment_that_exits_before_it_is_run(tmp_path, monkeypatch):
    """At import, or while it is planned: with exit code 0 all would seem computed."""
    (tmp_path / "exits_at_import.py").write_text("import sys\nsys.exit()\n")
    monkeypatch.syspath_prepend(tmp_path)
    study.register("exits-at-import", "exits_at_import")
    with pytest.raises(ValueError, match=r"^experiment: module exits_at_import called sys\.exit\(None\)"):
        study.run(study.Recipe("exits-at-import"), tmp_path / "s.sqlite")
    monkeypatch.setattr(toy, "cost", lambda parameters, unit: sys.exit(0))
    with pytest.raises(ValueError, match=r"^experiment: toy called sys\.exit\(0\)"):
        study.run(toy.recipe(), tmp_path / "s.sqlite")
    assert not (tmp_path / "s.sqlite").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_store_removed_under_its_driver_is_no_success(tmp_path, monkeypatch):
    path = tmp_path / "s.sqlite"

    def summary(unit, arrays):
        if unit["block"] == 5:  # the last: no further row would notice
            os.unlink(path)
        return ""

    monkeypatch.setattr(toy, "summary", summary)
    with pytest.raises(FileNotFoundError, match="removed or replaced"):
        study.run(toy.recipe(), path)
    with study.Store(tmp_path / "s.sqlite-rescued") as store:
        assert len(store.done()) == 6


def test_a_unit_set_aside_is_tried_again_on_resume(tmp_path):
    path, flag = tmp_path / "s.sqlite", tmp_path / "flag"
    recipe = toy.recipe(fragile=[1, 4], fragile_file=str(flag))
    with pytest.raises(study.UnitsFailedError, match="2 of 6"):
        study.run(recipe, path)
    flag.touch()
    with study.resume(path) as store:
        assert store.failures == []
        assert len(store.done()) == 6


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_poisoned_unit_is_set_aside_and_the_rest_finishes(tmp_path, method):
    path = tmp_path / "s.sqlite"
    recipe = toy.recipe(units=9, poison=[3])
    with pytest.raises(study.UnitsFailedError, match=r'1 of 9 units .*"block":3.*BrokenProcessPool'):
        study.run(recipe, path, study.processes(2, method))
    with study.Store(path) as store:
        assert {row.unit["block"] for row in store.rows} == set(range(9)) - {3}


def test_a_broken_executor_that_cannot_be_replaced(tmp_path):
    path = tmp_path / "s.sqlite"
    recipe = toy.recipe(units=9, poison=[3])
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(2, mp_context=context) as executor,
        pytest.raises(study.WorkersLostError, match=r"study\.processes") as caught,
    ):
        study.run(recipe, path, executor)
    assert str(path) in str(caught.value)
    with study.Store(path) as store:
        assert store.verify() == []


class FirstTaskDies(ThreadPoolExecutor):
    """Counts, at each task, the tasks that have not ended."""

    def __init__(self):
        super().__init__(2)
        self.tasks, self.futures, self.beside = [], [], []

    def submit(self, fn, task, /):
        self.beside.append([t.units for t, f in zip(self.tasks, self.futures, strict=True) if not f.done()])
        self.tasks.append(task)
        self.futures.append(super().submit(fn, task) if self.futures else super().submit(_die))
        return self.futures[-1]


def test_a_suspect_runs_alone_to_its_end(tmp_path, monkeypatch):
    """However long it takes: a neighbour's death would be put to its account."""
    monkeypatch.setattr(execution, "QUIET_SECONDS", 0.02)
    recipe = toy.recipe(seconds=0.2)
    with FirstTaskDies() as executor:
        digest(recipe, tmp_path / "s.sqlite", executor)
    suspect = executor.tasks[0].units
    again = next(k for k, task in enumerate(executor.tasks) if k and task.units == suspect)
    assert executor.beside[again] == []
    assert len(executor.tasks) > again + 1
    assert suspect not in [units for beside in executor.beside[again + 1 :] for units in beside]


class OneFutureForEqualTasks(ThreadPoolExecutor):
    """As dask's: a task that equals an earlier one is answered with that one's future. The first three tasks die."""

    def __init__(self):
        super().__init__(1)
        self.known = []

    def submit(self, fn, task, /):
        for earlier, future in self.known:
            if earlier == task:
                return future
        died = len(self.known) < 3
        future = super().submit(_die) if died else super().submit(fn, task)
        self.known.append((task, future))
        return future


def _die():
    raise ConnectionError("the worker is gone")


def test_units_that_run_again_are_not_answered_with_their_first_error(tmp_path):
    expected = digest(toy.recipe(), tmp_path / "here.sqlite")
    with OneFutureForEqualTasks() as executor:
        assert digest(toy.recipe(), tmp_path / "there.sqlite", executor) == expected


class ClientOfLostWorkers:
    """What is used of a dask client, with futures that end by raising: an error, a cancellation, or not at all."""

    class loop:  # noqa: N801
        add_callback = staticmethod(lambda function, *arguments: asyncio.run(function(*arguments)))

    def __init__(self, error):
        self.error = error

    def submit(self, function, argument):
        return self

    async def _result(self):
        if self.error is not None:
            raise self.error
        return 7


@pytest.mark.parametrize("error", [None, ConnectionError("gone"), CancelledError("perform-1")])
def test_every_end_of_a_dask_task_is_handed_over(error):
    """dask's own executor leaves a future open where the client raises instead of returning the error."""
    executor = SimpleNamespace(_client=ClientOfLostWorkers(error))
    future = pools.submit(executor, abs, -7)
    assert future.exception(timeout=0) is error
    assert error is not None or future.result() == 7


@pytest.mark.parametrize("workers", [1, 3])
def test_spawned_processes_give_the_same_bits(tmp_path, workers):
    recipe = toy.recipe(units=12)
    expected = digest(recipe, tmp_path / "here.sqlite")
    assert digest(recipe, tmp_path / "there.sqlite", study.processes(workers)) == expected


class Killer(threading.Thread):
    """Kills a worker process of this process every `period` seconds, twice: no unit can die a third time."""

    def __init__(self, period):
        super().__init__(daemon=True)
        self.period, self.kills, self.stopped = period, 0, threading.Event()

    def run(self):
        while self.kills < 2 and not self.stopped.wait(self.period):
            for child in multiprocessing.active_children()[:1]:
                os.kill(child.pid, signal.SIGKILL)
                self.kills += 1


def test_workers_killed_again_and_again(tmp_path):
    recipe = toy.recipe(units=24, seconds=0.05)
    expected = digest(toy.recipe(units=24, seconds=0.05), tmp_path / "here.sqlite")
    killer = Killer(0.3)  # 24 units of 0.05 s on two workers outlast this on any machine
    killer.start()
    try:
        found = digest(recipe, tmp_path / "there.sqlite", study.processes(2))
    finally:
        killer.stopped.set()
        killer.join()
    assert killer.kills >= 1
    assert found == expected


def test_memory_is_refused_before_anything_starts(tmp_path, available):
    available(1000)
    with pytest.raises(MemoryError, match=r"recipe: 1 x unit \(N 20, block 3\) needs 1,600 bytes"):
        study.run(toy.recipe(samples=10), tmp_path / "s.sqlite")
    with pytest.raises(MemoryError, match=r"4 x unit"):
        study.run(toy.recipe(samples=3), tmp_path / "s.sqlite", study.processes(4))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("recipe", "error", "named"),
    [
        (study.Recipe("no-such-experiment"), ValueError, "scaled-losses"),
        (toy.recipe(units=10**6 + 1), ValueError, "1,000,000 units"),
        (scaled_losses.recipe(starts=10**9), ValueError, "1,000,000 units"),
        (scaled_losses.recipe(sizes=(10**9,), starts=1), MemoryError, "N 1000000000"),
        (scaled_losses.recipe(sizes=(10**6,), p=20, starts=1), MemoryError, "bytes"),
    ],
)
def test_impossible_recipes(tmp_path, recipe, error, named):
    with pytest.raises(error, match=named):
        study.run(recipe, tmp_path / "s.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_impossible_executors(tmp_path):
    with pytest.raises(TypeError, match=r"executor: expected None, an Executor .* got 4"):
        study.run(toy.recipe(), tmp_path / "s.sqlite", 4)
    for executor in (None, study.processes(2)):
        with pytest.raises(ValueError, match="n_threads"):
            study.run(toy.recipe(), tmp_path / "s.sqlite", executor, n_threads=0)
    with pytest.raises(ValueError, match="workers"):
        study.processes(0)
    with pytest.raises(ValueError, match="method"):
        study.processes(2, "thread")


def test_experiment_modules_are_checked():
    study.register("not-an-experiment", "json")
    with pytest.raises(TypeError, match="module json has no units, cost, compute"):
        experiments.load("not-an-experiment")
    with pytest.raises(ValueError, match="'toy' is toy_experiment already"):
        study.register("toy", "another_module")


class Bar:
    total = None

    def __init__(self):
        self.n, self.texts = 0.0, []

    def update(self, n):
        self.n += n

    def set_postfix_str(self, s):
        self.texts.append(s)


def test_progress_counts_cost_and_shows_a_summary(tmp_path):
    recipe = toy.recipe(failing=[5])
    bar = Bar()
    with pytest.raises(study.UnitsFailedError):
        study.run(recipe, tmp_path / "s.sqlite", progress=bar)
    assert bar.n == bar.total == sum(toy.cost({}, unit) for unit in toy.units(recipe.parameters))
    assert bar.texts[0] == "0/6 units"
    assert bar.texts[1].startswith("1/6 units, u = ")
    assert bar.texts[-1] == "5/6 units, 1 set aside"


def test_handlers_and_globals_are_left_as_they_were(tmp_path):
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    state, here, environment = np.random.get_state()[1].tobytes(), os.getcwd(), dict(os.environ)  # noqa: NPY002
    with study.run(toy.recipe(), tmp_path / "s.sqlite"), ThreadPoolExecutor(2) as executor:
        study.run(toy.recipe(), tmp_path / "t.sqlite", executor).close()
    assert handlers == {number: signal.getsignal(number) for number in handlers}
    assert state == np.random.get_state()[1].tobytes()  # noqa: NPY002
    assert (here, environment) == (os.getcwd(), dict(os.environ))


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak from /proc")
def test_memory_of_a_scaled_loss_unit_is_estimated():
    """Peak resident memory beyond that of the imports against 1.1 times the estimate, in a process of its own."""
    code = """
from pathlib import Path
from spinscape.study import scaled_losses
peak = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
parameters = scaled_losses.recipe(sizes=(50,), starts=288).parameters
unit = next(scaled_losses.units(parameters))
before = peak()
scaled_losses.compute(parameters, unit, 1)
taken = 1024 * (peak() - before)
print(taken / scaled_losses.memory(parameters, unit, 1))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert 0.2 < float(done.stdout) <= 1.1


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_a_worker_killed_while_it_hands_over_a_result_holds_nobody_up(tmp_path, monkeypatch):
    """The standard library's pool would read for ever; the unit is set aside like any poisoned one."""
    monkeypatch.setattr(execution, "QUIET_SECONDS", 0.1)
    with pytest.raises(study.UnitsFailedError, match=r'1 of 6 units .*"block":2'):
        study.run(toy.recipe(torn=[2]), tmp_path / "s.sqlite", study.processes(2, "forkserver"))
    with study.Store(tmp_path / "s.sqlite") as store:
        assert len(store.done()) == 5


@pytest.mark.parametrize("broken", [True, False])
def test_a_pool_that_breaks_while_it_starts_a_worker(broken):
    """It has closed what the new worker should inherit; any other failure to start one is the caller's to see."""

    class Breaking(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            self._broken = "a worker died" if broken else False
            raise OSError("handle is closed")

    with Breaking() as executor, pytest.raises(BrokenExecutor if broken else OSError, match="handle is closed"):
        pools.submit(executor, abs, -1)


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_a_discarded_pool_ends_though_a_result_was_half_written():
    """Else the interpreter, which joins the pool's thread at exit, would never end: a Ctrl-C that hangs."""
    pool = study.processes(1, "forkserver")()
    pool.submit(toy.die_halfway)
    (worker,) = pool._processes.values()
    worker.join(60)
    reader = pool._executor_manager_thread
    time.sleep(0.2)
    assert reader.is_alive()  # it waits for the other half
    pools.discard(pool)
    reader.join(20)
    assert not reader.is_alive()
