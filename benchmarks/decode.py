"""Writing speed of kdrinks beside a bare llama.cpp loop and llama-cpp-python's own streaming, as ratios.

    python benchmarks/decode.py [TOKENS]

Two models: the built-in one, and random weights of a like shape whose vocabulary is raw bytes, so that what is written
is certain to be broken UTF-8. Same files, context and threads in one run; medians of 3 rounds. llama-cpp-python decodes
every pending prefix again when a byte is broken, so its time grows with the cube of the length: 1,000 tokens take it
minutes, and its side is measured once there.
"""

import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from llama_cpp import Llama  # noqa: E402
from tiny_models import write_byte_model  # noqa: E402

from kdrinks.config import BUILT_IN_FILE  # noqa: E402
from kdrinks.engine.local import Engine  # noqa: E402
from kdrinks.records import Choice, Message, Sampling, Text  # noqa: E402

QUESTION = "식혜 재료가 뭐예요?"


def our_seconds(engine: Engine, choice: Choice, tokens: int) -> tuple[float, int]:
    """Seconds from the question to the end of its answer, and how many tokens that was."""
    messages = [Message("user", QUESTION, question=QUESTION)]
    sampling = Sampling(max_tokens=tokens, temperature=1.0, top_k=20, top_p=1.0, seed=1)
    started = time.perf_counter()
    *texts, done = engine.stream(lambda count, context_tokens: messages, choice, sampling)
    assert any(isinstance(event, Text) for event in texts)
    return time.perf_counter() - started, done.timing.completion_tokens


def their_seconds(llama: Llama, tokens: int) -> tuple[float, int]:
    """The same of create_completion(stream=True)."""
    started = time.perf_counter()
    pieces: Iterator[dict] = llama.create_completion(
        QUESTION, max_tokens=tokens, temperature=1.0, top_k=20, top_p=1.0, min_p=0.0, seed=1, stream=True
    )
    for _ in pieces:
        pass
    return time.perf_counter() - started, llama.n_tokens


def main(tokens: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        byte_file = write_byte_model(Path(folder) / "bytes.gguf", width=256, layers=6, context_length=2048)
        engine = Engine()
        print(f"{'':34}{'kdrinks':>10}{'bare loop':>11}{'ratio':>7}   tokens/s, median of 3")
        for name, path in (("built-in", BUILT_IN_FILE), ("random bytes, like shape", byte_file)):
            choice = Choice(path, name)
            bench = engine.bench(choice, tokens=min(tokens, 512), prompt_tokens=128)
            print(f"{name:34}{bench['tokens_per_s']:10.0f}{bench['raw_tokens_per_s']:11.0f}{bench['ratio']:7.2f}")
        threads = engine.state.loaded.threads
        print(f"\n{'broken bytes, whole answer':34}{'kdrinks':>10}{'llama-cpp-python':>18}{'times faster':>14}   s")
        llama = Llama(str(byte_file), n_ctx=2048, n_threads=threads, n_threads_batch=threads, verbose=False)
        lengths = sorted({*itertools.takewhile(lambda length: length < tokens, (100, 300)), tokens})
        for length in lengths:
            mine = statistics.median(our_seconds(engine, choice, length)[0] for _ in range(3))
            theirs = their_seconds(llama, length)[0]
            print(f"{length:>6} tokens{'':21}{mine:10.2f}{theirs:18.2f}{theirs / mine:14.0f}", flush=True)
        engine.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
