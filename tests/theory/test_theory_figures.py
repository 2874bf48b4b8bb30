"""Theoretical figures: what they show is what the table holds; they leave matplotlib as they found it."""

import sys
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from spinscape.figures import style, theory
from spinscape.theory import tables
from spinscape.theory.table import Table, read_table, write_table


@pytest.fixture(scope="module")
def all_tables():
    return {
        "derivative-curves": tables.derivative_curves(3, 12, indices=2),
        "complexity": tables.complexity_curves(4, indices=3),
        "layers": tables.layer_energies([3, 5], indices=4),
        "counts": tables.counts_against_size(3, [12, 30, 100], minima_to=12),
        "density": tables.density_by_index(3, 12, indices=3),
    }


@pytest.mark.parametrize("name", ["derivative-curves", "complexity", "layers", "counts", "density"])
@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_figures_redraw_from_saved_tables_to_the_same_bytes(all_tables, name, suffix, tmp_path):
    table = all_tables[name]
    first = style.save(theory.draw(table), tmp_path / f"first.{suffix}")
    again = style.save(theory.draw(read_table(write_table(table, tmp_path / "t.csv"))), tmp_path / f"again.{suffix}")
    assert first.read_bytes() == again.read_bytes()
    assert len(first.read_bytes()) > 5000


@pytest.mark.parametrize("name", ["derivative-curves", "complexity", "layers", "counts", "density"])
def test_no_text_is_cut_or_collides_with_other_text(all_tables, name):
    """Every label lies inside the page, and no two labels of a figure overlap."""
    figure = theory.draw(all_tables[name])
    with style.context():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        unseen = beyond_the_axes(figure)
        texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and t not in unseen]
        boxes = [t.get_window_extent(canvas.get_renderer()).padded(-0.5) for t in texts]
    page = figure.bbox.padded(1.0)
    for text, box in zip(texts, boxes, strict=True):
        assert page.x0 <= box.x0 < box.x1 <= page.x1, text
        assert page.y0 <= box.y0 < box.y1 <= page.y1, text
    for (one, first), (two, second) in combinations(zip(texts, boxes, strict=True), 2):
        assert not first.overlaps(second), (one, two)


def beyond_the_axes(figure):
    """The tick labels that exist outside the limits of their axis, where matplotlib does not draw them."""
    unseen = set()
    for ax in figure.axes:
        for axis, along in ((ax.xaxis, 0), (ax.yaxis, 1)):
            low, high = sorted(axis.get_view_interval())
            for which in ("major", "minor"):
                ticks = axis.get_major_ticks() if which == "major" else axis.get_minor_ticks()
                unseen |= {t.label1 for t in ticks if not low <= t.label1.get_position()[along] <= high}
                unseen |= {t.label2 for t in ticks}
    return unseen


def test_panels_draw_into_given_axes_and_carry_the_numbers(all_tables):
    _, (ax,) = style.new_figure("column", 2.5)
    table = all_tables["complexity"]
    assert theory.complexity_by_index(table, ax) is ax
    lines = [line for line in ax.get_lines() if line.get_label().startswith("$k=")]
    assert [line.get_label() for line in lines] == ["$k=0$", "$k=1$", "$k=2$"]
    for k, line in enumerate(lines):
        kept = np.isin(table["u"], line.get_xdata())
        np.testing.assert_array_equal(line.get_ydata(), table[f"theta_{k}"][kept])


def published_curves():
    """The published columns of the table of AISTATS15 Fig. 1, without the exact ones."""
    u = tables._energies(3)
    columns = {"u": u, "log_derivative_total": tables.log_published_derivative(u, 1000, 3)}
    columns |= {f"log_derivative_{k}": tables.log_published_derivative(u, 1000, 3, k) for k in range(6)}
    parameters = {"p": 3, "N": 1000, "threshold": 1.632993161855452, "ground_state": 1.656998363527473}
    return Table("derivative-curves", parameters, columns, dict.fromkeys(columns, ""))


def test_published_maxima_are_on_the_page():
    axes = theory.derivative_total(published_curves())
    curve = axes.get_lines()[0]
    peak = np.argmax(curve.get_ydata())
    assert curve.get_ydata()[peak] == pytest.approx(3.14, rel=3e-3)
    assert curve.get_xdata()[peak] == pytest.approx(-63.2, abs=1.0)
    assert "10^{151}" in axes.get_ylabel()
    axes = theory.derivative_by_index(published_curves())
    assert "10^{8}" in axes.get_ylabel()
    maxima = [line.get_ydata().max() for line in axes.get_lines() if line.get_label().startswith("$k=")]
    np.testing.assert_allclose(maxima, [2.312, 2.355, 2.418, 2.495, 2.581, 2.672], rtol=3e-3)


def test_matplotlib_settings_are_left_alone(all_tables):
    before = dict(mpl.rcParams)
    theory.draw(all_tables["complexity"])
    theory.complexity_total(all_tables["complexity"])
    assert dict(mpl.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert not sys.modules["matplotlib.pyplot"].get_fignums()


def test_a_table_of_another_kind_is_refused():
    other = Table("other", {}, {"a": np.zeros(1)}, {"a": ""})
    with pytest.raises(ValueError, match="expected one of derivative-curves"):
        theory.draw(other)


def test_style_refuses_formats_it_does_not_know(tmp_path):
    figure, _ = style.new_figure()
    with pytest.raises(ValueError, match=r"png, pdf, svg, got 'x.jpg'"):
        style.save(figure, tmp_path / "x.jpg")


def test_ordered_colours_grow_lighter():
    luminance = [mpl.colors.rgb_to_hsv(mpl.colors.to_rgb(c))[2] for c in style.ordered_colours(6)]
    assert len(set(style.ordered_colours(6))) == 6
    assert luminance == sorted(luminance)
    assert len(style.ordered_colours(1)) == 1
