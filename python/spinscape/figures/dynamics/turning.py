"""How a walk turns: cosines between successive gradients through a descent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinscape.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spinscape.study.dynamics.turning import Turning, Walk


def draw(table: Turning) -> Figure:
    """Gradient descent by its step beside SGD by its number of parts."""
    figure, (left, right) = style.new_figure("page", 2.8, columns=2, sharey=True)
    plain = sorted((walk for walk in table.walks if walk.parts == 1), key=lambda walk: walk.rate)
    rates = {walk.rate for walk in table.walks if walk.parts > 1}
    noisy = [walk for walk in table.walks if walk.parts > 1 or walk.rate in rates]
    cosines(plain, [rf"$\gamma = {walk.rate:g}$" for walk in plain], left)
    names = [f"$P = {walk.parts}$" for walk in sorted(noisy, key=lambda walk: walk.parts)]
    cosines(sorted(noisy, key=lambda walk: walk.parts), names, right)
    style.panel_label(left, "a", f"Gradient descent, $N = {table.N}$")
    step = rf", $\gamma = {min(rates):g}$" if rates else ""
    style.panel_label(right, "b", f"SGD on $P$ parts{step}")
    return figure


def cosines(walks: list[Walk], names: list[str], ax: Axes | None = None) -> Axes:
    """Mean cosine between the gradients of steps t and t + 1, with two standard errors; binned in log t."""
    ax = style.axes_or_new(ax)
    with style.context():
        for walk, name, colour in zip(walks, names, style.ordered_colours(len(walks)), strict=True):
            steps, mean = _binned(walk.cosine.mean)
            _, error = _binned(np.nan_to_num(walk.cosine.error))
            ax.fill_between(steps, mean - 2 * error, mean + 2 * error, color=colour, alpha=0.3, linewidth=0)
            ax.plot(steps, mean, color=colour, linewidth=1.1, label=f"{name}, $u = {float(walk.energy.mean):.3f}$")
        ax.axhline(0, color=style.MUTED, linewidth=0.6)
        ax.set_xscale("log")
        ax.set_ylim(-1.08, 1.95)  # room for the legend
        ax.set_yticks([-1, -0.5, 0, 0.5, 1])
        ax.set_xlabel("step $t$")
        ax.set_ylabel(r"$\cos(g_t, g_{t+1})$")
        ax.legend(loc="upper left", ncols=2, fontsize=7.5, title="$u$: at the last step", title_fontsize=7.5)
    return ax


def _binned(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over logarithmic bins, about 20 a decade."""
    edges = np.unique(np.round(np.geomspace(1, len(values) + 1, 20 * int(np.log10(len(values)) + 1))).astype(int))
    centres = np.sqrt(edges[:-1] * (edges[1:] - 1.0))
    return centres, np.add.reduceat(values, edges[:-1] - 1) / np.diff(edges)
