r"""Critical points by index and energy: layers, the semicircle law, its spread at finite N.

Three kinds of searches on every instance: for the lowest indices in turn ("low"), for indices evenly spaced from 0 to
N/2 ("index"), and from points moved to energies evenly spaced from the threshold -E_inf to 0 ("energy"). At a critical
point of energy density u the index is close to

    E[index | u],    spread σ(N, u) = s.d. of #{eigenvalues of √(2(N-1)p(p-1)/N) GOE_{N-1} below p u},

the first exact (`theory.mean_index`), the second from draws of the shifted GOE. No search is a fair sample: at a given
index each has energies of its own. The table says how far its mean is from that of all critical points of the index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from spinscape import theory
from spinscape.arrays import as_integer
from spinscape.critical_points import CriticalPointSearch, find_critical_points, find_saddles
from spinscape.experiments import disorder
from spinscape.experiments.disorder import FloatArray
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, counts, integer, several
from spinscape.study.records import Arrays, joined
from spinscape.theory import goe, layer_energy, negative_fraction, threshold_energy

KINDS = ("low", "index", "energy")
BLOCK = 48  # searches of a unit
MOST_PANELS = 3

_FIRST_STREAM = 8  # of the starts; those below are disorder's


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    """Return blocks of searches of every kind on every tensor."""
    for unit in disorder.instances(parameters):
        for kind in KINDS:
            for first in range(0, parameters["starts"], BLOCK):
                yield {**unit, "kind": kind, "first": first}


def arrange(values: dict[str, Any]) -> dict[str, Any]:
    as_integer(values["low"], "low", 0, min(values["sizes"]) // 2)
    return disorder.pure(values)


def cost(parameters: Parameters, unit: Unit) -> float:
    """One spectrum a step and search."""
    return float(_count(parameters, unit) * (unit["N"] ** 3 + 1e4))


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    return 12 * disorder.couplings(parameters, unit["N"]) + disorder.hessian_bytes(
        unit, 2 * _count(parameters, unit), n_threads
    )


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Search, and count every eigenvalue by its sign."""
    glass = disorder.instance(parameters, unit)
    key = (unit["N"], unit["tensor"], _FIRST_STREAM + KINDS.index(unit["kind"]), unit["first"])
    seed = np.random.SeedSequence(parameters["rng"], spawn_key=key)
    target = targets(parameters, unit)
    options: dict[str, Any] = {"rng": seed, "zero_tol": 0.0, "n_threads": n_threads}
    found: CriticalPointSearch = (
        find_critical_points(glass, target, len(target), **options)
        if unit["kind"] == "energy"
        else find_saddles(glass, target, len(target), **options)
    )
    return {
        "target": np.asarray(target, dtype=np.float64),
        "energy_density": found.energy_density,
        "index": found.index.negative,
        "converged": found.converged,
        "certified": found.certified,
        "margin": found.index.margin,
        "gradient_norm": found.gradient_norm,
        "steps": found.steps,
    }


def targets(parameters: Parameters, unit: Unit) -> NDArray[Any]:
    """The indices or energies of a unit's searches; blocks together are evenly spaced."""
    count, largest = parameters["starts"], unit["N"] // 2
    if unit["kind"] == "low":
        wanted = np.arange(count) % (parameters["low"] + 1)
    elif unit["kind"] == "index":
        wanted = np.arange(count) * largest // (count - 1)
    else:
        wanted = np.linspace(-float(theory.threshold_energy(order_of(parameters))), 0.0, count)
    return np.asarray(wanted[unit["first"] : unit["first"] + BLOCK])


def order_of(parameters: Parameters) -> int:
    """The order p of a recipe's pure glass."""
    return int(next(iter(parameters["xi"])))


def _count(parameters: Parameters, unit: Unit) -> int:
    return int(min(BLOCK, parameters["starts"] - unit["first"]))


@lru_cache(maxsize=16)
def shifted_goe_edges(N: int, p: int, draws: int) -> FloatArray:
    """Draws of √(2(N-1)p(p-1)/N) λ/p, λ the eigenvalues of GOE_{N-1} of edge √2, (draws, N - 1).

    At energy density u the Hessian's index is the number of them below u.
    """
    scale = np.sqrt(2 * (N - 1) * p * (p - 1) / N) / p
    seed = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(N,)))
    return np.asarray(scale * goe.sample_eigenvalues(N - 1, seed, draws, "abac"))


