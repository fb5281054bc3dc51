"""The formats in which a conversation is taken away, each by the ending of its file."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from kdrinks.errors import BadInput, ModelError
from kdrinks.hub import model_hash
from kdrinks.hub.gguf import parts_of
from kdrinks.portability import open_webui, prose, session_traces, table
from kdrinks.records import Language, Visitor
from kdrinks.store import chats, trees
from kdrinks.store.db import Database
from kdrinks.store.file_hashes import stamp_of
from kdrinks.store.trees import Tree


@dataclass(frozen=True, slots=True)
class Format:
    mime: str
    write: Callable[[Tree, str, Language], bytes]
    """Of the tree, its title and the reader's language."""
    comes_back: bool
    """Whether an import makes the same tree of it."""


FORMATS: dict[str, Format] = {
    "md": Format("text/markdown", prose.as_markdown, comes_back=False),
    "html": Format("text/html", prose.as_html, comes_back=False),
    "json": Format("application/json", lambda tree, title, lang: open_webui.as_json(tree, title), comes_back=True),
    "jsonl": Format(
        "application/jsonl", lambda tree, title, lang: session_traces.as_jsonl(tree, title), comes_back=True
    ),
    "csv": Format("text/csv", lambda tree, title, lang: table.as_csv(tree), comes_back=False),
}


def export(db: Database, who: Visitor, conversation_id: str, ending: str, lang: Language) -> tuple[bytes, int]:
    """A conversation of a visitor's in a format, and how many messages it has.

    Raises BadInput for a format that is unknown, and a conversation that is, or is another visitor's.
    """
    if ending not in FORMATS:
        raise BadInput("export_format", found=ending[:20], known=", ".join(FORMATS))
    tree = trees.read(db, who, conversation_id, partial(_hash_then, db))
    if tree is None:
        raise BadInput("chat_export_unknown", found=conversation_id[:80])
    return FORMATS[ending].write(tree, _title(db, who, tree), lang), len(tree.nodes)


def _title(db: Database, who: Visitor, tree: Tree) -> str:
    """The name that it was given, or its first question; of what stands in nobody's list the question alone."""
    listed = chats.conversations(db, who, among=[tree.id])
    return listed[0].title if listed else chats.shortened(tree.nodes[0].text)


def file_name(title: str, ending: str) -> str:
    """A name that every system takes."""
    named = re.sub(r"[^\w]+", "-", title).strip("-")[:40].strip("-")
    return f"{named or 'kdrinks'}.{ending}"


def _hash_then(db: Database, path: Path, at: datetime) -> str:
    """SHA-256 of a model's file as it was at a time: "" where it was never taken, or the file is a newer one."""
    with suppress(ModelError):
        epoch = datetime(1970, 1, 1)
        stamps = [stamp_of(part) for part in parts_of(path)]
        if all(stamp and stamp[1] / 1e9 <= (at - epoch).total_seconds() for stamp in stamps):
            return model_hash.known(db, path)
    return ""
