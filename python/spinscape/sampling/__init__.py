r"""Samplers of exp(-βH) on any landscape for blocks of replicas: at fixed β, along a schedule, and over a ladder of β.

All are geodesic Hamiltonian Monte Carlo (Byrne and Girolami, Scand. J. Stat. 40 (2013) 825): a velocity v is drawn from
the standard Gaussian of the tangent space, then

    v <- v - (ε/2) β g(w),    (w, v) flows along the great circle of v for a time ε,    v <- v - (ε/2) β g(w),

L times, and the end is taken with probability min(1, exp(-Δ(βH + |v|²/2))). Kicks and flow preserve the measure and are
undone by themselves after v -> -v, so the rule is reversible with respect to exp(-βH) exactly, for every ε. With L = 1
it is the Metropolis-adjusted Langevin algorithm of time step dt = βε²/2; without the rule, the Euler scheme on the
sphere of the Langevin equation dw = -g dt + √(2/β) dB.

In flat space the flow is w + ε v, and all is plain Hamiltonian Monte Carlo.

A chain's result depends on its start, its row, `rng`, the landscape and the options alone, bit for bit: not on the
other rows, nor on the number of threads. `first_step` and `first_replica` cut a run into pieces with the same bits.
"""

from spinscape.sampling.annealing import Annealing, anneal
from spinscape.sampling.chains import Sampling, sample
from spinscape.sampling.methods import HMC, MALA, Langevin, SamplingMethod
from spinscape.sampling.tempering import Tempering, temper

__all__ = [
    "HMC",
    "MALA",
    "Annealing",
    "Langevin",
    "Sampling",
    "SamplingMethod",
    "Tempering",
    "anneal",
    "sample",
    "temper",
]
