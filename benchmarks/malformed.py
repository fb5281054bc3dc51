"""Damaged GGUF files through the lists of the models page and the real engine: `python -m benchmarks.malformed [COUNT]`.

COUNT (1,100) damaged files, the same ones each time, of three whole ones: the built-in model, random bytes in float32, and
one with 4-bit weights and a large vocabulary. Prints how each kind of damage ended; status 1 when one did something else
than to load or to give an error that says what to do. It took 45 s on 2 busy cores. Linux only: the worker's memory is limited.
"""

import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from kdrinks.config import BUILT_IN_FILE
from kdrinks.engine.local import LocalEngine
from tests.support import malformed
from tests.support.mutations import Mutations
from tests.support.real_shapes import Shape, write_shape
from tests.support.tiny_models import write_byte_model

SMALL: Shape = {
    "layers": 2,
    "embedding": 256,
    "feed_forward": 512,
    "vocabulary": 4000,
    "heads": 4,
    "kv_heads": 2,
    "head_size": 64,
}


def main(count: int, folder: Path) -> int:
    wholes = [
        write_byte_model(folder / "bytes.gguf", template="{{ messages[0].content }}").read_bytes(),
        write_shape(folder / "small.gguf", "Q4_K_M", **SMALL).read_bytes(),
        BUILT_IN_FILE.read_bytes(),
    ]
    sources = [Mutations(whole) for whole in wholes]
    seen: Counter[tuple[str, str]] = Counter()
    looked: Counter[str] = Counter()
    bugs = []
    started = time.monotonic()
    with closing(LocalEngine()) as engine:
        for number in range(count):
            kind, data = sources[number % len(sources)](number)
            path = folder / f"damaged-{number}.gguf"
            path.write_bytes(data)
            try:
                looked[malformed.inspect(path)] += 1
                seen[kind, malformed.load(engine, path)] += 1
            except Exception as bug:
                bugs.append((number, kind, repr(bug)))
            path.unlink()
        alive = malformed.load(engine, BUILT_IN_FILE)
    ends = sorted({end for _, end in seen}, key=lambda end: -sum(n for (_, e), n in seen.items() if e == end))
    print(f"{count} files in {time.monotonic() - started:.0f} s; looked into: {dict(looked.most_common())}\n")
    print(f"{'damage':22}" + "".join(f"{end:>22}" for end in ends))
    for kind, _ in sources[0].kinds:
        print(f"{kind:22}" + "".join(f"{seen[kind, end] or '-':>22}" for end in ends))
    print(f"{'all':22}" + "".join(f"{sum(n for (_, e), n in seen.items() if e == end):>22}" for end in ends))
    for number, kind, error in bugs:
        print(f"file {number} ({kind}): {error}")
    print(
        f"\nthe built-in model afterwards: {alive}; not an error that says what to do: {len(bugs)}; hung: {sum(n for (_, e), n in seen.items() if e == 'hangs')}"
    )
    return 1 if bugs or alive != "writes" or "hangs" in ends else 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1100, Path(temporary)))
