"""Landscapes of functions, and how algorithms call them; oracles: closed forms, torch's derivatives."""

import pickle

import numpy as np
import pytest
import torch

import known_landscapes as known
import spinscape as sp
from quartic import (
    MATRIX,
    quartic,
    quartic_both,
    quartic_gradient,
    quartic_hessian,
    quartic_hvp,
    quartic_landscape,
)
from spinscape.landscape import as_landscape


def torch_energy(w):
    return 0.5 * w @ torch.from_numpy(MATRIX) @ w + 0.25 * (w**4).sum()


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(4, 6))


def test_functions_of_one_point_are_those_of_a_block(points):
    vectors = np.random.default_rng(1).normal(size=points.shape)
    block = sp.landscape_from(
        quartic, quartic_gradient, quartic_hvp, quartic_hessian, size=6, energy_gradient=quartic_both
    )
    single = sp.landscape_from(
        lambda w: quartic(w[None])[0],
        lambda w: quartic_gradient(w[None])[0],
        lambda w, v: quartic_hvp(w[None], v[None])[0],
        lambda w: quartic_hessian(w[None])[0],
        energy_gradient=lambda w: (quartic(w[None])[0], quartic_gradient(w[None])[0]),
        size=6,
        batched=False,
    )
    of_torch = sp.landscape_from(
        torch_energy,
        torch.func.grad(torch_energy),
        lambda w, v: torch.func.jvp(torch.func.grad(torch_energy), (w,), (v,))[1],
        torch.func.hessian(torch_energy),
        energy_gradient=lambda w: torch.func.grad_and_value(torch_energy)(w)[::-1],
        size=6,
        batched=False,
        array=torch.from_numpy,
    )
    of_blocks = sp.landscape_from(
        torch.func.vmap(torch_energy), torch.func.vmap(torch.func.grad(torch_energy)), size=6, array=torch.from_numpy
    )
    assert block.hessian(points).shape == (4, 6, 6)
    for other in (single, of_torch, of_blocks):
        np.testing.assert_allclose(other.energy(points), quartic(points), rtol=1e-14)
        np.testing.assert_allclose(other.gradient(points), quartic_gradient(points), rtol=1e-12, atol=1e-14)
    for other in (block, single, of_torch):
        np.testing.assert_allclose(other.hvp(points, vectors), quartic_hvp(points, vectors), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(other.hessian(points), quartic_hessian(points), rtol=1e-12, atol=1e-14)
        energies, gradients = other.energy_gradient(points)
        np.testing.assert_allclose(energies, quartic(points), rtol=1e-14)
        np.testing.assert_allclose(gradients, quartic_gradient(points), rtol=1e-12, atol=1e-14)
        assert sp.check_landscape(other, points).ok
        for member, shape in (("energy", (0,)), ("gradient", (0, 6)), ("hessian", (0, 6, 6))):
            assert getattr(other, member)(np.empty((0, 6))).shape == shape
    assert of_blocks.hvp is None
    with pytest.raises(TypeError, match="landscape: expected one that offers hvp, got FunctionLandscape"):
        as_landscape(of_blocks).hvp(points, vectors)
    assert pickle.loads(pickle.dumps(quartic_landscape())).energy(points) == pytest.approx(quartic(points))


def test_tensors_with_a_history_are_read(points):
    """A torch model's own parameters require gradients, and so do its answers."""
    scale = torch.nn.Parameter(torch.tensor(2.0, dtype=torch.float64))

    def gradient(w):
        w.requires_grad_()
        return torch.autograd.grad((scale * torch.sin(w)).sum(), w, create_graph=True)[0]

    landscape = sp.landscape_from(lambda w: scale * torch.sin(w).sum(dim=1), gradient, size=6, array=torch.from_numpy)
    np.testing.assert_allclose(landscape.energy(points), 2 * np.sin(points).sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(landscape.gradient(points), 2 * np.cos(points), rtol=1e-13)


def test_functions_may_work_in_place_and_keep_their_arrays(points):
    kept = np.empty((4, 6))

    def gradient(w):
        np.multiply(w @ MATRIX, 1.0, out=kept)
        w *= 0
        return kept

    class InPlace:
        size, domain = 6, sp.Domain.flat(6)

    InPlace.energy, InPlace.gradient = staticmethod(quartic), staticmethod(gradient)
    for landscape in (sp.landscape_from(quartic, gradient, size=6), as_landscape(InPlace())):
        before = points.copy()
        found = landscape.gradient(points)
        landscape.gradient(-points)
        np.testing.assert_array_equal(points, before)
        np.testing.assert_array_equal(found, points @ MATRIX)


def test_a_hessian_of_products_is_symmetric(points):
    """Rounding of products need not be: the matrix is the symmetric part. Whole, and a few columns at a time."""
    skew = np.random.default_rng(0).normal(size=(6, 6))
    landscape = as_landscape(sp.landscape_from(quartic, quartic_gradient, lambda w, v: v @ skew, size=6))
    expected = np.tile((skew + skew.T) / 2, (4, 1, 1))
    np.testing.assert_array_equal(landscape.hessian(points), expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spinscape.landscape.called._COLUMNS_AT_ONCE", 24)
        np.testing.assert_array_equal(landscape.hessian(points), expected)


def test_points_off_the_sphere_are_refused_but_by_euclidean_members(points):
    """By functions themselves, and by what calls a landscape of one's own that does not look."""
    domain = sp.Domain.spheres((2, 4))

    class Blind:
        size = 6
        energy, gradient, hvp, hessian = map(staticmethod, (quartic, quartic_gradient, quartic_hvp, quartic_hessian))
        euclidean_energy, euclidean_hvp = staticmethod(quartic), staticmethod(quartic_hvp)

    Blind.domain = domain
    own = sp.landscape_from(quartic, quartic_gradient, quartic_hvp, quartic_hessian, domain=domain)
    for landscape in (own, as_landscape(Blind())):
        for member in ("energy", "gradient", "hvp", "hessian"):
            blocks = (points, points)[: 2 if member == "hvp" else 1]
            with pytest.raises(ValueError, match=r"points: expected \|w\|\^2 = 2 to 1e-4 relative, got"):
                getattr(landscape, member)(*blocks)
    np.testing.assert_array_equal(as_landscape(Blind()).euclidean_energy(points), quartic(points))
    np.testing.assert_allclose(as_landscape(Blind()).euclidean_hessian(points), quartic_hessian(points), atol=1e-15)
    with pytest.raises(TypeError, match="landscape: expected one that offers euclidean_gradient, got Blind"):
        as_landscape(Blind()).euclidean_gradient(points)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: sp.landscape_from(quartic, quartic_gradient), TypeError, "size: expected either size or domain"),
        (lambda: sp.landscape_from(quartic, None, size=6), TypeError, "gradient: expected a function, got NoneType"),
        (
            lambda: sp.landscape_from(quartic, quartic_gradient, domain=6),
            TypeError,
            "domain: expected a Domain, got int",
        ),
        (
            lambda: sp.landscape_from(quartic, np.sum, size=6).gradient(np.ones((2, 6))),
            ValueError,
            r"gradient: .*\(2, 6\)",
        ),
        (
            lambda: sp.landscape_from(quartic, quartic, size=6, batched=False).energy(np.ones((1, 6))),
            ValueError,
            "einstein",
        ),
        (lambda: quartic_landscape().energy(np.ones((2, 5))), ValueError, r"points: expected shape \(replicas, 6\)"),
        (lambda: sp.on_spheres(quartic_landscape(), (3, 4)), ValueError, "sizes: expected sizes of spheres, 6 coord"),
        (lambda: sp.on_spheres(known.Thomson(2), (6,)), TypeError, "one that offers euclidean_energy, got Thomson"),
        (lambda: sp.on_spheres(quartic_landscape(), 6).energy(np.ones((1, 6)) * 0.4), ValueError, r"\|w\|\^2 = 6"),
        (
            lambda: sp.weighted_sum([quartic_landscape(), known.Rosenbrock(5)]),
            ValueError,
            r"landscapes\[1\]: expected the",
        ),
        (lambda: sp.weighted_sum([quartic_landscape()], [1.0, 2.0]), ValueError, r"weights: expected shape \(1,\)"),
        (lambda: quartic_landscape() + 3, TypeError, r"landscapes\[1\]: expected a glass or a landscape, got int"),
        (lambda: sp.regularised(quartic_landscape(), np.nan), ValueError, "decay: expected a finite number"),
    ],
)
def test_bad_arguments(call, error, match):
    with pytest.raises(error, match=match):
        call()


