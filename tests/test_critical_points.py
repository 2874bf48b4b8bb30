"""Refinement and indices of glasses: planted critical points, the eigenvectors of p = 2, parity, dense eigenvalues."""

import functools
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spinscape as sp
from child import SANITIZED
from planted import FAMILIES, counts, planted_glass, rotated, rows, spectrum
from spinscape.critical_points import RefineStop


def glasses():
    return {
        "pure": sp.PureGlass(3, 8, rng=1),
        "p=2": sp.PureGlass(2, 9, rng=2),
        "mixed": sp.MixedGlass({2: 0.3, 4: 0.7}, 7, rng=3),
        "layered": sp.LayeredGlass(3, 5, rng=4),
        "spiked": sp.PureGlass(3, 8, rng=5).with_spike(np.arange(1.0, 9.0), 1.5, 3),
        "single": sp.PureGlass(4, 6, rng=6, dtype="float32"),
    }


def descended(glass, points, steps=150, step=0.1):
    """Plain gradient descent, in numpy."""
    count, size = glass.spheres
    for _ in range(steps):
        points = points - step * glass.gradient(points)
        parts = points.reshape(points.shape[0], count, size)
        parts = parts * np.sqrt(size / np.einsum("rsi,rsi->rs", parts, parts))[:, :, None]
        points = parts.reshape(points.shape)
    return points


def near(point, distance, rng):
    """Points at a given distance from (1, N), on the sphere."""
    moved = point + distance * rng.normal(size=point.shape) / np.sqrt(point.size)
    return moved * np.sqrt(point.size / (moved @ moved.T))


def tangent_eigenvalues(glass, point):
    """Eigenvalues of the Hessian on the tangent space, by an orthonormal basis from numpy's QR."""
    count, size = glass.spheres
    radial = np.zeros((count, glass.size))
    for s in range(count):
        radial[s, s * size : (s + 1) * size] = point[s * size : (s + 1) * size]
    q, _ = np.linalg.qr(np.vstack([radial, np.eye(glass.size)]).T)
    basis = q[:, count:]
    hessian = glass.astype("float64").hessian(point[None].astype(float))[0]
    return np.linalg.eigvalsh(basis.T @ hessian @ basis)


@pytest.mark.parametrize("name", glasses())
@pytest.mark.parametrize("method", ["auto", "cholesky", "lanczos"])
def test_counts_equal_dense_eigenvalues_at_any_point(name, method):
    glass = glasses()[name]
    points = glass.random_points(12, rng=1)
    index = sp.count_index(glass, points, method=method)
    count, size = glass.spheres
    for row, point in enumerate(points):
        values = tangent_eigenvalues(glass, point.astype(float))
        assert values.size == count * (size - 1)
        assert rows(index)[row] == counts(values)
        margin = np.minimum(np.abs(values - 1e-3), np.abs(values + 1e-3)).min()
        assert index.margin[row] == pytest.approx(margin, abs=1e-5 if name == "single" else 1e-10)
    assert index.certified.all()


def test_every_eigenvector_of_p_2_has_its_index():
    glass = sp.PureGlass(2, 14, rng=3)
    matrix = glass.hessian(np.sqrt(14) * np.eye(14)[:1])[0] * 0
    couplings = glass.couplings
    matrix[np.tril_indices(14)] = couplings  # colexicographic: the lower triangle, row by row
    matrix = (matrix + matrix.T) / 2
    values, vectors = np.linalg.eigh(matrix)
    points = np.sqrt(14) * np.concatenate([vectors.T, -vectors.T])
    starts = np.concatenate([near(point[None], 0.02, np.random.default_rng(k)) for k, point in enumerate(points)])
    found = sp.refine(glass, starts)
    assert found.converged.all()
    np.testing.assert_allclose(found.points, points, atol=1e-10)
    np.testing.assert_allclose(found.energy_density, np.tile(values, 2) / np.sqrt(14), atol=1e-13)
    index = sp.count_index(glass, found.points)
    assert index.certified.all()
    assert (index.negative == np.tile(np.arange(14), 2)).all()
    assert (index.zero == 0).all()
    assert (index.positive == 13 - index.negative).all()


