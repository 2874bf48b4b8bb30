"""Statistics of arrays: intervals of 95 %, each with its assumption; two levels of chance; paired differences; ranks.

`mean`, `difference`, `paired`, `deviation`, `fraction`, `pearson`, `spearman`, `bootstrap` are of independent values;
`spread` is of starts within instances of the disorder.
"""

from spinscape.statistics.intervals import (
    LEVEL,
    NAN,
    Interval,
    bootstrap,
    deviation,
    difference,
    fraction,
    mean,
    paired,
    pearson,
    spearman,
)
from spinscape.statistics.levels import Spread, spread

__all__ = [
    "LEVEL",
    "NAN",
    "Interval",
    "Spread",
    "bootstrap",
    "deviation",
    "difference",
    "fraction",
    "mean",
    "paired",
    "pearson",
    "spearman",
    "spread",
]
