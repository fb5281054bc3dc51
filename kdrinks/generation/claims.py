"""Which sentences of a free model's answer hold a figure or a name that stands in none of the passages it was given.

Pure: text in, places out. What can be checked letter by letter is checked: figures, drinks, and names of persons, places and books.
A sentence without any of them is not judged, and one that says the notes hold nothing is no claim. Small models that the guard
holds to their passages (guard.py) need none of this.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from markdown_it import MarkdownIt

from kdrinks.drinks.names import drink_names, latin_words
from kdrinks.records import Passage

Span = tuple[int, int]
"""From the first character of a sentence to behind its last, citation numbers included."""

_BLOCKS = MarkdownIt("commonmark").disable("inline")
"""Finds the blocks of code; of what stands in a line it knows nothing."""
_LINE = re.compile(r"[^\n]+")
_HEADING = re.compile(r"#{1,6} |\|? *:?-{3,}")
_MARKER = re.compile(r"\s*(?:>\s*)*(?:(?:[-*+•]|\(?\d{1,2}[.)])\s+)?")
_END = re.compile(r"[.!?。](?:[\"'”’)*_]*)(?:\s*\[\d+\])*(?=\s+(?:[A-Z가-힣\d\"'“‘『《(*\[-])|\s*$)")
_CITED = re.compile(r"\s*\[\d+\]")
_EMPHASIS = re.compile(r"[*_`#>|]+|~~+")

_NO_CLAIM = re.compile(
    r"자료(?:에|에는|에서|에서는|로는|만으로는)?[^.]*(?:없|않|못|어렵)|(?:알|답할|확인할|말씀드릴) 수 ?(?:가 )?없|모르겠|죄송|범위 밖"
    r"|\b(?:notes?|sources?|passages?|information|material)\b[^.]*\b(?:no|not|nothing|none|n't|lacks?|without)\b|n't (?:hold|contain|mention|say|include|provide)"
    r"|\b(?:no|not any) (?:information|mention|details?)\b|\bsorry\b|\b(?:do not|don't|cannot|can't) (?:know|say|tell|answer|confirm)|outside my scope",
    re.IGNORECASE,
)

_NUMBER = re.compile(r"(?<![\d.,])\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_UNITS: Mapping[str, str] = {
    # as written -> what it measures; a degree of liquor is a percent
    **dict.fromkeys(("%", "퍼센트", "프로", "percent", "per cent", "abv", "도", "℃", "°", "degree", "proof"), "degree"),
    **dict.fromkeys(("세기", "century", "centuries"), "century"),
    **dict.fromkeys(("시간", "hour"), "hour"),
    **dict.fromkeys(("분", "minute"), "minute"),
    **dict.fromkeys(("개월", "month", "달"), "month"),
    **dict.fromkeys(("그램", "gram"), "gram"),
    **dict.fromkeys(("킬로그램", "kg", "kilogram"), "kilogram"),
    **dict.fromkeys(("밀리리터", "ml", "millilit"), "millilitre"),
    **dict.fromkeys(("리터", "litre", "liter"), "litre"),
    **dict.fromkeys(("원", "won"), "won"),
}
_UNIT = re.compile(
    r"(?:st|nd|rd|th)?(?:\s?(?:~|-|–|to|and|에서)\s?\d+(?:\.\d+)?)?[ -]?("
    + "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
    + ")"
)
"""The unit behind a number; of a range it is the first number's too."""
_SPELLED: Mapping[str, int] = {
    word: value
    for value, words in {
        1: "one first once 한 하나 첫",
        2: "two second twice 두 둘",
        3: "three third thrice 세 셋 석",
        4: "four fourth 네 넷 넉",
        5: "five fifth 다섯",
        6: "six sixth 여섯",
        7: "seven seventh 일곱",
        8: "eight eighth 여덟",
        9: "nine ninth 아홉",
        10: "ten tenth 열",
        11: "eleven eleventh 열한",
        12: "twelve twelfth 열두",
        15: "fifteen fifteenth 보름",
        20: "twenty twentieth 스무",
        30: "thirty",
        100: "hundred 백",
        1000: "thousand 천",
    }.items()
    for word in words.split()
}
_SPELLED_WORD = re.compile(
    r"(?<![A-Za-z가-힣])(?:" + "|".join(sorted(_SPELLED, key=len, reverse=True)) + r")(?![A-Za-z])"
)

_CAPITALISED = re.compile(r"(?<=[a-z0-9,;)] )[A-Z][A-Za-zÀ-ÿ’'-]*[a-zÀ-ÿ][A-Za-zÀ-ÿ’'-]*")
# Names that any answer about Korean drinks may say, and words that English writes with a capital.
_COMMON = frozenset(
    "korea korean koreans english hangul hanja i'm i'd i'll i've mr mrs ms dr 한국 대한민국 한반도 우리나라 한국어".split()
)


