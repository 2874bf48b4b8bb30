"""Lanczos: oracles are exact spectra of diagonal and rotated matrices, and numpy's eigvalsh."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import diags_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import spinscape as sp
from planted import FAMILIES, counts, rotated, spectrum
from spinscape.spectrum import extreme_eigenvalues


def triple(index):
    return (index.negative, index.zero, index.positive)


def diagonal(values):
    return lambda v: (values * v.T).T


@given(st.integers(1, 40), st.sampled_from(FAMILIES), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_full_bases_count_exactly_or_say_so(n, family, block, seed):
    rng = np.random.default_rng(seed)
    values = spectrum(family, n, rng)
    index = sp.lanczos_index(rotated(values, rng), n, block_size=min(block, n), rng=seed)
    assert sum(triple(index)) == n
    assert index.unresolved == 0
    if index.certified:
        assert triple(index) == counts(values)
    distance = np.minimum(np.abs(values - 1e-3), np.abs(values + 1e-3)).min()
    rounding = 10 * n * np.finfo(float).eps * np.abs(values).max()
    if distance > 100 * rounding:
        assert index.certified
    if distance < 0.1 * rounding:
        assert not index.certified


@pytest.mark.parametrize("block", [1, 3])
def test_identity_zero_and_one_iteration_breakdown(block):
    for matrix, expected in (
        (np.eye(9), (0, 0, 9)),
        (np.zeros((9, 9)), (0, 9, 0)),
        (-2 * np.eye(9), (9, 0, 0)),
        (np.outer(np.ones(9), np.ones(9)), (0, 8, 1)),
        (np.kron(np.eye(3), np.diag([-1.0, 0.0, 1.0])), (3, 3, 3)),
    ):
        index = sp.lanczos_index(matrix, 9, block_size=block, rng=1)
        assert triple(index) == expected
        assert index.certified
        assert index.converged
        assert index.products == 9
    # The identity by callable: every product breaks down at once, and each time a random vector goes on.
    assert sp.lanczos_index(lambda v: v, 1, rng=0).positive == 1


@pytest.mark.parametrize("block", [1, 2, 5])
@pytest.mark.parametrize(
    "values",
    [
        np.r_[[-2.0] * 3, -0.5, np.linspace(0.1, 3, 1496)],
        np.r_[[2.0] * 6, 0.5, -np.linspace(0.1, 3, 1493)],
        np.r_[[-2.0] * 3, -0.5, np.zeros(1490), 1.0, 3.0, 3.0, 4.0, 5.0, 5.0],
        np.r_[[-1.0] * 4, [0.0] * 5, np.linspace(0.2, 9, 1491)],
        np.linspace(0.5, 3, 1500),
    ],
    ids=["few negative", "few positive", "mostly zero", "negative and zero", "definite"],
)
def test_small_bases_find_multiplicities_and_claim_no_certificate(values, block):
    index = sp.lanczos_index(diagonal(values), values.size, block_size=block, rng=3)
    assert triple(index) == counts(values)
    assert index.converged
    assert not index.certified
    assert index.unresolved == 0
    assert index.products < values.size / 2
    assert index.residual < 0.1


def test_what_does_not_settle_says_so():
    values = np.random.default_rng(0).normal(size=1200)  # a bulk across the threshold
    index = sp.lanczos_index(diagonal(values), 1200, max_steps=100, rng=0)
    assert not index.converged
    assert not index.certified
    exact = counts(values)
    assert index.negative <= exact[0]
    assert index.positive <= exact[2]
    assert index.unresolved == 1100
    assert sum(triple(index)) + index.unresolved == 1200
    assert index.residual > 1e-3
    one = sp.lanczos_index(diagonal(values), 1200, max_steps=1, rng=0)
    assert not one.converged
    assert one.unresolved == 1199


def test_a_full_basis_of_a_larger_operator_is_certified():
    rng = np.random.default_rng(2)
    values = np.r_[[-1.0] * 100, [0.0] * 100, rng.uniform(0.5, 2, 200)]
    index = sp.lanczos_index(rotated(values, rng), 400, rng=0)
    assert index.certified
    assert triple(index) == (100, 100, 200)


def test_all_kinds_of_operators_agree_bit_for_bit_or_to_rounding():
    values = np.random.default_rng(1).normal(size=25)
    matrix = np.diag(values)
    expected = counts(values)
    kinds = (
        matrix,
        np.asfortranarray(matrix),
        diagonal(values),
        diags_array(values),
        aslinearoperator(matrix),
        LinearOperator((25, 25), matvec=lambda v: values * v.ravel(), dtype=np.float64),
    )
    for block in (1, 4):
        for operator in kinds:
            index = sp.lanczos_index(operator, 25, block_size=block, rng=5)
            assert triple(index) == expected
            assert index.certified
    again = [sp.lanczos_index(matrix, 25, rng=5).margin for _ in range(2)]
    assert again[0] == again[1]


def test_single_precision_products_widen_the_doubt():
    rng = np.random.default_rng(6)
    values = np.r_[-1.0, np.full(20, 0.5), 2.0]
    matrix = rotated(values, rng).astype(np.float32)
    index = sp.lanczos_index(matrix, 22, rng=0)
    assert triple(index) == (1, 0, 21)
    assert index.certified
    assert 1e-9 < index.asymmetry < 1e-5
    values[3] = 1e-3 + 1e-7  # within the rounding of the products, far outside that of float64
    doubtful = sp.lanczos_index(rotated(values, rng).astype(np.float32), 22, rng=0)
    assert not doubtful.certified


def test_excluded_directions_are_not_counted():
    rng = np.random.default_rng(8)
    q, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    values = np.r_[-3.0, -2.0, np.arange(1.0, 11.0)]
    matrix = (q * values) @ q.T
    index = sp.lanczos_index(matrix, 12, exclude=5 * q[:, :1].T, rng=0)
    assert triple(index) == (1, 0, 10)
    assert index.certified
    everything = sp.lanczos_index(matrix, 12, exclude=np.eye(12), rng=0)
    assert triple(everything) == (0, 0, 0)


@pytest.mark.parametrize("block", [1, 3])
@pytest.mark.parametrize("which", ["smallest", "largest"])
@pytest.mark.parametrize("n", [12, 1300])
def test_extreme_eigenvalues_with_multiplicities(n, which, block):
    sign = 1 if which == "smallest" else -1
    values = sign * np.r_[[-4.0] * 3, -3.5, -3.0, np.linspace(-1, 2, n - 5)]
    found = extreme_eigenvalues(diagonal(values), n, 5, which=which, block_size=block, rng=4)
    assert found.converged
    exact = np.sort(values)[:5] if sign > 0 else np.sort(values)[-5:]
    np.testing.assert_allclose(found.values, exact, atol=1e-9)
    assert found.residuals.max() <= 1e-10 * 4
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(5), atol=1e-12)
    actual = np.linalg.norm(found.vectors * values - found.values[:, None] * found.vectors, axis=1)
    assert actual.max() <= 1e-9


def test_extreme_eigenvalues_that_did_not_converge_say_so():
    values = np.linspace(-1, 1, 2000)
    found = extreme_eigenvalues(diagonal(values), 2000, 3, max_steps=24, rng=0)
    assert not found.converged
    assert found.residuals.max() > 1e-6


@pytest.mark.parametrize(
    ("operator", "error", "text"),
    [
        (np.eye(3), ValueError, r"operator: expected shape \(4, 4\)"),
        (np.triu(np.ones((4, 4))), ValueError, "operator: expected a symmetric"),
        (np.full((4, 4), np.nan), ValueError, "operator"),
        (3.0, TypeError, "operator"),
        ("matrix", TypeError, "operator"),
        (lambda v: v[:2], ValueError, "operator: expected products of shape"),
        (lambda v: v * 1j, TypeError, "operator: expected real products"),
        (lambda v: v * np.inf, OverflowError, "not finite"),
    ],
)
def test_bad_operators_are_named(operator, error, text):
    with pytest.raises(error, match=text), np.errstate(invalid="ignore"):
        sp.lanczos_index(operator, 4, rng=0)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"zero_tol": -1.0}, ValueError, "zero_tol"),
        ({"max_steps": 0}, ValueError, "max_steps"),
        ({"block_size": 5}, ValueError, "block_size"),
        ({"exclude": np.ones((1, 3))}, ValueError, "exclude"),
        ({"exclude": np.ones((2, 4))}, ValueError, "exclude: expected linearly independent"),
        ({"rng": -1}, ValueError, "rng"),
    ],
)
def test_bad_options_are_named(options, error, text):
    with pytest.raises(error, match=text):
        sp.lanczos_index(np.eye(4), 4, **options)


def test_absurd_sizes_are_refused_before_anything_is_allocated():
    with pytest.raises(MemoryError, match="n: a Lanczos basis"):
        sp.lanczos_index(lambda v: v, 10**12)
    with pytest.raises(ValueError, match="n: expected"):
        sp.lanczos_index(lambda v: v, 0)


def test_errors_of_the_operator_come_through():
    class OwnError(Exception):
        pass

    calls = []

    def failing(v):
        calls.append(1)
        if len(calls) > 5:
            raise OwnError("seen")
        return np.arange(1, 10) * v

    with pytest.raises(OwnError, match="seen"):
        sp.lanczos_index(failing, 9, rng=0)
    assert sp.lanczos_index(np.eye(3), 3, rng=0).certified  # the core is usable afterwards
