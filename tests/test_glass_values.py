"""Couplings as values: dense tensors in and out, and what is refused before anything is drawn."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spinscape as sp
from spinscape import _core


def symmetrised(tensor):
    return np.mean([tensor.transpose(order) for order in permutations(range(tensor.ndim))], axis=0)


def contracted(tensor, w):
    """N^{-(p-1)/2} X·w^p, index by index."""
    value = tensor
    for _ in range(tensor.ndim):
        value = value @ w
    return float(value) * len(w) ** (-(tensor.ndim - 1) / 2)


@settings(max_examples=40)
@given(st.integers(2, 4), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_a_tensor_goes_in_and_comes_out(p, N, seed):
    X = np.random.default_rng(seed).normal(size=(N,) * p)
    glass = sp.PureGlass.from_tensor(X)
    np.testing.assert_allclose(glass.to_tensor(), symmetrised(X), rtol=1e-12, atol=1e-12)
    again = sp.PureGlass.from_tensor(glass.to_tensor())
    np.testing.assert_allclose(again.couplings, glass.couplings, rtol=1e-12, atol=1e-12)


@settings(max_examples=30)
@given(st.sets(st.integers(2, 4), min_size=1), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_mixtures_of_given_tensors(orders, N, seed):
    draw = np.random.default_rng(seed)
    tensors = {p: draw.normal(size=(N,) * p) for p in orders}
    xi = {p: float(draw.uniform(0.1, 2)) for p in orders}
    glass = sp.MixedGlass.from_tensors(tensors, xi=xi)
    w = glass.random_points(3, rng=seed)
    for u, point in zip(glass.energy(w), w, strict=True):
        expected = sum(np.sqrt(xi[p]) * contracted(tensors[p], point) for p in orders)
        assert u == pytest.approx(expected, rel=1e-10, abs=1e-10)
    for p in orders:
        np.testing.assert_allclose(glass.to_tensor(p), symmetrised(tensors[p]), rtol=1e-12, atol=1e-12)
    again = sp.MixedGlass.from_couplings(glass.couplings, N=N, xi=xi)
    assert again == glass
    assert sp.MixedGlass.from_tensors(tensors).xi == dict.fromkeys(orders, 1.0)


def test_couplings_of_a_sampled_mixture_are_those_of_pure_glasses():
    mixed = sp.MixedGlass({2: 0.3, 3: 0.7}, 5, rng=4)
    for p, values in mixed.couplings.items():
        np.testing.assert_array_equal(values, sp.PureGlass(p, 5, rng=4).couplings)
    layered = sp.LayeredGlass(3, 2, rng=0)
    np.testing.assert_array_equal(layered.to_tensor(), layered.couplings)


def test_wrong_values_are_named():
    X = np.zeros((3, 3))
    for tensors, words in (
        ({3: X}, r"tensors\[3\]: expected shape \(3,\)\*3"),
        ({2: X, 3: np.zeros((4, 4, 4))}, r"tensors\[3\]: expected shape \(3,\)\*3"),
        ({2: np.zeros((2, 3))}, r"tensors\[2\]"),
    ):
        with pytest.raises(ValueError, match=words):
            sp.MixedGlass.from_tensors(tensors)
    with pytest.raises(TypeError, match="tensors"):
        sp.MixedGlass.from_tensors([X])
    with pytest.raises(ValueError, match="xi: expected the orders"):
        sp.MixedGlass.from_tensors({2: X}, xi={3: 1.0})
    with pytest.raises(ValueError, match=r"couplings\[2\]: expected shape \(6,\)"):
        sp.MixedGlass.from_couplings({2: np.zeros(5)}, N=3)
    with pytest.raises(ValueError, match="p: expected one of the orders"):
        sp.MixedGlass.from_tensors({2: X}).to_tensor(3)


def test_a_tensor_past_memory_is_refused(available):
    glass = sp.PureGlass(4, 20, rng=0)
    available(8 * 20**4)  # the tensor, but not the index arrays beside it
    with pytest.raises(MemoryError, match="bytes are available"):
        glass.to_tensor()


def test_a_mixture_is_refused_before_its_first_part_is_drawn(available, monkeypatch):
    drawn = []

    def draw(*_, **__):
        drawn.append(1)
        raise AssertionError

    monkeypatch.setattr(_core.Form, "sampled", draw)
    needed = [_core.Form.bytes_needed(_core.FormShape(p, 30), True) for p in (3, 4)]
    available(max(needed) + 1000)  # each alone would fit
    with pytest.raises(MemoryError, match="beside"):
        sp.MixedGlass({3: 0.5, 4: 0.5}, 30, rng=0, couplings_storage="stored")
    assert drawn == []


def test_what_does_not_fit_beside_the_others_is_regenerated(available):
    whole = sp.MixedGlass({3: 0.5, 4: 0.5}, 30, rng=0)
    needed = [_core.Form.bytes_needed(_core.FormShape(p, 30), True) for p in (3, 4)]
    available(max(needed) + 1000)
    with pytest.warns(sp.couplings.StorageWarning, match="p=4") as warned:
        glass = sp.MixedGlass({3: 0.5, 4: 0.5}, 30, rng=0)
    assert warned[0].filename == __file__
    assert [form.stored for form, _ in glass._terms] == [True, False]
    available(10**9)
    w = whole.random_points(2, rng=0)
    assert glass.energy(w).tobytes() == whole.energy(w).tobytes()
    assert glass == whole
