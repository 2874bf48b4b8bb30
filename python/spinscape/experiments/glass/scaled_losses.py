"""Where descents on the spin glass end, for growing N.

The distribution of final scaled losses u = H_N/N of the p-spin glass: AISTATS15 Fig. 3 (left), COLT15 Fig. 1 (left).

For each N: `starts` uniform points on the first tensor, as the papers did, and `extra_starts` on each further tensor,
because one tensor's mean moves by its own spread. Each point descends by the chosen protocol (its end is the "raw"
point, the papers' measurement), goes on by L-BFGS, is polished by Newton and its index is counted there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape import statistics
from spinscape.couplings import LAWS, Law, LawName
from spinscape.critical_points import count_index, refine
from spinscape.descent import descend
from spinscape.experiments import disorder
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.hamiltonian import PureGlass
from spinscape.schedules import SGDSchedule
from spinscape.statistics import Interval
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, Parameter, choice, counts, dtype, integer, number, several
from spinscape.study.records import Arrays, joined
from spinscape.theory import ground_state_energy, threshold_energy

METHODS = ("sgd", "gradient", "lbfgs")

# Final u of 1000 starts on one tensor per N, p = 3, read off AISTATS15 Fig. 3 (left): N -> (mean, standard deviation).
PUBLISHED: Mapping[int, tuple[float, float]] = {
    25: (-1.4409, 0.0579),
    50: (-1.5014, 0.0410),
    100: (-1.5505, 0.0406),
    250: (-1.5874, 0.0197),
    500: (-1.6015, 0.0118),
}


PUBLISHED_STARTS = 1000
SAME = ("energy_density", "refined_energy_density", "overlap", "zero", "certified", "converged")

# Starts of one unit of work: what an interruption can lose at most, yet enough to keep every lane of the kernels full.
BLOCK = 288


# Hessians that refinement and index counts hold at once: about so many bytes, or 48 of them.
HESSIANS_BYTES = 2**28


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    """Return the blocks of starts of every tensor, small N first."""
    for N in parameters["sizes"]:
        for tensor in range(parameters["tensors"][str(N)]):
            count = parameters["starts"] if tensor == 0 else parameters["extra_starts"]
            for first in range(0, count, BLOCK):
                yield {"N": N, "tensor": tensor, "first": first, "count": min(BLOCK, count - first)}


def cost(parameters: Parameters, unit: Unit) -> float:
    return float(unit["count"] * (float(unit["N"]) ** parameters["p"] + 1e5))


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> int:
    N, count = unit["N"], unit["count"]
    couplings = comb(N + parameters["p"] - 1, parameters["p"]) + 8 * N**2  # kernels pad rows
    tensors = 2 + parameters["parts"] if parameters["method"] == "sgd" else 1
    points = 3 * (unit["first"] + count) + 40 * count
    hessians = min(count, max(HESSIANS_BYTES // (8 * N**2), 48)) + 4 * n_threads
    return int(4 * tensors * couplings + 8 * points * N + 8 * hessians * N**2)


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Descend, polish and count the index of one block of starts."""
    glass = _glass(parameters["p"], unit["N"], unit["tensor"], parameters["law"], parameters["nu"], parameters["rng"])
    exact = glass.astype("float64")
    seed = _seed(parameters["rng"], unit["N"], unit["tensor"], stream=1)
    begin = exact.random_points(unit["first"] + unit["count"], rng=seed)[unit["first"] :]
    raw = _descended(glass.astype(parameters["dtype"]), begin, parameters, unit, n_threads)
    settled = descend(exact, raw, method="lbfgs", tol=1e-8, max_steps=5000, n_threads=n_threads)
    critical = refine(exact, settled.points, n_threads=n_threads)
    index = count_index(exact, critical.points, zero_tol=parameters["zero_tol"], n_threads=n_threads)
    gradient = exact.gradient(raw, n_threads=n_threads)
    return {
        "energy_density": exact.energy_density(raw, n_threads=n_threads),
        "gradient_norm": np.sqrt(np.mean(gradient**2, axis=1)),
        "refined_energy_density": np.asarray(critical.energy_density),
        "refined_gradient_norm": np.asarray(critical.gradient_norm),
        "converged": np.asarray(critical.converged),
        "overlap": np.einsum("ri,ri->r", raw, critical.points) / unit["N"],
        "negative": np.asarray(index.negative),
        "zero": np.asarray(index.zero),
        "certified": np.asarray(index.certified),
        "margin": np.asarray(index.margin),
    }


