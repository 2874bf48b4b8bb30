"""Glasses as polynomials on the unit sphere, and all their complex critical points by homotopy continuation.

With s = w/√N, h(s) = H(√N s)/N = Σ_d T_d s^d / d. Its complex critical points on s.s = 1 are counted by an algebraic
degree, 2 ((D-1)^N - 1)/(D-2) for degree D; finding that many, each certified and all distinct, proves that none is
missing (cpp/include/spinscape/homotopy.hpp).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.couplings import packed_indices
from spinscape.hamiltonian import Glass

_ACCURACIES = (1e-4, 1e-5, 1e-7)  # of tracking; ends that are not distinct are tracked again, more carefully
_ATTEMPTS = 3  # with other random constants
_MOST_STEPS = 20_000
_NEAR = 1e-6  # solutions nearer than that are looked at
_PATHS = 256  # tracked between two reports of progress


@dataclass(frozen=True)
class ComplexSolutions:
    """Certified distinct critical points in C^N on s.s = 1.

    s : (found, N) complex128; of a pair ±s one only, where both are critical for every s.
    real : (found,) bool.
    expected : the largest number of isolated ones; proven : all were found, and each is known to be real or not.
    """

    s: NDArray[np.complex128]
    real: NDArray[np.bool_]
    expected: int
    proven: bool


def path_count(glass: Glass) -> int:
    """Return the number of paths, which is the largest number of isolated solutions."""
    orders = _orders(glass)
    degree = max(orders)
    pairs = sum((degree - 1) ** i for i in range(glass.size))
    return pairs if len({order % 2 for order in orders}) == 1 else 2 * pairs


def as_polynomial(glass: Glass) -> _core.PolynomialOnSphere:
    """Return h(s) = H(√N s)/N on one sphere, as packed tensors T_d in units of their largest entry."""
    N = glass.size
    degree = max(_orders(glass))
    needed = 8 * comb(N + degree - 1, degree) * (degree + 4) + 4 * N * comb(N + degree - 1, degree - 1)
    memory.require(needed, f"glass: the tensors of order {degree} in {N} dimensions")
    terms = [(form.shape.order, scale, form.packed()) for form, scale in glass._terms]
    unit = max([float(np.abs(packed).max(initial=0.0)) for _, _, packed in terms] + [abs(t[1]) for t in glass._spikes])
    unit = unit if unit > 0 else 1.0
    tensors: dict[int, NDArray[np.float64]] = {}
    for p, scale, packed in terms:
        # A coupling is the sum over the orderings of its tuple.
        tensors[p] = p * scale * N ** (p / 2 - 1) * (packed / unit) / _orderings(packed_indices(p, N))
    for direction, strength, order in glass._spikes:
        power = np.prod((direction / np.linalg.norm(direction))[packed_indices(order, N)], axis=1)
        tensors[order] = tensors.get(order, np.zeros(power.shape)) - order * (strength / unit) * power
    largest = max(float(np.abs(tensor).max()) for tensor in tensors.values())
    largest = largest if largest > 0 else 1.0
    return _core.PolynomialOnSphere(N, [(d, tensors[d] / largest) for d in sorted(tensors)])


def _orders(glass: Glass) -> list[int]:
    return [form.shape.order for form, _ in glass._terms] + [order for _, _, order in glass._spikes]


def _orderings(tuples: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the numbers of distinct orderings of ascending tuples, p!/Π m_j!."""
    count = np.ones(len(tuples))
    repeat = np.ones(len(tuples))
    for k in range(1, tuples.shape[1]):
        repeat = np.where(tuples[:, k] == tuples[:, k - 1], repeat + 1, 1.0)
        count *= (k + 1) / repeat
    return np.round(count)


def solve(glass: Glass, seed: int, threads: int, progress: Callable[[int, int], object]) -> ComplexSolutions:
    """Track all paths, again where ends are not distinct, and say whether all solutions were found."""
    N, expected = glass.size, path_count(glass)
    memory.require(16 * expected * (4 * N + 16), f"method: {expected:,} paths of the homotopy")
    polynomial = as_polynomial(glass)
    found: dict[str, NDArray[Any]] = {}
    for attempt in range(_ATTEMPTS):
        ends = _track(polynomial, _constants(N, seed, attempt), expected, threads, progress)
        found = _distinct(
            {name: np.concatenate([found[name], ends[name]]) if found else ends[name] for name in ends},
            polynomial.paired(),
        )
        if len(found["s"]) >= expected:
            break
    decided = bool((found["real"] | found["complex"]).all())
    return ComplexSolutions(found["s"], found["real"], expected, len(found["s"]) == expected and decided)


def _constants(N: int, seed: int, attempt: int) -> dict[str, Any]:
    """Random complex numbers of modulus one."""
    normals = _core.normals(seed, _core.Purpose.homotopy, 0, attempt, 0, 2 * (2 * N + 2)).astype(np.float64)
    numbers = normals[0::2] + 1j * normals[1::2]
    numbers /= np.abs(numbers)
    return {"start": numbers[:N], "gamma": complex(numbers[N]), "chart": numbers[N + 1 :]}


def _track(
    polynomial: _core.PolynomialOnSphere,
    constants: Mapping[str, Any],
    expected: int,
    threads: int,
    progress: Callable[[int, int], object],
) -> dict[str, NDArray[Any]]:
    """Track every path; those whose ends fail, or agree with another's, again with shorter steps."""
    ends: dict[str, NDArray[Any]] = {}
    again = np.arange(expected)
    for accuracy in _ACCURACIES:
        for first in range(0, len(again), _PATHS):
            some = again[first : first + _PATHS]
            new = polynomial.track_paths(
                **constants, numbers=some.tolist(), accuracy=accuracy, max_steps=_MOST_STEPS, n_threads=threads
            )
            for name, values in new.items():
                ends.setdefault(name, np.zeros((expected, *values.shape[1:]), values.dtype))[some] = values
            progress(expected - len(again) + first + len(some), expected)
        again = np.flatnonzero(~ends["certified"])
        again = np.union1d(again, np.ravel(_agreeing(ends, polynomial.paired())))
        if again.size == 0:
            break
    return ends


def _agreeing(ends: Mapping[str, NDArray[Any]], paired: bool) -> NDArray[np.int64]:
    """Return the pairs of certified ends that may be one solution (up to sign, where `paired`), (pairs, 2)."""
    from scipy.spatial import cKDTree

    rows = np.flatnonzero(ends["certified"])
    if rows.size == 0:
        return np.empty((0, 2), dtype=np.int64)
    s, error = ends["s"][rows], ends["error"][rows]
    if paired:
        s, error, rows = np.concatenate([s, -s]), np.tile(error, 2), np.tile(rows, 2)
    reach = max(_NEAR, 2 * float(error.max()))
    near = cKDTree(np.hstack([s.real, s.imag])).query_pairs(reach, output_type="ndarray")
    apart = np.linalg.norm(s[near[:, 0]] - s[near[:, 1]], axis=1) > error[near].sum(axis=1)
    pairs: NDArray[np.int64] = np.sort(rows[near[~apart]], axis=1)
    return pairs


def _distinct(ends: Mapping[str, NDArray[Any]], paired: bool) -> dict[str, NDArray[Any]]:
    """Return the certified ends without the later ones of those that may agree."""
    keep = ends["certified"].copy()
    for first, second in np.unique(_agreeing(ends, paired), axis=0):
        if keep[first]:
            keep[second] = False
    return {name: values[keep] for name, values in ends.items()}
