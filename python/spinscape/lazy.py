"""Packages whose modules are imported when they are first asked for (scientific-python SPEC 1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any


def attach(
    package: str, modules: Sequence[str], names: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package: `modules` come when asked for, `names` are there already.

    No module may have the name of one of the package's functions: once imported it would take the function's place.
    """

    def load(name: str) -> Any:
        if name in modules:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def listed() -> list[str]:
        return sorted({*modules, *names})

    return load, listed
