"""A conversation is a tree: a question's parent is the answer it follows, an answer's parent its question; versions of either share one.

The leaf is the last message of the branch that is shown. Works inside the caller's transaction and asks nobody: chats.py is the door.
"""

from datetime import datetime
from typing import Any

from kdrinks.records import Exchange, Language
from kdrinks.store.db import Cursor


def store_question(
    cursor: Cursor, conversation_id: str, question_id: str, question: str, lang: Language, at: datetime
) -> None:
    """Put a question behind the leaf of a conversation that is there, inside a transaction and at a time of the caller's."""
    cursor.execute(
        """
        INSERT INTO messages (id, conversation_id, parent, role, lang, text, created_at)
        SELECT $question, id, leaf, 'question', $lang, $text, $at FROM conversations WHERE id = $conversation
        """,
        {"question": question_id, "conversation": conversation_id, "lang": lang, "text": question, "at": at},
    )
    cursor.execute("UPDATE conversations SET leaf = ? WHERE id = ?", [question_id, conversation_id])


def lead_to(cursor: Cursor, exchange: Exchange) -> None:
    """Make a new answer the one that is shown: the leaf, or before what already followed its question or an older version of it."""
    moved = cursor.execute(
        "UPDATE conversations SET leaf = ? WHERE id = ? AND leaf = ?",
        [exchange.message_id, exchange.conversation_id, exchange.question_id],
    ).fetchone()
    if moved == (1,):
        return
    ids = {"answer": exchange.message_id, "conversation": exchange.conversation_id, "question": exchange.question_id}
    versions = "SELECT id FROM messages WHERE parent = $question AND role = 'answer'"
    cursor.execute(
        f"UPDATE conversations SET leaf = $answer WHERE id = $conversation AND leaf IN ({versions})",
        ids,
    )
    cursor.execute(
        f"""
        UPDATE messages SET parent = $answer
        WHERE conversation_id = $conversation AND role = 'question' AND (parent = $question OR parent IN ({versions}))
        """,
        ids,
    )


def branch(cursor: Cursor, conversation_id: str) -> list[tuple[tuple[Any, ...], str, int]]:
    """From the first question to the leaf: each question's row, the id of its answer (empty for none) and how many it has.

    The answer is the one on the way to the leaf; the latest where the next question followed none (it was still being written).
    """
    rows = cursor.execute(
        """
        SELECT id::VARCHAR, parent::VARCHAR, role, text, lang, created_at FROM messages
        WHERE conversation_id = TRY_CAST(? AS UUID) ORDER BY created_at, id
        """,
        [conversation_id],
    ).fetchall()
    by_id = {row[0]: row for row in rows}
    answers: dict[str, list[str]] = {}
    for row in rows:
        if row[2] == "answer":
            answers.setdefault(row[1], []).append(row[0])
    leaf = cursor.execute(
        "SELECT leaf::VARCHAR FROM conversations WHERE id = TRY_CAST(? AS UUID)", [conversation_id]
    ).fetchone()
    at = leaf[0] if leaf else None
    way: dict[str | None, None] = {}  # from the leaf up; a damaged store may lead in a circle
    while at in by_id and at not in way:
        way[at] = None
        at = by_id[at][1]
    found = []
    for message_id in reversed(way):
        if by_id[message_id][2] == "question":
            versions = answers.get(str(message_id), [])
            chosen = next((version for version in versions if version in way), versions[-1] if versions else "")
            found.append((by_id[message_id], chosen, len(versions)))
    return found
