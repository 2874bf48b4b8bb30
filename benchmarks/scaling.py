"""Rates of energy and gradient over N, R and threads, and where they lie under the machine's roofs."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spinscape import _core
from spinscape.figures import style

GREY, COLOURS = style.MUTED, style.PALETTE


@dataclass(frozen=True)
class Rate:
    """A measured rate, float32, with the probes that took turns with it (one thread)."""

    N: int
    replicas: int
    threads: int
    gflops: float
    peak: float  # multiply-add probe, GFLOP/s
    reading: float  # probe of a buffer as large as the couplings, GB/s

    @property
    def intensity(self) -> float:
        """Operations a byte of couplings: R for float32, whatever N and p."""
        return float(self.replicas)


def measure(sizes: list[int], replicas: list[int], threads: list[int], repeats: int) -> tuple[list[Rate], list[Rate]]:
    """Rates over N and R on one thread (processor time), and over threads at the largest N (wall time)."""
    rates, threaded = [], []
    for N in sizes:
        disorder = _core.Disorder(_core.LawKind.gaussian, 0.0, 1, 3, False)
        form = _core.Form.sampled(_core.FormShape(3, N, False), disorder, _core.default_threads(), True)
        rates += [_rate(form, N, R, 1, repeats, time.thread_time) for R in replicas]
        if max(sizes) == N:
            many = (1, max(replicas))
            threaded = [_rate(form, N, R, T, repeats, time.perf_counter) for R in many for T in threads]
    return rates, threaded


def _rate(form: _core.Form, N: int, R: int, threads: int, repeats: int, clock: Any) -> Rate:
    w = np.random.default_rng(0).standard_normal((R, N)).astype("float32")
    flops = 4.0 * form.shape.entries() * R
    passes = max(1, round(2e9 / flops))  # tens of milliseconds, so that the clock's steps do not matter
    found = []
    for turn in range(repeats + 1):
        probes = _core.probe_peak(True, 3), _core.probe_read(form.bytes, 1)
        start = clock()
        for _ in range(passes):
            form.energy_gradient(w, threads)
        seconds = clock() - start
        if turn:
            found.append((passes * flops / seconds / 1e9, *probes))
    return Rate(N, R, threads, *(statistics.median(column) for column in zip(*found, strict=True)))


def rows(rates: list[Rate]) -> list[dict[str, Any]]:
    """JSON-able."""
    return [asdict(rate) for rate in rates]


def draw(rates: list[Rate], threaded: list[Rate], ratios: list[dict[str, Any]], path: Path) -> None:
    """Write the figure: roofline, rates over N, efficiency over threads, and every ratio over the one to reach."""
    with style.context():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10.0, 8.5), layout="constrained")
        top, bottom = figure.subfigures(2, 1, height_ratios=(1.0, 1.35))
        roofline, over_N, over_threads = top.subplots(1, 3)
        _roofline(roofline, rates)
        _over_N(over_N, rates)
        _over_threads(over_threads, threaded)
        _ratios(bottom.subplots(), [row for row in ratios if row["wanted"]])
        figure.savefig(path, dpi=150)


def _roofline(axes: Any, rates: list[Rate]) -> None:
    peak = statistics.median(rate.peak for rate in rates)
    largest = max(rate.N for rate in rates)
    reading = statistics.median(rate.reading for rate in rates if largest == rate.N)
    x = np.geomspace(0.7, 1.5 * max(rate.intensity for rate in rates), 100)
    axes.loglog(x, np.minimum(peak, reading * x), color=GREY, linewidth=1.2)
    axes.text(x[-1], peak * 1.04, f"multiply-add probe {peak:.0f} GFLOP/s", ha="right", fontsize=7.5, color=GREY)
    note = f"reading\n{reading:.0f} GB/s\n(N = {largest})"
    axes.text(0.03, 0.55, note, transform=axes.transAxes, fontsize=7.5, color=GREY)
    for colour, N in zip(COLOURS, sorted({rate.N for rate in rates}), strict=False):
        mine = [rate for rate in rates if N == rate.N]
        axes.plot(
            [r.intensity for r in mine], [r.gflops for r in mine], "o-", ms=4, lw=1, color=colour, label=f"N = {N}"
        )
    axes.set(
        xlabel="operations a byte of couplings = R", ylabel="GFLOP/s, one thread", title="Roofline, p = 3, float32"
    )
    replicas = sorted({rate.replicas for rate in rates})
    axes.set_xticks(replicas, replicas, minor=False)
    axes.set_xticks([], minor=True)
    axes.legend(fontsize=7.5, frameon=False, loc="lower right")


def _over_N(axes: Any, rates: list[Rate]) -> None:
    for colour, R in zip(COLOURS, sorted({rate.replicas for rate in rates}), strict=False):
        mine = [rate for rate in rates if rate.replicas == R]
        fractions = [rate.gflops / min(rate.peak, rate.reading * rate.intensity) for rate in mine]
        axes.semilogx([rate.N for rate in mine], fractions, "o-", ms=4, lw=1, color=colour, label=f"R = {R}")
    sizes = sorted({rate.N for rate in rates})
    axes.set(xlabel="N", ylabel="fraction of the roof", ylim=(0, 1.05), title="Scaling over N and R")
    axes.set_xticks(sizes, sizes, minor=False)
    axes.set_xticks([], minor=True)
    axes.legend(fontsize=7.5, frameon=False, ncols=2)


def _over_threads(axes: Any, rates: list[Rate]) -> None:
    largest = max(rate.N for rate in rates)
    for colour, R in zip(COLOURS, sorted({rate.replicas for rate in rates}), strict=False):
        mine = sorted((rate for rate in rates if rate.replicas == R), key=lambda rate: rate.threads)
        axes.plot(
            [r.threads for r in mine], [r.gflops / mine[0].gflops for r in mine], "o-", color=colour, label=f"R = {R}"
        )
    threads = sorted({rate.threads for rate in rates})
    axes.plot(threads, threads, color=GREY, linewidth=0.8, linestyle="--", label="ideal")
    axes.set(xlabel="threads", ylabel="speed-up", xticks=threads, title=f"Scaling over threads, N = {largest}")
    axes.legend(fontsize=7.5, frameon=False)


def _ratios(axes: Any, shown: list[dict[str, Any]]) -> None:
    if not shown:
        axes.set_axis_off()
        return
    values = [row["value"] / row["wanted"] if row["at_least"] else row["wanted"] / row["value"] for row in shown]
    axes.barh(range(len(shown)), values, color=[COLOURS[0] if value >= 1 else COLOURS[4] for value in values])
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(range(len(shown)), [f"{row['target']}  {row['what']}" for row in shown], fontsize=6)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("ratio over the one to reach: right of the line is reached")