class Noisy:
    size, domain = 2, sp.Domain.flat(2)

    def __init__(self, member):
        self.member, self.calls = member, 0

    def _noise(self, member):
        self.calls += 1
        return 1e-15 * self.calls * (member == self.member)

    def energy(self, points):
        return np.sum(points**2, axis=1) + self._noise("energy")

    def gradient(self, points):
        return 2 * points + self._noise("gradient")

    def hessian(self, points):
        return np.tile(2 * np.eye(2), (len(points), 1, 1)) + self._noise("hessian")


@pytest.mark.parametrize("member", ["energy", "gradient", "hessian"])
def test_noise_is_refused_by_name(member):
    points = np.full((3, 2), 1e-16) if member == "gradient" else np.zeros((3, 2))
    with pytest.raises(ValueError, match=f"landscape: expected the same answer .* from {member} of Noisy"):
        getattr(as_landscape(Noisy(member)), member)(points)
    found = sp.check_landscape(Noisy(member), points)
    assert not found.ok
    assert not found.deterministic
    assert any(f"{member}: expected the same answer" in problem for problem in found.problems)


def test_nobody_is_called_in_vain_or_asked_twice_for_long(points):
    calls = []

    def counted(w):
        calls.append(len(w))
        return quartic_both(w)

    landscape = as_landscape(sp.landscape_from(quartic, quartic_gradient, size=6, energy_gradient=counted))
    assert as_landscape(landscape) is landscape
    for block in (points[:0], points, points[:2], points[:0], points[:1]):
        energies, gradients = landscape.energy_gradient(block)
        assert energies.shape == (len(block),)
        assert gradients.shape == block.shape
    assert calls == [4, 4, 2, 1]


