"""How far a study is: what is done, what was set aside, how much work is left; also while the store is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from spinscape.study import experiments
from spinscape.study.experiment import MAX_UNITS
from spinscape.study.records import Row
from spinscape.study.store import Store

# What of a row's provenance tells where its bits come from.
ORIGIN = (
    "spinscape",
    "stream_version",
    "level",
    "compiler",
    "openmp",
    "numpy",
    "scipy",
    "python",
    "platform",
    "threads",
)


@dataclass(frozen=True)
class Status:
    """The state of a store.

    total : number of units of the recipe, None where the experiment is not known here.
    seconds : time the finished units took, summed over them.
    remaining_seconds : unit time left, by the experiment's cost model and the seconds so far; None where unknown.
    last : when the last unit began (ISO 8601, UTC), "" where there is none.
    origins : for each field of `ORIGIN`, its values and how many rows have them.
    """

    path: Path
    experiment: str
    key: str
    begun: str
    done: int
    total: int | None
    failures: tuple[tuple[str, str], ...]
    seconds: float
    remaining_seconds: float | None
    last: str
    origins: Mapping[str, Mapping[str, int]]

    def __str__(self) -> str:
        share = "" if not self.total else f" of {self.total:,} ({self.done / self.total:.0%})"
        lines = [
            ("store", str(self.path)),
            ("experiment", f"{self.experiment}, recipe {self.key[:12]}, begun with {self.begun}"),
            ("units", f"{self.done:,}{share}" + ("" if self.total is not None else " (experiment not known here)")),
            ("unit time", duration(self.seconds)),
        ]
        if self.remaining_seconds:
            lines.append(("left", f"about {duration(self.remaining_seconds)} of unit time"))
        if self.last:
            lines.append(("last began", self.last))
        lines += [("set aside", f"{unit}: {error.partition(chr(10))[0]}") for unit, error in self.failures]
        mixed = {name: values for name, values in self.origins.items() if len(values) > 1}
        lines += [("mixed " + name, ", ".join(f"{v} ({n} rows)" for v, n in vs.items())) for name, vs in mixed.items()]
        return "\n".join(f"{name:<12} {text}" for name, text in lines)


def status(store: Store) -> Status:
    """Return the state of a store."""
    rows = list(store.rows)
    seconds = sum(float(row.provenance.get("seconds", 0.0)) for row in rows)
    total, remaining = _remaining(store, rows, seconds)
    return Status(
        path=store.path,
        experiment=store.recipe.experiment,
        key=store.recipe.key,
        begun=store.begun,
        done=len(rows),
        total=total,
        failures=tuple(store.failures),
        seconds=seconds,
        remaining_seconds=remaining,
        last=max((str(row.provenance.get("started", "")) for row in rows), default=""),
        origins=_origins(rows),
    )


def duration(seconds: float) -> str:
    """Return a length of time as people say it."""
    for size, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.1f} s"


def _remaining(store: Store, rows: list[Row], seconds: float) -> tuple[int | None, float | None]:
    recipe = store.recipe
    try:
        experiment = experiments.load(recipe.experiment)
    except (ValueError, ImportError):
        return None, None
    done, finished, missing, total = {row.key for row in rows}, 0.0, 0.0, 0
    for unit in islice(experiment.units(recipe.parameters), MAX_UNITS):
        cost = experiment.cost(recipe.parameters, unit)
        total += 1
        if recipe.unit_key(unit) in done:
            finished += cost
        else:
            missing += cost
    return total, seconds * missing / finished if finished else None


def _origins(rows: list[Row]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[Any]] = {name: Counter() for name in ORIGIN}
    for row in rows:
        for name in ORIGIN:
            if name in row.provenance:
                counts[name][str(row.provenance[name])] += 1
    return {name: dict(values) for name, values in counts.items() if values}
