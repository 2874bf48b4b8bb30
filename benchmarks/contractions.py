"""The kernels against the machine and against their peers, as ratios within one run.

    python benchmarks/contractions.py [--quick] [--threads 1 2 4 ...] [--json FILE] [--figure FILE]
                                      [--pele-python PYTHON]

Every time is a median of repetitions in which all competitors take turns, so that a busy machine slows all of them
alike; processor time on one thread, wall time (on a quiet machine!) where threads are compared. Probes of peak and read
bandwidth (same instruction-set level, one thread) take part in the turns. Run it with an interpreter that has torch for
the torch rows (its CPU build suffices). Results are checked against each other first. On machines with several memory
nodes, bind one node (numactl -N0 -m0) or interleave (numactl -i all): couplings lie where the thread that filled them
ran.
"""

# ruff: noqa: E402  (libraries read their number of threads when they are imported)

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
for library in ("OPENBLAS", "MKL"):  # peers get one thread, as the kernels do
    os.environ[f"{library}_NUM_THREADS"] = "1"

import numpy as np
import peers
import scaling
from timing import medians

import spinscape as sp
from spinscape import _core
from spinscape.study import scaled_losses

RESULTS: list[dict[str, Any]] = []
GOALS = {"apply": True}


def sampled(p: int, N: int, stored: bool = True) -> _core.Form:
    disorder = _core.Disorder(_core.LawKind.gaussian, 0.0, 1, p, False)
    return _core.Form.sampled(_core.FormShape(p, N, False), disorder, _core.default_threads(), stored)


def points(N: int, replicas: int, dtype: str) -> Any:
    return np.random.default_rng(0).standard_normal((replicas, N)).astype(dtype)


def report(target: str, what: str, value: float, wanted: float | None, at_least: bool = True) -> None:
    """Print one ratio beside the one to reach, and keep it."""
    wanted = wanted if GOALS["apply"] else None
    RESULTS.append({"target": target, "what": what, "value": value, "wanted": wanted, "at_least": at_least})
    goal = "" if wanted is None else f"  (to reach: {'>=' if at_least else '<='} {wanted:g})"
    print(f"{target:3} {what:76} {value:10.3g}{goal}", flush=True)


def gradient_flops(form: _core.Form, replicas: int) -> float:
    """Four operations a packed coupling and replica: the kernels' useful work."""
    return 4.0 * form.shape.entries() * replicas


def against_probes(p: int, N: int, replicas: int, dtype: str, repeats: int) -> None:
    """T1 (one replica: of the reading rate), T2 (batched: of the peak)."""
    form, w = sampled(p, N), points(N, replicas, dtype)
    single = dtype == "float32"
    ratios, rates = [], []
    for turn in range(repeats + 1):
        probe = _core.probe_read(form.bytes, 1) if replicas == 1 else _core.probe_peak(single, 3)
        form.energy_gradient(w, 1)  # the probe has just written what it reads: ours comes from the same caches
        start = time.thread_time()
        form.energy_gradient(w, 1)
        seconds = time.thread_time() - start
        rate = (form.bytes if replicas == 1 else gradient_flops(form, replicas)) / seconds / 1e9
        if turn:
            ratios.append((4 * form.shape.entries() / seconds / 1e9 if replicas == 1 else rate) / probe)
            rates.append(rate)
    kind, target = ("reading", "T1") if replicas == 1 else ("peak", "T2" if p == 3 else "T3")
    unit = "GB/s" if replicas == 1 else "GFLOP/s"
    what = f"p={p} N={N} R={replicas} {dtype}: fraction of {kind} probe ({statistics.median(rates):.1f} {unit})"
    report(target, what, statistics.median(ratios), 0.75 if p == 3 and (replicas == 1 or single) else None)


def against_peers(p: int, N: int, replicas: int, dtype: str, repeats: int, goals: dict[str, tuple[str, float]]) -> None:
    """T2, T3, T4: the same energy and gradient by the peers; results agree before times count."""
    form, w = sampled(p, N), points(N, replicas, dtype)
    tensor = peers.dense(form.packed(), p, N, dtype)
    competitors = {"spinscape": lambda: form.energy_gradient(w, 1)}
    energy, gradient = form.energy_gradient(w, 1)
    for name in goals:
        try:
            evaluate = getattr(peers, name)(tensor)
            other_energy, other_gradient = evaluate(w)
        except peers.AbsentError as reason:
            print(f"    {name} is skipped: {reason}")
            continue
        tolerance = 2e-4 if dtype == "float32" else 1e-10
        count = len(other_energy)
        assert abs(other_gradient - gradient[:count]).max() <= tolerance * abs(gradient).max(), name
        assert abs(other_energy - energy[:count]).max() <= tolerance * abs(energy).max() * 10, name
        competitors[name] = lambda evaluate=evaluate: evaluate(w)
    times = medians(competitors, repeats)
    for name in set(competitors) - {"spinscape"}:
        target, goal = goals[name]
        per_replica = replicas if name == "authors_algorithm" else 1
        what = f"p={p} N={N} R={replicas} {dtype}: {name} / spinscape ({times['spinscape'] * 1e3:.2f} ms)"
        report(target, what, times[name] / times["spinscape"] * per_replica, goal)


