"""The drinks as files: JSONL holds records as they are, CSV a row a drink that a spreadsheet can edit; both come back the same.

Pure. In CSV a list is a cell with a line for each item, a field inside another is written with a dot (summary.ko, tags.season), and
each detail is a line of JSON.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kdrinks import given
from kdrinks.drinks import corrections, form
from kdrinks.drinks.catalog import DrinkCatalog, packaged
from kdrinks.drinks.model import Bilingual, BilingualList, Drink
from kdrinks.drinks.problems import Problem
from kdrinks.drinks.read import drink_from, fields_of, later_fields, record_of, whole_record_of
from kdrinks.errors import BadInput, KnowledgeError
from kdrinks.files import bare_name
from kdrinks.store.spreadsheet import cell, text_of
from kdrinks.text.typed import clean

FORMATS = ("jsonl", "csv")
SIZE_MAX_BYTES = 5 * 1024 * 1024
ROWS_MAX = 5_000
"""Fifty times the packaged drinks; every drink is checked and searched in memory."""
TEXT_MAX_CHARACTERS = 4_000
"""Of a single text; the longest packaged one has 505. The form knows lower limits for most fields, and names them."""

_BOTH = ("ko", "en")
_TEXTS = ("id", "name_ko", "title_ko", "hanja", "name_en", "title_en", "category", "confidence")
_LISTS = ("aliases", "old_texts", "similar", "sources")
_BOTH_TEXTS = fields_of(Bilingual)
_BOTH_LISTS = fields_of(BilingualList)
_FACTS = ("facts", "heritage")
_ABV = ("min", "max", "note.ko", "note.en", "confidence")
_TAGS = (*form.TAGS, "alcohol", "caffeine")
COLUMNS = (
    *_TEXTS,
    *(f"{name}.{lang}" for name in (*_BOTH_TEXTS, *_BOTH_LISTS) for lang in _BOTH),
    *(f"{name}.{part}" for name in _FACTS for part in (*_BOTH, "sources", "confidence")),
    "is_alcoholic",
    *(f"abv_percent.{part}" for part in _ABV),
    *(f"tags.{group}" for group in _TAGS),
    *_LISTS,
    "details",
)

_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class ImportDiff:
    """What a file would change."""

    new: Mapping[str, Mapping[str, Any]]
    changed: Mapping[str, Mapping[str, Any]]
    """Records by drink id."""
    same: int
    wrong: tuple[tuple[int, str, Problem], ...]
    """Row (from 1, without the head), drink id and what does not fit; with any of these nothing may be saved."""
    stays: tuple[tuple[int, str, Problem], ...] = ()
    """Likewise what the file takes out that protects people: the package goes on saying it."""


def as_jsonl(drinks: Iterable[Drink]) -> bytes:
    return "".join(json.dumps(whole_record_of(drink), ensure_ascii=False) + "\n" for drink in drinks).encode()


def as_csv(drinks: Iterable[Drink]) -> bytes:
    """With a byte order mark, so that spreadsheets read it as UTF-8."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for drink in drinks:
        writer.writerow({name: cell(text) for name, text in _cells(whole_record_of(drink)).items()})
    return out.getvalue().encode("utf-8-sig")


