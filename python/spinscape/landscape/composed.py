"""Landscapes made of landscapes: put on spheres, regularised, added, multiplied. Each is a landscape again.

What all parts offer the composition offers: fused energies and gradients, products, Hessians, Euclidean members,
batches, filters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_block, as_integers, as_number, as_real, described
from spinscape.landscape.called import CalledLandscape, as_landscape, offers
from spinscape.landscape.domain import FLOAT64, Domain

FloatArray = NDArray[Any]


class Combinable:
    """Sums and multiples by operators: a + b, a - b, 2.0 * a, -a are landscapes."""

    __array_ufunc__ = None  # numpy's scalars leave the product to __rmul__

    def __add__(self, other: Any) -> WeightedSum:
        return weighted_sum((self, other))

    def __radd__(self, other: Any) -> WeightedSum:
        return weighted_sum((other, self))

    def __sub__(self, other: Any) -> WeightedSum:
        return weighted_sum((self, other), (1.0, -1.0))

    def __rsub__(self, other: Any) -> WeightedSum:
        return weighted_sum((other, self), (1.0, -1.0))

    def __mul__(self, factor: Any) -> WeightedSum:
        return weighted_sum((self,), (factor,))

    __rmul__ = __mul__

    def __neg__(self) -> WeightedSum:
        return weighted_sum((self,), (-1.0,))


class WeightedSum(Combinable):
    """Σ c_k E_k of landscapes on one domain; made by `weighted_sum`, `regularised` and the operators."""

    def __init__(self, parts: Sequence[CalledLandscape], weights: Sequence[float]) -> None:
        self.parts, self.weights = tuple(parts), tuple(weights)
        self.domain = self.parts[0].domain

    @property
    def size(self) -> int:
        """Number of coordinates of a point."""
        return self.domain.size

    @property
    def energy_scale(self) -> float | None:
        """The parts' own, where they agree."""
        scales = {float(part.energy_scale) for part in self.parts}
        return scales.pop() if len(scales) == 1 else None

    @property
    def filters(self) -> Any:
        """Those of the first part that has some."""
        return next((part.filters for part in self.parts if offers(part, "filters")), None)

    def energy(self, points: Any) -> FloatArray:
        """Return the energies, (replicas,)."""
        return self._total("energy", points)

    def gradient(self, points: Any) -> FloatArray:
        """Return the gradients, (replicas, size)."""
        return self._total("gradient", points)

    def energy_gradient(self, points: Any) -> tuple[FloatArray, FloatArray]:
        """Return energies and gradients, each part evaluated once."""
        return self._both("energy_gradient", points)

    @property
    def hvp(self) -> Any:
        """The function (points, vectors) -> products, or None."""
        return self._offered("hvp")

    @property
    def hessian(self) -> Any:
        """The function points -> Hessians, or None."""
        return self._offered("hessian")

    @property
    def euclidean_energy(self) -> Any:
        """The function points -> energies in the surrounding space, or None."""
        return self._offered("euclidean_energy")

    @property
    def euclidean_gradient(self) -> Any:
        """The function points -> Euclidean gradients, or None."""
        return self._offered("euclidean_gradient")

    @property
    def euclidean_energy_gradient(self) -> Any:
        """The function points -> (energies, Euclidean gradients), or None."""
        return self._offered("euclidean_energy_gradient", self._both)

    @property
    def euclidean_hvp(self) -> Any:
        """The function (points, vectors) -> Euclidean products, or None."""
        return self._offered("euclidean_hvp")

    @property
    def euclidean_hessian(self) -> Any:
        """The function points -> Euclidean Hessians, or None."""
        return self._offered("euclidean_hessian")

    @property
    def batches(self) -> Any:
        """The function count -> batches that sum to this landscape, or None where no part has any.

        A part without batches of its own is shared out evenly.
        """
        return self._batches if any(offers(part, "batches") for part in self.parts) else None

    def __repr__(self) -> str:
        terms = (f"{c:g} * {_named(part)}" for c, part in zip(self.weights, self.parts, strict=True))
        return f"WeightedSum({' + '.join(terms)})"

    def _offered(self, member: str, total: Callable[..., Any] | None = None) -> Any:
        if not all(offers(part, member) for part in self.parts):
            return None
        return lambda *blocks: (total or self._total)(member, *blocks)

    def _total(self, member: str, *blocks: Any) -> FloatArray:
        return self._weighted([getattr(part, member)(*blocks) for part in self.parts])

    def _both(self, member: str, points: Any) -> tuple[FloatArray, FloatArray]:
        energies, gradients = zip(*(getattr(part, member)(points) for part in self.parts), strict=True)
        return self._weighted(energies), self._weighted(gradients)

    def _weighted(self, answers: Sequence[FloatArray]) -> FloatArray:
        total: FloatArray = self.weights[0] * np.asarray(answers[0], dtype=np.float64)
        for weight, answer in zip(self.weights[1:], answers[1:], strict=True):
            total += weight * answer
        return total

    def _batches(self, count: int) -> list[WeightedSum]:
        shares = [
            [(c, batch) for batch in part.batches(count)] if offers(part, "batches") else [(c / count, part)] * count
            for c, part in zip(self.weights, self.parts, strict=True)
        ]
        return [
            weighted_sum([batch for _, batch in terms], [c for c, _ in terms]) for terms in zip(*shares, strict=True)
        ]


