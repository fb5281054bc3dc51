"""A conversation as some program's file holds it, made into one of ours: whose ids nobody else can have, whose messages take turns.

Pure. Ours is a tree of questions and answers; other programs' hold what tools said, system texts and answers in several pieces.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid5

from kdrinks.given import Unfit
from kdrinks.records import Language
from kdrinks.store.trees import Node, Tree
from kdrinks.text.typed import disarmed

MESSAGES_MAX = 20_000
"""Of one conversation."""
TEXT_MAX_CHARACTERS = 500_000
"""Of one message, its pieces together."""
PIECES_TIMES, PIECES_CHARACTERS = 4, 1_000_000
"""A piece of an answer may stand in several: all messages together have at most so many times the characters of the file's, and so many more."""
NAMESPACE = UUID("5d6d5b3c-6d1f-5c57-9a7e-6f8f0d1c7b42")
"""Drawn once: ids that come from other programs' ids are made under it, and must stay the same for ever."""
EARLIEST = datetime(2000, 1, 1)
NO_QUESTION = "…"
"""What an answer answers that stands at the beginning."""
SKIPPED: Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a file."""

    id: str
    parent: str | None
    role: Literal["question", "answer", ""]
    """"" for what nobody said to anybody: system texts, tools, empty ones. What follows it follows what it followed."""
    text: str
    at: datetime | None = None
    """UTC without a zone; None where the file does not say."""
    lang: Language | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """As store.trees.Node.facts."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation of a file."""

    program: str
    """kdrinks, open-webui, sts or chatgpt."""
    id: str
    title: str
    leaf: str | None
    said: tuple[Said, ...]
    """In the file's order, which is that of versions where times are missing or the same."""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Piece:
    """A message with the pieces of the same answer before it. They are joined where they are the end of an answer and nowhere else:
    a file of 3 MB could ask for 10 GB of beginnings."""

    said: Said
    before: "_Piece | None"
    characters: int
    """Of all of them, joined."""
    parent: str | None
    """Of the first."""
    told: Mapping[str, str]
    """What program and model wrote it, which may stand with one of the pieces alone."""

    def whole(self) -> Said:
        if self.before is None:
            return replace(self.said, parent=self.parent)
        texts: list[str] = []
        piece: _Piece | None = self
        while piece is not None:
            texts.append(piece.said.text)
            piece = piece.before
        facts = {**self.said.facts, **({"from": self.told} if self.told else {})}
        return replace(self.said, parent=self.parent, text="\n\n".join(reversed(texts)), facts=facts)


def tree_of(talk: Talk, language: Callable[[str], Language], until: datetime) -> tuple[Tree, int]:
    """It as ours, with the ids of its file, and how many messages were left out. until: nothing was said later.

    Raises Unfit where there is nothing in it, too much, or no tree.
    """
    if len(talk.said) > MESSAGES_MAX:
        raise Unfit(f"{len(talk.said):,} messages, more than {MESSAGES_MAX:,}")
    by_id = {one.id: one for one in talk.said}
    if len(by_id) != len(talk.said):
        raise Unfit("two messages have the same id")
    if longest := max((len(one.text) for one in talk.said if one.role), default=0):
        if longest > TEXT_MAX_CHARACTERS:
            raise Unfit(f"a message of {longest:,} characters, more than {TEXT_MAX_CHARACTERS:,}")
    nodes, stands_for, left_out = _turns(_downwards(by_id), by_id)
    if not nodes:
        raise Unfit("there is no message with text in it")
    leaf, at = None, talk.leaf
    while at in by_id and leaf is None:
        leaf, at = stands_for.get(at), by_id[at].parent
    return _dated(talk, nodes, leaf or nodes[-1].id, language, until), left_out


def _downwards(by_id: Mapping[str, Said]) -> list[Said]:
    """Parents before what follows them, otherwise in the file's order. Raises Unfit for a circle."""
    below: dict[str | None, list[Said]] = {}
    for one in by_id.values():
        below.setdefault(one.parent if one.parent in by_id else None, []).append(one)
    found: list[Said] = []
    waiting = list(reversed(below.get(None, [])))
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += reversed(below.get(one.id, []))
    if len(found) != len(by_id):
        raise Unfit("messages follow one another in a circle")
    return found


