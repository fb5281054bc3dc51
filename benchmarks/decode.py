"""Writing speed of kdrinks beside a bare llama.cpp loop and llama-cpp-python's own streaming, as ratios.

    python -m benchmarks.decode [TOKENS]

Three files: the built-in model; Llama 3.2 1B's shape with random 4-bit weights; the built-in model's shape with random
weights and a vocabulary in which every word is broken UTF-8. Same file, context and threads on both sides, in one run.
llama-cpp-python decodes every pending prefix again where a byte is broken, so its time grows with the cube of the length
and TOKENS (1,000) take it minutes: measured once there, else medians of 3 rounds. Needs 1 GB of disk and 3 GB of memory.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from llama_cpp import Llama

from kdrinks.config import BUILT_IN_FILE
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.protocol import Done, Text
from kdrinks.hub.gguf import header_of
from kdrinks.records import Choice, LocalModel, Message, Sampling
from tests.support.real_shapes import SHAPES, Shape, write_shape

QUESTION = "식혜 재료가 뭐예요?"
TEMPLATE = "{{ bos_token }}{% for message in messages %}{{ message.content }}{% endfor %}"
"""Of the random files: the question and nothing else, so that both sides read the same tokens."""
SAMPLING = Sampling(temperature=1.0, top_k=20, top_p=1.0, seed=1)


def built_in_shape() -> Shape:
    """What write_shape takes, from the header of the built-in model."""
    values = header_of(BUILT_IN_FILE).values
    embedding, heads = values["llama.embedding_length"], values["llama.attention.head_count"]
    return Shape(
        layers=values["llama.block_count"],
        embedding=embedding,
        feed_forward=values["llama.feed_forward_length"],
        vocabulary=values["tokenizer.ggml.tokens"],
        heads=heads,
        kv_heads=values["llama.attention.head_count_kv"],
        head_size=embedding // heads,
    )


def our_speed(engine: LocalEngine, choice: Choice, tokens: int) -> tuple[float, float]:
    """(seconds of the whole answer, tokens per second of all of it)."""
    messages = [Message("user", QUESTION, question=QUESTION)]
    started = time.perf_counter()
    *texts, done = engine.stream(lambda *_: messages, choice, replace(SAMPLING, max_tokens=tokens))
    seconds = time.perf_counter() - started
    assert isinstance(done, Done) and any(isinstance(event, Text) for event in texts)
    return seconds, done.timing.completion_tokens / seconds


def their_speed(llama: Llama, tokens: int) -> tuple[float, float]:
    """The same of create_completion(stream=True)."""
    started = time.perf_counter()
    for _ in llama.create_completion(
        QUESTION,
        max_tokens=tokens,
        temperature=SAMPLING.temperature,
        top_k=SAMPLING.top_k,
        top_p=SAMPLING.top_p,
        min_p=0.0,
        seed=SAMPLING.seed,
        stream=True,
    ):
        pass
    seconds = time.perf_counter() - started
    return seconds, (llama.n_tokens - len(llama.tokenize(QUESTION.encode()))) / seconds


def median_of(rounds: int, measure: Callable[[], tuple[float, float]]) -> tuple[float, float]:
    """Medians of both numbers; the first of several rounds warms up and does not count."""
    if rounds > 1:
        measure()
    seconds, speeds = zip(*(measure() for _ in range(rounds)), strict=True)
    return statistics.median(seconds), statistics.median(speeds)


def main(tokens: int, folder: Path) -> None:
    one = write_shape(folder / "1b.gguf", "Q4_K_M", **SHAPES["1B (Llama 3.2)"], template=TEMPLATE)
    broken = write_shape(folder / "broken.gguf", "Q8_0", **built_in_shape(), broken=True, template=TEMPLATE)
    with closing(LocalEngine()) as engine:
        print(f"{'bench: tokens/s':34}{'kdrinks':>10}{'bare loop':>12}{'ratio':>8}{'aim':>9}")
        for name, path, length, aim in (
            ("built-in model", BUILT_IN_FILE, 512, 0.85),
            ("Llama 3.2 1B's shape, Q4_K_M", one, 64, 0.95),
        ):
            bench = engine.bench(Choice(LocalModel(name, path)), tokens=min(tokens, length), prompt_tokens=64)
            ours, bare = bench["tokens_per_s"], bench["raw_tokens_per_s"]
            print(f"{name:34}{ours:10.1f}{bare:12.1f}{bench['ratio']:8.2f}{f'>= {aim}':>9}", flush=True)
        print(f"\n{'whole answers: tokens/s':34}{'kdrinks':>10}{'llama-cpp-python':>20}{'times faster':>14}{'aim':>9}")
        for name, path, lengths, aim in (
            ("built-in model", BUILT_IN_FILE, (min(tokens, 200),), 1),
            ("Llama 3.2 1B's shape, Q4_K_M", one, (min(tokens, 64),), 1),
            ("built-in's shape, broken bytes", broken, sorted({min(tokens, 100), tokens}), 0),
        ):
            context = 1024 if path == BUILT_IN_FILE else 2048
            choice = Choice(LocalModel(name, path), "cpu", context)
            threads = engine.load(choice).threads
            theirs = Llama(str(path), n_ctx=context, n_threads=threads, n_threads_batch=threads, verbose=False)
            for length in lengths:
                _mine_s, mine = median_of(3, lambda: our_speed(engine, choice, length))  # noqa: B023
                slow = not aim and length > 300
                _their_s, other = median_of(1 if slow else 3, lambda: their_speed(theirs, length))  # noqa: B023
                wanted = f">= {50 if slow else 1}"
                label = f"{name}, {length}"
                print(f"{label:34}{mine:10.1f}{other:20.1f}{mine / other:14.1f}{wanted:>9}", flush=True)
            theirs.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, Path(temporary))
