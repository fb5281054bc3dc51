"""What a person typed about a drink: made into the record of a drink, and every field that does not fit named.

Pure. Sentences about alcohol, caffeine and cautions are written here, from the figures and lists, so that what an answer quotes always
agrees with them; a drink whose figures did not change keeps its own.
"""

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from kdrinks import kinds
from kdrinks.drinks import detail_rows, safety_text
from kdrinks.drinks.model import Bilingual, BilingualList, Drink
from kdrinks.drinks.problems import LATIN, Problem, is_address, no_sentence
from kdrinks.drinks.read import drink_from, fields_of, record_of
from kdrinks.text.korean import HANGUL, josa
from kdrinks.text.typed import clean

TEXTS = tuple(name for name in fields_of(Bilingual) if name not in ("summary", "alcohol", "caffeine", "safety"))
LISTS = tuple(dict.fromkeys(("ingredients", "steps", "pairing", *fields_of(BilingualList))))
TAGS = (
    "kind",
    "season",
    "temperature",
    "occasion",
    "weather",
    "mood",
    "region",
    "diet",
    "taste",
    "look",
    "base",
    "kitchen",
)
FACTS = ("facts", "heritage")
NAME_MAX, SUMMARY_MAX, TEXT_MAX, ITEMS_MAX = 60, 300, 300, 40
"""Characters of a name, a summary and any other line; entries of a list. The longest packaged ones take half of each."""

_SENTENCES = {field.name for row in kinds.TABLE.values() if row.told == "sentences" for field in row.fields}


@dataclasses.dataclass(frozen=True, slots=True)
class DrinkForm:
    """The fields of the form as they were typed; lists hold no empty entries."""

    id: str = ""
    name_ko: str = ""
    name_en: str = ""
    hanja: str = ""
    aliases: tuple[str, ...] = ()
    is_alcoholic: bool = False
    may_contain_alcohol: bool = False
    """Only where it is no liquor."""
    abv_min: float = 0.0
    abv_max: float = 0.0
    """Both 0 also where the strength is not known."""
    caffeine: bool = False
    ko: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """summary and TEXTS as texts, LISTS as tuples."""
    en: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    facts: tuple[Mapping[str, Any], ...] = ()
    """Mappings with ko, en and sources (a tuple of addresses)."""
    heritage: tuple[Mapping[str, Any], ...] = ()
    details: tuple[Mapping[str, Any], ...] = ()
    """Rows of drinks.detail_rows."""
    tags: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    similar: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


def form_from(drink: Drink) -> DrinkForm:
    """The form as it opens for a drink."""
    record = dataclasses.asdict(drink)
    texts = {
        lang: {
            "summary": record["summary"][lang],
            **{name: record[name][lang] for name in TEXTS},
            **{name: tuple(record[name][lang]) for name in LISTS},
        }
        for lang in ("ko", "en")
    }
    return DrinkForm(
        id=drink.id,
        name_ko=drink.name_ko,
        name_en=drink.name_en,
        hanja=drink.hanja or "",
        aliases=drink.aliases,
        is_alcoholic=drink.is_alcoholic,
        may_contain_alcohol=not drink.is_alcoholic and not drink.alcohol_free,
        abv_min=float(drink.abv_percent.min) if drink.abv_percent else 0.0,
        abv_max=float(drink.abv_percent.max) if drink.abv_percent else 0.0,
        caffeine=drink.tags.caffeine == "yes",
        ko=texts["ko"],
        en=texts["en"],
        facts=tuple({"ko": fact.ko, "en": fact.en, "sources": fact.sources} for fact in drink.facts),
        heritage=tuple({"ko": fact.ko, "en": fact.en, "sources": fact.sources} for fact in drink.heritage),
        details=tuple(detail_rows.row_of(detail) for detail in drink.details),
        tags={group: getattr(drink.tags, group) for group in TAGS},
        similar=drink.similar,
        sources=drink.sources,
    )


def cleaned(typed: DrinkForm) -> DrinkForm:
    """The form with every text in the letters that names and searches compare."""
    return DrinkForm(**{field.name: _cleaned(getattr(typed, field.name)) for field in dataclasses.fields(DrinkForm)})


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value).strip()
    if isinstance(value, Mapping):
        return {name: _cleaned(one) for name, one in value.items()}
    return type(value)(map(_cleaned, value)) if isinstance(value, (list, tuple)) else value


def validate(form: DrinkForm, known: Collection[str], *, is_new: bool) -> list[Problem]:
    """Everything that keeps the form from being a drink, field by field. known: ids of the drinks there are."""
    return [
        *_of_names(form, known, is_new),
        *_of_texts(form),
        *_of_lists(form),
        *_of_facts(form),
        *detail_rows.problems(form.details),
        *_of_rest(form, known),
    ]


