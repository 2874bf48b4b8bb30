"""Geometry of the landscape: slices, paths over passes, disconnectivity graphs."""

from spinscape.geometry.disconnectivity import (
    DisconnectivityGraph,
    DisconnectivityTree,
    disconnectivity_graph,
    disconnectivity_tree,
)
from spinscape.geometry.paths import Connection, ConnectStop, connect, connect_pairs
from spinscape.geometry.slices import EnergySlice, slice_energy, slice_points

__all__ = [
    "ConnectStop",
    "Connection",
    "DisconnectivityGraph",
    "DisconnectivityTree",
    "EnergySlice",
    "connect",
    "connect_pairs",
    "disconnectivity_graph",
    "disconnectivity_tree",
    "slice_energy",
    "slice_points",
]
