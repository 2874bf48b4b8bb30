"""Double precision everywhere: a module meant for float32 computes in float64, tensors it makes or keeps included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_WIDER = {
    torch.float32: torch.float64,
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
    torch.complex64: torch.complex128,
}
_NARROWING = (Tensor.float, Tensor.half, Tensor.bfloat16)


class DoublePrecision(TorchFunctionMode):
    """Inside, single precision does not exist: factories, conversions and tensors kept outside become float64.

    changed : whether anything had to be converted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.changed = False

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call the function with wide arguments and widen what it returns."""
        if func in _NARROWING:
            self.changed, func = True, Tensor.double
        return self._wide(func(*self._wide(args), **self._wide(dict(kwargs or {}))))

    def _wide(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            wider = _WIDER.get(value.dtype)
            if wider is None:
                return value
            self.changed = True
            return value.to(wider)
        if isinstance(value, torch.dtype):
            self.changed = self.changed or value in _WIDER
            return _WIDER.get(value, value)
        if type(value) is dict:
            return {name: self._wide(part) for name, part in value.items()}
        if isinstance(value, (tuple, list)) and not isinstance(value, torch.Size):
            parts = [self._wide(part) for part in value]
            same = all(new is old for new, old in zip(parts, value, strict=True))
            if same:
                return value
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        return value
