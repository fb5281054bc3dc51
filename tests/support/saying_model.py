"""A small GGUF that says one text, whatever it is asked: embeddings are one-hot, blocks are zero, the output table names the next token."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np

TEMPLATE = "{% for message in messages %}{{ message.content }}\n{% endfor %}<|go|>"


def write_saying_model(path: Path, pieces: Sequence[str], *, context_length: int = 4096) -> Path:
    """pieces: the tokens it says, one after the other; then it ends."""
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "<|go|>"]
    first = len(names)
    names += [piece.replace(" ", "▁") for piece in pieces]
    token = gguf.TokenType
    width = -(-len(names) // 32) * 32
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name(path.stem)
    writer.add_context_length(context_length)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(64)
    writer.add_head_count(width // 32)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_vocab_size(len(names))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(names)
    writer.add_token_scores([-1000.0] * len(names))
    writer.add_token_types(
        [token.UNKNOWN, token.CONTROL, token.CONTROL, *[token.BYTE] * 256, token.CONTROL, *[token.NORMAL] * len(pieces)]
    )
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)
    output = np.zeros((len(names), width), np.float32)
    said = [first - 1, *range(first, len(names)), 2]
    for one, after in itertools.pairwise(said):
        output[after, one] = 5
    writer.add_tensor("token_embd.weight", np.eye(len(names), width, dtype=np.float32))
    writer.add_tensor("output.weight", output)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((width, width), np.float32))
    for name, shape in (("ffn_gate", (64, width)), ("ffn_up", (64, width)), ("ffn_down", (width, 64))):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
