"""spinscape: the laboratory for the link between network loss surfaces and spherical spin glasses."""

from spinscape.critical_points import (
    CriticalPoints,
    CriticalPointSearch,
    Enumeration,
    RefineStop,
    count_index,
    enumerate_critical_points,
    find_critical_points,
    find_saddles,
    refine,
)
from spinscape.descent import Descent, StopReason, descend
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
from spinscape.landscape import Domain, Landscape
from spinscape.sampling import Annealing, Sampling, Tempering, anneal, sample, temper
from spinscape.schedules import AnnealingSchedule, ScheduleStage, SGDSchedule
from spinscape.spectral_density import SpectralDensity, spectral_density
from spinscape.spectrum import IndexCount, extreme_eigenvalues, lanczos_index, matrix_index
from spinscape.versions import __version__, show_versions, version_info

__all__ = [
    "Annealing",
    "AnnealingSchedule",
    "ConnectStop",
    "Connection",
    "CriticalPointSearch",
    "CriticalPoints",
    "Descent",
    "DisconnectivityGraph",
    "DisconnectivityTree",
    "Domain",
    "EnergySlice",
    "Enumeration",
    "IndexCount",
    "Landscape",
    "LayeredGlass",
    "MixedGlass",
    "PureGlass",
    "RefineStop",
    "SGDSchedule",
    "Sampling",
    "ScheduleStage",
    "SpectralDensity",
    "StopReason",
    "Tempering",
    "__version__",
    "anneal",
    "connect",
    "connect_pairs",
    "count_index",
    "descend",
    "disconnectivity_graph",
    "disconnectivity_tree",
    "enumerate_critical_points",
    "extreme_eigenvalues",
    "find_critical_points",
    "find_saddles",
    "lanczos_index",
    "matrix_index",
    "refine",
    "sample",
    "show_versions",
    "slice_energy",
    "slice_points",
    "spectral_density",
    "temper",
    "version_info",
]
