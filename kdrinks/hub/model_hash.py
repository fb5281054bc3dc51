"""What a model is by its content: the hash of its file, or of all its parts, taken once and kept in the store."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from kdrinks.errors import ModelError, ModelNotFound
from kdrinks.files import open_regular
from kdrinks.hub.gguf import parts_of, unreadable
from kdrinks.store import file_hashes
from kdrinks.store.db import Database

PIECE_BYTES = 1 << 20


def known(db: Database, path: Path) -> str:
    """The hash (hex) of a model or an adapter; "" until it was taken, and again when one of its files has changed."""
    try:
        hashes = [file_hashes.known(db, part) for part in parts_of(path)]
    except ModelError:  # gone, or a part of it
        return ""
    if not all(hashes):
        return ""
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def take(db: Database, path: Path, progress: Callable[[int, int], None] = lambda done, of: None) -> str:
    """Read the files whose hash is not known and keep it; returns what known() says then.

    progress: told the bytes read and their total, once a megabyte; what it raises ends the reading, and nothing half is kept.
    Raises ModelNotFound, NotAModel, StoreError.
    """
    parts = parts_of(path)
    total, done = sum(part.stat().st_size for part in parts if part.exists()), 0
    for part in parts:
        stamp = file_hashes.stamp_of(part)
        if stamp is None:
            raise ModelNotFound("model_file_missing", file=str(part))
        if file_hashes.known(db, part):
            done += stamp[0]
            continue
        digest = hashlib.sha256()
        try:
            with open_regular(part) as stream:
                while piece := stream.read(PIECE_BYTES):
                    digest.update(piece)
                    done += len(piece)
                    progress(done, total)
        except OSError as exc:
            raise unreadable(part, exc) from exc
        file_hashes.keep(db, part, digest.hexdigest(), stamp)
    return known(db, path)
