"""The results store: one SQLite file holding a recipe and the results of its finished units.

SQLite itself does not notice a flipped bit, so every row carries a SHA-256 of its content. Reading a store runs no
code: arrays are npz without pickle, and a file whose schema is not exactly ours is refused. Only the process that
drives a study writes; several drivers on one store are safe, each unit is kept once. While one writes, and after it was
killed, recent rows are in the file with -wal appended to its name and are promised by the one with -ledger: the three
belong together until a driver has closed the store. Reading changes none of them.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from spinscape.arrays import as_kind, as_path
from spinscape.study.ledger import Ledger
from spinscape.study.recipe import Recipe, unit_json
from spinscape.study.records import Arrays, Record, Row, checksum, content_digest, printable
from spinscape.versions import version_info

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.figure import Figure

    from spinscape.study.experiment import ResultTable

FORMAT_VERSION = 1
APPLICATION_ID = 0x73706E73  # "spns", so that a foreign SQLite file is told from a store
PAGE_BYTES = 4096  # fixed, because salvage reads pages of a file whose header may be lost

# Versions whose stores are continued: units give the same bits. A decision record that moves a result empties this.
SAME_BITS = ("0.1.0",)

SCHEMA = {
    "recipe": "CREATE TABLE recipe (recipe TEXT NOT NULL, key TEXT NOT NULL UNIQUE, begun TEXT NOT NULL, "
    "checksum TEXT NOT NULL)",
    "units": "CREATE TABLE units (key TEXT PRIMARY KEY, unit TEXT NOT NULL, provenance TEXT NOT NULL, "
    "arrays BLOB NOT NULL, checksum TEXT NOT NULL)",
    "failures": "CREATE TABLE failures (key TEXT PRIMARY KEY, unit TEXT NOT NULL, error TEXT NOT NULL, "
    "at TEXT NOT NULL)",
}


class StoreError(ValueError):
    """A store that is foreign, of another format, of another recipe, stale or damaged; the message names the file."""


class Store:
    """An open store. `Store(path)` opens an existing one to read; `Store(path, recipe)` creates it or continues it.

    Continuing is refused with a StoreError where the file holds another recipe, or was begun by another version of the
    package or of its random streams: its rows would no longer be one study. Both are refused where rows are missing
    that were finished: the log they lay in is damaged, and is left as it is for `salvage`.
    """

    def __init__(self, path: str | os.PathLike[str], recipe: Recipe | None = None) -> None:
        self.path = as_path(path, "path")
        if recipe is not None:
            as_kind(recipe, "recipe", Recipe)
        self._file = Path(os.path.abspath(path))  # else :memory: would be no file, and a change of folder another one
        self._ledger = Ledger(self._file)
        self._writes = False
        if recipe is None and not self._file.is_file():
            raise FileNotFoundError(errno.ENOENT, "store: no such file", str(self.path))
        self._require_promised()
        if recipe is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        # A driver killed while it made the store has left a journal that only a writer may roll back.
        created_halfway = self._file.with_name(f"{self._file.name}-journal").exists()
        self._database = self._connected(read_only=recipe is None and not created_halfway)
        try:
            self._prepare(recipe)
            if recipe is not None:
                # A commit then costs one fsync instead of five (4 ms, not 28); the last to close makes it one file.
                self._journal("WAL")
                self._writes = True
            self._identity = self._present()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; everything put is already on disk."""
        if self._writes:
            with suppress(sqlite3.Error, OSError):
                self._database.execute("PRAGMA busy_timeout = 0")
                if self._journal("DELETE") == "delete":
                    self._ledger.remove()
        self._database.close()

    def done(self) -> set[str]:
        """Return the keys of the finished units."""
        return {key for (key,) in self._execute("SELECT key FROM units")}

    def put(self, unit: Mapping[str, Any], arrays: Arrays, provenance: Mapping[str, Any]) -> None:
        """Write one finished unit; it is on disk when this returns. Writing a unit twice keeps the first."""
        self.insert(Record.sealed(self.recipe, unit, arrays, provenance))

    def insert(self, *records: Record) -> None:
        """Write sealed records, all or none, and forget the failures of their units."""
        for record in records:
            as_kind(record, "records", Record)
            if not record.intact() or not record.belongs_to(self.recipe):
                raise StoreError(f"{self.path}: the result of unit {record.unit!r} did not arrive as it was sealed")
        self._require_writing()
        with self._transaction():
            for record in records:
                fields = (record.key, record.unit, record.provenance, record.arrays, record.checksum)
                self._execute("INSERT OR IGNORE INTO units VALUES (?, ?, ?, ?, ?)", *fields)
                self._execute("DELETE FROM failures WHERE key = ?", record.key)
        self.require_in_place()
        self._ledger.add(record.key for record in records)

    def quarantine(self, unit: Mapping[str, Any], error: str) -> None:
        """Note a unit that was given up, with the error of its last attempt."""
        self._require_writing()
        key, text, now = self.recipe.unit_key(unit), unit_json(unit), datetime.now(UTC).isoformat()
        told = printable(as_kind(error, "error", str))
        at = f"{now} {checksum(key, text, told, now)}"
        self._execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", key, text, told, at)
        self.require_in_place()

    @property
    def failures(self) -> list[tuple[str, str]]:
        """The units that were given up and not finished since: (unit as JSON, last error)."""
        rows = self._failure_rows()
        for key, unit, error, at in rows:
            if not self._was_noted(key, unit, error, at):
                raise StoreError(f"{self.path}: the failure of unit {unit!r} is damaged; {salvage_hint(self.path)}")
        return [(unit, error) for _, unit, error, _ in rows]

    @property
    def rows(self) -> Iterator[Row]:
        """The finished units in the order in which they were written; a damaged one raises StoreError."""
        for record in self.records():
            if not record.intact():
                raise StoreError(
                    f"{self.path}: the row of unit {record.unit!r} is damaged (checksum); {salvage_hint(self.path)}"
                )
            yield record.opened()

    def records(self) -> Iterator[Record]:
        """The rows as they are stored, damaged ones included."""
        keys = [rowid for (rowid,) in self._execute("SELECT rowid FROM units ORDER BY rowid")]
        for rowid in keys:  # one at a time, so that a large store is never in memory as a whole
            select = "SELECT key, unit, provenance, arrays, checksum FROM units WHERE rowid = ?"
            for fields in self._execute(select, rowid):
                yield Record(*fields)

    def verify(self) -> list[str]:
        """Return what is wrong, one line each; an empty list means that every row is what was written.

        Checks each row's checksum and key, SQLite's own structure, and that no row vanished between two others. (Rows
        that vanished behind all others, with a log, are missed when the store is opened.)
        """
        problems = []
        for record in self.records():
            if not record.intact():
                problems.append(f"damaged row {record.key!r}: its checksum does not fit")
            elif not record.belongs_to(self.recipe):
                problems.append(f"foreign row {record.key!r}: its key is not that of unit {record.unit}")
        count, first, last = self._execute("SELECT count(*), min(rowid), max(rowid) FROM units")[0]
        if count and last - first + 1 != count:
            problems.append(f"missing rows: {count} rows are numbered from {first} to {last}")
        problems += [f"damaged failure {row[0]!r}" for row in self._failure_rows() if not self._was_noted(*row)]
        structure = [line for (line,) in self._execute("PRAGMA integrity_check")]
        return problems + [f"SQLite: {line}" for line in structure if line != "ok"]

    @property
    def digest(self) -> str:
        """SHA-256 of all units and arrays, without provenance: equal for equal results, however they were computed."""
        return content_digest(list(self.rows))

    def table(self) -> ResultTable:
        """Return what the experiment reads its results as: `rows()` for all of it, and its own attributes."""
        from spinscape.study import catalogue

        return catalogue.table_of_store(self)

    def draw(self) -> dict[str, Figure]:
        """Return the experiment's figures by name; needs `pip install 'spinscape[study]'`."""
        from spinscape.study import catalogue

        return catalogue.figures_of_store(self)

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write the table as .csv, .parquet or .nc; the last two need `pip install 'spinscape[export]'`."""
        from spinscape.study import export

        return export.write(self, path)

    def to_pandas(self) -> pandas.DataFrame:
        """Return the table (study/table.py) as a DataFrame; needs `pip install 'spinscape[export]'`."""
        from spinscape.study import export

        return export.to_pandas(self)

    def to_xarray(self) -> xarray.Dataset:
        """Return the table as a Dataset along `sample`; needs `pip install 'spinscape[export]'`."""
        from spinscape.study import export

        return export.to_xarray(self)

    def require_in_place(self) -> None:
        """Raise an OSError where the file was removed or replaced since it was opened: nobody would find its rows.

        What it holds is written to a new file beside it first.
        """
        with suppress(OSError):
            if self._present() == self._identity:
                return
        rescued = self._file.with_name(f"{self._file.name}-rescued")
        self._execute("VACUUM INTO ?", str(rescued))
        gone = "store: it was removed or replaced while it was written"
        raise FileNotFoundError(errno.ENOENT, f"{gone}; its rows are in {rescued}", str(self.path))

    def _present(self) -> tuple[int, int]:
        state = self._file.stat()
        return state.st_dev, state.st_ino

    def _require_writing(self) -> None:
        if not self._writes:
            raise StoreError(f"{self.path} was opened to read; Store(path, recipe) opens it to write")

    def _require_promised(self) -> None:
        """Refuse a store that lacks finished rows, before anything can write to its log or delete it."""
        promised = self._ledger.keys()  # first: a driver that runs adds to the rows, then to the ledger
        if not promised:
            return
        missing = promised
        if self._file.is_file() and self._file.stat().st_size > 0:
            self._database = self._connected(read_only=True)
            try:
                missing = promised - self.done()
            finally:
                self._database.close()
        if missing:
            raise StoreError(
                f"{self.path} lacks {len(missing):,} of {len(promised):,} units that were finished when it was last "
                f"written ({self._ledger.path.name} lists them): it, or the file with -wal appended, is damaged or "
                f"gone; {salvage_hint(self.path)}"
            )

    def _connected(self, read_only: bool) -> sqlite3.Connection:
        """A connection that only reads leaves the log alone; another one, closed last, empties it into the file."""
        name = self._file.as_uri() + "?mode=ro" if read_only else self._file
        try:
            return sqlite3.connect(name, timeout=60, isolation_level=None, uri=read_only)
        except sqlite3.OperationalError as error:
            raise OSError(errno.EIO, f"store: {error}", str(self.path)) from None

    def _failure_rows(self) -> list[Any]:
        return self._execute("SELECT key, unit, error, at FROM failures ORDER BY rowid")

    def _was_noted(self, *row: Any) -> bool:
        """Whether a row of failures is as it was written; 0.1.0 wrote the time without a checksum behind it."""
        if not all(isinstance(text, str) for text in row):
            return False
        key, unit, error, at = row
        moment, _, sealed = at.partition(" ")
        if sealed:
            return sealed == checksum(key, unit, error, moment)
        try:
            datetime.fromisoformat(moment)
            return key == self.recipe.unit_key(json.loads(unit))
        except (ValueError, TypeError):
            return False

    def _execute(self, statement: str, *parameters: Any) -> list[Any]:
        try:
            return self._database.execute(statement, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._named(error) from error

    def _named(self, error: sqlite3.DatabaseError) -> Exception:
        """Return the error that names the file: OSError where the disk failed, StoreError where the content did."""
        if isinstance(error, sqlite3.ProgrammingError):
            return ValueError(f"{self.path}: the store is closed")
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        numbers = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_IOERR: errno.EIO, sqlite3.SQLITE_BUSY: errno.EBUSY}
        numbers |= {sqlite3.SQLITE_READONLY: errno.EROFS, sqlite3.SQLITE_CANTOPEN: errno.EIO}
        if code in numbers:
            return OSError(numbers[code], f"store: {error}", str(self.path))
        return StoreError(f"{self.path} is not a readable spinscape store: {error}; {salvage_hint(self.path)}")

    def _prepare(self, recipe: Recipe | None) -> None:
        self._execute("PRAGMA trusted_schema = OFF")
        (tables,) = self._execute("SELECT count(*) FROM sqlite_master")[0]
        if tables == 0 and recipe is not None:
            self._create(recipe)
        (application,), (version,) = (self._execute(f"PRAGMA {name}")[0] for name in ("application_id", "user_version"))
        if application != APPLICATION_ID:
            raise StoreError(f"{self.path} is not a spinscape store" + (": it is empty" if tables == 0 else ""))
        if version != FORMAT_VERSION:
            raise StoreError(f"{self.path} has store format {version}; this package reads format {FORMAT_VERSION}")
        found = dict(self._execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        if found != SCHEMA:
            raise StoreError(f"{self.path} is not a spinscape store: its tables are {sorted(map(str, found))}")
        self._read_recipe(recipe)

    def _read_recipe(self, recipe: Recipe | None) -> None:
        entries = self._execute("SELECT recipe, key, begun, checksum FROM recipe")
        if len(entries) != 1 or not all(isinstance(field, str) for field in entries[0]):
            raise StoreError(f"{self.path}: its recipe is damaged; {salvage_hint(self.path)}")
        text, key, begun, sealed = entries[0]
        if sealed != checksum(text, key, begun):
            raise StoreError(f"{self.path}: its recipe is damaged (checksum); {salvage_hint(self.path)}")
        self.recipe, self.begun = Recipe.from_json(text), begun
        if recipe is not None and recipe.key != key:
            raise StoreError(f"{self.path} holds recipe {key[:12]}, not {recipe.key[:12]}; choose another store")
        if recipe is not None and begun not in {_begun(version) for version in (None, *SAME_BITS)}:
            raise StoreError(f"{self.path} was begun with {begun}, this is {_begun()}; choose another store")

    def _create(self, recipe: Recipe) -> None:
        fields = (recipe.canonical(), recipe.key, _begun())
        self._execute(f"PRAGMA page_size = {PAGE_BYTES}")
        with self._transaction():
            if self._execute("SELECT count(*) FROM sqlite_master")[0] == (0,):  # else another process was faster
                for statement in SCHEMA.values():
                    self._execute(statement)
                self._execute("INSERT INTO recipe VALUES (?, ?, ?, ?)", *fields, checksum(*fields))
                self._execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._execute(f"PRAGMA user_version = {FORMAT_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:  # SQLite has rolled back by itself where the disk was full
                self._database.rollback()
            raise

    def _journal(self, mode: str) -> str:
        """Change the journal where no other process has the file open; else leave it. Return what it is now."""
        with suppress(sqlite3.OperationalError):
            return str(self._database.execute(f"PRAGMA journal_mode = {mode}").fetchone()[0])
        return ""


def _begun(version: str | None = None) -> str:
    """Return what all rows of a store must share, besides the recipe; of this version of the package or of another."""
    info = version_info()
    return f"spinscape {version or info['spinscape']}, streams {info['stream_version']}"


def salvage_hint(path: Path) -> str:
    """Return what to do about a damaged file."""
    return f"`spinscape verify --salvage NEW {path}` keeps its intact rows"
