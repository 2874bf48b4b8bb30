"""Do the tests of the kernels have teeth? Sampled operator mutations of their sources against the stand-alone program.

    python tests/mutation.py [--count 50] [--seed 0]

Each mutation replaces one operator (SWAPS below) in one place of the kernel sources, rebuilds the program of cpp/tests
(the baseline level, so that it takes seconds) and runs it. A mutation is killed when the program fails, crashes, hangs
or does not compile. Exits with 1 if less than 80 % are killed. Needs cmake and a compiler; not collected by pytest.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SOURCES = [
    *(f"cpp/src/kernel/{name}" for name in ("batched.hpp", "stream.hpp", "weigh.hpp", "transpose.hpp", "level.cpp")),
    *(
        "cpp/src/kernel/normals.cpp",
        "cpp/src/slabs.cpp",
        "cpp/src/tiles.cpp",
        "cpp/src/walks.hpp",
        "cpp/src/passes.hpp",
    ),
    *("cpp/src/coupling_store.cpp", "cpp/src/contraction.cpp", "cpp/src/contraction_hessian.cpp"),
]
SWAPS = {
    " + ": " - ", " - ": " + ", " * ": " + ", " / ": " * ", " % ": " / ", " < ": " <= ", " <= ": " < ", " > ": " >= ",
    " >= ": " > ", " == ": " != ", " != ": " == ", " += ": " -= ", " && ": " || ", " || ": " && ", " & ": " | ",
    " ? ": " ? !", "std::min": "std::max", "std::max": "std::min", " = 0;": " = 1;", " + 1": " + 2", " - 1": " - 2",
}  # fmt: skip
# What cannot change a result: how memory is fetched ahead, how work is shared out, when an interrupt is polled.
HARMLESS = re.compile(
    r"prefetch|share|line|spend|spent|patience|cache|width = std::clamp|groups|most|few|capacity|wave|memory|template|#"
    r"|run =|kept|fresh = ",
    re.I,
)


class Mutation(NamedTuple):
    path: str
    line: int
    column: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line + 1}:{self.column + 1} '{self.old.strip()}' -> '{self.new.strip()}'"


def candidates() -> list[Mutation]:
    found = []
    for path in SOURCES:
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines()):
            code = line.split("//")[0]
            if HARMLESS.search(code):
                continue
            for old, new in SWAPS.items():
                found += [
                    Mutation(path, number, match.start(), old, new) for match in re.finditer(re.escape(old), code)
                ]
    return found


def mutated(text: str, mutation: Mutation) -> str:
    lines = text.splitlines(keepends=True)
    line = lines[mutation.line]
    end = mutation.column + len(mutation.old)
    lines[mutation.line] = line[: mutation.column] + mutation.new + line[end:]
    return "".join(lines)


def build(source: Path, folder: Path) -> bool:
    done = subprocess.run(
        ["cmake", "--build", str(folder), "--target", "spinscape_kernels"], capture_output=True, check=False
    )
    return done.returncode == 0


def fate(source: Path, folder: Path) -> str:
    if not build(source, folder):
        return "killed (does not compile)"
    try:
        done = subprocess.run(
            [str(folder / "cpp/tests/spinscape_kernels")], capture_output=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        return "killed (hangs)"
    if done.returncode == 0:
        return "SURVIVED"
    return "killed (crash)" if done.returncode < 0 else "killed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50, help="mutations to sample")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source, folder = Path(scratch, "source"), Path(scratch, "build")
        shutil.copytree(ROOT / "cpp", source / "cpp")
        shutil.copy(ROOT / "CMakeLists.txt", source)
        configure = ["cmake", "-S", str(source), "-B", str(folder), "-DSPINSCAPE_KERNEL_TESTS=ON"]
        configure += ["-DSPINSCAPE_BASE_LEVEL_ONLY=ON", "-DSPINSCAPE_KERNEL_OPTIMISATION=-O1"]
        subprocess.run(configure, check=True, capture_output=True)
        assert build(source, folder), "the program does not build"
        assert fate(source, folder) == "SURVIVED", "the program fails without any mutation"
        killed = 0
        sample = random.Random(arguments.seed).sample(candidates(), arguments.count)
        for number, mutation in enumerate(sample, 1):
            path = source / mutation.path
            original = path.read_text(encoding="utf-8")
            path.write_text(mutated(original, mutation), encoding="utf-8")
            outcome = fate(source, folder)
            path.write_text(original, encoding="utf-8")
            killed += outcome != "SURVIVED"
            print(f"{number:3} {outcome:26} {mutation}", flush=True)
    print(f"{killed} of {arguments.count} killed")
    return 0 if killed >= 0.8 * arguments.count else 1


if __name__ == "__main__":
    sys.exit(main())
