"""Storing conversations that were made up elsewhere (kdrinks/sample.py), at times of the past."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from kdrinks.permissions import administrators_only
from kdrinks.records import Exchange, Visitor
from kdrinks.store import chats, conversation_tree, rollup
from kdrinks.store.db import Database, now

AT_ONCE = 10
"""Conversations in one transaction: other writers wait for a few hundred milliseconds at most."""


def add(db: Database, who: Visitor, talks: Sequence[Sequence[tuple[datetime, Exchange]]]) -> None:
    """Store conversations of the session chats.SAMPLE_SESSION; each exchange with the time its question was asked. Raises NotAllowed."""
    administrators_only(who)
    for start in range(0, len(talks), AT_ONCE):
        _add(db, talks[start : start + AT_ONCE])


def _add(db: Database, talks: Sequence[Sequence[tuple[datetime, Exchange]]]) -> None:
    days = set()
    analyser = ""
    with db.write() as cursor:
        for talk in talks:
            for place, (at, exchange) in enumerate(talk):
                if place == 0:
                    cursor.execute(
                        "INSERT INTO conversations (id, session, created_at) VALUES (?, ?, ?)",
                        [exchange.conversation_id, chats.SAMPLE_SESSION, at],
                    )
                asked = exchange.conversation_id, exchange.question_id, exchange.question, exchange.language
                conversation_tree.store_question(cursor, *asked, at)
                ended = at + timedelta(seconds=exchange.timing.total_s)
                chats.store(cursor, exchange, ended)
                analyser = exchange.analyser
                days.add(ended.date())
        if analyser:
            rollup.roll_forward(cursor, analyser, now())
            rollup.rebuild_days(cursor, days)


def count(db: Database) -> int:
    """How many conversations of the sample are there."""
    with db.cursor() as cursor:
        row = cursor.execute("SELECT count(*) FROM conversations WHERE session = ?", [chats.SAMPLE_SESSION]).fetchone()
    return int(row[0]) if row else 0
