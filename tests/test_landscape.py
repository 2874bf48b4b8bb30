"""A user's own landscape through the protocol; oracles: known spectra, and the same glass counted by the core."""

import numpy as np
import pytest

import spinscape as sp


class Quadratic:
    """½ wᵀAw on flat space."""

    spheres = None

    def __init__(self, matrix):
        self.matrix = matrix
        self.size = len(matrix)

    def energy(self, points):
        return 0.5 * np.einsum("ri,ij,rj->r", points, self.matrix, points)

    def gradient(self, points):
        return points @ self.matrix

    def hvp(self, points, vectors):
        return vectors @ self.matrix

    def hessian(self, points):
        return np.broadcast_to(self.matrix, (len(points), self.size, self.size))


class Disguised:
    """A glass that the package does not recognise as one."""

    def __init__(self, glass):
        self.size, self.spheres = glass.size, glass.spheres
        self.energy, self.gradient, self.hvp, self.hessian = glass.energy, glass.gradient, glass.hvp, glass.hessian


@pytest.mark.parametrize("method", ["auto", "tridiagonal", "cholesky", "lanczos"])
def test_flat_space_counts_every_eigenvalue(method):
    basis, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(9, 9)))
    values = np.array([-3.0, -1.0, -1.0, 0.0, 5e-4, 0.3, 1.0, 2.0, 40.0])
    landscape = Quadratic(basis @ np.diag(values) @ basis.T)
    count = sp.count_index(landscape, np.zeros((2, 9)), method=method)
    assert count.negative.tolist() == [3, 3]
    assert count.zero.tolist() == [2, 2]
    assert count.positive.tolist() == [4, 4]
    assert count.certified.all()
    np.testing.assert_allclose(count.margin, 5e-4, rtol=1e-6)


@pytest.mark.parametrize("method", ["tridiagonal", "lanczos"])
@pytest.mark.parametrize("glass", [sp.PureGlass(3, 12, rng=1), sp.LayeredGlass(3, 5, rng=2)])
def test_radial_directions_are_not_counted(glass, method):
    points = glass.random_points(4, rng=3)
    expected = sp.count_index(glass, points, method="tridiagonal")
    found = sp.count_index(Disguised(glass), points, method=method)
    for name in ("negative", "zero", "positive", "certified"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    np.testing.assert_allclose(found.margin, expected.margin, rtol=1e-9, atol=1e-12)


def test_no_points():
    assert sp.count_index(Quadratic(np.eye(3)), np.zeros((0, 3))).negative.shape == (0,)


def test_what_is_missing_is_named():
    class Half:
        size = 3

        def energy(self, points):
            return points.sum(axis=1)

    with pytest.raises(TypeError, match=r"landscape: .*Half without domain, gradient"):
        sp.count_index(Half(), np.zeros((1, 3)))
    assert isinstance(sp.PureGlass(3, 5, rng=0), sp.Landscape)
