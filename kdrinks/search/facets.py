"""What the words of a question wish for: season, weather, occasion, region, with or without alcohol, honey, caffeine ...

Closed lists from data/tags.toml; pure apart from Kiwi behind `terms`. What a drink must be to be suggested is filters.py's.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from kdrinks.drinks.browse import ALLERGENS
from kdrinks.drinks.model import Tag
from kdrinks.search import concerns
from kdrinks.search.filters import CAREFUL, Wishes
from kdrinks.search.refusals import Things, as_having

_CONTAINED = frozenset({*ALLERGENS, "sugar"})
"""Tags of the group diet that say what a drink may contain: asked about, they are mostly to be avoided."""

_NO_INGREDIENTS = frozenset(
    "12 가능 가루 고명 다방식 마디 문경식 문헌 물 방식 산성 선택 식용 약재 양 원래 음료 잔 재료 전통 제거 제철 제품 집 초과 현대 혼 술 차 과일 "
    "bas black blend boil botanical brew brown cook crop cup distil drink dry edibl fermentat fill fiv flow fruit garnish green infus infusion "
    "korean littl liquor mak modern mum neutral new old optional ordinari original prepar product red remov roast room root seasonal short "
    "smok soft sour spirit start steam styl sweet tea text traditional twelv typ vari wat whit wild young ice".split()
)
"""Terms in lists of ingredients that name none by themselves."""

_LIQUOR = re.compile(
    r"(?<![기예미수마])술(?!안주| ?깨|자리)|알코올|알콜|전통주|\b(?:liquors?|alcohol(?:ic)?|booze|boozy|wines?|spirits?|brews?|sool)\b",
    re.IGNORECASE,
)
_SOFT_BY_NATURE = re.compile(r"할랄|무슬림|이슬람|라마단|halal|muslim|ramadan|soft drink", re.IGNORECASE)
_SOFT_WORD = re.compile(r"음료|전통차|(?<![가-힣])차(?:[를는가 ]|$)|\btea|beverage|punch", re.IGNORECASE)
_LITTLE = re.compile(
    r"도수(?:가|는)? ?낮|안 ?취|덜 취|(?:안|덜) ?(?:독한|독하|센|쎈|세고|쎄고)|약한 술|순한|세지 ?않|독하지 ?않|가볍게 마|가벼운|부드러운 술|low.?alcohol|barely alcoholic|light(?:ly)? alcohol|weak|not too strong"
    r"|less alcohol|mild|low.?abv|won't get (?:me )?drunk",
    re.IGNORECASE,
)
_SOBER = re.compile(r"취하지 ?않|안 ?취하|취하면 안|취하기 싫|without getting drunk|won't get me drunk", re.IGNORECASE)
_NO_LIQUOR = re.compile(
    r"무알코올|무알콜|논알[콜코]|비알코올|비알콜|도수(?:가|는)? ?없|(?<!카페인 )(?<![\d.])0(?:\.0+)? ?(?:도(?!수)|%|퍼센트|프로)|금주|소버|(?:술|음주)(?:을|를)? ?끊|\bnon-?alcoholic|\bsober\b|teetotal"
    r"|(?:술|알코올|알콜)(?:이|은|을)? ?(?:몸에 ?)?(?:안|못) ?(?:받|맞)|간 ?(?:질환|경화|염|암|이식)|지방간|\bliver\b|cirrhosis|hepatitis"
    r"|(?:알코올|알콜|술) ?(?:프리|제로|중독|의존)|제로 ?(?:알코올|알콜)|단주|\b(?:rehab|alcoholism|sobriety|abstain(?:s|ing)?|abstinen(?:ce|t))\b|alcohol (?:addict|depend|use disorder)"
    r"|\bzero[- ]proof\b|\bmocktails?\b|non-?drinkers?\b|recovering alcoholic|in recovery|\b(?:don't|do not|can't|cannot|doesn't|never|not allowed to|quit|stopped|gave up|not) drink(?:ing)?\b(?=\W*$|[.,;!]| at all| any ?more| alcohol| liquor| so\b| and\b| but\b| because| tonight| today)",
    re.IGNORECASE,
)
_MUCH = re.compile(
    r"(?<!안 )(?<!덜 )(?<!안)독한|(?<!안 )(?<!덜 )[센쎈] ?(?:술|걸|거)|도수(?:가|는)? ?(?:좀|꽤|아주|더|제일|가장)? ?(?:높|세|센|쎄|쎈|강)|높은 도수|강한 술|\bstrong(?:est)?\b(?! tea)|high.?proof|hard liquor|high.?abv",
    re.IGNORECASE,
)
_TO_SLEEP = re.compile(
    r"잠|수면|카페인 ?(?:때문|에 ?(?:예민|약|민감)|걱정)|\bsleep|sensitive to caffeine|caffeine sensitiv|keeps? me (?:up|awake)|jitter|두근",
    re.IGNORECASE,
)
"""Who says so with caffeine wants none."""

_FOR_SLEEP = re.compile(
    r"잠(?:이|을|도)? ?(?:안|못|잘|오는|올 ?만|들)|불면|숙면|꿀잠|자기 ?전|\binsomnia|before (?:bed|sleep)|bedtime"
    r"|(?:help|to|can't|cannot|good|better|fall|need) (?:\w+ )?(?:a)?sleep"
)
"""What asks for none without the word."""

_NOT_SWEET = re.compile(
    r"(?:달지|달콤하지|달달하지) ?(?:않|도 않)|안 ?(?:단|달)(?:[ 고은게것거지아]|$)|(?:덜|너무 안) ?단|단 (?:건|것|거) ?(?:말고|빼고|싫|별로)"
    r"|(?:not|isn't|nothing|(?:any|every)thing but|less|without being|hate|dislike)(?: too| so| very| overly)? sweet|\bunsweet|\bdry\b",
    re.IGNORECASE,
)
_CAFFEINE = re.compile(r"카페인|caffein(?:e|ated)?", re.IGNORECASE)
_NO_CAFFEINE = re.compile(r"무카페인|디카페인|decaf", re.IGNORECASE)
_INFLECTED = re.compile(r"[한운은는게고을워친]$")
_OF_THE_DAY = re.compile(
    r"^(?: and \w+)?(?: \w+)? (?:days?|weather|summers?|winters?|mornings?|afternoons?|evenings?|nights?|seasons?)\b(?! (?:drink|tea|punch|beverage|liquor))"
)
"""Behind `hot` or `cold`: the weather is, not the drink."""

_A_THING = re.compile(r"^ (?!and\b|but\b|or\b|so\b|what|which|is\b|now\b|coming|today|this\b|again)[a-z]")
"""Behind `a cold`: a cold drink is no illness."""

_ASKS_HOLDERS = re.compile(
    r"피해야 ?(?:할|하는)|피할|조심할|should i avoid|(?:which|what) .*\b(?:contain|use\b|include)|to avoid",
    re.IGNORECASE,
)

_CONTRACTED = re.compile(r"\b(do|does|did|is|are|was|ca|wo|should|would|could)nt\b", re.IGNORECASE)
"""`i dont drink alcohol`"""

_CONTAINS_NO = re.compile(r"\b(?:no|without|free of|neither|nor)(?: any)? $")
"""Before a thing that drinks must not contain: `which liquors contain no gluten`."""


class Facets:
    """The words by which people ask for each tag, made ready once."""

    def __init__(
        self,
        tags: Iterable[Tag],
        terms: Callable[[str, str], Sequence[str]],
        ingredients: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType({}),
    ) -> None:
        """ingredients: language -> drink id -> the terms of its ingredients."""
        self._terms = terms
        self._ingredients = ingredients
        self._parts = {
            lang: frozenset().union(*of_drink.values()) - _NO_INGREDIENTS for lang, of_drink in ingredients.items()
        }
        self._korean: list[tuple[Tag, str, frozenset[str]]] = []
        self._english: list[tuple[Tag, re.Pattern[str]]] = []
        for tag in tags:
            for word in tag.asked_by.ko:
                self._korean.append((tag, word, _parts(word, terms)))
            words = "|".join(re.escape(word.lower()) for word in sorted(tag.asked_by.en, key=len, reverse=True))
            if words:
                self._english.append((tag, re.compile(rf"\b(?:{words})\b")))

    def wishes(self, text: str, lang: str, own_names: Sequence[str] = ()) -> Wishes:
        """What the text asks for. own_names: names of drinks in it, which are no wish."""
        for name in own_names:
            text = text.replace(name, "¤")
        text = as_having(_CONTRACTED.sub(r"\1n't", text.replace("’", "'")))
        found = list(self._asked_korean(text) if lang == "ko" else self._asked_english(text.lower()))
        parts = self._asked_ingredients(text.lower(), lang)
        things = Things(
            text.lower(),
            [
                *((start, end) for start, end, tag in found if _is_contained(tag)),
                *((start, end) for start, end, _ in parts),
                *(match.span() for pattern in (_LIQUOR, _CAFFEINE) for match in pattern.finditer(text)),
            ],
        )
        named = concerns.named(text)
        careful = {concern.group for concern in named} & {*CAREFUL, "caffeine_sensitive"}
        wanted: dict[str, set[str]] = {}
        excluded: set[tuple[str, str]] = set()
        holds: set[str] = set()
        for start, end, tag in found:
            unwanted = things.refused(start, end)
            if _is_contained(tag) and _ASKS_HOLDERS.search(text) and not _CONTAINS_NO.search(text[:start].lower()):
                holds.add(tag.id)
            elif _is_contained(tag) and not unwanted and not any(one.group == "allergy" for one in named):
                continue
            elif _is_contained(tag) or (unwanted and tag.group in ("kind", "season")):
                excluded.add((tag.group, tag.id))
            elif not unwanted or tag.group in ("alcohol", "caffeine"):
                wanted.setdefault(tag.group, set()).add(tag.id)
        for group in ("caffeine", "alcohol"):
            wanted.pop(group, None)
        liquor = _liquor(text, things)
        if not careful.isdisjoint(CAREFUL):  # whatever it says of liquor
            liquor = None if liquor else liquor
        if _CAFFEINE.search(text) or _NO_CAFFEINE.search(text):
            none = things.any_refused(_CAFFEINE) or _NO_CAFFEINE.search(text) or _TO_SLEEP.search(text)
            wanted["caffeine"] = {"none" if none else "yes"}
        elif _FOR_SLEEP.search(text):
            wanted["caffeine"] = {"none"}
        if "none" in wanted.get("caffeine", ()):
            excluded.add(("caffeine", "yes"))
        may_be_liquor = liquor is not False and careful.isdisjoint(CAREFUL)
        if may_be_liquor and _LITTLE.search(text):
            wanted["alcohol"], liquor = {"low"}, True
        elif may_be_liquor and _MUCH.search(text):
            wanted["alcohol"], liquor = {"high"}, True
        if "mood" in wanted:
            wanted["mood"] -= {"light_alcohol", "strong"}
        if _NOT_SWEET.search(text):
            excluded.add(("mood", "sweet"))
            if "mood" in wanted:
                wanted["mood"] -= {"sweet"}
        refused = {
            (term if lang == "ko" else text[start:end].lower(), term)
            for start, end, term in parts
            if things.refused(start, end)
        }
        return Wishes(
            {group: frozenset(ids) for group, ids in wanted.items() if ids},
            frozenset(excluded),
            liquor,
            frozenset(holds - {tag for _, tag in excluded}),
            liquor is None and bool(_SOFT_WORD.search(text)),
            frozenset(
                (name, drink)
                for drink, own in self._ingredients.get(lang, {}).items()
                for name, term in refused
                if _holds_any(own, (term,))
            ),
            frozenset(careful),
            frozenset(tag.id for _, _, tag in found if _is_contained(tag) and tag.id not in ("sugar", "honey")),
        )

    def _asked_korean(self, text: str) -> Iterable[tuple[int, int, Tag]]:
        own = set(self._terms(text, "ko"))
        found = []
        for tag, word, parts in self._korean:
            if len(word) > 1 and word in text:
                at = text.index(word)
                found.append((at, at + len(word), tag))
            elif parts and parts <= own:
                ends = [(match.start(), match.end(), tag) for match in re.finditer(re.escape(word), text)]
                found += ends or [(at := max(text.find(word[:1]), 0), at + 1, tag)]
        return _longest(found)

    def _asked_english(self, text: str) -> Iterable[tuple[int, int, Tag]]:
        found = [
            (match.start(), match.end(), tag)
            for tag, pattern in self._english
            for match in pattern.finditer(text)
            if not (match.group() == "a cold" and _A_THING.match(text[match.end() :]))
            and not (tag.group == "temperature" and _OF_THE_DAY.match(text[match.end() :]))
        ]
        return _longest(found)

    def _asked_ingredients(self, text: str, lang: str) -> list[tuple[int, int, str]]:
        """Words that some drink has among its ingredients, with their terms."""
        known = self._parts.get(lang, frozenset())
        if not known & set(self._terms(text, lang)):
            return []
        return [
            (match.start(), match.end(), term)
            for match in re.finditer(r"[가-힣]+|[a-z]+", text)
            for term in self._terms(match.group(), lang)
            if term in known and not term.endswith("다")
        ]


def _holds_any(terms: frozenset[str], unwanted: Iterable[str]) -> bool:
    """Whether one of the terms is an unwanted one, or in Korean is made of it: 통계피 of 계피, 찹쌀 of 쌀; but 메밀 is no 밀."""
    return any(
        own == term or (term in own and "가" <= term[0] <= "힣" and (len(term) > 1 or term == "쌀"))
        for own in terms
        for term in unwanted
    )


def _is_contained(tag: Tag) -> bool:
    return tag.group == "diet" and tag.id in _CONTAINED


def _parts(word: str, terms: Callable[[str, str], Sequence[str]]) -> frozenset[str]:
    """The terms by which an asked word is found in other forms: 더운 in 더울 때; none where Kiwi takes a noun for something else."""
    if len(word) == 1:
        return frozenset((word,))
    found, pieces = terms(word, "ko"), word.split()
    if len(found) != len(pieces) or not any(_INFLECTED.search(piece) for piece in pieces):
        return frozenset()
    return frozenset(found)


def _longest(found: Sequence[tuple[int, int, Tag]]) -> list[tuple[int, int, Tag]]:
    """Without those inside a longer word: 비 in 비건 is no rain, `hot` in `hot weather` no temperature, `Jeolla` in `South Jeolla` not both."""
    return [
        (start, end, tag)
        for start, end, tag in found
        if not any(first <= start and end <= last and end - start < last - first for first, last, _ in found)
    ]


def _liquor(text: str, things: Things) -> bool | None:
    if _SOFT_BY_NATURE.search(text) or _NO_LIQUOR.search(text):
        return False
    if not _LIQUOR.search(text):
        return False if _SOBER.search(text) else None
    return not things.any_refused(_LIQUOR)
