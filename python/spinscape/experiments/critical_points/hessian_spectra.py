r"""Hessian spectra at minima, at barriers and high up, against the shifted GOE.

Given the energy density u at a critical point, the Hessian on the tangent space is √(2(N-1)p(p-1)/N) GOE_{N-1} - p u in
law, weighted by the modulus of its determinant (and, for minima, kept where it is positive): for large N a semicircle
of half-width 2√(p(p-1)) about -p u. At the points that algorithms find nothing says that it must be so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape.critical_points import find_critical_points
from spinscape.experiments import disorder
from spinscape.experiments.critical_points.minima_bias import different_minima
from spinscape.experiments.disorder import FloatArray
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.geometry import connect_pairs
from spinscape.hamiltonian import Glass
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, integer, number
from spinscape.study.records import Arrays, joined
from spinscape.theory import goe

KINDS = ("minimum", "barrier", "high")
TITLES = {"minimum": "Minima", "barrier": "Barriers", "high": "High up"}


def cost(parameters: Parameters, unit: Unit) -> float:
    return float(parameters["starts"] + 10 * parameters["pairs"])


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    chains = 8000 * parameters["pairs"] * unit["N"]
    return (
        disorder.bytes_of(parameters, unit) + disorder.hessian_bytes(unit, 2 * parameters["starts"], n_threads) + chains
    )


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Find minima, barriers between the lowest of them, and saddles high up; decompose their Hessians."""
    glass = disorder.instance(parameters, unit)
    starts = disorder.starts(glass, parameters, unit)
    minima = different_minima(glass, starts, n_threads)
    barriers = _barriers(glass, minima, parameters["pairs"], n_threads)
    high = find_critical_points(glass, parameters["high"], starts=starts, n_threads=n_threads)
    points = np.concatenate([minima, barriers, high.points[high.certified]])
    sizes = [len(minima), len(barriers), int(np.count_nonzero(high.certified))]
    return {
        "kind": np.repeat(np.arange(len(KINDS)), sizes),
        "energy_density": glass.energy_density(points, n_threads=n_threads),
        "eigenvalues": tangent_spectra(glass, points, n_threads),
    }


def tangent_spectra(glass: Glass, points: FloatArray, n_threads: int) -> FloatArray:
    """The N - 1 eigenvalues of the Hessian on the tangent space of one sphere, a row a point, ascending."""
    spectra = np.empty((len(points), glass.size - 1))
    for row, point in enumerate(points):
        hessian = glass.hessian(point[None], n_threads=n_threads)[0]
        frame = np.linalg.svd(point[None])[2][1:]  # orthonormal rows, all orthogonal to the point
        spectra[row] = np.linalg.eigvalsh(frame @ hessian @ frame.T)
    return spectra


def _barriers(glass: Glass, minima: FloatArray, pairs: int, n_threads: int) -> FloatArray:
    """Different certified saddles that link pairs of the lowest minima, the lowest pairs first."""
    chosen = [(i, j) for j in range(1, len(minima)) for i in range(j)][:pairs]
    if not chosen:
        return np.empty((0, glass.size))
    first, second = np.array(chosen).T
    found = connect_pairs(glass, minima[first], minima[second], rng=0, n_threads=n_threads)
    saddles = [one.saddle for one in found if one.linked and one.certified and one.index == 1]
    unique = {f"{glass.energy_density(saddle[None])[0]:.9f}": saddle for saddle in saddles}
    return np.array(list(unique.values())).reshape(-1, glass.size)


@dataclass(frozen=True)
class Spectrum:
    """The Hessians of one kind of points: energies (points,), eigenvalues (points, N - 1)."""

    kind: str
    energies: FloatArray
    eigenvalues: FloatArray

    @property
    def index(self) -> NDArray[np.int64]:
        """Negative eigenvalues of every point."""
        return np.asarray((self.eigenvalues < 0).sum(axis=1))


