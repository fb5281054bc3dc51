"""Model files that lie elsewhere on the disk, used where they are: a link in the models folder stands for each.

Symbolic links, or hard links where the system keeps those for administrators (Windows). Knows files and GGUF headers, no page.
"""

import errno
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kdrinks.config import Settings
from kdrinks.errors import BadInput, ModelError, ModelNotFound
from kdrinks.files import open_regular, regular
from kdrinks.hub.gguf import PART, later_part, parts_of, read_model, unreadable
from kdrinks.hub.places import gguf_files, is_named_gguf
from kdrinks.hub.spelled import on_disk
from kdrinks.permissions import administrators_only
from kdrinks.records import ModelFile, Visitor
from kdrinks.text.typed import clean

FOLDERS: Sequence[str] = (
    ".lmstudio/models",
    ".cache/lm-studio/models",
    ".cache/huggingface/hub",
    ".cache/llama.cpp",
    "Library/Caches/llama.cpp",
    "AppData/Local/llama.cpp",
    ".local/share/nomic.ai/GPT4All",
    "AppData/Local/nomic.ai/GPT4All",
    "jan/models",
)
"""Where other programs keep their models, under a person's home."""
NAMELESS: Sequence[str] = (".ollama/models/blobs/sha256-*", "Downloads/*.[gG][gG][uU][fF]")
"""The same where only files right there count: Ollama's have no name, and below Downloads lies anything."""
VARIABLES: Mapping[str, str] = {
    "HF_HUB_CACHE": "",
    "HF_HOME": "hub",
    "LLAMA_CACHE": "",
    "OLLAMA_MODELS": "blobs",
}
"""Environment variables by which those programs are told another place, and the folder below it that holds files."""
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


def link_folder(who: Visitor, folder: Path, settings: Settings) -> list[ModelFile]:
    """Makes all models in a folder, those that come later too, appear in the list; returns those that are in it now.

    Raises ModelNotFound when there is no such folder, BadInput when no model is in it, when it holds the models folder or lies in it,
    when its name is taken or the system makes no links; NotAllowed.
    """
    administrators_only(who)
    folder = on_disk(Path(os.path.expanduser(folder)).absolute())
    if not os.path.isdir(folder):
        raise ModelNotFound("link_no_file", file=folder)
    real, here = Path(os.path.realpath(folder)), Path(os.path.realpath(settings.models))
    if real.is_relative_to(here) or here.is_relative_to(real):
        raise BadInput("link_inside", file=folder.name)
    target = settings.models.absolute() / folder.name
    if os.path.lexists(target):
        same = os.path.exists(target) and target.samefile(folder)
        raise BadInput("link_there" if same else "link_name_taken", file=target.name)
    if not _models_in(folder):
        raise BadInput("link_no_models", folder=folder)
    settings.models.mkdir(parents=True, exist_ok=True)
    try:
        os.symlink(folder, target, target_is_directory=True)
    except OSError as exc:
        raise BadInput("link_refused", file=target.name, reason=exc.strerror or exc) from exc
    return _models_in(target)


def _models_in(folder: Path) -> list[ModelFile]:
    found = []
    for path in gguf_files(folder):
        try:
            found += [read_model(path)] if not later_part(path) else []
        except ModelError:
            continue
    return found


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


def unlink_named(who: Visitor, name: str, settings: Settings) -> Path:
    """Takes a link off the list: of a file by the model's id or name, of a folder by its name; returns what was removed.

    Raises BadInput when nothing there is called so, when it is no link, and for what lies in a linked folder; NotAllowed.
    """
    administrators_only(who)
    name = clean(name).strip()
    below = settings.models.absolute()
    listed = {path: clean(path.name) for path in sorted(below.glob("*")) if not later_part(path)}
    for path, spelled in listed.items():
        stem = PART.match(path.name)
        short = clean(stem["stem"]) if stem else spelled[:-5] if is_named_gguf(path.name) else spelled
        if name in (spelled, short, str(path)):
            if not path.is_symlink():
                raise BadInput("link_is_file", name=path.name)
            unlink(who, path)
            return path
    for path in gguf_files(below):
        linked = linked_folder(path, settings)
        if linked and name in (clean(path.stem), str(path.relative_to(below)), str(path)):
            raise BadInput("model_in_linked_folder", name=name, folder=linked.name)
    known = ", ".join(path.name for path in listed if path.is_symlink()) or "-"
    raise BadInput("link_unknown", name=name, known=known)


def linked_folder(path: Path, settings: Settings) -> Path | None:
    """The link in the models folder below which a file lies that is elsewhere; None for any other."""
    below = settings.models.absolute()
    if not path.is_relative_to(below):
        return None
    folders = [parent for parent in path.parents if parent.is_relative_to(below) and parent != below]
    return next((folder for folder in reversed(folders) if folder.is_symlink()), None)


def elsewhere(
    who: Visitor, settings: Settings, home: Path, *, environment: Mapping[str, str] = os.environ
) -> list[Path]:
    """Models that other programs keep under this home, or where the environment says; those that are linked already left out; at
    most MOST. Raises NotAllowed."""
    administrators_only(who)
    told = [Path(environment[name]) / below for name, below in VARIABLES.items() if environment.get(name)]
    folders = [*(home / folder for folder in FOLDERS), *told]
    files = [path for folder in folders for path in gguf_files(folder)]
    nameless = [path for pattern in NAMELESS for path in sorted(home.glob(pattern))]
    blobs = [path for folder in told if folder.name == "blobs" for path in sorted(folder.glob("sha256-*"))]
    return _new([*files, *nameless, *blobs], settings)


def inside(who: Visitor, folder: Path, settings: Settings) -> list[Path]:
    """Models in a folder that a person typed, and below it; at most MOST. Raises NotAllowed."""
    administrators_only(who)
    return _new(gguf_files(on_disk(folder)), settings)


def _new(paths: Sequence[Path], settings: Settings) -> list[Path]:
    # os.path.realpath, not Path.resolve: that raises RuntimeError for a link that leads back to itself
    known = {os.path.realpath(path) for path in gguf_files(settings.models)}
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
    if is_named_gguf(part.name):
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
    return [
        path.with_name(f"{split['stem']}-{part:05}-of-{split['parts']}{split['ending']}")
        for part in range(1, count + 1)
    ]
