"""All critical points of small glasses: mean counts by index and energy against the exact formulas.

Every instance is enumerated with a proof of completeness (`enumerate_critical_points`); one without proof is counted in
the table and left out of the means, which are then means over instances that could be proven complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtri

from spinscape import statistics, theory
from spinscape.critical_points import enumerate_critical_points
from spinscape.experiments import disorder
from spinscape.experiments.disorder import FloatArray
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, integer, mixture, several
from spinscape.study.parameters import counts as counts_of
from spinscape.study.records import Arrays
from spinscape.theory import critical_energy_density

BLOCK = 10  # instances of a unit
MOST_MODELS = 3

MIXTURES: tuple[Mapping[int, float], ...] = ({3: 1.0}, {4: 1.0}, {3: 0.5, 4: 0.5})


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    """Return blocks of instances of every size and model, small N first."""
    for N in parameters["sizes"]:
        for model in range(len(parameters["mixtures"])):
            for first in range(0, parameters["tensors"][str(N)], BLOCK):
                yield {"N": N, "model": model, "first": first}


def cost(parameters: Parameters, unit: Unit) -> float:
    xi = parameters["mixtures"][unit["model"]]
    degree = max(int(p) for p in xi)
    paths = max(2, (degree - 1) ** unit["N"])
    return float(len(_numbers(parameters, unit)) * (20 + paths * disorder.couplings({"xi": xi}, unit["N"]) / 20))


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Enumerate the critical points of a block of instances: those of all of them in one array each."""
    numbers = _numbers(parameters, unit)
    xi = parameters["mixtures"][unit["model"]]
    found = []
    for tensor in numbers:
        key = {"xi": xi, "rng": parameters["rng"]}
        glass = disorder.instance(key, {"N": unit["N"], "tensor": tensor})
        found.append(enumerate_critical_points(glass, n_threads=n_threads))
    return {
        "instance": np.array(numbers),
        "complete": np.array([one.complete for one in found]),
        "missing_estimate": np.array([one.missing_estimate for one in found]),
        "morse_sum": np.array([one.morse_sum for one in found]),
        "expected_morse_sum": np.array([one.expected_morse_sum for one in found]),
        "counts": np.array([np.bincount(one.index.negative, minlength=unit["N"]) for one in found]),
        "point_instance": np.repeat(numbers, [len(one.points) for one in found]),
        "point_energy_density": np.concatenate([one.energy_density for one in found]),
        "point_index": np.concatenate([one.index.negative for one in found]),
    }


def _numbers(parameters: Parameters, unit: Unit) -> list[int]:
    last = parameters["tensors"][str(unit["N"])]
    return list(range(unit["first"], min(unit["first"] + BLOCK, last)))


@dataclass(frozen=True)
class Model:
    """The instances of one ξ and N that are proven complete, and what is known of the others.

    counts : (complete instances, N) int64, critical points by index.
    instance, energy, index : one element a critical point of the complete instances; `instance` is a row of `counts`.
    morse : number of complete instances whose Morse sum is the Euler characteristic.
    """

    xi: Mapping[int, float]
    N: int
    instances: int
    morse: int
    bins: int
    counts: NDArray[np.int64]
    instance: NDArray[np.int64]
    energy: FloatArray
    index: NDArray[np.int64]

    @property
    def name(self) -> str:
        """The model in words."""
        return name_of(self.xi)

    @property
    def complete(self) -> int:
        """Number of instances proven complete."""
        return len(self.counts)

    @cached_property
    def exact(self) -> FloatArray:
        """Exact mean counts by index, (N,)."""
        return np.array([mean_count(self.xi, self.N, index=k) for k in range(self.N)])

    @cached_property
    def edges(self) -> FloatArray:
        """Energies between bins of equal exact mean count, (bins + 1,), the ends infinite."""
        inner = quantiles(self.xi, self.N, np.arange(1, self.bins) / self.bins)
        return np.array([-np.inf, *inner, np.inf])

    @cached_property
    def exact_by_energy(self) -> FloatArray:
        """Exact mean counts in the bins, (bins,)."""
        return np.array([mean_count(self.xi, self.N, below=high, above=low) for low, high in pairwise(self.edges)])

    @cached_property
    def by_energy(self) -> FloatArray:
        """Counts in the bins, (complete instances, bins)."""
        found = np.zeros((self.complete, self.bins))
        np.add.at(found, (self.instance, np.searchsorted(self.edges, self.energy) - 1), 1)
        return found

    def z_by_index(self) -> FloatArray:
        """(mean - exact) over the standard error, by index."""
        return z_scores(self.counts, self.exact)

    def z_by_energy(self) -> FloatArray:
        """(mean - exact) over the standard error, by bin."""
        return z_scores(self.by_energy, self.exact_by_energy)


