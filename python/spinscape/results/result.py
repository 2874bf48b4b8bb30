"""The base of all results: what its fields declare is all that length, masks, tables and files need to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_flag, as_path
from spinscape.results.describing import described
from spinscape.results.stopping import stop_counts, stop_names

if TYPE_CHECKING:
    import pandas
    import xarray

POINTS = "coordinate"  # the axis of points: left out of tables unless asked for
TRACE = "column"  # the axis of traces, whose lengths may differ where results are joined

CLASSES: dict[str, type[Result]] = {}  # by name, for files


def row(*axes: str) -> Mapping[str, Any]:
    """Return the metadata of a field with one entry a row; `axes` names the axes of an entry."""
    return {"row": True, "axes": axes}


def shared(*axes: str) -> Mapping[str, Any]:
    """Return the metadata of an array that all rows share; one with the name of a single axis labels that axis."""
    return {"row": False, "axes": axes}


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What an algorithm found. A subclass is a frozen dataclass (eq=False, repr=False) that declares its fields.

    derived : names of properties that belong to the table beside the fields.
    joinable : whether rows of several results make one, as `concatenate` does.

    `len(result)` is the number of rows, and `result[mask]`, with a mask, a slice, or an array of indices, the result of
    some of them, in that order. Rows are views where numpy's are.
    """

    derived: ClassVar[tuple[str, ...]] = ()
    joinable: ClassVar[bool] = True

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        known = CLASSES.setdefault(cls.__name__, cls)
        if known.__module__ != cls.__module__:
            raise TypeError(f"{cls.__name__}: expected another name, for {known.__module__} has a result of this one")
        CLASSES[cls.__name__] = cls

    def __len__(self) -> int:
        for field in fields(self):
            if field.metadata.get("row"):
                return len(getattr(self, field.name))
        raise TypeError(f"{type(self).__name__} has no rows")

    def __bool__(self) -> bool:  # a result is one, also of no rows
        return True

    def __getitem__(self, rows: Any) -> Self:
        chosen = _as_rows(rows, len(self))
        picked = {
            field.name: getattr(self, field.name)[chosen]
            for field in fields(self)
            if field.metadata.get("row") and getattr(self, field.name) is not None
        }
        return replace(self, **picked)

    def __iter__(self) -> Iterator[Self]:
        raise TypeError(f"{type(self).__name__} is no sequence of rows: iterate over its arrays, or over range(len(.))")

    def __repr__(self) -> str:
        return described(self)

    @property
    def stop_counts(self) -> dict[str, int]:
        """Number of rows for each stop reason that occurred, by its name."""
        return stop_counts(self._stop_reasons())

    def _stop_reasons(self) -> NDArray[Any]:
        reasons = getattr(self, "stop_reason", None)
        if reasons is None:
            raise AttributeError(f"{type(self).__name__} has no stop reasons")
        return np.atleast_1d(np.asarray(reasons))

    def to_dict(self) -> dict[str, Any]:
        """Return all fields by name, without copying the arrays; derived ones; those of results that are rows, flat."""
        own: dict[str, Any] = {}
        within: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.startswith("_"):
                continue
            if isinstance(value, Result) and field.metadata.get("row"):
                within |= value.to_dict()
            else:
                own[field.name] = value
        own |= {name: getattr(self, name) for name in self.derived}
        if "stop_reason" in own:
            names = stop_names(self._stop_reasons())
            own["stop_reason_name"] = names if np.ndim(own["stop_reason"]) else str(names[0])
        return within | own

    def to_pandas(self, *, points: bool = False) -> pandas.DataFrame:
        """Return a table of a row a replica; what all rows share, if it is a number or a text, is in its `attrs`.

        Entries with axes of their own take a column each, `name[0]`, `name[1]`, ...; points only where asked for.
        """
        from spinscape.results.tables import as_frame

        return as_frame(self, as_flag(points, "points"))

    def to_xarray(self) -> xarray.Dataset:
        """Return all arrays with their axes named, points included; the shared labels of an axis are its coordinate."""
        from spinscape.results.tables import as_dataset

        return as_dataset(self)

    def save(self, path: str | Path) -> Path:
        """Write the result as one file, numpy's npz with a JSON header, without pickle; `spinscape.load` reads it.

        The file is there as a whole or not at all.
        """
        from spinscape.results.storing import save

        return save(self, as_path(path, "path"))


def declared(result: Result | type[Result]) -> dict[str, tuple[bool, tuple[str, ...]]]:
    """Return for every field whether it has an entry a row, and the names of an entry's axes."""
    return {f.name: (bool(f.metadata.get("row")), f.metadata.get("axes", ())) for f in fields(result)}


def _as_rows(rows: Any, count: int) -> Any:
    """A mask, a slice or indices as numpy takes them, always of more than one row at a time."""
    if isinstance(rows, slice):
        return rows
    chosen = np.asarray(rows)
    if chosen.ndim == 1 and chosen.size == 0:
        chosen = chosen.astype(np.int64) if chosen.dtype != np.bool_ else chosen
    if chosen.dtype.kind not in "biu" or chosen.ndim > 1:
        raise TypeError(f"rows: expected a mask, a slice or an array of integers, got {type(rows).__name__}")
    if chosen.dtype == np.bool_ and chosen.shape != (count,):
        raise IndexError(f"rows: expected a mask of shape ({count},), got {chosen.shape}")
    if chosen.dtype != np.bool_ and chosen.size and not (chosen.min() >= -count and chosen.max() < count):
        raise IndexError(f"rows: expected indices of {count} rows, got {chosen.min()} to {chosen.max()}")
    return np.atleast_1d(chosen)
