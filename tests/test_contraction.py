"""Energy, gradient, Hessian-vector product and Hessian of the kernels.

Oracles: dense einsum over the full tensor, Euler relations, float64 for float32. Bits: one result for every number of
threads, every split and order of the batch, stored or regenerated couplings.
"""

import hashlib
import itertools
import math
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spinscape as sp
from spinscape import _core


def dense_tensor(packed, p, N):
    """Symmetric T with F(w) = sum T w...w, from the packed couplings J: T = J over the number of orderings."""
    tensor = np.zeros((N,) * p)
    tuples = sorted(itertools.combinations_with_replacement(range(N), p), key=lambda indices: indices[::-1])
    for J, indices in zip(packed, tuples, strict=True):
        for permuted in set(itertools.permutations(indices)):
            tensor[permuted] = J / _core.multiplicity(list(indices))
    return tensor


def contract(tensor, operands):
    """Contract index k of tensor with the rows of operands[k]; indices that are not in operands stay open."""
    replicas = len(next(iter(operands.values()))) if operands else 1
    letters = string.ascii_lowercase[: tensor.ndim]
    rows = "".join(",z" + letters[k] for k in operands)
    kept = "".join(letter for k, letter in enumerate(letters) if k not in operands)
    if not operands:
        return np.broadcast_to(tensor, (replicas, *tensor.shape))
    return np.einsum(f"{letters}{rows}->z{kept}", tensor, *operands.values(), optimize=True)


def form_of(p, size, packed, layered=False):
    return _core.Form.from_packed(_core.FormShape(p, size, layered), packed)


class Evaluation:
    """Everything a form computes, without the scale and the projections of a glass."""

    def __init__(self, form):
        self.form = form

    def __call__(self, points, vectors, n_threads=1):
        energy, gradient = self.form.energy_gradient(points, n_threads)
        gradient_too, product = self.form.hvp(points, vectors, n_threads)
        gradient_again, hessian = self.form.hessian(points, n_threads)
        return energy, gradient, gradient_too, product, gradient_again, hessian


def assert_close(actual, expected, relative):
    scale = np.abs(expected).max(initial=1e-300)
    assert np.abs(actual - expected).max(initial=0) <= relative * scale


def expected_results(oracle, points, vectors):
    """What Evaluation returns, from oracle(points) -> energy, gradient, Hessian."""
    energy, gradient, hessian = oracle(points)
    return energy, gradient, gradient, np.einsum("zij,zj->zi", hessian, vectors), gradient, hessian


def check_against(form, oracle, points, vectors, relative):
    results = Evaluation(form)(points, vectors)
    for actual, expected in zip(results, expected_results(oracle, points, vectors), strict=True):
        assert_close(actual, expected, relative)
    assert (results[-1] == np.swapaxes(results[-1], 1, 2)).all()


def symmetric_oracle(tensor):
    p = tensor.ndim

    def derivative(w, order):
        return math.perm(p, order) * contract(tensor, dict.fromkeys(range(order, p), w))

    def evaluate(w):
        hessian = np.broadcast_to(derivative(w, 2), (len(w), *(2 * tensor.shape[:1])))
        return derivative(w, 0), derivative(w, 1), hessian

    return evaluate


def layered_oracle(tensor):
    p, n = tensor.ndim, tensor.shape[0]

    def evaluate(w):
        layers = w.reshape(len(w), p, n)

        def derivative(*kept):
            return contract(tensor, {k: layers[:, k] for k in range(p) if k not in kept})

        hessian = np.zeros((len(w), p, n, p, n))
        for k, m in itertools.combinations(range(p), 2):
            hessian[:, k, :, m, :] = derivative(k, m)
            hessian[:, m, :, k, :] = np.swapaxes(derivative(k, m), 1, 2)
        gradient = np.stack([derivative(k) for k in range(p)], axis=1)
        return derivative(), gradient.reshape(len(w), p * n), hessian.reshape(len(w), p * n, p * n)

    return evaluate


