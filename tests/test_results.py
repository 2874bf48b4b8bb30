"""Results are blocks of rows: length, masks, joining, tables, files. The oracle is numpy's indexing of their fields."""

import io
import json
import pickle
import zipfile
from dataclasses import dataclass, field, fields, is_dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import spinscape as sp
from spinscape.results import Result, StopReason, row, shared, stop_names
from travellers import RESULTS, ensemble


@dataclass(frozen=True, eq=False, repr=False)
class Walk(Result):
    points: NDArray[np.float64] = field(metadata=row("coordinate"))
    energy_density: NDArray[np.float64] = field(metadata=row())
    stop_reason: NDArray[np.int8] = field(metadata=row())
    trace_steps: NDArray[np.int64] = field(metadata=shared("column"))
    trace: NDArray[np.float64] = field(metadata=row("column"))
    tol: float


def walk(rows, columns=3, tol=0.5, seed=0):
    draw = np.random.default_rng(seed)
    return Walk(
        points=draw.normal(size=(rows, 2)),
        energy_density=draw.normal(size=rows),
        stop_reason=np.zeros(rows, dtype=np.int8),
        trace_steps=10 * np.arange(columns),
        trace=draw.normal(size=(rows, columns)),
        tol=tol,
    )


def runs():
    """One result of every algorithm that is quick, with rows."""
    glass = sp.PureGlass(3, 6, rng=0)
    w = glass.random_points(5, rng=1)
    run = sp.descend(glass, w, trace_every=100, ladder=[0.1, 0.01], max_steps=300)
    return [
        run,
        sp.sample(glass, w, beta=1.0, steps=4, rng=0, trace_every=2, keep_every=2),
        sp.anneal(glass, w, schedule=sp.AnnealingSchedule(steps=20, levels=4), rng=0),
        sp.temper(glass, w, betas=[0.5, 1.0], steps=4, rng=0, trace_every=2),
    ]


RUNS = runs()
NAMES = [type(run).__name__ for run in RUNS]


def assert_same(one, other):
    """Two results, or two values of a field, to the bit."""
    one, other = (value.item() if isinstance(value, np.generic) else value for value in (one, other))
    assert type(one) is type(other)
    if is_dataclass(one):
        for f in fields(one):
            assert_same(getattr(one, f.name), getattr(other, f.name))
    elif isinstance(one, (tuple, list)):
        assert len(one) == len(other)
        for mine, its in zip(one, other, strict=True):
            assert_same(mine, its)
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert one.tobytes() == other.tobytes()
    else:
        assert one == other or (one != one and other != other)


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_rows_are_those_of_the_fields(run):
    mask = np.array([True, False, True, True, False])
    for rows in (mask, slice(1, 4), [3, 0, 3], np.array([], dtype=int), slice(None, None, -1)):
        part = run[rows]
        assert len(part) == len(run.points[rows])
        for f in fields(run):
            whole, some = getattr(run, f.name), getattr(part, f.name)
            if f.metadata.get("row"):
                np.testing.assert_array_equal(some, whole[rows])
            else:
                assert some is whole
    assert len(run) == 5
    assert len(run[2]) == 1  # a row is a result of one
    np.testing.assert_array_equal(run[-1].points, run.points[-1:])


@given(st.lists(st.integers(0, 4), max_size=6), st.lists(st.integers(0, 4), max_size=6))
def test_rows_of_rows(first, second):
    run = RUNS[0]
    part = run[first]
    chosen = [k for k in second if k < len(first)]
    assert_same(part[chosen], run[np.array(first, dtype=int)[chosen]])


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_pieces_join_to_the_whole(run):
    assert_same(sp.concatenate([run[:2], run[2:2], run[2:]]), run)
    assert_same(sp.concatenate(run[[k]] for k in range(5)), run)


def test_traces_of_different_length_join():
    short, long = walk(2, columns=2), walk(3, columns=4, seed=1)
    both = sp.concatenate([short, long])
    np.testing.assert_array_equal(both.trace_steps, long.trace_steps)
    np.testing.assert_array_equal(both.trace[:2, :2], short.trace)
    assert np.isnan(both.trace[:2, 2:]).all()
    np.testing.assert_array_equal(both.trace[2:], long.trace)


