r"""Whether a landscape is one: gradient and Hessian those of the energy, answers symmetric, tangent, repeatable.

Along the geodesic γ that leaves a point with velocity v,

    |E(γ(t)) - E - t g.v|                     falls as t² exactly if g is the gradient,
    |E(γ(t)) - E - t g.v - t²/2 v.Hess v|     as t³ exactly if Hess is the Hessian,

down to the rounding of E. The slopes are read off the smallest t where the remainder stands clear of the rounding:
there an error of the gradient shows first. A remainder that never does is zero as far as can be told (slope nan).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spinscape.landscape.called import CalledLandscape, as_landscape, offers, retracted, same_bits
from spinscape.landscape.protocol import domain_of, require_landscape
from spinscape.randomness import RNG, seed_from
from spinscape.results import Result

FloatArray = NDArray[Any]

_DIRECTIONS = 3  # their remainders are added in squares: one direction's may change its sign
_TIMES = 10.0 ** np.arange(-8.0, -0.25, 0.25)
_CLEAR = 30.0  # times the rounding
_WINDOW = 8  # times at most that a slope is read off, two decades
_FEWEST = 4  # fewer leave a slope to chance
_SLACK = 0.2  # of a slope

# Relative to the size of what is compared. A gradient in float32 is taken, a wrong one is not.
_TOLERANCE = 1e-5


@dataclass(frozen=True, eq=False, repr=False)
class LandscapeCheck(Result):
    """What `check_landscape` found.

    ok, problems : whether there is nothing wrong, and what is, in words.
    gradient_slope : (replicas,), 2 or more; nan where E(γ(t)) - E - t g.v is zero up to rounding.
    hessian_slope : (replicas,), 3 or more, nan likewise; None where neither hvp nor hessian is offered.
    noise : (replicas,), rounding of the energies, from second differences.
    symmetry : largest |u.Hess v - v.Hess u| and |Hess - Hessᵀ|, relative to |Hess|.
    tangency : largest radial part of gradients, products and Hessians, relative to them.
    agreement : largest difference, relative, of what must be equal: rows alone and in a block, energy_gradient and its
        parts, hvp and hessian, the tangent part of euclidean_gradient and gradient.
    deterministic : whether every member gave the same bits twice.
    members : what was checked.
    """

    gradient_slope: FloatArray
    hessian_slope: FloatArray | None
    noise: FloatArray
    symmetry: float
    tangency: float
    agreement: float
    deterministic: bool
    members: tuple[str, ...]
    problems: tuple[str, ...]
    derived: ClassVar[tuple[str, ...]] = ("ok",)

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found."""
        return not self.problems


def check_landscape(landscape: Any, points: Any, *, rng: RNG = 0) -> LandscapeCheck:
    """Check a landscape at points, (replicas, size), with random directions of `rng`.

    Some 200 energies a point; choose points where the landscape is smooth and of its usual size, not critical points.
    Raises TypeError or ValueError where the landscape cannot be called at all: a member missing, answers of a wrong
    kind or shape, points off the domain.
    """
    surface = _unasked(landscape)
    block = retracted(surface, domain_of(surface).checked(points))
    if len(block) == 0:
        raise ValueError("points: expected at least one, got none")
    return _Check(surface, block, np.random.default_rng(seed_from(rng))).result()


def _unasked(landscape: Any) -> CalledLandscape:
    """The landscape as it is called, but with no second question: what differs is to be reported, not raised."""
    called = as_landscape(landscape)
    if not isinstance(called, CalledLandscape):
        return called
    require_landscape(called.landscape)
    return CalledLandscape(called.landscape, called.name, ask_twice=False)


