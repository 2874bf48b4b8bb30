"""The moments of a table's columns over groups of its rows: what a report shows of any experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.study.table import Table

MAX_GROUPS = 40


@dataclass(frozen=True)
class Group:
    """Rows with equal values of the grouping arguments; `moments` has (mean, s.d., min, max) a result column.

    Moments are over finite values; s.d. has n - 1 in the denominator and is nan for one value.
    """

    values: tuple[Any, ...]
    count: int
    moments: dict[str, tuple[float, float, float, float]]


@dataclass(frozen=True)
class Summary:
    """Groups of a table, by the leading arguments that make at most MAX_GROUPS of them."""

    by: tuple[str, ...]
    results: tuple[str, ...]
    groups: tuple[Group, ...]


def summarise(table: Table) -> Summary:
    """Group a table and take moments of its numeric result columns."""
    by = _grouping(table)
    results = tuple(
        name for name, column in table.columns.items() if name not in table.arguments and column.dtype.kind in "biuf"
    )
    keys = list(zip(*(table.columns[name].tolist() for name in by), strict=True)) or [()] * len(table)
    members: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(keys):
        members.setdefault(key, []).append(row)
    groups = (
        Group(key, len(rows), {name: _moments(table.columns[name][rows]) for name in results})
        for key, rows in members.items()
    )
    return Summary(by, results, tuple(groups))


def _grouping(table: Table) -> tuple[str, ...]:
    """Leading arguments that vary, as long as they leave few groups and join several units in one.

    The number of a point of a sweep says nothing that its values do not.
    """
    chosen: list[str] = []
    units = len(set(zip(*(table.columns[name].tolist() for name in table.arguments), strict=True)))
    for name in table.arguments:
        column = table.columns[name].tolist()
        if name == "point" or len(set(column)) < 2:
            continue
        distinct = set(zip(*(table.columns[other].tolist() for other in [*chosen, name]), strict=True))
        if len(distinct) > MAX_GROUPS or (chosen and len(distinct) == units):
            break
        chosen.append(name)
    return tuple(chosen)


def _moments(values: NDArray[Any]) -> tuple[float, float, float, float]:
    finite = values[np.isfinite(values)].astype(float)
    if len(finite) == 0:
        return (float("nan"),) * 4
    spread = float(np.std(finite, ddof=1)) if len(finite) > 1 else float("nan")
    return float(np.mean(finite)), spread, float(np.min(finite)), float(np.max(finite))
