"""The knowledge base as shipped: reads and checks the JSON lines of kdrinks/data, and the records that people edit and exchange.

Whoever edits a drink checks it with the same `drink_from`. Does not know passages, search or the store.
"""

import dataclasses
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from kdrinks.drinks.model import LIMITS, MOST, Belief, BilingualList, Detail, Drink, Figure, Tag, Topic
from kdrinks.errors import KnowledgeError
from kdrinks.given import shortened

T = TypeVar("T")

DATA = Path(__file__).resolve().parent.parent / "data"

_BEYOND = 1e15
"""No figure of a drink; a whole number of 400 digits is no float, and cannot be told as one either."""


class _Unfit(Exception):
    """A record does not have the shape of its class; the text says where."""


def load_drinks(path: Path = DATA / "drinks.jsonl") -> tuple[Drink, ...]:
    """Every drink with its details, in the order of the file. Raises KnowledgeError."""
    details = load_details()
    drinks = tuple(dataclasses.replace(drink, details=details.get(drink.id, ())) for drink in _rows(path, drink_from))
    known = {drink.id for drink in drinks}
    for drink in drinks:
        if lost := set(drink.similar) - known:
            raise KnowledgeError("data_row_unfit", file=path.name, row=drink.id, reason=f"similar: {min(lost)}")
    return drinks


def load_topics(path: Path = DATA / "topics.jsonl") -> tuple[Topic, ...]:
    """Every topic with its details. Raises KnowledgeError."""
    details = load_details()
    topics = _rows(path, lambda record: _make(Topic, record))
    return tuple(dataclasses.replace(topic, details=details.get(topic.id, ())) for topic in topics)


@cache
def load_details(path: Path = DATA / "details.jsonl") -> Mapping[str, tuple[Detail, ...]]:
    """The details by drink, topic or rule of safety (gen-alcohol-warfarin), in the order of the file; read once in a process.

    Raises KnowledgeError.
    """
    found: dict[str, list[Detail]] = {}
    for subject_id, detail in _rows(path, lambda record: (record["id"], detail_from(record)), distinct=False):
        found.setdefault(subject_id, []).append(detail)
    return {subject_id: tuple(details) for subject_id, details in found.items()}


def detail_from(record: Mapping[str, Any]) -> Detail:
    """A checked detail; a key `id` beside its own is the subject's. Raises _Unfit naming the first field that does not fit."""
    detail = _make(Detail, {name: value for name, value in record.items() if name != "id"})
    _check_detail(detail)
    return detail


def load_beliefs(path: Path = DATA / "beliefs.jsonl") -> tuple[Belief, ...]:
    """Every false belief. Raises KnowledgeError."""
    return tuple(_rows(path, lambda record: _make(Belief, record)))


def load_tags(path: Path = DATA / "tags.toml") -> tuple[Tag, ...]:
    """The closed lists of tags, group by group. Raises KnowledgeError."""
    try:
        groups = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise KnowledgeError("data_unreadable", file=path.name, reason=str(exc)) from exc
    found: list[Tag] = []
    for group, tags in groups.items():
        for tag_id, row in tags.items():
            record = {
                "group": group,
                "id": tag_id,
                "label": {"ko": row.get("ko"), "en": row.get("en")},
                "asked_by": {"ko": row.get("ask_ko"), "en": row.get("ask_en")},
            }
            try:
                found.append(_make(Tag, record))
            except _Unfit as exc:
                reason = f"{group}.{tag_id}: {exc}"
                raise KnowledgeError("data_row_unfit", file=path.name, row=tag_id, reason=reason) from exc
    return tuple(found)


def drink_from(record: Mapping[str, Any], *, checked: bool = True) -> Drink:
    """A checked drink. Raises KnowledgeError naming the first field that does not fit.

    checked: False asks for the shape alone: an older record may say what is refused today, and be right in all else.
    """
    try:
        drink = _make(Drink, _without_storage(record))
        _check_pairs(drink)
        if checked:
            _check(drink)
    except _Unfit as exc:
        raise KnowledgeError("data_row_unfit", file="drinks", row=record.get("id", "?"), reason=str(exc)) from exc
    return drink


def record_of(item: Drink | Topic | Belief | Detail) -> dict[str, Any]:
    """The record as people edit and exchange it: the inverse of drink_from. A field at its default is left out."""
    record: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(item)))
    left_out = _at_default(item)
    if isinstance(item, Drink):
        record["tags"] = {name: own for name, own in record["tags"].items() if name not in _at_default(item.tags)}
    if not isinstance(item, Detail) and "details" in record:
        record["details"] = [record_of(detail) for detail in getattr(item, "details")]  # noqa: B009
    return {name: value for name, value in record.items() if name not in left_out}


def _at_default(item: Any) -> frozenset[str]:
    return frozenset(
        field.name
        for field in dataclasses.fields(item)
        if _has_default(field) and getattr(item, field.name) == field.default
    )


def whole_record_of(drink: Drink) -> dict[str, Any]:
    """The record with every field of a drink, those at their default too."""
    record: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(dataclasses.replace(drink, details=()))))
    return {**record, "details": [record_of(detail) for detail in drink.details]}


def out_of_range(figure: Figure) -> tuple[float, float] | None:
    """The least and the most that its unit allows, where the figure says something else or its ends are the wrong way round."""
    low, high = LIMITS.get(figure.unit, (0, MOST))
    return None if low <= figure.min <= figure.max <= high else (low, high)


