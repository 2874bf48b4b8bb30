"""What the store promises, put to the proof: kills, full disks, interrupts, several writers, workers that die.

    python tests/study/stress.py kill --sweeps 100          random kill -9, three a sweep
    python tests/study/stress.py write --mode kill          kill -9 at the k-th write, sync or unlink, k = 1..200
    python tests/study/stress.py write --mode full          the disk is full from the k-th write on
    python tests/study/stress.py log --count 200            flips and cuts of a hot write-ahead log (also --suffix)
    python tests/study/stress.py interrupt --count 50       SIGINT, SIGTERM at random moments (also --workers 2)
    python tests/study/stress.py writers --processes 4      several drivers on one store
    python tests/study/stress.py workers --seconds 60       a worker killed every two seconds (where it starts faster)

Each prints its figures as one JSON line and ends with exit code 1 if a promise was broken. The tests run the same with
small numbers. Writes are counted by a small library preloaded into the driver (needs a C compiler, Linux).
"""

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import toy_experiment as toy

from spinscape import study
from spinscape.study.interrupts import terminate_as_interrupt

study.register("toy", "toy_experiment")

HANGS = 300.0  # seconds after which a driver is taken to hang

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
static long calls;
/* 1 at the STRESS_AT-th call on a store's files (after it too where the disk stays full). */
static int due(const char* path) {
  const char* at = getenv("STRESS_AT");
  if (!at || !strstr(path, ".sqlite")) return 0;
  const int full = !strcmp(getenv("STRESS_MODE"), "full");
  const int now = ++calls >= atol(at);
  if (now && !full) kill(getpid(), SIGKILL);
  return now && full;
}
static int due_fd(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return due(path);
}
#define NEXT(name) static __typeof__(&name) next; if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define FULL(fd) if (due_fd(fd)) { errno = ENOSPC; return -1; }
ssize_t write(int fd, const void* b, size_t n) { NEXT(write); FULL(fd) return next(fd, b, n); }
ssize_t pwrite(int fd, const void* b, size_t n, off_t o) { NEXT(pwrite); FULL(fd) return next(fd, b, n, o); }
ssize_t pwrite64(int fd, const void* b, size_t n, off64_t o) { NEXT(pwrite64); FULL(fd) return next(fd, b, n, o); }
int fsync(int fd) { NEXT(fsync); due_fd(fd); return next(fd); }
int fdatasync(int fd) { NEXT(fdatasync); due_fd(fd); return next(fd); }
int ftruncate(int fd, off_t n) { NEXT(ftruncate); due_fd(fd); return next(fd, n); }
int ftruncate64(int fd, off64_t n) { NEXT(ftruncate64); due_fd(fd); return next(fd, n); }
int unlink(const char* path) { NEXT(unlink); due(path); return next(path); }
int rename(const char* a, const char* b) { NEXT(rename); due(a); return next(a, b); }
"""


class Teller:
    """Tells the parent, unit by unit, what is in the store."""

    total = None

    def update(self, n):
        pass

    def set_postfix_str(self, s):
        print(s.split("/")[0], flush=True)


def child(path, recipe, workers):
    """The driver: runs the recipe and tells of each unit; exit code 2 and the path in the message where it cannot."""
    try:
        # From the first word to the last: a SIGTERM just after the run would end this process the default way.
        executor = study.processes(workers) if workers else None
        made = study.Recipe.from_json(recipe)
        with terminate_as_interrupt(), study.run(made, path, executor, progress=Teller()) as store:
            print("digest", store.digest, flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        sys.exit(130)
    except OSError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def start(path, recipe, workers=0, **environment):
    command = [sys.executable, __file__, "child", str(path), recipe.canonical(), str(workers)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        start_new_session=True,
    )
    process.watchdog = threading.Timer(HANGS, process.kill)  # one that hangs ends as one killed: a broken promise
    process.watchdog.daemon = True
    process.watchdog.start()
    return process


def finish(process):
    """Return (units told, digest, exit code, stderr)."""
    out, err = process.communicate()
    process.watchdog.cancel()
    lines = out.split()
    digest = lines[lines.index("digest") + 1] if "digest" in lines else ""
    told = [int(line) for line in lines if line.isdigit()]
    return max(told, default=0), digest, process.returncode, err


def truth(recipe, folder):
    with study.run(recipe, Path(folder) / "truth.sqlite") as store:
        return store.digest


def counted(path, told):
    """What a killed driver left: (rows lost once told, unreadable)."""
    if not path.exists() or path.stat().st_size == 0:
        return told, 0
    try:
        with study.Store(path) as store:
            return max(0, told - len(store.done())), int(store.verify() != [])
    except study.StoreError as error:  # killed before the store was made: as good as no file
        return told, int("it is empty" not in str(error))


def kill(sweeps, kills=3, seed=0):
    recipe, generator = toy.recipe(units=30, samples=200, seconds=0.01), np.random.default_rng(seed)
    figures = {"sweeps": sweeps, "kills": 0, "lost": 0, "unreadable": 0, "wrong": 0}
    with tempfile.TemporaryDirectory() as folder:
        expected = truth(recipe, folder)
        for sweep in range(sweeps):
            path = Path(folder) / f"{sweep}.sqlite"
            for _ in range(kills):
                process = start(path, recipe)
                process.stdout.readline()  # the store exists, the first units are under way
                time.sleep(generator.uniform(0, 0.3))
                process.kill()
                told, _, code, _ = finish(process)
                figures["kills"] += code == -signal.SIGKILL
                lost, unreadable = counted(path, told)
                figures["lost"] += lost
                figures["unreadable"] += unreadable
            with study.run(recipe, path) as store:  # INSERT OR IGNORE under a primary key: a duplicate is impossible
                figures["wrong"] += store.digest != expected
            path.unlink()
    return figures, figures["lost"] + figures["unreadable"] + figures["wrong"] == 0


def write(mode, numbers):
    recipe = toy.recipe(units=12, samples=300)
    figures = {"mode": mode, "trials": 0, "hit": 0, "lost": 0, "unreadable": 0, "unnamed": 0, "wrong": 0}
    with tempfile.TemporaryDirectory() as folder:
        shim, expected = build_shim(folder), truth(recipe, folder)
        for number in numbers:
            path = Path(folder) / f"{number}.sqlite"
            process = start(path, recipe, LD_PRELOAD=shim, STRESS_AT=str(number), STRESS_MODE=mode)
            told, digest, code, error = finish(process)
            figures["trials"] += 1
            figures["hit"] += digest == ""
            if mode == "full" and digest == "":
                figures["unnamed"] += code != 2 or str(path) not in error
            lost, unreadable = counted(path, told)
            figures["lost"] += lost
            figures["unreadable"] += unreadable
            with study.run(recipe, path) as store:
                figures["wrong"] += store.digest != expected
    return figures, not any(figures[name] for name in ("lost", "unreadable", "unnamed", "wrong"))


def build_shim(folder):
    source, library = Path(folder) / "shim.c", Path(folder) / "shim.so"
    source.write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-w", str(source), "-o", str(library), "-ldl"], check=True)
    return f"{os.environ.get('LD_PRELOAD', '')} {library}"  # behind a sanitizer's, which must come first


def log(count, suffix="-wal", seed=0):
    """Flips and cuts of a file of a store whose driver was killed: told, or harmless; what is refused is left alone."""
    recipe, generator = toy.recipe(units=12, samples=40), np.random.default_rng(seed)
    figures = {"file": f"store{suffix}", "flips": count, "cuts": count, "refused": 0, "silent": 0, "touched": 0}
    figures |= {"unaccounted": 0, "lost_by_a_flip": 0, "lost_by_a_cut": 0}  # the most rows that salvage does not find
    with tempfile.TemporaryDirectory() as folder:
        truth, hot = rows_of(killed_driver(Path(folder) / "hot", recipe)), Path(folder) / "hot"
        for number in range(2 * count):
            place = Path(folder) / "damaged"
            shutil.copytree(hot, place)
            damage(place / f"s.sqlite{suffix}", generator, cut=number >= count)
            before = contents(place)
            try:
                figures["silent"] += rows_of(place / "s.sqlite") != truth
                with study.run(recipe, place / "s.sqlite") as store:
                    figures["silent"] += len(store.done()) != 12 or store.verify() != []
            except study.StoreError:
                figures["refused"] += 1
                figures["touched"] += contents(place) != before
                found = study.salvage(place / "s.sqlite", place / "new.sqlite", recipe)
                kept = rows_of(place / "new.sqlite")
                by = "lost_by_a_cut" if number >= count else "lost_by_a_flip"
                figures[by] = max(figures[by], len(truth) - len(kept))
                figures["silent"] += not kept.items() <= truth.items()
                if suffix != "-ledger":
                    figures["unaccounted"] += found.rows != len(kept) or found.rows + found.lost != len(truth)
            shutil.rmtree(place)
    return figures, figures["silent"] == figures["touched"] == figures["unaccounted"] == 0


def killed_driver(folder, recipe):
    """A store with its log and ledger, as a driver leaves them that is killed when all of its units are finished."""
    folder.mkdir()
    with study.run(recipe, folder.with_name("whole.sqlite")) as store:
        for name in ("", "-wal", "-ledger"):
            shutil.copy(f"{store.path}{name}", folder / f"s.sqlite{name}")
    return folder / "s.sqlite"


def damage(path, generator, cut):
    content = bytearray(path.read_bytes())
    place = generator.integers(len(content))
    if cut:
        del content[place:]
    else:
        content[place] ^= 1 << int(generator.integers(8))
    path.write_bytes(content)


def contents(folder):
    """The bytes of the files of a store; its -shm, which SQLite makes anew, is none of them."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}


