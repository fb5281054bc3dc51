"""Which type llama.cpp gives each tensor of a model in a quantization, and so how large the file will be, before it is made.

A quantization such as Q4_K_M is a mixture: tables and some layers keep more bits, and rows that do not divide into blocks of 256 take
another type altogether. Bits times parameters is far off for small models: of Gemma 3 270M it promised 101 MB as Q2_K, which has 237.
Works from tensors, those of a header or those that a shape implies. Knows no file and no network.
Source: llama_tensor_get_type, tensor_type_fallback and tensor_allows_quantization in src/llama-quant.cpp (llama-cpp-python 0.3.36)
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kdrinks.hub.gguf import TENSOR_TYPES, Header, Tensor

MAIN: Mapping[str, str] = {
    "F16": "F16",
    "Q8_0": "Q8_0",
    "Q6_K": "Q6_K",
    "Q5_K_M": "Q5_K",
    "Q4_K_M": "Q4_K",
    "Q4_0": "Q4_0",
    "Q3_K_M": "Q3_K",
    "Q2_K": "Q2_K",
}
"""The quantizations that are offered, largest first, and the type that most weights of each have."""
_NUMBERS = {name: number for number, (name, _, _) in TENSOR_TYPES.items()}
_BLOCKS = {name: block for name, block, _ in TENSOR_TYPES.values()}
_OTHER_BLOCKS: Mapping[str, str] = {"Q2_K": "Q4_0", "Q3_K": "Q4_0", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
"""Type in blocks of 256 -> the one in blocks of 32 that stands in for it."""
_KEPT = re.compile(
    r"(?<!weight)$|_norm\.weight$|ffn_gate_(inp|tid2eid)\.weight|altup|laurel|per_layer_model_proj|^(position_embd|token_types)\."
    r"|ssm_conv1d|shortconv\.conv\.|time_mix_(first|[wva][012]|g[12]|decay_w[12]|lerp_fused)\.|attn_rel_b\.|indexer\.[kq]_proj\."
)
"""Names of tensors that are never quantized: small, or too sensitive."""
_ALIGNMENT = 32
_WORD_BYTES = 36
"""What a word of the vocabulary takes in a header: its text, score, type and merge."""
_TENSOR_BYTES = 64


@dataclass(frozen=True, slots=True)
class Outline:
    """What a transformer's tensors follow from, as makers publish it."""

    layers: int
    embedding: int
    feed_forward: int
    vocabulary: int
    heads: int
    kv_heads: int
    head_size: int
    tied: bool = False
    """Whether one table serves for the tokens read and for the scores of those written."""
    encoder: bool = False
    """Whether it is a BERT: a position table, and no gate beside the feed-forward's way up."""
    context_length: int = 0


@dataclass(frozen=True, slots=True)
class _Model:
    """What the choice depends on beside the tensor itself."""

    layers: int
    sharing: int
    """Heads that share one of keys and values; 0 unknown."""
    experts: int
    falcon: bool
    tied: bool
    values: int
    """How many tensors hold the values of attention."""

    @property
    def is_70b(self) -> bool:
        return self.layers == 80 and self.sharing > 1


@dataclass(frozen=True, slots=True)
class _Name:
    """What a tensor's name tells; many models have the same names."""

    role: str
    layer: int
    """-1 for a tensor of none: those come first."""
    kept: bool
    """Whether it stays as it is."""


def planned(headers: Sequence[Header], name: str) -> list[Tensor]:
    """The tensors of a model, of all its parts, as its file in another quantization will have them. name: a key of MAIN."""
    values = headers[0].values
    architecture = values.get("general.architecture")

    def number(key: str) -> int:
        value = values.get(f"{architecture}.{key}")
        value = value[0] if isinstance(value, list) and value else value
        return value if isinstance(value, int) else 0

    heads, kv_heads = number("attention.head_count"), number("attention.head_count_kv")
    tensors = [tensor for header in headers for tensor in header.tensors]
    return _planned(
        tensors,
        name,
        layers=number("block_count"),
        sharing=heads // (kv_heads or heads or 1),
        experts=number("expert_count"),
        falcon=architecture == "falcon",
    )


def planned_from(outline: Outline, name: str) -> list[Tensor]:
    """The same of a model of which only the outline is known. name: a key of MAIN."""
    return _planned(
        _tensors(outline),
        name,
        layers=outline.layers,
        sharing=outline.heads // outline.kv_heads,
        experts=0,
        falcon=False,
    )


def size_bytes(headers: Sequence[Header], name: str) -> int:
    """Of the file that quantizing a model, all its parts together, will make. name: a key of MAIN."""
    return headers[0].data_offset + weights_bytes(planned(headers, name))


def size_bytes_from(outline: Outline, tensors: Sequence[Tensor]) -> int:
    """About how large a file of these tensors is of which only the outline is known."""
    return outline.vocabulary * _WORD_BYTES + len(tensors) * _TENSOR_BYTES + weights_bytes(tensors)


