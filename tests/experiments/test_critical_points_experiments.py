"""The experiments on critical points on small glasses, against closed forms."""

import numpy as np
import pytest
from scipy.stats import norm

import spinscape as sp
from spinscape import study
from spinscape import theory as th
from spinscape.experiments.critical_points import disconnectivity as barriers
from spinscape.experiments.critical_points import energy_slice as slices
from spinscape.experiments.critical_points import enumerated_counts as enumerated
from spinscape.experiments.critical_points import hessian_spectra as spectra
from spinscape.experiments.critical_points import layers, overlaps
from spinscape.experiments.critical_points import minima_bias as minima
from spinscape.theory import goe


def test_spread_of_the_shifted_goe():
    """N = 2: one Gaussian eigenvalue. N = 6: dense symmetric matrices, 4000 of each; both within 5 standard errors."""
    u = np.array([-0.8, -0.2, 0.0, 0.5])
    below = norm.cdf(u * 3 / np.sqrt(2 * 1 * 6 / 2))
    found = layers.index_spread(u, 2, 3, draws=4000)
    assert found == pytest.approx(np.sqrt(below * (1 - below)), abs=5 * 0.5 / np.sqrt(4000))
    entries = np.random.default_rng(1).normal(size=(4000, 5, 5))
    hessians = (
        np.sqrt(6 / 6) * (entries + entries.transpose(0, 2, 1)) / np.sqrt(2)
    )  # p(p-1)/N off the diagonal, twice on
    counts = (np.linalg.eigvalsh(hessians)[:, :, None] < 3 * u).sum(axis=1)
    assert layers.index_spread(u, 6, 3, draws=4000) == pytest.approx(counts.std(axis=0), abs=5 * 0.7 / np.sqrt(4000))


def test_mean_index_of_many_energies_is_that_of_few():
    u = np.linspace(-1.5, 0.2, 4 * 12 + 7)
    assert layers.mean_index(u, 12, 3) == pytest.approx(th.mean_index(u, 12, 3), abs=1e-3)


def test_exact_energies_have_the_exact_median():
    u, density = layers.exact_energies(12, 3, 1)
    below = np.cumsum(density) * (u[1] - u[0])
    median = np.interp(0.5, below, u)
    half = th.log_mean_critical_points(12, 3, below=median, index=1) - th.log_mean_critical_points(12, 3, index=1)
    assert np.exp(half) == pytest.approx(0.5, abs=0.01)


def test_targets_of_all_blocks_reach_from_end_to_end():
    made = layers.recipe(sizes=(40,), tensors=1, starts=100)
    found = {kind: [] for kind in layers.KINDS}
    for unit in layers.units(made.parameters):
        found[unit["kind"]].append(layers.targets(made.parameters, unit))
    joined = {kind: np.concatenate(parts) for kind, parts in found.items()}
    assert all(len(part) == 100 for part in joined.values())
    assert sorted(set(joined["index"])) == list(range(21))
    assert set(joined["low"]) == set(range(6))
    assert joined["energy"][[0, -1]] == pytest.approx([-1.632993, 0.0], abs=1e-6)


def test_layers_are_critical_points_and_the_same_for_any_number_of_threads():
    made = layers.recipe(sizes=(14,), tensors=1, starts=10)
    for kind in layers.KINDS:
        unit = {"N": 14, "tensor": 0, "kind": kind, "first": 0}
        one, two = (layers.compute(made.parameters, unit, threads) for threads in (1, 2))
        assert all(np.array_equal(one[name], two[name]) for name in one)
        assert one["certified"].mean() >= 0.8
        assert np.all(one["gradient_norm"][one["certified"]] < 1e-11)


def test_rows_of_layers_count_what_is_there():
    cloud = layers.Cloud(
        N=12, p=3, draws=20,
        tensor=np.zeros(5, dtype=int), kind=np.array(["low"] * 5), target=np.zeros(5),
        energy=np.array([-1.3, -1.3, -1.2, -1.1, -0.2]), index=np.array([0, 0, 0, 1, 11]),
        converged=np.ones(5, dtype=bool), certified=np.array([True, True, True, True, False]),
    )  # fmt: skip
    rows = {row["what"]: row for row in layers.Layers(3, 1, (cloud,)).rows()}
    assert (rows["all"]["searches"], rows["all"]["certified"], rows["all"]["distinct"]) == (5, 4, 3)
    assert rows["index 0"]["distinct"] == 2
    assert rows["index 0"]["energy"] == pytest.approx(-3.8 / 3)
    assert not cloud.within[4]  # eleven negative directions where half of them are expected


