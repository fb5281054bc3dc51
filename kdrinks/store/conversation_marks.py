"""What a person says of a conversation of theirs: what it is called, and that it stands above the others."""

from kdrinks.errors import BadInput, NotAllowed
from kdrinks.records import Visitor
from kdrinks.store.chats import TITLE_CHARACTERS, theirs
from kdrinks.store.db import Database, now
from kdrinks.text.typed import storable


def rename(db: Database, who: Visitor, conversation_id: str, title: str) -> None:
    """Call it so; an empty title is the first question again. Raises BadInput for one that is too long, NotAllowed."""
    title = " ".join(storable(title).split())
    if len(title) > TITLE_CHARACTERS:
        raise BadInput("title_too_long", found=len(title), most=TITLE_CHARACTERS)
    _mark(db, who, conversation_id, "title", title or None)


def pin(db: Database, who: Visitor, conversation_id: str, pinned: bool) -> None:
    """Let it stand above the others, or no longer. Raises NotAllowed."""
    _mark(db, who, conversation_id, "pinned_at", now() if pinned else None)


def _mark(db: Database, who: Visitor, conversation_id: str, column: str, value: object) -> None:
    condition, values = theirs(who)
    with db.write() as cursor:
        changed = cursor.execute(
            f"UPDATE conversations SET {column} = ? WHERE id = TRY_CAST(? AS UUID) AND {condition}",
            [value, conversation_id, *values],
        ).fetchone()
    if not changed or not changed[0]:
        raise NotAllowed("not_yours")
