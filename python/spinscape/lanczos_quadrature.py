"""Densities of eigenvalues of symmetric operators too large to diagonalise: stochastic Lanczos quadrature.

For a random vector v on the unit sphere the measure Σ_k (v·e_k)² δ(λ − λ_k) has the density of the eigenvalues as its
mean. `steps` Lanczos steps from v give its Gauss quadrature, exact for polynomials of degree 2 steps − 1: the Ritz
values as nodes, squared first components of their eigenvectors as weights. Averaged over `probes` vectors and smoothed
with a Gaussian kernel this is an estimate of the smoothed density (Lin, Saad and Yang, SIAM Review 58 (2016) 34;
Ghorbani, Krishnan and Xiao, ICML 2019). Its statistical error is known from the spread of the probes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_array, as_integer, as_number, as_reals, ignoring_underflow, lengths
from spinscape.landscape import hessian_at, is_landscape
from spinscape.randomness import RNG, child_seeds, seed_from
from spinscape.results import Result
from spinscape.spectrum import SymmetricProblem

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class SpectralDensity(Result):
    """An estimate of the density of eigenvalues, smoothed with a Gaussian of standard deviation `width`.

    grid, density, error : (points,) positions, density (its integral is 1), standard error over the probes.
    nodes, weights : (probes, steps) quadrature of each probe's measure; weights of a row add up to 1, and are 0 where a
        Krylov space ended early.
    width : of the kernel; structure narrower than this is not resolved.
    n : dimension, excluded directions taken off.     products : products A v taken.
    """

    grid: FloatArray
    density: FloatArray
    error: FloatArray
    nodes: FloatArray
    weights: FloatArray
    width: float
    n: int
    products: int

    @ignoring_underflow
    def fraction(self, low: float = -np.inf, high: float = np.inf) -> tuple[float, float]:
        """Return the fraction of eigenvalues in (low, high) and its standard error; the kernel plays no part.

        The quadrature smears a step over the distance of neighbouring nodes, some spectral range / steps.
        """
        below, above = (float(as_reals(x, name, True, ())) for name, x in (("low", low), ("high", high)))
        inside = np.where((self.nodes > below) & (self.nodes < above), self.weights, 0.0).sum(axis=1)
        return float(inside.mean()), _standard_error(inside)

    @ignoring_underflow
    def moment(self, order: int) -> tuple[float, float]:
        """Return tr A^order / n and its standard error; exact per probe for orders below 2 steps."""
        powers = (self.weights * self.nodes ** as_integer(order, "order", 0)).sum(axis=1)
        return float(powers.mean()), _standard_error(powers)


@ignoring_underflow
def spectral_density(
    operator: Any,
    where: Any,
    *,
    probes: int = 10,
    steps: int = 100,
    width: float | None = None,
    grid: Any = 400,
    exclude: Any = None,
    rng: RNG = None,
) -> SpectralDensity:
    """Estimate the density of eigenvalues of a symmetric operator from products A v.

    Parameters
    ----------
    operator, where : a callable v -> A v, LinearOperator or matrix as in `lanczos_index`, with its dimension n; or a
        landscape (a glass, a network's, your own) with a point, (D,) or (1, D): then the density is that of its
        Hessian, on spheres on the tangent space.
    probes : random vectors; the error falls as 1/√(probes n).
    steps : Lanczos steps of each, at most n; resolution is about the spectral range / steps.
    width : standard deviation of the smoothing kernel; default 1/50 of the range of the Ritz values.
    grid : number of points, or the points themselves.
    exclude : (k, n) directions to leave out.
    rng : of the probes; probe k does not depend on their number.

    Memory is steps n numbers. Raises TypeError, ValueError or MemoryError naming the argument, ValueError where the
    products are not those of a symmetric operator.
    """
    as_integer(probes, "probes", 1, 10**6)
    as_integer(steps, "steps", 1)
    if is_landscape(operator):
        operator, where, exclude = hessian_at(operator, where, exclude)
    n = as_integer(where, "where", 1)
    memory.require(8 * n * (min(steps, n) + 8), f"where: a Lanczos basis of dimension {n}")
    problem = SymmetricProblem(operator, n, 1, 1, exclude, rng)
    left = n - len(problem.excluded)
    if left < 1:
        raise ValueError(f"exclude: expected fewer than {n} directions, got {len(problem.excluded)}")
    quadratures = [_quadrature(problem, min(steps, left), seed) for seed in child_seeds(seed_from(rng), probes)]
    nodes = np.array([found[0] for found in quadratures])
    weights = np.array([found[1] for found in quadratures])
    kernel = _width(width, nodes)
    positions = _grid(grid, nodes, kernel)
    densities = np.array([_smoothed(positions, *pair, kernel) for pair in zip(nodes, weights, strict=True)])
    error = np.array([_standard_error(column) for column in densities.T])
    products = sum(found[2] for found in quadratures)
    return SpectralDensity(positions, densities.mean(axis=0), error, nodes, weights, kernel, left, products)


def _quadrature(problem: SymmetricProblem, steps: int, seed: int) -> tuple[FloatArray, FloatArray, int]:
    """Nodes and weights of one probe's measure, and the products taken; Lanczos, orthogonalised twice in full."""
    from scipy.linalg import eigh_tridiagonal

    basis = np.empty((steps + 1, problem.n))
    diagonal, off = np.zeros(steps), np.zeros(steps)
    start = np.random.default_rng(seed).normal(size=problem.n)
    start -= problem.excluded.T @ (problem.excluded @ start)
    basis[0] = start / np.linalg.norm(start)
    taken, largest = 0, problem.excluded_norm()
    for step in range(steps):
        image = problem.multiply(basis[step : step + 1])[0]
        if not np.isfinite(image).all():
            raise OverflowError("operator: expected finite products, got nan or inf")
        image = image - problem.excluded.T @ (problem.excluded @ image)
        taken, largest = step + 1, max(largest, float(lengths(image)))
        diagonal[step] = basis[step] @ image
        if step:
            asymmetry = abs(float(basis[step - 1] @ image) - off[step - 1])
            problem.require_symmetric(asymmetry, largest)
        known = basis[: step + 1]
        for _ in range(2):
            image -= known.T @ (known @ image)
        off[step] = lengths(image)
        if off[step] <= 1e-12 * largest:
            break
        basis[step + 1] = image / off[step]
    values, vectors = eigh_tridiagonal(diagonal[:taken], off[: taken - 1])
    nodes, weights = np.full(steps, values[0]), np.zeros(steps)
    nodes[:taken], weights[:taken] = values, vectors[0] ** 2
    return nodes, weights, taken


def _width(width: float | None, nodes: FloatArray) -> float:
    if width is not None:
        return as_number(width, "width", 0.0, exclusive=True)
    spread, largest = float(nodes.max() - nodes.min()), float(np.abs(nodes).max())
    # One eigenvalue alone, up to rounding: its kernel must still be resolved by doubles.
    return spread / 50 if spread > 1e-9 * largest else max(1e-6 * largest, float(np.finfo(np.float64).tiny) * 1e6)


def _grid(grid: Any, nodes: FloatArray, width: float) -> FloatArray:
    array = as_array(grid, "grid")
    if array.ndim == 0:
        margin = 4 * width
        return np.linspace(nodes.min() - margin, nodes.max() + margin, as_integer(grid, "grid", 2, 10**7))
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"grid: expected a number of points or (points,), got shape {array.shape}")
    return as_reals(grid, "grid")


def _smoothed(grid: FloatArray, nodes: FloatArray, weights: FloatArray, width: float) -> FloatArray:
    with np.errstate(over="ignore"):  # far from a node its kernel is nothing
        distances = (grid[:, None] - nodes) / width
        density: FloatArray = np.exp(-(distances**2) / 2) @ weights / (width * sqrt(2 * np.pi))
    return density


def _standard_error(samples: FloatArray) -> float:
    """Of the mean; nan for one sample."""
    count = len(samples)
    return float(lengths(samples - samples.mean(), count - 1) / sqrt(count)) if count > 1 else float("nan")
