"""What an experiment takes: each parameter once, with type, default, bounds, unit and meaning.

A recipe, a recipe file and a command line are checked by the same declarations; `--help` is read off them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spinscape.arrays import as_choice, as_dtype, as_integer, as_number

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter of an experiment.

    kind : what a value is, in words with its bounds.     unit : of what it counts or measures, "1" for a pure number.
    check : (value, name, the values checked before it) -> the JSON-able value of a recipe; raises what names the
        argument, what was expected and what came.
    several : whether it is a list;     of : the list of sizes that a count is given for, "" for other parameters.
    """

    name: str
    default: Any
    unit: str
    help: str
    kind: str
    check: Callable[[Any, str, Values], Any]
    several: bool = False
    of: str = ""

    def __post_init__(self) -> None:
        for field in ("name", "unit", "help"):
            if not getattr(self, field):
                raise ValueError(f"parameter {self.name}: expected a {field}, got none")

    def parsed(self, text: str) -> Any:
        """Return the value that a text of a command line means: JSON, or 25,50 or 25:8,50:4 or a plain word."""
        value = _parsed(text)
        return [value] if self.several and not isinstance(value, (list, dict)) else value

    def default_text(self, value: Any) -> str:
        """Return a value as it is written on a command line."""
        if isinstance(value, Mapping):
            return ",".join(f"{key}:{self.default_text(one)}" for key, one in value.items()) or "{}"
        if isinstance(value, (list, tuple)):
            nested = any(isinstance(one, Mapping) for one in value)
            return json.dumps(value) if nested else ",".join(map(self.default_text, value)) or "[]"
        return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _parsed(text: str) -> Any:
    stripped = text.strip()
    try:
        return json.loads(stripped)
    except ValueError:
        pass
    if stripped[:1] in ("[", "{"):
        raise ValueError(f"expected JSON, got {text!r}")
    if "," in stripped or ":" in stripped:
        parts = [part for part in stripped.split(",") if part.strip()]
        if all(":" in part for part in parts):
            pairs = (part.split(":", 1) for part in parts)
            return {key.strip(): _parsed(value) for key, value in pairs}
        return [_parsed(part) for part in parts]
    return {"none": None, "true": True, "false": False}.get(stripped.lower(), stripped)


def integer(
    name: str, default: Any, help: str, low: int = 0, high: int = 2**63 - 1, *, unit: str, optional: bool = False
) -> Parameter:
    """A whole number within [low, high]; `optional`: or none."""

    def check(value: Any, name: str, values: Values) -> Any:
        return None if optional and value is None else as_integer(value, name, low, high)

    kind = f"integer from {low}" + (f" to {high:,}" if high < 2**63 - 1 else "") + (" or none" if optional else "")
    return Parameter(name, default, unit, help, kind, check)


def number(
    name: str,
    default: Any,
    help: str,
    low: float = float("-inf"),
    *,
    above: bool = False,
    unit: str = "1",
    optional: bool = False,
) -> Parameter:
    """A finite number, at least `low`, or above it; `optional`: or none."""

    def check(value: Any, name: str, values: Values) -> Any:
        return None if optional and value is None else as_number(value, name, low, exclusive=above)

    bound = "" if low == float("-inf") else f" {'above' if above else 'from'} {low:g}"
    return Parameter(name, default, unit, help, f"number{bound}{' or none' if optional else ''}", check)


def choice(name: str, default: str | Sequence[str], options: Sequence[str], help: str) -> Parameter:
    """One of several words."""

    def check(value: Any, name: str, values: Values) -> Any:
        return as_choice(value, name, tuple(options))

    return Parameter(name, default, "name", help, " | ".join(options), check)


def word(name: str, default: str, help: str) -> Parameter:
    """A word that whoever takes it checks."""

    def check(value: Any, name: str, values: Values) -> Any:
        if not isinstance(value, str):
            raise TypeError(f"{name}: expected a word, got {value!r}")
        return value

    return Parameter(name, default, "name", help, "word", check)


def several(one: Parameter, *, default: Any = None, ascending: bool = False, least: int = 0) -> Parameter:
    """A list of what `one` is, whose default is a tuple, or `default`.

    ascending : whether it is put in order;     least : how many values it has at least.
    """

    def check(value: Any, name: str, values: Values) -> Any:
        if isinstance(value, (str, Mapping)) or not hasattr(value, "__iter__"):
            raise TypeError(f"{name}: expected a list of values, got {value!r}")
        checked = [one.check(element, name, values) for element in value]
        if len(checked) < least:
            raise ValueError(f"{name}: expected at least {'one value' if least == 1 else least}, got {len(checked)}")
        return sorted(checked) if ascending else checked

    values = one.default if default is None else default
    return replace(one, default=values, kind=f"list of {one.kind}", check=check, several=True)


def counts(
    name: str,
    default: Any,
    help: str,
    low: int = 1,
    high: int = 10**6,
    *,
    unit: str,
    of: str = "sizes",
    others: int | None = None,
) -> Parameter:
    """How many for each of the sizes: one number for all, or {size: number}; `others` for those it leaves out."""

    def check(value: Any, name: str, values: Values) -> Any:
        sizes = values[of]
        numbers = dict.fromkeys(sizes, value)
        if isinstance(value, Mapping):
            numbers = {int(size): count for size, count in value.items()}
            unknown = sorted(set(numbers) - set(sizes))
            if others is not None and not unknown:
                numbers = {size: numbers.get(size, others) for size in sizes}
        if set(numbers) != set(sizes):
            raise ValueError(f"{name}: expected one number, or one for each of {tuple(sizes)}, got {value!r}")
        return {str(size): as_integer(numbers[size], name, low, high) for size in sizes}

    kind = f"integer from {low}, or size:integer,... for each of {of}"
    return Parameter(name, default, unit, help, kind, check, of=of)


def mixture(name: str = "xi", default: Any = None) -> Parameter:
    """The coefficients c_p > 0 of ξ(q) = Σ c_p q^p, as {p: c_p}."""

    def check(value: Any, name: str, values: Values) -> Any:
        value = default or {3: 1.0} if value is None else value
        if not isinstance(value, Mapping) or not value:
            raise ValueError(f"{name}: expected {{p: c_p}}, got {value!r}")
        return {str(int(p)): as_number(c, f"{name}[{p}]", 0.0, exclusive=True) for p, c in value.items()}

    help = "covariance of the glass, ξ(q) = Σ c_p q^p"
    return Parameter(name, default or {3: 1.0}, "1", help, "p:c_p,... with c_p above 0", check)


def dtype(default: str, help: str) -> Parameter:
    """The arithmetic of a simulation."""

    def check(value: Any, name: str, values: Values) -> Any:
        return str(as_dtype(value))

    return Parameter("dtype", default, "name", help, "float32 | float64", check)


SEED = integer("rng", 0, "seed of everything that is drawn", unit="seed")
