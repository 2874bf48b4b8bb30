"""The schedule of an annealing: temperatures, proposals, levels; numpy only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from spinscape.arrays import as_integer, as_number, as_real
from spinscape.results import storable


@storable
@dataclass(frozen=True)
class Cooling:
    """The schedule.

    sweeps : of P proposals for every network.
    hot, cold : first and last temperature, in units of the mean loss.
    step : standard deviation of a Gaussian proposal; after each sweep it is multiplied by 1.1 where more than 44 % were
        accepted and divided by it otherwise (the chain is then one of a slowly varying kernel, as annealing is anyway).
    levels : values the parameters may take, such as (-1, 0, 1): a proposal is one of the others, uniformly. None: real.
    """

    sweeps: int = 100
    hot: float = 1e-2
    cold: float = 1e-6
    step: float = 0.3
    levels: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        as_integer(self.sweeps, "sweeps", 1)
        for name in ("hot", "cold", "step"):
            object.__setattr__(self, name, as_number(getattr(self, name), name, 0.0, exclusive=True))
        if self.levels is not None:
            array = as_real(self.levels, "levels", np.dtype(np.float64))
            values = tuple(array.tolist()) if array.ndim == 1 else ()
            if len(set(values)) < 2 or len(set(values)) != len(values):
                raise ValueError(f"levels: expected at least two different values, got {self.levels!r}")
            object.__setattr__(self, "levels", values)

    def temperature(self, sweep: int) -> float:
        """Return the temperature of a sweep, from 0."""
        sweep = as_integer(sweep, "sweep", 0, self.sweeps - 1)
        return float(self.hot * (self.cold / self.hot) ** (sweep / max(self.sweeps - 1, 1)))

    @property
    def summary(self) -> str:
        """The schedule in a few words."""
        values = "" if self.levels is None else f", values {self.levels}"
        return f"annealing, {self.sweeps} sweeps, T from {self.hot:g} to {self.cold:g}{values}"

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, JSON-able."""
        return asdict(self)
