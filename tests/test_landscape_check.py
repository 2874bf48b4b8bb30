"""The check of a landscape, and the known landscapes through it; oracles: wrong derivatives, closed forms."""

import numpy as np
import pytest

import known_landscapes as known
import spinscape as sp
from quartic import (
    MATRIX,
    quartic,
    quartic_gradient,
    quartic_hessian,
    quartic_hvp,
    quartic_landscape,
)
from spinscape.landscape import as_landscape


class Plain:
    """A landscape of 0.1.0: `spheres` and no `domain`; nothing but what was needed then."""

    def __init__(self, glass):
        self.size, self.spheres = glass.size, glass.spheres
        self.energy, self.gradient, self.hvp, self.hessian = glass.energy, glass.gradient, glass.hvp, glass.hessian


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(4, 6))


KNOWN = {
    "Müller-Brown": (known.MuellerBrown(), 1.0),
    "Rosenbrock": (known.Rosenbrock(5), 1.0),
    "Lennard-Jones": (known.LennardJones(7), 1.5),
    "Thomson": (known.Thomson(6), 1.0),
    "unequal spheres": (known.UnequalSpheres(), 1.0),
    "XY ring": (known.XYRing(9), 1.0),
    "factorisation": (known.MatrixFactorisation(), 1.0),
    "glass": (sp.PureGlass(3, 12, rng=0), 1.0),
    "float32": (sp.PureGlass(3, 12, rng=0, dtype="float32"), 1.0),
    "layered": (sp.LayeredGlass(3, 5, rng=0).with_field(np.ones(15), 0.3), 1.0),
    "0.1.0": (Plain(sp.LayeredGlass(3, 5, rng=0)), 1.0),
    "on spheres": (sp.on_spheres(quartic_landscape(), (2, 3)), 1.0),
    "regularised": (sp.regularised(quartic_landscape(), 0.7), 1.0),
    "sum": (2.0 * sp.PureGlass(3, 6, rng=0) - sp.PureGlass(4, 6, rng=1), 1.0),
}


@pytest.mark.parametrize("name", KNOWN)
def test_landscapes_are_what_they_say(name):
    landscape, scale = KNOWN[name]
    called = as_landscape(landscape)
    points = scale * called.domain.random_points(3, rng=5)
    found = sp.check_landscape(landscape, points)
    assert found.ok, found
    assert found.deterministic
    wide = 0.1 if name == "float32" else 0.03
    np.testing.assert_allclose(found.gradient_slope, 2, atol=wide)
    np.testing.assert_allclose(found.hessian_slope, 3, atol=3 * wide)
    if hasattr(landscape, "zero_modes"):  # the energy does not change along them, nor the gradient at critical points
        modes = landscape.zero_modes(points)
        slopes = np.einsum("rki,ri->rk", modes, called.gradient(points))
        assert np.abs(slopes).max() < 1e-9 * np.abs(called.gradient(points)).max() * np.abs(modes).max()
        assert (np.linalg.matrix_rank(modes) == modes.shape[1]).all()


def test_known_critical_points():
    brown = known.MuellerBrown()
    for row, index in [(brown.minima, 0), (brown.saddles, 1)]:
        assert (np.abs(brown.gradient(row)) < 3e-3).all()  # six digits of the point, curvatures of a thousand
        assert ((np.linalg.eigvalsh(brown.hessian(row)) < 0).sum(axis=1) == index).all()
    rosen = known.Rosenbrock(6)
    assert rosen.energy(rosen.minimum[None]) == 0
    assert not rosen.gradient(rosen.minimum[None]).any()
    spheres = known.UnequalSpheres()
    for ranks in [(0, 0, 0), (2, 4, 1), (1, 3, 0)]:
        point, energy, index = spheres.critical_point(ranks)
        assert spheres.energy(point)[0] == pytest.approx(energy, rel=1e-12)
        np.testing.assert_allclose(spheres.gradient(point), 0, atol=1e-13)
        count = sp.count_index(spheres, point)
        assert (count.negative[0], count.zero[0], count.positive[0]) == (index, 0, spheres.domain.dimension - index)
    ring = known.XYRing(8)
    for k in range(8):
        state = ring.twisted(k, turn=0.3)
        assert ring.energy(state)[0] == pytest.approx(ring.twisted_energy(k), abs=1e-12)
        np.testing.assert_allclose(ring.gradient(state), 0, atol=1e-14)
        spectrum = np.linalg.eigvalsh(as_landscape(ring).hessian(state)[0])
        expected = np.sort(np.concatenate([ring.twisted_spectrum(k), np.zeros(8)]))  # and the radial directions
        np.testing.assert_allclose(spectrum, expected, atol=1e-14)
    factors = known.MatrixFactorisation()
    for point, energy in factors.critical_points():
        assert factors.energy(point[None])[0] == pytest.approx(energy, rel=1e-12)
        np.testing.assert_allclose(factors.gradient(point[None]), 0, atol=1e-14)
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float).reshape(1, 12)
    thomson = known.Thomson(4)
    assert thomson.energy(tetrahedron)[0] == pytest.approx(thomson.lowest[4], rel=1e-14)
    np.testing.assert_allclose(thomson.gradient(tetrahedron), 0, atol=1e-14)
    ring = np.exp(2j * np.pi * np.arange(5) / 5)
    bipyramid = 0.9 * np.concatenate([np.stack([ring.real, ring.imag, 0 * ring.real], 1), [[0, 0, 0.6], [0, 0, -0.6]]])
    seven = known.LennardJones(7)
    end = sp.descend(seven, bipyramid.reshape(1, 21), "lbfgs")
    assert seven.energy(end.points)[0] == pytest.approx(seven.lowest[7], abs=5e-7)
    atoms = known.LennardJones(4)
    pair = 2 ** (1 / 6) / 8**0.5
    assert atoms.energy(pair * tetrahedron)[0] == pytest.approx(atoms.lowest[4], rel=1e-14)