def read(content: bytes, name: str, now: DrinkCatalog) -> ImportDiff:
    """What a file holds against the catalog. name: its ending says the format.

    Raises BadInput when it is no JSONL or CSV of drinks at all, is empty or too large.
    """
    name = bare_name(name)
    if len(content) > SIZE_MAX_BYTES:
        raise BadInput("import_too_large", file=name, limit=SIZE_MAX_BYTES // 1024**2)
    try:
        text = given.text(content)
    except given.Unfit as exc:
        raise BadInput("import_unreadable", file=name, reason=exc) from exc
    if name.lower().endswith(".jsonl"):
        records = _from_jsonl(text, name)
    elif name.lower().endswith(".csv"):
        records = _from_csv(text, name)
    else:
        raise BadInput("import_format", file=name)
    if not records:
        raise BadInput("import_empty", file=name)
    return _compare([_cleaned(record) for record in records], now)


def _cleaned(value: Any) -> Any:
    """A record with every text in the letters that names and searches compare."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {_cleaned(name): _cleaned(one) for name, one in value.items()}
    return [_cleaned(one) for one in value] if isinstance(value, list) else value


def _compare(records: Sequence[Mapping[str, Any]], now: DrinkCatalog) -> ImportDiff:
    old = now.by_id
    known = {*old, *(str(record.get("id", "")) for record in records)}
    new: dict[str, Mapping[str, Any]] = {}
    changed: dict[str, Mapping[str, Any]] = {}
    wrong: list[tuple[int, str, Problem]] = []
    stays: list[tuple[int, str, Problem]] = []
    seen: set[str] = set()
    same = 0
    for number, record in enumerate(records, 1):
        drink_id = str(record.get("id", ""))
        told_id = given.shortened(drink_id)
        if drink_id in seen:
            wrong.append((number, told_id, Problem("id", "twice")))
            continue
        seen.add(drink_id)
        if (longest := _longest(record)) > TEXT_MAX_CHARACTERS:
            reason = f"a text of {longest:,} characters, more than {TEXT_MAX_CHARACTERS:,}"
            wrong.append((number, told_id, Problem("record", "shape", {"reason": reason})))
            continue
        try:
            drink, taken = _completed(record, old.get(drink_id))
        except KnowledgeError as error:
            wrong.append((number, told_id, Problem("record", "shape", {"reason": error.values["reason"]})))
            continue
        stays += [(number, told_id, Problem(field, "stays", {"found": _named(item)})) for field, item in taken]
        found = form.validate(form.form_from(drink), known, is_new=False)
        wrong += [(number, told_id, problem) for problem in found]
        if drink_id not in old:
            new[drink_id] = record_of(drink)
        elif drink != old[drink_id]:
            changed[drink_id] = record_of(drink)
        else:
            same += 1
    return ImportDiff(new, changed, same, tuple(wrong), tuple(stays))


def _completed(record: Mapping[str, Any], now: Drink | None) -> tuple[Drink, list[tuple[str, Any]]]:
    """The drink of a record, with what its version of kdrinks did not know yet; and what it takes out that protects people.

    A record without any later field is of the version of commit b7ffbff: of it counts only what differs from the package of then.
    Raises KnowledgeError.
    """
    shipped = {drink.id: drink for drink in packaged()}.get(str(record.get("id")))
    later = later_fields(Drink)
    if now is None or later <= record.keys():
        drink = drink_from(record)
    elif now.id in corrections.package_of_then() and not {*later, "storage"} & record.keys():
        edits = corrections.between(corrections.package_of_then()[now.id], drink_from(record))
        merged = corrections.laid_over(now, edits)
        stays = [(one.correction.field, one.package) for one in merged.conflicts if one.package_stands]
        return merged.drink or now, stays
    else:
        whole = whole_record_of(now)
        known = " ".join(detail.ko for detail in now.details)
        told = record.get("storage")
        sentences = re.split(r"(?<=다\.)\s+", str(told.get("ko", ""))) if isinstance(told, Mapping) else []
        if all(sentence in known for sentence in sentences):  # a detail says it by now
            record = {name: value for name, value in record.items() if name != "storage"}
        drink = drink_from({**{name: whole[name] for name in later - record.keys()}, **record})
    return drink, corrections.taken_out(shipped, drink) if shipped else []


def _named(item: Any) -> str:
    return f"{item['ko']} / {item['en']}" if isinstance(item, Mapping) else str(item)


def _longest(value: Any) -> int:
    """Characters of the longest text in a record; fields that the form does not check have them too."""
    if isinstance(value, Mapping | list):
        return max(map(_longest, value.values() if isinstance(value, Mapping) else value), default=0)
    return len(value) if isinstance(value, str) else 0


def _from_jsonl(text: str, name: str) -> list[Mapping[str, Any]]:
    try:
        found = given.lines(text)
    except given.Unfit as exc:
        raise BadInput("import_unreadable", file=name, reason=exc) from exc
    if len(found) > ROWS_MAX:
        raise BadInput("import_too_many", file=name, count=len(found), limit=ROWS_MAX)
    records: list[Mapping[str, Any]] = []
    for number, line in found:
        try:
            record = given.value(line)
        except given.Unfit as exc:
            raise BadInput("import_line", file=name, line=number, reason=exc) from exc
        if not isinstance(record, dict):
            raise BadInput("import_line", file=name, line=number, reason="{…}?")
        records.append(record)
    return records


def _from_csv(text: str, name: str) -> list[Mapping[str, Any]]:
    """Each row as a record. A cell or column that no drink has, or a row cut short, is refused: it would be lost in silence."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    head: list[str] = []
    records: list[Mapping[str, Any]] = []
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows, None)
            if row is None:
                break
            if line == 1:
                head = _head(row, name)
            elif any(one.strip() for one in row):
                records.append(_record(_by_column(head, row)))
        except csv.Error as exc:
            reason = f"a cell of more than {csv.field_size_limit():,} characters" if "limit" in str(exc) else exc
            raise BadInput("import_line", file=name, line=line, reason=reason) from exc
        except given.Unfit as exc:
            raise BadInput("import_line", file=name, line=line, reason=exc) from exc
        if len(records) > ROWS_MAX:
            raise BadInput("import_too_many", file=name, count=len(records), limit=ROWS_MAX)
    if not head:
        _head([], name)
    return records


