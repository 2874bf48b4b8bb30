"""How soon Ctrl-C ends the public calls that can run longer than a second (networks have their own).

    python tests/interrupts.py --count 50                  SIGINT at random moments of every call
    python tests/interrupts.py --count 5 descend refine    of some

Prints, as one JSON line, the calls that were not interrupted, those that took longer than --within seconds to end, the
slowest, and ends with exit code 1 if a promise was broken. A call that ends before its interrupt counts as finished.
"""

import argparse
import json
import os
import signal
import sys
import threading
import time

import numpy as np

import spinscape as sp
from spinscape import study, theory
from spinscape.theory import goe

GLASS = sp.PureGlass(3, 80, rng=0)
MANY = GLASS.random_points(3000, rng=0)
SMALL = sp.PureGlass(3, 12, rng=0)
ENDLESS = {"tol": 0.0, "max_steps": 10**7}


class Own:
    """A landscape of one's own: the core calls back."""

    size, spheres, energy, gradient, hvp, hessian = (
        GLASS.size,
        GLASS.spheres,
        GLASS.energy,
        GLASS.gradient,
        GLASS.hvp,
        GLASS.hessian,
    )


def minima(count):
    ends = sp.refine(SMALL, sp.descend(SMALL, SMALL.random_points(count, rng=0), method="lbfgs", tol=1e-9).points)
    return ends.points[np.unique(ends.energy_density.round(9), return_index=True)[1]]


def calls():
    """Name -> a call of many seconds."""
    methods = ("gradient", "momentum", "lbfgs", "flow", "trust-region", "saddle-free-newton", "hessian-ascent")
    long = {f"descend {m}": lambda m=m: sp.descend(GLASS, MANY, method=m, max_steps=10**7) for m in methods}
    low, matrix = minima(60), np.random.default_rng(0).normal(size=(3000, 3000))
    symmetric = matrix + matrix.T
    return long | {
        "descend sgd": lambda: sp.descend(GLASS, MANY, method="sgd", rng=0),
        "sample": lambda: sp.sample(GLASS, MANY, beta=1.0, steps=10**7, rng=0),
        "temper": lambda: sp.temper(GLASS, MANY, betas=[0.5, 1.0], steps=10**7, rng=0),
        "anneal": lambda: sp.anneal(GLASS, MANY, rng=0),
        "refine": lambda: sp.refine(GLASS, MANY, tol=0.0, max_steps=10**6),
        "count_index": lambda: sp.count_index(GLASS, np.tile(MANY, (20, 1))),
        "matrix_index": lambda: sp.matrix_index(symmetric),
        "lanczos_index": lambda: sp.lanczos_index(lambda v: 2 * v + v[::-1], 3000, max_steps=3000),
        "extreme_eigenvalues": lambda: sp.extreme_eigenvalues(symmetric, 3000, 50, max_steps=2000),
        "spectral_density": lambda: sp.spectral_density(symmetric, 3000, probes=200, steps=300),
        "find_saddles": lambda: sp.find_saddles(GLASS, 3, 2000, rng=0),
        "find_saddles own": lambda: sp.find_saddles(Own(), 3, 2000, rng=0),
        "find_critical_points": lambda: sp.find_critical_points(GLASS, -1.0, 2000, rng=0),
        "enumerate homotopy": lambda: sp.enumerate_critical_points(SMALL, method="homotopy"),
        "enumerate search": lambda: sp.enumerate_critical_points(SMALL, method="searches", max_searches=10**6),
        "connect_pairs": lambda: sp.connect_pairs(
            SMALL, np.repeat(low[:1], 99, 0), np.repeat(low[1:2], 99, 0), bands=9
        ),
        "disconnectivity_graph": lambda: sp.disconnectivity_graph(
            SMALL, np.tile(sp.find_saddles(SMALL, 1, 40, rng=0).points, (50, 1))
        ),
        "slice_energy": lambda: sp.slice_energy(GLASS, MANY[:3], *[np.linspace(-1, 1, 1000)] * 2),
        "SlabGlass": lambda: study.SlabGlass(3, 600, rng=0).energy(
            sp.PureGlass(2, 600, rng=0).random_points(500, rng=0)
        ),
        "dmft": lambda: theory.dmft({3: 0.5, 4: 0.5}, 1e8, tol=1e-12),
        "ground_state_mixed": lambda: [theory.ground_state_mixed({2: 0.5, 4: 0.3, 9: 0.2}) for _ in range(1000)],
        "log_mean_index_count": lambda: theory.log_mean_index_count(3001, 3, index=50),
        "mean_index": lambda: theory.mean_index(np.linspace(-1.6, 0, 50), 3000, 3),
        "mean_index_mixed": lambda: theory.mean_index_mixed(np.linspace(-1.6, 0, 500), 100, {3: 0.5, 4: 0.5}),
        "ground_state_estimate": lambda: [theory.ground_state_estimate(N, 3) for N in range(300, 400)],
        "sample_eigenvalues": lambda: goe.sample_eigenvalues(2000, 0, 1000),
        "packed_indices": lambda: sp.couplings.packed_indices(4, 150),
    }


def interrupted(call, after):
    """Return (how it ended, seconds from the signal to the end)."""
    sent = []

    def interrupt():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after, interrupt)
    timer.start()
    try:
        call()
        end = "finished"
    except KeyboardInterrupt:
        return "interrupted", time.perf_counter() - sent[0]
    try:
        timer.cancel()
        timer.join()
        time.sleep(0.01)
    except KeyboardInterrupt:
        pass
    return end, 0.0 if not sent else time.perf_counter() - sent[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--within", type=float, default=1.0)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    generator, late, finished, slowest = np.random.default_rng(0), {}, {}, {}
    chosen = {n: c for n, c in calls().items() if not options.names or n.split()[0] in options.names}
    for name, call in chosen.items():
        for _ in range(options.count):
            end, seconds = interrupted(call, generator.uniform(0.05, 0.6))
            finished[name] = finished.get(name, 0) + (end == "finished")
            late[name] = late.get(name, 0) + (seconds > options.within)
            slowest[name] = round(max(slowest.get(name, 0.0), seconds), 3)
    figures = {
        "interrupts": options.count * len(chosen),
        "finished": {name: k for name, k in finished.items() if k},
        "late": {name: (k, slowest[name]) for name, k in late.items() if k},
        "slowest_seconds": max(slowest.values()),
    }
    print(json.dumps(figures))
    return int(bool(figures["late"]))


if __name__ == "__main__":
    sys.exit(main())
