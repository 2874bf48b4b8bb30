"""The public surface that users script against: the lines that are promised, word for word."""

import contextlib
import importlib
import inspect
import io
import pkgutil

import numpy as np
import pytest

import spinscape as sp
from spinscape import study
from spinscape import theory as th
from spinscape.cli import main


def test_pipeline():
    glass = sp.PureGlass(p=3, N=100, rng=7, law="gaussian", dtype="float64")
    w = glass.random_points(64, rng=1)
    assert w.shape == (64, 100)
    np.testing.assert_allclose(np.sum(w**2, axis=1), 100, rtol=1e-12)
    assert glass.energy(w).shape == (64,)
    assert glass.euclidean_gradient(w).shape == glass.gradient(w).shape == (64, 100)
    v = np.random.default_rng(0).normal(size=w.shape)
    assert glass.hvp(w, v).shape == (64, 100)
    np.testing.assert_allclose(np.einsum("rij,rj->ri", glass.hessian(w), w), 0, atol=1e-10)
    w = w[:6]
    X = np.random.default_rng(1).normal(size=(4, 4, 4))
    assert sp.PureGlass.from_tensor(X).couplings.shape == (20,)
    assert glass.couplings.shape == (171_700,)

    run = sp.descend(glass, w, method="gradient", step=0.1, tol=1e-6, max_steps=20000)
    for method in ("sgd", "lbfgs"):
        assert sp.descend(glass, w[:2], method=method).points.shape == (2, 100)
    assert run.points.shape == (6, 100)
    for name in ("energy_density", "gradient_norm", "stop_reason", "steps"):
        assert getattr(run, name).shape == (6,)

    crit = sp.refine(glass, run.points)
    assert crit.points.shape == (6, 100)
    assert crit.energy_density.shape == crit.gradient_norm.shape == (6,)
    assert crit.converged.all()
    idx = sp.count_index(glass, crit.points, zero_tol=1e-3)
    np.testing.assert_array_equal(idx.negative, 0)
    assert np.all(idx.negative + idx.zero + idx.positive == 99)
    assert idx.certified.all()
    assert np.all(idx.margin > 0)


def test_other_models_and_operators():
    n = 12
    operator = np.diag(np.arange(n) - 3.5)
    assert sp.lanczos_index(operator, n, zero_tol=1e-3).negative == 4
    for glass in (sp.MixedGlass({3: 0.5, 4: 0.5}, N=60, rng=0), sp.LayeredGlass(p=3, n=40, rng=0)):
        assert glass.energy(glass.random_points(3, rng=1)).shape == (3,)
    for function in (sp.PureGlass, sp.PureGlass(3, 4, rng=0).energy, sp.descend, sp.refine, sp.count_index):
        assert inspect.signature(function).parameters["n_threads"].kind is inspect.Parameter.KEYWORD_ONLY
    for function in (sp.PureGlass, sp.MixedGlass, sp.LayeredGlass, sp.PureGlass(3, 4, rng=0).random_points):
        assert inspect.signature(function).parameters["rng"].kind is inspect.Parameter.KEYWORD_ONLY
    for rng in (3, np.random.SeedSequence(3), np.random.default_rng(3), None):
        assert sp.PureGlass(3, 4, rng=rng).N == 4


def test_theory():
    p, k, N, u = 3, 2, 12, np.linspace(-1.7, 0, 5)
    assert th.threshold_energy(p) < th.layer_energy(p, k) < th.ground_state_energy(p)
    assert th.complexity(u, p).shape == th.complexity(u, p, index=k).shape == (5,)
    assert th.log_mean_critical_points(N, p, below=u, above=-np.inf, index=None).shape == (5,)
    assert np.isfinite(th.log_mean_critical_points(N, p, below=np.inf))
    assert th.critical_energy_density(u, N, p, index=None).shape == (5,)
    assert th.sharp_asymptotics(u, N, p).shape == (5,)
    assert th.negative_fraction(u, p).shape == (5,)
    xi = {3: 0.5, 4: 0.5}
    assert th.ground_state_energy_mixed(xi) == pytest.approx(1.733070, abs=5e-7)
    assert th.marginal_energy(xi) == pytest.approx(1.690476, abs=5e-7)
    low, high = th.marginal_range(xi)
    assert low < high
    assert th.algorithmic_energy(xi) == pytest.approx(1.699522, abs=5e-7)
    assert th.complexity_mixed(u, xi, index=None).shape == (5,)
    assert th.algorithmic_energy(sp.MixedGlass(xi, 6, rng=0)) == th.algorithmic_energy(xi)
    assert th.marginal_energy(sp.PureGlass(3, 6, rng=0)) == th.marginal_energy({3: 1.0})


def test_studies(tmp_path):
    from spinscape.study import scaled_losses

    recipe, store = scaled_losses.recipe(sizes=(6,), starts=4), tmp_path / "s.sqlite"
    assert isinstance(recipe, study.Recipe)
    study.run(recipe, store, executor=None, n_threads=None).close()
    study.resume(store).close()
    with study.Store(store) as opened:
        assert len(list(opened.rows)) == 1
        assert opened.verify() == []
        assert opened.export(tmp_path / "t.csv").exists()
        assert callable(opened.to_pandas)
        assert callable(opened.to_xarray)


