r"""The eigenvalues of GOE_N below s as a Pfaffian point process, discretised on a window (L, s) in 31 digits.

With the Hermite functions :math:`\varphi_j` and the tridiagonal antisymmetric :math:`B`,
:math:`B_{j,j+1}=-\tfrac12\sqrt{(j+1)/2}`, :math:`0\le j<N-1`, put

.. math::
   C(x,y)=\varphi(x)^{\mathsf T}B\varphi(y),\qquad
   \rho(y)=\sum_{j<N}\varphi_j(y)\varphi_j(s)+\kappa(s)\varphi_{N-1}(y),\qquad
   \kappa(s)=\sqrt{\tfrac N2}\bigl(a_N(s)-\tfrac12a_N(\infty)\bigr)+\frac{\mathbf 1_{N\,\mathrm{odd}}}{a_{N-1}(\infty)},

so that :math:`R_N(s)=\rho(s)`. In the 2 x 2 matrix kernel of the GOE (Mehta, section 7.2; its skew Gram matrix
has the exact inverse B) the first row is an integral of the second from s on. Taking that out by a similarity
transformation leaves, with :math:`\epsilon` the operator of kernel :math:`\mathrm{sgn}(y-x)` and # the number of
eigenvalues below s,

.. math::
   \bigl(\mathrm E\,z^{\#}\bigr)^2=\det\begin{pmatrix}1+(z-1)\langle\rho,1\rangle&(z-1)\,\rho\,\epsilon\\
   (z^2-1)\,C1&1+(z-1)\,\rho\otimes1+(z^2-1)\,C\epsilon\end{pmatrix}.

C has a numerical rank of a few more than twice the number of eigenvalues in the window. Written as
:math:`C=\sum_i\sigma_i(u_iu_i'^{\mathsf T}-u_i'u_i^{\mathsf T})`, by elimination with complete pivoting, the
determinant is one of that small order, built from U = (u_1, u_1', ...), :math:`r=\langle\rho,1\rangle`,
:math:`v=U^{\mathsf T}1`, :math:`w=U^{\mathsf T}\epsilon\rho`, :math:`G=U^{\mathsf T}\epsilon U`.

C and rho are entire, so Gauss-Legendre nodes converge faster than geometrically, in spite of the jump of the
sign, whose exact integrals of Legendre polynomials are used.

Why 31 digits: far below the edge P(# > k) is a product of k + 1 factors, each smaller than the one before by
powers of 10, and deep inside P(# <= k) is a product of differences 1 - lambda; both live in the last digits of
the kernel. In doubles index 3 is lost at 1e-9 and index 5 entirely.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from spinscape.conventions import FloatArray
from spinscape.theory.double_double import DoubleDouble, gram, matmul, stack
from spinscape.theory.precise_hermite import boundary_constant, hermite_functions

ROUNDING = 2.0**-98  # relative error of C, with a margin


class Rule(NamedTuple):
    """Gauss-Legendre on [-1, 1]: nodes, square roots of the weights, and the sign operator between them."""

    nodes: DoubleDouble
    root_weights: DoubleDouble
    sign: DoubleDouble


class Window(NamedTuple):
    """The small determinants of windows, leading axis one a window; rank is even.

    `mean` is r and `w` carry one unit 2**unit, `sigma` two; `v` and `g` have none.
    """

    mean: DoubleDouble
    v: DoubleDouble
    w: DoubleDouble
    g: DoubleDouble
    sigma: DoubleDouble
    unit: FloatArray


@lru_cache(maxsize=64)
def legendre_rule(m: int) -> Rule:
    r"""The m-point rule in double-double.

    The sign operator maps node values of f to :math:`\int\mathrm{sgn}(y-x_i)f(y)dy`, exact for polynomials of
    degree below m, in the basis where functions carry the square root of the weight; antisymmetric.
    """
    nodes = DoubleDouble.of(np.polynomial.legendre.leggauss(m)[0])
    for _ in range(2):
        table = _legendre_table(nodes, m)
        slope = _legendre_slope(nodes, table, m)
        nodes = nodes - table[m] / slope
    table = _legendre_table(nodes, m)
    roots = (2.0 / (1.0 - nodes * nodes)).sqrt() / _legendre_slope(nodes, table, m)
    roots = roots * np.sign(roots.high)
    degrees = np.arange(1, m)
    integrals = stack([nodes[None] + 1.0, (table[2:] - table[:-2]) / (2.0 * degrees + 1.0)[:, None]])
    values = table[:m] * (2.0 * np.arange(m) + 1.0)[:, None]
    kernel = 1.0 - matmul(integrals.transposed, values)
    sign = kernel * roots[:, None] * roots[None]
    return Rule(nodes, roots, (sign - sign.transposed) * 0.5)


def _legendre_table(x: DoubleDouble, m: int) -> DoubleDouble:
    """P_0 ... P_m at x, shape (m + 1, len(x))."""
    rows = [DoubleDouble.of(np.ones(x.shape)), x]
    for n in range(1, m):
        rows.append((x * rows[n] * (2.0 * n + 1.0) - rows[n - 1] * float(n)) / (n + 1.0))
    return stack([row[None] for row in rows])


def _legendre_slope(x: DoubleDouble, table: DoubleDouble, m: int) -> DoubleDouble:
    """The derivative of P_m at x."""
    return (x * table[m] - table[m - 1]) * float(m) / (x * x - 1.0)


def windows(N: int, s: FloatArray, length: FloatArray, m: int, pairs: int) -> Window:
    """Discretise the windows (s - length, s) of GOE_N, Mehta's scale, and reduce them.

    Parameters
    ----------
    N : int >= 2
    s, length : (windows,) float64
    m : int
        Nodes of a window; 36 resolve a window left of the edge, 4 more are needed an eigenvalue that it holds.
    pairs : int
        Terms of C to keep; at most N // 2.
    """
    c, rho, sign, one, unit = _kernel(N, s, length, m)
    u, sigma = _skew_factors(c, min(pairs, N // 2))
    turned = matmul(sign, stack([u, rho[..., None]], axis=-1))
    u_t = u.transposed
    products = matmul(u_t, stack([turned, one[..., None]], axis=-1))
    mean = matmul(rho[:, None, :], one[..., None])[:, 0, 0]
    rank = u.shape[-1]
    g = products[..., :rank]
    return Window(mean, products[..., rank + 1], products[..., rank], (g - g.transposed) * 0.5, sigma, unit)


def _kernel(
    N: int, s: FloatArray, length: FloatArray, m: int
) -> tuple[DoubleDouble, DoubleDouble, DoubleDouble, DoubleDouble, FloatArray]:
    """C, rho, the sign operator and the function 1 at the weighted nodes, and the unit of rho."""
    rule = legendre_rule(m)
    half = 0.5 * length[:, None]
    nodes = (rule.nodes[None] - 1.0) * half + s[:, None]
    points = stack([nodes, DoubleDouble.of(s[:, None])], axis=1)
    phi, exponent, at_s, first = hermite_functions(points, N)
    one = rule.root_weights[None] * DoubleDouble.of(half).sqrt()
    unit = exponent[:, m]
    constant = boundary_constant(N, at_s, DoubleDouble.of(s))
    below, top = phi[:, :-1], phi[:, -2, :m]
    coupled, shift = _couple(below[:, :, :m], first)
    bits = (53 - int(np.ceil(np.log2(N + 1)))) // 2
    everything = gram(below, stack([coupled, below[:, :, m:]], axis=-1), bits)
    relative = np.maximum(exponent[:, :m] - unit[:, None], -1000)
    c = everything[:, :m, :m].scaled(relative[:, :, None] + relative[:, None, :] + shift)
    c = (c - c.transposed) * 0.5 * one[..., None] * one[:, None]
    cross = everything[:, :m, -1].scaled(relative + np.maximum(unit, -1000)[:, None])
    rho = (cross + top.scaled(relative) * constant[:, None]) * one
    return c, rho, rule.sign[None] * half[..., None], one, unit


def _couple(phi: DoubleDouble, first: int) -> tuple[DoubleDouble, int]:
    """B phi for degrees from `first` on, divided by 2**shift so that its entries stay below 1; and the shift."""
    windows_, degrees, points = phi.shape
    last = first + degrees - 1
    strength = DoubleDouble.of(np.arange(first + 1.0, last + 1.0) / 2.0).sqrt() * -0.5
    edge = DoubleDouble.of(np.zeros((windows_, 1, points)))
    upper = phi[:, 1:] * strength[:, None]
    lower = phi[:, :-1] * strength[:, None]
    shift = int(np.ceil(0.5 * np.log2(last + 1))) + 1
    return (stack([upper, edge], axis=1) - stack([edge, lower], axis=1)).scaled(-shift), shift


def _skew_factors(c: DoubleDouble, pairs: int) -> tuple[DoubleDouble, DoubleDouble]:
    r"""U and sigma of :math:`C=\sum_i\sigma_i(u_iu_i'^{\mathsf T}-u_i'u_i^{\mathsf T})`; entries of U at most 1.

    Complete pivoting keeps the relative accuracy of every sigma at the rounding of C over its size; those that are
    all rounding are set to zero.
    """
    count, m, _ = c.shape
    batch = np.arange(count)
    columns, sigma = [], []
    for _ in range(pairs):
        place = np.argmax(np.abs(c.high).reshape(count, -1), axis=1)
        i, j = place // m, place % m
        pivot = c[batch, i, j]
        # A window may have no more pairs than C has rank: dividing by 1 then leaves a harmless zero column.
        divisor = DoubleDouble(np.where(pivot.high == 0.0, 1.0, pivot.high), pivot.low)[:, None]
        first, second = c[batch, :, i], c[batch, :, j]
        left, right = first / divisor, second / divisor
        c = c + (right[:, :, None] * first[:, None, :] - left[:, :, None] * second[:, None, :])
        columns += [left[..., None], right[..., None]]
        sigma.append(pivot[:, None])
    sigmas = stack(sigma, axis=-1)
    kept = np.abs(sigmas.high) > ROUNDING * np.abs(sigmas.high[:, :1])
    return stack(columns, axis=-1), sigmas * np.where(kept, 1.0, 0.0)
