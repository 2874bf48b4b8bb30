"""Hessians that certificates rest on: symmetric before they are symmetrised, and the derivative of the gradient.

Automatic differentiation can give a wrong second derivative and say nothing, and an energy can differ from call to
call. Both show in two figures: |H − Hᵀ|, and H v − (g(w + h v) − g(w − h v))/2h along random directions v. A landscape
whose gradients, products and Hessians are exact by construction says so, `exact_derivatives = True`, and is not asked
for the second one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import lengths
from spinscape.landscape import Landscape, radial_directions, retracted

FloatArray = NDArray[np.float64]

_ASYMMETRY = 1e-8  # of the largest entry
_DIFFERENCE = 1e-4  # relative to |H v|: differences of smooth gradients are far better
_NOISE = 1e3 * float(np.finfo(np.float64).eps)  # of a gradient
_STEPS = np.logspace(-2, -6, 5)  # relative to |w|, and to 1; a step that crosses a kink is followed by shorter ones
_DIRECTIONS = 2


def checked_hessian(landscape: Landscape, point: FloatArray) -> FloatArray:
    """Return the Hessian at one point (size,), symmetrised.

    ValueError where it is not symmetric, or not the derivative of the gradient; OverflowError where it is not finite.
    """
    hessian: FloatArray = np.asarray(landscape.hessian(point[None])[0], dtype=np.float64)
    if not np.isfinite(hessian).all():
        raise OverflowError("landscape: expected finite Hessians, got nan or inf")
    largest = float(np.abs(hessian).max(initial=0.0))
    difference = float(np.abs(hessian / 2 - hessian.T / 2).max(initial=0.0)) * 2
    if difference > _ASYMMETRY * largest:
        raise ValueError(
            f"landscape: expected symmetric Hessians, got entries that differ by {difference:.3g}, the largest being "
            f"{largest:.3g}; second derivatives are wrong or change from call to call"
        )
    for v in () if is_exact(landscape) else _directions(landscape, point):
        _check_against_gradients(landscape, point, v, hessian @ v, "hessian")
    return hessian / 2 + hessian.T / 2


def check_products(landscape: Landscape, point: FloatArray) -> None:
    """Raise ValueError where Hessian-vector products at one point (size,) are not derivatives of the gradient."""
    if is_exact(landscape):
        return
    for v in _directions(landscape, point):
        product = np.asarray(landscape.hvp(point[None], v[None])[0], dtype=np.float64)
        _check_against_gradients(landscape, point, v, product, "hvp")


def is_exact(landscape: Landscape) -> bool:
    """Whether the landscape offers exact derivatives by construction."""
    return bool(getattr(landscape, "exact_derivatives", False))


def _directions(landscape: Landscape, point: FloatArray) -> FloatArray:
    """Random tangent unit vectors, the same for every call."""
    v = np.random.default_rng(0).normal(size=(_DIRECTIONS, landscape.size))
    radial = radial_directions(landscape, point)
    v -= (v @ radial.T) @ radial
    size = lengths(v)[:, None]
    return np.asarray(v / np.where(size > 0, size, 1.0))


def _check_against_gradients(
    landscape: Landscape, point: FloatArray, v: FloatArray, product: FloatArray, method: str
) -> None:
    scale = float(lengths(point))
    steps = np.unique(np.concatenate([_STEPS, _STEPS * scale] if scale > 0 else [_STEPS]))
    moves = np.concatenate([steps, -steps])[:, None] * v
    gradients = np.asarray(landscape.gradient(retracted(landscape, point + moves)), dtype=np.float64)
    ahead, behind = np.split(gradients / 2, 2)
    differences = (ahead - behind) / steps[:, None]
    radial = radial_directions(landscape, point)
    differences -= (differences @ radial.T) @ radial
    off = lengths(differences - product)
    expected = np.maximum(lengths(differences), lengths(product))
    noise = _NOISE * lengths(gradients).max() / steps
    # Written so that nan fails.
    if not (off <= _DIFFERENCE * expected + noise).any():
        best = int(np.argmin(np.where(np.isnan(off), np.inf, off)))
        raise ValueError(
            f"landscape: expected {method} to be the derivative of gradient, got products that differ from differences "
            f"of gradients by {off[best]:.3g} of {expected[best]:.3g}; second derivatives are wrong or change from "
            "call to call"
        )
