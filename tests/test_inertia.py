"""Certified inertia: oracles are planted spectra, numpy's eigvalsh (LAPACK) and Sylvester's symmetries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spinscape as sp
from planted import FAMILIES, counts, planted_glass, rotated, rows, spectrum
from spinscape import _core
from spinscape.spectrum import matrix_index

EPS = np.finfo(float).eps


def zone(values):
    return 10 * values.size * EPS * np.abs(values).max(initial=0.0)


def distance(values, tol=1e-3):
    return float(np.minimum(np.abs(values - tol), np.abs(values + tol)).min(initial=np.inf))


def check_row(index, row, values, tol=1e-3, blur=0.0):
    """No wrong certified count; what is clearly decidable is certified; what is ambiguous is not."""
    if index.certified[row]:
        assert rows(index)[row] == counts(values, tol)
    if distance(values, tol) > 10 * zone(values) + blur:
        assert index.certified[row]
        assert rows(index)[row] == counts(values, tol)
    # eigvalsh and the planting itself round too: a tenth of the zone is left to them.
    if distance(values, tol) < 0.9 * zone(values):
        assert not index.certified[row]
    if not np.isnan(index.margin[row]):
        assert abs(index.margin[row] - distance(values, tol)) <= zone(values) + 4 * EPS * tol + blur


def planted_cases(cases, seed):
    rng = np.random.default_rng(seed)
    sizes = {3: (3, 13), 4: (3, 9), 5: (3, 7)}
    for family in FAMILIES:
        for case in range(cases):
            p = 3 + case % 3
            values = spectrum(family, int(rng.integers(*sizes[p])) - 1, rng)
            glass, point = planted_glass(p, rotated(values, rng), rng)
            index = sp.count_index(glass, point)
            check_row(index, 0, values)
            # The fast method may leave out the margin, nothing else.
            fast = sp.count_index(glass, point, method="cholesky")
            if index.certified[0] or fast.certified[0]:
                assert rows(fast) == rows(index)
            yield family, bool(index.certified[0])


def test_planted_hessians():
    flagged = [family for family, certified in planted_cases(30, seed=11) if not certified]
    assert flagged.count("on_threshold") == 30
    assert set(flagged) <= {"on_threshold", "dynamic_range"}


@pytest.mark.slow
def test_three_thousand_planted_hessians():
    assert len(list(planted_cases(300, seed=12))) == 3000


@given(
    st.integers(1, 40),
    st.sampled_from(FAMILIES),
    st.sampled_from([1e-150, 1e-12, 1.0, 1e9, 1e180]),
    st.integers(0, 2**32 - 1),
)
def test_matrices_of_every_kind_and_scale(n, family, scale, seed):
    rng = np.random.default_rng(seed)
    matrix = rotated(spectrum(family, n, rng), rng) * scale
    values = np.linalg.eigvalsh(matrix)
    for tol in (1e-3 * scale, 1e-3):
        check_row(matrix_index(matrix, tol), 0, values, tol)
        check_row(matrix_index(matrix, tol, method="cholesky"), 0, values, tol)


@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_index_of_minus_a_is_positives_of_a(n, seed):
    rng = np.random.default_rng(seed)
    matrix = rotated(rng.normal(size=n), rng)
    plus, minus = matrix_index(matrix), matrix_index(-matrix)
    assert rows(plus)[0] == rows(minus)[0][::-1] or not (plus.certified[0] and minus.certified[0])
    assert minus.margin[0] == pytest.approx(plus.margin[0], abs=zone(np.array([np.abs(matrix).sum()])))


@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 64, 127, 128, 129, 257])
def test_sizes_around_the_panels_of_the_factorisations(n):
    rng = np.random.default_rng(n)
    values = np.sort(rng.normal(size=n))
    check_row(matrix_index(rotated(values, rng)), 0, values, blur=1e-13)
    positive = np.abs(values) + 0.1
    fast = matrix_index(rotated(positive, rng), method="cholesky")
    assert rows(fast) == [(0, 0, n)]
    assert fast.certified.all()
    assert np.isnan(fast.margin).all()
    positive[-1] = -1e-2  # the last pivot of all decides
    assert rows(matrix_index(rotated(positive, rng), method="cholesky")) == [(1, 0, n - 1)]


def test_ambiguity_is_admitted_on_both_sides_of_both_thresholds():
    rng = np.random.default_rng(5)
    n, tol = 30, 1e-3
    base = np.linspace(1, 2, n)
    unit = 10 * n * EPS * 2.0
    for threshold in (-tol, tol):
        for offset in (-0.5, 0.0, 0.5):
            values = base.copy()
            values[3] = threshold + offset * unit
            for method in ("tridiagonal", "cholesky"):
                assert not matrix_index(rotated(values, rng), tol, method=method).certified[0]
        for offset in (-20, 20):  # the bound of the norm is within a factor 3
            values[3] = threshold + offset * unit
            index = matrix_index(rotated(values, rng), tol)
            assert index.certified[0]
            assert rows(index) == [counts(values, tol)]


def test_structured_matrices():
    for matrix, expected in (
        (np.zeros((4, 4)), (0, 4, 0)),
        (np.eye(5), (0, 0, 5)),
        (-np.ones((6, 6)), (1, 5, 0)),
        (np.kron(np.eye(8), [[0.0, 1.0], [1.0, 0.0]]), (8, 0, 8)),
        (np.array([[0.0, 1e-8], [1e-8, 0.0]]), (0, 2, 0)),
        (np.diag([1e-320, -1.0]), (1, 1, 0)),
    ):
        index = matrix_index(matrix)
        assert rows(index) == [expected]
        assert index.certified[0]
    empty = matrix_index(np.zeros((2, 0, 0)))
    assert rows(empty) == [(0, 0, 0)] * 2
    assert np.isinf(empty.margin).all()
    assert not matrix_index(np.zeros((3, 3)), 0.0).certified[0]  # zero within zero: rounding decides


def test_threads_and_batches_do_not_change_a_bit():
    rng = np.random.default_rng(3)
    stack = np.stack([rotated(rng.normal(size=37), rng) for _ in range(13)])
    whole = matrix_index(stack, n_threads=1)
    for threads in (2, 3, 4, 7):
        other = matrix_index(stack, n_threads=threads)
        assert other.margin.tobytes() == whole.margin.tobytes()
        assert rows(other) == rows(whole)
    order = rng.permutation(13)
    shuffled = matrix_index(stack[order])
    assert shuffled.margin.tobytes() == whole.margin[order].tobytes()


def test_layouts_and_inputs_left_alone():
    rng = np.random.default_rng(4)
    matrix = rotated(rng.normal(size=9), rng)
    kept = matrix.copy()
    expected = matrix_index(matrix).margin
    wide = np.zeros((9, 18))
    wide[:, ::2] = matrix
    frozen = matrix.copy()
    frozen.flags.writeable = False
    swapped = matrix.astype(matrix.dtype.newbyteorder())
    for layout in (wide[:, ::2], np.asfortranarray(matrix), swapped, frozen, matrix.tolist(), matrix[None]):
        assert matrix_index(layout).margin.tobytes() == expected.tobytes()
    assert (matrix == kept).all()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((np.ones((2, 3)),), ValueError, "matrices: expected shape"),
        ((np.ones(3),), ValueError, "matrices: expected shape"),
        (([[0.0, 1.0], [0.5, 0.0]],), ValueError, "matrices: expected symmetric"),
        (([[np.nan]],), ValueError, "matrices"),
        (([[1j]],), TypeError, "matrices"),
        ((np.eye(2), -1e-3), ValueError, "zero_tol"),
        ((np.eye(2), "small"), TypeError, "zero_tol"),
        ((np.eye(2), np.nan), ValueError, "zero_tol"),
    ],
)
def test_errors_name_the_argument(arguments, error, text):
    with pytest.raises(error, match=text):
        matrix_index(*arguments)


def test_method_and_threads_are_checked():
    with pytest.raises(ValueError, match="method"):
        matrix_index(np.eye(2), method="lu")
    with pytest.raises(ValueError, match="n_threads"):
        matrix_index(np.eye(2), n_threads=0)


def test_a_matrix_that_is_not_finite_is_refused_by_the_core():
    for bad in (np.nan, np.inf):
        with pytest.raises(OverflowError):
            _core.matrix_index(np.array([[[1.0, bad], [bad, 1.0]]]), 1e-3, _core.InertiaMethod.tridiagonal, 1)


def test_results_are_readable():
    index = matrix_index(np.stack([np.eye(3), -np.eye(3)]))
    assert "negative: 1 of 0, 1 of 3" in repr(index)
    counts = {"negative", "zero", "positive", "certified", "margin", "excluded_curvature"}
    assert set(index.to_dict()) == counts | {"zero_tol", "method"}
    assert "margin: nan" in repr(matrix_index(np.eye(3), method="cholesky"))
    with pytest.raises(AttributeError):
        index.zero_tol = 1.0
