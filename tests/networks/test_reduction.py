"""Reduction images: k-means on separated values, the bound of AISTATS15 Thm 3.2."""

import numpy as np
import pytest

from spinscape import networks as nn


def test_clusters_of_separated_values_are_found():
    generator = np.random.default_rng(0)
    centres = np.array([-2.0, 0.0, 1.0])
    label = generator.integers(3, size=(2, 300))
    rounded = nn.clustered(centres[label] + 0.05 * generator.uniform(-1, 1, (2, 300)), 3)
    for row in range(2):
        assert len(np.unique(rounded[row])) == 3
    assert np.abs(rounded - centres[label]).max() < 0.02
    assert np.array_equal(nn.clustered(centres[label], 300), centres[label])
    np.testing.assert_allclose(
        nn.clustered(centres[label], 1), centres[label].mean(axis=1, keepdims=True).repeat(300, 1)
    )


def test_correlation_of_signs_keeps_the_papers_bound():
    architecture = nn.Architecture((6, 8, 1), init="gaussian")
    theta = architecture.initial(1, rng=1)
    inputs = np.random.default_rng(2).normal(size=(4000, 6))
    for s in (2, 4, 8, 32):
        epsilon, correlation = nn.sign_agreement(architecture, theta[0], nn.clustered(theta, s)[0], inputs)
        assert correlation >= nn.correlation_bound(epsilon) - 0.05
    assert nn.sign_agreement(architecture, theta[0], theta[0], inputs) == (0.0, pytest.approx(1.0))
    assert nn.correlation_bound(0.0) == 1.0
    assert nn.correlation_bound(0.1) == pytest.approx(0.8 / 1.2)
