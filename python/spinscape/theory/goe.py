r"""Toolbox of the Gaussian orthogonal ensemble (GOE) at finite size, exact.

Two scales are used, see :data:`spinscape.conventions.GoeScale` for the others: *ABAC*, variable x, spectrum filling
:math:`[-\sqrt2,\sqrt2]`, and *Mehta*, variable :math:`y=\sqrt Nx`, joint density
:math:`\prod_{i<j}|y_i-y_j|\prod e^{-y_i^2/2}`, spectrum filling :math:`[-\sqrt{2N},\sqrt{2N}]`.
:func:`spinscape.conventions.rescale_goe` converts.
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigvalsh_tridiagonal

from spinscape import memory
from spinscape.arrays import as_choice, as_integer
from spinscape.conventions import FloatArray, GoeScale, rescale_goe
from spinscape.randomness import generator_from
from spinscape.theory.domain import as_energies
from spinscape.theory.eigenvalue_law import Law
from spinscape.theory.elementary import decay_exponent, sine_excess
from spinscape.theory.index_counts import law_of
from spinscape.theory.one_point import log_density
from spinscape.theory.quadrature import log_integral

__all__ = [
    "Law",
    "eigenvalue_law",
    "large_deviation_rate",
    "log_density",
    "log_integral",
    "sample_eigenvalues",
    "sample_matrix",
    "semicircle_cdf",
    "semicircle_density",
]


def sample_matrix(n: Any, rng: np.random.Generator | int, scale: GoeScale = "abac") -> FloatArray:
    r"""One matrix of the GOE; in the ABAC scale :math:`\mathrm E M_{ij}^2=(1+\delta_{ij})/(2n)`.

    Parameters
    ----------
    n : int >= 1
    rng : numpy Generator or seed
    scale : GoeScale

    Returns
    -------
    (n, n) float64, symmetric
    """
    size = as_integer(n, "n", 1)
    as_choice(scale, "scale", get_args(GoeScale))
    memory.require(4 * 8 * size**2, f"n: a matrix of {size:,} rows")
    square = generator_from(rng).standard_normal((size, size))
    return rescale_goe(0.5 * (square + square.T), size, "mehta", scale)


def sample_eigenvalues(
    n: Any, rng: np.random.Generator | int, samples: Any = 1, scale: GoeScale = "abac"
) -> FloatArray:
    r"""Ordered eigenvalues of independent GOE matrices, from their tridiagonal model.

    Dumitriu and Edelman (J. Math. Phys. 43, 5830 (2002)): the tridiagonal matrix with independent N(0, 1) on the
    diagonal and :math:`\chi_{n-1},\dots,\chi_1` over :math:`\sqrt2` beside it has exactly the eigenvalues of the GOE in
    Mehta's scale.

    Parameters
    ----------
    n : int >= 1
    rng : numpy Generator or seed
    samples : int >= 0
    scale : GoeScale

    Returns
    -------
    (samples, n) float64, each row increasing
    """
    size, count = as_integer(n, "n", 1), as_integer(samples, "samples", 0)
    as_choice(scale, "scale", get_args(GoeScale))
    memory.require(8 * 2 * count * size, f"samples: {count:,} spectra of n = {size:,}")
    generator = generator_from(rng)
    diagonal = generator.standard_normal((count, size))
    beside = np.sqrt(0.5 * generator.chisquare(np.arange(size - 1, 0, -1), (count, size - 1)))
    values = np.empty((count, size))
    for row in range(count):
        values[row] = eigvalsh_tridiagonal(diagonal[row], beside[row]) if size > 1 else diagonal[row]
    return rescale_goe(values, size, "mehta", scale)


def eigenvalue_law(y: ArrayLike, N: Any, k: Any) -> Law:
    r"""Exact law of the k-th smallest eigenvalue of GOE_N, k = 0 ... N - 1, in Mehta's scale and in logarithms.

    Parameters
    ----------
    y : array_like of float, finite
    N : int from 2 to 100,000
    k : int
        Within 60 of 0 or of N - 1; the cost grows as the fourth power of that distance and in proportion to N.

    Returns
    -------
    Law
        ``log_below`` and ``log_above``, the logarithms of :math:`\mathrm P(\lambda_k\le y)` and
        :math:`\mathrm P(\lambda_k>y)`, ``log_density``, and ``error``, an estimate of their absolute errors; arrays of
        the shape of `y`. Where the probability is too small even for 31 digits (below e^-50 or so on the inner side,
        e^-1000 on the outer, sooner for larger k) the values are tangents, upper bounds by log-concavity, and the error
        is infinite.
    """
    size = as_integer(N, "N", 2)
    index = as_integer(k, "k", 0, size - 1)
    points = as_energies(y, "y")
    if not np.isfinite(points).all():
        raise ValueError(f"y: expected finite numbers, got {y!r}")
    law = law_of(points.ravel(), size, index)
    return Law(*(part.reshape(points.shape)[()] for part in law))


def semicircle_density(x: ArrayLike) -> FloatArray:
    r"""Wigner's semicircle in the ABAC scale, :math:`\sqrt{2-x^2}/\pi` on :math:`[-\sqrt2,\sqrt2]`."""
    points = as_energies(x, "x")
    inside = np.clip(points, -np.sqrt(2.0), np.sqrt(2.0))
    root_two = np.sqrt(2.0)
    return (np.sqrt((root_two - inside) * (root_two + inside)) / np.pi)[()]


def semicircle_cdf(x: ArrayLike) -> FloatArray:
    """Mass of the semicircle of :func:`semicircle_density` below x, without cancellation at the lower edge."""
    points = as_energies(x, "x")
    root_two = np.sqrt(2.0)
    nearer = np.clip(root_two - np.abs(points), 0.0, root_two)
    angle = 2.0 * np.arcsin(np.sqrt(nearer / (2.0 * root_two)))
    mass = sine_excess(2.0 * angle) / (2.0 * np.pi)
    return np.where(points <= 0.0, mass, 1.0 - mass)[()]


def large_deviation_rate(x: ArrayLike, k: Any = 0) -> FloatArray:
    r"""Rate at which the k-th smallest eigenvalue is found below x: :math:`(k+1)\int_{\sqrt2}^{|x|}\sqrt{z^2-2}\,dz`.

    :math:`\mathrm P(\lambda_k\le x)=e^{-N(\mathrm{rate}+o(1))}` for :math:`x\le-\sqrt2`, ABAC scale (ABAC Theorem A.1;
    for k = 0 Ben Arous, Dembo and Guionnet, 2001); 0 for larger x, where the speed is not N.
    """
    points = as_energies(x, "x")
    weight = as_integer(k, "k", 0) + 1.0
    with np.errstate(invalid="ignore"):
        rate = np.where(np.isinf(points), np.inf, decay_exponent(points, 2.0))
    return (weight * np.where(points < 0.0, rate, 0.0))[()]
