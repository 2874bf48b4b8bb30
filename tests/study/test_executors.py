"""The same digest from every engine: spawn, forkserver, fork, dask, MPI; engines that are not installed are skipped."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toy_experiment as toy

from spinscape import study

HERE = Path(__file__).parent
RECIPE = toy.recipe(units=12, samples=20)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    with study.run(RECIPE, tmp_path_factory.mktemp("truth") / "s.sqlite") as store:
        return store.digest


def digest(path, executor, n_threads=None):
    with study.run(RECIPE, path, executor, n_threads) as store:
        assert store.verify() == []
        assert {row.provenance["threads"] for row in store.rows} == {n_threads or 1}
        return store.digest


@pytest.mark.parametrize("workers", [1, 2])
def test_forkserver(tmp_path, expected, workers):
    assert digest(tmp_path / "s.sqlite", study.processes(workers, "forkserver")) == expected


def test_fork_after_use_of_threads(tmp_path, expected):
    """Use the kernels with threads, fork workers that use them, use them again: in a child, against a hang."""
    code = f"""
import sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of fork beside threads, which is what we try
sys.path.insert(0, {str(HERE)!r})
import spinscape as sp
from spinscape import study
import toy_experiment as toy
study.register("toy", "toy_experiment")
glass = sp.PureGlass(3, 30, rng=0)
use = lambda: glass.energy(glass.random_points(64, rng=1), n_threads=2).tobytes()
before = use()
with study.run(toy.recipe(units=12, samples=20), sys.argv[1], study.processes(2, "fork")) as store:
    print(store.digest)
assert use() == before
"""
    command = [sys.executable, "-c", code, str(tmp_path / "s.sqlite")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == expected


@pytest.mark.filterwarnings("default")  # of other packages, in their own threads
def test_dask_local_cluster(tmp_path, expected):
    distributed = pytest.importorskip("distributed", reason="pip install 'spinscape[dask]'")
    dask = pytest.importorskip("dask")
    options = {"n_workers": 2, "threads_per_worker": 2, "dashboard_address": None, "silence_logs": 50}
    with (
        # A cluster gives up a worker that is away for 15 s: on a busy machine it only takes so long to start again.
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 h"}),
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        assert digest(tmp_path / "s.sqlite", client.get_executor()) == expected
        assert digest(tmp_path / "t.sqlite", client.get_executor(), 2) == expected
        poisoned = toy.recipe(units=6, poison=[2])
        with pytest.raises(study.UnitsFailedError, match=r'1 of 6 units .*"block":2.*KilledWorker'):
            study.run(poisoned, tmp_path / "p.sqlite", client.get_executor())
    with study.Store(tmp_path / "p.sqlite") as store:
        assert len(store.done()) == 5


@pytest.mark.filterwarnings("default")
def test_dask_scheduler_address(tmp_path, expected):
    pytest.importorskip("distributed", reason="pip install 'spinscape[dask]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
    module = [sys.executable, "-m"]
    scheduler = [*module, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    worker = [*module, "distributed.cli.dask_worker", f"tcp://127.0.0.1:{port}", "--nthreads", "1", "--no-dashboard"]
    worker += ["--local-directory", str(tmp_path)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    started = [subprocess.Popen([*scheduler, "--no-dashboard"], **quiet)]
    try:
        for _ in range(200):
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        started.append(subprocess.Popen(worker, **quiet))
        recipe = tmp_path / "recipe.json"
        recipe.write_text(json.dumps({"experiment": "toy", "parameters": {"units": 12, "samples": 20}}))
        command = [sys.executable, "-m", "spinscape", "run", str(recipe), "--store", str(tmp_path / "s.sqlite")]
        command += ["--scheduler", f"tcp://127.0.0.1:{port}", "--experiment", "toy=toy_experiment"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
        assert done.returncode == 0, done.stderr
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(30)
    with study.Store(tmp_path / "s.sqlite") as store:
        assert store.digest == expected


@pytest.mark.skipif(
    shutil.which("mpiexec") is None, reason="needs mpiexec: an MPI runtime, such as openmpi-bin or mpich"
)
@pytest.mark.parametrize("workers", [1, 3])
def test_mpi(tmp_path, expected, workers):
    pytest.importorskip("mpi4py", reason="pip install 'spinscape[mpi]'")
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"experiment": "toy", "parameters": {"units": 12, "samples": 20}}))
    spinscape = ["-m", "mpi4py.futures", "-m", "spinscape", "run", str(recipe), "--store", str(tmp_path / "s.sqlite")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
        # Open MPI: more processes than cores, and as root in a container
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    command = [
        "mpiexec",
        "-n",
        str(workers + 1),
        sys.executable,
        *spinscape,
        "--mpi",
        "--experiment",
        "toy=toy_experiment",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    with study.Store(tmp_path / "s.sqlite") as store:
        assert store.digest == expected
