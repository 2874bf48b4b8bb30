"""Glasses with a planted critical point: w = √N e_0 is critical, H = 0 there, and its tangent Hessian is any A.

A_ij √N / (p(p-1)) stands in the symmetric tensor at every index set {0, ..., 0, i, j} with i, j >= 1, zero where fewer
than two indices are non-zero, anything where three or more are.
"""

import numpy as np

import spinscape as sp
from spinscape import _core
from spinscape.couplings import packed_indices

FAMILIES = (
    "separated",
    "bulk",
    "clusters",
    "multiplicities",
    "near_threshold",
    "on_threshold",
    "all_negative",
    "rank_deficient",
    "dynamic_range",
    "inside",
)


def spectrum(family, n, rng, tol=1e-3):
    """Return n eigenvalues of a named kind."""
    signs = rng.choice([-1.0, 1.0], n)
    if family == "separated":
        return np.arange(1, n + 1) * signs
    if family == "bulk":
        return rng.normal(size=n) * 3
    if family == "clusters":
        return rng.choice([-2.0, 0.5, 4.0], n) + 1e-9 * rng.normal(size=n)
    if family == "multiplicities":
        return rng.choice([-1.0, 0.0, 2.0], n)
    if family == "near_threshold":
        return signs * tol * (1 + rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-7, -1, n))
    if family == "on_threshold":
        values = rng.normal(size=n)
        values[rng.integers(n)] = rng.choice([-tol, tol])
        return values
    if family == "all_negative":
        return -(10.0 ** rng.uniform(-2, 1, n))
    if family == "rank_deficient":
        return np.where(rng.random(n) < 0.5, 0.0, rng.normal(size=n))
    if family == "dynamic_range":
        return signs * 10.0 ** rng.uniform(-10, 4, n)
    assert family == "inside"
    return tol * rng.uniform(-0.99, 0.99, n)


def rotated(values, rng):
    """Return a symmetric matrix with these eigenvalues and random eigenvectors."""
    q, r = np.linalg.qr(rng.normal(size=(values.size, values.size)))
    q *= np.sign(np.diag(r))
    matrix = (q * values) @ q.T
    return (matrix + matrix.T) / 2


def planted_glass(p, hessian, rng):
    """Return the glass and its planted critical point, shape (1, N)."""
    N = hessian.shape[0] + 1
    indices = packed_indices(p, N)
    nonzero = (indices > 0).sum(axis=1)
    entries = np.where(nonzero >= 3, rng.normal(size=nonzero.size), 0.0)
    pairs = nonzero == 2
    i, j = indices[pairs, -2] - 1, indices[pairs, -1] - 1
    entries[pairs] = hessian[i, j] * np.sqrt(N) / (p * (p - 1))
    orderings = np.array([_core.multiplicity(list(row)) for row in indices])
    point = np.zeros((1, N))
    point[0, 0] = np.sqrt(N)
    return sp.PureGlass.from_couplings(entries * orderings, p=p, N=N), point


def counts(values, tol=1e-3):
    """Return the exact numbers below, within and above."""
    return (int((values < -tol).sum()), int((np.abs(values) <= tol).sum()), int((values > tol).sum()))


def rows(index):
    """Return the (negative, zero, positive) of every row."""
    return [tuple(map(int, row)) for row in zip(index.negative, index.zero, index.positive, strict=True)]