def index_spread(u: FloatArray, N: int, p: int, draws: int = 1000) -> FloatArray:
    """σ(N, u): standard deviation over draws of the index of the shifted GOE at each energy density."""
    counts = np.array([np.searchsorted(row, u) for row in shifted_goe_edges(N, p, draws)])
    return np.asarray(counts.std(axis=0, ddof=1))


def mean_index(u: FloatArray, N: int, p: int) -> FloatArray:
    """E[index | u], exact, interpolated from a grid much finer than the eigenvalues' spacing where there are many u."""
    fine = 4 * N
    if u.size <= fine:
        return np.asarray(theory.mean_index(u, N=N, p=p))
    grid = np.linspace(u.min(), u.max(), fine)
    return np.asarray(CubicSpline(grid, _on_grid(float(grid[0]), float(grid[-1]), fine, N, p))(u))


@lru_cache(maxsize=16)
def _on_grid(low: float, high: float, count: int, N: int, p: int) -> FloatArray:
    return np.asarray(theory.mean_index(np.linspace(low, high, count), N=N, p=p))


@dataclass(frozen=True)
class Cloud:
    """The searches at one N, one element a search; `searches` of them, certified or not."""

    N: int
    p: int
    draws: int
    tensor: NDArray[np.int64]
    kind: NDArray[np.str_]
    target: FloatArray
    energy: FloatArray
    index: NDArray[np.int64]
    converged: NDArray[np.bool_]
    certified: NDArray[np.bool_]

    @cached_property
    def expected(self) -> FloatArray:
        """E[index | u] of each row."""
        return mean_index(self.energy, N=self.N, p=self.p)

    @cached_property
    def sigma(self) -> FloatArray:
        """σ(N, u) of each row."""
        return index_spread(self.energy, self.N, self.p, self.draws)

    @cached_property
    def within(self) -> NDArray[np.bool_]:
        """Whether each row's index is within four σ of its mean."""
        return np.asarray(np.abs(self.index - self.expected) <= 4 * self.sigma)

    def distinct(self, rows: NDArray[np.bool_]) -> int:
        """Number of different critical points among some rows: another tensor, index or energy."""
        keys = zip(self.tensor[rows], self.index[rows], np.round(self.energy[rows], 9), strict=True)
        return len(set(keys))


