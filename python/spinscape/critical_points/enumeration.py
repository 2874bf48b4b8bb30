"""All critical points of one small glass: with a proof that none is missing, or with an estimate of what is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_choice, as_integer, lengths
from spinscape.critical_points.indices import count_index
from spinscape.critical_points.polynomial import path_count, solve
from spinscape.critical_points.refinement import refine
from spinscape.critical_points.search import find_saddles
from spinscape.descent.method import Progress
from spinscape.hamiltonian import Glass, LayeredGlass
from spinscape.randomness import RNG, child_seeds, seed_from
from spinscape.spectrum import IndexCount
from spinscape.threads import as_threads

ENUMERATION_METHODS = ("auto", "homotopy", "searches")

_SAME = 1e-6  # points whose overlap is that near to 1 (in radians) are one
_ROUND = 256  # searches between two looks at what is new


@dataclass(frozen=True, eq=False, repr=False)
class Enumeration:
    """The critical points of one glass, ascending in energy.

    points : (found, N) float64, |w|^2 = N; w and -w both, where both are critical.
    energy_density, gradient_norm : (found,) float64, u = H/N and |g|/√N.
    index : `IndexCount` with zero_tol = 0: every eigenvalue counts by its sign.
    complete : whether it is proven that no critical point is missing. True only if every complex solution of the
        polynomial equations was found and certified, each is known to be real or not, all indices are certified, and
        the Morse sum is right.
    missing_estimate : estimated number of critical points not found; 0 where complete. From searches it is Chao's
        capture-recapture estimate, f1 (f1 - 1) / (2 (f2 + 1)) with f1, f2 the numbers of points met once and twice: on
        average too low where some points are much harder to find than others; and at least |morse_sum -
        expected_morse_sum|, for so many are missing. nan without any searches, and where most of them failed.
    morse_sum, expected_morse_sum : Σ_k (-1)^k times the number of points of index k, and the Euler characteristic of
        the sphere, 1 + (-1)^{N-1} (of the product of spheres), which it is for every non-degenerate glass.
    solutions, expected_solutions : complex solutions found, certified and distinct (one of a pair ±w), and the largest
        number there can be, ((p-1)^N - 1)/(p-2) for a pure glass; 0 and 0 where they were not looked for.
    searches : searches made; 0 where the paths found all.
    method : "homotopy", or "searches" where these were needed.
    """

    points: NDArray[np.float64]
    energy_density: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]
    index: IndexCount
    complete: bool
    missing_estimate: float
    morse_sum: int
    expected_morse_sum: int
    solutions: int
    expected_solutions: int
    searches: int
    method: str

    def counts(self) -> NDArray[np.int64]:
        """Return the number of critical points of each index, 0 to the dimension of the tangent space."""
        dimension = int((self.index.negative + self.index.positive + self.index.zero).max(initial=0))
        return np.bincount(self.index.negative, minlength=dimension + 1)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields by name, without copying the arrays, and those of the index."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "index"}
        return own | {name: getattr(self.index, name) for name in ("negative", "certified", "margin")}

    def __repr__(self) -> str:
        found, N = self.points.shape
        state = "complete" if self.complete else f"not proven complete, missing_estimate={self.missing_estimate:.3g}"
        return (
            f"Enumeration(method={self.method!r}, N={N}, points={found}, {state}"
            f"\n  by index: {self.counts().tolist()}"
            f"\n  morse_sum: {self.morse_sum}, expected {self.expected_morse_sum}"
            f"\n  complex solutions: {self.solutions} of {self.expected_solutions}; searches: {self.searches})"
        )


def enumerate_critical_points(
    glass: Glass,
    *,
    method: str = "auto",
    max_paths: int = 20_000,
    max_searches: int = 20_000,
    rng: RNG = 0,
    progress: Progress | None = None,
    n_threads: int | None = None,
) -> Enumeration:
    """Find all critical points of a small glass, with a proof of completeness where one is to be had.

    On one sphere the critical points are the real solutions of polynomial equations, whose complex solutions are
    counted: at most ((p-1)^N - 1)/(p-2) pairs ±w for the pure p-spin glass (N for p = 2), just so many for almost every
    instance (Cartwright and Sturmfels, Linear Algebra Appl. 438 (2013) 942), and 2((p-1)^N - 1)/(p-2) points for a
    mixed one of largest order p. Homotopy continuation finds them; finding as many distinct ones, each certified by
    the theorem of Newton and Kantorovich, proves that none is missing. Where that is too much, or fails (layered
    glasses, spikes of the highest order), many searches from uniform points are made, saddles of each index in turn,
    until every point was met twice or `max_searches` is reached.

    Parameters
    ----------
    glass : pure, mixed, layered, with or without spikes and fields.
    method : "homotopy", "searches", or "auto": homotopy up to `max_paths` paths, searches where it proves nothing.
        "homotopy" takes as many paths as there are, if their ends fit in memory.
    max_paths : most paths of "auto"; (N, p) = (8, 3) has 255, (6, 4) has 364, in about a second of processor time.
    max_searches : most searches.
    rng : of the random constants and of the starts of searches.
    progress : called as progress(done, most) on the calling thread, with the paths tracked of all paths, then with the
        searches made of `max_searches`.
    n_threads : number of threads; never changes a result.

    Returns `Enumeration`; not complete is a flag and an estimate, not an error. Raises TypeError, ValueError or
    MemoryError naming the argument. An interrupt is raised within a second.
    """
    if not isinstance(glass, Glass):
        raise TypeError(f"glass: expected a glass, got {type(glass).__name__}")
    as_choice(method, "method", ENUMERATION_METHODS)
    most_paths = as_integer(max_paths, "max_paths", 0)
    most_searches = as_integer(max_searches, "max_searches", 1)
    seed, threads = seed_from(rng), as_threads(n_threads)
    if progress is not None and not callable(progress):
        raise TypeError(f"progress: expected a callable or None, got {type(progress).__name__}")
    census = _Census(glass, threads, progress or _silent)
    solutions = expected = 0
    proven = False
    if method != "searches":
        solutions, expected, proven = _by_paths(census, most_paths if method == "auto" else None, seed)
    estimate = 0.0 if proven else float("nan")
    searched = 0
    if not proven and method != "homotopy":
        searched, estimate = _by_searches(census, most_searches, seed)
    return _enumeration(census, proven, estimate, solutions, expected, searched)


class _Census:
    """Distinct critical points, with all that the symmetry of the glass makes of them, and how often each was met."""

    def __init__(self, glass: Glass, threads: int, progress: Progress) -> None:
        self.glass, self.threads, self.progress = glass, threads, progress
        self.flips = _flips(glass)
        self.points = np.empty((0, glass.size))
        self.orbit = np.empty(0, dtype=np.int64)  # points of one orbit share a number
        self.met = np.empty(0, dtype=np.int64)  # times an orbit was met

    def add(self, points: NDArray[np.float64]) -> None:
        """Take in critical points one by one."""
        for point in points:
            squares = np.sum((self.points - point) ** 2, axis=1)
            nearest = int(np.argmin(squares)) if squares.size else -1
            if nearest >= 0 and squares[nearest] < _SAME**2 * self.glass.size:
                self.met[self.orbit[nearest]] += 1
                continue
            images = self.flips * point
            self.points = np.concatenate([self.points, images])
            self.orbit = np.concatenate([self.orbit, np.full(len(images), len(self.met))])
            self.met = np.append(self.met, 1)

    def missing(self) -> float:
        """Chao's estimate of the points not met, in points."""
        once, twice = np.count_nonzero(self.met == 1), np.count_nonzero(self.met == 2)
        return float(len(self.flips) * once * (once - 1) / (2 * (twice + 1)))


