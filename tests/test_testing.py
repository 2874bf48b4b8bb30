"""spinscape.testing: assertions pass for what is right and fail for what is wrong; our algorithms under its draws."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spinscape as sp
from spinscape import testing


class Wrong(testing.Quartic):
    """A landscape with one member wrong."""

    def __init__(self, fault):
        super().__init__(3, 0)
        object.__setattr__(self, "fault", fault)

    def gradient(self, points):
        gradient = super().gradient(points)
        if self.fault == "gradient":
            gradient = 1.01 * gradient
        if self.fault == "rows":
            gradient = gradient + 1e-6 * points.mean(axis=0)
        return gradient

    def hvp(self, points, vectors):
        return super().hvp(points, vectors) * (1.1 if self.fault == "hessian" else 1.0)


@settings(max_examples=20)
@given(st.data())
def test_landscapes_are_right(data):
    landscape = data.draw(testing.landscapes(max_size=5))
    testing.check(landscape, data.draw(testing.points(landscape)))


@pytest.mark.parametrize("fault", ["gradient", "rows", "hessian"])
def test_what_is_wrong_fails(fault):
    testing.check(Wrong("none"))
    with pytest.raises(AssertionError):
        testing.check(Wrong(fault))


def test_a_wrong_index_fails(monkeypatch):
    glass = sp.PureGlass(3, 6, rng=0)
    testing.assert_index(glass, glass.random_points(4, rng=0))
    negated = glass.astype("float64")
    hessian = type(glass).hessian
    monkeypatch.setattr(type(glass), "hessian", lambda self, points: -hessian(self, points))
    with pytest.raises(AssertionError, match="negative, zero, positive"):
        testing.assert_index(negated, glass.random_points(4, rng=0))


def test_invariance_to_the_bit_fails_for_a_last_bit():
    class Restless(testing.Quartic):
        def energy(self, points):
            return super().energy(points) * (1 + 2.3e-16 * len(points))

    landscape = Restless(3, 1)
    points = landscape.domain.random_points(3, rng=0)
    testing.assert_invariant(landscape, points)
    with pytest.raises(AssertionError, match="row 0 alone"):
        testing.assert_invariant(landscape, points, exact=True)


@settings(max_examples=25)
@given(st.data())
def test_descents_do_not_depend_on_rows_or_threads(data):
    glass = data.draw(testing.glasses(max_size=6, dtypes=("float64", "float32")))
    method = data.draw(testing.methods(glass))
    w = data.draw(testing.points(glass, min_rows=2))
    run = sp.descend(glass, w, method, max_steps=60, n_threads=1)
    other = sp.descend(glass, w[::-1], method, max_steps=60, n_threads=3)[::-1]
    assert run.points.tobytes() == other.points.tobytes()
    assert run.energy_density.tobytes() == other.energy_density.tobytes()
    assert run.stop_counts == other.stop_counts
    again = sp.concatenate([sp.descend(glass, w[[row]], method, max_steps=60) for row in range(len(w))])
    assert again.points.tobytes() == run.points.tobytes()


@settings(max_examples=25)
@given(st.data())
def test_refined_points_are_counted_as_numpy_counts(data):
    glass = data.draw(testing.glasses(max_size=6))
    critical = sp.refine(glass, data.draw(testing.points(glass)))
    testing.assert_index(glass, critical.points[critical.converged])


@settings(max_examples=30)
@given(testing.glasses(dtypes=("float64", "float32")))
def test_symmetries_leave_the_energy_as_it_is(glass):
    w = glass.random_points(1, rng=0)
    energies = glass.energy((glass.symmetries * w).astype(glass.dtype))
    np.testing.assert_allclose(energies, energies[0], rtol=1e-5, atol=1e-4)
    assert (glass.symmetries == 1).all(axis=1).any()


def test_methods_without_a_landscape_are_of_every_kind():
    kinds = set()

    @settings(max_examples=150, derandomize=True, database=None)
    @given(testing.methods())
    def collect(method):
        kinds.add(method.name)

    collect()
    assert kinds == {method.name for method in (
        sp.GradientDescent, sp.Momentum, sp.GradientFlow, sp.LBFGS, sp.TrustRegion, sp.SaddleFreeNewton,
        sp.HessianAscent, sp.SGD, sp.PowerMethod,
    )}  # fmt: skip


def test_without_hypothesis_the_assertions_still_work():
    script = """
    import sys
    sys.modules["hypothesis"] = None
    import spinscape as sp
    from spinscape import testing
    testing.check(sp.PureGlass(3, 6, rng=0))
    try:
        testing.glasses()
    except ImportError as error:
        assert "pip install hypothesis" in str(error), error
    else:
        raise SystemExit("no error")
    """
    code = "\n".join(line.strip() if not line.startswith("     ") else line[4:] for line in script.splitlines())
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
