"""Drinks as people correct them: versions that are only ever appended, gathered in changes that can be taken back.

A version holds what differs from the package, fact by fact; what makes a drink of it is known elsewhere (drinks.corrections).
"""

import json
from collections.abc import Mapping, Sequence
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
class Correction:
    """One field of a drink, or one item of a list, that a person wrote otherwise than the package."""

    field: str
    place: int
    """Of the item in the person's list, from 0; 0 also for a field that is no list, and for an item that was taken out."""
    base: Any
    """What the package said then; None: nothing, the item was added."""
    value: Any
    """What the person says; None: nothing, the item was taken out."""


@dataclass(frozen=True, slots=True)
class Version:
    """A drink as a person left it; with neither of the two it is as packaged, or gone where it never was packaged."""

    corrections: tuple[Correction, ...] = ()
    record: Record | None = None
    """The whole drink, in a version of the kdrinks before corrections."""


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


def edited(db: Database) -> dict[str, Version]:
    """The latest version of every drink that was ever edited, the first edited first."""
    with db.cursor() as cursor:
        rows = cursor.execute(
            """
            WITH latest AS (
                SELECT drink_id, arg_max(change_id, id) AS change_id, arg_max(coalesce(record::VARCHAR, 'null'), id) AS record, min(id) AS first
                FROM drink_versions GROUP BY drink_id
            )
            SELECT latest.drink_id, latest.record, one.field, one.place, one.base::VARCHAR, one.value::VARCHAR
            FROM latest LEFT JOIN corrections one USING (change_id, drink_id) ORDER BY first, one.field, one.place
            """
        ).fetchall()
    return _versions(rows)


def save(db: Database, who: Visitor, kind: ChangeKind, drinks: Mapping[str, Sequence[Correction]]) -> str:
    """Write the drinks' new versions as one change, all or nothing; returns the change's id. Raises NotAllowed.

    drinks: all corrections of each; none make it as packaged again.
    """
    administrators_only(who)
    with db.write() as cursor:
        versions = {drink_id: Version(tuple(corrections)) for drink_id, corrections in drinks.items()}
        return _append(cursor, who, kind, versions, undoes=None)


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
            SELECT new.drink_id, before.record::VARCHAR, one.field, one.place, one.base::VARCHAR, one.value::VARCHAR
            FROM drink_versions new
            ASOF LEFT JOIN drink_versions before ON new.drink_id = before.drink_id AND new.id > before.id
            LEFT JOIN corrections one ON one.change_id = before.change_id AND one.drink_id = before.drink_id
            WHERE new.change_id = ? ORDER BY one.field, one.place
            """,
            [change_id],
        ).fetchall()
        return _append(cursor, who, "undone", _versions(rows), undoes=change_id)


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


def _versions(rows: Sequence[tuple[Any, ...]]) -> dict[str, Version]:
    """The versions of rows of drink, record, field, place, base and value: a row for each correction, one for a drink without."""
    records: dict[str, Record | None] = {}
    corrections: dict[str, list[Correction]] = {}
    for drink_id, record, field, place, base, value in rows:
        records[drink_id] = _read(record)
        own = corrections.setdefault(drink_id, [])
        if field is not None:
            own.append(Correction(field, place, _read(base), _read(value)))
    return {drink_id: Version(tuple(corrections[drink_id]), record) for drink_id, record in records.items()}


def _append(
    cursor: Cursor, who: Visitor, kind: ChangeKind, drinks: Mapping[str, Version], *, undoes: str | None
) -> str:
    change_id, made_at = new_id(), now()
    # lists in one statement: executemany takes 1 ms a row
    cursor.execute(
        "INSERT INTO drink_versions (id, change_id, kind, undoes, owner, drink_id, record, created_at) "
        "SELECT unnest(?), ?, ?, ?, ?, unnest(?), unnest(?::VARCHAR[])::JSON, ?",
        [
            [new_id() for _ in drinks],
            *(change_id, kind, undoes, owner_of(who)),
            list(drinks),
            [_text(version.record) for version in drinks.values()],
            made_at,
        ],
    )
    rows = [(drink_id, one) for drink_id, version in drinks.items() for one in version.corrections]
    cursor.execute(
        "INSERT INTO corrections (change_id, drink_id, field, place, base, value, created_at) "
        "SELECT ?, unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::INTEGER[]), "
        "unnest(?::VARCHAR[])::JSON, unnest(?::VARCHAR[])::JSON, ?",
        [
            change_id,
            [drink_id for drink_id, _ in rows],
            [one.field for _, one in rows],
            [one.place for _, one in rows],
            [_text(one.base) for _, one in rows],
            [_text(one.value) for _, one in rows],
            made_at,
        ],
    )
    return change_id


def _text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text)
