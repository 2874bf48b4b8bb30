"""What landscape_of takes and refuses: losses, inputs, batches, statistics, randomness; whose the arrays are."""

import copy
import dataclasses
import pickle
import warnings
from functools import partial

import numpy as np
import pytest

from spinscape import networks as nn

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402

CE = torch.nn.CrossEntropyLoss()


@pytest.fixture
def problem():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3))
    return model, torch.randn(30, 4), torch.arange(30) % 3


def decayed(model, X, y, strength):
    """Value and gradient of cross-entropy with weight decay, by autograd on the module's own parameters."""
    ours = copy.deepcopy(model).double()
    value = CE(ours(X.double()), y) + strength * sum((p**2).sum() for p in ours.parameters())
    gradient = torch.autograd.grad(value, list(ours.parameters()))
    return float(value.detach()), torch.cat([g.reshape(-1) for g in gradient]).numpy()


class Decayed(torch.nn.Module):
    """A loss that holds the module."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, outputs, y):
        return CE(outputs, y) + 0.1 * sum((p**2).sum() for p in self.model.parameters())


def decayed_by(outputs, y, model):
    return CE(outputs, y) + 0.1 * sum((p**2).sum() for p in model.parameters())


def decayed_with(outputs, y, parameters):
    return CE(outputs, y) + 0.1 * sum((p**2).sum() for p in parameters.values())


def test_a_weight_decay_is_part_of_the_landscape(problem):
    model, X, y = problem
    value, gradient = decayed(model, X, y, 0.1)
    for loss in (Decayed(model), partial(decayed_by, model=model), decayed_with):
        landscape = nn.landscape_of(model, loss, X, y)
        assert landscape.energy(landscape.point)[0] == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(landscape.gradient(landscape.point)[0], gradient, atol=1e-12)
        assert np.abs(np.diff(landscape.energy(np.vstack([landscape.point, 2 * landscape.point])))) > 0.1


def test_a_loss_that_closes_over_another_module_is_refused(problem):
    model, X, y = problem
    with pytest.raises(ValueError, match=r"loss: depends on trainable parameters.*loss\(outputs, y, parameters\)"):
        nn.landscape_of(model, lambda out, y: decayed_by(out, y, model), X, y)

    class Hidden(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.seen, self.layers = torch.nn.Linear(4, 4), [torch.nn.Linear(4, 3)]

        def forward(self, x):
            return self.layers[0](self.seen(x))

    with pytest.raises(ValueError, match="registers its layers"):
        nn.landscape_of(Hidden(), CE, X, y)


def test_constant_losses_are_refused(problem):
    model, X, y = problem

    class Blind(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 3)

        @torch.no_grad()
        def forward(self, x):
            return self.layer(x)

    with pytest.raises(ValueError, match="loss: expected a value that varies with the parameters"):
        nn.landscape_of(Blind(), CE, X, y)
    with pytest.raises(ValueError, match="loss: expected a value that varies"):
        nn.landscape_of(model, lambda out, y: (out.argmax(1) == y).double().mean(), X, y)
    with pytest.raises(ValueError, match="torch_module: expected parameters that require a gradient"):
        nn.landscape_of(torch.nn.Tanh(), CE, X, y)


def test_random_modules_are_refused_and_the_generator_left_alone(problem):
    _, X, y = problem

    class Noisy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 3)

        def forward(self, x):
            return self.layer(functional.dropout(x, 0.5))

    noisy, state = Noisy(), torch.get_rng_state()
    with pytest.raises(ValueError, match=r"torch_module: expected one loss of the same parameters.*random"):
        nn.landscape_of(noisy, CE, X, y)
    assert torch.equal(torch.get_rng_state(), state)


def test_shapes_that_would_be_broadcast_are_refused(problem):
    _, X, _ = problem
    with pytest.raises(ValueError, match=r"loss: fails on outputs and y, \(30, 1\) float64, \(30,\) float64"):
        nn.landscape_of(torch.nn.Linear(4, 1), torch.nn.MSELoss(), X, torch.randn(30))


@pytest.mark.parametrize(
    ("X", "y", "error", "match"),
    [
        (torch.full((3, 4), torch.nan), torch.arange(3), ValueError, "X: expected finite values"),
        (np.array([[1 + 2j] * 4]), [0], TypeError, "X: expected real numbers"),
        (np.zeros((0, 4)), np.zeros(0, dtype=int), ValueError, "X: expected at least one sample"),
        (np.zeros((3, 5)), [0, 1, 2], ValueError, "torch_module: its forward pass fails on X"),
        (np.zeros((3, 4)), [0, 1, 7], ValueError, "loss: fails on outputs and y"),
        (np.zeros((3, 4)), [0, 1], ValueError, "loss: fails on outputs and y"),
        (np.zeros((3, 4)), None, TypeError, "y: expected the targets"),
        ([], None, ValueError, "X: expected at least one batch"),
        ([1, 2], None, TypeError, "X: expected batches that are pairs"),
        (torch.zeros(3, 4).to_sparse(), [0, 1, 2], TypeError, "X: expected a dense tensor"),
        (np.zeros((3, 4)), ["a", "b", "c"], TypeError, "y: expected"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(X, y, error, match):
    with pytest.raises(error, match=match):
        nn.landscape_of(torch.nn.Linear(4, 3), CE, X, y)


def test_parameters_must_be_numbers(problem):
    _, X, y = problem
    with pytest.raises(ValueError, match="torch_module: expected parameters with values"):
        nn.landscape_of(torch.nn.Sequential(torch.nn.LazyLinear(3)), CE, X, y)
    with pytest.raises((ValueError, TypeError), match="torch_module: expected"):
        nn.landscape_of(torch.nn.Linear(4, 3, device="meta"), CE, X, y)
    broken = torch.nn.Linear(4, 3)
    broken.weight.data[0, 0] = torch.nan
    with pytest.raises(ValueError, match="torch_module: expected finite parameters"):
        nn.landscape_of(broken, CE, X, y)


def test_modules_that_were_used_can_be_copied(problem):
    """Old weight normalisation leaves a tensor of a graph behind, as a module does that keeps its activation."""
    _, X, y = problem

    class Keeps(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 3)

        def forward(self, x):
            self.last = [self.layer(x)]
            return self.last[0]

    model = Keeps()
    model(X)
    landscape = nn.landscape_of(model, CE, X, y)
    landscape.gradient(landscape.point)
    assert torch.equal(landscape.module(landscape.point[0]).layer.weight, model.layer.weight.double())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch.compile's own
        compiled = torch.compile(torch.nn.Linear(4, 3))
    assert nn.landscape_of(compiled, CE, X, y).size == 15


def mean_of(model, loss, X, y, size):
    batches = [(X[k : k + size], y[k : k + size]) for k in range(0, len(X), size)]
    return nn.landscape_of(model, loss, batches)


def test_batches_and_chunks_give_the_loss_of_all(problem):
    model, X, y = problem
    weighted = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 4.0]))
    for loss in (CE, torch.nn.CrossEntropyLoss(reduction="sum"), decayed_with):
        whole = nn.landscape_of(model, loss, X, y)
        v = np.random.default_rng(0).normal(size=whole.point.shape)
        for parts in (nn.landscape_of(model, loss, X, y, chunk=7), mean_of(model, loss, X, y, 8)):
            assert len(parts._problem.parts) > 3
            np.testing.assert_allclose(parts.energy(whole.point), whole.energy(whole.point), rtol=1e-13)
            np.testing.assert_allclose(parts.gradient(whole.point), whole.gradient(whole.point), atol=1e-13)
            np.testing.assert_allclose(parts.hvp(whole.point, v), whole.hvp(whole.point, v), atol=1e-12)
            np.testing.assert_allclose(parts.hessian(whole.point), whole.hessian(whole.point), atol=1e-12)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), batch_size=8)
    assert nn.landscape_of(model, CE, loader).energy(v) == pytest.approx(
        mean_of(model, CE, X, y, 8).energy(v), rel=1e-15
    )
    with pytest.raises(ValueError, match="loss: expected a mean or a sum over samples"):
        nn.landscape_of(model, weighted, X, y, chunk=7)  # divided by the sum of its samples' weights
    with pytest.raises(ValueError, match="loss: expected a mean or a sum"):
        nn.landscape_of(model, lambda out, y: CE(out, y) ** 2, X, y, chunk=7)


def test_large_graphs_are_cut_by_themselves(problem, monkeypatch):
    from spinscape.networks.modules import problem as room

    model, X, y = problem
    whole = nn.landscape_of(model, CE, X, y)
    monkeypatch.setattr(room, "_GRAPH_BYTES", whole._problem.graph_bytes // 3)
    cut = nn.landscape_of(model, CE, X, y)
    assert len(cut._problem.parts) >= 3
    assert cut.energy(whole.point) == pytest.approx(whole.energy(whole.point), rel=1e-13)
    cut._problem = dataclasses.replace(cut._problem, graph_bytes=2**40)
    with pytest.raises(MemoryError, match=r"chunk: derivatives of a pass of \d+ samples needs 2,199,023,255,552 bytes"):
        cut.gradient(whole.point)


def test_batches_of_the_samples_sum_to_the_landscape(problem):
    model, X, y = problem
    point = nn.landscape_of(model, CE, X, y).point + 0.1
    for loss in (CE, torch.nn.CrossEntropyLoss(reduction="sum")):
        landscape = nn.landscape_of(model, loss, X, y, chunk=11)
        parts = landscape.batches(4, seed=3)
        assert [part.samples for part in parts] == [8, 8, 7, 7]
        energies = np.concatenate([part.energy(point) for part in parts])
        assert energies.sum() == pytest.approx(landscape.energy(point)[0], rel=1e-13)
        gradients = np.concatenate([part.gradient(point) for part in parts])
        np.testing.assert_allclose(gradients.sum(axis=0), landscape.gradient(point)[0], atol=1e-12)
        of_part = np.concatenate([part.energy(point) for part in parts[0].batches(3)])
        assert of_part.sum() == pytest.approx(energies[0], rel=1e-13)
        assert np.array_equal(landscape.batches(4, seed=3)[1].energy(point), parts[1].energy(point))
    with pytest.raises(ValueError, match="count: expected an integer from 1 to 30"):
        landscape.batches(31)
    with pytest.raises(ValueError, match="loss: expected a mean or a sum"):
        nn.landscape_of(model, lambda out, y: CE(out, y) ** 2, X, y).batches(2)


def test_batch_normalisation_by_the_statistics_of_all_samples():
    torch.manual_seed(0)
    X, y = 3 * torch.randn(40, 4) + 1, torch.arange(40) % 3
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5), torch.nn.Tanh(), torch.nn.BatchNorm1d(5), torch.nn.Linear(5, 3)
    )
    training = copy.deepcopy(model).double().train()
    expected = float(CE(training(X.double()), y).detach())
    landscapes = {kind: nn.landscape_of(model, CE, X, y, batch_norm=kind) for kind in ("running", "fixed", "batch")}
    point = landscapes["batch"].point
    energies = {kind: landscape.energy(point)[0] for kind, landscape in landscapes.items()}
    assert energies["batch"] == pytest.approx(expected, rel=1e-12)
    assert energies["fixed"] == pytest.approx(expected, rel=1e-12)
    assert abs(energies["running"] - expected) > 1e-3
    # In training mode a scaling of the layer before changes nothing but through eps; with fixed statistics it does.
    layer = np.zeros_like(point)
    layer[:, :25] = point[:, :25]
    slope = {kind: abs((landscape.gradient(point) * layer).sum()) for kind, landscape in landscapes.items()}
    assert slope["batch"] < 1e-4 < 1e-2 < slope["fixed"]
    for landscape in landscapes.values():
        v, h = np.random.default_rng(1).normal(size=point.shape), 1e-5
        bend = (landscape.gradient(point + h * v) - landscape.gradient(point - h * v)) / (2 * h)
        np.testing.assert_allclose(landscape.hvp(point, v), bend, atol=1e-7)
    cut = nn.landscape_of(model, CE, [(X[:25], y[:25]), (X[25:], y[25:])], batch_norm="fixed")
    assert cut.energy(point)[0] == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="loss: expected a mean"):
        nn.landscape_of(model, CE, X, y, batch_norm="batch", chunk=9)
    with pytest.raises(ValueError, match="batch_norm: expected 'running'"):
        nn.landscape_of(torch.nn.Linear(4, 3), CE, X, y, batch_norm="fixed")


def test_filters_are_the_incoming_weights():
    """Oracle: a filter multiplied by zero takes its output's dependence on the inputs away."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 2, groups=2), torch.nn.ConvTranspose2d(4, 6, 2, groups=2))
    landscape = nn.landscape_of(model, lambda out, y: (out**2).mean(), torch.randn(3, 2, 4, 4), torch.zeros(3))
    assert [len(group) for group in landscape.filters] == [4] * 4 + [8] * 6
    weights = landscape.size - 4 - 6
    assert len(np.unique(np.concatenate(landscape.filters))) == weights
    for unit, group in enumerate(landscape.filters[4:]):
        point = landscape.point[0].copy()
        point[group] = 0.0
        output = landscape.module(point)(torch.randn(2, 2, 4, 4).double())
        constant = [bool((output[:, k] == output[0, k, 0, 0]).all()) for k in range(6)]
        assert constant == [k == unit for k in range(6)]


