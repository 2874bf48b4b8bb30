"""The commands of the experiments on networks; `cli.experiments` runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spinscape.cli.experiments import Command

if TYPE_CHECKING:
    import argparse

SIZES = (10, 25, 50, 100, 250, 500)

COMMANDS = (
    Command(
        "network-losses",
        "networks.losses",
        "NetworkLosses",
        "training and test losses of networks of n hidden units (AISTATS15 Fig. 3 right, Table 1, Fig. 7)",
        default={
            "sizes": SIZES,
            "networks": {10: 48, 25: 48, 50: 48, 100: 48, 250: 8, 500: 8},
            "train": None,
            "epochs": 20,
        },
        # n = 100 would need longer training than is quick: it still remembers its start, training and test loss alike.
        quick={"sizes": (5, 10, 25, 50), "networks": 40, "train": 5000, "epochs": 30, "rate": 0.5, "decay": 0.1},
        full={"sizes": SIZES, "networks": 1000, "train": None, "epochs": 200, "decay": 0.03},
        experiment="network-losses",
        single=True,
        example="networks=100",
    ),
    Command(
        "network-indices",
        "networks.indices",
        "NetworkIndices",
        "indices of small networks as trained and at the critical points nearby (AISTATS15 Figs. 4 and 5)",
        default={"networks": {5: 32, 10: 16}, "train": 5000, "refine_steps": 1000},
        quick={"networks": {5: 8, 10: 4}, "train": 2000, "refine_steps": 200},
        full={"sizes": (10, 100), "networks": 1000, "train": 60_000, "epochs": 200, "refine_steps": 0},
        experiment="network-indices",
        single=True,
        example="networks=10",
    ),
    Command(
        "network-annealing",
        "networks.annealing",
        "NetworkAnnealing",
        "simulated annealing against SGD on a part of MNIST (AISTATS15 Fig. 6)",
        quick={"sizes": (2, 3, 5, 10), "networks": 4, "sweeps": 30, "epochs": 100},
        full={"networks": 100, "train": 2000, "sweeps": 200},
        experiment="network-annealing",
        single=True,
        example="sweeps=200",
    ),
    Command(
        "index-error",
        "networks.training_path",
        "TrainingPath",
        "index against error of the critical points along training (Dauphin et al. 2014)",
        default={"networks": 24},
        experiment="index-error",
        single=True,
        example="networks=16",
    ),
    Command(
        "network-spectra",
        "networks.spectra",
        "HessianSpectra",
        "spectra of Hessians through training, outliers against clusters and width (Sagun et al. 2016)",
        default={"networks": 16, "widths": (5, 10, 20, 40), "train": 2000},
        experiment="network-spectra",
        single=True,
        example="networks=8",
    ),
    Command(
        "redundancy",
        "networks.redundancy",
        "Redundancy",
        "networks of few different weights: k-means images of trained ones, annealing over -1, 0, 1",
        default={"networks": 32, "train": 20_000, "annealed": 6, "sweeps": 80, "annealed_train": 2000},
        experiment="redundancy",
        single=True,
        example="values=[2,4]",
    ),
)


def write_beside_the_glass(store: Any, arguments: argparse.Namespace) -> None:
    """Draw the losses of a results file of network-losses beside those of the spin glass: AISTATS15 Fig. 3."""
    from spinscape.figures import style
    from spinscape.figures.networks.losses import beside_the_glass
    from spinscape.study import Store
    from spinscape.study.networks.losses import NetworkLosses
    from spinscape.study.scaled_losses import ScaledLosses

    with Store(arguments.glass) as glass:
        for given, name, argument in ((store, "network-losses", "store"), (glass, "scaled-losses", "--glass")):
            if given.recipe.experiment != name:
                raise ValueError(f"{argument}: expected results of {name}, got those of {given.recipe.experiment}")
        figure = beside_the_glass(NetworkLosses.from_store(store), ScaledLosses.from_store(glass))
    for suffix in arguments.format:
        print(f"wrote {style.save(figure, arguments.out / f'losses-beside-glass.{suffix}')}")