def test_what_does_not_join_is_named():
    with pytest.raises(ValueError, match=r"results\[1\]: expected tol=0.5"):
        sp.concatenate([walk(1), walk(1, tol=0.25)])
    with pytest.raises(ValueError, match=r"results\[1\]: expected the trace_steps"):
        sp.concatenate([walk(1), Walk(**{**vars(walk(1)), "trace_steps": np.array([0, 5, 9])})])
    with pytest.raises(ValueError, match="points of one shape"):
        sp.concatenate([walk(1), Walk(**{**vars(walk(1)), "points": np.zeros((1, 3))})])
    with pytest.raises(TypeError, match=r"results\[1\]: expected Walk"):
        sp.concatenate([walk(1), RUNS[0]])
    with pytest.raises(TypeError, match=r"results\[0\]"):
        sp.concatenate([{}])
    with pytest.raises(ValueError, match="at least one"):
        sp.concatenate([])


def test_rows_that_are_none_are_refused():
    run = walk(3)
    for rows in ([5], [-4], [True, False]):
        with pytest.raises(IndexError, match="rows"):
            run[rows]
    for rows in ("a", [0.5], [[0]]):
        with pytest.raises(TypeError, match="rows"):
            run[rows]
    with pytest.raises(TypeError, match="no sequence"):
        list(run)
    assert run[:0]  # a result is one, also of no rows


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_tables(run):
    table = run.to_pandas()
    assert len(table) == 5
    assert not any(name.startswith(("points", "kept_points")) for name in table)
    assert any(name.startswith("points[") for name in run.to_pandas(points=True))
    for name, column in table.items():
        whole, _, place = name.partition("[")
        entry = run.to_dict()[whole]
        if place:
            entry = entry[(slice(None), *map(int, place.rstrip("]").split(",")))]
        np.testing.assert_array_equal(column, entry)
    assert table.attrs["result"] == type(run).__name__
    assert table.attrs["method"] == run.method

    data = run.to_xarray()
    assert data.sizes["replica"] == 5
    np.testing.assert_array_equal(data.points, run.points)
    assert data.points.dims[-1] == "coordinate"
    np.testing.assert_array_equal(data.trace_steps, run.trace_steps)
    assert data.trace_energy_density.dims[-1] == "column"


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_files_bring_back_every_bit(run, tmp_path):
    path = run.save(tmp_path / "run.npz")
    assert_same(sp.load(path), run)
    assert_same(sp.load(str(run[:0].save(path))), run[:0])  # over the old one
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]
    assert_same(pickle.loads(pickle.dumps(run)), run)
    with np.load(path, allow_pickle=False) as plain:  # numpy alone reads the arrays
        assert plain["points"].shape == run[:0].points.shape


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_goes_to_a_file_and_back(name, tmp_path):
    found = RESULTS[name]()
    path = found.save(tmp_path / "found")
    assert_same(sp.load(path), found)
    assert set(found.to_dict()) >= {
        f.name for f in fields(found) if f.name[0] != "_" and not isinstance(getattr(found, f.name), Result)
    }
    assert repr(found).startswith(f"{name}(")
    assert found.to_xarray().attrs["result"] == name
    if any(f.metadata.get("row") for f in fields(found)):
        assert len(found.to_pandas()) == len(found)
    else:
        with pytest.raises(TypeError, match="no rows"):
            len(found)


def test_networks_go_to_a_file_and_back(tmp_path):
    pytest.importorskip("torch")
    found = ensemble()
    assert_same(sp.load(found.save(tmp_path / "ensemble")), found)
    assert_same(sp.concatenate([found[:1], found[1:]]), found)


def test_a_part_of_an_enumeration_proves_nothing():
    whole = RESULTS["Enumeration"]()
    assert whole.complete
    part = whole[whole.index.negative == 0]
    assert not part.complete
    assert np.isnan(part.missing_estimate)
    assert part.morse_sum == len(part)
    with pytest.raises(TypeError, match="Enumeration"):
        sp.concatenate([whole, whole])


def test_the_index_joins_the_rows():
    glass = sp.PureGlass(3, 6, rng=0)
    critical = sp.refine(glass, glass.random_points(5, rng=1))
    index = sp.count_index(glass, critical.points)
    both = critical.with_index(index)
    assert critical.index is None
    assert "negative" not in critical.to_dict()
    np.testing.assert_array_equal(both.to_pandas()["negative"], index.negative)
    minima = both[both.index.negative == 0]
    assert_same(minima.index, index[index.negative == 0])
    assert_same(sp.concatenate([both[:2], both[2:]]), both)
    with pytest.raises(ValueError, match="index: expected the IndexCount of 5 rows"):
        critical.with_index(index[:2])
    with pytest.raises(ValueError, match="in all of them or in none"):
        sp.concatenate([both, critical])


