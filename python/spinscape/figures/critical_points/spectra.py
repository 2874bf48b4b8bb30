"""Hessian spectra at minima, barriers and high saddles over the shifted semicircle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style
from spinscape.theory import goe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.critical_points.spectra import HessianSpectra, Spectrum

TITLES = {"minimum": "Minima", "barrier": "Barriers", "high": "High up"}


def draw(table: HessianSpectra) -> Figure:
    """A panel a kind of points."""
    figure, axes = style.new_figure("page", 2.7, columns=len(table.spectra), sharex=True, sharey=True)
    for letter, ax, found in zip("abc", axes, table.spectra, strict=False):
        spectrum(table, found, ax)
        style.panel_label(ax, letter, f"{TITLES[found.kind]}, $N = {table.N}$")
        if letter != "a":
            ax.set_ylabel("")
    return figure


def spectrum(table: HessianSpectra, found: Spectrum, ax: Axes | None = None) -> Axes:
    """All eigenvalues of one kind of points, and the mean of the semicircles of their energies."""
    ax = style.axes_or_new(ax)
    half, u = table.half_width, found.energies
    values = np.linspace(-table.p * u.max() - 1.05 * half, -table.p * u.min() + 1.05 * half, 500)
    scaled = (values[:, None] + table.p * u) * np.sqrt(2) / half
    curve = np.asarray(goe.semicircle_density(scaled)).mean(axis=1) * np.sqrt(2) / half
    with style.context():
        ax.hist(found.eigenvalues.ravel(), 60, density=True, color=style.PALETTE[5], alpha=0.6, linewidth=0)
        ax.plot(values, curve, color=style.INK, linewidth=1.1)
        ax.axvline(0, ymax=0.78, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
        ax.set_xlabel(r"eigenvalue of the Hessian, $\lambda$")
        ax.set_ylabel("density")
        ax.set_ylim(0, 1.45 * float(curve.max()))
        low, high = found.index.min(), found.index.max()
        span = f"{low}" if low == high else f"{low} to {high}"
        text = f"{len(u)} points, index {span}\n$\\langle u \\rangle = {u.mean():.3f}$"
        style.note(ax, text, y=0.98, va="top")
    return ax
