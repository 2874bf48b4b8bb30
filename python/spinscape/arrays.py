"""The array door: every argument from outside is checked here, once, with an error that names it.

A message says the argument, what was expected and what came. Kinds of numbers are judged before any conversion,
because a silent cast turns complex into real, text into numbers and None into NaN.
"""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from spinscape import memory

P = ParamSpec("P")
T = TypeVar("T")
Kind = TypeVar("Kind")

Real = NDArray[np.float32] | NDArray[np.float64]


def ignoring_underflow(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function in which what underflows counts for nothing, whatever `np.errstate` its caller has set."""

    @wraps(function)
    def quiet(*args: P.args, **kwargs: P.kwargs) -> T:
        with np.errstate(under="ignore"):
            return function(*args, **kwargs)

    return quiet


def as_dtype(dtype: Any, name: str = "dtype") -> np.dtype[Any]:
    """Return float32 or float64 as a numpy dtype."""
    allowed = (np.dtype(np.float32), np.dtype(np.float64))
    try:
        # A byte-swapped float64 is not equal to float64, so it is refused too.
        return next(known for known in allowed if known == np.dtype(dtype))
    except (TypeError, ValueError, StopIteration):
        raise ValueError(f"{name}: expected 'float32' or 'float64', got {described(dtype)}") from None


def as_integer(value: Any, name: str, minimum: int, maximum: int = 2**63 - 1) -> int:
    """Return an integer within [minimum, maximum]; booleans and non-integral numbers are refused."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected an integer, got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {described(value)}") from None
    if not minimum <= number <= maximum:
        raise ValueError(f"{name}: expected an integer from {minimum} to {maximum}, got {number}")
    return number


def as_integers(value: Any, name: str, minimum: int, maximum: int = 2**63 - 1) -> NDArray[np.int64]:
    """Return an integer or an array of them within [minimum, maximum], of whatever shape."""
    array = as_array(value, name)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name}: expected an integer or an array of integers, got {described(value)}")
    if array.size and not minimum <= int(array.min()) <= int(array.max()) <= maximum:
        raise ValueError(f"{name}: expected integers from {minimum} to {maximum}, got {described(value)}")
    return array.astype(np.int64)


def as_array(value: Any, name: str) -> NDArray[Any]:
    """Return an array of real numbers of whatever shape, dtype and layout it came in."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected an array without a mask, got a masked array; fill it first")
    try:
        array = np.asarray(without_torch(value))
    except Exception as error:  # whatever the value's own conversion raises
        raise TypeError(f"{name}: expected an array of real numbers, got {described(value)}: {error}") from None
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name}: expected real numbers, got dtype {array.dtype}")
    return array


def without_torch(value: Any) -> Any:
    """A torch tensor as numpy takes it: without its gradient, on the processor, in a dtype that numpy has."""
    torch = sys.modules.get("torch")  # who has not imported it has no tensors
    if torch is None:
        return value
    if isinstance(value, (list, tuple)):
        return [without_torch(item) for item in value]
    if not isinstance(value, torch.Tensor):
        return value
    if value.is_floating_point() and value.dtype not in (torch.float16, torch.float32, torch.float64):
        value = value.float()  # bfloat16 and shorter ones fit
    return value.numpy(force=True)


def as_number(value: Any, name: str, minimum: float = -np.inf, exclusive: bool = False) -> float:
    """Return a finite float, at least `minimum` (above it where `exclusive`)."""
    array = as_array(value, name)
    if array.ndim != 0:
        raise TypeError(f"{name}: expected one number, got an array of shape {array.shape}")
    number = float(array)
    bound = f"above {minimum:g}" if exclusive else f"at least {minimum:g}"
    if not np.isfinite(number) or number < minimum or (exclusive and number == minimum):
        expected = "a finite number" if minimum == -np.inf else f"a finite number {bound}"
        raise ValueError(f"{name}: expected {expected}, got {number!r}")
    return number


def as_real(value: Any, name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a contiguous, aligned, native array of `dtype` with finite values; the input is never modified."""
    array = as_array(value, name)
    # A copy, if one is needed, and the mask of finite values: a broadcast view may be far larger than its memory.
    memory.require(array.size * (dtype.itemsize + 1), f"{name}: an array of shape {array.shape} in {dtype}")
    with np.errstate(over="ignore"):
        converted = np.require(array, dtype=dtype, requirements=["C", "A"])
    if not np.isfinite(converted).all():
        raise ValueError(f"{name}: expected finite values in {dtype}, got nan or inf")
    return converted


def as_block(value: Any, name: str, columns: int, dtype: np.dtype[Any], rows: int | None = None) -> NDArray[Any]:
    """Return a (replicas, columns) block of `dtype`; `rows` fixes the number of replicas."""
    array = as_array(value, name)
    expected = f"shape ({'replicas' if rows is None else rows}, {columns})"
    if array.ndim == 1 and array.shape == (columns,):
        raise ValueError(f"{name}: expected {expected}, got {array.shape}; for one point pass {name}[None, :]")
    if array.ndim != 2 or array.shape[1] != columns or (rows is not None and array.shape[0] != rows):
        raise ValueError(f"{name}: expected {expected}, got {array.shape}")
    return as_real(array, name, dtype)


def lengths(rows: NDArray[np.float64], divisor: float = 1.0) -> NDArray[np.float64]:
    """Return sqrt(Σ x² / divisor) over the last axis; squares neither overflow nor vanish, whatever the units."""
    largest = np.abs(rows).max(axis=-1, initial=0.0, keepdims=True)
    unit = np.ldexp(1.0, np.frexp(largest)[1] - 1)  # a power of two, which changes no bit
    with np.errstate(under="ignore"):
        parts = rows / unit
        squares = np.sum(parts * parts, axis=-1)
    return np.sqrt(squares / divisor) * unit[..., 0]


def as_reals(
    value: Any, name: str, infinite: bool = False, shape: tuple[int, ...] | None = None
) -> NDArray[np.float64]:
    """Return numbers as float64, of whatever shape or the one given; infinities only where they mean something."""
    array = as_array(value, name)
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name}: expected {f'shape {shape}' if shape else 'one number'}, got shape {array.shape}")
    memory.require(9 * array.size, f"{name}: an array of shape {array.shape} in float64")
    with np.errstate(over="ignore"):
        reals = array.astype(np.float64)
    if np.isnan(reals).any() or not (infinite or np.isfinite(reals).all()):
        expected = "numbers" if infinite else "finite numbers"
        raise ValueError(f"{name}: expected {expected}, got {described(value)}")
    return reals


def broadcast(**arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """Return checked arrays in one common shape; an error names the first and tells the shapes of all."""
    try:
        return list(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"{next(iter(arrays))}: expected shapes that broadcast, got {shapes}") from None


def as_path(value: Any, name: str) -> Path:
    """Return a path to a file."""
    if not isinstance(value, (str, os.PathLike)) or "\0" in str(value) or str(value) == "":
        raise TypeError(f"{name}: expected a path, got {described(value)}")
    return Path(value)


def as_kind(value: Any, name: str, kind: type[Kind]) -> Kind:
    """Return an object of this class."""
    if not isinstance(value, kind):
        raise TypeError(f"{name}: expected a {kind.__name__}, got {described(value)}")
    return value


def as_choice(value: Any, name: str, choices: tuple[str, ...]) -> str:
    """Return one of the named choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}, got {described(value)}")
    return value


def as_flag(value: Any, name: str) -> bool:
    """Return True or False; what merely has a truth value is refused."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, got {described(value)}")
    return bool(value)


def described(value: Any) -> str:
    """Return type and value, short enough for a message."""
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