def test_enumerated_energies_lie_in_bins_of_equal_exact_count():
    for xi in ({3: 1.0}, {3: 0.5, 4: 0.5}):
        model = enumerated.Model(xi, 3, 1, 1, 4, np.zeros((0, 3)), np.zeros(0, int), np.zeros(0), np.zeros(0, int))
        assert model.exact_by_energy == pytest.approx(np.full(4, model.exact.sum() / 4), rel=5e-3)
        assert model.exact.sum() == pytest.approx(enumerated.mean_count(xi, 3), rel=1e-10)


def test_z_scores_by_hand():
    z = enumerated.z_scores(np.array([[1, 2], [3, 2]]), np.array([1.0, 2.0]))
    assert z[0] == pytest.approx(1.0)  # mean 2, standard error 1
    assert np.isnan(z[1])


def test_incomplete_instances_are_left_out():
    made = enumerated.recipe(mixtures=({3: 1.0},), sizes=(3,), tensors=4)
    arrays = enumerated.compute(made.parameters, {"N": 3, "model": 0, "first": 0}, 1)
    arrays["complete"][1] = False
    model = enumerated._model({3: 1.0}, 3, 2, arrays)
    assert (model.instances, model.complete, model.morse) == (4, 3, 3)
    assert len(model.energy) == model.counts.sum() == arrays["counts"][[0, 2, 3]].sum()
    assert np.bincount(model.instance).tolist() == model.counts.sum(axis=1).tolist()


def test_minima_are_numbered_by_place():
    a, b = np.ones(4), np.array([1.0, 1.0, -1.0, 1.0])
    assert minima.numbered(np.stack([a, b, a + 1e-9, b, -a])).tolist() == [0, 1, 0, 1, 2]
    assert minima.numbered(np.empty((0, 4))).tolist() == []


@pytest.mark.parametrize("method", minima.METHODS)
def test_descents_find_only_minima_that_there_are(method):
    """Oracle: the enumeration of all critical points."""
    made = minima.recipe(sizes=(7,), tensors=1, starts=12, annealing_steps=40)
    arrays = minima.compute(made.parameters, {"N": 7, "tensor": 0, "method": method}, 1)
    glass = minima.disorder.instance(made.parameters, {"N": 7, "tensor": 0})
    every = sp.enumerate_critical_points(glass)
    known = every.energy_density[every.index.negative == 0]
    assert every.complete
    assert len(arrays["minimum"]) + arrays["lost"] == 12
    assert np.abs(arrays["energy_density"][:, None] - known).min(axis=1).max() < 1e-10
    assert len(np.unique(arrays["minimum"])) <= len(known)


def test_tangent_spectra_at_eigenvectors():
    """p = 2: at the eigenvector of λ_k the Hessian's eigenvalues are 2 (λ_j - λ_k)/√N, j other than k."""
    X = np.random.default_rng(3).normal(size=(6, 6))
    values, vectors = np.linalg.eigh((X + X.T) / 2)
    glass = sp.PureGlass.from_tensor(X)
    found = spectra.tangent_spectra(glass, np.sqrt(6) * vectors.T, 1)
    for k in range(6):
        assert found[k] == pytest.approx(2 * np.delete(values - values[k], k) / np.sqrt(6), abs=1e-12)


def test_spectra_of_the_shifted_goe_are_near_the_semicircle():
    N, p, u = 200, 3, np.full(20, -1.0)
    eigenvalues = np.sqrt(2 * (N - 1) * p * (p - 1) / N) * goe.sample_eigenvalues(N - 1, 0, 20) - p * u[:, None]
    spectrum = spectra.Spectrum("high", u, eigenvalues)
    table = spectra.HessianSpectra(p, N, (spectrum,))
    assert table.distance(spectrum) < 0.01
    assert table.distance(spectra.Spectrum("high", u - 0.2, eigenvalues)) > 0.03
    row = table.rows()[0]
    assert row["half_width"] == pytest.approx(row["semicircle_half_width"], rel=0.02)
    assert row["centre"] == pytest.approx(3.0, abs=0.05)


