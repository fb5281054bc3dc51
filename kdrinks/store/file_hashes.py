"""The hashes of large files, taken once: good for as long as a file's path, size and time of change are the same."""

from pathlib import Path

from kdrinks.store.db import Database, now


def known(db: Database, path: Path) -> str:
    """SHA-256 (hex) of the file as it is now; "" when it was never taken, or the file has changed since or is gone."""
    stamp = stamp_of(path)
    if stamp is None:
        return ""
    with db.cursor() as cursor:
        row = cursor.execute(
            "SELECT sha256 FROM file_hashes WHERE path = ? AND size_bytes = ? AND modified_ns = ? ORDER BY created_at DESC LIMIT 1",
            [str(path.absolute()), *stamp],
        ).fetchone()
    return str(row[0]) if row else ""


def keep(db: Database, path: Path, sha256: str, stamp: tuple[int, int]) -> bool:
    """Remember a hash; stamp: stamp_of the file before it was read. False, and nothing kept, when it has changed meanwhile."""
    if stamp_of(path) != stamp:
        return False
    with db.write() as cursor:
        cursor.execute("DELETE FROM file_hashes WHERE path = ?", [str(path.absolute())])
        cursor.execute(
            "INSERT INTO file_hashes (path, size_bytes, modified_ns, sha256, created_at) VALUES (?, ?, ?, ?, ?)",
            [str(path.absolute()), *stamp, sha256, now()],
        )
    return True


def stamp_of(path: Path) -> tuple[int, int] | None:
    """(bytes, nanoseconds of the last change); None when there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
