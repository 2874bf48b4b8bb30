"""A certificate rests on checks: Hessians that are wrong, asymmetric or of the moment are refused by name.

Oracles: differences of gradients, dense eigenvalues, a quadratic whose Hessian is known.
"""

import numpy as np
import pytest

import spinscape as sp
from spinscape.landscape import as_landscape, certified, check_products


class Quartic:
    """E = w.A w/2 + |w|⁴ scale/4 on flat space, or restricted to the sphere |w|² = size."""

    def __init__(self, A, spheres=None, scale=1.0):
        self.A, self.size, self.spheres, self.scale = A, len(A), spheres, scale
        self.wrong = np.zeros_like(A)

    def energy(self, points):
        return np.einsum("ri,ij,rj->r", points, self.A, points) / 2 + self.scale * np.sum(points**2, axis=1) ** 2 / 4

    def flat_gradient(self, points):
        return points @ self.A + self.scale * np.sum(points**2, axis=1, keepdims=True) * points

    def gradient(self, points):
        return self.tangent(points, self.flat_gradient(points))

    def tangent(self, points, vectors):
        if self.spheres is None:
            return vectors
        return vectors - points * np.sum(points * vectors, axis=1, keepdims=True) / self.size

    def hessian(self, points):
        return np.array([self.one(w) for w in points])

    def one(self, w):
        H = self.A + self.scale * (w @ w * np.eye(self.size) + 2 * np.outer(w, w)) + self.wrong
        if self.spheres is None:
            return H
        P = np.eye(self.size) - np.outer(w, w) / (w @ w)
        return P @ (H - (w @ self.flat_gradient(w[None])[0]) / self.size * np.eye(self.size)) @ P

    def hvp(self, points, vectors):
        return np.einsum("rij,rj->ri", self.hessian(points), vectors)


def quartic(seed=0, n=12, **options):
    A = np.random.default_rng(seed).normal(size=(n, n))
    return Quartic(A + A.T, **options)


def points_of(landscape, seed=1):
    w = np.random.default_rng(seed).normal(size=(1, landscape.size))
    return w if landscape.spheres is None else w * np.sqrt(landscape.size / np.sum(w**2))


@pytest.mark.parametrize("spheres", [None, (1, 12)])
@pytest.mark.parametrize("unit", [1e-200, 1e-12, 1.0, 1e12, 1e200])
def test_right_hessians_pass_in_any_units(spheres, unit):
    landscape = quartic(spheres=spheres)
    landscape.A, landscape.scale = landscape.A * unit, unit
    w = points_of(landscape)
    called = certified(as_landscape(landscape))
    H = called.hessian(w)[0]
    np.testing.assert_allclose(H, H.T, atol=1e-14 * unit * landscape.size)
    check_products(called, w[0])
    values = np.linalg.eigvalsh(H / unit)
    expected = int((values < -1e-9).sum())
    for method in ("tridiagonal", "lanczos"):
        count = sp.count_index(landscape, w, 0.0, method)
        assert count.negative[0] == expected
        assert count.certified[0]


@pytest.mark.parametrize("spheres", [None, (1, 12)])
@pytest.mark.parametrize("size", [1e-3, 0.1])
def test_wrong_hessians_are_refused(spheres, size):
    landscape = quartic(spheres=spheres)
    w = points_of(landscape)
    landscape.wrong[2, 5] = landscape.wrong[5, 2] = size * np.abs(landscape.A).max()
    for method in ("tridiagonal", "cholesky", "lanczos"):
        with pytest.raises(
            ValueError, match=r"landscape: expected .* derivative of gradient, got products that differ"
        ):
            sp.count_index(landscape, w, method=method)
    with pytest.raises(ValueError, match="derivative of gradient"):
        sp.spectral_density(landscape, w[0], probes=2, steps=4, rng=0)
    landscape.wrong[5, 2] = 0.0
    with pytest.raises(ValueError, match="landscape: expected symmetric Hessians, got entries that differ by"):
        sp.count_index(landscape, w, method="tridiagonal")
    landscape.exact_derivatives = True  # its word is taken for the derivative, never for the symmetry
    with pytest.raises(ValueError, match="symmetric"):
        sp.count_index(landscape, w, method="tridiagonal")


def test_what_changes_from_call_to_call_is_refused():
    landscape = quartic()
    noise = np.random.default_rng(3)
    exact = landscape.flat_gradient
    landscape.flat_gradient = lambda points: exact(points) + 1e-3 * noise.normal(size=points.shape)
    with pytest.raises(ValueError, match="two different ones from gradient"):
        sp.count_index(landscape, points_of(landscape))


def test_a_hessian_that_is_not_finite():
    landscape = quartic()
    landscape.wrong[0, 0] = np.nan
    with pytest.raises(OverflowError, match="not finite"):
        sp.count_index(landscape, points_of(landscape))


def test_linear_and_flat_landscapes_pass():
    landscape = quartic(scale=0.0)
    landscape.A = np.zeros_like(landscape.A)
    count = sp.count_index(landscape, points_of(landscape))
    assert count.zero[0] == landscape.size
