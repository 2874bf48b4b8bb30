"""The domain of a landscape; oracles: group laws, closed forms on the circle, the formulas of 0.1.0 word for word."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spinscape as sp
from spinscape import _core
from spinscape.randomness import seed_from

DOMAINS = [
    sp.Domain.flat(4),
    sp.Domain.spheres(7),
    sp.Domain.spheres((3,) * 5),
    sp.Domain.spheres((2, 5, 5, 3), flat=2),
    sp.Domain.spheres((4, 4), flat=1),
]


@st.composite
def domains(draw):
    sizes = draw(st.lists(st.integers(2, 6), max_size=4))
    return sp.Domain.spheres(sizes, flat=draw(st.integers(0 if sizes else 1, 3)))


def spheres_of(domain):
    """The spheres' coordinates one by one: how the tests know a domain, without its runs."""
    ends = np.cumsum(domain.sizes, dtype=int)
    return [(slice(end - size, end), size) for size, end in zip(domain.sizes, ends, strict=True)]


def some(domain, seed, rows=3, length=1.0):
    rng = np.random.default_rng(seed)
    points = domain.random_points(rows, rng=seed)
    return points, length * domain.project(points, rng.normal(size=points.shape))


def assert_on(domain, points, rtol=1e-13):
    for at, size in spheres_of(domain):
        np.testing.assert_allclose(np.sum(points[..., at] ** 2, axis=-1), size, rtol=rtol)


@settings(max_examples=60, deadline=None)
@given(domains(), st.integers(0, 10**6))
def test_projection(domain, seed):
    points, tangent = some(domain, seed)
    for at, _ in spheres_of(domain):
        np.testing.assert_allclose(np.sum(points[:, at] * tangent[:, at], axis=1), 0, atol=1e-13)
    np.testing.assert_allclose(domain.project(points, tangent), tangent, atol=1e-14)
    other = np.random.default_rng(seed + 1).normal(size=points.shape)
    projected = domain.project(points, other)
    np.testing.assert_allclose(np.sum(projected * tangent), np.sum(other * tangent), atol=1e-12)  # P is symmetric
    flat = domain.size - domain.flat_size
    np.testing.assert_array_equal(projected[:, flat:], other[:, flat:])
    matrix = domain.project(np.repeat(points[:1], domain.size, axis=0), np.eye(domain.size))
    assert np.trace(matrix) == pytest.approx(domain.dimension, abs=1e-12)
    normals = domain.radial(points[0])
    assert normals.shape == (len(domain.sizes), domain.size)
    np.testing.assert_allclose(matrix + normals.T @ normals, np.eye(domain.size), atol=1e-14)