def record_from(form: DrinkForm, before: Drink | None) -> dict[str, Any]:
    """The drink's record. Raises KnowledgeError when it does not fit, which validate() would have told."""
    title = {"ko": _title(form.name_ko), "en": _title(form.name_en)}
    same_name = before is not None and (before.title_ko, before.title_en) == (title["ko"], title["en"])
    kinds = tuple(form.tags.get("kind", ()))
    record: dict[str, Any] = {
        "id": form.id,
        "name_ko": form.name_ko,
        "title_ko": title["ko"],
        "hanja": form.hanja or None,
        "name_en": form.name_en,
        "title_en": title["en"],
        "aliases": list(form.aliases),
        "category": before.category
        if before
        else f"{'전통주' if form.is_alcoholic else '음청류'}-{kinds[0] if kinds else ''}",
        "is_alcoholic": form.is_alcoholic,
        "abv_percent": None
        if _perhaps(form) and form.abv_max <= 0
        else {"min": form.abv_min, "max": form.abv_max, "note": None, "confidence": "medium"},
        **{name: {"ko": form.ko.get(name, ""), "en": form.en.get(name, "")} for name in ("summary", *TEXTS)},
        **{name: {"ko": list(form.ko.get(name, ())), "en": list(form.en.get(name, ()))} for name in LISTS},
        "facts": [_fact(fact, before.facts if before else ()) for fact in form.facts],
        "heritage": [_fact(fact, before.heritage if before else ()) for fact in form.heritage],
        "details": [detail_rows.record_from(row, before.details if before else ()) for row in form.details],
        "old_texts": list(before.old_texts) if before else [],
        "similar": list(form.similar),
        "tags": {
            **{group: list(form.tags.get(group, ())) for group in TAGS},
            "alcohol": _strength(form),
            "caffeine": "yes" if form.caffeine else "none",
        },
        "sources": list(form.sources),
        "confidence": "medium",
    }
    old = record_of(before) if before else {}
    same_abv = before is not None and _said_of_alcohol(form_from(before)) == _said_of_alcohol(form)
    if same_abv:
        record["abv_percent"], record["tags"]["alcohol"] = old["abv_percent"], old["tags"]["alcohol"]
    same_caffeine = before is not None and before.tags.caffeine == record["tags"]["caffeine"]
    for name, kept, write in (("alcohol", same_abv, _alcohol), ("caffeine", same_caffeine, _caffeine)):
        own = {lang: write(form, lang, title[lang]) for lang in ("ko", "en")}
        record[name] = old[name] if kept and same_name else own
    drink = drink_from({**record, "safety": {"ko": "", "en": ""}})
    same_grounds = before is not None and safety_text.grounds(before) == safety_text.grounds(drink)
    drink = dataclasses.replace(drink, safety=before.safety if before and same_grounds else safety_text.written(drink))
    if before is not None and dataclasses.replace(drink, confidence=before.confidence) == before:
        return old
    return record_of(drink)


def _of_names(form: DrinkForm, known: Collection[str], is_new: bool) -> Iterator[Problem]:
    if not re.fullmatch(r"(?!gen-|cf-|doc-)[a-z][a-z0-9-]{1,39}", form.id):
        yield Problem("id", "id_shape")
    elif is_new and form.id in known:
        yield Problem("id", "id_taken", {"id": form.id})
    for name, text, script in (("name_ko", form.name_ko, HANGUL), ("name_en", form.name_en, LATIN)):
        if not text:
            yield Problem(name, "missing")
        elif not script.search(_title(text)) or (name == "name_en" and HANGUL.search(text)):
            yield Problem(name, "script_ko" if name == "name_ko" else "script_en")
        elif len(text) > NAME_MAX:
            yield Problem(name, "too_long", {"count": len(text), "limit": NAME_MAX})


def _of_texts(form: DrinkForm) -> Iterator[Problem]:
    for lang, texts in (("ko", form.ko), ("en", form.en)):
        summary = str(texts.get("summary", ""))
        if not summary:
            yield Problem(f"summary_{lang}", "missing")
        elif len(summary) > SUMMARY_MAX:
            yield Problem(f"summary_{lang}", "too_long", {"count": len(summary), "limit": SUMMARY_MAX})
        elif wrong := no_sentence(summary, lang):
            yield Problem(f"summary_{lang}", wrong)
    for name in TEXTS:
        both = (form.ko.get(name, ""), form.en.get(name, ""))
        if bool(both[0]) != bool(both[1]):
            yield Problem(f"{name}_{'en' if both[0] else 'ko'}", "other_language")
        for lang, text in zip(("ko", "en"), both, strict=True):
            if len(text) > TEXT_MAX:
                yield Problem(f"{name}_{lang}", "too_long", {"count": len(text), "limit": TEXT_MAX})
            elif text and name in _SENTENCES and (wrong := no_sentence(text, lang)):
                yield Problem(f"{name}_{lang}", wrong)