def broken(**members):
    given = {"energy": quartic, "gradient": quartic_gradient, "hvp": quartic_hvp, "hessian": quartic_hessian}
    return sp.landscape_from(**(given | members), size=6)


@pytest.mark.parametrize(
    ("landscape", "words"),
    [
        (broken(gradient=lambda w: 1.001 * quartic_gradient(w)), "gradient: not the gradient of the energy"),
        (broken(gradient=lambda w: quartic_gradient(w) + 1e-5), "gradient: not the gradient of the energy"),
        (broken(hvp=lambda w, v: 1.01 * quartic_hvp(w, v)), "hvp: not the Hessian of the energy"),
        (broken(hvp=lambda w, v: v @ MATRIX + 6 * w * v), "hvp: not the Hessian of the energy"),
        (broken(hvp=None, hessian=lambda w: quartic_hessian(w) + 0.01), "hessian: not the Hessian of the energy"),
        (
            broken(hessian=lambda w: quartic_hessian(w) + np.triu(np.ones((6, 6)), 1)),
            "hvp: expected a symmetric Hessian",
        ),
        (broken(hessian=lambda w: 1.01 * quartic_hessian(w)), "hessian: expected answers equal to hvp"),
        (broken(energy_gradient=lambda w: (quartic(w), 2 * w)), "energy_gradient: expected answers equal to gradient"),
        (broken(energy=lambda w: quartic(w) + quartic(w).sum()), "energy: expected answers equal of a row alone"),
        (broken(gradient=lambda w: quartic_gradient(w) * np.nan), "gradient: expected finite answers"),
    ],
)
def test_what_is_wrong_is_said(landscape, words, points):
    found = sp.check_landscape(landscape, points)
    assert not found.ok
    assert any(words in problem for problem in found.problems), found
    assert words in repr(found)


def test_euclidean_answers_on_spheres_are_not_tangent():
    domain = sp.Domain.spheres((4, 2))
    landscape = sp.landscape_from(quartic, quartic_gradient, quartic_hvp, domain=domain)
    found = sp.check_landscape(landscape, domain.random_points(2, rng=0))
    assert any(problem.startswith("gradient: expected tangent vectors") for problem in found.problems)
    assert any(problem.startswith("hvp: expected zero along the radial") for problem in found.problems)
    assert any(problem.startswith("hvp: not the Hessian") for problem in found.problems)
    assert sp.check_landscape(sp.on_spheres(quartic_landscape(), (4, 2)), domain.random_points(2, rng=0)).ok


def test_products_are_those_of_the_tangent_part():
    """A product that is tangent, but takes the whole vector, is not zero along the radial direction."""
    on = sp.on_spheres(quartic_landscape(), 6)

    def whole(w, v):
        return on.domain.project(w, quartic_hvp(w, v)) - on.domain.curvature_term(w, quartic_gradient(w), v)

    def tangent(w, v):
        return on.domain.project(w, whole(w, v))

    found = sp.check_landscape(
        sp.landscape_from(on.energy, on.gradient, tangent, domain=on.domain), on.domain.random_points(2, rng=0)
    )
    assert len(found.problems) == 1
    assert found.problems[0].startswith("hvp: expected zero along the radial directions, got")


def test_remainders_that_vanish_are_no_problem(points):
    linear = sp.landscape_from(lambda w: w @ np.arange(6.0), lambda w: np.tile(np.arange(6.0), (len(w), 1)), size=6)
    found = sp.check_landscape(linear, points)
    assert found.ok
    assert np.isnan(found.gradient_slope).all()
    assert found.hessian_slope is None
    square = sp.landscape_from(
        lambda w: 0.5 * np.einsum("ri,ij,rj->r", w, MATRIX, w), lambda w: w @ MATRIX, lambda w, v: v @ MATRIX, size=6
    )
    found = sp.check_landscape(square, points)
    assert found.ok, found
    assert np.isnan(found.hessian_slope).all()
    np.testing.assert_allclose(found.gradient_slope, 2, atol=0.01)
    assert found.to_dict()["ok"] is True
    assert "zero up to rounding" in repr(found)
