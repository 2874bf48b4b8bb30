"""Results as tables of pandas and data sets of xarray."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from spinscape.results.result import POINTS, Result, declared
from spinscape.results.stopping import StopReason, stop_names

if TYPE_CHECKING:
    import pandas
    import xarray


def as_frame(result: Result, points: bool) -> pandas.DataFrame:
    """Return a table of a row a replica."""
    import pandas

    columns: dict[str, Any] = {}
    count = len(result)
    for name, value, axes in _rows(result):
        if POINTS in axes and not points:
            continue
        if value.ndim == 1:
            columns[name] = value
        else:
            for place in product(*map(range, value.shape[1:])):
                columns[f"{name}[{','.join(map(str, place))}]"] = value[(slice(None), *place)]
    frame = pandas.DataFrame(columns, index=pandas.RangeIndex(count, name="replica"))
    frame.attrs = _attributes(result)
    return frame


def as_dataset(result: Result) -> xarray.Dataset:
    """Return all arrays with named axes."""
    import xarray

    variables = {name: (("replica", *axes), value) for name, value, axes in _rows(result)}
    labels: dict[str, Any] = {}
    for part in _parts(result):
        for name, (per_row, axes) in declared(part).items():
            value = getattr(part, name)
            if not per_row and axes and isinstance(value, np.ndarray):
                labels.setdefault(name, (axes, value))
    return xarray.Dataset(variables, coords=labels, attrs=_attributes(result))


def _parts(result: Result) -> list[Result]:
    """The result and those that are rows of it."""
    rows = [getattr(result, name) for name, (per_row, _) in declared(result).items() if per_row]
    within = [value for value in rows if isinstance(value, Result)]
    return [result, *(part for value in within for part in _parts(value))]


def _rows(result: Result) -> list[tuple[str, Any, tuple[str, ...]]]:
    """Every quantity with an entry a row: name, array, the names of an entry's axes; the outer one wins a name."""
    found: dict[str, tuple[Any, tuple[str, ...]]] = {}
    for part in _parts(result):
        for name, (per_row, axes) in declared(part).items():
            value = getattr(part, name)
            if per_row and value is not None and not isinstance(value, Result):
                found.setdefault(name, (np.asarray(value), axes))
        for name in part.derived:
            value = np.asarray(getattr(part, name))
            if value.ndim == 1:
                found.setdefault(name, (value, ()))
    if "stop_reason" in found:
        found["stop_reason_name"] = (stop_names(found["stop_reason"][0]), ())
    return [(name, value, axes) for name, (value, axes) in found.items()]


def _attributes(result: Result) -> dict[str, Any]:
    """What all rows share and a file of any kind can hold: numbers and texts; anything else by its repr."""
    found: dict[str, Any] = {"result": type(result).__name__}
    for name, (per_row, axes) in declared(result).items():
        value = getattr(result, name)
        if per_row or axes or value is None or isinstance(value, Result):
            continue
        plain = isinstance(value, (int, float, str)) and not isinstance(value, StopReason)
        found[name] = value if plain else getattr(value, "name", repr(value))
    return found
