"""Tables behind the theoretical figures: published maxima, closed forms, numerical derivatives."""

import numpy as np
import pytest
from scipy.integrate import trapezoid

from spinscape.theory import tables
from spinscape.theory.counts import log_mean_critical_points
from spinscape.theory.domain import QuadraticModelError
from spinscape.theory.pure import complexity

PUBLISHED = np.array([2.312, 2.355, 2.418, 2.495, 2.581, 2.672]) * 1e8


def test_published_maxima_of_figure_1():
    """AISTATS15 Fig. 1, p = 3, N = 1000: total 3.14e151 at Nu = −63.2; k = 0..5 read off the vector figure."""
    u = tables._energies(3)
    total = tables.log_published_derivative(u, 1000, 3)
    peak = np.argmax(total)
    assert np.exp(total[peak]) == pytest.approx(3.14e151, rel=3e-3)
    assert 1000 * u[peak] == pytest.approx(-63.2, abs=1.0)
    maxima = [np.exp(tables.log_published_derivative(u, 1000, 3, k).max()) for k in range(6)]
    np.testing.assert_allclose(maxima, PUBLISHED, rtol=3e-3)


@pytest.mark.parametrize("p", [3, 4, 9])
@pytest.mark.parametrize("index", [None, 0, 2])
def test_published_curve_is_the_derivative_of_the_growth(p, index):
    edge, step = 2 * np.sqrt((p - 1) / p), 1e-6
    u = -edge * np.array([1.2, 1.05, 1.001, 0.9, 0.3])
    growth = [np.exp(20 * complexity(u + s, p, index)) for s in (step, -step)]
    numerical = (growth[0] - growth[1]) / (2 * step)
    np.testing.assert_allclose(
        np.exp(tables.log_published_derivative(u, 20, p, index)), numerical, rtol=1e-6, atol=1e-8
    )


@pytest.mark.slow
def test_table_of_figure_1_holds_the_published_maxima():
    """The whole table with its exact densities by index, which the law of the eigenvalues makes expensive."""
    table = tables.derivative_curves(3, 1000)
    np.testing.assert_allclose([np.exp(table[f"log_derivative_{k}"].max()) for k in range(6)], PUBLISHED, rtol=3e-3)
    assert np.all([table[f"log_density_{k}"].max() > table[f"log_derivative_{k}"].max() for k in range(6)])


def test_exact_density_is_the_derivative_of_the_exact_count():
    """N = 12, central differences."""
    table, step = tables.derivative_curves(3, 12, indices=2), 1e-4
    for label, index in (("total", None), ("0", 0), ("1", 1)):
        rows = np.arange(200, len(table), 150)
        u = table["u"][rows]
        numerical = log_mean_critical_points(12, 3, below=u + step, above=u - step, index=index) - np.log(2 * step)
        np.testing.assert_allclose(table[f"log_density_{label}"][rows], numerical, atol=1e-5)


def test_complexity_curves_are_continuous_and_ordered():
    table = tables.complexity_curves(3)
    for label in ("total", *map(str, range(6))):
        assert np.all(np.diff(table[f"theta_{label}"]) >= -1e-15)
        assert np.abs(np.diff(table[f"theta_{label}"])).max() < 5e-3
    for k in range(5):
        assert np.all(table[f"theta_{k + 1}"] <= table[f"theta_{k}"] + 1e-15)
    assert table["theta_total"][-1] == pytest.approx(0.5 * np.log(2))
    assert table["theta_5"][-1] == pytest.approx(0.5 * np.log(2) - 1 / 3)


def test_ladder():
    table = tables.layer_energies([3, 10], indices=6)
    assert len(table) == 12
    energies = table["energy"][table["p"] == 3]
    np.testing.assert_allclose(energies[[0, 1, 2, 5]], [1.656998, 1.652873, 1.650253, 1.645893], atol=5e-7)
    np.testing.assert_allclose(table["energy"][table["p"] == 10][[0, 5]], [2.135364, 2.021294], atol=5e-7)
    np.testing.assert_allclose(table["barrier"][:6], energies[0] - energies)
    for p in (3, 10):
        size = int(table["smallest_N"][table["p"] == p][0])
        edge = table["threshold"][table["p"] == p][0]
        assert log_mean_critical_points(size, p, below=-edge) >= 0 > log_mean_critical_points(size - 1, p, below=-edge)


def test_expected_numbers_below_the_threshold():
    """p = 3: 0.18 at N = 25, 0.41 at 100, 1.36 at 200, 17 at 400."""
    table = tables.counts_against_size(3, [12, 25, 100, 200, 400], minima_to=12)
    np.testing.assert_allclose(np.exp(table["log_exact_edge"][1:]), [0.18, 0.41, 1.36, 17], rtol=0.03)
    assert np.isfinite(table["log_exact_minima"][0])
    assert np.all(np.isnan(table["log_exact_minima"][1:]))


def test_sharp_asymptotics_approach_the_exact_counts():
    table = tables.counts_against_size(3, [100, 1000, 5000], minima_to=2)
    for level, worst in (("all", 2e-3), ("bulk", 2e-2), ("band", 0.2), ("edge", 0.3)):
        error = np.abs(np.exp(table[f"log_sharp_{level}"] - table[f"log_exact_{level}"]) - 1)
        assert np.all(np.diff(error) < 0)
        assert error[-1] < worst


def test_distribution_of_energies_is_normalised():
    table = tables.density_by_index(3, 12, indices=4)
    for k in range(4):
        assert trapezoid(table[f"pdf_{k}"], table["u"]) == pytest.approx(1.0, abs=2e-3)
    assert table.parameters["mean_below_threshold"] == pytest.approx(
        np.exp(log_mean_critical_points(12, 3, below=-table.parameters["threshold"]))
    )
    together = np.logaddexp.reduce([table[f"log_density_{k}"] for k in range(4)])
    assert np.all(together <= table["log_density_total"] + 1e-9)


@pytest.mark.parametrize(
    "compute",
    [tables.derivative_curves, tables.complexity_curves, tables.counts_against_size, tables.density_by_index],
)
def test_two_spin_model_has_no_layers(compute):
    with pytest.raises(QuadraticModelError, match="p: expected at least 3"):
        compute(2)
    with pytest.raises(QuadraticModelError, match="p: expected at least 3"):
        tables.layer_energies([3, 2])
