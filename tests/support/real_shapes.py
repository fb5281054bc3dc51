"""Writes GGUF files of real models' shapes with random weights: what memory they take is real, what they say is not."""

from pathlib import Path
from typing import TypedDict

import gguf
import numpy as np

_BYTE, _CONTROL, _UNKNOWN, _NORMAL = 6, 3, 2, 1
_TYPES = gguf.GGMLQuantizationType
QUANTIZATIONS = {
    "F16": (_TYPES.F16, _TYPES.F16, 1),
    "Q8_0": (_TYPES.Q8_0, _TYPES.Q8_0, 7),
    "Q6_K": (_TYPES.Q6_K, _TYPES.Q6_K, 18),
    "Q5_K_M": (_TYPES.Q5_K, _TYPES.Q6_K, 17),
    "Q4_K_M": (_TYPES.Q4_K, _TYPES.Q6_K, 15),
    "Q4_0": (_TYPES.Q4_0, _TYPES.Q6_K, 2),
    "Q3_K_M": (_TYPES.Q3_K, _TYPES.Q5_K, 12),
    "Q2_K": (_TYPES.Q2_K, _TYPES.Q6_K, 10),
}
"""Name -> (type of most weights, type of the output table and of every second value and down projection, file type)."""


class Shape(TypedDict):
    layers: int
    embedding: int
    feed_forward: int
    vocabulary: int
    heads: int
    kv_heads: int
    head_size: int


_ROWS = {
    "toy": (4, 512, 1024, 8000, 8, 8, 64),
    "0.5B (Qwen2.5)": (24, 1024, 4864, 151_936, 16, 2, 64),
    "1B (Gemma 3)": (26, 1280, 6912, 262_144, 4, 1, 256),
    "1.5B (Qwen2.5)": (28, 1536, 8960, 151_936, 12, 2, 128),
    "1B (Llama 3.2)": (16, 2048, 8192, 128_256, 32, 8, 64),
    "3B (Llama 3.2)": (28, 3072, 8192, 128_256, 24, 8, 128),
    "7B (Llama 2)": (32, 4096, 11_008, 32_000, 32, 32, 128),
}
SHAPES = {
    name: Shape(
        layers=layers,
        embedding=embedding,
        feed_forward=feed_forward,
        vocabulary=vocabulary,
        heads=heads,
        kv_heads=kv_heads,
        head_size=head_size,
    )
    for name, (layers, embedding, feed_forward, vocabulary, heads, kv_heads, head_size) in _ROWS.items()
}
"""Name -> what write_shape takes; widths rounded up to multiples of 256."""


def write_shape(
    path: Path,
    quantization: str,
    *,
    layers: int,
    embedding: int,
    feed_forward: int,
    vocabulary: int,
    heads: int,
    kv_heads: int,
    head_size: int,
    broken: bool = False,
    template: str = "",
    tied: bool = False,
) -> Path:
    """A Llama of this shape that never ends by itself; its vocabulary is the bytes and one character a word.

    tied: one table serves for tokens and scores.
    broken: each word is the first byte of a character and digits instead, so that every token breaks UTF-8.
    """
    most, best, file_type = QUANTIZATIONS[quantization]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name(f"random {quantization}")
    writer.add_context_length(32768)
    writer.add_embedding_length(embedding)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(feed_forward)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head_size)
    writer.add_value_length(head_size)
    writer.add_rope_dimension_count(head_size)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(vocabulary)
    writer.add_file_type(file_type)
    count = vocabulary - 259
    words = [b"\xec%d" % number for number in range(count)] if broken else _characters(count)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([b"<unk>", b"<s>", b"</s>", *(b"<0x%02X>" % byte for byte in range(256)), *words])
    writer.add_token_scores([0.0] * vocabulary)
    writer.add_token_types([_UNKNOWN, _CONTROL, _CONTROL] + [_BYTE] * 256 + [_NORMAL] * count)
    writer.add_add_space_prefix(False)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    if template:
        writer.add_chat_template(template)
    random = np.random.default_rng(7)
    blocks: dict[tuple[int, int, int], np.ndarray] = {}

    def matrix(name: str, rows: int, columns: int, kind: gguf.GGMLQuantizationType, *, std: float = 0.0) -> None:
        """Equal shapes share one block of memory here."""
        key = (rows, columns, int(kind))
        if key not in blocks:
            blocks[key] = _weights(random, rows, columns, kind, std or columns**-0.5)
        writer.add_tensor(name, blocks[key], raw_dtype=kind)

    matrix("token_embd.weight", vocabulary, embedding, most, std=1.0)
    if not tied:
        output = _weights(random, vocabulary, embedding, best, 4 * embedding**-0.5)
        output[:3] = 0  # <unk>, <s> and </s>: others always score above them
        writer.add_tensor("output.weight", output, raw_dtype=best)
    writer.add_tensor("output_norm.weight", np.ones(embedding, np.float32))
    for layer in range(layers):
        some = best if layer % 2 else most
        block = f"blk.{layer}"
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{block}.{name}.weight", np.ones(embedding, np.float32))
        matrix(f"{block}.attn_q.weight", heads * head_size, embedding, most)
        matrix(f"{block}.attn_k.weight", kv_heads * head_size, embedding, most)
        matrix(f"{block}.attn_v.weight", kv_heads * head_size, embedding, some)
        matrix(f"{block}.attn_output.weight", embedding, heads * head_size, most)
        matrix(f"{block}.ffn_gate.weight", feed_forward, embedding, most)
        matrix(f"{block}.ffn_up.weight", feed_forward, embedding, most)
        matrix(f"{block}.ffn_down.weight", embedding, feed_forward, some)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _characters(count: int) -> list[bytes]:
    """One character a word, so that a text is cut into the words it was written with."""
    points = (point for point in range(0x3400, 0x60000) if not 0xD7A4 <= point < 0x10000)
    return [chr(point).encode() for point, _ in zip(points, range(count), strict=False)]


def _weights(
    random: np.random.Generator, rows: int, columns: int, kind: gguf.GGMLQuantizationType, std: float
) -> np.ndarray:
    """(rows, bytes a row) random weights of about this standard deviation, laid out as ggml does.

    Random bits with fixed scales. Types that are not written out here have scales that are finite, and no more.
    Source of the layouts: ggml/src/ggml-common.h
    """
    if kind == _TYPES.F16:
        return (random.standard_normal((rows, columns), np.float32) * std).astype(np.float16)
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    data = random.integers(0, 256, size=(rows, columns // elements, size), dtype=np.uint8)

    def half(value: float) -> np.ndarray:
        return np.frombuffer(np.float16(value).tobytes(), np.uint8)

    if kind == _TYPES.Q8_0:
        data[..., :2] = half(std / 74)
    elif kind in (_TYPES.Q4_K, _TYPES.Q5_K):
        middle = 7.5 if kind == _TYPES.Q4_K else 15.5
        scale = std / (32 * middle * 0.615)
        data[..., :2], data[..., 2:4] = half(scale), half(scale * middle)
        data[..., 4:12], data[..., 12:16] = 160, 0  # all scales and minima 32, as six bits each
    elif kind == _TYPES.Q6_K:
        data[..., 192:208], data[..., 208:] = 16, half(std / (16 * 18.5))
    else:
        data %= 60
    return data.reshape(rows, -1)
