r"""One pure glass whose couplings are drawn anew, slab by slab, by the workers of any executor.

In packed order the couplings with last index i are contiguous, and are themselves a packed tensor J^i of order p - 1 in
the variables 0..i. With G_i(w) the sum over j1 <= ... <= j_{p-1} <= i of J^i_{j1..j_{p-1}} w_{j1}...w_{j_{p-1}},

    F(w)  = sum_i w_i G_i(w)
    dF    = sum_i (w_i dG_i + G_i e_i)
    d2F v = sum_i (w_i d2G_i v + v_i dG_i + (dG_i.v) e_i).

A slab is a range of i with about the same number of couplings as every other. Nobody ever holds more than one J^i: the
memory is that of the points and of C(N+p-2, p-1) couplings, and N grows past one machine. Slabs are summed in their
order in float64: the bits depend on the number of slabs, not on the executor, its workers, or their threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_block, as_dtype, as_integer
from spinscape.couplings import Law, as_order
from spinscape.hamiltonian import pure_scale
from spinscape.landscape import Combinable, Domain
from spinscape.randomness import RNG, seed_from
from spinscape.study.pools import worker_count
from spinscape.threads import as_threads

FloatArray = NDArray[Any]


@dataclass(frozen=True)
class Slab:
    """The couplings whose last index is in [first, last), of one disorder."""

    p: int
    law: Law
    seed: int
    first: int
    last: int


class SlabGlass(Combinable):
    """The pure p-spin glass of `PureGlass`, the same disorder for the same (rng, p, N, law), evaluated slab by slab.

    Parameters
    ----------
    p, N, rng, law, nu, dtype : as for PureGlass.
    slabs : pieces an evaluation is cut into, at most N; more of them balance better, each costs one message of the
        size of the points and one of the gradients.
    executor : None (this process) or any concurrent.futures.Executor.
    n_threads : in this process, slabs side by side (None: all the processor quota allows); in an executor, threads of
        each slab (None: 1).

    Evaluations equal PureGlass's up to the order of summation, about 1e-15 relative in float64. It is a landscape:
    every algorithm takes it, each step one evaluation by the executor. Pickled it is its recipe, without the executor.
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
        slabs: int = 64,
        executor: Executor | None = None,
        n_threads: int | None = None,
    ) -> None:
        self.p, self.N = as_order(p), as_integer(N, "N", 1)
        self.dtype, self.law, self.seed = as_dtype(dtype), Law(law, nu), seed_from(rng)
        if executor is not None and not isinstance(executor, Executor):
            raise TypeError(f"executor: expected None or a concurrent.futures.Executor, got {type(executor).__name__}")
        if comb(self.N + self.p - 1, self.p) >= 2**63:
            raise OverflowError(f"N: the couplings of p={self.p}, N={self.N} exceed 64-bit indices")
        memory.require(8 * largest_piece(self.p, self.N), f"N: one piece of the couplings of p={self.p}, N={self.N}")
        self._executor = executor
        self._threads = as_threads(n_threads) if executor is None else as_threads(n_threads or 1)
        self._count = as_integer(slabs, "slabs", 1, 10**6)
        self._slabs = self._cut()

    def _cut(self) -> list[Slab]:
        bounds = slab_bounds(self.p, self.N, self._count)
        return [Slab(self.p, self.law, self.seed, first, last) for first, last in pairwise(bounds)]

    def __getstate__(self) -> dict[str, Any]:
        """The recipe; an executor belongs to its process, and elsewhere the slabs are evaluated where the glass is."""
        return {**self.__dict__, "_executor": None, "_slabs": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._slabs = self._cut()

    def __repr__(self) -> str:
        own = f"SlabGlass(p={self.p}, N={self.N}, seed={self.seed}, slabs={self._count}"
        law = "" if self.law == Law() else f", law={self.law.name!r}, nu={self.law.nu}"
        return own + law + ("" if self.dtype == np.float64 else f", dtype={self.dtype.name!r}") + ")"

    @property
    def size(self) -> int:
        """Number of coordinates of a point, N."""
        return self.N

    @property
    def domain(self) -> Domain:
        """The sphere |w|^2 = N."""
        return Domain.spheres(self.N)

    @property
    def xi(self) -> dict[int, float]:
        """Coefficients of ξ(q) = Σ c_p q^p; the covariance is N ξ(w.w'/N)."""
        return {self.p: 1.0}

    @property
    def energy_scale(self) -> int:
        """What an extensive energy is divided by to give the energy density u: N."""
        return self.N

    def random_points(self, count: int, *, rng: RNG = None) -> FloatArray:
        """Return the points of `PureGlass.random_points`, (count, N)."""
        return self.domain.random_points(count, rng=rng).astype(self.dtype, copy=False)

    def energy_gradient(self, points: Any) -> tuple[FloatArray, FloatArray]:
        """Return the extensive energies (replicas,) and Riemannian gradients (replicas, N) from one pass."""
        w = self._points(points)
        energy, gradient = self._summed(w, None)
        radial = np.einsum("ri,ri->r", w, gradient) / self.N
        return energy.astype(self.dtype), (gradient - radial[:, None] * w).astype(self.dtype)

    def energy(self, points: Any) -> FloatArray:
        """Return the extensive energies H(w), (replicas,)."""
        return self.energy_gradient(points)[0]

    def energy_density(self, points: Any) -> FloatArray:
        """Return u = H/N, (replicas,)."""
        density: FloatArray = self.energy(points) / self.dtype.type(self.N)
        return density

    def gradient(self, points: Any) -> FloatArray:
        """Return the Riemannian gradient g = ∇H - (w.∇H/N) w, (replicas, N)."""
        return self.energy_gradient(points)[1]

    def hvp(self, points: Any, vectors: Any) -> FloatArray:
        """Return the Riemannian Hessian P∇²HP - (w.∇H/N)P times the tangent part of each vector, (replicas, N)."""
        w = self._points(points)
        v = as_block(vectors, "vectors", self.N, self.dtype, rows=w.shape[0]).astype(np.float64)
        tangent = v - (np.einsum("ri,ri->r", w, v) / self.N)[:, None] * w
        gradient, product = self._summed(w, tangent)
        product -= (np.einsum("ri,ri->r", w, product) / self.N)[:, None] * w
        product -= (np.einsum("ri,ri->r", w, gradient) / self.N)[:, None] * tangent
        return product.astype(self.dtype)

    def euclidean_energy_gradient(self, points: Any) -> tuple[FloatArray, FloatArray]:
        """Return H (replicas,) and ∇H (replicas, N) at any points, from one pass."""
        energy, gradient = self._summed(self._anywhere(points), None)
        return energy.astype(self.dtype), gradient.astype(self.dtype)

    def euclidean_energy(self, points: Any) -> FloatArray:
        """Return H(w) at any points, (replicas,)."""
        return self.euclidean_energy_gradient(points)[0]

    def euclidean_gradient(self, points: Any) -> FloatArray:
        """Return ∇H at any points, (replicas, N)."""
        return self.euclidean_energy_gradient(points)[1]

    def euclidean_hvp(self, points: Any, vectors: Any) -> FloatArray:
        """Return ∇²H at any points times the row of `vectors`, (replicas, N)."""
        w = self._anywhere(points)
        v = as_block(vectors, "vectors", self.N, self.dtype, rows=w.shape[0]).astype(np.float64)
        return self._summed(w, v)[1].astype(self.dtype)

    def _points(self, points: Any) -> NDArray[np.float64]:
        return self._anywhere(self.domain.checked(points, dtype=self.dtype))

    def _anywhere(self, points: Any) -> NDArray[np.float64]:
        block = as_block(points, "points", self.N, self.dtype).astype(np.float64)
        memory.require(6 * block.nbytes, f"points: evaluating {block.shape[0]:,} points of {self.N} coordinates")
        return block

    @np.errstate(over="ignore", invalid="ignore")  # as in the core: what overflows is inf
    def _summed(self, w: NDArray[Any], v: NDArray[Any] | None) -> tuple[NDArray[Any], NDArray[Any]]:
        """Energy and gradient, or with vectors gradient and Hessian product, summed over the slabs in their order."""
        total: tuple[NDArray[Any], NDArray[Any]] | None = None
        for one, two in self._parts(w, v):
            if total is None:
                total = one, two
            else:
                np.add(total[0], one, out=total[0])
                np.add(total[1], two, out=total[1])
        assert total is not None
        scale = pure_scale(self.p, self.N)
        return total[0] * scale, total[1] * scale

    def _parts(self, w: NDArray[Any], v: NDArray[Any] | None) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """The slabs' contributions in order; in an executor a limited number of them is on its way at once."""
        dtype = self.dtype.str
        if self._executor is not None:
            yield from _in_order(self._executor, self._slabs, w, v, dtype, self._threads)
        elif self._threads == 1:
            for slab in self._slabs:
                yield contribution(slab, w, v, dtype, 1)
        else:  # slabs side by side: a parallel region inside each of the N pieces would cost more than it gains
            with ThreadPoolExecutor(self._threads) as executor:
                yield from _in_order(executor, self._slabs, w, v, dtype, 1)


def _in_order(
    executor: Executor, slabs: list[Slab], w: NDArray[Any], v: NDArray[Any] | None, dtype: str, n_threads: int
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    window = 2 * worker_count(executor)
    flying: deque[Future[tuple[NDArray[Any], NDArray[Any]]]] = deque()
    try:
        for slab in slabs:
            flying.append(executor.submit(contribution, slab, w, v, dtype, n_threads))
            if len(flying) >= window:
                yield flying.popleft().result()
        while flying:
            yield flying.popleft().result()
    finally:
        for future in flying:
            future.cancel()


@np.errstate(over="ignore", invalid="ignore")
def contribution(
    slab: Slab, w: NDArray[Any], v: NDArray[Any] | None, dtype: str, n_threads: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """One slab's energy (replicas,) and gradient, or with vectors its gradient and Hessian product, (replicas, N)."""
    kind = _core.LawKind[slab.law.name.replace("-", "_")]
    disorder = _core.Disorder(kind, slab.law.nu or 0.0, slab.seed, slab.p, False)
    energy, gradient, product = np.zeros(len(w)), np.zeros_like(w), np.zeros_like(w)
    for i in range(slab.first, slab.last):
        couplings = _core.couplings_at(disorder, comb(i + slab.p - 1, slab.p), comb(i + slab.p - 1, slab.p - 1))
        here, tangent = w[:, i], None if v is None else v[:, : i + 1]
        inner, slope, bend = _piece(slab.p - 1, couplings, w[:, : i + 1], tangent, dtype, n_threads)
        energy += here * inner
        gradient[:, : i + 1] += here[:, None] * slope
        gradient[:, i] += inner
        if v is not None and bend is not None:
            product[:, : i + 1] += here[:, None] * bend + v[:, i, None] * slope
            product[:, i] += np.einsum("rj,rj->r", slope, v[:, : i + 1])
    return (energy, gradient) if v is None else (gradient, product)


def _piece(
    order: int, couplings: NDArray[Any], w: NDArray[Any], v: NDArray[Any] | None, dtype: str, n_threads: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]:
    """G_i, its gradient and, with vectors, its Hessian product, from the kernels in `dtype`."""
    if order == 1:  # G_i is linear
        slope = np.broadcast_to(couplings.astype(np.float64), w.shape)
        return np.einsum("rj,rj->r", slope, w), slope, None if v is None else np.zeros_like(w)
    form = _core.Form.from_packed(_core.FormShape(order, w.shape[1]), couplings, n_threads)
    points = np.ascontiguousarray(w, dtype)
    if v is None:
        inner, slope = form.energy_gradient(points, n_threads)
        return inner.astype(np.float64), slope.astype(np.float64), None
    slope, bend = (part.astype(np.float64) for part in form.hvp(points, np.ascontiguousarray(v, dtype), n_threads))
    return np.einsum("rj,rj->r", w, slope) / order, slope, bend


def slab_bounds(p: int, N: int, slabs: int) -> list[int]:
    """Return 0 = b_0 < b_1 < ... = N: the last indices of slab k are b_k..b_{k+1}-1, with about equal couplings."""
    total, bounds = comb(N + p - 1, p), [0]
    for k in range(1, slabs):
        low, high = bounds[-1], N
        while low < high:  # the first b with at least k/slabs of all couplings below it
            middle = (low + high) // 2
            low, high = (middle + 1, high) if comb(middle + p - 1, p) * slabs < k * total else (low, middle)
        if bounds[-1] < low < N:
            bounds.append(low)
    return [*bounds, N]


def largest_piece(p: int, N: int) -> int:
    """Return the number of couplings of the last index N - 1: the most that are held at once."""
    return comb(N + p - 2, p - 1)
