"""The knowledge base as shipped: drinks, topics and false beliefs of kdrinks/data as frozen records.

Reads and checks JSON lines; whoever edits a drink checks it with the same `drink_from`. Does not know passages, search
or the store. The prose is kept as sentences that can be quoted: Korean in 합쇼체, English ending with a period.
"""

import dataclasses
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from kdrinks.errors import KnowledgeError

T = TypeVar("T")

DATA = Path(__file__).resolve().parent.parent / "data"

Confidence = Literal["high", "medium"]
"""high: read in an excerpt of a page; medium: general knowledge."""


@dataclass(frozen=True, slots=True)
class Bilingual:
    ko: str
    en: str


@dataclass(frozen=True, slots=True)
class BilingualList:
    """Items stand in the same order in both languages."""

    ko: tuple[str, ...]
    en: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Abv:
    """Alcohol by volume in percent."""

    min: float
    max: float
    note: Bilingual | None
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence with the pages that say so; no source means general knowledge."""

    ko: str
    en: str
    confidence: Confidence
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tags:
    """Ids from the closed lists of data/tags.toml; field names are its groups."""

    season: tuple[str, ...]
    temperature: tuple[str, ...]
    occasion: tuple[str, ...]
    weather: tuple[str, ...]
    mood: tuple[str, ...]
    region: tuple[str, ...]
    kind: tuple[str, ...]
    diet: tuple[str, ...]
    alcohol: str
    """By the strongest kind of it: none, low (under 8%), medium (to 20%) or high. No liquor, yet not surely without: maybe."""
    caffeine: str
    """none or yes."""


@dataclass(frozen=True, slots=True)
class Drink:
    id: str
    name_ko: str
    title_ko: str
    """name_ko without its parentheses."""
    hanja: str | None
    name_en: str
    title_en: str
    """name_en before its parenthesis."""
    aliases: tuple[str, ...]
    """Other names, romanizations and misspellings, both scripts."""
    category: str
    is_alcoholic: bool
    abv_percent: Abv | None
    """None where nobody knows it, never 0 for what may hold alcohol."""
    summary: Bilingual
    ingredients: BilingualList
    steps: BilingualList
    season: Bilingual
    serve: Bilingual
    """Adverbial: "Serve Sikhye {serve.en}."; like season, occasion and region empty where unknown."""
    occasion: Bilingual
    region: Bilingual
    facts: tuple[Fact, ...]
    heritage: tuple[Fact, ...]
    old_texts: tuple[str, ...]
    alcohol: Bilingual
    """Whether it is liquor and how strong, to be quoted as it stands."""
    caffeine: Bilingual
    allergens: BilingualList
    cautions: BilingualList
    safety: Bilingual
    """Allergens and cautions as one text, to be quoted as it stands."""
    pairing: BilingualList
    similar: tuple[str, ...]
    """Ids of other drinks."""
    tags: Tags
    sources: tuple[str, ...]
    confidence: Confidence
    # A field that comes later has a default and stands here: older records lack it, and fit.
    pronunciation: Bilingual = Bilingual("", "")
    storage: Bilingual = Bilingual("", "")

    @property
    def alcohol_free(self) -> bool:
        """Whether somebody who must have no alcohol may be offered it: neither liquor, nor perhaps with some."""
        return not self.is_alcoholic and self.tags.alcohol == "none"


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that holds across drinks."""

    id: str
    title: Bilingual
    ko: str
    en: str
    confidence: Confidence
    sources: tuple[str, ...]
    related: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Belief:
    """What many people hold that is not so, and what is."""

    id: str
    belief: Bilingual
    """Plain style, without a final period: it stands inside quotation marks."""
    correction: Bilingual
    related: tuple[str, ...]
    confidence: Confidence
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tag:
    group: str
    """A field of Tags."""
    id: str
    label: Bilingual
    asked_by: BilingualList
    """Words by which people ask for it; the two lists are independent."""


class _Unfit(Exception):
    """A record does not have the shape of its class; the text says where."""


