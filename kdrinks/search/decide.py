"""Whether the knowledge base has anything to say to a question, and what kind of answer it is: the score floor and its exceptions. Pure."""

import re
from dataclasses import dataclass

from kdrinks import kinds
from kdrinks.kinds import Intent
from kdrinks.search.query import Query
from kdrinks.search.suggesting import DECLINED

ABOUT_DRINKS = re.compile(
    r"음료|마시|마실|마셔|마셨|마신|마심|음청|술(?!관|래|집 알바)|(?<![가-힣])(?:차|전통차|꽃차|찻)(?=[는를가도에 ?.,]|$|잎|집)|전통주|전통차|막걸리|탁주|약주|소주|명주|양조|누룩|엿기름|식혜|화채|한잔|한 잔|도수"
    r"|알코올|카페인|주안상|다과|빚|꿀(?!잠|팁)|곡물차|허브차|한방|청주|증류|발효|해장"
    r"|\bdrinks?\b|\bdrank\b|\b(?:is|are|was|were) drunk\b|drinking|\bsip|\bteas?\b|liquor|alcohol|\bbrew|beverage|\bspirits?\b|\bwines?\b|booze|\bsool\b|nuruk|yeotgireum|eumcheong|honey|caffein"
    r"|hwachae|ferment|distill|\bpunch\b|toast\b|korean (?:rice|trad)",
    re.IGNORECASE,
)
"""What a question about drinks says when it names none."""

TO_BUY_OR_BRING = re.compile(
    r"선물|한 ?병|병으로|기념품|들고 갈|챙겨 갈|사 갈|\bbottles?\b|\bgifts?\b|souvenir|\bglass(?:es)? of\b|\bcup of\b|\bto sip\b",
    re.IGNORECASE,
)
"""Words that ask for a drink when a season, a place or an occasion stands beside them: `a gift bottle from Jeju`."""

ELSEWHERE = re.compile(
    r"콜라(?!겐)|사이다|에너지 ?(?:드링크|음료)|레드 ?불|스포츠 ?음료|이온 ?음료|커피|에스프레소|아메리카노|카페 ?라떼|카푸치노|핫초코|코코아|홍차|보이차|우롱차|마테차|말차|밀크티|버블티|콤부차|와인|샴페인|위스키|보드카|럼주|테킬라|데킬라|진토닉"
    r"|브랜디|코냑|칵테일|맥주|사케|사와|하이볼|고량주|백주|마오타이|압생트|케피어|레모네이드|스무디"
    r"|\b(?:coca-?cola|colas?|coke|pepsi|sprite|fanta|red bull|energy drinks?|sports drinks?|coffee|espresso|americano|lattes?|cappuccino|hot chocolate|cocoa|black tea|oolong|pu-?erh|mate"
    r"|matcha|chai|bubble tea|kombucha|wines?|champagne|prosecco|whisk(?:e?y|ies)|bourbon|vodka|rum|tequila|mezcal|gin|brandy|cognac|absinthe|cocktails?|beers?|lagers?|ales?|cider|sake|highball|baijiu|moutai|kefir"
    r"|lemonade|smoothies?|kvass|horchata|lassi)\b",
    re.IGNORECASE,
)
"""Well-known drinks of elsewhere and of the factory."""

INSTEAD = re.compile(
    r"대신|말고|처럼|같은|비슷|\b(?:instead|rather|like|similar|alternatives?|substitutes?)\b", re.IGNORECASE
)
"""The drink from elsewhere only tells what is wished for."""

FACTS: frozenset[Intent] = kinds.where(lambda row: row.of_one_drink)
"""Intents that ask after one drink; of a drink from elsewhere the knowledge base holds none."""

SURE_COVERAGE = 0.66
"""Share from which a question that names no drink (`what is honyangju`) is taken to be about what the passages explain."""

FLOOR = 0.34
"""Share of the question's words, by rarity, that the best subject must hold when nothing else ties the question to the knowledge."""

CUED, UNCUED = 0.35, 0.6
"""Probability from which a question about a named drink is declined, with and without a word that speaks for declining."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What ties a question to the knowledge besides the names in it."""

    touched: bool
    """A topic or a false belief."""
    wishes: bool
    """A season, an occasion, a diet ..."""
    liquor: bool
    """Wishes for liquor of a certain kind, or for none."""
    named_after: bool
    """A word that drinks are named after: yuja."""
    ingredient: bool
    elsewhere: bool
    """It names a drink from elsewhere, and no topic or false belief that it touches speaks of that one."""
    leaves_out: bool
    """It asks for drinks without something that drinks are known to hold: `잣 빼고 추천해줘`."""
    coverage: float
    """Share of the question's words, by rarity, that the best passage holds."""


def judged(query: Query, evidence: Evidence) -> Intent:
    """The query's intent, or why there is no answer to it: one of DECLINED."""
    declined = {name: query.probabilities.get(name, 0.0) for name in DECLINED}
    worst = max(sorted(declined), key=lambda name: declined[name])
    anything = evidence.touched or evidence.wishes
    if query.subjects:
        if declined[worst] > (CUED if worst in query.cued else UNCUED):
            return worst
    elif (
        evidence.elsewhere
        and not query.followed
        and not query.concerns
        and query.intent in FACTS
        and not INSTEAD.search(query.text)
    ):
        return "out_of_scope"
    elif not _ties_to_drinks(query, evidence):
        return worst if declined[worst] >= 0.2 else "out_of_scope"
    elif sum(declined.values()) > (0.75 if anything else 0.5):
        return worst
    elif not anything and query.intent != "recommend" and evidence.coverage < FLOOR:
        return "not_found"
    if len(query.subjects) >= 2 and _compares(query):
        return "compare"
    if not query.subjects and evidence.liquor and query.intent in ("alcohol", "identity", "season", "occasion"):
        return "recommend"  # `달지 않은 전통주 있어? 도수 센 걸로` wishes for a strong liquor
    if not query.subjects and evidence.wishes and query.intent in ("similar", "compare", "region", "serving"):
        return "recommend"  # `제주도 가면 꼭 마셔봐야 할 술`, `술 말고 다른 걸로`: the answer is drinks
    if query.intent not in DECLINED:
        return query.intent
    rest = {name: p for name, p in query.probabilities.items() if name not in DECLINED}
    return max(rest, key=lambda name: rest[name])


def _ties_to_drinks(query: Query, evidence: Evidence) -> bool:
    """Whether a question without a drink's name is about drinks at all."""
    if ABOUT_DRINKS.search(query.text) or evidence.named_after or query.followed:
        return True
    elsewhere = "out_of_scope" in query.cued or query.probabilities.get("out_of_scope", 0.0) > 0.2
    if evidence.leaves_out and query.intent == "recommend" and not elsewhere:
        return True
    if evidence.wishes and TO_BUY_OR_BRING.search(query.text) and "out_of_scope" not in query.cued:
        return True
    if evidence.touched and evidence.ingredient:
        return True
    asks_for_some = sum(query.probabilities.get(name, 0.0) for name in ("recommend", "occasion", "season"))
    if "out_of_scope" not in query.cued and (asks_for_some > 0.55 or (evidence.wishes and asks_for_some > 0.4)):
        return True
    return query.intent in ("topic", "identity") and evidence.coverage >= SURE_COVERAGE and not query.cued & DECLINED


def _compares(query: Query) -> bool:
    return query.intent in ("compare", "identity", "similar") or (
        query.intent != "recommend" and query.probabilities.get("compare", 0.0) > 0.1
    )
