"""Eigenvalues of a landscape's Hessian from its products, or of any symmetric operator (`spinscape.spectrum`)."""

from __future__ import annotations

from typing import Any, Literal

from spinscape import spectrum
from spinscape.landscape import hessian_at, is_landscape
from spinscape.randomness import RNG
from spinscape.spectrum import ExtremeEigenvalues, LanczosIndex


def lanczos_index(
    operator: Any,
    n: Any,
    zero_tol: float = 1e-3,
    *,
    max_steps: int | None = None,
    block_size: int = 1,
    exclude: Any = None,
    rng: RNG = None,
) -> LanczosIndex:
    """Count the negative, zero and positive eigenvalues from Hessian-vector products, or products A v.

    operator, n : a landscape and a point, (D,) or (1, D): its Hessian on the tangent space, less `exclude`; or an
        operator and its dimension, as in `spinscape.spectrum.lanczos_index`, which has the other parameters.
    """
    if is_landscape(operator):
        operator, n, exclude = hessian_at(operator, n, exclude, "n")
    return spectrum.lanczos_index(
        operator, n, zero_tol, max_steps=max_steps, block_size=block_size, exclude=exclude, rng=rng
    )


def extreme_eigenvalues(
    operator: Any,
    n: Any,
    count: int = 1,
    *,
    which: Literal["smallest", "largest"] = "smallest",
    tol: float = 1e-10,
    max_steps: int | None = None,
    block_size: int = 1,
    exclude: Any = None,
    rng: RNG = None,
) -> ExtremeEigenvalues:
    """Return the `count` smallest or largest eigenvalues with residuals and eigenvectors.

    operator, n : a landscape and a point, (D,) or (1, D): of its Hessian on the tangent space, less `exclude`; or an
        operator and its dimension, as in `spinscape.spectrum.extreme_eigenvalues`, which has the other parameters.
    """
    if is_landscape(operator):
        operator, n, exclude = hessian_at(operator, n, exclude, "n")
    options: dict[str, Any] = {"max_steps": max_steps, "block_size": block_size, "exclude": exclude, "rng": rng}
    return spectrum.extreme_eigenvalues(operator, n, count, which=which, tol=tol, **options)
