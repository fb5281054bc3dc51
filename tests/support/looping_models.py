"""Writes a GGUF that says given pieces one after the other, and then from one of them on again, for ever."""

from pathlib import Path

import gguf
import numpy as np

_BYTE, _CONTROL, _UNKNOWN, _NORMAL = 6, 3, 2, 1


TEMPLATE = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}<|go|>"


def write_looping_model(path: Path, pieces: list[str], back_to: int, *, template: str | None = TEMPLATE) -> Path:
    """A Llama whose block does nothing: the last token alone decides the next. back_to: place of the piece that follows the last one.

    Pieces must differ from one another; `<0xEC>` is that byte. template: None for a file that has none.
    """
    vocabulary = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "<|go|>"]
    first = len(vocabulary)
    vocabulary += [word for piece in pieces if (word := piece.replace(" ", "▁")) not in vocabulary]
    count, width = len(vocabulary), -(-len(vocabulary) // 32) * 32
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("loop")
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(64)
    writer.add_head_count(width // 32)
    writer.add_head_count_kv(width // 32)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_vocab_size(count)
    writer.add_file_type(0)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(vocabulary)
    writer.add_token_scores([-1000.0] * count)
    kinds = [_UNKNOWN, _CONTROL, _CONTROL, *[_BYTE] * 256, _CONTROL, *[_NORMAL] * (count - first)]
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_space_prefix(False)
    if template is not None:
        writer.add_chat_template(template)
    said = [vocabulary.index(piece.replace(" ", "▁")) for piece in pieces]
    output = np.zeros((count, width), np.float32)
    output[said[0], :first] = 5  # whatever a prompt ends with, the first piece follows
    for one, following in zip(said, [*said[1:], said[back_to]], strict=True):
        output[:, one] = 0
        output[following, one] = 5
    writer.add_tensor("token_embd.weight", np.eye(count, width, dtype=np.float32))
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    writer.add_tensor("output.weight", output)
    nothing = np.zeros((width, width), np.float32)
    for norm in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{norm}.weight", np.ones(width, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{name}.weight", nothing)
    writer.add_tensor("blk.0.ffn_gate.weight", np.zeros((64, width), np.float32))
    writer.add_tensor("blk.0.ffn_up.weight", np.zeros((64, width), np.float32))
    writer.add_tensor("blk.0.ffn_down.weight", np.zeros((width, 64), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