def rows_of(path):
    with study.Store(path) as store:
        return {row.key: tuple((name, a.tobytes()) for name, a in sorted(row.arrays.items())) for row in store.rows}


def interrupt(count, workers=0, within=1.0, seed=0):
    recipe, generator = toy.recipe(units=60, samples=200, seconds=0.01), np.random.default_rng(seed)
    figures = {"interrupts": 0, "workers": workers, "slowest_seconds": 0.0}
    figures |= {"other_ends": 0, "left_running": 0, "lost": 0, "unreadable": 0, "wrong": 0}
    with tempfile.TemporaryDirectory() as folder:
        expected = truth(recipe, folder)
        for number in range(count):
            path = Path(folder) / "s.sqlite"
            process = start(path, recipe, workers)
            process.stdout.readline()
            time.sleep(generator.uniform(0, 0.4 + workers))  # a pool takes a second to start
            process.send_signal((signal.SIGINT, signal.SIGTERM)[number % 2])
            sent = time.monotonic()
            told, digest, code, _ = finish(process)
            figures["interrupts"] += 1
            figures["slowest_seconds"] = round(max(figures["slowest_seconds"], time.monotonic() - sent), 3)
            figures["other_ends"] += code != 130 and digest == ""
            figures["left_running"] += left_running(process.pid)
            lost, unreadable = counted(path, told)
            figures["lost"] += lost
            figures["unreadable"] += unreadable
            if digest or number == count - 1:
                with study.run(recipe, path) as store:
                    figures["wrong"] += store.digest != expected
                path.unlink()
    broken = any(figures[name] for name in ("other_ends", "left_running", "lost", "unreadable", "wrong"))
    return figures, not broken and figures["slowest_seconds"] <= within


