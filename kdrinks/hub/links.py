"""Model files that lie elsewhere on the disk, used where they are: a link in the models folder stands for each.

Symbolic links, or hard links where the system keeps those for administrators (Windows). Knows files and GGUF headers, no page.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from kdrinks.config import Settings
from kdrinks.errors import BadInput, ModelError, ModelNotFound
from kdrinks.hub.gguf import PART, later_part, parts_of, read_model
from kdrinks.records import ModelFile

FOLDERS: Sequence[str] = (
    ".lmstudio/models/*/*/*.gguf",
    ".cache/lm-studio/models/*/*/*.gguf",
    ".cache/huggingface/hub/models--*/snapshots/*/*.gguf",
    ".cache/huggingface/hub/models--*/snapshots/*/*/*.gguf",
    ".cache/llama.cpp/*.gguf",
    ".ollama/models/blobs/sha256-*",
    "Downloads/*.gguf",
)
"""Where other programs keep their models, under a person's home."""
MOST = 60
SMALLEST_BYTES = 1 << 20


def link(
    source: Path, settings: Settings, *, ways: Sequence[Callable[[Path, Path], None]] = (os.symlink, os.link)
) -> ModelFile:
    """Makes a GGUF file, all parts of a split one, appear in the models folder without copying it; returns it as it is there.

    ways: tried in turn to make a link (source, link).
    Raises ModelNotFound and NotAModel for what is no model, BadInput when it is in the folder already, its name is taken
    or the system makes no links.
    """
    source = source.expanduser().absolute()
    if not _is_file(source):
        raise ModelNotFound("link_no_file", file=source)
    model, parts = read_model(source), parts_of(source)
    if parts[0].parent.resolve() == settings.models.resolve():
        raise BadInput("link_inside", file=source.name)
    targets = [settings.models / _name(part, model) for part in parts]
    for part, target in zip(parts, targets, strict=True):
        if os.path.lexists(target):
            same = target.exists() and target.samefile(part)
            raise BadInput("link_there" if same else "link_name_taken", file=target.name)
    settings.models.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for part, target in zip(parts, targets, strict=True):
        try:
            _make(part, target, ways)
        except OSError as exc:
            for one in made:
                one.unlink()
            raise BadInput("link_refused", file=target.name, reason=exc.strerror or exc) from exc
        made.append(target)
    return read_model(targets[0].absolute())


def moved(path: Path) -> ModelNotFound | None:
    """What to tell of a link whose file is no longer where it was; None for any other path."""
    try:
        for part in _siblings(path):
            if part.is_symlink() and not part.exists():
                return ModelNotFound("link_moved", file=path.name, target=os.readlink(part))
    except OSError:  # what a person typed can be longer than a file name may be
        return None
    return None


def unlink(path: Path) -> None:
    """Removes the links of a model, those of all its parts; files stay."""
    for part in _siblings(path):
        if part.is_symlink():
            part.unlink()


def elsewhere(settings: Settings, home: Path) -> list[Path]:
    """Models that other programs keep under this home, those that are linked already left out; at most MOST."""
    return _new((path for pattern in FOLDERS for path in sorted(home.glob(pattern))), settings)


def inside(folder: Path, settings: Settings) -> list[Path]:
    """Models in a folder that a person typed, and one level below; at most MOST."""
    return _new(sorted((*folder.glob("*.gguf"), *folder.glob("*/*.gguf"))), settings)


def _new(paths: Iterator[Path] | Sequence[Path], settings: Settings) -> list[Path]:
    known = {path.resolve() for path in settings.models.glob("**/*.gguf")}
    found: list[Path] = []
    for path in paths:
        if len(found) < MOST and not later_part(path) and path.resolve() not in known and _begins_like_a_model(path):
            found.append(path)
            known.add(path.resolve())
    return found


def _begins_like_a_model(path: Path) -> bool:
    try:
        if path.stat().st_size < SMALLEST_BYTES:
            return False
        with path.open("rb") as stream:
            return stream.read(4) == b"GGUF"
    except OSError:
        return False


def described(path: Path) -> str:
    """The name that a link of this file would get; the file's own when it is no model."""
    try:
        return _name(path, read_model(path))
    except ModelError:
        return path.name


def _name(part: Path, model: ModelFile) -> str:
    """The file's own name; for a nameless one (Ollama's `sha256-...`) that of the header with its quantization."""
    if part.suffix == ".gguf":
        return part.name
    stem = re.sub(r"[^\w.]+", "-", model.name).strip("-.") or "model"
    return f"{stem}-{model.quantization}.gguf"


def _make(source: Path, target: Path, ways: Sequence[Callable[[Path, Path], None]]) -> None:
    *tries, last = ways
    for way in tries:
        try:
            return way(source, target)
        except OSError:
            continue
    last(source, target)


def _siblings(path: Path) -> list[Path]:
    """The parts of a split model by name, there or not; the path itself for any other."""
    split = PART.match(path.name)
    if not split:
        return [path]
    count = min(int(split["parts"]), 1000)
    return [path.with_name(f"{split['stem']}-{part:05}-of-{split['parts']}.gguf") for part in range(1, count + 1)]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # What a person typed can be longer than a file name may be.
        return False
