"""What people say otherwise than the package, fact by fact: found between two states of a drink, and laid over today's package. Pure.

A field is laid over as a whole (steps are one recipe), a list item by item: what was taken out stays away only while the package says it
word for word, and what the package added since is there. What protects people is never hidden by a correction: an allergen, a caution
and a detail on safety of the package stay, and of two strengths the one that warns more stands where the package changed its own.
"""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cache, lru_cache
from typing import Any

from kdrinks.drinks import browse, safety_text
from kdrinks.drinks.model import Bilingual, BilingualList, Drink, Tags
from kdrinks.drinks.read import DATA, drink_from, fields_of, whole_record_of
from kdrinks.errors import KnowledgeError
from kdrinks.store.drinks import Correction, Record

TOGETHER: Mapping[str, tuple[str, ...]] = {
    "name_ko": ("name_ko", "title_ko"),
    "name_en": ("name_en", "title_en"),
    "alcohol": ("is_alcoholic", "abv_percent", "alcohol", "tags.alcohol"),
    "caffeine": ("caffeine", "tags.caffeine"),
}
"""Fields that are true only together: one correction holds them all."""
UNSAID = ("confidence", "category")
"""Fields that no page shows: nobody is told that the package changed them."""

_STRENGTHS = {"alcohol": ("none", "maybe", "low", "medium", "high"), "caffeine": ("none", "yes")}
_DOES_NOT_FIT = (KnowledgeError, AttributeError, KeyError, TypeError)
"""A value of another shape (of a kdrinks to come) fails wherever it is met first."""
_NOTHING = Bilingual("", "")
_NONE = BilingualList((), ())
EMPTY = Drink(
    *("", "", "", None, "", "", (), "", False, None, _NOTHING, _NONE, _NONE, _NOTHING, _NOTHING, _NOTHING, _NOTHING),
    *((), (), (), _NOTHING, _NOTHING, _NONE, _NONE, _NOTHING, _NONE, ()),
    *(Tags((), (), (), (), (), (), (), (), "none", "none"), (), "medium"),
)
"""What a drink that was never packaged differs from."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A correction beside which the package says something that its writer did not see, or that stays whatever they wrote."""

    correction: Correction
    package: Any
    """What it says today; None where it no longer says what was corrected."""
    package_stands: bool
    """Else the person's."""


@dataclass(frozen=True, slots=True)
class Merged:
    drink: Drink | None
    """None where nothing of it fits, and nothing was packaged."""
    conflicts: tuple[Conflict, ...] = ()
    unfit: tuple[str, ...] = ()
    """Fields whose correction does not fit and was left out."""


def between(package: Drink | None, drink: Drink, since: Sequence[Correction] = ()) -> tuple[Correction, ...]:
    """The corrections that make the package's drink this one. package: None where it was never packaged.

    since: the corrections that its writer saw laid over: those of a field that they left as it was are kept, with what they were made on.
    """
    before = _parts(package or EMPTY)
    seen = _parts(laid_over(package, since).drink or EMPTY) if since else before
    found: list[Correction] = []
    for field, value in _parts(drink).items():
        if field == "id" and package:
            continue
        if since and _key(value) == _key(seen.get(field)):
            found += [one for one in since if one.field == field]
        elif field == "safety":
            if own := _own_safety(package, drink):
                found.append(Correction(field, 0, before[field] if package else None, own))
        elif isinstance(value, list):
            found += _items_between(field, before[field], value)
        elif _key(value) != _key(before.get(field)):
            found.append(Correction(field, 0, before.get(field) if package else None, value))
    return tuple(found)


