"""The experiments on networks, tiny: what units compute, tables with intervals."""

import json

import numpy as np
import pytest
from scipy import stats

from spinscape import networks as nn
from spinscape import study
from spinscape.cli import main
from spinscape.cli.outputs import as_markdown
from spinscape.experiments import scaling
from spinscape.experiments.networks import index_error as training_path
from spinscape.experiments.networks import network_indices as indices
from spinscape.experiments.networks import network_losses as losses
from spinscape.experiments.networks import network_spectra as spectra
from spinscape.experiments.networks import redundancy

torch = pytest.importorskip("torch")

TINY = {"sizes": [2, 3, 4, 5], "networks": 5, "train": 200, "test": 200, "epochs": 2}


def settings(values):
    return [part for name, value in values.items() for part in ("--set", f"{name}={json.dumps(value)}")]


def test_losses_are_drawn_beside_the_glass(tmp_path, capsys):
    quick = ["--quick", *settings(TINY), "--out", str(tmp_path), "--threads", "1"]
    assert main(["network-losses", *quick]) == 0
    glass = ["scaled-losses", "--sizes", "8", "--tensors", "1", "--starts", "20", "--out", str(tmp_path)]
    assert main(glass) == 0
    stores = [str(next(tmp_path.glob(f"{name}-*.sqlite"))) for name in ("network-losses", "scaled-losses")]
    assert main(["redraw", stores[0], "--glass", stores[1], "--out", str(tmp_path)]) == 0
    assert next(tmp_path.glob("losses-beside-glass-*.png")).stat().st_size > 10_000
    assert main(["redraw", stores[0], "--glass", stores[0], "--out", str(tmp_path)]) == 2
    assert "--glass: expected results of scaled-losses, got those of network-losses" in capsys.readouterr().err


