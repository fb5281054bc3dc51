"""Which operation over many drinks a question asks for, with its conditions: a list, a count, the most of something, what can be made ...

What is asked is read (search/reading.py); a figure, a time, a food or an ingredient that the operation needs is looked up in its words.
Where a part is missing the question is answered without an operation. Text in, Asked out.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from kdrinks.drinks.model import Drink
from kdrinks.search import decide, operation_words
from kdrinks.search.conditions import with_conditions
from kdrinks.search.filters import Wishes
from kdrinks.search.heard import Asked, Heard, hear, of_those
from kdrinks.search.kitchen import foods_in, ingredients_in
from kdrinks.search.query import GOES_ON, NAMELESS, OF_ONE, OPERATIONS, READ_FROM, Query
from kdrinks.search.reading import Ask
from kdrinks.store.drink_queries import DrinkQuery, Operation

Foods = tuple[tuple[str, str], ...]


def asked(
    query: Query,
    wishes: Wishes,
    drinks: Mapping[str, Drink],
    foods: Foods,
    *,
    spoken_of: Sequence[str] = (),
    follows: bool,
) -> Asked | None:
    """The operation that the question asks for, with its conditions; None where it is about one drink, a text, or nothing of ours.

    wishes: its own, by the words of tags.   foods: as the records tell them.   spoken_of: the drinks of the question before.
    """
    heard = hear(query, spoken_of=spoken_of, follows=follows)
    if operation_words.said("foreign", heard.text, heard.lang) or _from_elsewhere(heard.text):
        return None  # of drinks that are none of ours no list is whole
    found = _operation(query, heard, wishes, foods)
    if found is None or found.unknown or found.compared:
        return found
    request = with_conditions(
        found.query,
        heard.text,
        heard.lang,
        kinds=heard.kinds,
        wishes=wishes,
        drinks=drinks,
        allergic="allergy" in query.concerns,
    )
    return replace(found, query=request)


def _from_elsewhere(text: str) -> bool:
    ours = re.sub(r"\b(?:rice|fruit|korean|flower|traditional|herbal) (?:wines?|beers?|ales?)\b", "", text)
    return bool(decide.ELSEWHERE.search(ours))


def _operation(query: Query, heard: Heard, wishes: Wishes, foods: Foods) -> Asked | None:
    reading = query.reading
    if query.intent == "compare" or reading.share("compare") >= READ_FROM:
        return _compare(heard)
    if wishes.asks_what_contains and not heard.subjects:  # to be avoided: told whole, whatever else is read
        return Asked(DrinkQuery(), explicit=True)
    if not heard.subjects and operation_words.said("heritage", heard.text, heard.lang) and _asks_for_many(query):
        counts = reading.share("count") > reading.share("list")
        return Asked(DrinkQuery(operation="count" if counts else "list"), explicit=True)
    of_many = {ask: reading.share(ask) for ask in OPERATIONS}
    ask = max(OPERATIONS, key=lambda one: of_many[one])
    offers = sum(of_many.values()) + reading.share("recommend")
    goes_on = heard.follows and reading.needs >= GOES_ON
    if offers < READ_FROM or of_many[ask] < reading.share(reading.first) > reading.share("recommend"):
        # `정월대보름에 마시는 거`, `18세기에 처음 기록된 게 뭐뭐임`: a fact of no drink, and what drinks must be like
        of_a_drink = query.subjects or heard.subjects or goes_on or reading.nameless >= NAMELESS
        return Asked(DrinkQuery(), explicit=True, few=True) if query.intent in OF_ONE and not of_a_drink else None
    if of_many["pairing"] >= TOLD_WHOLE and (named := _pairing(heard, foods)) and not heard.subjects:
        return named  # a food that drinks go with says it
    if of_many[ask] < reading.share("recommend"):
        advice = reading.share("recommend") >= ADVICE or heard.subjects or goes_on
        whole = heard.of_all or of_many["list"] >= TOLD_WHOLE
        return Asked(DrinkQuery(), few=not heard.of_all) if whole and not advice else None
    found = _SLOTS[ask](heard, foods)
    if found is None and ask in ("make_from", "within") and "kitchen" in wishes.wanted and not heard.subjects:
        found = Asked(DrinkQuery(), explicit=True)  # `I only have a kettle, what can I make`
    if found is None:
        return None
    again = goes_on and not found.query.by and ask in ("list", "count") and not of_those(heard)
    return replace(
        found,
        of_those=goes_on and not again,
        refines=again and bool(wishes or wishes.liquor is not None or heard.of_all or _has_figure(heard.text)),
    )


def _asks_for_many(query: Query) -> bool:
    """Of what is of one drink as a rule: not `what does heritage mean`."""
    return query.reading.share("list", "count", "most", "order") >= OF_ONE_AS_A_RULE and not query.followed


OF_ONE_AS_A_RULE = 0.2
"""Probability of a list or a count from which heritage is asked of many: where none is named, it is seldom asked of one."""


def _has_figure(text: str) -> bool:
    """`only the ones under 15 percent`, `그중에 조선 시대 거`"""
    return any(one is not None for one in (*operation_words.strengths(text), *operation_words.years(text)))


TOLD_WHOLE = 0.1
"""Probability of a list from which a suggestion is told as one where few drinks are so: the whole set is what either wants."""
ADVICE = 0.7
"""Probability of a suggestion from which it is one."""
FEW = 8
"""Drinks that a suggestion may be: what is read without counting."""


def _compare(heard: Heard) -> Asked | None:
    """Two or three drinks by a figure: `안동소주랑 문배주 중에 뭐가 더 세?`, `is munbaeju older than makgeolli`."""
    subjects = heard.subjects or heard.spoken_of
    text, lang = heard.text, heard.lang
    found = (
        operation_words.measured(text, lang, compared=True)
        or operation_words.measured(text, lang)
        or operation_words.measure_named(text, lang)
    )
    if not 2 <= len(subjects) <= 3:
        return None
    tasted = tuple(operation_words.qualities(text, lang))
    if not found and not tasted:
        return None
    by = DrinkQuery(operation="compare", by=found[0], descending=found[1]) if found else DrinkQuery(operation="compare")
    return Asked(by, compared=tuple(subjects), by_taste=tasted)


def _list(heard: Heard, foods: Foods) -> Asked | None:
    return None if heard.subjects else Asked(DrinkQuery(), explicit=True)


def _count(heard: Heard, foods: Foods) -> Asked | None:
    """Of a class; `how many can I make in an hour` counts what can be made."""
    if heard.subjects:
        return None
    time = operation_words.hours(heard.text, heard.lang)
    return Asked(DrinkQuery(operation="count", within_hours=time), explicit=True)


def _within(heard: Heard, foods: Foods) -> Asked | None:
    time = operation_words.hours(heard.text, heard.lang)
    if time is None or heard.subjects:
        return None
    return Asked(
        DrinkQuery(operation="within", within_hours=time, by="total_time", descending=False),
        explicit=True,
    )


def _same_region(heard: Heard, foods: Foods) -> Asked | None:
    of = heard.subjects[:1] or heard.spoken_of[:1]  # also one that is named to be left out: `진도홍주 말고 같은 지역`
    says = of and operation_words.said("region", heard.text, heard.lang)  # `술 말고 다른 거` asks for any other
    return Asked(DrinkQuery(operation="same_region"), region_of=of[0], explicit=True) if says else None


def _ranked(heard: Heard, foods: Foods) -> Asked | None:
    """The first of an order, or the order; of two words for it the one that is said decides, as both are read from the same ones."""
    text, lang = heard.text, heard.lang
    if heard.subjects:
        return None
    found = operation_words.measured(text, lang)
    if what := operation_words.unknown(text, lang) if not found or found[0] != "abv" else "":
        return Asked(DrinkQuery(operation="most"), unknown=what)
    most = operation_words.how_many(text, lang)
    place = operation_words.place(text, lang)
    superlative = lang == "en" or operation_words.said("superlative", text, lang) or place  # `strongest` is one itself
    ordered = operation_words.said("order", text, lang)
    found = found or (operation_words.measure_named(text, lang) if ordered else None)
    if not found:
        return None  # `the thickest`: no record has a figure for it
    if ordered or not superlative:
        measure, high = found[:2]
        return Asked(DrinkQuery(operation="order", by=measure, descending=high, most=most), explicit=True)
    measure, high, _ = found
    if place:  # the second one is told with the first, so that one sees it is
        return Asked(DrinkQuery(operation="order", by=measure, descending=high, most=place), explicit=True)
    operation: Operation = "most" if high else "least"
    return Asked(DrinkQuery(operation=operation, by=measure, descending=high, most=most), explicit=True)


def _make_from(heard: Heard, foods: Foods) -> Asked | None:
    return ingredients_in(heard)


def _pairing(heard: Heard, foods: Foods) -> Asked | None:
    named = foods_in(heard, foods)
    return Asked(DrinkQuery(operation="pairing", foods=named), foods=named, explicit=True) if named else None


_SLOTS: Mapping[Ask, Callable[[Heard, Foods], Asked | None]] = {
    "list": _list,
    "count": _count,
    "most": _ranked,
    "order": _ranked,
    "within": _within,
    "make_from": _make_from,
    "pairing": _pairing,
    "same_region": _same_region,
}
