"""A graph of passes: different minima, the saddles of index 1 between them, and the lowest way from one to another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spinscape.geometry.disconnectivity import merging_saddles
from spinscape.geometry.links import Catalogue
from spinscape.geometry.terrain import FloatArray

# Of two ways, one is lower where its highest saddle is so, by more than this share of the energy: not one saddle twice.
_LOWER = 1e-10


class Pass(NamedTuple):
    """A saddle of index 1, its energy density, and the minima on its two sides."""

    saddle: FloatArray
    energy: float
    before: FloatArray
    after: FloatArray

    def backwards(self) -> Pass:
        """The pass from the other side."""
        return self._replace(before=self.after, after=self.before)

    def mirrored(self) -> Pass:
        """The pass at -w, where H(-w) = H(w)."""
        return Pass(-self.saddle, self.energy, -self.before, -self.after)


Chain = list[Pass]  # each begins where the one before ends


class PassGraph:
    """Minima, numbered as they come, and passes; a pass found twice stands twice and changes nothing."""

    def __init__(self, minima: FloatArray, same: float) -> None:
        self.catalogue = Catalogue(minima, same)
        self.passes: list[Pass] = []
        self.joins: list[tuple[int, int]] = []

    def enter(self, found: Pass) -> tuple[int, int]:
        """Add a pass; return the rows of the minima before and after it."""
        rows = (self.catalogue.row(found.before), self.catalogue.row(found.after))
        before, after = self.catalogue.points[list(rows)]
        self.passes.append(found._replace(before=before, after=after))
        self.joins.append(rows)
        return rows

    def chains(self, ends: list[tuple[int, int]]) -> list[Chain]:
        """The ways with the lowest highest saddle between pairs of different minima; empty where there is none."""
        heights = np.array([found.energy for found in self.passes])
        joins = np.array(self.joins, dtype=np.int64).reshape(-1, 2)
        steps: dict[int, list[tuple[int, Pass]]] = {}
        for saddle in merging_saddles(len(self.catalogue.points), heights, joins).tolist():
            (i, j), found = self.joins[saddle], self.passes[saddle]
            steps.setdefault(i, []).append((j, found))
            steps.setdefault(j, []).append((i, found.backwards()))
        return [_way(steps, *both) for both in ends]


def _way(steps: dict[int, list[tuple[int, Pass]]], start: int, end: int) -> Chain:
    """The way between two minima of a forest."""
    ways: dict[int, Chain] = {start: []}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        for there, found in steps.get(here, []):
            if there not in ways:
                ways[there] = [*ways[here], found]
                waiting.append(there)
    return ways.get(end, [])


def highest(chain: Chain) -> Pass:
    """Return the highest pass of a chain."""
    return max(chain, key=lambda found: found.energy)


def lower(chain: Chain, other: Chain) -> Chain:
    """Return the chain that has a lower highest saddle, the first one where they share it or where both are empty."""
    if not chain or not other:
        return chain or other
    top, below = highest(chain).energy, highest(other).energy
    return other if below < top - _LOWER * abs(top) else chain
