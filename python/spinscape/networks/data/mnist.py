"""MNIST: the 10x10 version that ships with the package, and readers of IDX files of your own.

Licence and origin of the shipped file lie beside it: LICENSE.mnist10, PROVENANCE.md.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_choice, as_flag, as_integer, described
from spinscape.networks.data.dataset import Data
from spinscape.networks.data.images import METHODS, downsample

MNIST_SHA256: Mapping[str, str] = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_SHIPPED_SHA256 = "78f4e06772230363591287e12b9d28ee40ab21c6031fd1d06ac0f8003d8daa5b"
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@lru_cache(maxsize=1)
def load_mnist10() -> Data:
    """Return all of MNIST at 10x10: 60,000 training and 10,000 test images of 100 pixels in [0, 1], 10 classes.

    One object for the whole process, its arrays read-only.

    The data ship with the package and are checked against their SHA-256. To work on fewer, use `.subset(rng=...)`,
    which draws at random: leading slices of MNIST's test set are not representative.
    """
    content = files("spinscape.networks.data").joinpath("mnist10.npz").read_bytes()
    _require_sha256(content, _SHIPPED_SHA256, "mnist10.npz")
    from io import BytesIO

    with np.load(BytesIO(content), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return _data({name: array / np.float32(255) if "images" in name else array for name, array in arrays.items()})


def read_mnist(folder: str | os.PathLike[str], side: int = 10, method: str = "area", *, verify: bool = True) -> Data:
    """Return MNIST from the four IDX files in `folder` (or the same gzipped), downsampled to side x side.

    method : "area" (rounded to 8 bits, side 10: what `load_mnist10` gives), "bilinear" or "crop".
    verify : check the SHA-256 of each file against MNIST's; False for other data in the same format.
    """
    place, side = _as_path(folder, "folder"), as_integer(side, "side", 1, 28)
    as_choice(method, "method", METHODS)
    checked = as_flag(verify, "verify")
    arrays: dict[str, NDArray[Any]] = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        for kind, dimension in (("images", 3), ("labels", 1)):
            name = f"{prefix}-{kind}-idx{dimension}-ubyte"
            found = next((path for path in (place / name, place / f"{name}.gz") if path.exists()), None)
            if found is None:
                raise ValueError(f"folder: expected {name} or {name}.gz in {folder}")
            array = read_idx(found, MNIST_SHA256[name] if checked else None)
            if kind == "images":
                array = np.round(downsample(array, side, method)).astype(np.float32) / np.float32(255)
            arrays[f"{part}_{kind}"] = array
    return _data(arrays)


def read_idx(path: str | os.PathLike[str], sha256: str | None = None) -> NDArray[Any]:
    """Return the array of an IDX file, gzipped or not; ValueError if it is damaged or has another SHA-256.

    sha256 : of the file's content, after unpacking.
    """
    source = _as_path(path, "path")
    if sha256 is not None and not isinstance(sha256, str):
        raise TypeError(f"sha256: expected text or None, got {described(sha256)}")
    try:
        with gzip.open(source) if source.suffix == ".gz" else source.open("rb") as file:
            content = file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"path: {source.name} is damaged: {error}") from error
    if sha256 is not None:
        _require_sha256(content, sha256, f"sha256: {source.name}")
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise ValueError(f"path: expected an IDX file, {source.name} does not begin like one")
    dtype, dimensions = np.dtype(_IDX_TYPES[content[2]]), content[3]
    head = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(content[4 + 4 * k : 8 + 4 * k], "big") for k in range(dimensions))
    if len(content) != head + prod(shape) * dtype.itemsize:
        raise ValueError(f"path: expected {prod(shape)} numbers of shape {shape} in {source.name}, got other sizes")
    memory.require(prod(shape) * dtype.itemsize, f"path: an array of shape {shape}")
    return np.frombuffer(content, dtype, offset=head).reshape(shape).astype(dtype.newbyteorder("="))


def _as_path(value: Any, name: str) -> Path:
    try:
        return Path(value)
    except TypeError:
        raise TypeError(f"{name}: expected a path, got {described(value)}") from None


def _data(arrays: Mapping[str, NDArray[Any]]) -> Data:
    def rows(name: str) -> NDArray[Any]:
        return arrays[name].reshape(len(arrays[name]), -1)

    side = arrays["train_images"].shape[1]
    labels = {name: arrays[name].astype(np.int64) for name in ("train_labels", "test_labels")}
    return Data(
        rows("train_images"),
        labels["train_labels"],
        rows("test_images"),
        labels["test_labels"],
        classes=10,
        name=f"MNIST {side}x{side}",
    )


def _require_sha256(content: bytes, expected: str, name: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ValueError(f"{name}: expected SHA-256 {expected}, got {found}; the file is damaged or another one")
