"""The protocol of a loss surface: what it must have, and what it may offer.

Points are blocks (replicas, size), float64, on the landscape's `domain`. On spheres gradients, products and Hessians
are Riemannian: tangent vectors, and symmetric matrices that are zero along the radial directions. A landscape has the
four members of `Landscape`; what an algorithm needs beyond them it asks for by name (and says so in a TypeError):

    energy_gradient(points)       energies (replicas,) and gradients (replicas, size) of one evaluation
    hvp(points, vectors)          the Hessian at each point times the row of vectors, (replicas, size)
    hessian(points)               (replicas, size, size)
    euclidean_energy(points), euclidean_gradient(points), euclidean_energy_gradient(points),
    euclidean_hvp(points, vectors), euclidean_hessian(points)
                                  the same in the surrounding space, at any points
    batches(count)                `count` landscapes on the same domain that sum to this one: parts of the samples
    filters                       groups of coordinates that belong together, a sequence of arrays of integers
    exact_derivatives             True where gradients, products and Hessians are exact and symmetric by construction;
                                  of others they are checked before anything is certified from them
    symmetries                    changes of sign that leave the energy as it is, (count, size), the identity among them
    canonical(points)             one of each point's images under any other symmetries, the same for all its images
    energy_scale                  what an energy is divided by to give the energy density u; where it is missing, the
                                  size of the spheres if all are alike, else 1

Of hvp and hessian either gives the other. A landscape of version 0.1.0, with `spheres` = (number, coordinates of each)
or None in place of `domain`, is still one.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from spinscape.landscape.domain import Domain

FloatArray = NDArray[Any]

REQUIRED = ("size", "domain", "energy", "gradient")


@runtime_checkable
class Landscape(Protocol):
    """A differentiable energy of blocks of points; what it may offer besides: `spinscape.landscape.protocol`."""

    @property
    def size(self) -> int:
        """Number of coordinates of a point."""

    @property
    def domain(self) -> Domain:
        """Where points live."""

    def energy(self, points: Any) -> FloatArray:
        """Return the energies, (replicas,)."""

    def gradient(self, points: Any) -> FloatArray:
        """Return the (Riemannian) gradients, (replicas, size)."""


def domain_of(landscape: Any, name: str = "landscape") -> Domain:
    """Return the domain of a landscape, read from `spheres` where it is one of version 0.1.0."""
    domain = getattr(landscape, "domain", None)
    if domain is None:
        spheres = landscape.spheres
        if spheres is not None and not (isinstance(spheres, (tuple, list)) and len(spheres) == 2):
            raise TypeError(f"{name}: expected spheres = (number, coordinates of each) or a domain, got {spheres!r}")
        domain = Domain.flat(landscape.size) if spheres is None else Domain.spheres((spheres[1],) * spheres[0])
    if not isinstance(domain, Domain):
        raise TypeError(f"{name}: expected a Domain as its domain, got {type(domain).__name__}")
    if domain.size != landscape.size:
        raise ValueError(f"{name}: expected size = {domain.size}, that of its domain, got {landscape.size}")
    return domain


def require_landscape(value: Any, name: str = "landscape") -> None:
    """Raise TypeError naming what a landscape lacks."""
    lacks = [word for word in REQUIRED if not hasattr(value, word)]
    if "domain" in lacks and hasattr(value, "spheres"):
        lacks.remove("domain")
    if lacks:
        raise TypeError(
            f"{name}: expected a glass or a landscape, got {type(value).__name__} without {', '.join(lacks)}"
        )
