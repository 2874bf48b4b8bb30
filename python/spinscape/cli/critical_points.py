"""The commands of the experiments on critical points; `cli.experiments` runs them."""

from __future__ import annotations

from spinscape.cli.experiments import Command

COMMANDS = (
    Command(
        "enumerated-counts",
        "critical_points.enumerated",
        "EnumeratedCounts",
        "all critical points of small glasses: mean counts by index and energy against the exact formulas",
        default={"tensors": {2: 400, 3: 300, 4: 200, 5: 100, 6: 40}},
        quick={"sizes": (2, 3, 4), "tensors": 40},
        experiment="enumerated-counts",
        example="bins=4",
    ),
    Command(
        "layers",
        "critical_points.layers",
        "Layers",
        "critical points by index and energy: layers, the semicircle law, its spread at finite N",
        default={"tensors": {50: 8, 100: 4, 200: 7}},
        quick={"sizes": (30, 50), "tensors": 2, "starts": 48},
        experiment="layers",
        example="starts=48",
    ),
    Command(
        "minima-bias",
        "critical_points.minima",
        "MinimaBias",
        "which minima descent finds, against the exact density of all minima",
        default={"tensors": {15: 40, 25: 30, 50: 12, 100: 4}},
        quick={"sizes": (10, 20), "tensors": 6, "starts": 48, "annealing_steps": 300},
        experiment="minima-bias",
    ),
    Command(
        "hessian-spectra",
        "critical_points.spectra",
        "HessianSpectra",
        "Hessian spectra at minima, at barriers and high up, against the shifted GOE",
        quick={"N": 40, "tensors": 2, "starts": 12, "pairs": 3},
        experiment="hessian-spectra",
    ),
    Command(
        "overlaps",
        "critical_points.overlaps",
        "Overlaps",
        "overlaps among minima and saddles, and with the lowest minimum against the index",
        default={"tensors": {8: 40, 30: 16, 60: 6}},
        quick={"complete": (6,), "sizes": (20,), "tensors": 6, "starts": 48, "saddles": 12, "indices": (1, 2, 4, 9)},
        experiment="overlaps",
    ),
    Command(
        "disconnectivity",
        "critical_points.barriers",
        "Disconnectivity",
        "disconnectivity graphs: minima and the saddles over which they are joined",
        quick={"sizes": (6, 12), "starts": 96},
        experiment="disconnectivity",
    ),
    Command(
        "energy-slice",
        "critical_points.slices",
        "EnergySlices",
        "the energy on the great circle and the great sphere through the lowest minima",
        quick={"N": 25, "starts": 48, "points": 61},
        experiment="energy-slice",
    ),
)
