"""Exact and asymptotic theory of spherical spin glasses; imports no simulation."""

from spinscape.theory.counts import critical_energy_density, log_mean_critical_points, log_mean_index_count
from spinscape.theory.domain import QuadraticModelError
from spinscape.theory.equilibrium import dynamic_temperature, equilibrium_energy, static_temperature
from spinscape.theory.finite_size import (
    ground_state_bound,
    ground_state_estimate,
    log_mean_below_threshold,
    minima_fraction_above,
)
from spinscape.theory.ground_state import GroundState, ground_state_energy_mixed, ground_state_mixed
from spinscape.theory.index_mean import mean_index
from spinscape.theory.mixed import (
    algorithmic_energy,
    complexity_mixed,
    finite_index_complexity,
    is_full_rsb,
    is_trivial,
    layer_energy_mixed,
    marginal_energy,
    marginal_range,
)
from spinscape.theory.mixed_counts import (
    critical_energy_density_mixed,
    log_mean_critical_points_mixed,
    log_mean_index_count_mixed,
    mean_index_mixed,
)
from spinscape.theory.pure import (
    complexity,
    complexity_slope,
    ground_state_energy,
    layer_barrier,
    layer_energy,
    negative_fraction,
    rate_function,
    sharp_asymptotics,
    threshold_energy,
)
from spinscape.theory.spheres import complexity_spheres, ground_state_energy_spheres, threshold_energy_spheres
from spinscape.theory.two_time.exponent import RelaxationExponent, relaxation_exponent
from spinscape.theory.two_time.solution import MeanFieldDynamics, dmft

__all__ = [
    "GroundState",
    "MeanFieldDynamics",
    "QuadraticModelError",
    "RelaxationExponent",
    "algorithmic_energy",
    "complexity",
    "complexity_mixed",
    "complexity_slope",
    "complexity_spheres",
    "critical_energy_density",
    "critical_energy_density_mixed",
    "dmft",
    "dynamic_temperature",
    "equilibrium_energy",
    "finite_index_complexity",
    "ground_state_bound",
    "ground_state_energy",
    "ground_state_energy_mixed",
    "ground_state_energy_spheres",
    "ground_state_estimate",
    "ground_state_mixed",
    "is_full_rsb",
    "is_trivial",
    "layer_barrier",
    "layer_energy",
    "layer_energy_mixed",
    "log_mean_below_threshold",
    "log_mean_critical_points",
    "log_mean_critical_points_mixed",
    "log_mean_index_count",
    "log_mean_index_count_mixed",
    "marginal_energy",
    "marginal_range",
    "mean_index",
    "mean_index_mixed",
    "minima_fraction_above",
    "negative_fraction",
    "rate_function",
    "relaxation_exponent",
    "sharp_asymptotics",
    "static_temperature",
    "threshold_energy",
    "threshold_energy_spheres",
]