def against_pele(python: str | None, N: int) -> None:
    try:
        theirs = peers.pele_seconds(python, 3, N)
    except peers.AbsentError as reason:
        print(f"    {reason}")
        return
    form, w = sampled(3, N), points(N, 1, "float64")
    ours = medians({"spinscape": lambda: form.energy_gradient(w, 1)}, 5)["spinscape"]
    report("T4", f"p=3 N={N} R=1 float64: pele / spinscape", theirs / ours, 5000 if N >= 250 else None)


def over_threads(N: int, replicas: int, threads: list[int], repeats: int) -> None:
    """T5: efficiency = time on one thread over (threads x time on them); bits are compared on the way."""
    form, w = sampled(3, N), points(N, replicas, "float32")
    reference = form.energy_gradient(w, 1)[1]
    for count in threads:
        assert (form.energy_gradient(w, count)[1] == reference).all(), "bits depend on threads"
    times = medians(
        {str(count): (lambda count=count: form.energy_gradient(w, count)) for count in threads},
        repeats,
        time.perf_counter,
    )
    for count in threads:
        goal = 0.92 if count == 2 else None
        report(
            "T5",
            f"p=3 N={N} R={replicas} float32: efficiency on {count} threads",
            times["1"] / count / times[str(count)],
            goal,
        )


def few_replicas(N: int, dtype: str, repeats: int) -> None:
    """Two and four replicas, in passes of one."""
    form, w = sampled(3, N), points(N, 4, dtype)
    times = medians({str(R): (lambda R=R: form.energy_gradient(w[:R], 1)) for R in (1, 2, 4)}, repeats)
    for R in (2, 4):
        report("", f"p=3 N={N} {dtype}: R={R} in passes of R=1", times[str(R)] / times["1"], None)


def hessians(N: int, replicas: int, dtype: str, repeats: int) -> None:
    """T6: a Hessian in gradient passes of as many replicas."""
    form, w = sampled(3, N), points(N, replicas, dtype)
    times = medians(
        {
            "gradient": lambda: form.energy_gradient(w, 1),
            "hessian": lambda: form.hessian(w, 1),
            "hvp": lambda: form.hvp(w, w, 1),
        },
        repeats,
    )
    what = f"p=3 N={N} R={replicas} {dtype}: Hessian ({times['hessian'] * 1e3:.1f} ms) in gradient passes"
    report("T6", what, times["hessian"] / times["gradient"], 2, at_least=False)
    report("T6", f"p=3 N={N} R={replicas} {dtype}: hvp in gradient passes", times["hvp"] / times["gradient"], None)


def regeneration(N: int, repeats: int) -> None:
    """T7: what regenerating adds to a gradient of one replica, nanoseconds a coupling."""
    stored, regenerated, w = sampled(3, N), sampled(3, N, stored=False), points(N, 1, "float32")
    times = medians(
        {"stored": lambda: stored.energy_gradient(w, 1), "regenerated": lambda: regenerated.energy_gradient(w, 1)},
        repeats,
    )
    cost = 1e9 * (times["regenerated"] - times["stored"]) / stored.shape.entries()
    report("T7", f"p=3 N={N}: regenerating, ns a coupling", cost, 1.0, at_least=False)


def regenerated_memory(N: int) -> None:
    """T7: peak memory that a gradient of one replica adds to an import, couplings regenerated; in its own process."""
    code = f"""
from pathlib import Path
import spinscape as sp
peak = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
before = peak()
glass = sp.PureGlass(3, {N}, rng=1, couplings_storage="regenerated")
glass.gradient(glass.random_points(1, rng=1))
print((peak() - before) / 1024)
"""
    if not Path("/proc/self/status").exists():
        print("    memory is skipped: there is no /proc here")
        return
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    report("T7", f"p=3 N={N}: regenerated gradient, MB of memory", float(found.stdout), 100, at_least=False)


def indices(N: int, threads: int, repeats: int) -> None:
    """T6: certified indices at minima, ms; without margin (a Cholesky factorisation) and with."""
    glass = sp.PureGlass(3, N, rng=1)
    batch = 2 * threads * 24
    run = sp.descend(glass, glass.random_points(batch, rng=1), method="lbfgs", tol=1e-8)
    for method, wanted in (("cholesky", 27.0), ("tridiagonal", 35.0)):
        one = medians(
            {"one": lambda method=method: sp.count_index(glass, run.points[:1], method=method, n_threads=1)}, repeats
        )
        report("T6", f"p=3 N={N}: index, {method}, one thread, ms", 1e3 * one["one"], wanted, at_least=False)
    many = medians({"many": lambda: sp.count_index(glass, run.points, n_threads=threads)}, 1, time.perf_counter)
    what = f"p=3 N={N}: 1000 indices with margin on {threads} threads, s (from {batch})"
    report("T6", what, many["many"] * 1000 / batch, 12 if threads == 2 else None, at_least=False)


