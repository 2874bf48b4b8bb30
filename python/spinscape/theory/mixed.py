"""Complexity and thresholds of spherical mixed models, for any mixture function ξ.

ξ, ξ', ξ'' without argument are taken at 1. At a point of the sphere the energy density u = H/N and the radial
derivative r = w·∇H/N are Gaussian with N·Cov = [[ξ, ξ'], [ξ', ξ''+ξ']], and the Riemannian Hessian is a GOE
with semicircle of half-width 2√ξ'', shifted by −r and independent of (u, r). So the Kac–Rice formula gives
the mean number of critical points per energy and radial derivative as exp(NΘ(u, r)) (Auffinger and Ben
Arous, Ann. Probab. 41, 4214 (2013), arXiv:1110.5872; with both variables in Ben Arous, Subag and Zeitouni,
arXiv:1804.10573),

    Θ(u, r) = ½ + ½ log(ξ''/ξ') + Ω(r/√ξ'') − [(ξ''+ξ')u² − 2ξ'ur + ξr²]/(2α²),   α² = ξ(ξ''+ξ') − ξ'²,
    Ω(x) = x²/4 − ½ − 1{|x|>2} J(|x|),   J(x) = x√(x²−4)/4 − log((x+√(x²−4))/2).

Mean counts are *annealed*: a rare sample can dominate them, and they bound typical counts from above only.
For pure models the two agree at low energies (Subag, arXiv:1504.02251); for mixed models that is open in
general, and false near a ground state that breaks replica symmetry fully. Pure models are the case α = 0,
where every function here agrees with its pure counterpart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from spinscape.arrays import as_integers, broadcast, ignoring_underflow
from spinscape.conventions import FloatArray, Xi
from spinscape.theory.domain import as_energies, as_indices
from spinscape.theory.mixture import BELOW_ONE, MixtureAtOne, MixtureFunction, at_one, integral_of_root, mixture

_LARGEST = 1e100  # |u| beyond which the complexity is −inf; its square still fits a double


@ignoring_underflow
def complexity_mixed(u: ArrayLike, xi: Xi, index: Any = None) -> FloatArray:
    """Limit of (1/N) log E #{critical points with H/N ≤ u}: of all of them, or of those of one index.

    Cumulative, like `complexity` of the pure models: Θ(u) = sup over u' ≤ u and r of Θ(u', r). For index k
    the range is r ≤ −2√ξ'' and k J(|r|/√ξ'') is subtracted, the price of k eigenvalues below the bulk.
    (1/N) log of the number itself is meant, so a value below 0 says that the mean vanishes exponentially.

    Parameters
    ----------
    u : array_like of float
        Energy densities, any shape, infinities allowed.
    xi : {p: c_p}, or a function xi(q, order)
        The mixture.
    index : int, optional
        None for all critical points, or k ≥ 0, which stays fixed as N → ∞.

    Returns
    -------
    float64 or array of float64, the shape of u

    Source: arXiv:1110.5872 (a variational formula there); here the supremum over r is taken in closed form.
    """
    at = at_one(xi)
    energies, indices = broadcast(u=as_energies(u, "u"), index=as_indices(index))
    theta = np.empty(energies.shape)
    for k in np.unique(indices):
        here = indices == k
        theta[here] = _complexity(energies[here], at, index is None, 1 if index is None else 1 + int(k))
    return theta[()]


def _complexity(energies: FloatArray, at: MixtureAtOne, every_index: bool, price: int) -> FloatArray:
    # the mean count up to u is dominated by its largest density at or below u
    depth = -np.minimum(energies, -_depth_of_maximum(at, every_index, price))
    theta = _exponent(np.minimum(depth, _LARGEST), at, every_index, price)
    return np.where(depth > _LARGEST, -np.inf, theta)


@ignoring_underflow
def finite_index_complexity(xi: Xi) -> float:
    """½ log(ξ''/ξ') − (ξ''−ξ')/(ξ''+ξ'): (1/N) log of the mean number of minima, or of any other fixed index.

    Source: arXiv:1110.5872. ValueError for a trivial landscape, ξ'' < ξ', which has two critical points.
    """
    at = _complex_landscape(xi)
    ratio = at.second / at.first
    return float(0.5 * np.log(ratio) - (ratio - 1) / (ratio + 1))


@ignoring_underflow
def layer_energy_mixed(xi: Xi, index: ArrayLike) -> FloatArray:
    """E_k > 0: below −E_k the mean number of critical points of index k vanishes exponentially.

    The root of `complexity_mixed(-E, xi, index) = 0`. For index 0 it is an upper bound on the ground-state
    energy E_0, with equality where the ground state has one step of replica-symmetry breaking and no field;
    for the rest use `ground_state_energy_mixed`.
    """
    at, indices = _complex_landscape(xi), as_integers(index, "index", 0)
    energies = [_layer(at, 1 + int(k)) for k in indices.flat]
    return np.array(energies, dtype=np.float64).reshape(indices.shape)[()]


def _layer(at: MixtureAtOne, price: int) -> float:
    start = _depth_of_maximum(at, False, price)

    def theta(depth: float) -> float:
        return float(_exponent(np.asarray(depth), at, False, price))

    if theta(start) <= 4 * np.finfo(float).eps:  # p = 2: every index sits at the edge
        return start
    end = 2 * start
    while theta(end) > 0:
        end *= 2
    return float(brentq(theta, start, end, xtol=1e-15, rtol=1e-14))


@ignoring_underflow
def marginal_energy(xi: Xi) -> float:
    """E_th = (ξξ''−ξξ'+ξ'²)/(ξ'√ξ''): at energy −E_th the most numerous critical points become marginal.

    Above it they are saddles of extensive index, below it minima. For a pure model it is E∞ = 2√((p−1)/p).
    Physics calls it the threshold energy, but descent in mixed models need not stop there (Folena, Franz
    and Ricci-Tersenghi, arXiv:1903.01421); where it stops is open. Compare `marginal_range` and
    `algorithmic_energy`.
    """
    at = _complex_landscape(xi)
    return float((2 * at.value * at.second - at.radial_variance) / (at.first * np.sqrt(at.second)))


@ignoring_underflow
def marginal_range(xi: Xi) -> tuple[float, float]:
    """(E⁻, E⁺): marginal minima (Hessian touching zero) are exponentially many for energies in [−E⁺, −E⁻].

    E^± = [2ξ'√ξ'' ± α√(2(ξ''+ξ')Σ)]/(ξ''+ξ') with Σ = `finite_index_complexity`; their number is largest in
    the middle, at −2ξ'√ξ''/(ξ''+ξ'). Annealed. A pure model has the one energy E⁻ = E⁺ = E∞.
    """
    at = _complex_landscape(xi)
    total = at.second + at.first
    spread = np.sqrt(2 * at.radial_variance * max(finite_index_complexity(xi), 0.0) / total)
    middle = 2 * at.first * np.sqrt(at.second) / total
    return float(middle - spread), float(middle + spread)


@ignoring_underflow
def algorithmic_energy(xi: Xi) -> float:
    """ALG: the energy −ALG is reached by efficient algorithms, and by no Lipschitz algorithm passed.

    ∫₀¹ √ξ''(q) dq without a field (Subag, arXiv:1812.04588, constructs; Huang and Sellke, arXiv:2110.07847,
    prove the barrier); with one, √(q₀ξ'(q₀)) + ∫_{q₀}^1 √ξ''(q) dq with q₀ξ''(q₀) = ξ'(q₀), or √ξ'(1) for a
    trivial landscape. Always ≤ E_0, with equality for full replica-symmetry breaking; equal to E∞ for pure
    models.
    """
    function = mixture(xi)
    root = _root_overlap(function)
    return float(np.sqrt(root * function(root, 1))) + integral_of_root(function, root, 1.0)[0]


@ignoring_underflow
def is_trivial(xi: Xi) -> bool:
    """Whether ξ''(1) < ξ'(1): then H has just one minimum and one maximum, which takes a field (p = 1).

    Proved by Belius, Černý, Nakajima and Schmidt (arXiv:2104.06345) for a deterministic field; Huang and
    Sellke (arXiv:2308.09677) show the converse for means. Then E_0 = √ξ'(1).
    """
    at = at_one(xi)
    return at.second < at.first


@ignoring_underflow
def is_full_rsb(xi: Xi) -> bool:
    """Whether the ground state breaks replica symmetry fully, without an overlap gap, so that E_0 = ALG.

    Chen and Sen (arXiv:1512.08492, Proposition 2): true if 1/√ξ'' is concave on (0, 1], or from q₀ on
    with a field (see `algorithmic_energy`), that is 2ξ''ξ'''' ≥ 3ξ'''²; checked at 2001 overlaps. False where
    replica symmetry holds (p = 2, trivial landscapes). A `xi` given as a function must know orders 3 and 4.
    """
    function = mixture(xi)
    root = _root_overlap(function)
    if root == 1.0:
        return False
    second, third, fourth = (function(np.linspace(root, BELOW_ONE, 2001), order) for order in (2, 3, 4))
    return bool(second[0] > 0 and np.all(2 * second * fourth >= 3 * third**2 * (1 - 1e-12)))


def _complex_landscape(xi: Xi) -> MixtureAtOne:
    at = at_one(xi)
    if at.second < at.first:
        raise ValueError(
            f"xi: expected xi''(1) >= xi'(1), got {at.second:.6g} < {at.first:.6g}: in so strong a "
            "field the landscape has two critical points and no thresholds"
        )
    return at


def _root_overlap(xi: MixtureFunction) -> float:
    """q₀ with q₀ξ''(q₀) = ξ'(q₀): the overlap from which states may branch; 1 if they never do."""
    if float(xi(BELOW_ONE, 2)) <= float(xi(1.0, 1)):
        return 1.0
    if float(xi(0.0, 1)) == 0:
        return 0.0
    return float(brentq(lambda q: float(q * xi(q, 2) - xi(q, 1)), 0.0, BELOW_ONE, xtol=1e-15, rtol=1e-14))


def _depth_of_maximum(at: MixtureAtOne, every_index: bool, price: int) -> float:
    """−u where the density of critical points, over all u, is largest."""
    total, lack = at.second + at.first, at.first - at.second
    if every_index:
        return float(np.sqrt(at.first)) if lack > 0 else 0.0
    # marginal, |r| = 2√ξ'', unless the landscape is trivial and the maximum lies inside
    x = 2 / np.sqrt(1 - (max(lack, 0.0) / (price * total)) ** 2)
    return float(at.first * np.sqrt(at.second) * x / total)


def _exponent(depth: FloatArray, at: MixtureAtOne, every_index: bool, price: int) -> FloatArray:
    """The supremum over r of Θ(−depth, r) − (price−1) J at depth ≥ 0, r in ℝ or r ≤ −2√ξ''.

    With x = |r|/√ξ'' = t + 1/t the condition of stationarity is (b−a)t² − ct + (b+a) = 0.
    """
    width = np.sqrt(at.second)
    spread = at.radial_variance / at.value  # N Var(r | u)
    centre = at.first * depth / at.value  # −E(r | u)
    a, b, c = price * spread, 2 * at.second - spread, 2 * width * centre
    outside = c >= 2 * b  # depth ≥ E_th: the optimal r puts the whole bulk of the Hessian above 0
    root = np.sqrt(np.maximum(c**2 - 4 * (b - a) * (b + a), 0.0))
    t = np.where(outside, np.minimum(2 * (b + a) / np.where(outside, c + root, 1.0), 1.0), 1.0)
    gap = 1 / t - t  # √(x²−4)
    x = np.where(outside, t + 1 / t, c / b if every_index else 2.0)
    outlier = (1 / t**2 - t**2) / 4 + np.log(t)  # J(x)
    # (r − E(r|u))²/(2 spread); where the supremum is stationary it needs no division by the spread, 0 if pure
    penalty = (x - price * gap) ** 2 * spread / (8 * at.second)
    if not every_index and spread > 0:
        penalty = np.where(outside, penalty, (2 * width - centre) ** 2 / (2 * spread))
    volume = 0.5 * np.log(at.second / at.first)
    return np.asarray(volume + x**2 / 4 - price * outlier - depth**2 / (2 * at.value) - penalty)
