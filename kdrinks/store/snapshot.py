"""A Parquet copy of the documented views, which the SQL box reads instead of the store (sqlbox.py).

The copy lies beside the database in `snapshot/<data version>/`; a new one is written when something was stored since, and a deletion removes
it. What the views leave out: sessions, and the folders of files on this machine.
"""

import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kdrinks.errors import StoreNotWritable
from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.store.db import Database, translate_errors
from kdrinks.store.views import VIEWS

_making = threading.Lock()
_readers: Counter[Path] = Counter()
"""How many queries are reading each folder: a folder that is out of date goes when its last reader has left."""
_outdated: set[Path] = set()
_in_memory = Path(tempfile.gettempdir()) / "kdrinks-snapshot"


@contextmanager
def open_snapshot(db: Database, who: Visitor, data_version: str) -> Iterator[Path]:
    """The folder of the copy of this data version, one file NAME.parquet for each view; written now unless it is there.

    It stays for as long as the block lasts. Raises StoreNotWritable when the folder or disk refuses, NotAllowed.
    """
    administrators_only(who)
    folder = _home(db) / data_version.replace("/", "-").replace(":", "").replace(" ", "T")
    with _making:
        if not folder.exists():
            _remove_unread(db)
            _write(db, folder)
        _readers[folder] += 1
    try:
        yield folder
    finally:
        with _making:
            _readers[folder] -= 1
            if folder in _outdated:
                _remove_unread(db)


def drop_snapshots(db: Database) -> None:
    """Remove the copies: what was deleted from the store is in no file once the queries under way have ended."""
    with _making:
        _remove_unread(db)


def _remove_unread(db: Database) -> None:
    for folder in list(_home(db).iterdir()) if _home(db).exists() else []:
        if _readers[folder] > 0:
            _outdated.add(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            _outdated.discard(folder)
            del _readers[folder]
    with suppress(OSError):  # not empty: a query is reading
        _home(db).rmdir()


def _write(db: Database, folder: Path) -> None:
    unfinished = folder.with_name("unfinished")
    try:
        unfinished.mkdir(parents=True)
    except OSError as exc:
        raise StoreNotWritable("export_not_writable", path=unfinished, cause=exc.strerror or exc) from exc
    with db.cursor() as cursor, translate_errors(unfinished, not_writable="export_not_writable"):
        cursor.begin()  # one state of the data in all files
        for view in VIEWS:
            file = str(unfinished / f"{view.name}.parquet").replace("'", "''")
            cursor.execute(f"COPY ({view.sql}) TO '{file}' (FORMAT parquet)")
    unfinished.rename(folder)  # last, so that a folder with its final name is whole


def _home(db: Database) -> Path:
    return db.path.parent / "snapshot" if db.path else _in_memory / str(id(db))
