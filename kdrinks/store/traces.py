"""How each answer came to be (generation.trace), read with its answer and by nothing else.

A trace holds what a person cannot have. So no view of analysts has it (store.views), nothing counts, groups or filters by what is in it,
and it is deleted with its conversation (store.forget).
"""

import json
from datetime import datetime
from typing import Any

from kdrinks.permissions import is_theirs
from kdrinks.records import Exchange, Visitor
from kdrinks.store.db import Cursor, Database


def keep(cursor: Cursor, exchange: Exchange, at: datetime) -> None:
    """Write an answer's trace, in the transaction that stores the answer."""
    cursor.execute(
        "INSERT INTO traces (message_id, conversation_id, trace, created_at) VALUES (?, ?, ?, ?)",
        [exchange.message_id, exchange.conversation_id, _text(exchange), at],
    )


def of(db: Database, who: Visitor, message_id: str) -> dict[str, Any]:
    """The trace of an answer; empty for one that was stored before there were traces, that is unknown, or another visitor's.

    Others than administrators get nothing of the server's memory. Where a document was read and not cited they get no text of it: its
    passages have none, and what the model read and might have said is left out (`withheld`).
    """
    with db.cursor() as cursor:
        found = cursor.execute(
            "SELECT trace, owner FROM traces JOIN conversations c ON c.id = conversation_id WHERE message_id = TRY_CAST(? AS UUID)",
            [message_id],
        ).fetchone()
    if not found or not is_theirs(found[1], who):
        return {}
    trace = dict(json.loads(found[0]))
    return trace if who.administrator else _without_documents(_without_memory(trace))


def kept(db: Database, who: Visitor, conversation_id: str) -> frozenset[str]:
    """Ids of the answers of a conversation that have a trace; none of another visitor's."""
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT message_id::VARCHAR, owner FROM traces JOIN conversations c ON c.id = conversation_id "
            "WHERE conversation_id = TRY_CAST(? AS UUID)",
            [conversation_id],
        ).fetchall()
    return frozenset(message_id for message_id, owner in rows if is_theirs(owner, who))


def _without_memory(trace: dict[str, Any]) -> dict[str, Any]:
    if not trace.get("model"):
        return trace
    return trace | {"model": {name: value for name, value in trace["model"].items() if not name.endswith("_bytes")}}


def _without_documents(trace: dict[str, Any]) -> dict[str, Any]:
    cited = {one["id"] for one in trace.get("citations", ())}
    held_back = {one["id"] for one in trace.get("passages", ()) if one["kind"] == "document"} - cited
    if not held_back:
        return trace
    passages = [one | {"text": ""} if one["id"] in held_back else one for one in trace["passages"]]
    return trace | {"passages": passages, "prompt": [], "constraint": [], "thought": "", "withheld": True}


def _text(exchange: Exchange) -> str:
    return json.dumps(dict(exchange.trace), ensure_ascii=False, separators=(",", ":"))
