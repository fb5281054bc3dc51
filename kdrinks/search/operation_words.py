"""The words of data/operations.toml: by which people ask for many drinks, in both languages. Pure: text in, places or values out."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from kdrinks.records import Language
from kdrinks.store.drink_queries import Measure

_KO_NUMBER = r"\d+(?:\.\d+)?|반|한|두|세|네|다섯|여섯|일곱|여덟|아홉|열"
_TIME_KO = re.compile(
    rf"(?P<n>{_KO_NUMBER}) ?(?P<unit>시간|분|일|날)(?P<half> ?반)? ?(?:안|이내|내로|내에|이하|미만|정도|만에|컷|으로|이면|밖에|까지|뒤|후|남)"
)
_TIME_EN = re.compile(
    r"\b(?:in|within|under|less than|at most|no more than|up to|fewer than|max(?:imum)?|only have|have(?: only)?|got|inside|below)"
    r" (?:about |around |just |only |max )?(?P<n>half an|half a|a couple of|\d+(?:\.\d+)?|[a-z]+)[- ]?(?P<unit>hours?|hrs?|h|minutes?|mins?|m|days?)\b"
)
_ABV_KO = r"\d+(?:\.\d+)?"
_ABV = re.compile(
    rf"(?P<a>{_ABV_KO}) ?(?:도|%|퍼센트|프로)?(?: ?(?:~|-|에서|부터) ?| (?:and|to) )(?P<b>{_ABV_KO}) ?(?:도|%|퍼센트|프로|percent)"
    rf"|(?P<n>{_ABV_KO}) ?(?:도|%|퍼센트|프로|percent)(?:가|는|를|보다|인|짜리)? ?(?P<way>이상|넘|초과|위|센|쎈|높|독|이하|미만|아래|밑|안 ?(?:되|넘)|약|낮|순)"
    rf"|(?P<way_en>over|above|more than|at least|stronger than|higher than|minimum|exceed\w*|upwards of|under|below|less than|at most|weaker than|lower than|up to|no more than|not more than|maximum)"
    rf" (?:of )?(?P<n_en>{_ABV_KO}) ?(?:%|per ?cent|abv|degrees)"
    rf"|(?P<n_after>{_ABV_KO}) ?(?:%|per ?cent)(?: abv| alcohol)? (?P<way_after>or (?:more|higher|above|over|stronger|less|lower|below|under|weaker)|and (?:up|above|over|under|below)|plus)"
)
_AT_MOST = re.compile(
    r"이하|미만|아래|밑|안|약|낮|순|under|below|less|at most|weaker|lower|up to|no more|not more|maximum"
)
_DROPPED = re.compile(
    r"\b(?:drop|remove|skip|exclude|leave out|take out|without|except|not|no|minus|ditch)(?: (?:the|those|any|all|ones?|that|are|is|liquors?|drinks?|of|everything|anything|which))* ?$"
)
_DROPPED_BEHIND = re.compile(
    r"(?:인|은|는|짜리|의|되는)? ?(?:거|것|건|걸|술|애들|것들)?(?:은|는|을|를)? ?(?:다 |전부 |모두 )?(?:빼|제외|말고|지우|거르|없애)"
)
"""`drop the ones under 20%` leaves those above it."""
_YEAR = re.compile(
    r"(?P<before>(?<!\d)\d{3,4})년? ?(?:도 ?)?(?:이전|전)|(?P<since>(?<!\d)\d{3,4})년? ?(?:도 ?)?(?:이후|부터|후)"
    r"|\b(?:before|prior to|older than|until|earlier than) (?:the year )?(?P<before_en>\d{3,4})\b|\b(?:since|after|later than|from) (?:the year )?(?P<since_en>\d{3,4})\b"
)
_CENTURY = re.compile(
    r"(?P<century>\d{1,2}) ?세기|(?P<year>\d{2}00)(?:년대|s\b)|\b(?P<century_en>\d{1,2})(?:st|nd|rd|th)[- ]century"
)
_BEFORE = re.compile(r"(?: ?(?:시대|때|왕조))? ?(?:이전|전|보다 ?(?:앞|먼저|오래))")
_BEFORE_EN = re.compile(r"(?:before|prior to|older than|pre-?) ?(?:the )?$")


@cache
def table() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("kdrinks").joinpath("data", "operations.toml").read_text("utf-8"))


def said(name: str, text: str, lang: Language) -> re.Match[str] | None:
    """Where the text has one of the words: of [words], by its name without the language."""
    words = table()["words"]
    key = f"{name}_{lang}" if f"{name}_{lang}" in words else name
    return _words(key).search(text)


@cache
def _words(key: str) -> re.Pattern[str]:
    return re.compile(table()["words"][key])


def measured(text: str, lang: Language, *, compared: bool = False) -> tuple[Measure, bool, re.Match[str]] | None:
    """(measure, whether more of it, where) that the text asks by; compared: in the comparative. Of several the first in the text."""
    found = [
        (measure, way == "high", match)
        for measure, words in table()["measure"].items()
        for way in ("high", "low")
        for key in [f"than_{way}_en" if compared and lang == "en" else f"{way}_{lang}"]
        if key in words
        for match in [_words_of("measure", measure, key).search(text)]
        if match
    ]
    # the longer one of two at one place: `longest history` is no `longest`
    return min(found, key=lambda one: (one[2].start(), -len(one[2][0])), default=None)


def measure_named(text: str, lang: Language) -> tuple[Measure, bool, re.Match[str]] | None:
    """The same where only the measure is named: `compare the abv of these`; more of it comes first."""
    found = [(measure, _words_of("measure", measure, f"named_{lang}").search(text)) for measure in table()["measure"]]
    return next(((measure, True, match) for measure, match in found if match), None)


def qualities(text: str, lang: Language) -> list[str]:
    """What the text sets drinks beside each other by, where it is told and not measured: names of [quality]."""
    return [name for name in table()["quality"] if _words_of("quality", name, lang).search(text)]


def unknown(text: str, lang: Language) -> str:
    """What the text wants drinks measured by that no record has a figure for; "" for none."""
    return next((name for name in table()["unknown"] if _words_of("unknown", name, lang).search(text)), "")


@cache
def _words_of(group: str, name: str, key: str) -> re.Pattern[str]:
    return re.compile(table()[group][name][key])


def hours(text: str, lang: Language) -> float | None:
    """The time that there is, in hours."""
    match = (_TIME_KO if lang == "ko" else _TIME_EN).search(text)
    if not match:
        return None
    number = _number(match["n"], lang)
    if number is None:
        return None
    if lang == "ko" and match["half"]:
        number += 0.5
    unit = match["unit"]
    return number * (24 if unit in ("일", "날") or unit.startswith("d") else 1 if unit[0] in "시h" else 1 / 60)


def strengths(text: str) -> tuple[float | None, float | None]:
    """(at least, at most) percent of alcohol that the text asks for."""
    least: float | None = None
    most: float | None = None
    for match in _ABV.finditer(text):
        if match["a"]:
            least, most = sorted((float(match["a"]), float(match["b"])))
            continue
        number = float(match["n"] or match["n_en"] or match["n_after"])
        low = _AT_MOST.search(match["way"] or match["way_en"] or match["way_after"])
        dropped = _DROPPED.search(text[: match.start()]) or _DROPPED_BEHIND.match(text[match.end() :])
        if bool(low) != bool(dropped):
            most = number
        else:
            least = number
    return least, most


def years(text: str) -> tuple[float | None, float | None]:
    """(not before, before) the years of a first record that the text asks for."""
    since: float | None = None
    before: float | None = None
    for match in _YEAR.finditer(text):
        if year := match["before"] or match["before_en"]:
            before = float(year)
        else:
            since = float(match["since"] or match["since_en"])
    if century := _CENTURY.search(text):
        since = float(century["year"] or (int(century["century"] or century["century_en"]) - 1) * 100)
        before = since + 100
    for period in table()["periods"].values():
        if found := re.search(period["words"], text):
            if _BEFORE.match(text, found.end()) or _BEFORE_EN.search(text[: found.start()]):
                before = float(period["from"])
            else:
                since, before = float(period["from"]), float(period["before"])
    return since, before


def figures(text: str, lang: Language) -> Iterator[re.Match[str]]:
    """Where times, strengths and years stand."""
    for pattern in (_TIME_KO if lang == "ko" else _TIME_EN, _ABV, _YEAR):
        yield from pattern.finditer(text)


def how_many(text: str, lang: Language) -> int:
    """`the three strongest`, `제일 센 술 3개`: how many are wanted; 0 where it says nothing."""
    if lang == "ko":
        match = re.search(
            rf"(?:탑|톱|상위|베스트) ?(\d+)|(?<![\d.])({_KO_NUMBER}) ?(?:가지|개|종류|종|위까지|순위)(?!월)", text
        )
    else:
        match = re.search(
            r"\btop[- ]?(\d+|[a-z]+)\b|\b(\d+|two|three|four|five|six|seven|eight|nine|ten) (?=\w+est\b|most\b|least\b|drinks?\b|teas?\b|liquors?\b)",
            text,
        )
    if not match:
        return 0
    number = _number(match[1] or match[2], lang)
    return int(number) if number and 1 < number <= 50 else 0


_PLACES = {"second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5, "5th": 5}


def place(text: str, lang: Language) -> int:
    """`the second strongest`, `두 번째로 센`: 2; 0 where no place is asked for."""
    match = said("place", text, lang)
    if not match:
        return 0
    word = next(one for one in match.groups() if one)
    return _PLACES.get(word) or int(_number(word, lang) or 0)


def _number(text: str, lang: Language) -> float | None:
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    found = table()["numbers"][lang].get(text)
    return float(found) if found is not None else None
