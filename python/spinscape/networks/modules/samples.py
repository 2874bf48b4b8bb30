"""Samples of a torch landscape: read once, copied, in float64, and cut into parts that are worked on in turn."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from spinscape import memory
from spinscape.arrays import as_array
from spinscape.networks.modules.trees import mapped, tensors_of
from spinscape.networks.tensors import tensor_of


@dataclass(frozen=True)
class Part:
    """Some samples: what the module is called with, by position and by name, and the targets."""

    inputs: tuple[Any, ...]
    named: Mapping[str, Any]
    targets: Any

    @property
    def samples(self) -> int | None:
        """Their number, the first axis of every tensor; None where the tensors do not agree about it."""
        lengths = {len(tensor) if tensor.dim() else 1 for tensor in tensors_of(self.tree())}
        return lengths.pop() if len(lengths) == 1 else None

    @property
    def nbytes(self) -> int:
        """The bytes of all tensors."""
        return sum(tensor.nbytes for tensor in tensors_of(self.tree()))

    def rows(self, chosen: slice | Tensor) -> Part:
        """Return some of the samples."""
        return Part(*mapped(lambda tensor: tensor[chosen], self.tree()))

    def with_targets(self, dtype: torch.dtype) -> Part:
        """Return the samples with targets of integers or booleans converted."""
        return Part(
            self.inputs, self.named, mapped(lambda y: y if y.is_floating_point() else y.to(dtype), self.targets)
        )

    def chunks(self, chunk: int) -> list[Part]:
        """Return the samples in parts of `chunk`, the last one shorter."""
        return [self.rows(slice(first, first + chunk)) for first in range(0, self.samples or 0, chunk)]

    def tree(self) -> tuple[Any, ...]:
        """Return inputs, named inputs and targets."""
        return self.inputs, self.named, self.targets


def joined(parts: list[Part]) -> Part:
    """Return the samples of all parts as one; ValueError where their shapes do not allow it."""
    trees = [part.tree() for part in parts]
    columns = zip(*(tensors_of(tree) for tree in trees), strict=True)
    try:
        whole = iter([torch.cat(column) for column in columns])
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"X: expected batches that can be joined, got other shapes: {error}") from None
    return Part(*mapped(lambda _: next(whole), trees[0]))


def read(module: torch.nn.Module, X: Any, y: Any) -> list[Part]:
    """Return the samples as they came: one part of (X, y), or one a batch where y is None and X yields such pairs.

    A tuple of arrays is passed by position; a mapping by name where `forward` has its names, else as one input.
    """
    if y is not None:
        return [_part(module, X, y)]
    if isinstance(X, (Tensor, np.ndarray, Mapping, str)) or not isinstance(X, Iterable):
        raise TypeError(f"y: expected the targets, or batches (X, y) that X yields, got None beside {_kind(X)}")
    parts = []
    for number, pair in enumerate(X):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"X: expected batches that are pairs (X, y), got {_kind(pair)} as batch {number}")
        parts.append(_part(module, *pair))
        memory.require(2 * parts[-1].nbytes, f"X: batch {number + 1}")
    if not parts:
        raise ValueError("X: expected at least one batch (X, y), got none")
    return parts


def _part(module: torch.nn.Module, X: Any, y: Any) -> Part:
    targets = _tree(y, "y", several=True)
    if isinstance(X, Mapping):
        inputs = {name: _tree(value, f"X[{name!r}]", several=True) for name, value in X.items()}
        part = Part((), inputs, targets) if _has_names(module, inputs) else Part((inputs,), {}, targets)
    elif isinstance(X, tuple) and any(isinstance(one, (Tensor, np.ndarray, Mapping)) for one in X):
        part = Part(tuple(_tree(one, f"X[{k}]", several=True) for k, one in enumerate(X)), {}, targets)
    else:
        part = Part((_tree(X, "X", several=False),), {}, targets)
    if not any(tensor.numel() for tensor in tensors_of(part.inputs + tuple(part.named.values()))):
        raise ValueError("X: expected at least one sample, got none")
    return part


def _has_names(module: torch.nn.Module, inputs: Mapping[str, Any]) -> bool:
    parameters = inspect.signature(module.forward).parameters
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return True
    return all(name in parameters for name in inputs)


def _tree(value: Any, name: str, several: bool) -> Any:
    """Copies of all arrays, floating point in float64; what is no array (None, a flag, text) stays."""
    if isinstance(value, Mapping):
        return {key: _tree(part, f"{name}[{key!r}]", several) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(_tree(part, f"{name}[{k}]", several) for k, part in enumerate(value))
    if several and (value is None or isinstance(value, (str, bool))):
        return value
    return _tensor(value, name, several)


def _tensor(value: Any, name: str, several: bool) -> Tensor:
    if not isinstance(value, Tensor):
        array = (
            np.asarray(value) if isinstance(value, np.ndarray) and value.dtype.kind == "b" else as_array(value, name)
        )
        if array.dtype.kind == "u" and array.dtype.itemsize > 1:
            if array.size and int(array.max()) > np.iinfo(np.int64).max:
                raise ValueError(f"{name}: expected integers below 2^63, got {array.max()}")
            array = array.astype(np.int64)
        value = tensor_of(array)
    if value.layout is not torch.strided or value.is_quantized or value.device.type == "meta":
        raise TypeError(f"{name}: expected a dense tensor with values, got {value.layout} on {value.device}")
    if not value.is_floating_point():
        return value.detach().cpu().clone()
    memory.require(8 * value.numel(), f"{name}: a float64 copy of shape {tuple(value.shape)}")
    wide = value.detach().to("cpu", torch.float64, copy=True)
    # Several inputs may hold masks of -inf; a single one is data.
    if wide.isnan().any() or (not several and not wide.isfinite().all()):
        raise ValueError(f"{name}: expected finite values, got nan or inf")
    return wide


def _kind(value: Any) -> str:
    return type(value).__name__
