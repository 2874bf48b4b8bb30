"""One finished unit as it is kept: texts, a blob of arrays, and a SHA-256 over all of them.

A record is sealed where the unit was computed and checked again wherever it is read, so that neither the way to the
driver nor the file can change a number unseen. Arrays are an uncompressed npz without pickle: reading runs no code.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape.study.recipe import Recipe, canonical_json

Arrays = dict[str, NDArray[Any]]


def joined(parts: Sequence[Arrays]) -> Arrays:
    """Return each array of several units' results, the units' one after the other; nothing for no units."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


@dataclass(frozen=True)
class Row:
    """One finished unit: its JSON-able arguments, where and how it was computed, and its arrays."""

    key: str
    unit: Mapping[str, Any]
    provenance: Mapping[str, Any]
    arrays: Arrays


@dataclass(frozen=True)
class Record:
    """A row in the form in which it travels and is stored."""

    key: str
    unit: str
    provenance: str
    arrays: bytes
    checksum: str

    @classmethod
    def sealed(cls, recipe: Recipe, unit: Mapping[str, Any], arrays: Arrays, provenance: Mapping[str, Any]) -> Self:
        """Return the record of a unit's results; a ValueError names an array that holds Python objects."""
        key, text, where, blob = recipe.unit_key(unit), canonical_json(unit), canonical_json(provenance), encode(arrays)
        return cls(key, text, where, blob, checksum(key, text, where, blob))

    def intact(self) -> bool:
        """Whether every field has the type and, together, the checksum with which it was sealed."""
        texts = (self.key, self.unit, self.provenance, self.checksum)
        if not all(isinstance(text, str) for text in texts) or not isinstance(self.arrays, bytes):
            return False
        return self.checksum == checksum(self.key, self.unit, self.provenance, self.arrays)

    def belongs_to(self, recipe: Recipe) -> bool:
        """Whether the key is that of this unit in `recipe`."""
        return self.key == recipe.unit_key(json.loads(self.unit))

    def opened(self) -> Row:
        """Return the row."""
        return Row(self.key, json.loads(self.unit), json.loads(self.provenance), decode(self.arrays))


def checksum(*parts: str | bytes) -> str:
    """SHA-256 of the parts, each preceded by its length."""
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "little") + part for part in encoded)).hexdigest()


def encode(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays as npz bytes, the same for the same arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(arrays[name]), allow_pickle=False)
    return buffer.getvalue()


def decode(blob: bytes) -> Arrays:
    """Return the arrays of `encode`."""
    with np.load(io.BytesIO(blob), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def content_digest(rows: list[Row]) -> str:
    """SHA-256 of what was computed, whatever computed it: units and arrays in the order of their keys."""
    whole = hashlib.sha256()
    for row in sorted(rows, key=lambda row: row.key):
        whole.update(row.key.encode())
        for name, array in sorted(row.arrays.items()):
            head = f"{name}|{array.dtype.str}|{array.shape}"
            whole.update(checksum(head, np.ascontiguousarray(array).tobytes()).encode())
    return whole.hexdigest()