def left_running(session, seconds=10):
    """How many processes of a driver's session outlive it by so long."""
    deadline = time.monotonic() + seconds
    while living := [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if of_session(pid, session)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return len(living)


def of_session(pid, session):
    try:
        return os.getsid(pid) == session
    except ProcessLookupError:
        return False


def writers(processes):
    recipe = toy.recipe(units=40, samples=200, seconds=0.01)
    with tempfile.TemporaryDirectory() as folder:
        path, expected = Path(folder) / "s.sqlite", truth(recipe, folder)
        ends = [finish(process) for process in [start(path, recipe) for _ in range(processes)]]
        with study.Store(path) as store:
            figures = {
                "processes": processes,
                "failed": sum(code != 0 for _, _, code, _ in ends),
                "wrong": sum(digest != expected for _, digest, _, _ in ends) + (store.digest != expected),
                "rows": len(store.done()),
                "problems": store.verify() + [error for *_, error in ends if error],
            }
    return figures, figures["failed"] == figures["wrong"] == 0 and figures["rows"] == 40 and not figures["problems"]


def workers(seconds):
    """A worker that took longer to start than the next kill takes to come would never compute: the period says."""
    period = round(max(2.0, 4 * start_seconds()), 1)
    recipe = toy.recipe(units=int(2 * seconds / 0.2), seconds=0.2)
    with tempfile.TemporaryDirectory() as folder:
        expected = truth(toy.recipe(units=int(2 * seconds / 0.2), seconds=0.2), folder)
        stopped, kills = threading.Event(), []

        def killing():
            while not stopped.wait(period):
                for worker in multiprocessing.active_children()[:1]:
                    os.kill(worker.pid, signal.SIGKILL)
                    kills.append(worker.pid)

        killer = threading.Thread(target=killing)
        killer.start()
        try:
            aside = 0
            while True:
                try:
                    store = study.run(recipe, Path(folder) / "s.sqlite", study.processes(2))
                    break
                except study.UnitsFailedError:  # innocent, but three times at the wrong place: resuming tries again
                    with study.Store(Path(folder) / "s.sqlite") as left:
                        aside += len(left.failures)
            with store:
                figures = {"units": len(store.done()), "period": period, "kills": len(kills), "set_aside": aside}
                figures["wrong"] = int(store.digest != expected)
        finally:
            stopped.set()
            killer.join()
    return figures, figures["wrong"] == 0


def start_seconds():
    """How long a worker takes to its first answer on this machine, now."""
    began = time.monotonic()
    with study.processes(1)() as pool:
        pool.submit(abs, -1).result()
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("child")
    command.add_argument("path")
    command.add_argument("recipe")
    command.add_argument("workers", type=int)
    commands.add_parser("kill").add_argument("--sweeps", type=int, default=100)
    command = commands.add_parser("write")
    command.add_argument("--mode", choices=["kill", "full"], default="kill")
    command.add_argument("--numbers", type=lambda text: [int(k) for k in text.split(",")], default=range(1, 201))
    command = commands.add_parser("log")
    command.add_argument("--count", type=int, default=200)
    command.add_argument("--suffix", choices=["-wal", "-ledger", ""], default="-wal")
    command = commands.add_parser("interrupt")
    command.add_argument("--count", type=int, default=50)
    command.add_argument("--workers", type=int, default=0, help="worker processes of each driver (none: in-process)")
    command.add_argument("--within", type=float, default=1.0, help="seconds a driver may take to end")
    commands.add_parser("writers").add_argument("--processes", type=int, default=4)
    commands.add_parser("workers").add_argument("--seconds", type=float, default=60.0)
    # Started with & or by a script, Python ignores SIGINT, and so would the drivers that are interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = vars(parser.parse_args())
    command = options.pop("command")
    if command == "child":
        child(**options)
        return 0
    figures, held = globals()[command](**options)
    print(json.dumps({"command": command, **figures, "held": held}))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
