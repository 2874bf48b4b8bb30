"""What all glasses share: evaluation, parts, and the recipe by which they travel, compare and show themselves."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_block, as_dtype, as_integer, as_number, as_real
from spinscape.couplings import Law, StorageName, given_form, given_values, split_form
from spinscape.landscape import Combinable, Domain
from spinscape.randomness import RNG, seed_from
from spinscape.threads import as_threads

FloatArray = NDArray[Any]
Terms = list[tuple[_core.Form, float]]


class Glass(Combinable):
    """What all glasses share: evaluation of a sum of forms and rank-one terms on spheres. Use a subclass.

    A glass does not change, so copies share its couplings. It travels between processes by its recipe: sampled
    couplings are drawn again on arrival, the same to the bit; given ones, and those of parts, go as values. Glasses are
    equal where recipes and dtypes are: their energies then are, to the bit.

    A sampled subclass has a `seed`, a `law`, and `_draw`.
    """

    couplings_storage: StorageName = "auto"

    exact_derivatives = True

    def __init__(self, spheres: tuple[int, int], terms: Terms, dtype: Any, seed: int | None, law: Law | None) -> None:
        self._spheres = spheres
        self._domain = Domain.spheres((spheres[1],) * spheres[0])
        self._terms = terms
        self._spikes: list[tuple[NDArray[np.float64], float, int]] = []
        self.dtype = as_dtype(dtype)
        self.seed = seed
        self.law = law
        self._build()

    def _build(self) -> None:
        self._core = _core.Glass(*self._spheres)
        for form, scale in self._terms:
            self._core.add_form(form, scale)
        for direction, strength, order in self._spikes:
            self._core.add_spike(list(direction), strength, order)

    @property
    def surface(self) -> _core.Surface:
        """The glass for the core's algorithms."""
        return self._core

    @property
    def size(self) -> int:
        """Number of coordinates of a point."""
        return self._spheres[0] * self._spheres[1]

    @property
    def energy_scale(self) -> int:
        """What an extensive energy is divided by to give the energy density u: N (n for a layered glass)."""
        return self._spheres[1]

    @property
    def spheres(self) -> tuple[int, int]:
        """(number of spheres, coordinates of each); each part of a point has |w|^2 = coordinates."""
        return self._spheres

    @property
    def domain(self) -> Domain:
        """The product of spheres that points live on."""
        return self._domain

    @property
    def symmetries(self) -> FloatArray:
        """Changes of sign that leave the energy as it is, (count, size): w -> -w where every order is even."""
        orders = [form.shape.order for form, _ in self._terms] + [order for _, _, order in self._spikes]
        even = all(order % 2 == 0 for order in orders)
        return np.outer((1.0, -1.0) if even else (1.0,), np.ones(self.size))

    def random_points(self, count: int, *, rng: RNG = None) -> FloatArray:
        """Return `count` uniform points, (count, size): normalised Gaussians. Row r depends on (rng, r) only."""
        return self._domain.random_points(count, rng=rng).astype(self.dtype, copy=False)

    def energy(self, points: Any, *, n_threads: int | None = None) -> FloatArray:
        """Return the extensive energies H(w), shape (replicas,)."""
        return self._core.energy(self._points(points), as_threads(n_threads))

    def energy_density(self, points: Any, *, n_threads: int | None = None) -> FloatArray:
        """Return u = H/N (H/n for a layered glass), shape (replicas,)."""
        return self.energy(points, n_threads=n_threads) / self.energy_scale

    def gradient(self, points: Any, *, n_threads: int | None = None) -> FloatArray:
        """Return the Riemannian gradient g = ∇H - (w.∇H/N) w, (replicas, size); per sphere for a layered glass."""
        return self._core.energy_gradient(self._points(points), True, as_threads(n_threads))[1]

    def energy_gradient(self, points: Any, *, n_threads: int | None = None) -> tuple[FloatArray, FloatArray]:
        """Return energies (replicas,) and Riemannian gradients (replicas, size) from one pass over the couplings."""
        return self._core.energy_gradient(self._points(points), True, as_threads(n_threads))

    def hvp(self, points: Any, vectors: Any, *, n_threads: int | None = None) -> FloatArray:
        """Return the Riemannian Hessian P∇²HP - (w.∇H/N)P times the tangent part of each vector, (replicas, size)."""
        block = self._points(points)
        tangents = as_block(vectors, "vectors", self.size, self.dtype, rows=block.shape[0])
        return self._core.hvp(block, tangents, as_threads(n_threads))

    def hessian(self, points: Any, *, n_threads: int | None = None) -> FloatArray:
        """Return the Riemannian Hessians, (replicas, size, size), zero along w; P = I - ww^T/N on each sphere."""
        block = self._points(points)
        needed = block.shape[0] * self.size**2 * self.dtype.itemsize
        memory.require(needed, f"points: {block.shape[0]:,} Hessians of {self.size} x {self.size}")
        return self._core.hessian(block, as_threads(n_threads))

    def euclidean_energy(self, points: Any, *, n_threads: int | None = None) -> FloatArray:
        """Return H(w) at any points of the surrounding space, (replicas,)."""
        return self._core.energy(self._anywhere(points), as_threads(n_threads))

    def euclidean_gradient(self, points: Any, *, n_threads: int | None = None) -> FloatArray:
        """Return ∇H in the surrounding space, at any points, (replicas, size)."""
        return self.euclidean_energy_gradient(points, n_threads=n_threads)[1]

    def euclidean_energy_gradient(self, points: Any, *, n_threads: int | None = None) -> tuple[FloatArray, FloatArray]:
        """Return H (replicas,) and ∇H (replicas, size) at any points, from one pass over the couplings."""
        return self._core.energy_gradient(self._anywhere(points), False, as_threads(n_threads))

    def euclidean_hvp(self, points: Any, vectors: Any, *, n_threads: int | None = None) -> FloatArray:
        """Return ∇²H at any points times the row of `vectors`, (replicas, size)."""
        block, threads = self._anywhere(points), as_threads(n_threads)
        given = as_block(vectors, "vectors", self.size, self.dtype, rows=block.shape[0])
        product = np.zeros_like(block)
        for form, scale in self._terms:
            product += self.dtype.type(scale) * form.hvp(block, given, threads)[1]
        for direction, curvature in self._spike_curvatures(block):
            product += (curvature * (given @ direction))[:, None] * direction
        return product

    def euclidean_hessian(self, points: Any, *, n_threads: int | None = None) -> FloatArray:
        """Return ∇²H at any points, (replicas, size, size)."""
        block, threads = self._anywhere(points), as_threads(n_threads)
        needed = 2 * block.shape[0] * self.size**2 * self.dtype.itemsize  # the sum, and one form's
        memory.require(needed, f"points: {block.shape[0]:,} Hessians of {self.size} x {self.size}")
        hessian = np.zeros((*block.shape, self.size), dtype=self.dtype)
        for form, scale in self._terms:
            matrices = form.hessian(block, threads)[1]
            matrices *= self.dtype.type(scale)
            hessian += matrices
        for direction, curvature in self._spike_curvatures(block):
            hessian += curvature[:, None, None] * np.outer(direction, direction)
        return hessian

    def __copy__(self) -> Self:
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return copy.copy(self)

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name not in ("_core", "_domain", "_terms")}
        if self.law is None:
            state["_values"] = [
                (form.shape.order, form.shape.size, form.shape.layered, given_values(form), scale)
                for form, scale in self._terms
            ]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        values = state.pop("_values", None)
        self.__dict__.update(state)
        self._domain = Domain.spheres((self._spheres[1],) * self._spheres[0])
        if values is None:
            self._terms = self._draw(as_threads(None))
        else:
            self._terms = [
                (given_form(p, size, layered, packed, dtype=packed.dtype), scale)
                for p, size, layered, packed, scale in values
            ]
        self._build()

    def _draw(self, n_threads: int) -> Terms:
        """Return the sampled couplings, from the seed, the law and the orders."""
        raise TypeError(f"{type(self).__name__} has no sampled couplings")

    def _recipe(self) -> dict[str, Any]:
        """Return what the glass was made of, by the constructor's names, all but its values, spikes and dtype."""
        return {"spheres": self._spheres}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Glass) or type(other) is not type(self):
            return NotImplemented
        same = (self.dtype, self.seed, self.law, self._recipe()) == (
            other.dtype, other.seed, other.law, other._recipe(),
        )  # fmt: skip
        return same and _same_spikes(self._spikes, other._spikes) and (self.law is not None or self._same_values(other))

    def _same_values(self, other: Glass) -> bool:
        return len(self._terms) == len(other._terms) and all(
            scale == its_scale and (form is its_form or np.array_equal(form.packed(), its_form.packed()))
            for (form, scale), (its_form, its_scale) in zip(self._terms, other._terms, strict=True)
        )

    def __hash__(self) -> int:
        return hash((type(self), self.dtype, self.seed, self.law, repr(self._recipe()), len(self._spikes)))

    def __repr__(self) -> str:
        given = dict(self._recipe())
        name = type(self).__name__
        if self.law is None:
            name += ".from_couplings"
            given = {"couplings": f"<{sum(form.shape.entries() for form, _ in self._terms):,} values>"} | given
        else:
            given |= {"seed": self.seed} | ({} if self.law == Law() else {"law": self.law.name, "nu": self.law.nu})
        if self.dtype != np.float64:
            given["dtype"] = self.dtype.name
        if self.couplings_storage != "auto":
            given["couplings_storage"] = self.couplings_storage
        shown = ", ".join(
            value if name == "couplings" else f"{name}={value!r}" for name, value in given.items() if value is not None
        )
        spikes = "".join(f".with_spike(<direction>, {strength:g}, {order})" for _, strength, order in self._spikes)
        return f"{name}({shown}){spikes}"

    def astype(self, dtype: Any) -> Self:
        """Return the same glass computing in another dtype; the couplings are shared."""
        other = copy.copy(self)
        other.dtype = as_dtype(dtype)
        return other

    def with_spike(self, direction: Any, strength: float, order: int) -> Self:
        """Return the glass with a planted rank-one term: H - strength D (w.v/D)^order, D = size, |v|^2 = D.

        `direction` is rescaled to |v|^2 = D. With order = p this is the spiked tensor model; the couplings are shared.
        """
        vector = as_real(direction, "direction", np.dtype(np.float64))
        if vector.shape != (self.size,) or not np.any(vector):
            raise ValueError(f"direction: expected a non-zero vector of shape ({self.size},), got {vector.shape}")
        vector = vector / np.ldexp(1.0, np.frexp(np.abs(vector).max())[1])  # its squares fit a double; no bit changes
        other = copy.copy(self)
        spike = (vector, as_number(strength, "strength"), as_integer(order, "order", 1, _core.max_order))
        other._spikes = [*self._spikes, spike]
        other._build()
        return other

    def with_field(self, direction: Any, strength: float) -> Self:
        """Return the glass in a linear field: H - strength w.v, |v|^2 = size."""
        return self.with_spike(direction, strength, 1)

    def split(self, parts: int, *, rng: RNG = None, n_threads: int | None = None) -> list[Self]:
        """Return P = `parts` glasses whose couplings are independent, of variance 1/P, and sum to this glass's.

        X^{(s)} = X/P + (Z_s - mean Z)/√P, rounded to float32; spikes and fields are shared out evenly. Only sampled
        Gaussian couplings have such parts: other glasses raise ValueError. rng=None takes the glass's own seed, so that
        a glass always has the same parts.
        """
        count = as_integer(parts, "parts", 1, 2**16)
        seed = seed_from(rng) if rng is not None else self.seed or 0
        return self._split(count, seed, as_threads(n_threads))

    def _split(self, parts: int, parts_seed: int, n_threads: int) -> list[Self]:
        forms = [split_form(form, self.law, self.seed or 0, parts, parts_seed, n_threads) for form, _ in self._terms]
        pieces = [copy.copy(self) for _ in range(parts)]
        for piece, terms in zip(pieces, zip(*forms, strict=True), strict=True):
            piece._terms = [(form, scale) for form, (_, scale) in zip(terms, self._terms, strict=True)]
            piece._spikes = [(direction, strength / parts, order) for direction, strength, order in self._spikes]
            piece.seed = piece.law = None  # no disorder of its own: it cannot be sampled or split again
            piece.couplings_storage = "auto"
            piece._build()
        return pieces

    def _points(self, points: Any) -> FloatArray:
        return self._domain.checked(points, dtype=self.dtype)

    def _anywhere(self, points: Any) -> FloatArray:
        return as_block(points, "points", self.size, self.dtype)

    def _spike_curvatures(self, block: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Each spike's v, |v|^2 = D, and the factor c(w) of its Hessian c v vᵀ, c = -s k (k-1) (w.v/D)^{k-2}/D."""
        for given, strength, order in self._spikes:
            if order > 1:
                direction = given * np.sqrt(self.size / (given @ given))
                overlap = block.astype(np.float64) @ direction / self.size
                curvature = -strength * order * (order - 1) * overlap ** (order - 2) / self.size
                yield direction.astype(self.dtype), curvature.astype(self.dtype)


def _same_spikes(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(
        mine[1:] == its[1:] and np.array_equal(mine[0], its[0]) for mine, its in zip(one, other, strict=True)
    )


def pure_scale(p: int, N: int) -> float:
    """Return N^{-(p-1)/2}."""
    return float(N ** (-(p - 1) / 2))
