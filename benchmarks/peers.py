"""The same energy and gradient by other means.

Each peer is built from a dense tensor and maps points to (energy, gradient).
A peer that is not installed raises AbsentError with the reason; benchmarks skip it with that message.
"""

from __future__ import annotations

import itertools
import json
import math
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.couplings import packed_indices

Array = NDArray[Any]
Evaluate = Callable[[Array], tuple[Array, Array]]


class AbsentError(Exception):
    """A peer is not here."""


def dense(packed: Array, p: int, N: int, dtype: Any) -> Array:
    """The symmetric tensor T with F(w) = sum T w...w."""
    tensor = np.zeros((N,) * p, dtype=dtype)
    indices = packed_indices(p, N)
    repeats = np.ones(len(indices))
    run = np.ones(len(indices))
    for k in range(1, p):
        run = np.where(indices[:, k] == indices[:, k - 1], run + 1, 1)
        repeats *= run
    values = packed * repeats / math.factorial(p)
    for order in itertools.permutations(range(p)):
        tensor[tuple(indices[:, k] for k in order)] = values
    return tensor


def numpy_sub_slabs(tensor: Array) -> Evaluate:
    """p = 3 in numpy with care: only the sub-slabs T[i, :i+1, :i+1], one matrix product each."""
    N = tensor.shape[0]
    slabs = [tensor[i, : i + 1, : i + 1].copy() for i in range(N)]
    for i, slab in enumerate(slabs):  # 6 T for distinct indices, 3 where j = k or a row holds i, 1 on the diagonal
        slab *= 3
        slab[i, :] = slab[:, i] = slab[i, :] / 2 if i else slab[i, :]
        slab[i, i] = tensor[i, i, i]

    def evaluate(w: Array) -> tuple[Array, Array]:
        energy, gradient = np.zeros(len(w), w.dtype), np.zeros_like(w)
        for i, slab in enumerate(slabs):
            part = w[:, : i + 1]
            y = part @ slab
            q = np.einsum("ri,ri->r", part, y)
            gradient[:, : i + 1] += 2 * w[:, i : i + 1] * y
            gradient[:, i] += q
            energy += w[:, i] * q
        return energy, gradient

    return evaluate


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise AbsentError("torch is not installed here") from None
    return torch


def torch_slab_products(tensor: Array) -> Evaluate:
    """The best dense way: one matrix product W T[i] a slab (p = 3; N^2 slabs at p = 4), contracted while in cache."""
    torch = _torch()
    N, p = tensor.shape[0], tensor.ndim
    slabs = torch.from_numpy(tensor).reshape(-1, N, N)

    def evaluate(w: Array) -> tuple[Array, Array]:
        points = torch.from_numpy(w)
        forms = torch.empty((len(w), slabs.shape[0]), dtype=points.dtype)
        for k in range(slabs.shape[0]):
            forms[:, k] = torch.linalg.vecdot(points @ slabs[k], points)
        while forms.shape[1] > N:
            forms = torch.einsum("rij,rj->ri", forms.reshape(len(w), -1, N), points)
        return torch.linalg.vecdot(forms, points).numpy(), (p * forms).numpy()

    return evaluate


def torch_einsum(tensor: Array) -> Evaluate:
    """Einsum energy of the dense tensor and autograd."""
    torch = _torch()
    letters = "ijklmn"[: tensor.ndim]
    formula = f"{letters},{','.join('r' + letter for letter in letters)}->r"
    X = torch.from_numpy(tensor)

    def evaluate(w: Array) -> tuple[Array, Array]:
        points = torch.from_numpy(w).requires_grad_()
        energy = torch.einsum(formula, X, *[points] * tensor.ndim)
        energy.sum().backward()
        return energy.detach().numpy(), points.grad.numpy()

    return evaluate


def authors_algorithm(tensor: Array) -> Evaluate:
    """The algorithm of the papers' scripts: X times the outer product of w, summed, then backward; float64, R = 1."""
    torch = _torch()
    X = torch.from_numpy(tensor.astype(np.float64))

    def evaluate(w: Array) -> tuple[Array, Array]:
        point = torch.from_numpy(w[0].astype(np.float64)).requires_grad_()
        outer = point
        for _ in range(tensor.ndim - 1):
            outer = outer.unsqueeze(-1) * point
        energy = (X * outer).sum()
        energy.backward()
        return energy.detach().numpy()[None], point.grad.numpy()[None]

    return evaluate


PELE = """
import json, sys, time
import numpy as np
try:
    from pele.potentials import MeanFieldPSpinSpherical
except ImportError as error:
    print(json.dumps({"absent": str(error)})); raise SystemExit
p, N = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(0)
tensor = rng.standard_normal((N,) * p)
potential = MeanFieldPSpinSpherical(tensor.ravel(), N, p)
w = rng.standard_normal(N)
times = []
for _ in range(3):
    start = time.perf_counter(); potential.getEnergyGradient(w); times.append(time.perf_counter() - start)
print(json.dumps({"seconds": sorted(times)[1]}))
"""


def pele_seconds(python: str | None, p: int, N: int) -> float:
    """Seconds of one energy and gradient of pele's MeanFieldPSpinSpherical, in its own interpreter."""
    if not python:
        raise AbsentError("pele is not asked for: give --pele-python, an interpreter that has pele 0.1.2")
    done = subprocess.run([python, "-c", PELE, str(p), str(N)], capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {"absent": done.stderr.strip()[-200:]}
    if "absent" in answer:
        raise AbsentError(f"pele: {answer['absent']}")
    return float(answer["seconds"])
