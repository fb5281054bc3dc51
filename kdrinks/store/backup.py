"""Backups: one ZIP of the whole home, made while questions are written, and restored into an empty home.

The database is copied inside one transaction, so that it is one state of the data whoever writes meanwhile, and into a fresh file, so that
nothing deleted before is in it. With it go the other files of the home (plans, question sets); left out is what can be made again or
belongs to the running process. `manifest.json` comes first: the rows of each table, and size and SHA-256 of each file.
"""

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import duckdb

from kdrinks.errors import BadInput, StoreDamaged, StoreNotWritable
from kdrinks.files import NotRegular, is_regular, open_regular
from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.store import forget
from kdrinks.store.db import CONFIG, Cursor, Database, now, translate_errors
from kdrinks.store.schema import MIGRATIONS

FORMAT = 1
DATABASE = "kdrinks.duckdb"
MANIFEST = "manifest.json"
MANIFEST_BYTES = 16_000_000
"""A manifest has some 100 bytes for each file and table."""
REQUESTS = "backup_requests.json"
"""Where the running app says how it is asked for a backup (backup_requests.py)."""
LEFT_OUT = ("snapshot", REQUESTS)
"""Of the home: copies for the SQL box, and what belongs to the running process."""
MODELS = ".gguf"
"""Models are downloaded again; a home that holds the folder of models would be gigabytes."""
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class _File:
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Manifest:
    schema: int
    tables: Mapping[str, int]
    files: Mapping[str, _File]


def write(db: Database, who: Visitor, file: Path) -> dict[str, int]:
    """Back up the home to file, which must not be there yet; returns how many rows each table has in it.

    Others go on reading and writing. Raises NotAllowed, BadInput where the file is there, StoreNotWritable when folder or disk refuses.
    """
    administrators_only(who)
    if file.exists():
        raise BadInput("backup_exists", path=file)
    # what a person deleted is in no copy, whether or not it could still be taken back
    forget.carry_out(db, at_once=True)
    unfinished = file.with_name(f"{file.name}.unfinished-{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".kdrinks-backup-", dir=file.parent) as folder:
            copy = Path(folder) / DATABASE
            schema, tables = _copy(db, copy)
            home = db.path.parent if db.path else None
            files = {DATABASE: copy, **({} if home is None or db.path is None else dict(_others(home, db.path)))}
            # whose words these are, nobody else reads: the mode gives the file to its owner alone from its first byte on
            with open(unfinished, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as target:
                _pack(target, schema, tables, files)
                target.flush()
                os.fsync(target.fileno())
        unfinished.rename(file)
    except OSError as exc:
        raise StoreNotWritable("backup_not_writable", path=file, cause=exc.strerror or exc) from exc
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    if db.rewrite_is_due:  # of a deletion that met this long read
        db.rewrite()
    return dict(tables)


def restore(home: Path, file: Path) -> dict[str, int]:
    """Unpack a backup into a home that has no database; returns how many rows each table had, and has again.

    A backup of an older kdrinks is brought up to date, as an old home is. What fails leaves the home as it was. Raises BadInput where the
    home is in use or the file is no whole backup, StoreDamaged where a newer kdrinks made it, StoreNotWritable.
    """
    try:
        with open_regular(file) as opened, zipfile.ZipFile(opened) as archive:
            manifest = _manifest(archive, file)
            taken = [name for name in manifest.files if os.path.lexists(home / name)]
            if taken:
                raise BadInput("restore_not_empty", path=home, file=taken[0])
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryDirectory(prefix=".restoring-", dir=home) as folder:
                _unpack(archive, manifest, Path(folder), file)
                if _counted(Path(folder) / DATABASE) != dict(manifest.tables):
                    raise BadInput("backup_damaged", path=file, cause="rows")
                # the database last: a kill before it leaves no home that looks whole
                for name in sorted(manifest.files, key=lambda name: name == DATABASE):
                    (home / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    (Path(folder) / name).rename(home / name)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, NotRegular) as exc:
        raise BadInput("backup_damaged", path=file, cause=exc) from exc
    except FileNotFoundError as exc:
        raise BadInput("backup_damaged", path=file, cause=exc.strerror) from exc
    except OSError as exc:
        raise StoreNotWritable("backup_not_writable", path=home, cause=exc.strerror or exc) from exc
    Database.open(home / DATABASE).close()
    return dict(manifest.tables)


def _copy(db: Database, copy: Path) -> tuple[int, dict[str, int]]:
    """The database in a file of its own: its last migration, and the rows of each table."""
    alias = f"backup_{copy.parent.name.rsplit('-', 1)[-1]}"  # every cursor sees an attached database: each copy has its name
    with db.cursor() as cursor, translate_errors(copy, not_writable="backup_not_writable"):
        (source,) = cast(tuple[str], cursor.execute("SELECT current_database()").fetchone())
        path = str(copy).replace("'", "''")
        cursor.execute(f"ATTACH '{path}' AS \"{alias}\"")
        try:
            cursor.begin()
            cursor.execute(f'COPY FROM DATABASE "{source}" TO "{alias}"')
            cursor.commit()
            # views of the live connection, which the next process makes again
            cursor.execute(f'DROP SCHEMA IF EXISTS "{alias}".live CASCADE')
            schema, tables = MIGRATIONS[-1][0], _rows(cursor, alias)
            cursor.execute(f'CHECKPOINT "{alias}"')
        finally:
            with suppress(duckdb.Error):  # the first error is the one to tell
                cursor.rollback()
            cursor.execute(f'DETACH "{alias}"')
    copy.chmod(0o600)
    return schema, tables


def _rows(cursor: Cursor, database: str) -> dict[str, int]:
    names = cursor.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = 'main' AND NOT internal ORDER BY 1",
        [database],
    ).fetchall()
    rows = {}
    for (name,) in names:
        counted = cursor.execute(f'SELECT count(*) FROM "{database}".main."{name}"').fetchone()
        rows[str(name)] = int(counted[0]) if counted else 0
    return rows


def _counted(copy: Path) -> dict[str, int]:
    with translate_errors(copy):
        connection = duckdb.connect(str(copy), read_only=True, config=CONFIG)
        try:
            (name,) = cast(tuple[str], connection.execute("SELECT current_database()").fetchone())
            return _rows(connection, name)
        finally:
            connection.close()


def _others(home: Path, database: Path) -> Iterator[tuple[str, Path]]:
    """The other files of a home by their names in the archive. Links are not followed: they lead out of it."""
    for folder, folders, names in os.walk(home):
        top = Path(folder)
        folders[:] = [one for one in sorted(folders) if one not in LEFT_OUT and not one.startswith(".")]
        for name in sorted(names):
            path = top / name
            ours = top == home and (name.startswith(f"{database.stem}.") or name in LEFT_OUT)
            if (
                not ours
                and not name.startswith(".")
                and path.suffix.lower() != MODELS
                and is_regular(path, follow=False)
            ):
                yield path.relative_to(home).as_posix(), path


def _pack(target: BinaryIO, schema: int, tables: Mapping[str, int], files: Mapping[str, Path]) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        packed = {}
        for name, path in files.items():
            with open_regular(path) as source:
                packed[name] = _File(*_pour(source, archive.open(name, "w", force_zip64=True)))
        manifest = {
            "format": FORMAT,
            "made_at": f"{now():%Y-%m-%dT%H:%M:%S}Z",
            "schema": schema,
            "tables": dict(tables),
            "files": {name: asdict(one) for name, one in packed.items()},
        }
        archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))


