"""Results in files: numpy's npz with a JSON header, read without pickle.

A file holds arrays of numbers and a text, nothing that can be executed. Reading trusts none of it: a class is looked up
by its name among the known ones, an array is read only where its header agrees with the size of its entry in the
archive, and a file whose parts would not fit in memory is refused before they are read.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from math import prod
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from spinscape import memory
from spinscape.arrays import as_path
from spinscape.results.result import CLASSES, Result
from spinscape.results.stopping import StopReason
from spinscape.versions import __version__

FORMAT = "spinscape result"
FORMAT_VERSION = 1

_HEADER = "header.json"
_LATE = ("networks", "theory")  # rooms whose results are known once they are imported
_LARGEST_HEADER = 1 << 24
_STORED: dict[str, type[Any]] = {}

Kind = TypeVar("Kind", bound=type[Any])


def storable(kind: Kind) -> Kind:
    """Let a frozen dataclass (a schedule, a count) be part of results in files."""
    if _STORED.setdefault(kind.__name__, kind).__module__ != kind.__module__:
        raise TypeError(f"{kind.__name__}: expected another name, for {_STORED[kind.__name__].__module__} has it")
    return kind


def save(result: Result, path: Path) -> Path:
    """Write a result to a file, as a whole or not at all."""
    arrays: dict[str, NDArray[Any]] = {}
    content = _encoded(result, arrays, "")
    header = {"format": FORMAT, "format_version": FORMAT_VERSION, "spinscape": __version__, "content": content}
    text = json.dumps(header)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_HEADER, text)
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, array, allow_pickle=False)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # as any other new file
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path


def load(path: str | Path) -> Result:
    """Return the result of a file that `Result.save` wrote.

    Raises ValueError where the file is no such file, or of a class that is not known; MemoryError where it would not
    fit. Nothing in a file is ever executed.
    """
    place = as_path(path, "path")
    with place.open("rb") as file:
        try:
            found = _read(file, place)
        except MemoryError:
            raise
        except Exception as error:  # what a damaged or a hostile archive raises depends on where it is wrong
            raise ValueError(f"path: expected a file that Result.save wrote, got {place}: {error}") from error
    if not isinstance(found, Result):
        raise ValueError(f"path: expected a result in {place}, got {type(found).__name__}")
    return found


def _read(file: IO[bytes], place: Path) -> Any:
    with zipfile.ZipFile(file) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        memory.require(2 * sum(entry.file_size for entry in entries.values()), f"path: the result in {place}")
        header = _header(archive, entries)
        parts = {name.removesuffix(".npy"): entry for name, entry in entries.items() if name.endswith(".npy")}
        arrays = {name: _array(archive, entry) for name, entry in parts.items()}
    return _decoded(header["content"], arrays)


def _header(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> dict[str, Any]:
    if _HEADER not in entries or entries[_HEADER].file_size > _LARGEST_HEADER:
        raise ValueError("no header of a result in it")
    header = json.loads(archive.read(_HEADER))
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError("its header is of another format")
    if header.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"its format is version {header.get('format_version')!r}, known is {FORMAT_VERSION} "
            f"(it was written by spinscape {header.get('spinscape')!r})"
        )
    return header


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    """Read an array whose claims about itself agree with the size of its entry."""
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, fortran, dtype = read(stream)
        if dtype.kind not in "biufcU" or any(size < 0 for size in shape):
            raise ValueError(f"{entry.filename} holds {dtype}, no numbers")
        size = dtype.itemsize * prod(int(length) for length in shape)
        if size > entry.file_size:
            raise ValueError(f"{entry.filename} claims {size:,} bytes and has {entry.file_size:,}")
        data = stream.read()
    if len(data) != size:
        raise ValueError(f"{entry.filename} claims {size:,} bytes and has {len(data):,}")
    return np.frombuffer(bytearray(data), dtype).reshape(shape, order="F" if fortran else "C")


def _encoded(value: Any, arrays: dict[str, NDArray[Any]], name: str) -> Any:
    """A value as JSON; arrays are put aside under the path of names that leads to them."""
    if isinstance(value, StopReason):
        return {"stop": value.name}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return _encoded(value.item(), arrays, name)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcU":
        arrays[name] = value
        return {"array": name}
    if isinstance(value, (tuple, list)):
        items = [_encoded(item, arrays, f"{name}.{k}") for k, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, dict):
        return {"dict": [[_encoded(key, arrays, ""), _encoded(value[key], arrays, f"{name}.{key}")] for key in value]}
    if isinstance(value, Result) or _STORED.get(type(value).__name__) is type(value):
        names = [field.name for field in fields(cast(Any, value))]
        content = {field: _encoded(getattr(value, field), arrays, f"{name}.{field}".lstrip(".")) for field in names}
        return {"class": type(value).__name__, "room": _room(type(value)), "fields": content}
    raise TypeError(f"{name}: a {type(value).__name__} cannot be written to a file without pickle")


def _decoded(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return [_decoded(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "tuple" in value:
        return tuple(_decoded(item, arrays) for item in value["tuple"])
    if "dict" in value:
        return {_decoded(key, arrays): _decoded(item, arrays) for key, item in value["dict"]}
    if "stop" in value:
        return StopReason.__members__[value["stop"]]
    kind = _class_of(value["class"], value.get("room"))
    return _made(kind, {name: _decoded(item, arrays) for name, item in value["fields"].items()})


def _made(kind: type[Any], given: dict[str, Any]) -> Any:
    """The object of these fields, if they are the class's, and its rows are equally many."""
    own = {field.name: field for field in fields(kind)}
    needed = {name for name, field in own.items() if field.default is MISSING and field.default_factory is MISSING}
    if not needed <= set(given) <= set(own):
        raise ValueError(f"expected the fields {', '.join(own)} of a {kind.__name__}, got {', '.join(given)}")
    rows = {name: given[name] for name in given if own[name].metadata.get("row") and given[name] is not None}
    if not all(isinstance(value, (np.ndarray, Result)) for value in rows.values()):
        raise ValueError(f"expected arrays as the rows of a {kind.__name__}")
    if len({len(value) for value in rows.values()}) > 1:
        raise ValueError(f"expected equally many rows in all fields of a {kind.__name__}")
    return kind(**given)


def _class_of(name: str, room: Any) -> type[Any]:
    if name not in CLASSES and room in _LATE:
        import_module(f"spinscape.{room}")
    kind: type[Any] | None = CLASSES.get(name, _STORED.get(name))
    if kind is None or not is_dataclass(kind):
        raise ValueError(f"{name!r} is no known result; import the module that defines it first")
    return kind


def _room(kind: type[Any]) -> str | None:
    package, *rest = kind.__module__.split(".")
    return rest[0] if package == "spinscape" and rest else None
