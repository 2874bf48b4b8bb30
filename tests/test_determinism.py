"""Neither threads nor batches change a bit: 1, 2, 3, 4, 7 threads; replicas alone, in blocks, shuffled."""

import hashlib

import numpy as np
import pytest

import spinscape as sp

DIRECTION = np.arange(1.0, 14.0)
GLASSES = {
    "p=2": sp.PureGlass(2, 13, rng=1),
    "p=3": sp.PureGlass(3, 13, rng=1),
    "p=3 N=33": sp.PureGlass(3, 33, rng=1),
    "p=4": sp.PureGlass(4, 9, rng=1),
    "p=5": sp.PureGlass(5, 7, rng=1),
    "N=1": sp.PureGlass(3, 1, rng=1),
    "from_tensor": sp.PureGlass.from_tensor(np.random.default_rng(0).normal(size=(11, 11, 11))),
    "mixed": sp.MixedGlass({2: 0.2, 3: 0.5, 4: 0.3}, 11, rng=1),
    "layered": sp.LayeredGlass(3, 5, rng=1),
    "spiked": sp.PureGlass(3, 13, rng=1).with_spike(DIRECTION, 0.7, 3).with_field(DIRECTION, 0.2),
}
CASES = pytest.mark.parametrize("name", GLASSES)
DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


def quantities(glass, w, v, n_threads=1):
    """Name -> array whose first axis is the replica."""
    return {
        "energy": glass.energy(w, n_threads=n_threads),
        "euclidean_gradient": glass.euclidean_gradient(w, n_threads=n_threads),
        "gradient": glass.gradient(w, n_threads=n_threads),
        "hvp": glass.hvp(w, v, n_threads=n_threads),
        "hessian": glass.hessian(w, n_threads=n_threads),
    }


def block(glass, count):
    return glass.random_points(count, rng=3), np.random.default_rng(4).normal(size=(count, glass.size))


@CASES
@DTYPES
def test_threads_do_not_change_results(name, dtype):
    glass = GLASSES[name].astype(dtype)
    w, v = block(glass, 37)
    digests = set()
    for n_threads in (1, 2, 3, 4, 7):
        results = quantities(glass, w, v, n_threads)
        digests.add(hashlib.sha256(b"".join(a.tobytes() for a in results.values())).hexdigest())
    assert len(digests) == 1


@CASES
@DTYPES
def test_batches_do_not_change_results(name, dtype):
    """Each replica alone, blocks of many sizes, any order, and a block of all of them give the same rows."""
    glass = GLASSES[name].astype(dtype)
    count = 1000 if glass.size < 20 else 200
    w, v = block(glass, count)
    whole = quantities(glass, w, v, n_threads=2)
    order = np.random.default_rng(5).permutation(count)
    shuffled = quantities(glass, w[order], v[order])
    for key, rows in whole.items():
        np.testing.assert_array_equal(shuffled[key], rows[order], err_msg=key)
    for size in (1, 2, 3, 4, 7, 8, 10, 16, 17, 31, 64):
        at = slice(count // 2 - size, count // 2)
        for key, rows in quantities(glass, w[at], v[at]).items():
            np.testing.assert_array_equal(rows, whole[key][at], err_msg=f"{key}, block of {size}")


@CASES
def test_energy_alone_and_with_its_gradient_are_the_same_bits(name):
    glass = GLASSES[name]
    w, _ = block(glass, 9)
    alone = glass.energy(w, n_threads=1)
    np.testing.assert_array_equal(glass._core.energy_gradient(w, False, 1)[0], alone)
    np.testing.assert_array_equal(glass._core.energy_gradient(w, True, 1)[0], alone)
