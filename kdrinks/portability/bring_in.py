"""Brings the conversations of a file into the store, a few at a time, with a report of each.

Interrupted, or done a second time, it adds what is not there yet and nothing else.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal
from uuid import UUID

from kdrinks.errors import BadInput, Busy, KdrinksError
from kdrinks.files import bare_name
from kdrinks.given import Unfit
from kdrinks.portability import reading
from kdrinks.portability.foreign import Talk, tree_of, with_ids_of
from kdrinks.portability.reading import Limits
from kdrinks.records import Visitor
from kdrinks.recount import own_text
from kdrinks.store import trees
from kdrinks.store.db import Database, now
from kdrinks.store.trees import Tree
from kdrinks.text.analyzer import VERSION, TextAnalyzer
from kdrinks.text.typed import disarmed

MB = 1024**2
LIMITS = Limits(file_bytes=200 * MB, part_bytes=100 * MB, unpacked_bytes=1024 * MB, conversations=50_000)
LIMITS_OF_VISITORS = Limits(file_bytes=20 * MB, part_bytes=20 * MB, unpacked_bytes=20 * MB, conversations=1_000)
"""Of those who are no administrators."""
AT_ONCE = 20
"""Conversations in one transaction: other writers wait for a few hundred milliseconds at most."""
TITLE_CHARACTERS = 60
_VISITORS_TURN = threading.Lock()
"""Of those who are no administrators one at a time: counting the words of 20,000 messages keeps a core busy for a minute or more."""


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one conversation."""

    where: str
    """File and number in it."""
    title: str
    outcome: Literal["added", "grown", "there", "refused"]
    messages: int = 0
    """That were added."""
    left_out: int = 0
    """Texts of it that nobody said to anybody: of the system and of tools."""
    reason: KdrinksError | None = None
    """Why it was refused."""


@dataclass(frozen=True, slots=True)
class Report:
    items: tuple[Item, ...]

    def count(self, *outcomes: str) -> int:
        return sum(item.outcome in outcomes for item in self.items)

    @property
    def messages(self) -> int:
        return sum(item.messages for item in self.items)

    @property
    def left_out(self) -> int:
        return sum(item.left_out for item in self.items if item.outcome in ("added", "grown"))


def bring_in(
    db: Database,
    who: Visitor,
    content: bytes,
    name: str,
    words: TextAnalyzer,
    progress: Callable[[int], None] = lambda done: None,
) -> Report:
    """Store what a file holds as this visitor's. progress: told how many conversations are done.

    Raises BadInput for a file that is too large or holds no conversations, Busy while another visitor's is read, StoreError. What is
    stored by then stays.
    """
    if who.administrator:
        return _bring_in(db, who, reading.items(content, bare_name(name), LIMITS), words, progress)
    if not _VISITORS_TURN.acquire(blocking=False):
        raise Busy("chat_import_busy")
    try:
        return _bring_in(db, who, reading.items(content, bare_name(name), LIMITS_OF_VISITORS), words, progress)
    finally:
        _VISITORS_TURN.release()


def _bring_in(
    db: Database,
    who: Visitor,
    waiting: Iterator[reading.Item],
    words: TextAnalyzer,
    progress: Callable[[int], None],
) -> Report:
    found: list[Item] = []
    while some := list(islice(waiting, AT_ONCE)):
        found += _store(db, who, list(_read(db, who, some, words)), words)
        progress(len(found))
    return Report(tuple(found))


def _read(
    db: Database, who: Visitor, some: list[reading.Item], words: TextAnalyzer
) -> Iterator[tuple[Item, Tree | None]]:
    for item in some:
        if isinstance(item.found, Unfit):
            yield _refused(item, "", item.found), None
            continue
        try:
            tree, left_out = tree_of(item.found, words.language, now())
        except Unfit as exc:
            yield _refused(item, _title(item.found.title), exc), None
            continue
        title = _title(item.found.title or tree.nodes[0].text)
        yield Item(item.where, title, "added", left_out=left_out), _with_ids(db, who, item.found, tree)


def _with_ids(db: Database, who: Visitor, talk: Talk, tree: Tree) -> Tree:
    ids = [node.id for node in tree.nodes]
    if talk.program == "kdrinks" and all(map(_is_id, [tree.id, *ids])) and trees.keeps_ids(db, who, tree.id, ids):
        return tree
    return with_ids_of(tree, who.id, talk.program)


def _store(db: Database, who: Visitor, read: list[tuple[Item, Tree | None]], words: TextAnalyzer) -> Iterator[Item]:
    some = [tree for _, tree in read if tree]
    held = trees.held(db, who, [tree.id for tree in some])
    counted = {
        node.id: words.count(own_text(node.text) if node.role == "answer" else node.text)
        for tree in some
        for node in tree.nodes
        if node.id not in held
    }
    added = iter(trees.add(db, who, some, counted, VERSION) if some else ())
    for item, tree in read:
        if tree is None:
            yield item
            continue
        became = next(added)
        if became.outcome == "full":
            full = BadInput("chat_import_full", limit=f"{trees.MOST_OF_A_VISITOR:,}")
            yield Item(item.where, item.title, "refused", reason=full)
        else:
            yield Item(item.where, item.title, became.outcome, became.messages, item.left_out)


def _refused(item: reading.Item, title: str, reason: Unfit) -> Item:
    return Item(item.where, title, "refused", reason=BadInput("chat_import_item", reason=disarmed(str(reason))))


def _title(text: str) -> str:
    text = " ".join(disarmed(text).split())
    return text if len(text) <= TITLE_CHARACTERS else text[: TITLE_CHARACTERS - 1].rstrip() + "…"


def _is_id(text: str) -> bool:
    """As the store writes them: in other letters it would be another one to what compares texts."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
