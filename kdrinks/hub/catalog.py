"""The models that can be chosen: the built-in one and the GGUF files of the models folder; catalog.toml names those known.

Knows headers (gguf.py) and names, nothing of llama.cpp, memory or the network.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from kdrinks.config import BUILT_IN_FILE, Settings
from kdrinks.errors import BadInput, KdrinksError, ModelError, ModelNotFound
from kdrinks.files import is_regular
from kdrinks.hub import fit, links, mixtures
from kdrinks.hub.gguf import header_of, headers_of, later_part, parts_of, read_model
from kdrinks.hub.places import gguf_files, is_named_gguf
from kdrinks.hub.spelled import on_disk
from kdrinks.permissions import administrators_only
from kdrinks.records import Described, Mode, ModelFile, ModelRef, RemoteModel, Sampling, Visitor
from kdrinks.text.typed import clean

BUILT_IN = "built-in"


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of catalog.toml, where the fields are explained."""

    id: str
    file: str
    repo_id: str
    languages: tuple[str, ...]
    license: str
    gated: bool = False
    guarded: bool = False
    use: str = "chat"
    quantization: str = ""
    size_bytes: int = 0
    parameters: int = 0
    shape: fit.Shape | None = None
    sampling: Sampling | None = None
    outline: mixtures.Outline | None = None
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file of the models folder that cannot be chosen, and why."""

    path: Path
    error: KdrinksError


@cache
def _catalog() -> tuple[int, tuple[Entry, ...]]:
    raw = tomllib.loads((Path(__file__).parent / "catalog.toml").read_text(encoding="utf-8"))
    return raw["guarded_below_parameters"], tuple(_entry(dict(model)) for model in raw["model"])


def _entry(model: dict[str, Any]) -> Entry:
    shape = model.pop("shape", None)
    if shape:
        outline = mixtures.Outline(**shape)
        model["outline"] = outline
        model["shape"] = fit.Shape(
            layers=outline.layers,
            embedding=outline.embedding,
            feed_forward=outline.feed_forward,
            vocabulary=outline.vocabulary,
            context_length=outline.context_length,
            kv_width=outline.layers * outline.kv_heads * 2 * outline.head_size,
            parameters=model["parameters"],
        )
    if sampling := model.pop("sampling", None):
        model["sampling"] = Sampling(**sampling)
    return Entry(**{**model, "languages": tuple(model["languages"])})


def entries() -> tuple[Entry, ...]:
    """Every model that kdrinks knows by name, installed or not."""
    return _catalog()[1]


def entry_for(model: ModelFile) -> Entry | None:
    """The catalogue's entry of a file; None for a file that is not listed."""
    return next((entry for entry in entries() if model.id == entry.id or model.path.name == entry.file), None)


def local_models(settings: Settings) -> list[ModelFile]:
    """The models that can be chosen now: the built-in one first, whatever settings.models is, then by name."""
    return [found for found in _found(settings) if isinstance(found, ModelFile)]


def broken_files(settings: Settings) -> list[BrokenFile]:
    """The files that look like models and are none, each with what to tell the person."""
    return [found for found in _found(settings) if isinstance(found, BrokenFile)]


def adapters(settings: Settings) -> list[Path]:
    """The files of the models folder that can be laid over a model, by name."""
    found = []
    for one in broken_files(settings):
        try:
            kind = header_of(one.path).values.get("general.type")
        except ModelError:
            continue
        if kind == "adapter":
            found.append(one.path)
    return found


def find_model(name: str, settings: Settings) -> ModelFile:
    """The model with this id, or the file at this path. Raises ModelNotFound, and NotAModel for a broken file."""
    if name == BUILT_IN:
        return _read(BUILT_IN_FILE, BUILT_IN)
    # a whole path is no id: it needs no look into every other file, and each question asks for its model by its place
    if os.path.isabs(name) and is_regular(Path(name)):
        return _at(Path(name))
    models = local_models(settings)
    for model in models:
        if model.id == name:
            return model
    for model in models:
        if clean(model.id) == clean(name).strip():
            return model
    # not Path.expanduser, which raises RuntimeError for the home of a stranger
    path = on_disk(Path(os.path.expanduser(name)))
    candidates = (path, on_disk(settings.models / name), on_disk(settings.models / f"{name}.gguf"))
    for candidate in candidates:
        if is_regular(candidate):
            return _at(candidate)
    is_path = is_named_gguf(name) or len(path.parts) > 1
    for candidate in (*candidates, settings.models / f"{path.name.removesuffix('.gguf')}.gguf"):
        if gone := links.moved(candidate):
            raise gone
        # A folder can have the name that a person took for a model's id; what else is there says what it is.
        named_so = is_path or is_named_gguf(candidate.name)
        if os.path.lexists(candidate) and (named_so or not os.path.isdir(candidate)):
            return _read(candidate, "")
    if is_path:
        raise ModelNotFound("model_file_missing", file=name)
    raise ModelNotFound("model_unknown", name=name, known=", ".join(model.id for model in models))


