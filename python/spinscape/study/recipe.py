"""A recipe names an experiment and its parameters; its canonical JSON is its identity."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from spinscape.arrays import as_path, described
from spinscape.study import experiments
from spinscape.study import grid as grids

KEYS = ("experiment", "parameters", "grid", "size")


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no nan or inf."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def unit_json(unit: Any, name: str = "unit") -> str:
    """Return the canonical JSON of a unit's arguments, or of another mapping."""
    if not isinstance(unit, Mapping):
        raise TypeError(f"{name}: expected a mapping of names to JSON-able values, got {described(unit)}")
    try:
        return canonical_json(dict(unit))
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: expected JSON-able values: {error}") from None


@dataclass(frozen=True)
class Recipe:
    """An experiment's name and all of its parameters, JSON-able; equal recipes have equal keys.

    parameters : normalised to what JSON gives back (tuples become lists, keys text), so that a recipe equals the one
        read from its file. nan and inf are refused with a ValueError, other objects with a TypeError.
    """

    experiment: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    _key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.experiment, str):
            raise TypeError(f"experiment: expected a name, got {self.experiment!r}")
        if not isinstance(self.parameters, Mapping):
            raise TypeError(f"parameters: expected a mapping of names to values, got {self.parameters!r}")
        try:
            normal = json.loads(canonical_json(dict(self.parameters)))
        except (TypeError, ValueError) as error:
            raise type(error)(f"parameters: expected JSON-able values: {error}") from None
        object.__setattr__(self, "parameters", normal)
        object.__setattr__(self, "_key", hashlib.sha256(self.canonical().encode()).hexdigest())

    def __hash__(self) -> int:
        return hash(self.key)

    def canonical(self) -> str:
        """Return the canonical JSON text."""
        return canonical_json({"experiment": self.experiment, "parameters": self.parameters})

    @property
    def key(self) -> str:
        """SHA-256 of the canonical text."""
        return self._key

    def unit_key(self, unit: Mapping[str, Any]) -> str:
        """Return the key of one unit of work of this recipe."""
        return hashlib.sha256((self.key + unit_json(unit)).encode()).hexdigest()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the recipe of a JSON text {"experiment": ..., "parameters": {...}}."""
        if not isinstance(text, str):
            raise TypeError(f"text: expected JSON, got {described(text)}")
        try:
            content = json.loads(text)
        except ValueError as error:
            raise ValueError(f"text: expected JSON, got {described(text)}: {error}") from None
        return cls._from_content(content)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read a .toml or .json file with `experiment`, `parameters` and, if wanted, `grid` or `size`.

        grid : {parameter: list of values}; the experiment is run for every combination (study/grid.py).
        size : "quick", "default" or "full", for the values that the experiment's command has at that size.
        Parameters that the file leaves out get the experiment's defaults; it checks names and values.
        """
        source = as_path(path, "path")
        text = source.read_text(encoding="utf-8")
        if source.suffix not in (".toml", ".json"):
            raise ValueError(f"recipe: expected a .toml or .json file, got {source.name!r}")
        try:
            content = tomllib.loads(text) if source.suffix == ".toml" else json.loads(text)
        except ValueError as error:
            raise ValueError(f"recipe: {source} cannot be read: {error}") from None
        cls._from_content(content)
        return cls._completed(**{"parameters": {}, **content})

    @classmethod
    def _from_content(cls, content: Any) -> Self:
        if not isinstance(content, dict) or "experiment" not in content:
            raise ValueError("recipe: expected `experiment` and `parameters`")
        unknown = sorted(set(content) - set(KEYS))
        if unknown:
            raise ValueError(f"recipe: expected {', '.join(KEYS)} only, got {unknown}")
        return cls(content["experiment"], content.get("parameters", {}))

    @classmethod
    def _completed(cls, experiment: str, parameters: Any, grid: Any = None, size: str | None = None) -> Self:
        if grid is None:
            return cls(*experiments.complete(experiment, parameters, size))
        if size is not None:
            raise ValueError("recipe: expected `grid` or `size`, got both; put what is common into `parameters`")
        return cls("sweep", grids.points_of(experiment, grid, parameters))


def sweep(experiment: str, grid: Mapping[str, Sequence[Any]], **fixed: Any) -> Recipe:
    """Return the recipe of `experiment` for every combination of the values in `grid`; `fixed` is common to all.

    The first parameter of the grid varies slowest. Each combination is completed and checked by the experiment now.
    """
    return Recipe("sweep", grids.points_of(experiment, grid, fixed))
