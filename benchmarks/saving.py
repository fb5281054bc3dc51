"""Saves questions with their answers into a conversation of few and one of many messages, beside the same rows by plain SQL.

    python -m benchmarks.saving [--rounds 40] [--many 10000]

Prints milliseconds (median) for saving a question and its answer, and for opening the conversation, at 10 messages and at many, and their
ratio. What a person would write instead: one INSERT a message into one table of the same DuckDB.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import duckdb

from kdrinks.records import ADMINISTRATOR, WordCount
from kdrinks.store import chats
from kdrinks.store.db import Database, new_id
from tests.support.store_rows import say

FEW = 10
WORDS = tuple(WordCount(f"낱말{number}", "noun", 1) for number in range(30))
QUESTION, ANSWER = "식혜는 어떻게 만들어요?", "식혜는 밥을 엿기름물로 삭혀 만듭니다. [1]"


def save(db: Database, conversation_id: str) -> None:
    """One question and its answer with timings, citation and words, as a chat does."""
    say(db, QUESTION, conversation_id, answer=ANSWER, question_words=WORDS[:4], answer_words=WORDS)


def fill(db: Database, conversation_id: str, messages: int) -> None:
    """A long conversation, by one statement a table: saving it one by one takes minutes."""
    ids = [new_id() for _ in range(messages)]
    parents = [None, *ids[:-1]]
    roles = ["question" if place % 2 == 0 else "answer" for place in range(messages)]
    with db.write() as cursor:
        cursor.execute(
            """
            INSERT INTO messages (id, conversation_id, parent, role, lang, text, created_at)
            SELECT unnest($ids::UUID[]), $conversation::UUID, unnest($parents::UUID[]), unnest($roles::VARCHAR[]), 'ko', $text,
                   now()::TIMESTAMP
            """,
            {"ids": ids, "conversation": conversation_id, "parents": parents, "roles": roles, "text": ANSWER},
        )
        cursor.execute("UPDATE conversations SET leaf = ? WHERE id = ?", [ids[-1], conversation_id])


def timed_ms(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--many", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, closing(Database.open(Path(folder) / "kdrinks.duckdb")) as db:
        few, many = chats.start_conversation(db, ADMINISTRATOR), chats.start_conversation(db, ADMINISTRATOR)
        fill(db, few, FEW)
        fill(db, many, options.many)
        plain = duckdb.connect(str(Path(folder) / "plain.duckdb"))
        plain.execute("CREATE TABLE messages (id UUID, conversation_id VARCHAR, role VARCHAR, text VARCHAR)")

        def insert() -> None:
            for role, text in (("question", QUESTION), ("answer", ANSWER)):
                plain.execute("INSERT INTO messages VALUES (uuid(), 'one', ?, ?)", [role, text])

        saves: dict[str, list[float]] = {"few": [], "many": [], "plain": []}
        opens: dict[str, list[float]] = {"few": [], "many": []}
        for _ in range(options.rounds):
            other = chats.start_conversation(
                db, ADMINISTRATOR
            )  # of few messages each time: a conversation grows by what is saved
            fill(db, other, FEW)
            saves["few"].append(timed_ms(partial(save, db, other)))
            saves["many"].append(timed_ms(lambda: save(db, many)))
            saves["plain"].append(timed_ms(insert))
            opens["few"].append(timed_ms(lambda: chats.messages(db, ADMINISTRATOR, few)))
            opens["many"].append(timed_ms(lambda: chats.messages(db, ADMINISTRATOR, many)))
        plain.close()
    saved = {name: statistics.median(times) for name, times in saves.items()}
    opened = {name: statistics.median(times) for name, times in opens.items()}
    print(f"| | {FEW} messages | {options.many:,} messages | ratio |")
    print("|---|---:|---:|---:|")
    for name, found in (("save a question and its answer, ms", saved), ("open the conversation, ms", opened)):
        print(f"| {name} | {found['few']:.1f} | {found['many']:.1f} | {found['many'] / found['few']:.2f} |")
    print(f"\ntwo plain INSERTs into one table: {saved['plain']:.1f} ms")


if __name__ == "__main__":
    main()
