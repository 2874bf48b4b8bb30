"""A plain table of numbers with its provenance, and its file: CSV under a commented header.

The file opens in any spreadsheet or with `pandas.read_csv(path, comment="#")`. Floats are written so that
they read back to the same bits. A checksum in the header covers all the rest: damage is reported, never drawn.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from spinscape.conventions import FloatArray
from spinscape.versions import __version__

Parameter = int | float | str | list[int] | list[float]

_FIRST_LINE = "# spinscape table: "


@dataclass(frozen=True)
class Table:
    """Columns of equal length by name, what each means, and the parameters they were computed from.

    columns : name -> (rows,) float64, read-only
    meanings : name -> one line of text, for every column
    parameters : name -> number, text or list of numbers
    """

    name: str
    parameters: Mapping[str, Parameter]
    columns: Mapping[str, FloatArray]
    meanings: Mapping[str, str]

    def __post_init__(self) -> None:
        if set(self.columns) != set(self.meanings):
            unmatched = sorted(set(self.columns) ^ set(self.meanings))
            raise ValueError(f"table {self.name}: expected one meaning a column, unmatched: {unmatched}")
        frozen = {}
        for name, values in self.columns.items():
            frozen[name] = np.array(values, dtype=np.float64)
            frozen[name].flags.writeable = False
        if len({column.shape for column in frozen.values()}) != 1 or next(iter(frozen.values())).ndim != 1:
            raise ValueError(f"table {self.name}: columns must be one-dimensional and of one length")
        object.__setattr__(self, "columns", MappingProxyType(frozen))
        object.__setattr__(self, "meanings", MappingProxyType(dict(self.meanings)))
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def __getitem__(self, column: str) -> FloatArray:
        return self.columns[column]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def write_table(table: Table, path: str | os.PathLike[str]) -> Path:
    """Write `table` as CSV; the file appears complete or not at all. OSError names the path if that fails."""
    target = Path(path)
    header = [
        _FIRST_LINE + table.name,
        f"# spinscape version: {__version__}",
        "# parameters: " + json.dumps(dict(table.parameters), sort_keys=True),
        *(f"# column {name}: {table.meanings[name]}" for name in table.columns),
    ]
    rows = [",".join(table.columns)]
    rows += [",".join(repr(float(v)) for v in row) for row in zip(*table.columns.values(), strict=True)]
    text = "\n".join([*header, f"# sha256: {_digest(header, rows)}", *rows]) + "\n"
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _replace(target, text)
    except OSError as error:  # a failed write, unlike a failed open, does not say which file
        raise OSError(error.errno, error.strerror, str(target)) from error
    return target


def read_table(path: str | os.PathLike[str]) -> Table:
    """The table in a file of `write_table`, bit for bit. ValueError if it is not one, or was altered."""
    source = Path(path)
    try:
        lines = source.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{source}: not a table of this package: {error}") from None
    if not lines[0].startswith(_FIRST_LINE):
        raise ValueError(f"{source}: not a table of this package: the first line must begin {_FIRST_LINE!r}")
    header = [line for line in lines if line.startswith("#")]
    rows = lines[len(header) :]
    if not header[-1].startswith("# sha256: ") or header[-1][10:] != _digest(header[:-1], rows):
        raise ValueError(f"{source}: the checksum does not match: the file was damaged or edited")
    fields = dict(line[2:].split(": ", 1) for line in header)
    names = rows[0].split(",")
    values = np.array([[float(v) for v in row.split(",")] for row in rows[1:]]).reshape(-1, len(names))
    return Table(
        name=lines[0].removeprefix(_FIRST_LINE),
        parameters=json.loads(fields["parameters"]),
        columns=dict(zip(names, values.T, strict=True)),
        meanings={name: fields[f"column {name}"] for name in names},
    )


def _replace(target: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _digest(header: list[str], rows: list[str]) -> str:
    return hashlib.sha256("\n".join([*header, *rows]).encode()).hexdigest()
