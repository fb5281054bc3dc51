"""What can be made of the ingredients that there are, and what goes with a food: two questions that name no drink. Pure."""

import re
from functools import lru_cache

from kdrinks.drinks.ingredients import ingredients, named, stands_for
from kdrinks.records import Language
from kdrinks.search.conditions import held, is_word
from kdrinks.search.heard import Asked, Heard
from kdrinks.search.refusals import as_having
from kdrinks.store.drink_queries import DrinkQuery


def ingredients_in(heard: Heard) -> Asked | None:
    """What there is: `쌀이랑 누룩 있는데 뭐 만들지`, `what can I make with ginger`; a drink that is named is an ingredient here."""
    text = as_having(heard.whole)
    have = [code for start, end, code in named(text, heard.lang) if is_word(text, start, end, heard.lang)]
    have = [code for code in have if not ingredients()[code].assumed] or have
    refused = {code for code, out in held(text, heard.lang) if out}
    have = [code for code in have if code not in refused]
    if not have or any(one not in have for one in heard.subjects):
        return None  # a drink that is no ingredient: it is asked after
    return Asked(
        DrinkQuery(operation="make_from", have=stands_for(have), named=frozenset(have), homemade="perhaps"),
        ingredients=tuple(dict.fromkeys(have)),
        explicit=True,
    )


def foods_in(heard: Heard, foods: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The foods that a question names, of those that drinks go with; the longer one of two at one place."""
    found = tuple(word for word in _all_foods(foods, heard.lang) if _food_in(word, heard.text, heard.lang))
    return tuple(word for word in found if not any(word != other and word in other for other in found))


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