@dataclass(frozen=True)
class Layers(ResultTable):
    """The table of a study of layers."""

    p: int
    low: int
    clouds: tuple[Cloud, ...]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a size without any is left out."""
        p, draws = results.order, results.parameters["draws"]
        clouds = []
        for (N,), mine in results.by("N"):
            rows = sorted(mine, key=lambda row: (row.unit["tensor"], row.unit["kind"], row.unit["first"]))
            found = joined([row.arrays for row in rows])
            tensor, kind = (
                np.concatenate([np.full(len(row.arrays["index"]), row.unit[name]) for row in rows])
                for name in ("tensor", "kind")
            )
            names = ("target", "energy_density", "index", "converged", "certified")
            clouds.append(Cloud(N, p, draws, tensor, kind, *(found[name] for name in names)))
        return cls(p, results.parameters["low"], tuple(clouds))

    def rows(self) -> Rows:
        """Return a row for each N and kind of search, then one for each N and layer, and what lies outside 4 σ."""
        rows = []
        for cloud in self.clouds:
            rows.append(_row(cloud, "all", np.ones(len(cloud.index), dtype=bool)))
            rows += [_row(cloud, f"searches: {kind}", cloud.kind == kind) for kind in KINDS]
            rows += [_row(cloud, f"index {k}", cloud.index == k, k) for k in range(self.low + 1)]
            edges = [self.low + 1, *(cloud.N * eighth // 8 for eighth in (1, 2, 3)), cloud.N]
            rows += [
                _row(cloud, f"index {low} to {high - 1}", (cloud.index >= low) & (cloud.index < high))
                for low, high in pairwise(edges)
                if low < high
            ]
        return rows


def exact_energies(N: int, p: int, k: int) -> tuple[FloatArray, FloatArray]:
    """Energy densities, and the exact density of the mean number of critical points of index k there, made one."""
    middle = -float(theory.threshold_energy(p))
    u = np.linspace(middle - 0.6, min(middle + 1.6, 0.0) if k <= N // 4 else middle + 3.2, 700)
    log_density = np.asarray(theory.critical_energy_density(u, N=N, p=p, index=k, log=True))
    density = np.exp(log_density - log_density.max())
    return u, density / np.trapezoid(density, u)


def _row(cloud: Cloud, name: str, rows: NDArray[np.bool_], k: int | None = None) -> dict[str, Any]:
    found = rows & cloud.certified
    u, off = cloud.energy[found], (cloud.index - cloud.expected)[found]
    any_found = bool(found.any())
    exact = np.nan
    if k is not None and any_found:
        at, density = exact_energies(cloud.N, cloud.p, k)
        exact = float(np.trapezoid(at * density, at))
    nan = float("nan")
    return {
        "N": cloud.N,
        "what": name,
        "searches": int(np.count_nonzero(rows)),
        "converged": int(np.count_nonzero(rows & cloud.converged)),
        "certified": int(np.count_nonzero(found)),
        "distinct": cloud.distinct(found),
        "smallest_index": int(cloud.index[found].min()) if any_found else -1,
        "largest_index": int(cloud.index[found].max()) if any_found else -1,
        "energy": float(u.mean()) if any_found else nan,
        "energy_sd": float(u.std(ddof=1)) if len(u) > 1 else nan,
        "exact_energy": exact,
        "bias": float(u.mean()) - exact if any_found else nan,
        "index_minus_expected": float(off.mean()) if any_found else nan,
        "spread": float(np.sqrt(np.mean(off**2))) if any_found else nan,
        "sigma": float(np.sqrt(np.mean(cloud.sigma[found] ** 2))) if any_found else nan,
        "within_4_sigma": float(cloud.within[found].mean()) if any_found else nan,
    }


def draw(table: Layers) -> dict[str, Figure]:
    """The layered structure at up to three sizes, and the cloud of index against energy."""
    return {"layers": structure(table), "index-energy": clouds(table)}


def structure(table: Layers) -> Figure:
    """A panel for each size, a row for each index."""
    shown = table.clouds[:MOST_PANELS]
    figure, axes = style.new_figure("page", 4.4, columns=len(shown), sharey=True)
    for letter, cloud, ax in zip("abc", shown, axes, strict=False):
        ridges(cloud, table.low, ax)
        style.panel_label(ax, letter, f"$p = {table.p}$, $N = {cloud.N}$")
        if letter != "a":
            ax.set_ylabel("")
    text = "Bars: found, a biased sample (each search prefers energies of its own); lines: exact density of all"
    style.caption(figure, f"{text}; black ticks: $-E_k$. A row's bars and line have area one.")
    return figure


@style.panel
def ridges(cloud: Cloud, low: int, ax: Axes) -> None:
    """Energies found at each index (bars) over the exact densities (lines), rows on a common scale; E_k as ticks."""
    exact = [exact_energies(cloud.N, cloud.p, k) for k in range(low + 1)]
    found = [cloud.energy[(cloud.index == k) & cloud.certified] for k in range(low + 1)]
    bars = {
        k: np.histogram(u, bins=max(8, min(18, len(u) // 8)), density=True) for k, u in enumerate(found) if len(u) > 1
    }
    highest = [float(density.max()) for _, density in exact] + [float(heights.max()) for heights, _ in bars.values()]
    top = 1.06 * max(highest)
    for k, ((u, density), colour) in enumerate(zip(exact, style.ordered_colours(low + 1), strict=True)):
        seen = density > 1e-4 * density.max()
        if k in bars:
            heights, edges = bars[k]
            ax.stairs(k + heights / top, edges, baseline=k, fill=True, color=colour, alpha=0.4)
        ax.plot(u[seen], k + density[seen] / top, color=colour, linewidth=1.2)
        edge = -float(layer_energy(cloud.p, k))
        ax.plot([edge, edge], [k, k + 0.5], color=style.INK, linewidth=1.0)
    style.reference_line(ax, -float(threshold_energy(cloud.p)), r"$-E_\infty$", at=0.995)
    ax.set_ylim(0, low + 1)
    ax.set_yticks(np.arange(low + 1), [str(k) for k in range(low + 1)])
    ax.set_xlabel("energy density $u$")
    ax.set_ylabel("index $k$")


def clouds(table: Layers) -> Figure:
    """Fractions of negative directions against the semicircle law, and deviations at the largest cloud."""
    figure, (left, right) = style.new_figure("page", 3.0, columns=2)
    fractions(table, left)
    largest = max(table.clouds, key=lambda cloud: np.count_nonzero(cloud.certified) * cloud.N)
    deviations(largest, right)
    style.panel_label(left, "a", f"Index against energy, $p = {table.p}$")
    style.panel_label(right, "b", f"Off the exact mean, $N = {largest.N}$")
    style.caption(
        figure, "Every certified point of every search; the searches choose the energies, theory the index there."
    )
    return figure


@style.panel
def fractions(table: Layers, ax: Axes) -> None:
    """Index over N - 1 of every certified point, and the semicircle's mass below p u."""
    for cloud, colour in zip(table.clouds, style.ordered_colours(len(table.clouds)), strict=True):
        ok = cloud.certified
        label = f"$N = {cloud.N}$, {np.count_nonzero(ok):,} points"
        options: dict[str, Any] = {"markersize": 2.0, "markeredgewidth": 0, "alpha": 0.6, "rasterized": True}
        ax.plot(cloud.energy[ok], cloud.index[ok] / (cloud.N - 1), "o", color=colour, label=label, **options)
    u = np.linspace(-1.05 * float(threshold_energy(table.p)), 0.05, 300)
    ax.plot(u, negative_fraction(u, table.p), color=style.INK, linewidth=1.0, zorder=3, label="semicircle below $pu$")
    style.reference_line(ax, -float(threshold_energy(table.p)), r"$-E_\infty$", at=0.5)
    ax.set_xlabel("energy density $u$")
    ax.set_ylabel("index$/(N-1)$")
    ax.legend(loc="upper left", fontsize=7.5, markerscale=2, handletextpad=0.4)