def _at(path: Path) -> ModelFile:
    return _read(path, BUILT_IN if _same(path, BUILT_IN_FILE) else "")


def describe_ref(ref: ModelRef, settings: Settings) -> Described:
    """What answers, wherever it is; a model behind an address is guarded, for nobody can measure it.

    Raises ModelNotFound, of an adapter too, and NotAModel for a broken file.
    """
    if isinstance(ref, RemoteModel):
        return Described(ref.id, "", "", guarded=True)
    if ref.adapter and not is_regular(ref.adapter.path):
        raise ModelNotFound("model_file_missing", file=str(ref.adapter.path))
    model = find_model(str(ref.path), settings)
    small = model.parameters < _catalog()[0]
    sampling = Sampling() if model.guarded else model.sampling or Sampling()
    return Described(model.id, model.path.name, model.quantization, model.guarded, small, sampling)


def default_mode(guarded: bool) -> Mode:
    """How far a model may speak for itself while nobody chose."""
    return "held" if guarded else "quote"


def describe(settings: Settings, free: fit.Free) -> list[dict[str, Any]]:
    """One row for each model that is installed and each that could be; the keys are those of `models list --json`."""
    installed = local_models(settings)
    here = {model.id for model in installed}
    rows = [_row(model, entry_for(model), free) for model in installed]
    return rows + [_row_of_entry(entry, settings, free) for entry in entries() if entry.id not in here]


def estimate_of(model: ModelFile, *, context_tokens: int = 0, kv_type: str = "f16") -> fit.Estimate:
    """Peak memory of an installed model. Raises ModelNotFound and NotAModel when its file is gone or broken by now."""
    headers = headers_of(model.path)
    shape = replace(fit.shape_of(headers[0]), parameters=model.parameters)
    repacked = fit.repacked_bytes(tensor for header in headers for tensor in header.tensors)
    return fit.estimate(
        shape, model.size_bytes, context_tokens=context_tokens, kv_type=kv_type, repacked_bytes=repacked
    )


def reads_slowly(model: ModelFile) -> bool:
    """Whether this processor reads a prompt slower with this file than with others of its size; False when it is gone or broken by now."""
    try:
        headers = headers_of(model.path)
    except ModelError:
        return False
    return fit.reads_slowly(fit.most_common_type(tensor for header in headers for tensor in header.tensors))


def recommended(rows: Sequence[Mapping[str, Any]], free: fit.Free) -> str:
    """Id of the entry to begin with on this machine: the largest Korean one that fits well and stays quick.

    Without a GPU the processor reads every weight for each token: above 3 billion parameters that is slower than reading.
    Only licences that everybody may use freely. Empty when nothing fits.
    """
    fitting = {row["id"] for row in rows if row["fit"] == "fits"}
    limit = 9e9 if free.gpu_bytes else 3e9
    candidates = [
        entry
        for entry in entries()
        if entry.id in fitting
        and entry.use == "chat"
        and entry.repo_id
        and entry.license == "apache-2.0"
        and "ko" in entry.languages
        and entry.parameters <= limit
    ]
    best = max(candidates, key=lambda entry: (entry.languages[0] == "ko", entry.parameters), default=None)
    return best.id if best else ""


def _row(model: ModelFile, entry: Entry | None, free: fit.Free) -> dict[str, Any]:
    estimated = estimate_of(model)
    return {
        "id": model.id,
        "repo_id": entry.repo_id if entry else "",
        "file": model.path.name,
        "quantization": model.quantization,
        "mode": default_mode(model.guarded),
        "parameters": model.parameters,
        "size_bytes": model.size_bytes,
        "license": entry.license if entry else "",
        "gated": bool(entry and entry.gated),
        "installed": True,
        "fit": fit.verdict(estimated, free),
        "estimate": fit.as_document(estimated),
    }


