"""Landscapes of plain functions: numpy's, JAX's, torch's, of a block of points or of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_block, as_flag, as_integer, as_number, described
from spinscape.landscape.called import checked_answers
from spinscape.landscape.composed import Combinable
from spinscape.landscape.domain import FLOAT64, Domain

FloatArray = NDArray[Any]
Function = Callable[..., Any]


@dataclass(frozen=True, eq=False, repr=False)
class FunctionLandscape(Combinable):
    """What `landscape_from` makes: a landscape whose members are the functions given, None where none was."""

    domain: Domain
    energy: Function
    gradient: Function
    hvp: Function | None
    hessian: Function | None
    energy_gradient: Function | None
    energy_scale: float | None
    filters: Sequence[Any] | None

    @property
    def size(self) -> int:
        """Number of coordinates of a point."""
        return self.domain.size

    def __repr__(self) -> str:
        given = [name for name in ("hvp", "hessian", "energy_gradient") if getattr(self, name) is not None]
        return f"landscape_from({', '.join(['energy', 'gradient', *given])}) on {self.domain!r}"


def landscape_from(
    energy: Function,
    gradient: Function,
    hvp: Function | None = None,
    hessian: Function | None = None,
    *,
    size: int | None = None,
    domain: Domain | None = None,
    batched: bool = True,
    energy_gradient: Function | None = None,
    array: Function | None = None,
    energy_scale: float | None = None,
    filters: Sequence[Any] | None = None,
) -> FunctionLandscape:
    """Return the landscape of functions of your own.

    Parameters
    ----------
    energy, gradient, hvp, hessian : of a block: energy(points) (rows,), gradient(points) (rows, size), hvp(points,
        vectors) (rows, size), hessian(points) (rows, size, size); with `batched=False` of one point: a number, (size,),
        (size,), (size, size). The last two may be left out, as far as no algorithm asks for them.
    size : coordinates of a point on flat space.
    domain : instead of `size`, where points live. On spheres the functions are those of the protocol: tangent
        gradients, Riemannian Hessians. What automatic differentiation gives is Euclidean: leave the domain flat, and
        put the landscape on spheres with `on_spheres`.
    energy_gradient : both at once, as from `jax.value_and_grad`: half the work where a function has that.
    array : what a float64 numpy array is turned into for the functions: `torch.from_numpy`, `jax.numpy.asarray`.
        Default: nothing. Answers may be anything that numpy reads as an array, and tensors with a history.
    energy_scale : what an energy is divided by to give the energy density.
    filters : groups of coordinates that belong together, arrays of integers.

    A function gets a copy of the points and may work in place. Raises TypeError or ValueError naming the argument, at
    a call the function whose answer has the wrong kind or shape. `check_landscape` says whether gradient and Hessian
    are those of the energy.
    """
    if (size is None) == (domain is None):
        raise TypeError(f"size: expected either size or domain, got size={size!r} and domain={domain!r}")
    if domain is not None and not isinstance(domain, Domain):
        raise TypeError(f"domain: expected a Domain, got {described(domain)}")
    place = Domain.flat(as_integer(size, "size", 1)) if domain is None else domain
    n = place.size
    given = {"energy": energy, "gradient": gradient, "hvp": hvp, "hessian": hessian, "energy_gradient": energy_gradient}
    shapes: dict[str, tuple[tuple[int, ...], ...]] = {
        "energy": ((),),
        "gradient": ((n,),),
        "hvp": ((n,),),
        "hessian": ((n, n),),
        "energy_gradient": ((), (n,)),
    }
    whole = as_flag(batched, "batched")
    members = {
        name: None
        if function is None and name not in ("energy", "gradient")
        else _Answers(
            _as_function(function, name),
            name,
            place,
            shapes[name],
            whole,
            _as_function(array, "array", True),
        )
        for name, function in given.items()
    }
    scale = None if energy_scale is None else as_number(energy_scale, "energy_scale", 0.0, exclusive=True)
    return FunctionLandscape(domain=place, energy_scale=scale, filters=filters, **members)  # type: ignore[arg-type]


def _as_function(value: Any, name: str, optional: bool = False) -> Any:
    if not callable(value) and not (optional and value is None):
        raise TypeError(f"{name}: expected a function, got {described(value)}")
    return value


@dataclass(frozen=True, eq=False)
class _Answers:
    """A function as a member of a landscape: arguments checked, the answer of a block from one call or a call a row."""

    function: Function
    name: str
    domain: Domain
    shapes: tuple[tuple[int, ...], ...]
    batched: bool
    array: Function | None

    def __call__(self, points: Any, *vectors: Any) -> Any:
        block = self.domain.checked(points)
        blocks = [block, *(as_block(v, "vectors", self.domain.size, FLOAT64, rows=len(block)) for v in vectors)]
        wanted = tuple((len(block), *shape) for shape in self.shapes)
        if len(block) == 0:
            parts = [np.empty(shape) for shape in wanted]
        elif self.batched:
            parts = checked_answers(self._read(self.function(*map(self._given, blocks))), wanted, self.name)
        else:
            rows = [self._row(arguments) for arguments in zip(*blocks, strict=True)]
            parts = [np.array(column) for column in zip(*rows, strict=True)]
        return parts[0] if len(parts) == 1 else tuple(parts)

    def _row(self, arguments: tuple[FloatArray, ...]) -> list[FloatArray]:
        answer = self._read(self.function(*map(self._given, arguments)))
        return checked_answers(answer, self.shapes, self.name)

    def _given(self, block: FloatArray) -> Any:
        return block.copy() if self.array is None else self.array(block.copy())

    def _read(self, answer: Any) -> Any:
        if len(self.shapes) > 1 and isinstance(answer, (tuple, list)):
            return tuple(map(_detached, answer))
        return _detached(answer)


def _detached(answer: Any) -> Any:
    """A torch tensor without its history, which numpy does not read; anything else as it is."""
    return answer.detach().cpu() if hasattr(answer, "detach") else answer
