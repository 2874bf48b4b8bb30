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


@pytest.mark.parametrize("spheres", [(4,), 4, (4, 1, 1), "ab"])
def test_spheres_of_0_1_0_are_a_number_and_a_size(spheres):
    landscape = Quadratic(np.eye(4))
    landscape.spheres = spheres
    with pytest.raises(TypeError, match=r"^landscape: expected spheres = \(number"):
        sp.count_index(landscape, np.ones((1, 4)))


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


class Wells:
    """Σ (x_i² - 1)² + ½ c Σ (x_i - x_{i+1})²: a chain of double wells. A landscape is one class, and nothing else."""

    size, coupling = 3, 0.1
    domain = sp.Domain.flat(3)

    def energy(self, points):
        return np.sum((points**2 - 1) ** 2, axis=1) + self.coupling / 2 * np.sum(np.diff(points) ** 2, axis=1)

    def gradient(self, points):
        bond = self.coupling * np.diff(points)
        return 4 * points * (points**2 - 1) + np.pad(bond, ((0, 0), (1, 0))) - np.pad(bond, ((0, 0), (0, 1)))

    def hessian(self, points):
        chain = self.coupling * np.array([[1.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 1.0]])
        return chain + (12 * points[:, :, None] ** 2 - 4) * np.eye(3)


def test_a_landscape_of_ones_own_is_one_class():
    """Eight wells; the origin is a critical point with eigenvalues -4 + 0.1 (0, 1, 3)."""
    wells, starts = Wells(), 0.3 * np.random.default_rng(0).normal(size=(20, 3))
    assert sp.check_landscape(wells, starts[:2]).ok
    signs = np.sign(starts[:8])
    ends = [sp.descend(wells, signs, method, max_steps=5000) for method in ("gradient", "lbfgs", "trust-region")]
    exact = sp.refine(wells, signs)
    for end in ends:
        np.testing.assert_allclose(end.points, exact.points, atol=1e-5)
    assert exact.converged.all()
    assert sp.count_index(wells, exact.points).positive.tolist() == [3] * 8
    np.testing.assert_allclose(exact.energy_density, wells.energy(exact.points), rtol=1e-12)
    saddles = sp.find_saddles(wells, 1, starts=starts)
    assert saddles.reached.all()
    origin = sp.count_index(wells, np.zeros((1, 3)))
    assert (origin.negative[0], origin.margin[0]) == (3, pytest.approx(3.7, abs=1e-2))
    density = sp.spectral_density(wells, np.zeros(3), probes=1, steps=3, rng=0)
    np.testing.assert_allclose(np.sort(density.nodes[0]), [-4.0, -3.9, -3.7], atol=1e-10)
    along = sp.slice_energy(wells, [np.ones(3), -np.ones(3)], np.linspace(0, 2 * np.sqrt(3), 5))
    np.testing.assert_allclose(along.energy, [0, 3 * 0.75**2, 3, 3 * 0.75**2, 0], atol=1e-12)
    chain = sp.sample(wells, signs, beta=50.0, steps=50, rng=0)
    assert (np.sign(chain.points) == signs).all()


def test_a_convolution_on_spheres():
    """A torch model with a sphere a filter: derivatives against energies, indices against dense spectra."""
    torch = pytest.importorskip("torch")
    from spinscape import networks as nn

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv1d(1, 2, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(8, 2, bias=False)
    )
    X, y = torch.randn(12, 1, 6), torch.randint(0, 2, (12,))
    flat = nn.landscape_of(model, torch.nn.CrossEntropyLoss(), X, y)
    # Coordinates: two filters of 3 weights, their 2 biases, 16 output weights. The biases share a sphere here.
    on = sp.on_spheres(flat, (3, 3, 2, 8))
    assert on.domain == sp.Domain.spheres((3, 3, 2, 8), flat=8)
    points = on.domain.random_points(3, rng=1)
    found = sp.check_landscape(on, points)
    assert found.ok, found
    count = sp.count_index(on, points, zero_tol=1e-6)
    for row, point in enumerate(points):
        normals = on.domain.radial(point)
        frame = np.linalg.svd(normals)[2][len(normals) :]
        spectrum = np.linalg.eigvalsh(frame @ on.hessian(points[row : row + 1])[0] @ frame.T)
        assert count.negative[row] == (spectrum < -1e-6).sum()
        assert count.zero[row] + count.positive[row] == (spectrum >= -1e-6).sum()
    end = sp.descend(on, points, "lbfgs", max_steps=30)
    assert (end.energy_density < on.energy(points)).all()
    np.testing.assert_allclose(on.domain.retract(end.points), end.points, rtol=1e-12)


def test_the_former_name_of_the_first_argument():
    glass = sp.PureGlass(3, 5, rng=0)
    w = glass.random_points(2, rng=0)
    assert (sp.descend(glass=glass, points=w).points == sp.descend(landscape=glass, points=w).points).all()
    with pytest.raises(TypeError, match="descend: expected one of landscape and glass, its former name, got both"):
        sp.descend(glass, w, glass=glass)
    with pytest.raises(TypeError, match="descend: expected one of"):
        sp.descend(landscape=glass, points=w, glass=glass)
