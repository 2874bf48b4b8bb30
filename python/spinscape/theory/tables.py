"""The arrays behind every theoretical figure, as tables that can be saved, read back and redrawn.

Numbers that outgrow a double are stored as natural logarithms: a column named log_… is −inf where the number is 0.
Columns that end in _total count critical points of every index, those that end in _0, _1, … of that index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spinscape.arrays import as_integer
from spinscape.conventions import FloatArray
from spinscape.theory.counts import critical_energy_density, log_mean_critical_points
from spinscape.theory.domain import as_order, as_size, refuse_quadratic
from spinscape.theory.finite_size import log_mean_below_threshold
from spinscape.theory.pure import (
    complexity,
    complexity_slope,
    ground_state_energy,
    layer_energy,
    sharp_asymptotics,
    threshold_energy,
)
from spinscape.theory.table import Table

INDICES = 6
_POINTS = 401


def derivative_curves(p: Any = 3, N: Any = 1000, indices: Any = INDICES) -> Table:
    """AISTATS15 Fig. 1 (COLT15 Fig. 2), d/du exp(NΘ(u)), and the exact density of critical points at the same u.

    The published curves are derivatives of exp(NΘ), per unit u, and carry none of the factors that make the mean count:
    the exact density d/du E Crt_N((−∞, u]) stands beside them.
    """
    order, size, count = _checked(p, indices), as_size(N), as_integer(indices, "indices", 1)
    u = _energies(order)
    columns, meanings = {"u": u}, {"u": "energy density H/N"}
    for label, index, words in _labels(count):
        columns[f"log_derivative_{label}"] = log_published_derivative(u, size, order, index)
        meanings[f"log_derivative_{label}"] = f"log of d/du exp(N Theta(u)), {words}"
        columns[f"log_density_{label}"] = critical_energy_density(u, N=size, p=order, index=index, log=True)
        meanings[f"log_density_{label}"] = f"log of d/du E Crt_N((-inf, u]), exact, {words}"
    return Table("derivative-curves", _thresholds(order) | {"N": size, "indices": count}, columns, meanings)


def log_published_derivative(u: FloatArray, N: int, p: int, index: int | None = None) -> FloatArray:
    """Natural logarithm of d/du exp(NΘ(u)), the curves of AISTATS15 Fig. 1: log(NΘ'(u)) + NΘ(u)."""
    with np.errstate(divide="ignore"):
        return np.log(N * complexity_slope(u, p, index)) + N * complexity(u, p, index)


def complexity_curves(p: Any = 3, indices: Any = INDICES) -> Table:
    """AISTATS15 Fig. 2: Θ_p and Θ_{k,p}, with the corrected constant of the latter above −E∞.

    smallest_N as in `layer_energies`.
    """
    order, count = _checked(p, indices), as_integer(indices, "indices", 1)
    u = _energies(order)
    columns, meanings = {"u": u}, {"u": "energy density H/N"}
    for label, index, words in _labels(count):
        columns[f"theta_{label}"] = complexity(u, order, index)
        meanings[f"theta_{label}"] = f"complexity: limit of (1/N) log E Crt_N((-inf, u]), {words}"
    parameters = _thresholds(order) | {"indices": count, "smallest_N": _smallest_size(order)}
    return Table("complexity", parameters, columns, meanings)


def layer_energies(p: Sequence[int] = (3, 4, 5, 10), indices: Any = 10) -> Table:
    """The ladder of layers: E_k for k < indices and several p, with the barriers and the size at which it fills.

    smallest_N is the least N at which the exact mean number of critical points below −E∞ is at least 1: smaller systems
    typically have no critical point in the band at all.
    """
    count = as_integer(indices, "indices", 1)
    rows = []
    for order in (_checked(q, count) for q in p):
        edge, ground, filled = threshold_energy(order), ground_state_energy(order), _smallest_size(order)
        rows += [(order, k, e, edge, ground - e, filled) for k, e in _layers(order, count)]
    names = ("p", "index", "energy", "threshold", "barrier", "smallest_N")
    meanings = {
        "p": "number of interacting spins",
        "index": "k, number of negative eigenvalues of the Hessian",
        "energy": "E_k; critical points of index k lie above -E_k",
        "threshold": "E_inf",
        "barrier": "E_0 - E_k, lower bound on the energy barrier per spin from layer k to the ground state",
        "smallest_N": "least N with E Crt_N((-inf, -E_inf]) >= 1, exact",
    }
    orders = [int(q) for q in p]
    return Table("layers", {"p": orders, "indices": count}, dict(zip(names, np.array(rows).T, strict=True)), meanings)


def counts_against_size(p: Any = 3, sizes: Sequence[int] = (10, 100, 1000), minima_to: Any = 1000) -> Table:
    """Exact mean counts, their sharp asymptotics and the bare rate NΘ, for growing N.

    Levels: all critical points; below −E∞/2 (the bulk), below −E∞ (the edge), below −(E_0+E∞)/2 (the band); and the
    minima, whose exact number is computed up to N = minima_to and NaN beyond.
    """
    order, largest = _checked(p, 1), as_integer(minima_to, "minima_to", 2)
    N = [as_size(n) for n in sizes]
    edge, ground = float(threshold_energy(order)), float(ground_state_energy(order))
    levels: dict[str, float] = {"all": np.inf, "bulk": -edge / 2, "edge": -edge, "band": -(ground + edge) / 2}
    columns, meanings = {"N": np.asarray(N, dtype=np.float64)}, {"N": "number of spins"}
    for name, u in levels.items():
        where = "of all energies" if name == "all" else f"with H/N <= {u:.6f}"
        columns[f"log_exact_{name}"] = np.array([log_mean_critical_points(N=n, p=order, below=u) for n in N])
        meanings[f"log_exact_{name}"] = f"log of the exact mean number of critical points {where}"
        columns[f"log_sharp_{name}"] = np.array([float(sharp_asymptotics(u, N=n, p=order)) for n in N])
        meanings[f"log_sharp_{name}"] = f"log of the sharp asymptotic formula, critical points {where}"
        columns[f"rate_{name}"] = np.full(len(N), float(complexity(u, order)))
        meanings[f"rate_{name}"] = f"Theta(u), critical points {where}"
    columns["log_exact_minima"] = np.array(
        [log_mean_critical_points(N=n, p=order, index=0) if n <= largest else np.nan for n in N]
    )
    meanings["log_exact_minima"] = f"log of the exact mean number of minima; nan beyond N = {largest}"
    columns["rate_minima"] = np.full(len(N), float(complexity(0.0, order, index=0)))
    meanings["rate_minima"] = "Theta_0, minima of all energies"
    return Table("counts", _thresholds(order), columns, meanings)


def density_by_index(p: Any = 3, N: Any = 50, indices: Any = INDICES) -> Table:
    """Where the critical points of each index lie: exact density of their mean number, and of their energy.

    pdf_k integrates to 1 over u: the density of the energy of a critical point of index k, weighted by mean numbers.
    """
    order, size = _checked(p, indices), as_size(N)
    count = min(as_integer(indices, "indices", 1), size)
    u = np.linspace(-1.25 * ground_state_energy(order), 0.0, _POINTS)
    columns, meanings = {"u": u}, {"u": "energy density H/N"}
    for label, index, words in _labels(count):
        density = critical_energy_density(u, N=size, p=order, index=index, log=True)
        columns[f"log_density_{label}"] = density
        meanings[f"log_density_{label}"] = f"log of d/du E Crt_N((-inf, u]), exact, {words}"
        if index is not None:
            columns[f"pdf_{label}"] = np.exp(density - log_mean_critical_points(N=size, p=order, index=index))
            meanings[f"pdf_{label}"] = f"the same divided by its integral, {words}"
    below = float(np.exp(log_mean_below_threshold(N=size, p=order)))
    parameters = _thresholds(order) | {"N": size, "indices": count, "mean_below_threshold": below}
    return Table("density", parameters, columns, meanings)


def _checked(p: Any, indices: Any) -> int:
    """An integer p ≥ 3: at p = 2 there is no band and no layer to show."""
    as_integer(indices, "indices", 1)
    order = as_order(p)
    refuse_quadratic(order, "the layers of critical points")
    return order


def _thresholds(p: int) -> dict[str, float]:
    return {"p": p, "threshold": float(threshold_energy(p)), "ground_state": float(ground_state_energy(p))}


def _labels(indices: int) -> list[tuple[str, int | None, str]]:
    return [("total", None, "all indices"), *((str(k), k, f"index {k}") for k in range(indices))]


def _energies(p: int) -> FloatArray:
    """Energy densities from twice the band's width below the ground state up to 0, dense where the curves turn.

    The derivative by index has its maximum a distance of order 1/N below −E∞ and jumps to 0 there; the exact
    density has its maximum above −E∞ by less than a tenth of E∞; the total has its own at a distance of order
    1/√N below 0.
    """
    edge = float(threshold_energy(p))
    band = float(ground_state_energy(p)) - edge
    s = np.linspace(0.0, 1.0, _POINTS)
    pieces = [-edge - 3 * band * s**2, -edge * (1 - 1e-12 - 0.15 * s), -edge * s**1.5]
    return np.unique(np.concatenate(pieces))


def _layers(p: int, indices: int) -> list[tuple[int, float]]:
    return [(k, float(layer_energy(p, k))) for k in range(indices)]


def _smallest_size(p: int) -> int:
    """The least N with E Crt_N((−∞, −E∞]) ≥ 1, by bisection: the mean grows with N."""
    high = 2
    while log_mean_below_threshold(N=high, p=p) < 0:
        high *= 2
    low = max(high // 2, 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if log_mean_below_threshold(N=middle, p=p) >= 0 else (middle, high)
    return high