def laid_over(package: Drink | None, corrections: Iterable[Correction]) -> Merged:
    """The drink as the corrections make it. Corrections that keep it from being a drink are left out, those of one field together."""
    by_field: dict[str, list[Correction]] = {}
    for one in corrections:
        by_field.setdefault(one.field, []).append(one)
    try:
        return _laid_over(package, by_field)
    except _DOES_NOT_FIT:
        if package is None:
            return Merged(None, unfit=tuple(by_field))
    fit: dict[str, list[Correction]] = {}
    for field, own in by_field.items():
        try:
            _laid_over(package, {**fit, field: own})
            fit[field] = own
        except _DOES_NOT_FIT:
            continue
    merged = _laid_over(package, fit)
    return Merged(merged.drink, merged.conflicts, tuple(field for field in by_field if field not in fit))


def of_record(drink_id: str, record: Record) -> tuple[Correction, ...]:
    """The corrections that a whole record of the kdrinks before holds: what differs from the package of then. Raises KnowledgeError."""
    return between(package_of_then().get(drink_id), drink_from(record, checked=False))


@cache
def package_of_then() -> Mapping[str, Drink]:
    """The drinks as commit b7ffbff shipped them: whole records of that time were edited from these."""
    lines = gzip.decompress((DATA / "package_b7ffbff.jsonl.gz").read_bytes()).decode().splitlines()
    return {record["id"]: drink_from(record, checked=False) for record in map(json.loads, lines)}


def taken_out(package: Drink, drink: Drink) -> list[tuple[str, Any]]:
    """What protects people in the package and is missing in a drink that somebody wrote: field and item. It stays."""
    parts = _parts(drink)
    return [
        (field, item)
        for field, items in _parts(package).items()
        if isinstance(items, list)
        for item in items
        if _protects(field, item) and _word(item) not in {_word(own) for own in parts[field]}
    ]


def _laid_over(package: Drink | None, by_field: Mapping[str, Sequence[Correction]]) -> Merged:
    parts = _parts(package or EMPTY)
    conflicts: list[Conflict] = []
    for field, own in by_field.items():
        today = parts.get(field)
        if field == "safety" and package:
            continue
        if isinstance(today, list):
            parts[field], found = _items_over(field, today, own)
        else:
            parts[field], found = _value_over(field, today, own[-1])
        conflicts += found if package and field not in UNSAID else ()
    drink = _drink(package, parts, by_field.get("safety", ()))
    return Merged(drink, tuple(conflicts))


def _drink(package: Drink | None, parts: Mapping[str, Any], safety: Sequence[Correction]) -> Drink:
    record: dict[str, Any] = {"tags": {}}
    for field, value in parts.items():
        for name in TOGETHER.get(field, (field,)):
            own = value[name] if field in TOGETHER else _unpaired(field, value)
            if name.startswith("tags."):
                record["tags"][name.removeprefix("tags.")] = own
            else:
                record[name] = own
    drink = drink_from(record)
    if package is None:
        return drink
    own_safety = Bilingual(**safety[-1].value) if safety else None
    return replace(drink, safety=safety_text.over(package, drink, own_safety))


def _as_record(text: Bilingual) -> dict[str, str]:
    return {"ko": text.ko, "en": text.en}


def _own_safety(package: Drink | None, drink: Drink) -> dict[str, str] | None:
    """The text on safety where the person wrote more than follows from the lists."""
    follows = [safety_text.written(drink)]
    if package:
        follows += [package.safety, safety_text.over(package, drink)]
    return None if package and drink.safety in follows else _as_record(drink.safety)


def _value_over(field: str, today: Any, own: Correction) -> tuple[Any, list[Conflict]]:
    base = _parts(EMPTY).get(field) if own.base is None else own.base
    if _key(today) in (_key(base), _key(own.value)):
        return own.value, []
    warns_more = field in _STRENGTHS and _strength(field, today) > _strength(field, own.value)
    return today if warns_more else own.value, [Conflict(own, today, warns_more)]


def _strength(field: str, value: Any) -> int:
    try:
        return _STRENGTHS[field].index(value[f"tags.{field}"])
    except (TypeError, KeyError, ValueError):
        return 0  # it does not fit, which the check of the whole names


