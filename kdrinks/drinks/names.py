"""The names that drinks go by, as the packaged data spells them; what words and the search both recognise.

Knows nothing of sentences: a name in, its spelling out.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from kdrinks.text import fuzzy
from kdrinks.text.analyzer import AmbiguousName, Names
from kdrinks.text.english import word_list
from kdrinks.text.hanja import HANJA, form
from kdrinks.text.korean import has_hangul
from kdrinks.text.typed import clean

_BRACKETS = re.compile(r"\s*\([^)]*\)")
_COMMON_LATIN = frozenset(
    "tea water wine punch drink liquor sake rice korean soju-like latte sap spirit brew cordial liqueur new year royal court million".split()
)
# Aliases that are whole other words in any sentence, and remarks that stand among the aliases.
NEVER_ALONE = frozenset({"장", "jang", "앵두편 아님", "toso", "sudan", "misu", "맑은술"})


@dataclass(frozen=True, slots=True)
class DrinkName:
    drink_id: str
    name: str
    """As written, brackets off: "고로쇠 수액", "Andong soju"."""


@cache
def drink_records() -> tuple[Mapping[str, object], ...]:
    text = resources.files("kdrinks").joinpath("data", "drinks.jsonl").read_text("utf-8")
    return tuple(json.loads(line) for line in text.splitlines() if line.strip())


def names_of(record: Mapping[str, object]) -> list[str]:
    """Every name of one drink without repetition: Korean name, English name, aliases; "청주·약주" gives both."""
    given = (record["name_ko"], record.get("title_ko"), record["name_en"], record.get("title_en"))
    raw = [clean(str(value)) for value in (*given, *_list(record.get("aliases"))) if value]
    found: dict[str, None] = {}
    for value in raw:
        if value in NEVER_ALONE:
            continue
        plain = _BRACKETS.sub("", value).strip()
        for name in re.split(r"\s*[·/]\s*", plain):
            if name and name not in NEVER_ALONE:
                found.setdefault(name)
        for bracketed in re.findall(r"\(([^)]*)\)", value) if value == raw[0] else ():
            for name in re.split(r"\s*[·/]\s*", bracketed):
                if has_hangul(name) and not _is_remark(name):
                    found.setdefault(name)
    return list(found)


@cache
def drink_names() -> tuple[DrinkName, ...]:
    return tuple(DrinkName(str(record["id"]), name) for record in drink_records() for name in names_of(record))


def counted_name(word: str, lang: str) -> str:
    """The name that a drink is counted by, for a chart: for English readers with its English one."""
    english = _english_titles().get(word.replace(" ", "")) if lang == "en" else None
    return f"{word} ({english})" if english else word


@cache
def _english_titles() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for record in drink_records():
        for name in names_of(record):
            if has_hangul(name):
                found.setdefault(name.replace(" ", ""), str(record["title_en"]))
    return found


@cache
def packaged_names() -> Names:
    """Every name of the packaged drinks, for a TextAnalyzer."""
    table = tomllib.loads(resources.files("kdrinks").joinpath("data", "ambiguous_names.toml").read_text("utf-8"))
    ambiguous = {
        name: AmbiguousName(row["default"], *(tuple(row.get(key, ())) for key in ("after", "other", "near")))
        for name, row in table["names"].items()
    }
    return Names(
        korean_words(),
        _latin_names(drink_records()),
        tuple(table["drink"]["near"]),
        ambiguous,
        _hanja_names(drink_records()),
        *_own_and_others(drink_records()),
    )


def spelled(records: Iterable[Mapping[str, object]]) -> Names:
    """The names of these drinks as they are written in a text."""
    records = list(records)
    own, others = _own_and_others(records)
    korean = korean_spellings(name for record in records for name in names_of(record))
    return Names(korean, _latin_names(records), hanja=_hanja_names(records), own=own, others=others)


def _own_and_others(records: Iterable[Mapping[str, object]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    records = list(records)
    own = tuple(name for record in records for name in _titles(record))
    return own, tuple(korean_spellings(name for record in records for name in names_of(record)))


@cache
def korean_words() -> Mapping[str, str]:
    """What Kiwi keeps whole -> how the word is shown: names of one word, and names of two words with the space left out."""
    spellings = korean_spellings(entry.name for entry in drink_names())
    spellings |= {word: word for word in word_list("drink_words.txt") if word not in spellings}
    for record in drink_records():
        official = str(record["name_ko"])
        if " " in official and "(" not in official:
            spellings[official.replace(" ", "")] = official
    return spellings


def korean_spellings(names: Iterable[str]) -> dict[str, str]:
    """Of names those that are Korean words, as Kiwi keeps them whole -> how they are shown; one syllable is no word of its own."""
    spellings: dict[str, str] = {}
    for name in names:
        parts = name.split()
        if has_hangul(name) and len(parts) == 1 and len(name) > 1:
            spellings[name] = name
        elif has_hangul(name) and len(parts) == 2 and not _is_description(parts):
            spellings["".join(parts)] = "".join(parts)
    return spellings


@cache
def latin_words() -> frozenset[str]:
    """Romanised names, lower-cased, hyphens as written; not descriptions such as "barley tea"."""
    return latin_spellings(entry.name for entry in drink_names())


def _latin_names(records: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """Romanised names -> the Korean name that they are counted by: of the drink's the one that sounds so, else its first."""
    found: dict[str, str] = {}
    for record in records:
        korean = list(dict.fromkeys((*_titles(record), *korean_spellings(names_of(record)))))
        english = [part.lower() for part in re.split(r"\s*[·/]\s*", _BRACKETS.sub("", str(record["name_en"])).strip())]
        own = dict(zip(english, _titles(record), strict=False))
        for name in sorted(latin_spellings(names_of(record))):
            sound = fuzzy.fold(name)
            far = [fuzzy.distance(fuzzy.fold(fuzzy.romanised(word)), sound, 1.0) for word in korean]
            found.setdefault(name, own.get(name) or korean[far.index(min(far))])
    return found


