"""Sets of questions: one JSON object a line (.jsonl, or .jsonl.gz), checked line by line before anything is asked.

A first line with `set` in it is a header: {"set": NAME, "title": {"ko": ..., "en": ...}, "license": ..., "sealed": true, "opened": []}.
A sealed set runs and counts and shows nothing until it was opened, which is written into its own file. Knows no model and no store.
"""

import gzip
import hashlib
import io
import json
import math
import os
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kdrinks import given
from kdrinks.config import ROOT, Settings
from kdrinks.errors import BadInput, KdrinksError, StoreNotWritable
from kdrinks.files import bare_name, open_regular
from kdrinks.generation.prompt import clean_question
from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor

ENDINGS = (".jsonl", ".jsonl.gz")
MOST_BYTES = 32 * 2**20
"""Of a set, unpacked: some 100,000 questions. A small file may unpack to more than a machine holds."""
_NAME = re.compile(r"[\w가-힣][\w가-힣 .-]{0,99}")


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A set as its file holds it. Two with one hash ask the same questions."""

    path: Path
    name: str
    """Of the header, else of the file."""
    title: Mapping[str, str]
    """What people call it, by language; its name where the header says nothing."""
    license: str
    hash: str
    """Of the questions alone (16 hex digits): opening a set changes nothing in it."""
    sealed: bool
    """Written as a sealed set, and not opened: it counts, and shows no question, answer or trace."""
    questions: tuple[Mapping[str, Any], ...]
    """In the file's order; each has id, lang, kind, question and history, and of the other FIELDS what its line has."""
    opened: tuple[Mapping[str, str], ...]
    """at (UTC, ISO 8601), by and note of each opening, oldest first."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file among the sets: what it holds, or why it cannot be used."""

    path: Path
    set: QuestionSet | None
    problem: KdrinksError | None


def _text(value: object) -> bool:
    return isinstance(value, str)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _groups(value: object) -> bool:
    return isinstance(value, list) and all(_texts(group) and group for group in value)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


FIELDS: Mapping[str, Callable[[object], bool]] = {
    "id": lambda value: isinstance(value, str) and bool(value),
    "lang": lambda value: value in ("ko", "en"),
    "kind": _text,
    "question": _text,
    "history": _texts,  # the person's earlier questions, asked first
    "gold_ids": _texts,
    "gold_groups": _groups,  # of each group one id must be found
    "must_mention": _groups,  # of each group one string must stand in the answer
    "must_not_mention": _texts,
    "exact": _texts,  # ids of the drinks that the answer lists: these and no others
    "figure": _number,  # that a row of the answer holds; of a count, how many rows there are
    "operation": _text,  # that the question asks for: findings.Understood.operation
    "aspects": _texts,  # the first is what the question wants to know first
    "cautioned": lambda value: isinstance(value, bool),  # a caution must stand first; false: none may stand there
    "without": _text,  # id of the same question without the everyday sentence that this one has before or behind it
    "passages_not": _texts,  # ids of subjects that do not belong: none of their passages may be cited
    "most_characters": lambda value: type(value) is int and value > 0,  # a short question wants a short answer
    "good": _text,  # what a good answer does, and a right one: for whoever judges by hand
    "reference": _text,
    "group": _text,  # several kinds in one, for whoever counts by it
    "sources": _texts,  # addresses on which the expectations rest
}
"""The fields of a question, each with the test that its value must pass. Only `question` must be there."""

_HEADER = frozenset({"set", "title", "sealed", "license", "opened"})


def read(path: Path | str) -> QuestionSet:
    """The set in a file. Raises BadInput: unreadable, or the number of the line that is wrong and why."""
    return parse(Path(path), _bytes_of(Path(path)))


