"""The ways down of the core, a class each: its arguments, what it needs of a landscape, its call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from spinscape import _core
from spinscape.arrays import as_choice, as_integer, as_number
from spinscape.descent.method import DescentMethod, Found, is_double, keep, require_members
from spinscape.hamiltonian import PureGlass
from spinscape.landscape import CalledLandscape

HESSIANS = ("auto", "dense", "krylov")

_DENSE_UP_TO = 256  # coordinates: there an eigendecomposition is cheaper than a Krylov space
_MOST_KRYLOV = 10_000


@dataclass(frozen=True)
class GradientDescent(DescentMethod):
    """The papers' step w <- w - γ_t g with γ_t = step/(1 + decay t), put on the spheres (AISTATS15, section 6)."""

    step: float = 0.1
    decay: float = 0.0
    name: ClassVar[str] = "gradient"

    def __post_init__(self) -> None:
        keep(self, "step", as_number(self.step, "step", 0.0, exclusive=True))
        keep(self, "decay", as_number(self.decay, "decay", 0.0))

    def run(self, landscape: CalledLandscape, starts: NDArray[Any], *rest: Any) -> Found:
        """Walk all replicas to their ends; return the arrays of a `Descent`."""
        return _core.descend_gradient(landscape.surface, starts, float(self.step), float(self.decay), *rest)


@dataclass(frozen=True)
class Momentum(DescentMethod):
    """Polyak's heavy ball, v <- μ P v - γ_t g and w <- w + v, put on the spheres; P projects on the new tangent space.

    step, decay : γ_t = step/(1 + decay t).
    momentum : μ in [0, 1).
    """

    step: float = 0.1
    decay: float = 0.0
    momentum: float = 0.9
    name: ClassVar[str] = "momentum"

    def __post_init__(self) -> None:
        keep(self, "step", as_number(self.step, "step", 0.0, exclusive=True))
        keep(self, "decay", as_number(self.decay, "decay", 0.0))
        keep(self, "momentum", as_number(self.momentum, "momentum", 0.0))
        if self.momentum >= 1:
            raise ValueError(f"momentum: expected a number below 1, got {self.momentum!r}")

    def run(self, landscape: CalledLandscape, starts: NDArray[Any], *rest: Any) -> Found:
        """Walk all replicas to their ends; return the arrays of a `Descent`."""
        numbers = (float(self.step), float(self.decay), float(self.momentum))
        return _core.descend_momentum(landscape.surface, starts, *numbers, *rest)


@dataclass(frozen=True)
class GradientFlow(DescentMethod):
    """The gradient flow dw/dt = -g(w), by Runge-Kutta formulas of orders 5 and 4 (Dormand and Prince).

    Steps are as long as `accuracy` allows; one takes 6 gradients.

    accuracy : error of a step, root mean square over the coordinates, in units of min(1, |g|/√D). Default 1e-6 in
        float64, 1e-4 in float32.
    duration : time at which the flow ends as `completed`, if nothing ends it before. Default: none.
    """

    accuracy: float | None = None
    duration: float | None = None
    name: ClassVar[str] = "flow"

    def __post_init__(self) -> None:
        if self.accuracy is not None:
            keep(self, "accuracy", as_number(self.accuracy, "accuracy", 0.0, exclusive=True))
        if self.duration is not None:
            keep(self, "duration", as_number(self.duration, "duration", 0.0))

    def vectors(self, landscape: CalledLandscape) -> int:
        """Return how many vectors of `size` numbers a replica keeps at work."""
        return 8

    def run(self, landscape: CalledLandscape, starts: NDArray[Any], *rest: Any) -> Found:
        """Walk all replicas to their ends; return the arrays of a `Descent`."""
        default = 1e-6 if is_double(landscape) else 1e-4
        accuracy = default if self.accuracy is None else float(self.accuracy)
        duration = np.inf if self.duration is None else float(self.duration)
        return _core.descend_flow(landscape.surface, starts, accuracy, duration, *rest)


