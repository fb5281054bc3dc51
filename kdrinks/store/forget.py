"""Deleting: whole conversations with everything that was said, counted, timed and cited in them, rollups and snapshots too.

Knows who may delete nothing: asking the person is the page's work.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from kdrinks.store import rollup, snapshot
from kdrinks.store.db import Cursor, Database, new_id, now

TABLES_OF_A_CONVERSATION = ("words", "citations", "generations", "messages")
RETENTION_KEY = "retention_days"
RETENTION_DAYS = (30, 90, 365)
"""What a person can choose from; none keeps everything."""


def conversations(cursor: Cursor, which: str, values: Sequence[Any] = ()) -> int:
    """Delete the conversations whose ids this query gives, inside the caller's transaction; returns how many there were."""
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE doomed AS {which}", list(values))
    count = cursor.execute("SELECT count(*) FROM doomed").fetchone()
    if not count or not count[0]:
        return 0
    days = rollup.days_of(cursor, "FROM doomed")
    for table in TABLES_OF_A_CONVERSATION:
        cursor.execute(f"DELETE FROM {table} WHERE conversation_id IN (FROM doomed)")
    cursor.execute("DELETE FROM conversations WHERE id IN (FROM doomed)")
    rollup.count_again(cursor, days)
    return int(count[0])


def everything(db: Database) -> int:
    """Delete every conversation; the choices (model, stop words, saved queries) stay. Returns how many there were."""
    return _delete(db, "SELECT id FROM conversations")


def of_session(db: Database, session: str) -> int:
    """Delete the conversations of a session, such as the sample's; returns how many there were."""
    return _delete(db, "SELECT id FROM conversations WHERE session = ?", [session])


def retention_days(db: Database) -> int | None:
    """How long a conversation is kept after its last message; None keeps everything."""
    with db.cursor() as cursor:
        return _retention_days(cursor)


def set_retention(db: Database, days: int | None) -> int:
    """Keep conversations for this long from now on; returns how many were deleted at once."""
    with db.write() as cursor:
        cursor.execute("INSERT INTO choices VALUES (?, ?, ?, ?)", [new_id(), RETENTION_KEY, json.dumps(days), now()])
    return apply_retention(db)


def apply_retention(db: Database) -> int:
    """Delete what is older than the retention; returns how many conversations. Done at each start and on the first answer of a day."""
    with db.write() as cursor:
        count = keep_to_retention(cursor, now())
    if count:
        _fold(db)
    return count


def keep_to_retention(cursor: Cursor, at: datetime) -> int:
    """As apply_retention, inside the caller's transaction."""
    days = _retention_days(cursor)
    if days is None:
        return 0
    return conversations(
        cursor,
        "SELECT c.id FROM conversations c LEFT JOIN messages m ON m.conversation_id = c.id"
        " GROUP BY c.id, c.created_at HAVING coalesce(max(m.created_at), c.created_at) < ?",
        [at - timedelta(days=days)],
    )


def _delete(db: Database, which: str, values: Sequence[Any] = ()) -> int:
    with db.write() as cursor:
        count = conversations(cursor, which, values)
    _fold(db)
    return count


def _fold(db: Database) -> None:
    """Nothing deleted stays in the log or in a copy for analysts."""
    snapshot.drop(db)
    db.checkpoint()


def _retention_days(cursor: Cursor) -> int | None:
    row = cursor.execute(
        "SELECT value FROM choices WHERE key = ? ORDER BY created_at DESC, id DESC LIMIT 1", [RETENTION_KEY]
    ).fetchone()
    days = json.loads(row[0]) if row else None
    return int(days) if days else None
