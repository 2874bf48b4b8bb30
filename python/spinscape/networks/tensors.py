"""Arrays as tensors of their own."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

_TYPES = {torch.empty(0, dtype=kind).numpy().dtype: kind for kind in (
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
    torch.float16, torch.float32, torch.float64, torch.complex64, torch.complex128,
)}  # fmt: skip


def tensor_of(array: NDArray[Any]) -> Tensor:
    """Return a copy of an array of whatever strides, in memory aligned as torch aligns its own."""
    tensor = torch.empty(array.shape, dtype=_TYPES[array.dtype.newbyteorder("=")])
    tensor.numpy()[...] = array
    return tensor
