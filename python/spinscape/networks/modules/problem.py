"""What a torch landscape sums over: parts of the samples, and how the losses of parts make the loss of all."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spinscape import memory
from spinscape.networks.modules import batch_norm as batch_norms
from spinscape.networks.modules.functional import FunctionalModule
from spinscape.networks.modules.samples import Part, joined, read
from spinscape.networks.modules.trees import tensors_of
from spinscape.networks.tensors import tensor_of

# Bytes of activations that a pass keeps for its derivatives, at most, where the loss can be taken apart: an interrupt
# waits for a pass.
_GRAPH_BYTES = 2**24
_PROBE = 32  # samples that are looked at for what all of them will do
_BETWEEN = 1e-9  # relative difference that is rounding


@dataclass(frozen=True)
class Problem:
    """Parts of the samples; the loss of all is the weighted sum of theirs.

    mean : whether the loss is a mean over samples (True), a sum (False), or was never taken apart (None).
    graph_bytes : what the largest part keeps for its derivatives.
    """

    function: FunctionalModule
    parts: tuple[Part, ...]
    weights: tuple[float, ...]
    mean: bool | None
    graph_bytes: int

    @classmethod
    def of(cls, function: FunctionalModule, X: object, y: object, chunk: int | None, batch_norm: str) -> Problem:
        """Read the samples, look at one evaluation, and cut them into parts."""
        parts = read(function.module, X, y)
        theta = tensor_of(function.start).requires_grad_()
        if batch_norm != "running":
            _require_normalising(function)
        with function.evaluating():
            if batch_norm == "batch":
                batch_norms.use_batch(function.module)
                parts = [joined(parts)] if len(parts) > 1 else parts
            parts = _with_targets(function, theta, parts)
            if batch_norm == "fixed":
                whole = joined(parts) if len(parts) > 1 else parts[0]
                batch_norms.fix(function.module, lambda: function.value(theta, whole))
        with function.evaluating():  # anew: attention may need another kernel now
            _require_repeatable(function, theta, _probe(parts[0]))
            return _cut(function, theta, parts, chunk)

    @property
    def samples(self) -> int | None:
        """Their number; None where the tensors of a part do not agree about it."""
        numbers = [part.samples for part in self.parts]
        return None if None in numbers else sum(number for number in numbers if number is not None)

    def weighted(self) -> Iterator[tuple[Part, float]]:
        """Yield the parts and the weights of their losses."""
        return zip(self.parts, self.weights, strict=True)

    def require_memory(self, graphs: int) -> None:
        """Raise MemoryError unless so many times what a part keeps fits into memory."""
        if self.graph_bytes <= _GRAPH_BYTES:
            return  # a look at the system's memory takes longer than it is worth
        largest = max(part.samples or 0 for part in self.parts)
        memory.require(graphs * self.graph_bytes, f"chunk: derivatives of a pass of {largest or 'all'} samples")

    def require_mean(self, theta: Tensor) -> bool:
        """Return whether the loss is a mean (or a sum) over samples; ValueError where it is neither."""
        mean = self.mean if self.mean is not None else _reduction(self.function, theta, self.parts[0])
        if mean is None:
            raise ValueError("loss: expected a mean or a sum over samples, for parts of them")
        return mean

    def rows(self, chosen: Tensor, mean: bool) -> Problem:
        """Return what some of the samples contribute."""
        firsts = torch.tensor([0, *[part.samples or 0 for part in self.parts]]).cumsum(0)
        parts, share = [], sum(self.weights) / int(firsts[-1])
        for part, low, high in zip(self.parts, firsts[:-1], firsts[1:], strict=True):
            inside = chosen[(chosen >= low) & (chosen < high)] - low
            if len(inside):
                parts.append(part.rows(inside))
        weights = [share * (part.samples or 0) if mean else 1.0 for part in parts]
        return Problem(self.function, tuple(parts), tuple(weights), mean, self.graph_bytes)


def _require_normalising(function: FunctionalModule) -> None:
    if not batch_norms.normalising(function.module):
        raise ValueError("batch_norm: expected 'running' for a module without batch normalisation")


def _with_targets(function: FunctionalModule, theta: Tensor, parts: list[Part]) -> list[Part]:
    """The parts with integer or boolean targets of the type that the loss takes: as they are, int64 or float64."""
    failure: Exception | None = None
    for dtype in (None, torch.int64, torch.float64):
        tried = parts if dtype is None else [part.with_targets(dtype) for part in parts]
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message="Using a target size", category=UserWarning)
                probe = _probe(tried[0])
                function.prepare(theta, probe)
                torch.autograd.grad(function.value(theta, probe), theta)
            return tried
        except (ValueError, RuntimeError) as error:
            failure = failure or error
    assert failure is not None
    raise failure if isinstance(failure, ValueError) else ValueError(f"loss: has no gradient: {failure}") from failure


def _require_repeatable(function: FunctionalModule, theta: Tensor, part: Part) -> None:
    first, second = (float(function.value(theta, part).detach()) for _ in range(2))
    if not np.isclose(first, second, rtol=_BETWEEN, atol=0.0, equal_nan=True):
        raise ValueError(
            f"torch_module: expected one loss of the same parameters, got {first} and {second}; it is random in "
            "evaluation mode too (functional.dropout without training=self.training, noise)"
        )


def _cut(function: FunctionalModule, theta: Tensor, parts: list[Part], chunk: int | None) -> Problem:
    """Cut the samples into parts that keep little, if their losses make the loss of all."""
    counted = all(part.samples is not None for part in parts)
    if not counted and (len(parts) > 1 or chunk is not None):
        name = "chunk" if chunk is not None else "X"
        raise ValueError(f"{name}: expected tensors with the samples along their first axis, to take them apart")
    kept = max(_graph_bytes(function, theta, part) for part in parts)
    limit = chunk if chunk is not None else _affordable(kept, parts)
    mean: bool | None = None
    if len(parts) > 1 or any((part.samples or 0) > limit for part in parts):
        mean = _reduction(function, theta, *parts[:2])
        if mean is None and (len(parts) > 1 or chunk is not None):
            raise ValueError("loss: expected a mean or a sum over samples, to take them apart")
        if mean is not None:
            parts = [piece for part in parts for piece in part.chunks(limit)]
            kept = max(_graph_bytes(function, theta, part) for part in parts[:1] + parts[-1:])
    total = sum(part.samples or 0 for part in parts)
    weights = [(part.samples or 0) / total if mean and len(parts) > 1 else 1.0 for part in parts]
    problem = Problem(function, tuple(parts), tuple(weights), mean, kept)
    problem.require_memory(2)
    return problem


def _affordable(kept: int, parts: list[Part]) -> int:
    """Samples of a pass that keep `_GRAPH_BYTES`, where the largest part keeps `kept`."""
    most = max(part.samples or 0 for part in parts)
    return most if kept <= _GRAPH_BYTES else max(1, most * _GRAPH_BYTES // kept)


def _probe(part: Part) -> Part:
    """A few of the samples, or all where they cannot be told apart."""
    return part if part.samples is None or part.samples <= _PROBE else part.rows(slice(0, _PROBE))


def _graph_bytes(function: FunctionalModule, theta: Tensor, part: Part) -> int:
    """Return the bytes that one pass of a part keeps for its derivatives, from those of a few of its samples."""
    probe, kept = _probe(part), {}
    there = {tensor.untyped_storage().data_ptr() for tensor in tensors_of((theta, probe.tree()))}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in there:
            kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value = function.value(theta, probe)
    del value
    return sum(kept.values()) * (part.samples or 1) // (probe.samples or 1)


def _reduction(function: FunctionalModule, theta: Tensor, part: Part, other: Part | None = None) -> bool | None:
    """Whether a loss is a mean over samples, or a sum (False), or neither (None), from those of a few samples."""
    few = _probe(part)
    if other is None:
        if few.samples is None:
            return None
        if few.samples == 1:
            return True
        cut = max(1, few.samples // 3)
        first, second, whole = few.rows(slice(0, cut)), few.rows(slice(cut, None)), few
    else:
        first, second = few, _probe(other)
        try:
            whole = joined([first, second])
        except ValueError:
            return True  # batches of other shapes cannot be compared: their losses are taken as means
    a, b, both = (function.value(theta, piece).detach() for piece in (first, second, whole))
    m, n = first.samples or 0, second.samples or 0
    for mean, together in ((True, (m * a + n * b) / (m + n)), (False, a + b)):
        if torch.allclose(together, both, rtol=_BETWEEN, atol=1e-300):
            return mean
    return None
