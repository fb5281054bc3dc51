"""Writes GGUF files of real models' shapes with random weights: what memory they take is real, what they say is not."""

from pathlib import Path

import gguf
import numpy as np

_BYTE, _CONTROL, _UNKNOWN, _UNUSED = 6, 3, 2, 5
_TYPES = gguf.GGMLQuantizationType
QUANTIZATIONS = {
    "Q8_0": (_TYPES.Q8_0, _TYPES.Q8_0, 7),
    "Q6_K": (_TYPES.Q6_K, _TYPES.Q6_K, 18),
    "Q5_K_M": (_TYPES.Q5_K, _TYPES.Q6_K, 17),
    "Q4_K_M": (_TYPES.Q4_K, _TYPES.Q6_K, 15),
    "Q4_0": (_TYPES.Q4_0, _TYPES.Q6_K, 2),
    "Q3_K_M": (_TYPES.Q3_K, _TYPES.Q5_K, 12),
    "Q2_K": (_TYPES.Q2_K, _TYPES.Q6_K, 10),
}
"""Name -> (type of most weights, type of the output table and of every second value and down projection, file type)."""


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
) -> Path:
    """A Llama of this shape; its vocabulary is the bytes and unused words."""
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
    unused = vocabulary - 259
    writer.add_tokenizer_model("llama")
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *(f"<{n}>" for n in range(unused))]
    writer.add_token_list(names)
    writer.add_token_scores([0.0] * vocabulary)
    writer.add_token_types([_UNKNOWN, _CONTROL, _CONTROL] + [_BYTE] * 256 + [_UNUSED] * unused)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    random = np.random.default_rng(7)
    blocks: dict[tuple[int, int, int], np.ndarray] = {}

    def matrix(name: str, rows: int, columns: int, kind: gguf.GGMLQuantizationType) -> None:
        """Bytes below 60 keep the scales of every type finite. Equal shapes share one block of memory here."""
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        key = (rows, columns, int(kind))
        if key not in blocks:
            blocks[key] = random.integers(0, 60, size=(rows, columns // elements * size), dtype=np.uint8)
        writer.add_tensor(name, blocks[key], raw_dtype=kind)

    matrix("token_embd.weight", vocabulary, embedding, most)
    matrix("output.weight", vocabulary, embedding, best)
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