class OnSpheres(Combinable):
    """A landscape restricted to spheres, from its members in the surrounding space; made by `on_spheres`."""

    def __init__(self, landscape: CalledLandscape, domain: Domain) -> None:
        self.domain, self._inner = domain, landscape

    @property
    def size(self) -> int:
        """Number of coordinates of a point."""
        return self.domain.size

    @property
    def energy_scale(self) -> float | None:
        """The landscape's own, if it has one."""
        own = getattr(self._inner, "landscape", self._inner)
        return getattr(own, "energy_scale", None)

    @property
    def filters(self) -> Any:
        """The landscape's."""
        return getattr(self._inner, "filters", None)

    def energy(self, points: Any) -> FloatArray:
        """Return the energies, (replicas,)."""
        return self._inner.euclidean_energy(self.domain.checked(points))

    def gradient(self, points: Any) -> FloatArray:
        """Return g = P∇E, (replicas, size)."""
        block = self.domain.checked(points)
        return self.domain.project(block, self._inner.euclidean_gradient(block))

    def energy_gradient(self, points: Any) -> tuple[FloatArray, FloatArray]:
        """Return energies and gradients from one evaluation."""
        block = self.domain.checked(points)
        energies, gradients = self._inner.euclidean_energy_gradient(block)
        return energies, self.domain.project(block, gradients)

    @property
    def hvp(self) -> Any:
        """The function (points, vectors) -> (P∇²EP - (w.∇E/n)P) v on each sphere, or None."""
        return self._hvp if offers(self._inner, "euclidean_hvp") else None

    @property
    def hessian(self) -> Any:
        """The function points -> P∇²EP - (w.∇E/n)P on each sphere, or None."""
        return self._hessian if offers(self._inner, "euclidean_hessian") else None

    @property
    def euclidean_energy(self) -> Any:
        """The landscape's own energies, at any points."""
        return self._inner.euclidean_energy

    @property
    def euclidean_gradient(self) -> Any:
        """The landscape's own gradients, at any points."""
        return self._inner.euclidean_gradient

    @property
    def euclidean_energy_gradient(self) -> Any:
        """Both of one evaluation."""
        return self._inner.euclidean_energy_gradient

    @property
    def euclidean_hvp(self) -> Any:
        """The landscape's own products, or None."""
        return self._inner.euclidean_hvp if offers(self._inner, "euclidean_hvp") else None

    @property
    def euclidean_hessian(self) -> Any:
        """The landscape's own Hessians, or None."""
        return self._inner.euclidean_hessian if offers(self._inner, "euclidean_hessian") else None

    @property
    def batches(self) -> Any:
        """The function count -> batches on the spheres, or None."""
        if not offers(self._inner, "batches"):
            return None
        return lambda count: [OnSpheres(as_landscape(part), self.domain) for part in self._inner.batches(count)]

    def __repr__(self) -> str:
        return f"OnSpheres({_named(self._inner)}, {self.domain!r})"

    def _hvp(self, points: Any, vectors: Any) -> FloatArray:
        block = self.domain.checked(points)
        tangent = self.domain.project(block, as_block(vectors, "vectors", self.size, FLOAT64, rows=len(block)))
        product = self.domain.project(block, self._inner.euclidean_hvp(block, tangent))
        product -= self.domain.curvature_term(block, self._inner.euclidean_gradient(block), tangent)
        return product

    def _hessian(self, points: Any) -> FloatArray:
        block = self.domain.checked(points)
        hessians = np.array(self._inner.euclidean_hessian(block), dtype=np.float64)
        gradients = self._inner.euclidean_gradient(block)
        for row in range(len(block)):
            w, slope = (np.broadcast_to(part[row], (self.size, self.size)) for part in (block, gradients))
            one_side = self.domain.project(w, hessians[row])
            hessians[row] = self.domain.project(w, one_side.T)
            hessians[row] -= self.domain.curvature_term(w, slope, self.domain.project(w, np.eye(self.size)))
        return hessians


