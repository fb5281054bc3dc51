"""Where this project began beside where it is: Llama 2 7B's exact shape, a 60-token prompt, 100 new tokens, on the CPU.

    python -m benchmarks.llama2 --peer PYTHON [--picture FILE.svg] [--small]

transformers in bfloat16 against kdrinks with Q4_K_M, one after the other in one run, random weights on both sides, each
in a process of its own with the same number of threads. kdrinks has a context of 512 tokens, because transformers holds
no more than it needs either. Measured are the seconds from the prompt to the last token, once after a short warm-up, and
the peak memory of the process that holds the model. PYTHON: an interpreter with torch and transformers
(benchmarks/requirements.txt). Needs 15 GB of free memory and 4 GB of disk; transformers comes first, so that the file of
weights is not in memory beside it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROMPT, NEW, CONTEXT = 60, 100, 512


def transformers(shape: dict[str, int], threads: int) -> dict[str, float]:
    """Runs in the peer's interpreter: {"prompt_s", "total_s", "memory_bytes"}; prompt_s is the time to the first token."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    torch.set_num_threads(threads)
    config = LlamaConfig(
        hidden_size=shape["embedding"],
        intermediate_size=shape["feed_forward"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        num_key_value_heads=shape["kv_heads"],
        vocab_size=shape["vocabulary"],
        max_position_embeddings=4096,
        bos_token_id=1,
        eos_token_id=None,
    )
    # Shapes first, memory once, in bfloat16: weights made in float32 would take 27 GB.
    with torch.device("meta"):
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    model = model.to_empty(device="cpu").eval()
    model.model.rotary_emb = LlamaRotaryEmbedding(config=config)
    noise = torch.randn(1 << 22).to(torch.bfloat16)
    with torch.no_grad():
        for weight in model.parameters():
            flat = weight.view(-1)
            if weight.dim() == 1:
                flat.fill_(1.0)
                continue
            for start in range(0, flat.numel(), noise.numel()):
                part = flat[start : start + noise.numel()]
                part.copy_(noise[: part.numel()])
            flat.mul_(weight.shape[1] ** -0.5)
        prompt = torch.randint(3, shape["vocabulary"], (1, PROMPT), generator=torch.Generator().manual_seed(1))
        mask = torch.ones_like(prompt)

        def seconds(tokens: int) -> float:
            started = time.perf_counter()
            written = model.generate(
                prompt,
                attention_mask=mask,
                min_new_tokens=tokens,
                max_new_tokens=tokens,
                do_sample=False,
                pad_token_id=0,
            )
            assert written.shape[1] == PROMPT + tokens
            return time.perf_counter() - started

        seconds(2)
        return {"prompt_s": seconds(1), "total_s": seconds(NEW), "memory_bytes": peak_bytes()}


def peak_bytes() -> int:
    """Highest resident memory of this process (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:", 1)[1].split(maxsplit=1)[0]) * 1024


def kdrinks(path: Path, threads: int) -> dict[str, float]:
    """The same of the app's own engine."""
    from contextlib import closing

    from kdrinks.engine.local import LocalEngine
    from kdrinks.engine.protocol import Done
    from kdrinks.records import Choice, LocalModel, Message, Sampling

    text = "".join(chr(0x3400 + 7 * number) for number in range(PROMPT - 2))  # and <s>, and `first`
    with closing(LocalEngine()) as engine:
        choice = Choice(LocalModel("shape", path), "cpu", CONTEXT)
        assert engine.load(choice).threads == threads

        def run(tokens: int, first: str) -> dict[str, float]:
            """first: a word of its own, so that nothing of the prompt before is left to use."""
            started = time.perf_counter()
            *_, done = engine.stream(
                lambda *_: [Message("user", first + text)], choice, Sampling(max_tokens=tokens, measured=True)
            )
            assert isinstance(done, Done)
            assert (done.timing.prompt_tokens, done.timing.completion_tokens) == (PROMPT, tokens)
            return {
                "prompt_s": done.timing.prompt_s,
                "total_s": time.perf_counter() - started,
                "memory_bytes": done.loaded.memory_bytes,
            }

        run(2, "一")
        return run(NEW, "二")


def picture(rows: list[tuple[str, dict[str, float]]]) -> str:
    """An SVG of two pairs of bars: seconds and GiB."""
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 270" font-family="sans-serif" font-size="15">',
        '<rect width="720" height="270" fill="#fdfaf3"/>',
    ]
    panels = (
        ("seconds to the last of 100 tokens", "total_s", 1, "s"),
        ("peak memory", "memory_bytes", 2**30, "GiB"),
    )
    for panel, (title, key, unit, sign) in enumerate(panels):
        y = 30 + 120 * panel
        longest = max(values[key] for _, values in rows)
        parts.append(f'<text x="20" y="{y}" font-weight="bold" fill="#3b2f2a">{title}</text>')
        for row, (name, values) in enumerate(rows):
            top, width = y + 14 + 38 * row, 380 * values[key] / longest
            parts.append(f'<text x="20" y="{top + 21}" fill="#3b2f2a">{name}</text>')
            parts.append(
                f'<rect x="220" y="{top}" width="{width:.0f}" height="30" rx="4" fill="{("#b9aa97", "#7a4b2a")[row]}"/>'
            )
            label = f"{values[key] / unit:.1f} {sign}"
            parts.append(f'<text x="{228 + width:.0f}" y="{top + 21}" fill="#3b2f2a">{label}</text>')
    return "\n".join([*parts, "</svg>\n"])


