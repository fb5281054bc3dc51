"""One DuckDB, opened once in a process: a fresh cursor for every read, one transaction at a time for every write.

DuckDB's own errors end here: what a person can act on becomes a StoreError; wrong SQL stays what it is, a bug with its traceback.
A finished write is on the disk (DuckDB syncs its log at each commit), so a kill -9 loses nothing that write() has left. The log is
folded into the file at 16 MB (DuckDB's default), after a migration and on close(); the next start replays what is left of it.
A store of a newer kdrinks is left byte for byte as it is; before a migration changes what is stored, one copy of the file is kept.
"""

import math
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import duckdb

from kdrinks.errors import StoreDamaged, StoreError, StoreLocked, StoreNotWritable
from kdrinks.files import is_special, keep_private
from kdrinks.store.schema import MIGRATIONS, tables_of

Cursor = duckdb.DuckDBPyConnection

# Nothing is fetched from the network because a query happened to name a function of an extension.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
READERS_S = 2.0
REWRITE_BYTES = 256e6
"""About 2 s of copying on 2 cores."""
REWRITE_SUFFIX = ".rewrite"
COPYING_SUFFIX = ".copying"
"""Of a copy that is not whole yet."""
NOT_WRITABLE = re.compile(
    r"permission denied|read-only|no space left|file too large|disk quota|operation not permitted|not a directory|is a directory",
    re.IGNORECASE,
)


