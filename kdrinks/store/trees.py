"""Whole conversations, with every version of every message: read for a file, written from one.

Knows no format of files (kdrinks/portability does). What one says of models and speed is kept for reading and for the next file; every
answer that came from one is marked as such, and stands in no figure on how this app answers and in nothing that models are trained with.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, Literal

from kdrinks.permissions import administrators_only, is_theirs, owner_of
from kdrinks.records import Language, Timing, Visitor, WordCount
from kdrinks.store import ratings, rollup, traces
from kdrinks.store.db import Cursor, Database, now
from kdrinks.store.views import without_folders

IMPORTED_SESSION = "imported"
"""The session of what came from a file."""
DETAILS = ("intent", "mode", "template", "dropped_turns")
"""Of a generation's details what stands in a file: the rest only draws the page."""
MODEL_COLUMNS = {
    "id": "model_id", "file": "file", "quantization": "quantization", "context_tokens": "context_tokens",
    "device_requested": "device_requested", "device_used": "device_used", "gpu_layers": "gpu_layers", "layers": "layers",
    "threads": "threads", "load_s": "model_load_s", "adapter": "adapter", "adapter_scale": "adapter_scale",
    "predicted_memory_bytes": "predicted_memory_bytes", "measured_memory_bytes": "measured_memory_bytes",
}  # fmt: skip
"""Of a model in a file: the column that holds it."""
_ROWS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Node:
    """A message."""

    id: str
    parent: str | None
    role: Literal["question", "answer"]
    lang: Language
    text: str
    at: datetime
    """UTC without a zone."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Of an answer, as JSON holds it: finish, error, guard, identity, cold, model, timing, citations, details, settings, passages, rating;
    of one from another program `from`. What is not known is left out."""


