"""Packed symmetric storage: order, rank, multiplicity, laws and conversion, against brute force over itertools."""

from collections import Counter
from itertools import combinations_with_replacement, islice, permutations, product
from math import comb, factorial, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import spinscape as sp
from spinscape import _core
from spinscape.couplings import LAWS, Law, packed_from_tensor, packed_indices

FALSE_ALARM = 1e-6


def colex(p, N):
    """All ascending tuples, sorted by their reversal: the definition of colexicographic order."""
    return sorted(combinations_with_replacement(range(N), p), key=lambda row: row[::-1])


def orderings(row):
    return factorial(len(row)) // prod(factorial(m) for m in Counter(row).values())


SMALL = [(2, 1), (2, 9), (3, 1), (3, 7), (4, 6), (5, 5), (6, 4), (8, 3), (20, 2)]


@pytest.mark.parametrize(("p", "N"), SMALL)
def test_packed_order_is_colexicographic(p, N):
    rows = colex(p, N)
    assert packed_indices(p, N).tolist() == [list(row) for row in rows]
    assert [_core.packed_rank(row) for row in rows] == list(range(len(rows)))
    assert [tuple(_core.packed_unrank(rank, p)) for rank in range(len(rows))] == rows
    assert _core.packed_size(p, N) == len(rows)


@pytest.mark.parametrize(("p", "N"), [(2, 5), (3, 5), (4, 4), (5, 3), (6, 3)])
def test_multiplicity_counts_the_distinct_orderings(p, N):
    for row in colex(p, N):
        assert _core.multiplicity(row) == len(set(permutations(row)))


def test_multiplicity_of_the_largest_order():
    assert _core.multiplicity(list(range(20))) == factorial(20)


@st.composite
def ascending_rows(draw):
    """Ascending tuples with any index whose rank fits 64 bits."""
    p = draw(st.integers(1, 20))
    top = draw(st.integers(0, int((factorial(p) * 2.0**62) ** (1 / p)) - p))
    return sorted(draw(st.lists(st.integers(0, max(top, 0)), min_size=p, max_size=p)))


@given(ascending_rows())
def test_rank_is_the_sum_of_binomials_and_unrank_its_inverse(row):
    rank = sum(comb(i + k, k + 1) for k, i in enumerate(row))
    assert _core.packed_rank(row) == rank
    assert list(_core.packed_unrank(rank, len(row))) == row


@given(st.integers(0, 2**62), st.integers(1, 20))
def test_every_rank_has_its_row(rank, p):
    row = list(_core.packed_unrank(rank, p))
    assert row == sorted(row)
    assert sum(comb(i + k, k + 1) for k, i in enumerate(row)) == rank


@given(st.integers(2, 20), st.integers(1, 2**62))
def test_sizes_are_exact_or_overflow(p, N):
    size = comb(N + p - 1, p)
    if size < 2**63 - 1:
        assert _core.packed_size(p, N) == size
    else:
        with pytest.raises(OverflowError, match="64 bits"):
            _core.packed_size(p, N)


def test_a_rank_past_64_bits_overflows():
    with pytest.raises(OverflowError, match="64 bits"):
        _core.packed_rank([2**40, 2**40, 2**40])
    with pytest.raises(OverflowError, match="64 bits"):
        _core.packed_rank([2**32 - 1, 2**32 - 1])  # each term fits, their sum does not
    with pytest.raises(OverflowError, match="64 bits"):
        _core.packed_rank([0, 2**63 - 1])
    with pytest.raises(OverflowError, match="64 bits"):
        _core.packed_size(2, 2**63 - 1)
    assert _core.packed_unrank(2**63 - 2, 1) == [2**63 - 2]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("p", [2, 3, 4])
