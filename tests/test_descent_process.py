"""What a descent does to its process: same bits for any threads and grouping, interrupts, progress, a free GIL."""

import hashlib
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import spinscape as sp
from spinscape import ScheduleStage, SGDSchedule

STAGES = (ScheduleStage(8, 0.3, 0.01, on_parts=True), ScheduleStage(6, 0.2))
CALLS = {
    "gradient": {"method": "gradient", "tol": 1e-3, "max_steps": 150, "ladder": [1e-1, 1e-2], "trace_every": 20},
    "sgd": {"method": "sgd", "schedule": SGDSchedule(3, "random", STAGES), "tol": 1e-3, "trace_every": 5},
    "lbfgs": {"method": "lbfgs", "tol": 1e-8, "ladder": [1e-1, 1e-2]},
    "momentum": {"method": "momentum", "tol": 1e-3, "ladder": [1e-1, 1e-2], "trace_every": 20},
    "flow": {"method": "flow", "tol": 1e-3, "accuracy": 1e-3, "max_steps": 40, "trace_every": 5},
    "trust-region": {"method": "trust-region", "tol": 1e-7, "ladder": [1e-1, 1e-2]},
    "dense": {"method": "saddle-free-newton", "hessian": "dense", "tol": 1e-7, "trace_every": 2},
    "krylov": {"method": "saddle-free-newton", "krylov": 8, "tol": 1e-4, "max_steps": 50},
    "hessian-ascent": {"method": "hessian-ascent", "max_steps": 12, "krylov": 3, "trace_every": 2},
    "power": {"method": "power", "tol": 1e-2, "max_steps": 100},
}
# Small glasses: replicas are shared out over threads, and 203 of them refill blocks. The largest: with so few replicas
# the threads go inside the contraction.
CASES = {
    "pure, refilled blocks": (lambda: sp.PureGlass(3, 6, rng=1), 203, {}),
    "float32": (lambda: sp.PureGlass(4, 5, rng=2, dtype="float32"), 67, {"tol": 1e-4}),
    "mixed": (lambda: sp.MixedGlass({2: 0.5, 3: 0.5}, 7, rng=3), 31, {}),
    "layered": (lambda: sp.LayeredGlass(3, 5, rng=4), 17, {}),
    "threads inside": (lambda: sp.PureGlass(4, 20, rng=5), 31, {"max_steps": 3}),
}


def digest(run):
    h = hashlib.sha256()
    for name, value in run.to_dict().items():
        h.update(name.encode())
        h.update(np.asarray(value).tobytes())
    return h.hexdigest()


# What a method knows no answer to.
NOT_MEANT = {("power", "mixed"), ("power", "layered"), ("hessian-ascent", "layered")}
PAIRS = [(method, case) for method in CALLS for case in CASES if (method, case) not in NOT_MEANT]


def call_of(method, changes):
    """The call with a case's changes; Hessian ascent knows no tolerance."""
    call = {**CALLS[method], **changes}
    return {k: v for k, v in call.items() if (method, k) != ("hessian-ascent", "tol")}


@pytest.mark.parametrize(("method", "case"), PAIRS)
def test_threads_do_not_change_a_bit(method, case):
    make, replicas, changes = CASES[case]
    glass = make()
    starts = glass.random_points(replicas, rng=0)
    hashes = {digest(sp.descend(glass, starts, **call_of(method, changes), n_threads=n)) for n in (1, 2, 3, 4, 7)}
    assert len(hashes) == 1


@pytest.mark.parametrize(("method", "case"), PAIRS)
def test_batches_and_order_do_not_change_a_bit(method, case):
    make, replicas, changes = CASES[case]
    glass = make()
    starts = glass.random_points(replicas, rng=0)
    call = call_of(method, changes)
    whole = sp.descend(glass, starts, **call, n_threads=2)
    shuffled = np.random.default_rng(0).permutation(replicas)
    batches = [np.array([5]), np.arange(3, 13), shuffled]
    for rows in batches:
        part = sp.descend(glass, starts[rows], **call, n_threads=2)
        for name in ("points", "energy_density", "gradient_norm", "stop_reason", "steps", "evaluations"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[rows], err_msg=name)
        np.testing.assert_array_equal(part.halting_steps, whole.halting_steps[rows])
        columns = part.trace_steps.size
        np.testing.assert_array_equal(part.trace_energy_density, whole.trace_energy_density[rows, :columns])


def test_inputs_and_the_process_are_left_alone():
    glass = sp.PureGlass(3, 6, rng=1)
    starts = glass.random_points(9, rng=0)
    kept, state, handler = starts.copy(), np.random.get_state()[1].copy(), signal.getsignal(signal.SIGINT)  # noqa: NPY002
    for call in CALLS.values():
        sp.descend(glass, starts, **call)
    np.testing.assert_array_equal(starts, kept)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert signal.getsignal(signal.SIGINT) is handler


def endless(method):
    """Arguments of a descent that would take hours."""
    if method == "sgd":
        return {"method": "sgd", "schedule": SGDSchedule(2, stages=(ScheduleStage(2**24, 0.1, on_parts=True),))}
    if method == "hessian-ascent":
        return {"method": method, "max_steps": 10**9}
    # A step so large that a gradient descent jumps about for ever.
    return {"method": method, "tol": 0.0, "max_steps": 10**12, "step": 5.0}


