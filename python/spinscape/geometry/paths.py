r"""Barriers between minima: chains of certified saddles, found by elastic bands and finished by Newton's method.

A band between two minima relaxes (spinscape.geometry.bands) until its highest bead has climbed to a pass. Every peak
of the band goes to the critical point nearby by Newton's method; where that is a saddle of index 1, the descents from
its two sides say which minima it joins. If these do not lead from one end to the other, the gaps that are left are the
next bands. A chain without gaps is a proof that the ends are joined below its highest saddle: the barrier found is an
upper bound of the lowest one, whatever path that takes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_flag, as_integer, as_number, as_real
from spinscape.critical_points import count_index, refine
from spinscape.geometry.chains import Pair, SearchOptions, Step, search, trails
from spinscape.geometry.geodesics import FloatArray
from spinscape.geometry.links import Catalogue, require_even, same_point
from spinscape.hamiltonian import Glass
from spinscape.landscape import on_domain, retracted
from spinscape.randomness import RNG
from spinscape.threads import as_threads

FLOAT64 = np.dtype(np.float64)


class ConnectStop(IntEnum):
    """Why a search for a path ended."""

    linked = 0
    max_rounds = 1
    no_pass = 2


@dataclass(frozen=True, eq=False, repr=False)
class Connection:
    """A path between two minima and the highest saddle on it.

    path : (beads, D) float64, from a to b; saddles and the minima between them are among the beads.
    energies : (beads,) float64, energy densities u of the beads.
    saddle : (D,) float64, the highest critical point found on the path.
    energy_density, gradient_norm : of the saddle; |g|/√D.
    index, certified : of the saddle, as `count_index` finds them. A pass between minima is of index 1; where it is not,
        or not certified, the barrier is that of the path's beads and no more.
    barrier, barrier_back : H(saddle) - H(a) and H(saddle) - H(b), extensive.
    saddles, minima : critical points of the chain, (saddles, D) and (saddles + 1, D), from a to b; (0, D) and (2, D)
        where none links them.
    stop_reason : `ConnectStop`: `linked` (descents from certified saddles lead from a to b), `max_rounds`, `no_pass`
        (the bands left have no peak that leads to a saddle of index 1).
    rounds, steps : rounds of bands, and their steps together.
    """

    path: NDArray[np.float64]
    energies: NDArray[np.float64]
    saddle: NDArray[np.float64]
    energy_density: float
    gradient_norm: float
    index: int
    certified: bool
    barrier: float
    barrier_back: float
    saddles: NDArray[np.float64]
    minima: NDArray[np.float64]
    stop_reason: ConnectStop
    rounds: int
    steps: int

    @property
    def linked(self) -> bool:
        """Whether certified saddles of index 1 lead from a to b."""
        return self.stop_reason == ConnectStop.linked

    def to_dict(self) -> dict[str, Any]:
        """Return all fields by name, without copying the arrays; `linked`; the stop reason's name."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        return own | {"linked": self.linked, "stop_reason_name": self.stop_reason.name}

    def __repr__(self) -> str:
        return (
            f"Connection(stop_reason={self.stop_reason.name!r}, index={self.index}, certified={self.certified}, "
            f"energy_density={self.energy_density:.6g}\n  barrier: {self.barrier:.6g}, back {self.barrier_back:.6g}, "
            f"over {len(self.saddles)} saddles; gradient_norm: {self.gradient_norm:.3g}"
            f"\n  path: {len(self.path)} beads; {self.rounds} rounds, {self.steps} steps)"
        )


def connect(glass: Glass, a: Any, b: Any, *, rng: RNG = 0, **options: Any) -> Connection:
    """Find a path between two minima, its highest saddle, and the barrier: `connect_pairs` for one pair.

    a, b : (D,) or (1, D). Options and errors as `connect_pairs`.
    """
    ends = [np.atleast_1d(as_real(point, name, FLOAT64)) for name, point in (("a", a), ("b", b))]
    rows = [point[None] if point.ndim == 1 else point for point in ends]
    for name, row in zip("ab", rows, strict=True):
        if row.shape[0] != 1:
            raise ValueError(f"{name}: expected one point, got shape {row.shape}; connect_pairs takes blocks")
    return connect_pairs(glass, *rows, rng=rng, **options)[0]


