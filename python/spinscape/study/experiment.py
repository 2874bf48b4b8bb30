"""An experiment is one object: what it takes, what it computes, what its results are read as, how they are drawn.

Its command and `--help`, recipe files, report, `redraw`, the line of `spinscape list` and a smoke test are read off it.
"""

from __future__ import annotations

import csv
import difflib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from spinscape.study import experiments
from spinscape.study.parameters import Parameter
from spinscape.study.recipe import Recipe
from spinscape.study.records import Arrays, Row, joined

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Parameters = Mapping[str, Any]
Unit = Mapping[str, Any]
Rows = list[dict[str, Any]]

MAX_UNITS = 10**6
SIZES = ("quick", "default", "full")


class Readable(Protocol):
    """What is read of a store: its recipe and its finished units."""

    @property
    def recipe(self) -> Recipe:
        """The recipe."""

    @property
    def rows(self) -> Iterable[Row]:
        """The finished units, in any order."""


@dataclass(frozen=True)
class Results:
    """The finished units of a store, in the order in which the experiment lists them."""

    parameters: Parameters
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, store: Readable) -> Self:
        """Read a store."""
        recipe = store.recipe
        units = islice(experiments.load(recipe.experiment).units(recipe.parameters), MAX_UNITS)
        place = {recipe.unit_key(unit): number for number, unit in enumerate(units)}
        rows = sorted(store.rows, key=lambda row: place.get(recipe.unit_key(row.unit), MAX_UNITS))
        return cls(recipe.parameters, tuple(rows))

    @property
    def order(self) -> int:
        """The order p of a recipe's pure glass."""
        return int(next(iter(self.parameters["xi"])))

    @property
    def xi(self) -> dict[int, float]:
        """The coefficients of a recipe's ξ."""
        return {int(p): c for p, c in self.parameters["xi"].items()}

    def by(self, *names: str) -> Iterator[tuple[tuple[Any, ...], list[Row]]]:
        """Return (values, rows) of every combination of these arguments that has finished units, in their order."""
        groups: dict[tuple[Any, ...], list[Row]] = {}
        for row in self.rows:
            groups.setdefault(tuple(row.unit[name] for name in names), []).append(row)
        yield from groups.items()

    def joined(self, *names: str) -> Iterator[tuple[tuple[Any, ...], Arrays]]:
        """Return the same groups, the arrays of their units one after the other."""
        for values, rows in self.by(*names):
            yield values, joined([row.arrays for row in rows])


