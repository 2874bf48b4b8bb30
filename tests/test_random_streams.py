"""Counter-based streams: known answers of Philox, an independent transcription of every law, and exact addressing.

Statistics use fixed seeds; each p-value is compared with 1e-6, so a correct stream fails one test in 1e6 seeds.
"""

import hashlib
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import spinscape as sp
from spinscape import _core
from spinscape.couplings import LAWS, packed_indices
from spinscape.randomness import child_seeds, seed_from

FALSE_ALARM = 1e-6
SEED = 0x0123456789ABCDEF
NU = {"student-t": 5.0}


def disorder(law="gaussian", seed=SEED, p=3, layered=False):
    return _core.Disorder(_core.LawKind[law.replace("-", "_")], NU.get(law, 0.0), seed, p, layered)


def philox_reference(counter, key):
    """Transcription of Salmon et al. (SC'11), §3.3, in Python integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        low, high = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(high >> 32) ^ c[1] ^ k[0], high & 0xFFFFFFFF, (low >> 32) ^ c[3] ^ k[1], low & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def words_reference(seed, purpose, subject, block, draw):
    tag = (1 << 24) | (purpose << 16) | subject
    counter = (block & 0xFFFFFFFF, block >> 32, draw, tag)
    return philox_reference(counter, (seed & 0xFFFFFFFF, seed >> 32))


def normal_reference(seed, purpose, subject, draw, index):
    """Box-Muller in double precision on the words of one index."""
    words = words_reference(seed, purpose, subject, index // 4, draw)
    radius_word, angle_word = words[:2] if index % 4 < 2 else words[2:]
    radius = np.sqrt(-2 * np.log((radius_word + 1) / 2**32))
    angle = 2 * np.pi * angle_word / 2**32
    return radius * (np.cos(angle) if index % 2 == 0 else np.sin(angle))


def draws_reference(law, seed, subject, index, count):
    """The first `count` draws of X at one counter index, from their definitions."""
    a_draw = 2 if law == "student-t" else 1
    blocks = range((count * a_draw + 3) // 4)
    words = np.array([w for b in blocks for w in words_reference(seed, 1, subject, index, b)], dtype=np.float64)
    u = (words + 0.5) / 2**32
    if law == "rademacher":
        return np.where(words >= 2**31, 1.0, -1.0)[:count]
    if law == "uniform":
        return (np.sqrt(3) * (2 * u - 1))[:count]
    if law == "exponential":
        return (-np.log(u) - 1)[:count]
    nu = NU[law]
    t = np.sqrt(nu * (u[0::2] ** (-2 / nu) - 1)) * np.cos(2 * np.pi * words[1::2] / 2**32)
    return (t * np.sqrt((nu - 2) / nu))[:count]


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [  # Random123, kat_vectors: "philox4x32 10"
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_known_answers(counter, key, answer):
    assert tuple(_core.philox4x32(counter, key)) == answer
    assert tuple(philox_reference(counter, key)) == answer


WORD = st.integers(0, 2**32 - 1)


@given(st.tuples(WORD, WORD, WORD, WORD), st.tuples(WORD, WORD))
def test_philox_equals_the_paper(counter, key):
    assert list(_core.philox4x32(counter, key)) == philox_reference(counter, key)


def test_stream_version_is_the_one_these_answers_belong_to():
    assert _core.build_info()["stream_version"] == "1"


@pytest.mark.parametrize("first", [0, 5, 2**32 * 4 - 3, 2**40 + 1])
def test_normals_are_box_muller_of_the_documented_words(first):
    got = _core.normals(SEED, _core.Purpose.points, 3, 2, first, 64)
    want = [normal_reference(SEED, 2, 3, 2, first + k) for k in range(64)]
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-6)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("p", [2, 3, 4])
def test_packed_couplings_are_the_documented_sums(law, p):
    """Gaussian: sqrt(multiplicity) times one normal. Other laws: the sum over all distinct orderings."""
    indices = packed_indices(p, 4)
    got = _core.couplings_at(disorder(law, p=p), 0, len(indices))
    for rank, row in enumerate(indices):
        orderings = len(set(permutations(row.tolist())))
        if law == "gaussian":
            want = np.sqrt(orderings) * normal_reference(SEED, 1, p, 0, rank)
        else:
            want = draws_reference(law, SEED, p, rank, orderings).sum()
        assert got[rank] == pytest.approx(want, rel=1e-6, abs=4e-6)


@pytest.mark.parametrize("law", LAWS)
def test_layered_couplings_are_single_draws(law):
    got = _core.couplings_at(disorder(law, layered=True), 1000, 50)
    for k, value in enumerate(got):
        index = 1000 + k
        reference = normal_reference(SEED, 1, 0x103, 0, index)
        want = reference if law == "gaussian" else draws_reference(law, SEED, 0x103, index, 1)[0]
        assert value == pytest.approx(want, rel=1e-6, abs=2e-6)


@given(
    law=st.sampled_from(LAWS),
    p=st.integers(2, 5),
    layered=st.booleans(),
    first=st.integers(0, 400),
    count=st.integers(0, 100),
)
def test_any_range_is_a_slice_of_the_whole(law, p, layered, first, count):
    source = disorder(law, p=p, layered=layered)
    whole = _core.couplings_at(source, 0, 500)
    np.testing.assert_array_equal(_core.couplings_at(source, first, count), whole[first : first + count])


@given(first=st.integers(0, 2**50), split=st.integers(0, 40))
def test_ranges_far_out_join(first, split):
    source = disorder(p=4)
    whole = _core.couplings_at(source, first, 40)
    parts = [_core.couplings_at(source, first, split), _core.couplings_at(source, first + split, 40 - split)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("p", [2, 3, 5])
def test_a_larger_disorder_extends_a_smaller_one(law, p):
    small, large = (sp.PureGlass(p, N, rng=11, law=law, nu=NU.get(law)).couplings for N in (5, 8))
    np.testing.assert_array_equal(large[: small.size], small)


@pytest.mark.parametrize("law", LAWS)
def test_couplings_are_float32_values_in_every_dtype(law):
    double, single = (sp.PureGlass(3, 12, rng=5, law=law, nu=NU.get(law), dtype=d) for d in ("float64", "float32"))
    np.testing.assert_array_equal(double.couplings, single.couplings)
    np.testing.assert_array_equal(double.couplings, double.couplings.astype(np.float32))
    layered = sp.LayeredGlass(3, 4, rng=5, law=law, nu=NU.get(law)).couplings
    np.testing.assert_array_equal(layered, layered.astype(np.float32))


def test_threads_do_not_change_the_couplings():
    digests = {
        hashlib.sha256(sp.PureGlass(3, 61, rng=3, law=law, nu=NU.get(law), n_threads=n).couplings).hexdigest()
        for law in ("uniform",)
        for n in (1, 2, 3, 4, 7)
    }
    assert len(digests) == 1


GOLDEN = {
    ("gaussian", 3, 20, False): "47f82cd2b4d31bcdff4d96b9cfad0861",
    ("rademacher", 3, 20, False): "5b3de99c49f71bbec71c6dbd77475384",
    ("uniform", 3, 20, False): "dba3971211031a3d86e89e8b33e2b911",
    ("exponential", 3, 20, False): "23301cc667f19485b6fe0cc9532b5aa1",
    ("student-t", 3, 20, False): "6376e47c5ab43cb2c7dbfcdbd0c01052",
    ("gaussian", 2, 33, False): "df0b95430a85e8e7385c8a1977de79d0",
    ("gaussian", 4, 12, False): "b36970832516c3aee7f631df2f6be7fc",
    ("gaussian", 5, 9, False): "f0e06ac55def809b4f8c06c43ba17128",
    ("exponential", 4, 8, False): "d67f813be4cfd276aa56c6407209b25c",
    ("gaussian", 3, 11, True): "513448848dc53aec72ca2e3b6c74f5a3",
    ("student-t", 3, 11, True): "af8a7523f392aab7065b399aecf5eff0",
}
POINTS_DIGEST = "f564d78fa2fd3338f483119bcf51d132"


def digest_of(law, p, N, layered=False):
    kind = sp.LayeredGlass if layered else sp.PureGlass
    couplings = kind(p, N, rng=20150901, law=law, nu=NU.get(law)).couplings.astype("<f4")
    return hashlib.sha256(couplings.tobytes()).hexdigest()[:32]


@pytest.mark.parametrize("case", sorted(GOLDEN))
def test_golden_couplings(case):
    """A changed digest is another disorder under an old name: it needs a new stream_version, not a new digest."""
    assert digest_of(*case) == GOLDEN[case]


def test_golden_points():
    points = sp.PureGlass(2, 7, rng=0).random_points(5, rng=20150901)
    digest = hashlib.sha256(np.ascontiguousarray(points, "<f8").tobytes()).hexdigest()[:32]
    assert digest == POINTS_DIGEST


# --- laws ------------------------------------------------------------------------------------------------------------

SINGLE_DRAW = {
    "gaussian": stats.norm(),
    "uniform": stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)),
    "exponential": stats.expon(-1),
    "student-t": stats.t(5, scale=np.sqrt(3 / 5)),
}


@pytest.mark.parametrize("law", sorted(SINGLE_DRAW))
def test_one_draw_has_its_law(law):
    draws = _core.couplings_at(disorder(law, layered=True), 0, 200_000).astype(np.float64)
    assert stats.kstest(draws, SINGLE_DRAW[law].cdf).pvalue > FALSE_ALARM


def test_rademacher_is_fair():
    draws = _core.couplings_at(disorder("rademacher", layered=True), 0, 200_000)
    assert set(np.unique(draws)) == {-1.0, 1.0}
    assert stats.binomtest(int((draws > 0).sum()), draws.size).pvalue > FALSE_ALARM


def test_normal_tails():
    """Numbers beyond 4 and 4.8 sigma among 4 million are Poisson."""
    draws = np.abs(_core.normals(SEED, _core.Purpose.starts, 0, 0, 0, 4_000_000))
    for bound in (4.0, 4.8):
        mean = 2 * stats.norm.sf(bound) * draws.size
        count = int((draws > bound).sum())
        assert min(stats.poisson.cdf(count, mean), stats.poisson.sf(count - 1, mean)) > FALSE_ALARM / 2


def test_neighbours_seeds_purposes_subjects_and_draws_are_uncorrelated():
    n = 200_000
    base = _core.normals(SEED, _core.Purpose.couplings, 3, 0, 0, n).astype(np.float64)
    streams = {
        "seed": _core.normals(SEED + 1, _core.Purpose.couplings, 3, 0, 0, n),
        "purpose": _core.normals(SEED, _core.Purpose.points, 3, 0, 0, n),
        "subject": _core.normals(SEED, _core.Purpose.couplings, 4, 0, 0, n),
        "draw": _core.normals(SEED, _core.Purpose.couplings, 3, 1, 0, n),
        **{f"lag {k}": np.roll(base, k) for k in (1, 2, 3, 4, 8)},
    }
    for name, other in streams.items():
        for power in (1, 2):
            assert stats.pearsonr(base**power, other.astype(np.float64) ** power).pvalue > FALSE_ALARM, (name, power)


# --- from rng= to a seed ---------------------------------------------------------------------------------------------


def test_an_int_and_its_seed_sequence_are_one_seed():
    assert seed_from(7) == seed_from(np.int64(7)) == seed_from(np.random.SeedSequence(7))
    assert seed_from(7) != seed_from(8)


def test_a_seed_sequence_is_left_as_it_was():
    sequence = np.random.SeedSequence(3)
    assert seed_from(sequence) == seed_from(sequence)
    assert sequence.n_children_spawned == 0


def test_a_generator_is_advanced():
    generator = np.random.default_rng(1)
    assert seed_from(generator) != seed_from(generator)
    assert seed_from(np.random.default_rng(1)) == seed_from(np.random.default_rng(1))


def test_none_is_fresh_every_time():
    assert seed_from(None) != seed_from(None)


def test_child_seeds_do_not_depend_on_their_number():
    assert child_seeds(5, 3) == child_seeds(5, 10)[:3]
    assert len(set(child_seeds(5, 100))) == 100


@pytest.mark.parametrize("bad", [True, 1.5, "7", [1, 2], np.random.RandomState(0)])
def test_other_seeds_are_refused(bad):
    with pytest.raises(TypeError, match="rng"):
        seed_from(bad)


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match=r"rng.*-1"):
        seed_from(-1)
