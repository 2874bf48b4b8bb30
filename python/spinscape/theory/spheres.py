"""The product of p spheres: each of the p layers of weights lives on its own (the uncoupled model).

H(w¹, …, w^p) = n^{−(p−1)/2} Σ X_{i₁…i_p} w¹_{i₁} … w^p_{i_p} with X i.i.d. N(0, 1) and |w^l|² = n for every
l, so that E[H(w) H(v)] = n Π_l (w^l·v^l/n). It has p·n spins and p(n−1) directions. All blocks are equal in
size: the balanced case, where every formula is that of the pure p-spin model on p·n spins, rescaled by √p:
the Hessian is n^{−1/2} × (block GOE with zero diagonal blocks) − u, and a semicircle of half-width 2√(p−1)
for large n.

The energy is quoted in two units, and `per` chooses between them:

- "sphere" (the default): u = H/n, in which u has variance 1/n at a fixed point;
- "spin": H/(pn), energy per degree of freedom.

u/√p with u = H/n is the energy density of the pure model on p·n spins with the same complexity.

What is known: the mean count is the Kac–Rice formula with the determinant asymptotics of Ben Arous, Bourgade
and McKenna (arXiv:2105.05000), worked out for two species by McKenna (arXiv:2105.05043). That its zero is the
ground state, and not only a bound on it, is proved for some bipartite models (Kivimae, arXiv:2107.13138) and
open for general p; it agrees with one step of replica-symmetry breaking that treats the spheres alike. No
closed form is known at finite n.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from spinscape.arrays import as_choice, ignoring_underflow
from spinscape.conventions import FloatArray
from spinscape.theory.domain import as_energies, as_order
from spinscape.theory.mixed import complexity_mixed, layer_energy_mixed

Per = Literal["sphere", "spin"]


@ignoring_underflow
def threshold_energy_spheres(p: Any, per: Per = "sphere") -> float:
    """E∞ > 0: at −E∞ the bulk of the Hessian touches zero. 2√(p−1) per sphere, 2√(p−1)/p per spin."""
    order = as_order(p)
    return float(2 * np.sqrt(order - 1) / _spins(order, per))


@ignoring_underflow
def ground_state_energy_spheres(p: Any, per: Per = "sphere") -> float:
    """E_0 > 0: no critical point lies below −E_0 for large n. √p E_0(p) per sphere, E_0(p)/√p per spin.

    This bound on the energies is proved; that the ground state reaches it is not, for general p.
    """
    order = as_order(p)
    return float(np.sqrt(order) * layer_energy_mixed({order: 1.0}, 0) / _spins(order, per))


@ignoring_underflow
def complexity_spheres(u: ArrayLike, p: Any, per: Per = "sphere") -> FloatArray:
    """Σ(u) = p Θ_p(u/√p): lim (1/n) log E #{critical points with H/n ≤ u}, all indices.

    per="spin" takes u = H/(pn) and divides the logarithm by p·n instead of n: Θ_p(√p u).
    Points that differ by a flip of an even number of spheres count separately.

    Parameters
    ----------
    u : array_like of float
        Energies, any shape, infinities allowed.
    p : int ≥ 2
        Number of spheres.
    per : "sphere" or "spin"
        What the energy and the logarithm are divided by.

    Returns
    -------
    float64 or array of float64, the shape of u
    """
    order = as_order(p)
    spins = _spins(order, per)
    theta = complexity_mixed(as_energies(u, "u") * spins / np.sqrt(order), {order: 1.0})
    return theta * order / spins


def _spins(p: int, per: str) -> int:
    """Spins in the unit that energies and logarithms refer to, in units of n."""
    return p if as_choice(per, "per", ("sphere", "spin")) == "spin" else 1
