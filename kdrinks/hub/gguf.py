"""Reads what a GGUF file says about itself: key-values and tensor shapes, never weights. No llama_cpp.

A header may lie: every length is checked against what the file can hold before anything is read or kept, so a broken
file gives one clear error and takes no memory.
Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import errno
import io
import os
import re
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from kdrinks.engine import sampling
from kdrinks.engine.thinking import Thinking
from kdrinks.errors import ModelNotFound, NotAModel
from kdrinks.files import NotRegular, open_regular, regular
from kdrinks.records import ModelFile
from kdrinks.text.typed import clean

# value types 0-7 and 10-12; 8 is a string, 9 an array
_SCALARS: Mapping[int, struct.Struct] = {
    number: struct.Struct("<" + form) for number, form in enumerate("BbHhIif?") if number < 8
} | {10: struct.Struct("<Q"), 11: struct.Struct("<q"), 12: struct.Struct("<d")}
_STRING, _ARRAY = 8, 9

_TEXT_LIMIT_BYTES = 1 << 20
"""Longest text kept; chat templates have up to about 50 kB."""
_NAME_LIMIT = 120
"""Longest name kept: it is shown, and a header may hold a megabyte of it."""
_LIST_LIMIT = 4096
"""Longest list of numbers kept (heads per layer); vocabularies are passed over."""
_ALIGNMENT = 32

TENSOR_TYPES: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}
"""ggml type -> (name, elements per block, bytes per block); enum ggml_type in ggml.h."""

# enum llama_ftype in llama.h
FILE_TYPES = (
    "F32 F16 Q4_0 Q4_1 - - - Q8_0 Q5_0 Q5_1 Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K IQ2_XXS IQ2_XS "
    "Q2_K_S IQ3_XS IQ3_XXS IQ1_S IQ4_NL IQ3_S IQ3_M IQ2_S IQ2_M IQ4_XS IQ1_M BF16 - - - TQ1_0 TQ2_0 MXFP4"
).split()

EMBEDDING_ARCHITECTURES = frozenset(
    {
        "bert",
        "nomic-bert",
        "nomic-bert-moe",
        "jina-bert-v2",
        "jina-bert-v3",
        "modern-bert",
        "neo-bert",
        "gemma-embedding",
    }
)
_NO_WRITERS = EMBEDDING_ARCHITECTURES | {"clip", "t5encoder", "whisper", "wavtokenizer-dec", "controlvector", "imatrix"}
PART = re.compile(r"^(?P<stem>.+)-(?P<part>\d{5})-of-(?P<parts>\d{5})(?P<ending>\.gguf)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tensor:
    name: str
    shape: tuple[int, ...]
    type: int
    """Number of the ggml type, see TENSOR_TYPES."""
    offset: int
    """From the start of the data."""

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def size_bytes(self) -> int | None:
        """None for a type this table does not know."""
        if self.type not in TENSOR_TYPES:
            return None
        _, block, size = TENSOR_TYPES[self.type]
        return self.elements // block * size


@dataclass(frozen=True, slots=True)
class Header:
    version: int
    values: Mapping[str, Any]
    """Numbers, texts, short lists of numbers; longer lists and lists of texts as their length only."""
    tensors: tuple[Tensor, ...]
    data_offset: int
    """Where the weights begin."""


class Broken(Exception):
    """The bytes are no whole GGUF header; the text says where it went wrong."""


class _Reader:
    """Reads little-endian values, never past `size`, the number of bytes the file really has."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size
        self.at = 0

    def bytes(self, count: int) -> bytes:
        if count > self._size - self.at:
            raise Broken(f"it ends in the header, {count - self._size + self.at} bytes short")
        data = self._stream.read(count)
        if len(data) != count:
            raise Broken("it ends in the header")
        self.at += count
        return data

    def skip(self, count: int) -> None:
        if count > self._size - self.at:
            raise Broken(f"it ends in the header, {count - self._size + self.at} bytes short")
        self._stream.seek(count, io.SEEK_CUR)
        self.at += count

    def number(self, form: struct.Struct) -> Any:
        return form.unpack(self.bytes(form.size))[0]

    def text(self) -> str:
        length = self.number(_SCALARS[10])
        if length > _TEXT_LIMIT_BYTES:
            self.skip(length)
            return ""
        return self.bytes(length).decode("utf-8", errors="replace")

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY or depth > 2:
            raise Broken(f"value type {kind} is unknown")
        inner, count = self.number(_SCALARS[4]), self.number(_SCALARS[10])
        if inner in _SCALARS:
            form = _SCALARS[inner]
            if count <= _LIST_LIMIT:
                return [self.number(form) for _ in range(count)]
            self.skip(count * form.size)
        else:
            if count * 8 > self._size - self.at:
                raise Broken(f"a list claims {count} entries")
            for _ in range(count):
                if inner == _STRING:
                    self.skip(self.number(_SCALARS[10]))
                else:
                    self.value(inner, depth + 1)
        return count


