"""How well the size and the memory of a quantized file are known before it is made.

    python -m benchmarks.sizes MODEL.gguf ... [--shapes] [--memory] [--types TYPE ...]

Each file, and with --shapes each of five shapes with random weights, is quantized with llama.cpp to every type that makes it smaller;
what quantize.size_bytes and quantize.offer promise stands beside the file that was made and, with --memory, beside the peak that
the system shows for a worker that answered from it. Prints a table in Markdown.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from kdrinks.engine.local import LocalEngine
from kdrinks.hub import quantize
from kdrinks.hub.gguf import read_model
from kdrinks.hub.plan import Planner
from kdrinks.jobs import Jobs
from kdrinks.records import ADMINISTRATOR, Choice, LocalModel, Message, ModelFile, Sampling
from tests.support.real_shapes import Shape, write_shape

SHAPES: dict[str, tuple[bool, Shape]] = {
    name: (tied, Shape(layers=layers, embedding=embedding, feed_forward=forward, vocabulary=words, heads=heads, kv_heads=kv, head_size=size))
    for name, tied, layers, embedding, forward, words, heads, kv, size in (
        ("576 wide, 3 of 9 heads kept, two tables", False, 12, 576, 1536, 24_576, 9, 3, 64),
        ("640 wide, 1 of 4 heads kept, one table", True, 9, 640, 2048, 65_536, 4, 1, 256),
        ("896 wide, 2 of 14 heads kept, one table", True, 8, 896, 4864, 49_152, 14, 2, 64),
        ("1,024 wide, all heads kept, two tables", False, 16, 1024, 2816, 16_384, 16, 16, 64),
        ("1,536 wide, 2 of 12 heads kept, two tables", False, 8, 1536, 4096, 32_000, 12, 2, 128),
    )
}  # fmt: skip


def made(model: ModelFile, folder: Path, types: list[str]) -> Iterator[tuple[str, Path]]:
    """(type, file) of each smaller file, one at a time: the one before is gone then."""
    for name in (name for name in quantize.smaller(model) if name in types):
        target = folder / f"made-{name}.gguf"
        job = quantize.start(Jobs(), ADMINISTRATOR, model, {name: target})
        job.wait()
        if job.error:
            raise job.error
        yield name, target
        target.unlink()


def peak_bytes(path: Path) -> int:
    """Of a worker that read 700 letters, more than it reads at once, and wrote 2 tokens with the file."""
    with closing(LocalEngine(planner=Planner())) as engine:
        choice = Choice(LocalModel("m", path), "cpu")
        for _ in engine.stream(lambda count, room: [Message("user", "a" * 700)], choice, Sampling(max_tokens=2)):
            pass
        status = Path(f"/proc/{engine.state.worker_pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--shapes", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--types", nargs="*", default=list(quantize.TYPES))
    options = parser.parse_args()
    print(
        "| of | type | promised, MB | made, MB | off | memory promised, MB | peak, MB | off |\n|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sources = [(path.stem, path) for path in options.models]
        for name, (tied, shape) in SHAPES.items() if options.shapes else ():
            sources.append((name, folder / f"{len(sources)}-F16.gguf"))
            write_shape(sources[-1][1], "F16", tied=tied, **shape)
        for name, path in sources:
            model = read_model(path)
            for kind, file in made(model, folder, options.types):
                promised, found = quantize.size_bytes(model, kind), file.stat().st_size
                row = [name, kind, f"{promised / 1e6:.1f}", f"{found / 1e6:.1f}", f"{promised / found - 1:+.2%}"]
                if options.memory:
                    told, peak = quantize.offer(model, kind).estimate.total_bytes, peak_bytes(file)
                    row += [f"{told / 1e6:.0f}", f"{peak / 1e6:.0f}", f"{told / peak - 1:+.1%}"]
                print("| " + " | ".join(row + [""] * (8 - len(row))) + " |", flush=True)


if __name__ == "__main__":
    main()
