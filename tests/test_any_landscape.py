"""Descents and samplers on landscapes that are no glasses: a glass called back, and energies whose minima are known."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import spinscape as sp
from known_landscapes import MuellerBrown, Rosenbrock, Thomson, UnequalSpheres


class Wrapped:
    """A glass as a landscape of Python's that offers just what it is given."""

    def __init__(self, glass, *members):
        self.glass, self.size, self.domain, self.energy_scale = glass, glass.size, glass.domain, glass.energy_scale
        self.calls = []
        for member in ("energy", "gradient", *members):
            setattr(self, member, self._of(member))

    def _of(self, member):
        answer = getattr(self.glass, member)

        def call(points, *vectors):
            assert len(points)
            self.calls.append((member, len(points)))
            return answer(points, *vectors)

        return call


GLASSES = {
    "pure": sp.PureGlass(3, 12, rng=1),
    "mixed": sp.MixedGlass({2: 0.5, 4: 0.5}, 9, rng=2).with_field(np.ones(9), 0.2),
    "layered": sp.LayeredGlass(3, 5, rng=3),
}
METHODS = {
    "gradient": (sp.GradientDescent(step=0.1, decay=0.001), ()),
    "momentum": (sp.Momentum(step=0.05), ()),
    "flow": (sp.GradientFlow(duration=20.0), ()),
    "lbfgs": (sp.LBFGS(history=4), ()),
    "trust-region": (sp.TrustRegion(), ("hvp",)),
    "saddle-free dense": (sp.SaddleFreeNewton(), ("hessian",)),
    "saddle-free krylov": (sp.SaddleFreeNewton(krylov=8), ("hvp",)),
}


@pytest.mark.parametrize("glass", GLASSES.values(), ids=GLASSES)
@pytest.mark.parametrize(("method", "members"), METHODS.values(), ids=METHODS)
def test_a_glass_called_back_descends_as_the_glass(glass, method, members):
    starts = glass.random_points(5, rng=4)
    own = sp.descend(glass, starts, method, max_steps=200, trace_every=7)
    called = sp.descend(Wrapped(glass, "energy_gradient", *members), starts, method, max_steps=200, trace_every=7)
    np.testing.assert_allclose(called.points, own.points, atol=1e-8)
    np.testing.assert_allclose(called.energy_density, own.energy_density, atol=1e-10)
    np.testing.assert_array_equal(called.stop_reason, own.stop_reason)
    np.testing.assert_allclose(called.trace_energy_density, own.trace_energy_density, atol=1e-8)


@pytest.mark.parametrize("glass", [GLASSES["pure"], GLASSES["mixed"]])
def test_a_glass_called_back_ascends_along_its_hessian_as_the_glass(glass):
    members = ("euclidean_energy", "euclidean_gradient", "euclidean_hvp")
    starts = glass.random_points(4, rng=4)
    own = sp.descend(glass, starts, "hessian-ascent", max_steps=20)
    called = sp.descend(Wrapped(glass, *members), starts, "hessian-ascent", max_steps=20)
    np.testing.assert_allclose(called.points, own.points, atol=1e-8)
    with pytest.raises(TypeError, match=r"^landscape: method 'hessian-ascent' asks for euclidean_"):
        sp.descend(Wrapped(glass), starts, "hessian-ascent")