def load_drinks(path: Path = DATA / "drinks.jsonl") -> tuple[Drink, ...]:
    """Every drink, in the order of the file. Raises KnowledgeError."""
    drinks = tuple(_rows(path, drink_from))
    known = {drink.id for drink in drinks}
    for drink in drinks:
        if lost := set(drink.similar) - known:
            raise KnowledgeError("data_row_unfit", file=path.name, row=drink.id, reason=f"similar: {min(lost)}")
    return drinks


def load_topics(path: Path = DATA / "topics.jsonl") -> tuple[Topic, ...]:
    """Every topic. Raises KnowledgeError."""
    return tuple(_rows(path, lambda record: _make(Topic, record)))


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


def drink_from(record: Mapping[str, Any]) -> Drink:
    """A checked drink. Raises KnowledgeError naming the first field that does not fit."""
    try:
        drink = _make(Drink, record)
        _check(drink)
    except _Unfit as exc:
        raise KnowledgeError("data_row_unfit", file="drinks", row=record.get("id", "?"), reason=str(exc)) from exc
    return drink


def record_of(item: Drink | Topic | Belief) -> dict[str, Any]:
    """The record as the data file holds it: the inverse of reading it. A field at its default is left out."""
    record: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(item)))
    left_out = {
        field.name
        for field in dataclasses.fields(item)
        if _has_default(field) and getattr(item, field.name) == field.default
    }
    return {name: value for name, value in record.items() if name not in left_out}


def fields_of(hint: type) -> tuple[str, ...]:
    """The fields of a drink that have this type, in their order."""
    return tuple(name for name, own in get_type_hints(Drink).items() if own is hint)


def later_fields(kind: type[Any]) -> frozenset[str]:
    """The fields that a record of this class may lack."""
    return frozenset(field.name for field in dataclasses.fields(kind) if _has_default(field))


def _check(drink: Drink) -> None:
    abv = drink.abv_percent
    if abv and abv.min > abv.max:
        raise _Unfit("abv_percent: min > max")
    if drink.is_alcoholic and drink.tags.alcohol in ("none", "maybe"):
        raise _Unfit("tags.alcohol: contradicts is_alcoholic")
    if abv and abv.max <= 0 and drink.tags.alcohol == "maybe":
        raise _Unfit("abv_percent: 0, yet tags.alcohol: maybe")
    if not abv and drink.alcohol_free:
        raise _Unfit("abv_percent: not known, yet tags.alcohol: none")
    for name in ("ingredients", "steps", "allergens", "cautions", "pairing"):
        both: BilingualList = getattr(drink, name)
        if len(both.ko) != len(both.en):
            raise _Unfit(f"{name}: {len(both.ko)} ko, {len(both.en)} en")


def _rows(path: Path, build: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
    """One record per line; ids must be distinct."""
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
        except _Unfit as exc:
            raise KnowledgeError("data_row_unfit", file=path.name, row=number, reason=str(exc)) from exc
        if record["id"] in seen:
            raise KnowledgeError("data_row_unfit", file=path.name, row=number, reason=f"id: {record['id']} twice")
        seen.add(record["id"])
        yield item


def _make(kind: type[T], record: Any) -> T:
    """An instance of a dataclass from a mapping with exactly its fields."""
    if not isinstance(record, Mapping):
        raise _Unfit(f"{kind.__name__}: not an object")
    hints = get_type_hints(kind)
    if missing := hints.keys() - record.keys() - later_fields(kind):
        raise _Unfit(f"{min(missing)}: missing")
    if unknown := record.keys() - hints.keys():
        raise _Unfit(f"{min(unknown)}: unknown field")
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


def _value(hint: Any, value: Any) -> Any:
    """The value as the hint wants it: lists become tuples, objects become records."""
    if get_origin(hint) is UnionType:
        return None if value is None else _value(get_args(hint)[0], value)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise _Unfit(f"{value!r} is none of {', '.join(get_args(hint))}")
        return value
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise _Unfit("not a list")
        return tuple(_value(get_args(hint)[0], item) for item in value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _make(hint, value)
    if hint is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _Unfit("not a number")
        return value
    if not isinstance(value, hint):
        raise _Unfit(f"not {hint.__name__}")
    return value
