"""Conversations: a question is stored when it is asked, its answer when it ends, both for good until the conversation is deleted.

It does not know how answers are made; a question without an answer whose process has ended reads as interrupted.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kdrinks.errors import BadInput, NotAllowed
from kdrinks.permissions import is_theirs, owner_of
from kdrinks.records import (
    Citation,
    Exchange,
    Language,
    StoredQuestion,
    Timing,
    Visitor,
    WordCount,
)
from kdrinks.store import answer_rows, conversation_tree, forget, rollup, traces
from kdrinks.store.db import Cursor, Database, new_id, now
from kdrinks.store.views import MADE_HERE

TITLE_CHARACTERS = 60
SAMPLE_SESSION = "sample"
"""The session of made-up conversations (kdrinks/sample.py): marked everywhere, in no list of a person's own."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One line of the list of conversations."""

    id: str
    title: str
    """The one that a person gave it, else the first question, cut; empty before the first one."""
    started_at: datetime
    """UTC without a zone."""
    last_at: datetime
    questions: int
    pinned: bool = False


def start_conversation(db: Database, who: Visitor, *, session: str = "") -> str:
    """The id of a new conversation of a visitor's. Until its first question it is in no list."""
    conversation_id = new_id()
    with db.write() as cursor:
        _begin(cursor, who, conversation_id, session)
    return conversation_id


def record_question(
    db: Database, who: Visitor, conversation_id: str, question: str, lang: Language, *, question_id: str = ""
) -> str:
    """Store a question the moment it is asked, so that a crash in mid-answer keeps it; returns its id.

    question_id: the caller's own, made by new_id(). A conversation that is unknown or was deleted meanwhile begins again with this question;
    one that is put away (undo.is_away) stays so with it, as if it had been asked just before.
    Raises BadInput for an id that is none, NotAllowed for another visitor's conversation.
    """
    _check(conversation_id)
    question_id = question_id or new_id()
    with db.write() as cursor:
        if _found(cursor, who, conversation_id) is None:
            _begin(cursor, who, conversation_id, "")
        conversation_tree.store_question(cursor, conversation_id, question_id, question, lang, now())
    return question_id


def record(db: Database, exchange: Exchange) -> bool:
    """Store an answer that ended, with its timings, citations, words and trace, in one transaction.

    False, and nothing stored, when its question is not there: the conversation was deleted while the answer was written.
    A second answer to a question (a retry) is one more; the question's words are stored with the first.
    """
    at = now()
    with db.write() as cursor:
        stored = store(cursor, exchange, at)
        new_day = stored and rollup.roll_forward(cursor, exchange.analyser, at)
    if new_day:
        forget.apply_retention(db)
    return stored


def store(cursor: Cursor, exchange: Exchange, at: datetime) -> bool:
    """As record, inside a transaction and at a time of the caller's, who brings the rollup up to date."""
    ids = [exchange.message_id, exchange.conversation_id]
    if not cursor.execute("SELECT 1 FROM messages WHERE id = ?", [exchange.question_id]).fetchone():
        return False
    first = not cursor.execute(
        "SELECT 1 FROM messages WHERE parent = ? AND role = 'answer'", [exchange.question_id]
    ).fetchone()
    cursor.execute(
        "INSERT INTO messages (id, conversation_id, parent, role, lang, text, created_at) VALUES (?, ?, ?, 'answer', ?, ?, ?)",
        [*ids, exchange.question_id, exchange.language, exchange.answer, at],
    )
    conversation_tree.lead_to(cursor, exchange)
    _insert(cursor, "generations", [_generation(exchange) | {"created_at": at}])
    _insert(
        cursor,
        "citations",
        [
            {
                "message_id": exchange.message_id,
                "conversation_id": exchange.conversation_id,
                "created_at": at,
                "number": cited.number,
                "passage_id": cited.passage.id,
                "subject_id": cited.passage.subject_id,
                "kind": cited.passage.kind,
                "lang": cited.passage.lang,
                "title": cited.passage.title,
                "text": cited.passage.text,
                "sources": list(cited.passage.sources),
                "score": cited.score,
            }
            for cited in exchange.citations
        ],
    )
    if exchange.trace:
        traces.keep(cursor, exchange, at)
    if first:
        _count(cursor, exchange, exchange.question_id, "question", exchange.question_words, at)
    _count(cursor, exchange, exchange.message_id, "answer", exchange.answer_words, at)
    return True


def theirs(who: Visitor) -> tuple[str, list[Any]]:
    """A condition for the rows of conversations that a visitor's list shows, with its values: neither the sample's nor deleted ones.

    An administrator's are those without an owner, too; of one without an id (at home, the command line) all there are.
    """
    condition = "session <> ? AND deleted_at IS NULL AND (owner = ? OR (? AND (owner IS NULL OR ? = '')))"
    return condition, [SAMPLE_SESSION, who.id, who.administrator, who.id]