def fields_of(hint: type) -> tuple[str, ...]:
    """The fields of a drink that have this type, in their order."""
    return tuple(name for name, own in _hints(Drink).items() if own is hint)


def later_fields(kind: type[Any]) -> frozenset[str]:
    """The fields that a record of this class may lack."""
    return frozenset(field.name for field in dataclasses.fields(kind) if _has_default(field))


def _without_storage(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record of the version whose drinks had one text on keeping: it became a detail."""
    if not isinstance(record.get("storage"), Mapping):
        return record
    told = {"aspect": "storage", **record["storage"], "confidence": "medium"}
    details = [*(record.get("details") or ()), *([told] if told.get("ko") else [])]
    return {**{name: value for name, value in record.items() if name != "storage"}, "details": details}


def _check_detail(detail: Detail) -> None:
    if not detail.ko or not detail.en:
        raise _Unfit(f"{'en' if detail.ko else 'ko'}: empty")
    for figure in detail.figures:
        if limits := out_of_range(figure):
            said = f"{figure.what}: {figure.min:g} to {figure.max:g} {figure.unit}"
            raise _Unfit(f"figures: {said}: not min <= max within {limits[0]:g} to {limits[1]:g}")
    if (detail.aspect == "safety") != bool(detail.group and detail.level):
        raise _Unfit("group: only and always where aspect is safety, with a level")


def _check_pairs(drink: Drink) -> None:
    for name in fields_of(BilingualList):
        both: BilingualList = getattr(drink, name)
        if len(both.ko) != len(both.en):
            raise _Unfit(f"{name}: {len(both.ko)} ko, {len(both.en)} en")


def _check(drink: Drink) -> None:
    for number, detail in enumerate(drink.details, 1):
        try:
            _check_detail(detail)
        except _Unfit as exc:
            raise _Unfit(f"details: {number}: {exc}") from exc
    abv = drink.abv_percent
    if abv and abv.min > abv.max:
        raise _Unfit("abv_percent: min > max")
    if abv and not 0 <= abv.min <= abv.max <= 100:
        raise _Unfit(f"abv_percent: {abv.min:g} to {abv.max:g}: not within 0 to 100")
    if drink.is_alcoholic and drink.tags.alcohol in ("none", "maybe"):
        raise _Unfit("tags.alcohol: contradicts is_alcoholic")
    if abv and abv.max <= 0 and drink.tags.alcohol == "maybe":
        raise _Unfit("abv_percent: 0, yet tags.alcohol: maybe")
    if not abv and drink.alcohol_free:
        raise _Unfit("abv_percent: not known, yet tags.alcohol: none")


def _rows(path: Path, build: Callable[[Mapping[str, Any]], T], *, distinct: bool = True) -> Iterator[T]:
    """One record per line. distinct: no two have the same id."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise KnowledgeError("data_unreadable", file=path.name, reason=str(exc)) from exc
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise _Unfit("not an object")
            item = build(record)
        except json.JSONDecodeError as exc:
            raise KnowledgeError("data_row_unfit", file=path.name, row=number, reason=str(exc)) from exc
        except (_Unfit, KeyError) as exc:
            raise KnowledgeError("data_row_unfit", file=path.name, row=number, reason=str(exc)) from exc
        if distinct and record["id"] in seen:
            raise KnowledgeError("data_row_unfit", file=path.name, row=number, reason=f"id: {record['id']} twice")
        seen.add(record["id"])
        yield item


_hints: Callable[[Any], Mapping[str, Any]] = cache(get_type_hints)
"""The types of a class's fields; asked anew each time they take half of the reading."""


def _make(kind: type[T], record: Any) -> T:
    """An instance of a dataclass from a mapping with exactly its fields."""
    if not isinstance(record, Mapping):
        raise _Unfit(f"{kind.__name__}: not an object")
    hints = _hints(kind)
    if unknown := [str(name) for name in record if name not in hints]:
        raise _Unfit(f"{shortened(min(unknown))}: unknown field")
    if missing := hints.keys() - record.keys() - later_fields(kind):
        raise _Unfit(f"{min(missing)}: missing")
    values: dict[str, Any] = {}
    for name, hint in hints.items():
        if name not in record:
            continue
        try:
            values[name] = _value(hint, record[name])
        except _Unfit as exc:
            raise _Unfit(f"{name}: {exc}") from exc
    return kind(**values)


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING


def _item(hint: Any, item: Any, number: int) -> Any:
    try:
        return _value(hint, item)
    except _Unfit as exc:
        raise _Unfit(f"{number}: {exc}") from exc


def _value(hint: Any, value: Any) -> Any:
    """The value as the hint wants it: lists become tuples, objects become records."""
    if get_origin(hint) is UnionType:
        return None if value is None else _value(get_args(hint)[0], value)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise _Unfit(f"{shortened(repr(value))} is none of {', '.join(get_args(hint))}")
        return value
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise _Unfit("not a list")
        return tuple(_item(get_args(hint)[0], item, number) for number, item in enumerate(value, 1))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _make(hint, value)
    if hint is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _Unfit("not a number")
        if not abs(value) < _BEYOND:  # NaN neither
            raise _Unfit("too large a number")
        return value
    if not isinstance(value, hint):
        raise _Unfit(f"not {hint.__name__}")
    return value