def test_progress_is_told_on_the_calling_thread():
    glass = sp.PureGlass(3, 10, rng=1)
    starts = glass.random_points(150, rng=0)
    seen = []
    plain = sp.descend(glass, starts, tol=1e-5, n_threads=2)
    run = sp.descend(
        glass,
        starts,
        tol=1e-5,
        n_threads=2,
        progress=lambda done, total: seen.append((done, total, threading.get_ident())),
    )
    done = [entry[0] for entry in seen]
    assert done == sorted(done)
    assert seen[-1][:2] == (150, 150)
    assert {entry[1:] for entry in seen} == {(150, threading.get_ident())}
    assert digest(run) == digest(plain)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_error_of_progress_comes_out(n_threads):
    glass = sp.PureGlass(3, 10, rng=1)

    def progress(done, total):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        sp.descend(glass, glass.random_points(40, rng=0), **endless("gradient"), progress=progress, n_threads=n_threads)
    assert sp.descend(glass, glass.random_points(4, rng=0)).converged.all()


INTERRUPTED = """
    import sys, threading, time
    import numpy as np
    import spinscape as sp
    glass = sp.PureGlass(3, 20, rng=1)
    starts = glass.random_points(120, rng=0)
    calls = {calls}
    class Flag:
        told = False
    def progress(done, total):
        if not Flag.told:
            Flag.told = True
            print("running", flush=True)
    try:
        sp.descend(glass, starts, **calls, progress=progress, n_threads={n_threads})
    except KeyboardInterrupt:
        run = sp.descend(glass, starts[:3], n_threads={n_threads})
        print("usable" if run.converged.all() else run.stop_counts, flush=True)
        sys.exit(5)
"""


@pytest.mark.parametrize("method", ["gradient", "sgd", "hessian-ascent"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_interrupt_is_acted_on_and_the_process_goes_on(method, n_threads):
    calls = repr(endless(method)).replace("SGDSchedule", "sp.SGDSchedule").replace("ScheduleStage", "sp.ScheduleStage")
    script = textwrap.dedent(INTERRUPTED).format(calls=calls, n_threads=n_threads)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        # Generous against a busy machine: without a check the call would run for hours.
        watchdog = threading.Timer(90, child.kill)
        watchdog.start()
        assert child.stdout.readline() == "running\n"
        child.send_signal(signal.SIGINT)
        output, _ = child.communicate()
        watchdog.cancel()
    assert output == "usable\n"
    assert child.returncode == 5


def interrupted(seconds, call):
    """Whether an interrupt after so many seconds comes out of a call that would take hours.

    It is repeated: one that arrives while the interpreter is in a callback of its garbage collector is lost there.
    """
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 5)
        call()
    except KeyboardInterrupt:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return False


def test_interrupts_at_any_moment_leave_a_working_process():
    glass = sp.PureGlass(3, 9, rng=1)
    starts = glass.random_points(110, rng=0)
    before = {method: digest(sp.descend(glass, starts, **call)) for method, call in CALLS.items()}
    kept = signal.signal(signal.SIGALRM, signal.getsignal(signal.SIGINT))
    rng = np.random.default_rng(3)
    try:
        for _ in range(30):
            call, threads = endless(rng.choice(["gradient", "sgd", "hessian-ascent"])), int(rng.integers(1, 4))
            assert interrupted(
                rng.uniform(1e-4, 0.1),
                lambda call=call, threads=threads: sp.descend(glass, starts, **call, n_threads=threads),
            )
    finally:
        signal.signal(signal.SIGALRM, kept)
    assert {method: digest(sp.descend(glass, starts, **call)) for method, call in CALLS.items()} == before


@pytest.mark.parametrize("method", ["gradient", "sgd"])
def test_the_gil_is_free(method):
    glass = sp.PureGlass(3, 12, rng=1)
    beats, stop = [], threading.Event()

    def heart():
        while not stop.is_set():
            beats.append(time.perf_counter())
            time.sleep(0.002)

    def progress(done, total):
        if time.perf_counter() > begin + 0.4:
            raise StopIteration

    beating = threading.Thread(target=heart)
    beating.start()
    begin = time.perf_counter()
    with pytest.raises(StopIteration):
        sp.descend(glass, glass.random_points(60, rng=0), **endless(method), n_threads=1, progress=progress)
    end = time.perf_counter()
    stop.set()
    beating.join()
    # A heart that had to wait for the call would not beat once in it.
    assert sum(begin < beat < end for beat in beats) > 10


def test_small_and_failing_calls_leak_nothing():
    glass = sp.PureGlass(3, 5, rng=1)
    starts = glass.random_points(2, rng=0)

    def many(count):
        for _ in range(count):
            sp.descend(glass, starts, max_steps=1, n_threads=1)
            sp.descend(glass, starts, method="lbfgs", max_steps=1, ladder=[0.1], trace_every=1, n_threads=1)
            with pytest.raises(ValueError, match=r"^tol"):
                sp.descend(glass, starts, tol=-1)

    many(200)
    before = resident()
    many(1500)
    assert resident() - before < 1 << 20


def resident():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096