def test_overlaps_of_a_quadratic_glass_vanish():
    """p = 2: the critical points are orthogonal eigenvectors."""
    made = overlaps.recipe(p=2, complete=(5,), sizes=(), tensors=1, indices=())
    arrays = overlaps.compute(made.parameters, {"N": 5, "tensor": 0}, 1)
    assert arrays["complete"]
    assert sorted(arrays["index"].tolist()) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert np.abs(arrays["overlap"]).max() < 1e-9


def test_overlaps_of_searches_are_those_of_the_points():
    made = overlaps.recipe(complete=(), sizes=(9,), tensors=1, starts=30, saddles=6, indices=(1, 2))
    unit = {"N": 9, "tensor": 0}
    arrays = overlaps.compute(made.parameters, unit, 1)
    count = np.count_nonzero(arrays["index"] == 0) + 1
    assert arrays["among_minima"].sum() == count * (count - 1) / 2
    glass = overlaps.disorder.instance(made.parameters, unit)
    every = sp.enumerate_critical_points(glass)
    q = every.points @ every.points[0] / 9  # the lowest critical point of all
    for energy, overlap in zip(arrays["energy_density"], arrays["overlap"], strict=True):
        assert q[np.argmin(np.abs(every.energy_density - energy))] == pytest.approx(overlap, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_complete_graphs_hang_together(seed):
    """The sphere is connected: with all saddles of index 1 known, every two minima are joined."""
    made = barriers.recipe(sizes=(5,), starts=2, rng=seed)
    arrays = barriers.compute(made.parameters, {"N": 5, "tensor": 0}, 1)
    assert arrays["complete"]
    assert np.count_nonzero(arrays["parent"] < 0) == 1
    assert (arrays["joins"] >= 0).all()


def test_slices_go_through_the_minima_and_are_polynomials():
    made = slices.recipe(xi={2: 0.5, 3: 0.5}, N=12, starts=24, points=21)
    arrays = slices.compute(made.parameters, {"N": 12, "tensor": 0}, 1)
    table = slices.EnergySlices((2, 3), 12, **arrays)
    assert table.residual() < 1e-12
    assert slices.EnergySlices((2,), 12, **arrays).residual() > 1e-3
    for mark, u in zip(table.circle_marks[:, 0], table.minimum_energy, strict=False):
        assert np.interp(mark, table.angle, table.circle) == pytest.approx(u, abs=0.02)
    centre = len(table.grid) // 2
    assert table.sphere[centre, centre] == pytest.approx(table.minimum_energy[0], abs=1e-12)


def test_refusals_name_the_argument():
    for make, name in (
        (lambda: layers.recipe(p=2), "p"),
        (lambda: layers.recipe(sizes=(50,), tensors={40: 1}), "tensors"),
        (lambda: layers.recipe(sizes=(8,), low=5), "low"),
        (lambda: enumerated.recipe(mixtures=()), "mixtures"),
        (lambda: minima.recipe(methods=("guess",)), "methods"),
        (lambda: overlaps.recipe(complete=(8,), sizes=(8,)), "sizes"),
        (lambda: spectra.recipe(N=1), "N"),
        (lambda: barriers.recipe(sizes=(1,)), "sizes"),
        (lambda: slices.recipe(points=3), "points"),
    ):
        with pytest.raises(ValueError, match=name):
            make()


@pytest.mark.slow
@pytest.mark.parametrize("model", range(3))
def test_mean_counts_by_index_and_energy(model, tmp_path):
    """Every |z| < 4 over 100 instances (20 at N = 6): about 60 z-scores a model, false alarm 0.4 %."""
    xi = enumerated.MIXTURES[model]
    made = enumerated.recipe(mixtures=(xi,), tensors={2: 100, 3: 100, 4: 100, 5: 100, 6: 20}, rng=1)
    with study.run(made, tmp_path / "counts.sqlite") as store:
        table = enumerated.EnumeratedCounts.from_store(store)
    assert all(model.complete == model.morse == model.instances for model in table.models)
    z = np.concatenate([np.concatenate([model.z_by_index(), model.z_by_energy()]) for model in table.models])
    assert np.nanmax(np.abs(z)) < 4


@pytest.mark.slow
def test_indices_are_within_four_sigma_of_their_exact_mean(tmp_path):
    made = layers.recipe(sizes=(200,), tensors=1, rng=1)
    with study.run(made, tmp_path / "layers.sqlite") as store:
        (cloud,) = layers.Layers.from_store(store).clouds
    assert cloud.certified.mean() > 0.9
    assert cloud.within[cloud.certified].mean() >= 0.99
    assert cloud.index[cloud.certified].max() >= 95
