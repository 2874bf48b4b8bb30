"""A glass evaluated slab by slab: the stored glass's values, and the same bits from any executor."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

import spinscape as sp
from spinscape import memory
from spinscape.landscape import as_landscape
from spinscape.study import SlabGlass
from spinscape.study.slabs import largest_piece, slab_bounds


def evaluated(glass, count=5):
    w, v = glass.random_points(count, rng=1), glass.random_points(count, rng=2)
    return *glass.energy_gradient(w), glass.hvp(w, v)


@pytest.mark.parametrize("law", [("gaussian", None), ("rademacher", None), ("student-t", 5.0)])
@pytest.mark.parametrize(("p", "N"), [(2, 17), (3, 1), (3, 23), (4, 11), (5, 7)])
def test_equals_the_stored_glass(p, N, law):
    """Oracle: PureGlass, whose kernels are tested against dense einsum."""
    stored = sp.PureGlass(p, N, rng=3, law=law[0], nu=law[1])
    slabs = SlabGlass(p, N, rng=3, law=law[0], nu=law[1], slabs=6)
    w, v = stored.random_points(5, rng=1), stored.random_points(5, rng=2)
    assert np.array_equal(slabs.random_points(5, rng=1), w)
    scale = np.abs(stored.euclidean_gradient(w)).max() + 1
    assert np.allclose(slabs.energy(w), stored.energy(w), rtol=0, atol=1e-13 * scale * N)
    assert np.allclose(slabs.energy_density(w), stored.energy_density(w), rtol=0, atol=1e-13 * scale)
    assert np.allclose(slabs.gradient(w), stored.gradient(w), rtol=0, atol=1e-13 * scale)
    assert np.allclose(slabs.hvp(w, v), stored.hvp(w, v), rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize(("p", "N"), [(2, 9), (3, 12), (4, 7)])
def test_is_a_landscape(p, N):
    """The stored glass's Euclidean members and Hessian; the check of landscapes; a search's end points."""
    stored, slabs = sp.PureGlass(p, N, rng=3), SlabGlass(p, N, rng=3, slabs=4, n_threads=1)
    w = 1.3 * stored.random_points(3, rng=1)
    v = stored.random_points(3, rng=2)
    for member in ("euclidean_energy", "euclidean_gradient"):
        np.testing.assert_allclose(getattr(slabs, member)(w), getattr(stored, member)(w), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(slabs.euclidean_hvp(w, v), stored.euclidean_hvp(w, v), rtol=1e-12, atol=1e-12)
    assert (slabs.domain, slabs.xi) == (stored.domain, stored.xi)
    w = stored.random_points(3, rng=4)
    assert sp.check_landscape(slabs, w).ok
    np.testing.assert_allclose(as_landscape(slabs).hessian(w), stored.hessian(w), atol=1e-11)
    with pytest.raises(ValueError, match=rf"points: expected \|w\|\^2 = {N} to 1e-4 relative, got 1 in row 0"):
        slabs.energy(w / np.sqrt(N))


def test_searches_take_it():
    stored, slabs = sp.PureGlass(3, 10, rng=5), SlabGlass(3, 10, rng=5, slabs=3, n_threads=1)
    expected, found = (sp.find_saddles(glass, 1, 3, rng=6) for glass in (stored, slabs))
    assert found.reached.all()
    np.testing.assert_allclose(found.points, expected.points, atol=1e-8)


def test_float32():
    stored, slabs = (make(3, 40, rng=0, dtype="float32") for make in (sp.PureGlass, SlabGlass))
    w = stored.random_points(4, rng=1)
    assert slabs.energy(w).dtype == slabs.gradient(w).dtype == np.float32
    assert np.allclose(slabs.gradient(w), stored.gradient(w), atol=2e-5)


def test_any_executor_gives_the_same_bits():
    here = [part.tobytes() for part in evaluated(SlabGlass(3, 40, rng=0, slabs=7))]
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as executor:
            glass = SlabGlass(3, 40, rng=0, slabs=7, executor=executor, n_threads=2)
            assert [part.tobytes() for part in evaluated(glass)] == here
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        glass = SlabGlass(3, 40, rng=0, slabs=7, executor=executor)
        assert [part.tobytes() for part in evaluated(glass)] == here


def test_batches_do_not_change_bits():
    glass = SlabGlass(3, 30, rng=0, slabs=4)
    w = glass.random_points(9, rng=1)
    whole = glass.gradient(w)
    assert np.array_equal(np.concatenate([glass.gradient(w[r : r + 1]) for r in range(9)]), whole)


@pytest.mark.parametrize(("p", "N", "slabs"), [(3, 100, 8), (2, 5, 64), (4, 50, 3), (3, 1, 1)])
def test_slabs_share_the_couplings(p, N, slabs):
    bounds = slab_bounds(p, N, slabs)
    assert bounds[0] == 0
    assert bounds[-1] == N
    assert all(low < high for low, high in pairwise(bounds))
    sizes = np.diff([sp._core.packed_size(p, b) if b else 0 for b in bounds])
    assert sizes.max() <= sp._core.packed_size(p, N) / slabs + largest_piece(p, N)


def test_bad_arguments(monkeypatch):
    with pytest.raises(TypeError, match=r"executor: expected None or a concurrent\.futures\.Executor, got int"):
        SlabGlass(3, 5, executor=4)
    with pytest.raises(ValueError, match="slabs"):
        SlabGlass(3, 5, slabs=0)
    with pytest.raises(OverflowError, match="N: the couplings of p=5"):
        SlabGlass(5, 10**6)
    with pytest.raises(ValueError, match=r"points: expected shape \(replicas, 5\)"):
        SlabGlass(3, 5).energy(np.zeros((2, 6)))
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**6)
    with pytest.raises(MemoryError, match=r"one piece of the couplings of p=3, N=2000 needs 16,\d+,\d+ bytes"):
        SlabGlass(3, 2000)
