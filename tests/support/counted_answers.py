"""Answers of chosen words, times and speeds in a store, and rows of the tables that analytics makes of them."""

from datetime import datetime
from typing import Any

import pandas as pd

from kdrinks.records import ADMINISTRATOR, Exchange, Finish, Language, Loaded, Timing, WordCount
from kdrinks.store import chats, rollup
from kdrinks.store.db import Database, new_id, now
from kdrinks.text.analyzer import Pos

CPU = Loaded("built-in", "kdrinks-mini.gguf", "Q8_0", 1024, "auto", "cpu", 0, 6, 0.2, 2, 100_000_000)
GPU = Loaded("qwen2.5-1.5b", "qwen.gguf", "Q4_K_M", 4096, "gpu", "cuda", 28, 28, 1.5, 2, 2_000_000_000)


def say(
    db: Database,
    words: dict[str, int],
    *,
    asked: dict[str, int] | None = None,
    pos: Pos = "noun",
    text: str = "답.",
    lang: Language = "ko",
    finish: Finish = "stop",
    loaded: Loaded | None = CPU,
    first_token_s: float | None = 0.1,
    tokens_per_s: float | None = 100.0,
    load_s: float = 0.0,
    guard: str = "kept",
    analyser: str = "1",
    conversation_id: str = "",
    at: datetime | None = None,
) -> str:
    """Returns the conversation's id."""
    conversation_id = conversation_id or chats.start_conversation(db, ADMINISTRATOR)
    question_id = chats.record_question(db, ADMINISTRATOR, conversation_id, "질문?", lang)
    counts = tuple(WordCount(word, pos, count) for word, count in words.items())
    questions = tuple(WordCount(word, pos, count) for word, count in (asked or {}).items())
    timing = Timing(
        load_s=load_s, first_token_s=first_token_s, tokens_per_s=tokens_per_s, completion_tokens=10, prompt_tokens=40
    )
    exchange = Exchange(
        conversation_id, question_id, new_id(), "질문?", text, lang, finish, None, (), loaded, timing, guard,
        questions, counts, {}, analyser, trace={"prompt": [text]},
    )  # fmt: skip
    if at is None:
        assert chats.record(db, exchange)
        return conversation_id
    with db.write() as cursor:
        cursor.execute("UPDATE messages SET created_at = ? WHERE id = ?", [at, question_id])
        assert chats.store(cursor, exchange, at)
        rollup.roll_forward(cursor, analyser, now())
        rollup.rebuild_days(cursor, [at.date()])
    return conversation_id


def listed(table: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The rows of these columns."""
    return list(table[list(columns)].itertuples(index=False, name=None))