def main(options: argparse.Namespace) -> None:
    import psutil

    from kdrinks.engine.processors import physical_cores
    from tests.support.real_shapes import SHAPES, write_shape

    shape = SHAPES["toy" if options.small else "7B (Llama 2)"]
    needed = 1 if options.small else 15
    free = psutil.virtual_memory().available / 2**30
    if free < needed:
        raise SystemExit(f"this needs {needed} GiB of free memory; there are {free:.1f}")
    # The engine takes one thread below 100 M parameters, the physical cores above.
    threads = 1 if options.small else physical_cores()
    # The peer's interpreter has no gguf, which the table of shapes comes with.
    command = [options.peer, __file__, "--as-peer", json.dumps({"shape": shape, "threads": threads})]
    theirs = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
    with tempfile.TemporaryDirectory() as folder:
        path = write_shape(Path(folder) / "shape.gguf", "Q4_K_M", **shape, template="{{ messages[0].content }}")
        ours = kdrinks(path, threads)
    rows = [("transformers, bfloat16", theirs), ("kdrinks, Q4_K_M", ours)]
    print(f"{'':26}{'first token, s':>16}{'last token, s':>16}{'tokens/s':>10}{'peak GiB':>10}")
    for name, values in rows:
        speed = (NEW - 1) / (values["total_s"] - values["prompt_s"])
        print(
            f"{name:26}{values['prompt_s']:16.2f}{values['total_s']:16.2f}{speed:10.2f}{values['memory_bytes'] / 2**30:10.2f}"
        )
    print(
        f"{'ratio':26}{theirs['prompt_s'] / ours['prompt_s']:16.1f}{theirs['total_s'] / ours['total_s']:16.1f}"
        f"{'':10}{theirs['memory_bytes'] / ours['memory_bytes']:10.1f}"
    )
    print(f"aim: 8 times to the last token; {threads} threads on both sides")
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    options.picture.write_text(picture(rows), encoding="utf-8")
    print(options.picture)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", default=sys.executable)
    parser.add_argument("--picture", type=Path, default=ROOT / "benchmarks" / "out" / "llama2.svg")
    parser.add_argument("--small", action="store_true", help="a toy shape, to see that it runs")
    parser.add_argument("--as-peer", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_peer:
        print(json.dumps(transformers(**arguments.as_peer)))
    else:
        main(arguments)
