"""The samplers sample exp(-βH): planted chains, exact marginal laws, equilibrium energies.

Planted chain: with couplings X - β N^{-(p-1)/2} w0^{⊗p}, w0 uniform, w0 is a point of equilibrium at β of its own
disorder; a correct sampler started at w0 keeps H ~ N(-βN, N) after any number of steps. The term is a spike of strength
β c_p a order. Chains have independent disorder. Every test of a law has a fixed seed and a false-alarm rate of 1e-3.
"""

import numpy as np
import pytest
from scipy import stats

import spinscape as sp

LEVEL = 1e-3
MOVES = {"mala": {"method": "mala", "step": 0.1}, "hmc": {"method": "hmc", "step": 0.3, "leapfrogs": 5}}


def planted_energies(glass_of, weights, beta, chains, steps, at=None, **moves):
    """Energies after a run at inverse temperature `at`, as z = (H + βN)/√N: standard normal if at = β."""
    z = np.empty(chains)
    for k in range(chains):
        glass = glass_of(k)
        start = glass.random_points(1, rng=k + 10**6)
        for p, c in weights.items():
            glass = glass.with_spike(start[0], beta * c, p)
        run = sp.sample(glass, start, beta=beta if at is None else at, steps=steps, rng=k, n_threads=1, **moves)
        z[k] = (run.energy_density[0] + beta) * np.sqrt(glass.N)
    return z


def p_value(z):
    """Two-sided p-value of the mean and of the shape together (Bonferroni)."""
    of_mean = 2 * stats.norm.sf(abs(z.mean()) * np.sqrt(z.size))
    return 2 * min(of_mean, stats.kstest(z, "norm").pvalue)


@pytest.mark.parametrize("moves", MOVES)
def test_a_planted_chain_stays_in_equilibrium_and_a_wrong_beta_is_noticed(moves):
    call = (lambda k: sp.PureGlass(3, 14, rng=k), {3: 1.0}, 0.8)
    assert p_value(planted_energies(*call, chains=500, steps=60, **MOVES[moves])) > LEVEL
    assert p_value(planted_energies(*call, chains=500, steps=60, at=0.88, **MOVES[moves])) < LEVEL


@pytest.mark.slow
@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("p", [2, 3, 4])
@pytest.mark.parametrize("fraction", [0.5, 0.8, 1.1])
def test_planted_chains(p, fraction, moves):
    """1,600 chains each; β in units of the dynamical 1/T_d (of 1/√2 for p = 2, whose transition it is)."""
    N, beta = {2: 24, 3: 18, 4: 14}[p], fraction * {2: 0.7071, 3: 1.1547, 4: 1.2990}[p]
    call = (lambda k: sp.PureGlass(p, N, rng=k), {p: 1.0}, beta)
    assert p_value(planted_energies(*call, chains=1600, steps=300, **MOVES[moves])) > LEVEL
    for wrong in (0.9, 1.1):
        z = planted_energies(*call, chains=1600, steps=300, at=wrong * beta, **MOVES[moves])
        assert p_value(z) < LEVEL, wrong


@pytest.mark.slow
def test_planted_chains_of_a_mixed_glass():
    weights = {2: 0.3, 3: 0.5, 4: 0.2}
    call = (lambda k: sp.MixedGlass(weights, 12, rng=k), weights, 0.7)
    assert p_value(planted_energies(*call, chains=1600, steps=150)) > LEVEL
    assert p_value(planted_energies(*call, chains=1600, steps=150, at=0.77)) < LEVEL


# --- exact marginal laws, from numerical integration over the whole space ---------------------------------------------


def sphere_in_three(glass, beta, cells=400):
    """Energies and weights exp(-βH) on a grid of equal areas of S²(√3)."""
    z = (np.arange(cells) + 0.5) / cells * 2 - 1
    phi = (np.arange(2 * cells) + 0.5) / (2 * cells) * 2 * np.pi
    Z, PHI = (a.ravel() for a in np.meshgrid(z, phi, indexing="ij"))
    rho = np.sqrt(1 - Z**2)
    H = glass.energy(np.sqrt(3) * np.stack([rho * np.cos(PHI), rho * np.sin(PHI), Z], axis=1))
    return H, np.exp(-beta * (H - H.min()))


def two_circles(glass, beta, cells=1000):
    """The same on the two circles of a layered glass with p = n = 2."""
    angle = (np.arange(cells) + 0.5) / cells * 2 * np.pi
    A, B = (a.ravel() for a in np.meshgrid(angle, angle, indexing="ij"))
    H = glass.energy(np.sqrt(2) * np.stack([np.cos(A), np.sin(A), np.cos(B), np.sin(B)], axis=1))
    return H, np.exp(-beta * (H - H.min()))


def law_of(energies, weights):
    """The distribution function of an energy."""
    order = np.argsort(energies)
    heights = np.cumsum(weights[order])
    return lambda h: np.interp(h, energies[order], heights / heights[-1])


