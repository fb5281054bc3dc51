"""What of a model can be had: its quantizations with size, memory and whether they fit, before the network is asked and after.

Before, the catalogue's outline of a model tells them (mixtures.py); after, the repository's own list does, and each file's own header.
"""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from kdrinks.errors import HubError
from kdrinks.hub import fit, mixtures
from kdrinks.hub.catalog import Entry
from kdrinks.hub.gguf import Header, Tensor, is_model
from kdrinks.hub.remote import Hub, RemoteFile, RemoteModel

AT_ONCE = 4
"""Heads of files that are asked for at the same time."""
_SIDE = re.compile(r"mmproj|projector|imatrix|lora|adapter|vocab|control|tokenizer", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Offer:
    """One file that can be had, or that a repository usually has."""

    quantization: str
    """As the file's name says it, empty where it says none."""
    size_bytes: int
    estimate: fit.Estimate
    slow: bool
    """Whether this processor reads a prompt slower with it than with Q4_0 or Q4_K_M: see fit.reads_slowly."""
    parameters: int
    file: str = ""
    """Its path in the repository; empty until the repository was asked."""


def usual(entry: Entry) -> tuple[Offer, ...]:
    """The usual quantizations of a model of the catalogue, largest first; nobody is asked. The entry's own has the size it states."""
    assert entry.shape and entry.outline, f"catalog.toml gives {entry.id} no shape"
    own = {entry.quantization: entry.size_bytes}
    return tuple(_usual(entry.outline, entry.shape, name, own.get(name, 0)) for name in mixtures.MAIN)


@lru_cache(maxsize=1024)
def _usual(outline: mixtures.Outline, shape: fit.Shape, name: str, size: int) -> Offer:
    """size: 0 where nobody states it."""
    tensors = mixtures.planned_from(outline, name)
    return offer_of(name, size or mixtures.size_bytes_from(outline, tensors), shape, tensors)


def listed(hub: Hub, model: RemoteModel, *, embedding: bool = False) -> tuple[Offer, ...]:
    """The models of a repository, smallest first; adapters, importance matrices and the eyes of other models are left out.

    The beginning of each file is read, and the whole header of one of those that begin alike.
    embedding: whether models that make vectors are taken.   Raises HubError.
    """
    with ThreadPoolExecutor(AT_ONCE) as several:
        heads = list(several.map(lambda file: _head_or_nothing(hub, file), model.files))
    headers: dict[object, Header] = {}
    found = []
    for file, head in zip(model.files, heads, strict=True):
        if not is_model(head, embedding=embedding):
            continue
        alike = _alike(head)
        if alike not in headers:
            headers[alike] = hub.header(file)
        found.append(_of_file(file, headers[alike]))
    return tuple(found)


def file_of(hub: Hub, repo_id: str, name: str, like: str = "") -> RemoteFile:
    """The file of a quantization; of several the one named most like another file of the repository, then the smallest.

    Raises BadInput, HubError: what the repository has instead.
    """
    model = hub.model(repo_id)
    fitting = [file for file in model.files if file.quantization == name.upper()]
    for file in sorted(fitting, key=lambda file: (_stem(file.file) != _stem(like), file.size_bytes)):
        if is_model(_head(hub, file), embedding=True):
            return file
    known = ", ".join(dict.fromkeys(file.quantization or file.file for file in model.files)) or "-"
    raise HubError("hub_no_quantization", repo=repo_id, quantization=name, known=known)


def check_is_model(hub: Hub, file: RemoteFile) -> None:
    """Raises HubError for a file that is called like a side file and is one: 64 KB of it are read, and nothing of any other."""
    if _SIDE.search(file.file) and not is_model(_head(hub, file), embedding=True):
        raise HubError("hub_no_model", file=file.file)


def _head(hub: Hub, file: RemoteFile) -> Mapping[str, Any]:
    """Of the header; the whole where the beginning does not say what it is of."""
    head = hub.head(file)
    return head if "general.architecture" in head or "general.type" in head else hub.header(file).values


def _head_or_nothing(hub: Hub, file: RemoteFile) -> Mapping[str, Any]:
    """Nothing of a file that is none of those it is named after: the others can be had all the same."""
    try:
        return _head(hub, file)
    except HubError as error:
        if error.key != "hub_no_header":
            raise
        return {}


def _alike(head: Mapping[str, Any]) -> object:
    """Equal for files of one shape in several quantizations."""
    architecture = head.get("general.architecture")
    return tuple(sorted((key, repr(value)) for key, value in head.items() if key.startswith(f"{architecture}.")))


def _of_file(file: RemoteFile, header: Header) -> Offer:
    """header: of this file, or of another quantization of the same model."""
    shape = fit.shape_of(header)
    if len(file.parts) > 1 or not shape.parameters:
        # the tensors of the other parts are in their headers: as many weights as the file's bits make
        shape = replace(shape, parameters=max(shape.parameters, _parameters(file)))
    if file.quantization in mixtures.MAIN and len(file.parts) == 1:
        return offer_of(
            file.quantization, file.size_bytes, shape, mixtures.planned([header], file.quantization), file.file
        )
    repacked = fit.repacked_roughly(shape, file.size_bytes, file.quantization)
    estimated = fit.estimate(shape, file.size_bytes, repacked_bytes=repacked)
    slow = fit.reads_slowly(fit.main_type(file.quantization))
    return Offer(file.quantization, file.size_bytes, estimated, slow, shape.parameters, file.file)


def offer_of(name: str, size: int, shape: fit.Shape, tensors: Sequence[Tensor], file: str = "") -> Offer:
    """A file of this quantization, size in bytes, shape and tensors."""
    estimated = fit.estimate(shape, size, repacked_bytes=fit.repacked_bytes(tensors))
    return Offer(name, size, estimated, fit.reads_slowly(fit.most_common_type(tensors)), shape.parameters, file)


def _parameters(file: RemoteFile) -> int:
    bits = {"F32": 32, "F16": 16, "BF16": 16}.get(file.quantization)
    digit = re.search(r"\d", file.quantization)
    return int(file.size_bytes * 8 / (bits or (int(digit[0]) + 0.8 if digit else 5)))


def _stem(file: str) -> str:
    """A file's name without folder, ending and quantization, in one case."""
    name = file.rpartition("/")[2].lower().removesuffix(".gguf")
    return re.sub(r"[-._](b?f(p)?(16|32)|i?q\d\w*)$", "", name)
