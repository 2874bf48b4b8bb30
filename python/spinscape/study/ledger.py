"""What is in flight: which units are finished while their rows still lie in SQLite's write-ahead log.

SQLite takes a log to end at its first damaged page, and one that was cut at a commit for whole: rows would vanish
without a word. So while a store is written, a file with -ledger appended to its name lists the key of every row that
was committed, and a store that holds fewer is refused before the log is touched. The ledger is written after the
commit, so a driver that is killed in between promises less than it wrote, never more; a line that is torn or damaged
promises nothing. The file is removed when the store is one file again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


class Ledger:
    """The keys that the store of this path must hold."""

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(f"{store.name}-ledger")

    def keys(self) -> set[str]:
        """Return what was promised; nothing where there is no ledger."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return set()
        return {line[:64].decode() for line in lines if _line(line[:64]) == b"\n" + line}

    def add(self, keys: Iterable[str]) -> None:
        """Promise rows that are on disk.

        Opened each time: another driver that closes the store may have removed the file.
        """
        with self.path.open("ab", buffering=0) as file:  # one write, so that lines of several drivers do not mix
            file.write(b"".join(_line(key.encode()) for key in keys))

    def remove(self) -> None:
        """Forget the promises: the rows lie in the store's own file, where a missing one is noticed."""
        self.path.unlink(missing_ok=True)


def _line(key: bytes) -> bytes:
    """A line begins with its end, so that one torn by a full disk does not spoil the next."""
    return b"\n" + key + b" " + hashlib.sha256(key).hexdigest()[:8].encode()
