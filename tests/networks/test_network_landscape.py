"""Landscapes of networks against torch.func: value, gradient, products, exact Hessians, indices."""

import numpy as np
import pytest

import spinscape as sp
from spinscape import networks as nn

torch = pytest.importorskip("torch")

CASES = [
    (nn.Architecture((4, 5, 3), init="gaussian"), "cross-entropy"),
    (nn.Architecture((4, 5, 6, 3), activation="tanh", init="gaussian"), "cross-entropy"),
    (nn.Architecture((4, 5, 5, 5, 3), activation="tanh", residual=True, init="cube"), "cross-entropy"),
    (nn.Architecture((4, 4, 4, 1), residual=True, biases=False, init="orthogonal"), "squared"),
    (nn.Architecture((4, 6, 1), init="gaussian"), "hinge"),
    (nn.Architecture((4, 3, 3, 1), init="gaussian"), "absolute"),
    (nn.Architecture((4, 5, 1), activation="tanh"), "logistic"),
    (nn.Architecture((4, 3, 2, 1), activation="linear"), "absolute"),
    (nn.Architecture((4, 1)), "logistic"),
]
IDS = [f"{a.widths}-{a.activation}-{loss}" for a, loss in CASES]


def problem(architecture, samples=23):
    generator = np.random.default_rng(5)
    X = generator.normal(size=(samples, architecture.inputs))
    y = generator.integers(architecture.outputs, size=samples)
    return X, y if architecture.outputs > 1 else generator.choice([-1.0, 1.0], size=samples)


def plain_loss(architecture, loss, X, y):
    """The same network and loss written the long way, for torch.func."""
    X, y = torch.from_numpy(X), torch.from_numpy(y)

    def value(theta):
        h = X
        for number, layer in enumerate(architecture.layers):
            z = h @ theta[layer.start : layer.middle].reshape(layer.fan_in, layer.fan_out)
            z = z + theta[layer.middle : layer.stop] if architecture.biases else z
            if number == len(architecture.layers) - 1:
                break
            a = {"relu": torch.relu, "tanh": torch.tanh, "linear": lambda t: t}[architecture.activation](z)
            h = h + a if architecture.residual and layer.fan_in == layer.fan_out else a
        if loss == "cross-entropy":
            return torch.nn.functional.cross_entropy(z, y)
        f = z[:, 0]
        return {
            "hinge": lambda: torch.relu(1 - y * f),
            "absolute": lambda: (y - f).abs(),
            "squared": lambda: (y - f) ** 2,
            "logistic": lambda: torch.log(1 + torch.exp(-y * f)),
        }[loss]().mean()

    return value


@pytest.mark.parametrize(("architecture", "loss"), CASES, ids=IDS)
def test_derivatives_agree_with_torch_func(architecture, loss):
    X, y = problem(architecture)
    landscape = nn.NetworkLandscape(architecture, loss, X, y)
    assert isinstance(landscape, sp.Landscape)
    points = architecture.initial(3, rng=1)
    vectors = np.random.default_rng(2).normal(size=points.shape)
    value = plain_loss(architecture, loss, X, y)
    for row, theta in enumerate(torch.from_numpy(points)):
        hessian = torch.func.hessian(value)(theta).numpy()
        scale = max(np.abs(hessian).max(), 1.0)
        assert landscape.energy(points)[row] == pytest.approx(float(value(theta)), abs=1e-13)
        np.testing.assert_allclose(landscape.gradient(points)[row], torch.func.grad(value)(theta).numpy(), atol=1e-13)
        np.testing.assert_allclose(landscape.hessian(points)[row], hessian, atol=1e-13 * scale)
        np.testing.assert_allclose(landscape.hvp(points, vectors)[row], hessian @ vectors[row], atol=1e-12 * scale)
        outputs = architecture.outputs_of(points[row], X)
        assert outputs.shape == (len(X), architecture.outputs)


@pytest.mark.parametrize(("architecture", "loss"), CASES, ids=IDS)
@pytest.mark.parametrize("samples", [7, 1003])
def test_a_rows_bits_do_not_depend_on_the_others(architecture, loss, samples):
    landscape = nn.NetworkLandscape(architecture, loss, *problem(architecture, samples))
    points = architecture.initial(11, rng=1)
    vectors = np.random.default_rng(2).normal(size=points.shape)
    energies, gradients = landscape.energy_gradient(points)
    assert np.array_equal(landscape.gradient(points), gradients)
    np.testing.assert_allclose(landscape.energy(points), energies, rtol=1e-14)
    products, at_one_point = landscape.hvp(points, vectors), landscape.hvp(np.repeat(points[:1], 11, axis=0), vectors)
    for row in range(11):
        one = slice(row, row + 1)
        assert landscape.energy(points[one])[0] == landscape.energy(points)[row]
        assert landscape.energy_gradient(points[one])[0][0] == energies[row]
        assert np.array_equal(landscape.gradient(points[one])[0], gradients[row])
        assert np.array_equal(landscape.hvp(points[one], vectors[one])[0], products[row])
        assert np.array_equal(landscape.hvp(points[:1], vectors[one])[0], at_one_point[row])
    np.testing.assert_allclose(at_one_point, vectors @ landscape.hessian(points[:1])[0], atol=1e-11)


