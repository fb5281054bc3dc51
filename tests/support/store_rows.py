"""Writes whole exchanges into a store: a question and its answer, with all that is kept of them."""

import json
from collections.abc import Mapping
from typing import Any

from kdrinks.records import ADMINISTRATOR, Citation, Exchange, Loaded, Passage, Timing, WordCount
from kdrinks.store import chats
from kdrinks.store.db import Database, new_id, now

LOADED = Loaded("built-in", "/home/me/kdrinks-mini.gguf", "Q8_0", 1024, "auto", "cpu", 0, 6, 0.25, 2, 120_000_000)
TIMING = Timing(0.1, 0.2, 0.3, 40, 8, 0.05, 0.06, 12, 0.11, 100.0, 0.9)
PASSAGE = Passage(
    "sikhye.alcohol.ko", "sikhye", "alcohol", "ko", "식혜", "식혜는 술이 아닙니다.", ("https://example.org/식혜",)
)


def exchange(conversation_id: str, question_id: str, **changes: object) -> Exchange:
    values: dict[str, Any] = {
        "conversation_id": conversation_id,
        "question_id": question_id,
        "message_id": new_id(),
        "question": "식혜에 술이 들어가나요?",
        "answer": "아닙니다. 식혜는 술이 아닙니다. [1]",
        "language": "ko",
        "finish": "stop",
        "error": None,
        "citations": (Citation(1, PASSAGE, 3.5),),
        "loaded": LOADED,
        "timing": TIMING,
        "guard": "quoted",
        "question_words": (WordCount("식혜", "drink", 1), WordCount("술", "noun", 1)),
        "answer_words": (WordCount("식혜", "drink", 2), WordCount("술", "noun", 1)),
        "details": {"intent": "alcohol", "dropped_turns": 1},
        "analyser": "1",
        "trace": {"understood": {"excluded": ["diet nuts"]}, "guard": "quoted"},
        **changes,
    }
    return Exchange(**values)


def say(
    db: Database, question: str = "식혜에 술이 들어가나요?", conversation_id: str = "", **changes: object
) -> Exchange:
    conversation_id = conversation_id or chats.start_conversation(db, ADMINISTRATOR)
    question_id = chats.record_question(db, ADMINISTRATOR, conversation_id, question, "ko")
    said = exchange(conversation_id, question_id, question=question, **changes)
    assert chats.record(db, said)
    return said


def rows(db: Database, table: str) -> int:
    with db.cursor() as cursor:
        found = cursor.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert found
    return int(found[0])


def edited_before(db: Database, records: Mapping[str, Mapping[str, Any] | None], *, kind: str = "corrected") -> str:
    """A change as the kdrinks before corrections wrote it, of whole records (None: as packaged); returns its id."""
    change_id = new_id()
    with db.write() as cursor:
        for drink_id, record in records.items():
            cursor.execute(
                "INSERT INTO drink_versions (id, change_id, kind, drink_id, record, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                [new_id(), change_id, kind, drink_id, None if record is None else json.dumps(record), now()],
            )
    return change_id
