"""Chats that write while analysts query, for minutes: no lock error, no lost row, every count exact at the end.

    python -m benchmarks.soak [--seconds 600] [--writers 4] [--readers 3]

Writers start conversations, ask, answer and now and then delete one or ask again; readers draw the page's charts and use the SQL box.
At the end every table is compared with what the writers remember. tests/test_soak.py runs it for a few seconds.
"""

import argparse
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kdrinks.records import ADMINISTRATOR, Exchange, Loaded, Timing, WordCount
from kdrinks.store import analytics, chats, forget, speed, sqlbox, word_stats
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.db import Database, new_id

LOADED = Loaded("built-in", "kdrinks-mini.gguf", "Q8_0", 1024, "auto", "cpu", 0, 6, 0.2, 2, 100_000_000)
VOCABULARY = [f"말{number}" for number in range(200)]
PAUSE_S = 0.02
"""Between two answers of one chat: many times faster than people."""


@dataclass(slots=True)
class Kept:
    """What one writer knows to be in the store."""

    words: Counter[str] = field(default_factory=Counter)
    conversations: int = 0
    questions: int = 0
    answers: int = 0
    slowest_ms: float = 0.0


def write(db: Database, kept: Kept, chance: random.Random, stop: threading.Event) -> None:
    """Talk until told to stop; every tenth conversation is deleted again."""
    while not stop.wait(PAUSE_S):
        conversation = chats.start_conversation(db, ADMINISTRATOR)
        words: Counter[str] = Counter()
        questions = chance.randrange(1, 4)
        for _ in range(questions):
            said_words = Counter(chance.choices(VOCABULARY, k=30))
            question = chats.record_question(db, ADMINISTRATOR, conversation, "무엇인가요?", "ko")
            counts = tuple(WordCount(word, "noun", count) for word, count in said_words.items())
            exchange = Exchange(
                conversation, question, new_id(), "무엇인가요?", "답입니다.", "ko", "stop", None, (), LOADED,
                Timing(first_token_s=0.1, tokens_per_s=50.0, completion_tokens=9), "kept", (), counts, {}, "1",
            )  # fmt: skip
            began = time.perf_counter()
            assert chats.record(db, exchange)
            kept.slowest_ms = max(kept.slowest_ms, (time.perf_counter() - began) * 1000)
            words += said_words
        if chance.random() < 0.1:
            chats.delete_conversation(db, ADMINISTRATOR, conversation)
            continue
        kept.words += words
        kept.conversations += 1
        kept.questions += questions
        kept.answers += questions


def read(db: Database, chance: random.Random, stop: threading.Event, rounds: Counter[str]) -> None:
    """Draw charts until told to stop; a count that falls behind what was seen before, deletions aside, is an error of its own."""
    while not stop.is_set():
        view = AnalyticsFilter(word=chance.choice(("", "", "말7")), stop=("말3",))
        top = word_stats.top_words(db, ADMINISTRATOR, view, limit=50)
        assert "말3" not in set(top["word"])
        word_stats.keyness(db, ADMINISTRATOR, view, "who")
        word_stats.collocations(db, ADMINISTRATOR, AnalyticsFilter(), "말7")
        speed.timings(db, ADMINISTRATOR, AnalyticsFilter())
        counts = analytics.counts(db, ADMINISTRATOR, AnalyticsFilter()).iloc[0]
        assert counts["answers"] <= counts["questions"], "an answer without its question"
        rounds["charts"] += 1
        if chance.random() < 0.2:
            answer = sqlbox.query(
                db,
                ADMINISTRATOR,
                "SELECT count(*) AS n, count(DISTINCT conversation_id) AS c FROM messages",
                time_limit_s=60,
            )
            assert answer.table["n"][0] >= answer.table["c"][0]
            rounds["sql"] += 1


def soak(folder: Path, *, seconds: float, writers: int = 4, readers: int = 3) -> dict[str, float]:
    """Run both at once and check every count; returns how much was done. Raises AssertionError or the first error of a thread."""
    db = Database.open(folder / "kdrinks.duckdb")
    stop, errors, rounds = threading.Event(), list[BaseException](), Counter[str]()
    kept = [Kept() for _ in range(writers)]

    def watched(work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except BaseException as error:
            errors.append(error)
            stop.set()

    threads = [
        *(
            threading.Thread(target=watched, args=(write, db, mine, random.Random(number), stop))
            for number, mine in enumerate(kept)
        ),
        *(
            threading.Thread(target=watched, args=(read, db, random.Random(100 + number), stop, rounds))
            for number in range(readers)
        ),
    ]
    for thread in threads:
        thread.start()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    for again in (False, True):
        if again:  # what is on the disk, not what is in memory
            db.close()
            db = Database.open(folder / "kdrinks.duckdb")
        _check(db, kept)
    forget.everything(db, ADMINISTRATOR)
    assert word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter()).empty
    db.close()
    return {
        "conversations": sum(one.conversations for one in kept),
        "answers": sum(one.answers for one in kept),
        "charts": rounds["charts"],
        "sql": rounds["sql"],
        "slowest_record_ms": max(one.slowest_ms for one in kept),
    }


def _check(db: Database, kept: list[Kept]) -> None:
    words: Counter[str] = sum((one.words for one in kept), Counter())
    counted = word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter(), limit=1000)
    assert dict(zip(counted["word"], counted["count"], strict=True)) == dict(words)
    row = analytics.counts(db, ADMINISTRATOR, AnalyticsFilter()).iloc[0]
    assert row["conversations"] == sum(one.conversations for one in kept)
    assert row["questions"] == sum(one.questions for one in kept)
    assert row["answers"] == sum(one.answers for one in kept) and row["failures"] == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--readers", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kdrinks-soak-") as folder:
        print(soak(Path(folder), seconds=options.seconds, writers=options.writers, readers=options.readers))


if __name__ == "__main__":
    main()
