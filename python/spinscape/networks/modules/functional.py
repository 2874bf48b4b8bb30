"""A torch module and its loss as a function of one flat vector of parameters; the user's module is left alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.parameter import is_lazy

from spinscape.networks.modules.precision import DoublePrecision
from spinscape.networks.modules.samples import Part
from spinscape.networks.modules.trees import tensors_of
from spinscape.networks.torch_state import differentiating, math_attention, one_at_a_time

# Modules that take another way, without derivatives, when gradients are off.
_WITH_FAST_PATH = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)


class FunctionalModule:
    """θ -> loss(module(X), y), float64, in evaluation mode.

    module : the copy.     names : of the parameters that require a gradient, in the order of θ.
    """

    def __init__(self, module: nn.Module, loss: Callable[..., Any]) -> None:
        self._whole = _Whole(*_copied(module, loss))
        self.module = self._whole.module
        trained = {name: p for name, p in self.module.named_parameters() if p.requires_grad}
        _require_parameters(dict(self.module.named_parameters()), trained)
        self.names = list(trained)
        self.shapes = [tuple(p.shape) for p in trained.values()]
        self.lengths = [p.numel() for p in trained.values()]
        self._places = _places(self._whole, list(trained.values()))
        for p in self._whole.parameters():
            p.requires_grad_(False)  # all that varies is θ
        self._double = False  # whether something inside would make or keep single precision
        self._fused = False  # whether attention by a fused kernel, without a second derivative, is inside
        self.graph_in_energies = any(isinstance(part, _WITH_FAST_PATH) for part in self.module.modules())

    @property
    def start(self) -> NDArray[np.float64]:
        """The parameters the module had, (P,)."""
        flat = torch.cat([self.module.get_parameter(name).detach().reshape(-1) for name in self.names])
        return flat.numpy().copy()

    def value(self, theta: Tensor, part: Part) -> Tensor:
        """Return the loss of some samples, a scalar tensor."""
        slices = torch.split(theta, self.lengths)
        trained = [piece.view(shape) for piece, shape in zip(slices, self.shapes, strict=True)]
        swapped = {place: trained[number] for place, number in self._places.items()}
        # Buffers that a forward pass writes to are a copy: one evaluation does not change the next.
        swapped |= {place: buffer.clone() for place, buffer in _buffers(self._whole)}
        by_name = dict(self.module.named_parameters()) | dict(zip(self.names, trained, strict=True))
        with DoublePrecision() if self._double else nullcontext():
            value: Tensor = functional_call(self._whole, swapped, (part, by_name), tie_weights=False)
        return value

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """The state evaluations need: alone, with gradients, attention in a form that has second derivatives."""
        with one_at_a_time(), differentiating(), math_attention() if self._fused else nullcontext():
            yield

    def prepare(self, theta: Tensor, part: Part) -> None:
        """Look once at what an evaluation does: its precision, its kernels, what its value depends on."""
        with DoublePrecision() as mode:
            value = self.value(theta, part)
        self._double = mode.changed
        _require_scalar(value)
        leaves, kernels = _graph(value)
        self._fused = any("ScaledDotProduct" in name for name in kernels)
        if any(leaf is not theta for leaf in leaves):
            raise ValueError(
                "loss: depends on trainable parameters that are not the module's registered ones; a loss gets the "
                "module's by a third argument, loss(outputs, y, parameters), and a module registers its layers"
            )
        if not any(leaf is theta for leaf in leaves):
            raise ValueError(
                "loss: expected a value that varies with the parameters, got a constant; "
                "is there no_grad, detach, argmax or numpy inside?"
            )

    def with_parameters(self, theta: Tensor) -> nn.Module:
        """Return a copy of the module that has these parameters."""
        copy, _ = _copied(self.module, None)
        with torch.no_grad():
            pieces = torch.split(theta, self.lengths)
            for name, shape, piece in zip(self.names, self.shapes, pieces, strict=True):
                parameter = copy.get_parameter(name)
                parameter.copy_(piece.view(shape))
                parameter.requires_grad_(True)
        return copy


class _Whole(nn.Module):
    """Module and loss in one, so that a loss that holds the module sees the parameters of the evaluation."""

    def __init__(self, module: nn.Module, loss: Callable[..., Any]) -> None:
        super().__init__()
        self.module, self.loss = module, loss
        self._hands_parameters = _takes_parameters(loss)

    def forward(self, part: Part, parameters: Mapping[str, Tensor]) -> Tensor:
        with _naming("torch_module", "its forward pass fails on X"):
            outputs = self.module(*part.inputs, **part.named)
        shapes = [f"{tuple(t.shape)} {t.dtype}" for tree in (outputs, part.targets) for t in tensors_of(tree)]
        with _naming("loss", f"fails on outputs and y, {', '.join(shapes).replace('torch.', '')}"):
            more = {"parameters": parameters} if self._hands_parameters else {}
            value: Tensor = self.loss(outputs, part.targets, **more)
        return value


@contextmanager
def _naming(argument: str, what: str) -> Iterator[None]:
    """Errors from the user's code under the name of the argument it came in by."""
    try:
        yield
    except (MemoryError, NotImplementedError):
        raise
    except Exception as error:
        message = f"{argument}: {what}: {type(error).__name__}: {error}"
        if "can't allocate memory" in str(error):
            raise MemoryError(message) from error
        raise ValueError(message) from error


