"""Slices of the energy: along a great circle, and on a great sphere as a disc around its first minimum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.critical_points.slices import EnergySlices


def draw(table: EnergySlices) -> Figure:
    """Circle beside sphere."""
    figure, (left, right) = style.new_figure("page", 3.1, columns=2, width_ratios=(1.25, 1))
    circle(table, left)
    sphere(table, right)
    style.panel_label(left, "a", f"Great circle, $N = {table.N}$")
    style.panel_label(right, "b", "Great sphere")
    return figure


def circle(table: EnergySlices, ax: Axes | None = None) -> Axes:
    """Energy density against the angle from the lowest minimum."""
    ax = style.axes_or_new(ax)
    with style.context():
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
    return ax


def sphere(table: EnergySlices, ax: Axes | None = None) -> Axes:
    """Energy density on the great sphere; radius and direction are those of the geodesic from the lowest minimum."""
    ax = style.axes_or_new(ax)
    within = np.hypot(table.grid[:, None], table.grid) <= np.pi * (1 + 1e-9)
    limit = float(np.abs(table.sphere[within]).max())
    levels = np.linspace(-limit, limit, 25)
    with style.context():
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
        ax.set_axis_off()
        bar = ax.figure.colorbar(shown, ax=ax, shrink=0.85, pad=0.02)
        bar.set_label("energy density $u$")
        bar.set_ticks(np.arange(-2, 3) * np.floor(5 * limit) / 10)
    return ax