class ResultTable:
    """What an experiment's results are read as. A subclass offers `of(results)` and `rows()`, and perhaps `notes()`."""

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; what has none is left out."""
        raise NotImplementedError

    @classmethod
    def from_store(cls, store: Readable) -> Self:
        """Read the finished units of a store."""
        return cls.of(Results.of(store))

    def rows(self) -> Rows:
        """Return the table: one mapping of columns to values a row."""
        raise NotImplementedError

    def to_read(self) -> Rows:
        """Return the rows that are printed; the file has all."""
        return self.rows()

    def write(self, path: Path, header: str) -> None:
        """Write all rows as CSV under a commented header."""
        rows = self.rows()
        with path.open("w", newline="", encoding="utf-8") as file:
            file.write(f"# {header}\n")
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def notes(self) -> list[str]:
        """Return what belongs under the table, a line each, without full stop."""
        return []


def _any(parameters: Parameters) -> bool:
    return True


def _said(unit: Unit, arrays: Arrays) -> str:
    """The unit's arguments, and the mean of its first array of energies, losses or times."""
    about = ", ".join(f"{name} {value}" for name, value in unit.items())
    means = (
        f": {name} {np.mean(array):.4g}" for name, array in arrays.items() if array.dtype.kind == "f" and array.size
    )
    return about + next(means, "")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One experiment.

    name : of its command; its module's name with - for _.     sentence : what it shows.
    source : the figure, table or theorem that it reproduces or tests.
    parameters : what it takes.     arrange : (checked values) -> the parameters of the recipe, where these differ.
    quick, default, full : values of its command at these sizes where they are not the parameters' own defaults;
        `full` is None where there is none.
    units, compute, cost : as `experiments.Computable`.     memory : None where it gives none.
    summary : a few words about a finished unit.
    core_seconds : seconds that one core takes for a unit of cost, measured; nan where nobody did.
    single_thread : whether a unit takes one thread, whatever it is offered; units then go to as many processes.
    needs : modules that it imports besides numpy and scipy, {module: extra that brings it}.
    table : reads a store.     figure : (table) -> a Figure, or {name: Figure}.
    shown : the columns to read, {column: format, or (title, format)}; all of them where it is empty.
    published : values read in `source`.
    beside : {other experiment: (name, draw)}, figures with another store's table, draw(table, the other's table).
    recorded_as : its name in recipes where that is another; of experiments that share one, `fits` tells from the
        parameters whose results a store holds.
    """

    name: str
    sentence: str
    parameters: tuple[Parameter, ...]
    units: Callable[[Parameters], Iterable[dict[str, Any]]]
    compute: Callable[[Parameters, Unit, int], Arrays]
    cost: Callable[[Parameters, Unit], float]
    table: type[ResultTable]
    figure: Callable[[Any], Figure | Mapping[str, Figure]]
    source: str = ""
    arrange: Callable[[dict[str, Any]], dict[str, Any]] = dict
    quick: Mapping[str, Any] = field(default_factory=dict)
    default: Mapping[str, Any] = field(default_factory=dict)
    full: Mapping[str, Any] | None = None
    memory: Callable[[Parameters, Unit, int], float] | None = None
    summary: Callable[[Unit, Arrays], str] = _said
    core_seconds: float = float("nan")
    single_thread: bool = False
    needs: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str | tuple[str, str]] = field(default_factory=dict)
    published: Mapping[Any, Any] = field(default_factory=dict)
    beside: Mapping[str, tuple[str, Callable[[Any, Any], Figure]]] = field(default_factory=dict)
    recorded_as: str = ""
    fits: Callable[[Parameters], bool] = _any

    @classmethod
    def of(cls, module: str, **said: Any) -> Self:
        """Return the experiment of a module, called in it with `__name__`.

        Of what is not `said`, its functions units, compute, cost, draw and, where it has them, memory, summary, arrange
        are taken by their names, the name is that of its file and the sentence the first of its docstring.
        """
        inside = vars(sys.modules[module])
        names = ("units", "compute", "cost", "memory", "summary", "arrange")
        found = {name: inside[name] for name in names if name in inside}
        found["name"] = module.rpartition(".")[2].replace("_", "-")
        found["sentence"] = " ".join(inside["__doc__"].partition("\n\n")[0].split()).removesuffix(".")
        if "draw" in inside:
            found["figure"] = inside["draw"]
        return cls(**(found | said))

    def __post_init__(self) -> None:
        known = {parameter.name for parameter in self.parameters}
        for size in SIZES:
            unknown = sorted(set(getattr(self, size) or ()) - known)
            if unknown:
                raise ValueError(f"{size}: experiment {self.name} has no parameters {unknown}")

    def sized(self, size: str | None) -> dict[str, Any]:
        """Return the values of one of `SIZES`, nothing for None; ValueError for a size there is not."""
        sizes = [one for one in SIZES if getattr(self, one) is not None]
        if size is not None and size not in sizes:
            raise ValueError(f"size: expected one of {', '.join(sizes)}, got {size!r}")
        return dict(getattr(self, size)) if size else {}

    def complete(self, given: Mapping[str, Any], size: str | None = None) -> dict[str, Any]:
        """Return the parameters of the recipe: given values, then those of the size, then defaults; all checked.

        A count for each size that only the size or the default gives is cut to the sizes that are given.
        """
        names = [parameter.name for parameter in self.parameters]
        for name in given:
            if name not in names:
                raise TypeError(f"recipe: {self.name} has no parameter {name!r}; {suggestion(name, names)}")
        preset = self.sized(size)
        values: dict[str, Any] = {}
        for parameter in self.parameters:
            value = {**preset, **given}.get(parameter.name, parameter.default)
            if parameter.of in given and parameter.name not in given:
                value = _fitting(value, parameter, values[parameter.of])
            values[parameter.name] = parameter.check(value, parameter.name, values)
        return self.arrange(values)

    def recipe(self, size: str | None = None, /, **parameters: Any) -> Recipe:
        """Return the recipe with these parameters."""
        return Recipe(self.recorded_as or self.name, self.complete(parameters, size))

    @property
    def maker(self) -> Callable[..., Recipe]:
        """`recipe` as a function whose signature and help list the parameters."""

        def recipe(**parameters: Any) -> Recipe:
            return self.recipe(**parameters)

        kind = inspect.Parameter.KEYWORD_ONLY
        listed = [inspect.Parameter(one.name, kind, default=one.default) for one in self.parameters]
        recipe.__signature__ = inspect.Signature(listed, return_annotation=Recipe)  # type: ignore[attr-defined]
        meanings = "\n".join(f"{one.name} : {one.help} ({one.kind}; unit: {one.unit})." for one in self.parameters)
        recipe.__doc__ = f"Return the recipe of {self.name}: {self.sentence}.\n\n{meanings}"
        return recipe

    def core_seconds_of(self, recipe: Recipe) -> float:
        """Return the seconds that one core is predicted to take for a recipe; nan where nobody measured."""
        if self.core_seconds != self.core_seconds:
            return self.core_seconds
        units = islice(self.units(recipe.parameters), MAX_UNITS)
        return self.core_seconds * sum(self.cost(recipe.parameters, unit) for unit in units)

    def figures(self, table: Any) -> dict[str, Figure]:
        """Return the figures of a table, by name."""
        drawn = self.figure(table)
        return dict(drawn) if isinstance(drawn, Mapping) else {self.name: drawn}

    def shown_rows(self, rows: Rows) -> list[dict[str, str]]:
        """Return the rows to read: formatted, intervals in brackets, published values in parentheses."""
        shown = self.shown or {name: "" for name in (rows[0] if rows else ()) if not _beside(name, rows[0])}
        columns = [(name, *_titled(name, form)) for name, form in shown.items()]
        return [{title: _cell(row, name, form) for name, title, form in columns} for row in rows]


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return "did you mean ...?", or what there is."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(names)}"


def _fitting(value: Any, parameter: Parameter, sizes: list[int]) -> Any:
    """A size's counts where other sizes are given: those it has, and the parameter's default for the others."""
    if not isinstance(value, Mapping):
        return value
    counts = {int(size): count for size, count in value.items() if int(size) in sizes}
    rest = parameter.default
    return dict.fromkeys(sizes, rest) | counts if isinstance(rest, int) else counts


def _beside(name: str, row: Mapping[str, Any]) -> bool:
    """Whether a column is shown within another's cell."""
    return any(name.endswith(end) and name.removesuffix(end) in row for end in ("_low", "_high", "_published"))


def _titled(name: str, form: str | tuple[str, str]) -> tuple[str, str]:
    return form if isinstance(form, tuple) else (name.replace("_", " "), form)


def _cell(row: Mapping[str, Any], name: str, form: str) -> str:
    """A value in a format; "value [low, high]" where the row has an interval, "(published)" after it."""
    value = row[name]
    if isinstance(value, float) and value != value:
        return ""
    text = _formatted(value, form)
    if row.get(f"{name}_low", value) is not value:
        text += f" [{_formatted(row[f'{name}_low'], form)}, {_formatted(row[f'{name}_high'], form)}]"
    published = row.get(f"{name}_published", float("nan"))
    return text if published != published else f"{text} ({_formatted(published, form)})"


def _formatted(value: Any, form: str) -> str:
    if isinstance(value, float):
        return f"{value:{form or '.4g'}}"
    return f"{value:{form}}" if form and isinstance(value, int) and not isinstance(value, bool) else str(value)
