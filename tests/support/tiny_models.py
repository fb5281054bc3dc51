"""Writes small GGUF files with random weights: real shapes for the real engine, nothing learned."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import gguf
import numpy as np

_BYTE, _CONTROL, _UNKNOWN = 6, 3, 2


def write_byte_model(
    path: Path,
    *,
    width: int = 64,
    layers: int = 1,
    context_length: int = 4096,
    template: str | None = None,
    architecture: str = "llama",
    tokenizer: bool = True,
    tensors_a_part: int = 0,
    name: str = "random bytes",
    sampling: Mapping[str, float] = MappingProxyType({}),
) -> Path:
    """A Llama whose vocabulary is the 256 raw bytes: what it writes is certain to be broken UTF-8.

    The scores of <unk>, <s> and </s> are 0 and those of many bytes above it: it never ends by itself.
    """
    random = np.random.default_rng(7)
    writer = gguf.GGUFWriter(str(path), architecture, split_max_tensors=tensors_a_part)
    writer.add_name(name)
    writer.add_context_length(context_length)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(width // 32)
    writer.add_head_count_kv(width // 32)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_vocab_size(259)
    writer.add_file_type(0)
    for key, value in sampling.items():
        writer.add_float32(f"general.sampling.{key}", value)
    if tokenizer:
        writer.add_tokenizer_model("llama")
        writer.add_token_list(["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))])
        writer.add_token_scores([0.0] * 259)
        writer.add_token_types([_UNKNOWN, _CONTROL, _CONTROL] + [_BYTE] * 256)
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_add_space_prefix(False)
    if template is not None:
        writer.add_chat_template(template)

    def weights(*shape: int, scale: float = 0.0) -> np.ndarray:
        return (random.standard_normal(shape) * (scale or shape[-1] ** -0.5)).astype(np.float32)

    output = weights(259, width, scale=1.0)
    output[:3] = 0
    writer.add_tensor("token_embd.weight", weights(259, width, scale=1.0))
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    writer.add_tensor("output.weight", output)
    for layer in range(layers):
        writer.add_tensor(f"blk.{layer}.attn_norm.weight", np.ones(width, np.float32))
        writer.add_tensor(f"blk.{layer}.ffn_norm.weight", np.ones(width, np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", weights(width, width))
        writer.add_tensor(f"blk.{layer}.ffn_gate.weight", weights(2 * width, width))
        writer.add_tensor(f"blk.{layer}.ffn_up.weight", weights(2 * width, width))
        writer.add_tensor(f"blk.{layer}.ffn_down.weight", weights(width, 2 * width))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
