"""The search for chains of saddles between pairs of minima: rounds of bands, and what the passes found join.

Every pair searches as if it were alone, until its own passes lead from end to end: more pairs never raise a barrier.
The passes of all pairs together are one graph; where the lowest way in it is lower than the pair's own, it is the
pair's chain.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spinscape.critical_points import CriticalPoints
from spinscape.geometry.bands import Bands, Units, peaks, relax
from spinscape.geometry.links import beside, downhill, sides
from spinscape.geometry.passes import Chain, Pass, PassGraph, lower
from spinscape.geometry.terrain import FloatArray, Terrain, apart, unit_of_curvature, unit_of_length
from spinscape.randomness import RNG

# A critical point further away from its peak (in radians through the surrounding space: overlap 0.9) is another part
# of the landscape.
_NEARBY = 0.2**0.5

# Critical points nearer than this are one: refined ones are right to about 1e-12, and different ones of a generic
# landscape hardly ever so close.
_SAME = 1e-6

# A band whose ends stay unlinked is tried again so often, bent sideways by up to about this angle.
_RETRIES, _BEND = 3, 0.5

Gap = tuple[int, int]


@dataclass(frozen=True)
class SearchOptions:
    """Options of `connect_pairs`, checked."""

    beads: int
    bands: int
    tol: float
    max_steps: int
    max_rounds: int


@dataclass
class Pair:
    """A pair of minima and its own search: rows 0 and 1 of the graph are the ends."""

    graph: PassGraph
    length: float  # units of it
    curvature: float
    gaps: list[Gap] = field(default_factory=list)
    tried: Counter[Gap] = field(default_factory=Counter)
    band: FloatArray = field(default_factory=lambda: np.empty((0, 0)))  # the first one
    top: FloatArray = field(default_factory=lambda: np.empty(0))  # the highest critical point found on it
    rounds: int = 0
    steps: int = 0

    def enter(self, gap: Gap, passes: list[Pass]) -> None:
        """Add the passes of a band in the order of the path, and the gaps that they leave."""
        here, stations = gap[0], []
        for found in passes:
            before, after = self.graph.enter(found)
            stations.append((here, before))
            here = after
        stations.append((here, gap[1]))
        ordered = {(min(i, j), max(i, j)): None for i, j in stations if i != j}
        self.gaps += [new for new in ordered if not self.tried[new] and new not in self.gaps]

    def chain(self) -> Chain:
        """The lowest way over the pair's own passes."""
        return self.graph.chains([(0, 1)])[0]

    def next_gaps(self) -> list[Gap]:
        """The gaps to try in a round; where no new ones are left, those tried before, up to a limit."""
        return self.gaps or [gap for gap, count in self.tried.items() if count <= _RETRIES]


def pairs_between(terrain: Terrain, starts: FloatArray, ends: FloatArray) -> list[Pair]:
    """Return the pairs of minima, not searched yet, with their units."""
    lengths = unit_of_length(terrain.domain, starts, ends).tolist()
    pairs = []
    for both, length in zip(zip(starts, ends, strict=True), lengths, strict=True):
        curvature = unit_of_curvature(np.concatenate([terrain.eigenpairs(end)[0] for end in both]))
        pairs.append(Pair(PassGraph(np.stack(both), _SAME * length), length, curvature))
    return pairs


def search(terrain: Terrain, pairs: list[Pair], options: SearchOptions, rng: RNG) -> None:
    """Run rounds of bands until every pair has a chain, nothing left to try, or all its rounds."""
    bends = terrain.domain.random_points(options.bands + _RETRIES + 1, rng=rng)
    bands = [(pair, (0, 1)) for pair in pairs for _ in range(options.bands)]
    for _ in range(options.max_rounds):
        if not bands:
            return
        _round(terrain, bands, options, bends)
        bands = [(pair, gap) for pair in _pairs_of(bands) if not pair.chain() for gap in pair.next_gaps()]


def lowest_chains(pairs: list[Pair], *, mirrored: bool) -> list[Chain]:
    """Return each pair's lowest chain over the passes of all pairs; with `mirrored`, over those at -w too."""
    if not pairs:
        return []
    ends_of = [pair.graph.catalogue.points[:2] for pair in pairs]
    shared = PassGraph(np.concatenate(ends_of), _SAME * min(pair.length for pair in pairs))
    for pair in pairs:
        for found in pair.graph.passes:
            shared.enter(found)
            if mirrored:
                shared.enter(found.mirrored())
    row = shared.catalogue.row
    ends = [(row(start), row(end)) for start, end in ends_of]
    return [lower(pair.chain(), other) for pair, other in zip(pairs, shared.chains(ends), strict=True)]