def test_threads_do_not_change_a_bit(monkeypatch):
    from spinscape.networks import network_landscape as room

    architecture = nn.Architecture((20, 11, 7), activation="tanh")
    landscape = nn.NetworkLandscape(architecture, "cross-entropy", *problem(architecture, 3500))
    point = architecture.initial(1, rng=0)
    calls = [landscape.energy_gradient, landscape.hessian, lambda p: landscape.hvp(p, p), landscape.energy]
    monkeypatch.setattr(room, "_WORTH_THREADS", 0)
    results = []
    for threads in (1, 2, 3, 7):
        monkeypatch.setattr(room, "as_threads", lambda _, threads=threads: threads)
        results.append([np.concatenate([np.ravel(part) for part in call(point)]) for call in calls])
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_filters_and_batches():
    architecture = nn.Architecture((4, 5, 3), activation="tanh")
    X, y = problem(architecture, 25)
    landscape = nn.NetworkLandscape(architecture, "cross-entropy", X, y)
    theta = np.arange(architecture.parameters, dtype=float)
    torch_weights = [
        layer.weight.detach().numpy() for layer in architecture.to_torch(theta) if hasattr(layer, "weight")
    ]
    rows = [row for weight in torch_weights for row in weight]  # torch keeps a unit's incoming weights in a row
    assert all(np.array_equal(theta[group], row) for group, row in zip(landscape.filters, rows, strict=True))
    points = architecture.initial(3, rng=0)
    parts = landscape.batches(4, seed=1)
    assert [part.samples for part in parts] == [7, 6, 6, 6]
    np.testing.assert_allclose(sum(part.energy(points) for part in parts), landscape.energy(points), rtol=1e-14)
    for call in (lambda of: of.gradient(points), lambda of: of.hvp(points, points), lambda of: of.hessian(points)):
        np.testing.assert_allclose(sum(call(part) for part in parts), call(landscape), atol=1e-14)
    assert sum(part.energy(points) for part in parts[0].batches(3)) == pytest.approx(parts[0].energy(points), rel=1e-14)
    again = landscape.batches(4, seed=1)[2]
    assert np.array_equal(again.gradient(points), parts[2].gradient(points))


def test_logistic_loss_far_out_against_mpmath():
    """torch's softplus is linear beyond 20: its value is off by 2e-9, its slope and curvature by all they have."""
    mpmath = pytest.importorskip("mpmath")
    f, h = mpmath.mpf, 60
    landscape = nn.NetworkLandscape(nn.Architecture((1, 1), biases=False), "logistic", [[1.0]], [1.0])
    for x in (-700.0, -40.0, -20.5, -19.0, 0.3, 19.0, 20.5, 40.0, 300.0):
        with mpmath.workdps(h):
            value = mpmath.log1p(mpmath.exp(-f(x)))
            slope = -1 / (1 + mpmath.exp(f(x)))
            curvature = -slope * (1 + slope)
        point = np.array([[x]])
        assert landscape.energy(point)[0] == pytest.approx(float(value), rel=1e-14)
        assert landscape.gradient(point)[0, 0] == pytest.approx(float(slope), rel=1e-12)
        assert landscape.hessian(point)[0, 0, 0] == pytest.approx(float(curvature), rel=1e-12)
        assert landscape.hvp(point, np.ones((1, 1)))[0, 0] == pytest.approx(float(curvature), rel=1e-12)