SYMMETRIC = [
    (2, 1),
    (2, 5),
    (2, 40),
    (3, 1),
    (3, 4),
    (3, 13),
    (3, 40),
    (4, 3),
    (4, 9),
    (4, 17),
    (5, 2),
    (5, 6),
    (5, 9),
    (6, 1),
    (6, 5),
    (6, 7),
]


@pytest.mark.parametrize(("p", "N"), SYMMETRIC)
@pytest.mark.parametrize("replicas", [1, 3, 30])
def test_symmetric_forms_equal_dense_einsum(p, N, replicas):
    rng = np.random.default_rng([p, N, replicas])
    packed = rng.standard_normal(math.comb(N + p - 1, p))
    points, vectors = rng.standard_normal((2, replicas, N))
    check_against(form_of(p, N, packed), symmetric_oracle(dense_tensor(packed, p, N)), points, vectors, 1e-12)


@pytest.mark.parametrize(("p", "n"), [(2, 1), (2, 7), (2, 33), (3, 2), (3, 9), (3, 16), (4, 3), (4, 6)])
@pytest.mark.parametrize("replicas", [1, 3, 30])
def test_layered_forms_equal_dense_einsum(p, n, replicas):
    rng = np.random.default_rng([p, n, replicas])
    tensor = rng.standard_normal((n,) * p)
    points, vectors = rng.standard_normal((2, replicas, p * n))
    check_against(form_of(p, n, tensor.ravel(), layered=True), layered_oracle(tensor), points, vectors, 1e-12)


@settings(max_examples=80)
@given(
    p=st.integers(2, 6),
    size=st.integers(1, 9),
    replicas=st.integers(0, 60),
    layered=st.booleans(),
    single=st.booleans(),
    storage=st.sampled_from(["float32", "float64", "sampled", "regenerated"]),
    seed=st.integers(0, 2**32),
)
def test_any_form_equals_dense_einsum(p, size, replicas, layered, single, storage, seed):
    size = size if p <= 4 else min(size, 5)
    if layered:
        p, size = min(p, 4), min(size, 6)
    rng = np.random.default_rng(seed)
    shape = _core.FormShape(p, size, layered)
    if storage.startswith("float"):
        packed = rng.standard_normal(shape.entries()).astype(storage)
        form = _core.Form.from_packed(shape, packed)
    else:
        disorder = _core.Disorder(_core.LawKind.gaussian, 0.0, seed, p, layered)
        form = _core.Form.sampled(shape, disorder, 1, stored=storage == "sampled")
        packed = _core.couplings_at(disorder, 0, shape.entries())
    assert (form.packed() == packed).all()
    packed = packed.astype(float)
    dense = packed.reshape((size,) * p) if layered else dense_tensor(packed, p, size)
    make_oracle = layered_oracle if layered else symmetric_oracle
    dtype = np.float32 if single else np.float64
    points, vectors = rng.standard_normal((2, replicas, shape.dimension())).astype(dtype)
    results = Evaluation(form)(points, vectors)
    w, v = points.astype(float), vectors.astype(float)
    # Rounding is relative to the size of the terms, not of a sum that may cancel.
    for actual, expected, terms in zip(
        results,
        expected_results(make_oracle(dense), w, v),
        expected_results(make_oracle(abs(dense)), abs(w), abs(v)),
        strict=True,
    ):
        assert (abs(actual - expected) <= (5e-6 if single else 1e-13) * terms).all()


def test_large_blocks_equal_dense_einsum():
    """N large enough for the larger blocks of the kernels, odd on purpose."""
    rng = np.random.default_rng(5)
    for N in (151, 301):
        packed = rng.standard_normal(math.comb(N + 2, 3))
        tensor = np.zeros((N, N, N))
        i, j, k = np.array(sp.couplings.packed_indices(3, N)).T
        ties = 1 + (i == j) + (j == k) + 2 * ((i == j) & (j == k)) - 1 * ((i == j) & (j == k))
        values = packed / np.where((i == j) & (j == k), 1, np.where(ties == 2, 3, 6))
        for a, b, c in itertools.permutations((i, j, k)):
            tensor[a, b, c] = values
        points, vectors = rng.standard_normal((2, 5, N))
        check_against(form_of(3, N, packed), symmetric_oracle(tensor), points, vectors, 1e-12)
        layered = rng.standard_normal((N, N))
        points, vectors = rng.standard_normal((2, 5, 2 * N))
        check_against(form_of(2, N, layered.ravel(), layered=True), layered_oracle(layered), points, vectors, 1e-12)


