"""What can be made of the ingredients that there are, and what goes with a food: two questions that name no drink. Pure."""

import re
from functools import lru_cache

from kdrinks.drinks.ingredients import ingredients, named, stands_for
from kdrinks.records import Language
from kdrinks.search.conditions import held, is_word
from kdrinks.search.heard import Asked, Heard, about_one, asks, counts, names_class
from kdrinks.search.operation_words import said
from kdrinks.search.query import Query
from kdrinks.store.drink_queries import DrinkQuery, Operation


def make_from(heard: Heard, query: Query) -> Asked | None:
    """`쌀이랑 누룩 있는데 뭐 만들지`, `what can I make with ginger`: a drink that is named is an ingredient here."""
    text, lang = heard.text, heard.lang
    if said("safety", text, lang) or (counts(heard) and not said("make", text, lang)):
        return None
    whole = query.text.lower()
    have = _ingredients_in(whole, lang)
    have = [code for code in have if not ingredients()[code].assumed] or have
    if not have or not said("have", text, lang) or not said("make", text, lang):
        return None
    if any(refused for _, refused in held(whole, lang)):
        return None  # `without egg or nuts` names no ingredient that there is
    names = set(have)
    if any(one not in names for one in heard.subjects):
        return None  # a drink that is no ingredient: it is asked after
    if lang == "ko" and not asks(
        text,
        r"뭐|뭘|머|무엇|무슨|어떤|있(?:어|나|을까|니|는지)|가능|될까|만들까|할까|알려|레시피|추천|음료|만들 ?(?:거|것|수)",
    ):
        return None
    if lang == "en" and not asks(
        text, r"\b(?:what|which|anything|something|ideas?|any|drinks?|recipes?|list|can i|could i|how many)\b"
    ):
        return None
    only = _uses(text, lang)
    if only:
        return None
    return Asked(
        DrinkQuery(operation="make_from", have=stands_for(have), named=frozenset(have), homemade="perhaps"),
        ingredients=tuple(dict.fromkeys(have)),
        explicit=True,
    )


def _uses(text: str, lang: Language) -> bool:
    """`곶감으로 만드는 음료`, `drinks made with ginger`: which drinks use it, not what can be made of it alone."""
    pattern = (
        r"(?:으?로|을 ?넣어|를 ?넣어|을 ?써서|를 ?써서) ?(?:만든|만드는|빚은|빚는|담근|담그는|끓인|끓이는|우린)"
        if lang == "ko"
        else r"\b(?:made|brewed|drinks?|teas?|liquors?|that (?:use|contain|have))\b (?:\w+ )?(?:with|from|of|using)\b"
    )
    return asks(text, pattern) and not said("have", re.sub(pattern, "", text), lang)


def _ingredients_in(text: str, lang: Language) -> list[str]:
    return [code for start, end, code in named(text, lang) if is_word(text, start, end, lang)]


def pairing(heard: Heard, foods: tuple[tuple[str, str], ...]) -> Asked | None:
    text, lang = heard.text, heard.lang
    if (
        about_one(heard)
        or said("safety", text, lang)
        or not said("pairing", text, lang)
        or asks(text, r"추천|recommend|suggest")
    ):
        return None
    named_here = tuple(word for word in _all_foods(foods, lang) if _food_in(word, text, lang))
    named_here = tuple(word for word in named_here if not any(word != other and word in other for other in named_here))
    if not named_here or not (names_class(heard) or asks(text, r"뭐|뭘|무엇|마실|마시|마셔|\bdrink|\bwhat\b")):
        return None
    operation: Operation = "count" if counts(heard) else "pairing"
    return Asked(DrinkQuery(operation=operation, foods=named_here), foods=named_here, explicit=True)


@lru_cache(maxsize=4)
def _all_foods(foods: tuple[tuple[str, str], ...], lang: Language) -> list[str]:
    """The longest first."""
    words = {word for ko, en in foods for word in food_words(ko if lang == "ko" else en, lang)}
    return sorted(words, key=lambda one: (-len(one), one))


def food_words(text: str, lang: Language) -> list[str]:
    """The foods of `파전·빈대떡·두부김치`, `pajeon, tofu`."""
    if lang == "ko":
        parts = re.split(r"[·,()/]|이 있는|\s(?=밥상)", text)
        return [
            part.strip()
            for part in parts
            if part.strip() and not re.search(r"음식|식사|안주|밥상|취향|모든|반가", part)
        ]
    found = [part.strip().lower() for part in re.split(r",|\band\b|\bor\b|\(|\)|/", text)]
    return [part for part in found if len(part) > 2 and not re.search(r"food|dish|meal|snack|match|mild|any ", part)]


def _food_in(word: str, text: str, lang: Language) -> bool:
    if lang == "ko" and len(word) == 1:
        return re.search(rf"(?<![가-힣]){word}(?=이랑|이나|과|하고|에|을|먹|,| )", text) is not None
    return word in text if lang == "ko" else re.search(rf"\b{re.escape(word)}s?\b", text) is not None
