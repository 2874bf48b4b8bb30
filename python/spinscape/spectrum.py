"""Spectra of symmetric operators: counts of negative, zero and positive eigenvalues, extreme eigenvalues.

Nothing here knows physics: a glass's Hessian, a network's Hessian and a matrix of your own are three clients. An
eigenvalue counts as zero where |λ| <= zero_tol (default 1e-3, the rule of AISTATS15, section 6). Two ways to count:

- `matrix_index` reduces a matrix to tridiagonal form and counts by Sturm sequences: certain up to rounding, which is
  reported. Rounding of a backward-stable reduction moves no eigenvalue by more than c n eps |A|; a count is certified
  where none lies within 10 n eps |A| of a threshold.
- `lanczos_index` needs products A v only. It is certain where its basis fills the space; a smaller one may miss
  eigenvalues (a start vector may be orthogonal to their eigenvectors), so its counts are then never called certified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spinscape import _core, memory
from spinscape.arrays import as_array, as_choice, as_integer, as_number, as_real, lengths, without_torch
from spinscape.randomness import RNG, seed_from
from spinscape.results import Result, row
from spinscape.threads import as_threads

FLOAT64 = np.dtype(np.float64)
MatrixMethodName = Literal["auto", "tridiagonal", "cholesky"]
MATRIX_METHODS = ("auto", "tridiagonal", "cholesky")

# A Lanczos basis fills the space up to this size; larger ones look for the decisive eigenvalues only.
FILLED_UP_TO = 1000
STEPS_BEYOND = 500


@dataclass(frozen=True, eq=False, repr=False)
class IndexCount(Result):
    """Numbers of eigenvalues below -zero_tol, within [-zero_tol, zero_tol] and above zero_tol, one row a matrix.

    negative, zero, positive : (replicas,) int64.
    certified : (replicas,) bool, whether the counts are right up to rounding: no eigenvalue lies within 10 n eps |A| of
        a threshold. False is no verdict on the counts, it says that rounding could have changed them.
    margin : (replicas,) float64, distance of the nearest eigenvalue to the nearest threshold; nan where it was not
        computed (method "cholesky", all eigenvalues above zero_tol), inf where there are no eigenvalues.
    excluded_curvature : (replicas,) float64, largest |A d| of orthonormal directions d that span the excluded ones: the
        counts are the matrix's own, but for its zero eigenvalues there, as far as this is zero.
    zero_tol, method : how it was counted.
    """

    negative: NDArray[np.int64] = field(metadata=row())
    zero: NDArray[np.int64] = field(metadata=row())
    positive: NDArray[np.int64] = field(metadata=row())
    certified: NDArray[np.bool_] = field(metadata=row())
    margin: NDArray[np.float64] = field(metadata=row())
    excluded_curvature: NDArray[np.float64] = field(metadata=row())
    zero_tol: float
    method: str


@dataclass(frozen=True, repr=False)
class LanczosIndex(Result):
    """What `lanczos_index` found.

    negative, zero, positive : numbers of eigenvalues below -zero_tol, within, above.
    unresolved : dimensions no eigenvalue could be attributed to; 0 where converged. Otherwise the counts are those of
        the Ritz values, so that negative and positive are lower bounds (Cauchy's interlacing theorem).
    certified : the basis filled the space, and no eigenvalue lies nearer to a threshold than rounding, the measured
        asymmetry of the products included. Never True without a full basis.
    converged : a full basis, or every eigenvalue outside the largest class was found, with its multiplicity, to a
        residual far below its distance to the thresholds.
    margin : distance of the nearest eigenvalue (Ritz value, without a full basis) to the nearest threshold.
    residual : largest |A v - θ v| of the Ritz pairs that decided the counts; 0 with a full basis.
    asymmetry : Frobenius norm of the antisymmetric part of A on the basis, a measure of the rounding of the products.
    norm : largest |A v| met for unit vectors v, excluded ones too: a lower bound of |A|.
    products : products A v taken.     runs : Krylov spaces built.
    """

    negative: int
    zero: int
    positive: int
    unresolved: int
    certified: bool
    converged: bool
    margin: float
    residual: float
    asymmetry: float
    norm: float
    products: int
    runs: int
    zero_tol: float


@dataclass(frozen=True, eq=False, repr=False)
class ExtremeEigenvalues(Result):
    """Eigenvalues at one end of a spectrum, ascending, with multiplicities.

    values, residuals : (count,) float64; an eigenvalue lies within its residual |A v - θ v| of each value.
    vectors : (count, n) float64, orthonormal rows.
    converged : every residual is at most tol |A|, and a further run found nothing beyond.
    asymmetry, norm, products, runs : as in `LanczosIndex`.
    """

    values: NDArray[np.float64]
    residuals: NDArray[np.float64]
    vectors: NDArray[np.float64]
    converged: bool
    asymmetry: float
    norm: float
    products: int
    runs: int


def matrix_index(
    matrices: Any, zero_tol: float = 1e-3, *, method: MatrixMethodName = "auto", n_threads: int | None = None
) -> IndexCount:
    """Count the negative, zero and positive eigenvalues of symmetric matrices.

    Parameters
    ----------
    matrices : (replicas, n, n), or (n, n) for one; symmetric to 1e-8 of the largest entry (1e-4 where float32); their
        symmetric parts are counted, in float64.
    zero_tol : eigenvalues within [-zero_tol, zero_tol] count as zero.
    method : "auto" and "tridiagonal": Householder reduction and Sturm counts, 4/3 n^3 operations.
        "cholesky": a Cholesky factorisation of A - zero_tol first, three times faster where all eigenvalues lie above
        zero_tol, but without the margin; the reduction otherwise.
    n_threads : number of threads, a matrix each; never changes a result.

    Raises TypeError, ValueError or MemoryError naming the argument.
    """
    as_choice(method, "method", MATRIX_METHODS)
    zero_tol = as_number(zero_tol, "zero_tol", 0.0)
    threads = as_threads(n_threads)
    given = as_array(matrices, "matrices")
    blocks = as_real(matrices, "matrices", FLOAT64)
    blocks = blocks[None] if blocks.ndim == 2 else blocks
    if blocks.ndim != 3 or blocks.shape[1] != blocks.shape[2]:
        raise ValueError(f"matrices: expected shape (replicas, n, n) or (n, n), got {given.shape}")
    memory.require(3 * blocks.nbytes, f"matrices: symmetric parts of {blocks.shape}")
    halves = blocks / 2
    allowed = (1e-4 if given.dtype == np.float32 else 1e-8) * np.abs(halves).max(axis=(1, 2), initial=0.0)
    difference = np.abs(halves - halves.transpose(0, 2, 1)).max(axis=(1, 2), initial=0.0)
    if (difference > allowed).any():
        worst = 2 * float(difference[np.argmax(difference > allowed)])
        raise ValueError(f"matrices: expected symmetric matrices, got entries that differ by {worst:.3g}")
    symmetric = halves + halves.transpose(0, 2, 1)
    return index_count(_core.matrix_index(symmetric, zero_tol, inertia_method(method), threads), zero_tol, method)


def lanczos_index(
    operator: Any,
    n: int,
    zero_tol: float = 1e-3,
    *,
    max_steps: int | None = None,
    block_size: int = 1,
    exclude: Any = None,
    rng: RNG = None,
) -> LanczosIndex:
    """Count the negative, zero and positive eigenvalues of a symmetric operator from products A v.

    Parameters
    ----------
    operator : a callable v -> A v, v of shape (n,), or (n, block_size) where block_size > 1; a scipy LinearOperator; an
        array or sparse matrix of shape (n, n). float32 products are accepted; their rounding enters the certificate.
    n : dimension.
    zero_tol : eigenvalues within [-zero_tol, zero_tol] count as zero.
    max_steps : largest basis of one Krylov space. With n or more the basis fills the space, which gives the whole
        spectrum and a certificate in n products. Default: n up to n = 1000, else 500; dense eigenproblems of this size
        are solved on the way.
    block_size : vectors multiplied at once.
    exclude : (k, n) linearly independent directions not to count in; the operator acts on their complement, and the
        counts add up to n - k.
    rng : of the random start vectors.

    Memory is (max_steps + k) n numbers. Raises ValueError where the products are not those of a symmetric operator,
    OverflowError where they are not finite, and whatever the operator raises.
    """
    problem = SymmetricProblem(operator, n, max_steps, block_size, exclude, rng)
    zero_tol = as_number(zero_tol, "zero_tol", 0.0)
    found = _core.lanczos_count(problem.multiply, problem.excluded, zero_tol, problem.options())
    row = {name: column[0].item() for name, column in found.items()}
    problem.require_symmetric(row["asymmetry"], row["norm"])
    return LanczosIndex(**row, zero_tol=zero_tol)


def extreme_eigenvalues(
    operator: Any,
    n: int,
    count: int = 1,
    *,
    which: Literal["smallest", "largest"] = "smallest",
    tol: float = 1e-10,
    max_steps: int | None = None,
    block_size: int = 1,
    exclude: Any = None,
    rng: RNG = None,
) -> ExtremeEigenvalues:
    """Return the `count` smallest or largest eigenvalues of a symmetric operator, with residuals and eigenvectors.

    Multiple eigenvalues are found by further Krylov spaces in the complement of the eigenvectors known. `tol` bounds
    the residuals relative to |A|; other parameters as `lanczos_index`.
    """
    problem = SymmetricProblem(operator, n, max_steps, block_size, exclude, rng)
    available = problem.n - problem.excluded.shape[0]
    count = as_integer(count, "count", 1, max(1, available))
    as_choice(which, "which", ("smallest", "largest"))
    tol = as_number(tol, "tol", 0.0)
    found = _core.extreme_eigenvalues(
        problem.multiply, problem.excluded, count, which == "largest", tol, problem.options()
    )
    problem.require_symmetric(found["asymmetry"], found["norm"])
    return ExtremeEigenvalues(**found)


def inertia_method(method: str) -> _core.InertiaMethod:
    """Return the core's name of a method of counting."""
    return _core.InertiaMethod.cholesky if method == "cholesky" else _core.InertiaMethod.tridiagonal


def index_count(columns: dict[str, NDArray[Any]], zero_tol: float, method: str) -> IndexCount:
    """Return the core's columns as an `IndexCount`."""
    return IndexCount(
        negative=columns["negative"],
        zero=columns["zero"],
        positive=columns["positive"],
        certified=columns["certified"],
        margin=columns["margin"],
        excluded_curvature=columns.get("excluded", np.zeros(len(columns["margin"]))),
        zero_tol=zero_tol,
        method=method,
    )


def lanczos_options(
    n: int, max_steps: int | None, block_size: int, seed: int, epsilon: float, norm: float = 0.0
) -> _core.LanczosOptions:
    """Return checked options; by default a basis fills the space up to n = 1000."""
    default = n if n <= FILLED_UP_TO else STEPS_BEYOND
    steps = default if max_steps is None else as_integer(max_steps, "max_steps", 1)
    return _core.LanczosOptions(min(steps, max(n, 1)), block_size, seed, epsilon, norm)


def lanczos_bytes(n: int, max_steps: int | None, block_size: int = 1) -> int:
    """Return the bytes a Krylov space of the options needs: basis, block products and the projected operator."""
    steps = min(n, max_steps or (n if n <= FILLED_UP_TO else STEPS_BEYOND))
    return 8 * (n * (steps + 6 * block_size + 8) + 5 * (steps + 2 * block_size) ** 2)


class SymmetricProblem:
    """The checked arguments of a Lanczos call, and the operator as the core calls it."""

    def __init__(self, operator: Any, n: int, max_steps: int | None, block_size: int, exclude: Any, rng: RNG) -> None:
        self.n = as_integer(n, "n", 1, 2**40)
        self.block_size = as_integer(block_size, "block_size", 1, self.n)
        self.max_steps = None if max_steps is None else as_integer(max_steps, "max_steps", 1)
        self.seed = seed_from(rng)
        needed = lanczos_bytes(self.n, self.max_steps, self.block_size)
        memory.require(needed, f"n: a Lanczos basis of dimension {self.n}")
        self.product = _product(without_torch(operator), self.n)
        self.excluded = _orthonormal(exclude, self.n)
        self.epsilon = float(np.finfo(np.float64).eps)

    def options(self) -> _core.LanczosOptions:
        """Return the options of the core; one product tells the precision of the others."""
        probe = self.product(np.ones((self.n, self.block_size) if self.block_size > 1 else self.n))
        if np.asarray(without_torch(probe)).dtype == np.float32:
            self.epsilon = float(np.finfo(np.float32).eps)
        return lanczos_options(self.n, self.max_steps, self.block_size, self.seed, self.epsilon, self.excluded_norm())

    def excluded_norm(self) -> float:
        """Return the largest |A v| of the excluded directions: the rounding of all products is relative to it too."""
        size = self.block_size
        rows = np.tile(self.excluded, (size, 1))[: -(-len(self.excluded) // size) * size]
        images = [self.multiply(rows[first : first + size]) for first in range(0, len(rows), size)]
        return float(max((lengths(image).max() for image in images), default=0.0))

    def multiply(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the products of (count, n) vectors, as rows."""
        columns = (vectors[0] if self.block_size == 1 else vectors.T).copy()  # an operator may overwrite it
        products = np.asarray(without_torch(self.product(columns)))
        if products.shape != columns.shape:
            raise ValueError(f"operator: expected products of shape {columns.shape}, got {products.shape}")
        if products.dtype.kind not in "iuf":
            raise TypeError(f"operator: expected real products, got dtype {products.dtype}")
        return np.ascontiguousarray(products.T, dtype=np.float64).reshape(vectors.shape)

    def require_symmetric(self, asymmetry: float, norm: float) -> None:
        """Raise ValueError where the antisymmetric part met is far above the rounding of the products."""
        if asymmetry > 100 * np.sqrt(self.epsilon) * norm:
            raise ValueError(f"operator: expected a symmetric one, got |A - A^T|/2 = {asymmetry:.3g}, |A| = {norm:.3g}")


def _product(operator: Any, n: int) -> Callable[[Any], Any]:
    """The operator as a function of one vector or of columns."""
    if not callable(operator) or hasattr(operator, "shape"):
        shape = getattr(operator, "shape", None)
        if shape is None or not hasattr(operator, "__matmul__"):
            raise TypeError(f"operator: expected a callable, LinearOperator or matrix, got {type(operator).__name__}")
        if tuple(shape) != (n, n):
            raise ValueError(f"operator: expected shape ({n}, {n}), got {tuple(shape)}")
        if isinstance(operator, np.ndarray):
            matrix = operator if operator.dtype == np.float32 else as_real(operator, "operator", FLOAT64)
            return lambda columns: matrix @ columns.astype(matrix.dtype, copy=False)
        return lambda columns: operator @ columns
    return operator


def _orthonormal(exclude: Any, n: int) -> NDArray[np.float64]:
    """Orthonormal rows that span the excluded directions, (k, n)."""
    if exclude is None:
        return np.empty((0, n))
    directions = as_real(exclude, "exclude", FLOAT64)
    if directions.ndim != 2 or directions.shape[1] != n or directions.shape[0] > n:
        raise ValueError(f"exclude: expected shape (k, {n}) with k <= {n}, got {directions.shape}")
    size = lengths(directions)[:, None]
    q, r = np.linalg.qr((directions / np.where(size > 0, size, 1.0)).T)
    if np.abs(np.diag(r)).min(initial=1.0) < 1e-10:
        raise ValueError("exclude: expected linearly independent directions")
    return np.ascontiguousarray(q.T)
