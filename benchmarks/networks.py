"""Throughput of ensemble training against a loop over single networks and against torch.func.vmap, in one run.

    python benchmarks/networks.py [--quick] [--json FILE]

All three train the same networks 100-n-10 on minibatches of 100 images of MNIST 10x10 by SGD, on one torch thread:

    ensemble   `networks.train_ensemble`, chunks of batched products with the backward pass written out
    loop       one torch.nn.Sequential after the other, autograd, torch.optim.SGD
    vmap       torch.func.vmap over torch.func.grad of a functional call, all networks of a chunk at once

Times are medians of processor seconds over repetitions in which all take turns; what is printed is seconds a
network-epoch on 60,000 images and the ratios to the ensemble. First all three start from the same weights, see the same
minibatches, and must end with the same parameters to rounding. With --quick two small n.
"""

# ruff: noqa: E402  (libraries read their number of threads when they are imported)

from __future__ import annotations

import argparse
import json
import os
import platform
from typing import Any

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import numpy as np
import torch
from timing import medians
from torch import nn as torch_nn
from torch.func import functional_call, grad, vmap

from spinscape import networks as nn
from spinscape.networks import ensembles, losses
from spinscape.networks.architecture import ORDER, network_stream

BATCH, RATE, NETWORKS = 100, 0.1, 8


class Problem:
    """Networks of one n, their starts and minibatches: the same for every competitor."""

    def __init__(self, n: int, images: int, seed: int = 7) -> None:
        self.n, self.images, self.seed = n, images, seed
        self.data = nn.load_mnist10().subset(images, 100, rng=0)
        self.architecture = nn.Architecture((100, n, 10))
        self.inputs = torch.tensor(self.data.train_inputs)
        self.targets = torch.tensor(self.data.train_targets)
        self.orders = [
            torch.from_numpy(network_stream(seed, network, ORDER, 0).permutation(images)) for network in range(NETWORKS)
        ]
        self.starts = self.architecture.drawn(seed, range(NETWORKS)).astype(np.float32)

    def model(self, theta: Any) -> torch_nn.Sequential:
        """A torch module with the parameters theta."""
        layers = [torch_nn.Linear(100, self.n), torch_nn.ReLU(), torch_nn.Linear(self.n, 10)]
        model = torch_nn.Sequential(*layers)
        with torch.no_grad():
            for layer, place in zip((model[0], model[2]), self.architecture.layers, strict=True):
                weights = torch.from_numpy(theta[place.start : place.middle].copy())
                layer.weight.copy_(weights.reshape(place.fan_in, place.fan_out).T)
                layer.bias.copy_(torch.from_numpy(theta[place.middle : place.stop].copy()))
        return model

    def ensemble(self) -> np.ndarray:
        samples = ensembles.Samples(self.data, np.dtype(np.float32))
        theta = torch.from_numpy(self.starts.copy())
        training = nn.Training(rate=RATE, decay=0.0, batch=BATCH, epochs=1)
        loss = losses.as_loss("cross-entropy")
        epoch = ensembles._Epoch(self.architecture, samples, loss, training, theta)
        streams = [network_stream(self.seed, network, ORDER, 0) for network in range(NETWORKS)]
        epoch.run(streams, 0, np.ones(NETWORKS, dtype=bool))
        return theta.numpy()

    def loop(self) -> np.ndarray:
        rows = []
        for order, theta in zip(self.orders, self.starts, strict=True):
            model = self.model(theta)
            optimiser = torch.optim.SGD(model.parameters(), lr=RATE)
            for first in range(0, self.images, BATCH):
                chosen = order[first : first + BATCH]
                optimiser.zero_grad()
                torch_nn.functional.cross_entropy(model(self.inputs[chosen]), self.targets[chosen]).backward()
                optimiser.step()
            rows.append(flat({name: p.detach() for name, p in model.named_parameters()}))
        return np.stack(rows)

    def vmap(self) -> np.ndarray:
        models = [dict(self.model(theta).named_parameters()) for theta in self.starts]
        stacked = {name: torch.stack([model[name].detach() for model in models]) for name in models[0]}
        model, orders = self.model(self.starts[0]), torch.stack(self.orders)

        def value(parameters: Any, inputs: Any, targets: Any) -> Any:
            return torch_nn.functional.cross_entropy(functional_call(model, parameters, (inputs,)), targets)

        slopes = vmap(grad(value))
        for first in range(0, self.images, BATCH):
            chosen = orders[:, first : first + BATCH]
            gradient = slopes(stacked, self.inputs[chosen], self.targets[chosen])
            stacked = {name: p - RATE * gradient[name] for name, p in stacked.items()}
        return np.stack([flat({name: p[row] for name, p in stacked.items()}) for row in range(NETWORKS)])


def flat(parameters: dict[str, torch.Tensor]) -> np.ndarray:
    """The parameters of a torch module in the order of `Architecture.layers`."""
    return torch.cat([(p.T if p.dim() == 2 else p).reshape(-1) for p in parameters.values()]).numpy()


def measure(n: int, images: int, repeats: int) -> dict[str, Any]:
    """One n: results agree, then times count."""
    problem = Problem(n, images)
    competitors = {"ensemble": problem.ensemble, "loop": problem.loop, "vmap": problem.vmap}
    ours = problem.ensemble()
    for name in ("loop", "vmap"):
        assert np.abs(competitors[name]() - ours).max() <= 1e-3, name
    times = medians(competitors, repeats)
    epoch = {name: seconds / NETWORKS * 60_000 / images for name, seconds in times.items()}
    ratios = {f"{name}/ensemble": epoch[name] / epoch["ensemble"] for name in ("loop", "vmap")}
    print(f"n = {n:4}: " + ", ".join(f"{name} {value:.4f} s" for name, value in epoch.items()), end="; ")
    print(", ".join(f"{name} {value:.2f}" for name, value in ratios.items()), flush=True)
    return {"n": n, "seconds_per_network_epoch": epoch, **ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="n = 10 and 50 only, fewer repetitions")
    parser.add_argument("--json", metavar="FILE", help="write the results there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sizes, repeats = ((10, 50), 3) if arguments.quick else ((10, 25, 50, 100, 250, 500), 5)
    print(f"seconds a network-epoch of 60,000 images, {NETWORKS} networks at once, torch {torch.__version__}")
    results = [measure(n, 2000 if arguments.quick else 3000, repeats) for n in sizes]
    if arguments.json is not None:
        machine = {"machine": platform.processor() or platform.machine(), "torch": torch.__version__}
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({**machine, "results": results}, file, indent=1)


if __name__ == "__main__":
    main()
