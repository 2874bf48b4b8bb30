"""Results do not depend on np.errstate: what underflows harmlessly raises nothing. Oracle: the same call without it."""

import numpy as np
import pytest

import spinscape as sp
from spinscape import theory as th
from spinscape.covariances import ArcCosine

u = np.linspace(-3, 3, 13)
A = np.random.default_rng(0).normal(size=(30, 30))
CALLS = {
    "density": lambda: sp.spectral_density(A + A.T, 30, probes=3, width=1e-3, rng=0).error,
    "fraction": lambda: sp.spectral_density(1e-170 * (A + A.T), 30, probes=3, rng=0).moment(2),
    "lanczos": lambda: sp.extreme_eigenvalues(1e-200 * (A + A.T), 30, 2, rng=0).values,
    "enumeration": lambda: sp.enumerate_critical_points(sp.PureGlass(3, 3, rng=0)).gradient_norm,
    "counts": lambda: th.log_mean_critical_points(2000, 3, below=u),
    "per index": lambda: th.log_mean_critical_points(40, 3, below=u[4], index=1),
    "density of energies": lambda: th.critical_energy_density(u, 2000, 3),
    "bound": lambda: th.ground_state_bound(u[3:6], 40, 3),
    "estimate": lambda: th.ground_state_estimate(20, 3),
    "fraction of minima": lambda: th.minima_fraction_above([0.0, 1.0], 40, 3),
    "mixed": lambda: th.log_mean_critical_points_mixed(200, {3: 0.6, 8: 0.4}, below=-1.7),
    "complexity": lambda: th.complexity(u, 3),
    "algorithmic": lambda: th.algorithmic_energy({3: 0.5, 40: 0.5}),
    "algorithmic, singular": lambda: th.algorithmic_energy(ArcCosine(1)),
    "ground state": lambda: th.ground_state_energy_mixed({3: 0.9, 100: 0.1}),
    "ground state, continuous": lambda: th.ground_state_energy_mixed({2: 0.8, 4: 0.2}),
    "ground state, singular": lambda: th.ground_state_energy_mixed(ArcCosine(1)),
}


SLOW = {"per index", "estimate", "bound", "fraction of minima"}  # seconds of Fredholm determinants


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in CALLS])
def test_errstate_raise(name):
    expected = CALLS[name]()
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(CALLS[name](), expected)
