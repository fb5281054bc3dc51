"""What visitors say of single answers, and whether question and answer may then be used for more than to be looked at.

The consent stands with the rating and nowhere else; the latest row of an answer counts.
"""

from dataclasses import dataclass

from kdrinks.errors import NotAllowed
from kdrinks.permissions import is_theirs
from kdrinks.records import Visitor
from kdrinks.store.db import Database, now

CONSENTED = "SELECT message_id FROM ratings GROUP BY message_id HAVING arg_max(consent, created_at)"
"""A query for the answers that may be used to train and to test models."""


@dataclass(frozen=True, slots=True)
class Rating:
    good: bool | None = None
    """None: nothing was said, or it was taken back."""
    consent: bool = False


@dataclass(frozen=True, slots=True)
class Rated:
    """Of how many answers something was said."""

    good: int
    bad: int
    consented: int


def rate(db: Database, who: Visitor, message_id: str, rating: Rating) -> None:
    """Say something of an answer in one's own conversation. Raises NotAllowed for any other's, and one that is not there."""
    with db.write() as cursor:
        found = cursor.execute(
            "SELECT m.conversation_id, c.owner FROM messages m JOIN conversations c ON c.id = m.conversation_id"
            " WHERE m.id = TRY_CAST(? AS UUID) AND m.role = 'answer'",
            [message_id],
        ).fetchone()
        # an administrator reads what others wrote, and consents for nobody
        if found is None or not is_theirs(found[1], Visitor(who.id)):
            raise NotAllowed("not_yours")
        cursor.execute(
            "INSERT INTO ratings (message_id, conversation_id, good, consent, created_at) VALUES (?, ?, ?, ?, ?)",
            [message_id, found[0], rating.good, rating.consent and rating.good is not None, now()],
        )


def of(db: Database, who: Visitor, conversation_id: str) -> dict[str, Rating]:
    """What was said of each answer of a conversation; nothing of another visitor's."""
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT message_id::VARCHAR, any_value(owner), arg_max(struct_pack(good, consent), r.created_at) FROM ratings r"
            " JOIN conversations c ON c.id = conversation_id WHERE conversation_id = TRY_CAST(? AS UUID) GROUP BY message_id",
            [conversation_id],
        ).fetchall()
    return {
        message_id: Rating(said["good"], said["consent"]) for message_id, owner, said in rows if is_theirs(owner, who)
    }


def counts(db: Database) -> Rated:
    """Over everybody. Says nothing of anybody."""
    with db.cursor() as cursor:
        row = cursor.execute(
            "WITH latest AS (SELECT arg_max(struct_pack(good, consent), created_at) AS said FROM ratings GROUP BY message_id)"
            " SELECT count(*) FILTER (said.good), count(*) FILTER (NOT said.good), count(*) FILTER (said.consent) FROM latest"
        ).fetchone()
    assert row is not None  # an aggregate has one row
    return Rated(*row)
