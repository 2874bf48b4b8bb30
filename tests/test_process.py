"""The package as a guest of a process: the GIL, forks, interrupts, leaks, imports and global state."""

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import spinscape as sp
from child import SANITIZED, in_child, run_script

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def energies(seed=0, n_threads=None):
    glass = sp.PureGlass(3, 20, rng=seed)
    return glass.energy(glass.random_points(16, rng=seed), n_threads=n_threads).tolist()


# --- the GIL ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["energy", "gradient", "hessian", "hvp", "sampling"])
def test_the_gil_is_free_during_a_kernel(name):
    """A thread beats every millisecond. Were the GIL held, its longest gap would be the call's whole duration."""
    glass = sp.PureGlass(3, 40, rng=0)
    replicas = 4
    while True:
        w = glass.random_points(replicas, rng=0)
        calls = {
            "hvp": lambda w=w: glass.hvp(w, w, n_threads=1),
            "sampling": lambda n=replicas: sp.PureGlass(3, 40 * n, rng=0, n_threads=1),
        }
        call = calls.get(name) or (lambda w=w: getattr(glass, name)(w, n_threads=1))
        beats, stop = [time.perf_counter()], threading.Event()

        def beat(beats=beats, stop=stop):
            while not stop.wait(0.001):
                beats.append(time.perf_counter())

        thread = threading.Thread(target=beat)
        thread.start()
        began = time.perf_counter()
        call()
        ended = time.perf_counter()
        stop.set()
        thread.join()
        if ended - began > 0.4:
            break
        replicas += max(1, replicas // 2) if name == "sampling" else replicas
    during = [began, *(t for t in beats if began < t < ended), ended]
    assert max(np.diff(during)) < (ended - began) / 2


# --- fork, spawn, forkserver -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("forks", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_a_forked_child_computes_after_the_parent_used_threads(forks):
    want = energies(n_threads=2)
    for _ in range(forks):
        assert in_child(lambda: energies(n_threads=2)) == {"value": want}


def test_a_fork_in_the_middle_of_another_threads_kernel():
    want, stop = energies(), threading.Event()

    def work():
        while not stop.is_set():
            energies(seed=1, n_threads=2)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(10):
            assert in_child(energies) == {"value": want}
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_equal_serial(method):
    energies(n_threads=2)
    with ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
        assert list(pool.map(energies, range(4), timeout=100)) == [energies(seed) for seed in range(4)]


def test_threads_share_a_glass():
    glass = sp.PureGlass(3, 20, rng=0)
    w = glass.random_points(16, rng=0)
    results = []
    threads = [threading.Thread(target=lambda: results.append(glass.gradient(w, n_threads=2))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    for result in results:
        np.testing.assert_array_equal(result, glass.gradient(w))


# --- the end of the interpreter --------------------------------------------------------------------------------------

BUSY = """
    import threading, time
    import numpy as np, spinscape as sp
    glass = sp.PureGlass(3, 40, rng=0)
    w = glass.random_points(500, rng=0)
    class Own:
        size, spheres, energy, gradient, hvp, hessian = (
            glass.size, glass.spheres, glass.energy, glass.gradient, glass.hvp, glass.hessian)
    def work():
        while True:
            {call}
    for _ in range(2):
        threading.Thread(target=work, daemon=True).start()
    time.sleep({seconds})
    print(1)
"""


@pytest.mark.parametrize("seconds", [0.1, 0.25])
@pytest.mark.parametrize(
    "call",
    [
        "glass.hessian(w, n_threads=2)",
        "sp.descend(glass, w, max_steps=10**6, tol=0.0, n_threads=1)",
        "sp.find_saddles(Own(), 1, 50, rng=0)",  # calls back
        "sp.lanczos_index(lambda v: 2 * v, 2000, max_steps=2000)",
    ],
)
def test_the_interpreter_ends_while_daemon_threads_compute(call, seconds):
    """Python ends a thread where it asks for the GIL: in the middle of the core that was an abort."""
    assert run_script(BUSY.format(call=call, seconds=seconds)) == 1


def test_exit_functions_may_compute():
    """Those that were registered before the package was imported run after its own."""
    script = """
        import atexit
        atexit.register(lambda: print(len(sp.PureGlass(3, 5, rng=0).random_points(2, rng=0))))
        import spinscape as sp
    """
    assert run_script(script) == 2


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the module has another name")
def test_a_sub_interpreter_is_refused_by_name():
    """pybind11's modules wait for ever for a lock that they hold."""
    message = run_script("""
        import json, warnings
        warnings.simplefilter("ignore")
        import _xxsubinterpreters as interpreters
        try:
            interpreters.run_string(interpreters.create(), "import spinscape")
        except interpreters.RunFailedError as error:
            print(json.dumps(str(error)))
    """)
    assert "spinscape cannot be imported in a sub-interpreter" in message


# --- interrupts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["energy", "gradient", "hessian"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_ends_a_call_long_before_its_end(call, n_threads):
    """The call is made about 20 s long. The promise is a second; a busy machine is given five."""
    outcome = run_script(f"""
        import json, os, signal, threading, time
        import numpy as np, spinscape as sp
        glass = sp.PureGlass(3, 100, rng=0)
        evaluate = lambda w: glass.{call}(w, n_threads={n_threads})
        before = glass.energy(glass.random_points(2, rng=0)).tolist()
        replicas, taken = 2, 0.0
        while taken < 0.2:
            replicas *= 2
            w = glass.random_points(replicas, rng=0)
            began = time.perf_counter()
            evaluate(w)
            taken = time.perf_counter() - began
        limit = 2 * 10**9 // (8 * 100 * (100 if "{call}" == "hessian" else 2))
        w = glass.random_points(min(limit, int(replicas * 20 / taken)), rng=0)
        sent = []
        def interrupt():
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Timer(0.3, interrupt).start()
        try:
            evaluate(w)
            outcome = "finished"
        except KeyboardInterrupt:
            outcome = "interrupted"
        late = time.perf_counter() - sent[0]
        after = glass.energy(glass.random_points(2, rng=0)).tolist()
        print(json.dumps([outcome, late, before == after]))
    """)
    assert outcome[0] == "interrupted"
    assert outcome[1] < 5
    assert outcome[2]


HOURS = {
    "sampling sums of draws": "sp.PureGlass(8, 30, rng=0, law='uniform')",
    "one coupling of 10^10 draws": "sp.PureGlass(20, 4, rng=0, law='rademacher')",
    "drawing at every evaluation": "sp.PureGlass(7, 50, rng=0, law='uniform', couplings_storage='regenerated')"
    ".energy(sp.Domain.spheres(50).random_points(1, rng=0))",
}


@pytest.mark.parametrize("work", HOURS)
def test_ctrl_c_ends_the_drawing_of_couplings(work):
    outcome = run_script(f"""
        import json, os, signal, threading, time
        import spinscape as sp
        sent = []
        def interrupt():
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Timer(0.3, interrupt).start()
        try:
            {HOURS[work]}
            outcome = "finished"
        except KeyboardInterrupt:
            outcome = "interrupted"
        print(json.dumps([outcome, time.perf_counter() - sent[0]]))
    """)
    assert outcome[0] == "interrupted"
    assert outcome[1] < 5


@pytest.mark.parametrize(
    "work", ["sp.Domain.spheres(100).random_points(300_000, rng=0)", "sp.PureGlass(3, 120, rng=0).split(150)"]
)
def test_ctrl_c_ends_large_draws_on_the_way(work):
    """Interrupted after a tenth of its time, one try of ten must end long before the rest is done."""
    ended = run_script(f"""
        import json, signal, time
        import spinscape as sp
        def interrupt(*_):
            raise KeyboardInterrupt
        signal.signal(signal.SIGALRM, interrupt)
        began = time.perf_counter()
        {work}
        whole = time.perf_counter() - began
        ended = []
        for attempt in range(10):
            began = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, whole / 10)
            try:
                {work}
            except KeyboardInterrupt:
                ended.append((time.perf_counter() - began) / whole)
            if ended and ended[-1] < 0.6:
                break
        print(json.dumps(ended))
    """)
    assert ended
    assert min(ended) < 0.6


@pytest.mark.parametrize(
    ("count", "names"),
    [(2, ["refine", "matrix_index", "find_saddles", "dmft"]), pytest.param(50, [], marks=pytest.mark.slow)],
)
def test_ctrl_c_ends_every_long_call(count, names):
    """tests/interrupts.py; the promise is a second, a busy machine is given five."""
    script = str(Path(__file__).parent / "interrupts.py")
    command = [sys.executable, "-W", "ignore", script, "--count", str(count), "--within", "5", *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=7200)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert sum(found["finished"].values()) <= found["interrupts"] / 10  # else it shows nothing


# --- leaks -----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory")
def test_calls_and_failures_leave_no_memory_behind():
    """10,000 small calls and 1,000 failing ones, after as many to warm up: less than 1 MB more."""
    growth = run_script("""
        import gc, json
        import numpy as np, spinscape as sp
        glass = sp.PureGlass(3, 6, rng=0)
        w = glass.random_points(4, rng=0)
        def resident():
            gc.collect()
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096
        def calls(count):
            for k in range(count):
                glass.gradient(w, n_threads=1)
                glass.hessian(w, n_threads=1)
                sp.PureGlass(3, 6, rng=k, n_threads=1).energy(w, n_threads=1)
        def failures(count):
            for k in range(count):
                for bad in (lambda: glass.energy(w[:, :2]), lambda: sp.PureGlass(3, -1),
                            lambda: glass.with_spike(np.zeros(6), 1.0, 3), lambda: glass.energy("x"),
                            lambda: sp.PureGlass.from_couplings(np.zeros(3), p=3, N=6)):
                    try:
                        bad()
                    except (ValueError, TypeError):
                        continue
                    raise SystemExit("no error")
        calls(2000), failures(300)
        start = resident()
        calls(10_000)
        failures(1_000)
        print(json.dumps(resident() - start))
    """)
    assert growth < 2**20


def test_results_and_inputs_are_not_kept():
    glass = sp.PureGlass(3, 6, rng=0)
    w = glass.random_points(4, rng=0)
    before = sys.getrefcount(w)
    for _ in range(10):
        result = glass.gradient(w)
    assert sys.getrefcount(w) == before
    assert sys.getrefcount(result) == 2


# --- the state of the process ----------------------------------------------------------------------------------------

STATE = """
    import ctypes, json, locale, logging, os, platform, signal, sys, warnings
    import numpy as np

    def state():
        libm = ctypes.CDLL(None)
        environment = (ctypes.c_ubyte * 512)()
        libm.fegetenv(environment)
        # MXCSR: masks, rounding, flush-to-zero, denormals-are-zero; its low six bits are sticky flags.
        x86 = platform.machine() == "x86_64"
        control = int.from_bytes(bytes(environment[28:32]), "little") & 0xFFC0 if x86 else None
        return {
            "control": control, "rounding": libm.fegetround(), "subnormal": float(np.float64(1e-310) * 0.5),
            "locale": locale.setlocale(locale.LC_ALL), "cwd": os.getcwd(), "umask": os.popen("umask").read(),
            "signals": [str(signal.getsignal(s)) for s in sorted(signal.valid_signals())],
            "random": [str(part) for part in np.random.get_state()], "environment": dict(os.environ),
            "errors": np.geterr(), "print": str(np.get_printoptions()), "path": sys.path,
            "filters": len(warnings.filters), "excepthook": str(sys.excepthook),
            "handlers": str(logging.getLogger().handlers), "recursion": sys.getrecursionlimit(),
        }
"""


def test_the_process_is_left_as_it_was():
    before, after = run_script(
        STATE
        + """
    np.random.seed(5)
    before = state()
    import spinscape as sp
    for dtype in ("float64", "float32"):
        glass = sp.PureGlass(3, 20, rng=0, dtype=dtype)
        w = glass.random_points(50, rng=1)
        glass.energy(w), glass.gradient(w), glass.hvp(w, w), glass.hessian(w)
    sp.PureGlass.from_tensor(np.ones((3, 3, 3)))
    sp.version_info()
    print(json.dumps([before, state()]))
    """
    )
    assert after == before
    assert before["subnormal"] > 0


def test_import_loads_numpy_alone():
    """Rooms come when they are asked for; none of them brings more than it needs."""
    loaded, rooms, later = run_script("""
        import json, sys
        def outside():
            return {name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
        before = outside()
        import spinscape
        loaded = sorted(outside() - before)
        rooms = [room for room in ("theory", "networks", "study", "figures") if f"spinscape.{room}" in sys.modules]
        spinscape.theory, spinscape.networks, spinscape.study, spinscape.figures
        print(json.dumps([loaded, rooms, sorted(outside() - before)]))
    """)
    assert {name for name in loaded if "cython" not in name} == {"numpy", "spinscape"}  # numpy.random brings Cython's
    assert rooms == []
    assert not {"torch", "pandas", "matplotlib", "mpmath"} & set(later)


def test_versions_are_told(capsys):
    info = sp.version_info()
    assert {"spinscape", "numpy", "scipy", "compiler", "openmp", "eigen", "stream_version", "threads"} <= set(info)
    assert info["spinscape"] == sp.__version__
    sp.show_versions()
    printed = capsys.readouterr().out
    assert all(f"{name} " in printed for name in info)
