"""The lists of data/concerns.toml, made into expressions once: how its words are written stands at its top. Pure but for that file."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kdrinks.drinks.read import DATA
from kdrinks.errors import KnowledgeError
from kdrinks.text import fuzzy

_NATIVE = (
    "영 한 두 세 네 다섯 여섯 일곱 여덟 아홉 열 열한 열두 열세 열네 열다섯 열여섯 열일곱 열여덟 열아홉 스무".split()
)
_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
).split()
_NUMBER = re.compile(r"\{(\d+)-(\d+)\}")
_IN_BRACKETS = re.compile(r"(\[[^\]]*\][-+*?]?)")
_PLAIN = re.compile(r"[a-z]{7,}|[가-힣]{3,}")


@dataclass(frozen=True, slots=True)
class WordList:
    group: str
    what: str
    topic: str
    needs: str
    weight: int
    ko: re.Pattern[str] | None
    en: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    long: tuple[str, ...]
    """Words long enough to be found with a letter wrong."""


@cache
def table() -> Mapping[str, Any]:
    path = Path(DATA) / "concerns.toml"
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise KnowledgeError("data_unreadable", file=path.name, reason=str(exc)) from exc


@cache
def lists() -> tuple[WordList, ...]:
    return tuple(_list(row) for row in table()["list"])


@cache
def things() -> tuple[WordList, ...]:
    return tuple(_list({"group": "allergy", **row}) for row in table()["thing"])


@cache
def cues() -> Mapping[str, tuple[re.Pattern[str], ...]]:
    return {
        row["name"]: tuple(pattern for pattern in (_korean(row["ko"]), _english(row["en"])) if pattern)
        for row in table()["cue"]
    }


def _list(row: Mapping[str, Any]) -> WordList:
    return WordList(
        row["group"],
        row.get("what", ""),
        row.get("topic", ""),
        row.get("needs", ""),
        row.get("weight", 0),
        _korean(row["ko"]),
        _english(row["en"]),
        re.compile("|".join(_spaced(word) for word in row["unless"])) if row.get("unless") else None,
        tuple(
            word
            for word in (entry.strip("*") for entry in (*row["ko"], *row["en"]))
            if _PLAIN.fullmatch(word) and (word[0] < "가" or len(fuzzy.jamo(word)) >= 7)
        ),
    )


def _korean(words: Sequence[str]) -> re.Pattern[str] | None:
    parts = [_spaced(word[1:]) if word.startswith("*") else rf"(?<![가-힣])(?:{_spaced(word)})" for word in words]
    return re.compile("|".join(f"(?:{part})" for part in parts)) if parts else None


def _english(words: Sequence[str]) -> re.Pattern[str] | None:
    parts = [rf"(?<![\w'])(?:{_spaced(word)})" + ("" if word.endswith("*") else r"(?:'?s)?(?!\w)") for word in words]
    return re.compile("|".join(f"(?:{part})" for part in parts)) if parts else None


def _spaced(word: str) -> str:
    """The expression of a word as concerns.toml writes it; what stands in [] stays as it is."""
    korean = bool(re.search("[가-힣]", word))
    word = _NUMBER.sub(lambda match: _numbers(int(match[1]), int(match[2]), _NATIVE if korean else _ENGLISH), word)
    pieces = _IN_BRACKETS.split(word)
    space = "[ -]?" if korean else "[ -]"
    pieces[::2] = [re.sub(r"(?<=[a-z)])\*", r"\\w*", re.sub(r" (?!\?)", space, piece)) for piece in pieces[::2]]
    return "".join(pieces)


def _numbers(first: int, last: int, words: Sequence[str]) -> str:
    """Every number of a range in digits and in words."""
    said = [*(str(number) for number in range(first, last + 1)), *words[first : last + 1]]
    return rf"(?:(?<![\d.\w])(?:{'|'.join(sorted(said, key=len, reverse=True))})(?![\d.]))"
