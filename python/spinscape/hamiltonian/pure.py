"""The pure p-spin glass."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_dtype, as_integer
from spinscape.couplings import (
    Law,
    LawName,
    StorageName,
    as_order,
    given_form,
    packed_from_tensor,
    sampled_forms,
    tensor_from_packed,
)
from spinscape.hamiltonian.base import Glass, Terms, pure_scale
from spinscape.randomness import RNG, seed_from
from spinscape.threads import as_threads


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
        law: LawName = "gaussian",
        nu: float | None = None,
        dtype: Any = "float64",
        couplings_storage: StorageName = "auto",
        n_threads: int | None = None,
    ) -> None:
        self.p = as_order(p)
        self.N = as_integer(N, "N", 1)
        as_dtype(dtype)
        self.seed, self.law, self.couplings_storage = seed_from(rng), Law(law, nu), couplings_storage
        super().__init__((1, self.N), self._draw(as_threads(n_threads)), dtype, self.seed, self.law)

    def _draw(self, n_threads: int) -> Terms:
        assert self.law is not None
        assert self.seed is not None
        forms = sampled_forms([self.p], self.N, self.law, self.seed, n_threads, storage=self.couplings_storage)
        return [(forms[0], pure_scale(self.p, self.N))]

    def _recipe(self) -> dict[str, Any]:
        return {"p": self.p, "N": self.N}

    @classmethod
    def from_tensor(cls, tensor: Any, *, dtype: Any = "float64") -> Self:
        """Return the glass of any real (N,)*p array X; only its symmetric part matters. Values are kept in float64."""
        p, N, packed = packed_from_tensor(tensor)
        return cls.from_couplings(packed, p=p, N=N, dtype=dtype)

    @classmethod
    def from_couplings(cls, packed: Any, *, p: int, N: int, dtype: Any = "float64") -> Self:
        """Return the glass of packed couplings in the documented order (spinscape.couplings), kept in float64."""
        p, N = as_order(p), as_integer(N, "N", 1)
        glass = cls.__new__(cls)
        glass.p, glass.N = p, N
        form = given_form(p, N, False, packed, "packed")
        Glass.__init__(glass, (1, N), [(form, pure_scale(p, N))], dtype, None, None)
        return glass

    @property
    def couplings(self) -> NDArray[np.float64]:
        """The packed couplings J in the documented order (spinscape.couplings), a new array."""
        return self._terms[0][0].packed()

    def to_tensor(self) -> NDArray[np.float64]:
        """Return the symmetric part of X, shape (N,)*p: `from_tensor` of it is the same glass, up to rounding."""
        return tensor_from_packed(self.couplings, self.p, self.N)

    @property
    def xi(self) -> dict[int, float]:
        """Coefficients of ξ(q) = Σ c_p q^p; the covariance is N ξ(w.w'/N)."""
        return {self.p: 1.0}
