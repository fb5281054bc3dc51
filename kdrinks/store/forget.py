"""Deleting: whole conversations with everything that was said, counted, timed and cited in them, rollups, snapshots and the copy too.

Knows who may delete nothing: asking the person is the page's work.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from kdrinks.errors import BadInput
from kdrinks.permissions import administrators_only, owner_of
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.store import limits, logins, preferences, rollup, snapshot
from kdrinks.store.db import Cursor, Database, now

TABLES_OF_A_CONVERSATION = ("words", "citations", "generations", "messages", "lifted_exclusions", "traces", "ratings")
_OLDER = (
    "SELECT c.id FROM conversations c LEFT JOIN messages m ON m.conversation_id = c.id"
    " GROUP BY c.id, c.created_at HAVING coalesce(max(m.created_at), c.created_at) < ?"
)
UNDO_S = 30.0
"""How long a deletion on the page can be undone."""
_OVERDUE = "SELECT id FROM conversations WHERE deleted_at IS NOT NULL AND (? OR deleted_at < ? OR deleted_at NOT BETWEEN ? AND ?)"
RETENTION_KEY = "retention_days"
RETENTION_DAYS = (30, 90, 365)
"""What a person can choose from; none keeps everything."""
VISITORS_KEY = "visitor_retention_days"
LONGEST_DAYS = 3650
"""That visitors' conversations can be kept for; without a number they are kept for good."""


def conversations(cursor: Cursor, which: str, values: Sequence[Any] = ()) -> list[str]:
    """Delete the conversations whose ids this query gives, inside the caller's transaction; returns their ids.

    The caller ends with purge_copies() once the transaction is over.
    """
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE doomed AS {which}", list(values))
    ids = [str(row[0]) for row in cursor.execute("FROM doomed").fetchall()]
    if ids:
        days = rollup.days_of(cursor, "FROM doomed")
        for table in TABLES_OF_A_CONVERSATION:
            cursor.execute(f"DELETE FROM {table} WHERE conversation_id IN (FROM doomed)")
        cursor.execute("DELETE FROM conversations WHERE id IN (FROM doomed)")
        rollup.rebuild_days(cursor, days)
    cursor.execute("DROP TABLE doomed")
    return ids


def one(db: Database, who: Visitor, conversation: str) -> int:
    """Delete this conversation; 0 and nothing else for an id that is unknown or another visitor's."""
    return _delete(
        db, "SELECT id FROM conversations WHERE id = ? AND (? OR owner = ?)", [conversation, who.administrator, who.id]
    )


def carry_out(db: Database, *, at_once: bool = False) -> int:
    """Delete the conversations that were put away (undo.put_away) and whose time is over; returns how many.

    at_once: all of them. Those from before this start are over, too, and so is what a clock that was set back put into the future.
    """
    if not is_overdue(db, at_once=at_once):
        return 0
    with db.write() as cursor:
        # the time in here: whoever waits for their turn to write would take what is put away meanwhile for the future's
        ids, began = _delete_in(cursor, _OVERDUE, _when_over(db, at_once))
    if ids:
        purge_copies(db, ids, began)
    return len(ids)


def is_overdue(db: Database, *, at_once: bool = False) -> bool:
    """Whether carry_out would delete something."""
    with db.cursor() as cursor:
        return cursor.execute(f"{_OVERDUE} LIMIT 1", _when_over(db, at_once)).fetchone() is not None


def _when_over(db: Database, at_once: bool) -> list[Any]:
    at, undo = now(), timedelta(seconds=UNDO_S)
    return [at_once, db.opened_at, at - undo, at + undo]  # a clock is set back by a little every day


def everything(db: Database, who: Visitor) -> int:
    """Delete every conversation; the choices (model, stop words, saved queries) stay. Returns how many there were. Raises NotAllowed."""
    administrators_only(who)
    count = _delete(db, "SELECT id FROM conversations")
    db.drop_copy()  # also where no conversation was left: it may hold some
    return count


def of_owner(db: Database, who: Visitor) -> int:
    """Delete all conversations of one's own; returns how many there were. At home that is everything but what visitors left behind."""
    return _delete(db, "SELECT id FROM conversations WHERE owner IS NOT DISTINCT FROM ?", [owner_of(who)])