@dataclass(frozen=True, slots=True)
class Tree:
    id: str
    leaf: str | None
    """The last message of the branch that is shown."""
    nodes: tuple[Node, ...]
    """The oldest first; a parent before what follows it."""

    def shown(self) -> tuple[Node, ...]:
        """The branch that is shown, from the first question on."""
        by_id = {node.id: node for node in self.nodes}
        way: dict[str, Node] = {}
        at = self.leaf
        while at in by_id and at not in way:  # a damaged store may lead in a circle
            way[at] = by_id[at]
            at = by_id[at].parent
        return tuple(reversed(way.values()))


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a tree."""

    outcome: Literal["added", "grown", "there"]
    """grown: it was there and has more messages now."""
    messages: int = 0
    """That were added."""


def read(db: Database, who: Visitor, conversation_id: str, hash_of: Callable[[Path, datetime], str]) -> Tree | None:
    """A conversation of a visitor's with all that is kept of its answers; None for an id that is unknown, malformed or another's.

    Files stand in it by name. Others than administrators get what they see in the chat: of documents what was cited, nothing of the
    server's memory.   hash_of: SHA-256 of a model's file as it was at a time, "" where nobody knows.
    """
    with db.cursor() as cursor:
        cursor.begin()  # one state of the data
        found = cursor.execute(
            "SELECT owner, leaf::VARCHAR FROM conversations WHERE id = TRY_CAST(? AS UUID) AND deleted_at IS NULL",
            [conversation_id],
        ).fetchone()
        if found is None or not is_theirs(found[0], who):
            return None
        messages, generations, citations = (
            _rows(cursor, f"SELECT * FROM {table} WHERE conversation_id = ? ORDER BY {order}", conversation_id)
            for table, order in (("messages", "created_at, id"), ("generations", "message_id"), ("citations", "number"))
        )
        cursor.rollback()
    if not messages:
        return None
    rated, traced = ratings.of(db, who, conversation_id), traces.kept(db, who, conversation_id)
    made = {str(row["message_id"]): row for row in generations}
    cited: dict[str, list[dict[str, Any]]] = {}
    for row in citations:
        cited.setdefault(str(row["message_id"]), []).append(_citation(row))
    nodes = []
    for row in messages:
        message_id = str(row["id"])
        facts: dict[str, Any] = {}
        if row["role"] == "answer" and message_id in made:
            facts = _facts(made[message_id], who, hash_of)
            if message_id in cited:
                facts["citations"] = cited[message_id]
            trace = traces.of(db, who, message_id) if message_id in traced else {}
            facts |= {name: trace[name] for name in ("settings", "passages") if trace.get(name)}
            if message_id in rated and rated[message_id].good is not None:
                facts["rating"] = {"good": rated[message_id].good}
            facts |= facts.pop("imported", {})
        parent = str(row["parent"]) if row["parent"] else None
        nodes.append(Node(message_id, parent, row["role"], row["lang"], row["text"], row["created_at"], facts))
    return Tree(str(messages[0]["conversation_id"]), found[1], tuple(nodes))


def keeps_ids(db: Database, who: Visitor, conversation_id: str, message_ids: Sequence[str]) -> bool:
    """Whether a conversation from a file may have the ids that stand there.

    False where one of the messages' ids is in another conversation: two messages of one id would be read with each other's figures.
    Raises NotAllowed.
    """
    administrators_only(who)
    with db.cursor() as cursor:
        elsewhere = "SELECT 1 FROM messages WHERE id IN (SELECT unnest(?::UUID[])) AND conversation_id <> ? LIMIT 1"
        return cursor.execute(elsewhere, [list(message_ids), conversation_id]).fetchone() is None


def held(db: Database, who: Visitor, conversation_ids: Sequence[str]) -> frozenset[str]:
    """The ids of the messages that are in these conversations. Raises NotAllowed."""
    administrators_only(who)
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT id::VARCHAR FROM messages WHERE conversation_id IN (SELECT unnest(?::UUID[]))",
            [list(conversation_ids)],
        ).fetchall()
    return frozenset(row[0] for row in rows)


def add(
    db: Database,
    who: Visitor,
    trees: Sequence[Tree],
    words: Mapping[str, Sequence[WordCount]],
    analyser: str,
) -> list[Added]:
    """Store what of these is not there yet, in one transaction; says of each what became of it.

    words: of each message, by its id, counted under this version of the analyser. A conversation that is there keeps all it has. Its
    ids are such as it may have (keeps_ids), or as nobody else can have. Raises NotAllowed.
    """
    administrators_only(who)
    with db.write() as cursor:
        days, added, rows = set(), [], _Rows(words, analyser)
        for tree in trees:
            if rows.hold(tree.id):  # the same one a second time: its rows first
                rows.insert(cursor)
            # whoever brings in what they deleted a moment ago wants it back
            cursor.execute(
                "UPDATE conversations SET deleted_at = NULL WHERE id = ? AND deleted_at IS NOT NULL", [tree.id]
            )
            new, outcome = _new(cursor, tree)
            days |= {node.at.date() for node in new}
            rows.take(tree, new)
            if outcome == "added":
                started = [tree.id, IMPORTED_SESSION, owner_of(who), tree.nodes[0].at, tree.leaf]
                cursor.execute(
                    "INSERT INTO conversations (id, session, owner, created_at, leaf) VALUES (?, ?, ?, ?, ?)", started
                )
            elif new:  # what is shown goes on where the file goes on from it
                cursor.execute(
                    "UPDATE conversations SET leaf = ? WHERE id = ? AND (leaf IS NULL OR leaf IN (SELECT unnest(?::UUID[])))",
                    [tree.leaf, tree.id, [node.id for node in tree.shown()]],
                )
            added.append(Added(outcome, len(new)))
        rows.insert(cursor)
        if days:
            rollup.roll_forward(cursor, analyser, now())
            rollup.rebuild_days(cursor, days)
    return added


def _new(cursor: Cursor, tree: Tree) -> tuple[tuple[Node, ...], Literal["added", "grown", "there"]]:
    """The messages of a tree that are not there, and what that makes of it."""
    if not cursor.execute("SELECT 1 FROM conversations WHERE id = ?", [tree.id]).fetchone():
        return tree.nodes, "added"
    rows = cursor.execute("SELECT id::VARCHAR FROM messages WHERE conversation_id = ?", [tree.id]).fetchall()
    known = {row[0] for row in rows}
    new = tuple(node for node in tree.nodes if node.id not in known)
    return new, "grown" if new else "there"


class _Rows:
    """The rows of a few conversations, table by table."""

    def __init__(self, words: Mapping[str, Sequence[WordCount]], analyser: str) -> None:
        self._words, self._analyser = words, analyser
        self._tables: dict[str, list[dict[str, Any]]] = {}

    def hold(self, conversation_id: str) -> bool:
        """Whether there are some of this conversation."""
        return any(row["conversation_id"] == conversation_id for row in self._tables.get("messages", ()))

    def take(self, tree: Tree, new: Sequence[Node]) -> None:
        first: dict[str | None, Node] = {}
        for node in tree.nodes:
            if node.role == "answer":
                first.setdefault(node.parent, node)
        for node in new:
            of = {"conversation_id": tree.id, "created_at": node.at, "lang": node.lang}
            self._put("messages", of | {"id": node.id, "parent": node.parent, "role": node.role, "text": node.text})
            # a question is counted with its first answer, as chats.record does
            said_with = node if node.role == "answer" else first.get(node.id)
            if node.role == "answer":
                self._put("generations", of | {"message_id": node.id} | _generation(node.facts))
                for cited in node.facts.get("citations", ()):
                    self._put("citations", of | {"message_id": node.id} | cited)
            for counted in self._words.get(node.id, ()) if said_with else ():
                assert said_with is not None
                row = {
                    "message_id": node.id, "conversation_id": tree.id, "created_at": said_with.at, "role": node.role,
                    "lang": said_with.lang, "model_id": (said_with.facts.get("model") or {}).get("id"),
                    "analyser_version": self._analyser, "word": counted.word, "pos": counted.pos, "count": counted.count,
                }  # fmt: skip
                self._put("words", row)

    def _put(self, table: str, row: dict[str, Any]) -> None:
        self._tables.setdefault(table, []).append(row)

    def insert(self, cursor: Cursor) -> None:
        self._insert_words(cursor, self._tables.pop("words", []))
        for table, rows in self._tables.items():
            columns = list(rows[0])
            one = f"({', '.join('?' * len(columns))})"
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                some = rows[start : start + _ROWS_AT_ONCE]
                cursor.execute(
                    f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * len(some))}",
                    [row[column] for row in some for column in columns],
                )
        self._tables.clear()

    def _insert_words(self, cursor: Cursor, rows: Sequence[Mapping[str, Any]]) -> None:
        """In one statement of a list for each column: most rows are words, and as rows of values they take six times as long."""
        places = ", ".join(f"unnest(?::{kind}[])" for kind in _WORDS.values())
        cursor.execute(
            f"INSERT INTO words ({', '.join(_WORDS)}) SELECT {places}",
            [[row[column] for row in rows] for column in _WORDS],
        )


_WORDS = {
    "message_id": "UUID", "conversation_id": "UUID", "created_at": "TIMESTAMP", "role": "VARCHAR", "lang": "VARCHAR",
    "model_id": "VARCHAR", "analyser_version": "VARCHAR", "word": "VARCHAR", "pos": "VARCHAR", "count": "INTEGER",
}  # fmt: skip


def _facts(row: Mapping[str, Any], who: Visitor, hash_of: Callable[[Path, datetime], str]) -> dict[str, Any]:
    details = json.loads(row["details"])
    facts: dict[str, Any] = {"finish": row["finish"], "guard": row["guard"]}
    if row["error"]:
        facts["error"] = without_folders(row["error"])
    if row["identity"]:
        facts["identity"] = row["identity"]
    if row["model_id"]:
        model = {name: row[column] for name, column in MODEL_COLUMNS.items() if row[column] is not None}
        if not who.administrator:
            model = {name: one for name, one in model.items() if not name.endswith("_bytes")}
        for name in ("file", "adapter"):
            if name in model:
                model[name] = PurePath(model[name]).name
        if sha256 := hash_of(Path(row["file"]), row["created_at"]):
            model["sha256"] = sha256
        facts["model"] = model
        facts["cold"] = row["cold"]
        facts["timing"] = {name: row[name] for name in Timing.__dataclass_fields__ if row[name] is not None}
    if kept := {name: details[name] for name in DETAILS if details.get(name) not in (None, "")}:
        facts["details"] = kept
    if "imported" in details:
        facts["imported"] = details["imported"]
    return facts


def _generation(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of an answer, and first in its details, also where it is nothing, what has no column: views.MADE_HERE looks there."""
    model, timing = facts.get("model") or {}, facts.get("timing") or {}
    imported = {name: one for name, one in facts.items() if name not in _KEPT}
    if "sha256" in model:  # no column holds it
        imported["model"] = model
    timed = {name: timing.get(name, one) for name, one in _NO_TIMING.items()}
    return {
        "finish": facts.get("finish", "stop"),
        "error": facts.get("error"),
        "guard": facts.get("guard", "off"),
        "identity": facts.get("identity"),
        "cold": bool(facts.get("cold")),
        "details": json.dumps({"imported": imported} | facts.get("details", {}), ensure_ascii=False),
        **timed,
        **{column: model.get(name) for name, column in MODEL_COLUMNS.items()},
        "measured_memory_bytes": model.get("measured_memory_bytes", 0) if model else None,
    }


_KEPT = ("citations", "finish", "error", "guard", "identity", "cold", "model", "timing", "details")
"""Facts of an answer that have a place of their own."""
_NO_TIMING = {name: getattr(Timing(), name) for name in Timing.__dataclass_fields__}


def _citation(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("number", "passage_id", "subject_id", "kind", "lang", "title", "text", "sources", "score")
    return {name: row[name] for name in names}


def _rows(cursor: Cursor, sql: str, *values: object) -> list[dict[str, Any]]:
    result = cursor.execute(sql, list(values))
    columns = [column[0] for column in result.description or []]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