def read_header(stream: BinaryIO, size: int) -> Header:
    """The header at the stream's beginning; size: bytes of the whole file or, for a beginning of one, of that.

    Raises Broken.
    """
    reader = _Reader(stream, size)
    version, tensor_count, value_count = _counts(reader, size)
    values = dict(_pairs(reader, value_count))
    tensors = tuple(_tensor(reader) for _ in range(tensor_count))
    alignment = values.get("general.alignment", _ALIGNMENT)
    # llama.cpp ends its process over one that is no power of two.
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 16 or alignment & (alignment - 1):
        raise Broken(f"alignment {alignment}")
    return Header(version, values, tensors, -(-reader.at // alignment) * alignment)


def read_values(data: bytes, size: int) -> dict[str, Any]:
    """What a header says as far as these bytes of its beginning go; size: bytes of the whole file. Raises Broken: no GGUF begins so."""
    reader = _Reader(io.BytesIO(data), size)
    _, _, value_count = _counts(reader, size)
    values: dict[str, Any] = {}
    with suppress(Broken):
        values.update(_pairs(reader, value_count))
    return values


def _counts(reader: _Reader, size: int) -> tuple[int, int, int]:
    """(version, tensors, key-values)."""
    if size < 24 or reader.bytes(4) != b"GGUF":
        raise Broken("it does not begin like a GGUF file")
    version = reader.number(_SCALARS[4])
    if version not in (2, 3):
        raise Broken(f"GGUF version {version} is not supported")
    tensor_count, value_count = reader.number(_SCALARS[10]), reader.number(_SCALARS[10])
    # The smallest key-value takes 13 bytes, the smallest tensor 32.
    if value_count * 13 + tensor_count * 32 > size:
        raise Broken(f"it claims {value_count} values and {tensor_count} tensors")
    return version, tensor_count, value_count


def _pairs(reader: _Reader, count: int) -> Iterator[tuple[str, Any]]:
    for _ in range(count):
        key = reader.text()
        yield key, reader.value(reader.number(_SCALARS[4]))


def _tensor(reader: _Reader) -> Tensor:
    name = reader.text()
    dimensions = reader.number(_SCALARS[4])
    if dimensions > 4:
        raise Broken(f"a tensor of {dimensions} dimensions")
    shape = tuple(reader.number(_SCALARS[10]) for _ in range(dimensions))
    return Tensor(name, shape, reader.number(_SCALARS[4]), reader.number(_SCALARS[10]))


def header_of(path: Path) -> Header:
    """The header of a file, its tensors checked to lie inside the file.

    Raises ModelNotFound when it is not there, no file or cannot be opened, NotAModel when it is no GGUF or damaged.
    """
    try:
        with open_regular(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            if stream.read(4) != b"GGUF":
                raise NotAModel("model_not_gguf", file=path.name)
            stream.seek(0)
            header = read_header(stream, size)
    except OSError as exc:
        raise unreadable(path, exc) from exc
    except Broken as exc:
        raise NotAModel("model_broken", file=path.name, reason=str(exc)) from exc
    end = max((header.data_offset + t.offset + (t.size_bytes or 0) for t in header.tensors), default=0)
    if end > size:
        raise NotAModel("model_broken", file=path.name, reason=f"{end - size} bytes are missing at its end")
    return header


def read_model(path: Path, *, model_id: str = "", guarded_below: int = 0, embedding: bool = False) -> ModelFile:
    """What a GGUF file holds; the parts of a split model (`-00001-of-00003`) count as one.

    model_id: the file name without .gguf when empty. guarded_below: parameters under which a model is guarded.
    embedding: accept models that make vectors instead of text.
    Raises ModelNotFound and NotAModel.
    """
    parts = parts_of(path)
    stamps = [_stamp(part) for part in parts]
    headers = [_cached_header(part, *stamp) for part, stamp in zip(parts, stamps, strict=True)]
    values = headers[0].values
    architecture = values.get("general.architecture")
    tensors = [tensor for header in headers for tensor in header.tensors]
    if not (tensors and "tokenizer.ggml.model" in values and is_model(values, embedding=embedding)):
        raise NotAModel("model_writes_no_text", file=path.name)
    parameters = sum(tensor.elements for tensor in tensors)
    context_length = values.get(f"{architecture}.context_length", 0)
    template = values.get("tokenizer.chat_template")
    split = PART.match(path.name)
    return ModelFile(
        id=model_id or clean(split["stem"] if split else path.stem),
        path=parts[0],
        architecture=str(architecture),
        name=str(values.get("general.name") or path.stem)[:_NAME_LIMIT],
        parameters=parameters,
        quantization=_quantization(values.get("general.file_type"), tensors),
        size_bytes=sum(size for _, size in stamps),
        context_length=context_length if isinstance(context_length, int) else 0,
        chat_template=isinstance(template, str),
        thinks=Thinking(template).known if isinstance(template, str) else False,
        guarded=parameters < guarded_below,
        sampling=sampling.of_header(values),
    )


def is_model(values: Mapping[str, Any], *, embedding: bool = False) -> bool:
    """Whether these are a language model's values: not those of an adapter, an importance matrix or the eyes of another model.

    embedding: whether one that makes vectors instead of text counts.
    """
    architecture = values.get("general.architecture")
    return (
        isinstance(architecture, str)
        and values.get("general.type", "model") == "model"
        and (architecture not in _NO_WRITERS or (embedding and architecture in EMBEDDING_ARCHITECTURES))
    )


def parts_of(path: Path) -> list[Path]:
    """The files of a model, first part first. Raises NotAModel when a part is missing, ModelNotFound when one is no file."""
    split = PART.match(path.name)
    if not split:
        return [path]
    count = int(split["parts"])
    parts = [
        path.with_name(f"{split['stem']}-{part:05}-of-{split['parts']}{split['ending']}")
        for part in range(1, count + 1)
    ]
    for number, part in enumerate(parts, 1):
        try:
            regular(part)
        except FileNotFoundError as exc:
            raise NotAModel("model_broken", file=path.name, reason=f"part {number} of {count} is missing") from exc
        except OSError as exc:
            raise unreadable(part, exc) from exc
    return parts or [path]


def later_part(path: Path) -> bool:
    """Whether the file is a second or later part of a split model, which is listed with its first."""
    split = PART.match(path.name)
    return split is not None and int(split["part"]) > 1


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = regular(path)
    except OSError as exc:
        raise unreadable(path, exc) from exc
    return status.st_mtime_ns, status.st_size


def unreadable(path: Path, exc: OSError) -> ModelNotFound:
    """What to tell of a path that gave this error instead of a file's bytes."""
    if exc.errno == errno.ELOOP:
        return ModelNotFound("link_loops", file=path.name)
    if isinstance(exc, NotRegular) and os.path.isdir(path):
        if not os.access(path, os.R_OK | os.X_OK):
            return ModelNotFound("model_unreadable", file=path.name, reason=os.strerror(errno.EACCES))
        return ModelNotFound("model_is_folder", file=path.name)
    if isinstance(exc, NotRegular):
        return ModelNotFound("model_is_special", file=path.name)
    if isinstance(exc, FileNotFoundError | NotADirectoryError) or exc.errno == errno.ENAMETOOLONG:
        return ModelNotFound("model_file_missing", file=str(path))
    return ModelNotFound("model_unreadable", file=path.name, reason=exc.strerror or exc)


def headers_of(path: Path) -> list[Header]:
    """The headers of a model's file, of all its parts; read again only when a file has changed. Raises ModelNotFound, NotAModel."""
    return [_cached_header(part, *_stamp(part)) for part in parts_of(path)]


@lru_cache(maxsize=256)
def _cached_header(path: Path, modified_ns: int, size: int) -> Header:
    return header_of(path)


def _quantization(file_type: object, tensors: list[Tensor]) -> str:
    """The name of general.file_type; without one, the type that most of the weights have."""
    if isinstance(file_type, int) and 0 <= file_type < len(FILE_TYPES) and FILE_TYPES[file_type] != "-":
        return FILE_TYPES[file_type]
    elements: Counter[int] = Counter()
    for tensor in tensors:
        elements[tensor.type] += tensor.elements
    most = elements.most_common(1)[0][0]
    return TENSOR_TYPES[most][0] if most in TENSOR_TYPES else f"type {most}"
