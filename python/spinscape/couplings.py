r"""Couplings of symmetric tensors: laws, the packed order, sampling and conversion.

Packed order. A symmetric tensor of order p in N variables has C(N+p-1, p) independent couplings J[i1 <= ... <= ip],
indices from 0. They are stored in colexicographic order: the rank of a tuple is

    rank(i1, ..., ip) = C(i1, 1) + C(i2+1, 2) + ... + C(ip+p-1, p),

which does not depend on N. J collects all orderings of its indices,

    J[i1 <= ... <= ip] = sum over distinct orderings of X,    H_N(w) = N^{-(p-1)/2} sum_{i1<=...<=ip} J w_{i1}...w_{ip},

so for Gaussian X it is N(0, p!/prod m_j!) with m_j the multiplicities of the indices.

Sampling. A sampled J is a pure function of (seed, law, rank), rounded to float32 whatever dtype the glass computes in:
one (rng, p, N, law) is one disorder, and a larger N extends a smaller one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from math import comb
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_array, as_choice, as_integer, as_number, as_real, described

__all__ = ["LAWS", "Law", "StorageWarning", "packed_from_tensor", "packed_indices"]

LawName = Literal["gaussian", "rademacher", "uniform", "exponential", "student-t"]
LAWS = ("gaussian", "rademacher", "uniform", "exponential", "student-t")

# A sum of Gaussians is one Gaussian; of other laws every X is drawn. 2^40 draws take an hour or so.
MAX_DRAWS = 2**40


@dataclass(frozen=True)
class Law:
    """Law of the i.i.d. X, mean 0 and variance 1: N(0,1), ±1, uniform, Exp(1)-1, or Student t scaled to variance 1."""

    name: str = "gaussian"
    nu: float | None = None

    def __post_init__(self) -> None:
        as_choice(self.name, "law", LAWS)
        if self.name == "student-t":
            if self.nu is None:
                raise ValueError("nu: law 'student-t' needs its degrees of freedom, a number above 2")
            as_number(self.nu, "nu", 2.0, exclusive=True)
        elif self.nu is not None:
            raise ValueError(f"nu: expected None for law {self.name!r}, got {described(self.nu)}")


def as_order(p: Any, name: str = "p") -> int:
    """Return the order of interaction p, from 2 to 20 (20! is the largest factorial in 64 bits)."""
    return as_integer(p, name, 2, _core.max_order)


StorageName = Literal["auto", "stored", "regenerated"]
STORAGES = ("auto", "stored", "regenerated")
# An evaluation regenerates 1e9 couplings a second and core. What takes seconds is chosen by "auto", what takes minutes
# must be asked for, and more is refused; so are more slabs than are quickly enumerated.
_MAX_AUTO, _MAX_REGENERATED, _MAX_SLABS = 2 * 10**9, 10**11, 10**8


class StorageWarning(UserWarning):
    """Couplings that do not fit in memory are drawn again at every evaluation."""


def sampled_forms(
    orders: Sequence[int],
    size: int,
    law: Law,
    seed: int,
    n_threads: int,
    layered: bool = False,
    storage: str = "auto",
) -> list[_core.Form]:
    """Return the sampled couplings of forms of one glass; nothing is drawn before all are known to fit.

    They are stored, or regenerated from their stream at every evaluation (the same bits, no memory); "auto" stores
    them where they fit and says so where they do not. MemoryError with the bytes needed where neither is possible.
    """
    as_choice(storage, "couplings_storage", STORAGES)
    taken, plans = 0, []
    for p in orders:
        shape, stored = _planned(p, size, law, layered, storage, taken)
        taken += _core.Form.bytes_needed(shape, True) if stored else 0
        plans.append((shape, stored))
    kind = _core.LawKind[law.name.replace("-", "_")]
    return [
        _core.Form.sampled(
            shape, _core.Disorder(kind, law.nu or 0.0, seed, shape.order, layered), n_threads, stored=stored
        )
        for shape, stored in plans
    ]


def _planned(p: int, size: int, law: Law, layered: bool, storage: str, taken: int) -> tuple[_core.FormShape, bool]:
    """The shape of one form and whether it is stored, beside `taken` bytes of the others."""
    stored = storage == "stored" or (storage == "auto" and _fits(p, size, layered, taken))
    shape = checked_shape(p, size, layered, True, taken) if stored else _core.FormShape(p, size, layered)
    if law.name != "gaussian" and not layered and size**p > MAX_DRAWS:
        raise ValueError(f"law: {law.name!r} sums N^p draws, at most {MAX_DRAWS:,}; p={p}, N={size} needs {size**p:,}")
    if not stored and storage == "regenerated":
        _check_regeneration(p, size, layered)
    elif not stored:
        needed = _core.Form.bytes_needed(shape, True)
        warnings.warn(
            f"the couplings of p={p}, {_letter(layered)}={size} need {needed:,} bytes, more than is available: "
            "they are drawn again at every evaluation (couplings_storage='regenerated'), about 1 ns each and core",
            StorageWarning,
            stacklevel=5,
        )
    return shape, stored


def _letter(layered: bool) -> str:
    return "n" if layered else "N"


def _count(p: int, size: int, layered: bool) -> int:
    return size**p if layered else comb(size + p - 1, p)


def _fits(p: int, size: int, layered: bool, taken: int) -> bool:
    try:
        checked_shape(p, size, layered, True, taken)
    except MemoryError:
        # Only what can be regenerated is; the rest is refused with the bytes that storing it would take.
        return _count(p, size, layered) > _MAX_AUTO or _slabs(p, size, layered) > _MAX_SLABS
    return True


def _slabs(p: int, size: int, layered: bool) -> int:
    return _count(p - 2, size, layered)


def _check_regeneration(p: int, size: int, layered: bool) -> None:
    count, slabs = _count(p, size, layered), _slabs(p, size, layered)
    if count > _MAX_REGENERATED or slabs > _MAX_SLABS:
        raise MemoryError(
            f"{_letter(layered)}: {count:,} couplings in {slabs:,} slabs (p={p}, {_letter(layered)}={size}) are "
            f"too many to regenerate, at most {_MAX_REGENERATED:,} in {_MAX_SLABS:,}"
        )


def given_form(
    p: int, size: int, layered: bool, packed: Any, name: str = "packed", dtype: Any = np.float64
) -> _core.Form:
    """Return the form of packed couplings, kept in `dtype`."""
    shape = checked_shape(p, size, layered, np.dtype(dtype) == np.float32)
    values = as_real(packed, name, np.dtype(dtype))
    if values.shape != (shape.entries(),):
        raise ValueError(f"{name}: expected shape ({shape.entries()},), got {values.shape}")
    return _core.Form.from_packed(shape, values)


def given_values(form: _core.Form) -> NDArray[Any]:
    """Return packed couplings in the precision they are kept in."""
    values = form.packed()
    return values.astype(np.float32) if form.single_precision else values


def split_form(
    form: _core.Form, law: Law | None, seed: int, parts: int, parts_seed: int, n_threads: int
) -> list[_core.Form]:
    """Return `parts` independent Gaussian forms of variance 1/parts that sum to a sampled Gaussian form.

    X^{(s)} = X/P + (Z_s - mean Z)/√P with Z_s of the law of X: given their sum, that is the law of the parts.
    """
    if law is None or law.name != "gaussian":
        came = "couplings that were given" if law is None else f"law {law.name!r}"
        raise ValueError(
            f"glass: expected sampled Gaussian couplings to split into parts, got {came}; give parts=[...]"
        )
    shape = form.shape
    letter = "n" if shape.layered else "N"
    memory.require(
        (parts + 1) * _core.Form.bytes_needed(shape, True),
        f"parts: {parts} parts of the couplings of p={shape.order}, {letter}={shape.size}",
    )
    disorder = _core.Disorder(_core.LawKind.gaussian, 0.0, seed, shape.order, shape.layered)
    return _core.split_form(shape, disorder, parts_seed, parts, n_threads)


def checked_shape(p: int, size: int, layered: bool, single_precision: bool, taken: int = 0) -> _core.FormShape:
    """Return the shape of a form after making sure that it fits 64-bit indices, and memory beside `taken` bytes."""
    shape = _core.FormShape(p, size, layered)
    letter = "n" if layered else "N"
    needed = comb(size + p - 1, p) if not layered else size**p
    if needed * 8 > 2**62:
        raise MemoryError(f"{letter}: the {needed:,} couplings of p={p}, {letter}={size} exceed 64-bit indices")
    beside = f" beside {taken:,} bytes of other orders" if taken else ""
    memory.require(
        taken + _core.Form.bytes_needed(shape, single_precision),
        f"{letter}: storing the {needed:,} couplings of p={p}, {letter}={size}{beside}",
    )
    return shape


def packed_indices(p: int, N: int) -> NDArray[np.int64]:
    """Return the ascending index tuples in packed order, shape (C(N+p-1, p), p)."""
    p = as_integer(p, "p", 1, _core.max_order)
    N = as_integer(N, "N", 1)
    memory.require(8 * p * comb(N + p - 1, p), f"N: the index tuples of p={p}, N={N}")
    tuples = np.arange(N, dtype=np.int64)[:, None]
    for k in range(2, p + 1):
        # Tuples of length k - 1 with last index <= i are the first C(i+k-1, k-1) ones.
        blocks = [
            np.column_stack([tuples[: comb(i + k - 1, k - 1)], np.full(comb(i + k - 1, k - 1), i)]) for i in range(N)
        ]
        tuples = np.concatenate(blocks)
    return tuples


def packed_from_tensor(tensor: Any, name: str = "tensor") -> tuple[int, int, NDArray[np.float64]]:
    """Return p, N and the packed couplings of any real (N,)*p array: J is the sum over the orderings of each tuple."""
    array = as_array(tensor, name)
    if not 2 <= array.ndim <= _core.max_order or len(set(array.shape)) != 1 or array.shape[0] < 1:
        raise ValueError(f"{name}: expected shape (N,)*p with 2 <= p <= {_core.max_order}, got {array.shape}")
    p, N = array.ndim, array.shape[0]
    _require_slices(p, N, f"{name}: packing {array.shape}")
    array = as_real(array, name, np.dtype(np.float64))
    packed = np.zeros(comb(N + p - 1, p))
    for i, ranks in _slices(p, N):
        packed += np.bincount(ranks, weights=array[i].ravel(), minlength=packed.size)
    return p, N, packed


def tensor_from_packed(packed: NDArray[np.float64], p: int, N: int) -> NDArray[np.float64]:
    """Return the symmetric tensor X of packed couplings, shape (N,)*p: each entry J over its number of orderings."""
    _require_slices(p, N, f"N: the tensor of p={p}, N={N}")
    orderings = np.zeros(packed.size)
    for _, ranks in _slices(p, N):
        orderings += np.bincount(ranks, minlength=packed.size)
    entries = packed / orderings
    tensor = np.empty((N,) * p)
    for i, ranks in _slices(p, N):
        tensor[i] = entries[ranks].reshape(tensor.shape[1:])
    return tensor


def _require_slices(p: int, N: int, what: str) -> None:
    memory.require(8 * (N**p + 2 * comb(N + p - 1, p) + 4 * p * N ** (p - 1)), what)


def _slices(p: int, N: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """A slice X[i] of a tensor at a time, so that index arrays stay N times smaller: i and its entries' ranks."""
    rest = np.indices((N,) * (p - 1), dtype=np.int64).reshape(p - 1, -1)
    for i in range(N):
        yield i, _ranks(np.sort(np.vstack([rest, np.full(rest.shape[1], i)]), axis=0))


def _ranks(ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ranks of ascending tuples given as columns, shape (p, count)."""
    top = int(ascending.max(initial=0))
    terms = [np.array([comb(i + k, k + 1) for i in range(top + 1)])[row] for k, row in enumerate(ascending)]
    return reduce(np.add, terms)
