"""What the scaling model of docs/studies.md is made of, measured: the driver's cost a unit, one and two workers, slabs.

    python benchmarks/study_scaling.py

1. Driver: milliseconds to check and write one unit's result (one commit), and one of a batch of 64.
2. Workers: wall time of the same study of descents on one and on two workers, each started before.
3. Slabs: nanoseconds a coupling to draw it, and to contract it with a block of replicas, one thread.
"""

import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from math import comb
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from spinscape import _core, study
from spinscape.study import scaled_losses
from spinscape.study.records import Record


def driver(folder: str) -> None:
    recipe = study.Recipe("driver")
    arrays = {f"column_{k}": np.random.default_rng(k).random(288) for k in range(10)}
    with study.Store(Path(folder) / "driver.sqlite", recipe) as store:
        for batch in (1, 64):
            records = [Record.sealed(recipe, {"batch": batch, "number": n}, arrays, {}) for n in range(128)]
            began = time.perf_counter()
            for first in range(0, len(records), batch):
                store.insert(*records[first : first + batch])
            milliseconds = 1e3 * (time.perf_counter() - began) / len(records)
            print(f"driver: {milliseconds:.2f} ms a unit of {len(records[0].arrays) / 1e3:.0f} kB, {batch} a commit")


def workers(folder: str) -> None:
    recipe = scaled_losses.recipe(sizes=(60,), tensors={60: 24}, starts=48, extra_starts=48, method="lbfgs")
    for count in (1, 2):
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as executor:
            warm = scaled_losses.recipe(sizes=(8,), tensors={8: 2 * count}, starts=2, extra_starts=2, method="lbfgs")
            study.run(warm, Path(folder) / f"warm-{count}.sqlite", executor).close()
            began = time.perf_counter()
            with study.run(recipe, Path(folder) / f"workers-{count}.sqlite", executor) as store:
                wall = time.perf_counter() - began
                inside = sum(row.provenance["seconds"] for row in store.rows)
        print(f"workers: {count}: wall {wall:.2f} s, unit time {inside:.2f} s, efficiency {inside / count / wall:.2f}")


def slabs(replicas: int = 64, last: int = 500) -> None:
    disorder = _core.Disorder(_core.LawKind.gaussian, 0.0, 1, 3, False)
    count = comb(last + 2, 2)
    points = np.random.default_rng(0).standard_normal((replicas, last + 1))
    draw, contract = [], []
    for _ in range(25):
        began = time.perf_counter()
        couplings = _core.couplings_at(disorder, comb(last + 2, 3), count)
        drawn = time.perf_counter()
        _core.Form.from_packed(_core.FormShape(2, last + 1), couplings, 1).energy_gradient(points, 1)
        draw.append(1e9 * (drawn - began) / count)
        contract.append(1e9 * (time.perf_counter() - drawn) / count)
    print(f"slabs: draw {min(draw):.1f} ns, contract {min(contract):.1f} ns a coupling with {replicas} replicas")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        driver(folder)
        workers(folder)
    slabs()
    return 0


if __name__ == "__main__":
    sys.exit(main())