@dataclass(frozen=True)
class LBFGS(DescentMethod):
    """Riemannian L-BFGS with a Wolfe line search, the way to a critical point in few gradients.

    Its energies never rise by more than their rounding; a step turns a point by at most 0.25 radian (root mean square
    over the spheres), and in flat space goes at most a quarter of √D, or of |w| where that is longer.

    step : the first trial step along -g.
    history : pairs kept.
    """

    step: float = 0.1
    history: int = 10
    name: ClassVar[str] = "lbfgs"

    def __post_init__(self) -> None:
        keep(self, "step", as_number(self.step, "step", 0.0, exclusive=True))
        as_integer(self.history, "history", 1, 1000)

    def vectors(self, landscape: CalledLandscape) -> int:
        """Return how many vectors of `size` numbers a replica keeps at work."""
        return 2 * int(self.history)

    def run(self, landscape: CalledLandscape, starts: NDArray[Any], *rest: Any) -> Found:
        """Walk all replicas to their ends; return the arrays of a `Descent`."""
        return _core.descend_lbfgs(landscape.surface, starts, float(self.step), int(self.history), *rest)


@dataclass(frozen=True)
class TrustRegion(DescentMethod):
    """Newton's model of the energy within a radius, minimised by truncated conjugate gradients (Steihaug, Toint).

    Absil, Baker and Gallivan 2007: quadratic convergence; directions of negative curvature are followed to the radius.

    radius : the largest, in units of √D.
    """

    radius: float = 0.25
    name: ClassVar[str] = "trust-region"
    default_max_steps: ClassVar[int] = 2000

    def __post_init__(self) -> None:
        keep(self, "radius", as_number(self.radius, "radius", 0.0, exclusive=True))

    def check(self, landscape: CalledLandscape) -> None:
        """Raise TypeError where the landscape offers no Hessian-vector products."""
        require_members(landscape, self, "hvp")

    def vectors(self, landscape: CalledLandscape) -> int:
        """Return how many vectors of `size` numbers a replica keeps at work."""
        return 12

    def run(self, landscape: CalledLandscape, starts: NDArray[Any], *rest: Any) -> Found:
        """Walk all replicas to their ends; return the arrays of a `Descent`."""
        return _core.descend_trust(landscape.surface, starts, float(self.radius), *rest)


@dataclass(frozen=True)
class SaddleFreeNewton(DescentMethod):
    """Steps -(|Hess H| + μ)^{-1} g with |.| on the eigenvalues (Dauphin et al. 2014, arXiv:1406.2572).

    At most 0.25 radian long (in flat space as `LBFGS`), halved until the energy falls.

    hessian : "dense" (eigenvectors of the whole Hessian), "krylov" (in the Krylov space of the gradient) or "auto":
        dense up to 256 coordinates. An interrupt waits for the eigendecomposition at work, which for more than about
        1,000 coordinates takes longer than a second.
    krylov : most vectors of the Krylov space, default 64.
    """

    hessian: Literal["auto", "dense", "krylov"] = "auto"
    krylov: int | None = None
    name: ClassVar[str] = "saddle-free-newton"
    default_max_steps: ClassVar[int] = 2000

    def __post_init__(self) -> None:
        as_choice(self.hessian, "hessian", HESSIANS)
        if self.krylov is not None:
            as_integer(self.krylov, "krylov", 1, _MOST_KRYLOV)
            if self.hessian == "dense":
                raise ValueError(f"krylov: expected None with hessian='dense', got {self.krylov!r}")

    def check(self, landscape: CalledLandscape) -> None:
        """Raise TypeError where the landscape offers no Hessian."""
        require_members(landscape, self, "hessian" if self._is_dense(landscape) else "hvp")

    def vectors(self, landscape: CalledLandscape) -> int:
        """Return how many vectors of `size` numbers a replica keeps at work."""
        return 2 * (landscape.size if self._is_dense(landscape) else min(self.krylov or 64, landscape.size))

    def run(self, landscape: CalledLandscape, starts: NDArray[Any], *rest: Any) -> Found:
        """Walk all replicas to their ends; return the arrays of a `Descent`."""
        vectors = 0 if self._is_dense(landscape) else int(self.krylov or 64)
        return _core.descend_saddle_free(landscape.surface, starts, vectors, *rest)

    def _is_dense(self, landscape: CalledLandscape) -> bool:
        small = self.krylov is None and landscape.size <= _DENSE_UP_TO
        return self.hessian == "dense" or (self.hessian == "auto" and small)