def of_session(db: Database, who: Visitor, session: str) -> int:
    """Delete the conversations of a session, such as the sample's; returns how many there were. Raises NotAllowed."""
    administrators_only(who)
    return _delete(db, "SELECT id FROM conversations WHERE session = ?", [session])


def older_than(db: Database, who: Visitor, days: int) -> int:
    """Delete the conversations whose last message is older; returns how many there were. Raises NotAllowed."""
    administrators_only(who)
    return _delete(db, _OLDER, [now() - timedelta(days=days)])


def retention_days(db: Database) -> int | None:
    """How long a conversation is kept after its last message; None keeps everything."""
    days = preferences.get(db, RETENTION_KEY)
    # what a newer version or damage left there deletes nothing: -1 or 0.5 would delete everything
    return next((known for known in RETENTION_DAYS if known == days), None)


def set_retention(db: Database, who: Visitor, days: int | None) -> int:
    """Keep conversations for this long from now on; returns how many were deleted at once. Raises NotAllowed."""
    administrators_only(who)
    preferences.set(db, who, RETENTION_KEY, days)
    return apply_retention(db)


def visitor_days(db: Database) -> int | None:
    """How long a visitor's conversation, or one from a file (it may be a visitor's), is kept after its last message; None keeps it, as long
    as retention_days does."""
    days = preferences.get(db, VISITORS_KEY)
    # what a newer version or damage left there deletes nothing
    return days if type(days) is int and 0 < days <= LONGEST_DAYS else None


def set_visitor_days(db: Database, who: Visitor, days: int | None) -> int:
    """Keep visitors' conversations for this long from now on; returns how many were deleted at once. Raises NotAllowed, BadInput."""
    administrators_only(who)
    if days is not None and not 0 < days <= LONGEST_DAYS:
        raise BadInput("days_out_of_range", found=days, most=LONGEST_DAYS)
    preferences.set(db, who, VISITORS_KEY, days)
    return apply_retention(db)


def kept_days(db: Database) -> int | None:
    """How long a visitor's conversation is kept in all; None for good."""
    known = [days for days in (visitor_days(db), retention_days(db)) if days]
    return min(known) if known else None


def apply_retention(db: Database) -> int:
    """Delete what is older than the retention, old log-ins and what was put away; returns how many conversations were too old. Done at each start, every day, and on the
    first answer of a day."""
    with db.write() as cursor:
        logins.forget_old(cursor)
        limits.forget_old(cursor)
    carry_out(db)
    days, of_visitors = retention_days(db), visitor_days(db)
    count = older_than(db, ADMINISTRATOR, days) if days else 0
    if of_visitors:
        theirs = f"SELECT id FROM conversations WHERE (owner IS NOT NULL OR session = 'imported') AND id IN ({_OLDER})"
        count += _delete(db, theirs, [now() - timedelta(days=of_visitors)])
    return count


def kept_copy(db: Database, who: Visitor) -> None:
    """Delete the file as it was before an update, where there is one. Raises NotAllowed, StoreNotWritable."""
    administrators_only(who)
    db.drop_copy()


def _delete(db: Database, which: str, values: Sequence[Any] = ()) -> int:
    with db.write() as cursor:
        ids, began = _delete_in(cursor, which, values)
    if ids:
        purge_copies(db, ids, began)
    return len(ids)


def _delete_in(cursor: Cursor, which: str, values: Sequence[Any]) -> tuple[list[str], datetime | None]:
    """As conversations(), with the time when the first of them began."""
    began = cursor.execute(f"SELECT min(created_at) FROM conversations WHERE id IN ({which})", list(values)).fetchone()
    return conversations(cursor, which, values), began[0] if began else None


def purge_copies(db: Database, ids: Sequence[str], began: datetime | None = None) -> None:
    """Nothing deleted stays in the file or its log, in the copy from before an update, in one for analysts, or in a cache.

    began: when the first of them did, where it is known. A copy that is older holds none of them and stays: any visitor of a hosted
    site could take it from its administrators.
    """
    snapshot.drop_snapshots(db)
    for forgotten in db.on_delete:
        forgotten(ids)
    try:
        kept = db.kept_copy()
        if began is None or kept is None or began <= kept.made_at:
            db.drop_copy()  # before the rewriting, which may need its room on the disk
    finally:
        db.rewrite()
