"""Notices that an answer says the same again and again, and where that began. Pure: text in, a place out.

A loop is the end of a text that is one piece over and over, letter for letter, or but for its numbers ("[4] ... [5] ..."). What people
write repeats too: a refrain, a row of a table, "톡톡톡", a recipe that stirs three times. So how often is too often depends on
how long the piece is. Source of the limits: every packaged record, and 20 recorded answers of two small models, 13 of which would not have ended
(tests/test_repetition.py).
"""

import re

CHECK_CHARACTERS = 16
"""New characters between two looks: one costs about 10 microseconds."""
_TAIL_CHARACTERS = 2400
"""Looked at from the end; a piece longer than a third of it is no loop that anybody waits for."""
_NEEDLE_CHARACTERS = 12
_CANDIDATES = 12
_DIGITS = str.maketrans("123456789", "0" * 9)
_SENTENCE_END = re.compile(r"[.!?。…](?:[\"'”’)\]]|\s?\[\d+\])*(?=\s|$)|\n")
_BETWEEN = " \t\n,;:·、/|-–—*#"


class Repetition:
    """feed() the text of an answer as it comes."""

    def __init__(self) -> None:
        self._text = ""
        self._unseen = 0

    def feed(self, text: str) -> int:
        """Characters at the end of all text so far that are nothing but a loop; 0 while there is none."""
        self._text = (self._text + text)[-2 * _TAIL_CHARACTERS :]
        self._unseen += len(text)
        if self._unseen < CHECK_CHARACTERS:
            return 0
        self._unseen = 0
        return repeated(self._text)


def repeated(text: str) -> int:
    """Characters at the end of the text that repeat what stands before them; 0 when there is no loop.

    What is left ends with a whole sentence where the piece holds one, else with a whole part of an enumeration.
    """
    tail = text[-_TAIL_CHARACTERS:]
    for form, numbers in ((tail, False), (tail.translate(_DIGITS), True)):
        if found := _loop(form, numbers=numbers):
            begin, period = found
            return len(tail) - _end_of_first(tail, begin, period)
    return 0


def _loop(text: str, *, numbers: bool) -> tuple[int, int] | None:
    """(begin, period) of the run of equal pieces with which the text ends, when it is long enough to be a loop."""
    end = len(text)
    needle = text[-_NEEDLE_CHARACTERS:]
    at = end - _NEEDLE_CHARACTERS
    for _ in range(_CANDIDATES):
        at = text.rfind(needle, 0, at + _NEEDLE_CHARACTERS - 1)
        if at < 0:
            return None
        period = end - _NEEDLE_CHARACTERS - at
        begin = _begin_of_run(text, period)
        if _too_often(text[end - period :], end - begin, numbers=numbers):
            return begin, period
    return None


def _begin_of_run(text: str, period: int) -> int:
    """The first place from which the text is equal to itself `period` characters later."""
    same = len(text) - period
    piece = text[same:]
    while same >= period and text[same - period : same] == piece:
        same -= period
    while same > 0 and text[same - 1] == text[same - 1 + period]:
        same -= 1
    return same


def _too_often(piece: str, length: int, *, numbers: bool) -> bool:
    """Whether a run of `length` characters of this piece is a loop."""
    period, times = len(piece), length / len(piece)
    letters = sum(character.isalpha() for character in piece)
    if not letters:  # a rule of dashes, the line below a table's head, a row of numbers
        return not numbers and length >= 400
    if numbers:  # a numbered list may say nearly the same in each of its points
        return letters >= 12 and times >= (4 if period >= 60 else 6)
    if period >= 80:  # a refrain may come twice; whoever begins it a third time does not stop
        return length >= 2 * period + 20
    if period >= 24:
        return times >= 3
    return length >= 48 and times >= (4 if period >= 12 else 6)


def _end_of_first(text: str, begin: int, period: int) -> int:
    """Where the first piece of the run ends, as a reader sees it: after a sentence, else before what joins it to the next."""
    once, twice = begin + period, begin + 2 * period
    for end in (once, len(text[:once].rstrip())):
        if any(found.end() == end for found in _SENTENCE_END.finditer(text, max(0, end - 12), end)):
            return len(text[:end].rstrip())
    if found := _SENTENCE_END.search(text, once, twice):
        return len(text[: found.end()].rstrip())
    for place in range(once, twice):
        if text[place] in _BETWEEN:
            return len(text[:place].rstrip(_BETWEEN))
    return once