def conversations(
    db: Database, who: Visitor, limit: int | None = 30, *, among: Sequence[str] | None = None
) -> list[Conversation]:
    """A visitor's conversations with a question, pinned ones first and then the last active one first.

    limit: None for all of them.   among: of these ids alone; none where one of them is malformed.
    """
    condition, values = theirs(who)
    with db.cursor() as cursor:
        rows = cursor.execute(
            f"""
            WITH listed AS (
                SELECT c.id, any_value(c.title) AS given, min(m.created_at) AS started_at, max(m.created_at) AS last_at,
                       count(*) FILTER (role = 'question') AS questions, any_value(c.pinned_at) IS NOT NULL AS pinned
                FROM messages m JOIN conversations c ON c.id = m.conversation_id
                WHERE {condition} AND (? OR list_contains(TRY_CAST(? AS UUID[]), c.id))
                GROUP BY c.id ORDER BY pinned DESC, last_at DESC, c.id DESC LIMIT ?
            ), first AS (
                SELECT conversation_id, arg_min(text, created_at) AS question FROM messages
                WHERE role = 'question' AND conversation_id IN (SELECT id FROM listed) GROUP BY conversation_id
            )
            SELECT id::VARCHAR, coalesce(given, question, ''), started_at, last_at, questions, pinned
            FROM listed LEFT JOIN first ON conversation_id = id ORDER BY pinned DESC, last_at DESC, id DESC
            """,
            [*values, among is None, list(among or ()), limit],
        ).fetchall()
    return [Conversation(row[0], shortened(row[1]), *row[2:]) for row in rows]


def has_any(db: Database, who: Visitor) -> bool:
    """Whether a visitor has a conversation."""
    with db.cursor() as cursor:
        return cursor.execute("SELECT 1 FROM conversations WHERE owner = ? LIMIT 1", [who.id]).fetchone() is not None


def messages(db: Database, who: Visitor, conversation_id: str) -> list[StoredQuestion]:
    """Everything a page needs to draw the branch of a conversation that is shown, oldest question first.

    Empty for an id that is unknown, malformed or another visitor's. Others than administrators get of documents what was cited
    alone, and nothing of the server's memory and folders.
    """
    with db.cursor() as cursor:
        if not _is_open_to(cursor, who, conversation_id):
            return []
        asked = conversation_tree.branch(cursor, conversation_id)
        answers = _rows(
            cursor,
            """
            SELECT a.id::VARCHAR AS id, a.text AS answer, a.lang AS language, g.* EXCLUDE (message_id, conversation_id, lang)
            FROM messages a JOIN generations g ON g.message_id = a.id
            WHERE a.conversation_id = TRY_CAST(? AS UUID)
            """,
            conversation_id,
        )
        cited = _rows(
            cursor,
            "SELECT *, message_id::VARCHAR AS answer_id FROM citations WHERE conversation_id = TRY_CAST(? AS UUID) ORDER BY number",
            conversation_id,
        )
    by_id = {row["id"]: row for row in answers}
    cited_by: dict[str, list[Citation]] = {}
    for citation in cited:
        cited_by.setdefault(citation["answer_id"], []).append(answer_rows.citation(citation))
    result = []
    for (question_id, _, _, question, lang, asked_at), answer_id, count in asked:
        row = by_id.get(answer_id)
        exchange = None
        if row is not None:
            exchange = Exchange(
                conversation_id=conversation_id,
                question_id=question_id,
                message_id=answer_id,
                question=question,
                answer=row["answer"],
                language=row["language"],
                finish=row["finish"],
                error=row["error"],
                citations=tuple(cited_by.get(answer_id, ())),
                loaded=answer_rows.loaded(row) if who.administrator else answer_rows.in_public(answer_rows.loaded(row)),
                timing=answer_rows.timing(row),
                guard=row["guard"],
                details=_details(json.loads(row["details"]), who),
                identity=row["identity"] or "",
            )
        interrupted = exchange is None and asked_at < db.opened_at
        result.append(
            StoredQuestion(conversation_id, question_id, question, lang, asked_at, exchange, count, interrupted)
        )
    return result


def delete_conversation(db: Database, who: Visitor, conversation_id: str) -> int:
    """Delete a conversation with all that was counted, cited and timed in it; 0 and nothing else for an id that is unknown or another
    visitor's."""
    _check(conversation_id)
    return forget.one(db, who, conversation_id)


def check_may_ask(db: Database, who: Visitor, conversation_id: str, *, question_id: str = "") -> str | None:
    """Whose a conversation is, or will be, in which a visitor may ask or have a question answered again.

    Raises BadInput, NotAllowed where they may not.
    """
    _check(conversation_id)
    with db.cursor() as cursor:
        found = _found(cursor, who, conversation_id)
        elsewhere = "SELECT 1 FROM messages WHERE id = TRY_CAST(? AS UUID) AND conversation_id <> ?"
        if cursor.execute(elsewhere, [question_id, conversation_id]).fetchone():
            raise NotAllowed("not_yours")
    return found[0] if found else owner_of(who)


