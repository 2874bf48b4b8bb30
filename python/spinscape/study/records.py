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

from spinscape.arrays import described
from spinscape.study.recipe import Recipe, unit_json

Arrays = dict[str, NDArray[Any]]

MAX_BYTES = 999_000_000  # of a row: SQLite's limit is 10^9, the rest is for its texts


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
        """Return the record of a unit's results.

        TypeError or ValueError names a result that would not come back from a file as it is: an array with a mask or of
        Python objects, a name that is no text, more bytes than a row can hold.
        """
        key, text, where, blob = (
            recipe.unit_key(unit),
            unit_json(unit),
            unit_json(provenance, "provenance"),
            encode(arrays),
        )
        if len(blob) > MAX_BYTES:
            raise ValueError(f"results: expected at most {MAX_BYTES:,} bytes a unit, got {len(blob):,}; cut the unit")
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


def printable(text: str) -> str:
    """Return a text that is UTF-8: a file name in an error message need not be."""
    return text.encode(errors="backslashreplace").decode()


def checksum(*parts: str | bytes) -> str:
    """SHA-256 of the parts, each preceded by its length."""
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "little") + part for part in encoded)).hexdigest()


def encode(arrays: Mapping[str, Any]) -> bytes:
    """Return arrays as npz bytes, the same for the same arrays; TypeError or ValueError names what cannot be kept."""
    if not isinstance(arrays, Mapping):
        raise TypeError(f"results: expected a mapping of names to arrays, got {described(arrays)}")
    plain = {_name(name): _plain(array, f"results[{name!r}]") for name, array in arrays.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(plain):
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, plain[name], allow_pickle=False)
    return buffer.getvalue()


def decode(blob: bytes) -> Arrays:
    """Return the arrays of `encode`."""
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        # np.load takes the name "a.npy" for another spelling of "a".
        return {name.removesuffix(".npy"): _read(archive.open(name)) for name in archive.namelist()}


def _read(member: Any) -> NDArray[Any]:
    with member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _name(name: Any) -> str:
    """A name that an archive keeps as it is: it cuts one at a NUL, and holds UTF-8."""
    if not isinstance(name, str):
        raise TypeError(f"results: expected names of arrays that are text, got {described(name)}")
    if "\0" in name or name != name.encode(errors="replace").decode():
        raise ValueError(f"results: expected names of arrays without NUL, in UTF-8, got {name!r}")
    return name


def _plain(value: Any, name: str) -> NDArray[Any]:
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected an array without a mask, got a masked array; fill it first")
    try:
        array = np.asanyarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise TypeError(f"{name}: expected an array, got {described(value)}: {error}") from None
    if array.dtype.hasobject:
        raise ValueError(f"{name}: expected numbers or text, got Python objects (dtype {array.dtype})")
    return array


def content_digest(rows: list[Row]) -> str:
    """SHA-256 of what was computed, whatever computed it: units and arrays in the order of their keys."""
    whole = hashlib.sha256()
    for row in sorted(rows, key=lambda row: row.key):
        whole.update(row.key.encode())
        for name, array in sorted(row.arrays.items()):
            head = f"{name}|{array.dtype.str}|{array.shape}"
            whole.update(checksum(head, np.ascontiguousarray(array).tobytes()).encode())
    return whole.hexdigest()
