"""Hessian-vector products of networks: one, and many at one point, beside the libraries made for them, in one run.

    python benchmarks/hessian_products.py [--quick] [--json FILE]

    NetworkLandscape, landscape_of   ours: written out for a fully connected network, and for any torch module
    curvlinops                       HessianLinearOperator, forward over reverse, all vectors by vmap
    hessian-eigenthings              HessianOperator, double backward, a vector after the other
    loop                             double backward through one graph, a vector after the other

All multiply the same vectors with the Hessian of the same tanh network on the same samples in float64, on one torch
thread, and must agree to 1e-9 before times count. Times are medians of processor milliseconds over repetitions in which
all take turns; ratios are to NetworkLandscape. A peer that is not installed is left out and named.
"""

# ruff: noqa: E402  (libraries read their number of threads when they are imported)

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from typing import Any

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import numpy as np
import torch
from timing import medians

from spinscape import networks as nn

Product = Callable[[np.ndarray], np.ndarray]
LOSS = torch.nn.CrossEntropyLoss()


class Problem:
    """A network at one point; everybody's products take and give torch's order of parameters."""

    def __init__(self, widths: tuple[int, ...], samples: int) -> None:
        rng = np.random.default_rng(0)
        self.architecture = nn.Architecture(widths, activation="tanh", init="gaussian")
        self.X, self.y = rng.normal(size=(samples, widths[0])), rng.integers(widths[-1], size=samples)
        self.theta = self.architecture.initial(1, rng=1)
        self.module = self.architecture.to_torch(self.theta[0])
        places = self.architecture.to_torch(np.arange(self.theta.size, dtype=float))
        order = torch.nn.utils.parameters_to_vector(places.parameters())
        self.order = order.detach().numpy().astype(int)  # torch's coordinate k is ours of this number
        self.tensors = torch.tensor(self.X), torch.tensor(self.y)

    def network(self) -> Product:
        landscape = nn.NetworkLandscape(self.architecture, "cross-entropy", self.X, self.y)

        def product(vectors: np.ndarray) -> np.ndarray:
            ours = np.empty_like(vectors)
            ours[:, self.order] = vectors
            return landscape.hvp(np.repeat(self.theta, len(vectors), axis=0), ours)[:, self.order]

        return product

    def module_landscape(self) -> Product:
        landscape = nn.landscape_of(self.module, LOSS, self.X, self.y)
        return lambda vectors: landscape.hvp(np.repeat(landscape.point, len(vectors), axis=0), vectors)

    def curvlinops(self) -> Product:
        from curvlinops import HessianLinearOperator

        operator = HessianLinearOperator(
            self.module, LOSS, list(self.module.parameters()), [self.tensors], check_deterministic=False
        )
        return lambda vectors: (operator @ torch.tensor(vectors.T)).numpy().T

    def eigenthings(self) -> Product:
        from hessian_eigenthings import HessianOperator

        operator = HessianOperator(self.module, [self.tensors], lambda model, batch: LOSS(model(batch[0]), batch[1]))
        return lambda vectors: np.stack([operator.matvec(v).detach().numpy() for v in torch.tensor(vectors)])

    def loop(self) -> Product:
        parameters = list(self.module.parameters())

        def product(vectors: np.ndarray) -> np.ndarray:
            slopes = torch.autograd.grad(
                LOSS(self.module(self.tensors[0]), self.tensors[1]), parameters, create_graph=True
            )
            flat = torch.cat([slope.reshape(-1) for slope in slopes])
            rows = [torch.autograd.grad(flat, parameters, v, retain_graph=True) for v in torch.tensor(vectors)]
            return np.stack([torch.cat([part.reshape(-1) for part in row]).numpy() for row in rows])

        return product


def measure(widths: tuple[int, ...], samples: int, count: int, repeats: int) -> dict[str, Any]:
    """One network, `count` vectors: results agree, then times count."""
    problem = Problem(widths, samples)
    vectors = np.random.default_rng(2).normal(size=(count, problem.theta.size))
    runs: dict[str, Callable[[], np.ndarray]] = {}
    for name, make in (
        ("NetworkLandscape", problem.network),
        ("landscape_of", problem.module_landscape),
        ("curvlinops", problem.curvlinops),
        ("hessian-eigenthings", problem.eigenthings),
        ("loop", problem.loop),
    ):
        try:
            product = make()
        except ImportError as error:
            print(f"{name}: not here ({error})")
            continue
        runs[name] = lambda product=product: product(vectors)
    expected = runs["loop"]()
    for name, run in runs.items():
        assert np.abs(run() - expected).max() <= 1e-9 * np.abs(expected).max(), name
    times = {name: 1e3 * seconds for name, seconds in medians(runs, repeats).items()}
    ours = times["NetworkLandscape"]
    words = ", ".join(f"{name} {value:.2f} ms ({value / ours:.2f})" for name, value in times.items())
    print(f"{widths}, {samples} samples, {count:2} at one point: {words}", flush=True)
    return {"widths": widths, "samples": samples, "products": count, "milliseconds": times}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one network, fewer repetitions")
    parser.add_argument("--json", metavar="FILE", help="write the results there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    problems = (
        [((100, 25, 10), 1000)]
        if arguments.quick
        else [((25, 4, 10), 500), ((100, 25, 10), 1000), ((100, 50, 50, 10), 2000)]
    )
    repeats = 5 if arguments.quick else 15
    results = [measure(widths, samples, count, repeats) for widths, samples in problems for count in (1, 16)]
    if arguments.json is not None:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"torch": torch.__version__, "results": results}, file, indent=1)


if __name__ == "__main__":
    main()
