"""Energy against time at several N, with the limit N to infinity (DMFT).

Gradient flow, or Langevin dynamics at β; at every time of the recipe the energy density, and the correlation
C(t, t_w) = w(t)·w(t_w)/N with the points at the waiting times t_w. `Relaxation.limit` solves the two-time equations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape.experiments import disorder
from spinscape.experiments.disorder import FloatArray
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.hamiltonian import Glass
from spinscape.sampling import sample
from spinscape.statistics import Spread, spread
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, counts, dtype, integer, mixture, number, several
from spinscape.study.records import Arrays
from spinscape.theory import MeanFieldDynamics, dmft, marginal_energy

FIRST_TIME = 0.1
NORMAL = 1.96  # half of a 95 % interval of a Gaussian, in standard errors


def arrange(values: dict[str, Any]) -> dict[str, Any]:
    if any(wait >= values["t_max"] for wait in values["waits"]):
        raise ValueError(f"waits: expected times below t_max = {values['t_max']}, got {values['waits']}")
    return values


def times_of(parameters: Parameters) -> FloatArray:
    """The times of the measurements: logarithmic in t and in t - t_w; for Langevin dynamics multiples of its step."""
    t_max = parameters["t_max"]
    decades = np.log10(t_max / FIRST_TIME)
    grid = np.geomspace(FIRST_TIME, t_max, int(np.ceil(decades * parameters["a_decade"])) + 1)
    parts: list[FloatArray] = [np.zeros(1), grid]
    parts += [wait + np.append(0.0, grid) for wait in parameters["waits"]]
    times = np.concatenate(parts)
    times = times[times <= t_max * (1 + 1e-9)]
    unit = FIRST_TIME / 10 if parameters["beta"] is None else parameters["step"]
    return np.unique(np.round(times / unit)) * unit


def cost(parameters: Parameters, unit: Unit) -> float:
    gradients = parameters["t_max"] * (20 if parameters["beta"] is None else 1 / parameters["step"])
    return float(gradients * disorder.couplings_times_starts(parameters, unit, 1e5 / parameters["starts"]))


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Follow the replicas of one instance."""
    glass = disorder.instance(parameters, unit)
    noise = disorder.seed(parameters["rng"], unit["N"], unit["tensor"], disorder.NOISE)
    points, times, waits = disorder.starts(glass, parameters, unit), times_of(parameters), parameters["waits"]
    energies = np.empty((len(points), len(times)))
    correlations = np.full((len(points), len(waits), len(times)), np.nan)
    kept: list[NDArray[Any]] = []
    for k, time in enumerate(times):
        if k:
            points = _moved(glass, points, times[k - 1], time, parameters, noise, n_threads)
        energies[:, k] = glass.energy_density(points, n_threads=n_threads)
        if len(kept) < len(waits) and np.isclose(time, waits[len(kept)], rtol=0, atol=0.51 * FIRST_TIME / 10):
            kept.append(points)
        for w, earlier in enumerate(kept):
            correlations[:, w, k] = np.einsum("ri,ri->r", points, earlier, dtype=np.float64) / unit["N"]
    return {"times": times, "energy_density": energies, "correlation": correlations}


def _moved(
    glass: Glass,
    points: NDArray[Any],
    begin: float,
    end: float,
    parameters: Parameters,
    noise: np.random.SeedSequence,
    n_threads: int,
) -> NDArray[Any]:
    if parameters["beta"] is None:
        return _flow(glass, points, begin, end, n_threads)
    dt = parameters["step"]
    first, last = round(begin / dt), round(end / dt)
    run = sample(
        glass,
        points,
        beta=parameters["beta"],
        steps=last - first,
        method="langevin",
        step=dt,
        first_step=first,
        rng=noise,
        n_threads=n_threads,
    )
    return run.points


def _flow(glass: Glass, points: NDArray[Any], begin: float, end: float, n_threads: int) -> NDArray[Any]:
    """dw/dt = -g from time to time, fourth order; steps of 0.1 while the fastest modes relax, then of 0.2."""
    count = int(np.ceil((end - begin) / (0.1 if begin < 3 else 0.2) - 1e-9))
    h = (end - begin) / count

    def slope(w: NDArray[Any]) -> NDArray[Any]:
        return -glass.gradient(w, n_threads=n_threads)

    def on_sphere(w: NDArray[Any]) -> NDArray[Any]:
        moved: NDArray[Any] = w * np.sqrt(w.shape[1] / np.sum(w**2, axis=1, keepdims=True))
        return moved

    for _ in range(count):
        first = slope(points)
        second = slope(on_sphere(points + h / 2 * first))
        third = slope(on_sphere(points + h / 2 * second))
        fourth = slope(on_sphere(points + h * third))
        points = on_sphere(points + h / 6 * (first + 2 * second + 2 * third + fourth)).astype(points.dtype)
    return points


