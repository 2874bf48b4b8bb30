"""Which points are the same: beside a comparison of all pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spinscape as sp


def by_pairs(points, symmetries, tolerance):
    """The first of each, every row compared with every one kept."""
    kept = []
    for row, point in enumerate(points):
        images = symmetries * point
        if not any(np.sqrt(np.mean((points[other] - image) ** 2)) <= tolerance for other in kept for image in images):
            kept.append(row)
    return kept


GLASSES = [
    sp.PureGlass(3, 5, rng=0),
    sp.PureGlass(4, 5, rng=0),
    sp.MixedGlass({2: 1.0, 4: 1.0}, 5, rng=0),
    sp.MixedGlass({3: 1.0, 4: 1.0}, 5, rng=0),
    sp.LayeredGlass(3, 2, rng=0),
    sp.PureGlass(4, 5, rng=0).with_field(np.ones(5), 1.0),
    sp.PureGlass(4, 5, rng=0).with_spike(np.ones(5), 1.0, 2),
]


@settings(max_examples=60)
@given(
    st.sampled_from(GLASSES),
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.sampled_from([0.0, 1e-8, 4e-7, 1e-3])), max_size=20),
)
def test_as_by_all_pairs(glass, seed, copies):
    base = glass.random_points(5, rng=seed)
    draw = np.random.default_rng(seed)
    rows = [base[row] * glass.symmetries[image % len(glass.symmetries)] for row, image, _ in copies]
    shifts = np.array([shift for *_, shift in copies])[:, None] * draw.normal(size=(len(copies), glass.size))
    points = glass.domain.retract(np.array(rows).reshape(-1, glass.size) + shifts) if copies else base[:0]
    found = sp.distinct(points, glass)
    assert found.dtype == np.int64
    assert found.tolist() == by_pairs(points, glass.symmetries, 1e-6)
    assert sp.distinct(points).tolist() == by_pairs(points, np.ones((1, glass.size)), 1e-6)


@pytest.mark.parametrize(("glass", "count"), list(zip(GLASSES, (1, 2, 2, 1, 4, 1, 2), strict=True)))
def test_signs_that_leave_the_energy(glass, count):
    assert len(glass.symmetries) == count
    w = glass.random_points(3, rng=0)
    even = (glass.symmetries == -1).all(axis=1).any()
    assert len(sp.distinct(np.concatenate([w, -w]), glass)) == (3 if even else 6)


def test_larger_symmetries_by_canonical_points():
    class Exchangeable:
        size, domain = 3, sp.Domain.flat(3)

        def energy(self, points):
            return points.sum(axis=1)

        def gradient(self, points):
            return np.ones_like(points)

        def canonical(self, points):
            return np.sort(points, axis=1)

    points = np.array([[1.0, 2, 3], [3, 1, 2], [1, 2, 4], [2, 3, 1 + 1e-9]])
    assert sp.distinct(points, Exchangeable()).tolist() == [0, 2]


def test_many_points_without_all_pairs(available):
    available(200 << 20)  # all pairs would be 3.2 GB
    draw = np.random.default_rng(0)
    base = draw.normal(size=(2000, 30))
    order = draw.integers(0, 2000, size=20_000)
    found = sp.distinct(base[order] + 1e-9 * draw.normal(size=(20_000, 30)))
    assert found.tolist() == np.sort(np.unique(order, return_index=True)[1]).tolist()


def test_no_points_and_wrong_ones():
    assert sp.distinct(np.empty((0, 3))).tolist() == []
    with pytest.raises(ValueError, match="points"):
        sp.distinct(np.zeros(3))
    with pytest.raises(ValueError, match="points"):
        sp.distinct(np.zeros((2, 5)), GLASSES[0])  # off the sphere
    with pytest.raises(ValueError, match="tolerance"):
        sp.distinct(np.zeros((2, 3)), tolerance=-1)
