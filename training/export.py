"""From a checkpoint to the GGUF files that llama.cpp reads: F16 as trained, Q8_0 as shipped.

    python -m training.export --out training/out [--to models/kdrinks-mini.gguf]

The header carries everything: shape, tokenizer with scores and types, and a chat template that lays the last user
message out exactly as in training, so the file needs no code of its own in the engine.
"""

import argparse
import shutil
from pathlib import Path

import gguf
import numpy
import torch

from kdrinks.engine import library
from training.chat_template import CHAT_TEMPLATE
from training.model import Block, Model, Shape
from training.tokenizer import Tokenizer

NAME = "kdrinks-mini"


def load(path: Path) -> Model:
    """The model of a checkpoint, ready to be asked."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    model = Model(Shape(**state["shape"]))
    model.load_state_dict(state["model"])
    model.eval()
    return model


def write_f16(model: Model, tokenizer: Tokenizer, path: Path) -> None:
    """Write the GGUF file: matrices as F16, norms as F32."""
    shape = model.shape
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name(NAME)
    writer.add_description(
        "Says in polite sentences what passages about traditional Korean drinks say; not a general assistant."
    )
    writer.add_license("mit")
    writer.add_languages(["ko", "en"])
    writer.add_size_label(f"{sum(p.numel() for p in model.parameters()) / 1e6:.0f}M")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)
    _add_tokenizer(writer, tokenizer)
    writer.add_chat_template(CHAT_TEMPLATE)

    def matrix(name: str, tensor: torch.Tensor) -> None:
        writer.add_tensor(name, tensor.detach().to(torch.float16).contiguous().numpy())

    def vector(name: str, tensor: torch.Tensor) -> None:
        writer.add_tensor(name, tensor.detach().float().numpy().astype(numpy.float32))

    matrix("token_embd.weight", model.embedding)
    for number, block in enumerate(model.blocks):
        assert isinstance(block, Block)
        vector(f"blk.{number}.attn_norm.weight", block.norm_attention)
        for part, name in enumerate("qkv"):
            matrix(f"blk.{number}.attn_{name}.weight", block.qkv[part])
        matrix(f"blk.{number}.attn_output.weight", block.out)
        vector(f"blk.{number}.ffn_norm.weight", block.norm_mlp)
        matrix(f"blk.{number}.ffn_gate.weight", block.gate_up[0])
        matrix(f"blk.{number}.ffn_up.weight", block.gate_up[1])
        matrix(f"blk.{number}.ffn_down.weight", block.down)
    vector("output_norm.weight", model.norm)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    pieces = tokenizer.pieces

    def kind(piece: int) -> int:
        if pieces.is_unknown(piece):
            return gguf.TokenType.UNKNOWN
        if pieces.is_control(piece):
            return gguf.TokenType.CONTROL
        return gguf.TokenType.BYTE if pieces.is_byte(piece) else gguf.TokenType.NORMAL

    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([pieces.id_to_piece(piece).encode() for piece in range(tokenizer.size)])
    writer.add_token_scores([pieces.get_score(piece) for piece in range(tokenizer.size)])
    writer.add_token_types([kind(piece) for piece in range(tokenizer.size)])
    writer.add_bos_token_id(tokenizer.begin)
    writer.add_eos_token_id(tokenizer.end)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)


def export(out: Path) -> Path:
    """Write NAME-f16.gguf and, by llama.cpp's own quantizer, NAME.gguf (Q8_0) into out; returns the latter.

    Raises RuntimeError when llama.cpp cannot quantize.
    """
    library.start()
    f16, q8 = out / f"{NAME}-f16.gguf", out / f"{NAME}.gguf"
    write_f16(load(out / "checkpoint.pt"), Tokenizer(out / "tokenizer.model"), f16)
    part = q8.with_suffix(".part")
    if library.quantize(str(f16), str(part), "Q8_0"):
        raise RuntimeError(f"llama.cpp could not quantize {f16}")
    part.replace(q8)
    return q8


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("training/out"))
    parser.add_argument("--to", type=Path, help="copy the Q8_0 file there")
    given = parser.parse_args()
    q8 = export(given.out)
    if given.to:
        part = given.to.with_suffix(".part")
        shutil.copyfile(q8, part)
        part.replace(given.to)
    print(f"{given.to or q8}: {q8.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
