"""Refinement to critical points: landscapes whose critical points are known, and trained networks."""

import numpy as np
import pytest

import spinscape as sp
from spinscape import networks as nn
from spinscape.networks.refinement import refined_networks

pytest.importorskip("torch")


class DoubleWells:
    """Σ (x_i² − 1)²/4: critical points where every x_i is −1, 0 or 1; the index is the number of zeros."""

    spheres = None
    size = 4

    def energy(self, points):
        return ((points**2 - 1) ** 2).sum(axis=1) / 4

    def gradient(self, points):
        return points**3 - points

    def hvp(self, points, vectors):
        return (3 * points**2 - 1) * vectors

    def hessian(self, points):
        return np.array([np.diag(3 * point**2 - 1) for point in points])


STARTS = np.array([[0.9, -0.8, 1.2, 0.1], [0.1, -0.05, 1.3, -0.9], [0.05, 0.1, -0.1, 0.02]])


@pytest.mark.parametrize("method", ["lbfgs", "newton-cg", "saddle-free"])
def test_minimisers_reach_a_minimum(method):
    found = refined_networks(DoubleWells(), STARTS, method=method, tol=1e-7)
    assert found.converged.all(), found
    np.testing.assert_allclose(np.abs(found.points), 1, atol=1e-6)
    assert (sp.count_index(DoubleWells(), found.points).negative == 0).all()


def test_newton_keeps_the_saddle_it_is_near():
    found = refined_networks(DoubleWells(), STARTS, method="newton", tol=1e-10)
    assert found.converged.all()
    np.testing.assert_allclose(found.points, np.round(STARTS), atol=1e-9)
    assert sp.count_index(DoubleWells(), found.points).negative.tolist() == [1, 2, 4]
    assert found.stop_counts == {"converged": 3}


@pytest.mark.parametrize("method", ["lbfgs", "newton-cg", "saddle-free", "newton"])
def test_no_steps_change_nothing(method):
    found = refined_networks(DoubleWells(), STARTS, method=method, max_steps=0)
    assert np.array_equal(found.points, STARTS)
    assert found.steps.tolist() == [0, 0, 0]
    assert found.stop_counts == {"max_steps": 3}


def test_not_converging_is_data():
    found = refined_networks(DoubleWells(), STARTS, method="lbfgs", tol=1e-12, max_steps=1)
    assert not found.converged.any()
    assert found.stop_counts == {"max_steps": 3}
    with pytest.raises(ValueError, match="landscape: expected one on flat space"):
        refined_networks(sp.PureGlass(3, 5, rng=0), np.ones((1, 5)))


@pytest.mark.parametrize("method", ["lbfgs", "saddle-free", "newton-cg"])
def test_a_trained_network_becomes_a_minimum(method):
    data = nn.gaussian_blobs(5, 3, 60, 20, separation=2.0, rng=1)
    architecture = nn.Architecture((5, 3, 3), activation="tanh", init="gaussian")
    trained = nn.train_ensemble(architecture, data, 1, training=nn.Training(epochs=30, batch=20), rng=2)
    landscape = nn.NetworkLandscape(architecture, "cross-entropy", data.train_inputs, data.train_targets)
    start = trained.parameters.astype(np.float64)
    found = refined_networks(landscape, start, method=method, tol=1e-6, max_steps=500)
    assert found.energy[0] < landscape.energy(start)[0]
    assert found.gradient_norm[0] < 1e-4
    assert sp.count_index(landscape, found.points, zero_tol=1e-3).negative[0] == 0


def test_the_old_name_says_what_to_use():
    with pytest.warns(DeprecationWarning, match=r"spinscape\.refine leads .* spinscape\.descend"):
        old = nn.refine_networks(DoubleWells(), STARTS, method="newton", tol=1e-10)
    np.testing.assert_array_equal(
        old.points, refined_networks(DoubleWells(), STARTS, method="newton", tol=1e-10).points
    )


def test_refine_serves_networks():
    """Trained networks end at critical points, minima and saddles; oracle: numpy's spectra of the Hessians there."""
    data = nn.gaussian_blobs(4, 3, 60, 20, separation=1.0, rng=1)
    architecture = nn.Architecture((4, 2, 3), activation="tanh", init="gaussian")
    network = nn.NetworkLandscape(architecture, "cross-entropy", data.train_inputs, data.train_targets)
    landscape = sp.regularised(network, 0.02)  # without it the minima are at infinity
    starts = architecture.initial(4, rng=2)
    low = sp.descend(landscape, starts, method="lbfgs", max_steps=300)
    found = sp.refine(landscape, np.concatenate([low.points, starts]), tol=1e-10)
    assert found.converged[:4].all(), found
    ends = found.points[found.converged]
    assert np.abs(landscape.gradient(ends)).max() < 1e-8
    spectra = np.linalg.eigvalsh(landscape.hessian(ends))
    counted = sp.count_index(landscape, ends, 1e-6)
    np.testing.assert_array_equal(counted.negative, (spectra < -1e-6).sum(axis=1))
    assert (counted.negative[:4] == 0).all()
