"""The energy on the great circle and the great sphere through the lowest minima.

On a great circle a glass of order p is a trigonometric polynomial of degree p of the angle: the table says how far the
sampled energies are from one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from spinscape.experiments import disorder
from spinscape.experiments.critical_points.minima_bias import different_minima
from spinscape.experiments.disorder import FloatArray
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.geometry import slice_energy
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, integer, mixture
from spinscape.study.records import Arrays


def cost(parameters: Parameters, unit: Unit) -> float:
    return float(100 * parameters["starts"] + parameters["points"] ** 2)


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    """Couplings, points of descents and of a block of the grid."""
    return disorder.bytes_of(parameters, unit) + 8 * 3 * min(parameters["points"] ** 2 * unit["N"], 2**22)


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Find minima; slice through the lowest."""
    glass = disorder.instance(parameters, unit)
    minima = different_minima(glass, disorder.starts(glass, parameters, unit), n_threads)
    minima = _independent(minima)
    if len(minima) < 3:
        raise ValueError(
            f"starts: expected three different minima, {parameters['starts']} descents found {len(minima)}"
        )
    angles = np.linspace(-np.pi, np.pi, 4 * (parameters["points"] - 1) + 1)
    grid = np.linspace(-np.pi, np.pi, parameters["points"])
    circle, sphere = slice_energy(glass, minima[:2], angles), slice_energy(glass, minima[:3], grid, grid)
    return {
        "angle": angles,
        "circle": circle.energy_density,
        "circle_marks": circle.marks,
        "grid": grid,
        "sphere": sphere.energy_density,
        "sphere_marks": sphere.marks,
        "minimum_energy": glass.energy_density(minima[:3], n_threads=n_threads),
    }


def _independent(minima: FloatArray) -> FloatArray:
    """The minima without mirror images of lower ones, which span no slice with them."""
    kept: list[FloatArray] = []
    for point in minima:
        if all(abs(point @ other) < (1 - 1e-6) * point.size for other in kept):
            kept.append(point)
    return np.array(kept).reshape(-1, minima.shape[1])


