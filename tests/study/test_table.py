"""Tables and exports: every number that goes out is the number in the store; missing packages are named."""

import csv
import sys

import numpy as np
import pytest
import toy_experiment as toy

from spinscape import study
from spinscape.study import Recipe, Store
from spinscape.study.summary import summarise
from spinscape.study.table import flat, table_of


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with study.run(toy.recipe(units=5), tmp_path_factory.mktemp("table") / "s.sqlite") as opened:
        yield opened


def columns(store):
    """The oracle: the experiment's own numbers, put side by side by hand."""
    parameters = store.recipe.parameters
    units = toy.units(parameters)
    arrays = [toy.compute(parameters, unit, 1) for unit in units]
    out = {name: np.concatenate([a[name] for a in arrays]) for name in ("u", "steps")}
    out |= {name: np.repeat([unit[name] for unit in units], parameters["samples"]) for name in ("N", "block")}
    return out | {"scale": np.repeat([float(unit["block"]) for unit in units], parameters["samples"])}


def test_table(store):
    table = table_of(store)
    expected = columns(store)
    assert table.arguments == ("N", "block")
    assert table.left_out == ("points",)
    assert set(table.columns) == set(expected)
    for name, column in expected.items():
        assert np.array_equal(table.columns[name], column)


def test_csv(store, tmp_path):
    with store.export(tmp_path / "t.csv").open() as file:
        comments = [file.readline() for _ in range(4)]
        rows = list(csv.DictReader(file))
    assert comments[0] == f"# recipe: {store.recipe.canonical()}\n"
    assert comments[3] == "# left_out: points\n"
    for name, column in columns(store).items():
        assert np.array_equal([float(row[name]) for row in rows], column)  # every digit


def test_pandas_and_parquet(store, tmp_path):
    pandas = pytest.importorskip("pandas", reason="pip install 'spinscape[export]'")
    pytest.importorskip("pyarrow", reason="pip install 'spinscape[export]'")
    frame = store.to_pandas()
    again = pandas.read_parquet(store.export(tmp_path / "t.parquet"))
    assert frame.attrs["recipe_key"] == again.attrs["recipe_key"] == store.recipe.key
    for name, column in columns(store).items():
        assert np.array_equal(frame[name], column)
        assert np.array_equal(again[name], column)


def test_xarray_and_netcdf(store, tmp_path):
    xarray = pytest.importorskip("xarray", reason="pip install 'spinscape[export]'")
    pytest.importorskip("h5netcdf", reason="pip install 'spinscape[export]'")
    dataset = store.to_xarray()
    with xarray.open_dataset(store.export(tmp_path / "t.nc"), engine="h5netcdf") as again:
        assert again.attrs["recipe"] == store.recipe.canonical()
        for name, column in columns(store).items():
            assert dataset[name].dims == ("sample",)
            assert np.array_equal(dataset[name], column)
            assert np.array_equal(again[name], column)


def test_columns_of_text_and_missing_columns(tmp_path):
    with Store(tmp_path / "s.sqlite", Recipe("toy")) as store:
        store.put(
            {"law": "normal", "nu": None, "grid": {"a": 1}}, {"u": np.arange(2.0), "flag": np.array([True, False])}, {}
        )
        store.put({"law": "uniform", "nu": 3.0, "grid": {"a": 2}}, {"v": np.arange(3)}, {})
        store.put({"law": "uniform", "nu": 4.0, "grid": {"a": 2}}, {"law": np.float64(7)}, {})
        table = table_of(store)
        assert list(table.columns["law"]) == ["normal"] * 2 + ["uniform"] * 4
        assert list(table.columns["grid.a"]) == [1, 1, 2, 2, 2, 2]
        assert np.array_equal(table.columns["v"], [np.nan, np.nan, 0, 1, 2, np.nan], equal_nan=True)
        assert table.columns["result.law"][-1] == 7
        for name in ("t.csv", "t.parquet", "t.nc"):
            if name == "t.csv" or all(_installed(package) for package in ("pandas", "pyarrow", "xarray", "h5netcdf")):
                assert store.export(tmp_path / name).stat().st_size > 100


def _installed(name):
    from importlib.util import find_spec

    return find_spec(name) is not None


def test_an_empty_store(tmp_path):
    with Store(tmp_path / "s.sqlite", Recipe("toy")) as store:
        assert len(table_of(store)) == 0
        assert summarise(table_of(store)).groups == ()
        assert store.export(tmp_path / "t.csv").exists()


@pytest.mark.parametrize(("name", "package"), [("t.parquet", "pyarrow"), ("t.nc", "h5netcdf")])
def test_missing_packages_are_named(store, tmp_path, monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"this export needs {package}: pip install 'spinscape\[export\]'"):
        store.export(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_other_formats_are_refused(store, tmp_path):
    with pytest.raises(ValueError, match=r"path: expected a name ending in one of \.csv, \.parquet, \.nc"):
        store.export(tmp_path / "t.xls")


def test_summary_groups_by_leading_arguments(store):
    summary = summarise(table_of(store))
    expected = columns(store)
    assert summary.by == ("N",)  # grouping by block as well would join nothing
    for group in summary.groups:
        mine = expected["u"][expected["N"] == group.values[0]]
        assert group.count == len(mine)
        assert np.allclose(group.moments["u"], (mine.mean(), mine.std(ddof=1), mine.min(), mine.max()), rtol=1e-14)


def test_flat():
    assert flat({"a": 1, "unit": {"b": 2}, "c": {"d": [3, 4]}}) == {"a": 1, "b": 2, "c.d": "[3, 4]"}


def test_names_that_collide_keep_their_values(tmp_path):
    """An argument, an array of the same name, and arrays that have the names which those would be given."""
    unit = {"u": 1, "a.b": 2, "a": {"b": 3}, "N": 4, "unit": {"N": 5, "p": 6}}
    arrays = {"u": np.array([7.0]), "result.u": np.array([8.0]), "result.result.u": np.array([9.0])}
    with Store(tmp_path / "s.sqlite", Recipe("toy")) as store:
        store.put(unit, arrays, {})
        table = table_of(store)
    found = {name: column.item() for name, column in table.columns.items()}
    assert sorted(found.values()) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert (found["u"], found["a.b"], found["unit.a.b"], found["N"], found["unit.N"]) == (1, 3, 2, 4, 5)


def test_integers_that_floats_cannot_hold(tmp_path):
    """Where one unit lacks a column it has nan there; two kinds of 64-bit integers have no common kind but float."""
    large = np.array([2**53 + 1])
    with Store(tmp_path / "s.sqlite", Recipe("toy")) as store:
        store.put({"k": 0}, {"seed": large, "sign": large, "small": np.array([3])}, {})
        store.put({"k": 1}, {"seed": large.astype(np.uint64), "u": np.array([0.5])}, {})
        columns = table_of(store).columns
    assert columns["seed"].tolist() == ["9007199254740993"] * 2
    assert columns["sign"].tolist() == ["9007199254740993", ""]
    np.testing.assert_array_equal(columns["small"], [3.0, np.nan])
