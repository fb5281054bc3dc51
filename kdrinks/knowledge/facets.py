"""What a question wants of a drink besides its name: season, weather, occasion, region, with or without alcohol, honey, caffeine ...

Closed lists from data/tags.toml; pure apart from Kiwi behind `terms`. Knows nothing of passages.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kdrinks.knowledge.drinks import Drink, Tag

WEIGHTS: Mapping[str, float] = {
    "occasion": 3.0,
    "region": 3.0,
    "alcohol": 3.0,
    "kind": 2.5,
    "season": 2.0,
    "weather": 2.0,
    "diet": 2.0,
    "caffeine": 2.0,
    "temperature": 1.5,
    "mood": 1.5,
}
"""What a met wish adds; a missed one takes half of it away."""

_CONTAINED = frozenset(
    {
        "sugar",
        "honey",
        "gluten",
        "nuts",
        "peanut",
        "egg",
        "milk",
        "soy",
        "sesame",
        "buckwheat",
        "corn",
        "peach",
        "citrus",
        "pollen",
    }
)
"""Tags of the group diet that say what a drink may contain: asked about, they are mostly to be avoided."""

_SOFT_GROUPS = frozenset({"diet", "caffeine"})
"""Who asks by these and says nothing of liquor is mostly after a soft drink."""

_NOT_KO = re.compile(
    r"^(?:이|가|은|는|을|를|도|류|성분|이나 \S+)?\s*(?:하나도 |전혀 |아예 )?"
    r"(?:없|말고|빼|뺀|아닌|아니|제외|못|안 |안들|피하|피해|싫|금지|프리|들어가지 ?않|들지 ?않|들어 ?있지 ?않|알레르기|알러지|무첨가)"
)
_NOT_EN_BEFORE = re.compile(
    r"(?:without|\bno|\bnot|\bnon|never|free of|free from|except|avoid(?:ing)?|besides|other than|instead of|zero|n't (?:want|like|drink|have|eat|contain|use)"
    r"|allergic to|cut out|skip|minus|nothing with)\W+(?:\w+\W+){0,2}$"
)
_NOT_EN_AFTER = re.compile(r"^s?[- ]?(?:free\b|allerg|intoleran)")
_LIQUOR = re.compile(
    r"술(?!안주| ?깨|자리)|알코올|알콜|전통주|\b(?:liquors?|alcohol(?:ic)?|booze|boozy|wines?|spirits?|brews?|sool)\b",
    re.IGNORECASE,
)
_SOFT_BY_NATURE = re.compile(
    r"임신|임산부|수유|아이|아기|어린이|애들|운전|할랄|무슬림|미성년|청소년|pregnan|\bkids?\b|child|toddler|driv|halal|muslim|teenager|soft drink",
    re.IGNORECASE,
)
_SOFT_WORD = re.compile(r"음료|전통차|(?<![가-힣])차(?:[를는가 ]|$)|\btea|beverage|punch", re.IGNORECASE)
_LITTLE = re.compile(
    r"도수(?:가|는)? ?낮|안 ?취|덜 취|약한 술|순한|세지 ?않|독하지 ?않|가볍게 마|가벼운|부드러운 술|low.?alcohol|barely alcoholic|light(?:ly)? alcohol|weak|not too strong"
    r"|less alcohol|mild|low.?abv|won't get (?:me )?drunk",
    re.IGNORECASE,
)
_SOBER = re.compile(r"취하지 ?않|안 ?취하|without getting drunk|won't get me drunk", re.IGNORECASE)
_MUCH = re.compile(
    r"독한|[센쎈] ?(?:술|걸|거)|도수(?:가|는)? ?(?:좀|꽤|아주|더|제일|가장)? ?(?:높|세|센|쎄|쎈|강)|높은 도수|강한 술|\bstrong(?:est)?\b(?! tea)|high.?proof|hard liquor|high.?abv",
    re.IGNORECASE,
)
_TO_SLEEP = re.compile(
    r"잠|수면|카페인 ?(?:때문|에 ?(?:예민|약|민감)|걱정)|\bsleep|sensitive to caffeine|caffeine sensitiv", re.IGNORECASE
)
"""Who says so with caffeine wants none."""

_FOR_SLEEP = re.compile(
    r"잠(?:이|을|도)? ?(?:안|못|잘|오는|올 ?만|들)|불면|숙면|꿀잠|자기 ?전|\binsomnia|before (?:bed|sleep)|bedtime"
    r"|(?:help|to|can't|cannot|good|better|fall|need) (?:\w+ )?(?:a)?sleep"
)
"""What asks for none without the word."""

_NOT_SWEET = re.compile(
    r"(?:달지|달콤하지|달달하지) ?(?:않|도 않)|안 ?(?:단|달)(?:[ 고은게것거지아]|$)|(?:덜|너무 안) ?단|단 (?:건|것|거) ?(?:말고|빼고|싫|별로)"
    r"|(?:not|isn't|nothing|less|without being|hate|dislike)(?: too| so| very| overly)? sweet|\bunsweet|\bdry\b",
    re.IGNORECASE,
)
_CAFFEINE = re.compile(r"카페인|caffein", re.IGNORECASE)
_INFLECTED = re.compile(r"[한운은는게고을워친]$")
_OF_THE_DAY = re.compile(
    r"^(?: and \w+)?(?: \w+)? (?:days?|weather|summers?|winters?|mornings?|afternoons?|evenings?|nights?|seasons?)\b"
)
"""Behind `hot` or `cold`: the weather is, not the drink."""

_A_THING = re.compile(r"^ (?!and\b|but\b|or\b|so\b|what|which|is\b|now\b|coming|today|this\b|again)[a-z]")
"""Behind `a cold`: a cold drink is no illness."""

_ASKS_HOLDERS = re.compile(
    r"피해야 ?(?:할|하는)|피할|조심할|should i avoid|(?:which|what) .*\b(?:contain|use\b|include)|to avoid",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for, by group of tags."""

    wanted: Mapping[str, frozenset[str]]
    excluded: frozenset[tuple[str, str]]
    liquor: bool | None
    """True for liquor only, False for none, None for either."""
    asks_what_contains: frozenset[str] = frozenset()
    """Tags of the group diet (gluten, nuts) that the question asks which drinks hold."""
    soft_word: bool = False
    """It says 음료, 차 or tea and nothing of liquor."""

    def __bool__(self) -> bool:
        return bool(self.wanted or self.excluded or self.asks_what_contains)


