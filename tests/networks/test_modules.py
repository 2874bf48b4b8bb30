"""Landscapes of torch modules of every common kind: against plain autograd on the module, and against differences.

The oracle is no part of the package: a copy of the module in float64, autograd on its own parameters, a row at a time.
"""

import copy
from contextlib import nullcontext

import numpy as np
import pytest

import spinscape as sp
from spinscape import networks as nn

torch = pytest.importorskip("torch")
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402
from torch_zoo import without_second_derivative, zoo  # noqa: E402

ZOO = zoo()


def double(value):
    if isinstance(value, torch.Tensor):
        return value.double() if value.is_floating_point() else value
    if isinstance(value, dict):
        return {name: double(part) for name, part in value.items()}
    return tuple(map(double, value)) if isinstance(value, tuple) else value


def plain(case, point=None):
    """Value, gradient and Hessian of a case, by autograd on a module's own parameters."""
    module, loss = copy.deepcopy(case.module).double().eval(), copy.deepcopy(case.loss)
    if isinstance(loss, torch.nn.Module):
        loss = loss.double()
    for part in module.modules():
        if hasattr(part, "turn"):
            part.turn = part.turn.double()
            part.forward = lambda x, part=part: part.out(torch.tanh(x @ part.turn))
    trained = [p for p in module.parameters() if p.requires_grad]
    if point is not None:
        torch.nn.utils.vector_to_parameters(torch.from_numpy(point), trained)
    X, y = double(case.X), double(case.y)
    y = y.double() if y.dtype is torch.bool else y.long() if y.dtype is torch.int32 else y
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            named = isinstance(X, dict) and "x" not in X
            outputs = module(**X) if named else module(*X) if isinstance(X, tuple) else module(X)
            more = (dict(module.named_parameters()),) if getattr(loss, "__name__", "") == "decay" else ()
            value = loss(outputs, y, *more)
            gradient = torch.cat([g.reshape(-1) for g in torch.autograd.grad(value, trained, create_graph=True)])
            hessian = [torch.autograd.grad(g, trained, retain_graph=True, allow_unused=True) for g in gradient]
    finally:
        torch.set_default_dtype(before)
    full = [
        torch.cat(
            [torch.zeros(p.numel()).double() if h is None else h.reshape(-1) for h, p in zip(row, trained, strict=True)]
        )
        for row in hessian
    ]
    return float(value.detach()), gradient.detach().numpy(), torch.stack(full).numpy()


@pytest.mark.parametrize("ambient", [nullcontext, torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", ZOO)
def test_value_gradient_products_and_hessian(name, ambient):
    case = ZOO[name]
    before = copy.deepcopy(case.module.state_dict())
    with ambient():
        landscape = nn.landscape_of(*case)
        point = landscape.point + 0.1 * np.random.default_rng(1).normal(size=landscape.point.shape)
        points, vectors = np.repeat(point, 3, axis=0), np.random.default_rng(2).normal(size=(3, landscape.size))
        energies, gradients = landscape.energy_gradient(points[:1])
        energy, products = landscape.energy(points[:1]), landscape.hvp(points, vectors)
        hessian = landscape.hessian(points[:1])[0]
    value, gradient, expected = plain(case, point[0])
    scale = max(1.0, np.abs(expected).max())
    assert energy[0] == pytest.approx(value, rel=1e-12)
    assert energies[0] == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(gradients[0], gradient, atol=1e-12 * scale)
    np.testing.assert_allclose(hessian, expected, atol=1e-11 * scale)
    np.testing.assert_allclose(products, vectors @ expected, atol=1e-10 * scale)
    assert all(torch.equal(before[key], kept) for key, kept in case.module.state_dict().items())
    assert next(case.module.parameters()).dtype == torch.float32


@pytest.mark.parametrize("name", ZOO)
def test_differences_and_index(name):
    """Central differences, h = 1e-5: rounding 1e-11, curvature of third order 1e-10; kinks are not met at this seed."""
    case = ZOO[name]
    landscape = nn.landscape_of(*case)
    point, h = landscape.point, 1e-5
    v = np.random.default_rng(3).normal(size=point.shape)
    slope = (landscape.energy(point + h * v) - landscape.energy(point - h * v))[0] / (2 * h)
    assert slope == pytest.approx(float((landscape.gradient(point) * v).sum()), rel=1e-6, abs=1e-7)
    bend = (landscape.gradient(point + h * v) - landscape.gradient(point - h * v)) / (2 * h)
    np.testing.assert_allclose(landscape.hvp(point, v), bend, atol=1e-6 * max(1.0, np.abs(bend).max()))
    count = sp.count_index(landscape, point)
    eigenvalues = np.linalg.eigvalsh(plain(case)[2])
    assert count.negative[0] == np.count_nonzero(eigenvalues < -1e-3)
    assert count.certified[0]


@pytest.mark.parametrize("name", ZOO)
def test_float64_modules_copies_and_the_module_given_back(name):
    case = ZOO[name]
    landscape = nn.landscape_of(copy.deepcopy(case.module).double(), case.loss, double(case.X), case.y)
    single = nn.landscape_of(*case)
    assert np.array_equal(single.point, landscape.point)
    assert landscape.energy(landscape.point) == pytest.approx(single.energy(landscape.point), rel=1e-5)
    point = 1.1 * landscape.point
    energy = landscape.energy(point)
    assert copy.deepcopy(landscape).energy(point) == energy
    back = landscape.module(point[0])
    again = nn.landscape_of(back, case.loss, double(case.X), case.y)
    assert np.array_equal(again.point, point)
    assert again.energy(point) == energy


@pytest.mark.parametrize("name", without_second_derivative())
def test_what_torch_differentiates_once_says_so(name):
    case = without_second_derivative()[name]
    landscape = nn.landscape_of(*case)
    v, h = np.random.default_rng(3).normal(size=landscape.point.shape), 1e-5
    slope = (landscape.energy(landscape.point + h * v) - landscape.energy(landscape.point - h * v))[0] / (2 * h)
    assert slope == pytest.approx(float((landscape.gradient(landscape.point) * v).sum()), rel=1e-6)
    for second in (lambda: landscape.hvp(v, v), lambda: landscape.hessian(v)):
        with pytest.raises(NotImplementedError, match="torch_module: torch has no second derivative"):
            second()