def weights_bytes(tensors: Iterable[Tensor]) -> int:
    """With the padding between them; types that are not known count nothing."""
    return sum(-(-(tensor.size_bytes or 0) // _ALIGNMENT) * _ALIGNMENT for tensor in tensors)


def _planned(tensors: Sequence[Tensor], name: str, **facts: Any) -> list[Tensor]:
    read = [(_read(tensor.name), tensor) for tensor in tensors]
    model = _Model(
        tied=all(one.role != "scores" for one, _ in read), values=sum(one.role == "values" for one, _ in read), **facts
    )
    seen = {"values": 0, "down": 0}
    new = []
    for one, tensor in sorted(read, key=lambda pair: (pair[0].layer, pair[1].name)):
        if one.kept or _dimensions(tensor) < 2:
            new.append(tensor)
            continue
        chosen = _type(model, name, tensor.shape[0], one, seen.get(one.role, 0))
        new.append(Tensor(tensor.name, tensor.shape, _NUMBERS[chosen], tensor.offset))
        if one.role in seen:
            seen[one.role] += 1
    return new


def _type(model: _Model, name: str, row: int, of: _Name, count: int) -> str:
    """The type of one tensor. row: numbers in one of its rows. count: how many of its role came before it, in the order of the layers."""
    if name == "F16":
        return name
    kind, role = MAIN[name], of.role
    if role == "scores" or (role == "tokens" and model.tied):
        kind = "Q8_0" if model.falcon or row % _BLOCKS[kind] or kind == "Q8_0" else "Q6_K"
    elif role == "values":
        kind = _of_values(model, name, kind, count)
    elif role == "down":
        kind = _of_down(model, name, kind, of.layer if model.experts > 1 else count)
    elif role == "keys" and model.experts == 8:
        kind = "Q8_0"
    elif role == "attention out" and not model.falcon:
        if model.experts == 8:
            kind = "Q5_K" if name in ("Q2_K", "Q3_K_M", "Q4_K_M") else kind
        else:
            kind = {"Q2_K": "Q3_K", "Q3_K_M": "Q4_K"}.get(name, kind)
    if row % _BLOCKS[kind]:
        kind = _OTHER_BLOCKS.get(kind, kind)
    return "F16" if row % _BLOCKS[kind] else kind


def _of_values(model: _Model, name: str, kind: str, count: int) -> str:
    if name == "Q2_K":
        kind = "Q4_K" if model.sharing >= 4 else "Q3_K"
    elif name == "Q3_K_M":
        kind = "Q5_K" if count < 2 else "Q4_K"
    elif name in ("Q4_K_M", "Q5_K_M") and _has_more_bits(count, model.values):
        kind = "Q6_K"
    if model.is_70b and kind in ("Q3_K", "Q4_K"):
        kind = "Q5_K"
    return "Q8_0" if model.experts == 8 else kind


def _of_down(model: _Model, name: str, kind: str, layer: int) -> str:
    more = _has_more_bits(layer, model.layers)
    if name == "Q2_K":
        return "Q3_K"
    if name == "Q3_K_M":
        if layer < model.layers // 16:
            return "Q5_K"
        return "Q4_K" if more or not model.falcon else kind
    if name == "Q4_K_M" and model.falcon:
        return "Q6_K" if layer < model.layers // 16 else "Q5_K" if more else kind
    return "Q6_K" if name in ("Q4_K_M", "Q5_K_M") and more else kind


def _has_more_bits(layer: int, layers: int) -> bool:
    """The first and the last eighth, and every third one between them."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def _role(name: str) -> str:
    if name == "output.weight":
        return "scores"
    if name in ("token_embd.weight", "per_layer_token_embd.weight"):
        return "tokens"
    if re.search(r"attn_(qkv|kv_b|v)\.weight", name):
        return "values"
    if "attn_k.weight" in name:
        return "keys"
    if "attn_output.weight" in name:
        return "attention out"
    return "down" if "ffn_down" in name else ""


@lru_cache(maxsize=1 << 14)
def _read(name: str) -> _Name:
    layer = re.match(r"blk\.(\d{1,6})\.", name)
    return _Name(_role(name), int(layer[1]) if layer else -1, _KEPT.search(name) is not None)


def _dimensions(tensor: Tensor) -> int:
    """As ggml counts them: ones at the end are none."""
    return max((place for place, length in enumerate(tensor.shape, 1) if length > 1), default=1)


def _tensors(outline: Outline) -> list[Tensor]:
    """In 16 bits, norms in 32."""

    def tensor(name: str, *shape: int, kind: str = "F16") -> Tensor:
        return Tensor(f"{name}.weight", shape, _NUMBERS[kind], 0)

    width, forward = outline.embedding, outline.feed_forward
    asked, kept = outline.heads * outline.head_size, outline.kv_heads * outline.head_size
    tensors = [tensor("token_embd", width, outline.vocabulary), tensor("output_norm", width, kind="F32")]
    if outline.encoder:
        tensors.append(tensor("position_embd", width, outline.context_length, kind="F32"))
    elif not outline.tied:
        tensors.append(tensor("output", width, outline.vocabulary))
    for layer in range(outline.layers):
        block = f"blk.{layer}"
        tensors += [tensor(f"{block}.{norm}_norm", width, kind="F32") for norm in ("attn", "ffn")]
        tensors += [
            tensor(f"{block}.attn_q", width, asked),
            tensor(f"{block}.attn_k", width, kept),
            tensor(f"{block}.attn_v", width, kept),
            tensor(f"{block}.attn_output", asked, width),
            tensor(f"{block}.ffn_up", width, forward),
            tensor(f"{block}.ffn_down", forward, width),
        ]
        if not outline.encoder:
            tensors.append(tensor(f"{block}.ffn_gate", width, forward))
    return tensors