class _Check:
    """The findings so far."""

    def __init__(self, surface: CalledLandscape, points: FloatArray, rng: np.random.Generator) -> None:
        self.surface, self.points = surface, points
        self.product = "hvp" if self._own("hvp") else "hessian"  # where products come from
        directions = rng.normal(size=(_DIRECTIONS, *points.shape))
        self.directions = np.array([surface.domain.project(points, v) for v in directions])
        self.others = surface.domain.project(points, rng.normal(size=points.shape))
        self.problems: list[str] = []
        self.members = ["energy", "gradient"]

    def result(self) -> LandscapeCheck:
        """Check everything in turn."""
        energy, gradient = (self._read(word, self.points) for word in self.members)
        products = None
        if offers(self.surface, "hvp"):
            products = np.array([self._read("hvp", self.points, v) for v in self.directions])
            self.members.append(self.product)
        deterministic = self._deterministic()
        noise, gradient_slope, hessian_slope = self._slopes(energy, gradient, products)
        return LandscapeCheck(
            gradient_slope=gradient_slope,
            hessian_slope=hessian_slope,
            noise=noise,
            agreement=self._agreement(energy, gradient, products),
            symmetry=0.0 if products is None else self._symmetry(products),
            tangency=self._tangency(energy, gradient, products),
            deterministic=deterministic,
            members=tuple(self.members),
            problems=tuple(self.problems),
        )

    def _read(self, member: str, *blocks: FloatArray) -> FloatArray:
        answer = np.asarray(getattr(self.surface, member)(*blocks), dtype=np.float64)
        if not np.isfinite(answer).all():
            self.problems.append(f"{member}: expected finite answers, got nan or inf")
        return answer

    def _deterministic(self) -> bool:
        """Whether each member says the same again, bit for bit."""
        same = True
        for member in self.members:
            blocks = (self.points, self.others)[: 2 if member == "hvp" else 1]
            first, second = (np.array(getattr(self.surface, member)(*blocks), dtype=np.float64) for _ in range(2))
            if not same_bits(first, second):
                self.problems.append(f"{member}: expected the same answer to the same points, got two different ones")
                same = False
        return same

    def _slopes(
        self, energy: FloatArray, gradient: FloatArray, products: FloatArray | None
    ) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Rounding of the energies, and the orders of both remainders, row by row."""
        first = np.einsum("ri,dri->dr", gradient, self.directions)
        moved = np.array([[self._along(t * v) for v in self.directions] for t in _TIMES])
        tiny = moved[:3] + [[self._along(-t * v) for v in self.directions] for t in _TIMES[:3]] - 2 * energy
        eps = np.finfo(np.float64).eps
        noise = np.abs(tiny).max(axis=(0, 1)) + 4 * eps * np.abs(energy)
        times = _TIMES[:, None, None]
        remainder = moved - energy - times * first
        floor = noise + 4 * eps * (np.abs(moved) + np.abs(times * first))
        orders = self._judged(remainder, floor, 2, "gradient")
        if products is None:
            return noise, orders, None
        second = times**2 / 2 * np.einsum("dri,dri->dr", products, self.directions)
        floor = floor + 4 * eps * np.abs(second)
        return noise, orders, self._judged(remainder - second, floor, 3, self.product)

    def _along(self, steps: FloatArray) -> FloatArray:
        """The energies at the ends of geodesics; far away they may overflow."""
        with np.errstate(all="ignore"):
            return np.asarray(self.surface.energy(self.surface.domain.exp(self.points, steps)), dtype=np.float64)

    def _judged(self, remainder: FloatArray, floor: FloatArray, expected: int, member: str) -> FloatArray:
        orders = np.array(
            [
                _order(
                    np.sqrt(np.sum(remainder[:, :, row] ** 2, axis=1)), np.sqrt(np.sum(floor[:, :, row] ** 2, axis=1))
                )
                for row in range(remainder.shape[2])
            ]
        )
        wrong = np.flatnonzero(orders < expected - _SLACK)
        if wrong.size:
            what = "gradient" if expected == 2 else "Hessian"
            found = f"the Taylor remainder falls as t^{orders[wrong[0]]:.2f}, not t^{expected}, at point {wrong[0]}"
            self.problems.append(
                f"{member}: not the {what} of the energy: {found} ({wrong.size} of {len(orders)} points)"
            )
        return orders

    def _symmetry(self, products: FloatArray) -> float:
        """Products with two directions, and the matrix against its transpose."""
        other = self._read("hvp", self.points, self.others)
        u, v, size = self.directions[0], self.others, np.linalg.norm(products[0], axis=1)
        error = np.abs(np.einsum("ri,ri->r", u, other) - np.einsum("ri,ri->r", v, products[0]))
        scale = np.linalg.norm(v, axis=1) * size + np.linalg.norm(u, axis=1) * np.linalg.norm(other, axis=1)
        worst = _largest(error, scale)
        if self._own("hessian"):
            matrix = self._matrix()
            worst = max(worst, _largest(np.abs(matrix - matrix.T).max(), np.abs(matrix).max()))
        return self._noted(worst, self.product, "a symmetric Hessian, got an antisymmetric part of")

    def _tangency(self, energy: FloatArray, gradient: FloatArray, products: FloatArray | None) -> float:
        """Radial parts of gradients and products; what a Hessian makes of radial vectors."""
        domain = self.surface.domain
        if not domain.curved:
            return 0.0
        size = np.linalg.norm(gradient, axis=1)
        # At a critical point the gradient is rounding: then the radial part is measured by that of ∇E, about E/√D.
        scale = size + 1e-4 * np.abs(energy) / np.sqrt(domain.size)
        radial = np.linalg.norm(gradient - domain.project(self.points, gradient), axis=1)
        worst = self._noted(_largest(radial, scale), "gradient", "tangent vectors, got a radial part of")
        if products is not None:
            size = np.linalg.norm(products[0], axis=1)
            radial = np.linalg.norm(products[0] - domain.project(self.points, products[0]), axis=1)
            normals = self.points - domain.project(self.points, self.points)
            onwards = np.linalg.norm(self._read("hvp", self.points, normals), axis=1)
            found = max(_largest(radial, size), _largest(onwards, size))
            worst = max(worst, self._noted(found, self.product, "zero along the radial directions, got"))
        return worst

    def _agreement(self, energy: FloatArray, gradient: FloatArray, products: FloatArray | None) -> float:
        """What must be equal: rows alone, fused members, hvp and hessian, Euclidean members."""
        surface, w = self.surface, self.points
        worst = [
            self._same("energy", "of a row alone", energy[:1], self._read("energy", w[:1])),
            self._same("gradient", "of a row alone", gradient[:1], self._read("gradient", w[:1])),
        ]
        if self._own("energy_gradient"):
            self.members.append("energy_gradient")
            fused = surface.energy_gradient(w)
            worst += [self._same("energy_gradient", "to energy", energy, fused[0])]
            worst += [self._same("energy_gradient", "to gradient", gradient, fused[1])]
        if products is not None:
            v = self.directions[0]
            worst += [self._same(self.product, "of a row alone", products[0, :1], self._read("hvp", w[:1], v[:1]))]
            if self.product == "hvp" and self._own("hessian"):
                self.members.append("hessian")
                worst += [self._same("hessian", "to hvp", products[0, :1], (self._matrix() @ v[0])[None])]
        if surface.domain.curved and offers(surface, "euclidean_gradient"):
            self.members.append("euclidean_gradient")
            tangent = surface.domain.project(w, self._read("euclidean_gradient", w))
            worst += [self._same("euclidean_gradient", "to gradient in its tangent part", gradient, tangent)]
        return max(worst)

    def _same(self, member: str, what: str, expected: FloatArray, got: FloatArray) -> float:
        worst = _largest(np.abs(got - expected).max(), np.abs(expected).max())
        return self._noted(worst, member, f"answers equal {what}, got a difference of")

    def _noted(self, error: float, member: str, expected: str) -> float:
        if not error <= _TOLERANCE:
            self.problems.append(f"{member}: expected {expected} {error:.2g} (relative)")
        return error

    def _own(self, member: str) -> bool:
        """Whether the landscape itself has the member, so that there is something to compare."""
        return getattr(getattr(self.surface, "landscape", self.surface), member, None) is not None

    def _matrix(self) -> FloatArray:
        return np.asarray(self.surface.hessian(self.points[:1])[0], dtype=np.float64)


def _order(remainder: FloatArray, floor: FloatArray) -> float:
    """The slope of log remainder over log t at the smallest times where it stands clear of the floor; nan if none."""
    with np.errstate(invalid="ignore"):
        clear = np.isfinite(remainder) & (remainder > _CLEAR * floor)
    blurred = np.flatnonzero(~clear & np.isfinite(remainder))
    begin = blurred[-1] + 1 if blurred.size else 0
    window = np.flatnonzero(clear[begin : begin + _WINDOW]) + begin
    if window.size < _FEWEST:
        return float("nan")
    return float(np.polyfit(np.log(_TIMES[window]), np.log(remainder[window]), 1)[0])


def _largest(errors: Any, scales: Any) -> float:
    """The largest relative error; 0 where both are 0."""
    return float(np.max(np.asarray(errors) / np.maximum(scales, np.finfo(np.float64).tiny), initial=0.0))
