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

from spinscape.critical_points import CriticalPoints, count_index, refine
from spinscape.geometry.bands import Bands, peaks, relax
from spinscape.geometry.geodesics import FloatArray, exponential, logarithm, tangent_part
from spinscape.geometry.links import downhill, lowest_direction, sides, sidesteps
from spinscape.geometry.passes import Chain, Pass, PassGraph, lower
from spinscape.hamiltonian import Glass
from spinscape.randomness import RNG

# A peak's critical point further away than this overlap is another part of the landscape.
_NEARBY = 0.9

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
    zero_tol: float
    threads: int


@dataclass
class Pair:
    """A pair of minima and its own search: rows 0 and 1 of the graph are the ends."""

    graph: PassGraph
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


def search(glass: Glass, pairs: list[Pair], options: SearchOptions, rng: RNG) -> None:
    """Run rounds of bands until every pair has a chain, nothing left to try, or all its rounds."""
    bends = glass.random_points(options.bands + _RETRIES + 1, rng=rng)
    bands = [(pair, (0, 1)) for pair in pairs for _ in range(options.bands)]
    for _ in range(options.max_rounds):
        if not bands:
            return
        _round(glass, bands, options, bends)
        bands = [(pair, gap) for pair in _pairs_of(bands) if not pair.chain() for gap in pair.next_gaps()]


def lowest_chains(pairs: list[Pair], *, mirrored: bool) -> list[Chain]:
    """Return each pair's lowest chain over the passes of all pairs; with `mirrored`, over those at -w too."""
    if not pairs:
        return []
    shared = PassGraph(np.concatenate([pair.graph.catalogue.points[:2] for pair in pairs]))
    for pair in pairs:
        for found in pair.graph.passes:
            shared.enter(found)
            if mirrored:
                shared.enter(found.mirrored())
    row = shared.catalogue.row
    ends = [(row(start), row(end)) for start, end in (pair.graph.catalogue.points[:2] for pair in pairs)]
    return [lower(pair.chain(), other) for pair, other in zip(pairs, shared.chains(ends), strict=True)]


def _pairs_of(bands: list[tuple[Pair, Gap]]) -> list[Pair]:
    """The pairs that bands belong to, each once."""
    return list({id(pair): pair for pair, _ in bands}.values())


def _round(glass: Glass, bands: list[tuple[Pair, Gap]], options: SearchOptions, bends: FloatArray) -> None:
    """Relax all bands as one block, and enter what their peaks lead to."""
    for pair in _pairs_of(bands):
        pair.gaps = []
        pair.rounds += 1
    start = _initial(glass, bands, options.beads, bends)
    relaxed = relax(glass, start, climb=True, tol=options.tol, max_steps=options.max_steps, threads=options.threads)
    passes, tops = _passes(glass, relaxed, options)
    for (pair, gap), mine, top, path, steps in zip(bands, passes, tops, relaxed.path, relaxed.steps, strict=True):
        pair.enter(gap, mine)
        pair.steps += int(steps)
        if not pair.band.size:
            pair.band, pair.top = path, top


def _initial(glass: Glass, bands: list[tuple[Pair, Gap]], beads: int, bends: FloatArray) -> FloatArray:
    """Geodesics, (bands, beads, D). A gap's first band is straight, the next ones are bent towards random points.

    Between antipodal points, where no geodesic is the shortest, the random point decides.
    """
    a, b = (np.stack([pair.graph.catalogue.points[gap[end]] for pair, gap in bands]) for end in (0, 1))
    bend, bent = np.empty_like(a), np.zeros((len(bands), 1))
    for row, (pair, gap) in enumerate(bands):
        bend[row], bent[row] = bends[pair.tried[gap]], pair.tried[gap] > 0
        pair.tried[gap] += 1
    towards = logarithm(glass, a, b, "b", bend)
    path = np.empty((len(bands), beads, glass.size))
    for bead, time in enumerate(np.linspace(0, 1, beads)):
        straight = exponential(glass, a, time * towards)
        aside = _BEND * np.sin(np.pi * time) * bent * tangent_part(glass, straight, bend)
        path[:, bead] = exponential(glass, straight, aside)
    path[:, -1] = b
    return path


def _passes(glass: Glass, relaxed: Bands, options: SearchOptions) -> tuple[list[list[Pass]], list[FloatArray]]:
    """The saddles of index 1 that the peaks of each band lead to, in order; the highest critical point of each."""
    at = [(row, bead) for row, energy in enumerate(relaxed.energy) for bead in peaks(energy)]
    rows, beads = np.array(at, dtype=np.int64).reshape(-1, 2).T
    found = refine(glass, relaxed.path[rows, beads], n_threads=options.threads)
    index = count_index(glass, found.points, options.zero_tol, n_threads=options.threads)
    simple = found.converged & index.certified & (index.negative == 1) & (found.overlap > _NEARBY)
    beside = sides(glass, found.points[simple], zero_tol=options.zero_tol, threads=options.threads)
    tangents = relaxed.path[rows, beads + 1] - relaxed.path[rows, beads - 1]
    forwards = np.sum(beside.direction * tangents[simple], axis=1) > 0
    passes: list[list[Pass]] = [[] for _ in relaxed.path]
    for k, peak in enumerate(np.flatnonzero(simple)):
        if beside.found[k].all():
            both = beside.minima[k] if forwards[k] else beside.minima[k, ::-1]
            passes[rows[peak]].append(Pass(found.points[peak], float(found.energy_density[peak]), *both))
    tops = [_top(relaxed, found, row, rows == row) for row in range(len(relaxed.path))]
    return passes, tops


def _top(relaxed: Bands, found: CriticalPoints, row: int, mine: NDArray[np.bool_]) -> FloatArray:
    """The highest critical point found on a band, its highest bead where there is none."""
    mine = mine & found.converged
    if not mine.any():
        return np.asarray(relaxed.path[row, np.argmax(relaxed.energy[row])])
    return np.asarray(found.points[np.argmax(np.where(mine, found.energy_density, -np.inf))])


def trails(glass: Glass, saddles: FloatArray, threads: int) -> list[FloatArray]:
    """Return the ways of steepest descent from both sides of each saddle, (points, D) each, the saddle first.

    Two a saddle, against and along its lowest direction; the descents are those of `sides`.
    """
    starts = sidesteps(glass, saddles, lowest_direction(glass, saddles, threads))
    return list(np.stack([np.repeat(saddles, 2, axis=0), *downhill(glass, starts, threads)], axis=1))