def test_parts_and_batches_of_any_landscape():
    """SGD over landscapes that sum to one: the same as over the glasses they are."""
    glass = GLASSES["pure"]
    starts, parts = glass.random_points(4, rng=5), glass.split(4)
    schedule = sp.SGDSchedule(4, stages=(sp.ScheduleStage(60, 0.2, on_parts=True), sp.ScheduleStage(20, 0.1)))
    own = sp.descend(glass, starts, sp.SGD(schedule=schedule))
    given = sp.descend(Wrapped(glass), starts, sp.SGD(schedule=schedule, parts=[Wrapped(part) for part in parts]))
    np.testing.assert_allclose(given.points, own.points, atol=1e-8)
    offering = Wrapped(glass)
    offering.batches = lambda count: [Wrapped(part) for part in glass.split(count)]
    offered = sp.descend(offering, starts, method="sgd", schedule=schedule)
    np.testing.assert_allclose(offered.points, own.points, atol=1e-8)
    with pytest.raises(TypeError, match=r"^landscape: method 'sgd' asks for batches"):
        sp.descend(Wrapped(glass), starts, "sgd")
    with pytest.raises(TypeError, match="couplings"):
        sp.descend(Wrapped(glass), starts, "sgd", schedule=sp.SGDSchedule(2, split="tuples"))
    offering.batches = lambda count: [Wrapped(part) for part in glass.split(count)][:-1]
    with pytest.raises(ValueError, match=r"^landscape: expected 4 landscapes from batches"):
        sp.descend(offering, starts, "sgd", schedule=schedule)
    offering.batches = lambda count: [Wrapped(glass)] * count
    with pytest.raises(ValueError, match=r"^parts: expected gradients that sum"):
        sp.descend(offering, starts, "sgd", schedule=schedule)


@pytest.mark.parametrize("glass", GLASSES.values(), ids=GLASSES)
@pytest.mark.parametrize("method", ["mala", "hmc", "langevin"])
def test_a_glass_called_back_is_sampled_as_the_glass(glass, method):
    starts = glass.random_points(6, rng=1)
    own = sp.sample(glass, starts, beta=1.3, steps=40, rng=2, method=method, trace_every=5, keep_every=10)
    called = sp.sample(
        Wrapped(glass, "energy_gradient"),
        starts,
        beta=1.3,
        steps=40,
        rng=2,
        method=method,
        trace_every=5,
        keep_every=10,
    )
    np.testing.assert_allclose(called.points, own.points, atol=1e-8)
    np.testing.assert_allclose(called.trace_energy_density, own.trace_energy_density, atol=1e-8)
    np.testing.assert_allclose(called.kept_points, own.kept_points, atol=1e-8)


def test_a_glass_called_back_is_annealed_and_tempered_as_the_glass():
    glass = GLASSES["mixed"]
    starts, schedule = glass.random_points(4, rng=1), sp.AnnealingSchedule(steps=60, levels=6)
    own = sp.anneal(glass, starts, schedule=schedule, rng=3)
    called = sp.anneal(Wrapped(glass), starts, schedule=schedule, rng=3)
    np.testing.assert_allclose(called.points, own.points, atol=1e-8)
    own = sp.temper(glass, starts, betas=(0.5, 1.0, 2.0), steps=40, rng=3)
    called = sp.temper(Wrapped(glass), starts, betas=(0.5, 1.0, 2.0), steps=40, rng=3)
    np.testing.assert_allclose(called.points, own.points, atol=1e-8)
    np.testing.assert_array_equal(called.round_trips, own.round_trips)


def test_all_live_replicas_are_one_call_a_step():
    """Not one row of starts is left out or asked alone; no call is empty (asserted in `Wrapped`)."""
    glass = GLASSES["pure"]
    landscape = Wrapped(glass, "energy_gradient")
    run = sp.descend(landscape, glass.random_points(300, rng=0), max_steps=30, n_threads=2)
    assert landscape.calls[:2] == [("energy_gradient", 300)] * 2  # the first block is asked twice
    counts = [count for _, count in landscape.calls[1:]]
    assert counts == [np.count_nonzero(run.steps >= t) for t in range(31)]
    empty = sp.descend(landscape, np.empty((0, 12)))
    assert empty.points.shape == (0, 12)