def test_rooms_are_there_when_asked_for():
    for room in ("theory", "networks", "study", "figures"):
        assert inspect.ismodule(getattr(sp, room))
        assert room in dir(sp)
    assert set(sp.__all__) <= set(dir(sp))
    assert sp.study.scaled_losses.recipe
    assert "scaled_losses" in dir(sp.study)
    assert sp.figures.theory.__name__ == "spinscape.figures.theory"
    with pytest.raises(AttributeError, match="module 'spinscape' has no attribute 'cli_'"):
        sp.cli_  # noqa: B018


def test_no_module_has_the_name_of_a_function_of_its_package():
    """Once imported, a module would take the function's place as an attribute of the package."""
    packages = [
        sp,
        *(importlib.import_module(m.name) for m in pkgutil.walk_packages(sp.__path__, "spinscape.") if m.ispkg),
    ]
    assert len(packages) > 15
    for package in packages:
        modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
        public = set(getattr(package, "__all__", ()))
        assert not {name for name in modules & public if not inspect.ismodule(getattr(package, name))}, package


def test_methods_are_objects():
    glass = sp.PureGlass(3, 20, rng=0)
    w = glass.random_points(4, rng=1)
    for kind in (
        sp.LBFGS, sp.GradientDescent, sp.Momentum, sp.SGD, sp.GradientFlow, sp.TrustRegion, sp.SaddleFreeNewton,
        sp.HessianAscent, sp.PowerMethod,
    ):  # fmt: skip
        run = sp.descend(glass, w, kind(), max_steps=5)
        np.testing.assert_array_equal(run.points, sp.descend(glass, w, kind.name, max_steps=5).points)
    for sampler in (sp.MALA(0.01), sp.HMC(0.1, leapfrogs=2), sp.Langevin(0.01)):
        given = {"step": sampler.step} | ({"leapfrogs": 2} if sampler.name == "hmc" else {})
        named = sp.sample(glass, w, beta=1.0, steps=3, rng=0, method=sampler.name, **given)
        own = sp.sample(glass, w, beta=1.0, steps=3, rng=0, method=sampler)
        np.testing.assert_array_equal(own.points, named.points)
    for way, name in ((sp.Follow("dense", 100), "dense"), (sp.Follow("krylov", 100), "krylov")):
        own = sp.find_saddles(glass, 1, 3, rng=0, method=way)
        named = sp.find_saddles(glass, 1, 3, rng=0, method=name, max_steps=100)
        np.testing.assert_array_equal(own.points, named.points)
    own = sp.find_critical_points(glass, -1.3, 3, rng=0, method=sp.Newton(max_steps=100))
    named = sp.find_critical_points(glass, -1.3, 3, rng=0, method="newton", max_steps=100)
    np.testing.assert_array_equal(own.points, named.points)
    assert own.method == named.method == "newton"
    own, named = sp.refine(glass, w, method=sp.Newton("krylov", 7)), sp.refine(glass, w, method="krylov", max_steps=7)
    np.testing.assert_array_equal(own.points, named.points)
    assert len([p for p in inspect.signature(sp.descend).parameters.values() if p.kind is not p.VAR_KEYWORD]) < 10
    with pytest.raises(ValueError, match="max_steps: expected None beside Follow"):
        sp.find_saddles(glass, 1, 3, method=sp.Follow(), max_steps=3)
    with pytest.raises(TypeError, match="method: expected Newton"):
        sp.refine(glass, w, method=sp.Follow())
    with pytest.raises(ValueError, match="step: expected None beside HMC"):
        sp.sample(glass, w, beta=1.0, steps=1, method=sp.HMC(), step=0.1)


def test_results_are_rows(tmp_path):
    glass = sp.PureGlass(3, 20, rng=0)
    result = sp.descend(glass, glass.random_points(6, rng=1), max_steps=20)
    mask = result.energy_density < 0
    assert len(result) == 6
    assert len(result[mask]) == np.count_nonzero(mask)
    assert len(sp.concatenate([result, result[mask]])) == 6 + np.count_nonzero(mask)
    assert len(result.to_pandas()) == 6
    assert result.to_xarray().sizes["replica"] == 6
    path = tmp_path / "result"
    result.save(path)
    np.testing.assert_array_equal(sp.load(path).points, result.points)
    assert sp.distinct(result.points).tolist() == list(range(6))
    assert sp.distinct(result.points, landscape=glass, tolerance=1e-6).tolist() == list(range(6))


def test_suites_of_ones_own():
    from spinscape import testing

    glass = sp.PureGlass(3, 6, rng=0)
    testing.check(glass)
    for strategy in (testing.glasses(), testing.points(glass), testing.landscapes(), testing.methods()):
        assert hasattr(strategy, "map")


@pytest.mark.parametrize(
    "command", ["run", "resume", "status", "verify", "export", "report", "scaled-losses", "theory"]
)
def test_commands_explain_themselves(command):
    text = io.StringIO()
    with contextlib.redirect_stdout(text), pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert command in text.getvalue()
