r"""The one convention of the package, and the exact factors to the conventions of others.

The model is :math:`H_N(w)=N^{-(p-1)/2}\sum X_{i_1\dots i_p}w_{i_1}\cdots w_{i_p}` on the sphere
:math:`|w|^2=N`, with covariance :math:`N\,\xi(q)`, :math:`\xi(q)=q^p` for the pure model, at overlap
:math:`q=w\cdot w'/N`. The energy density is :math:`u=H_N/N`. ``p`` and ``N`` are the :math:`H` (depth) and
:math:`\Lambda` (unique weights) of Choromanska, Henaff, Mathieu, Ben Arous and LeCun (AISTATS 2015).

Two factors of :math:`\sqrt2` cause most disagreements between papers, so both are functions here:

* physics papers (Crisanti-Sommers, Cugliandolo-Kurchan) take covariance :math:`(N/2)\,q^p`; energies and
  temperatures here are :math:`\sqrt2` times theirs;
* "the" Gaussian orthogonal ensemble has several scales, told apart by the edge of its spectrum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinscape.arrays import as_choice, as_integer, as_reals

__all__ = [
    "FloatArray",
    "GoeScale",
    "Xi",
    "energy_from_physics",
    "energy_to_physics",
    "goe_edge",
    "rescale_goe",
    "temperature_from_physics",
    "temperature_to_physics",
]

FloatArray: TypeAlias = NDArray[np.float64]


class WithXi(Protocol):
    """Whatever tells the coefficients of its covariance: a glass."""

    @property
    def xi(self) -> Mapping[int, float]:
        """{p: c_p}."""


Xi: TypeAlias = Mapping[int, float] | Callable[[FloatArray, int], FloatArray] | WithXi
r"""The covariance :math:`\xi(q)=\sum_p c_pq^p`: a mapping ``{p: c_p}``, a function ``xi(q, order)`` that returns the
derivative of that order of :math:`\xi` at ``q``, or a glass, whose ``xi`` is read."""

GoeScale: TypeAlias = Literal["abac", "mehta", "library", "unit"]
r"""A scale of the n x n Gaussian orthogonal ensemble, named by its user, told by its spectral edge:

==============  =======================  ==========================================================
name            edge                     where
==============  =======================  ==========================================================
``"abac"``      :math:`\sqrt2`           this package and Auffinger, Ben Arous, Cerny
                                         (arXiv:1003.1129): E M_ij^2 = (1 + delta_ij)/(2n)
``"mehta"``     :math:`\sqrt{2n}`        Mehta's book, density exp(-tr M^2/2), variable ``y``
``"library"``   :math:`2\sqrt n`         scikit-rmt and others: off-diagonal entries of variance 1
``"unit"``      :math:`1`                textbooks of the semicircle on [-1, 1]
==============  =======================  ==========================================================
"""

_EDGES: dict[str, Callable[[float], float]] = {
    "abac": lambda n: float(np.sqrt(2.0)),
    "mehta": lambda n: float(np.sqrt(2.0 * n)),
    "library": lambda n: float(2.0 * np.sqrt(n)),
    "unit": lambda n: 1.0,
}


def energy_to_physics(energy: ArrayLike) -> FloatArray:
    r"""Energy density in the physics convention, covariance :math:`(N/2)q^p`: :math:`u/\sqrt2`."""
    return as_reals(energy, "energy", infinite=True) / np.sqrt(2.0)


def energy_from_physics(energy: ArrayLike) -> FloatArray:
    r"""Energy density here from one in the physics convention: :math:`\sqrt2` times it."""
    return as_reals(energy, "energy", infinite=True) * np.sqrt(2.0)


def temperature_to_physics(temperature: ArrayLike) -> FloatArray:
    r"""Temperature in the physics convention: :math:`T/\sqrt2`, so that :math:`\beta H` is the same."""
    return as_reals(temperature, "temperature", infinite=True) / np.sqrt(2.0)


def temperature_from_physics(temperature: ArrayLike) -> FloatArray:
    r"""Temperature here from one in the physics convention: :math:`\sqrt2` times it."""
    return as_reals(temperature, "temperature", infinite=True) * np.sqrt(2.0)


def goe_edge(n: int, scale: GoeScale = "abac") -> float:
    """Spectral edge of the n x n Gaussian orthogonal ensemble in the named scale.

    Raises
    ------
    ValueError
        If `scale` is not one of ``"abac"``, ``"mehta"``, ``"library"``, ``"unit"``, or `n` is below 1.
    """
    edge = _EDGES[as_choice(scale, "scale", tuple(_EDGES))]
    return edge(as_integer(n, "n", 1))


def rescale_goe(eigenvalues: ArrayLike, n: int, source: GoeScale, target: GoeScale) -> FloatArray:
    """Carry eigenvalues (or spectral variables) of a GOE of size `n` from one scale to another.

    Parameters
    ----------
    eigenvalues : array_like of float, any shape
    n : int
        Size of the matrix.
    source, target : GoeScale
        See :data:`GoeScale`.
    """
    edges = [_EDGES[as_choice(scale, name, tuple(_EDGES))] for name, scale in (("source", source), ("target", target))]
    old, new = (edge(as_integer(n, "n", 1)) for edge in edges)
    return as_reals(eigenvalues, "eigenvalues", infinite=True) * (new / old)