def _copied(module: nn.Module, loss: Any) -> tuple[nn.Module, Any]:
    """Copies of module and loss in float64 and evaluation mode; what one is to the other, the copies are too."""
    module = getattr(
        module, "_orig_mod", module
    )  # a compiled module has no second derivative; what it was made from has
    kept = [vars(part) for part in module.modules()]
    # An activation that a module keeps cannot be copied as long as it hangs in a graph.
    memo = {id(t): t.detach().clone() for t in tensors_of(kept) if not t.is_leaf}
    try:
        ours, theirs = deepcopy((module, loss), memo)
        for part in (ours, theirs):
            if isinstance(part, nn.Module):
                part.to("cpu").double().eval()
    except Exception as error:
        raise TypeError(f"torch_module: expected one that can be copied to float64: {error}") from error
    for part in ours.modules():
        if isinstance(part, (nn.Embedding, nn.EmbeddingBag)):
            part.sparse = False  # a sparse gradient has no place in a flat one
    return ours, theirs


def _require_parameters(all_of_them: Mapping[str, Tensor], trained: Mapping[str, Tensor]) -> None:
    for name, parameter in all_of_them.items():
        if is_lazy(parameter) or parameter.device.type == "meta":
            raise ValueError(
                f"torch_module: expected parameters with values, got none in {name!r}; call it once on data"
            )
    if not trained:
        raise ValueError("torch_module: expected parameters that require a gradient, got none")
    for name, parameter in trained.items():
        if parameter.dtype != torch.float64:
            raise ValueError(f"torch_module: expected real parameters, got {parameter.dtype} in {name!r}")
        if not parameter.isfinite().all():
            raise ValueError(f"torch_module: expected finite parameters, got nan or inf in {name!r}")


def _places(whole: nn.Module, trained: list[Tensor]) -> dict[str, int]:
    """Every place a trained parameter stands at, once a module that holds it, and its number."""
    numbers = {id(parameter): number for number, parameter in enumerate(trained)}
    return {
        f"{prefix}.{name}" if prefix else name: numbers[id(parameter)]
        for prefix, part in whole.named_modules()
        for name, parameter in part._parameters.items()
        if parameter is not None and id(parameter) in numbers
    }


def _buffers(whole: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for prefix, part in whole.named_modules():
        for name, buffer in part._buffers.items():
            if buffer is not None:
                yield f"{prefix}.{name}" if prefix else name, buffer


def _takes_parameters(loss: Callable[..., Any]) -> bool:
    call = loss.forward if isinstance(loss, nn.Module) else loss
    try:
        return "parameters" in inspect.signature(call).parameters
    except (TypeError, ValueError):  # a builtin
        return False


def _require_scalar(value: Any) -> None:
    if not isinstance(value, Tensor) or value.dim() != 0:
        raise ValueError(f"loss: expected one number, the mean over samples, got {getattr(value, 'shape', value)}")
    if not value.is_floating_point():
        raise ValueError(f"loss: expected a real number, got {value.dtype}")


def _graph(value: Tensor) -> tuple[list[Tensor], set[str]]:
    """The leaves a value depends on, and the names of the operations between."""
    leaves, names, seen, waiting = [], set(), set(), [value.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        names.add(node.name())
        leaf = getattr(node, "variable", None)  # of a node that accumulates a leaf's gradient
        if isinstance(leaf, Tensor):
            leaves.append(leaf)
        waiting.extend(following for following, _ in node.next_functions)
    return leaves, names
