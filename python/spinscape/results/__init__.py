"""What the algorithms found: blocks of rows with a length, masks, tables, files; and why each row ended.

A result is a frozen dataclass under `Result`, its fields declared as rows or as shared by all of them:

    points: NDArray[Any] = field(metadata=row("coordinate"))      (rows, coordinates)
    energy_density: NDArray[np.float64] = field(metadata=row())   (rows,)
    ladder: NDArray[np.float64] = field(metadata=shared("level")) the coordinate of the axis "level"
    tol: float                                                    shared, equal where results are joined
"""

from spinscape.results.joining import concatenate
from spinscape.results.result import Result, row, shared
from spinscape.results.stopping import StopReason, stop_counts, stop_names
from spinscape.results.storing import load, storable

__all__ = [
    "Result",
    "StopReason",
    "concatenate",
    "load",
    "row",
    "shared",
    "stop_counts",
    "stop_names",
    "storable",
]
