"""Loads many made-up passages beside the packaged ones, kills the loading in the middle, goes on, and times the search.

    python -m benchmarks.passages [--passages 100000] [--folder DIR]

Prints how long loading took, that it went on where it was killed, the peak memory of the process, the size of the database, and the
time of a query (the development questions, one at a time) over the packaged passages alone and over all. Each step is a process of its
own, so that its memory is its own. A folder that is given is kept, and a second run finds it loaded.
"""

import argparse
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np

from kdrinks.config import ROOT
from kdrinks.drinks.names import packaged_names
from kdrinks.measure.judge import NOT_SEARCHED
from kdrinks.measure.question_set import read
from kdrinks.records import Language, Passage
from kdrinks.search.knowledge import Knowledge, Progress
from kdrinks.store import passages as store
from kdrinks.store.db import Database
from kdrinks.text import vectors
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.text.korean import split_sentences

OF_A_SUBJECT = 10
SYLLABLES = [chr(code) for code in range(ord("가"), ord("힣") + 1, 97)]


class MadeUp(Sequence[Passage]):
    """Sentences of the packaged passages, mixed, each time with a name that is found nowhere else; made when they are read."""

    def __init__(self, packaged: Sequence[Passage], count: int) -> None:
        self.packaged, self.made_up = packaged, count
        self.sentences: dict[Language, list[str]] = {"ko": [], "en": []}
        for passage in packaged:
            self.sentences[passage.lang] += split_sentences(passage.text)

    def __len__(self) -> int:
        return len(self.packaged) + self.made_up

    @overload
    def __getitem__(self, place: int) -> Passage: ...
    @overload
    def __getitem__(self, place: slice) -> list[Passage]: ...
    def __getitem__(self, place: int | slice) -> Passage | list[Passage]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if place >= len(self):
            raise IndexError(place)
        return self.packaged[place] if place < len(self.packaged) else self._made(place - len(self.packaged))

    def _made(self, number: int) -> Passage:
        rng = random.Random(number)
        lang: Language = "ko" if number % 2 else "en"
        name = "".join(rng.choices(SYLLABLES, k=4)) if lang == "ko" else "".join(rng.choices("aeioubdgkmnpst", k=9))
        text = " ".join([f"{name} {number}.", *rng.choices(self.sentences[lang], k=3)])
        subject = f"made-{number // OF_A_SUBJECT}"
        return Passage(f"{subject}.document.{number}.{lang}", subject, "document", lang, name, text)


class Large(Knowledge):
    """The knowledge base with made-up passages beside its own."""

    def __init__(self, db: Database, words: TextAnalyzer, count: int) -> None:
        super().__init__(db, words)
        self.made_up = count

    def hold(self, passages: Sequence[Passage], progress: Progress | None = None, *, ready: bool = True) -> int:
        return super().hold(MadeUp(passages, self.made_up), progress, ready=False)


def load(path: Path, count: int) -> None:
    """The loading process: a line for each batch, `done total bytes`."""
    db = Database.open(path)

    def said(done: int, total: int) -> None:
        print(done, total, peak_bytes(), flush=True)

    Large(db, TextAnalyzer(packaged_names()), count).fill(said)
    db.close()


def ask(path: Path | None, count: int) -> None:
    """The asking process: one JSON document."""
    db = Database.open(path)
    knowledge = (
        Large(db, TextAnalyzer(packaged_names()), count) if count else Knowledge(db, TextAnalyzer(packaged_names()))
    )
    knowledge.fill()
    filled_bytes = peak_bytes()
    questions = read(ROOT / "tests" / "data" / "questions_dev.jsonl").questions
    terms = [knowledge.index.words.search_terms(one["question"], one["lang"]) for one in questions]
    whole, legs, right = [], [], []
    for one in (*questions[:5], *questions):
        began = time.perf_counter()
        found = knowledge.find(one["question"], history=one.get("history") or (), lang=one["lang"])
        whole.append(time.perf_counter() - began)
        if one["gold_groups"] and one["kind"] not in NOT_SEARCHED and len(whole) > 5:
            ids = {hit.passage.subject_id for hit in found.hits[:3]}
            right.append(all(ids & set(group) for group in one["gold_groups"]))
    for one, words in zip(questions, terms, strict=True):
        began = time.perf_counter()
        store.hybrid_search(
            db,
            words,
            vectors.of_question(one["question"]),
            lang=one["lang"],
            k=400,
            among=knowledge.index.sizes[one["lang"]],
        )
        legs.append(time.perf_counter() - began)
    print(
        json.dumps(
            {
                "find": percentiles(whole[5:]),
                "legs": percentiles(legs),
                "recall_at_3": sum(right) / len(right),
                "filled_bytes": filled_bytes,
                "memory_bytes": peak_bytes(),
            }
        )
    )
    db.close()


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def percentiles(seconds: Sequence[float]) -> list[float]:
    return [float(np.percentile(seconds, q)) for q in (50, 95)]


def loading(path: Path, count: int, kill_at: float = 1.1) -> Iterator[list[int]]:
    """The progress of a loading process, killed without warning once this share is done."""
    command = [sys.executable, "-m", "benchmarks.passages", "--load", str(path), "--passages", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout or ():
            done, total, peak = map(int, line.split())
            yield [done, total, peak]
            if done >= kill_at * total:
                child.send_signal(signal.SIGKILL)
                return


def report(path: Path, count: int) -> None:
    began = time.monotonic()
    killed = last = [0, 0, 0]
    for killed in loading(path, count, kill_at=0.5):
        print(f"\rloading {killed[0]:,} of {killed[1]:,}", end="", file=sys.stderr)
    if killed[1]:
        print(f"killed after {killed[0]:,} of {killed[1]:,} passages")
    for last in loading(path, count):
        print(f"\rloading {last[0]:,} of {last[1]:,}", end="", file=sys.stderr)
    print(f"went on with the {last[1]:,} that were left; {time.monotonic() - began:.0f} s in all, two starts included")
    print(f"peak memory of the loading process {max(killed[2], last[2]) / 2**20:,.0f} MB")
    print(f"database {path.stat().st_size / 2**20:,.0f} MB\n")
    print(
        "| passages | search p50 | p95 | both legs p50 | p95 | recall at 3 | memory |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    for name, where, made in (("packaged", None, 0), (f"and {count:,} more", path, count)):
        command = [sys.executable, "-m", "benchmarks.passages", "--ask", str(where or ""), "--passages", str(made)]
        found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        times = " | ".join(f"{1000 * value:.1f} ms" for key in ("find", "legs") for value in found[key])
        print(f"| {name} | {times} | {found['recall_at_3']:.2f} | {found['memory_bytes'] / 2**20:,.0f} MB |")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--passages", type=int, default=100_000)
    options.add_argument("--folder", type=Path)
    options.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--ask", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.load:
        load(given.load, given.passages)
    elif given.ask is not None:
        ask(Path(given.ask) if given.ask else None, given.passages)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            folder = given.folder or Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            report(folder / "passages.duckdb", given.passages)


if __name__ == "__main__":
    main()
