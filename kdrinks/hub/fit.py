"""Whether a model fits this machine: memory from the shape in a header, compared with what is free now.

Knows numbers only: no file, no network, no llama.cpp. It is an estimate for one conversation; the states of waiting
conversations that the engine keeps have a budget of their own.
"""

import platform
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import log2
from typing import Any, Literal

from kdrinks.hub.gguf import TENSOR_TYPES, Header, Tensor
from kdrinks.records import Device

Fit = Literal["fits", "tight", "too_big"]

KV_BYTES: Mapping[str, float] = {"f16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}
"""Bytes a number of the KV cache takes, by the engine's names of the types."""
GPU_MARGIN_BYTES = 1 << 30
"""Left free on a GPU: the screen and the driver need some, and free memory changes."""
WORKER_BYTES = 48 << 20
"""The engine's process before any model: Python, numpy and llama.cpp's libraries."""
WORD_BYTES = 140
"""What llama.cpp holds for each word of a vocabulary: its text and the tables to find it."""
TIGHT = 0.85
"""Above this share of the free memory a model fits, but leaves little for anything else."""
_X86 = frozenset({"Q4_0", "Q4_K", "Q2_K", "IQ4_NL"})
_ARM = frozenset({"Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q8_0", "IQ4_NL"})
REPACKED: Mapping[str, frozenset[str]] = {"x86_64": _X86, "AMD64": _X86, "aarch64": _ARM, "arm64": _ARM}
"""platform.machine() -> tensor types of which llama.cpp's CPU backend makes its own copy."""
DEFAULT_CONTEXT = 4096
BATCH_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Shape:
    """What memory depends on; 0 where a header does not say."""

    layers: int
    embedding: int
    feed_forward: int
    vocabulary: int
    context_length: int
    kv_width: int
    """Numbers that one token leaves in the KV cache, keys and values of all layers together."""
    parameters: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    weights_bytes: int
    kv_bytes: int
    compute_bytes: int
    """Working memory while reading a prompt, and the engine's own process."""
    total_bytes: int
    """The peak that the system shows for the process."""
    repacked_bytes: int = 0
    """Of the total: weights that are there twice, because a CPU wants some types in another order. The copy in the file's
    order is not read again, and the system takes it back when memory runs short."""

    @property
    def needed_bytes(self) -> int:
        """What must be free."""
        return self.total_bytes - self.repacked_bytes


@dataclass(frozen=True, slots=True)
class Free:
    """Memory that a model may take now."""

    memory_bytes: int
    gpu_bytes: int = 0
    """Of all GPUs together, the margin of each already off."""


def shape_of(header: Header) -> Shape:
    """The shape that a header tells; tolerates headers that leave things out."""
    values = header.values
    architecture = values.get("general.architecture")

    def number(key: str, default: int = 0) -> int:
        value = values.get(f"{architecture}.{key}", default)
        if isinstance(value, list):  # one a layer
            value = max((one for one in value if isinstance(one, int)), default=default)
        return value if isinstance(value, int) and value > 0 else default

    layers, embedding = number("block_count"), number("embedding_length")
    heads = number("attention.head_count", 1)
    head_size = embedding // heads if heads else 0
    per_layer = values.get(f"{architecture}.attention.head_count_kv", heads)
    kv_heads = per_layer if isinstance(per_layer, list) else [per_layer] * min(layers, 4096)
    width = number("attention.key_length", head_size) + number("attention.value_length", head_size)
    return Shape(
        layers=layers,
        embedding=embedding,
        feed_forward=number("feed_forward_length"),
        vocabulary=number("vocab_size", _count(values.get("tokenizer.ggml.tokens"))),
        context_length=number("context_length"),
        kv_width=sum(one for one in kv_heads if isinstance(one, int) and one > 0) * width,
        parameters=sum(tensor.elements for tensor in header.tensors),
    )


def repacked_bytes(tensors: Iterable[Tensor]) -> int:
    """Weights that llama.cpp keeps a second time on this CPU: matrices of REPACKED types, but not the table of tokens.

    Source: ggml_repack_get_optimal_repack_type in ggml/src/ggml-cpu/repack.cpp; Q4_0, Q4_K and Q8_0 measured on AVX-512.
    """
    return sum(tensor.size_bytes or 0 for tensor in tensors if _is_matrix(tensor) and _is_repacked(tensor))


def repacked_roughly(shape: Shape, weights_bytes: int, quantization: str) -> int:
    """The same before the header of just this file was read: from the type that its name gives most of the weights."""
    if main_type(quantization) not in REPACKED.get(platform.machine(), frozenset()):
        return 0
    # The tables of tokens and scores stay as they are or have six bits; of the rest of a "_M" about a fifth has six.
    tables = int(shape.vocabulary * shape.embedding * 0.82)
    return int(max(0, weights_bytes - tables) * (0.78 if quantization.endswith("_M") else 0.95))


def main_type(quantization: str) -> str:
    """The tensor type after which a quantization is named: Q4_K for Q4_K_M."""
    return re.sub(r"_(M|S|L|XL|XXL)$", "", quantization)


def most_common_type(tensors: Iterable[Tensor]) -> str:
    """The type that most weights have that are multiplied with; empty without any of a known type."""
    elements: Counter[int] = Counter()
    for tensor in tensors:
        if _is_matrix(tensor):
            elements[tensor.type] += tensor.elements
    return next((TENSOR_TYPES[kind][0] for kind, _ in elements.most_common() if kind in TENSOR_TYPES), "")


def reads_slowly(kind: str) -> bool:
    """Whether this processor reads a prompt slower with weights of this tensor type than with one that llama.cpp repacks for it.

    False where nothing is known of the type or of the processor.
    """
    repacked = REPACKED.get(platform.machine(), frozenset())
    return bool(kind and repacked) and kind not in repacked


def _is_matrix(tensor: Tensor) -> bool:
    """Whether it is multiplied with; rows are looked up in the table of tokens."""
    return len(tensor.shape) == 2 and tensor.name != "token_embd.weight"


def _is_repacked(tensor: Tensor) -> bool:
    repacked = REPACKED.get(platform.machine(), frozenset())
    return TENSOR_TYPES.get(tensor.type, ("",))[0] in repacked and tensor.shape[1] % 8 == 0


def estimate(
    shape: Shape,
    weights_bytes: int,
    *,
    context_tokens: int = 0,
    kv_type: str = "f16",
    repacked_bytes: int = 0,
) -> Estimate:
    """Peak memory of a model on the CPU with one conversation.

    context_tokens: 0 takes what the engine takes, the model's own and at most 4,096.
    kv_type: a key of KV_BYTES.   repacked_bytes: see the functions of that name.
    """
    context = context_tokens or min(shape.context_length or DEFAULT_CONTEXT, DEFAULT_CONTEXT)
    context = -(-context // 256) * 256  # llama.cpp pads its cache
    kv = int(context * shape.kv_width * KV_BYTES[kv_type])
    rows = slice_tokens(shape.parameters)
    # Reading a slice holds about three rows of the feed-forward width and four of the model's, in float32,
    # and one row of scores for the vocabulary.
    compute = 4 * (rows * (3 * shape.feed_forward + 4 * shape.embedding) + 2 * shape.vocabulary)
    compute += 2 * context * rows + WORD_BYTES * shape.vocabulary + WORKER_BYTES
    return Estimate(weights_bytes, kv, compute, weights_bytes + kv + compute + repacked_bytes, repacked_bytes)


def estimate_gpu(shape: Shape, weights_bytes: int, *, context_tokens: int, kv_type: str = "f16") -> Estimate:
    """Memory of a GPU that holds the whole model: buffers are taken in full there, also those a CPU touches in part.

    llama.cpp reserves scores for each of the BATCH_TOKENS tokens that are read at once.
    """
    on_cpu = estimate(shape, weights_bytes, context_tokens=context_tokens, kv_type=kv_type)
    compute = 4 * BATCH_TOKENS * (shape.vocabulary + 3 * shape.feed_forward + 4 * shape.embedding)
    return Estimate(weights_bytes, on_cpu.kv_bytes, compute, weights_bytes + on_cpu.kv_bytes + compute)


def slice_tokens(parameters: int) -> int:
    """Tokens of a prompt that the engine reads at once on a CPU; engine/native.py has the same rule and the reason."""
    fitting = int(2 ** int(log2(1e11 / max(parameters, 1))))
    return max(32, min(BATCH_TOKENS, fitting))


def free_memory(memory_bytes: int, devices: Iterable[Device] = (), *, reclaimed_bytes: int = 0) -> Free:
    """What a model may take: memory_bytes of the system, and each GPU's free memory less the margin.

    reclaimed_bytes: what the model in memory gives back, because it leaves before another one comes.
    """
    gpus = sum(max(0, one.free_bytes - GPU_MARGIN_BYTES) for one in devices if one.kind == "gpu")
    return Free(memory_bytes + reclaimed_bytes, gpus)


def verdict(estimated: Estimate, free: Free) -> Fit:
    """Wholly on the GPU, or in the system's memory, or divided between them."""
    needed = estimated.needed_bytes
    if needed <= free.gpu_bytes or needed <= TIGHT * free.memory_bytes:
        return "fits"
    return "tight" if needed <= 0.95 * (free.memory_bytes + free.gpu_bytes) else "too_big"


def as_document(estimated: Estimate) -> dict[str, Any]:
    return asdict(estimated)


def _count(value: object) -> int:
    return value if isinstance(value, int) else len(value) if isinstance(value, list) else 0