def _descended(
    glass: PureGlass, begin: NDArray[Any], parameters: Parameters, unit: Unit, n_threads: int
) -> NDArray[np.float64]:
    method, start = parameters["method"], begin.astype(glass.dtype)
    if method == "sgd":
        run = descend(glass, start, method="sgd", schedule=SGDSchedule(parts=parameters["parts"]), n_threads=n_threads)
    else:
        run = descend(glass, start, method=method, tol=parameters["tol"], max_steps=100_000, n_threads=n_threads)
    ends: NDArray[np.float64] = run.points.astype(np.float64)
    ends *= np.sqrt(unit["N"] / np.sum(ends**2, axis=1, keepdims=True))
    return ends


def _seed(rng: int, N: int, tensor: int, stream: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(rng, spawn_key=(N, tensor, stream))


@lru_cache(maxsize=1)  # the blocks of one tensor come one after the other
def _glass(p: int, N: int, tensor: int, law: LawName, nu: float | None, rng: int) -> PureGlass:
    return PureGlass(p, N, rng=_seed(rng, N, tensor, stream=0), law=law, nu=nu)


def _given(value: Any, name: str, values: Parameters) -> Any:
    return value  # `Law` checks it with the law's name


def arrange(values: dict[str, Any]) -> dict[str, Any]:
    Law(values["law"], values["nu"])
    return values


@dataclass(frozen=True)
class SizeSummary:
    """The ends of one size N, starts of tensor 0 first; arrays have one element a start."""

    N: int
    tensor: NDArray[np.int64]
    energy_density: NDArray[np.float64]
    refined_energy_density: NDArray[np.float64]
    overlap: NDArray[np.float64]
    index: NDArray[np.int64]
    zero: NDArray[np.int64]
    certified: NDArray[np.bool_]
    converged: NDArray[np.bool_]

    @property
    def tensors(self) -> int:
        """Number of coupling tensors."""
        return int(self.tensor.max()) + 1

    def first(self) -> NDArray[np.float64]:
        """Raw energy densities of the first tensor, the papers' sample."""
        return np.asarray(self.energy_density[self.tensor == 0])

    def tensor_means(self, what: str = "energy_density") -> NDArray[np.float64]:
        """Mean over the starts of each tensor, of the raw energy density or of another array."""
        return np.bincount(self.tensor, weights=getattr(self, what)) / np.bincount(self.tensor)

    def within_sd(self) -> float:
        """Root mean square over tensors of the standard deviation within a tensor."""
        variances = [np.var(self.energy_density[self.tensor == t], ddof=1) for t in range(self.tensors)]
        return float(np.sqrt(np.mean(variances)))

    def row(self, p: int) -> dict[str, Any]:
        """The size's row: the first tensor as the papers have it; means over tensors, in which each weighs the same."""
        first, nan = self.first(), float("nan")
        published = PUBLISHED.get(self.N, (nan, nan)) if p == 3 else (nan, nan)
        means = self.tensor_means()
        return {
            "N": self.N,
            "tensors": self.tensors,
            "starts": len(self.tensor),
            "mean_first_tensor": float(np.mean(first)),
            "sd_first_tensor": float(np.std(first, ddof=1)) if len(first) > 1 else nan,
            "published_mean": published[0],
            "published_sd": published[1],
            **statistics.mean(means).columns("mean_of_tensors"),
            "sd_within_tensor": self.within_sd(),
            "sd_of_tensor_means": float(np.std(means, ddof=1)) if len(means) > 1 else nan,
            "mean_refined": float(np.mean(self.tensor_means("refined_energy_density"))),
            "mean_overlap": float(np.mean(self.tensor_means("overlap"))),
            "converged": float(np.mean(self.converged)),
            "certified": float(np.mean(self.certified)),
            "index_0": float(np.mean(self.index == 0)),
            "max_index": int(self.index.max()),
            "with_zero_modes": float(np.mean(self.zero > 0)),
        }


@dataclass(frozen=True)
class ScaledLosses(ResultTable):
    """The table of a scaled-loss study: what the figure draws and the CSV holds."""

    p: int
    method: str
    law: str
    sizes: tuple[SizeSummary, ...]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a size without any is left out."""
        made, sizes = results.parameters, []
        for (N,), rows in results.by("N"):
            tensor = np.concatenate([np.full(row.unit["count"], row.unit["tensor"]) for row in rows])
            found = joined([row.arrays for row in rows])
            same = {name: found[name] for name in SAME}
            sizes.append(SizeSummary(N=N, tensor=tensor, index=found["negative"], **same))
        return cls(made["p"], made["method"], made["law"], tuple(sizes))

    def rows(self) -> Rows:
        """Return one row a size: counts, moments, published values, what the end points are."""
        return [size.row(self.p) for size in self.sizes]

    def notes(self) -> list[str]:
        """Return what belongs under the table."""
        return [
            "mean u, s.d.: of the starts on the first tensor; published: AISTATS15; all tensors, refined, overlap: "
            "means over tensors, each weighing the same; index 0: of the refined points"
        ]


def draw(table: ScaledLosses) -> Figure:
    """The distributions of final u beside their means against N."""
    figure, (left, right) = style.new_figure("page", 3.3, columns=2, width_ratios=(1.35, 1.0))
    distributions(table, left)
    means(table, right)
    style.panel_label(left, "a", f"Final scaled losses, $p = {table.p}$, one tensor a size")
    style.panel_label(right, "b", "Means over starts and tensors")
    band = r"Grey: the band $[-E_0, -E_\infty]$"
    if any(size.N < 200 for size in table.sizes) and table.p == 3:
        # From the exact mean counts: 0.41 critical points below -E_inf at N = 100, 1.36 at N = 200.
        band += r"; for $N$ below about 180 fewer than one critical point lies there on average"
    style.caption(figure, f"{band}. {style.BARS.capitalize()}.")
    return figure


@style.panel
def distributions(table: ScaledLosses, ax: Axes) -> None:
    """Histograms of the final energy densities of the first tensor of each size, with the band [-E_0, -E∞]."""
    samples = [size.first() for size in table.sizes]
    edges = _edges(samples)
    for size, sample, colour in zip(table.sizes, samples, style.ordered_colours(len(samples)), strict=True):
        heights, _ = np.histogram(sample, edges, density=True)
        ax.stairs(heights, edges, fill=True, color=colour, alpha=0.30)
        ax.stairs(heights, edges, color=colour, linewidth=1.3, label=f"$N = {size.N}$")
    low, high = -float(ground_state_energy(table.p)), -float(threshold_energy(table.p))
    ax.axvspan(low, high, color=style.FAINT, zorder=0, linewidth=0)
    ax.annotate(
        r"$[-E_0, -E_\infty]$",
        (low, 0.62),
        xycoords=ax.get_xaxis_transform(),
        xytext=(-3, 0),
        textcoords="offset points",
        rotation=90,
        ha="right",
        va="center",
        color=style.MUTED,
        fontsize=8.5,
    )
    ax.set_xlim(min(edges[0], low - 0.06), edges[-1])
    ax.set_xlabel(r"scaled loss  $u = H_N/N$")
    ax.set_ylabel("probability density")
    ax.legend(loc="upper right")


@style.panel
def means(table: ScaledLosses, ax: Axes) -> None:
    """Mean final u against N: the first tensor, every tensor (small) and their mean, the published one-tensor means."""
    low, high = -float(ground_state_energy(table.p)), -float(threshold_energy(table.p))
    ax.axhspan(low, high, color=style.FAINT, zorder=0, linewidth=0)
    style.reference_line(ax, high, r"$-E_\infty$", vertical=False, at=0.12)
    style.reference_line(ax, low, r"$-E_0$", vertical=False, at=0.12)
    for k, size in enumerate(table.sizes):
        label = "ours, every tensor" if k == 0 else None
        place = np.full(size.tensors, 1.12 * size.N)
        ax.plot(place, size.tensor_means(), ".", color=style.PALETTE[2], markersize=2.5, alpha=0.5, label=label)
    known = [size for size in table.sizes if size.N in PUBLISHED and table.p == 3]
    series = (
        (0.94, "s", style.PALETTE[1], "published, 1 tensor", known, lambda size: published_mean(size.N)),
        (1.00, "o", style.PALETTE[0], "ours, 1 tensor", table.sizes, lambda size: statistics.mean(size.first())),
        (1.06, "D", style.PALETTE[2], "ours, all tensors", table.sizes, _over_tensors),
    )
    for shift, marker, colour, label, sizes, interval in (one for one in series if one[4]):
        x = [size.N * shift for size in sizes]
        style.estimates(ax, x, [interval(size) for size in sizes], fmt=marker, color=colour, label=label)
    style.size_axis(ax, [size.N for size in table.sizes])
    ax.set_ylabel(r"mean final $u$")
    ax.legend(loc="upper right", fontsize=7.5)


def published_mean(N: int) -> Interval:
    """The published mean of one tensor, with the interval of its starts."""
    mean, sd = PUBLISHED[N]
    half = 1.96 * sd / np.sqrt(PUBLISHED_STARTS)
    return Interval(mean, mean - half, mean + half)


def _over_tensors(size: SizeSummary) -> Interval:
    return statistics.mean(size.tensor_means())


def _edges(samples: list[np.ndarray]) -> np.ndarray:
    """Bins common to all sizes, fine enough for the narrowest: its interquartile range over 2 n^{1/3}, doubled."""
    widths = [
        2 * float(np.subtract(*np.percentile(sample, [75, 25]))) / len(sample) ** (1 / 3)
        for sample in samples
        if len(sample) > 1
    ]
    width = max(2 * min((w for w in widths if w > 0), default=0.01), 1e-4)
    low = min(float(sample.min()) for sample in samples)
    high = max(float(sample.max()) for sample in samples)
    return np.arange(np.floor(low / width), np.ceil(high / width) + 2) * width


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=2.0e-08,
    source="AISTATS15 Fig. 3 left, COLT15 Fig. 1 left",
    parameters=(
        disorder.ORDER,
        several(integer("sizes", (25, 50, 100, 250), "sizes N", 2, unit="spins")),
        counts("tensors", {}, "coupling tensors, one where a size is not named", unit="tensors", others=1),
        integer("starts", 1000, "starts on the first tensor of each size", 1, 10**9, unit="starts"),
        integer("extra_starts", 100, "starts on each further tensor", 1, 10**9, unit="starts"),
        choice("law", "gaussian", LAWS, "law of the couplings"),
        Parameter("nu", None, "1", "degrees of freedom of law student-t", "number above 2 or none", _given),
        choice("method", "sgd", METHODS, "the papers' schedule, constant steps, or L-BFGS"),
        integer("parts", 4, "parts of the couplings that sgd takes in turn; 1: full gradients", 1, 64, unit="parts"),
        number("tol", 1e-6, "|g|/√N at which gradient and lbfgs stop", 0.0, unit="energy"),
        dtype("float32", "arithmetic of the descent; everything after it is float64"),
        number("zero_tol", 1e-3, "eigenvalues of the Hessian within it count as zero", 0.0, unit="energy"),
        SEED,
    ),
    quick={"sizes": (25, 50, 100), "tensors": {25: 10, 50: 5, 100: 2}, "starts": 288, "extra_starts": 48},
    default={"tensors": {25: 100, 50: 50, 100: 20, 250: 3}},
    full={"sizes": (25, 50, 100, 250, 500), "tensors": {25: 100, 50: 50, 100: 20, 250: 5, 500: 1}},
    table=ScaledLosses,
    shown={
        "N": "",
        "tensors": "",
        "starts": "",
        "mean_first_tensor": ("mean u", ".4f"),
        "sd_first_tensor": ("s.d.", ".4f"),
        "published_mean": ("published", ".4f"),
        "mean_of_tensors": ("all tensors", ".4f"),
        "sd_of_tensor_means": ("s.d. of means", ".4f"),
        "mean_refined": ("refined", ".4f"),
        "mean_overlap": ("overlap", ".4f"),
        "index_0": ("index 0", ".1%"),
        "certified": ("certified", ".1%"),
    },
    published=PUBLISHED,
)
recipe = EXPERIMENT.maker
