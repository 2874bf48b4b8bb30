"""One convention of progress: a callable (done, all), or a bar; everywhere to the end, never backwards."""

from io import StringIO
from itertools import pairwise

import numpy as np
import pytest

import spinscape as sp
from spinscape.progress import as_progress

GLASS = sp.PureGlass(3, 12, rng=0)
W = GLASS.random_points(30, rng=1)
CALLS = {
    "descend": lambda report: sp.descend(GLASS, W, progress=report),
    "sample": lambda report: sp.sample(GLASS, W, beta=1.0, steps=20, rng=0, progress=report),
    "anneal": lambda report: sp.anneal(GLASS, W, schedule=sp.AnnealingSchedule(steps=50), rng=0, progress=report),
    "temper": lambda report: sp.temper(GLASS, W, betas=[1.0, 2.0], steps=20, rng=0, progress=report),
    "refine": lambda report: sp.refine(GLASS, W, progress=report),
    "count_index": lambda report: sp.count_index(GLASS, W, progress=report),
    "count_index by Lanczos": lambda report: sp.count_index(GLASS, W, method="lanczos", progress=report),
    "find_saddles": lambda report: sp.find_saddles(GLASS, 1, 30, rng=0, progress=report),
    "find_critical_points": lambda report: sp.find_critical_points(GLASS, -1.4, 30, rng=0, progress=report),
    "enumerate": lambda report: sp.enumerate_critical_points(sp.PureGlass(3, 5, rng=0), progress=report),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_callable_hears_the_end(call):
    heard = []
    CALLS[call](lambda done, whole: heard.append((done, whole)))
    assert heard
    assert heard[-1][0] == heard[-1][1] > 0
    assert all(0 <= done <= whole for done, whole in heard)
    for (before, whole), (after, its) in pairwise(heard):
        assert after >= before or its != whole


@pytest.mark.parametrize("call", CALLS)
def test_a_bar_is_filled(call):
    class Bar:
        total, n = None, 0

        def update(self, count):
            self.n += count

        def reset(self, total):
            self.total, self.n = total, 0

    bar = Bar()
    CALLS[call](bar)
    assert bar.n == bar.total > 0


@pytest.mark.parametrize("call", CALLS)
def test_no_report_is_refused_and_an_error_comes_out(call):
    for value in ("loud", {}, 3, lambda: None):
        with pytest.raises(TypeError, match="progress: expected a callable"):
            CALLS[call](value)

    def fails(done, whole):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        CALLS[call](fails)


def test_a_tqdm_bar():
    tqdm = pytest.importorskip("tqdm")
    with tqdm.tqdm(disable=False, file=StringIO()) as bar:
        run = sp.descend(GLASS, W, progress=bar)
        assert bar.n == bar.total == len(run)


def test_reports_change_nothing():
    np.testing.assert_array_equal(sp.refine(GLASS, W, progress=lambda *_: None).points, sp.refine(GLASS, W).points)
    assert as_progress(None) is None