def _pour(source: BinaryIO, target: Any) -> tuple[int, str]:
    """Copy all of it; its size in bytes and SHA-256."""
    size_bytes, digest = 0, hashlib.sha256()
    with target:
        while piece := source.read(_CHUNK):
            digest.update(piece)
            target.write(piece)
            size_bytes += len(piece)
    return size_bytes, digest.hexdigest()


def _manifest(archive: zipfile.ZipFile, file: Path) -> _Manifest:
    """What a backup says of itself. Raises BadInput, StoreDamaged where a newer kdrinks made it."""
    try:
        if archive.getinfo(MANIFEST).file_size > MANIFEST_BYTES:
            raise ValueError("size")
        told = json.loads(archive.read(MANIFEST))
        if int(told["format"]) > FORMAT or int(told["schema"]) > MIGRATIONS[-1][0]:
            raise StoreDamaged("store_newer", path=file, found=told["schema"], known=MIGRATIONS[-1][0])
        files = {str(name): _File(int(one["size_bytes"]), str(one["sha256"])) for name, one in told["files"].items()}
        tables = {str(name): int(rows) for name, rows in told["tables"].items()}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as exc:
        raise BadInput("backup_damaged", path=file, cause=MANIFEST) from exc
    strange = [name for name in files if not _inside(name)]
    if strange or DATABASE not in files:
        raise BadInput("backup_damaged", path=file, cause=strange[0] if strange else DATABASE)
    return _Manifest(int(told["schema"]), tables, files)


def _inside(name: str) -> bool:
    """Whether a name stays in the folder that it is unpacked into, on every system."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not any(character in name for character in "\\:\0") and not {"..", "/"} & {*parts, name[:1]}


def _unpack(archive: zipfile.ZipFile, manifest: _Manifest, folder: Path, file: Path) -> None:
    needed, free = sum(one.size_bytes for one in manifest.files.values()), shutil.disk_usage(folder).free
    if free < needed:
        cause = f"{needed / 1e6:,.0f} MB > {free / 1e6:,.0f} MB"
        raise StoreNotWritable("backup_not_writable", path=folder, cause=cause)
    for name, told in manifest.files.items():
        try:
            info = archive.getinfo(name)
        except KeyError as exc:
            raise BadInput("backup_damaged", path=file, cause=name) from exc
        if info.file_size != told.size_bytes:  # zipfile gives no more than that, whatever the archive holds
            raise BadInput("backup_damaged", path=file, cause=name)
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with archive.open(info) as source:
            found = _pour(
                cast(BinaryIO, source),
                open(target, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)),
            )
        if found != (told.size_bytes, told.sha256):
            raise BadInput("backup_damaged", path=file, cause=name)
