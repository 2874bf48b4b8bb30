r"""Barriers between minima: chains of certified saddles, found by elastic bands and finished by Newton's method.

A band between two minima relaxes (spinscape.geometry.bands) until its highest bead has climbed to a pass. Every peak
of the band goes to the critical point nearby by Newton's method; where that is a saddle of index 1, the descents from
its two sides say which minima it joins. If these do not lead from one end to the other, the gaps that are left are the
next bands. A chain without gaps is a proof that the ends are joined below its highest saddle, and that the path has a
true pass: a lower way, over other passes, may exist. Without such a chain the path's highest bead is an upper bound of
the barrier, and the result says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_flag, as_integer, as_number, as_real
from spinscape.geometry.chains import Pair, SearchOptions, lowest_chains, pairs_between, search, trails
from spinscape.geometry.links import refined_minima, require_even
from spinscape.geometry.passes import Chain, Pass, highest
from spinscape.geometry.terrain import FloatArray, Terrain, apart
from spinscape.landscape import Landscape, landscape_first
from spinscape.randomness import RNG
from spinscape.results import Result, StopReason
from spinscape.threads import as_threads

FLOAT64 = np.dtype(np.float64)
ConnectStop = StopReason  # its name in version 0.1.0


@dataclass(frozen=True, eq=False, repr=False)
class Connection(Result):
    """A path between two minima and the highest saddle on it.

    path : (beads, D) float64, from a to b; saddles and the minima between them are among the beads.
    energies : (beads,) float64, energy densities u of the beads.
    saddle : (D,) float64, the highest critical point found on the path.
    energy_density, gradient_norm : of the saddle; |g|/√D.
    index, certified : of the saddle, as `count_index` finds them. A pass between minima is of index 1.
    barrier, barrier_back : H(saddle) - H(a) and H(saddle) - H(b), extensive; where none links a and b (`upper_bound`),
        of the path's highest bead in the saddle's place.
    saddles, minima : critical points of the chain, (saddles, D) and (saddles + 1, D), from a to b; (0, D) and (2, D)
        where none links them.
    stop_reason : `StopReason`: `converged` (descents from certified saddles lead from a to b), `max_steps` (all rounds
        were made), `no_pass` (the bands left have no peak that leads to a saddle of index 1).
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
    stop_reason: StopReason
    rounds: int
    steps: int
    derived: ClassVar[tuple[str, ...]] = ("linked", "upper_bound")

    @property
    def linked(self) -> bool:
        """Whether certified saddles of index 1 lead from a to b."""
        return self.stop_reason == StopReason.converged

    @property
    def upper_bound(self) -> bool:
        """Whether the barrier is only that of the path's highest bead: no certified saddles lead from a to b.

        The lowest barrier is not above it, but for what the path does between its beads.
        """
        return not self.linked


@landscape_first
def connect(landscape: Landscape, a: Any, b: Any, *, rng: RNG = 0, **options: Any) -> Connection:
    """Find a path between two minima, its highest saddle, and the barrier: `connect_pairs` for one pair.

    a, b : (D,) or (1, D). Options and errors as `connect_pairs`.
    """
    ends = [np.atleast_1d(as_real(point, name, FLOAT64)) for name, point in (("a", a), ("b", b))]
    rows = [point[None] if point.ndim == 1 else point for point in ends]
    for name, row in zip("ab", rows, strict=True):
        if row.shape[0] != 1:
            raise ValueError(f"{name}: expected one point, got shape {row.shape}; connect_pairs takes blocks")
    return connect_pairs(landscape, *rows, rng=rng, **options)[0]


@landscape_first
def connect_pairs(
    landscape: Landscape,
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
    exclude: Any = None,
    rng: RNG = 0,
    n_threads: int | None = None,
) -> list[Connection]:
    """Find paths between many pairs of minima at once: the beads of all bands are one block.

    Parameters
    ----------
    landscape : a glass, a network's landscape, or any other `Landscape` that offers `hvp` or `hessian`.
    a, b : (pairs, D), minima on the landscape's domain; Newton's method makes them exact first.
    either_sign : for even landscapes, H(-w) = H(w): connect a to b or to -b, whichever has the lower barrier.
    beads : points of a band, its ends included.
    bands : first bands between a and b; all but one are bent towards random points. The lowest chain among what they
        find is returned: more bands, lower barriers.
    tol : a band is relaxed when the highest bead's force, as |force|/√D, is at most tol, in units of the landscape's
        curvature and, on flat space, of 2/π of the distance of a and b (both are 1 for a glass).
    max_steps : steps of a band.
    max_rounds : rounds of bands between minima that are not linked yet.
    zero_tol : as in `count_index`.
    exclude : directions that do not count, (k, D), or a function of points (rows, D) -> (rows, k, D): the zero modes of
        a symmetry, as in `count_index` and `refine`. Where minima are whole orbits of a symmetry the ways down end on
        another point of the orbit than the one given: then no chain leads to it, and the barrier is an upper bound.
        `disconnectivity_graph` with `fold` takes an orbit for one minimum.
    rng : of the points that bands are bent to, and of the great circle between antipodal points.
    n_threads : number of threads; never changes a result.

    Passes found for one pair serve all: each chain is the lowest way over the passes found in the whole call. More
    pairs, lower barriers.

    Returns one `Connection` a pair; not finding a chain is a stop reason, no error. Raises TypeError, ValueError or
    MemoryError naming the argument; ValueError where a row of a or b leads to no critical point of certified index 0.
    """
    terrain = Terrain.of(landscape, as_number(zero_tol, "zero_tol", 0.0), exclude, as_threads(n_threads))
    options = SearchOptions(
        beads=as_integer(beads, "beads", 5, 10**5),
        bands=as_integer(bands, "bands", 1, 10**4),
        tol=as_number(tol, "tol", 0.0, exclusive=True),
        max_steps=as_integer(max_steps, "max_steps", 1),
        max_rounds=as_integer(max_rounds, "max_rounds", 1),
    )
    if as_flag(either_sign, "either_sign"):
        require_even(terrain, "either_sign")
    starts, ends = (refined_minima(terrain, given, name) for name, given in (("a", a), ("b", b)))
    count = len(starts)
    if starts.shape != ends.shape:
        raise ValueError(f"b: expected as many points as a, {count}, got {len(ends)}")
    memory.require(30 * 8 * starts.size * options.beads * options.bands, f"a: bands of {beads} beads of {count} pairs")
    if either_sign:
        starts, ends = np.concatenate([starts, starts]), np.concatenate([ends, -ends])
    same = np.flatnonzero(_same_ends(terrain, starts, ends))
    if same.size:
        raise ValueError(f"b: expected a minimum different from a, got the same one in row {same[0] % count}")
    pairs = pairs_between(terrain, starts, ends)
    search(terrain, pairs, options, rng)
    found = _connections(terrain, pairs, lowest_chains(pairs, mirrored=either_sign), options)
    if not either_sign:
        return found
    return [min(both, key=_preference) for both in zip(found[:count], found[count:], strict=True)]