def test_variance_is_the_number_of_orderings(law, p):
    """Σ J²/m over tensors of many seeds: its mean is the number of couplings, for every law with variance 1.

    The heavy tail of student-t needs nu = 9 for a usable fourth moment. z-test at the 1e-6 level, sample variance.
    """
    N, seeds, nu = 5, 3000, 9.0 if law == "student-t" else None
    rows = colex(p, N)
    m = np.array([orderings(row) for row in rows])
    J = np.array([sp.PureGlass(p, N, rng=seed, law=law, nu=nu).couplings for seed in range(seeds)])
    for kind in set(m.tolist()):
        scaled = J[:, m == kind].ravel() ** 2 / kind
        error = scaled.std() / np.sqrt(scaled.size)
        z = (scaled.mean() - 1) / error if error > 0 else scaled.mean() - 1
        assert abs(z) < stats.norm.isf(FALSE_ALARM / 2), kind
        centred = J[:, m == kind].ravel() / np.sqrt(kind)
        assert abs(centred.mean()) * np.sqrt(centred.size) < stats.norm.isf(FALSE_ALARM / 2) * centred.std()


def test_gaussian_couplings_of_every_multiplicity_are_gaussian():
    J = np.array([sp.PureGlass(4, 4, rng=seed).couplings for seed in range(2000)])
    m = np.array([orderings(row) for row in colex(4, 4)])
    assert stats.kstest((J / np.sqrt(m)).ravel(), "norm").pvalue > FALSE_ALARM


def test_symmetric_draws_reach_only_their_lattice():
    """A sum of m signs has the parity of m."""
    J = sp.PureGlass(3, 9, rng=1, law="rademacher").couplings
    m = np.array([orderings(row) for row in colex(3, 9)])
    assert (np.abs(J) <= m).all()
    np.testing.assert_array_equal(np.mod(J - m, 2), 0)


# --- from_tensor -----------------------------------------------------------------------------------------------------


def packed_by_brute_force(tensor):
    J = Counter()
    for index in product(*(range(n) for n in tensor.shape)):
        J[tuple(sorted(index))] += float(tensor[index])
    return np.array([J[row] for row in colex(tensor.ndim, tensor.shape[0])])


def dense_energy(tensor, w):
    value = np.asarray(tensor, dtype=np.float64)
    for _ in range(tensor.ndim):
        value = value @ w
    return float(value) * len(w) ** (-(tensor.ndim - 1) / 2)


@given(p=st.integers(2, 6), N=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_packing_is_the_sum_over_orderings(p, N, seed):
    rng = np.random.default_rng(seed)
    tensor = rng.normal(size=(N,) * p)
    got_p, got_N, packed = packed_from_tensor(tensor)
    assert (got_p, got_N) == (p, N)
    np.testing.assert_allclose(packed, packed_by_brute_force(tensor), rtol=0, atol=1e-12 * factorial(p))
    glass = sp.PureGlass.from_tensor(tensor)
    w = glass.random_points(3, rng=seed)
    scale = np.abs(tensor).sum() * N ** ((1 - p) / 2) * np.abs(w).max() ** p
    np.testing.assert_allclose(glass.energy(w), [dense_energy(tensor, x) for x in w], rtol=0, atol=1e-13 * scale)


LAYOUTS = {
    "fortran": np.asfortranarray,
    "reversed axes": lambda x: np.ascontiguousarray(x.T).T,
    "strided": lambda x: np.repeat(x, 2, axis=0)[::2],
    "negative strides": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "byteswapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "read-only": lambda x: np.frombuffer(x.tobytes(), dtype=x.dtype).reshape(x.shape),
    "list": lambda x: x.tolist(),
    "misaligned": lambda x: misaligned(x),
}


def misaligned(array):
    buffer = np.zeros(array.nbytes + 1, dtype=np.uint8)
    view = buffer[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    assert not view.flags.aligned
    return view


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("p", [2, 3, 4])
def test_layout_of_the_tensor_does_not_matter(layout, p):
    tensor = np.random.default_rng(0).normal(size=(4,) * p)
    other = LAYOUTS[layout](tensor)
    before = np.array(other)
    np.testing.assert_array_equal(sp.PureGlass.from_tensor(other).couplings, sp.PureGlass.from_tensor(tensor).couplings)
    np.testing.assert_array_equal(other, before)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "i4", "i8", "u8", "f2", "f4", "f8", "g"])
