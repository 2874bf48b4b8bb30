"""Regenerated couplings: the same glass to the bit in no memory, chosen where storing would not fit."""

import numpy as np
import pytest

import spinscape as sp
from child import SANITIZED, run_script
from spinscape import memory
from spinscape.couplings import StorageWarning


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: sp.PureGlass(3, 40, rng=3, **k),
        lambda **k: sp.PureGlass(4, 12, rng=3, law="uniform", **k),
        lambda **k: sp.MixedGlass({2: 0.5, 3: 0.5}, 20, rng=3, **k),
        lambda **k: sp.LayeredGlass(3, 9, rng=3, **k),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_regenerated_is_the_same_glass_to_the_bit(make, dtype):
    stored, regenerated = (make(couplings_storage=storage, dtype=dtype) for storage in ("stored", "regenerated"))
    points = stored.random_points(9, rng=1)
    vectors = stored.random_points(9, rng=2)
    for evaluate in (lambda g: g.energy(points), lambda g: g.gradient(points), lambda g: g.hvp(points, vectors),
                     lambda g: g.hessian(points)):  # fmt: skip
        assert (evaluate(stored) == evaluate(regenerated)).all()


def test_auto_regenerates_what_does_not_fit_and_says_so(available):
    stored = sp.PureGlass(3, 60, rng=0)
    available(100_000)
    with pytest.warns(StorageWarning, match=r"p=3, N=60 need [\d,]+ bytes, more than is available"):
        glass = sp.PureGlass(3, 60, rng=0)
    points = np.ones((2, 60))
    available(None)
    assert (glass.energy(points) == stored.energy(points)).all()


def test_stored_is_refused_where_it_does_not_fit(available):
    available(100_000)
    with pytest.raises(MemoryError, match=r"N: storing the 37,820 couplings of p=3, N=60 needs [\d,]+ bytes"):
        sp.PureGlass(3, 60, rng=0, couplings_storage="stored")


def test_what_nobody_could_regenerate_is_refused(available):
    available(100_000)
    with pytest.raises(MemoryError, match="N: storing the"):
        sp.PureGlass(3, 20_000, rng=0)
    with pytest.raises(MemoryError, match="too many to regenerate"):
        sp.PureGlass(3, 20_000, rng=0, couplings_storage="regenerated")
    with pytest.raises(MemoryError, match="too many to regenerate"):
        sp.PureGlass(20, 40, rng=0, couplings_storage="regenerated")


def test_an_unknown_storage_is_refused():
    with pytest.raises(ValueError, match="couplings_storage: expected one of 'auto', 'stored', 'regenerated', got"):
        sp.PureGlass(3, 5, couplings_storage="disk")


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory")
def test_regenerated_evaluations_take_little_memory():
    """Storing p=3, N=400 takes 43 MB; a slab in double and its stream take 2."""
    script = r"""
        import json, re
        import spinscape as sp
        def peak():
            with open("/proc/self/status") as file:
                return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * 1024
        sp.PureGlass(3, 20, rng=0, couplings_storage="regenerated").gradient(sp.PureGlass(3, 20).random_points(1))
        before = peak()
        glass = sp.PureGlass(3, 400, rng=0, couplings_storage="regenerated")
        glass.gradient(glass.random_points(1, rng=0), n_threads=1)
        print(json.dumps(peak() - before))
    """
    assert run_script(script) < 12 * 2**20


@pytest.mark.slow
def test_two_thousand_spins_in_memory_of_order_replicas():
    """1.3e9 couplings: 5.8 GB where they are stored, and then the same bits. Peaks are of a process of their own."""
    script = r"""
        import hashlib, json, re
        import spinscape as sp
        def peak():
            with open("/proc/self/status") as file:
                return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * 1024
        def descended(storage):
            before = peak()
            glass = sp.PureGlass(3, 2000, rng=5, dtype="float32", couplings_storage=storage)
            run = sp.descend(glass, glass.random_points(16, rng=1), step=0.1, max_steps=2, tol=0)
            bits = hashlib.sha256(run.points.tobytes() + run.energy_density.tobytes()).hexdigest()
            return bits, peak() - before
        print(json.dumps([descended("regenerated"), descended("stored")]))
    """
    if (memory.available_bytes() or 2**40) < 7 * 2**30:
        pytest.skip("storing the couplings takes 6 GB")
    (bits, small), (expected, large) = run_script(script, seconds=1200)
    assert bits == expected
    assert small < 100 * 2**20 < large