def parse(path: Path, data: bytes) -> QuestionSet:
    """As read(), of bytes that are at hand; path gives the name. Raises BadInput."""
    header, lines = _lines(path, data)
    questions: list[Mapping[str, Any]] = []
    ids: set[str] = set()
    for number, line in lines:
        question = _question(path, number, line)
        if question["id"] in ids:
            raise _damaged(path, number, f"id {given.shortened(question['id'])}: twice")
        ids.add(question["id"])
        questions.append(question)
    if not questions:
        raise _damaged(path, 1, "no question")
    for (number, _), checked in zip(lines, questions, strict=True):
        if (base := checked.get("without")) is not None and base not in ids - {checked["id"]}:
            raise _damaged(path, number, f"without: {given.shortened(base)} is no other question of this set")
    name = header.get("set") or _stem(path)
    content = "\n".join(json.dumps(one, ensure_ascii=False, sort_keys=True) for one in questions)
    return QuestionSet(
        path=path,
        name=name,
        title={"ko": name, "en": name} | header.get("title", {}),
        license=header.get("license", ""),
        hash=hashlib.sha256(content.encode()).hexdigest()[:16],
        sealed=header.get("sealed", False) and not header.get("opened"),
        questions=tuple(questions),
        opened=tuple(header.get("opened", ())),
    )


def about(asked: QuestionSet) -> dict[str, Any]:
    """Which set it is, as `evaluate --json` tells it under `set`."""
    return {
        "name": asked.name,
        "title": dict(asked.title),
        "hash": asked.hash,
        "sealed": asked.sealed,
        "opened": [dict(one) for one in asked.opened],
    }


def write(path: Path, header: Mapping[str, Any], questions: Sequence[Mapping[str, Any]]) -> QuestionSet:
    """Make the file of a set: header with `set`, and as the module says title, license, sealed, opened. Packed where the name ends in .gz.

    Raises BadInput where read() would refuse it (nothing is written then), StoreNotWritable.
    """
    lines = [json.dumps(one, ensure_ascii=False) for one in (header, *questions)]
    data = _packed(path, lines)
    made = parse(path, data)
    _replace(path, data)
    return made


def open_set(path: Path, by: str, note: str) -> QuestionSet:
    """Open a sealed set for good: its file says from now on when, who and why. Its questions stay as they are, byte for byte.

    An opened set may be opened again: one more entry. Raises BadInput where the file was never sealed or cannot be read, StoreNotWritable.
    """
    data = _bytes_of(path)
    header, lines = _lines(path, data)
    parse(path, data)
    if not header.get("sealed"):
        raise BadInput("set_not_sealed", file=path.name)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    header["opened"] = [*header.get("opened", ()), {"at": at, "by": by, "note": note}]
    packed = _packed(path, [json.dumps(header, ensure_ascii=False), *(line for _, line in lines)])
    _replace(path, packed)
    return parse(path, packed)


def folder(settings: Settings) -> Path:
    """Where a person's own sets lie."""
    return settings.home / "questions"


def sets(settings: Settings) -> list[Found]:
    """The packaged sets (benchmarks/korean_drinks/, where the checkout has it), then a person's own, each by name; damaged ones too."""
    found = []
    for place in (ROOT / "benchmarks" / "korean_drinks", folder(settings)):
        try:
            paths = sorted(path for path in place.iterdir() if path.name.endswith(ENDINGS))
        except OSError:
            continue
        for path in paths:
            try:
                found.append(Found(path, read(path), None))
            except KdrinksError as problem:
                found.append(Found(path, None, problem))
    return found


def by_hash(settings: Settings, set_hash: str) -> QuestionSet | None:
    """The set with these questions; an opened one before a sealed one, None where there is none any more."""
    same = [one.set for one in sets(settings) if one.set and one.set.hash == set_hash]
    return min(same, key=lambda one: one.sealed, default=None)


def add_set(settings: Settings, who: Visitor, name: str, data: bytes) -> QuestionSet:
    """Keep an upload among the sets, under its own name, when it can be read as one; the same one again changes nothing.

    Raises NotAllowed, BadInput (no set, a name that no set may have, or one that another set has), StoreNotWritable.
    """
    administrators_only(who)
    if not name.endswith(ENDINGS) or not _NAME.fullmatch(name):
        raise BadInput("set_name", name=name[:100])
    path = folder(settings) / name
    made = parse(path, data)
    if path.exists():
        there = read(path)
        if there.hash != made.hash:
            raise BadInput("set_exists", name=name)
        return there  # it may have been opened since, which a second upload must not undo
    _replace(path, data)
    return made


