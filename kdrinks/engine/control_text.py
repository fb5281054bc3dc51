"""Nothing that a person, a document or an earlier answer says becomes a control token of the loaded model.

A template is foreign code: it trims, cuts and joins what it is given, so what is dangerous is known only in the prompt that it
made, and there nobody can tell any more who wrote what. Therefore the characters with which a control text of this vocabulary begins
or ends are exchanged for marks before it is rendered, one for one, in every text that is handed in. A control text in the prompt that
holds a mark was not, or not alone, written by the template: a word joiner breaks it. All else comes out as it went in, byte for byte.
Pure: knows messages and texts, no tokens.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

BREAK = "\u2060"
"""Word joiner: it has no width, and stands in no control text."""
_FIRST_MARK, _MARKS = 0xDC00, 0x400
_MARK = re.compile("[\udc00-\udfff]")
"""Low surrogates: no text can hold one, and no template takes one for a blank or a letter."""
_STRAY = re.compile("[\ud800-\udfff]")
_OURS = frozenset({"role", "kind", "type"})
"""Keys whose values kdrinks chose from a closed list: templates compare them and make control texts of them."""

Messages = Sequence[Mapping[str, Any]]


class ControlTexts:
    """The control texts of one vocabulary."""

    def __init__(self, texts: Iterable[str]) -> None:
        # SentencePiece writes a blank as U+2581 in its vocabulary, and reads either as the other
        forms = {form for text in texts for form in (text, text.replace("▁", " ")) if form.strip()}
        self._texts = frozenset(form for form in forms if len(form) > 1)
        self._refused = {ord(form): "\ufffd" for form in forms if len(form) == 1 and not form.isalnum()}
        """What is one character cannot be broken."""
        lengths: dict[str, set[int]] = {}
        for text in self._texts:
            lengths.setdefault(text[0], set()).add(len(text))
        self._lengths = {first: sorted(sizes) for first, sizes in lengths.items()}
        self._longest = max(map(len, self._texts), default=0)
        ends = sorted({end for text in self._texts for end in (text.strip()[0], text.strip()[-1])})
        self._marks = {end: chr(_FIRST_MARK + number) for number, end in enumerate(ends[:_MARKS])}

    def prompt(self, render: Callable[[Messages], str], messages: Messages) -> str:
        """What a template makes of the messages, each control text broken that it did not write itself."""
        marks = dict(self._marks)
        rendered = render([_each_text(message, lambda text: self._marked(text, marks)) for message in messages])
        plain = rendered.translate({ord(mark): character for character, mark in marks.items()})
        return self.broken(plain, {found.start() for found in _MARK.finditer(rendered)})

    def broken(self, text: str, foreign: Container[int] | None = None) -> str:
        """text with each control text broken; given foreign places, only those that hold one."""
        breaks = self._breaks(text, range(len(text)) if foreign is None else foreign)
        return BREAK.join(text[start:end] for start, end in pairwise([0, *sorted(breaks), len(text)]))

    def _marked(self, text: str, marks: dict[str, str]) -> str:
        """text with marks, to which those of this prompt are added.

        One that is itself the middle of a control text is marked at its start: a template may write `<` before it and `>` after it.
        """
        text = _STRAY.sub("\ufffd", text).translate(self._refused)
        bare = text.strip()
        marked = text.translate({ord(end): mark for end, mark in self._marks.items()})
        if 0 < len(bare) < self._longest and len(marks) < _MARKS and any(bare in one for one in self._texts):
            first = marks.setdefault(bare[:1], chr(_FIRST_MARK + len(marks)))
            marked = marked.replace(bare[:1], first, 1)
        return marked

    def _breaks(self, text: str, foreign: Container[int]) -> set[int]:
        """Places before which a break must stand, so that no control text is left that holds a foreign place."""
        breaks: set[int] = set()
        for start, first in enumerate(text):
            for length in self._lengths.get(first, ()):
                inside = range(start + 1, start + length)
                if text[start : start + length] in self._texts and not any(place in breaks for place in inside):
                    place = next((place for place in range(start, start + length) if place in foreign), None)
                    if place is not None:
                        # beside the foreign character and never outside: what the template wrote stays whole
                        breaks.add(place + 1 if place + 1 in inside else place)
        return breaks


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: one if key in _OURS else _each_text(one, change) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(one, change) for one in value]
    return value
