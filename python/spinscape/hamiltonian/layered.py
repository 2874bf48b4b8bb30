"""The layered glass."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_dtype, as_integer
from spinscape.couplings import Law, LawName, StorageName, as_order, sampled_forms
from spinscape.hamiltonian.base import Glass, Terms, pure_scale
from spinscape.randomness import RNG, seed_from
from spinscape.threads import as_threads


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
        law: LawName = "gaussian",
        nu: float | None = None,
        dtype: Any = "float64",
        couplings_storage: StorageName = "auto",
        n_threads: int | None = None,
    ) -> None:
        self.p = as_order(p)
        self.n = as_integer(n, "n", 1)
        as_dtype(dtype)
        self.seed, self.law, self.couplings_storage = seed_from(rng), Law(law, nu), couplings_storage
        super().__init__((self.p, self.n), self._draw(as_threads(n_threads)), dtype, self.seed, self.law)

    def _draw(self, n_threads: int) -> Terms:
        assert self.law is not None
        assert self.seed is not None
        forms = sampled_forms(
            [self.p], self.n, self.law, self.seed, n_threads, layered=True, storage=self.couplings_storage
        )
        return [(forms[0], pure_scale(self.p, self.n))]

    def _recipe(self) -> dict[str, Any]:
        return {"p": self.p, "n": self.n}

    @property
    def symmetries(self) -> NDArray[np.float64]:
        """Changes of sign that leave the energy as it is, (2^{p-1}, p n): those of an even number of layers."""
        if self._spikes:
            return super().symmetries
        memory.require(8 * 2 ** (self.p - 1) * self.size, f"p: the {2 ** (self.p - 1):,} symmetries of {self.p} layers")
        flips = [signs for signs in product((1.0, -1.0), repeat=self.p) if np.prod(signs) > 0]
        return np.repeat(np.array(flips), self.n, axis=1)

    @property
    def couplings(self) -> NDArray[np.float64]:
        """The full coupling tensor X, shape (n,)*p, a new array."""
        return self._terms[0][0].packed().reshape((self.n,) * self.p)

    def to_tensor(self) -> NDArray[np.float64]:
        """Return X, shape (n,)*p; the same as `couplings`."""
        return self.couplings