def test_an_own_error_and_an_interrupt_come_out_of_the_walk():
    class Failing(Wrapped):
        def __init__(self, glass, error):
            super().__init__(glass)
            self.count, self.error = 0, error
            plain = self.gradient

            def gradient(points):
                self.count += 1
                if self.count > 4:
                    raise self.error
                return plain(points)

            self.gradient = gradient

    glass = GLASSES["pure"]
    starts = glass.random_points(3, rng=0)
    for error in (RuntimeError("mine"), KeyboardInterrupt()):
        for walk in (
            lambda x: sp.descend(x, starts, "lbfgs", n_threads=2),
            lambda x: sp.sample(x, starts, beta=1.0, steps=50, step=0.01, rng=0),
            lambda x: sp.temper(x, starts, betas=(0.5, 1.0), steps=50, step=0.01, rng=0),
        ):
            with pytest.raises(type(error)):
                walk(Failing(glass, error))
    assert np.isfinite(sp.descend(glass, starts, max_steps=3).energy_density).all()


def test_noise_is_refused():
    glass, noise = GLASSES["pure"], np.random.default_rng(0)
    landscape = Wrapped(glass)
    landscape.gradient = lambda points: glass.gradient(points) + noise.normal(size=points.shape)
    with pytest.raises(ValueError, match=r"^landscape: .*two different ones from gradient"):
        sp.descend(landscape, glass.random_points(2, rng=0))


def test_the_minima_of_mueller_and_brown():
    landscape = MuellerBrown()
    starts = np.random.default_rng(0).uniform((-1.5, -0.3), (1.1, 1.8), size=(200, 2))
    for method in (
        sp.LBFGS(step=1e-4),
        sp.TrustRegion(radius=0.1),
        sp.SaddleFreeNewton(),
        sp.GradientDescent(step=2e-4),
    ):
        run = sp.descend(landscape, starts, method, tol=1e-5)
        assert run.converged.all()
        levels = np.array([-146.699517, -108.166724, -80.767818])
        nearest = np.abs(run.energy_density[:, None] - levels)
        assert (nearest.min(axis=1) < 1e-5).all()
        assert set(nearest.argmin(axis=1)) == {0, 1, 2}


def test_rosenbrock_is_solved():
    landscape = Rosenbrock(6)
    starts = np.random.default_rng(1).uniform(-1.2, 1.2, size=(20, 6))
    for method in ("lbfgs", "trust-region", "saddle-free-newton"):
        run = sp.descend(landscape, starts, method, tol=1e-9, max_steps=5000)
        assert run.converged.all()
        at_one = np.abs(run.points - 1).max(axis=1) < 1e-6
        assert at_one.sum() > 10  # the others are at the known second minimum near (-1, 1, ..., 1)
        assert np.all(run.energy_density[at_one] < 1e-12)


def test_charges_on_a_sphere():
    """The Thomson problem on a product of spheres of three coordinates: its closed forms."""
    for charges, energy in Thomson.lowest.items():
        landscape = Thomson(charges)
        run = sp.descend(landscape, landscape.domain.random_points(20, rng=charges), "lbfgs", tol=1e-9)
        assert landscape.energy(run.points).min() == pytest.approx(energy, abs=1e-9)


def test_unequal_spheres_and_a_flat_remainder_keep_their_lengths():
    landscape = UnequalSpheres()
    starts = landscape.domain.random_points(10, rng=0)
    for method in ("gradient", "momentum", "lbfgs", "flow", "trust-region", "saddle-free-newton"):
        run = sp.descend(landscape, starts, method, tol=1e-8, max_steps=20_000)
        np.testing.assert_allclose(landscape.domain.retract(run.points), run.points, rtol=1e-12)
        assert run.converged.all(), method
    chain = sp.sample(landscape, starts, beta=1.0, steps=20, rng=0)
    np.testing.assert_allclose(landscape.domain.retract(chain.points), chain.points, rtol=1e-12)


