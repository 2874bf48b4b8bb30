"""Ensembles: initial laws, gradients and steps against torch's own optimisers, reproducibility of each network."""

import numpy as np
import pytest

from spinscape import networks as nn
from spinscape.networks.architecture import ORDER, network_stream

torch = pytest.importorskip("torch")

SMALL = nn.Architecture((100, 6, 10))


@pytest.fixture(scope="module")
def mnist():
    return nn.load_mnist10().subset(400, 300, rng=0)


@pytest.mark.parametrize("init", ["cube", "fan-in", "gaussian", "orthogonal"])
def test_initial_laws(init):
    """Sample of 4 x 30,000 numbers; standard deviations to 1 %: false alarms below 1e-6."""
    architecture = nn.Architecture((200, 100, 100), init=init)
    theta = architecture.initial(4, rng=1)
    for layer in architecture.layers:
        weights = theta[:, layer.start : layer.middle].reshape(4, layer.fan_in, layer.fan_out)
        biases = theta[:, layer.middle : layer.stop]
        sd = {"cube": 0.5 / np.sqrt(3), "fan-in": 1 / np.sqrt(3 * layer.fan_in)}.get(init, np.sqrt(2 / layer.fan_in))
        assert weights.std() == pytest.approx(sd, rel=0.01)
        if init in ("cube", "fan-in"):
            assert np.abs(theta[:, layer.start : layer.stop]).max() <= sd * np.sqrt(3)
            assert biases.std() == pytest.approx(sd, rel=0.1)
        else:
            assert not biases.any()
        if init == "orthogonal":
            np.testing.assert_allclose(weights[0].T @ weights[0], 2 * np.eye(100), atol=1e-12)


def test_a_networks_start_is_its_own():
    theta = SMALL.initial(5, rng=7)
    assert np.array_equal(SMALL.initial(2, first=3, rng=7), theta[3:])
    assert not np.array_equal(theta[0], theta[1])


def plain_training(architecture, data, settings, seed, network):
    """One network, torch.nn and torch.optim, float64."""
    layers = [torch.nn.Linear(k.fan_in, k.fan_out).double() for k in architecture.layers]
    theta = architecture.drawn(seed, range(network, network + 1))[0]
    for layer, where in zip(layers, architecture.layers, strict=True):
        weights = theta[where.start : where.middle].reshape(where.fan_in, where.fan_out)
        layer.weight.data = torch.from_numpy(weights.T.copy())
        layer.bias.data = torch.from_numpy(theta[where.middle : where.stop].copy())
    model = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1])
    maker = {"sgd": torch.optim.SGD, "gd": torch.optim.SGD, "momentum": torch.optim.SGD, "adam": torch.optim.Adam}
    options = {"momentum": 0.9} if settings.optimiser == "momentum" else {}
    optimiser = maker[settings.optimiser](model.parameters(), lr=settings.rate, **options)
    X, y = torch.tensor(data.train_inputs).double(), torch.tensor(data.train_targets)
    for epoch in range(settings.epochs):
        optimiser.param_groups[0]["lr"] = settings.rate / (1 + settings.decay * epoch)
        order = torch.from_numpy(network_stream(seed, network, ORDER, epoch).permutation(len(X)))
        size = len(X) if settings.optimiser == "gd" else settings.batch
        for first in range(0, len(X) - size + 1, size):
            rows = order[first : first + size]
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(X[rows]), y[rows]).backward()
            optimiser.step()
    test = torch.tensor(data.test_inputs).double(), torch.tensor(data.test_targets)
    train_loss = torch.nn.functional.cross_entropy(model(X), y)
    optimiser.zero_grad()
    train_loss.backward()
    parts = [part for layer in layers for part in (layer.weight.grad.T.reshape(-1), layer.bias.grad)]
    return {
        "train_loss": float(train_loss.detach()),
        "test_loss": float(torch.nn.functional.cross_entropy(model(test[0]), test[1]).detach()),
        "test_error": float((model(test[0]).argmax(1) != test[1]).double().mean()),
        "gradient_norm": float(torch.cat(parts).square().mean().sqrt()),
    }


@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "adam", "gd"])
def test_training_agrees_with_torch_optim(mnist, optimiser):
    settings = nn.Training(optimiser, rate=0.01 if optimiser == "adam" else 0.2, decay=0.3, batch=64, epochs=3)
    ensemble = nn.train_ensemble(SMALL, mnist, 3, training=settings, rng=11, dtype="float64")
    for network in range(3):
        alone = plain_training(SMALL, mnist, settings, ensemble.seed, network)
        for name, value in alone.items():
            assert getattr(ensemble, name)[network] == pytest.approx(value, rel=1e-9, abs=1e-15)


