"""`figures.plot`: what is drawn is what the result holds, ax in and ax out; a dictionary of its fields draws too."""

from types import SimpleNamespace

import numpy as np
import pytest

import spinscape as sp
from spinscape import figures
from spinscape.figures import style


@pytest.fixture(scope="module")
def glass():
    return sp.PureGlass(3, 8, rng=0)


@pytest.fixture(scope="module")
def every(glass):
    return sp.enumerate_critical_points(glass)


@pytest.fixture(scope="module")
def results(glass, every):
    minima, saddles = (every.points[every.index.negative == k] for k in (0, 1))
    graph = sp.disconnectivity_graph(glass, saddles, minima)
    return {
        "trace": sp.descend(glass, glass.random_points(3, rng=1), tol=1e-3, trace_every=2),
        "curve": sp.slice_energy(glass, minima[:2]),
        "sphere": sp.slice_energy(glass, minima[:3]),
        "density": sp.spectral_density(glass, minima[:1], probes=3, rng=2),
        "graph": graph,
        "tree": graph.tree,
        "points": every,
        "search": sp.find_saddles(glass, 1, 4, rng=3),
    }


@pytest.mark.parametrize("name", ["trace", "curve", "sphere", "density", "graph", "tree", "points", "search"])
def test_ax_in_ax_out(results, name):
    _, (ax,) = style.new_figure()
    assert figures.plot(results[name], ax) is ax
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    saved = SimpleNamespace(**results[name].to_dict()) if name == "trace" else results[name]
    assert figures.plot(saved).get_xlabel() == ax.get_xlabel()


def test_what_is_drawn_is_what_the_result_holds(results, every):
    drawn = figures.plot(results["trace"]).lines
    np.testing.assert_array_equal(drawn[0].get_ydata(), results["trace"].trace_energy_density[0])
    curve = figures.plot(results["curve"]).lines[0]
    np.testing.assert_array_equal(curve.get_ydata(), results["curve"].energy_density)
    points = figures.plot(every).lines[0]
    np.testing.assert_array_equal(points.get_xdata(), every.energy_density)
    np.testing.assert_allclose(points.get_ydata() * 7, every.index.negative)
    ends = [line.get_ydata()[0] for line in figures.plot(results["tree"]).lines]
    assert min(ends) == every.energy_density.min()


def test_the_mean_of_a_trace_is_over_the_same_replicas(results):
    run = results["trace"]
    mean = figures.plot(run).lines[-1]
    shown = np.isfinite(run.trace_energy_density).all(axis=0)
    np.testing.assert_allclose(mean.get_ydata(), run.trace_energy_density[:, shown].mean(axis=0))


def test_refusals(results, glass):
    with pytest.raises(TypeError, match="result: expected"):
        figures.plot(np.zeros(3))
    with pytest.raises(ValueError, match="trace_every"):
        figures.plot(sp.descend(glass, glass.random_points(2, rng=1)))