def new_id() -> str:
    """A UUIDv7: 48 bits of milliseconds, 12 bits of the millisecond's fraction, 62 random bits; later ids sort later.

    Source: https://datatracker.ietf.org/doc/html/rfc9562#section-5.7 and its 6.2, method 3.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    value = milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1_000_000) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(UUID(int=value))


def now() -> datetime:
    """The present in UTC without a zone, as every created_at holds it."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """The file as it was before an update. It holds what was deleted since, so every deletion removes it."""

    path: Path
    size_bytes: int
    made_at: datetime
    """UTC without a zone."""


class Database:
    """The open store. Safe to share between threads."""

    def __init__(self, connection: Cursor, path: Path | None) -> None:
        self.path = path
        self.opened_at = now()
        """A question older than this without an answer was cut by the end of the process that asked it."""
        self.on_delete: list[Callable[[Sequence[str]], None]] = []
        """Called with the ids of conversations that were deleted, so that no cache keeps them; must return at once."""
        self.live: tuple[str, str] | None = None
        """Address and token of the connection that live.py opened."""
        self._connection = connection
        self._writing = threading.Lock()
        self._gate = threading.Condition()
        self._cursors = 0
        """Open ones; a rewrite waits until there are none and lets none begin."""
        self._shut = False

    @classmethod
    def open(cls, path: Path | None) -> "Database":
        """Open or create the file and bring its tables up to date; None keeps everything in memory.

        Raises StoreLocked while another process has it, StoreDamaged when it cannot be read, is another program's, lacks a table or is of a
        newer kdrinks (the file stays as it is), StoreNotWritable when the folder or the disk refuses, or has no room for the copy that an update keeps.
        """
        with translate_errors(path):
            try:
                if path is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    for file in (path, path.with_name(path.name + ".wal")):
                        if is_special(file):  # DuckDB would wait for the other end of a pipe for ever
                            raise StoreDamaged("store_is_special", path=file)
                    keep_private(path.parent)
            except OSError as exc:
                raise StoreNotWritable("store_not_writable", path=path, cause=exc) from exc
            connection = duckdb.connect(str(path) if path else ":memory:", config=CONFIG)
        database = cls(connection, path)
        database._keep_private()
        try:
            database._migrate()
            if path is not None and (missing := sorted(tables_of(MIGRATIONS) - database._tables())):
                raise StoreDamaged("store_incomplete", path=path, missing=", ".join(missing))
            if path is not None and database.rewrite_is_due and database._rewrite(path, math.inf):
                path.with_suffix(REWRITE_SUFFIX).unlink()
        except BaseException:
            with suppress(duckdb.Error):  # closing would fold the log into a file that is not ours to change
                database._connection.execute("PRAGMA disable_checkpoint_on_shutdown")
            database._connection.close()
            raise
        return database

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """A cursor for reading, its own connection to the same data: one shared by threads gives wrong rows."""
        with self._gate:
            self._gate.wait_for(lambda: not self._shut)
            self._cursors += 1
        try:
            with translate_errors(self.path):
                cursor = self._connection.cursor()
                try:
                    yield cursor
                finally:
                    cursor.close()
        finally:
            with self._gate:
                self._cursors -= 1
                self._gate.notify_all()

    @contextmanager
    def write(self) -> Iterator[Cursor]:
        """A cursor inside one transaction: kept whole and on disk when the block ends, gone whole when it raises.

        Writers take turns, so that none of them meets another's half and has to try again; each holds the turn for milliseconds.
        """
        with self._writing, self.cursor() as cursor:
            cursor.begin()
            try:
                yield cursor
            except BaseException:
                with suppress(duckdb.Error):  # the first error is the one to tell; closing the cursor rolls back too
                    cursor.rollback()
                raise
            cursor.commit()
            self._keep_private()

    def checkpoint(self) -> None:
        """Fold the log into the file now, so that what was deleted does not wait in it; left to the next time while a reader is at work."""
        with self._writing, self.cursor() as cursor, suppress(duckdb.TransactionException):
            cursor.execute("CHECKPOINT")

    def rewrite(self) -> bool:
        """Write the file anew, so that nothing deleted stays in it: DuckDB keeps a block as long as any row in it lives.

        False, and done by the next start, while readers are at work for longer than READERS_S, the live connection is open, or the data
        is larger than REWRITE_BYTES: nobody can read or write meanwhile.
        """
        if self.path is None:
            return True
        mark = self.path.with_suffix(REWRITE_SUFFIX)
        with self._writing, self._gate:
            mark.touch()  # before the work: a crash leaves it to the next start
            self._shut = True
            try:
                if not self.live and self._gate.wait_for(lambda: self._cursors == 0, READERS_S):
                    with translate_errors(self.path):
                        done = self._rewrite(self.path)
                    if done:
                        mark.unlink()
                    return done
            finally:
                self._shut = False
                self._gate.notify_all()
        return False

    @property
    def rewrite_is_due(self) -> bool:
        """Whether one was put off."""
        return self.path is not None and self.path.with_suffix(REWRITE_SUFFIX).exists()

    def _rewrite(self, path: Path, most_bytes: float = REWRITE_BYTES) -> bool:
        connection = self._connection
        connection.execute("CHECKPOINT")
        row = connection.execute(
            "SELECT used_blocks * block_size, database_name FROM pragma_database_size()"
        ).fetchone()
        if row is None or row[0] > most_bytes:
            return False
        fresh = path.with_suffix(".fresh")
        fresh.unlink(missing_ok=True)
        connection.execute("DROP SCHEMA IF EXISTS live CASCADE")
        connection.execute("CHECKPOINT")
        quoted = str(fresh).replace("'", "''")
        connection.execute(f"ATTACH '{quoted}' AS fresh")
        connection.execute(f'COPY FROM DATABASE "{row[1]}" TO fresh')
        connection.execute("CHECKPOINT fresh")
        connection.execute("DETACH fresh")
        connection.close()
        try:
            # a log beside the new file would be replayed over it
            if not path.with_name(path.name + ".wal").exists():
                fresh.replace(path)
        finally:
            self._connection = duckdb.connect(str(path), config=CONFIG)
            self._keep_private()
        return not fresh.exists()

    def _keep_private(self) -> None:
        """The database and its log, which DuckDB makes anew after each checkpoint, for everybody to read."""
        if self.path is not None:
            keep_private(self.path)
            keep_private(self.path.with_name(self.path.name + ".wal"))

    def close(self) -> None:
        with self._writing, translate_errors(self.path):
            self._connection.close()

    def kept_copy(self) -> KeptCopy | None:
        """The copy from before an update; None when there is none."""
        for copy in _copies(self.path) if self.path else []:
            with suppress(FileNotFoundError):  # somebody else has just removed it
                status = copy.stat()
                made_at = datetime.fromtimestamp(status.st_mtime, UTC).replace(tzinfo=None)
                return KeptCopy(copy, status.st_size, made_at)
        return None

    def drop_copy(self) -> None:
        """Remove the copy, and what a kill left of one. Raises StoreNotWritable."""
        for copy in _copies(self.path, COPYING_SUFFIX) + _copies(self.path) if self.path else []:
            try:
                copy.unlink(missing_ok=True)
            except OSError as exc:
                raise StoreNotWritable("store_not_writable", path=copy, cause=exc.strerror or exc) from exc

    def _migrate(self) -> None:
        """Apply what is missing, each migration whole or not at all: a kill leaves the rest to the next start."""
        done, newest = self._version(), MIGRATIONS[-1][0]
        if self.path and done and any(_rewrites(sql) for _, _, sql in MIGRATIONS[done:]):
            self._keep_copy(self.path, done, newest)
            done = self._version()
        if done == newest:
            return
        with self.write() as cursor:
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS migrations (number INTEGER NOT NULL, name VARCHAR NOT NULL, applied_at TIMESTAMP)"
            )
        for number, name, sql in MIGRATIONS[done:]:
            with self.write() as cursor:
                try:
                    cursor.execute(sql)
                except duckdb.CatalogException as exc:
                    if not done:
                        raise
                    raise StoreDamaged("store_incomplete", path=self.path, missing=str(exc).splitlines()[0]) from exc
                cursor.execute(
                    "INSERT INTO migrations (number, name, applied_at) VALUES (?, ?, ?)", [number, name, now()]
                )
        with self.cursor() as cursor:
            cursor.execute("CHECKPOINT")

    def _version(self) -> int:
        """The last migration that was applied, 0 in a new file. Only reads.

        Raises StoreDamaged when this kdrinks does not know it, or the tables are another program's.
        """
        done, tables = 0, self._tables()
        try:
            with self.cursor() as cursor:
                if "migrations" in tables:
                    row = cursor.execute("SELECT max(number) FROM migrations").fetchone()
                    done = int(row[0] or 0) if row else 0
        except (duckdb.BinderException, ValueError, TypeError) as exc:
            raise StoreDamaged("store_foreign", path=self.path, tables=_some(tables)) from exc
        if not done and tables - {"migrations"}:
            raise StoreDamaged("store_foreign", path=self.path, tables=_some(tables))
        if done > MIGRATIONS[-1][0]:
            raise StoreDamaged("store_newer", path=self.path, found=done, known=MIGRATIONS[-1][0])
        return done

    def _tables(self) -> set[str]:
        with self.cursor() as cursor:
            return {
                name
                for (name,) in cursor.execute(
                    "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal"
                ).fetchall()
            }

    def _keep_copy(self, path: Path, done: int, newest: int) -> None:
        """Copy the file, with all that its log holds, beside it, in place of an older copy; the connection is another one afterwards.

        An update that was killed between two of its migrations has its copy already, the only one that the kdrinks before it can read.
        """
        if any(_copy_name(path, earlier, newest).exists() for earlier in range(1, done)):
            return
        log = path.with_name(path.name + ".wal")
        size_bytes = path.stat().st_size + (log.stat().st_size if log.exists() else 0)
        # once for the copy and once for the migration: the old rows keep their blocks until the new ones are written
        needed, free = 2 * size_bytes, shutil.disk_usage(path.parent).free
        if free < needed:
            raise StoreNotWritable("store_no_room", path=path, need=f"{needed / 1e6:,.0f}", free=f"{free / 1e6:,.0f}")
        with translate_errors(path):
            self._connection.execute("CHECKPOINT")
            self._connection.close()
            # held against other programs all the while. Closing any handle of a file drops a process's POSIX locks on it, DuckDB's too,
            # so that nothing is read beside a connection that goes on
            with closing(duckdb.connect(str(path), read_only=True, config=CONFIG)):
                _copy(path, _copy_name(path, done, newest))
            self._connection = duckdb.connect(str(path), config=CONFIG)


def _some(tables: set[str]) -> str:
    return ", ".join(sorted(tables)[:3]) + (" …" if len(tables) > 3 else "")


def _rewrites(sql: str) -> bool:
    """Whether a migration does anything but make tables and fill them, so that a mistake in it could cost what was stored."""
    return any(
        statement.type not in (duckdb.StatementType.CREATE, duckdb.StatementType.INSERT)
        or re.search(r"\bCREATE\s+OR\s+REPLACE\b", statement.query, re.IGNORECASE)
        for statement in duckdb.extract_statements(sql)
    )


def _copy_name(path: Path, done: int, newest: int) -> Path:
    return path.with_name(f"{path.stem}.{done}-before-{newest}{path.suffix}")


def _copies(path: Path, suffix: str = "") -> list[Path]:
    """The copies beside a database: one, or two between the writing of one and the removing of the other."""
    named = re.compile(rf"{re.escape(path.stem)}\.\d+-before-\d+{re.escape(path.suffix + suffix)}")
    return [file for file in path.parent.iterdir() if named.fullmatch(file.name)]


def _copy(path: Path, kept: Path) -> None:
    """Under another name until it is whole and on the disk; then every older copy goes."""
    copying = kept.with_name(kept.name + COPYING_SUFFIX)
    try:
        for left in _copies(path, COPYING_SUFFIX):
            left.unlink()
        with path.open("rb") as source:
            # whose words these are, nobody else reads: "x" and the mode give the file to its owner alone from its first byte on
            with open(copying, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as target:
                shutil.copyfileobj(source, target, 2**20)
                target.flush()
                os.fsync(target.fileno())
            copying.replace(kept)
            for older in _copies(path):
                if older != kept:
                    older.unlink()
    except OSError as exc:
        with suppress(OSError):
            copying.unlink(missing_ok=True)
        raise StoreNotWritable("store_not_writable", path=copying, cause=exc.strerror or exc) from exc


@contextmanager
def translate_errors(path: Path | None, *, not_writable: str = "store_not_writable") -> Iterator[None]:
    """Turn DuckDB's errors about a file or folder into ours; not_writable: the entry under [errors] that tells what to do."""
    try:
        yield
    except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError):
        raise  # wrong SQL or a wrong value: a bug of ours
    except duckdb.Error as exc:
        raise _error(exc, str(path or ":memory:"), not_writable) from exc


def _error(exc: duckdb.Error, where: str, not_writable: str) -> StoreError:
    cause = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
    if "could not set lock on file" in cause.lower():
        process = re.search(r"\(PID (\d+)\)", str(exc))
        if process:
            return StoreLocked("store_locked_by", path=where, pid=process[1])
        return StoreLocked("store_locked", path=where)
    if NOT_WRITABLE.search(str(exc)):
        return StoreNotWritable(not_writable, path=where, cause=cause)
    if isinstance(
        exc, (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)
    ):
        return StoreDamaged("store_damaged", path=where, cause=cause)
    return StoreError("store_failed", path=where, cause=cause)
