"""Reading and writing speed as the engine chooses its threads, beside another commit's engine and beside 1 and 2 fixed threads.

    python -m benchmarks.threads FILE.gguf ... [--before CHECKOUT] [--rounds 5] [--out benchmarks/threads.md]

Rounds with nothing else to do on the machine, then rounds beside a program that keeps one core busy. The variants take turns within each round,
each in a process of its own that rests meanwhile, so that what else happens here meets them all; figures are medians over the rounds.
Each round is an answer of 64 tokens to a new prompt of about 130. CHECKOUT: a folder with another commit of this repository.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOKENS, WORDS = 64, 60
QUIET, BUSY = "nothing else", "one core busy"


def child(file: Path, threads: int) -> None:
    """Answers a prompt for each line on standard input; runs in the checkout whose engine is measured."""
    from kdrinks.engine.local import LocalEngine
    from kdrinks.engine.protocol import Done
    from kdrinks.records import Choice, LocalModel, Message, Sampling

    engine = LocalEngine()
    choice = Choice(LocalModel("measured", file), "cpu", 2048, threads)
    for line in sys.stdin:
        chance = random.Random(line)
        text = " ".join(
            chance.choice(("tea", "rice", "malt", "ginger", "winter", "table", "pine")) for _ in range(WORDS)
        )
        sampling = Sampling(max_tokens=TOKENS, temperature=1.0, top_k=20, top_p=1.0, seed=int(line))
        *_, done = engine.stream(
            lambda *_: [Message("user", f"{text}. Tell a long story of these.")],  # noqa: B023
            choice,
            sampling,
        )
        assert isinstance(done, Done)
        timing = done.timing
        read = (timing.prompt_tokens - timing.cached_tokens) / timing.prompt_s
        print(json.dumps([read, timing.tokens_per_s, done.loaded.threads]), flush=True)
    engine.close()


class Variant:
    """One engine in its own process."""

    def __init__(self, name: str, checkout: Path, file: Path, threads: int) -> None:
        self.name = name
        self.rounds: dict[str, list[tuple[float, float, int]]] = {QUIET: [], BUSY: []}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--child", str(file), str(threads)],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self, seed: int) -> tuple[float, float, int]:
        """(tokens read per second, written per second, threads)."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{seed}\n")
        self.process.stdin.flush()
        read, written, threads = json.loads(self.process.stdout.readline())
        return float(read), float(written or 0), int(threads)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()

    def median(self, load: str, place: int) -> float:
        return statistics.median(row[place] for row in self.rounds[load])


@contextmanager
def busy_core(load: str) -> Iterator[None]:
    """A program that computes as long as this lasts, where the load is BUSY."""
    if load == QUIET:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        time.sleep(0.5)
        try:
            yield
        finally:
            other.kill()


def measure(file: Path, before: Path | None, rounds: int) -> list[Variant]:
    variants = [Variant("now", ROOT, file, 0)]
    if before:
        variants.append(Variant("before", before.resolve(), file, 0))
    variants += [Variant(f"{number} fixed", ROOT, file, number) for number in (1, 2)]
    with ExitStack() as closing:
        for variant in variants:
            closing.callback(variant.close)
            variant.answer(0)
        seed = 0
        for load in (QUIET, BUSY):
            with busy_core(load):
                for number in range(rounds):
                    seed += 1
                    for place in range(len(variants)):
                        variant = variants[(place + number) % len(variants)]
                        variant.rounds[load].append(variant.answer(seed))
    return variants


def table(file: Path, variants: list[Variant]) -> str:
    lines = [
        f"{file.name}:",
        "",
        "| | other load | reads, tokens/s | ratio | writes, tokens/s | ratio | threads that wrote |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for load in (QUIET, BUSY):
        now = variants[0]
        for variant in variants:
            read, written = variant.median(load, 0), variant.median(load, 1)
            threads = ", ".join(str(row[2]) for row in variant.rounds[load])
            lines.append(
                f"| {variant.name} | {load} | {read:.0f} | {now.median(load, 0) / read:.2f} | {written:.1f} "
                f"| {now.median(load, 1) / written:.2f} | {threads} |"
            )
    return "\n".join(lines)


def commit(folder: Path) -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--before", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    report = [
        "# Threads, as chosen and fixed",
        "",
        f"`python -m benchmarks.threads`, {time.strftime('%Y-%m-%d')}, commit {commit(ROOT)}"
        + (f", before: {commit(options.before)}" if options.before else "")
        + f"; {os.cpu_count()} cores, {options.rounds} rounds in turns, medians. Ratio: now to that row.",
    ]
    for file in options.files:
        report += ["", table(file, measure(file.absolute(), options.before, options.rounds))]
        print("\n".join(report[-2:]), flush=True)
    if options.out:
        options.out.write_text("\n".join(report) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
