"""What a person took back of what they cannot have: it no longer narrows the suggestions of its conversation, until they say it again."""

from collections.abc import Collection

from kdrinks.errors import NotAllowed
from kdrinks.permissions import is_theirs
from kdrinks.records import Visitor
from kdrinks.store.db import Database, now


def lift(db: Database, who: Visitor, conversation_id: str, exclusion: str) -> None:
    """Take one back. exclusion: as Findings.exclusions names it. Raises NotAllowed for a conversation that is not theirs."""
    with db.write() as cursor:
        found = cursor.execute(
            "SELECT owner FROM conversations WHERE id = TRY_CAST(? AS UUID)", [conversation_id]
        ).fetchone()
        if found is None or not is_theirs(found[0], who):
            raise NotAllowed("not_yours")
        cursor.execute(
            "INSERT INTO lifted_exclusions (conversation_id, exclusion, created_at) VALUES (?, ?, ?)",
            [conversation_id, exclusion, now()],
        )


def lifted(db: Database, who: Visitor, conversation_id: str) -> frozenset[str]:
    """What was taken back in a conversation; nothing of one that is not theirs."""
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT exclusion, owner FROM lifted_exclusions JOIN conversations c ON c.id = conversation_id "
            "WHERE conversation_id = TRY_CAST(? AS UUID)",
            [conversation_id],
        ).fetchall()
    return frozenset(exclusion for exclusion, owner in rows if is_theirs(owner, who))


def hold_again(db: Database, conversation_id: str, exclusions: Collection[str]) -> None:
    """Forget that these were taken back: they were said again."""
    if exclusions:
        with db.write() as cursor:
            cursor.execute(
                "DELETE FROM lifted_exclusions WHERE conversation_id = ? AND list_contains(?, exclusion)",
                [conversation_id, list(exclusions)],
            )
