"""The store: what goes in comes out, and nothing damaged, foreign or stale is taken for a result."""

import dataclasses
import hashlib
import io
import json
import shutil
import sqlite3
import sys

import numpy as np
import pytest
import toy_experiment as toy

from child import SANITIZED, run_script
from spinscape import study
from spinscape.study import Recipe, Store, StoreError, salvage
from spinscape.study.recipe import canonical_json
from spinscape.study.records import Record, checksum
from spinscape.versions import version_info

RECIPE = Recipe("scaled-losses", {"sizes": [5], "rng": 1})
ARRAYS = {"u": np.linspace(-1.6, -1.4, 700), "index": np.arange(700)}


@pytest.fixture
def filled(tmp_path):
    path = tmp_path / "results.sqlite"
    with Store(path, RECIPE) as store:
        for first in range(3):
            store.put({"N": 5, "first": first}, {**ARRAYS, "u": ARRAYS["u"] + first}, {"threads": 1})
    return path


def test_round_trip(filled):
    with Store(filled) as store:
        rows = list(store.rows)
        assert store.recipe == RECIPE
        assert store.verify() == []
    assert [row.unit["first"] for row in rows] == [0, 1, 2]
    for row in rows:
        assert np.array_equal(row.arrays["u"], ARRAYS["u"] + row.unit["first"])
        assert np.array_equal(row.arrays["index"], ARRAYS["index"])


def test_a_unit_is_written_once(filled):
    with Store(filled, RECIPE) as store:
        store.put({"first": 0, "N": 5}, {"u": np.zeros(1)}, {})
        assert len(store.done()) == 3
        assert next(iter(store.rows)).arrays["u"].shape == (700,)


def test_another_recipe_is_refused(filled):
    for parameters in ({"sizes": [6], "rng": 1}, {"sizes": [5], "rng": 2}, {"sizes": [5]}):
        with pytest.raises(StoreError, match="holds recipe"):
            Store(filled, Recipe("scaled-losses", parameters))


def test_foreign_and_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        Store(tmp_path / "nothing")
    text = tmp_path / "text"
    text.write_text("not a database, but long enough to be read as one " * 30)
    with pytest.raises(StoreError, match="text"):
        Store(text)
    foreign = tmp_path / "foreign.sqlite"
    database = sqlite3.connect(foreign)
    database.execute("CREATE TABLE units (key TEXT)")
    database.commit()
    database.close()
    with pytest.raises(StoreError, match="not a spinscape store"):
        Store(foreign)


def test_format_version_is_checked(filled):
    database = sqlite3.connect(filled)
    database.execute("PRAGMA user_version = 99")
    database.commit()
    database.close()
    with pytest.raises(StoreError, match="format 99"):
        Store(filled)


def rows_of(path):
    with Store(path) as store:
        return {
            row.key: (tuple(sorted(row.unit.items())), tuple((k, v.tobytes()) for k, v in sorted(row.arrays.items())))
            for row in store.rows
        }


def damaged_copies(path, kind, count=200):
    """`count` copies with one random bit flipped, or cut at a random place."""
    content = path.read_bytes()
    generator = np.random.default_rng(0)
    for place in generator.integers(len(content), size=count):
        damaged = bytearray(content)
        if kind == "flip":
            damaged[place] ^= 1 << int(generator.integers(8))
        else:
            del damaged[place:]
        copy = path.with_name("damaged.sqlite")
        copy.write_bytes(damaged)
        yield copy


@pytest.mark.parametrize("kind", ["flip", "cut"])
def test_damage_is_never_taken_for_a_result(filled, kind):
    """200 flips, 200 cuts: an error, a problem told by verify, or untouched content; never other rows, nor fewer."""
    truth, seen = rows_of(filled), 0
    for copy in damaged_copies(filled, kind):
        try:
            with Store(copy) as store:
                assert store.verify() == []
            assert rows_of(copy) == truth
        except (StoreError, AssertionError):
            seen += 1
            # Whatever is wrong is told by verify or at the door.
            with pytest.raises((StoreError, AssertionError)), Store(copy) as store:
                assert store.verify() == []
    assert (
        seen > 100
    )  # about half of the file is rows; else the damage did not reach the rows and the test shows nothing


