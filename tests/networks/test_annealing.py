"""Annealing: the Gibbs law of a small network, energies kept against energies computed anew, descent when cold."""

from itertools import product

import numpy as np
import pytest

from spinscape import networks as nn

torch = pytest.importorskip("torch")


def test_the_chain_samples_the_gibbs_law():
    """9 states of two ternary weights, 4,000 chains, chi-square with 8 degrees: 26.1 is exceeded once in 1,000."""
    X, y = np.array([[1.0], [-0.5], [2.0]]), np.array([1.0, 1.0, -1.0])
    data = nn.Data(X, y, X, y, classes=1)
    architecture = nn.Architecture((1, 1, 1), biases=False, activation="tanh")
    constant = nn.Cooling(sweeps=12, hot=0.3, cold=0.3, levels=(-1, 0, 1))
    ends = nn.anneal_ensemble(architecture, data, 4000, loss="logistic", cooling=constant, rng=3)
    states = np.array(list(product((-1.0, 0.0, 1.0), repeat=2)))
    losses = [np.mean(np.log1p(np.exp(-y * b * np.tanh(a * X[:, 0])))) for a, b in states]
    expected = np.exp(-np.array(losses) / 0.3)
    expected *= 4000 / expected.sum()
    counts = np.array([np.count_nonzero((ends.parameters == state).all(axis=1)) for state in states])
    assert counts.sum() == 4000
    assert expected.max() > 1.3 * expected.min()
    assert ((counts - expected) ** 2 / expected).sum() < 26.1


@pytest.mark.parametrize("levels", [None, (-0.5, 0.0, 0.5)])
@pytest.mark.parametrize("biases", [True, False])
def test_energies_kept_are_energies(levels, biases):
    from spinscape.networks import annealing as module
    from spinscape.networks.ensembles import Samples
    from spinscape.networks.losses import as_loss

    data = nn.load_mnist10().subset(80, 40, rng=1)
    architecture = nn.Architecture((100, 3, 10), biases=biases)
    settings = nn.Cooling(sweeps=3, levels=levels)
    samples = Samples(data, np.dtype(np.float32))
    chain = module._Chain(architecture, samples, as_loss("cross-entropy"), settings, 7, range(4))
    before = chain.energy.clone()
    for sweep in range(2):
        chain.sweep(sweep)
    landscape = nn.NetworkLandscape(architecture, "cross-entropy", data.train_inputs, data.train_targets)
    np.testing.assert_allclose(chain.energy.numpy(), landscape.energy(chain.theta().double().numpy()), atol=2e-5)
    assert (chain.energy < before).all()
    if levels is not None:
        assert set(np.unique(chain.theta().numpy())) <= set(levels)


def test_networks_do_not_depend_on_each_other():
    data = nn.gaussian_blobs(4, 3, 50, 20, rng=1)
    architecture = nn.Architecture((4, 3, 3))
    settings = nn.Cooling(sweeps=5, hot=1e-2, cold=1e-4)
    block = nn.anneal_ensemble(architecture, data, 3, cooling=settings, rng=2)
    alone = nn.anneal_ensemble(architecture, data, 2, cooling=settings, rng=2, first=1)
    assert np.array_equal(block.parameters[1:], alone.parameters)
    assert np.array_equal(block.train_loss[1:], alone.train_loss)
    assert block.training is settings
    assert "Cooling(sweeps=5, hot=0.01, cold=0.0001" in repr(block)


def test_annealing_finds_low_losses():
    data = nn.gaussian_blobs(4, 3, 200, 200, separation=6.0, rng=1)
    settings = nn.Cooling(sweeps=80, hot=1e-2, cold=1e-6)
    ends = nn.anneal_ensemble(nn.Architecture((4, 4, 3)), data, 3, cooling=settings, rng=2)
    start = nn.anneal_ensemble(nn.Architecture((4, 4, 3)), data, 3, cooling=nn.Cooling(sweeps=1, cold=1e-2), rng=2)
    assert (ends.train_loss < 0.3 * start.train_loss).all()


def test_refusals():
    data = nn.gaussian_blobs(4, 3, 10, 10, rng=1)
    with pytest.raises(ValueError, match="architecture: expected one hidden layer"):
        nn.anneal_ensemble(nn.Architecture((4, 3)), data, 1)
    with pytest.raises(ValueError, match="levels: expected at least two different values"):
        nn.Cooling(levels=(1, 1))
