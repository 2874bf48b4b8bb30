"""How algorithms call a landscape: every argument and answer through the array door, nothing called in vain.

`as_landscape` leaves a glass as it is, for its energies come from the core, and wraps anything else once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_array, as_block
from spinscape.landscape.domain import FLOAT64, Domain
from spinscape.landscape.protocol import domain_of, require_landscape

FloatArray = NDArray[Any]
Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

# Coordinates of the vectors in one call where a Hessian is made of products: 8 MiB.
_COLUMNS_AT_ONCE = 2**20


def as_landscape(value: Any, name: str = "landscape") -> CalledLandscape:
    """Return the landscape as algorithms call it, or raise TypeError naming what it lacks.

    A glass (whatever has the core's energy in `_core`) is returned as it is, with the members of a `CalledLandscape`.
    """
    if isinstance(value, CalledLandscape):
        return value
    if isinstance(getattr(value, "_core", None), _core.Glass):
        return cast(CalledLandscape, value)
    require_landscape(value, name)
    return CalledLandscape(value, name)


def on_domain(landscape: Any, points: Any, dtype: Any = FLOAT64, name: str = "points") -> FloatArray:
    """Return the points as a block of `dtype`; on spheres, |w|^2 must be right to 1e-4 relative."""
    return domain_of(landscape).checked(points, name, dtype)


def retracted(landscape: Any, block: FloatArray) -> FloatArray:
    """Return points put on the spheres to rounding, (replicas, size); the block itself on flat space."""
    domain = domain_of(landscape)
    if not domain.curved:
        return block
    memory.require(2 * block.nbytes, f"points: {block.shape[0]:,} of {domain.size} coordinates")
    return domain.retract(block)


def landscape_first(function: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
    """Let the first argument, `landscape`, also be given by its name of version 0.1.0, `glass=`."""

    @wraps(function)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        if "glass" in kwargs:
            if args or "landscape" in kwargs:
                raise TypeError(f"{function.__name__}: expected one of landscape and glass, its former name, got both")
            kwargs["landscape"] = kwargs.pop("glass")
        return function(*args, **kwargs)

    return call


class CalledLandscape:
    """A landscape of the user's own as algorithms call it; its members are those of `spinscape.landscape.protocol`.

    Points off the spheres are refused, but by the Euclidean members. Answers become float64 of the right shape, or
    TypeError or ValueError names the member; they need not be finite: what an overflow at a tried point means is for
    the algorithm to say. No member is called with a block of no rows. The first block that a member answers is asked
    twice: where the two answers differ, ValueError names the member, for no algorithm can converge on noise. What is
    missing of `hvp` and `hessian` is made from the other, and fused members from their parts; another member that is
    missing is a TypeError with its name.
    """

    def __init__(self, landscape: Any, name: str = "landscape", *, ask_twice: bool = True) -> None:
        self.landscape, self.name = landscape, name
        self._domain = domain_of(landscape, name)
        self._ask_twice, self._asked = ask_twice, set[str]()

    @property
    def size(self) -> int:
        """Number of coordinates of a point."""
        return self._domain.size

    @property
    def domain(self) -> Domain:
        """Where points live."""
        return self._domain

    @property
    def energy_scale(self) -> float:
        """What an energy is divided by to give u: the landscape's own, else the size of equal spheres, else 1."""
        given = getattr(self.landscape, "energy_scale", None)
        return float(self._domain.equal_size or 1 if given is None else given)

    @property
    def exact_derivatives(self) -> bool:
        """Whether gradients, products and Hessians are exact by construction, and need no check."""
        return bool(getattr(self.landscape, "exact_derivatives", False))

    @property
    def surface(self) -> _core.Surface:
        """The landscape for the core, which calls it back a block at a time."""
        domain = _core.Domain(self._domain.sizes, self._domain.flat_size)
        return _core.PythonSurface(self, domain, self.energy_scale)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The arithmetic of points and gradients, float64; a glass may have float32."""
        return FLOAT64

    @property
    def batches(self) -> Any:
        """The landscape's `batches`, or None."""
        return getattr(self.landscape, "batches", None)

    @property
    def filters(self) -> Any:
        """The landscape's `filters`, or None."""
        return getattr(self.landscape, "filters", None)

    def offers(self, member: str) -> bool:
        """Whether an algorithm may ask for the member."""
        if member.startswith("euclidean_") and not self._domain.curved and not self._has(member):
            member = member.removeprefix("euclidean_")  # on flat space there is no difference
        prefix = "euclidean_" if member.startswith("euclidean_") else ""
        kind = member.removeprefix(prefix)
        if kind in ("hvp", "hessian"):
            return self._has(prefix + "hvp") or self._has(prefix + "hessian")
        if kind == "energy_gradient":
            return self._has(member) or (self._has(prefix + "energy") and self._has(prefix + "gradient"))
        return member == "energy_scale" or self._has(member)

    def energy(self, points: Any) -> FloatArray:
        """Return the energies, (replicas,)."""
        return self._energy("energy", self._domain.checked(points))

    def gradient(self, points: Any) -> FloatArray:
        """Return the gradients, (replicas, size)."""
        return self._gradient("gradient", self._domain.checked(points))

    def energy_gradient(self, points: Any) -> tuple[FloatArray, FloatArray]:
        """Return energies and gradients, of one evaluation where the landscape offers that."""
        return self._energy_gradient("", self._domain.checked(points))

    def hvp(self, points: Any, vectors: Any) -> FloatArray:
        """Return the Hessian at each point times the row of `vectors`, (replicas, size)."""
        return self._hvp("", self._domain.checked(points), vectors)

    def hessian(self, points: Any) -> FloatArray:
        """Return the Hessians, (replicas, size, size), as they are answered, or made symmetric from products."""
        block = self._domain.checked(points)
        hessians = self._hessian("", block)
        return hessians if self._has("hessian") else symmetric_parts(hessians)

    def euclidean_energy(self, points: Any) -> FloatArray:
        """Return the energies at any points of the surrounding space, (replicas,)."""
        return self._energy(self._prefix("energy") + "energy", self._anywhere(points))

    def euclidean_gradient(self, points: Any) -> FloatArray:
        """Return the gradients in the surrounding space, (replicas, size)."""
        return self._gradient(self._prefix("gradient") + "gradient", self._anywhere(points))

    def euclidean_energy_gradient(self, points: Any) -> tuple[FloatArray, FloatArray]:
        """Return energies and gradients in the surrounding space."""
        return self._energy_gradient(self._prefix("energy_gradient"), self._anywhere(points))

    def euclidean_hvp(self, points: Any, vectors: Any) -> FloatArray:
        """Return the Hessian in the surrounding space times the row of `vectors`, (replicas, size)."""
        return self._hvp(self._prefix("hvp"), self._anywhere(points), vectors)

    def euclidean_hessian(self, points: Any) -> FloatArray:
        """Return the Hessians in the surrounding space, (replicas, size, size)."""
        return self._hessian(self._prefix("hessian"), self._anywhere(points))

    def __repr__(self) -> str:
        return f"CalledLandscape({self.landscape!r})"

    def _has(self, member: str) -> bool:
        return getattr(self.landscape, member, None) is not None

    def _require(self, member: str) -> None:
        if not self.offers(member):
            raise TypeError(f"{self.name}: expected one that offers {member}, got {type(self.landscape).__name__}")

    def _prefix(self, kind: str) -> str:
        """What the Euclidean members' names begin with: on flat space there is no difference."""
        prefix = "" if not self._domain.curved and not self._has(f"euclidean_{kind}") else "euclidean_"
        self._require(prefix + kind)
        return prefix

    def _anywhere(self, points: Any) -> FloatArray:
        return as_block(points, "points", self.size, FLOAT64)

    def _energy(self, member: str, block: FloatArray) -> FloatArray:
        return self._answers(member, (block,), ((len(block),),))[0]

    def _gradient(self, member: str, block: FloatArray) -> FloatArray:
        return self._answers(member, (block,), (block.shape,))[0]

    def _energy_gradient(self, prefix: str, block: FloatArray) -> tuple[FloatArray, FloatArray]:
        fused = prefix + "energy_gradient"
        if not self._has(fused):
            return self._energy(prefix + "energy", block), self._gradient(prefix + "gradient", block)
        energies, gradients = self._answers(fused, (block,), ((len(block),), block.shape))
        return energies, gradients

    def _hvp(self, prefix: str, block: FloatArray, vectors: Any) -> FloatArray:
        self._require(prefix + "hvp")
        given = as_block(vectors, "vectors", self.size, FLOAT64, rows=len(block))
        if self._has(prefix + "hvp"):
            return self._answers(prefix + "hvp", (block, given), (block.shape,))[0]
        rows = [self._hessian(prefix, block[row : row + 1])[0] @ given[row] for row in range(len(block))]
        return np.array(rows).reshape(block.shape)

    def _hessian(self, prefix: str, block: FloatArray) -> FloatArray:
        self._require(prefix + "hessian")
        memory.require(8 * len(block) * self.size**2, f"points: {len(block):,} Hessians of {self.size} x {self.size}")
        if self._has(prefix + "hessian"):
            return self._answers(prefix + "hessian", (block,), ((*block.shape, self.size),))[0]
        return hessian_of_products(partial(self._hvp, prefix), block)

    def _answers(
        self, member: str, arguments: tuple[FloatArray, ...], shapes: tuple[tuple[int, ...], ...]
    ) -> list[FloatArray]:
        """What the landscape answers, checked; asked twice the first time."""
        if len(arguments[0]) == 0:
            return [np.empty(shape) for shape in shapes]
        found = self._ask(member, arguments, shapes)
        if self._ask_twice and member not in self._asked:
            again = self._ask(member, arguments, shapes)
            if not all(map(same_bits, found, again)):
                raise ValueError(
                    f"{self.name}: expected the same answer to the same points, got two different ones from {member} "
                    f"of {type(self.landscape).__name__}"
                )
            self._asked.add(member)
        return found

    def _ask(
        self, member: str, arguments: tuple[FloatArray, ...], shapes: tuple[tuple[int, ...], ...]
    ) -> list[FloatArray]:
        # Copies both ways: a function may work in place, or give out one array of its own again and again.
        answer = getattr(self.landscape, member)(*(block.copy() for block in arguments))
        return checked_answers(answer, shapes, f"{self.name}: {member} of {type(self.landscape).__name__}")


def offers(landscape: Any, member: str) -> bool:
    """Whether what `as_landscape` gave, or any landscape, offers a member (one set to None is not offered)."""
    if isinstance(landscape, CalledLandscape):
        return landscape.offers(member)
    return getattr(landscape, member, None) is not None


def hessian_of_products(multiply: Callable[[Any, Any], FloatArray], points: FloatArray) -> FloatArray:
    """Return the Hessians at the points from products with the unit vectors, one a row: symmetric up to rounding."""
    size = points.shape[1]
    hessians = np.empty((len(points), size, size))
    step = max(1, _COLUMNS_AT_ONCE // size)
    for hessian, point in zip(hessians, points, strict=True):
        for first in range(0, size, step):
            units = np.eye(min(step, size - first), size, first)
            hessian[first : first + step] = multiply(np.repeat(point[None], len(units), axis=0), units)
    return hessians


def symmetric_parts(hessians: FloatArray) -> FloatArray:
    """Return (A + A^T)/2 of matrices of any size of entries."""
    halves = hessians / 2
    total: FloatArray = halves + halves.swapaxes(-1, -2)
    return total


def checked_answers(answer: Any, shapes: tuple[tuple[int, ...], ...], source: str) -> list[FloatArray]:
    """Return answers as float64 of their own memory; infinite energies and gradients are answers too."""
    if len(shapes) > 1 and not (isinstance(answer, (tuple, list)) and len(answer) == len(shapes)):
        raise TypeError(f"{source}: expected {len(shapes)} arrays, got {type(answer).__name__}")
    found = []
    for part, shape in zip(answer if len(shapes) > 1 else (answer,), shapes, strict=True):
        array = as_array(part, source)
        if array.shape != shape:
            raise ValueError(f"{source}: expected shape {shape}, got {array.shape}")
        found.append(np.array(array, dtype=np.float64, order="C"))
    return found


def same_bits(one: FloatArray, other: FloatArray) -> bool:
    """Whether two float64 arrays of one shape are the same, nan and signs of zero included."""
    return np.array_equal(one.view(np.int64), other.view(np.int64))
