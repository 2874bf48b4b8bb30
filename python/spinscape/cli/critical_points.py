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
        default={"sizes": (50, 100, 200, 300), "tensors": {50: 8, 100: 8, 200: 8, 300: 1}},
        quick={"sizes": (30, 50), "tensors": 2, "starts": 48},
        experiment="layers",
        example="starts=48",
    ),
)
