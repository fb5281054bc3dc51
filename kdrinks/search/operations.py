"""Whether a question asks over many drinks, and for what: a list, a count, the most of something, what can be made, what goes with a food.

By structure: what is asked (how many, which, all, the -est), a word for a class of drinks, what they must be like, and no one drink
that it is about. Pure but for the foods that drinks go with; text in, Asked out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from kdrinks.drinks.model import Drink
from kdrinks.search import decide, operation_words
from kdrinks.search.conditions import held, with_conditions
from kdrinks.search.filters import Wishes
from kdrinks.search.heard import Asked, Heard, about_one, asks, counts, hear, names_class, of_earlier, of_those
from kdrinks.search.kitchen import make_from, pairing
from kdrinks.search.operation_words import said
from kdrinks.search.query import Query
from kdrinks.store.drink_queries import DrinkQuery, Measure, Operation

_FEW_WORDS = 4
_TOKEN = re.compile(r"[^\s?!.,~…]+")


def asked(
    query: Query,
    wishes: Wishes,
    drinks: Mapping[str, Drink],
    foods: tuple[tuple[str, str], ...],
    *,
    spoken_of: Sequence[str] = (),
    follows: bool,
) -> Asked | None:
    """The operation that the question asks for, with its conditions; None where it is about one drink, a text, or nothing of ours.

    wishes: its own, by the words of tags.   foods: as the records tell them.   spoken_of: the drinks of the question before.
    """
    if "injection" in query.cued:
        return None
    heard = hear(query, spoken_of=spoken_of, follows=follows)
    if said("foreign", heard.text, heard.lang) or _from_elsewhere(heard.text):
        return None
    found = (
        make_from(heard, query)
        or _within(heard)
        or _compare(heard)
        or _same_region(heard)
        or _most_or_order(heard)
        or _count(heard)
        or pairing(heard, foods)
        or _list(heard, wishes)
        or _refined(heard, wishes)
    )
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


def _within(heard: Heard) -> Asked | None:
    time = operation_words.hours(heard.text, heard.lang)
    making = (
        r"만들|만드|끓|완성|준비|되는|마실 ?수|가능|타서|담그|빚|걸리"
        if heard.lang == "ko"
        else r"\b(?:mak\w+|made|ready|prepar\w+|brew\w*|whip|take|takes|done|cook|possible|finish\w*)\b"
    )
    if time is None or about_one(heard) or not asks(heard.text, making):
        return None
    if not (names_class(heard) or said("which", heard.text, heard.lang) or said("one", heard.text, heard.lang)):
        return None
    operation: Operation = "count" if counts(heard) else "within"
    return Asked(
        DrinkQuery(operation=operation, within_hours=time, by="total_time", descending=False),
        explicit=True,
        of_those=of_those(heard),
    )


def _compare(heard: Heard) -> Asked | None:
    """Two or three named drinks by a figure: `안동소주랑 문배주 중에 뭐가 더 세?`, `is munbaeju older than makgeolli`."""
    subjects = heard.subjects or (heard.spoken_of if 2 <= len(heard.spoken_of) <= 3 else ())
    if not 2 <= len(subjects) <= 3:
        return None
    text, lang = heard.text, heard.lang
    found = operation_words.measured(text, lang, compared=True) or operation_words.measured(text, lang)
    if not found and asks(
        text,
        r"도수 ?(?:를|을)? ?(?:비교|차이)|도수(?:가|는)? ?(?:어떻게 )?(?:다르|달라)|\b(?:abv|strength|alcohol content)\b",
    ):
        found = ("abv", True, re.match("", text))  # type: ignore[assignment]
    if not found or (
        lang == "ko"
        and not said("comparative", text, lang)
        and not said("superlative", text, lang)
        and "비교" not in text
        and "차이" not in text
        and not found[0] == "abv"
    ):
        return None
    return Asked(DrinkQuery(operation="compare", by=found[0], descending=found[1]), compared=subjects, explicit=True)


def _same_region(heard: Heard) -> Asked | None:
    text, lang = heard.text, heard.lang
    of = heard.subjects[:1] or heard.spoken_of[:1]  # also one that is named to be left out: `진도홍주 말고 같은 지역`
    if not of or len(heard.subjects) > 1 or not said("region", text, lang) or not said("other", text, lang):
        return None
    operation: Operation = "count" if counts(heard) else "same_region"
    return Asked(DrinkQuery(operation=operation), region_of=of[0], explicit=True)


def _superlative(heard: Heard) -> tuple[Measure, bool] | None:
    text, lang = heard.text, heard.lang
    found = operation_words.measured(text, lang)
    if not found:
        return None
    measure, high, _ = found
    if lang == "ko":
        own = re.search(r"최초|최강|최고 ?도수|최저|최다|최소|끝판왕|최대", text)
        if not own and not said("superlative", text, lang) and not operation_words.place(text, lang):
            return None
    return measure, high


def _most_or_order(heard: Heard) -> Asked | None:
    text, lang = heard.text, heard.lang
    if about_one(heard):
        return None
    orders = said("order", text, lang)
    found = operation_words.measured(text, lang)
    if (
        orders
        and found
        and not (lang == "ko" and said("superlative", text, lang) and operation_words.how_many(text, lang))
    ):
        if not (names_class(heard) or found[0] == "abv" or heard.follows) or said("not_drinks", text, lang):
            return None
        measure, high = found[0], found[1]
        return Asked(
            DrinkQuery(operation="order", by=measure, descending=high, most=operation_words.how_many(text, lang)),
            of_those=of_earlier(heard),
            explicit=True,
        )
    if orders and asks(text, r"도수|알코올|알콜|\babv\b|strength|alcohol|proof") and not said("safety", text, lang):
        low = asks(text, r"낮은 ?(?:것|거|순)|약한|weakest|lowest|ascending|오름차")
        return Asked(
            DrinkQuery(operation="order", by="abv", descending=not low), of_those=of_earlier(heard), explicit=True
        )
    best = _superlative(heard)
    if not best:
        return _unknown(heard)
    measure, high = best
    if said("not_drinks", text, lang) or said("safety", text, lang):
        return None
    short = len(_TOKEN.findall(text)) <= _FEW_WORDS and measure == "abv"
    if not (
        names_class(heard)
        or (measure in ("total_time", "steps") and asks(text, r"만들|\bmake\b|\bbrew\b"))
        or short
        or (heard.follows and said("one", text, lang))
        or (measure == "abv" and said("one", text, lang))
    ):
        return None
    if measure == "steps" and said("suggest", text, lang) and not said("all", text, lang):
        return None  # `쉬운 거 추천해 줘` is a suggestion
    if place := operation_words.place(text, lang):  # the second one: with the first, so that one sees it is
        return Asked(
            DrinkQuery(operation="order", by=measure, descending=high, most=place),
            of_those=of_those(heard),
            explicit=True,
        )
    operation: Operation = "most" if high else "least"
    if asks(text, r"추천|recommend|suggest") and measure != "abv":
        return None
    return Asked(
        DrinkQuery(operation=operation, by=measure, descending=high, most=operation_words.how_many(text, lang)),
        of_those=of_earlier(heard),
        explicit=True,
    )


def _unknown(heard: Heard) -> Asked | None:
    """The cheapest, the healthiest: of a class of drinks, and not as a suggestion."""
    text, lang = heard.text, heard.lang
    marked = said("superlative", text, lang) if lang == "ko" else re.search(r"\b(?:\w+est|most|least|best)\b", text)
    what = operation_words.unknown(text, lang)
    if not what or not marked or said("not_drinks", text, lang) or said("safety", text, lang):
        return None
    if not (names_class(heard) or (heard.follows and said("one", text, lang))):
        return None
    if asks(text, r"추천|권해|골라|recommend|suggest|should i"):
        return None
    return Asked(DrinkQuery(operation="most"), unknown=what, of_those=of_those(heard))


def _count(heard: Heard) -> Asked | None:
    text, lang = heard.text, heard.lang
    if about_one(heard) or not counts(heard) or said("not_drinks", text, lang):
        return None
    if lang == "ko" and asks(text, r"재료|단계|인분|칼로리|시간|이름|계절|살(?:이|은|부터)|글자"):
        return None
    them = lang == "en" and heard.follows and asks(text, r"\bof them\b|\bhow many (?:are|have|contain|can)\b")
    if not (names_class(heard) or them or (heard.follows and lang == "ko")):
        return None
    return Asked(DrinkQuery(operation="count"), of_those=of_those(heard) or them, explicit=True)


def _list(heard: Heard, wishes: Wishes) -> Asked | None:
    text, lang = heard.text, heard.lang
    if about_one(heard) or said("not_drinks", text, lang):
        return None
    every, which = said("all", text, lang), said("which", text, lang)
    filtered = bool(wishes) or wishes.liquor is not None or _has_conditions(heard)
    bare = not every and not which and _is_phrase(heard)
    if not names_class(heard) and not (heard.follows and (every or which) and filtered and said("one", text, lang)):
        if not (every or which) or not filtered or not said("one", text, lang):
            return None
    if (
        every
        and not asks(text, r"추천|recommend|suggest")
        and (not said("several", text, lang) if lang == "ko" else True)
    ):
        if said("safety", text, lang) and not wishes.leaves_out:
            return None
        return Asked(DrinkQuery(), of_those=of_those(heard), explicit=True)
    if wishes.asks_what_contains:  # what somebody must avoid is told whole, whatever else is in the words
        return Asked(DrinkQuery(), of_those=of_those(heard), explicit=True)
    if said("suggest", text, lang) or said("safety", text, lang) or (lang == "ko" and said("several", text, lang)):
        return None
    if not (which or bare) or not filtered or not (_positive(heard, wishes) or of_those(heard)):
        return None
    if _one_thing(heard):
        return None
    return Asked(DrinkQuery(), of_those=of_those(heard))


def _positive(heard: Heard, wishes: Wishes) -> bool:
    """Whether it says what the drinks are, and not only what they must not be: `anything without alcohol?` asks for a suggestion."""
    without = {"caffeine"} if "none" in wishes.wanted.get("caffeine", ()) else set()
    return bool(
        wishes.wanted.keys() - without
        or wishes.asks_what_contains
        or wishes.liquor
        or _has_conditions(heard, only_held=True)
    )


def _one_thing(heard: Heard) -> bool:
    """Whether it is after one drink whose name it does not know (`what is the tea for sore throats called`), or after a fact of a class."""
    text = heard.text
    if heard.lang == "ko":
        return asks(
            text,
            r"이름이|역사|유래|만드는 ?법|만드는 ?방법|어떻게|왜|언제|차이|뜻|의미|누가|얼마나|효능|보관|마시는 ?법|예절|법은|법이|방법|맞아|사실|정말|진짜",
        )
    return asks(
        text,
        r"\b(?:called|name of|history|how (?:do|does|is|are|to|long)|why|when|difference|meaning|who|keep|store|etiquette|is it true|really|about the|tell me about|a drink|the drink|a tea|the tea)\b",
    )


def _is_phrase(heard: Heard) -> bool:
    """Whether the question is nothing but a name for some drinks: `제주 술`, `teas without caffeine`."""
    tokens = _TOKEN.findall(heard.text)
    if heard.lang == "ko":
        return len(tokens) <= 5 and bool(
            re.search(
                r"(?:음료(?:수|들)?|술(?:들)?|차(?:들)?|전통주|전통차|화채|종류|목록)(?:은|는|이|가|만)?(?:요)?\W*$",
                heard.text,
            )
        )
    return (
        len(tokens) <= 8
        and not re.search(
            r"\b(?:is|are|was|does|do|did|can|could|will|how|why|when|who|where|has|should|would|the|a|an)\b|\?",
            re.sub(r"^(?:the|all the)\b", "", heard.text),
        )
        and bool(
            re.search(r"\b(?:drinks|teas|liquors|beverages|wines|spirits|brews|liqueurs|punches|hwachae)\b", heard.text)
        )
    )


def _has_conditions(heard: Heard, *, only_held: bool = False) -> bool:
    text, lang = heard.text, heard.lang
    return bool(
        heard.kinds
        or any(operation_words.strengths(text))
        or any(operation_words.years(text))
        or said("home", text, lang)
        or said("perhaps", text, lang)
        or any(not (only_held and refused) for _, refused in held(text, lang))
        or of_those(heard)
    )


def _refined(heard: Heard, wishes: Wishes) -> Asked | None:
    """`그럼 전라도는?`, `and in Jeju?`: the question before, with another condition. Whoever asks looks whether there was one."""
    text, lang = heard.text, heard.lang
    if heard.follows and not about_one(heard) and said("all", text, lang) and len(_TOKEN.findall(text)) <= _FEW_WORDS:
        return Asked(DrinkQuery(), refines=True, explicit=True)  # `다 알려줘` after `차 몇 가지 있어?`
    if (
        not heard.follows
        or about_one(heard)
        or len(_TOKEN.findall(text)) > 5
        or not (wishes or wishes.liquor is not None or held(text, lang))
    ):
        return None
    if said("suggest", text, lang) or said("safety", text, lang) or _one_thing(heard):
        return None
    rest = re.match(operation_words.table()["words"][f"again_{lang}"], text)
    if lang == "ko" and not re.search(r"(?:은|는|만|건|껀|거는|것은|도)(?:요)?\W*$", text):
        return None
    if lang == "en" and not (rest and rest[0].strip()):
        return None
    return Asked(DrinkQuery(), refines=True)