def _items_between(field: str, before: Sequence[Any], after: Sequence[Any]) -> list[Correction]:
    """A row for each item that differs; one that was rewritten holds both."""
    found: list[Correction] = []
    keys = [_key(item) for item in before], [_key(item) for item in after]
    for kind, low, high, place, end in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        gone = list(before[low:high])
        for at in range(place, end):
            rewritten = next((item for item in gone if _alike(field, item, after[at])), None)
            if rewritten is not None:
                gone.remove(rewritten)
            found.append(Correction(field, at, rewritten, after[at]))
        found += [Correction(field, 0, item, None) for item in gone]
    return found


def _alike(field: str, one: Any, other: Any) -> bool:
    """Whether an item can be another one rewritten: only where both are of one aspect and group."""
    if field != "details":
        return True
    return bool((one["aspect"], one.get("group")) == (other["aspect"], other.get("group")))


def _items_over(field: str, today: Sequence[Any], own: Sequence[Correction]) -> tuple[list[Any], list[Conflict]]:
    items, conflicts = list(today), []
    said = {_word(one.value) for one in own if one.value is not None}
    for one in own:
        if one.base is None:
            continue
        found = next((item for item in items if _word(item) == _word(one.base)), None)
        same_words = one.value is not None and _word(one.value) == _word(one.base)
        if found is None:
            if one.value is not None and _word(one.value) not in map(_word, today):
                conflicts.append(Conflict(one, None, package_stands=False))
        elif same_words or not _protects(field, found):
            items.remove(found)
            if _key(found) not in (_key(one.base), _key(one.value)) and one.value is not None:
                conflicts.append(Conflict(one, found, package_stands=False))
        elif _word(found) not in said:
            conflicts.append(Conflict(one, found, package_stands=True))
    for one in sorted((one for one in own if one.value is not None), key=lambda one: one.place):
        if _word(one.value) not in map(_word, items):
            items.insert(one.place, one.value)
    return items, conflicts


def _protects(field: str, item: Any) -> bool:
    """Whether an item warns somebody: the package's stays whatever a correction says."""
    if field == "details":
        return bool(item["aspect"] == "safety")
    return field in ("allergens", "cautions") or (field == "tags.diet" and item in browse.ALLERGENS)


def _parts(drink: Drink) -> dict[str, Any]:
    """The record by what is corrected together: lists of items, pairs of both languages among them, and whole values."""
    return dict(_known_parts(drink))


@lru_cache(maxsize=512)
def _known_parts(drink: Drink) -> Mapping[str, Any]:
    """Of the package's drinks they are asked for at every look at the catalog."""
    record = whole_record_of(drink)
    flat = {**record, **{f"tags.{group}": value for group, value in record.pop("tags").items()}}
    del flat["tags"]
    parts = {name: _paired(name, value) for name, value in flat.items()}
    for field, names in TOGETHER.items():
        parts[field] = {name: flat[name] for name in names}
        for name in set(names) - {field}:
            del parts[name]
    return parts


def _is_paired(field: str) -> bool:
    return field in fields_of(BilingualList) and field != "steps"


def _paired(field: str, value: Any) -> Any:
    if not _is_paired(field):
        return value
    return [{"ko": ko, "en": en} for ko, en in zip(value["ko"], value["en"], strict=True)]


def _unpaired(field: str, value: Any) -> Any:
    if not _is_paired(field):
        return value
    return {lang: [item[lang] for item in value] for lang in ("ko", "en")}


def _key(value: Any) -> Any:
    """A value that can be compared and hashed: 5 is 5.0."""
    if isinstance(value, Mapping):
        return tuple(sorted((name, _key(own)) for name, own in value.items()))
    return tuple(map(_key, value)) if isinstance(value, list | tuple) else value


def _word(item: Any) -> Any:
    """What makes an item word for word the same: of sentences the words, not their figures or sources."""
    if not isinstance(item, Mapping):
        return item
    return tuple(item.get(name, "") for name in ("aspect", "group", "level", "ko", "en"))
