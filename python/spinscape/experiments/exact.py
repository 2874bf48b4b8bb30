"""What the experiments on theory share: one unit, whose arrays are the columns of a table of `theory.tables`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from spinscape.figures import theory as figures
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import Parameter, integer
from spinscape.study.records import Arrays
from spinscape.theory.table import Table, write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ABOUT = "about"
"""Name of the array that holds the table's name, parameters and meanings, as JSON."""

ORDER = integer("p", 3, "number of interacting spins: the depth of the network", 3, unit="spins")
SIZE = "number of spins: the unique weights of the network"


@dataclass(frozen=True)
class Curves(ResultTable):
    """A table of `theory.tables`."""

    table: Table

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the one unit."""
        arrays = dict(results.rows[0].arrays)
        about = json.loads(str(arrays.pop(ABOUT)[0, 0]))
        columns = {name: arrays[name] for name in about["meanings"]}
        return cls(Table(about["name"], about["parameters"], columns, about["meanings"]))

    def rows(self) -> Rows:
        """Return the rows of the table."""
        columns = {name: column.tolist() for name, column in self.table.columns.items()}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def to_read(self) -> Rows:
        """Return nothing: a curve is to be drawn."""
        return []

    def notes(self) -> list[str]:
        """Return the constants beside the columns."""
        return [", ".join(f"{name} = {value}" for name, value in self.table.parameters.items())]

    def write(self, path: Path, header: str) -> None:
        """Write the table as `theory.table.read_table` reads it: parameters, meanings and a checksum in its header."""
        write_table(self.table, path)


def theoretical(make: Callable[..., Table], core_seconds: float, *parameters: Parameter, **said: Any) -> Experiment:
    """Return the experiment of a function of `theory.tables`, called with the parameters by name."""

    def compute(given: Parameters, unit: Unit, n_threads: int) -> Arrays:
        table = make(**given)
        about = {"name": table.name, "parameters": dict(table.parameters), "meanings": dict(table.meanings)}
        return {**table.columns, ABOUT: np.array([[json.dumps(about)]])}

    return Experiment(
        parameters=parameters,
        units=_one,
        compute=compute,
        cost=_unit,
        core_seconds=core_seconds,
        table=Curves,
        figure=_draw,
        **said,
    )


def _one(parameters: Parameters) -> Iterator[dict[str, Any]]:
    yield {"table": 0}


def _unit(parameters: Parameters, unit: Unit) -> float:
    return 1.0


def _draw(table: Curves) -> Figure:
    return figures.draw(table.table)