def test_a_gaussian_in_flat_space_is_sampled_with_its_own_widths():
    """exp(-β Σ x²/(2 σ²)): mean energy D/(2β), whatever the units; 400 chains, 5 σ of the mean over chains."""

    class Quadratic:
        size, domain = 3, sp.Domain.flat(3)

        def __init__(self, width):
            self.width = width

        def energy(self, x):
            return np.sum((x / self.width) ** 2, axis=1) / 2

        def gradient(self, x):
            return x / self.width**2

    for width in (1e-4, 1.0, 1e5):
        starts = width * np.random.default_rng(0).normal(size=(400, 3)) / np.sqrt(2.0)
        chain = sp.sample(Quadratic(width), starts, beta=2.0, steps=300, rng=1)
        error = np.std(chain.mean_energy_density) / 20
        assert abs(np.mean(chain.mean_energy_density) - 0.75) < 5 * error
        assert 0.4 < chain.acceptance.mean() < 0.8


def test_a_new_method_is_one_class():
    @dataclass(frozen=True)
    class SignDescent(sp.DescentMethod):
        rate: float = 0.05
        name: ClassVar[str] = "sign"

        def move(self, landscape, points, gradients, t):
            return points - self.rate / (1 + 0.1 * t) * np.sign(gradients)

    glass = GLASSES["layered"]
    starts = glass.random_points(6, rng=2)
    run = sp.descend(glass, starts, SignDescent(), tol=1e-3, max_steps=400, trace_every=100, ladder=[0.5, 0.1])
    assert run.method == "sign"
    assert (run.energy_density < glass.energy_density(starts)).all()
    assert (run.halting_steps[:, 0] >= 0).all()
    np.testing.assert_allclose(run.energy_density, glass.energy_density(run.points), rtol=1e-12)
    np.testing.assert_allclose(glass.domain.retract(run.points), run.points, rtol=1e-12)

    @dataclass(frozen=True)
    class Plain(sp.DescentMethod):
        name: ClassVar[str] = "plain"

        def move(self, landscape, points, gradients, t):
            return points - 0.1 * gradients

    own = sp.descend(glass, starts, Plain(), max_steps=50, trace_every=10, ladder=[0.5])
    core = sp.descend(glass, starts, "gradient", max_steps=50, trace_every=10, ladder=[0.5])
    for field in ("points", "energy_density", "gradient_norm", "trace_energy_density", "halting_energy"):
        np.testing.assert_allclose(getattr(own, field), getattr(core, field), atol=1e-10)
    for field in ("stop_reason", "steps", "evaluations", "halting_steps", "trace_steps"):
        np.testing.assert_array_equal(getattr(own, field), getattr(core, field))


def test_what_a_method_returns_stays_its_own():
    """Read-only answers (jax's arrays are) and arrays a method keeps are never written into."""
    glass = GLASSES["pure"]
    given = []

    @dataclass(frozen=True)
    class Broken(sp.DescentMethod):
        name: ClassVar[str] = "broken"

        def move(self, landscape, points, gradients, t):
            moved = points - 0.1 * gradients
            moved[-1] = np.nan
            moved.flags.writeable = False
            given.append(moved)
            return moved

    run = sp.descend(glass, glass.random_points(3, rng=0), Broken(), max_steps=2)
    assert run.stop_reason.tolist() == [sp.StopReason.max_steps] + [sp.StopReason.not_finite] * 2
    assert all(np.isnan(moved[-1]).all() for moved in given)


def test_a_name_with_keywords_is_the_object():
    glass = GLASSES["pure"]
    starts = glass.random_points(3, rng=0)
    by_name = sp.descend(glass, starts, method="lbfgs", history=5, step=0.2)
    by_object = sp.descend(glass, starts, sp.LBFGS(history=5, step=0.2))
    np.testing.assert_array_equal(by_name.points, by_object.points)
    assert sp.LBFGS(history=5) == sp.LBFGS(0.1, 5)
    with pytest.raises(ValueError, match=r"^history: expected None beside a method that is an object"):
        sp.descend(glass, starts, sp.LBFGS(), history=5)
    with pytest.raises(TypeError, match="unexpected argument 'histroy'"):
        sp.descend(glass, starts, "lbfgs", histroy=5)
    np.testing.assert_array_equal(sp.descend(glass=glass, points=starts).points, sp.descend(glass, starts).points)