@dataclass(frozen=True)
class HessianSpectra(ResultTable):
    """The table of a study of spectra."""

    p: int
    N: int
    spectra: tuple[Spectrum, ...]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a kind without any point is left out."""
        columns = joined([row.arrays for row in results.rows])
        spectra = []
        for number_, kind in enumerate(KINDS):
            mine = columns["kind"] == number_
            if mine.any():
                spectra.append(Spectrum(kind, columns["energy_density"][mine], columns["eigenvalues"][mine]))
        return cls(results.order, results.parameters["sizes"][0], tuple(spectra))

    @property
    def half_width(self) -> float:
        """Half-width of the semicircle at this N: √2 times the scale of the shifted GOE."""
        return float(2 * np.sqrt((self.N - 1) * self.p * (self.p - 1) / self.N))

    def distance(self, spectrum: Spectrum) -> float:
        """Largest difference between the distribution functions of λ + p u and of the semicircle."""
        shifted = np.sort((spectrum.eigenvalues + self.p * spectrum.energies[:, None]).ravel())
        below = np.asarray(goe.semicircle_cdf(shifted * np.sqrt(2) / self.half_width))
        steps = np.arange(len(shifted) + 1) / len(shifted)
        return float(max(np.abs(below - steps[1:]).max(), np.abs(below - steps[:-1]).max()))

    def rows(self) -> Rows:
        """Return one row a kind: energies, centre, width and ends of the spectra beside the semicircle's."""
        return [self._row(spectrum) for spectrum in self.spectra]

    def _row(self, spectrum: Spectrum) -> dict[str, Any]:
        u, values = spectrum.energies, spectrum.eigenvalues
        centred = values + self.p * u[:, None]
        return {
            "points": spectrum.kind,
            "N": self.N,
            "number": len(u),
            "energy": float(u.mean()),
            "smallest_index": int(spectrum.index.min()),
            "largest_index": int(spectrum.index.max()),
            "centre": float(values.mean()),
            "semicircle_centre": float(-self.p * u.mean()),
            "half_width": float(2 * np.sqrt(np.mean((centred - centred.mean(axis=1, keepdims=True)) ** 2))),
            "semicircle_half_width": self.half_width,
            "lowest_eigenvalue": float(values[:, 0].mean()),
            "semicircle_lower_edge": float(-self.p * u.mean() - self.half_width),
            "distance": self.distance(spectrum),
        }


def draw(table: HessianSpectra) -> Figure:
    """A panel a kind of points."""
    figure, axes = style.new_figure("page", 3.0, columns=len(table.spectra), sharex=True, sharey=True)
    for letter, ax, found in zip("abc", axes, table.spectra, strict=False):
        spectrum(table, found, ax)
        style.panel_label(ax, letter, f"{TITLES[found.kind]}, $p = {table.p}$, $N = {table.N}$")
        if letter != "a":
            ax.set_ylabel("")
    style.legend_below(figure, axes[0])
    return figure


@style.panel
def spectrum(table: HessianSpectra, found: Spectrum, ax: Axes) -> None:
    """All eigenvalues of one kind of points, and the mean of the semicircles of their energies."""
    half, u = table.half_width, found.energies
    values = np.linspace(-table.p * u.max() - 1.05 * half, -table.p * u.min() + 1.05 * half, 500)
    scaled = (values[:, None] + table.p * u) * np.sqrt(2) / half
    curve = np.asarray(goe.semicircle_density(scaled)).mean(axis=1) * np.sqrt(2) / half
    heights, edges = np.histogram(found.eigenvalues, 60, density=True)
    ax.stairs(heights, edges, fill=True, color=style.PALETTE[5], alpha=0.6, label="eigenvalues")
    ax.plot(values, curve, color=style.INK, linewidth=1.1, label="semicircles at the energies of the points")
    ax.axvline(0, ymax=0.78, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    ax.set_xlabel(r"eigenvalue of the Hessian, $\lambda$")
    ax.set_ylabel("density")
    ax.set_ylim(0, max(1.35 * float(max(curve.max(), heights.max())), ax.get_ylim()[1]))  # panels share it
    low, high = found.index.min(), found.index.max()
    span = f"{low}" if low == high else f"{low} to {high}"
    text = f"{len(u)} points, index {span}\n$\\langle u \\rangle = {u.mean():.3f}$"
    style.note(ax, text, y=0.98, va="top")


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=1.6e-02,
    source="ABAC Theorem 2.1",
    parameters=(
        disorder.ORDER,
        integer("N", 80, "size", 3, 600, unit="spins"),
        integer("tensors", 6, "instances", 1, 10**6, unit="tensors"),
        integer("starts", 24, "descents, and searches high up, on each tensor", 2, 10**6, unit="starts"),
        integer("pairs", 6, "pairs of its lowest minima, connected over certified saddles", 1, 10**4, unit="pairs"),
        number("high", -0.8, "energy density near which saddles are searched", unit="energy"),
        SEED,
    ),
    arrange=lambda values: disorder.one_size(disorder.pure(values)),
    quick={"N": 40, "tensors": 2, "starts": 12, "pairs": 3},
    units=disorder.instances,
    table=HessianSpectra,
)
recipe = EXPERIMENT.maker