SMALL = {
    "p=2": (lambda: sp.PureGlass(2, 3, rng=1), sphere_in_three),
    "p=3": (lambda: sp.PureGlass(3, 3, rng=2), sphere_in_three),
    "mixed, spiked": (
        lambda: sp.MixedGlass({2: 0.5, 3: 0.5}, 3, rng=3).with_spike([1.0, 2.0, -1.0], 0.7, 3),
        sphere_in_three,
    ),
    "layered": (lambda: sp.LayeredGlass(2, 2, rng=4), two_circles),
}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("method", ["mala", "hmc", "swaps"])
def test_small_glasses_have_the_integrated_law(name, method):
    make, integrate = SMALL[name]
    glass, beta = make(), 1.3
    starts = glass.random_points(3000, rng=5)
    if method == "swaps":
        run = sp.temper(glass, starts[:1500], betas=[0.4, beta, 2.5], steps=200, rng=6)
        energies = run.energy_density[:, 1]
        assert 0.2 < run.swap_acceptance.mean() < 1
    else:
        steps = {"mala": 300, "hmc": 90}[method]
        energies = sp.sample(glass, starts, beta=beta, steps=steps, rng=6, method=method).energy_density
    exact = law_of(*integrate(glass, beta))
    assert stats.kstest(energies * glass.energy_scale, exact).pvalue > LEVEL
    wrong = law_of(*integrate(glass, 1.3 * beta))
    assert stats.kstest(energies * glass.energy_scale, wrong).pvalue < LEVEL


def test_at_infinite_temperature_points_are_uniform():
    glass = sp.PureGlass(3, 6, rng=1)
    starts = np.tile(glass.random_points(1, rng=0), (3000, 1))
    run = sp.sample(glass, starts, beta=0, steps=20, rng=2)
    assert (run.acceptance == 1).all()
    # x² = w_0²/6 is Beta(1/2, 5/2).
    assert stats.kstest(run.points[:, 0] ** 2 / 6, stats.beta(0.5, 2.5).cdf).pvalue > LEVEL
    assert abs(run.points.mean(axis=0)).max() < 5 / np.sqrt(3000)


# --- equilibrium energies ---------------------------------------------------------------------------------------------


def test_above_the_dynamical_temperature_random_starts_reach_minus_beta():
    """u = -β to O(1/N): 24 disorders of 60 spins, p = 2 and 3; four errors and the O(1/N) of the quenched mean."""
    u = []
    for k in range(24):
        glass = sp.PureGlass(2 + k % 2, 60, rng=k)
        beta = 0.4 if glass.p == 2 else 0.6
        run = sp.sample(glass, glass.random_points(24, rng=k), beta=beta, steps=150, rng=k, step=0.1)
        run = sp.sample(glass, run.points, beta=beta, steps=200, rng=k, first_step=150, step=0.1)
        u.append(run.mean_energy_density.mean() + beta)
    assert abs(np.mean(u)) < 4 * np.std(u) / np.sqrt(24) + 1 / 60


@pytest.mark.slow
@pytest.mark.parametrize(("p", "temperature"), [(3, 1.2), (3, 1.0), (4, 1.1), (4, 0.9)])
def test_equilibrium_energies_from_random_starts(p, temperature):
    """p = 3, 4 at T above T_d = 0.866, 0.770: 16 disorders, four errors and the O(1/N) of the quenched mean."""
    N, beta, u = {3: 100, 4: 60}[p], 1 / temperature, []
    for k in range(16):
        glass = sp.PureGlass(p, N, rng=k)
        run = sp.sample(glass, glass.random_points(48, rng=k), beta=beta, steps=1500, rng=k)
        run = sp.sample(glass, run.points, beta=beta, steps=1500, rng=k, first_step=1500)
        u.append(run.mean_energy_density.mean() + beta)
    assert abs(np.mean(u)) < 4 * np.std(u) / np.sqrt(16) + 1 / N


@pytest.mark.slow
@pytest.mark.parametrize(("p", "temperature"), [(3, 0.9), (3, 0.84), (4, 0.75), (4, 0.72)])
def test_equilibrium_energies_from_planted_starts(p, temperature):
    """Down to T_s = 0.829, 0.711, through T_d: 200 disorders, each energy -β with standard deviation 1/√N."""
    N, beta, u = {3: 60, 4: 30}[p], 1 / temperature, []
    for k in range(200):
        glass = sp.PureGlass(p, N, rng=k)
        start = glass.random_points(1, rng=k + 10**6)
        glass = glass.with_spike(start[0], beta, p)
        run = sp.sample(glass, start, beta=beta, steps=400, rng=k, step=0.05, n_threads=1)
        u.append(run.energy_density[0] + beta)
    assert abs(np.mean(u)) < 4 / np.sqrt(N * 200)
    assert stats.kstest(np.sqrt(N) * np.array(u), "norm").pvalue > LEVEL


@pytest.mark.slow
@pytest.mark.parametrize("p", [2, 3])
def test_the_bias_of_unadjusted_langevin(p):
    """du/d(dt) = ξ'(1)/2 - ξ(1)/3 above T_d, as the difference from the exact sampler on the same glasses."""
    N, beta, slopes = {2: 100, 3: 60}[p], {2: 0.2, 3: 0.4}[p], []
    for k in range(8):
        glass = sp.PureGlass(p, N, rng=k)
        warm = sp.sample(glass, glass.random_points(64, rng=k), beta=beta, steps=60, rng=k).points
        exact = sp.sample(glass, warm, beta=beta, steps=1200, rng=k, first_step=60).mean_energy_density.mean()
        bias = []
        for dt in (0.04, 0.08):
            call = {"beta": beta, "rng": k, "method": "langevin", "step": dt}
            run = sp.sample(glass, warm, steps=int(5 / dt), **call)
            run = sp.sample(glass, run.points, steps=int(80 / dt), first_step=run.next_step, **call)
            bias.append((run.mean_energy_density.mean() - exact) / dt)
        slopes.append(2 * bias[0] - bias[1])
    assert np.mean(slopes) == pytest.approx(p / 2 - 1 / 3, abs=0.12)