class Facets:
    """The words by which people ask for each tag, made ready once."""

    def __init__(self, tags: Iterable[Tag], terms: Callable[[str, str], Sequence[str]]) -> None:
        self._terms = terms
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
        found = list(self._asked_korean(text) if lang == "ko" else self._asked_english(text.lower()))
        wanted: dict[str, set[str]] = {}
        excluded: set[tuple[str, str]] = set()
        holds: set[str] = set()
        for tag, negated in found:
            contained = tag.group == "diet" and tag.id in _CONTAINED
            if contained and _ASKS_HOLDERS.search(text):
                holds.add(tag.id)
            elif contained and not negated:
                continue
            elif negated and (contained or tag.group in ("kind", "season")):
                excluded.add((tag.group, tag.id))
            elif not negated or tag.group in ("alcohol", "caffeine"):
                wanted.setdefault(tag.group, set()).add(tag.id)
        for group in ("caffeine", "alcohol"):
            wanted.pop(group, None)
        liquor = _liquor(text)
        if _CAFFEINE.search(text):
            wanted["caffeine"] = {"none" if self._denied(text, _CAFFEINE) or _TO_SLEEP.search(text) else "yes"}
        elif _FOR_SLEEP.search(text):
            wanted["caffeine"] = {"none"}
        if "none" in wanted.get("caffeine", ()):
            excluded.add(("caffeine", "yes"))
        if liquor is not False and _LITTLE.search(text):
            wanted["alcohol"], liquor = {"low"}, True
        elif liquor is not False and _MUCH.search(text):
            wanted["alcohol"], liquor = {"high"}, True
        if "mood" in wanted:
            wanted["mood"] -= {"light_alcohol", "strong"}
        if _NOT_SWEET.search(text):
            excluded.add(("mood", "sweet"))
            if "mood" in wanted:
                wanted["mood"] -= {"sweet"}
        return Wishes(
            {group: frozenset(ids) for group, ids in wanted.items() if ids},
            frozenset(excluded),
            liquor,
            frozenset(holds - {tag for _, tag in excluded}),
            liquor is None and bool(_SOFT_WORD.search(text)),
        )

    def _asked_korean(self, text: str) -> Iterable[tuple[Tag, bool]]:
        own = set(self._terms(text, "ko"))
        found = []
        for tag, word, parts in self._korean:
            if len(word) > 1 and word in text:
                at = text.index(word)
                found.append((at, at + len(word), tag))
            elif parts and parts <= own:
                ends = [(match.start(), match.end(), tag) for match in re.finditer(re.escape(word), text)]
                found += ends or [(at := max(text.find(word[:1]), 0), at + 1, tag)]
        for _, end, tag in _longest(found):
            yield tag, bool(_NOT_KO.match(text[end:]))

    def _asked_english(self, text: str) -> Iterable[tuple[Tag, bool]]:
        found = [
            (match.start(), match.end(), tag)
            for tag, pattern in self._english
            for match in pattern.finditer(text)
            if not (match.group() == "a cold" and _A_THING.match(text[match.end() :]))
            and not (tag.group == "temperature" and _OF_THE_DAY.match(text[match.end() :]))
        ]
        for start, end, tag in _longest(found):
            yield tag, bool(_NOT_EN_BEFORE.search(text[:start]) or _NOT_EN_AFTER.match(text[end:]))

    @staticmethod
    def _denied(text: str, pattern: re.Pattern[str]) -> bool:
        return _denied(text, pattern)