def _preference(connection: Connection) -> tuple[bool, float]:
    return (not connection.linked, connection.energy_density)


def _same_ends(terrain: Terrain, starts: FloatArray, ends: FloatArray) -> NDArray[np.bool_]:
    """Which minima are the same: nearer than rounding, after Newton's method, can tell."""
    if terrain.domain.curved:
        return np.asarray(apart(starts, ends) <= 1e-6)
    extent = np.maximum(apart(starts, np.zeros_like(starts)), apart(ends, np.zeros_like(ends)))
    return np.asarray(apart(starts, ends) <= 1e-9 * extent)


def _connections(terrain: Terrain, pairs: list[Pair], chains: list[Chain], options: SearchOptions) -> list[Connection]:
    """The results; the ways down from all saddles of all chains are traced as one block."""
    crossed = {found.saddle.tobytes(): found.saddle for chain in chains for found in chain}
    down = trails(terrain, np.stack(list(crossed.values()))) if crossed else []
    ways = dict(zip(crossed, zip(down[::2], down[1::2], strict=True), strict=True))
    return [_connection(terrain, pair, chain, ways, options) for pair, chain in zip(pairs, chains, strict=True)]


def _connection(
    terrain: Terrain,
    pair: Pair,
    chain: Chain,
    ways: dict[bytes, tuple[FloatArray, FloatArray]],
    options: SearchOptions,
) -> Connection:
    path, saddle, minima = pair.band, pair.top, pair.graph.catalogue.points[:2]
    if chain:
        minima = np.stack([chain[0].before, *(found.after for found in chain)])
        legs = [_leg(terrain, found, ways[found.saddle.tobytes()], options.beads // 2) for found in chain]
        path, saddle = np.concatenate([*legs, minima[-1:]]), highest(chain).saddle
    scale = terrain.landscape.energy_scale
    energies, gradients = terrain.energy_gradient(np.concatenate([path, saddle[None]]))
    index = terrain.index(saddle[None])
    top = energies[-1] if chain else energies[:-1].max()
    return Connection(
        path=path,
        energies=energies[:-1] / scale,
        saddle=saddle,
        energy_density=float(energies[-1] / scale),
        gradient_norm=float(np.sqrt(np.mean(gradients[-1] ** 2))),
        index=int(index.negative[0]),
        certified=bool(index.certified[0]),
        barrier=float(top - energies[0]),
        barrier_back=float(top - energies[-2]),
        saddles=np.array([found.saddle for found in chain]).reshape(-1, terrain.size),
        minima=minima,
        stop_reason=_stop_reason(pair, chain),
        rounds=pair.rounds,
        steps=pair.steps,
    )


def _stop_reason(pair: Pair, chain: Chain) -> StopReason:
    if chain:
        return StopReason.converged
    return StopReason.max_steps if pair.next_gaps() else StopReason.no_pass


def _leg(terrain: Terrain, over: Pass, ways: tuple[FloatArray, FloatArray], count: int) -> FloatArray:
    """From the minimum before a pass towards the one after it, which is left out: `count` beads on either side."""
    first, second = ways
    if np.sum((first[-1] - over.before) ** 2) > np.sum((second[-1] - over.before) ** 2):
        first, second = second, first
    up = _spaced(terrain, np.concatenate([over.before[None], first[::-1]]), count)
    down = _spaced(terrain, np.concatenate([second, over.after[None]]), count)
    return np.concatenate([up[:-1], down[:-1]])


def _spaced(terrain: Terrain, points: FloatArray, count: int) -> FloatArray:
    """`count` + 1 points at equal distances along the chords between the points, ends included."""
    lengths = np.concatenate([[0.0], np.cumsum(np.sqrt(np.sum(np.diff(points, axis=0) ** 2, axis=1)))])
    at = np.linspace(0, lengths[-1], count + 1)
    left = np.clip(np.searchsorted(lengths, at, side="right") - 1, 0, len(points) - 2)
    share = (at - lengths[left]) / np.maximum(lengths[left + 1] - lengths[left], np.finfo(float).tiny)
    spaced = points[left] + share[:, None] * (points[left + 1] - points[left])
    return terrain.domain.retract(spaced)