def _turns(said: Sequence[Said], by_id: Mapping[str, Said]) -> tuple[list[Said], dict[str, str], int]:
    """The messages with text, each answer whole and behind a question; by each message's id that of the one that holds it.

    Pieces of an answer that follow one another become one; a piece that is followed by several, or by a question, is in all of them.
    Raises Unfit where that makes much more of them than the file holds.
    """
    kept: dict[str, Said] = {}
    above: dict[str, str | None] = {}
    left_out = 0
    for one in said:
        parent = one.parent if one.parent in by_id else None
        before = above[parent] if parent is not None and parent not in kept else parent
        above[one.id] = before
        if one.role and (one.text.strip() or one.facts):
            kept[one.id] = replace(one, parent=before)
        elif one.role == SKIPPED and one.text.strip():
            left_out += 1
    pieces = {one.parent for one in kept.values() if one.role == "answer"}
    asked = {one.parent for one in kept.values() if one.role == "question"}
    turns: list[Said] = []
    pieces_of: dict[str, _Piece] = {}
    stands_for: dict[str, str] = {}
    taken = set(by_id)
    room = PIECES_TIMES * sum(len(one.text) for one in kept.values()) + PIECES_CHARACTERS
    for one in kept.values():
        so_far = None if one.parent is None else pieces_of.get(one.parent)
        if one.role == "answer" and so_far is None:
            asked_nothing = Said(_new_id(one.id, taken), None, "question", NO_QUESTION, one.at)
            turns.append(asked_nothing)
            piece = _piece(replace(one, parent=asked_nothing.id), None)
        else:
            goes_on = one.role == "answer" and so_far is not None and so_far.said.role == "answer"
            piece = _piece(one, so_far if goes_on else None)
        pieces_of[one.id] = piece
        if one.role == "question" or one.id not in pieces or one.id in asked:
            room -= piece.characters
            if piece.characters > TEXT_MAX_CHARACTERS:
                raise Unfit(
                    f"a message of {piece.characters:,} characters in pieces, more than {TEXT_MAX_CHARACTERS:,}"
                )
            if room < 0:
                raise Unfit("pieces of answers that stand in too many answers")
            turns.append(piece.whole())
            stands_for[one.id] = one.id
    goes_on_in = {one.parent: one.id for one in kept.values() if one.role == "answer"}  # the last of several
    for one_id in reversed(above):  # what was taken into another: what it is the beginning of
        if one_id in kept and one_id not in stands_for:
            stands_for[one_id] = stands_for[goes_on_in[one_id]]
    return turns, stands_for, left_out


def _piece(one: Said, before: _Piece | None) -> _Piece:
    told = one.facts.get("from", {})
    if before is None:
        return _Piece(one, None, len(one.text), one.parent, told)
    characters = before.characters + len("\n\n") + len(one.text)
    return _Piece(one, before, characters, before.parent, {**before.told, **told})


def _new_id(answer_id: str, taken: set[str]) -> str:
    """Of the question that an answer has which answers none: no message's own, and the same each time the file is read."""
    made = f"before {answer_id}"
    while made in taken:
        made = f"before {made}"
    taken.add(made)
    return made


def _dated(talk: Talk, turns: Sequence[Said], leaf: str, language: Callable[[str], Language], until: datetime) -> Tree:
    """With times that a parent has before what follows it, and languages."""
    nodes: list[Node] = []
    times: dict[str | None, datetime] = {}
    languages: dict[str | None, Language] = {}
    latest = max(EARLIEST, min(talk.at or EARLIEST, until))
    for place, one in enumerate(turns):
        if one.at is not None and one.lang is not None:  # ours: exact
            at = max(EARLIEST, min(one.at, until))
        else:
            earliest = times.get(one.parent, EARLIEST) + timedelta(microseconds=1)
            at = min(one.at, until) + timedelta(microseconds=place) if one.at else latest + timedelta(microseconds=1)
            at = max(earliest, at)
        latest = times[one.id] = at
        text = disarmed(one.text)
        lang = one.lang or (languages[one.parent] if one.role == "answer" else language(text))
        languages[one.id] = lang
        nodes.append(Node(one.id, one.parent, one.role or "question", lang, text, at, one.facts))
    return Tree(talk.id, leaf, tuple(nodes))


def with_ids_of(tree: Tree, owner: str, program: str) -> Tree:
    """It under ids that come from its own, this owner and this program: the same each time, and nobody else's."""

    def made(one: str) -> str:
        return str(uuid5(NAMESPACE, json.dumps([owner, program, tree.id, one])))

    ids = {node.id: made(f"message {node.id}") for node in tree.nodes}
    nodes = tuple(
        replace(node, id=ids[node.id], parent=ids[node.parent] if node.parent else None) for node in tree.nodes
    )
    return Tree(made("conversation"), ids[tree.leaf] if tree.leaf else None, nodes)


def time_of(found: object) -> datetime | None:
    """A moment as files write it: seconds or milliseconds since 1970, or ISO 8601; None for what is none, or lies before 2000."""
    try:
        if isinstance(found, str):
            at = datetime.fromisoformat(found)
            at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
        elif isinstance(found, int | float) and not isinstance(found, bool):
            seconds = found / 1000 if abs(found) > 1e11 else found
            at = datetime(1970, 1, 1) + timedelta(seconds=seconds)
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return at if at >= EARLIEST else None
