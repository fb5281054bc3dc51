"""What a person types to find a conversation: words, parts of words, and filters before a colon, made into what the store compares. Pure.

Two legs find a word. The words that the store counts find it in any form (`식혜의`, sikhye); the text as it stands finds what is counted
nowhere: particles, single letters, numbers, what is glued to something else. Either is enough.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from kdrinks.errors import BadInput
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.text.korean import has_hangul
from kdrinks.text.typed import apart, clean, together

TERMS_MAX = 8
"""Each is one more look at every text."""
CHARACTERS_MAX = 200
LEAD_CHARACTERS = 24
"""Characters of a snippet before its first match."""
SNIPPET_CHARACTERS = 90

_FILTERS = {
    "drink": "drink", "음료": "drink", "model": "model", "모델": "model",
    "rated": "rated", "평가": "rated", "before": "before", "이전": "before",
}  # fmt: skip
_RATINGS: dict[str, Literal["good", "bad"]] = {"good": "good", "좋음": "good", "bad": "bad", "나쁨": "bad"}
_PIECE = re.compile(r'(?:(?P<filter>\w+):)?(?:"(?P<quoted>[^"]*)"|(?P<bare>\S+))')
_DATE = re.compile(r"(\d{4})(?:[-./](\d{1,2})(?:[-./](\d{1,2}))?)?\.?")
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_BETWEEN = r"[\s*_]*"
"""May stand between any two letters: a space, for people write 안동 소주 and 안동소주, and the marks of bold type (`**막걸리**는`). No letter of a
pattern is one of these: where a letter could stand for what lies between two, re tried every way to share them out and never ended."""
YEAR_MIN = 1000
"""Of `before`: a reader's clock is not the store's, and the first hours of the year 1 have no time in UTC."""
_CONTRACTED = {"ㅣ": "ㅕ", "ㅗ": "ㅘ", "ㅜ": "ㅝ", "ㅡ": "ㅏㅓ", "ㅚ": "ㅙ"}
"""The vowel in which a stem ends -> what it becomes before an ending: 끓이다, 끓여; 담그다, 담가."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that was typed. A conversation has to hold each."""

    text: str
    pattern: str
    """A regular expression that means the same in re and in RE2: the text with whatever may stand between its letters, in any case."""
    words: tuple[str, ...]
    """As the store counts them; all together stand for the term. Empty where it holds none."""

    @property
    def decomposed(self) -> str:
        """The text as a Mac spells it in the names of files."""
        return unicodedata.normalize("NFD", self.text)

    @property
    def shown(self) -> str:
        """A pattern for what a snippet marks."""
        return "|".join(f"(?:{one})" for one in (self.pattern, re.escape(self.decomposed), *map(_loosely, self.words)))


@dataclass(frozen=True, slots=True)
class Sought:
    terms: tuple[Term, ...] = ()
    drink: str = ""
    """As charts count it; empty for any, as the next ones."""
    model: str = ""
    """A part of its id."""
    rated: Literal["", "good", "bad"] = ""
    before: date | None = None
    """Of the reader's calendar: what was said on the days before it."""


def read(text: str, words: TextAnalyzer) -> Sought:
    """What a text in the search box asks for; one that holds nothing but blanks asks for nothing.

    Filters: `drink:식혜`, `model:qwen`, `rated:good` or `bad`, `before:2026-11-30`, or the same in Korean (음료, 모델, 평가, 이전); a value with blanks
    stands in quotes, and so do words that belong together. Raises BadInput for a rating or a date that is none, and for too much.
    """
    text = clean(text).strip()
    if len(text) > CHARACTERS_MAX:
        raise BadInput("search_too_long", found=len(text), most=CHARACTERS_MAX)
    sought, terms = Sought(), []
    for piece in _PIECE.finditer(text):
        value = (piece["quoted"] if piece["quoted"] is not None else piece["bare"]).strip()
        name = _FILTERS.get((piece["filter"] or "").lower())
        if value.endswith(":") and value[:-1].lower() in _FILTERS:
            continue  # not yet written to its end
        if name is None:
            terms.append(value if piece["quoted"] is not None and not piece["filter"] else piece[0])
        elif name == "drink":
            sought = replace(sought, drink=_drink(value, words))
        elif name == "model":
            sought = replace(sought, model=value)
        elif name == "rated":
            sought = replace(sought, rated=_rating(value))
        else:
            sought = replace(sought, before=_day(value))
    found = [_term(one, words) for one in dict.fromkeys(terms) if _letters(one)]
    if len(found) > TERMS_MAX:
        raise BadInput("search_too_many", found=len(found), most=TERMS_MAX)
    return replace(sought, terms=tuple(found))