def connect_pairs(
    glass: Glass,
    a: Any,
    b: Any,
    *,
    either_sign: bool = False,
    beads: int = 31,
    bands: int = 1,
    tol: float = 1e-3,
    max_steps: int = 1500,
    max_rounds: int = 8,
    zero_tol: float = 1e-3,
    rng: RNG = 0,
    n_threads: int | None = None,
) -> list[Connection]:
    """Find paths between many pairs of minima at once: the beads of all bands are one block.

    Parameters
    ----------
    glass : the landscape.
    a, b : (pairs, D), minima, |w|^2 = N on each sphere to 1e-4 relative; Newton's method makes them exact first.
    either_sign : for even glasses, H(-w) = H(w): connect a to b or to -b, whichever has the lower barrier.
    beads : points of a band, its ends included.
    bands : first bands between a and b; all but one are bent towards random points. The lowest chain among what they
        find is returned: more bands, lower barriers.
    tol : a band is relaxed when the highest bead's force, as |force|/√D, is at most tol.
    max_steps : steps of a band.
    max_rounds : rounds of bands between minima that are not linked yet.
    zero_tol : as in `count_index`.
    rng : of the points that bands are bent to, and of the great circle between antipodal points.
    n_threads : number of threads; never changes a result.

    Returns one `Connection` a pair; not finding a chain is a stop reason, no error. Raises TypeError, ValueError or
    MemoryError naming the argument; ValueError where a or b leads to no minimum.
    """
    if not isinstance(glass, Glass):
        raise TypeError(f"glass: expected a glass, got {type(glass).__name__}")
    exact = glass.astype("float64")
    options = SearchOptions(
        beads=as_integer(beads, "beads", 5, 10**5),
        bands=as_integer(bands, "bands", 1, 10**4),
        tol=as_number(tol, "tol", 0.0, exclusive=True),
        max_steps=as_integer(max_steps, "max_steps", 1),
        max_rounds=as_integer(max_rounds, "max_rounds", 1),
        zero_tol=as_number(zero_tol, "zero_tol", 0.0),
        threads=as_threads(n_threads),
    )
    if as_flag(either_sign, "either_sign"):
        require_even(exact, "either_sign")
    starts, ends = _minima(exact, a, "a", options), _minima(exact, b, "b", options)
    if starts.shape != ends.shape:
        raise ValueError(f"b: expected as many points as a, {len(starts)}, got {len(ends)}")
    memory.require(
        30 * 8 * starts.size * options.beads * options.bands, f"a: bands of {beads} beads between {len(starts)} pairs"
    )
    if either_sign:
        starts, ends = np.concatenate([starts, starts]), np.concatenate([ends, -ends])
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if same_point(start, end):
            raise ValueError(f"b: expected a minimum different from a, got the same one in row {row % len(starts)}")
    pairs = [Pair(Catalogue(np.stack(both))) for both in zip(starts, ends, strict=True)]
    search(exact, pairs, options, rng)
    found = _connections(exact, pairs, options)
    if not either_sign:
        return found
    half = len(found) // 2
    return [min(both, key=_preference) for both in zip(found[:half], found[half:], strict=True)]


def _preference(connection: Connection) -> tuple[bool, float]:
    return (not connection.linked, connection.energy_density)


def _minima(glass: Glass, points: Any, name: str, options: SearchOptions) -> FloatArray:
    """The minima at the points, or ValueError."""
    found = refine(glass, on_domain(glass, points, name=name), n_threads=options.threads)
    index = count_index(glass, found.points, options.zero_tol, n_threads=options.threads)
    wrong = np.flatnonzero(~found.converged | (index.negative > 0) | (found.overlap < 0.99))
    if wrong.size:
        row = wrong[0]
        raise ValueError(
            f"{name}: expected minima, but Newton's method from row {row} ends at overlap {found.overlap[row]:.4g} "
            f"with gradient norm {found.gradient_norm[row]:.2g}, index {index.negative[row]}"
        )
    return np.asarray(found.points)


