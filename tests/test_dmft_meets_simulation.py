"""DMFT and simulation share nothing but the definitions of the model: where they meet, both are right."""

import numpy as np
import pytest

import spinscape as sp
from spinscape import study
from spinscape.experiments.dynamics.energy_time import Relaxation, recipe
from spinscape.theory import dmft

MIXTURES = {"p=3": {3: 1.0}, "p=4": {4: 1.0}, "3+4": {3: 0.5, 4: 0.5}}


@pytest.mark.parametrize("case", list(MIXTURES))
def test_gradient_flow_extrapolates_to_the_limit(tmp_path, case):
    """Energies at two sizes, extrapolated in 1/N: |z| < 4 at 12 times (false alarms below 1e-3 with seed 0 fixed)."""
    sizes, tensors = ((48, 96), {48: 40, 96: 20}) if case == "p=3" else ((24, 48), {24: 40, 48: 20})
    made = recipe(xi=MIXTURES[case], sizes=sizes, tensors=tensors, starts=12, t_max=3.0)
    with study.run(made, tmp_path / "s.sqlite") as store:
        table = Relaxation.from_store(store)
    mean, error = table.extrapolated()
    difference = mean - table.limit.energy_at(table.times)
    assert np.all(np.abs(difference[1:]) < 4 * error[1:])
    assert error[-1] < 0.03
    # Finite N is not the limit: the larger size is off by many errors, so the line in 1/N is what agrees.
    last = table.sizes[0].energy
    assert last.mean[-1] - table.limit.energy_at(3.0) > 4 * last.error[-1]


def test_langevin_dynamics_follows_the_limit(tmp_path):
    made = recipe(sizes=(48, 96), tensors={48: 40, 96: 20}, starts=8, t_max=3.0, beta=2.0, waits=(0.5,), step=0.01)
    with study.run(made, tmp_path / "s.sqlite") as store:
        table = Relaxation.from_store(store)
    mean, error = table.extrapolated()
    # Euler's scheme is off by about (ξ'(1)/2 - ξ(1)/3) dt = 0.012 in equilibrium.
    assert np.all(np.abs(mean - table.limit.energy_at(table.times))[1:] < 4 * error[1:] + 0.012)
    found, later = table.sizes[-1].correlation, table.times > 0.5 + 1e-9
    limit = table.limit.correlation_at(table.times[later], 0.5)
    assert np.abs(found.mean[0, later] - limit).max() < 0.03


def test_a_planted_start_is_the_limits_equilibrium_start():
    """Couplings shifted by -β' N (w·w0/N)^3, started at w0: gradient flow from equilibrium at β' = 1.1 (z < 4)."""
    N, start_beta, replicas = 64, 1.1, 48
    times, energies = np.array([0.1, 0.3, 1.0, 3.0]), []
    for k in range(replicas):
        glass = sp.PureGlass(3, N, rng=np.random.SeedSequence(1, spawn_key=(k,)))
        begin = glass.random_points(1, rng=np.random.SeedSequence(2, spawn_key=(k,)))
        planted = glass.with_spike(begin[0], start_beta, 3)
        step, w, u = 0.01, begin, []
        for before, time in zip([0.0, *times], times, strict=False):
            run = sp.descend(planted, w, step=step, tol=0.0, max_steps=round((time - before) / step))
            w = run.points
            u.append(run.energy_density[0])
        energies.append(u)
    mean, error = np.mean(energies, axis=0), np.std(energies, axis=0, ddof=1) / np.sqrt(replicas)
    limit = dmft({3: 1.0}, 3.0, start_beta=start_beta).energy_at(times)
    # finite N, and Euler's first-order error
    assert np.all(np.abs(mean - limit) < 4 * error + 1.5 / N + 0.01)


@pytest.mark.slow
def test_five_hundred_spins_follow_the_limit(tmp_path):
    """p = 3, N = 250 and 500: the difference to the limit falls like 1/N, and extrapolates to it."""
    made = recipe(sizes=(250, 500), tensors={250: 6, 500: 3}, starts=24, t_max=20.0)
    with study.run(made, tmp_path / "s.sqlite") as store:
        table = Relaxation.from_store(store)
    limit = table.limit.energy_at(table.times)
    for size in table.sizes:
        assert np.all(np.abs(size.energy.mean - limit)[1:] < 4 * size.energy.error[1:] + 4.0 / size.N)
    mean, error = table.extrapolated()
    assert np.all(np.abs(mean - limit)[1:] < 4 * error[1:])