def test_parity():
    odd, even = sp.PureGlass(3, 9, rng=1), sp.PureGlass(4, 7, rng=1)
    for glass, swapped in ((odd, True), (even, False)):
        points = glass.random_points(10, rng=2)
        plus, minus = sp.count_index(glass, points), sp.count_index(glass, -points)
        for a, b in zip(rows(plus), rows(minus), strict=True):
            assert a == (b[::-1] if swapped else b)


@given(st.sampled_from(FAMILIES), st.integers(3, 5), st.integers(2, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_starts_near_a_planted_critical_point_end_there(family, p, n, seed):
    rng = np.random.default_rng(seed)
    values = spectrum(family, n, rng)
    glass, point = planted_glass(p, rotated(values, rng), rng)
    scale = np.abs(values).max()
    start = near(point, 1e-6 * min(1.0, np.abs(values).min() / max(1.0, scale)), rng)
    for method in ("dense", "krylov"):
        found = sp.refine(glass, start, method=method)
        norm = np.linalg.norm(glass.gradient(found.points)) / np.sqrt(n + 1)
        assert norm == pytest.approx(found.gradient_norm[0], rel=1e-6, abs=1e-13 * max(1.0, scale))
        assert (found.points**2).sum() == pytest.approx(n + 1, rel=1e-12)
        if np.abs(values).min() > 1e-4 * scale and scale > 0.1:  # else the point is not isolated to working accuracy
            assert found.converged[0]
            assert np.linalg.norm(found.points - point) < 1e-8
            index = sp.count_index(glass, found.points)
            assert rows(index)[0] == counts(values) or not index.certified[0] or family == "on_threshold"


def test_a_thousand_minima_are_polished():
    glass = sp.PureGlass(3, 10, rng=8)
    starts = descended(glass, glass.random_points(1000, rng=9), steps=120, step=0.15)
    definite = sp.count_index(glass, starts).negative == 0
    assert definite.sum() > 900
    found = sp.refine(glass, starts)
    scale = np.maximum(np.abs(found.energy_density), 1.0)
    norms = np.linalg.norm(glass.gradient(found.points), axis=1) / np.sqrt(10)
    assert (norms[found.converged] <= 1e-11 * scale[found.converged]).all()
    assert found.converged[definite].all()
    np.testing.assert_allclose((found.points**2).sum(axis=1), 10, rtol=1e-12)
    index = sp.count_index(glass, found.points[definite])
    assert index.certified.all()
    assert (index.negative == 0).all()
    assert (glass.energy(found.points[definite]) <= glass.energy(starts[definite]) + 1e-10).all()
    # The same minimum that a long descent reaches.
    ends = descended(glass, starts[definite][:100], steps=600, step=0.15)
    settled = np.linalg.norm(glass.gradient(ends), axis=1) < 1e-5
    assert settled.sum() > 80
    np.testing.assert_allclose(found.points[definite][:100][settled], ends[settled], atol=1e-3)


@pytest.mark.parametrize("name", glasses())
@pytest.mark.parametrize("method", ["dense", "krylov"])
def test_all_kinds_of_glasses_are_refined(name, method):
    glass = glasses()[name]
    starts = descended(glass, glass.random_points(12, rng=3))
    found = sp.refine(glass, starts, method=method)
    assert found.points.dtype == np.float64
    count, size = glass.spheres
    squares = (found.points.reshape(12, count, size) ** 2).sum(axis=2)
    np.testing.assert_allclose(squares, size, rtol=1e-12)
    gradient = glass.astype("float64").gradient(found.points)
    norms = np.linalg.norm(gradient, axis=1) / np.sqrt(glass.size)
    assert (norms[found.converged] < 1e-11).all()
    np.testing.assert_allclose(norms, found.gradient_norm, atol=1e-13)
    definite = sp.count_index(glass, starts).negative == 0
    assert found.converged[definite].all()
    assert (sp.count_index(glass, found.points).negative[definite] == 0).all()
    density = glass.astype("float64").energy(found.points) / glass.energy_scale
    np.testing.assert_allclose(found.energy_density, density, atol=1e-13)
    overlap = (found.points * starts.astype(float)).sum(axis=1) / glass.size
    np.testing.assert_allclose(found.overlap, overlap, atol=1e-6 if name == "single" else 1e-12)


@pytest.mark.parametrize("method", ["dense", "krylov"])
def test_saddles_stay_saddles(method):
    glass = sp.PureGlass(3, 9, rng=2)
    saddles = sp.refine(glass, glass.random_points(60, rng=1))
    found = saddles.points[saddles.converged]
    index = sp.count_index(glass, found)
    inner = (index.negative > 0) & (index.positive > 0) & (index.margin > 0.05)
    assert inner.sum() >= 10
    rng = np.random.default_rng(0)
    starts = np.concatenate([near(point[None], 1e-3, rng) for point in found[inner]])
    again = sp.refine(glass, starts, method=method)
    assert again.converged.all()
    np.testing.assert_allclose(again.points, found[inner], atol=1e-9)


def test_what_did_not_converge_says_so():
    glass = sp.PureGlass(3, 10, rng=1)
    points = glass.random_points(20, rng=2)
    none = sp.refine(glass, points, max_steps=0)
    assert not none.converged.any()
    assert (none.steps == 0).all()
    np.testing.assert_allclose(none.points, points, rtol=1e-15)
    np.testing.assert_allclose(none.gradient_norm, np.linalg.norm(glass.gradient(points), axis=1) / np.sqrt(10))
    one = sp.refine(glass, points, max_steps=1)
    assert (one.stop_reason == RefineStop.max_steps).all()
    assert (one.steps <= 1).all()
    for method in ("dense", "krylov"):
        impossible = sp.refine(glass, descended(glass, points), tol=0.0, method=method)
        assert (impossible.converged == (impossible.gradient_norm == 0)).all()
        assert (impossible.stop_reason[~impossible.converged] != RefineStop.converged).all()
        assert np.median(impossible.gradient_norm) < 1e-14  # it stops at rounding, not before
        wild = sp.refine(glass, points, method=method)
        honest = np.linalg.norm(glass.gradient(wild.points), axis=1) / np.sqrt(10) <= 1e-11
        assert (wild.converged <= honest).all()


@pytest.mark.parametrize("method", ["dense", "krylov"])
def test_degenerate_landscapes(method):
    flat = sp.PureGlass.from_tensor(np.zeros((5, 5, 5)))
    points = flat.random_points(3, rng=0)
    found = sp.refine(flat, points, method=method)
    assert found.converged.all()  # every point is critical
    index = sp.count_index(flat, points)
    assert rows(index) == [(0, 4, 0)] * 3
    assert index.certified.all()
    # A lone spike: a ring of critical points around the poles, where the Hessian vanishes, and two isolated ones.
    spiked = flat.with_spike(np.ones(5), 1.0, 3)
    found = sp.refine(spiked, spiked.random_points(30, rng=1), method=method)
    norms = np.linalg.norm(spiked.gradient(found.points), axis=1) / np.sqrt(5)
    assert (norms[found.converged] < 1e-11).all()
    pole = sp.refine(spiked, near(np.ones((1, 5)), 0.1, np.random.default_rng(0)), method=method)
    assert pole.converged.all()
    np.testing.assert_allclose(pole.points, 1.0, atol=1e-10)
    one = sp.PureGlass(3, 1, rng=0)
    alone = one.random_points(4, rng=0)
    assert sp.refine(one, alone, method=method).converged.all()
    assert rows(sp.count_index(one, alone)) == [(0, 0, 0)] * 4


def outputs(glass, points, **options):
    found = sp.refine(glass, points, **options)
    index = sp.count_index(glass, points, **options)
    return found.points, found.energy_density, found.steps, found.stop_reason, index.margin, index.negative


@pytest.mark.parametrize("name", ["pure", "layered", "mixed"])
def test_threads_and_batches_do_not_change_a_bit(name):
    glass = glasses()[name]
    points = glass.random_points(13, rng=5)
    whole = outputs(glass, points, n_threads=1)
    for threads in (2, 3, 7):
        for a, b in zip(outputs(glass, points, n_threads=threads), whole, strict=True):
            assert a.tobytes() == b.tobytes()
    order = np.random.default_rng(0).permutation(13)
    for a, b in zip(outputs(glass, points[order]), whole, strict=True):
        assert a.tobytes() == b[order].tobytes()
    for a, b in zip(outputs(glass, points[4:5]), whole, strict=True):
        assert a.tobytes() == b[4:5].tobytes()


def test_layouts_do_not_matter_and_inputs_are_left_alone():
    glass = sp.PureGlass(3, 7, rng=5)
    points = glass.random_points(5, rng=1)
    kept = points.copy()
    whole = outputs(glass, points)
    wide = np.zeros((5, 14))
    wide[:, ::2] = points
    shifted = np.frombuffer(b"\0" + points.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(5, 7)
    frozen = points.copy()
    frozen.flags.writeable = False
    swapped = points.astype(points.dtype.newbyteorder())
    for layout in (wide[:, ::2], np.asfortranarray(points), swapped, shifted, frozen, points.tolist()):
        for a, b in zip(outputs(glass, layout), whole, strict=True):
            assert a.tobytes() == b.tobytes()
    assert (points == kept).all()


def test_a_float32_glass_has_the_same_critical_points():
    single, double = (sp.PureGlass(3, 9, rng=4, dtype=dtype) for dtype in ("float32", "float64"))
    starts = descended(double, double.random_points(10, rng=1)).astype(np.float32)
    a, b = sp.refine(single, starts), sp.refine(double, starts)
    assert a.points.tobytes() == b.points.tobytes()
    assert rows(sp.count_index(single, starts)) == rows(sp.count_index(double, starts))


def test_no_replicas():
    glass = sp.PureGlass(3, 5, rng=0)
    empty = np.empty((0, 5))
    assert sp.refine(glass, empty).points.shape == (0, 5)
    assert sp.count_index(glass, empty).negative.shape == (0,)
    assert "replicas=0" in repr(sp.refine(glass, empty))
    assert "replicas=0" in repr(sp.count_index(glass, empty))


@pytest.mark.parametrize("function", [sp.refine, sp.count_index])
@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"glass": 3}, TypeError, "glass"),
        ({"points": np.zeros((2, 5))}, ValueError, "points"),
        ({"points": np.ones(5)}, ValueError, "points"),
        ({"points": np.ones((2, 4))}, ValueError, "points"),
        ({"points": np.full((2, 5), np.nan)}, ValueError, "points"),
        ({"points": np.full((2, 5), 1e300)}, ValueError, "points: expected"),
        ({"points": np.ones((2, 5)) * 1j}, TypeError, "points"),
        ({"points": 1.01 * np.ones((2, 5))}, ValueError, "points: expected"),
        ({"method": "newton"}, ValueError, "method"),
        ({"method": None}, ValueError, "method"),
        ({"n_threads": 0}, ValueError, "n_threads"),
        ({"n_threads": 1.5}, TypeError, "n_threads"),
    ],
)
def test_errors_name_the_argument(function, change, error, text):
    arguments = {"glass": sp.PureGlass(3, 5, rng=0), "points": np.ones((2, 5))} | change
    with pytest.raises(error, match=text):
        function(**arguments)


