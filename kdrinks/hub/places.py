"""Which files of a folder, and of those below it, are named like GGUF files, in whatever layout another program keeps them.

LM Studio has publisher/repository/file.gguf, the Hugging Face cache models--owner--name/snapshots/hash/file.gguf with links into blobs/.
Looks at names and links only: what a file holds is read elsewhere.
"""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

DEPTH = 5
"""Folders below the first: a linked Hugging Face cache has four, and one more where a repository has folders."""
MOST_FOLDERS = 3000
"""Looked into at most, for a folder may be somebody's whole disk; this many take about 0.1 s."""


def is_named_gguf(name: str) -> bool:
    """Whatever the case of the ending: some programs write .GGUF."""
    return name.lower().endswith(".gguf")


def gguf_files(folder: Path) -> list[Path]:
    """What is named like a GGUF file there, in the order of the names; each file once, where it lies least deep.

    Links are followed. Folders that nobody may look into are told too, folders that are named so and hold none, and links that lead
    nowhere: a person misses what should be there.
    """
    files: list[Path] = []
    folders: list[Path] = []
    real: set[str] = set()
    for path, depth, is_folder in _entries(folder):
        if is_folder:
            folders.append(path)
            continue
        own = os.path.realpath(path)
        # of two names side by side a person made both; a cache has one for each of its revisions
        if depth < 2 or own not in real:
            files.append(path)
            real.add(own)
    holding = {parent for path in files for parent in path.parents}
    return sorted([*files, *(path for path in folders if path not in holding)])


def _entries(folder: Path) -> Iterator[tuple[Path, int, bool]]:
    """(path, depth, whether it is a folder) of all that may matter, level by level."""
    waiting = deque([(folder, 0)])
    looked: set[str] = set()
    while waiting and len(looked) < MOST_FOLDERS:
        here, depth = waiting.popleft()
        real = os.path.realpath(here)
        if real in looked or not os.path.isdir(here):  # a link may lead back up
            continue
        looked.add(real)
        try:
            names = sorted(os.listdir(here)) if os.access(here, os.X_OK) else None
        except OSError:
            names = None
        if names is None:
            yield here, depth, True
            continue
        for name in names:
            path = here / name
            if os.path.isdir(path):
                if depth < DEPTH:
                    waiting.append((path, depth + 1))
                if is_named_gguf(name):
                    yield path, depth, True
            elif is_named_gguf(name) or (depth == 0 and _leads_nowhere(path)):
                yield path, depth, False


def _leads_nowhere(path: Path) -> bool:
    """Whether it is a link, as of a folder that was moved."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        pass
    return False
