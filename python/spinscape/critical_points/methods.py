"""The ways to a critical point, a class each; a name with keywords stands for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

from spinscape.arrays import as_choice, as_integer
from spinscape.critical_points.surfaces import fits

HessianName = Literal["auto", "dense", "krylov"]
SearchName = Literal["auto", "follow", "newton"]

HESSIANS = ("auto", "dense", "krylov")


@dataclass(frozen=True)
class SearchMethod:
    """A way to a critical point: `Follow` or `Newton`.

    hessian : "dense" (whole Hessians), "krylov" (Hessian-vector products only) or "auto": dense up to
        `largest_dense` coordinates, where the matrices fit.
    max_steps : steps a replica; default `default_steps`.
    """

    hessian: HessianName = "auto"
    max_steps: int | None = None
    name: ClassVar[str] = ""
    largest_dense: ClassVar[int] = 0  # beyond, one decomposition takes longer than an interrupt may wait
    default_steps: ClassVar[int] = 50

    def __post_init__(self) -> None:
        as_choice(self.hessian, "hessian", HESSIANS)
        if self.max_steps is not None:
            as_integer(self.max_steps, "max_steps", 0, 10**6)

    def steps(self, default: int | None = None) -> int:
        """Return the largest number of steps."""
        fallback = self.default_steps if default is None else default
        return fallback if self.max_steps is None else int(self.max_steps)

    def kind(self, size: int) -> HessianName:
        """Return "dense" or "krylov" for a landscape of so many coordinates."""
        if self.hessian != "auto":
            return self.hessian
        return "dense" if size <= self.largest_dense and fits(5 * 8 * size**2) else "krylov"


@dataclass(frozen=True)
class Follow(SearchMethod):
    """Eigenvector following: uphill along the lowest directions of the Hessian, downhill along all others.

    hessian : "dense": the whole spectrum every step. "krylov": Lanczos for the lowest directions, conjugate gradients
        for the others; worth it for small indices. "auto": dense up to 600 coordinates.
    max_steps : default 400; Newton's at the end come on top.
    """

    name: ClassVar[str] = "follow"
    largest_dense: ClassVar[int] = 600
    default_steps: ClassVar[int] = 400


@dataclass(frozen=True)
class Newton(SearchMethod):
    """Newton's method with decreasing |g|, as `refine` does it.

    hessian : "dense": Cholesky or LU factorisations. "krylov": conjugate gradients and MINRES. "auto": dense up to
        2000 coordinates.
    max_steps : default 50, in searches 400.
    """

    name: ClassVar[str] = "newton"
    largest_dense: ClassVar[int] = 2000


Way = TypeVar("Way", bound=SearchMethod)


def as_search_method(kind: type[Way], method: Any, max_steps: Any) -> Way:
    """Return the method of a kind of Hessian, "auto", "dense" or "krylov", and its steps; or the object itself."""
    if isinstance(method, SearchMethod):
        if not isinstance(method, kind):
            raise TypeError(f"method: expected {kind.__name__}(...) or one of {HESSIANS}, got {type(method).__name__}")
        refuse_beside(method, max_steps)
        return method
    return kind(as_choice(method, "method", HESSIANS), max_steps)  # type: ignore[arg-type]


def refuse_beside(method: SearchMethod, max_steps: Any) -> None:
    """Raise ValueError where steps are given beside an object that has its own."""
    if max_steps is not None:
        raise ValueError(f"max_steps: expected None beside {type(method).__name__}(...), which has its own")
