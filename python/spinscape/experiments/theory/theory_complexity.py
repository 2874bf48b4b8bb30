"""Complexity: Θ_p(u), the growth rate of the mean number of critical points with energy density at most u, by index."""

from spinscape.experiments.exact import ORDER, theoretical
from spinscape.theory import tables

EXPERIMENT = theoretical(
    tables.complexity_curves,
    0.5,
    ORDER,
    name="theory-complexity",
    sentence="Complexity of all critical points and of each index",
    source="AISTATS15 Fig. 2",
)
recipe = EXPERIMENT.maker
