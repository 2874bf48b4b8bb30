"""The finished units as one table: a row for every sample of every unit.

The 1-D arrays of a unit have one element a sample, 0-d arrays and the unit's arguments are the same for all of its
samples. What does not fit a table (arrays of more dimensions, or of another length than the unit's other ones) is named
in `left_out` and stays in the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinscape.study.records import Row

if TYPE_CHECKING:
    from spinscape.study.store import Store


@dataclass(frozen=True)
class Table:
    """Columns of equal length, the units' arguments first, then their arrays; and the arrays left out."""

    columns: Mapping[str, NDArray[Any]]
    arguments: tuple[str, ...]
    left_out: tuple[str, ...]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0


def table_of(store: Store) -> Table:
    """Return the table of a store, units in the order of their recipe's arguments, not of their arrival."""
    parts: list[dict[str, NDArray[Any]]] = []
    arguments: dict[str, None] = {}
    left_out: set[str] = set()
    for row in sorted(store.rows, key=lambda row: _order(row.unit)):
        part, omitted = _part(row)
        parts.append(part)
        arguments |= dict.fromkeys(flat(row.unit))
        left_out |= omitted
    names = dict.fromkeys(name for part in parts for name in part)
    return Table({name: _column(parts, name) for name in names}, tuple(arguments), tuple(sorted(left_out)))


def flat(unit: Mapping[str, Any]) -> dict[str, Any]:
    """Return a unit's arguments with nested ones as "outer.inner"; the unit inside a sweep's needs no prefix.

    A name that two different values would have becomes "unit.name" for the second.
    """
    out: dict[str, Any] = {}
    for name, value in _arguments(unit, ""):
        while name in out and out[name] != value:
            name = f"unit.{name}"
        out[name] = value
    return out


def _arguments(unit: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in unit.items():
        if isinstance(value, Mapping):
            yield from _arguments(value, prefix if name == "unit" else f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value) if isinstance(value, list) else value


def _part(row: Row) -> tuple[dict[str, NDArray[Any]], set[str]]:
    lengths = Counter(array.shape[0] for array in row.arrays.values() if array.ndim == 1)
    length = lengths.most_common(1)[0][0] if lengths else 1
    part = {name: np.full(length, value, _kind(value)) for name, value in flat(row.unit).items()}
    omitted = set()
    for name, array in row.arrays.items():
        column = name
        while column in part:
            column = f"result.{column}"
        if array.shape in ((), (length,)):
            part[column] = np.broadcast_to(array, length)
        else:
            omitted.add(name)
    return part, omitted


def _column(parts: list[dict[str, NDArray[Any]]], name: str) -> NDArray[Any]:
    """One column over all units; where a unit lacks it, nan (or "" in a column of text).

    Integers that would have to become floats, and cannot, become text.
    """
    present = [part[name] for part in parts if name in part]
    text = any(array.dtype.kind in "OU" for array in present)
    whole = len(present) == len(parts)
    if not text and (not whole or np.result_type(*present).kind == "f") and any(map(_beyond_floats, present)):
        parts, text = [{**part, name: part[name].astype(str)} if name in part else part for part in parts], True
    columns = [
        part[name]
        if name in part
        else np.full(len(next(iter(part.values()))), "" if text else np.nan, object if text else float)
        for part in parts
    ]
    return np.concatenate([c.astype(object if text else float) if text or not whole else c for c in columns])


def _beyond_floats(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "iu" and bool(((array > 2**53) | (array < -(2**53))).any())


def _kind(value: Any) -> Any:
    return object if value is None or isinstance(value, str) else None


def _order(unit: Mapping[str, Any]) -> list[tuple[int, float, str]]:
    """A key that sorts numbers as numbers, text as text, argument by argument."""
    return [
        (0, float(value), "") if isinstance(value, (int, float)) else (1, 0.0, str(value))
        for value in flat(unit).values()
    ]
