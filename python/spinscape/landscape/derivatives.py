"""Hessians that certificates rest on: symmetric before they are symmetrised, and the derivative of the gradient.

Automatic differentiation can give a wrong second derivative and say nothing, and an energy can differ from call to
call. Both show in two figures: |H - H^T|, and H v - (g(w + h v) - g(w - h v))/2h along random directions v. A landscape
whose gradients, products and Hessians are exact by construction says so, `exact_derivatives = True`, and is not asked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import lengths
from spinscape.landscape.called import CalledLandscape

FloatArray = NDArray[Any]

_ASYMMETRY = 1e-5  # of the largest entry: single precision reaches 1e-6, and a count widens its doubt by it
_DIFFERENCE = 1e-4  # relative to |H v|: differences of smooth gradients are far better
_NOISE = 1e3 * float(np.finfo(np.float64).eps)  # of a gradient
_STEPS = np.logspace(-2, -6, 5)  # relative to |w|, and to 1; a step that crosses a kink is followed by shorter ones
_DIRECTIONS = 2


class CertifiedLandscape(CalledLandscape):
    """A landscape each of whose Hessians is checked before it is answered."""

    def hessian(self, points: Any) -> FloatArray:
        """Return the Hessians as they are answered, (replicas, size, size).

        ValueError where one is not symmetric, or not the derivative of the gradient.
        """
        block = self.domain.checked(points)
        hessians = self._hessian("", block)
        for point, hessian in zip(block, hessians, strict=True):
            if not np.isfinite(hessian).all():
                continue  # for the count to refuse
            _require_symmetric(hessian, self.name)
            for v in _directions(self, point):
                _check_against_gradients(self, point, v, hessian @ v, "hessian")
        return hessians


def certified(landscape: CalledLandscape) -> CalledLandscape:
    """Return the landscape for what certifies: it answers checked Hessians, or is exact by construction."""
    if isinstance(landscape, CertifiedLandscape) or landscape.exact_derivatives:
        return landscape
    return CertifiedLandscape(landscape.landscape, landscape.name)


def check_products(landscape: CalledLandscape, point: FloatArray) -> None:
    """Raise ValueError where Hessian-vector products at one point (size,) are not derivatives of the gradient."""
    if landscape.exact_derivatives:
        return
    for v in _directions(landscape, point):
        _check_against_gradients(landscape, point, v, landscape.hvp(point[None], v[None])[0], "hvp")


def _require_symmetric(hessian: FloatArray, name: str) -> None:
    largest = float(np.abs(hessian).max(initial=0.0))
    difference = 2 * float(np.abs(hessian / 2 - hessian.T / 2).max(initial=0.0))
    if difference > _ASYMMETRY * largest:
        raise ValueError(
            f"{name}: expected symmetric Hessians, got entries that differ by {difference:.3g}, the largest being "
            f"{largest:.3g}; second derivatives are wrong or change from call to call"
        )


def _directions(landscape: CalledLandscape, point: FloatArray) -> FloatArray:
    """Random tangent unit vectors, the same for every call."""
    v = np.random.default_rng(0).normal(size=(_DIRECTIONS, landscape.size))
    v = landscape.domain.project(np.repeat(point[None], _DIRECTIONS, axis=0), v)
    size = lengths(v)[:, None]
    return np.asarray(v / np.where(size > 0, size, 1.0))


def _check_against_gradients(
    landscape: CalledLandscape, point: FloatArray, v: FloatArray, product: FloatArray, member: str
) -> None:
    domain = landscape.domain
    scale = float(lengths(point))
    steps = np.unique(np.concatenate([_STEPS, _STEPS * scale] if scale > 0 else [_STEPS]))
    moves = np.concatenate([steps, -steps])[:, None] * v
    gradients = landscape.gradient(domain.retract(point + moves))
    ahead, behind = np.split(gradients / 2, 2)
    differences = domain.project(np.repeat(point[None], len(steps), axis=0), (ahead - behind) / steps[:, None])
    off = lengths(differences - product)
    expected = np.maximum(lengths(differences), lengths(product))
    noise = _NOISE * lengths(gradients).max() / steps
    # Written so that nan fails.
    if not (off <= _DIFFERENCE * expected + noise).any():
        best = int(np.argmin(np.where(np.isnan(off), np.inf, off)))
        raise ValueError(
            f"{landscape.name}: expected {member} to be the derivative of gradient, got products that differ from "
            f"differences of gradients by {off[best]:.3g} of {expected[best]:.3g}; second derivatives are wrong or "
            "change from call to call"
        )
