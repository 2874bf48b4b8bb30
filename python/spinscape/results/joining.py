"""Results of one kind, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import described as shown
from spinscape.results.result import TRACE, Result, declared

Kind = TypeVar("Kind", bound=Result)


def concatenate(results: Iterable[Kind]) -> Kind:
    """Return the rows of all results, in their order, as one.

    What all rows share (a method, a tolerance, a ladder) must be the same in all; ValueError names the field otherwise.
    Traces of different lengths, of the same steps, are filled up with nan.
    """
    try:
        given = list(results)
    except TypeError:
        raise TypeError(f"results: expected results, got {shown(results)}") from None
    if not given:
        raise ValueError("results: expected at least one result, got none")
    kind = type(given[0])
    for k, result in enumerate(given):
        if not isinstance(result, Result):
            raise TypeError(f"results[{k}]: expected a result, got {type(result).__name__}")
        if type(result) is not kind:
            raise TypeError(f"results[{k}]: expected {kind.__name__} as the first, got {type(result).__name__}")
    if not kind.joinable:
        raise TypeError(f"results: {kind.__name__} says what is true of one whole; join tables of them instead")
    len(given[0])  # what has no rows cannot be joined
    fields = declared(kind)
    steps = {name for name, (per_row, axes) in fields.items() if not per_row and axes == (TRACE,)}
    columns = max((len(getattr(result, name)) for result in given for name in steps), default=0)
    joined: dict[str, Any] = {}
    for name, (per_row, axes) in fields.items():
        values = [getattr(result, name) for result in given]
        if name in steps:
            joined[name] = _longest(values, name)
        elif not per_row or all(value is None for value in values):
            joined[name] = _same(values, name)
        elif all(isinstance(value, Result) for value in values):
            joined[name] = concatenate(values)
        else:
            joined[name] = _stacked(values, name, axes, columns)
    return kind(**joined)


def _longest(values: Sequence[NDArray[Any]], name: str) -> NDArray[Any]:
    """The longest of the traces' steps, if all others are its beginning."""
    whole = max(values, key=len)
    for k, steps in enumerate(values):
        if not np.array_equal(steps, whole[: len(steps)]):
            raise ValueError(f"results[{k}]: expected the {name} of the others, got different ones")
    return whole


def _same(values: Sequence[Any], name: str) -> Any:
    first = values[0]
    for k, value in enumerate(values):
        if type(value) is not type(first) or not _equal(value, first):
            raise ValueError(f"results[{k}]: expected {name}={first!r} as in the first, got {value!r}")
    return first


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    return bool(one == other) or (one != one and other != other)  # nan is itself


def _stacked(values: Sequence[Any], name: str, axes: tuple[str, ...], columns: int) -> NDArray[Any]:
    if any(value is None for value in values):
        raise ValueError(f"results: expected {name} in all of them or in none")
    arrays = [_filled(np.asarray(value), axes, columns) for value in values]
    if len({(array.shape[1:], array.dtype) for array in arrays}) != 1:
        came = ", ".join(f"{array.dtype} {array.shape}" for array in arrays)
        raise ValueError(f"results: expected {name} of one shape and dtype beside the rows, got {came}")
    return np.concatenate(arrays)


def _filled(array: NDArray[Any], axes: tuple[str, ...], columns: int) -> NDArray[Any]:
    """A trace, with nan after the end of a shorter one."""
    if TRACE not in axes:
        return array
    sizes = zip(axes, array.shape[1:], strict=True)
    width = [(0, 0), *((0, columns - size if axis == TRACE else 0) for axis, size in sizes)]
    return np.pad(array, width, constant_values=np.nan)