def _connections(glass: Glass, pairs: list[Pair], options: SearchOptions) -> list[Connection]:
    """The results; the ways down from all saddles of all chains are traced as one block."""
    chains = [pair.chain() for pair in pairs]
    passes = [pair.saddles[step.saddle] for pair, chain in zip(pairs, chains, strict=True) for step in chain]
    ways = trails(glass, np.stack(passes), options.threads) if passes else []
    both = iter(zip(ways[::2], ways[1::2], strict=True))
    return [
        _connection(glass, pair, chain, [next(both) for _ in chain], options)
        for pair, chain in zip(pairs, chains, strict=True)
    ]


def _connection(
    glass: Glass, pair: Pair, chain: list[Step], ways: list[tuple[FloatArray, FloatArray]], options: SearchOptions
) -> Connection:
    known = pair.catalogue.points
    minima = known[[0, *(step.after for step in chain)]] if chain else known[:2]
    steps = zip(pairwise(minima), ways, strict=False)
    legs = [_leg(glass, *step, way, options.beads // 2) for step, way in steps] if chain else []
    path = np.concatenate([*legs, minima[-1:]]) if chain else pair.band
    saddle = pair.saddles[max(chain, key=lambda step: pair.heights[step.saddle]).saddle] if chain else pair.top
    energies = glass.energy(np.concatenate([path, saddle[None]]), n_threads=options.threads)
    index = count_index(glass, saddle[None], options.zero_tol, n_threads=options.threads)
    gradient = glass.gradient(saddle[None], n_threads=options.threads)
    return Connection(
        path=path,
        energies=energies[:-1] / glass.energy_scale,
        saddle=saddle,
        energy_density=float(energies[-1] / glass.energy_scale),
        gradient_norm=float(np.sqrt(np.mean(gradient**2))),
        index=int(index.negative[0]),
        certified=bool(index.certified[0]),
        barrier=float(energies[-1] - energies[0]),
        barrier_back=float(energies[-1] - energies[-2]),
        saddles=np.array([pair.saddles[step.saddle] for step in chain]).reshape(-1, glass.size),
        minima=minima,
        stop_reason=_stop_reason(pair, chain),
        rounds=pair.rounds,
        steps=pair.steps,
    )


def _stop_reason(pair: Pair, chain: list[Step]) -> ConnectStop:
    if chain:
        return ConnectStop.linked
    return ConnectStop.max_rounds if pair.next_gaps() else ConnectStop.no_pass


def _leg(
    glass: Glass, before: FloatArray, after: FloatArray, ways: tuple[FloatArray, FloatArray], count: int
) -> FloatArray:
    """From one minimum over a saddle towards the next, which is left out: 2 `count` beads, `count` on either side."""
    first, second = ways
    if np.sum((first[-1] - before) ** 2) > np.sum((second[-1] - before) ** 2):
        first, second = second, first
    up = _spaced(glass, np.concatenate([before[None], first[::-1]]), count)
    down = _spaced(glass, np.concatenate([second, after[None]]), count)
    return np.concatenate([up[:-1], down[:-1]])


def _spaced(glass: Glass, points: FloatArray, count: int) -> FloatArray:
    """`count` + 1 points at equal distances along the chords between the points, ends included."""
    lengths = np.concatenate([[0.0], np.cumsum(np.sqrt(np.sum(np.diff(points, axis=0) ** 2, axis=1)))])
    at = np.linspace(0, lengths[-1], count + 1)
    left = np.clip(np.searchsorted(lengths, at, side="right") - 1, 0, len(points) - 2)
    share = (at - lengths[left]) / np.maximum(lengths[left + 1] - lengths[left], np.finfo(float).tiny)
    spaced = points[left] + share[:, None] * (points[left + 1] - points[left])
    return retracted(glass, spaced)