@dataclass(frozen=True)
class EnumeratedCounts(ResultTable):
    """The table of an enumeration over disorder."""

    models: tuple[Model, ...]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a model without any is left out."""
        made = results.parameters
        found = sorted(results.joined("model", "N"), key=lambda pair: pair[0][0])
        xis = [{int(p): c for p, c in xi.items()} for xi in made["mixtures"]]
        return cls(tuple(_model(xis[model], N, made["bins"], columns) for (model, N), columns in found))

    def rows(self) -> Rows:
        """Return a row for every index, every bin of energy and the total of every model."""
        rows = []
        for model in self.models:
            rows.append(_row(model, "all", model.counts.sum(axis=1), model.exact.sum()))
            rows += [_row(model, f"index {k}", model.counts[:, k], model.exact[k]) for k in range(model.N)]
            for (low, high), found, exact in zip(
                pairwise(model.edges), model.by_energy.T, model.exact_by_energy, strict=True
            ):
                rows.append(_row(model, f"{low:.4f} < u <= {high:.4f}", found, exact))
        return rows


def name_of(xi: Mapping[int, float]) -> str:
    """A model in words: "p = 3", or ξ."""
    if len(xi) == 1:
        return f"p = {next(iter(xi))}"
    return "xi = " + " + ".join(f"{c:g} q^{p}" for p, c in sorted(xi.items()))


def mean_count(xi: Mapping[int, float], N: int, **limits: Any) -> float:
    """Exact mean number of critical points, by index or energy or both; the pure formula where it applies."""
    if len(xi) == 1 and next(iter(xi.values())) == 1.0:
        return float(np.exp(theory.log_mean_critical_points(N=N, p=next(iter(xi)), **limits)))
    return float(np.exp(theory.log_mean_critical_points_mixed(N, xi, **limits)))


def quantiles(xi: Mapping[int, float], N: int, at: FloatArray) -> FloatArray:
    """Energies below which about the given fractions of the exact mean count lie, by interpolation."""
    grid = np.linspace(-3.0, 3.0, 41)
    if len(xi) == 1:
        below = np.exp(theory.log_mean_critical_points(N=N, p=next(iter(xi)), below=grid))
    else:
        below = np.array([mean_count(xi, N, below=u) for u in grid])
    fine = np.linspace(-3.0, 3.0, 6001)
    return np.interp(at, PchipInterpolator(grid, below / below[-1])(fine), fine)


def z_scores(samples: NDArray[Any], exact: FloatArray) -> FloatArray:
    """(mean - exact) over its standard error, instances along the first axis; nan where they do not differ."""
    if len(samples) < 2:
        return np.full(np.shape(exact), np.nan)
    error = np.std(samples, axis=0, ddof=1) / np.sqrt(len(samples))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(error > 0, (np.mean(samples, axis=0) - exact) / error, np.nan))


def _model(xi: Mapping[int, float], N: int, bins: int, columns: Arrays) -> Model:
    complete = columns["complete"]
    numbers = columns["instance"][complete]
    known = np.isin(columns["point_instance"], numbers)
    right = columns["morse_sum"] == columns["expected_morse_sum"]
    return Model(
        xi=xi,
        N=N,
        instances=len(complete),
        morse=int(np.count_nonzero(right & complete)),
        bins=bins,
        counts=columns["counts"][complete],
        instance=np.searchsorted(numbers, columns["point_instance"][known]),
        energy=columns["point_energy_density"][known],
        index=columns["point_index"][known],
    )


def _row(model: Model, what: str, counts: NDArray[Any], exact: float) -> dict[str, Any]:
    some = len(counts) > 0
    return {
        "model": model.name,
        "N": model.N,
        "instances": model.instances,
        "complete": model.complete,
        "morse_right": model.morse,
        "what": what,
        "mean": float(np.mean(counts)) if some else float("nan"),
        "error": float(np.std(counts, ddof=1) / np.sqrt(len(counts))) if len(counts) > 1 else float("nan"),
        "exact": float(exact),
        "z": float(z_scores(counts, np.asarray(exact))),
    }


def draw(table: EnumeratedCounts) -> Figure:
    """Counts by index of up to three models above; energies of a pure one and all z-scores below."""
    names = list(dict.fromkeys(model.name for model in table.models))[:MOST_MODELS]
    figure, above, (left, right) = _grid(len(names))
    for k, (name, ax) in enumerate(zip(names, above, strict=True)):
        counts([model for model in table.models if model.name == name], ax)
        style.panel_label(ax, "abc"[k], _title(name))
        if k:
            ax.set_ylabel("")
    pure = [model for model in table.models if len(model.xi) == 1 and model.complete]
    if pure:
        shown = max((model for model in pure if model.name == pure[0].name), key=lambda model: model.N)
        energies(shown, left)
        style.panel_label(left, "bcd"[len(names) - 1], rf"Energies by index, ${shown.name}$, $N = {shown.N}$")
    deviations(table, right)
    style.panel_label(right, "cde"[len(names) - 1], r"$(\mathrm{mean} - \mathrm{exact})/\mathrm{error}$")
    title = f"a to {'abc'[len(names) - 1]}: circles enumerated, {style.BARS}, lines exact; last panel dotted: $|z| = 4$"
    style.legend_below(figure, *above, columns=6, title=title)
    return figure


def _grid(columns: int) -> tuple[Figure, list[Axes], tuple[Axes, Axes]]:
    """A figure with `columns` panels above a wide and a narrow one."""
    figure, (first,) = style.new_figure("page", 5.2)
    first.remove()
    with style.context():
        grid = figure.add_gridspec(2, 6)
        width = 6 // columns
        above = [figure.add_subplot(grid[0, width * k : width * (k + 1)]) for k in range(columns)]
        return figure, above, (figure.add_subplot(grid[1, :4]), figure.add_subplot(grid[1, 4:]))


@style.panel
def counts(models: list[Model], ax: Axes) -> None:
    """Mean number of critical points of each index: enumerated (circles, 95 % bars) and exact (lines)."""
    from matplotlib.ticker import LogLocator, NullLocator

    for model, colour in zip(models, style.ordered_colours(len(models)), strict=True):
        k = np.arange(model.N)
        ax.plot(k, model.exact, color=colour, linewidth=1.0, label=f"$N = {model.N}$")
        if model.complete > 1:
            style.estimates(ax, k, [statistics.mean(one) for one in model.counts.T], color=colour, markersize=3.2)
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xticks(range(max(model.N for model in models)))
    ax.set_xlabel("index $k$")
    ax.set_ylabel(r"mean number, $\mathrm{E\,Crt}_{N,k}$")


@style.panel
def energies(model: Model, ax: Axes) -> None:
    """Histogram of the energies of each index, in points an instance, over the exact densities."""
    order = next(iter(model.xi))
    low, high = float(model.energy.min()), float(model.energy.max())
    u = np.linspace(low - 0.1, high + 0.1, 400)
    bins = np.linspace(low, high, 41).tolist()
    for k, colour in zip(range(model.N), style.ordered_colours(model.N), strict=True):
        weights = np.full(np.count_nonzero(model.index == k), 1 / (model.complete * (bins[1] - bins[0])))
        ax.hist(model.energy[model.index == k], bins, weights=weights, color=colour, alpha=0.35, linewidth=0)
        ax.plot(u, critical_energy_density(u, model.N, order, index=k), color=colour, label=f"$k = {k}$")
    ax.set_xlabel("energy density $u$")
    ax.set_ylabel("points an instance and unit of $u$")
    ax.legend(loc="upper right", fontsize=7.5, handlelength=1.2)
    style.note(ax, "bars: enumerated\nlines: exact", y=0.82)


@style.panel
def deviations(table: EnumeratedCounts, ax: Axes) -> None:
    """All z-scores in order, against the quantiles of as many normal ones."""
    for kind, colour, marker in (("index", style.PALETTE[0], "o"), ("energy", style.PALETTE[1], "D")):
        found = [m.z_by_index() if kind == "index" else m.z_by_energy() for m in table.models]
        z = np.sort(np.concatenate(found))
        z = z[np.isfinite(z)]
        expected = ndtri((np.arange(len(z)) + 0.5) / len(z))
        ax.plot(expected, z, marker, color=colour, markersize=2.8, markeredgewidth=0, label=f"by {kind}, {len(z)}")
    ax.plot([-3, 3], [-3, 3], color=style.MUTED, linewidth=0.8)
    for bound in (-4, 4):
        ax.axhline(bound, color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    ax.set_ylim(-5.2, 5.2)
    ax.set_xlabel("normal quantile")
    ax.set_ylabel("$z$")
    ax.legend(loc="lower right", fontsize=7.5, handletextpad=0.1)


def _title(name: str) -> str:
    return "$" + name.replace("xi", r"\xi") + "$"


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=1.5e-04,
    source="ABAC Theorems 2.1 and 2.2, exact at finite N",
    parameters=(
        several(mixture("mixtures", MIXTURES), least=1),
        several(integer("sizes", (2, 3, 4, 5, 6), "sizes N", 2, 12, unit="spins")),
        counts_of("tensors", 40, "instances of every model", unit="tensors"),
        integer("bins", 8, "bins of energy, each with the same exact mean count", 1, 100, unit="bins"),
        SEED,
    ),
    quick={"sizes": (2, 3, 4), "tensors": 40},
    default={"tensors": {2: 400, 3: 300, 4: 200, 5: 100, 6: 40}},
    table=EnumeratedCounts,
)
recipe = EXPERIMENT.maker
