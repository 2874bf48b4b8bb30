"""The one repr of results: what all rows share, and for each quantity how it spreads over the rows."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.results.stopping import StopReason, stop_counts

_LONGEST = 8  # values of an index that are counted out


def described(result: Any) -> str:
    """Return the class, what is shared, the number of rows; then a line for each quantity with a number a row."""
    head = [f"{name}={_shown(value)}" for name, value in _shared(result)]
    rowed = [f for f in fields(result) if f.metadata.get("row")]
    lines: list[str] = []
    if rowed:
        head.append(f"replicas={len(result)}")
        points = getattr(result, "points", None)
        if points is not None:
            head.append(f"dimension={points.shape[-1]}")
        lines = [line for line in (_line(result, f.name) for f in rowed) if line] if len(result) else []
        lines += [
            f"{name}: {np.count_nonzero(getattr(result, name))} of {len(result)}"
            for name in result.derived
            if len(result) and np.asarray(getattr(result, name)).dtype == np.bool_
        ]
    return "\n  ".join([f"{type(result).__name__}({', '.join(head)}", *lines]) + ")"


def _shared(result: Any) -> list[tuple[str, Any]]:
    own = [(f.name, getattr(result, f.name)) for f in fields(result) if not f.metadata.get("row")]
    return [(name, value) for name, value in own if not isinstance(value, np.ndarray) and value is not None]


def _shown(value: Any) -> str:
    if isinstance(value, StopReason):
        return value.name
    if isinstance(value, float):
        return f"{value:.6g}"
    text = repr(value)
    short = len(text) <= 80 or not hasattr(value, "__len__")
    return text if short else f"<{type(value).__name__} of {len(value)}>"


def _line(result: Any, name: str) -> str | None:
    value = getattr(result, name)
    if not isinstance(value, np.ndarray):
        return None if value is None else repr(value).replace("\n", "\n  ")
    if value.ndim != 1 or value.dtype.kind not in "biuf":
        return None
    if name == "stop_reason":
        return f"{name}: " + ", ".join(f"{count} {reason}" for reason, count in stop_counts(value).items())
    if value.dtype == np.bool_:
        return f"{name}: {np.count_nonzero(value)} of {value.size}"
    return f"{name}: {_spread(value)}"


def _spread(values: NDArray[Any]) -> str:
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
