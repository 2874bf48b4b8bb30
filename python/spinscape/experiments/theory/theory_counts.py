"""Exact mean numbers of critical points as N grows, and the ratio of the sharp asymptotic formulas to them."""

from spinscape.experiments.exact import ORDER, SIZE, theoretical
from spinscape.study.parameters import integer, several
from spinscape.theory import tables

EXPERIMENT = theoretical(
    lambda p, N: tables.counts_against_size(p, N),
    20.0,
    ORDER,
    several(integer("N", (10, 30, 100, 300, 1000, 3000, 10000), SIZE, 2, unit="spins"), least=1),
    name="theory-counts",
    sentence="Exact mean numbers of critical points against their asymptotic formulas",
    source="ABAC Theorem 2.17",
)
recipe = EXPERIMENT.maker