@settings(max_examples=60, deadline=None)
@given(domains(), st.integers(0, 10**6), st.floats(0.05, 0.5), st.floats(-1.5, 2.0))
def test_geodesics_are_one_parameter_groups(domain, seed, length, t):
    points, tangent = some(domain, seed, length=length)
    there = domain.exp(points, tangent)
    assert_on(domain, there)
    np.testing.assert_allclose(domain.exp(points, np.zeros_like(points)), points, atol=1e-14)
    # exp(w, (s + t) v) = exp(exp(w, s v), t v'), v' the velocity carried along
    velocity = (domain.exp(points, 1.0001 * tangent) - domain.exp(points, 0.9999 * tangent)) / 2e-4
    velocity = domain.project(there, velocity)
    np.testing.assert_allclose(domain.exp(there, t * velocity), domain.exp(points, (1 + t) * tangent), atol=2e-6)
    away = np.array([np.linalg.norm(tangent[:, at], axis=1) / np.sqrt(size) for at, size in spheres_of(domain)])
    if (away < 3).all():  # the shortest way
        np.testing.assert_allclose(domain.log(points, there), tangent, atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(domain.log(there, points)), np.linalg.norm(tangent), rtol=1e-6)
        middle = domain.geodesic(points, there, 0.5)
        np.testing.assert_allclose(middle, domain.exp(points, 0.5 * tangent), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(domains(), st.integers(0, 10**6))
def test_retraction(domain, seed):
    points, tangent = some(domain, seed)
    np.testing.assert_allclose(domain.retract(points), points, rtol=1e-14)
    moved = domain.retract(points + tangent)
    assert_on(domain, moved)
    for at, _ in spheres_of(domain):  # the nearest point lies in the same direction
        cosine = np.sum(moved[:, at] * (points + tangent)[:, at], axis=1)
        lengths = np.linalg.norm(moved[:, at], axis=1) * np.linalg.norm((points + tangent)[:, at], axis=1)
        np.testing.assert_allclose(cosine, lengths, rtol=1e-13)
    # of second order: R(w, t v) = exp(w, t v) + O(t^3)
    error = [np.abs(domain.retract(points + t * tangent) - domain.exp(points, t * tangent)).max() for t in (1e-2, 1e-3)]
    assert error[1] <= 2e-3 * error[0] + 1e-14


def test_on_the_circle_angles_add():
    circle = sp.Domain.spheres(2)

    def at(angle):
        return np.sqrt(2) * np.array([[np.cos(angle), np.sin(angle)]])

    np.testing.assert_allclose(circle.geodesic(at(0.3), at(1.5), 0.25), at(0.6), atol=1e-14)
    np.testing.assert_allclose(circle.geodesic(at(0.1), at(-3.0), 0.5), at(-1.45), atol=1e-14)
    several = circle.geodesic(at(0.3), at(1.5), [0.0, 0.5, 1.0])
    assert several.shape == (1, 3, 2)
    np.testing.assert_allclose(several[0], np.concatenate([at(0.3), at(0.9), at(1.5)]), atol=1e-14)
    np.testing.assert_allclose(circle.overlap(at(0.3), at(1.5)), np.cos(1.2), atol=1e-15)


def test_overlap_is_the_cosine_where_something_is_flat():
    for domain in (sp.Domain.flat(3), sp.Domain.spheres(4, flat=3)):
        a, b = domain.random_points(5, rng=0), domain.random_points(5, rng=1)
        cosines = [x @ y / np.sqrt((x @ x) * (y @ y)) for x, y in zip(a, b, strict=True)]
        np.testing.assert_allclose(domain.overlap(a, b), cosines, rtol=1e-13)
    assert np.isnan(sp.Domain.flat(3).overlap(np.zeros((1, 3)), np.ones((1, 3)))).all()


def test_points_are_taken_to_one_in_ten_thousand():
    domain = sp.Domain.spheres((5, 5))
    points = domain.random_points(3, rng=0)
    for factor in (0.9999, 1.0001):  # of |w|², on one sphere of one row
        near, far = points.copy(), points.copy()
        near[1, 5:] *= np.sqrt(1 + 0.99 * (factor - 1))
        far[1, 5:] *= np.sqrt(1 + 1.01 * (factor - 1))
        np.testing.assert_array_equal(domain.checked(near), near)
        with pytest.raises(ValueError, match=r"in row 1, sphere 1$"):
            domain.checked(far)


def test_antipodes_need_a_direction():
    domain = sp.Domain.spheres((3, 3))
    points, through = domain.random_points(2, rng=0), np.random.default_rng(1).normal(size=(2, 6))
    others = points.copy()
    others[1, 3:] *= -1
    with pytest.raises(ValueError, match="others: expected points that are not antipodal"):
        domain.log(points, others)
    away = domain.log(points, others, through=through)
    np.testing.assert_allclose(np.linalg.norm(away[1, 3:]), np.pi * np.sqrt(3))
    np.testing.assert_allclose(domain.exp(points, away), others, atol=1e-12)


@pytest.mark.parametrize("spheres", [(1, 11), (3, 5)])
def test_the_bits_are_those_of_version_0_1_0(spheres):
    """The functions of 0.1.0's landscape.py and geodesics.py, copied here."""
    count, size = spheres
    domain, D = sp.Domain.spheres((size,) * count), count * size
    parts = _core.normals(seed_from(4), _core.Purpose.points, 0, 0, 0, 5 * D).astype(np.float64).reshape(5, *spheres)
    squares = parts * parts
    np.cumsum(squares, axis=2, out=squares)
    parts *= np.sqrt(size / squares[:, :, -1:])
    points = parts.reshape(5, D)
    np.testing.assert_array_equal(domain.random_points(5, rng=4), points)

    block = points * 1.00001
    layers = block.reshape(5, *spheres)
    squares = np.einsum("rsi,rsi->rs", layers, layers, dtype=np.float64)
    np.testing.assert_array_equal(domain.retract(block), (layers * np.sqrt(size / squares)[:, :, None]).reshape(5, D))
    vectors = np.random.default_rng(0).normal(size=points.shape)
    base, given = points.reshape(5, *spheres), vectors.reshape(5, *spheres)
    radial = np.sum(base * given, axis=-1, keepdims=True) / size
    tangent = given - radial * base
    np.testing.assert_array_equal(domain.project(points, vectors), tangent.reshape(5, D))
    angle = np.sqrt(np.sum(tangent * tangent, axis=-1, keepdims=True) / size)
    moved = np.cos(angle) * base + np.sinc(angle / np.pi) * tangent
    moved *= np.sqrt(size / np.sum(moved * moved, axis=-1, keepdims=True))
    np.testing.assert_array_equal(domain.exp(points, tangent.reshape(5, D)), moved.reshape(5, D))
    others = domain.random_points(5, rng=9)
    np.testing.assert_array_equal(domain.overlap(points, others), np.einsum("ri,ri->r", points, others) / D)


def test_random_points_have_the_law():
    """4,000 rows: means of w_i^2 within 6 standard errors, about 1e-8 of false alarms in all."""
    domain = sp.Domain.spheres((3, 6), flat=2)
    points = domain.random_points(4000, rng=0)
    assert_on(domain, points, 1e-12)
    for column in range(domain.size):
        variance = points[:, column] ** 2
        assert abs(variance.mean() - 1) < 6 * variance.std() / np.sqrt(4000)
        assert abs(points[:, column].mean()) < 6 / np.sqrt(4000)
    np.testing.assert_array_equal(domain.random_points(7, rng=0), points[:7])
    assert domain.random_points(0, rng=0).shape == (0, 11)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_is_a_value(domain):
    assert eval(repr(domain), {"Domain": sp.Domain}) == domain
    assert pickle.loads(pickle.dumps(domain)) == domain
    assert len({domain, sp.Domain(domain.sizes, domain.flat_size)}) == 1
    assert domain.dimension == domain.size - len(domain.sizes)
    with pytest.raises(AttributeError):
        domain.sizes = ()
    for shape in [(0, domain.size), (2, 3, domain.size)]:
        points = domain.random_points(int(np.prod(shape[:-1])), rng=0).reshape(shape)
        assert domain.exp(points, np.zeros(shape)).shape == domain.retract(points).shape == shape


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: sp.Domain.spheres((3, 0)), ValueError, "sizes: expected integers from 1"),
        (lambda: sp.Domain.spheres((3, 2.5)), TypeError, "sizes: expected an integer"),
        (lambda: sp.Domain.spheres(()), ValueError, "sizes: expected at least one coordinate"),
        (lambda: sp.Domain.flat(0), ValueError, "n: expected an integer from 1"),
        (
            lambda: sp.Domain.spheres(3).project(np.ones((1, 3)), np.ones((2, 3))),
            ValueError,
            "vectors: expected the sh",
        ),
        (lambda: sp.Domain.spheres(3).exp(np.eye(3), np.eye(3)), ValueError, r"points: expected \|w\|\^2 = 3 to 1e-4"),
        (lambda: sp.Domain.spheres(3).log(np.ones((1, 3)), np.eye(3)[:1]), ValueError, "others: .*got 1 in row 0"),
        (lambda: sp.Domain.spheres((2, 3)).overlap(np.ones((1, 5)), np.zeros((1, 5))), ValueError, "row 0, sphere 0"),
        (lambda: sp.Domain.spheres(3).retract(np.zeros((1, 3))), ValueError, r"\|w\| > 0"),
        (lambda: sp.Domain.flat(3).retract(np.zeros((1, 4))), ValueError, r"points: expected shape \(..., 3\)"),
        (lambda: sp.Domain.spheres(10**9).random_points(10**6), MemoryError, "count: 1,000,000 points"),
    ],
)
def test_what_is_no_domain_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()
