"""Details as somebody types them: a row each, its figures as a text (`rice: 5 cup; malt: 2~2.5 cup`), and what does not fit named by row.

Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from kdrinks.drinks.model import Aspect, Detail, Figure, Group, Level, Unit
from kdrinks.drinks.problems import Problem, is_address, no_sentence
from kdrinks.drinks.read import out_of_range, record_of

Row = Mapping[str, Any]
"""aspect, ko, en, figures, group, level, question_ko and question_en as texts, sources as a tuple of addresses."""

TEXTS = ("aspect", "ko", "en", "figures", "group", "level", "question_ko", "question_en")
CLOSED: Mapping[str, tuple[str, ...]] = {"aspect": get_args(Aspect), "group": get_args(Group), "level": get_args(Level)}
TEXT_MAX = 500
"""Characters of a sentence; the longest packaged one has 286."""

_NUMBER = r"-?\d+(?:\.\d+)?"
_FIGURE = re.compile(rf"(?:(?P<what>.*):\s*)?(?P<min>{_NUMBER})(?:\s*[~–]\s*(?P<max>{_NUMBER}))?\s*(?P<unit>.*)")


def row_of(detail: Detail) -> Row:
    """The row as it opens for a detail."""
    return {
        **{name: getattr(detail, name) for name in ("aspect", "ko", "en", "group", "level", "sources")},
        "figures": "; ".join(_figure_text(figure) for figure in detail.figures),
        "question_ko": detail.question.ko,
        "question_en": detail.question.en,
    }


def record_from(row: Row, before: Iterable[Detail]) -> dict[str, Any]:
    """The detail's record. before: details whose confidence is kept where the row says the same. Raises ValueError for figures."""
    same = next((detail for detail in before if row_of(detail) == {**row, "sources": tuple(row["sources"])}), None)
    if same:
        return record_of(same)
    question = {lang: row[f"question_{lang}"] for lang in ("ko", "en")}
    return {
        "aspect": row["aspect"],
        "ko": row["ko"],
        "en": row["en"],
        **({"figures": [_figure(text) for text in _figures(row)]} if row["figures"] else {}),
        **{name: row[name] for name in ("group", "level") if row[name]},
        **({"question": question} if any(question.values()) else {}),
        **({"sources": list(row["sources"])} if row["sources"] else {}),
        "confidence": "medium",
    }


def problems(rows: Sequence[Row]) -> Iterator[Problem]:
    """What keeps the rows from being details, each with its row (from 1) and what was found there."""
    for number, row in enumerate(rows, 1):
        yield from _of_row(number, row)


def _of_row(number: int, row: Row) -> Iterator[Problem]:
    for name, known in CLOSED.items():
        if row[name] not in known:
            key = "row_choose" if not row[name] else "row_unknown"
            yield Problem(f"detail_{name}", key, {"row": number, "found": row[name]})
    for lang in ("ko", "en"):
        text = row[lang]
        if not text:
            yield Problem(f"detail_{lang}", "row_missing", {"row": number})
        elif len(text) > TEXT_MAX:
            yield Problem(f"detail_{lang}", "row_too_long", {"row": number, "count": len(text), "limit": TEXT_MAX})
        elif wrong := no_sentence(text, lang):
            yield Problem(f"detail_{lang}", f"row_{wrong}", {"row": number})
    if row["aspect"] == "safety":
        for name in ("group", "level"):
            if not row[name]:
                yield Problem(f"detail_{name}", "row_choose", {"row": number, "found": ""})
    elif row["group"] or row["level"]:
        yield Problem("detail_group", "row_only_safety", {"row": number})
    if bool(row["question_ko"]) != bool(row["question_en"]):
        yield Problem(f"detail_question_{'en' if row['question_ko'] else 'ko'}", "row_missing", {"row": number})
    for text in _figures(row):
        if unfit := _wrong_figure(text):
            key, values = unfit
            yield Problem("detail_figures", key, {"row": number, "found": text, **values})
    for address in row["sources"]:
        if not is_address(address):
            yield Problem("detail_sources", "row_address", {"row": number, "found": address})


def _figures(row: Row) -> list[str]:
    return [text.strip() for text in re.split(r"[;\n]", row["figures"]) if text.strip()]


def _wrong_figure(text: str) -> tuple[str, dict[str, object]] | None:
    found = _FIGURE.fullmatch(text)
    if not found:
        return "row_figure", {}
    units = get_args(Unit)
    if found["unit"] not in units:
        return ("row_unit_unknown" if found["unit"] else "row_unit_missing"), {"units": ", ".join(units)}
    record = _figure(text)
    limits = out_of_range(Figure(**record))
    return ("row_range", {"low": f"{limits[0]:g}", "high": f"{limits[1]:g}"}) if limits else None


def _figure(text: str) -> dict[str, Any]:
    found = _FIGURE.fullmatch(text)
    if not found:
        raise ValueError(text)
    low, high = _number(found["min"]), _number(found["max"] or found["min"])
    return {"what": (found["what"] or "").strip(), "min": low, "max": high, "unit": found["unit"]}


def _figure_text(figure: Figure) -> str:
    what = f"{figure.what}: " if figure.what else ""
    high = "" if figure.min == figure.max else f"~{_shown(figure.max)}"
    return f"{what}{_shown(figure.min)}{high} {figure.unit}"


def _shown(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value.is_integer() else value
