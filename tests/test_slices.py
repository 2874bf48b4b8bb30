"""Slices; oracles: trigonometric polynomials of degree p, dense quadratic forms, distances in flat space."""

import numpy as np
import pytest

import spinscape as sp
from dense import symmetric_tensor
from known_landscapes import UnequalSpheres
from spinscape.couplings import packed_from_tensor


class Bowl:
    """½ wᵀAw on flat space."""

    spheres = None

    def __init__(self, matrix):
        self.matrix, self.size = matrix, len(matrix)

    def energy(self, points):
        return 0.5 * np.einsum("ri,ij,rj->r", points, self.matrix, points)

    def gradient(self, points):
        return points @ self.matrix

    def hvp(self, points, vectors):
        return vectors @ self.matrix

    def hessian(self, points):
        return np.broadcast_to(self.matrix, (len(points), self.size, self.size))


@pytest.mark.parametrize("p", [2, 3, 4, 5])
def test_energy_on_a_great_circle_is_a_trigonometric_polynomial_of_degree_p(p):
    glass = sp.PureGlass(p, 14, rng=p)
    count = 64
    angles = 2 * np.pi * np.arange(count) / count
    found = sp.slice_energy(glass, glass.random_points(2, rng=1), angles)
    harmonics = np.abs(np.fft.rfft(found.energy)) / count
    allowed = np.arange(harmonics.size) % 2 == p % 2
    allowed[p + 1 :] = False
    assert harmonics[allowed].min() > 1e-4
    assert harmonics[~allowed].max() < 1e-13 * harmonics.max() * count
    np.testing.assert_allclose(found.energy_density, found.energy / 14)


def test_a_great_sphere_of_a_quadratic_glass_is_its_quadratic_form():
    glass = sp.PureGlass(2, 9, rng=3)
    points = glass.random_points(3, rng=2)
    axes = np.linspace(-3, 3, 7), np.linspace(-2, 2, 5)
    found = sp.slice_energy(glass, points, *axes)
    matrix = symmetric_tensor(glass.couplings, 2, 9) / 3.0
    # Gram-Schmidt by hand; w(x, y) = cos r e0 + sin r (x e1 + y e2)/r
    e0 = points[0]
    e1 = points[1] - (points[1] @ e0) / 9 * e0
    e1 *= 3 / np.linalg.norm(e1)
    e2 = points[2] - (points[2] @ e0) / 9 * e0 - (points[2] @ e1) / 9 * e1
    e2 *= 3 / np.linalg.norm(e2)
    for i, x in enumerate(axes[0]):
        for j, y in enumerate(axes[1]):
            r = np.hypot(x, y)
            w = np.cos(r) * e0 + np.sinc(r / np.pi) * (x * e1 + y * e2)
            assert found.energy[i, j] == pytest.approx(w @ matrix @ w, abs=1e-12)


@pytest.mark.parametrize("glass", [sp.PureGlass(3, 11, rng=0), sp.LayeredGlass(3, 6, rng=0), Bowl(np.eye(5))])
@pytest.mark.parametrize("count", [2, 3])
def test_the_points_lie_where_the_marks_say(glass, count):
    if isinstance(glass, Bowl):
        points = np.random.default_rng(1).normal(size=(count, 5))
    else:
        points = glass.random_points(count, rng=1)
    found = sp.slice_energy(glass, points, *[np.zeros(1)] * (count - 1))
    np.testing.assert_allclose(sp.slice_points(glass, points, found.marks), points, atol=1e-12)
    assert found.marks[0].tolist() == [0] * (count - 1)
    assert found.marks[-1, -1] > 0
    assert found.curved != isinstance(glass, Bowl)
    if glass.spheres is not None:
        overlap = np.einsum("rsi,rsi->rs", *[points[[k]].reshape(1, *glass.spheres) for k in (0, 1)]) / glass.spheres[1]
        angle = np.sqrt(np.mean(np.arccos(overlap) ** 2))
    else:
        angle = np.linalg.norm(points[1] - points[0])
    assert found.marks[1, 0] == pytest.approx(angle, rel=1e-12)


def test_lines_on_flat_space():
    bowl = Bowl(np.diag([1.0, 3.0, -2.0]))
    a, b = np.array([1.0, 0.0, 2.0]), np.array([0.0, 2.0, 2.0])
    found = sp.slice_energy(bowl, [a, b])
    assert found.coordinates[0][[0, -1]] == pytest.approx([-np.sqrt(5) / 2, 1.5 * np.sqrt(5)])
    line = a + found.coordinates[0][:, None] / np.sqrt(5) * (b - a)
    np.testing.assert_allclose(found.energy, bowl.energy(line), atol=1e-13)
    assert found.energy_scale == 1


def test_the_whole_circle_by_default_in_blocks(monkeypatch):
    glass = sp.PureGlass(3, 10, rng=0)
    through = glass.random_points(3, rng=1)
    whole = sp.slice_energy(glass, through)
    assert whole.energy.shape == (121, 121)
    assert whole.coordinates[0][[0, -1]] == pytest.approx([-np.pi, np.pi])
    monkeypatch.setattr("spinscape.geometry.slices._BLOCK", 70)
    np.testing.assert_array_equal(sp.slice_energy(glass, through).energy, whole.energy)


def test_what_spans_no_slice_is_refused():
    glass = sp.PureGlass(3, 8, rng=0)
    w = glass.random_points(2, rng=1)
    third = sp.slice_points(glass, w, [2.0])
    for points, words in [
        (w[[0, 0]], "span a slice"),
        (np.stack([w[0], -w[0]]), "antipod"),
        (np.concatenate([w, third]), "span a slice"),
        (w[:1], "two or three points"),
        (2 * w, "through: expected .w."),
    ]:
        with pytest.raises(ValueError, match=words):
            sp.slice_energy(glass, points)
    with pytest.raises(ValueError, match="coordinates: expected 1"):
        sp.slice_energy(glass, w, [0.0], [0.0])
    with pytest.raises(ValueError, match="at: expected shape"):
        sp.slice_points(glass, w, np.zeros((3, 2)))
    with pytest.raises(TypeError, match="landscape: expected"):
        sp.slice_energy(3, w)


def test_float32_glasses_are_sliced_in_their_own_arithmetic():
    X = np.random.default_rng(0).normal(size=(5, 5, 5))
    p, N, packed = packed_from_tensor(X)
    exact = sp.PureGlass.from_couplings(packed, p=p, N=N)
    through = exact.random_points(2, rng=0)
    rough = sp.slice_energy(exact.astype("float32"), through)
    np.testing.assert_allclose(rough.energy, sp.slice_energy(exact, through).energy, atol=1e-5)


def test_slices_through_unequal_spheres():
    landscape = UnequalSpheres(sizes=(3, 5), flat=2)
    points = landscape.domain.random_points(3, rng=4)
    axes = np.linspace(-3, 3, 7), np.linspace(-2, 2, 5)
    found = sp.slice_energy(landscape, points, *axes)
    places = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    block = landscape.domain.checked(sp.slice_points(landscape, points, places))
    np.testing.assert_allclose(found.energy.ravel(), landscape.energy(block), rtol=1e-12)
    np.testing.assert_allclose(sp.slice_points(landscape, points, found.marks), points, atol=1e-12)
    assert found.curved