@pytest.mark.parametrize(
    ("member", "answer", "error", "match"),
    [
        ("energy", np.zeros((2, 1)), ValueError, r"energy of Quartic: expected shape \(2,\), got \(2, 1\)"),
        (
            "energy",
            np.zeros(2, dtype=complex),
            TypeError,
            "energy of Quartic: expected real numbers, got dtype complex",
        ),
        ("gradient", None, TypeError, "gradient of Quartic: expected"),
        ("hvp", np.zeros((1, 6)), ValueError, r"hvp of Quartic: expected shape \(2, 6\)"),
        ("hessian", np.zeros((2, 6)), ValueError, r"hessian of Quartic: expected shape \(2, 6, 6\)"),
        ("energy_gradient", np.zeros(2), TypeError, "energy_gradient of Quartic: expected 2 arrays, got ndarray"),
    ],
)
def test_wrong_answers_are_named(points, member, answer, error, match):
    class Quartic:
        size, domain = 6, sp.Domain.flat(6)
        energy, gradient = staticmethod(quartic), staticmethod(quartic_gradient)

    landscape = Quartic()
    setattr(landscape, member, lambda *blocks: answer)
    blocks = (points[:2], points[:2]) if member == "hvp" else (points[:2],)
    with pytest.raises(error, match=match):
        getattr(as_landscape(landscape), member)(*blocks)


def test_overflow_is_an_answer():
    steep = sp.landscape_from(lambda w: np.exp(w[:, 0] ** 2), lambda w: 2 * w * np.exp(w**2), size=1)
    with np.errstate(over="ignore"):
        assert as_landscape(steep).energy(np.array([[1.0], [100.0]])).tolist() == [np.e, np.inf]