def _pairs_of(bands: list[tuple[Pair, Gap]]) -> list[Pair]:
    """The pairs that bands belong to, each once."""
    return list({id(pair): pair for pair, _ in bands}.values())


def _round(terrain: Terrain, bands: list[tuple[Pair, Gap]], options: SearchOptions, bends: FloatArray) -> None:
    """Relax all bands as one block, and enter what their peaks lead to."""
    for pair in _pairs_of(bands):
        pair.gaps = []
        pair.rounds += 1
    units = Units(*(np.array([[pair.length, pair.curvature] for pair, _ in bands]).T))
    start = _initial(terrain, bands, options.beads, bends, units)
    relaxed = relax(terrain, start, units, climb=True, tol=options.tol, max_steps=options.max_steps)
    passes, tops = _passes(terrain, relaxed, units)
    for (pair, gap), mine, top, path, steps in zip(bands, passes, tops, relaxed.path, relaxed.steps, strict=True):
        pair.enter(gap, mine)
        pair.steps += int(steps)
        if not pair.band.size:
            pair.band, pair.top = path, top


def _initial(
    terrain: Terrain, bands: list[tuple[Pair, Gap]], beads: int, bends: FloatArray, units: Units
) -> FloatArray:
    """Geodesics, (bands, beads, D). A gap's first band is straight, the next ones are bent towards random points.

    Between antipodal points, where no geodesic is the shortest, the random point decides.
    """
    domain = terrain.domain
    a, b = (np.stack([pair.graph.catalogue.points[gap[end]] for pair, gap in bands]) for end in (0, 1))
    bend, bent = np.empty_like(a), np.zeros((len(bands), 1))
    for row, (pair, gap) in enumerate(bands):
        bend[row], bent[row] = bends[pair.tried[gap]], pair.tried[gap] > 0
        pair.tried[gap] += 1
    towards = domain.log(a, b, through=bend)
    path = np.empty((len(bands), beads, terrain.size))
    for bead, time in enumerate(np.linspace(0, 1, beads)):
        straight = domain.exp(a, time * towards)
        aside = _BEND * np.sin(np.pi * time) * bent * domain.project(straight, bend) * units.length[:, None]
        path[:, bead] = domain.exp(straight, aside)
    path[:, -1] = b
    return path


def _passes(terrain: Terrain, relaxed: Bands, units: Units) -> tuple[list[list[Pass]], list[FloatArray]]:
    """The saddles of index 1 that the peaks of each band lead to, in order; the highest critical point of each."""
    at = [(row, bead) for row, energy in enumerate(relaxed.energy) for bead in peaks(energy)]
    rows, beads = np.array(at, dtype=np.int64).reshape(-1, 2).T
    highest = relaxed.path[rows, beads]
    found = terrain.refine(highest)
    index = terrain.index(found.points)
    near = apart(found.points, highest) <= _NEARBY * units.length[rows]
    simple = found.converged & index.certified & (index.negative == 1) & near
    joined = sides(terrain, found.points[simple])
    tangents = relaxed.path[rows, beads + 1] - relaxed.path[rows, beads - 1]
    forwards = np.sum(joined.direction * tangents[simple], axis=1) > 0
    passes: list[list[Pass]] = [[] for _ in relaxed.path]
    for k, peak in enumerate(np.flatnonzero(simple)):
        if joined.found[k].all():
            both = joined.minima[k] if forwards[k] else joined.minima[k, ::-1]
            passes[rows[peak]].append(Pass(found.points[peak], float(found.energy_density[peak]), *both))
    tops = [_top(relaxed, found, row, rows == row) for row in range(len(relaxed.path))]
    return passes, tops


def _top(relaxed: Bands, found: CriticalPoints, row: int, mine: NDArray[np.bool_]) -> FloatArray:
    """The highest critical point found on a band, its highest bead where there is none."""
    mine = mine & found.converged
    if not mine.any():
        return np.asarray(relaxed.path[row, np.argmax(relaxed.energy[row])])
    return np.asarray(found.points[np.argmax(np.where(mine, found.energy_density, -np.inf))])


def trails(terrain: Terrain, saddles: FloatArray) -> list[FloatArray]:
    """Return the ways of steepest descent from both sides of each saddle, (points, D) each, the saddle first.

    Two a saddle, against and along its lowest direction; the descents are those of `sides`.
    """
    ways = downhill(terrain, beside(terrain, saddles))
    return list(np.stack([np.repeat(saddles, 2, axis=0), *ways], axis=1))
