"""What a way down is: its arguments, what it asks of a landscape, and what it does with a block of replicas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spinscape import _core
from spinscape.descent.stepping import walk
from spinscape.landscape import CalledLandscape
from spinscape.progress import Progress

Found = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class DescentMethod:
    """A way down. A new one is a frozen dataclass with its arguments as fields, a `name`, and `move`.

    name : what `descend(method=...)` calls it.
    default_tol, default_max_steps : of `descend`, where none is given.
    takes_tol : whether `tol` and `ladder` mean anything to it.

    Methods of the core replace `run` instead of `move`: the whole walk of all replicas is one call.
    """

    name: ClassVar[str] = ""
    default_tol: ClassVar[float] = 1e-6
    default_max_steps: ClassVar[int] = 20_000
    takes_tol: ClassVar[bool] = True

    def move(self, landscape: CalledLandscape, points: Any, gradients: Any, t: int) -> NDArray[Any]:
        """Return where replicas go from `points` in step t = 0, 1, ..., (replicas, size); they are then put on spheres.

        The rows are the replicas that are still on their way.
        """
        raise TypeError(f"method: expected {type(self).__name__} to have a `move` or a `run`")

    def check(self, landscape: CalledLandscape) -> None:
        """Raise TypeError or ValueError where the landscape lacks what the method needs."""

    def vectors(self, landscape: CalledLandscape) -> int:
        """Return how many vectors of `size` numbers a replica keeps at work."""
        return 2

    def most_steps(self) -> int:
        """Return after how many steps the method ends by itself."""
        return 2**53

    def run(
        self,
        landscape: CalledLandscape,
        starts: NDArray[Any],
        options: _core.DescentOptions,
        progress: Progress | None,
        n_threads: int,
    ) -> Found:
        """Walk all replicas to their ends; return the arrays of a `Descent`."""
        return walk(self.move, landscape, starts, options, progress)


def keep(method: DescentMethod, name: str, value: Any) -> None:
    """Put a checked argument in the place of the one given."""
    object.__setattr__(method, name, value)


def require_members(landscape: CalledLandscape, method: DescentMethod, *members: str) -> None:
    """Raise TypeError naming the first member the method asks for and the landscape does not offer."""
    if landscape.surface.concurrent:  # a glass's kernels know everything
        return
    for member in members:
        if not landscape.offers(member):
            raise TypeError(f"landscape: method {method.name!r} asks for {member}, which this one does not offer")


def is_double(landscape: CalledLandscape) -> bool:
    """Whether the landscape computes in float64."""
    return bool(landscape.dtype == np.float64)
