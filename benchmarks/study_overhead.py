"""What the engine costs: wall time of a study beyond that of its units, per unit, as a share of one-second units.

    python benchmarks/study_overhead.py [--seconds 1.0] [--units 20]

Units sleep, so that a busy machine disturbs little; least of all it disturbs the driver's processor time, told beside.
What a study costs once (making, checking and closing the store) is told apart from what each unit costs, by a study of
two units a worker; starting the workers is paid before.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from spinscape import study


def units(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return ({"number": number} for number in range(parameters["units"]))


def cost(parameters: Mapping[str, Any], unit: Mapping[str, Any]) -> float:
    return 1.0


def compute(parameters: Mapping[str, Any], unit: Mapping[str, Any], n_threads: int) -> dict[str, Any]:
    time.sleep(parameters["seconds"])
    # Ten columns for 288 starts, as much as a unit of the scaled-loss study returns.
    return {f"column_{k}": np.random.default_rng(unit["number"]).random(288) for k in range(10)}


def beyond(recipe: study.Recipe, folder: str, executor: Any, workers: int) -> tuple[float, float]:
    """Return the seconds of a study beyond its units', and the processor time of this process."""
    where = "here" if executor is None else f"{workers}-processes"
    began, busy = time.perf_counter(), time.process_time()
    study.run(recipe, Path(folder) / f"{where}-{recipe.key}.sqlite", executor).close()
    wall, busy = time.perf_counter() - began, time.process_time() - busy
    with study.Store(Path(folder) / f"{where}-{recipe.key}.sqlite") as store:
        return wall - sum(row.provenance["seconds"] for row in store.rows) / workers, busy


def measure(title: str, arguments: argparse.Namespace, folder: str, executor: Any, workers: int) -> None:
    few, many = (
        study.Recipe("overhead", {"units": count * workers, "seconds": arguments.seconds})
        for count in (2, arguments.units)
    )
    fixed, fixed_busy = beyond(few, folder, executor, workers)
    unit, busy = (
        (after - before) / (arguments.units - 2)
        for after, before in zip(beyond(many, folder, executor, workers), (fixed, fixed_busy), strict=True)
    )
    print(
        f"{title}: {1e3 * unit:6.1f} ms a unit, {unit / arguments.seconds:.2%} (processor time of the driver: "
        f"{1e3 * busy / workers:.1f} ms a unit, {busy / workers / arguments.seconds:.2%}); {1e3 * fixed:.0f} ms a study"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--units", type=int, default=20, help="units a worker")
    arguments = parser.parse_args()
    study.register("overhead", "study_overhead")
    with tempfile.TemporaryDirectory() as folder:
        measure("in-process ", arguments, folder, None, 1)
        for workers in (1, 2):
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
                warm = study.Recipe("overhead", {"units": 2 * workers, "seconds": 0.2})
                study.run(warm, Path(folder) / f"warm-{workers}.sqlite", executor).close()
                measure(f"{workers} processes", arguments, folder, executor, workers)


if __name__ == "__main__":
    main()
