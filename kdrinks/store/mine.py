"""What is stored of one visitor: how much, since when, and all of it to take away."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kdrinks.permissions import owner_of
from kdrinks.records import Visitor
from kdrinks.store.db import Database

_THEIRS = "conversation_id IN (SELECT id FROM conversations WHERE owner IS NOT DISTINCT FROM ? AND deleted_at IS NULL)"


@dataclass(frozen=True, slots=True)
class Mine:
    conversations: int
    questions: int
    answers: int
    first_at: datetime | None
    """Of the messages, UTC without a zone; None where there are none, as last_at."""
    last_at: datetime | None


def summary(db: Database, who: Visitor) -> Mine:
    """How much is stored of a visitor."""
    with db.cursor() as cursor:
        row = cursor.execute(
            "SELECT count(DISTINCT conversation_id), count(*) FILTER (role = 'question'), count(*) FILTER (role = 'answer'),"
            f" min(created_at), max(created_at) FROM messages WHERE {_THEIRS}",
            [owner_of(who)],
        ).fetchone()
    assert row is not None  # an aggregate has one row
    return Mine(*row)


def export(db: Database, who: Visitor) -> bytes:
    """Everything that is stored of a visitor as JSON lines, one a conversation: UTF-8, {} lines for none.

    As chats.jsonl of store.export, `id` and `messages` with `role` and `content`, oldest first, and beside them when each was stored, which
    one it follows (`parent`) and, of answers, how it ended, the model, what was cited and how it was rated; `title` where it was given a name.
    """
    with db.cursor() as cursor:
        cursor.begin()  # one state of the data
        rows = cursor.execute(
            f"""
            WITH rated AS (
                SELECT message_id, arg_max(struct_pack(good, consent), created_at) AS said FROM ratings WHERE {_THEIRS} GROUP BY message_id
            )
            SELECT m.conversation_id::VARCHAR, m.id::VARCHAR, m.parent::VARCHAR, m.role, m.lang, m.text, m.created_at, g.finish, g.model_id,
                   rated.said
            FROM messages m LEFT JOIN generations g ON g.message_id = m.id LEFT JOIN rated ON rated.message_id = m.id WHERE m.{_THEIRS} ORDER BY m.created_at, m.id
            """,
            [owner_of(who), owner_of(who)],
        ).fetchall()
        cited = cursor.execute(
            f"SELECT message_id::VARCHAR, number, title, text, sources FROM citations WHERE {_THEIRS} ORDER BY message_id, number",
            [owner_of(who)],
        ).fetchall()
        titles: dict[str, str] = dict(
            cursor.execute(
                "SELECT id::VARCHAR, title FROM conversations WHERE title IS NOT NULL AND owner IS NOT DISTINCT FROM ?",
                [owner_of(who)],
            ).fetchall()
        )
        cursor.rollback()
    citations: dict[str, list[dict[str, Any]]] = {}
    for message_id, number, title, text, sources in cited:
        citations.setdefault(message_id, []).append(
            {"number": number, "title": title, "text": text, "sources": sources}
        )
    conversations: dict[str, list[dict[str, Any]]] = {}
    for conversation_id, message_id, parent, role, lang, text, at, finish, model, rated in rows:
        message: dict[str, Any] = {
            "role": "user" if role == "question" else "assistant",
            "content": text,
            "id": message_id,
            "parent": parent,
            "lang": lang,
            "created_at": f"{at.isoformat(timespec='milliseconds')}Z",
        }
        if role == "answer":
            message |= {"finish": finish, "model": model, "citations": citations.get(message_id, []), "rating": rated}
        conversations.setdefault(conversation_id, []).append(message)
    lines = [
        json.dumps(
            {"id": one, **({"title": titles[one]} if one in titles else {}), "messages": said}, ensure_ascii=False
        )
        for one, said in conversations.items()
    ]
    return "".join(f"{line}\n" for line in lines).encode()
