"""Small GGUF files that always say the same text: what thinking models say, through the real engine.

Embeddings are one-hot and blocks zero, so the output matrix alone says which token follows which.
"""

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np

_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6
GO = "<|go|>"
"""The control token behind which it begins to speak: every prompt must end with it."""
TEMPLATE = "{% for m in messages %}{{ m.content }}\n{% endfor %}" + GO


def write_spoken_model(
    path: Path,
    says: Sequence[str],
    template: str | None = TEMPLATE,
    *,
    control: Sequence[str] = (),
    add_bos: bool = False,
    after: str = GO,
    for_ever: bool = False,
) -> Path:
    """says: its tokens, one after the other; those that stand in `control` are control tokens.

    after: the control token behind which it begins.   for_ever: it says the last one again and again; else it ends behind it. A text that stands twice gets two tokens, by a blank at its end.
    """
    spoken = [text for text in says if text not in control]
    vocabulary = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), GO, *control]
    kinds = [_UNKNOWN, _CONTROL, _CONTROL] + [_BYTE] * 256 + [_CONTROL] * (1 + len(control)) + [_NORMAL] * len(spoken)
    first = len(vocabulary)
    vocabulary += [text.replace(" ", "▁") for text in spoken]
    assert len(set(vocabulary)) == len(vocabulary), "each token follows one other only"
    ids = [
        vocabulary.index(after),
        *(vocabulary.index(text) if text in control else first + spoken.index(text) for text in says),
    ]
    size, width = len(vocabulary), -(-len(vocabulary) // 32) * 32
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("a model that says one thing")
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(64)
    writer.add_head_count(width // 32)
    writer.add_head_count_kv(width // 32)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_vocab_size(size)
    writer.add_file_type(0)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(vocabulary)
    writer.add_token_scores([-1000.0] * size)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(add_bos)
    writer.add_add_space_prefix(False)
    if template is not None:
        writer.add_chat_template(template)

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    embeddings, output = zeros(size, width), zeros(size, width)
    embeddings[np.arange(size), np.arange(size)] = 1
    for now, then in zip(ids, [*ids[1:], ids[-1] if for_ever else 2], strict=True):
        output[then, now] = 5
    ones = np.ones(width, np.float32)
    tensors = {"token_embd": embeddings, "output": output, "output_norm": ones}
    tensors |= {f"blk.0.{name}": ones for name in ("attn_norm", "ffn_norm")}
    tensors |= {f"blk.0.{name}": zeros(width, width) for name in ("attn_q", "attn_k", "attn_v", "attn_output")}
    tensors |= {f"blk.0.{name}": zeros(64, width) for name in ("ffn_gate", "ffn_up")} | {
        "blk.0.ffn_down": zeros(width, 64)
    }
    for name, tensor in tensors.items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
