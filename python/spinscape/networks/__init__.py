"""Networks: ensembles, their losses and their landscapes. Needs the extra `networks` (torch) for all but the data.

`import spinscape` and this module import no torch: each name is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spinscape.networks.annealing_schedule import Cooling
from spinscape.networks.architecture import Architecture
from spinscape.networks.data import (
    Data,
    downsample,
    gaussian_blobs,
    gaussian_mixture,
    load_mnist10,
    read_idx,
    read_mnist,
    teacher_student,
)
from spinscape.networks.optimisers import Training
from spinscape.networks.reduction import clustered, correlation_bound, sign_agreement
from spinscape.networks.refinement import RefinedNetworks, refine_networks

if TYPE_CHECKING:
    from spinscape.networks.annealing import anneal_ensemble
    from spinscape.networks.ensembles import Ensemble, train_ensemble
    from spinscape.networks.modules.landscape import TorchLandscape, landscape_of
    from spinscape.networks.network_landscape import NetworkLandscape

_FROM_TORCH = {
    "anneal_ensemble": "annealing",
    "Ensemble": "ensembles",
    "NetworkLandscape": "network_landscape",
    "TorchLandscape": "modules.landscape",
    "landscape_of": "modules.landscape",
    "train_ensemble": "ensembles",
}

__all__ = [
    "Architecture",
    "Cooling",
    "Data",
    "Ensemble",
    "NetworkLandscape",
    "RefinedNetworks",
    "TorchLandscape",
    "Training",
    "anneal_ensemble",
    "clustered",
    "correlation_bound",
    "downsample",
    "gaussian_blobs",
    "gaussian_mixture",
    "landscape_of",
    "load_mnist10",
    "read_idx",
    "read_mnist",
    "refine_networks",
    "sign_agreement",
    "teacher_student",
    "train_ensemble",
]


def __getattr__(name: str) -> Any:
    """Import what needs torch on first use."""
    if name not in _FROM_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"spinscape.networks.{_FROM_TORCH[name]}")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError("networks need torch: pip install 'spinscape[networks]'") from error
    return getattr(module, name)


def __dir__() -> list[str]:
    """Every public name."""
    return sorted(__all__)
