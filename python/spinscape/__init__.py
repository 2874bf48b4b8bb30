"""spinscape: the laboratory for the link between network loss surfaces and spherical spin glasses.

The rooms `theory`, `networks`, `study`, `experiments`, `statistics` and `figures` are there as `spinscape.theory` and
so on, and are imported when first asked for.
"""

from typing import TYPE_CHECKING

from spinscape import lazy
from spinscape.critical_points import (
    CriticalPoints,
    CriticalPointSearch,
    Enumeration,
    Follow,
    Newton,
    RefineStop,
    SearchMethod,
    count_index,
    enumerate_critical_points,
    extreme_eigenvalues,
    find_critical_points,
    find_saddles,
    lanczos_index,
    refine,
)
from spinscape.descent import (
    LBFGS,
    SGD,
    Descent,
    DescentMethod,
    GradientDescent,
    GradientFlow,
    HessianAscent,
    Momentum,
    PowerMethod,
    SaddleFreeNewton,
    TrustRegion,
    descend,
)
from spinscape.geometry import (
    Connection,
    ConnectStop,
    DisconnectivityGraph,
    DisconnectivityTree,
    EnergySlice,
    connect,
    connect_pairs,
    disconnectivity_graph,
    disconnectivity_tree,
    slice_energy,
    slice_points,
)
from spinscape.hamiltonian import LayeredGlass, MixedGlass, PureGlass
from spinscape.lanczos_quadrature import SpectralDensity, spectral_density
from spinscape.landscape import (
    Domain,
    Landscape,
    LandscapeCheck,
    check_landscape,
    distinct,
    landscape_from,
    on_spheres,
    regularised,
    weighted_sum,
)
from spinscape.results import Result, StopReason, concatenate, load
from spinscape.sampling import (
    HMC,
    MALA,
    Annealing,
    Langevin,
    Sampling,
    SamplingMethod,
    Tempering,
    anneal,
    sample,
    temper,
)
from spinscape.schedules import AnnealingSchedule, ScheduleStage, SGDSchedule
from spinscape.spectrum import IndexCount, matrix_index
from spinscape.versions import __version__, show_versions, version_info

if TYPE_CHECKING:
    from spinscape import figures, networks, study, theory  # noqa: F401

__all__ = [
    "HMC",
    "LBFGS",
    "MALA",
    "SGD",
    "Annealing",
    "AnnealingSchedule",
    "ConnectStop",
    "Connection",
    "CriticalPointSearch",
    "CriticalPoints",
    "Descent",
    "DescentMethod",
    "DisconnectivityGraph",
    "DisconnectivityTree",
    "Domain",
    "EnergySlice",
    "Enumeration",
    "Follow",
    "GradientDescent",
    "GradientFlow",
    "HessianAscent",
    "IndexCount",
    "Landscape",
    "LandscapeCheck",
    "Langevin",
    "LayeredGlass",
    "MixedGlass",
    "Momentum",
    "Newton",
    "PowerMethod",
    "PureGlass",
    "RefineStop",
    "Result",
    "SGDSchedule",
    "SaddleFreeNewton",
    "Sampling",
    "SamplingMethod",
    "ScheduleStage",
    "SearchMethod",
    "SpectralDensity",
    "StopReason",
    "Tempering",
    "TrustRegion",
    "__version__",
    "anneal",
    "check_landscape",
    "concatenate",
    "connect",
    "connect_pairs",
    "count_index",
    "descend",
    "disconnectivity_graph",
    "disconnectivity_tree",
    "distinct",
    "enumerate_critical_points",
    "extreme_eigenvalues",
    "find_critical_points",
    "find_saddles",
    "lanczos_index",
    "landscape_from",
    "load",
    "matrix_index",
    "on_spheres",
    "refine",
    "regularised",
    "sample",
    "show_versions",
    "slice_energy",
    "slice_points",
    "spectral_density",
    "temper",
    "version_info",
    "weighted_sum",
]

if not TYPE_CHECKING:  # a type checker would take any name for one of the package
    __getattr__, __dir__ = lazy.attach(
        __name__, ("experiments", "figures", "networks", "statistics", "study", "theory"), __all__
    )
