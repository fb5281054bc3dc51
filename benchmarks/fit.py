"""Predicted peak memory beside the measured one: `python -m benchmarks.fit [FOLDER]`, a table of 14 cases.

Each case is a synthetic GGUF of a real shape, loaded by the app's own engine, with a prompt read. The measured peak is
the one that the engine itself reports and the app stores (Linux). Needs 5 GB of disk in FOLDER (the system's temporary one) and 8 GB of memory.
"""

import sys
import tempfile
from contextlib import closing
from pathlib import Path

from kdrinks.engine.local import LocalEngine
from kdrinks.engine.planner import DirectPlanner
from kdrinks.engine.protocol import Done
from kdrinks.hub import catalog, fit
from kdrinks.hub.gguf import read_model
from kdrinks.records import Choice, LocalModel, Message, Plan, Sampling
from tests.support.real_shapes import SHAPES, write_shape

CASES = [
    ("0.5B (Qwen2.5)", "Q8_0", 4096, "f16"),
    ("0.5B (Qwen2.5)", "Q8_0", 16384, "f16"),
    ("0.5B (Qwen2.5)", "Q4_K_M", 4096, "f16"),
    ("0.5B (Qwen2.5)", "Q4_0", 4096, "f16"),
    ("0.5B (Qwen2.5)", "Q2_K", 4096, "f16"),
    ("0.5B (Qwen2.5)", "Q6_K", 4096, "f16"),
    ("1B (Gemma 3)", "Q4_K_M", 4096, "f16"),
    ("1B (Gemma 3)", "Q5_K_M", 4096, "f16"),
    ("1.5B (Qwen2.5)", "Q4_K_M", 4096, "f16"),
    ("1.5B (Qwen2.5)", "Q4_K_M", 16384, "q8_0"),
    ("1.5B (Qwen2.5)", "Q3_K_M", 8192, "f16"),
    ("3B (Llama 3.2)", "Q4_K_M", 4096, "f16"),
    ("7B (Llama 2)", "Q4_K_M", 2048, "f16"),
    ("7B (Llama 2)", "Q4_K_M", 4096, "q8_0"),
]


class OnePlan(DirectPlanner):
    """Loads with this plan and no other."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def plans(self, choice: Choice, devices: object) -> list[Plan]:
        return [self.plan]


def measured_peak(path: Path, context_tokens: int, kv_type: str, prompt_tokens: int) -> int:
    """Bytes at most resident in the engine's process after a load and one prompt, as every answer stores them."""
    with closing(LocalEngine(planner=OnePlan(Plan(0, context_tokens, kv_type)))) as engine:
        text = "a" * prompt_tokens
        *_, done = engine.stream(
            lambda count, room: [Message("user", text)],
            Choice(LocalModel(path.stem, path), "cpu"),
            Sampling(max_tokens=2),
        )
        assert isinstance(done, Done)
        return done.loaded.memory_bytes


def main(folder: Path) -> None:
    worst = 0.0
    print(f"{'shape':16s} {'type':8s} {'context':>7s} {'KV':5s} {'predicted':>10s} {'measured':>10s} {'off':>7s}")
    path, made = folder / "shape.gguf", ("", "")
    for name, quantization, context, kv_type in CASES:
        if (name, quantization) != made:
            write_shape(path, quantization, **SHAPES[name])
            made = (name, quantization)
        model = read_model(path)
        predicted = catalog.estimate_of(model, context_tokens=context, kv_type=kv_type).total_bytes
        # A whole slice fills the buffers.
        measured = measured_peak(path, context, kv_type, fit.slice_tokens(model.parameters))
        off = predicted / measured - 1
        worst = max(worst, abs(off))
        print(
            f"{name:16s} {quantization:8s} {context:7d} {kv_type:5s} {predicted >> 20:7d} MiB {measured >> 20:7d} MiB {off:+7.1%}",
            flush=True,
        )
    path.unlink()
    print(f"largest difference {worst:.1%} over {len(CASES)} cases")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
