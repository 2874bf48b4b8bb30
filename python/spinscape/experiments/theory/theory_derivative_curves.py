"""The derivatives d/du exp(N Θ(u)) that AISTATS15 Fig. 1 and COLT15 Fig. 2 show.

They are not numbers of critical points; beside them the exact density of the mean number of critical points.
"""

from spinscape.experiments.exact import ORDER, SIZE, theoretical
from spinscape.study.parameters import integer
from spinscape.theory import tables

EXPERIMENT = theoretical(
    tables.derivative_curves,
    5.0,
    ORDER,
    integer("N", 1000, SIZE, 2, unit="spins"),
    name="theory-derivative-curves",
    sentence="The published derivative curves, with the exact counts beside them",
    source="AISTATS15 Fig. 1, COLT15 Fig. 2",
)
recipe = EXPERIMENT.maker
