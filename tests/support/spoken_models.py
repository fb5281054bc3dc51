"""Small GGUF files that always say the same text: what thinking models say, through the real engine.

Embeddings are one-hot and blocks zero, so the output matrix alone says which token follows which.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import gguf
import numpy as np

_NORMAL, _UNKNOWN, _CONTROL, _UNUSED, _BYTE = 1, 2, 3, 5, 6
TERNARY = gguf.GGMLQuantizationType.TQ2_0
LARGE_WIDTH, LARGE_VOCABULARY = 2048, 250_000
GO = "<|go|>"
"""The control token behind which it begins to speak: every prompt must end with it."""
TEMPLATE = "{% for m in messages %}{{ m.content }}\n{% endfor %}" + GO
NOTHING: Mapping[str, Sequence[str]] = {}


def write_spoken_model(
    path: Path,
    says: Sequence[str],
    template: str | None = TEMPLATE,
    *,
    control: Sequence[str] = (),
    add_bos: bool = False,
    after: str = GO,
    for_ever: bool = False,
    also: Mapping[str, Sequence[str]] = NOTHING,
    large: bool = False,
) -> Path:
    """says: its tokens, one after the other; those that stand in `control` are control tokens.

    after: the control token behind which it begins.   for_ever: it says the last one again and again; else it ends behind it.
    also: what it says behind other control tokens.
    large: of more than 1,000 million parameters, nearly all in words that it never says, so that nobody guards it.
    """
    chains = {after: says, **also}
    control = list(dict.fromkeys([GO, *control, *also]))
    spoken = [text for chain in chains.values() for text in chain if text not in control]
    vocabulary = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *control]
    kinds = [_UNKNOWN, _CONTROL, _CONTROL] + [_BYTE] * 256 + [_CONTROL] * len(control) + [_NORMAL] * len(spoken)
    vocabulary += [text.replace(" ", "▁") for text in spoken]
    assert len(set(vocabulary)) == len(vocabulary), "each token follows one other only"
    follows: list[tuple[int, int]] = []
    for begins, chain in chains.items():
        ids = [vocabulary.index(text.replace(" ", "▁")) for text in (begins, *chain)]
        follows += zip([*ids[1:], ids[-1] if for_ever else 2], ids, strict=True)
    width = LARGE_WIDTH if large else -(-len(vocabulary) // 32) * 32
    unused = LARGE_VOCABULARY - len(vocabulary) if large else 0
    vocabulary += [f"<{number}>" for number in range(unused)]
    kinds += [_UNUSED] * unused
    size = len(vocabulary)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("a model that says one thing")
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(256)
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

    def add(name: str, rows: int, columns: int, ones: Sequence[tuple[int, int]]) -> None:
        """A matrix of zeros with a 1 at each (row, column) that is named."""
        used = np.zeros((max((row for row, _ in ones), default=-1) + 1, columns), np.float32)
        for row, column in ones:
            used[row, column] = 1
        if large:
            table = np.zeros((rows, columns // 256 * 66), np.uint8)
            if len(used):
                table[: len(used)] = gguf.quants.quantize(used, TERNARY)
            writer.add_tensor(f"{name}.weight", table, raw_dtype=TERNARY)
        else:
            whole = np.zeros((rows, columns), np.float32)
            whole[: len(used)] = used
            writer.add_tensor(f"{name}.weight", whole)

    add("token_embd", size, width, [(token, token) for token in range(size - unused)])
    add("output", size, width, follows)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        add(f"blk.0.{name}", width, width, ())
    for name in ("ffn_gate", "ffn_up"):
        add(f"blk.0.{name}", 256, width, ())
    add("blk.0.ffn_down", width, 256, ())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
