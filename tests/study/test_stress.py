"""Kills, full disks, interrupts, several writers: tests/study/stress.py with small numbers, and in full where slow."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STRESS = Path(__file__).parent / "stress.py"
slow = pytest.mark.slow

needs_compiler = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("cc") is None,
    reason="writes are counted by a preloaded library: Linux and a C compiler",
)


def figures(*arguments, timeout=600):
    command = [sys.executable, "-W", "error", str(STRESS), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    print(found)
    assert found["held"], found
    return found


@pytest.mark.parametrize("sweeps", [2, pytest.param(100, marks=slow)])
def test_random_kills_lose_nothing(sweeps):
    found = figures("kill", "--sweeps", sweeps, timeout=3600)
    assert found["kills"] > sweeps


@needs_compiler
@pytest.mark.parametrize("mode", ["kill", "full"])
def test_the_driver_ends_at_a_write(mode):
    found = figures("write", "--mode", mode, "--numbers", "1,8,17,40")
    assert found["hit"] >= 3


@needs_compiler
@slow
@pytest.mark.parametrize("mode", ["kill", "full"])
def test_the_driver_ends_at_any_of_200_writes(mode):
    figures("write", "--mode", mode, timeout=3600)


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=slow)])
@pytest.mark.parametrize("suffix", ["-wal", "-ledger", ""])
def test_damage_to_a_hot_store_is_never_silent(suffix, count):
    found = figures("log", "--count", count, f"--suffix={suffix}")
    least = {"-wal": 2 * count, "-ledger": 0, "": count // 2}[suffix]  # else the damage shows nothing
    assert found["refused"] >= least


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
@pytest.mark.parametrize(("count", "workers"), [(4, 0), (2, 2), *(pytest.param(50, n, marks=slow) for n in (0, 2))])
def test_interrupts_leave_a_store_to_resume(count, workers):
    """The promise is a second; a busy machine is given five."""
    found = figures("interrupt", "--count", count, "--workers", workers, "--within", 5)
    assert found["interrupts"] == count


def test_four_drivers_on_one_store():
    assert figures("writers", "--processes", 4)["rows"] == 40


@slow
def test_a_worker_killed_every_two_seconds():
    found = figures("workers", "--seconds", 60, timeout=3600)
    assert found["kills"] >= 20 / found["period"]
