r"""Spherical glasses: pure, mixed and layered Hamiltonians, with fields and spikes.

Convention (docs/conventions.md): points lie on the sphere |w|^2 = N, energies are extensive,

    H_N(w) = N^{-(p-1)/2} sum_{i1..ip=1}^N X_{i1..ip} w_{i1}...w_{ip},     E[H_N(w) H_N(w')] = N (w.w'/N)^p,

and the energy density is u = H_N/N, the papers' "scaled loss" (AISTATS15). p and N are the H and Λ of that paper.
Points are blocks (replicas, N), on the sphere to 1e-4 relative; members whose name begins with `euclidean_` take any
points. Arithmetic is done in the glass's dtype; the number of threads and the way replicas are batched never change a
bit of a result.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_block, as_dtype, as_integer, as_number, as_real, described
from spinscape.couplings import Law, as_order, checked_shape, packed_from_tensor, sampled_form, split_form
from spinscape.landscape import Combinable, Domain
from spinscape.randomness import RNG, seed_from
from spinscape.threads import as_threads

FloatArray = NDArray[Any]
Terms = list[tuple[_core.Form, float]]


class Glass(Combinable):
    """What all glasses share: evaluation of a sum of forms and rank-one terms on spheres. Use a subclass."""

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


class PureGlass(Glass):
    """The pure spherical p-spin glass, covariance N q^p.

    Parameters
    ----------
    p, N : order of interaction (2 to 20) and number of spins.
    rng : None, int, SeedSequence or Generator; one (rng, p, N, law) is one disorder, for every dtype.
    law : "gaussian", "rademacher", "uniform", "exponential" (Exp(1)-1) or "student-t" (needs `nu` > 2); variance 1.
    dtype : "float64" or "float32", the arithmetic of all evaluations.
    couplings_storage : "stored", "regenerated" (drawn again at every evaluation: the same results to the bit, hardly
        any memory, about 1 ns a coupling and core), or "auto": stored where they fit; else, up to 2e9 couplings,
        regenerated with a `StorageWarning`.

    Raises MemoryError with the bytes needed if the C(N+p-1, p) couplings do not fit.
    """

    def __init__(
        self,
        p: int,
        N: int,
        *,
        rng: RNG = None,
        law: str = "gaussian",
        nu: float | None = None,
        dtype: Any = "float64",
        couplings_storage: str = "auto",
        n_threads: int | None = None,
    ) -> None:
        self.p = as_order(p)
        self.N = as_integer(N, "N", 1)
        as_dtype(dtype)
        seed, resolved = seed_from(rng), Law(law, nu)
        form = sampled_form(self.p, self.N, resolved, seed, as_threads(n_threads), storage=couplings_storage)
        super().__init__((1, self.N), [(form, pure_scale(self.p, self.N))], dtype, seed, resolved)

    @classmethod
    def from_tensor(cls, tensor: Any, *, dtype: Any = "float64") -> Self:
        """Return the glass of any real (N,)*p array X; only its symmetric part matters. Values are kept in float64."""
        p, N, packed = packed_from_tensor(tensor)
        return cls.from_couplings(packed, p=p, N=N, dtype=dtype)

    @classmethod
    def from_couplings(cls, packed: Any, *, p: int, N: int, dtype: Any = "float64") -> Self:
        """Return the glass of packed couplings in the documented order (spinscape.couplings), kept in float64."""
        p, N = as_order(p), as_integer(N, "N", 1)
        shape = checked_shape(p, N, layered=False, single_precision=False)
        values = as_real(packed, "packed", np.dtype(np.float64))
        if values.shape != (shape.entries(),):
            raise ValueError(f"packed: expected shape ({shape.entries()},), got {values.shape}")
        glass = cls.__new__(cls)
        glass.p, glass.N = p, N
        form = _core.Form.from_packed(shape, values)
        Glass.__init__(glass, (1, N), [(form, pure_scale(p, N))], dtype, None, None)
        return glass

    @property
    def couplings(self) -> NDArray[np.float64]:
        """The packed couplings J in the documented order (spinscape.couplings), a new array."""
        return self._terms[0][0].packed()

    @property
    def xi(self) -> dict[int, float]:
        """Coefficients of ξ(q) = Σ c_p q^p; the covariance is N ξ(w.w'/N)."""
        return {self.p: 1.0}


class MixedGlass(Glass):
    """A mixed spherical glass H = Σ_p √c_p H^{(p)}, covariance N ξ(q), ξ(q) = Σ c_p q^p.

    `xi` maps each order p to c_p > 0; it is used as given, not normalised to ξ(1) = 1. Other parameters as PureGlass.
    """

    def __init__(
        self,
        xi: Mapping[int, float],
        N: int,
        *,
        rng: RNG = None,
        law: str = "gaussian",
        nu: float | None = None,
        dtype: Any = "float64",
        couplings_storage: str = "auto",
        n_threads: int | None = None,
    ) -> None:
        if not isinstance(xi, Mapping) or not xi:
            raise TypeError(f"xi: expected a non-empty mapping {{p: c_p}}, got {described(xi)}")
        self.xi = {as_order(p, "xi"): as_number(c, f"xi[{p}]", 0.0, exclusive=True) for p, c in xi.items()}
        self.N = as_integer(N, "N", 1)
        as_dtype(dtype)
        seed, resolved, threads = seed_from(rng), Law(law, nu), as_threads(n_threads)
        terms = [
            (
                sampled_form(p, self.N, resolved, seed, threads, storage=couplings_storage),
                float(np.sqrt(c)) * pure_scale(p, self.N),
            )
            for p, c in sorted(self.xi.items())
        ]
        super().__init__((1, self.N), terms, dtype, seed, resolved)


class LayeredGlass(Glass):
    """The layered glass on a product of p spheres: H = n^{-(p-1)/2} Σ X w1_{i1}...wp_{ip}, |w_l|^2 = n.

    Each layer has its own n weights: the "uncoupled" model of the papers. Points are (replicas, p n), layer by layer;
    the energy density is H/n. Covariance n Π_l (w_l.w_l'/n).
    """

    def __init__(
        self,
        p: int,
        n: int,
        *,
        rng: RNG = None,
        law: str = "gaussian",
        nu: float | None = None,
        dtype: Any = "float64",
        couplings_storage: str = "auto",
        n_threads: int | None = None,
    ) -> None:
        self.p = as_order(p)
        self.n = as_integer(n, "n", 1)
        as_dtype(dtype)
        seed, resolved = seed_from(rng), Law(law, nu)
        form = sampled_form(
            self.p, self.n, resolved, seed, as_threads(n_threads), layered=True, storage=couplings_storage
        )
        super().__init__((self.p, self.n), [(form, pure_scale(self.p, self.n))], dtype, seed, resolved)

    @property
    def couplings(self) -> NDArray[np.float64]:
        """The full coupling tensor X, shape (n,)*p, a new array."""
        return self._terms[0][0].packed().reshape((self.n,) * self.p)


def pure_scale(p: int, N: int) -> float:
    """Return N^{-(p-1)/2}."""
    return float(N ** (-(p - 1) / 2))