def _flips(glass: Glass) -> NDArray[np.float64]:
    """Return the changes of sign that map critical points to critical points, (changes, size)."""
    count, size = glass.spheres
    orders = [form.shape.order for form, _ in glass._terms] + [order for _, _, order in glass._spikes]
    if isinstance(glass, LayeredGlass):
        flips = list(product((1.0, -1.0), repeat=count)) if not glass._spikes else [(1.0,) * count]
    else:
        flips = [(1.0,), (-1.0,)] if len({order % 2 for order in orders}) == 1 else [(1.0,)]
    return np.repeat(np.array(flips), size, axis=1)


def _by_paths(census: _Census, most_paths: int | None, seed: int) -> tuple[int, int, bool]:
    """Fill the census with the ends of all paths; numbers of solutions found and expected, and whether that is all."""
    glass = census.glass
    if glass.spheres[0] != 1 or (most_paths is not None and path_count(glass) > most_paths):
        return 0, 0, False
    complex_ = solve(glass, seed, census.threads, census.progress)
    w = complex_.s[complex_.real].real
    w *= np.sqrt(glass.size / np.sum(w**2, axis=1, keepdims=True))
    refined = refine(glass, w, n_threads=census.threads)
    census.add(refined.points)
    stayed = bool((refined.overlap > 1 - _SAME).all() and len(census.met) == len(w))
    return len(complex_.s), complex_.expected, complex_.proven and stayed


def _by_searches(census: _Census, most: int, seed: int) -> tuple[int, float]:
    """Search from uniform points until every point was met twice; the number of searches, and what is missing."""
    glass = census.glass
    dimension = glass.domain.dimension
    census.met[:] = 0  # the ends of paths are no captures
    done, rounds, converged = 0, 0, 0
    while done < most:
        count = min(_ROUND, most - done)
        first, second = child_seeds(np.random.SeedSequence(seed, spawn_key=(rounds,)), 2)
        index = np.arange(done, done + count) % (dimension + 1)
        saddles = find_saddles(glass, index, count, rng=first, zero_tol=0.0, n_threads=census.threads)
        nearby = refine(glass, glass.random_points(count, rng=second).astype(np.float64), n_threads=census.threads)
        for found in (saddles, nearby):
            census.add(found.points[found.converged])
            converged += int(np.count_nonzero(found.converged))
        done, rounds = done + count, rounds + 1
        census.progress(done, most)
        if census.met.size and census.met.min() >= 2:
            break
    return 2 * done, census.missing() if converged > done else float("nan")


def _silent(done: int, most: int) -> None:
    """Progress that nobody asked for."""


def _enumeration(
    census: _Census, proven: bool, estimate: float, solutions: int, expected: int, searches: int
) -> Enumeration:
    glass = census.glass
    u = glass.astype("float64").energy_density(census.points, n_threads=census.threads)
    order = np.lexsort((*census.points.T, u))
    points = np.ascontiguousarray(census.points[order])
    gradients = glass.astype("float64").gradient(points, n_threads=census.threads)
    index = count_index(glass, points, zero_tol=0.0, n_threads=census.threads)
    spheres, size = glass.spheres
    morse = int(np.sum((-1) ** (index.negative % 2)))
    euler = (1 + (-1) ** (size - 1)) ** spheres
    complete = proven and morse == euler and bool(index.certified.all())
    return Enumeration(
        points=points,
        energy_density=u[order],
        gradient_norm=lengths(gradients, size),
        index=index,
        complete=complete,
        missing_estimate=estimate if np.isnan(estimate) else max(estimate, float(abs(morse - euler))),
        morse_sum=morse,
        expected_morse_sum=euler,
        solutions=solutions,
        expected_solutions=expected,
        searches=searches,
        method="searches" if searches else "homotopy",
    )
