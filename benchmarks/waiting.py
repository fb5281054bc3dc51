"""How long a conversation waits for its first word when four take turns, beside llama-cpp-python's own server.

    python -m benchmarks.waiting [--peer PYTHON] [--words 1000] [--small]

Each conversation begins with a prompt of 1,000 tokens; each answer has 60, each later question 60 more. Measured is the
time from the request to the first text, from the second turn on: four conversations one after the other, each never
interrupted, and the same four taking turns. Qwen2.5 0.5B's shape with random 4-bit weights; same file, context and
threads on both sides. PYTHON: an interpreter that has llama-cpp-python[server] (benchmarks/requirements.txt); without it
only kdrinks is measured. Needs 1 GB of disk and 2 GB of memory.
"""

import argparse
import http.client
import itertools
import json
import random
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from kdrinks.engine.local import LocalEngine
from kdrinks.engine.protocol import Text
from kdrinks.records import Choice, LocalModel, Message, Sampling
from tests.support.real_shapes import SHAPES, write_shape

CONVERSATIONS, TURNS, ANSWER, QUESTION, CONTEXT = 4, 3, 60, 60, 4096
TEMPLATE = "{% for message in messages %}{{ message.content }}\n{% endfor %}"
"""What theirs() sends: texts with a new line after each."""
First = float
Turn = Callable[[int, list[str]], tuple[First, str]]
"""(conversation, its texts so far, a question last) -> (seconds to the first text, the answer)."""


def words(count: int, seed: int) -> str:
    """A text of this many tokens: each character is a word of the vocabulary."""
    chance = random.Random(seed)
    return "".join(chr(0x3400 + chance.randrange(7000)) for _ in range(count))


def waits(turn: Turn, order: list[tuple[int, int]], first_words: int) -> list[float]:
    """First-token times of the second and later turns. order: (conversation, turn) as they come."""
    texts: dict[int, list[str]] = {}
    found = []
    for conversation, number in order:
        held = texts.setdefault(conversation, [])
        held.append(words(QUESTION if number else first_words, 100 * conversation + number))
        first, answer = turn(conversation, held)
        held.append(answer)
        if number:
            found.append(first)
    return found


def measure(name: str, start: Callable[[], Turn], first_words: int) -> float:
    """Prints a line; returns the ratio. start() gives a side that remembers nothing yet."""
    alone = [(one, number) for one in range(CONVERSATIONS) for number in range(TURNS)]
    in_turns = [(one, number) for number in range(TURNS) for one in range(CONVERSATIONS)]
    single, mixed = waits(start(), alone, first_words), waits(start(), in_turns, first_words)
    ratio = statistics.median(mixed) / statistics.median(single)
    print(
        f"{name:38}{statistics.median(single):12.2f}{statistics.median(mixed):14.2f}{max(mixed):10.2f}{ratio:8.2f}",
        flush=True,
    )
    return ratio


def ours(engine: LocalEngine, choice: Choice) -> Callable[[], Turn]:
    def turn(conversation: int, texts: list[str]) -> tuple[float, str]:
        roles: Iterator[Literal["user", "assistant"]] = itertools.cycle(("user", "assistant"))
        messages = [Message(role, text) for role, text in zip(roles, texts, strict=False)]
        sampling = Sampling(max_tokens=ANSWER, temperature=1.0, top_k=20, top_p=1.0, seed=len(texts))
        started = time.perf_counter()
        first, answer = 0.0, []
        for event in engine.stream(lambda *_: messages, choice, sampling, conversation=str(conversation)):
            if isinstance(event, Text):
                first = first or time.perf_counter() - started
                answer.append(event.text)
        return first, "".join(answer)

    def start() -> Turn:
        engine.unload()
        engine.load(choice)
        return turn

    return start


def theirs(port: int) -> Turn:
    def turn(conversation: int, texts: list[str]) -> tuple[float, str]:
        body = {
            "prompt": "\n".join(texts) + "\n", "max_tokens": ANSWER, "temperature": 1.0, "top_k": 20, "top_p": 1.0,
            "min_p": 0.0, "seed": len(texts), "stream": True,
        }  # fmt: skip
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=600)) as connection:
            started = time.perf_counter()
            connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
            first, answer = 0.0, []
            for line in connection.getresponse():
                if line.startswith(b"data: {"):
                    text = json.loads(line[6:])["choices"][0]["text"]
                    first = first or (time.perf_counter() - started if text else 0.0)
                    answer.append(text)
        return first, "".join(answer)

    return turn


@contextmanager
def server(python: str, path: Path, threads: int, *, cache: bool) -> Iterator[Callable[[], Turn]]:
    """llama-cpp-python's own server, started anew for each start()."""
    running: list[subprocess.Popen[bytes]] = []

    def start() -> Turn:
        end()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [python, "-m", "llama_cpp.server", "--model", str(path), "--port", str(port), "--n_ctx", str(CONTEXT)]
        command += ["--n_threads", str(threads), "--n_threads_batch", str(threads), "--verbose", "false"]
        command += ["--cache", "true"] if cache else []
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        while running[-1].poll() is None:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                try:
                    connection.request("GET", "/v1/models")
                    if connection.getresponse().status == 200:
                        return theirs(port)
                except OSError:
                    time.sleep(0.2)
        raise SystemExit(f"the server ended: {' '.join(command)}")

    def end() -> None:
        while running:
            running[-1].terminate()
            running.pop().wait()

    try:
        yield start
    finally:
        end()


def main(peer: str, first_words: int, *, small: bool, folder: Path) -> None:
    path = write_shape(
        folder / "shape.gguf", "Q4_K_M", **SHAPES["toy" if small else "0.5B (Qwen2.5)"], template=TEMPLATE
    )
    choice = Choice(LocalModel("shape", path), "cpu", CONTEXT)
    print(
        f"{'first text from the second turn on, s':38}{'never inter-':>12}{'taking turns':>14}{'longest':>10}{'ratio':>8}"
    )
    print(f"{'':38}{'rupted':>12}")
    with closing(LocalEngine()) as engine:
        threads = engine.load(choice).threads
        measure("kdrinks (aim: ratio <= 1.2)", ours(engine, choice), first_words)
    if peer:
        for name, cache in (("llama-cpp-python's server", False), ("the same with --cache true", True)):
            with server(peer, path, threads, cache=cache) as start:
                measure(name, start, first_words)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", default="")
    parser.add_argument("--words", type=int, default=1000)
    parser.add_argument("--small", action="store_true", help="a toy shape, to see that it runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        main(options.peer, options.words, small=options.small, folder=Path(temporary))
