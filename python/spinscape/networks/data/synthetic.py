"""Synthetic problems whose laws are known: Gaussian blobs, Gaussian mixtures, teacher and student."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_array, as_integer, as_number, as_real, described
from spinscape.networks.architecture import Architecture
from spinscape.networks.data.dataset import Data
from spinscape.randomness import RNG, child_seeds


def gaussian_blobs(
    inputs: int, classes: int, train: int, test: int = 1000, *, separation: float = 3.0, rng: RNG = None
) -> Data:
    """Return `classes` equally likely Gaussian clouds of unit variance, one a class.

    Centres are independent N(0, separation² / (2 inputs)) in each coordinate, so that two are about `separation` apart.
    """
    as_integer(inputs, "inputs", 1)
    as_integer(classes, "classes", 2)
    memory.require(16 * classes * inputs, f"classes: {classes} centres of {inputs} inputs")
    scale = _as_deviation(separation, "separation") / np.sqrt(2 * inputs)
    centres, noise = child_seeds(rng, 2)
    means = scale * np.random.default_rng(centres).normal(size=(classes, inputs))
    return gaussian_mixture(means, np.arange(classes), train, test, rng=noise)


def gaussian_mixture(
    means: Any, labels: Any, train: int, test: int = 1000, *, sd: float = 1.0, rng: RNG = None
) -> Data:
    """Return samples of equally likely Gaussian components N(means[k], sd² I), component k of class labels[k]."""
    centres = as_real(means, "means", np.dtype(np.float64))
    if centres.ndim != 2:
        raise ValueError(f"means: expected shape (components, inputs), got {centres.shape}")
    of_component = as_array(labels, "labels")
    integers = of_component.dtype.kind in "iu" and of_component.size > 0
    if of_component.shape != (len(centres),) or not integers or of_component.min() < 0:
        raise ValueError(f"labels: expected ({len(centres)},) classes from 0, got {labels!r}")
    spread = _as_deviation(sd, "sd")

    def draw(count: int, name: str, seed: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        generator = np.random.default_rng(seed)
        component = generator.integers(len(centres), size=_as_samples(count, name, centres.shape[1]))
        inputs = np.empty((count, centres.shape[1]), dtype=np.float32)
        for rows in _blocks(count):
            inputs[rows] = centres[component[rows]] + spread * generator.normal(size=inputs[rows].shape)
        return inputs, of_component[component].astype(np.int64)

    first, second = child_seeds(rng, 2)
    classes = max(2, int(of_component.max()) + 1)
    return Data(*draw(train, "train", first), *draw(test, "test", second), classes=classes, name="Gaussian mixture")


def teacher_student(
    architecture: Architecture, train: int, test: int = 1000, *, noise: float = 0.0, rng: RNG = None
) -> Data:
    """Return standard Gaussian inputs with the outputs of a random network, the teacher.

    With one output the target is the teacher's output plus N(0, noise²), otherwise the class of its largest output
    (noise added to each). A student of the same architecture can represent it exactly: the loss reaches its minimum.
    """
    if not isinstance(architecture, Architecture):
        raise TypeError(f"architecture: expected an Architecture, got {described(architecture)}")
    weights, seed = child_seeds(rng, 2)
    generator = np.random.default_rng(seed)
    teacher = architecture.initial(1, rng=weights)[0]
    deviation = _as_deviation(noise, "noise")

    def draw(count: int, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
        samples = _as_samples(count, name, sum(architecture.widths))
        inputs = np.empty((samples, architecture.inputs), dtype=np.float32)
        outputs = np.empty((samples, architecture.outputs))
        for rows in _blocks(samples):
            inputs[rows] = generator.normal(size=inputs[rows].shape)
        for rows in _blocks(samples):
            outputs[rows] = architecture.outputs_of(teacher, inputs[rows])
            outputs[rows] += deviation * generator.normal(size=outputs[rows].shape)
        return inputs, outputs[:, 0] if architecture.outputs == 1 else outputs.argmax(axis=1)

    parts = (*draw(train, "train"), *draw(test, "test"))
    return Data(*parts, classes=architecture.outputs, name="teacher and student")


def _blocks(samples: int) -> Iterator[slice]:
    """Blocks of samples: an interrupt waits for one, and the stream's order is that of all at once."""
    return (slice(first, min(first + 10_000, samples)) for first in range(0, samples, 10_000))


def _as_samples(count: int, name: str, numbers: int) -> int:
    """Return the number of samples, if so many with so many numbers each fit into memory."""
    samples = as_integer(count, name, 1)
    memory.require(32 * samples * numbers, f"{name}: {samples} samples of {numbers} numbers")
    return samples


def _as_deviation(value: float, name: str) -> float:
    """Return a standard deviation that samples in float32 can have."""
    deviation = as_number(value, name, 0.0)
    if deviation > 1e35:
        raise ValueError(f"{name}: expected at most 1e35, for samples are float32, got {deviation}")
    return deviation