def _begin(cursor: Cursor, who: Visitor, conversation_id: str, session: str) -> None:
    cursor.execute(
        "INSERT INTO conversations (id, session, owner, created_at) VALUES (?, ?, ?, ?)",
        [conversation_id, session, owner_of(who), now()],
    )


def _is_open_to(cursor: Cursor, who: Visitor, conversation_id: str) -> bool:
    """One look-up for every id, so that another visitor's takes as long as one that is not there."""
    found = cursor.execute(
        "SELECT owner FROM conversations WHERE id = TRY_CAST(? AS UUID) AND deleted_at IS NULL", [conversation_id]
    ).fetchone()
    return found is not None and is_theirs(found[0], who)


def _found(cursor: Cursor, who: Visitor, conversation_id: str) -> tuple[str | None] | None:
    """(owner,) of a conversation that is there. Raises NotAllowed for another visitor's."""
    found = cursor.execute("SELECT owner FROM conversations WHERE id = ?", [conversation_id]).fetchone()
    if found is not None and not is_theirs(found[0], who):
        raise NotAllowed("not_yours")
    return found


def _generation(exchange: Exchange) -> dict[str, Any]:
    loaded, timing = exchange.loaded, exchange.timing
    row: dict[str, Any] = {
        "message_id": exchange.message_id,
        "conversation_id": exchange.conversation_id,
        "lang": exchange.language,
        "finish": exchange.finish,
        "error": exchange.error,
        "guard": exchange.guard,
        "details": json.dumps(dict(exchange.details), ensure_ascii=False),
        "cold": timing.load_s > 0,
        "identity": exchange.identity or None,
        **{name: getattr(timing, name) for name in Timing.__dataclass_fields__},
    }
    if loaded is not None:
        row |= {
            "model_id": loaded.model_id,
            "file": loaded.file,
            "quantization": loaded.quantization,
            "context_tokens": loaded.context_tokens,
            "device_requested": loaded.requested,
            "device_used": loaded.used,
            "gpu_layers": loaded.gpu_layers,
            "layers": loaded.layers,
            "threads": loaded.threads,
            "model_load_s": loaded.load_s,
            "predicted_memory_bytes": exchange.details.get("predicted_memory_bytes"),
            "measured_memory_bytes": loaded.memory_bytes,
            "adapter": loaded.adapter,
            "adapter_scale": loaded.adapter_scale,
        }
    return row


def _details(details: dict[str, Any], who: Visitor) -> dict[str, Any]:
    if who.administrator:
        return details
    shown = {name: value for name, value in details.items() if name != "predicted_memory_bytes"}
    if "also_found" in shown:
        shown["also_found"] = [one for one in shown["also_found"] if one["kind"] != "document"]
    return shown


def _count(
    cursor: Cursor, exchange: Exchange, message_id: str, role: str, words: Sequence[WordCount], at: datetime
) -> None:
    """All words of a message in one statement of ten values: 1.4 ms for 100 words, where 100 rows of values take 8.5."""
    model_id = exchange.loaded.model_id if exchange.loaded else None
    cursor.execute(
        """
        INSERT INTO words (message_id, conversation_id, created_at, role, lang, model_id, analyser_version, word, pos, count)
        SELECT ?, ?, ?, ?, ?, ?, ?, unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::INTEGER[])
        """,
        [
            *(message_id, exchange.conversation_id, at, role, exchange.language, model_id, exchange.analyser),
            [counted.word for counted in words],
            [counted.pos for counted in words],
            [counted.count for counted in words],
        ],
    )


def _insert(cursor: Cursor, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """All rows in one statement: 100 single-row inserts take 31 ms, one of 100 rows 4 ms."""
    if not rows:
        return
    columns = list(rows[0])
    marks = f"({', '.join('?' * len(columns))})"
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([marks] * len(rows))}",
        [row[column] for row in rows for column in columns],
    )


def last_asked(db: Database) -> tuple[Language, str]:
    """Language and template of the last answer given here; ("ko", "") when there is none. Says nothing of anybody."""
    with db.cursor() as cursor:
        rows = _rows(
            cursor,
            f"SELECT lang, details->>'template' AS template FROM generations WHERE {MADE_HERE} ORDER BY created_at DESC, message_id DESC LIMIT 1",
        )
    return (rows[0]["lang"], rows[0]["template"] or "") if rows else ("ko", "")


def _rows(cursor: Cursor, sql: str, *values: object) -> list[dict[str, Any]]:
    result = cursor.execute(sql, list(values))
    columns = [column[0] for column in result.description or []]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def shortened(title: str) -> str:
    """A name for a conversation, of its first question or of any text."""
    title = " ".join(title.split())
    return title if len(title) <= TITLE_CHARACTERS else title[: TITLE_CHARACTERS - 1].rstrip() + "…"


def _check(conversation_id: str) -> None:
    try:
        UUID(conversation_id)
    except ValueError as exc:
        raise BadInput("conversation_id", found=conversation_id[:80]) from exc