@dataclass(frozen=True)
class SizeRelaxation:
    """One size N: statistics of u, (times,), and of C(t, t_w), (waits, times), over instances and starts."""

    N: int
    energy: Spread
    correlation: Spread


@dataclass(frozen=True)
class Relaxation(ResultTable):
    """The table of a relaxation study."""

    xi: Mapping[int, float]
    beta: float | None
    waits: tuple[float, ...]
    times: FloatArray
    sizes: tuple[SizeRelaxation, ...]

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a size without any is left out."""
        made, sizes = results.parameters, []
        for (N,), rows in results.by("N"):
            u, C = (spread([row.arrays[name] for row in rows]) for name in ("energy_density", "correlation"))
            sizes.append(SizeRelaxation(N, u, C))
        return cls(results.xi, made["beta"], tuple(made["waits"]), times_of(made), tuple(sizes))

    @cached_property
    def limit(self) -> MeanFieldDynamics:
        """The limit N to infinity, solved on first use (seconds)."""
        return dmft(self.xi, float(self.times[-1]), beta=self.beta)

    def extrapolated(self) -> tuple[FloatArray, FloatArray]:
        """The energies at 1/N = 0 and their errors: a line in 1/N through the sizes, weighted by their errors.

        nan for fewer than two sizes, or one instance a size.
        """
        inverse = np.array([1 / size.N for size in self.sizes])
        means = np.stack([size.energy.mean for size in self.sizes])
        weights = np.stack([size.energy.error for size in self.sizes]) ** -2.0
        total, first = weights.sum(0), inverse @ weights
        second = inverse**2 @ weights
        determinant = total * second - first**2
        if len(inverse) < 2:
            determinant = np.full(len(self.times), np.nan)
        mean = (second * np.sum(weights * means, axis=0) - first * (inverse @ (weights * means))) / determinant
        return mean, np.sqrt(second / determinant)

    def reaches_the_limit(self) -> NDArray[np.bool_]:
        """At which times the extrapolation is the limit, within the 95 % interval of its error.

        Where it is not, the sizes are not yet such that a line in 1/N leads to it, however well they lie on one.
        """
        line, error = self.extrapolated()
        return np.asarray(np.abs(line - self.limit.energy_at(self.times)) <= NORMAL * error)

    def rows(self) -> Rows:
        """Return one row a size and time: energy, error and spreads, limit and extrapolation; then C at each t_w."""
        limit, (line, line_error) = self.limit.energy_at(self.times), self.extrapolated()
        return [
            {
                "N": size.N,
                "instances": size.energy.instances,
                "t": float(time),
                "energy_density": float(size.energy.mean[k]),
                "error": float(size.energy.error[k]),
                "sd_disorder": float(size.energy.sd_disorder[k]),
                "sd_starts": float(size.energy.sd_starts[k]),
                "limit": float(limit[k]),
                "extrapolated": float(line[k]),
                "extrapolated_error": float(line_error[k]),
                **{f"C(t,{wait:g})": float(size.correlation.mean[w, k]) for w, wait in enumerate(self.waits)},
            }
            for size in self.sizes
            for k, time in enumerate(self.times)
        ]

    def notes(self) -> list[str]:
        """Return what the errors are, and where the extrapolation means little."""
        off = self.times[(self.times > 0) & ~self.reaches_the_limit()]
        where = f"at {len(off)} of {len(self.times) - 1} times, the last t = {off.max():.3g}" if len(off) else "nowhere"
        return [f"error: standard error over instances; a line in 1/N misses the limit (95 % level) {where}"]


def draw(table: Relaxation) -> Figure:
    """Energies beside their distance to the threshold."""
    return style.page(
        3.4,
        (title_of(table), partial(energies, table)),
        ("Distance to the threshold", partial(approach, table)),
        legend=f"{style.BARS}; hollow: off the limit by more, a line in $1/N$ does not lead there from these sizes",
        columns=6,
    )


def title_of(table: Relaxation) -> str:
    """How the points move, on which glass."""
    moves = "Gradient flow" if table.beta is None else rf"Langevin dynamics, $\beta = {table.beta:g}$"
    return f"{moves}, {style.model(table.xi)}"


@style.panel
def energies(table: Relaxation, ax: Axes) -> None:
    """Energy density against t, mean and 95 % band, with the limit."""
    later = table.times > 0
    for size, colour in zip(table.sizes, style.ordered_colours(len(table.sizes)), strict=True):
        mean, half = size.energy.mean[later], np.nan_to_num(size.energy.half[later])
        ax.fill_between(table.times[later], mean - half, mean + half, color=colour, alpha=0.3, linewidth=0)
        ax.plot(table.times[later], mean, color=colour, linewidth=1.0, label=f"$N = {size.N}$")
    limit = table.limit
    drawn = limit.t >= table.times[later][0]
    ax.plot(limit.t[drawn], limit.energy[drawn], color=style.INK, linestyle="--", label=r"$N \to \infty$ (DMFT)")
    if table.beta is None:
        bottom = -float(marginal_energy(table.xi))
        style.reference_line(ax, bottom, style.threshold(table.xi), vertical=False, at=0.98, before=True)
        ax.set_ylim(bottom - 0.09 * abs(bottom), None)
    ax.set_xscale("log")
    ax.set_xlabel("time $t$")
    ax.set_ylabel("energy density $u = H_N/N$")
    style.note(ax, "bands: 95 % confidence\nover instances", x=0.98, y=0.98, ha="right", va="top")


@style.panel
def approach(table: Relaxation, ax: Axes) -> None:
    """Energies above the threshold on logarithmic axes: sizes, their extrapolation to 1/N = 0, and the limit."""
    threshold, later = float(marginal_energy(table.xi)), table.times > 0
    for size, colour in zip(table.sizes, style.ordered_colours(len(table.sizes)), strict=True):
        ax.plot(table.times[later], size.energy.mean[later] + threshold, color=colour, linewidth=1.0)
    _extrapolation(table, later, threshold, ax)
    limit = table.limit
    drawn = limit.t >= table.times[later][0]
    ax.plot(limit.t[drawn], limit.energy[drawn] + threshold, color=style.INK, linestyle="--")
    if len(table.xi) == 1:
        t = limit.t[-1] * np.array([0.1, 1.0])
        height = float(limit.energy_at(limit.t[-1])) + threshold
        ax.plot(t, 0.6 * height * (t / t[-1]) ** (-2 / 3), color=style.MUTED, linewidth=0.8)
        ax.annotate("$t^{-2/3}$", (t[-1], 0.6 * height), (-22, -4), textcoords="offset points", color=style.MUTED)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("time $t$")
    ax.set_ylabel(f"$u$ above {style.threshold(table.xi)}")


def _extrapolation(table: Relaxation, later: NDArray[np.bool_], threshold: float, ax: Axes) -> None:
    """The sizes at 1/N = 0: filled where a line in 1/N leads to the limit, hollow where it does not."""
    mean, error = table.extrapolated()
    shown = later & np.isfinite(mean) & (mean + threshold > NORMAL * error)
    fits = table.reaches_the_limit()
    for chosen, face in ((shown & fits, style.PALETTE[1]), (shown & ~fits, "white")):
        ax.errorbar(
            table.times[chosen],
            mean[chosen] + threshold,
            NORMAL * error[chosen],
            fmt="o",
            markersize=2.5,
            elinewidth=0.7,
            color=style.PALETTE[1],
            markerfacecolor=face,
            label=r"sizes, extrapolated in $1/N$" if face != "white" else None,
        )


EXPERIMENT = Experiment.of(
    __name__,
    core_seconds=9.1e-11,
    source="Cugliandolo and Kurchan 1993",
    parameters=(
        mixture(),
        disorder.SIZES,
        counts("tensors", 20, "instances of every size", unit="tensors"),
        integer("starts", 24, "uniform starts on each", 1, 10**6, unit="starts"),
        number("t_max", 100.0, "last time", FIRST_TIME, above=True, unit="time"),
        number(
            "beta", None, "inverse temperature; none: gradient flow", 0.0, above=True, unit="1/energy", optional=True
        ),
        several(number("waits", (), "waiting times t_w of C(t, t_w), below t_max", 0.0, unit="time"), ascending=True),
        number(
            "step", 0.01, "time step of Langevin dynamics; energies are off by its order", 0.0, above=True, unit="time"
        ),
        integer("a_decade", 8, "times a decade, of t and of t - t_w", 1, 100, unit="times"),
        dtype("float32", "arithmetic of the dynamics"),
        SEED,
    ),
    quick={"sizes": (40, 80), "tensors": {40: 30, 80: 12}, "starts": 12, "t_max": 20.0},
    default={"sizes": (50, 100, 200, 300), "tensors": {50: 120, 100: 60, 200: 30, 300: 16}},
    units=disorder.instances,
    memory=disorder.memory,
    table=Relaxation,
    recorded_as="relaxation",
    fits=lambda parameters: not parameters["waits"],
)
recipe = EXPERIMENT.maker