def _titles(record: Mapping[str, object]) -> list[str]:
    return re.split(r"\s*[·/]\s*", _BRACKETS.sub("", clean(str(record["name_ko"]))).strip())


def hanja_names_of(record: Mapping[str, object]) -> list[str]:
    """What a drink is called in hanja, as hanja.form has it."""
    called = names_of(record)
    listed = [name for name, hangul in _listed_hanja().items() if hangul in called]
    return [*_own_hanja(record), *listed]


def _own_hanja(record: Mapping[str, object]) -> list[str]:
    return [form(name) for name in clean(str(record.get("hanja") or "")).split(",") if HANJA.search(name)]


def _hanja_names(records: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """Names in hanja -> in Hangul; those of the list are names of the packaged drinks."""
    return {name: _titles(record)[0] for record in records for name in _own_hanja(record)} | _listed_hanja()


@cache
def _listed_hanja() -> dict[str, str]:
    listed = tomllib.loads(resources.files("kdrinks").joinpath("data", "hanja_names.toml").read_text("utf-8"))
    return {form(name): called for name, called in listed.items()}


def latin_spellings(names: Iterable[str]) -> frozenset[str]:
    found = set()
    for name in names:
        parts = name.lower().split()
        known = any(part in _COMMON_LATIN for part in parts) or _english_description(parts)
        if parts and not has_hangul(name) and not known:
            found.add(" ".join(parts))
    return frozenset(found)


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else ()


def _is_remark(name: str) -> bool:
    return name in {"희석식", "토산주", "현대 상표"}


def _is_description(parts: Sequence[str]) -> bool:
    return parts[-1] in {"술", "소주", "전통소주"} and parts[0] not in {"안동"}


def _english_description(parts: Sequence[str]) -> bool:
    """True for names made of English words: the ones of the romanised names are all absent from this list."""
    english = {
        "spicy", "red", "sweet", "poached", "barley", "cherry", "watermelon", "azalea", "fruit", "persimmon", "cinnamon", "ball", "pine",
        "pollen", "honey", "phoenix", "marrow", "multigrain", "powder", "roasted", "grain", "green", "sparrow's", "pear", "blossom", "yogurt",
        "mulled", "corn", "silk", "brown", "buckwheat", "seed", "tears", "jujube", "date", "ginger", "quince", "ginseng", "goji", "plum",
        "scorched", "coin", "fermented", "pumpkin", "lotus", "leaf", "root", "maple", "mulberry", "mugwort", "clear", "ear-brightening", "shoot",
        "hundred-day", "100-day", "sweet-flag", "flag", "sour", "five-fruit", "burdock", "tongue", "raspberry", "black", "millet", "diluted", "distilled",
        "style", "genmaicha-style", "magnolia", "berry", "five-flavour", "water",
    }  # fmt: skip
    return any(part in english for part in parts)
