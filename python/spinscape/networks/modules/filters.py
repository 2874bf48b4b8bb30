"""Groups of a torch module's parameters: the incoming weights of every unit or filter."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.conv import _ConvTransposeNd

from spinscape.networks.modules.functional import FunctionalModule


def filters_of(function: FunctionalModule) -> list[NDArray[np.int64]]:
    """Return the coordinates of each group: a row of a weight, a filter of a convolution; vectors are in none."""
    starts = accumulate(function.lengths, initial=0)
    groups: list[NDArray[np.int64]] = []
    for name, shape, start in zip(function.names, function.shapes, starts, strict=False):
        if len(shape) >= 2:
            places = start + np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
            owner = function.module.get_submodule(name.rpartition(".")[0])
            groups += [unit.ravel() for unit in _units(places, owner)]
    return groups


def _units(places: NDArray[np.int64], owner: nn.Module) -> list[NDArray[np.int64]]:
    if not isinstance(owner, _ConvTransposeNd):
        return list(places)
    # (inputs, outputs of a group, ...): an output sees the inputs of its own group.
    return [block[:, unit] for block in np.split(places, owner.groups) for unit in range(places.shape[1])]
