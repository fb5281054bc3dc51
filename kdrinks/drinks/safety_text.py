"""The text on safety of a drink that somebody corrected: its allergens, its cautions, and what liquor and honey need. Pure.

What the package says there stays; a correction only adds to it.
"""

import re
from collections.abc import Iterable

from kdrinks.drinks.model import Bilingual, Drink

_LIQUOR = {
    "ko": "술이므로 임신·수유 중이거나 운전하기 전인 사람, 미성년자는 마시지 않습니다.",
    "en": "It is an alcoholic drink: it is not for pregnant or breastfeeding women, for anyone about to drive, or for minors.",
}
_PERHAPS = {
    "ko": "알코올이 있을 수 있으므로 임신·수유 중이거나 운전하기 전인 사람, 약을 복용하는 사람, 미성년자는 마시지 않습니다.",
    "en": "It may contain alcohol: it is not for pregnant or breastfeeding women, for anyone about to drive or on medication, or for minors.",
}
_HONEY = {
    "ko": "꿀을 넣었다면 생후 12개월 미만 아기에게는 주지 않습니다.",
    "en": "If honey is used, never give it to babies under 12 months.",
}
_ALLERGENS = re.compile(r"알레르기를 일으킬 수 있는 재료|알레르기 유발 재료|[Pp]ossible allergens|common allergen")
_SENTENCE = re.compile(r".+?[.!?][\"'”’)』》]*(?:\s+|$)|.+$", re.DOTALL)


def written(drink: Drink) -> Bilingual:
    """The text from the drink's own lists alone; what liquor and honey need stands there even where nobody typed it."""
    return Bilingual(" ".join(_written(drink, "ko")), " ".join(_written(drink, "en")))


def over(package: Drink, drink: Drink, own: Bilingual | None = None) -> Bilingual:
    """The text of a corrected drink. own: what the person wrote there beside the lists.

    Everything that the package says stands in it, but for the names of the allergens where there are more of them now.
    """
    if own is None and grounds(drink) == grounds(package):
        return package.safety
    return Bilingual(*(_over(package, drink, lang, getattr(own, lang) if own else "") for lang in ("ko", "en")))


def grounds(drink: Drink) -> tuple[object, ...]:
    """What the text is written from: where it is the same, so is the text."""
    liquor = drink.is_alcoholic, drink.alcohol_free
    return (drink.title_ko, drink.title_en, drink.allergens, drink.cautions, liquor, "honey" in drink.tags.diet)


def _over(package: Drink, drink: Drink, lang: str, own: str) -> str:
    said = _sentences(getattr(package.safety, lang))
    lines = _written(drink, lang, beside=said)
    if (drink.allergens, drink.title_ko, drink.title_en) != (package.allergens, package.title_ko, package.title_en):
        named = [line for line in lines if _ALLERGENS.search(line)]
        said = [*named, *(line for line in said if not _ALLERGENS.search(line))]
    for line in (*lines, *_sentences(own)):
        # "Not for minors." stands in "It is an alcoholic drink: not for minors." already
        if not _ALLERGENS.search(line) and line.rstrip(".").casefold() not in " ".join(said).casefold():
            said.append(line)
    return " ".join(said)


def _written(drink: Drink, lang: str, beside: Iterable[str] = ()) -> list[str]:
    """Allergens, then what liquor and honey need, then cautions. beside: sentences that may say it already."""
    allergens, title = ", ".join(getattr(drink.allergens, lang)), getattr(drink, f"title_{lang}")
    cautions = _stopped(getattr(drink.cautions, lang))
    known = [*cautions, *beside]
    lines = []
    if allergens:
        names = f"{title}에서 알레르기를 일으킬 수 있는 재료는 {allergens}입니다."
        lines.append(names if lang == "ko" else f"Possible allergens in {title}: {allergens}.")
    if not any(re.search("운전|driv", line) for line in known):
        lines += [_LIQUOR[lang]] if drink.is_alcoholic else [] if drink.alcohol_free else [_PERHAPS[lang]]
    if "honey" in drink.tags.diet and not any(re.search("12개월|12 months", line) for line in known):
        lines.append(_HONEY[lang])
    return [*lines, *cautions]


def _stopped(lines: Iterable[str]) -> list[str]:
    return [line if line.endswith((".", "!", "?")) else line + "." for line in lines]


def _sentences(text: str) -> list[str]:
    return [found.strip() for found in _SENTENCE.findall(text) if found.strip()]