class HalfSquare(Combinable):
    """½ |w|²: constant on spheres, a well in flat directions."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain

    @property
    def size(self) -> int:
        """Number of coordinates of a point."""
        return self.domain.size

    def energy(self, points: Any) -> FloatArray:
        """Return the energies, (replicas,)."""
        return self.euclidean_energy(self.domain.checked(points))

    def gradient(self, points: Any) -> FloatArray:
        """Return w in the flat remainder, 0 on the spheres."""
        block = self.domain.checked(points)
        return self._flat_part(block)

    def hvp(self, points: Any, vectors: Any) -> FloatArray:
        """Return v in the flat remainder, 0 on the spheres."""
        block = self.domain.checked(points)
        return self._flat_part(as_block(vectors, "vectors", self.size, FLOAT64, rows=len(block)))

    def euclidean_energy(self, points: Any) -> FloatArray:
        """Return ½ |w|², (replicas,)."""
        block = as_block(points, "points", self.size, FLOAT64)
        half: FloatArray = np.einsum("ri,ri->r", block, block) / 2
        return half

    def euclidean_gradient(self, points: Any) -> FloatArray:
        """Return w."""
        return as_block(points, "points", self.size, FLOAT64)

    def euclidean_hvp(self, points: Any, vectors: Any) -> FloatArray:
        """Return v."""
        return as_block(vectors, "vectors", self.size, FLOAT64, rows=len(self.euclidean_gradient(points)))

    def __repr__(self) -> str:
        return f"HalfSquare({self.domain!r})"

    def _flat_part(self, block: FloatArray) -> FloatArray:
        part = block.copy()
        part[:, : self.size - self.domain.flat_size] = 0.0
        return part


def on_spheres(landscape: Any, sizes: Any) -> OnSpheres:
    """Return the landscape on a product of spheres, |w|^2 = size on each: g = P∇E, Hess = P∇²EP - (w.∇E/n)P.

    landscape : any on flat space (a network, a torch model, functions of your own), or one with Euclidean members.
    sizes : coordinates of each sphere, in order, one a layer or a neuron, say; the coordinates left stay flat.

    Raises TypeError or ValueError naming the argument.
    """
    inner = as_landscape(landscape)
    for member in ("euclidean_energy", "euclidean_gradient"):
        if inner.domain.curved and not offers(inner, member):
            raise TypeError(f"landscape: expected one on flat space, or one that offers {member}, got {_named(inner)}")
    given = as_integers(sizes, "sizes", 1)
    wanted = np.atleast_1d(given).tolist()
    if given.ndim > 1 or not wanted or sum(wanted) > inner.size:
        raise ValueError(f"sizes: expected sizes of spheres, {inner.size} coordinates at most, got {described(sizes)}")
    return OnSpheres(inner, Domain.spheres(wanted, flat=inner.size - sum(wanted)))


def regularised(landscape: Any, decay: float) -> WeightedSum:
    """Return E + ½ decay |w|²: weight decay. On spheres it is a constant."""
    inner = as_landscape(landscape)
    return weighted_sum((inner, HalfSquare(inner.domain)), (1.0, as_number(decay, "decay")))


def weighted_sum(landscapes: Sequence[Any], weights: Any = None) -> WeightedSum:
    """Return Σ c_k E_k of landscapes on one domain; weights None: all 1."""
    if not isinstance(landscapes, Sequence):
        raise TypeError(f"landscapes: expected a sequence of them, got {described(landscapes)}")
    parts = [as_landscape(part, f"landscapes[{k}]") for k, part in enumerate(landscapes)]
    if not parts:
        raise ValueError("landscapes: expected at least one, got none")
    factors = np.ones(len(parts)) if weights is None else as_real(weights, "weights", FLOAT64)
    if factors.shape != (len(parts),):
        raise ValueError(f"weights: expected shape ({len(parts)},), got {factors.shape}")
    for k, part in enumerate(parts):
        if part.domain != parts[0].domain:
            raise ValueError(f"landscapes[{k}]: expected the domain {parts[0].domain}, got {part.domain}")
    return WeightedSum(parts, factors.tolist())


def _named(landscape: CalledLandscape) -> str:
    return type(getattr(landscape, "landscape", landscape)).__name__
