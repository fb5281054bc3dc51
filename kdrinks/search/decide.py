"""Whether the knowledge base has anything to say to a question, and what kind of answer it is: the score floor and its exceptions. Pure."""

import re
from dataclasses import dataclass

from kdrinks.kinds import Intent
from kdrinks.search.query import DECLINED, NAMELESS, OF_ONE, OFFERS, Query

ELSEWHERE = re.compile(
    r"콜라(?!겐)|사이다|에너지 ?(?:드링크|음료)|레드 ?불|스포츠 ?음료|이온 ?음료|커피|에스프레소|아메리카노|카페 ?라떼|카푸치노|핫초코|코코아|홍차|보이차|우롱차|마테차|말차|밀크티|버블티|콤부차|와인|샴페인|위스키|보드카|럼주|테킬라|데킬라|진토닉"
    r"|브랜디|코냑|칵테일|맥주|사케|사와|하이볼|고량주|백주|마오타이|압생트|케피어|레모네이드|스무디"
    r"|\b(?:coca-?cola|colas?|coke|pepsi|sprite|fanta|red bull|energy drinks?|sports drinks?|coffee|espresso|americano|lattes?|cappuccino|hot chocolate|cocoa|black tea|oolong|pu-?erh|mate"
    r"|matcha|chai|bubble tea|kombucha|wines?|champagne|prosecco|whisk(?:e?y|ies)|bourbon|vodka|rum|tequila|mezcal|gin|brandy|cognac|absinthe|cocktails?|beers?|lagers?|ales?|cider|sake|highball|baijiu|moutai|kefir"
    r"|lemonade|smoothies?|kvass|horchata|lassi)\b",
    re.IGNORECASE,
)
"""Well-known drinks of elsewhere and of the factory."""

FLOOR = 0.34
"""Share of the question's words, by rarity, that the best subject must hold when nothing else ties the question to the knowledge."""

SURE_COVERAGE, DOUBTED = 0.66, 0.08
"""Where nothing but words ties a question to drinks and the best subject holds less than this share of them, this probability of being
about something else is enough to decline: `recommend a good laptop` reads as a wish."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What ties a question to the knowledge besides the names in it."""

    touched: bool
    """A topic or a false belief."""
    wishes: bool
    """A season, an occasion, a diet ..."""
    liquor: bool
    """Wishes for liquor of a certain kind, or for none."""
    elsewhere: bool
    """It names a drink from elsewhere, and no topic or false belief that it touches speaks of that one."""
    named_after: bool
    """A word that drinks are named after: yuja."""
    coverage: float
    """Share of the question's words, by rarity, that the best passage holds."""


def judged(query: Query, evidence: Evidence) -> Intent:
    """The query's intent, or why there is no answer to it: one of DECLINED, or that it says of no drink."""
    declined = {name: query.probabilities.get(name, 0.0) for name in DECLINED}
    worst = max(sorted(declined), key=lambda name: declined[name])
    anything = evidence.touched or evidence.wishes or evidence.named_after
    if (
        query.reading.first == "foreign"
        and evidence.wishes
        and not query.subjects
        and query.reading.share(*OFFERS) > 0.1
    ):
        return "recommend"  # `와인처럼 과일로 빚은 전통주 있어?`: what it must be like is ours
    if sum(declined.values()) > 0.5:
        return worst
    if not query.subjects:
        if evidence.elsewhere and not query.followed and not query.suggests:
            return "out_of_scope"
        fact = query.intent in OF_ONE and not query.suggests and not query.concerns
        if fact and query.reading.nameless >= NAMELESS and not evidence.named_after:
            return "clarify"
        if not anything and not query.followed:
            if evidence.coverage < SURE_COVERAGE and sum(declined.values()) >= DOUBTED:
                return worst
            if query.intent != "recommend" and evidence.coverage < FLOOR:
                return "not_found"
    if len(query.subjects) >= 2 and _compares(query):
        return "compare"
    if not query.subjects and evidence.liquor and query.intent in ("alcohol", "identity", "season", "occasion"):
        return "recommend"  # `달지 않은 전통주 있어? 도수 센 걸로` wishes for a strong liquor
    if query.intent not in DECLINED:
        return query.intent
    rest = {name: p for name, p in query.probabilities.items() if name not in DECLINED}
    return max(rest, key=lambda name: rest[name])


def _compares(query: Query) -> bool:
    return query.intent in ("compare", "identity", "similar") or (
        query.intent != "recommend" and query.probabilities.get("compare", 0.0) > 0.1
    )
