"""Model files that lie elsewhere on the disk, used where they are: a link in the models folder stands for each.

Symbolic links, or hard links where the system keeps those for administrators (Windows). Knows files and GGUF headers, no page.
"""

import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from kdrinks.config import Settings
from kdrinks.errors import BadInput, ModelError, ModelNotFound
from kdrinks.files import open_regular, regular
from kdrinks.hub.gguf import PART, later_part, parts_of, read_model, unreadable
from kdrinks.hub.spelled import on_disk
from kdrinks.permissions import administrators_only
from kdrinks.records import ModelFile, Visitor

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
    who: Visitor,
    source: Path,
    settings: Settings,
    *,
    ways: Sequence[Callable[[Path, Path], None]] = (os.symlink, os.link),
) -> ModelFile:
    """Makes a GGUF file, all parts of a split one, appear in the models folder without copying it; returns it as it is there.

    ways: tried in turn to make a link (source, link).
    Raises ModelNotFound and NotAModel for what is no model, BadInput when it is in the folder already, its name is taken
    or the system makes no links; NotAllowed.
    """
    administrators_only(who)
    # not Path.expanduser, which raises RuntimeError for the home of a stranger
    source = on_disk(Path(os.path.expanduser(source)).absolute())
    try:
        regular(source)
    except OSError as exc:
        error = unreadable(source, exc)
        raise ModelNotFound("link_no_file", file=source) if error.key == "model_file_missing" else error from exc
    model, parts = read_model(source), parts_of(source)
    if os.path.realpath(parts[0].parent) == os.path.realpath(settings.models):
        raise BadInput("link_inside", file=source.name)
    targets = [settings.models / _name(part, model) for part in parts]
    for part, target in zip(parts, targets, strict=True):
        if os.path.lexists(target):
            same = os.path.exists(target) and target.samefile(part)
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
    """What to tell of a link that leads to no file, for it is no longer there or never was; None for any other path."""
    for part in _siblings(path):
        if os.path.islink(part):
            try:
                part.stat()
            except (FileNotFoundError, NotADirectoryError):
                return ModelNotFound("link_moved", file=path.name, target=os.readlink(part))
            except OSError as exc:
                return unreadable(part, exc) if exc.errno == errno.ELOOP else None
    return None


def unlink(who: Visitor, path: Path) -> None:
    """Removes the links of a model, those of all its parts; files stay. Raises NotAllowed."""
    administrators_only(who)
    for part in _siblings(path):
        if part.is_symlink():
            part.unlink()


def elsewhere(who: Visitor, settings: Settings, home: Path) -> list[Path]:
    """Models that other programs keep under this home, those that are linked already left out; at most MOST. Raises NotAllowed."""
    administrators_only(who)
    return _new((path for pattern in FOLDERS for path in sorted(home.glob(pattern))), settings)


def inside(who: Visitor, folder: Path, settings: Settings) -> list[Path]:
    """Models in a folder that a person typed, and one level below; at most MOST. Raises NotAllowed."""
    administrators_only(who)
    folder = on_disk(folder)
    return _new(sorted((*folder.glob("*.gguf"), *folder.glob("*/*.gguf"))), settings)


def _new(paths: Iterator[Path] | Sequence[Path], settings: Settings) -> list[Path]:
    # os.path.realpath, not Path.resolve: that raises RuntimeError for a link that leads back to itself
    known = {os.path.realpath(path) for path in settings.models.glob("**/*.gguf")}
    found: list[Path] = []
    for path in paths:
        real = os.path.realpath(path)
        if len(found) < MOST and not later_part(path) and real not in known and _begins_like_a_model(path):
            found.append(path)
            known.add(real)
    return found


def _begins_like_a_model(path: Path) -> bool:
    try:
        if regular(path).st_size < SMALLEST_BYTES:
            return False
        with open_regular(path) as stream:
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