def test_options_are_checked():
    glass, points = sp.PureGlass(3, 5, rng=0), np.ones((2, 5))
    for options, text in (({"tol": -1.0}, "tol"), ({"max_steps": -1}, "max_steps"), ({"tol": np.nan}, "tol")):
        with pytest.raises(ValueError, match=text):
            sp.refine(glass, points, **options)
    with pytest.raises(ValueError, match="zero_tol"):
        sp.count_index(glass, points, -1e-3)


def test_overflow_is_an_error_or_a_flag_never_a_count():
    huge = sp.PureGlass.from_tensor(np.full((4, 4, 4), 2e307))
    points = huge.random_points(2, rng=0)
    with pytest.raises(OverflowError):
        sp.count_index(huge, points)
    for method in ("dense", "krylov"):
        assert not sp.refine(huge, points, method=method).converged.any()


def test_what_does_not_fit_is_refused(available):
    glass, points = sp.PureGlass(3, 20, rng=0), sp.PureGlass(3, 20, rng=0).random_points(3, rng=0)
    expected = rows(sp.count_index(glass, points))
    hessian = 8 * 20 * 20
    available(20 * hessian)
    assert rows(sp.count_index(glass, points)) == expected  # a tile at a time
    available(hessian)
    for method in ("tridiagonal", "cholesky", "lanczos"):
        with pytest.raises(MemoryError, match="points"):
            sp.count_index(glass, points, method=method)
    with pytest.raises(MemoryError, match="points"):
        sp.refine(glass, points, method="dense")


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    "call",
    [sp.refine, sp.count_index, functools.partial(sp.count_index, method="lanczos")],
    ids=["refine", "count_index", "lanczos"],
)
def test_interrupts_are_heard(call):
    glass = sp.PureGlass(3, 24, rng=0)
    points = glass.random_points(20000, rng=0)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        call(glass, points)
    timer.join()
    assert sp.count_index(glass, points[:1]).negative.shape == (1,)  # usable afterwards