def _parts(word: str, terms: Callable[[str, str], Sequence[str]]) -> frozenset[str]:
    """The terms by which an asked word is found in other forms: 더운 in 더울 때; none where Kiwi takes a noun for something else."""
    if len(word) == 1:
        return frozenset((word,))
    found, pieces = terms(word, "ko"), word.split()
    if len(found) != len(pieces) or not any(_INFLECTED.search(piece) for piece in pieces):
        return frozenset()
    return frozenset(found)


def _longest(found: Sequence[tuple[int, int, Tag]]) -> list[tuple[int, int, Tag]]:
    """Without those inside a longer word of another group: 비 in 비건 is no rain, `hot` in `hot weather` no temperature."""
    return [
        (start, end, tag)
        for start, end, tag in found
        if not any(
            first <= start and end <= last and end - start < last - first and tag.group != other.group
            for first, last, other in found
        )
    ]


def merged(earlier: Wishes, later: Wishes) -> Wishes:
    """What a conversation wants so far: the later wish stands where both say something of one group."""
    if not later and later.liquor is None:
        return earlier
    wanted = {**earlier.wanted, **later.wanted}
    liquor = earlier.liquor if later.liquor is None else later.liquor
    if liquor is False:
        wanted.pop("alcohol", None)
    gone = {("diet", tag) for tag in wanted.get("diet", ())}
    return Wishes(
        wanted,
        (earlier.excluded - gone) | later.excluded,
        liquor,
        later.asks_what_contains,
        liquor is None and (earlier.soft_word or later.soft_word),
    )


def fits(drink: Drink, wishes: Wishes) -> float | None:
    """How well a drink meets the wishes, 0 for no wish met or missed; None where it must not be recommended."""
    tags = drink.tags
    if wishes.liquor is not None and wishes.liquor != drink.is_alcoholic:
        return None
    if wishes.liquor is False and tags.alcohol != "none":
        return None
    for group, tag in wishes.excluded:
        if tag in _values(drink, group):
            return None
    score = 0.0
    if drink.is_alcoholic and wishes.liquor is None:
        score = -3.0 if wishes.wanted.keys() & _SOFT_GROUPS else -1.5 if wishes.soft_word else 0.0
    for tag in wishes.asks_what_contains:
        score += 3.0 if tag in tags.diet else -3.0
    for group, wanted in wishes.wanted.items():
        own = _values(drink, group)
        if wanted & own:
            score += WEIGHTS[group] * len(wanted & own) ** 0.5
        elif group == "season" and "all" in own:
            score += 0.25 * WEIGHTS[group]
        else:
            score -= 0.5 * WEIGHTS[group]
    return score


def _values(drink: Drink, group: str) -> frozenset[str]:
    value = getattr(drink.tags, group)
    return frozenset((value,)) if isinstance(value, str) else frozenset(value)


def _liquor(text: str) -> bool | None:
    if _SOFT_BY_NATURE.search(text):
        return False
    if not _LIQUOR.search(text):
        return False if _SOBER.search(text) else None
    return not (_denied(text, _LIQUOR) or re.search(r"무알코올|무알콜|논알[콜코]|비알코올|비알콜", text))


def _denied(text: str, pattern: re.Pattern[str]) -> bool:
    """Whether any of the pattern's words stands beside a negation."""
    if re.search(r"무카페인|디카페인|decaf", text, re.IGNORECASE) and pattern is _CAFFEINE:
        return True
    return any(
        _NOT_KO.match(text[match.end() :])
        or _NOT_EN_BEFORE.search(text[: match.start()].lower())
        or _NOT_EN_AFTER.match(text[match.end() :].lower())
        for match in pattern.finditer(text)
    )