def test_the_callers_arrays_are_the_callers(problem):
    model, X, y = problem
    for inputs, targets in ((X.double(), y), (X.double().numpy().copy(), y.numpy().copy()), ({"input": X.double()}, y)):
        landscape = nn.landscape_of(model, CE, inputs, targets)
        energy, kept = landscape.energy(landscape.point), landscape.point.copy()
        array = inputs["input"] if isinstance(inputs, dict) else inputs
        array[:] = 7.0
        targets[:] = 0
        model[0].weight.data.mul_(1.0)
        assert landscape.energy(kept) == energy
        X, y = torch.randn(30, 4), torch.arange(30) % 3


def test_landscapes_travel(problem):
    landscape = nn.landscape_of(*problem[:1], CE, *problem[1:])
    again = pickle.loads(pickle.dumps(landscape))
    assert np.array_equal(again.hessian(again.point), landscape.hessian(landscape.point))
    assert repr(again) == "TorchLandscape(Sequential, 27 parameters, 30 samples)"


def test_rows_do_not_depend_on_other_points(problem):
    landscape = nn.landscape_of(*problem[:1], CE, *problem[1:])
    points = landscape.point + np.random.default_rng(0).normal(size=(5, landscape.size))
    energies, gradients = landscape.energy_gradient(points)
    products = landscape.hvp(points, points[::-1])
    for row in range(5):
        assert landscape.energy(points[row : row + 1])[0] == energies[row]
        assert np.array_equal(landscape.gradient(points[row : row + 1])[0], gradients[row])
        assert np.array_equal(landscape.hvp(points[row : row + 1], points[::-1][row : row + 1])[0], products[row])
    for call in (landscape.energy, landscape.gradient, landscape.hessian):
        assert len(call(points[:0])) == 0
