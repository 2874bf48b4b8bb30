"""Intact rows out of a damaged store, read from the pages of the file without trusting SQLite's structure.

A table row lies in a cell of a leaf page, its tail in a chain of overflow pages; pages written last may still be in the
-wal file (https://www.sqlite.org/fileformat2.html, sections 1.6, 2.1 and 4.1). Every page is tried as a leaf; what
parses is kept only if its SHA-256 fits, so a wrong guess cannot produce a wrong row.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinscape.arrays import as_kind, as_path
from spinscape.study.ledger import Ledger
from spinscape.study.recipe import Recipe
from spinscape.study.records import Record, checksum
from spinscape.study.store import PAGE_BYTES, Store, StoreError

_LEAF_HEADER, _LOG_HEADER, _FRAME_HEADER = 8, 32, 24


@dataclass(frozen=True)
class Salvaged:
    """What was found: the rows written to the new store, where they are, and how many known to be finished are lost."""

    path: Path
    rows: int
    lost: int = 0


def salvage(damaged: str | os.PathLike[str], target: str | os.PathLike[str], recipe: Recipe | None = None) -> Salvaged:
    """Write the intact rows of `damaged` into a new store; the damaged file is only read.

    recipe : needed only where the recipe itself is damaged. Rows of another recipe are left out.
    """
    if as_path(target, "target").exists():
        raise FileExistsError(f"target: {target} exists; choose a new file")
    source = Path(os.path.abspath(as_path(damaged, "damaged")))
    if recipe is not None:
        as_kind(recipe, "recipe", Recipe)
    found = recipe or _recipe_of(source)
    if found is None:
        raise StoreError(f"{damaged}: its recipe is lost; pass the recipe to salvage its rows")
    with Store(target, found) as store:
        kept: set[str] = set()
        for values in _tuples(source, columns=5):
            record = Record(*values)
            if record.key not in kept and record.intact() and record.belongs_to(found):
                store.insert(record)
                kept.add(record.key)
        return Salvaged(Path(target), len(kept), len(Ledger(source).keys() - kept))


def _states(path: Path) -> Iterator[tuple[list[bytes], Iterable[int]]]:
    """The pages after each commit and the places of those that it changed: the file's own, then commit by commit.

    Every state is looked at, because a page that is damaged in the last one may be whole in an earlier one, and because
    behind the last commit there may be older pages of a log that was begun anew.
    """
    content = path.read_bytes() if path.exists() else b""
    pages = [content[start : start + PAGE_BYTES] for start in range(0, len(content), PAGE_BYTES)]
    yield pages, range(len(pages))
    log = path.with_name(path.name + "-wal")
    frames = log.read_bytes()[_LOG_HEADER:] if log.exists() else b""
    changed: list[int] = []
    for start in range(0, len(frames), _FRAME_HEADER + PAGE_BYTES):
        number, committed = (int.from_bytes(frames[k : k + 4]) for k in (start, start + 4))
        if 0 < number <= len(pages) + len(frames) // PAGE_BYTES:
            pages.extend(b"" for _ in range(number - len(pages)))
            pages[number - 1] = frames[start + _FRAME_HEADER : start + _FRAME_HEADER + PAGE_BYTES]
            changed.append(number - 1)
        if committed:
            yield pages, changed
            changed = []
    yield pages, range(len(pages))  # pages of the file may go with pages of the log


def _recipe_of(path: Path) -> Recipe | None:
    for values in _tuples(path, columns=4):
        if all(isinstance(value, str) for value in values) and values[3] == checksum(*values[:3]):
            return Recipe.from_json(values[0])
    return None


def _tuples(path: Path, columns: int) -> Iterator[list[Any]]:
    """All cells of all pages, in every state of the file, that parse as a table row of so many columns."""
    for pages, changed in _states(path):
        for number in changed:
            page, header = pages[number], 0 if number else 100  # the first page begins with the file's own header
            count = int.from_bytes(page[header + 3 : header + 5])
            for k in range(min(count, PAGE_BYTES // 2)):
                place = header + _LEAF_HEADER + 2 * k
                try:
                    yield _parsed(_payload(pages, page, int.from_bytes(page[place : place + 2])), columns)
                except (IndexError, ValueError):  # not a row of this table, or cut off
                    continue


def _payload(pages: list[bytes], page: bytes, position: int) -> bytes:
    size, position = _varint(page, position)
    _, position = _varint(page, position)  # the row number
    if size > len(pages) * PAGE_BYTES:
        raise ValueError("longer than the file")
    local = _local_bytes(size)
    parts, missing = [page[position : position + local]], size - local
    overflow = int.from_bytes(page[position + local : position + local + 4])
    while missing:
        if not 0 < overflow <= len(pages):
            raise ValueError("the chain of overflow pages ends early")
        taken = min(missing, PAGE_BYTES - 4)
        parts.append(pages[overflow - 1][4 : 4 + taken])
        overflow, missing = int.from_bytes(pages[overflow - 1][:4]), missing - taken
    return b"".join(parts)


def _local_bytes(size: int) -> int:
    """How much of a payload lies in the leaf page itself (section 1.6)."""
    most, least = PAGE_BYTES - 35, (PAGE_BYTES - 12) * 32 // 255 - 23
    if size <= most:
        return size
    rest = least + (size - least) % (PAGE_BYTES - 4)
    return rest if rest <= most else least


def _parsed(payload: bytes, columns: int) -> list[Any]:
    end, position = _varint(payload, 0)
    kinds: list[int] = []
    while position < end and len(kinds) <= columns:
        kind, position = _varint(payload, position)
        kinds.append(kind)
    if len(kinds) != columns or any(kind < 12 for kind in kinds):  # 12 and above: blobs (even) and texts (odd)
        raise ValueError("not a row of this table")
    values: list[Any] = []
    for kind in kinds:
        size = (kind - 12) // 2
        content = payload[position : position + size]
        values.append(content.decode() if kind % 2 else content)
        position += size
    return values


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Read SQLite's big-endian variable-length integer of up to 9 bytes; return it and the position behind it."""
    value = 0
    for k in range(9):
        byte = data[position + k]
        if k == 8:
            return value << 8 | byte, position + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, position + k + 1