def _of_lists(form: DrinkForm) -> Iterator[Problem]:
    for name in LISTS:
        ko, en = form.ko.get(name, ()), form.en.get(name, ())
        if len(ko) != len(en):
            yield Problem(name, "unequal", {"ko": len(ko), "en": len(en)})
        for lang, items in (("ko", ko), ("en", en)):
            if len(items) > ITEMS_MAX:
                yield Problem(f"{name}_{lang}", "too_many", {"count": len(items), "limit": ITEMS_MAX})
            if (longest := max((len(item) for item in items), default=0)) > TEXT_MAX:
                yield Problem(f"{name}_{lang}", "too_long", {"count": longest, "limit": TEXT_MAX})


def _of_facts(form: DrinkForm) -> Iterator[Problem]:
    for name in FACTS:
        for number, fact in enumerate(getattr(form, name), 1):
            for lang in ("ko", "en"):
                text = fact[lang]
                if not text:
                    yield Problem(f"{name}_{lang}", "row_missing", {"row": number})
                elif wrong := no_sentence(text, lang):
                    yield Problem(f"{name}_{lang}", f"row_{wrong}", {"row": number})
            for address in fact["sources"]:
                if not is_address(address):
                    yield Problem(f"{name}_sources", "address", {"found": address})


def _of_rest(form: DrinkForm, known: Collection[str]) -> Iterator[Problem]:
    if not form.tags.get("kind"):
        yield Problem("kind", "missing")
    if not 0 <= form.abv_min <= form.abv_max <= 100:
        yield Problem("abv", "abv_order", {"low": f"{form.abv_min:g}", "high": f"{form.abv_max:g}"})
    elif form.is_alcoholic and form.abv_max <= 0:
        yield Problem("abv", "abv_missing")
    if lost := [other for other in form.similar if other not in known or other == form.id]:
        yield Problem("similar", "similar_unknown", {"found": lost[0]})
    for address in form.sources:
        if not is_address(address):
            yield Problem("sources", "address", {"found": address})


def _title(name: str) -> str:
    return re.sub(r"\s*\([^)]*\)", "", name).strip()


def _fact(fact: Mapping[str, Any], before: Sequence[Any]) -> dict[str, Any]:
    same = next(
        (old for old in before if (old.ko, old.en, old.sources) == (fact["ko"], fact["en"], tuple(fact["sources"]))),
        None,
    )
    return {
        "ko": fact["ko"],
        "en": fact["en"],
        "confidence": same.confidence if same else "medium",
        "sources": list(fact["sources"]),
    }


def _said_of_alcohol(form: DrinkForm) -> tuple[object, ...]:
    return form.is_alcoholic, form.may_contain_alcohol and not form.is_alcoholic, form.abv_min, form.abv_max


def _perhaps(form: DrinkForm) -> bool:
    """Whether it is no liquor and yet not surely without alcohol."""
    return not form.is_alcoholic and (form.may_contain_alcohol or form.abv_max > 0)


def _strength(form: DrinkForm) -> str:
    """By the limits of Tags.alcohol."""
    if not form.is_alcoholic:
        return "maybe" if _perhaps(form) else "none"
    return "low" if form.abv_max < 8 else "medium" if form.abv_max <= 20 else "high"


def _figure(form: DrinkForm) -> str:
    low, high = f"{form.abv_min:g}", f"{form.abv_max:g}"
    return f"{high}%" if low == high else f"{low}~{high}%"


def _alcohol(form: DrinkForm, lang: str, title: str) -> str:
    figure = _figure(form)
    if lang == "ko":
        topic = title + josa(title, "은/는")
        if form.is_alcoholic:
            return f"{topic} 술입니다. 도수는 {figure}입니다."
        if form.abv_max > 0:
            return f"{topic} 술이 아니지만 알코올이 {figure} 들어 있을 수 있습니다."
        if _perhaps(form):
            return f"{title}에는 알코올이 있을 수 있습니다. 도수는 알려져 있지 않습니다."
        return f"{topic} 술이 아닙니다. 알코올이 없는 음료입니다."
    figure = figure.replace("~", "–")
    if form.is_alcoholic:
        return f"{title} is an alcoholic drink. It is {figure} ABV."
    if form.abv_max > 0:
        return f"{title} is not sold as liquor, but it may contain {figure} alcohol."
    if _perhaps(form):
        return f"{title} may contain alcohol. How much is not known."
    return f"{title} is not an alcoholic drink; it contains no alcohol."


def _caffeine(form: DrinkForm, lang: str, title: str) -> str:
    if lang == "ko":
        return f"{title}에는 카페인이 {'있' if form.caffeine else '없'}습니다."
    return f"{title} contains {'' if form.caffeine else 'no '}caffeine."