def _question(path: Path, number: int, line: str) -> dict[str, Any]:
    """One line, checked, with what every question has. Raises BadInput."""
    question = _parsed(path, number, line)
    for name, value in question.items():
        if name not in FIELDS:
            raise _damaged(path, number, f"unknown field {given.shortened(name)}")
        if not FIELDS[name](value):
            raise _damaged(path, number, f"{name}: {given.shortened(json.dumps(value, ensure_ascii=False))}")
    if "question" not in question:
        raise _damaged(path, number, "no question")
    question = {"id": str(number), "lang": "ko", "kind": "", "history": []} | question
    for text in (*question["history"], question["question"]):
        try:
            clean_question(text)
        except KdrinksError as error:
            raise _damaged(path, number, error.message()) from error
    return question


def _parsed(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = given.value(line)
    except given.Unfit as exc:
        raise _damaged(path, number, str(exc)) from exc
    if not isinstance(value, dict):
        raise _damaged(path, number, "no object")
    return value


def _lines(path: Path, data: bytes) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    """The header, {} without one, and the other lines with their numbers, empty ones left out. Raises BadInput."""
    try:
        lines = given.lines(given.text(_unpacked(path, data) if data[:2] == b"\x1f\x8b" else data))
    except (given.Unfit, EOFError, OSError, zlib.error) as exc:
        raise BadInput("questions_unreadable", file=bare_name(path.name), reason=str(exc).splitlines()[0]) from exc
    if not lines:
        return {}, []
    number, line = lines[0]
    first = _parsed(path, number, line)
    if "set" not in first:
        return {}, lines
    _check_header(path, number, first)
    return first, lines[1:]


def _check_header(path: Path, number: int, header: Mapping[str, Any]) -> None:
    titles, opened = header.get("title", {}), header.get("opened", [])
    fits: Mapping[str, bool] = {
        "set": isinstance(header["set"], str) and bool(_NAME.fullmatch(header["set"])),
        "title": isinstance(titles, dict) and titles.keys() <= {"ko", "en"} and all(map(_text, titles.values())),
        "license": _text(header.get("license", "")),
        "sealed": isinstance(header.get("sealed", False), bool),
        "opened": isinstance(opened, list)
        and all(
            isinstance(one, dict) and one.keys() == {"at", "by", "note"} and all(map(_text, one.values()))
            for one in opened
        ),
    }
    for name in header:
        if name not in _HEADER:
            raise _damaged(path, number, f"unknown field {given.shortened(name)}")
        if not fits[name]:
            raise _damaged(path, number, f"{name}: {given.shortened(json.dumps(header[name], ensure_ascii=False))}")


def _bytes_of(path: Path) -> bytes:
    try:
        with open_regular(path) as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as exc:
        raise BadInput("questions_unreadable", file=bare_name(path.name), reason=exc.strerror or exc) from exc
    if len(data) > MOST_BYTES:
        raise BadInput("set_too_large", file=bare_name(path.name), limit=MOST_BYTES // 2**20)
    return data


def _unpacked(path: Path, data: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
        text = stream.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise BadInput("set_too_large", file=bare_name(path.name), limit=MOST_BYTES // 2**20)
    return text


def _packed(path: Path, lines: Sequence[str]) -> bytes:
    data = "".join(f"{line}\n" for line in lines).encode()
    return gzip.compress(data, mtime=0) if path.name.endswith(".gz") else data


def _replace(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as exc:
        raise StoreNotWritable("set_not_writable", path=path, cause=exc.strerror or exc) from exc


def _stem(path: Path) -> str:
    return re.sub(r"\.jsonl(?:\.gz)?$", "", path.name)


def _damaged(path: Path, line: int, reason: str) -> BadInput:
    return BadInput("questions_damaged", file=bare_name(path.name), line=line, reason=reason)
