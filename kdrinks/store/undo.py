"""A conversation deleted on the page is out of sight at once and deleted forget.UNDO_S later, for good: until then it can be taken back.

Nothing waits for the page that deleted it: whoever is at work after that time, or opens the store again, carries the deletion out.
"""

from dataclasses import dataclass
from datetime import timedelta

from kdrinks.records import Visitor
from kdrinks.store.chats import shortened
from kdrinks.store.db import Database, now
from kdrinks.store.forget import UNDO_S

_THEIRS = "id = TRY_CAST(? AS UUID) AND (? OR owner = ?)"


@dataclass(frozen=True, slots=True)
class PutAway:
    """A conversation that was deleted and can still be taken back."""

    id: str
    title: str


def put_away(db: Database, who: Visitor, conversation_id: str) -> int:
    """Take a conversation out of sight; 0 and nothing else for an id that is unknown or another visitor's, or that is away already."""
    with db.write() as cursor:
        found = cursor.execute(
            f"UPDATE conversations SET deleted_at = ? WHERE {_THEIRS} AND deleted_at IS NULL",
            [now(), conversation_id, who.administrator, who.id],
        ).fetchone()
    return int(found[0]) if found else 0


def take_back(db: Database, who: Visitor, conversation_id: str) -> int:
    """Bring it back as it was; 0 where it is too late, and for an id that is unknown or another visitor's."""
    with db.write() as cursor:
        found = cursor.execute(
            f"UPDATE conversations SET deleted_at = NULL WHERE {_THEIRS} AND deleted_at > ?",
            [conversation_id, who.administrator, who.id, now() - timedelta(seconds=UNDO_S)],
        ).fetchone()
    return int(found[0]) if found else 0


def is_away(db: Database, who: Visitor, conversation_id: str) -> bool:
    """Whether a conversation is out of sight and not yet deleted; False for an id that is unknown or another visitor's."""
    with db.cursor() as cursor:
        found = cursor.execute(
            f"SELECT 1 FROM conversations WHERE {_THEIRS} AND deleted_at IS NOT NULL",
            [conversation_id, who.administrator, who.id],
        ).fetchone()
    return found is not None


def put_away_by(db: Database, who: Visitor) -> list[PutAway]:
    """What a visitor can still take back, what was deleted last first; of an administrator without an id everybody's, as at home."""
    with db.cursor() as cursor:
        rows = cursor.execute(
            """
            SELECT id::VARCHAR, coalesce(title, (SELECT arg_min(text, m.created_at) FROM messages m WHERE m.conversation_id = c.id), '')
            FROM conversations c
            WHERE deleted_at > ? AND (owner = ? OR (? AND (owner IS NULL OR ? = ''))) ORDER BY deleted_at DESC
            """,
            [now() - timedelta(seconds=UNDO_S), who.id, who.administrator, who.id],
        ).fetchall()
    return [PutAway(one, shortened(title)) for one, title in rows]