def test_every_real_dtype_is_taken_by_value(dtype):
    tensor = np.random.default_rng(1).integers(0, 5, size=(3, 3, 3))
    want = packed_by_brute_force(tensor)
    np.testing.assert_array_equal(sp.PureGlass.from_tensor(tensor.astype(dtype)).couplings, want)


def test_double_precision_of_a_tensor_is_kept():
    value = 1 + 2.0**-40
    for dtype in ("float64", "float32"):
        assert sp.PureGlass.from_tensor(np.full((1, 1), value), dtype=dtype).couplings[0] == value


def test_couplings_round_trip():
    glass = sp.PureGlass(3, 6, rng=2)
    again = sp.PureGlass.from_couplings(glass.couplings, p=3, N=6)
    np.testing.assert_array_equal(again.couplings, glass.couplings)
    w = glass.random_points(4, rng=0)
    np.testing.assert_allclose(again.energy(w), glass.energy(w), rtol=1e-13, atol=1e-12)


def test_couplings_are_a_copy():
    glass = sp.PureGlass(2, 3, rng=2)
    kept = glass.couplings
    glass.couplings[:] = 0
    np.testing.assert_array_equal(glass.couplings, kept)


@pytest.mark.parametrize(
    ("tensor", "error"),
    [
        (np.zeros((2, 3)), ValueError),
        (np.zeros(3), ValueError),
        (np.zeros(()), ValueError),
        (np.zeros((0, 0)), ValueError),
        (np.zeros((1,) * 21), ValueError),
        (np.full((2, 2), np.nan), ValueError),
        (np.full((2, 2), np.inf), ValueError),
        (np.zeros((2, 2), complex), TypeError),
        (np.zeros((2, 2), bool), TypeError),
        (np.array([["a", "b"], ["c", "d"]]), TypeError),
        (np.array([[1, None], [2, 3]], dtype=object), TypeError),
        (np.ma.masked_array(np.zeros((2, 2)), mask=True), TypeError),
        (np.array([["2020-01-01"] * 2] * 2, dtype="M8[D]"), TypeError),
        ([[1, 2], [3]], TypeError),
        (None, TypeError),
    ],
)
def test_bad_tensors_are_named(tensor, error):
    with pytest.raises(error, match="tensor"):
        sp.PureGlass.from_tensor(tensor)


# --- laws ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nu", "argument"),
    [
        ("cauchy", None, "law"),
        (None, None, "law"),
        ("student-t", None, "nu"),
        ("student-t", 2.0, "nu"),
        ("student-t", np.nan, "nu"),
        ("student-t", np.inf, "nu"),
        ("gaussian", 3.0, "nu"),
    ],
)
def test_bad_laws_are_named(name, nu, argument):
    with pytest.raises(ValueError, match=f"^{argument}:"):
        Law(name, nu)


def test_heavy_tails_stay_finite():
    """nu just above 2, where the scale sqrt((nu - 2)/nu) almost vanishes, and a very large nu, almost Gaussian."""
    for nu in (2.0000001, 1e6):
        draws = _core.couplings_at(_core.Disorder(_core.LawKind.student_t, nu, 1, 3, True), 0, 200_000)
        assert np.isfinite(draws).all()
    # float rounding of U^(-2/nu) - 1 would show here
    assert stats.kstest(draws.astype(np.float64), "norm").pvalue > FALSE_ALARM


def test_packed_indices_in_pieces_agree_with_a_plain_generator():
    rows = packed_indices(3, 30)
    assert rows.shape == (comb(32, 3), 3)
    assert [tuple(row) for row in islice(rows.tolist(), 100)] == colex(3, 30)[:100]
