"""Training and test sets, checked once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape.arrays import as_array, as_integer, as_real, described
from spinscape.randomness import RNG, seed_from

FLOAT32 = np.dtype(np.float32)


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """A classification or regression problem.

    train_inputs, test_inputs : (samples, inputs) float32. All arrays are copies of what was given, and read-only.
    train_targets, test_targets : (samples,) int64 classes 0 .. classes - 1; or float64 numbers where classes is 1, such
        as ±1 for the hinge and logistic losses.
    classes : outputs a network needs.
    name : where it is from.
    """

    train_inputs: NDArray[np.float32]
    train_targets: NDArray[Any]
    test_inputs: NDArray[np.float32]
    test_targets: NDArray[Any]
    classes: int
    name: str = "data"

    def __post_init__(self) -> None:
        classes = as_integer(self.classes, "classes", 1)
        if not isinstance(self.name, str):
            raise TypeError(f"name: expected text, got {described(self.name)}")
        for part in ("train", "test"):
            inputs = as_real(getattr(self, f"{part}_inputs"), f"{part}_inputs", FLOAT32)
            if inputs.ndim != 2:
                raise ValueError(f"{part}_inputs: expected shape (samples, inputs), got {inputs.shape}")
            targets = as_targets(getattr(self, f"{part}_targets"), f"{part}_targets", inputs.shape[0], classes)
            self._keep(f"{part}_inputs", inputs)
            self._keep(f"{part}_targets", targets)
        if self.train_inputs.shape[1] != self.test_inputs.shape[1]:
            shapes = self.train_inputs.shape, self.test_inputs.shape
            raise ValueError(f"test_inputs: expected as many inputs as train_inputs has, got {shapes[1]}, {shapes[0]}")

    def _keep(self, name: str, array: NDArray[Any]) -> None:
        """Keep a copy that nobody changes by mistake."""
        array = array.copy()
        array.flags.writeable = False
        object.__setattr__(self, name, array)

    @property
    def inputs(self) -> int:
        """Numbers a sample has."""
        return int(self.train_inputs.shape[1])

    def subset(self, train: int | None = None, test: int | None = None, *, rng: RNG = None) -> Data:
        """Return `train` training and `test` test samples drawn at random without replacement (None: all)."""
        generator = np.random.default_rng(seed_from(rng))
        chosen: dict[str, Any] = {}
        for part, count in (("train", train), ("test", test)):
            inputs, targets = getattr(self, f"{part}_inputs"), getattr(self, f"{part}_targets")
            if count is not None:
                rows = generator.permutation(len(inputs))[: as_integer(count, part, 1, len(inputs))]
                inputs, targets = inputs[rows], targets[rows]
            chosen |= {f"{part}_inputs": inputs, f"{part}_targets": targets}
        return replace(self, **chosen)

    def binary(self, positive: Collection[int]) -> Data:
        """Return the problem of telling the classes `positive` (+1) from the others (-1), for one output."""
        if self.classes < 2:
            raise ValueError("positive: expected a problem with classes, got one with a single output")
        try:
            wanted = [as_integer(label, "positive", 0, self.classes - 1) for label in positive]
        except TypeError:
            raise TypeError(f"positive: expected classes, got {described(positive)}") from None
        if not 0 < len(set(wanted)) < self.classes:
            raise ValueError(f"positive: expected some of the {self.classes} classes, not none or all, got {wanted}")

        def signs(targets: NDArray[Any]) -> NDArray[np.float64]:
            return np.where(np.isin(targets, wanted), 1.0, -1.0)

        ours: dict[str, Any] = {"train_targets": signs(self.train_targets), "test_targets": signs(self.test_targets)}
        return replace(self, **ours, classes=1)

    def __repr__(self) -> str:
        train, test = len(self.train_inputs), len(self.test_inputs)
        return f"Data({self.name!r}, {train} training and {test} test samples of {self.inputs}, classes={self.classes})"


def as_targets(value: Any, name: str, samples: int, classes: int) -> NDArray[Any]:
    """Return targets of `samples` samples: int64 classes, or float64 where there is one output."""
    array = as_array(value, name)
    if array.shape != (samples,):
        raise ValueError(f"{name}: expected shape ({samples},), got {array.shape}")
    if classes == 1:
        return as_real(array, name, np.dtype(np.float64))
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integer classes, got dtype {array.dtype}")
    if samples and not 0 <= int(array.min()) <= int(array.max()) < classes:
        raise ValueError(f"{name}: expected classes from 0 to {classes - 1}, got {array.min()} to {array.max()}")
    return array.astype(np.int64)
