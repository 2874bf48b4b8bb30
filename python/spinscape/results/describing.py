"""The one repr of results: what all rows share, and for each quantity how it spreads over the rows."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.results.stopping import StopReason, stop_counts

_LONGEST = 8  # values of an index that are counted out


def described(result: Any) -> str:
    """Return the class and what is shared; then a line for each quantity with a number a row, each array, each list."""
    given = {f.name: getattr(result, f.name) for f in fields(result) if not f.name.startswith("_")}
    given |= {name: getattr(result, name) for name in result.derived}
    given = {name: value for name, value in given.items() if value is not None}
    rowed = {f.name for f in fields(result) if f.metadata.get("row")}
    head = [f"{name}={_shown(value)}" for name, value in given.items() if name not in rowed and not _has_line(value)]
    count = len(result) if rowed else None
    if count is not None:
        head.append(f"replicas={count}")
        if (points := given.get("points")) is not None:
            head.append(f"dimension={points.shape[-1]}")
    labels = {f.name for f in fields(result) if f.metadata.get("axes")} - rowed
    blocks = {name for name in rowed if getattr(given.get(name), "ndim", 1) > 1}
    lines = [_line(name, value) for name, value in given.items() if name not in labels | blocks] if count != 0 else []
    return "\n  ".join([f"{type(result).__name__}({', '.join(head)}", *filter(None, lines)]) + ")"


def _has_line(value: Any) -> bool:
    texts = isinstance(value, (tuple, list)) and all(isinstance(item, str) for item in value)
    return texts or hasattr(value, "__array__") or hasattr(value, "derived")


def _shown(value: Any) -> str:
    if isinstance(value, StopReason):
        return value.name
    if isinstance(value, float):
        return f"{value:.6g}"
    text = repr(value)
    short = len(text) <= 80 or not hasattr(value, "__len__")
    return text if short else f"<{type(value).__name__} of {len(value)}>"


def _line(name: str, value: Any) -> str | None:
    """How a quantity spreads over the rows; of arrays with axes of their own the shape alone."""
    if not _has_line(value) or (isinstance(value, (tuple, list)) and not value):
        return None
    if isinstance(value, (tuple, list)):
        return f"{name}: " + "; ".join(value)
    if hasattr(value, "derived"):
        return repr(value).replace("\n", "\n  ")
    array = np.asarray(value)
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        return None if array.ndim == 1 else f"{name}: {' x '.join(map(str, array.shape))}"
    if name == "stop_reason":
        return f"{name}: " + ", ".join(f"{count} {reason}" for reason, count in stop_counts(array).items())
    if array.dtype == np.bool_:
        return f"{name}: {np.count_nonzero(array)} of {array.size}"
    return f"{name}: {_spread(array)}"


def _spread(values: NDArray[Any]) -> str:
    if not values.size:
        return "none"
    if values.dtype.kind in "iu":
        numbers, counts = np.unique(values, return_counts=True)
        if 1 < numbers.size <= _LONGEST:
            return ", ".join(f"{count} of {number}" for number, count in zip(numbers, counts, strict=True))
        return f"{numbers[0]}" if numbers.size == 1 else f"from {numbers[0]} to {numbers[-1]}"
    known = values[~np.isnan(values)]
    if known.size == 0:
        return "nan"
    if known.size == 1 or known.min() == known.max():
        return f"{known[0]:.6g}"
    with np.errstate(invalid="ignore", over="ignore"):
        return f"mean {known.mean():.6g}, sd {known.std():.3g}, from {known.min():.6g} to {known.max():.6g}"
