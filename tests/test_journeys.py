"""Every public object through pickle, copies, and processes of all kinds: the same bits after the journey."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

import spinscape as sp
from travellers import GLASSES, NETWORKS, OBJECTS, digest


@contextmanager
def here(carry):
    yield lambda thing: digest(carry(thing))


@contextmanager
def processes(method):
    with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
        yield lambda thing: pool.submit(digest, thing).result(timeout=120)


@contextmanager
def loky():
    executor = pytest.importorskip("joblib.externals.loky").get_reusable_executor(max_workers=1)
    yield lambda thing: executor.submit(digest, thing).result(timeout=120)
    executor.shutdown()


@contextmanager
def dask():
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        yield lambda thing: client.submit(digest, thing, pure=False).result(timeout=120)


VEHICLES = {
    "pickle": lambda: here(lambda thing: pickle.loads(pickle.dumps(thing))),
    "pickle 2": lambda: here(lambda thing: pickle.loads(pickle.dumps(thing, 2))),
    "copy": lambda: here(copy.copy),
    "deepcopy": lambda: here(copy.deepcopy),
    "fork": lambda: processes("fork"),
    "spawn": lambda: processes("spawn"),
    "forkserver": lambda: processes("forkserver"),
    "joblib": loky,
    "dask": dask,
}


@pytest.mark.parametrize("vehicle", [*list(VEHICLES)[:-1], pytest.param("dask", marks=pytest.mark.slow)])
def test_equal_bits_after_the_journey(vehicle):
    with VEHICLES[vehicle]() as travel:
        changed = [name for name, make in OBJECTS.items() if travel(thing := make()) != digest(thing)]
    assert changed == []


@pytest.mark.parametrize(
    "vehicle",
    [
        "pickle",
        "deepcopy",
        "spawn",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("forkserver", "joblib", "dask")),
    ],
)
def test_networks_travel(vehicle):
    pytest.importorskip("torch")
    with VEHICLES[vehicle]() as travel:
        changed = [name for name, make in NETWORKS.items() if travel(thing := make()) != digest(thing)]
    assert changed == []


def test_the_digest_sees_a_difference():
    pytest.importorskip("torch")
    digests = {name: digest(make()) for name, make in (OBJECTS | NETWORKS).items()}
    assert len(set(digests.values())) == len(digests)


@pytest.mark.parametrize("name", ["pure", "float32", "student", "regenerated", "mixed", "layered"])
def test_a_sampled_glass_is_small(name):
    assert len(pickle.dumps(GLASSES[name]())) < 1000
    assert len(pickle.dumps(sp.PureGlass(3, 60, rng=0))) < 2000  # 40,000 couplings


@pytest.mark.parametrize("name", GLASSES)
def test_glasses_are_equal_by_recipe(name):
    glass, again = GLASSES[name](), GLASSES[name]()
    assert glass == again
    assert hash(glass) == hash(again)
    assert pickle.loads(pickle.dumps(glass)) == glass
    assert glass != glass.with_field(np.ones(glass.size), 0.1)
    assert glass != glass.astype("float32" if glass.dtype == np.float64 else "float64")
    assert glass != "glass"
    others = [other() for its, other in GLASSES.items() if its != name]
    assert glass not in others


def test_a_copy_shares_the_couplings():
    glass = sp.PureGlass(3, 6, rng=0)
    for other in (copy.copy(glass), copy.deepcopy(glass)):
        assert other._terms[0][0] is glass._terms[0][0]


def test_glasses_show_their_recipe():
    assert repr(sp.PureGlass(3, 6, rng=0)) == "PureGlass(p=3, N=6, seed=15793235383387715774)"
    text = repr(GLASSES["spiked"]())
    assert text.startswith("MixedGlass(xi={2: 0.5, 3: 0.5}, N=5, seed=")
    assert "law='rademacher'" in text
    assert "dtype='float32'" in text
    assert text.endswith(".with_spike(<direction>, 1.5, 2).with_spike(<direction>, 0.3, 1)")
    assert repr(GLASSES["given"]()) == "PureGlass.from_couplings(<20 values>, p=3, N=4)"


def test_a_subclass_keeps_what_is_its_own():
    glass = Named(3, 6, rng=0)
    glass.name = "mine"
    other = pickle.loads(pickle.dumps(glass))
    assert other.name == "mine"
    assert digest(other) == digest(glass)


class Named(sp.PureGlass):
    """A user's subclass."""


def test_a_glass_in_slabs_leaves_its_executor_behind():
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        glass = sp.study.SlabGlass(3, 6, rng=0, slabs=2, executor=pool)
        other = pickle.loads(pickle.dumps(glass))
        w = glass.random_points(2, rng=0)
        assert other.energy(w).tobytes() == glass.energy(w).tobytes()
    assert len(pickle.dumps(glass)) < 1000
    assert repr(other) == repr(glass) == "SlabGlass(p=3, N=6, seed=15793235383387715774, slabs=2)"
