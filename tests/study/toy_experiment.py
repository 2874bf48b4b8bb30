"""A small experiment with everything an experiment can have, and ways to misbehave on demand.

Importable by worker processes. Parameters: units, samples, rng, seconds (slept in each unit), poison (units that kill
their process), torn (units that do so halfway through handing over a result), failing (units that raise, with a text
that is no UTF-8), exiting (units that call sys.exit()), fragile (units that raise until `fragile_file` exists).
"""

import os
import signal
import struct
import sys
import time
from pathlib import Path

import numpy as np

from spinscape.study import Recipe


def recipe(
    *,
    units=6,
    samples=5,
    rng=0,
    seconds=0.0,
    poison=(),
    torn=(),
    failing=(),
    exiting=(),
    fragile=(),
    fragile_file="",
    law="normal",
):
    if law not in ("normal", "uniform"):
        raise ValueError(f"law: expected 'normal' or 'uniform', got {law!r}")
    return Recipe("toy", dict(locals()))


def units(parameters):
    return [{"N": 10 * (1 + k // 3), "block": k} for k in range(parameters["units"])]


def cost(parameters, unit):
    return float(unit["N"])


def memory(parameters, unit, n_threads):
    return 8 * unit["N"] * parameters["samples"]


def summary(unit, arrays):
    return f"u = {arrays['u'].mean():.3f}"


def compute(parameters, unit, n_threads):
    block = unit["block"]
    if block in parameters["poison"]:
        os.kill(os.getpid(), signal.SIGKILL)
    if block in parameters["torn"]:
        die_halfway()
    if block in parameters["failing"]:
        raise ValueError(f"block {block} cannot be computed from data-\udcff")
    if block in parameters["exiting"]:
        sys.exit()
    if block in parameters["fragile"] and not Path(parameters["fragile_file"]).exists():
        raise OSError("the file server is away")
    time.sleep(parameters["seconds"])
    generator = np.random.default_rng([parameters["rng"], block])
    draw = generator.standard_normal if parameters["law"] == "normal" else generator.random
    points = draw((parameters["samples"], unit["N"]))
    return {"u": points.mean(axis=1), "steps": np.arange(len(points)), "points": points, "scale": np.float64(block)}


def die_halfway():
    """In a worker of a process pool: write the head of a result into its pipe, and be killed."""
    frame = sys._getframe()
    while "result_queue" not in frame.f_locals:
        frame = frame.f_back
    os.write(frame.f_locals["result_queue"]._writer.fileno(), struct.pack("!i", 1000) + b"half")
    os.kill(os.getpid(), signal.SIGKILL)