def rewritten(path, tmp_path, change):
    """The file with its header changed, or with entries of its archive replaced."""
    other = tmp_path / "other.npz"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as new:
        entries = {name: old.read(name) for name in old.namelist()}
        header = json.loads(entries["header.json"])
        change(header, entries)
        entries["header.json"] = json.dumps(header).encode()
        for name, data in entries.items():
            new.writestr(name, data)
    return other


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('a file was executed')",)


def as_npy(array):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def huge(_, entries):
    magic = as_npy(np.zeros(5))
    entries["steps.npy"] = magic.replace(b"(5,)", b"(10000000000000,)")[: len(magic)]


HOSTILE = {
    "pickled objects": lambda h, e: e.update({"steps.npy": as_npy(np.array([Bomb()] * 5, dtype=object))}),
    "a huge array": huge,
    "a class of elsewhere": lambda h, e: h["content"].update({"class": "Popen", "room": "subprocess"}),
    "an unknown class": lambda h, e: h["content"].update({"class": "Nothing"}),
    "a field too many": lambda h, e: h["content"]["fields"].update({"__class__": 3}),
    "a field too few": lambda h, e: h["content"]["fields"].pop("tol"),
    "rows of different number": lambda h, e: e.update({"steps.npy": as_npy(np.zeros(4))}),
    "an array that is not there": lambda h, e: e.pop("points.npy"),
    "another version": lambda h, e: h.update({"format_version": 99}),
    "no result": lambda h, e: h.update({"content": {"tuple": [1]}}),
    "another format": lambda h, e: h.update({"format": "x"}),
    "a number in place of rows": lambda h, e: h["content"]["fields"].update({"steps": 3}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_inert(kind, tmp_path):
    path = rewritten(RUNS[0].save(tmp_path / "run.npz"), tmp_path, HOSTILE[kind])
    with pytest.raises((ValueError, MemoryError), match="path: "):
        sp.load(path)


@given(st.integers(0, 10**9), st.binary(min_size=1, max_size=8))
def test_damaged_files_are_an_error_or_the_result(tmp_path_factory, place, noise):
    path = tmp_path_factory.mktemp("damage") / "run.npz"
    data = bytearray(RUNS[3][:2].save(path).read_bytes())
    place %= len(data)
    data[place : place + len(noise)] = noise
    path.write_bytes(data)
    try:
        found = sp.load(path)
    except (ValueError, MemoryError) as error:
        found = error
    assert isinstance(found, Result) or str(found).startswith("path: ")


def test_files_that_are_none(tmp_path):
    for name, content in {"empty": b"", "text": b"hello", "zip": b"PK\x05\x06" + bytes(18)}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="path: expected a file that"):
            sp.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        sp.load(tmp_path / "nothing")


def test_a_result_of_no_known_kind_is_not_written(tmp_path):
    odd = Walk(**{**vars(walk(1)), "tol": object()})
    with pytest.raises(TypeError, match="tol"):
        odd.save(tmp_path / "odd")
    assert list(tmp_path.iterdir()) == []


def test_two_results_of_one_name_are_refused():
    with pytest.raises(TypeError, match=r"Descent: .*spinscape.descent.result"):
        type("Descent", (Result,), {"__module__": __name__})


def test_one_account_of_stopping():
    assert sp.RefineStop is sp.ConnectStop is sp.StopReason
    assert sp.ConnectStop.linked is StopReason.converged
    assert sp.ConnectStop.max_rounds is StopReason.max_steps
    names = ["converged", "max_steps", "completed", "stalled", "line_search_failed", "not_finite", "no_pass"]
    assert [reason.name for reason in StopReason] == names
    assert [reason.value for reason in StopReason] == list(range(7))
    assert stop_names(np.array([[3, 0], [6, 3]])).tolist() == [["stalled", "converged"], ["no_pass", "stalled"]]
    assert walk(4).stop_counts == {"converged": 4}
    assert stop_names(np.empty((0, 2), dtype=np.int8)).shape == (0, 2)


def test_one_repr():
    text = repr(walk(4))
    assert text.startswith("Walk(tol=0.5, replicas=4, dimension=2\n  energy_density: mean ")
    assert "stop_reason: 4 converged" in text
    assert "trace" not in text
    assert repr(walk(0)) == "Walk(tol=0.5, replicas=0, dimension=2)"
    nothing = sp.disconnectivity_graph(sp.PureGlass(3, 6, rng=0), np.empty((0, 6)))  # its arrays are no rows
    assert "minima: 0 x 6" in repr(nothing)
    assert "order: none" in repr(nothing)
