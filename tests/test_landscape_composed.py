"""Landscapes made of landscapes; oracles: closed forms, dense projections, the kernels of the glass."""

import numpy as np
import pytest

import known_landscapes as known
import spinscape as sp
from quartic import (
    quartic,
    quartic_gradient,
    quartic_hessian,
    quartic_hvp,
    quartic_landscape,
)
from spinscape.landscape import as_landscape


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(4, 6))


@pytest.mark.parametrize(
    "glass", [sp.PureGlass(3, 9, rng=1), sp.LayeredGlass(3, 4, rng=2).with_spike(np.ones(12), 0.6, 3)]
)
def test_a_glass_put_on_its_own_spheres_is_the_glass(glass):
    """The Euclidean members through on_spheres against the Riemannian kernels."""
    again = as_landscape(sp.on_spheres(glass, glass.domain.sizes))
    points = glass.random_points(4, rng=3)
    vectors = np.random.default_rng(4).normal(size=points.shape)
    np.testing.assert_array_equal(again.energy(points), glass.energy(points))
    np.testing.assert_allclose(again.gradient(points), glass.gradient(points), atol=1e-13)
    np.testing.assert_allclose(again.energy_gradient(points)[1], glass.gradient(points), atol=1e-13)
    np.testing.assert_allclose(again.hvp(points, vectors), glass.hvp(points, vectors), atol=1e-12)
    np.testing.assert_allclose(again.hessian(points), glass.hessian(points), atol=1e-12)
    assert again.energy_scale == glass.energy_scale
    assert again.domain == glass.domain


@pytest.mark.parametrize("sizes", [(6,), (2, 3), (1, 2, 2), (3, 3)])
def test_on_spheres_of_any_sizes(sizes):
    """The formulas of the Riemannian gradient and Hessian, sphere by sphere."""
    landscape = as_landscape(sp.on_spheres(quartic_landscape(), np.array(sizes)))
    assert landscape.domain == sp.Domain.spheres(sizes, flat=6 - sum(sizes))
    w = landscape.domain.random_points(1, rng=0)
    P, bend, begin = np.eye(6), np.zeros((6, 6)), 0
    euclidean = quartic_gradient(w)[0]
    for size in sizes:
        at = slice(begin, begin + size)
        P[at, at] -= np.outer(w[0, at], w[0, at]) / size
        bend[at, at] = w[0, at] @ euclidean[at] / size * P[at, at]
        begin = at.stop
    hessian = P @ quartic_hessian(w)[0] @ P - bend
    np.testing.assert_allclose(landscape.gradient(w)[0], P @ euclidean, atol=1e-13)
    np.testing.assert_allclose(landscape.hessian(w)[0], hessian, atol=1e-13)
    v = np.random.default_rng(1).normal(size=(1, 6))
    np.testing.assert_allclose(landscape.hvp(w, v)[0], hessian @ v[0], atol=1e-13)
    np.testing.assert_array_equal(landscape.euclidean_gradient(w), quartic_gradient(w))


def test_thomson_by_composition():
    """Σ 1/|x_i - x_j| on flat space, put on spheres, against the class with its own Riemannian formulas."""
    own = known.Thomson(5)
    flat = sp.landscape_from(
        *(lambda w, k=k: own._euclidean(w)[k] for k in range(2)), None, lambda w: own._euclidean(w)[2], size=15
    )
    composed, points = as_landscape(sp.on_spheres(flat, (3,) * 5)), own.domain.random_points(3, rng=1)
    np.testing.assert_allclose(composed.gradient(points), own.gradient(points), atol=1e-12)
    np.testing.assert_allclose(composed.hessian(points), own.hessian(points), atol=1e-11)


def test_weights_sums_and_decay(points):
    one, two = (
        quartic_landscape(),
        sp.landscape_from(
            lambda w: np.sum(np.cos(w), axis=1), lambda w: -np.sin(w), lambda w, v: -np.cos(w) * v, size=6
        ),
    )
    vectors = np.random.default_rng(3).normal(size=points.shape)
    total = as_landscape(np.float64(2.0) * one - two + sp.regularised(two, 0.5))
    energy = 2 * quartic(points) + 0.25 * np.sum(points**2, axis=1)
    gradient = 2 * quartic_gradient(points) + 0.5 * points
    np.testing.assert_allclose(total.energy(points), energy, rtol=1e-13)
    np.testing.assert_allclose(total.gradient(points), gradient, rtol=1e-12, atol=1e-13)
    for part, expected in zip(total.energy_gradient(points), (energy, gradient), strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(
        total.hvp(points, vectors), 2 * quartic_hvp(points, vectors) + 0.5 * vectors, rtol=1e-12, atol=1e-13
    )
    np.testing.assert_allclose(total.hessian(points), 2 * quartic_hessian(points) + 0.5 * np.eye(6), atol=1e-12)
    np.testing.assert_allclose((-one).energy(points), -quartic(points))
    without = sp.weighted_sum([one, sp.landscape_from(quartic, quartic_gradient, size=6)])
    assert without.hvp is None
    assert without.hessian is None


def test_decay_on_spheres_is_a_constant():
    glass = sp.LayeredGlass(3, 4, rng=0)
    decayed, points = as_landscape(sp.regularised(glass, 0.3)), glass.random_points(3, rng=1)
    np.testing.assert_allclose(decayed.energy(points), glass.energy(points) + 0.15 * 12, rtol=1e-13)
    np.testing.assert_array_equal(decayed.gradient(points), glass.gradient(points))
    np.testing.assert_array_equal(decayed.hessian(points), glass.hessian(points))
    np.testing.assert_allclose(decayed.euclidean_gradient(points), glass.euclidean_gradient(points) + 0.3 * points)
    assert decayed.energy_scale == 4


class Samples:
    """Least squares over samples, with mini-batches that sum to it and groups of coordinates."""

    size = 3
    domain = sp.Domain.flat(3)
    filters = (np.array([0, 1]), np.array([2]))

    def __init__(self, X, y, samples):
        self.X, self.y, self.samples = X, y, samples

    def energy(self, points):
        return 0.5 * np.sum((points @ self.X.T - self.y) ** 2, axis=1) / self.samples

    def gradient(self, points):
        return (points @ self.X.T - self.y) @ self.X / self.samples

    def batches(self, count):
        return [Samples(self.X[k::count], self.y[k::count], self.samples) for k in range(count)]


def test_batches_sum_to_the_landscape():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(10, 3)), rng.normal(size=10)
    own = Samples(X, y, 10)
    for landscape in (
        own,
        sp.on_spheres(own, 2),
        sp.regularised(own, 0.4),
        sp.regularised(sp.on_spheres(sp.weighted_sum([own], [3.0]), 3), 2.0),
    ):
        called = as_landscape(landscape)
        points = called.domain.random_points(4, rng=2)
        parts = [as_landscape(part) for part in called.batches(5)]
        assert len(parts) == 5
        np.testing.assert_allclose(sum(part.energy(points) for part in parts), called.energy(points), rtol=1e-12)
        np.testing.assert_allclose(sum(part.gradient(points) for part in parts), called.gradient(points), atol=1e-12)
        assert called.filters is own.filters
        assert called.offers("batches")
    assert sp.regularised(quartic_landscape(), 1.0).batches is None