def snippet(text: str, terms: Iterable[Term]) -> tuple[tuple[str, bool], ...]:
    """The part of a text around its first match, in pieces, each with whether it is a match; without any, its beginning."""
    text = " ".join(unicodedata.normalize("NFC", text).replace("**", "").split())
    pattern = re.compile("|".join(f"(?:{term.shown})" for term in terms) or r"(?!)", re.IGNORECASE)
    first = pattern.search(text)
    start = max(0, first.start() - LEAD_CHARACTERS) if first else 0
    end = min(len(text), start + SNIPPET_CHARACTERS)
    pieces: list[tuple[str, bool]] = [("…", False)] if start else []
    at = start
    for match in pattern.finditer(text, start):
        if match.start() >= end or not match[0]:
            break
        pieces += [(text[at : match.start()], False), (match[0], True)]
        at = match.end()
    pieces.append((text[at:end] + ("…" if end < len(text) else ""), False))
    return tuple((piece, marked) for piece, marked in pieces if piece)


def _term(text: str, words: TextAnalyzer) -> Term:
    meant = words.as_meant(text)
    counted = tuple(one.word for one in words.count(meant))
    pattern = _loosely(text)
    if len(counted) == 1 and len(counted[0]) > 1 and has_hangul(counted[0]):
        # what is still unanswered is not counted yet
        pattern = f"{pattern}|{_loosely(counted[0])}"
    stems = [one.word[:-1] for one in words.count(meant, ("verb", "adjective"))]
    if len(stems) == 1 and not counted and (inflected := _inflected(stems[0])):
        pattern = f"{pattern}|{inflected}"
    return Term(text, pattern, counted)


def _letters(text: str) -> list[str]:
    """What of a text is no _BETWEEN."""
    return [letter for letter in text if not letter.isspace() and letter not in "*_"]


def _loosely(text: str) -> str:
    letters = _letters(text)
    parts = [re.escape(letter) for letter in letters]
    if len(letters) > 1 and letters[-1] in _INITIALS and "가" <= letters[-2] <= "힣":
        # 막걸ㄹ, not yet 막걸리
        parts[-1] = f"[{letters[-1]}{_from(letters[-1], 'ㅏ')[0]}-{_from(letters[-1], 'ㅣ')[-1]}]"
    return _BETWEEN.join(parts)


def _inflected(stem: str) -> str:
    """The stem of a verb with what its last syllable becomes: 만들 finds 만드는 and 만든, 끓이 finds 끓인 and 끓여; "" where every text has it (가다)."""
    if not "가" <= stem[-1] <= "힣":
        return ""
    if len(stem) == 1:
        return stem if apart(stem)[2] else ""
    initial, vowel, _ = apart(stem[-1])
    contracted = "ㅐ" if (initial, vowel) == ("ㅎ", "ㅏ") else _CONTRACTED.get(vowel, "")
    last = "".join(f"{one[0]}-{one[-1]}" for one in (_from(initial, form) for form in vowel + contracted))
    return _BETWEEN.join([*map(re.escape, stem[:-1]), f"[{last}]"])


def _from(initial: str, vowel: str) -> Sequence[str]:
    """The first and the last syllable of these, which lie beside one another in Unicode: 라 and 랗."""
    return together(initial, vowel), together(initial, vowel, "ㅎ")


def _drink(value: str, words: TextAnalyzer) -> str:
    named = words.count(words.as_meant(value), ("drink",))
    return named[0].word if named else words.counted_as(value)


def _rating(value: str) -> Literal["", "good", "bad"]:
    if value and value.lower() not in _RATINGS:
        raise BadInput("search_rated", found=value[:40])
    return _RATINGS[value.lower()] if value else ""


def _day(value: str) -> date | None:
    found = _DATE.fullmatch(value)
    try:
        if found and int(found[1]) >= YEAR_MIN:
            return date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:  # the 30th of February
        pass
    if value:
        raise BadInput("search_before", found=value[:40])
    return None