class Figure(NamedTuple):
    value: float
    measures: str
    """Empty where no unit stands behind it; such a figure fits any unit."""


def unsupported_claims(
    answer: str, passages: Iterable[Passage], proper_nouns: Callable[[str], Iterable[str]], *, since: int = 0
) -> tuple[Span, ...]:
    """The sentences of an answer with a figure or a name that stands in no passage, in reading order.

    passages: all that the prompt held, those of earlier turns too.   proper_nouns: the Korean names of a text (TextAnalyzer.proper_nouns).
    since: where the model's own text begins; what stands before it was quoted.
    """
    passages = list(passages)
    evidence = " ".join(f"{passage.title} {passage.text}" for passage in passages)
    known = figures(evidence) | {Figure(float(_SPELLED[word]), "") for word in _SPELLED_WORD.findall(evidence.lower())}
    subjects = {passage.subject_id for passage in passages}
    letters = _letters(evidence)

    def supported(sentence: str) -> bool:
        if _NO_CLAIM.search(sentence):
            return True
        if not all(_stands(figure, known) for figure in figures(sentence)):
            return False
        names = {*proper_nouns(sentence), *_latin_names(sentence)} - _COMMON
        return all(_letters(name) in letters or _known_otherwise(name, subjects, letters) for name in names)

    return tuple(
        (since + start, since + end)
        for start, end in sentences(answer[since:])
        if not supported(_EMPHASIS.sub("", _CITED.sub("", answer[since + start : since + end])))
    )


def sentences(text: str) -> list[Span]:
    """The sentences of a Markdown text; no headings and no code, without the marks that begin a list's item."""
    lines = text.replace("\r", " ").split("\n")
    for token in _BLOCKS.parse("\n".join(lines)):
        for number in range(*(token.map or ())) if token.type == "fence" else ():
            lines[number] = " " * len(lines[number])
    found = []
    for line in _LINE.finditer("\n".join(lines)):
        if _HEADING.match(line[0].lstrip()):
            continue
        marker = _MARKER.match(line[0])
        start = line.start() + (marker.end() if marker else 0)
        for end in [match.end() for match in _END.finditer(line[0])] or [len(line[0])]:
            found.append((start, line.start() + end))
            start = line.start() + end
        found.append((start, line.end()))
    return [span for start, end in found if (span := _trimmed(text, start, end))]


def figures(text: str) -> set[Figure]:
    """The numbers of a text with what they measure: `1,500 ml`, `6~8%`, `15도`, `1924년`."""
    plain = unicodedata.normalize("NFKC", text).replace("°C", "℃").lower()
    found = set()
    for match in _NUMBER.finditer(plain):
        unit = _UNIT.match(plain, match.end())
        found.add(Figure(float(match[0].replace(",", "")), _UNITS[unit[1]] if unit else ""))
    return found


def _stands(figure: Figure, known: Iterable[Figure]) -> bool:
    return any(
        figure.value == other.value and (figure.measures == other.measures or not (figure.measures and other.measures))
        for other in known
    )


def _latin_names(sentence: str) -> set[str]:
    """Words with a capital inside a sentence, and romanised drinks wherever they stand; without a genitive's s."""
    words = {re.sub(r"['’]s$", "", word).lower() for word in _CAPITALISED.findall(sentence)}
    lowered = f" {re.sub(r'[^a-z가-힣-]+', ' ', sentence.lower())} "
    return words | {name for name in latin_words() if f" {name} " in lowered}


def _known_otherwise(name: str, subjects: set[str], letters: str) -> bool:
    """Whether the passages hold the drink of this name under another one: 감주 for gamju, shikhye for sikhye."""
    own = _drinks().get(_letters(name), ())
    return any(drink in subjects or any(other in letters for other in _names()[drink]) for drink in own)


@cache
def _names() -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for entry in drink_names():
        if len(entry.name) > 1:
            found.setdefault(entry.drink_id, []).append(_letters(entry.name))
    return found


@cache
def _drinks() -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for drink, names in _names().items():
        for name in names:
            found.setdefault(name, []).append(drink)
    return found


def _letters(text: str) -> str:
    """Lower-cased letters and digits alone, so that spaces and hyphens make no difference."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).lower() if letter.isalnum())


def _trimmed(text: str, start: int, end: int) -> Span | None:
    sentence = text[start:end]
    if not any(letter.isalnum() for letter in _CITED.sub("", sentence)):
        return None
    return start + len(sentence) - len(sentence.lstrip()), end - len(sentence) + len(sentence.rstrip())