@pytest.mark.parametrize("p", [7, 11, 20])
def test_euler_relations_of_high_orders(p):
    """w.grad F = p F and (grad^2 F) w = (p - 1) grad F."""
    glass_shape = _core.FormShape(p, 3, False)
    rng = np.random.default_rng(p)
    form = _core.Form.from_packed(glass_shape, rng.standard_normal(glass_shape.entries()))
    w = rng.standard_normal((6, 3))
    energy, gradient, _, product, _, hessian = Evaluation(form)(w, w)
    assert_close(np.einsum("zi,zi->z", w, gradient), p * energy, 1e-12)
    assert_close(product, (p - 1) * gradient, 1e-12)
    assert_close(np.einsum("zij,zj->zi", hessian, w), (p - 1) * gradient, 1e-12)


def digest(results):
    return hashlib.sha256(b"".join(np.ascontiguousarray(r).tobytes() for r in results)).hexdigest()


CASES = [
    (2, 37, False),
    (3, 61, False),
    (3, 310, False),
    (4, 23, False),
    (5, 11, False),
    (2, 19, True),
    (3, 21, True),
    (4, 9, True),
]


def sampled(p, size, layered, stored=True):
    disorder = _core.Disorder(_core.LawKind.gaussian, 0.0, 11, p, layered)
    return _core.Form.sampled(_core.FormShape(p, size, layered), disorder, 2, stored=stored)


def block_of(form, replicas, dtype):
    rng = np.random.default_rng(3)
    return rng.standard_normal((2, replicas, form.shape.dimension())).astype(dtype)


@pytest.mark.parametrize(("p", "size", "layered"), CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_and_storage_do_not_change_bits(p, size, layered, dtype):
    form, regenerated = sampled(p, size, layered), sampled(p, size, layered, stored=False)
    assert form.bytes > 0
    assert regenerated.bytes == 0
    replicas = 5 if size > 300 else 53
    points, vectors = block_of(form, replicas, dtype)
    hashes = {digest(Evaluation(form)(points, vectors, threads)) for threads in (1, 2, 3, 4, 7)}
    hashes |= {digest(Evaluation(regenerated)(points, vectors, threads)) for threads in (1, 3)}
    assert len(hashes) == 1


@pytest.mark.parametrize(("p", "size", "layered"), CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batches_do_not_change_bits(p, size, layered, dtype):
    form = sampled(p, size, layered)
    replicas = 9 if size > 300 else 101
    points, vectors = block_of(form, replicas, dtype)
    together = Evaluation(form)(points, vectors)
    order = np.random.default_rng(0).permutation(replicas)
    shuffled = Evaluation(form)(points[order], vectors[order])
    for whole, part in zip(together, shuffled, strict=True):
        assert (whole[order] == part).all()
    for rows in (slice(0, 1), slice(2, 5), slice(3, 9), slice(0, 17), slice(40, 90)):
        for whole, part in zip(together, Evaluation(form)(points[rows], vectors[rows]), strict=True):
            assert (whole[rows] == part).all()


def test_float32_agrees_with_float64():
    glass = sp.PureGlass(3, 120, rng=4)
    points = glass.random_points(40, rng=1)
    single = glass.astype("float32")
    assert_close(single.energy(points.astype("f4")), glass.energy(points), 1e-5)
    assert_close(single.gradient(points.astype("f4")), glass.gradient(points), 1e-5)


def test_bytes_needed_is_what_a_form_takes():
    for p, size, layered in CASES:
        form = sampled(p, size, layered)
        assert form.bytes == _core.Form.bytes_needed(form.shape, True)
        assert form.bytes >= 4 * form.shape.entries()
    # The padding of the kernels' blocks: a few per cent where storage matters.
    shape = _core.FormShape(3, 500, False)
    assert _core.Form.bytes_needed(shape, True) < 1.1 * 4 * shape.entries()
