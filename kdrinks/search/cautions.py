"""Which of a drink's sentences answer a concern, which intent it stands for, and which passages are quoted by every model. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from kdrinks.drinks.model import Detail, Drink
from kdrinks.kinds import QUOTED, Intent
from kdrinks.records import Passage
from kdrinks.search import concerns
from kdrinks.search.concerns import Concern

INTENTS: Mapping[str, Intent] = {
    "pregnancy": "pregnancy",
    **dict.fromkeys(("infant_under_6m", "infant_under_12m", "child"), "infant"),
    "allergy": "allergy",
    **dict.fromkeys(
        (
            *("blood_thinner", "other_medicine", "diabetes", "blood_pressure"),
            *("kidney", "liver", "condition", "unsure", "hangover"),
        ),
        "health",
    ),
    **dict.fromkeys(("minor", "driving", "sobriety"), "alcohol"),
}
"""The intent of each group of concerns, in the order in which one stands before another; the others say nothing of the intent."""

_ALCOHOL_IN_IT = re.compile(
    r"(?<![가-힣])(?:술|알코올|알콜)(?:[이은도을])? ?(?:성분|들|섞|넣|함유)|\b(?:contains?|any|have|has|add(?:ed)?|use) (?:\w+ )?(?:alcohol|liquor|booze)\b",
    re.IGNORECASE,
)
"""Asks whether alcohol is in a drink: its ingredients need not tell what forms in it."""


_NO_QUESTION_OF_IT = re.compile(
    r"왜|까닭|이유|꼭|넣어[야도]|섞|에 ?(?:타|말아|풀)|낫|맛있|\bwhy\b|\bmust\b|\badd\b|\bmix", re.IGNORECASE
)
"""Speaks of an ingredient without asking whether it is in a drink."""


def asked_of(text: str, allergens: Collection[str]) -> Intent | None:
    """What a question on an ingredient asks besides: on alcohol, or on an allergen, of which the list of ingredients need not name all."""
    if _ALCOHOL_IN_IT.search(text):
        return "alcohol"
    return "allergy" if allergens and not _NO_QUESTION_OF_IT.search(text) else None


def intents_of(care: Iterable[Concern]) -> tuple[Intent, ...]:
    """The sensitive matters that these are: pregnancy, infant, allergy, health, alcohol, in this order."""
    named = {concern.group for concern in care}
    return tuple(dict.fromkeys(intent for group, intent in INTENTS.items() if group in named))


CAUTIONS = frozenset(
    {"gen-health", "gen-alcohol-medicine", "gen-alcohol-pregnancy", "gen-honey-infant", "gen-legal-age", "gen-gluten"}
)
"""Topics on them."""

MENTIONED = frozenset({"infant_under_6m", "infant_under_12m", "child", "minor", "hangover"})
"""Groups that a question of fact may name in passing; who is ill, pregnant or drives is answered all the same."""

ALWAYS = frozenset({"gen-sober-up-myth", "gen-withdrawal", "gen-after-drinking"})
"""Rules that are said whether or not liquor is named."""

_MEDICINES = frozenset(
    {"other_medicine", "blood_thinner", "blood_pressure", "diabetes", "kidney", "liver", "condition"}
)
_TOPICS_ON: Mapping[str, frozenset[str]] = {
    "gen-legal-age": frozenset({"minor", "child", "driving"}),
    "gen-honey-infant": frozenset({"infant_under_6m", "infant_under_12m", "child"}),
    "gen-alcohol-pregnancy": frozenset({"pregnancy"}),
    "gen-alcohol-medicine": _MEDICINES,
    "gen-gluten": frozenset({"allergy"}),
}
"""The groups of concerns that a topic is on."""


def is_on(topic: str, groups: Collection[str]) -> bool:
    """Whether a topic on a state of somebody is on one of those that are named; any other topic is."""
    return topic not in _TOPICS_ON or not _TOPICS_ON[topic].isdisjoint(groups)


def applying(topics: Iterable[tuple[str, float]], groups: Collection[str], *, general: bool) -> list[tuple[str, float]]:
    """The topics without those on a state that nobody named; general: no drink is asked about, the rule itself may be."""
    return [touched for touched in topics if general or touched[0] == "gen-gluten" or is_on(touched[0], groups)]


OF_CAUTION = re.compile("알코올|숙취|감기약|아기|독성|alcohol|hangover|cold (?:medicine|cure)|babies|toxic")
"""What a false belief says when holding it could hurt somebody."""


def is_quoted(passage: Passage) -> bool:
    """Whether a passage is on alcohol, pregnancy, infants, allergies or medicine."""
    if passage.kind == "belief":
        return bool(OF_CAUTION.search(passage.text))
    return passage.kind in QUOTED or passage.subject_id in CAUTIONS


_FALLS_TO: Mapping[str, tuple[str, ...]] = {
    "infant_under_6m": ("infant_under_12m", "child", "minor"),
    "infant_under_12m": ("child", "minor"),
    "child": ("minor",),
    "minor": ("child",),
    "blood_thinner": ("other_medicine",),
    "blood_pressure": ("other_medicine",),
    "liver": ("kidney", "other_medicine"),
    "condition": ("other_medicine",),
    "hangover": ("sobriety",),
}
"""The groups that answer where the notes hold no sentence of the group itself, nearest first."""

_WITH: Mapping[str, tuple[str, ...]] = {"infant_under_6m": ("infant_under_12m",)}
"""Groups that hold as well."""

_POISON_SAYS: Mapping[str, re.Pattern[str]] = {
    "azalea": re.compile("철쭉"),
    "cyanide": re.compile("시안"),
    "asked": re.compile("독"),
    "gathered": re.compile("직접|캔|꽃집|길가|모르는"),
    "ginkgo": re.compile("은행"),
}
DISTILLED = re.compile(r"증류|메탄올|내리|내려|distil|methanol|moonshine|pot still", re.IGNORECASE)
_SPOILS = re.compile(r"쉽니다|쉰|상할|상하|곰팡이", re.IGNORECASE)
"""A sentence on what goes off says how to keep a drink: it stands under a recipe, not before it."""


def rows_on(drink: Drink, group: str, *, sobering_up: bool = False) -> list[Detail]:
    """The drink's own sentences of the group and of those that hold as well, else of the nearest group that it has.

    sobering_up: the question is on that; what the notes say of it under sobriety answers nobody who must not drink.
    """

    def own(one: str) -> list[Detail]:
        rows = [detail for detail in drink.details if detail.group == one]
        if one == "sobriety" and not sobering_up:
            rows = [row for row in rows if row.level != "not_known"]
        return [row for row in rows if group != "liver" or _on_liver(row)]

    nearest = next((rows for one in (group, *_FALLS_TO.get(group, ())) if (rows := own(one))), [])
    return list(dict.fromkeys([*nearest, *(row for one in _WITH.get(group, ()) for row in own(one))]))


def is_comfort(row: Detail) -> bool:
    """Whether a sentence permits something without a page that was read for it: it is not said."""
    return row.level == "fine_in_usual_amounts" and row.confidence != "high"


def holds(drink: Drink, what: str) -> bool:
    """Whether what an allergy is against is among what the drink is made with or warns of."""
    if what in drink.tags.diet:
        return True
    lists = (drink.ingredients, drink.allergens)
    said = [item for both in lists for item in (*both.ko, *both.en)] + [drink.name_ko, drink.name_en]
    said += [text for row in rows_on(drink, "allergy") for text in (row.ko, row.en)]
    return concerns.names_thing(what, " ".join(said).lower())


def on_poison(concern: Concern, text: str, near: Sequence[Drink], every: Sequence[Drink]) -> list[tuple[Drink, Detail]]:
    """At most two sentences on the poison that a text names: of the drinks spoken of or named after the plant, else of any.

    Those first that share most words with the text.
    """
    says = _POISON_SAYS.get(concern.what, re.compile(re.escape(concern.surface[:3])))
    words = {word[:2] for word in re.findall(r"[가-힣]{2,}", text)} | set(
        re.findall(r"[a-z]{4,}(?=s\b)|[a-z]{4,}", text.lower())
    )

    def of(drinks: Iterable[Drink], pattern: re.Pattern[str]) -> list[tuple[Drink, Detail]]:
        rows = [
            (drink, row)
            for drink in drinks
            for row in drink.details
            if row.group == "poison" and (pattern.search(row.ko) or pattern.search(row.en))
        ]
        rows.sort(key=lambda pair: -sum(word in f"{pair[1].ko} {pair[1].en}".lower() for word in words))
        return rows[:2]

    return of(near, says) or of(every, says) or of(near, re.compile(""))


def of_recipe(drink: Drink) -> list[Detail]:
    """The warnings that a drink's recipe always carries."""
    return [row for row in drink.details if row.group == "poison" and row.level == "avoid" and not _spoils(row)]


def on_spoiling(drink: Drink) -> list[Detail]:
    """What stands under a recipe of what goes off."""
    return [row for row in drink.details if row.group == "poison" and row.level == "avoid" and _spoils(row)]


def _on_liver(detail: Detail) -> bool:
    return "간" in detail.ko and "liver" in detail.en


def _spoils(detail: Detail) -> bool:
    return bool(_SPOILS.search(detail.ko)) and "독" not in detail.ko


def begun(drinks: Iterable[Drink], text: str) -> list[Drink]:
    """The drinks of two words whose name begins with a whole word of the text: 고로쇠 is 고로쇠 수액."""
    words = set(re.findall(r"[가-힣]{3,}|[a-z]{5,}", text.lower()))
    titles = ((drink, (drink.title_ko.split(), drink.title_en.lower().split())) for drink in drinks)
    return [drink for drink, names in titles if any(len(name) > 1 and name[0] in words for name in names)]