@dataclass(frozen=True)
class EnergySlices(ResultTable):
    """The table of the slices: energy densities on a circle and on a sphere, and where the minima lie on them."""

    orders: tuple[int, ...]
    N: int
    angle: FloatArray
    circle: FloatArray
    circle_marks: FloatArray
    grid: FloatArray
    sphere: FloatArray
    sphere_marks: FloatArray
    minimum_energy: FloatArray

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the one unit."""
        return cls(tuple(sorted(results.xi)), results.parameters["sizes"][0], **results.rows[0].arrays)

    def rows(self) -> Rows:
        """Return one row a minimum: its place on the slices, and the height between the first two."""
        return [self._row(number) for number in range(len(self.minimum_energy))]

    def residual(self) -> float:
        """Largest distance of the circle's energies from a trigonometric polynomial of the glass's degree."""
        degree = max(self.orders)
        basis = np.exp(1j * np.outer(self.angle, np.arange(-degree, degree + 1)))
        fit = basis @ np.linalg.lstsq(basis, self.circle.astype(complex), rcond=None)[0]
        return float(np.abs(fit - self.circle).max())

    def _row(self, number: int) -> dict[str, Any]:
        x, y = self.sphere_marks[number]
        nan = float("nan")
        between = nan
        if number == 1:
            end = float(self.circle_marks[1, 0])
            between = float(self.circle[(self.angle >= 0) & (self.angle <= end)].max())
        return {
            "minimum": number,
            "energy": float(self.minimum_energy[number]),
            "angle_from_first": float(np.hypot(x, y)),
            "overlap_with_first": float(np.cos(np.hypot(x, y))),
            "x": float(x),
            "y": float(y),
            "highest_between": between,
            "residual_of_polynomial": self.residual() if number == 1 else nan,
        }


def draw(table: EnergySlices) -> Figure:
    """Circle beside sphere."""
    return style.page(
        3.1,
        (f"Great circle, $p = {' and '.join(map(str, table.orders))}$, $N = {table.N}$", partial(circle, table)),
        ("Great sphere", partial(sphere, table)),
        note="1, 2, 3: the lowest minima found. b: distance from 1 is the angle from it, its antipode is the rim",
        width_ratios=(1.25, 1),
    )


@style.panel
def circle(table: EnergySlices, ax: Axes) -> None:
    """Energy density against the angle from the lowest minimum."""
    ax.plot(table.angle, table.circle, color=style.PALETTE[0])
    marks = table.circle_marks[:, 0]
    ax.plot(marks, table.minimum_energy[: len(marks)], "o", color=style.PALETTE[1], zorder=3)
    for number, (at, u) in enumerate(zip(marks, table.minimum_energy, strict=False)):
        ax.annotate(f"{number + 1}", (at, u), (0, -5), textcoords="offset points", ha="center", va="top")
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.1 * (high - low), high)
    ax.set_xticks([-np.pi, -np.pi / 2, 0, np.pi / 2, np.pi], [r"$-\pi$", r"$-\pi/2$", "0", r"$\pi/2$", r"$\pi$"])
    ax.set_xlabel("angle from minimum 1")
    ax.set_ylabel("energy density $u$")


@style.panel
def sphere(table: EnergySlices, ax: Axes) -> None:
    """Energy density on the great sphere; radius and direction are those of the geodesic from the lowest minimum."""
    within = np.hypot(table.grid[:, None], table.grid) <= np.pi * (1 + 1e-9)
    limit = float(np.abs(table.sphere[within]).max())
    levels = np.linspace(-limit, limit, 25)
    from matplotlib.patches import Circle

    rim = Circle((0, 0), np.pi, fill=False, edgecolor=style.INK, linewidth=0.8)
    ax.add_patch(rim)
    energies = np.clip(table.sphere.T, -limit, limit)
    shown = ax.contourf(table.grid, table.grid, energies, levels, cmap="RdBu_r")
    lines = ax.contour(table.grid, table.grid, energies, levels, colors=style.INK, linewidths=0.25)
    for drawn in (shown, lines):
        drawn.set_clip_path(rim)
    x, y = table.sphere_marks.T
    ax.plot(x, y, "o", color=style.INK, markersize=3)
    for number, place in enumerate(zip(x, y, strict=True)):
        ax.annotate(f"{number + 1}", place, (4, 3), textcoords="offset points")
    ax.set_xlim(-1.02 * np.pi, 1.02 * np.pi)
    ax.set_ylim(-1.02 * np.pi, 1.02 * np.pi)
    ax.set_aspect("equal")
    ax.set_frame_on(False)
    ax.set_xticks([-np.pi, 0, np.pi], [r"$\pi$", "0", r"$\pi$"])
    ax.set_yticks([-np.pi, 0, np.pi], [r"$\pi$", "0", r"$\pi$"])
    ax.set_xlabel("angle from minimum 1, towards 2")
    ax.set_ylabel("angle from minimum 1, across")
    bar = ax.figure.colorbar(shown, ax=ax, shrink=0.85, pad=0.02)
    bar.set_label("energy density $u$")
    bar.set_ticks(np.arange(-2, 3) * np.floor(5 * limit) / 10)


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=3.9e-06,
    parameters=(
        mixture(),
        integer("N", 50, "size", 4, unit="spins"),
        integer("starts", 200, "descents that look for its minima", 3, 10**6, unit="starts"),
        integer("points", 121, "points of the grid on an axis", 9, 2001, unit="points"),
        SEED,
    ),
    arrange=disorder.one_size,
    quick={"N": 25, "starts": 48, "points": 61},
    units=disorder.instances,
    table=EnergySlices,
)
recipe = EXPERIMENT.maker