def test_the_full_sizes_say_what_they_cost(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(study, "run", lambda *args, **kwargs: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(["network-losses", "--full", "--threads", "1", "--out", str(tmp_path)]) == 130
    said = capsys.readouterr().out
    hours = float(said.split("predicted cost: ")[1].split(" core-hours")[0].replace(",", ""))
    parameters = losses.recipe(sizes=(10, 25, 50, 100, 250, 500), networks=1000, train=None, epochs=200).parameters
    assert hours == pytest.approx(sum(losses.cost(parameters, u) for u in losses.units(parameters)) / 3600, abs=0.06)


def test_the_recipe_of_the_committed_table_keeps_its_key():
    """docs/networks.md shows results of this recipe; another key means other networks."""
    few = dict.fromkeys((250, 500), 24)
    made = losses.recipe(
        sizes=(10, 25, 50, 100, 250, 500),
        networks=dict.fromkeys((10, 25, 50, 100), 104) | few,
        train=None,
        epochs=40,
        rate=0.3,
        decay=0.1,
    )
    assert made.key == "394216fec3c4647dd75e7a1a58fd6243ef58dd3ff648cd4cb89cae525a763c45"


def test_the_table_of_losses_is_that_of_the_ensembles(tmp_path):
    """Oracle: the networks trained by hand, scipy's intervals."""
    made = losses.recipe(sizes=(2, 3), networks={2: 9, 3: 5}, train=150, test=100, epochs=2)
    with study.run(made, tmp_path / "s.sqlite") as store:
        table = losses.NetworkLosses.from_store(store)
    data = losses.data_of(150, 100, 0)
    training = nn.Training(epochs=2, rate=0.1, decay=0.1)
    for size, count in zip(table.sizes, (9, 5), strict=True):
        seed = np.random.SeedSequence(0, spawn_key=(size.n,))
        ensemble = nn.train_ensemble(nn.Architecture((100, size.n, 10)), data, count, training=training, rng=seed)
        np.testing.assert_allclose(size.train, ensemble.train_loss, rtol=1e-6)
        np.testing.assert_allclose(size.test, ensemble.test_loss, rtol=1e-6)
        found = stats.pearsonr(ensemble.train_loss, ensemble.test_loss)
        low, high = found.confidence_interval(0.95)
        assert size.correlation == pytest.approx((found.statistic, low, high), rel=1e-4)
    assert table.scaling is None
    assert [row["networks"] for row in table.rows()] == [9, 5]


def test_networks_that_diverged_are_counted_and_left_out():
    nothing = {name: np.ones(3) for name in ("train_error", "test_error", "gradient_norm")}
    arrays = {"train_loss": np.array([1.0, np.nan, 3.0]), "test_loss": np.array([1.0, 2.0, np.inf]), **nothing}
    size = losses._size(4, arrays)
    assert (size.diverged, size.train.tolist(), losses._row(size)["networks"]) == (2, [1.0], 3)


def test_the_scaling_law_is_found_again():
    n = np.array([10, 25, 50, 100, 250, 500.0])
    found, residual = scaling.fit_means(n, 0.07 * np.exp(13.68 * n**-1.128))
    assert found == pytest.approx([0.07, 13.68, -1.128], rel=1e-5)
    assert residual < 1e-8
    generator = np.random.default_rng(2)
    samples = [0.07 * np.exp(2 * one**-0.5) * (1 + 0.01 * generator.normal(size=40)) for one in n]
    law = scaling.fit([int(one) for one in n], samples)
    assert law.beta.low < -0.5 < law.beta.high
    assert law.factor(25) == pytest.approx(np.exp(2 * 25**-0.5), rel=0.05)
    assert scaling.fit([10, 25, 50], samples[:3]) is None
    assert scaling.fit([10, 25, 50, 100], [np.ones(3) * (1 - 0.2 * np.log10(one)) for one in n[:4]]) is None


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_indices_are_those_of_torch_func(tmp_path, activation):
    """Oracle: torch.func.hessian and eigvalsh of the same networks, as trained."""
    made = indices.recipe(sizes=(1,), networks=2, train=50, epochs=3, activation=activation, refine_steps=2)
    with study.run(made, tmp_path / "s.sqlite") as store:
        table = indices.NetworkIndices.from_store(store)
    data = losses.data_of(50, None, 0)
    training = nn.Training(**made.parameters["training"])
    seed = np.random.SeedSequence(0, spawn_key=(1,))
    architecture = nn.Architecture((100, 1, 10), activation=activation)
    ensemble = nn.train_ensemble(architecture, data, 2, training=training, rng=seed)
    X, y = torch.tensor(data.train_inputs).double(), torch.tensor(data.train_targets)
    act = {"relu": torch.relu, "tanh": torch.tanh}[activation]

    def value(theta):
        hidden = act(X @ theta[:100, None] + theta[100])
        return torch.nn.functional.cross_entropy(hidden * theta[101:111] + theta[111:], y)

    trained = table.stages[0]
    assert trained.certified.all()
    for row, theta in enumerate(torch.from_numpy(ensemble.parameters).double()):
        eigenvalues = np.linalg.eigvalsh(torch.func.hessian(value)(theta).numpy())
        assert trained.index[row] == np.sum(eigenvalues < -1e-3)
        assert trained.zero[row] == np.sum(np.abs(eigenvalues) <= 1e-3)
        np.testing.assert_array_equal(
            trained.below[row, 12:], [np.sum(eigenvalues < -t) for t in table.thresholds[12:]]
        )
    row = table.rows()[0]
    assert row["normalised_index"] == 2 * row["half_normalised_index"] == pytest.approx(trained.index.mean() / 121)
    assert indices._mean_of(indices.PUBLISHED[10]) == pytest.approx(0.201)


def test_end_points_along_training_are_critical(tmp_path):
    """Oracle: torch's gradient would have to vanish; here the landscape's, itself tested against torch.func."""
    made = training_path.recipe(n=2, side=2, networks=2, train=60, epochs=(0, 3), newton_steps=60, tol=1e-6)
    with study.run(made, tmp_path / "s.sqlite") as store:
        rows = [row.arrays for row in store.rows]
        table = training_path.TrainingPath.from_store(store)
    for arrays in rows:
        assert (arrays["gradient_norm"][arrays["converged"]] <= 1e-6).all()
    assert len(table.loss) == 4
    assert table.fraction.max() <= 1
    x = np.arange(20.0)
    planted = training_path.TrainingPath(
        x.astype(int), x, -x, x**3, np.ones(20, bool), np.arange(20) < 15, made.parameters
    )
    assert planted.correlation().value == 1.0
    assert planted.correlation("error").value == -1.0


def test_outliers_are_counted_at_the_largest_gap():
    bulk = np.random.default_rng(3).uniform(-0.01, 0.01, 300)
    for k in (1, 4, 7):
        assert spectra.outliers(np.concatenate([bulk, np.linspace(1, 2, k)])) == k
    assert spectra.outliers(-np.ones(5)) == 0


def test_spectra_are_those_of_the_hessian(tmp_path):
    made = spectra.recipe(clusters=(2,), widths=(3,), inputs=4, networks=3, train=200, epochs=(0, 10))
    with study.run(made, tmp_path / "s.sqlite") as store:
        table = spectra.HessianSpectra.from_store(store)
    one = table.spectra[0]
    assert one.eigenvalues.shape == (3, 2, spectra.size_of(made.parameters, 2, 3))
    assert (np.diff(one.eigenvalues, axis=2) >= 0).all()
    assert (one.loss[:, 1] < one.loss[:, 0]).all()
    assert (one.outliers[:, 1] >= 1).all()


def test_as_many_values_as_weights_lose_nothing(tmp_path):
    made = redundancy.recipe(n=2, networks=2, values=(2, 500), train=200, epochs=2, annealed=0)
    with study.run(made, tmp_path / "s.sqlite") as store:
        table = redundancy.Redundancy.from_store(store)
    few, all_of_them = ([one for one in table.reductions if one.s == s] for s in (2, 500))
    for one in all_of_them:
        assert one.lost == pytest.approx(0.0, abs=1e-2)  # k-means may still merge the nearest of them
        assert one.changed.max() < 1e-2
    assert max(one.changed.max() for one in few) > 0.05
    assert len(table.levels_lost) == 0
    signs = next(one for one in few if one.kind == "signs")
    np.testing.assert_allclose(signs.bound, [nn.correlation_bound(e) for e in signs.changed])


def test_markdown_has_a_line_a_row():
    text = as_markdown([{"n": "1", "x": "0.25"}, {"n": "2", "x": "1e-09"}], ["said once"])
    assert text == "| n | x |\n| --- | --- |\n| 1 | 0.25 |\n| 2 | 1e-09 |\n\nsaid once.\n"
