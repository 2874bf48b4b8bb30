"""Tensors in tuples, lists and mappings: what a module is called with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor


def mapped(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """Return the same tree with function(tensor) in place of every tensor; the very same object if nothing changed."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, Mapping):
        of_names = {name: mapped(function, part) for name, part in value.items()}
        return value if all(of_names[name] is part for name, part in value.items()) else of_names
    if type(value) in (tuple, list):
        parts = [mapped(function, part) for part in value]
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else type(value)(parts)
    return value


def tensors_of(value: Any) -> Iterator[Tensor]:
    """Yield the tensors of a tree."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_of(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors_of(part)
