"""A glass, or any landscape, as the searches of the core see it, and how many replicas they take on at once."""

from __future__ import annotations

from math import ceil

from spinscape import _core, memory
from spinscape.hamiltonian import Glass
from spinscape.landscape import Landscape

_TILE_BYTES = 2**28  # Hessians worked on at once: enough replicas to fill the kernels, small beside any memory
_SMALLEST_TILE = 48


def surface_of(landscape: Landscape) -> _core.Surface:
    """Return the landscape for the core; what is no glass is called back, one block at a time."""
    if isinstance(landscape, Glass):
        return landscape._core
    count, size = landscape.spheres or (0, 0)
    domain = _core.Domain([size] * count, 0 if count else landscape.size)
    return _core.PythonSurface(_Called(landscape), domain, float(energy_scale(landscape)))


class _Called:
    """Energies and gradients in one call."""

    def __init__(self, landscape: Landscape) -> None:
        self.energy, self.gradient = landscape.energy, landscape.gradient
        self.hvp, self.hessian = landscape.hvp, landscape.hessian

    def energy_gradient(self, points: object) -> tuple[object, object]:
        return self.energy(points), self.gradient(points)


def energy_scale(landscape: Landscape) -> int:
    """Return what an energy is divided by to give u: the coordinates of a sphere; 1 on flat space."""
    return 1 if landscape.spheres is None else landscape.spheres[1]


def fits(needed: int) -> bool:
    """Whether so many bytes are there, as far as the system says."""
    available = memory.available_bytes()
    return available is None or needed <= available


def tile_of(landscape: Landscape, replicas: int, own: int, matrices: int, threads: int, what: str) -> int:
    """Return how many replicas to work on at once: _TILE_BYTES of Hessians, enough to fill the kernels, or what fits.

    `own` bytes belong to a replica; a thread needs `matrices` of its own. The kernels of the Hessian sum up to 24
    replicas at once in 3/2 matrices each, and copy up to 2^22 couplings to float64.
    """
    terms = landscape._terms if isinstance(landscape, Glass) else []
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