def _row_of_entry(entry: Entry, settings: Settings, free: fit.Free) -> dict[str, Any]:
    assert entry.shape, f"catalog.toml gives {entry.id} no shape"
    repacked = fit.repacked_roughly(entry.shape, entry.size_bytes, entry.quantization)
    estimated = fit.estimate(entry.shape, entry.size_bytes, repacked_bytes=repacked)
    return {
        "id": entry.id,
        "repo_id": entry.repo_id,
        "file": entry.file,
        "quantization": entry.quantization,
        "mode": default_mode(entry.guarded or entry.parameters < _catalog()[0]),
        "parameters": entry.parameters,
        "size_bytes": entry.size_bytes,
        "license": entry.license,
        "gated": entry.gated,
        "installed": is_regular(settings.models / entry.file),
        "fit": fit.verdict(estimated, free),
        "estimate": fit.as_document(estimated),
    }


def source_of(name: str) -> tuple[str, str]:
    """(repository, file) of an id of the catalogue or of `owner/name:file`. Raises ModelNotFound."""
    name = clean(name).strip()
    for entry in entries():
        if entry.id == name and entry.repo_id:
            return entry.repo_id, entry.file
    repo_id, colon, file = name.partition(":")
    if colon and file and "/" in repo_id:
        return repo_id, file
    known = ", ".join(entry.id for entry in entries() if entry.repo_id)
    raise ModelNotFound("model_fetch_unknown", name=name, known=known)


def repository_of(name: str) -> tuple[str, str]:
    """(repository, the file of it that is offered first) of an id of the catalogue or of `owner/name`. Raises ModelNotFound."""
    name = clean(name).strip()
    repo_id, colon, file = name.partition(":")
    return (repo_id, file) if "/" in repo_id and not colon else source_of(name)


def remove(who: Visitor, model: ModelFile, settings: Settings) -> None:
    """Deletes the file, all parts of a split one; of a link, the link.

    Raises BadInput for what is not in the models folder, and for what is in a folder that is linked there; NotAllowed.
    """
    administrators_only(who)
    if model.id == BUILT_IN or not model.path.is_relative_to(settings.models.absolute()):
        raise BadInput("model_not_removable", name=model.id)
    if linked := links.linked_folder(model.path, settings):
        raise BadInput("model_in_linked_folder", name=model.id, folder=linked.name)
    for part in parts_of(model.path):
        part.unlink(missing_ok=True)


def _found(settings: Settings) -> Iterator[ModelFile | BrokenFile]:
    taken: set[str] = set()
    for path in [BUILT_IN_FILE, *_files(settings.models)]:
        try:
            model = _read(path, "" if taken else BUILT_IN)
        except ModelError as exc:
            if path.name not in _embedding_files():
                yield BrokenFile(path, links.moved(path) or exc)
        else:
            # Two files of one name in two folders: the second is named by its path.
            yield replace(model, id=str(path.relative_to(settings.models))) if model.id in taken else model
            taken.add(model.id)
        taken.add(BUILT_IN)


@cache
def _embedding_files() -> frozenset[str]:
    """Models of the catalogue that make vectors: whole, but nothing to choose for answering."""
    return frozenset(entry.file for entry in entries() if entry.use == "embedding")


def _files(folder: Path) -> list[Path]:
    """What may be a model there, the later parts of split ones and the built-in one left out; none when there is no such folder."""
    return [path for path in gguf_files(folder) if not later_part(path) and not _same(path, BUILT_IN_FILE)]


def _read(path: Path, model_id: str) -> ModelFile:
    guarded_below, _ = _catalog()
    model = read_model(path.absolute(), model_id=model_id, guarded_below=guarded_below)
    entry = entry_for(model)
    if entry is None or model_id:
        return model
    # a name says nothing of what is in a file: an entry may hold it to its passages, never let it go
    guarded, sampling = model.guarded or entry.guarded, model.sampling or entry.sampling
    return replace(model, id=entry.id, guarded=guarded, sampling=sampling)


def _same(path: Path, other: Path) -> bool:
    # not Path.resolve, which raises RuntimeError for a link that leads back to itself
    return os.path.realpath(path) == os.path.realpath(other)