def test_results_are_readable():
    glass = sp.PureGlass(3, 8, rng=1)
    found = sp.refine(glass, descended(glass, glass.random_points(4, rng=1)))
    assert "converged: 4 of 4" in repr(found)
    assert list(found.to_dict()["stop_reason_name"]) == ["converged"] * 4
    with pytest.raises(AttributeError):
        found.tol = 1.0


def test_starts_at_the_edge_of_a_convex_region_end_where_gradient_flow_leads_or_say_so():
    glass = sp.PureGlass(3, 12, rng=5)
    starts = descended(glass, glass.random_points(2000, rng=6), steps=12, step=0.15)
    index = sp.count_index(glass, starts)
    edge = starts[(index.negative == 0) & (index.zero == 0) & (index.margin < 0.3)]
    # Gradient flow, and whether the Hessian stays positive definite all along it.
    flow, convex = edge, np.ones(edge.shape[0], dtype=bool)
    for _ in range(150):
        flow = descended(glass, flow, steps=10, step=0.02)
        convex &= sp.count_index(glass, flow).negative == 0
    flow = descended(glass, flow, steps=1500, step=0.05)
    assert convex.sum() > 200
    assert (~convex).sum() > 50

    found = sp.refine(glass, edge)
    same = np.linalg.norm(found.points - flow, axis=1) < 1e-2
    assert found.converged[convex].all()
    assert same[convex].all()
    assert (sp.count_index(glass, found.points[found.converged]).negative == 0).all()
    assert (found.energy_density <= glass.energy_density(edge) + 1e-12).all()
    assert (same | ~found.converged).all()  # no replica left its region in silence
    # Conjugate gradients may overlook a negative curvature, a factorisation does not.
    krylov = sp.refine(glass, edge, method="krylov")
    same = np.linalg.norm(krylov.points - flow, axis=1) < 1e-2
    assert same[convex].mean() > 0.9
    assert (same | ~krylov.converged).mean() > 0.98


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory")
@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="reads Linux's peak of resident memory")
@pytest.mark.parametrize("call", ["count_index", "refine"])
def test_memory_stays_within_the_estimate(call):
    script = f"""
import spinscape as sp, spinscape.memory as memory
asked, require = [], memory.require
memory.require = lambda needed, what: (asked.append(needed), require(needed, what))
glass = sp.PureGlass(3, 120, rng=1)
points = glass.random_points(300, rng=2)
sp.{call}(glass, points[:1], n_threads=2)
asked.clear()
def field(name):
    return 1024 * int(open("/proc/self/status").read().split(name + ":")[1].split()[0])
open("/proc/self/clear_refs", "w").write("5")
before = field("VmRSS")
sp.{call}(glass, points, n_threads=2{", max_steps=2" if call == "refine" else ""})
print(field("VmHWM") - before, max(asked))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300)
    peak, estimate = map(int, result.stdout.split())
    assert 0.2 * estimate < peak <= 1.1 * estimate
