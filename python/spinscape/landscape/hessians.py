"""The Hessian of a landscape at one point as an operator: what Lanczos methods multiply by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_array
from spinscape.landscape.called import as_landscape, on_domain, retracted
from spinscape.landscape.derivatives import check_products


def is_landscape(value: Any) -> bool:
    """Whether something is a landscape rather than an operator."""
    return hasattr(value, "energy") and hasattr(value, "gradient")


def hessian_at(landscape: Any, where: Any, exclude: Any = None, name: str = "where") -> tuple[Any, int, Any]:
    """Return the products v -> Hess v at a point, (D,) or (1, D), the dimension D, and the directions to leave out.

    These are the radial ones and those given. Columns (D, count) are multiplied at once. ValueError where the products
    of a landscape of one's own are no derivatives of its gradient.
    """
    called = as_landscape(landscape, "operator")
    array = as_array(where, name)
    if array.size != called.size or array.ndim > 2:
        raise ValueError(f"{name}: expected one point of {called.size} coordinates, got shape {array.shape}")
    point = retracted(called, on_domain(called, array.reshape(1, -1)))
    check_products(called, point[0])
    radial = called.domain.radial(point[0])
    directions = radial if exclude is None else np.vstack([radial, exclude])

    def multiply(vectors: NDArray[Any]) -> NDArray[Any]:
        rows = np.atleast_2d(vectors.T)
        products = called.hvp(np.repeat(point, len(rows), axis=0), np.ascontiguousarray(rows))
        return products.T if vectors.ndim == 2 else products[0]

    return multiply, called.size, directions if directions.size else None
