"""Drinks as people edited them: versions that are only ever appended, gathered in changes that can be taken back.

Records are kept as they come; what makes a record a drink is known elsewhere (drinks.catalog).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from kdrinks.errors import BadInput
from kdrinks.permissions import administrators_only, owner_of
from kdrinks.records import Visitor
from kdrinks.store.db import Cursor, Database, new_id, now

ChangeKind = Literal["added", "corrected", "imported", "undone"]

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the list of changes."""

    id: str
    kind: ChangeKind
    drink_ids: tuple[str, ...]
    made_at: datetime
    """UTC without a zone."""
    can_be_undone: bool
    """No later change touches the same drinks."""


def edited(db: Database) -> dict[str, Record | None]:
    """The latest record of every drink that was ever edited; None where it is as packaged again."""
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT drink_id, arg_max(record::VARCHAR, id) FILTER (record IS NOT NULL), "
            "arg_max(record IS NULL, id), min(id) AS first FROM drink_versions GROUP BY drink_id ORDER BY first"
        ).fetchall()
    return {drink_id: None if is_packaged else json.loads(record) for drink_id, record, is_packaged, _ in rows}


def save(db: Database, who: Visitor, kind: ChangeKind, records: Mapping[str, Record]) -> str:
    """Write the drinks' new versions as one change, all or nothing; returns the change's id. Raises NotAllowed."""
    administrators_only(who)
    with db.write() as cursor:
        return _append(cursor, who, kind, records, undoes=None)


def undo(db: Database, who: Visitor, change_id: str) -> str:
    """Put the drinks of a change back to what they were before it, as a change of its own; returns that one's id.

    Raises BadInput for an unknown change, and when a later change touches the same drinks; NotAllowed.
    """
    administrators_only(who)
    known = [change for change in changes(db) if change.id == change_id]
    if not known:
        raise BadInput("change_unknown", found=change_id)
    if not known[0].can_be_undone:
        raise BadInput("change_not_latest", drinks=", ".join(known[0].drink_ids))
    with db.write() as cursor:
        rows = cursor.execute(
            """
            SELECT new.drink_id, before.record::VARCHAR
            FROM drink_versions new
            ASOF LEFT JOIN drink_versions before ON new.drink_id = before.drink_id AND new.id > before.id
            WHERE new.change_id = ?
            """,
            [change_id],
        ).fetchall()
        before = {drink_id: None if record is None else json.loads(record) for drink_id, record in rows}
        return _append(cursor, who, "undone", before, undoes=change_id)


def changes(db: Database, *, drink_id: str = "", limit: int = 200) -> list[Change]:
    """The changes, newest first. drink_id: only those that touch this drink."""
    with db.cursor() as cursor:
        rows = cursor.execute(
            """
            WITH versions AS (
                SELECT *, id = max(id) OVER (PARTITION BY drink_id) AS newest FROM drink_versions
            )
            SELECT change_id::VARCHAR, any_value(kind), list(drink_id ORDER BY id), min(created_at), bool_and(newest)
            FROM versions GROUP BY change_id
            HAVING ? = '' OR list_contains(list(drink_id), ?)
            ORDER BY max(id) DESC LIMIT ?
            """,
            [drink_id, drink_id, limit],
        ).fetchall()
    return [Change(row[0], row[1], tuple(row[2]), row[3], row[4]) for row in rows]


def _append(
    cursor: Cursor, who: Visitor, kind: ChangeKind, records: Mapping[str, Record | None], *, undoes: str | None
) -> str:
    change_id, made_at = new_id(), now()
    texts = [None if record is None else json.dumps(record, ensure_ascii=False) for record in records.values()]
    # lists in one statement: executemany takes 1 ms a row
    cursor.execute(
        "INSERT INTO drink_versions (id, change_id, kind, undoes, owner, drink_id, record, created_at) "
        "SELECT unnest(?), ?, ?, ?, ?, unnest(?), unnest(?::VARCHAR[])::JSON, ?",
        [[new_id() for _ in records], change_id, kind, undoes, owner_of(who), list(records), texts, made_at],
    )
    return change_id
