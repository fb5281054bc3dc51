"""What people chose and the app remembers, by key: the model, how long it stays in memory, stop words, saved SQL, retention.

The table is called choices, as it was when it held the choice of a model alone.
"""

import json
from typing import Any

from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.store.db import Database, new_id, now


def get(db: Database, key: str, default: Any = None) -> Any:
    """The value last saved under a key; default when there is none, or when what is saved is of another kind than default.

    A newer version, or damage, may have saved anything. Of a list or mapping the texts are taken and the rest is passed over;
    without a default the value is whatever was saved, for the caller to check. Reading changes nothing of it.
    """
    with db.cursor() as cursor:
        row = cursor.execute(
            "SELECT value FROM choices WHERE key = ? ORDER BY created_at DESC, id DESC LIMIT 1", [key]
        ).fetchone()
    try:
        value = json.loads(row[0]) if row else default
    except (ValueError, RecursionError):
        return default
    if isinstance(default, list) and isinstance(value, list):
        return [one for one in value if isinstance(one, str)]
    if isinstance(default, dict) and isinstance(value, dict):
        return {name: one for name, one in value.items() if isinstance(one, str)}
    return value if default is None or type(value) is type(default) else default


def set(db: Database, who: Visitor, key: str, value: Any) -> None:
    """Remember a choice, which holds for everybody; value: anything JSON can hold. Raises NotAllowed."""
    administrators_only(who)
    with db.write() as cursor:
        cursor.execute(
            "INSERT INTO choices (id, key, value, created_at) VALUES (?, ?, ?, ?)",
            [new_id(), key, json.dumps(value, ensure_ascii=False), now()],
        )
