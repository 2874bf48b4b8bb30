"""The mixed glass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_dtype, as_integer, as_number, described
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
        law: LawName = "gaussian",
        nu: float | None = None,
        dtype: Any = "float64",
        couplings_storage: StorageName = "auto",
        n_threads: int | None = None,
    ) -> None:
        self.xi = _as_xi(xi)
        self.N = as_integer(N, "N", 1)
        as_dtype(dtype)
        self.seed, self.law, self.couplings_storage = seed_from(rng), Law(law, nu), couplings_storage
        super().__init__((1, self.N), self._draw(as_threads(n_threads)), dtype, self.seed, self.law)

    def _draw(self, n_threads: int) -> Terms:
        assert self.law is not None
        assert self.seed is not None
        orders = sorted(self.xi)
        forms = sampled_forms(orders, self.N, self.law, self.seed, n_threads, storage=self.couplings_storage)
        return list(zip(forms, self._scales(), strict=True))

    def _scales(self) -> list[float]:
        return [float(np.sqrt(c)) * pure_scale(p, self.N) for p, c in sorted(self.xi.items())]

    def _recipe(self) -> dict[str, Any]:
        return {"xi": dict(sorted(self.xi.items())), "N": self.N}

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[int, Any], *, xi: Mapping[int, float] | None = None, dtype: Any = "float64"
    ) -> Self:
        """Return the glass Σ_p √c_p N^{-(p-1)/2} X^{(p)}·w^p of real (N,)*p arrays X^{(p)}, {p: X}.

        Only the symmetric parts matter; values are kept in float64. `xi` gives the c_p; default 1 each.
        """
        if not isinstance(tensors, Mapping) or not tensors:
            raise TypeError(f"tensors: expected a non-empty mapping {{p: X}}, got {described(tensors)}")
        packed, sizes = {}, set()
        for p, tensor in tensors.items():
            order, N, packed[as_order(p, "tensors")] = packed_from_tensor(tensor, f"tensors[{p}]")
            sizes.add(N)
            if order != p or len(sizes) > 1:
                expected = f"shape ({min(sizes)},)*{p}"
                raise ValueError(f"tensors[{p}]: expected {expected}, got {np.shape(tensor)}")
        return cls.from_couplings(packed, N=sizes.pop(), xi=xi, dtype=dtype)

    @classmethod
    def from_couplings(
        cls,
        couplings: Mapping[int, Any],
        *,
        N: int,
        xi: Mapping[int, float] | None = None,
        dtype: Any = "float64",
    ) -> Self:
        """Return the glass of packed couplings {p: J} in the documented order, kept in float64; `xi` as above."""
        if not isinstance(couplings, Mapping) or not couplings:
            raise TypeError(f"couplings: expected a non-empty mapping {{p: J}}, got {described(couplings)}")
        glass = cls.__new__(cls)
        glass.xi = _as_xi(dict.fromkeys(couplings, 1.0) if xi is None else xi)
        glass.N = as_integer(N, "N", 1)
        if set(glass.xi) != {as_order(p, "couplings") for p in couplings}:
            raise ValueError(f"xi: expected the orders {sorted(couplings)} of the couplings, got {sorted(glass.xi)}")
        forms = [given_form(p, glass.N, False, couplings[p], f"couplings[{p}]") for p in sorted(glass.xi)]
        Glass.__init__(glass, (1, glass.N), list(zip(forms, glass._scales(), strict=True)), dtype, None, None)
        return glass

    @property
    def couplings(self) -> dict[int, NDArray[np.float64]]:
        """The packed couplings J^{(p)} of each order in the documented order, without √c_p; new arrays."""
        return {form.shape.order: form.packed() for form, _ in self._terms}

    def to_tensor(self, p: int) -> NDArray[np.float64]:
        """Return the symmetric part of X^{(p)}, shape (N,)*p, without √c_p."""
        if as_order(p) not in self.xi:
            raise ValueError(f"p: expected one of the orders {sorted(self.xi)}, got {p!r}")
        return tensor_from_packed(self.couplings[p], p, self.N)


def _as_xi(xi: Any) -> dict[int, float]:
    if not isinstance(xi, Mapping) or not xi:
        raise TypeError(f"xi: expected a non-empty mapping {{p: c_p}}, got {described(xi)}")
    return {as_order(p, "xi"): as_number(c, f"xi[{p}]", 0.0, exclusive=True) for p, c in xi.items()}
