"""From the bytes of a file to the conversations in it, one at a time: JSON, lines of JSON, or a ZIP of such files.

What is wrong with one conversation is told of that one and the next is read. Sizes are measured, never believed: an archive is unpacked
up to a limit whatever it declares. Pure.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from kdrinks import given
from kdrinks.errors import BadInput
from kdrinks.given import Unfit, shortened
from kdrinks.portability import chatgpt, conversational, open_webui, session_traces
from kdrinks.portability.foreign import Talk
from kdrinks.text.typed import disarmed

DEPTH_MAX = 64
ENTRIES_MAX = 20_000
"""Of an archive: ChatGPT's hold every picture, too."""
_PARTS = re.compile(r"conversations(-\d+)?\.json", re.IGNORECASE)
_ENTRY = b"PK\x01\x02"
_BLANK = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Limits:
    file_bytes: int
    part_bytes: int
    """Of one file in an archive, unpacked; it is held in memory whole."""
    unpacked_bytes: int
    """Of all of them together."""
    conversations: int


@dataclass(frozen=True, slots=True)
class Item:
    """What stands in one place of a file."""

    where: str
    found: Talk | Unfit


def items(content: bytes, name: str, limits: Limits) -> Iterator[Item]:
    """The conversations of a file; name: as errors tell it. Raises BadInput for one that is too large or holds nothing of the kind."""
    if len(content) > limits.file_bytes:
        raise BadInput("import_too_large", file=name, limit=limits.file_bytes // 1024**2)
    found = _of_archive(content, name, limits) if content[:4] == b"PK\x03\x04" else _of_part(content, name)
    number = 0
    for number, item in enumerate(found, 1):
        if number > limits.conversations:
            raise BadInput("chat_import_too_many", file=name, limit=f"{limits.conversations:,}")
        yield item
    if not number:
        raise BadInput("chat_import_empty", file=name)


def _of_archive(content: bytes, name: str, limits: Limits) -> Iterator[Item]:
    if content.count(_ENTRY) > ENTRIES_MAX:  # before a list of them is made
        raise BadInput("chat_import_entries", file=name, limit=f"{ENTRIES_MAX:,}")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise BadInput("chat_import_archive", file=name, reason=_cause(exc)) from exc
    with archive:
        left = limits.unpacked_bytes
        for entry in _parts(archive):
            where = disarmed(shortened(PurePosixPath(entry.filename).name))
            try:
                part = _unpacked(archive, entry, min(left, limits.part_bytes))
            except Unfit as exc:
                yield Item(where, exc)
                continue
            left -= len(part)
            yield from _of_part(part, where)


def _parts(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """ChatGPT's conversations where there are some, else every file of JSON: the others of its export are no conversations."""
    files = sorted((entry for entry in archive.infolist() if not entry.is_dir()), key=lambda entry: entry.filename)
    theirs = [entry for entry in files if _PARTS.fullmatch(PurePosixPath(entry.filename).name)]
    return theirs or [entry for entry in files if entry.filename.lower().endswith((".json", ".jsonl"))]


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most_bytes: int) -> bytes:
    """Raises Unfit as soon as more has come out than there is room for."""
    if entry.flag_bits & 1:
        raise Unfit("locked with a password")
    try:
        with archive.open(entry) as stream:
            part = stream.read(most_bytes + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as exc:
        raise Unfit(_cause(exc)) from exc
    if len(part) > most_bytes:
        raise Unfit(f"more than {most_bytes // 1024**2:,} MB, unpacked")
    return part


def _cause(exc: Exception) -> str:
    return shortened(str(exc).splitlines()[0] if str(exc) else type(exc).__name__)


def _of_part(content: bytes, where: str) -> Iterator[Item]:
    """The conversations of one file that is no archive."""
    try:
        text = given.text(content)
        start = _after_blanks(text, 0)
        if text[start : start + 1] == "[":
            yield from _of_array(text, start + 1, where)
        elif text[start : start + 1] == "{":
            yield from _of_objects(text, where)
        elif text[start:]:
            raise Unfit("this is no JSON")
    except Unfit as exc:
        yield Item(where, exc)


def _of_array(text: str, at: int, where: str) -> Iterator[Item]:
    at, number = _after_blanks(text, at), 0
    while text[at : at + 1] != "]":
        number += 1
        found, at = _value(text, at)
        yield Item(f"{where} #{number}", _talk(found))
        at = _after_blanks(text, at)
        if text[at : at + 1] == ",":
            at = _after_blanks(text, at + 1)
        elif text[at : at + 1] != "]":
            raise Unfit(f"no comma after conversation {number}: the rest cannot be read")


def _of_objects(text: str, where: str) -> Iterator[Item]:
    """One conversation, or a line for each, or a line for each message of a session."""
    session: list[Any] = []
    begun, at, number = 0, _after_blanks(text, 0), 0
    while at < len(text):
        number += 1
        if number > given.LINES_MAX:
            raise Unfit(f"more than {given.LINES_MAX:,} lines")
        found, at = _value(text, at)
        at = _after_blanks(text, at)
        if session and (session_traces.is_head(found) or not _is_message(found)):
            yield Item(f"{where} #{begun}", _session(session))
            session = []
        if session_traces.is_head(found):
            session, begun = [found], number
        elif session:
            session.append(found)
        else:
            yield Item(f"{where} #{number}", _talk(found))
    if session:
        yield Item(f"{where} #{begun}", _session(session))


def _is_message(found: object) -> bool:
    """Of a session; lines of other types are allowed there and ignored."""
    return isinstance(found, dict) and isinstance(found.get("type"), str)


def _session(lines: list[Any]) -> Talk | Unfit:
    try:
        for line in lines:
            _check(line)
        return session_traces.read(lines)
    except Unfit as exc:
        return exc


def _talk(found: Any) -> Talk | Unfit:
    try:
        _check(found)
        for is_one, read in _FORMS:
            if is_one(found):
                return read(found)
        raise Unfit("no conversation of a kind that is known")
    except Unfit as exc:
        return exc


_FORMS: tuple[tuple[Callable[[object], bool], Callable[[dict[str, Any]], Talk]], ...] = (
    (chatgpt.is_one, chatgpt.read),
    (open_webui.is_one, open_webui.read),
    (conversational.is_one, conversational.read),
)


class _Twice(dict[str, Any]):
    """An object in which a key stands twice: one of its values is lost."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else _Twice(made)


def _fraction(digits: str) -> float | None:
    number = float(digits)
    return number if abs(number) != float("inf") else None


# what is no number that we could keep is nothing; where one is needed, that is told of the field
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=lambda digits: int(digits) if len(digits.lstrip("-")) <= given.DIGITS_MAX else None,
    parse_float=_fraction,
    parse_constant=lambda name: None,
)


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as exc:
        raise Unfit(f"{exc.msg}, line {exc.lineno}: the rest cannot be read") from exc
    except RecursionError as exc:
        raise Unfit(f"nested deeper than {DEPTH_MAX}: the rest cannot be read") from exc


def _check(found: Any) -> None:
    level = [found]
    for _ in range(DEPTH_MAX):
        below: list[Any] = []
        for one in level:
            if isinstance(one, _Twice):
                raise Unfit("a key stands twice in one object")
            below += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        if not below:
            return
        level = below
    raise Unfit(f"nested deeper than {DEPTH_MAX}")


def _after_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
