"""What every way down costs, in gradients and in seconds, beside pymanopt's on the same instance from the same starts.

    python benchmarks/descent.py [--sizes 50 100 200] [--starts 16] [--tol 1e-6] [--json descent.json]

One thread. A run ends where |g|/√N <= tol, but for Hessian ascent, which ends on the sphere. Calls are means a run:
gradients (spinscape's bring the energy along, and its Hessian-vector products are among them, a dense Hessian as N),
products and energies. spinscape's seconds a run: all starts as one block, and one start by itself. pymanopt (a peer
only if installed) runs one start after the other, on the unit sphere, twice: with the full tensor in numpy, as one
would write it, and with spinscape's own kernels as its functions, which leaves the difference of the algorithms.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import spinscape as sp

ROW = dict[str, Any]
METHODS: dict[str, dict[str, Any]] = {
    "gradient": {"max_steps": 5000},
    "momentum": {},
    "flow": {"accuracy": 1e-3},
    "power": {"max_steps": 5000},
    "lbfgs": {},
    "trust-region": {},
    "saddle-free-newton, dense": {"hessian": "dense"},
    "saddle-free-newton, krylov": {"hessian": "krylov"},
    "hessian-ascent": {},
}


def ours(glass: sp.PureGlass, starts: np.ndarray, name: str, tol: float) -> ROW:
    """One method of `descend`."""
    method, options = name.partition(",")[0], METHODS[name]
    given = {} if method == "hessian-ascent" else {"tol": tol}

    def timed(points: np.ndarray) -> tuple[sp.Descent, float]:
        begin = time.perf_counter()
        run = sp.descend(glass, points, method=method, n_threads=1, **given, **options)
        return run, (time.perf_counter() - begin) / len(points)

    run, block = timed(starts)
    alone = float(np.mean([timed(start[None])[1] for start in starts[:3]]))
    return row("spinscape", name, run.evaluations, 0, 0, block, run.energy_density, run.converged, alone)


def row(
    package: str, name: str, gradients: Any, products: Any, energies: Any, seconds: float, u: Any, converged: Any,
    alone: float | None = None,
) -> ROW:  # fmt: skip
    """One line of the table; calls are means a run."""
    return {
        "package": package,
        "method": name,
        "gradients": float(np.mean(gradients)),
        "products": float(np.mean(products)),
        "energies": float(np.mean(energies)),
        "seconds": seconds,
        "seconds_alone": seconds if alone is None else alone,
        "energy_density": float(np.mean(u)),
        "converged": float(np.mean(converged)),
    }


class Counted:
    """Energy, gradient and Hessian-vector product on the unit sphere x = w/√N, and how often they were asked for."""

    def __init__(self, glass: sp.PureGlass, dense: bool) -> None:
        self.root, self.p = np.sqrt(glass.N), glass.p
        self.calls = {"energies": 0, "gradients": 0, "products": 0}
        if dense:
            tensor = full_tensor(glass)
            self.parts = lambda w: self._dense(tensor, w)
        else:
            self.parts = lambda w: (
                lambda: float(glass.energy(w[None], n_threads=1)[0]),
                lambda: glass.euclidean_gradient(w[None], n_threads=1)[0],
                lambda v: ambient_product(glass, w, v),
            )

    def _dense(self, tensor: np.ndarray, w: np.ndarray) -> tuple[Callable[..., Any], ...]:
        matrix = tensor
        for _ in range(self.p - 2):
            matrix = matrix @ w
        return (
            lambda: float(w @ matrix @ w),
            lambda: self.p * (matrix @ w),
            lambda v: self.p * (self.p - 1) * (matrix @ v),
        )

    def energy(self, x: np.ndarray) -> float:
        self.calls["energies"] += 1
        return float(self.parts(self.root * x)[0]())

    def gradient(self, x: np.ndarray) -> np.ndarray:
        self.calls["gradients"] += 1
        return np.asarray(self.root * self.parts(self.root * x)[1]())

    def product(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        self.calls["products"] += 1
        return np.asarray(self.root**2 * self.parts(self.root * x)[2](v))


def full_tensor(glass: sp.PureGlass) -> np.ndarray:
    """The symmetric tensor with its factor N^{-(p-1)/2}, from the packed couplings; p = 3."""
    packed, N = glass.couplings, glass.N
    i, j, k = np.indices((N,) * 3)
    low, high = np.minimum(np.minimum(i, j), k), np.maximum(np.maximum(i, j), k)
    middle = i + j + k - low - high
    rank = low + middle * (middle + 1) // 2 + high * (high + 1) * (high + 2) // 6
    orderings = np.where((low < middle) & (middle < high), 6, np.where((low == middle) & (middle == high), 1, 3))
    return np.asarray(packed[rank] / orderings / N)


def ambient_product(glass: sp.PureGlass, w: np.ndarray, v: np.ndarray) -> np.ndarray:
    """∇²H v for v across w, from the Riemannian product, which lacks the radial term: pymanopt wants it whole."""
    slope = float(glass.energy(w[None], n_threads=1)[0]) * glass.p / glass.N
    product = glass.hvp(w[None], v[None], n_threads=1)[0] + slope * v
    return np.asarray(product)


def theirs(glass: sp.PureGlass, starts: np.ndarray, tol: float, dense: bool) -> list[ROW]:
    """pymanopt's optimisers, or nothing where it is not installed."""
    try:
        import pymanopt
        from pymanopt.optimizers import ConjugateGradient, SteepestDescent, TrustRegions
    except ImportError:
        return []
    manifold = pymanopt.manifolds.Sphere(glass.N)
    label = "pymanopt" + (", numpy" if dense else ", our kernels")
    # Gradients on the unit sphere are √N times ours: |grad| = N |g|/√N.
    ends_at = {"min_gradient_norm": glass.N * tol, "min_step_size": 1e-14}
    found = []
    for optimiser in (SteepestDescent, ConjugateGradient, TrustRegions):
        counted, ends, begin = Counted(glass, dense), [], time.perf_counter()
        problem = pymanopt.Problem(
            manifold,
            cost=pymanopt.function.numpy(manifold)(counted.energy),
            euclidean_gradient=pymanopt.function.numpy(manifold)(counted.gradient),
            euclidean_hessian=pymanopt.function.numpy(manifold)(counted.product),
        )
        for start in starts:
            run = optimiser(max_iterations=5000, verbosity=0, **ends_at).run(
                problem, initial_point=start / np.sqrt(glass.N)
            )
            ends.append(np.sqrt(glass.N) * run.point)
        seconds = (time.perf_counter() - begin) / len(starts)
        points = np.array(ends) * np.sqrt(glass.N) / np.linalg.norm(ends, axis=1, keepdims=True)
        norm = np.sqrt(np.mean(glass.gradient(points) ** 2, axis=1))
        calls = [counted.calls[name] / len(starts) for name in ("gradients", "products", "energies")]
        found.append(row(label, optimiser.__name__, *calls, seconds, glass.energy_density(points), norm <= 1.1 * tol))
    return found


