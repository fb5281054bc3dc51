"""A visitor's conversations by what was said in them, pinned ones first and then the last active one first.

Looks at every text and at the counted words of it (text.sought says why); a conversation is found where each term is somewhere in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from kdrinks.records import Visitor
from kdrinks.store import chats
from kdrinks.store.chats import Conversation
from kdrinks.store.db import Cursor, Database
from kdrinks.text.sought import Sought, Term, snippet

FIRST_LOOK = 1000
"""Of the newest conversations: what is in many is found in them, in a tenth of the time that all take."""
_RATED = (
    "SELECT conversation_id FROM ratings GROUP BY conversation_id, message_id"
    # in a struct, for arg_max passes over NULL, which is a rating that was taken back
    " HAVING arg_max(struct_pack(good), created_at).good = $good"
)


@dataclass(frozen=True, slots=True)
class Found:
    conversation: Conversation
    snippet: tuple[tuple[str, bool], ...]
    """Of the first text that holds most of the terms, in pieces, each with whether it is a match; empty where only counted words match."""


def search(
    db: Database, who: Visitor, sought: Sought, *, limit: int = 30, zone: timedelta = timedelta()
) -> list[Found]:
    """The conversations of a visitor that hold all that is sought, those of chats.theirs.

    zone: how far the reader's clock is ahead of UTC, for `before`.
    """
    before = datetime.combine(sought.before, time()) - zone if sought.before else None
    with db.cursor() as cursor:
        ids, looked_at = _ids(cursor, who, sought, before, limit, FIRST_LOOK)
        if len(ids) < limit and looked_at == FIRST_LOOK:
            ids, _ = _ids(cursor, who, sought, before, limit, None)
        texts = _texts(cursor, ids, sought.terms, before)
    by_id = {one.id: one for one in chats.conversations(db, who, None, among=ids)} if ids else {}
    return [Found(by_id[one], snippet(texts[one], sought.terms) if one in texts else ()) for one in ids if one in by_id]


def _ids(
    cursor: Cursor, who: Visitor, sought: Sought, before: datetime | None, limit: int, newest: int | None
) -> tuple[list[str], int]:
    """The conversations that hold what is sought, in order, and how many were looked at. newest: so many alone; None for all of them."""
    condition, values = chats.theirs(who)
    given: dict[str, Any] = {f"v{place}": value for place, value in enumerate(values)}
    for place in given:
        condition = condition.replace("?", f"${place}", 1)
    given |= {"limit": limit, "newest": newest} | ({"before": before} if before else {})
    in_time = "created_at < $before" if before else "true"
    order = "pinned DESC, last_at DESC, conversation_id DESC"
    columns, holds, counted = [], [], []
    for number, term in enumerate(sought.terms):
        columns.append(f"bool_or({_in_text(number)}) AS in_text{number}")
        given |= _of_text(number, term)
        if term.words:
            given[f"words{number}"] = list(term.words)
            counted.append(
                f"count(DISTINCT word) FILTER (list_contains($words{number}, word)) = {len(set(term.words))} AS counted{number}"
            )
            holds.append(f"(in_text{number} OR coalesce(counted{number}, false))")
        else:
            holds.append(f"in_text{number}")
    joined = ""
    if counted:
        given["words"] = sorted({word for term in sought.terms for word in term.words})
        joined = f"""LEFT JOIN (
            SELECT conversation_id, {", ".join(counted)} FROM words
            WHERE list_contains($words, word) AND {in_time} AND conversation_id IN (SELECT conversation_id FROM looked_at) GROUP BY conversation_id
        ) AS by_words USING (conversation_id)"""
    if sought.drink:
        given["drink"] = sought.drink
        holds.append("conversation_id IN (SELECT conversation_id FROM words WHERE word = $drink AND pos = 'drink')")
    if sought.model:
        given["model"] = sought.model.lower()
        holds.append("conversation_id IN (SELECT conversation_id FROM generations WHERE contains(lower(model_id), $model))")  # fmt: skip
    if sought.rated:
        given["good"] = sought.rated == "good"
        holds.append(f"conversation_id IN ({_RATED})")
    row = cursor.execute(
        f"""
        WITH looked_at AS (
            SELECT conversation_id, any_value(pinned) AS pinned, max(m.created_at) AS last_at
            FROM messages m JOIN (SELECT id, pinned_at IS NOT NULL AS pinned FROM conversations WHERE {condition}) c ON c.id = conversation_id
            WHERE {in_time} GROUP BY conversation_id ORDER BY {order} LIMIT $newest
        ), by_text AS (
            SELECT conversation_id{"".join(f", {one}" for one in columns)} FROM messages
            WHERE {in_time} AND conversation_id IN (SELECT conversation_id FROM looked_at) GROUP BY conversation_id
        ), found AS (
            SELECT conversation_id, pinned, last_at FROM looked_at JOIN by_text USING (conversation_id) {joined}
            WHERE {" AND ".join(holds) or "true"} ORDER BY {order} LIMIT $limit
        )
        SELECT (SELECT list(conversation_id::VARCHAR ORDER BY {order}) FROM found), (SELECT count(*) FROM looked_at)
        """,
        given,
    ).fetchone()
    assert row is not None  # two aggregates have one row
    return row[0] or [], row[1]


def _texts(cursor: Cursor, ids: Sequence[str], terms: Sequence[Term], before: datetime | None) -> dict[str, str]:
    """Of each conversation the first text that holds most of the terms."""
    if not ids or not terms:
        return {}
    given: dict[str, Any] = {"ids": list(ids)} | ({"before": before} if before else {})
    for number, term in enumerate(terms):
        given[f"shown{number}"] = f"(?i){term.shown}"
    held = " + ".join(f"regexp_matches(text, $shown{number})::INTEGER" for number in range(len(terms)))
    rows = cursor.execute(
        f"""
        SELECT conversation_id::VARCHAR, arg_max(text, (held, -epoch_us(created_at))) FROM (
            SELECT conversation_id, text, created_at, {held} AS held FROM messages
            WHERE list_contains($ids::UUID[], conversation_id) AND {"created_at < $before" if before else "true"}
        ) WHERE held > 0 GROUP BY conversation_id
        """,
        given,
    ).fetchall()
    return dict(rows)


def _in_text(number: int) -> str:
    """The text as it is first, for most that match do so; then as a Mac spells it; then with whatever may stand between its letters.

    A regular expression alone took 0.21 s for a particle that is in half of 200,000 texts, and one with both spellings 0.18 s for any.
    """
    return (
        f"CASE WHEN contains(text, $text{number}) THEN true WHEN contains(text, $apart{number}) THEN true"
        f" ELSE regexp_matches(text, $pattern{number}) END"
    )


def _of_text(number: int, term: Term) -> dict[str, str]:
    return {f"text{number}": term.text, f"apart{number}": term.decomposed, f"pattern{number}": f"(?i){term.pattern}"}
