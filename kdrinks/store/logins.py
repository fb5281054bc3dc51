"""Who logged in by the administrators' password, and how often somebody tried to.

The tries are counted here and not in a process, so that a restart forgives nothing; the last row of a session says whether it is logged in.
"""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256

from kdrinks.errors import NotAllowed
from kdrinks.records import Visitor
from kdrinks.store.db import Cursor, Database, now

WINDOW = timedelta(minutes=15)
TRIES = 5
"""Wrong ones of one visitor within the window."""
TRIES_OF_STRANGERS = 30
"""And of all who never logged in, for a new visitor costs nothing. Whoever did once has their own five, so that strangers who use
theirs up shut no administrator out."""
LASTS = timedelta(hours=12)
"""A browser that opens with yesterday's tabs keeps its session cookies; then somebody logs in once a day."""
KNOWN = timedelta(days=90)
"""How long it is remembered that a visitor logged in, and what they tried."""


def log_in(db: Database, who: Visitor, session: str, *, typed: str, password: str) -> None:
    """Make this session an administrator's, for LASTS.

    session: a name that nobody can guess. Compared in constant time. Raises NotAllowed for another password, and for one too many of them,
    a right one included.
    """
    right = hmac.compare_digest(sha256(typed.encode()).digest(), sha256(password.encode()).digest())
    with db.write() as cursor:  # one after the other: a hundred at once are a hundred tries, too
        at = now()
        if (until := _shut_until(cursor, who, at)) is None:
            _add(cursor, who, session, "right" if right else "wrong", at)
    if until is not None:
        raise NotAllowed("password_tries", minutes=max(1, -(-int((until - at).total_seconds()) // 60)))
    if not right:
        raise NotAllowed("password_wrong")


def log_out(db: Database, who: Visitor, session: str) -> None:
    """End a session; nothing where it is none."""
    if is_logged_in(db, who, session):
        with db.write() as cursor:
            _add(cursor, who, session, "ended", now())


def is_logged_in(db: Database, who: Visitor, session: str) -> bool:
    """Whether this visitor logged in with this session, and did not log out since."""
    with db.cursor() as cursor:
        found = cursor.execute(
            "SELECT arg_max(outcome, created_at) FROM password_tries WHERE session = ? AND visitor = ? AND outcome <> 'wrong'"
            " AND created_at > ?",
            [session, who.id, now() - LASTS],
        ).fetchone()
    return found == ("right",)


def forget_old(cursor: Cursor) -> None:
    """Delete what is older than KNOWN, inside the caller's transaction."""
    cursor.execute("DELETE FROM password_tries WHERE created_at < ?", [now() - KNOWN])


def _shut_until(cursor: Cursor, who: Visitor, at: datetime) -> datetime | None:
    """When the next try is let in; None for now."""
    wrong = "SELECT created_at FROM password_tries t WHERE outcome = 'wrong' AND created_at > ?"
    strangers = "NOT EXISTS (FROM password_tries r WHERE r.visitor = t.visitor AND r.outcome = 'right')"
    known = cursor.execute("SELECT 1 FROM password_tries WHERE visitor = ? AND outcome = 'right'", [who.id]).fetchone()
    counted = [(f"{wrong} AND visitor = ?", [at - WINDOW, who.id], TRIES)]
    if not known:
        counted.append((f"{wrong} AND {strangers}", [at - WINDOW], TRIES_OF_STRANGERS))
    until = None
    for sql, values, most in counted:
        times = [row[0] for row in cursor.execute(f"{sql} ORDER BY created_at DESC LIMIT {most}", values).fetchall()]
        if len(times) == most:
            until = max(until or at, times[-1] + WINDOW)
    return until


def _add(cursor: Cursor, who: Visitor, session: str, outcome: str, at: datetime) -> None:
    cursor.execute(
        "INSERT INTO password_tries (visitor, session, outcome, created_at) VALUES (?, ?, ?, ?)",
        [who.id, session, outcome, at],
    )
