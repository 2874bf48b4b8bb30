"""The exact mean number of critical points of index 0, 1, 2, … per unit of energy density at finite N."""

from spinscape.experiments.exact import ORDER, SIZE, theoretical
from spinscape.study.parameters import integer
from spinscape.theory import tables

EXPERIMENT = theoretical(
    tables.density_by_index,
    3.0,
    ORDER,
    integer("N", 50, SIZE, 2, unit="spins"),
    name="theory-density",
    sentence="Where in energy the critical points of each index lie, exactly",
    source="ABAC Theorem 2.1, exact at finite N",
)
recipe = EXPERIMENT.maker
