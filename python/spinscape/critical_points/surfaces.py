"""What searches ask of a landscape, and how many replicas they take on at once."""

from __future__ import annotations

from math import ceil
from typing import Any

from spinscape import memory
from spinscape.landscape import CalledLandscape, as_landscape, offers

_TILE_BYTES = 2**28  # Hessians worked on at once: enough replicas to fill the kernels, small beside any memory
_SMALLEST_TILE = 48


def searched(landscape: Any) -> CalledLandscape:
    """Return the landscape as algorithms call it; TypeError where it offers neither products nor Hessians."""
    called = as_landscape(landscape)
    if not offers(called, "hvp"):
        name = type(landscape).__name__
        raise TypeError(f"landscape: expected one that offers hvp or hessian, got {name} without either")
    return called


def fits(needed: int) -> bool:
    """Whether so many bytes are there, as far as the system says."""
    available = memory.available_bytes()
    return available is None or needed <= available


def tile_of(landscape: CalledLandscape, replicas: int, own: int, matrices: int, threads: int, what: str) -> int:
    """Return how many replicas to work on at once: _TILE_BYTES of Hessians, enough to fill the kernels, or what fits.

    `own` bytes belong to a replica; a thread needs `matrices` of its own. The kernels of the Hessian sum up to 24
    replicas at once in 3/2 matrices each, and copy up to 2^22 couplings to float64.
    """
    terms = getattr(landscape, "_terms", [])  # a glass's forms
    matrix = 8 * landscape.size**2
    copied = 8 * min(2**22, sum(form.shape.entries() for form, _ in terms))

    def needed(tile: int) -> int:
        lanes = 1 if tile == 1 else min(24, 8 * ceil(tile / 8))
        sums = ceil(1.5 * lanes) * matrix + copied if own > matrix else 0
        return tile * own + min(threads, tile) * (matrices * matrix + sums)

    tile = max(1, min(replicas, max(_TILE_BYTES // own, _SMALLEST_TILE, 4 * threads)))
    available = memory.available_bytes()
    while available is not None and tile > 1 and 2 * needed(tile) > available:
        tile //= 2
    memory.require(needed(tile), what)
    return tile