@style.panel
def deviations(cloud: Cloud, ax: Axes) -> None:
    """Index minus E[index | u] against u, with the band of four σ(N, u) from the shifted GOE."""
    ok = cloud.certified
    u = np.linspace(cloud.energy[ok].min(), cloud.energy[ok].max(), 120)
    sigma = index_spread(u, cloud.N, cloud.p, cloud.draws)
    off = cloud.index[ok] - cloud.expected[ok]
    ax.fill_between(u, -4 * sigma, 4 * sigma, color=style.FAINT, linewidth=0, label=r"$\pm 4\sigma(N, u)$")
    ax.fill_between(u, -sigma, sigma, color=style.MUTED, alpha=0.4, linewidth=0, label=r"$\pm\sigma(N, u)$")
    options: dict[str, Any] = {"markersize": 2.0, "markeredgewidth": 0, "alpha": 0.6, "rasterized": True}
    ax.plot(cloud.energy[ok], off, "o", color=style.PALETTE[0], **options)
    ax.axhline(0, color=style.INK, linewidth=0.7)
    lower = -mean_index(u, cloud.N, cloud.p)
    ax.plot(u, lower, color=style.INK, linewidth=0.8, linestyle=(0, (3, 2)), label="index 0")
    limit = 1.35 * float(max(4 * sigma.max(), np.abs(off).max()))
    ax.set_ylim(-limit, limit)
    ax.set_xlabel("energy density $u$")
    ax.set_ylabel(r"index $-\,\mathrm{E}[\mathrm{index} \mid u]$")
    ax.legend(loc="upper right", ncols=3, fontsize=7.5, columnspacing=1.0)
    style.note(ax, f"{cloud.within[ok].mean():.2%} of {np.count_nonzero(ok):,} within $4\\sigma$", x=0.98, ha="right")


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=4.0e-08,
    source="ABAC Theorems 2.1 and 2.5; Dauphin et al. 2014, Fig. 1",
    parameters=(
        disorder.LAYERED,
        several(integer("sizes", (50, 100, 200), "sizes N", 4, unit="spins"), least=1),
        counts("tensors", 8, "instances of every size", unit="tensors"),
        integer("starts", 96, "searches of each kind on each tensor", 2, 10**6, unit="starts"),
        integer("low", 5, "largest index of the kind low, at most half of the smallest N", unit="index"),
        integer("draws", 1000, "draws of the shifted GOE behind σ(N, u)", 2, 10**6, unit="draws"),
        SEED,
    ),
    quick={"sizes": (30, 50), "tensors": 2, "starts": 48},
    default={"tensors": {50: 8, 100: 4, 200: 7}},
    table=Layers,
)
recipe = EXPERIMENT.maker