@pytest.mark.parametrize(("architecture", "loss"), CASES, ids=IDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_as_a_torch_module(architecture, loss, dtype):
    X, _ = problem(architecture)
    theta = architecture.initial(1, rng=1)[0].astype(dtype)
    module = architecture.to_torch(theta)
    assert next(module.parameters()).dtype == getattr(torch, dtype)
    outputs = module(torch.from_numpy(X.astype(dtype))).detach().numpy()
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(outputs, architecture.outputs_of(theta, X), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("architecture", "loss"), CASES, ids=IDS)
def test_index_agrees_with_eigenvalues_of_torch_func(architecture, loss):
    X, y = problem(architecture)
    landscape = nn.NetworkLandscape(architecture, loss, X, y)
    points = architecture.initial(2, rng=3)
    value = plain_loss(architecture, loss, X, y)
    for method in ("tridiagonal", "lanczos"):
        count = sp.count_index(landscape, points, method=method)
        for row, theta in enumerate(torch.from_numpy(points)):
            eigenvalues = np.linalg.eigvalsh(torch.func.hessian(value)(theta).numpy())
            assert count.negative[row] == np.count_nonzero(eigenvalues < -1e-3)
            assert count.zero[row] == np.count_nonzero(np.abs(eigenvalues) <= 1e-3)
            assert count.certified[row]


@pytest.mark.parametrize("loss", ["hinge", "absolute"])
@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_piecewise_multilinear_surfaces_have_no_trace(loss, activation):
    architecture = nn.Architecture((6, 7, 5, 1), activation=activation, init="gaussian")
    X, y = problem(architecture, samples=40)
    hessian = nn.NetworkLandscape(architecture, loss, X, y).hessian(architecture.initial(1, rng=4))[0]
    eigenvalues = np.linalg.eigvalsh(hessian)
    assert np.trace(hessian) == 0.0
    assert abs(eigenvalues.sum()) < 1e-12 * np.abs(eigenvalues).sum()
    assert np.count_nonzero(eigenvalues < -1e-3) > 0
    products = nn.NetworkLandscape(architecture, loss, X, y).hvp(
        np.repeat(architecture.initial(1, rng=4), len(hessian), axis=0), np.eye(len(hessian))
    )
    assert abs(np.trace(products)) < 1e-13 * np.abs(eigenvalues).sum()


def test_a_users_torch_model():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Dropout(0.5), torch.nn.Linear(4, 2))
    X, y = np.random.default_rng(0).normal(size=(17, 3)), np.random.default_rng(1).integers(2, size=17)
    landscape = nn.landscape_of(model, torch.nn.functional.cross_entropy, X, y)
    assert landscape.size == sum(p.numel() for p in model.parameters()) == 26
    assert isinstance(landscape, sp.Landscape)

    architecture = nn.Architecture((3, 4, 2), activation="tanh")
    ours = nn.NetworkLandscape(architecture, "cross-entropy", X, y)
    parts = [p.detach().double().t().reshape(-1) for p in model.parameters()]  # torch's weights are (out, in)
    same = torch.cat(parts).numpy()[None]
    assert landscape.energy(landscape.point) == pytest.approx(ours.energy(same), abs=1e-14)
    eigenvalues = np.linalg.eigvalsh(landscape.hessian(landscape.point)[0])
    np.testing.assert_allclose(eigenvalues, np.linalg.eigvalsh(ours.hessian(same)[0]), atol=1e-13)
    assert sp.count_index(landscape, landscape.point).negative[0] == np.count_nonzero(eigenvalues < -1e-3)
    vector = np.random.default_rng(2).normal(size=(1, 26))
    np.testing.assert_allclose(
        landscape.hvp(landscape.point, vector)[0], landscape.hessian(landscape.point)[0] @ vector[0], atol=1e-13
    )
    back = landscape.module(landscape.point[0] * 2)
    assert torch.allclose(back[0].weight, 2 * model[0].weight.double())


def test_refusals_name_the_argument():
    architecture = nn.Architecture((3, 2))
    X, y = np.zeros((4, 3)), np.zeros(4, dtype=int)
    with pytest.raises(ValueError, match="loss: expected one of"):
        nn.NetworkLandscape(architecture, "huber", X, y)
    with pytest.raises(ValueError, match="loss: expected cross-entropy"):
        nn.NetworkLandscape(architecture, "hinge", X, y)
    with pytest.raises(ValueError, match="X: expected shape"):
        nn.NetworkLandscape(architecture, "cross-entropy", X[:, :2], y)
    with pytest.raises(ValueError, match="y: expected classes from 0 to 1"):
        nn.NetworkLandscape(architecture, "cross-entropy", X, y + 2)
    with pytest.raises(ValueError, match="loss: expected one number"):
        nn.landscape_of(torch.nn.Linear(3, 2), lambda f, y: f, X, y).energy(np.zeros((1, 8)))
    with pytest.raises(TypeError, match="torch_module"):
        nn.landscape_of(lambda x: x, torch.nn.functional.cross_entropy, X, y)


def test_networks_go_downhill_by_the_packages_own_methods():
    """The fused gradient and parts of the samples; the oracle of SGD is its steps taken by hand."""
    architecture = nn.Architecture((4, 5, 3), activation="tanh", init="gaussian")
    landscape = nn.NetworkLandscape(architecture, "cross-entropy", *problem(architecture, 60))
    starts = architecture.initial(3, rng=0)
    low = sp.descend(landscape, starts, method="lbfgs", max_steps=50)
    assert (landscape.energy(low.points) < 0.8 * landscape.energy(starts)).all()
    schedule = sp.SGDSchedule(parts=4, stages=(sp.ScheduleStage(20, 0.5, on_parts=True),))
    expected, parts = starts.copy(), landscape.batches(4)
    for step in range(20):
        expected -= 0.5 * parts[step % 4].gradient(expected)
    found = sp.descend(landscape, starts, method="sgd", schedule=schedule)
    np.testing.assert_allclose(found.points, expected, atol=1e-12)