@pytest.mark.parametrize("count", [25, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["flip", "cut"])
def test_intact_rows_are_salvaged(filled, tmp_path, kind, count):
    """Rows that the damage did not touch come out of every file; what comes out is what was written."""
    truth = rows_of(filled)
    lost = []
    for number, copy in enumerate(damaged_copies(filled, kind, count)):
        target = tmp_path / f"salvaged-{number}.sqlite"
        found = salvage(copy, target, RECIPE)
        rows = rows_of(target)
        assert rows.items() <= truth.items()
        assert found.rows == len(rows)
        lost.append(len(truth) - len(rows))
        target.unlink()
    if kind == "flip":
        # A flip damages one row, or rarely the page with the beginnings of all three.
        assert np.mean(np.array(lost) <= 1) > 0.9


def test_salvage_reads_the_recipe_and_refuses_to_overwrite(filled, tmp_path):
    target = tmp_path / "new.sqlite"
    assert salvage(filled, target).rows == 3
    assert rows_of(target) == rows_of(filled)
    with pytest.raises(FileExistsError, match=r"new\.sqlite"):
        salvage(filled, target)
    noise = tmp_path / "noise"
    noise.write_bytes(np.random.default_rng(0).bytes(50_000))
    with pytest.raises(StoreError, match="its recipe is lost"):
        salvage(noise, tmp_path / "other.sqlite")


def test_salvage_of_large_and_many_rows(tmp_path):
    """Rows of every size around those at which SQLite spills to overflow pages, and a table of several levels."""
    path = tmp_path / "many.sqlite"
    with Store(path, RECIPE) as store:
        for size in [*range(380, 520, 7), 0, 1, 5000, 100_000]:
            store.put({"size": size}, {"u": np.random.default_rng(size).random(size)}, {})
        assert salvage(path, tmp_path / "while-open.sqlite").rows == 24  # the rows are in the -wal file still
    assert not path.with_name("many.sqlite-wal").exists()
    assert salvage(path, tmp_path / "after.sqlite").rows == 24
    assert rows_of(tmp_path / "after.sqlite") == rows_of(tmp_path / "while-open.sqlite") == rows_of(path)


def test_verify_tells_of_a_missing_row(filled):
    database = sqlite3.connect(filled)
    database.execute("DELETE FROM units WHERE rowid = 2")
    database.commit()
    database.close()
    with Store(filled) as store:
        (problem,) = store.verify()
    assert problem == "missing rows: 2 rows are numbered from 1 to 3"


def test_verify_tells_of_rows_of_another_recipe(filled, tmp_path):
    other = tmp_path / "other.sqlite"
    with Store(other, Recipe("scaled-losses", {"sizes": [6]})) as store:
        store.put({"N": 5, "first": 9}, ARRAYS, {})
    database = sqlite3.connect(filled)
    database.execute("ATTACH ? AS other", (str(other),))
    database.execute("INSERT INTO units SELECT * FROM other.units")
    database.commit()
    database.close()
    with Store(filled) as store:
        (problem,) = store.verify()
    assert problem.startswith("foreign row")


def test_hostile_schemas_are_refused(filled):
    """A trigger or a view could answer with anything; a store has our tables and nothing else."""
    statements = ("CREATE TRIGGER t AFTER INSERT ON units BEGIN DELETE FROM units; END", "CREATE VIEW v AS SELECT 1")
    for number, statement in enumerate(statements):
        copy = filled.with_name(f"hostile-{number}.sqlite")
        copy.write_bytes(filled.read_bytes())
        database = sqlite3.connect(copy)
        database.execute(statement)
        database.commit()
        database.close()
        with pytest.raises(StoreError, match="not a spinscape store: its tables are"):
            Store(copy)


def test_pickles_in_a_store_are_not_loaded(filled, monkeypatch):
    """A row whose checksum fits but whose blob holds a pickle: an attacker can compute checksums."""
    buffer = io.BytesIO()
    np.savez(buffer, u=np.array([{"a": 1}], dtype=object))
    unit = canonical_json({"N": 5, "first": 7})
    key, blob = RECIPE.unit_key({"N": 5, "first": 7}), buffer.getvalue()
    database = sqlite3.connect(filled)
    database.execute(
        "INSERT INTO units VALUES (?, ?, ?, ?, ?)", (key, unit, "{}", blob, checksum(key, unit, "{}", blob))
    )
    database.commit()
    database.close()
    with Store(filled) as store, pytest.raises(ValueError, match="allow_pickle=False"):
        list(store.rows)


def test_store_names_are_only_names(tmp_path, monkeypatch):
    """Names that look like URIs, options or other folders create that file and no other."""
    folder = tmp_path / "inner"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("file:x?mode=memory", "-v.sqlite", ":memory:", "a b;c.sqlite", "50%23#.sqlite", "\udcff.sqlite"):
        for path in (folder / name, name):
            with Store(path, RECIPE) as store:
                store.put({"N": 1}, {"u": np.zeros(1)}, {})
            assert [path.name for path in folder.iterdir()] == [name]
            assert len(rows_of(path)) == 1
            (folder / name).unlink()
    assert list(tmp_path.iterdir()) == [folder]


# --- what is in flight (more in test_stress.py) ----------------------------------------------------------------------


def hot_copy(store, folder):
    """The files of a store that is being written, as a killed driver leaves them."""
    folder.mkdir()
    for suffix in ("", "-wal", "-ledger"):
        shutil.copy(f"{store.path}{suffix}", folder / f"hot.sqlite{suffix}")
    return folder / "hot.sqlite"


@pytest.fixture
def hot(tmp_path):
    with Store(tmp_path / "writing.sqlite", RECIPE) as store:
        for first in range(3):
            store.put({"N": 5, "first": first}, ARRAYS, {})
        return hot_copy(store, tmp_path / "killed")


def test_the_files_are_one_again_when_the_driver_ends(filled, hot):
    assert [path.name for path in filled.parent.glob("results*")] == ["results.sqlite"]
    with Store(hot, RECIPE):
        pass
    assert [path.name for path in hot.parent.iterdir()] == ["hot.sqlite"]
    assert len(rows_of(hot)) == 3


def test_reading_changes_nothing(hot):
    before = {path: path.read_bytes() for path in hot.parent.iterdir()}
    with Store(hot) as store:
        assert store.verify() == []
        assert len(list(store.rows)) == 3
        with pytest.raises(StoreError, match="was opened to read"):
            store.put({"N": 9}, ARRAYS, {})
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("gone", ["", "-wal"])
def test_a_file_of_a_hot_store_that_is_gone(hot, gone):
    """Its driver would begin anew, or do without the rows."""
    hot.with_name(f"hot.sqlite{gone}").unlink()
    with pytest.raises(StoreError, match=r"lacks 3 of 3 units that were finished .*hot\.sqlite-ledger lists them"):
        Store(hot, RECIPE)
    found = salvage(hot, hot.with_name("new.sqlite"), RECIPE)
    assert (found.rows, found.lost) == ((3, 0) if gone == "" else (0, 3))


def test_a_ledger_torn_by_a_full_disk(hot):
    """What is written behind the torn line counts; a line that is damaged promises nothing."""
    path = hot.with_name("hot.sqlite-ledger")
    path.write_bytes(path.read_bytes()[:-10])
    with Store(hot, RECIPE) as store:
        assert len(store._ledger.keys()) == 2
        store.put({"N": 7}, ARRAYS, {})
        assert len(store._ledger.keys()) == 3
        assert store._ledger.keys() < store.done()


def test_two_drivers_one_ledger(tmp_path):
    """The first to close leaves it to the other."""
    path = tmp_path / "s.sqlite"
    with Store(path, RECIPE) as one, Store(path, RECIPE) as other:
        one.put({"N": 1}, ARRAYS, {})
        other.put({"N": 2}, ARRAYS, {})
        one.close()
        assert len(other._ledger.keys()) == 2
    assert list(tmp_path.iterdir()) == [path]
    assert len(rows_of(path)) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
@pytest.mark.parametrize("replaced", [False, True])
def test_a_store_removed_under_its_driver(tmp_path, replaced):
    path = tmp_path / "s.sqlite"
    with Store(path, RECIPE) as store:
        store.put({"N": 1}, ARRAYS, {})
        path.unlink()
        if replaced:
            path.touch()
        with pytest.raises(FileNotFoundError, match="removed or replaced while it was written") as caught:
            store.put({"N": 2}, ARRAYS, {})
    assert caught.value.filename == str(path)
    assert "rescued" in str(caught.value)
    assert len(rows_of(tmp_path / "s.sqlite-rescued")) == 2


def test_text_of_any_encoding_in_a_failure(filled):
    texts = ["cannot read data-\udcff", "a\0b", "é\u2028\U0001f600", ""]
    with Store(filled, RECIPE) as store:
        for k, text in enumerate(texts):
            store.quarantine({"N": k}, text)
        assert [error for _, error in store.failures] == ["cannot read data-\\udcff", *texts[1:]]
        assert store.verify() == []


@pytest.mark.parametrize("column", ["key", "unit", "error", "at"])
@pytest.mark.parametrize("junk", ["'x'", "5", "x'00ff'", "CAST(x'ff' AS TEXT)"])
def test_junk_in_a_failure_is_named(filled, column, junk):
    with Store(filled, RECIPE) as store:
        store.quarantine({"N": 9}, "no such file")
    database = sqlite3.connect(filled)
    database.execute(f"UPDATE failures SET {column} = {junk}")
    database.commit()
    database.close()
    with Store(filled) as store:
        with pytest.raises(StoreError, match=r"results\.sqlite.*(failure of unit .* is damaged|decode)"):
            store.failures  # noqa: B018
        if "CAST" in junk:  # a text that is no UTF-8
            with pytest.raises(StoreError, match="decode"):
                store.verify()
        else:
            assert [problem.startswith("damaged failure") for problem in store.verify()] == [True]


# --- stores of 0.1.0 -------------------------------------------------------------------------------------------------

OLD_TABLES = (
    "CREATE TABLE recipe (recipe TEXT NOT NULL, key TEXT NOT NULL UNIQUE, begun TEXT NOT NULL, checksum TEXT NOT NULL)",
    "CREATE TABLE units (key TEXT PRIMARY KEY, unit TEXT NOT NULL, provenance TEXT NOT NULL, arrays BLOB NOT NULL, "
    "checksum TEXT NOT NULL)",
    "CREATE TABLE failures (key TEXT PRIMARY KEY, unit TEXT NOT NULL, error TEXT NOT NULL, at TEXT NOT NULL)",
)


def test_a_store_of_the_first_version_opens_resumes_and_exports(tmp_path):
    """Written here statement by statement as 0.1.0 wrote it, in the mode of a driver that was killed."""
    path, recipe = tmp_path / "old.sqlite", toy.recipe(units=3)

    def sealed(*parts):
        parts = [part.encode() if isinstance(part, str) else part for part in parts]
        return hashlib.sha256(b"".join(len(part).to_bytes(8, "little") + part for part in parts)).hexdigest()

    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA page_size = 4096")
    for table in OLD_TABLES:
        database.execute(table)
    database.execute(f"PRAGMA application_id = {0x73706E73}")
    database.execute("PRAGMA user_version = 1")
    head = recipe.canonical(), recipe.key, f"spinscape 0.1.0, streams {version_info()['stream_version']}"
    database.execute("INSERT INTO recipe VALUES (?, ?, ?, ?)", (*head, sealed(*head)))
    database.execute("PRAGMA journal_mode = WAL")
    unit = toy.units(recipe.parameters)[0]
    text, buffer = json.dumps(unit, sort_keys=True, separators=(",", ":")), io.BytesIO()
    np.savez(buffer, **dict(sorted(toy.compute(recipe.parameters, unit, 1).items())))
    row = hashlib.sha256((recipe.key + text).encode()).hexdigest(), text, '{"seconds":1.0}', buffer.getvalue()
    database.execute("INSERT INTO units VALUES (?, ?, ?, ?, ?)", (*row, sealed(*row)))
    other = json.dumps(toy.units(recipe.parameters)[1], sort_keys=True, separators=(",", ":"))
    failure = hashlib.sha256((recipe.key + other).encode()).hexdigest(), other, "ValueError: x", "2026-11-23T10:00:00"
    database.execute("INSERT INTO failures VALUES (?, ?, ?, ?)", failure)
    with Store(path) as store:
        assert store.verify() == []
        assert store.failures == [(other, "ValueError: x")]
        assert len(store.done()) == 1
    database.close()
    with study.resume(path) as store:
        assert store.failures == []
        with study.run(recipe, tmp_path / "new.sqlite") as new:
            assert store.digest == new.digest
            assert (
                store.export(tmp_path / "old.csv").read_text().splitlines()[3:]
                == (new.export(tmp_path / "new.csv").read_text().splitlines()[3:])
            )


@pytest.mark.parametrize("field", ["spinscape", "stream_version"])
def test_a_stale_store_is_read_but_not_continued(tmp_path, monkeypatch, field):
    with monkeypatch.context() as before:
        before.setattr("spinscape.study.store.version_info", lambda: {**version_info(), field: "0.0.1"})
        with Store(tmp_path / "s.sqlite", RECIPE) as store:
            store.put({"N": 5}, ARRAYS, {})
    with pytest.raises(StoreError, match=r"was begun with spinscape .*0\.0\.1.*, this is "):
        Store(tmp_path / "s.sqlite", RECIPE)
    assert len(rows_of(tmp_path / "s.sqlite")) == 1


def test_every_field_of_a_recipe_changes_its_key():
    parameters = {"sizes": [5, 6], "rng": 1, "law": "gaussian", "tol": 1e-6, "nu": None, "flag": True}
    changed = [
        {**parameters, name: other}
        for name, other in zip(parameters, [[5], 2, "uniform", 1e-7, 3.0, False], strict=True)
    ]
    missing = [{k: v for k, v in parameters.items() if k != name} for name in parameters]
    keys = {Recipe("a", p).key for p in [parameters, *changed, *missing]} | {Recipe("b", parameters).key}
    assert len(keys) == 2 * len(parameters) + 2


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(StoreError, match="not a spinscape store: it is empty"):
        Store(tmp_path / "empty")
    with Store(tmp_path / "empty", RECIPE) as store:
        assert store.done() == set()


def test_results_that_changed_on_the_way_are_refused(filled):
    good = Record.sealed(RECIPE, {"N": 5, "first": 9}, ARRAYS, {})
    bad = dataclasses.replace(good, arrays=good.arrays[:-1])
    foreign = Record.sealed(Recipe("scaled-losses"), {"N": 5, "first": 9}, ARRAYS, {})
    with Store(filled, RECIPE) as store:
        for record in (bad, foreign):
            with pytest.raises(StoreError, match="did not arrive as it was sealed"):
                store.insert(good, record)
        assert len(store.done()) == 3


def test_equal_results_have_equal_digests(filled, tmp_path):
    with Store(tmp_path / "again.sqlite", RECIPE) as store:
        for first in (2, 0, 1):  # another order, other provenance
            store.put({"N": 5, "first": first}, {**ARRAYS, "u": ARRAYS["u"] + first}, {"threads": 7})
        with Store(filled) as other:
            assert store.digest == other.digest
        store.put({"N": 5, "first": 3}, ARRAYS, {})
        with Store(filled) as other:
            assert store.digest != other.digest


class Ungiving:
    """As a torch tensor that requires a gradient."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("call detach() first")


@pytest.mark.parametrize(
    ("results", "error", "named"),
    [
        ({"bad": np.array([{}], dtype=object)}, ValueError, r"^results\['bad'\]: .* got Python objects"),
        ({"bad": np.ma.masked_greater(np.arange(3.0), 1)}, TypeError, r"^results\['bad'\]: .* without a mask"),
        ({"bad": Ungiving()}, TypeError, r"^results\['bad'\]: expected an array, .* detach"),
        ({1: np.zeros(1), "1": np.ones(1)}, TypeError, r"^results: .* text, got int 1"),
        ({"a\0b": np.zeros(1), "a": np.ones(1)}, ValueError, r"^results: .* without NUL"),
        ({"a\udcff": np.zeros(1)}, ValueError, r"^results: .* in UTF-8"),
        ([np.zeros(1)], TypeError, r"^results: expected a mapping of names to arrays, got list"),
    ],
)
def test_what_would_not_come_back_is_refused(tmp_path, results, error, named):
    with Store(tmp_path / "s.sqlite", RECIPE) as store:
        with pytest.raises(error, match=named):
            store.put({"N": 1}, results, {})
        assert store.done() == set()


def test_names_that_look_alike_stay_apart(tmp_path):
    results = {name: np.array(k) for k, name in enumerate(["a", "a.npy", "a.npy.npy", "A", "é", "e\u0301", "", "x/y"])}
    with Store(tmp_path / "s.sqlite", RECIPE) as store:
        store.put({"N": 1}, results, {})
        (row,) = store.rows
    assert {name: int(array) for name, array in row.arrays.items()} == {n: int(a) for n, a in results.items()}


def test_results_too_large_for_a_row_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("spinscape.study.records.MAX_BYTES", 1000)
    with Store(tmp_path / "s.sqlite", RECIPE) as store, pytest.raises(ValueError, match=r"^results: .* 1,000 bytes"):
        store.put({"N": 1}, {"u": np.zeros(200)}, {})


def test_recipe_identity():
    assert Recipe("a", {"x": 1, "y": [1, 2]}).key == Recipe("a", {"y": [1, 2], "x": 1}).key
    assert Recipe("a", {"x": 1}).key != Recipe("b", {"x": 1}).key
    with pytest.raises(ValueError, match="JSON"):
        Recipe("a", {"x": float("nan")}).canonical()
    assert Recipe.from_json(RECIPE.canonical()) == RECIPE


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory")
def test_a_store_leaves_no_memory_behind(filled, tmp_path):
    """Rows written and read, stores opened, refused and closed, after as many to warm up: less than 1 MB more."""
    growth = run_script(f"""
        import gc, json
        from pathlib import Path
        import numpy as np
        from spinscape.study import Recipe, Store, StoreError
        recipe, other = Recipe("scaled-losses", {{"sizes": [5], "rng": 1}}), Recipe("scaled-losses", {{}})
        def resident():
            gc.collect()
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096
        def opened(count):
            for _ in range(count):
                with Store({str(filled)!r}, recipe) as store:
                    assert len(list(store.rows)) == 3 and store.verify() == []
        def written(count):
            path = Path({str(tmp_path)!r}) / "rows.sqlite"
            with Store(path, recipe) as store:
                for k in range(count):
                    store.put({{"N": k}}, {{"u": np.zeros(5)}}, {{}})
            path.unlink()
        def refused(count):
            for _ in range(count):
                try:
                    Store({str(filled)!r}, other)
                except StoreError:
                    continue
                raise SystemExit("no error")
        def everything():
            opened(100), written(100), refused(300)
        for _ in range(3):
            everything()
        start = resident()
        everything()
        print(json.dumps(resident() - start))
    """)
    assert growth < 2**20
