"""Results in hand -> Axes: what descents, slices, spectral densities, searches and disconnectivity graphs show.

A result is told by its fields, so a saved one (`to_dict`) in a namespace draws as well, and nothing that computes is
imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spinscape.figures import style
from spinscape.figures.style import Axes


def plot(result: Any, ax: Axes | None = None) -> Axes:
    """Draw a result into `ax`, or into a figure of its own; return the axes.

    A run with a trace (energy density against steps), an energy slice (a curve or contours), a spectral density, a
    disconnectivity graph or tree, critical points with their index (index against energy). TypeError for others.
    """
    for fields, draw in KINDS:
        if all(hasattr(result, name) for name in fields):
            return draw(result, ax=ax)
    known = "a run with a trace, an energy slice, a spectral density, a disconnectivity graph, points with their index"
    raise TypeError(f"result: expected {known}, got {type(result).__name__}")


@style.panel
def trace(run: Any, ax: Axes) -> None:
    """Energy density of every replica (thin) and of their mean against steps; needs `trace_every`."""
    if not len(run.trace_steps):
        raise ValueError("result: expected a run with a trace, got one without; pass trace_every=1 to what made it")
    energies = np.atleast_2d(run.trace_energy_density)
    there = np.isfinite(energies)
    ax.plot(run.trace_steps, energies.T, color=style.PALETTE[0], linewidth=0.6, alpha=0.35)
    counts = there.sum(axis=0)
    shown = counts == len(energies)  # while every replica is on its way: the mean is then over the same ones
    ax.plot(run.trace_steps[shown], energies[:, shown].mean(axis=0), color=style.INK, label=f"mean of {len(energies)}")
    ax.set_xlabel("step")
    ax.set_ylabel("energy density $u$")
    ax.legend(loc="upper right")


@style.panel
def energy_slice(found: Any, ax: Axes) -> None:
    """The energy along one coordinate, or its contours over two, with the points that the slice goes through."""
    unit = "angle" if found.curved else "distance"
    u, axes = np.asarray(found.energy_density), found.coordinates
    label = "energy density $u$" if found.energy_scale != 1 else "energy"
    ax.set_xlabel(f"{unit} from point 1")
    if u.ndim == 1:
        ax.plot(axes[0], u, color=style.PALETTE[0])
        heights = np.interp(found.marks[:, 0], axes[0], u)
        _mark(ax, found.marks[:, 0], heights)
        ax.set_ylabel(label)
        return
    shown = ax.contourf(axes[0], axes[1], u.T, 25, cmap="RdBu_r")
    ax.contour(axes[0], axes[1], u.T, 25, colors=style.INK, linewidths=0.25)
    _mark(ax, *found.marks.T)
    ax.set_ylabel(f"{unit}, across")
    ax.set_aspect("equal")
    ax.figure.colorbar(shown, ax=ax, shrink=0.85).set_label(label)


def _mark(ax: Axes, x: Any, y: Any) -> None:
    ax.plot(x, y, "o", color=style.INK, markersize=3.5)
    for number, place in enumerate(zip(x, y, strict=True)):
        ax.annotate(f"{number + 1}", place, (4, 3), textcoords="offset points")


@style.panel
def density(found: Any, ax: Axes) -> None:
    """The smoothed density of eigenvalues, with its 95 % band over the probes."""
    from scipy.stats import t

    probes = len(found.nodes)
    half = (t.ppf(0.975, probes - 1) if probes > 1 else 0.0) * np.nan_to_num(found.error)
    label = "95 % over probes"
    ax.fill_between(
        found.grid, found.density - half, found.density + half, color=style.PALETTE[5], linewidth=0, label=label
    )
    ax.plot(found.grid, found.density, color=style.PALETTE[0])
    ax.axvline(0, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    ax.set_xlabel(r"eigenvalue $\lambda$")
    ax.set_ylabel(f"density, smoothed over {found.width:.2g}")
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper right")


@style.panel
def tree(found: Any, ax: Axes) -> None:
    """A disconnectivity graph: minima at the ends of branches, merged where the lowest saddle joins them."""
    nodes = getattr(found, "tree", found)
    minima = len(nodes.order)
    place = np.full(len(nodes.parent), np.nan)
    place[nodes.order] = np.arange(minima)
    children: dict[int, list[int]] = {}
    for node, parent in enumerate(nodes.parent.tolist()):
        children.setdefault(parent, []).append(node)
    for node in range(minima, len(nodes.parent)):  # children come before their parents
        place[node] = np.mean([place[child] for child in children[node]])
    u = nodes.energy_density
    height, lowest = u.max() - u.min(), int(np.argmin(u[:minima]))
    for node, parent in enumerate(nodes.parent.tolist()):
        top = u[parent] if parent >= 0 else u.max() + 0.05 * height
        colour = style.PALETTE[1] if node == lowest else style.PALETTE[0] if node < minima else style.INK
        ax.plot([place[node], place[node]], [u[node], top], color=colour, linewidth=1.0)
    for node in range(minima, len(nodes.parent)):
        ends = [place[child] for child in children[node]]
        ax.plot([min(ends), max(ends)], [u[node], u[node]], color=style.INK, linewidth=1.0)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.set_xlim(-0.8, minima - 0.2)
    ax.set_ylabel("energy density $u$")
    ax.set_xlabel(f"{minima} minima, orange: the lowest")


@style.panel
def index_against_energy(found: Any, ax: Axes) -> None:
    """Fraction of negative eigenvalues against energy density; hollow: the count is not certified."""
    index, certified = found.index, np.asarray(found.index.certified)
    fraction = index.negative / np.maximum(index.negative + index.zero + index.positive, 1)
    for chosen, face, label in ((certified, style.PALETTE[0], "certified"), (~certified, "none", "not certified")):
        if chosen.any():
            x, y = np.asarray(found.energy_density)[chosen], fraction[chosen]
            ax.plot(x, y, "o", color=style.PALETTE[0], markerfacecolor=face, markersize=3, label=label)
    ax.set_xlabel("energy density $u$")
    ax.set_ylabel("fraction of negative eigenvalues")
    ax.legend(loc="upper left")


KINDS = (
    (("trace_steps", "trace_energy_density"), trace),
    (("coordinates", "marks", "energy_density"), energy_slice),
    (("grid", "density", "error", "nodes"), density),
    (("tree",), tree),
    (("parent", "order", "energy_density"), tree),
    (("index", "energy_density"), index_against_energy),
)
"""The fields by which a result is told, and what draws it."""
