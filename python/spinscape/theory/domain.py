"""The domain of the formulas: which p, N, index and energy they accept, and the errors that say so."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinscape.arrays import as_integer, as_integers, as_reals
from spinscape.conventions import FloatArray

LARGEST_SIZE = 10**12  # beyond it a double energy density does not resolve N u
LARGEST_ORDER = 10**9
LARGEST_GLASS_ORDER = 20  # of a glass that can be simulated


class QuadraticModelError(ValueError):
    """Raised where a formula divides by p - 2 and p = 2 was given.

    At p = 2 the critical points are the 2N eigenvectors and there is no band of layers.
    """


def as_order(p: Any) -> int:
    """The number of interacting spins: an integer from 2 to 10^9."""
    return as_integer(p, "p", 2, LARGEST_ORDER)


def as_orders(p: ArrayLike) -> FloatArray:
    """An array of integers p from 2 to 10^9 as float64, for the vectorised asymptotic formulas."""
    return as_integers(p, "p", 2, LARGEST_ORDER).astype(np.float64)


def as_size(N: Any) -> int:
    """The number of spins: an integer from 2 to 10^12."""
    return as_integer(N, "N", 2, LARGEST_SIZE)


def as_index(index: Any, N: int) -> int:
    """The index of a critical point on the (N-1)-dimensional sphere: 0 <= index <= N - 1."""
    return as_integer(index, "index", 0, N - 1)


EVERY_INDEX = -1  # among indices


def as_indices(index: Any, largest: int = 2**62) -> NDArray[np.int64]:
    """Indices of critical points, each from 0 to `largest`, of whatever shape; None, for all, as EVERY_INDEX."""
    return np.asarray(EVERY_INDEX) if index is None else as_integers(index, "index", 0, largest)


def as_energies(value: ArrayLike, name: str) -> FloatArray:
    """An array of energies as float64, infinities allowed, NaN refused."""
    return as_reals(value, name, infinite=True)


def as_limit(value: Any, name: str) -> float:
    """One energy, infinities allowed: the end of an interval."""
    return float(as_reals(value, name, infinite=True, shape=()))


P = ParamSpec("P")
R = TypeVar("R")


def sizes_in_order(function: Callable[P, R]) -> Callable[P, R]:
    """A function of N and p that refuses by position what is them turned round, as a glass takes them: f(3, 100).

    That gives a number all the same. By name anything goes.
    """
    names = list(signature(function).parameters)
    places = names.index("N"), names.index("p")

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if len(args) > max(places):
            size, order = as_size(args[places[0]]), as_order(args[places[1]])
            if size < order and order > LARGEST_GLASS_ORDER:
                raise ValueError(
                    f"N: expected N, p in this order, got N = {size} and p = {order}; "
                    f"if that is meant, say N={size}, p={order}"
                )
        return function(*args, **kwargs)

    return checked


def refuse_quadratic(p: FloatArray | float, what: str) -> None:
    """Raise :class:`QuadraticModelError` if any p is 2."""
    if np.any(np.asarray(p) == 2):
        raise QuadraticModelError(f"p: expected at least 3 for {what}, which divides by p - 2, got 2")
