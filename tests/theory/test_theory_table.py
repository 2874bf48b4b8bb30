"""Tables: bit-exact round trip, provenance in the file, no damage unnoticed, nothing half-written."""

import csv
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinscape import __version__
from spinscape.theory.table import Table, read_table, write_table

EXAMPLE = Table(
    name="example",
    parameters={"p": 3, "N": 1000, "levels": [-1.5, 0.1], "law": "gauss: one"},
    columns={"u": np.array([-1.5, -0.0, 5e-324]), "log_total": np.array([-np.inf, 1 / 3, 1e308])},
    meanings={"u": "energy density H/N: of the point", "log_total": "natural log, of a count"},
)


def test_file_is_readable_by_others(tmp_path):
    path = write_table(EXAMPLE, tmp_path / "folder" / "example.csv")
    lines = path.read_text().splitlines()
    assert lines[0] == "# spinscape table: example"
    assert f"# spinscape version: {__version__}" in lines
    assert '# parameters: {"N": 1000, "law": "gauss: one", "levels": [-1.5, 0.1], "p": 3}' in lines
    plain = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    np.testing.assert_array_equal([float(row["log_total"]) for row in plain], EXAMPLE["log_total"])


@given(st.lists(st.tuples(st.floats(allow_nan=True), st.floats(allow_nan=True)), max_size=20))
def test_round_trip_is_bit_exact(rows):
    values = np.array(rows, dtype=np.float64).reshape(-1, 2)
    table = Table("t", {"p": 3}, {"a": values[:, 0], "b": values[:, 1]}, {"a": "first", "b": "second"})
    with tempfile.TemporaryDirectory() as folder:
        back = read_table(write_table(table, Path(folder) / "t.csv"))
    assert (back.name, dict(back.parameters), dict(back.meanings)) == ("t", {"p": 3}, dict(table.meanings))
    assert len(back) == len(rows)
    for name in ("a", "b"):
        nan = np.isnan(table[name])
        np.testing.assert_array_equal(np.isnan(back[name]), nan)
        assert back[name][~nan].tobytes() == table[name][~nan].tobytes()


def test_every_damaged_byte_is_noticed(tmp_path):
    path = write_table(EXAMPLE, tmp_path / "example.csv")
    good = path.read_bytes()
    for position in range(len(good) - 1):  # the last byte ends the last line and carries nothing
        for bit in (0, 3, 6):
            damaged = bytearray(good)
            damaged[position] ^= 1 << bit
            path.write_bytes(bytes(damaged))
            with pytest.raises(ValueError, match=r"checksum|not a table"):
                read_table(path)


@pytest.mark.parametrize("length", [0, 1, 30, 200, -2])
def test_truncation_is_noticed(tmp_path, length):
    path = write_table(EXAMPLE, tmp_path / "example.csv")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"example.csv: (the checksum|not a table)"):
        read_table(path)


def test_a_failed_write_names_the_file_and_leaves_the_old_one(tmp_path, monkeypatch):
    path = write_table(EXAMPLE, tmp_path / "example.csv")
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left.*example.csv"):
        write_table(EXAMPLE, path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["example.csv"]


def test_tables_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        EXAMPLE["u"][0] = 0.0
    with pytest.raises(TypeError):
        EXAMPLE.columns["u"] = np.zeros(3)  # type: ignore[index]


@pytest.mark.parametrize(
    ("columns", "meanings"),
    [
        ({"a": np.zeros(2)}, {}),
        ({"a": np.zeros(2), "b": np.zeros(3)}, {"a": "", "b": ""}),
        ({"a": np.zeros((2, 2))}, {"a": ""}),
    ],
)
def test_columns_must_fit(columns, meanings):
    with pytest.raises(ValueError, match="table t"):
        Table("t", {}, columns, meanings)
