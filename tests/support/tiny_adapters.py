"""Writes small LoRA adapters (GGUF) with random weights, as llama.cpp's own converter lays them out."""

from pathlib import Path

import gguf
import numpy as np

RANK = 4


def write_adapter(
    path: Path,
    *,
    seed: int = 1,
    width: int = 64,
    strength: float = 1.0,
    architecture: str = "llama",
    kind: str = gguf.GGUFType.ADAPTER,
    tensor: str = "blk.0.attn_q.weight",
) -> Path:
    """Over one square matrix.   strength: of what it adds; 0 adds nothing, NaN is no number."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_type(kind)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(RANK))
    writer.add_tensor(f"{tensor}.lora_a", random.standard_normal((RANK, width)).astype(np.float32))
    writer.add_tensor(f"{tensor}.lora_b", (strength * random.standard_normal((width, RANK))).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