def test_networks_do_not_depend_on_each_other_or_on_threads(mnist):
    settings = nn.Training(epochs=2)
    whole = nn.train_ensemble(SMALL, mnist, 12, training=settings, rng=5, chunk=4, n_threads=2)
    last = nn.train_ensemble(SMALL, mnist, 4, first=8, training=settings, rng=5, chunk=4, n_threads=1)
    for name in ("parameters", "train_loss", "test_loss", "gradient_norm"):
        assert np.array_equal(getattr(whole, name)[8:], getattr(last, name))
    assert len(np.unique(whole.train_loss)) == 12
    assert whole.parameters.dtype == np.float32


@pytest.mark.parametrize("optimiser", ["sgd", "gd", "adam", "momentum"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("widths", [(5, 7, 3), (3, 1, 2), (7, 13, 5, 1)])
def test_bits_do_not_depend_on_the_chunk(widths, optimiser, dtype):
    """BLAS rounds by the shape of a batch and by alignment: odd sizes, chunks of 1, 3, 4 and 7, one network alone."""
    data = nn.gaussian_blobs(widths[0], max(2, widths[-1]), 137, 50, rng=1)
    data, loss = (data, "cross-entropy") if widths[-1] > 1 else (data.binary([0]), "logistic")
    settings = nn.Training(optimiser, rate=0.05, batch=13, epochs=3)
    architecture, same = nn.Architecture(widths, activation="tanh"), {"loss": loss, "training": settings, "rng": 1}
    runs = [nn.train_ensemble(architecture, data, 7, chunk=chunk, dtype=dtype, **same) for chunk in (7, 4, 3, 1)]
    runs.append(nn.train_ensemble(architecture, data, 1, first=5, dtype=dtype, **same))
    for run in runs[1:]:
        rows = slice(5, 6) if len(run.parameters) == 1 else slice(None)
        for name in ("parameters", "train_loss", "test_loss", "train_error", "gradient_norm"):
            assert np.array_equal(getattr(runs[0], name)[rows], getattr(run, name)), name


def test_networks_begin_where_they_are_told_to(mnist):
    start = SMALL.initial(5, rng=9)
    drawn = nn.train_ensemble(SMALL, mnist, 5, training=nn.Training(epochs=2), rng=9, dtype="float64")
    given = nn.train_ensemble(SMALL, mnist, 5, training=nn.Training(epochs=2), rng=9, dtype="float64", start=start)
    assert np.array_equal(given.parameters, drawn.parameters)
    still = nn.train_ensemble(
        SMALL, mnist, 5, training=nn.Training(epochs=0), start=2 * start, dtype="float64", chunk=2
    )
    assert np.array_equal(still.parameters, 2 * start)


def test_stopping_freezes_a_network_at_its_tolerance(mnist):
    loose = nn.Training("gd", rate=0.5, decay=0.0, epochs=500, gradient_tol=0.006)
    ensemble = nn.train_ensemble(SMALL, mnist, 6, training=loose, rng=2, dtype="float64")
    assert ensemble.converged.all()
    assert (ensemble.gradient_norm <= 0.006).all()
    assert len(set(ensemble.epochs.tolist())) > 1
    for network in range(6):
        shorter = nn.Training("gd", rate=0.5, decay=0.0, epochs=int(ensemble.epochs[network]) - 1)
        alone = nn.train_ensemble(SMALL, mnist, 1, first=network, training=shorter, rng=2, dtype="float64")
        assert alone.gradient_norm[0] > 0.006


def test_one_output_and_every_loss(mnist):
    odd = mnist.binary([1, 3, 5, 7, 9])
    for loss in ("hinge", "absolute", "squared", "logistic"):
        ensemble = nn.train_ensemble(
            nn.Architecture((100, 8, 8, 1), init="fan-in", residual=True),
            odd,
            2,
            loss=loss,
            training=nn.Training("adam", rate=0.01, epochs=8),
            rng=1,
        )
        assert (ensemble.train_error < 0.2).all(), loss


def test_divergence_is_data(mnist):
    ensemble = nn.train_ensemble(SMALL, mnist, 2, training=nn.Training(rate=1e6, epochs=3), rng=0)
    assert not np.isfinite(ensemble.train_loss).any() or (ensemble.train_loss > 100).all()


def test_arguments_are_checked(mnist):
    with pytest.raises(ValueError, match="architecture: expected 100 inputs"):
        nn.train_ensemble(nn.Architecture((99, 10)), mnist, 1)
    with pytest.raises(ValueError, match="architecture: expected 10 outputs"):
        nn.train_ensemble(nn.Architecture((100, 9)), mnist, 1)
    with pytest.raises(ValueError, match="loss: expected cross-entropy for 10 outputs"):
        nn.train_ensemble(SMALL, mnist, 1, loss="hinge")
    with pytest.raises(ValueError, match="optimiser: expected one of"):
        nn.Training("adamw")
    with pytest.raises(ValueError, match="activation: expected one of"):
        nn.Architecture((2, 2), activation="gelu")
    with pytest.raises(ValueError, match="widths: expected an integer"):
        nn.Architecture((2, 0))
    with pytest.raises(MemoryError, match="count: 1000000000 networks"):
        nn.train_ensemble(SMALL, mnist, 10**9)
