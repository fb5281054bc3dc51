"""Texts and JSON of files that people give, read strictly: what cannot be kept as it stands is refused with the reason, never mended.

Python's own reader takes NaN, numbers of any length, one key twice and half a surrogate pair; each breaks somebody further on, in the
store, in a browser or as a traceback. Pure.
"""

import json
import re
from typing import Any, NoReturn

DEPTH_MAX = 32
"""Ours are five deep."""
DIGITS_MAX = 18
"""Every whole number of so many digits fits into 64 bits."""
TEXT_MAX_CHARACTERS = 131_072
"""Of one text: as much as Python's reader of CSV takes in a cell."""
LINES_MAX = 200_000
"""32 MB of empty lines would be gigabytes as a list."""
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


class Unfit(ValueError):
    """The text says what is wrong, and where, in one line without any path."""


def text(content: bytes) -> str:
    """UTF-8 with or without a byte order mark. Raises Unfit with the line of the first byte that is none."""
    try:
        found = content.decode("utf-8").lstrip("\ufeff")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise Unfit(f"line {line}: byte 0x{content[exc.start]:02x} is not UTF-8") from exc
    if "\x00" in found:
        raise Unfit(f"line {found.count(chr(10), 0, found.index(chr(0))) + 1}: a zero byte")
    return found


def lines(text: str) -> list[tuple[int, str]]:
    """The lines of JSON with their numbers, empty ones left out. U+2028 and its like end no line: they stand in texts.

    Raises Unfit when there are more than LINES_MAX.
    """
    if (count := text.count("\n") + text.count("\r")) > 2 * LINES_MAX:
        raise Unfit(f"{count:,} ends of lines, more than {2 * LINES_MAX:,}")
    split = (line.strip("\ufeff \t") for line in re.split(r"\r\n?|\n", text))
    return [(number, line) for number, line in enumerate(split, 1) if line]


def value(text: str) -> Any:
    """What a text of JSON holds. Raises Unfit."""
    try:
        found = json.loads(
            text, object_pairs_hook=_object, parse_int=_whole, parse_float=_fraction, parse_constant=_no_number
        )
    except json.JSONDecodeError as exc:
        raise Unfit(f"{exc.msg}, character {exc.pos + 1}") from exc
    except RecursionError as exc:
        raise Unfit(f"recursion: nested deeper than {DEPTH_MAX}") from exc
    _check(found)
    return found


def _check(found: Any) -> None:
    level = [found]
    for _ in range(DEPTH_MAX):
        below: list[Any] = []
        for one in level:
            if isinstance(one, str):
                _check_text(one)
            elif isinstance(one, dict):
                below += [*one, *one.values()]
            elif isinstance(one, list):
                below += one
        if not below:
            return
        level = below
    raise Unfit(f"recursion: nested deeper than {DEPTH_MAX}")


def _check_text(one: str) -> None:
    if len(one) > TEXT_MAX_CHARACTERS:
        raise Unfit(f"a text of {len(one):,} characters, more than {TEXT_MAX_CHARACTERS:,}")
    if bad := _NO_TEXT.search(one):
        raise Unfit("a zero byte" if bad[0] == "\x00" else f"half of a pair of surrogates (\\u{ord(bad[0]):04x})")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, one in pairs:
        if key in made:
            raise Unfit(f"{shortened(key)}: twice")
        made[key] = one
    return made


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > DIGITS_MAX:
        raise Unfit(f"a number of {len(digits.lstrip('-')):,} digits, more than {DIGITS_MAX}")
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise Unfit(f"{shortened(digits)}: too large a number")
    return number


def _no_number(name: str) -> NoReturn:
    raise Unfit(f"{name} is no number")


def shortened(found: object) -> str:
    """Of what somebody gave, as much as a message may hold."""
    told = _NO_TEXT.sub("\ufffd", str(found))
    return told if len(told) <= 60 else f"{told[:59]}…"
