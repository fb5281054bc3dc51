"""What a recount reads and writes: messages without words of a version, their new words, and the change-over.

Which words a text has is kdrinks/recount.py's business.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime

from kdrinks.records import WordCount
from kdrinks.store import rollup
from kdrinks.store.db import Database, now

# A question is counted with its first answer, whose language, model and time its words carry (chats.record).
_COUNTABLE = """
    SELECT m.id, m.conversation_id, m.role, m.text, a.lang, a.created_at, g.model_id
    FROM messages m
    JOIN messages a ON a.id = CASE WHEN m.role = 'answer' THEN m.id ELSE
        (SELECT arg_min(b.id, b.created_at) FROM messages b WHERE b.parent = m.id AND b.role = 'answer') END
    JOIN generations g ON g.message_id = a.id
    WHERE NOT EXISTS (FROM words w WHERE w.message_id = m.id AND w.analyser_version = ?)
"""


@dataclass(frozen=True, slots=True)
class Countable:
    """A message whose words are to be counted; lang, model_id and at as the words' rows hold them."""

    id: str
    conversation_id: str
    role: str
    text: str
    lang: str
    at: datetime
    model_id: str | None


def needed(db: Database, version: str) -> bool:
    """Whether charts show another version, or words of other versions were left behind."""
    with db.cursor() as cursor:
        shown_version, _ = rollup.state(cursor)
        other = cursor.execute("SELECT 1 FROM words WHERE analyser_version <> ? LIMIT 1", [version]).fetchone()
    return bool(shown_version) and (shown_version != version or other is not None)


def waiting(db: Database, version: str) -> int:
    """How many messages have no words of this version; those that hold none at all are among them."""
    with db.cursor() as cursor:
        row = cursor.execute(f"SELECT count(*) FROM ({_COUNTABLE})", [version]).fetchone()
    return int(row[0]) if row else 0


def messages(db: Database, version: str, batch: int) -> Generator[list[Countable], None, None]:
    """The messages without words of this version as they were at the call, in batches; close it when leaving early.

    What is recorded meanwhile is not among them: chats.record stores it with words of the newest version.
    """
    with db.cursor() as cursor:
        cursor.execute(
            f"SELECT id::VARCHAR, conversation_id::VARCHAR, role, text, lang, created_at, model_id FROM ({_COUNTABLE})",
            [version],
        )
        while rows := cursor.fetchmany(batch):
            yield [Countable(*row) for row in rows]


def add(db: Database, version: str, counted: Sequence[tuple[Countable, Sequence[WordCount]]]) -> None:
    """Store the words of a batch in one transaction; messages that were deleted meanwhile are left out."""
    flat = [(message, word) for message, words in counted for word in words]
    with db.write() as cursor:
        cursor.execute(
            """
            INSERT INTO words (message_id, conversation_id, created_at, role, lang, model_id, analyser_version, word, pos, count)
            SELECT message_id, conversation_id, created_at, role, lang, model_id, ?, word, pos, count FROM (
                SELECT unnest(?::UUID[]) AS message_id, unnest(?::UUID[]) AS conversation_id, unnest(?::TIMESTAMP[]) AS created_at,
                       unnest(?::VARCHAR[]) AS role, unnest(?::VARCHAR[]) AS lang, unnest(?::VARCHAR[]) AS model_id,
                       unnest(?::VARCHAR[]) AS word, unnest(?::VARCHAR[]) AS pos, unnest(?::INTEGER[]) AS count
            ) new
            WHERE EXISTS (FROM messages m WHERE m.id = new.message_id)
            """,
            [
                version,
                [message.id for message, _ in flat],
                [message.conversation_id for message, _ in flat],
                [message.at for message, _ in flat],
                [message.role for message, _ in flat],
                [message.lang for message, _ in flat],
                [message.model_id for message, _ in flat],
                [word.word for _, word in flat],
                [word.pos for _, word in flat],
                [word.count for _, word in flat],
            ],
        )


def finish(db: Database, version: str) -> None:
    """Let charts show this version and delete all others, at once."""
    at = now()
    with db.write() as cursor:
        shown_version, _ = rollup.state(cursor)
        if shown_version != version:
            rollup.set_shown_version(cursor, version, at)
        cursor.execute("DELETE FROM words WHERE analyser_version <> ?", [version])
        rollup.rebuild_all_days(cursor, at.date())
    db.checkpoint()