@dataclass(frozen=True)
class HessianAscent(DescentMethod):
    """Subag's walk (arXiv:1812.04588) from the origin to the sphere in `max_steps` orthogonal steps.

    The first goes along the start, each other along a lowest eigenvector of the Euclidean Hessian across the point. It
    ends near the energy -ALG (`theory.algorithmic_energy`) where the gradient is not small, as `completed`. One sphere
    only, on landscapes whose Euclidean derivatives reach inside the ball; it takes neither `tol` nor `ladder`, and its
    trace is of points inside the sphere.

    krylov : most vectors of the Krylov space in which the eigenvector is sought.
    """

    krylov: int = 5
    name: ClassVar[str] = "hessian-ascent"
    default_tol: ClassVar[float] = 0.0
    default_max_steps: ClassVar[int] = 100
    takes_tol: ClassVar[bool] = False

    def __post_init__(self) -> None:
        as_integer(self.krylov, "krylov", 1, _MOST_KRYLOV)

    def check(self, landscape: CalledLandscape) -> None:
        """Raise ValueError where the landscape does not live on one sphere, TypeError for Euclidean derivatives."""
        domain = landscape.domain
        if len(domain.sizes) != 1 or domain.flat_size:
            raise ValueError(f"method: 'hessian-ascent' expects a landscape on one sphere, got one on {domain}")
        require_members(landscape, self, "euclidean_energy", "euclidean_gradient", "euclidean_hvp")

    def vectors(self, landscape: CalledLandscape) -> int:
        """Return how many vectors of `size` numbers a replica keeps at work."""
        return 2 * min(self.krylov, landscape.size) + 10

    def run(self, landscape: CalledLandscape, starts: NDArray[Any], *rest: Any) -> Found:
        """Walk all replicas to their ends; return the arrays of a `Descent`."""
        return _core.descend_ascent(landscape.surface, starts, int(self.krylov), *rest)


@dataclass(frozen=True)
class PowerMethod(DescentMethod):
    """The shifted symmetric higher-order power method w <- √N (αw - ∇H)/|αw - ∇H| (Kolda and Mayo 2011).

    Pure glasses only: it asks for one symmetric tensor.

    shift : α. Default: each replica's own, from the gradient at its start, and doubled wherever a step would raise the
        energy. A given one is kept; energies never rise if it is at least the largest eigenvalue of ∇²H on the ball,
        for which p(p-1) max|u| suffices.
    """

    shift: float | None = None
    name: ClassVar[str] = "power"

    def __post_init__(self) -> None:
        if self.shift is not None:
            keep(self, "shift", as_number(self.shift, "shift", 0.0))

    def check(self, landscape: CalledLandscape) -> None:
        """Raise ValueError where the landscape is no pure glass."""
        if not isinstance(landscape, PureGlass) or landscape._spikes:
            raise ValueError("method: 'power' expects a pure glass without spikes or fields: one symmetric tensor")

    def run(self, landscape: Any, starts: NDArray[Any], *rest: Any) -> Found:
        """Walk all replicas to their ends; return the arrays of a `Descent`."""
        shift = -1.0 if self.shift is None else float(self.shift)
        return _core.descend_power(landscape.surface, starts, landscape.p, shift, *rest)