def full_study(sizes: tuple[int, ...], threads: int) -> None:
    """T8: the papers' study (1000 starts a size, polish and indices included), from 96 starts of each size."""
    for parts, wanted in ((1, 12.0), (4, 25.0)):
        parameters = scaled_losses.recipe(sizes=sizes, parts=parts).parameters
        seconds = 0.0
        for N in sizes:
            unit = {"N": N, "tensor": 0, "first": 0, "count": 96}
            start = time.perf_counter()
            scaled_losses.compute(parameters, unit, threads)
            seconds += (time.perf_counter() - start) * 1000 / 96
        what = f"N = {', '.join(map(str, sizes))} x 1000 starts, {parts} parts, {threads} threads: minutes"
        report("T8", what, seconds / 60, wanted if threads == 2 and max(sizes) == 500 else None, at_least=False)


def run_all(arguments: argparse.Namespace) -> None:
    quick, repeats = arguments.quick, 3 if arguments.quick else 9
    GOALS["apply"] = not quick  # they are set for the large sizes
    large, medium, p4 = (150, 100, 40) if quick else (500, 250, 100)
    for N in (medium, large):
        for dtype in ("float32", "float64"):
            against_probes(3, N, 1, dtype, repeats)
            against_probes(3, N, 48, dtype, repeats)
    against_probes(4, p4, 96, "float32", repeats)
    dense = {"torch_slab_products": ("T2", 3.0), "torch_einsum": ("T2", 10.0)}
    against_peers(3, medium, 192, "float32", repeats, {**dense, "numpy_sub_slabs": ("T2", 1.5)})
    against_peers(3, large, 96, "float32", 3, {"torch_slab_products": ("T2", 3.0), "numpy_sub_slabs": ("T2", 1.25)})
    against_peers(4, p4, 96, "float32", 3, {"torch_slab_products": ("T3", 12.0)})
    against_peers(4, p4, 1, "float32", 3, {"torch_slab_products": ("T3", 20.0)})
    against_peers(3, large, 1, "float64", 3, {"authors_algorithm": ("T4", 350.0)})
    against_peers(3, medium, 192, "float64", 3, {"authors_algorithm": ("T4", 2500.0)})
    against_pele(arguments.pele_python, 60 if quick else 250)
    over_threads(medium, 480, arguments.threads, repeats)
    over_threads(large, 1, arguments.threads, repeats)
    for N in (medium, large):
        for dtype in ("float32", "float64"):
            few_replicas(N, dtype, repeats)
    for replicas in (1, 24):
        hessians(large, replicas, "float64", 3)
    regeneration(medium if quick else 400, repeats)
    regenerated_memory(300 if quick else 2000)
    threads = max(count for count in arguments.threads if count <= 2)
    indices(large, threads, 3)
    full_study((25, 50) if quick else (25, 50, 100, 250, 500), threads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes and few repetitions: does it run?")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, 2, _core.default_threads()}))
    parser.add_argument("--json", type=Path, help="write all ratios here")
    parser.add_argument(
        "--figure",
        type=Path,
        help="draw them here, with a roofline and the scaling over N, R and threads (needs matplotlib)",
    )
    parser.add_argument("--pele-python", help="an interpreter that has pele 0.1.2")
    arguments = parser.parse_args()
    arguments.threads = sorted({1, *arguments.threads})
    if "torch" in sys.modules or _has_torch():
        import torch

        torch.set_num_threads(1)  # as many as the kernels get in the comparisons
    machine = {
        **_core.build_info(),
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }
    print(*(f"{key}: {value}" for key, value in machine.items()), sep="\n")
    run_all(arguments)
    if arguments.json or arguments.figure:
        sizes = [50, 100] if arguments.quick else [50, 100, 250, 500]
        replicas = [1, 4, 48] if arguments.quick else [1, 2, 4, 8, 16, 48, 192]
        rates, threaded = scaling.measure(sizes, replicas, arguments.threads, 2 if arguments.quick else 5)
    if arguments.json:
        found = {"results": RESULTS, "scaling": scaling.rows(rates), "threads": scaling.rows(threaded)}
        arguments.json.write_text(json.dumps({"machine": machine, **found}, indent=1), encoding="utf-8")
    if arguments.figure:
        scaling.draw(rates, threaded, RESULTS, arguments.figure)


def _has_torch() -> bool:
    try:
        peers._torch()
    except peers.AbsentError:
        return False
    return True


if __name__ == "__main__":
    main()
