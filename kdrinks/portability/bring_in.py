"""Brings the conversations of a file into the store, a few at a time, with a report of each.

Interrupted, or done a second time, it adds what is not there yet and nothing else.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from kdrinks.errors import BadInput, KdrinksError
from kdrinks.files import bare_name
from kdrinks.given import Unfit
from kdrinks.permissions import administrators_only
from kdrinks.portability import reading
from kdrinks.portability.foreign import Talk, tree_of, with_ids_of
from kdrinks.portability.reading import Limits
from kdrinks.records import Visitor
from kdrinks.recount import own_text
from kdrinks.store import chats, trees
from kdrinks.store.db import Database, now
from kdrinks.store.trees import Tree
from kdrinks.text.analyzer import VERSION, TextAnalyzer
from kdrinks.text.typed import disarmed

MB = 1024**2
LIMITS = Limits(file_bytes=200 * MB, part_bytes=100 * MB, unpacked_bytes=1024 * MB, conversations=50_000)
AT_ONCE = 20
"""Conversations in one transaction: other writers wait for a few hundred milliseconds at most."""
MESSAGES_AT_ONCE = 2_000
"""As soon as they hold so many they are stored, however few they are."""


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
    """Store what a file holds as this administrator's. progress: told how many conversations are done.

    Raises NotAllowed: what a file makes of a site's words, memory and time is not for strangers to say, who can open it at home. Raises
    BadInput for a file that is too large or holds no conversations, StoreError. What is stored by then stays.
    """
    administrators_only(who)
    found: list[Item] = []
    for some in _batches(reading.items(content, bare_name(name), LIMITS)):
        found += _store(db, who, list(_read(db, who, some, words)), words)
        progress(len(found))
    return Report(tuple(found))


def _batches(waiting: Iterator[reading.Item]) -> Iterator[list[reading.Item]]:
    some: list[reading.Item] = []
    messages = 0
    for item in waiting:
        some.append(item)
        messages += 0 if isinstance(item.found, Unfit) else len(item.found.said)
        if len(some) == AT_ONCE or messages >= MESSAGES_AT_ONCE:
            yield some
            some, messages = [], 0
    if some:
        yield some


def _read(
    db: Database, who: Visitor, some: list[reading.Item], words: TextAnalyzer
) -> Iterator[tuple[Item, Tree | None]]:
    given: dict[str, str] = {}
    for item in some:
        if isinstance(item.found, Unfit):
            yield _refused(item, "", item.found), None
            continue
        try:
            tree, left_out = tree_of(item.found, words.language, now())
        except Unfit as exc:
            yield _refused(item, chats.shortened(disarmed(item.found.title)), exc), None
            continue
        title = chats.shortened(disarmed(item.found.title or tree.nodes[0].text))
        yield Item(item.where, title, "added", left_out=left_out), _with_ids(db, who, item.found, tree, given)


def _with_ids(db: Database, who: Visitor, talk: Talk, tree: Tree, given: dict[str, str]) -> Tree:
    """given: the conversations that messages' ids have by now which are not stored yet, so that two of a file do not share one."""
    ids = [node.id for node in tree.nodes]
    if (
        talk.program == "kdrinks"
        and all(map(_is_id, [tree.id, *ids]))
        and all(given.get(one, tree.id) == tree.id for one in ids)
        and trees.keeps_ids(db, who, tree.id, ids)
    ):
        given.update(dict.fromkeys(ids, tree.id))
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
        yield Item(item.where, item.title, became.outcome, became.messages, item.left_out)


def _refused(item: reading.Item, title: str, reason: Unfit) -> Item:
    return Item(item.where, title, "refused", reason=BadInput("chat_import_item", reason=disarmed(str(reason))))


def _is_id(text: str) -> bool:
    """As the store writes them: in other letters it would be another one to what compares texts."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
