"""A path as the disk spells it, for one that a person typed: macOS writes 막걸리.gguf in NFD, keyboards write NFC."""

import os
from pathlib import Path

from kdrinks.text.typed import clean


def on_disk(path: Path) -> Path:
    """The path itself where something is there; else the one thing that a reader could not tell from it, folder by folder."""
    if os.path.lexists(path):
        return path
    found = Path(path.anchor)
    for part in path.parts[1:] if path.anchor else path.parts:
        found = found / part if os.path.lexists(found / part) else found / _spelled(found, part)
    return found if os.path.lexists(found) else path


def _spelled(folder: Path, part: str) -> str:
    try:
        alike = [name for name in os.listdir(folder) if clean(name) == clean(part)]
    except OSError:
        return part
    return alike[0] if len(alike) == 1 else part