def _head(row: Sequence[str], name: str) -> list[str]:
    """Raises BadInput where a column is missing, Unfit where one stands twice."""
    head = [text_of(column) for column in row]
    later = later_fields(Drink)
    missing = [column for column in COLUMNS if column.partition(".")[0] not in later and column not in head]
    if missing:
        raise BadInput("import_columns", file=name, columns=", ".join(missing[:5]))
    for column in COLUMNS:
        if head.count(column) > 1:
            raise given.Unfit(f"{column}: twice")
    return head


def _by_column(head: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    if len(row) < len(head):
        raise given.Unfit(f"{len(row)} cells, {len(head)} columns")
    for place, one in enumerate(row):
        column = head[place] if place < len(head) else ""
        if one.strip() and column not in COLUMNS:
            raise given.Unfit(f"{given.shortened(one)}: no column {given.shortened(column)}".rstrip())
    return {column: text_of(one) for column, one in zip(head, row, strict=False) if column in COLUMNS}


def _cells(record: Mapping[str, Any]) -> dict[str, str]:
    abv = record["abv_percent"] or {}
    note = abv.get("note") or {"ko": "", "en": ""}
    cells = {name: record[name] or "" for name in _TEXTS}
    for lang in _BOTH:
        cells |= {f"{name}.{lang}": record[name][lang] for name in _BOTH_TEXTS}
        cells |= {f"{name}.{lang}": "\n".join(record[name][lang]) for name in _BOTH_LISTS}
    for name in _FACTS:
        cells |= {f"{name}.{part}": "\n".join(fact[part] for fact in record[name]) for part in (*_BOTH, "confidence")}
        cells[f"{name}.sources"] = "\n".join(" ".join(fact["sources"]) for fact in record[name])
    cells["is_alcoholic"] = "true" if record["is_alcoholic"] else "false"
    low, high = (f"{abv[end]:g}" if abv else "" for end in ("min", "max"))
    figures = (low, high, note["ko"], note["en"], abv.get("confidence", ""))
    cells |= {f"abv_percent.{part}": text for part, text in zip(_ABV, figures, strict=True)}
    for group in _TAGS:
        tags = record["tags"][group]
        cells[f"tags.{group}"] = tags if isinstance(tags, str) else "\n".join(tags)
    cells |= {name: "\n".join(record[name]) for name in _LISTS}
    return {**cells, "details": "\n".join(json.dumps(detail, ensure_ascii=False) for detail in record["details"])}


def _record(cells: Mapping[str, str]) -> dict[str, Any]:
    note = {lang: cells[f"abv_percent.note.{lang}"] for lang in _BOTH}
    return {
        **{name: cells[name] for name in _TEXTS},
        "hanja": cells["hanja"] or None,
        **{name: {lang: cells[f"{name}.{lang}"] for lang in _BOTH} for name in _BOTH_TEXTS if f"{name}.ko" in cells},
        **{name: {lang: _lines(cells[f"{name}.{lang}"]) for lang in _BOTH} for name in _BOTH_LISTS},
        **{name: _facts(cells, name) for name in _FACTS},
        "is_alcoholic": {"true": True, "false": False}.get(
            cells["is_alcoholic"].strip().lower(), cells["is_alcoholic"]
        ),
        "abv_percent": {
            "min": _number(cells["abv_percent.min"]),
            "max": _number(cells["abv_percent.max"]),
            "note": note if any(note.values()) else None,
            "confidence": cells["abv_percent.confidence"],
        }
        if any(cells[f"abv_percent.{part}"].strip() for part in _ABV)
        else None,
        "tags": {
            group: cells[f"tags.{group}"] if group in ("alcohol", "caffeine") else _lines(cells[f"tags.{group}"])
            for group in _TAGS
        },
        **{name: _lines(cells[name]) for name in _LISTS},
        **({"details": [_detail(line) for line in _lines(cells["details"])]} if "details" in cells else {}),
    }


def _facts(cells: Mapping[str, str], name: str) -> list[dict[str, Any]]:
    """A fact for each line of ko; lines that are missing in the others are empty, which the checks then name."""
    columns = {part: re.split(r"\r?\n", cells[f"{name}.{part}"]) for part in (*_BOTH, "sources", "confidence")}
    count = max(len([line for line in columns[lang] if line.strip()]) for lang in _BOTH)
    line = {part: [*texts, *[""] * count] for part, texts in columns.items()}
    return [
        {
            "ko": line["ko"][number].strip(),
            "en": line["en"][number].strip(),
            "confidence": line["confidence"][number].strip() or "medium",
            "sources": line["sources"][number].split(),
        }
        for number in range(count)
    ]


def _detail(line: str) -> Any:
    try:
        return given.value(line)
    except given.Unfit:
        return line  # the checks name the field and the line


def _lines(cell: str) -> list[str]:
    return [line.strip() for line in cell.splitlines() if line.strip()]


def _number(cell: str) -> float | str:
    if not _PLAIN_NUMBER.fullmatch(cell.strip()):
        return cell  # the checks name the field
    value = float(cell)
    return int(value) if value.is_integer() else value
