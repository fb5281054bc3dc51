"""A table's cells as sentences, `Name: value, ...` for each row, whatever file it stands in. Pure.

What a table does not say of itself is read from its cells: whether the first row names the columns, and whether a column names what
stands beside it (`도수 | 13도`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from kdrinks.documents.chunks import Unreadable

COLUMNS_MAX = 500
CELLS_MAX = 200_000
"""Merged ones counted for every place that they cover: `colspan` is a number that anybody can write."""

_FIGURE = re.compile(r"[-+~₩$€]?\s?\d[\d.,:/~%\s-]*[^\W\d_]{0,3}")
_YEAR = re.compile(r"(?:19|20)\d\d년?")
_LABEL = re.compile(
    r"\s*(?:이름|품명|품목|제품명?|상품명?|술|음료|차|메뉴|항목|구분|분류|종류|내용|도수|알코올|값|가격|판매가|정가|단가|재료|원료|주재료|용량|수량|"
    r"규격|산지|원산지|지역|제조사?|양조장|주소|위치|전화(?:번호)?|연락처|문의|영업\s?시간|시간|요일|날짜|일시|장소|휴무일?|예약|보관(?:법|방법)?|"
    r"유통\s?기한|소비\s?기한|비고|설명|특징|맛|향|담당자?|"
    r"name|item|drink|product|menu|type|kind|abv|alcohol|strength|price|cost|ingredients?|volume|size|origin|region|maker|brewery|"
    r"address|phone|tel|contact|hours|time|day|date|place|closed|storage|notes?|description|taste)\s*[:：]?\s*",
    re.IGNORECASE,
)
"""What stands where a table names things; compared whole."""
_NAMING = re.compile(
    r"\s*(?:이름|품명|품목|제품명?|상품명?|메뉴|항목|구분|분류|종류|name|item|product|menu|type|kind)\s*", re.IGNORECASE
)
"""What stands over the names themselves: nothing to drink is called so."""


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    rows: int = 1
    columns: int = 1
    head: bool = False
    """Whether the file says that it names others."""


def grid(rows: Iterable[Sequence[Cell]]) -> list[list[Cell]]:
    """Every place with its cell; a merged one stands at each of its places, as the same object. Raises Unreadable."""
    listed = list(rows)
    places: list[dict[int, Cell]] = [{} for _ in listed]
    count, most = 0, max((len(row) for row in listed), default=0)
    for number, row in enumerate(listed):
        column = 0
        for cell in row:
            while column in places[number]:
                column += 1
            tall = min(max(cell.rows or len(listed), 1), len(listed) - number)
            wide = max(min(cell.columns, most), 1)  # "100" says all there are
            count += tall * wide
            if column + wide > COLUMNS_MAX or count > CELLS_MAX:
                raise Unreadable("document_too_wide", limit=f"{COLUMNS_MAX:,}")
            for down in range(tall):
                for across in range(wide):
                    places[number + down].setdefault(column + across, cell)
            column += wide
    empty = Cell("")
    return [[row.get(column, empty) for column in range(max(row, default=-1) + 1)] for row in places]


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    """From 0."""
    text: str
    alone: bool
    """Whether it says something by itself; where names stand beside their values the rows say it together."""


def said(rows: Iterable[Sequence[Cell]], *, heads: int | None = None) -> Iterator[Row]:
    """Each row that is no head, as a sentence. heads: how many are; None finds out."""
    placed = [_trimmed(row) for row in rows]
    over = 0 if heads else titles(placed)
    yield from (Row(number, _alone(row), alone=False) for number, row in enumerate(placed[:over]) if _filled(row))
    body = placed[over:]
    if heads is None:
        heads = _declared(body) or _guessed(body)
    if not heads:
        body = _labelled(body)
    names = _names(body[:heads])
    for number, row in enumerate(body[heads:], over + heads):
        remark = len(names) > 1 and _filled(row) == 1 and bool(row[0].text)
        if text := _alone(row) if remark or _is_merged(row) else _sentence(names, row):
            yield Row(number, text, alone=bool(heads) or not any(cell.head for cell in row))


def texts(rows: Iterable[Iterable[str]]) -> list[list[Cell]]:
    return [[Cell(text.strip()) for text in row] for row in rows]


def _trimmed(row: Sequence[Cell]) -> list[Cell]:
    """Without the empty cells at its end, which spreadsheets add."""
    end = max((at for at, cell in enumerate(row, 1) if cell.text), default=0)
    return list(row[:end])


def titles(rows: Sequence[Sequence[Cell]]) -> int:
    """How many rows at the top are a title over the table: a single cell, or one merged over the width, where others have more."""
    widths = Counter(_filled(row) for row in rows)
    if not any(width > 1 for width in widths):
        return 0
    for number, row in enumerate(rows):
        if _filled(row) > 1 and not _is_merged(row):
            return number
    return 0


def _filled(row: Sequence[Cell]) -> int:
    return sum(bool(cell.text) for cell in row)


def _is_merged(row: Sequence[Cell]) -> bool:
    """Whether one cell fills the whole row: it names the rows beneath, or says something of all."""
    return len(row) > 1 and all(cell is row[0] for cell in row)


def _alone(row: Sequence[Cell]) -> str:
    return " ".join(dict.fromkeys(cell.text for cell in row if cell.text))


def _declared(rows: Sequence[Sequence[Cell]]) -> int:
    """How many rows the file itself calls the head; a table must have something under it."""
    heads = 0
    for row in rows[:-1]:
        filled = [cell for cell in row if cell.text]
        if len(filled) < 2 or not all(cell.head for cell in filled):
            break
        heads += 1
    # a first column of which all cells are heads, under a head that is marked too, names rows: it is no second head
    return heads


def _guessed(rows: Sequence[Sequence[Cell]]) -> int:
    """1 where the first row names the columns: no figures in it but years or a count, and something that tells it from the others."""
    if len(rows) < 2 or any(cell.head for row in rows for cell in row):
        return 0
    head = [cell.text for cell in rows[0]]
    filled = [text for text in head if text]
    if len(filled) < 2 or 2 * len(filled) < len(head) or any(len(text) > 60 for text in filled):
        return 0
    labels = [text for text in filled if _LABEL.fullmatch(text)]
    if len(head) == 2 and len(labels) < 2 and _are_labels([row[0].text for row in rows if row]):
        return 0
    if len(labels) < len(filled) and _label_columns(rows) - {0}:
        return 0
    if figures := [text for text in filled if _FIGURE.fullmatch(text)]:
        over_names = not (head[0] and _FIGURE.fullmatch(head[0])) and _counts_up(figures)
        return int(over_names or bool(_NAMING.fullmatch(head[0])))
    measured = any(_FIGURE.fullmatch(cell.text) for row in rows[1:] for cell in row[1:])
    if len(set(filled)) < len(filled):
        return int(bool(labels))
    return int(bool(labels) or measured or len(head) > 2)


def _counts_up(figures: Sequence[str]) -> bool:
    """2024, 2025 or 1월, 2월, 3월: figures that name columns and measure nothing."""
    if all(_YEAR.fullmatch(figure) for figure in figures):
        return True
    numbers = [int(match[0]) for figure in figures if (match := re.match(r"\d+", figure))]
    return len(numbers) == len(figures) > 2 and all(b - a == 1 for a, b in pairwise(numbers))


def _are_labels(column: Sequence[str]) -> bool:
    filled = [text for text in column if text]
    found = sum(bool(_LABEL.fullmatch(text)) for text in filled)
    return found >= 2 and 2 * found > len(filled)


def _label_columns(rows: Sequence[Sequence[Cell]]) -> set[int]:
    """The columns (of the even ones) that name what stands right of them."""
    width = max((len(row) for row in rows), default=0)
    if width % 2 or width > 8:
        return set()
    return {at for at in range(0, width, 2) if _are_labels([row[at].text for row in rows if len(row) > at])}


def _labelled(rows: list[list[Cell]]) -> list[list[Cell]]:
    columns = _label_columns(rows)
    return [[replace(cell, head=True) if at in columns else cell for at, cell in enumerate(row)] for row in rows]


def _names(heads: Sequence[Sequence[Cell]]) -> list[str]:
    """The names of the columns: those of several rows above each other, each once."""
    width = max((len(row) for row in heads), default=0)
    return [
        " ".join(dict.fromkeys(row[at].text.rstrip(" :：") for row in heads if at < len(row) and row[at].text))
        for at in range(width)
    ]


def _sentence(names: Sequence[str], row: Sequence[Cell]) -> str:
    parts: list[str] = []
    label = ""
    for at, cell in enumerate(row):
        if not cell.text or (not names and at and cell is row[at - 1]):
            continue
        name = names[at] if at < len(names) else ""
        if not names and cell.head and not label and at + 1 < len(row):
            label = cell.text.rstrip(" :：")
            continue
        name = name or label
        label = ""
        parts.append(f"{name}: {cell.text}" if name else cell.text)
    if label:
        parts.append(label)
    return ", ".join(parts)
