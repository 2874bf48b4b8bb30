"""The domain of the formulas: which p, N, index and energy they accept, and the errors that say so."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spinscape.conventions import FloatArray

LARGEST_SIZE = 10**12  # beyond it a double energy density does not resolve N u
LARGEST_ORDER = 10**9


LARGEST_SIZE = 10**12  # beyond it a double energy density does not resolve N u
LARGEST_ORDER = 10**9


class QuadraticModelError(ValueError):
    """Raised where a formula divides by p - 2 and p = 2 was given.

    At p = 2 the critical points are the 2N eigenvectors and there is no band of layers.
    """


def as_integer(value: Any, name: str, minimum: int, maximum: int | None = None) -> int:
    """`value` as a Python int within [minimum, maximum], or an error that names it."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r} of type {type(value).__name__}") from None
    if number < minimum or (maximum is not None and number > maximum):
        limits = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise ValueError(f"{name} must be {limits}, got {number}")
    return number


def as_order(p: Any) -> int:
    """The number of interacting spins: an integer from 2 to 10^9."""
    return as_integer(p, "p", 2, LARGEST_ORDER)


def as_orders(p: ArrayLike) -> FloatArray:
    """An array of integers p from 2 to 10^9 as float64, for the vectorised asymptotic formulas."""
    orders = np.asarray(p)
    if orders.dtype.kind not in "iu":
        raise TypeError(f"p must be an integer or an array of integers, got {p!r}")
    if orders.size and not 2 <= int(orders.min()) <= int(orders.max()) <= LARGEST_ORDER:
        raise ValueError(f"p must be from 2 to {LARGEST_ORDER}, got {p!r}")
    return orders.astype(np.float64)


def as_size(N: Any) -> int:
    """The number of spins: an integer from 2 to 10^12."""
    return as_integer(N, "N", 2, LARGEST_SIZE)


def as_index(index: Any, N: int) -> int:
    """The index of a critical point on the (N-1)-dimensional sphere: 0 <= index <= N - 1."""
    return as_integer(index, "index", 0, N - 1)


def as_energies(value: ArrayLike, name: str) -> FloatArray:
    """An array of energies as float64, infinities allowed, NaN refused."""
    energies = np.asarray(value)
    if energies.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a real number or an array of them, got {value!r}")
    energies = energies.astype(np.float64)
    if np.isnan(energies).any():
        raise ValueError(f"{name} must not contain NaN, got {value!r}")
    return energies


def refuse_quadratic(p: FloatArray | float, what: str) -> None:
    """Raise :class:`QuadraticModelError` if any p is 2."""
    if np.any(np.asarray(p) == 2):
        raise QuadraticModelError(f"p must be at least 3 for {what}, which divides by p - 2; got 2")