def check(glass: sp.PureGlass, starts: np.ndarray) -> None:
    """Both kinds of functions that pymanopt is given agree (products across the point)."""
    x = starts[0] / np.sqrt(glass.N)
    v = starts[1] - starts[1] @ x * x
    dense, kernels = Counted(glass, True), Counted(glass, False)
    assert abs(dense.energy(x) - kernels.energy(x)) < 1e-9 * glass.N
    assert np.allclose(dense.gradient(x), kernels.gradient(x), atol=1e-8)
    difference = dense.product(x, v) - kernels.product(x, v)
    assert np.abs(difference - difference @ x * x).max() < 1e-7


def measured(N: int, starts: int, peers: int, tol: float) -> Iterator[ROW]:
    """The lines of one size."""
    glass = sp.PureGlass(3, N, rng=1)
    points = glass.random_points(starts, rng=0)
    check(glass, points)
    for name in METHODS:
        yield ours(glass, points, name, tol)
    for dense in (True, False):
        yield from theirs(glass, points[:peers], tol, dense)


HEAD = ("package", "method", "gradients", "products", "energies", "ms a run", "alone", "u", "converged")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--starts", type=int, default=16)
    parser.add_argument("--peers", type=int, default=4, help="starts that pymanopt runs (4)")
    parser.add_argument("--tol", type=float, default=1e-6)
    parser.add_argument("--json", type=Path, help="also write the rows here")
    arguments = parser.parse_args()
    rows = []
    print(f"{'N':>4}  " + "  ".join(name.ljust(26) if k < 2 else name.rjust(9) for k, name in enumerate(HEAD)))
    for N in arguments.sizes:
        for found in measured(N, arguments.starts, arguments.peers, arguments.tol):
            rows.append({"N": N, **found})
            numbers = [found["gradients"], found["products"], found["energies"]]
            numbers += [1e3 * found["seconds"], 1e3 * found["seconds_alone"]]
            cells = [found["package"].ljust(26), found["method"].ljust(26), *(f"{x:9.1f}" for x in numbers)]
            cells += [f"{found['energy_density']:9.4f}", f"{found['converged']:9.2f}"]
            print(f"{N:4d}  " + "  ".join(cells), flush=True)
    if arguments.json:
        report = {"machine": platform.processor() or platform.machine(), "tol": arguments.tol, "rows": rows}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
