"""How a question is understood: its drinks, what it asks for, what it calls for besides. Pure: text in, Query out.

Knows names and cues, not passages; the search decides what to do with a Query.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple, cast

from kdrinks.kinds import QUOTED, Intent, where
from kdrinks.records import Language
from kdrinks.search import concerns as search_concerns
from kdrinks.search import learned_concerns, reading, roles, suggesting
from kdrinks.search.cautions import intents_of
from kdrinks.search.entities import Mention, Names, drinks_of, masked, read
from kdrinks.search.reading import MASK, Ask, Reading
from kdrinks.text.analyzer import TextAnalyzer

INTENT_OF: Mapping[Ask, Intent] = {
    **dict.fromkeys(("amount", "ratio", "yield", "sweetness"), "amounts"),
    **dict.fromkeys(("time", "temperature", "total_time"), "times"),
    **dict.fromkeys(("tools", "tip", "homemade"), "tools"),
    **dict.fromkeys(("list", "count", "most", "order", "within", "make_from", "pairing", "same_region"), "recommend"),
    "greeting": "smalltalk",
    "about_bot": "about",
    "substitute": "substitution",
    "freezing": "storage",
    "food": "serving",
    "abv": "alcohol",
    "law": "topic",
    "belief": "false_belief",
    "not_in_notes": "not_found",
    "foreign": "out_of_scope",
}
"""The intent that an ask belongs to, where that has another name."""

COURTESIES: frozenset[Intent] = frozenset({"smalltalk", "about", "chat", "thanks", "farewell"})

DECLINED: frozenset[Intent] = COURTESIES | {"out_of_scope", "injection", "not_found"}

OFFERS: tuple[Ask, ...] = (
    "recommend",
    "pairing",
    "list",
    "count",
    "most",
    "order",
    "within",
    "make_from",
    "same_region",
)
"""What is answered with drinks that the question does not name."""

OPERATIONS: tuple[Ask, ...] = tuple(ask for ask in OFFERS if ask != "recommend")

READ_FROM = 0.4
"""Probability from which an operation is carried out. Below it drinks are suggested: a list is exact or it misleads."""

OF_SOMEBODY: tuple[Ask, ...] = ("allergy", "infant", "pregnancy", "driving", "health")

PLAINLY, SPEAKS_OF_SOMEBODY, SURE_ALONE = 0.3, 0.05, 0.8
"""A hint of danger must be SURE_ALONE where a fact of a drink is asked with at least the first probability, and OF_SOMEBODY with less than the
second: stories around plain questions were taken for dangers."""

GOES_ON = 0.5
"""Probability from which a question goes on from the one before it."""

NAMELESS = 0.2
"""Probability from which nothing says of which drink something is asked: after others it goes on from them, else it is asked back. Of the
382 first questions of tests/data/asked_wordings.jsonl, by which it was set, 11 of the 15 nameless ones reach it and none of the others."""

OF_ONE: frozenset[Intent] = where(lambda row: row.of_one_drink) | {
    "has_ingredient",
    "season",
    "occasion",
    "caffeine",
    "diet",
}
"""Intents that ask after one drink: without one there is nothing to answer."""

SENSITIVE_INTENTS: frozenset[Intent] = QUOTED | {"pregnancy", "infant", "allergy", "health", "driving"}

_FACTS: frozenset[Intent] = frozenset(
    {"identity", "ingredients", "has_ingredient", "caffeine", "diet", "substitution", "false_belief", "compare"}
)
"""Intents of one drink that a question sounds like when it asks for another: `something with no nuts in it`."""

OF_A_STATE: frozenset[Intent] = frozenset({"pregnancy", "infant", "allergy", "driving"})
UNNAMED = 0.001
"""What is left of these where nobody's state is named and nobody asks whether one may: `for my son's birthday` is no question on infants."""

_ONLY_NAMES = re.compile(
    rf"\W*(?:그럼|그러면|그렇다면|그리고|그런데|근데|혹시|(?:and|or|but|so|then|ok|okay)?\W*(?:(?:what|how) about)?)\W*"
    rf"(?:(?:the |or |and )?{MASK}(?:은|는|도|랑|하고)?(?:요)?\W*)+",
    re.IGNORECASE,
)
"""`인삼차는? 대추차는?` asks of these whether one may, where that was asked before."""

_CORRECTS = re.compile(
    rf"(?:\b(?:sorry|oops|typo|no+|nah|nope|wait|actually|not(?: [\w-]+)?|i mean|i meant|meant|the|it's|its)\b|아니(?:요|야)?|미안|죄송|오타|그거|그게|말고|말한 ?(?:거|건)|였어|예요|이에요|요(?![가-힣])|{MASK}(?:이|가|은|는)? ?아니(?:고|라)|[\W_])+"
)
"""`sorry typo i meant OMIJA not omegi`: the question before once more, of another drink."""

_UNKNOWN_NAME = re.compile(  # the same of something that is no drink of ours
    r"\W*(?:그럼|그러면|그렇다면)\W+[^\s?]+(?: [^\s?]+)?[은는](?:요)?\W*|\W*(?:(?:ok|okay|so|and|then|but)\W+)*(?:what|how) about [\w' -]{2,40}\W*",
    re.IGNORECASE,
)

_THAT_ONE = re.compile(
    r"(?:그|이|저) ?(?:건|거|것|술|차|음료)(?=[은는도이가를을 ?]|$)|\b(?:(?:that|this|the other) one|one of (?:those|these|them)|that|this|it|those|these)\b",
    re.IGNORECASE,
)

_ANOTHER = re.compile(r"말고|빼고|다른|딴 ?거|\b(?:other than|besides|another|else)\b", re.IGNORECASE)
_MAY_I = re.compile(
    r"도 ?(?:돼|되|될|괜찮)|괜찮(?!은)|\b(?:can|may|could|should|do|would) (?:i|you|we|she|he|they) (?:recommend|suggest)|\bsafe\b|\bok(?:ay)?\b",
    re.IGNORECASE,
)
"""Whether the drink that is named may be had, however many drinks are suggested in the same words."""

_TO_MIND = re.compile(
    r"조심|주의(?:할|점|사항)|주의 ?점|부작용|\b(?:cautions?|careful|watch out for|side effects?)\b", re.IGNORECASE
)
"""Asks what to mind: by words, as all that protects people."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the search sees it."""

    text: str
    """With spaces inside Korean names removed."""
    asked: str
    """The text that says what is asked: the earlier question's where this one is a name alone."""
    said: str
    """The same with names masked."""
    lang: Language
    mentions: tuple[Mention, ...]
    subjects: tuple[str, ...]
    """Drinks named, in reading order, or, for a follow-up, those of the conversation."""
    intent: Intent
    """What is asked most probably, or a sensitive one that a word makes certain."""
    probabilities: Mapping[Intent, float]
    sensitive: bool
    followed: bool
    """Whether the subjects came from earlier questions."""
    earlier: str = ""
    """The earlier question that a follow-up without subjects goes on from."""
    before: tuple[str, ...] = ()
    """The earlier questions, names masked, whose wishes a follow-up without subjects goes on from, oldest first."""
    stated: tuple[str, ...] = ()
    """The earlier questions, names masked, that said what must not be suggested, oldest first: it holds for the conversation."""
    suggests: bool = False
    """It asks for drinks that it does not name."""
    examples: tuple[str, ...] = ()
    """Those of the subjects that are named as an example of what is wished for."""
    rejected: tuple[str, ...] = ()
    """Drinks named to be left out."""
    concerns: tuple[Intent, ...] = field(default=())
    """Sensitive matters that its words name: pregnancy, infant, allergy, health, alcohol."""
    care: tuple[search_concerns.Concern, ...] = ()
    """What it names that somebody must be careful of."""
    states: bool = False
    """What it leaves out is said for the conversation."""
    may: bool = False
    """It asks whether a person may drink, have or be given something."""
    spoken: tuple["Heard", ...] = ()
    """The earlier questions, oldest first."""
    reading: Reading = reading.NOTHING
    """What the learned layer made of it."""

    @property
    def asks(self) -> dict[Ask, float]:
        """What it was read as, and of somebody's state only where one is named."""
        return {
            ask: min(share, self.probabilities.get(INTENT_OF.get(ask, cast(Intent, ask)), 0.0))
            for ask, share in self.reading.asks.items()
        }

    @property
    def groups(self) -> frozenset[str]:
        """Of all concerns that the conversation named so far."""
        return frozenset(one.group for care in (self.care, *(said.care for said in self.spoken)) for one in care)


def understand(
    question: str, names: Names, words: TextAnalyzer, *, history: Sequence[str] = (), lang: Language | None = None
) -> Query:
    """The Query of a question in a conversation. history: earlier questions, oldest first."""
    text, mentions = read(question, names, words)
    lang = lang or words.language(question)
    subjects = tuple(dict.fromkeys(drink_id for mention in mentions for drink_id in drinks_of(mention, mentions)))
    rejected = roles.left_out(text, mentions)
    subjects = tuple(drink_id for drink_id in subjects if drink_id not in rejected)
    without_names = masked(text, mentions, MASK)
    spoken = [_heard(said, names, words) for said in history]
    own = reading.read(without_names, tuple(said.text for said in spoken))
    of_a_drink = not subjects and INTENT_OF.get(own.first, own.first) in OF_ONE
    goes_on = own.needs >= GOES_ON or (bool(history) and of_a_drink and own.nameless >= NAMELESS)
    asked, said = text, without_names
    corrects = (
        bool(history) and MASK in without_names and not _CORRECTS.sub("", without_names.lower().replace(MASK, ""))
    )
    says_more = not corrects and (
        own.share(own.first) >= SURE_ALONE or words.search_terms(without_names.replace(MASK, " "), lang)
    )
    alone = corrects or _ONLY_NAMES.fullmatch(without_names) or not says_more
    place = next((place for place in reversed(range(len(spoken))) if spoken[place].says), None)
    if goes_on and mentions and alone and place is not None:
        # `그럼 안동소주는?` asks of another drink what was asked before
        asked, said = history[place], spoken[place].text
        was = reading.read(spoken[place].text, tuple(said.text for said in spoken[:place]))
        own = replace(own, asks=was.asks, two=0.0, polar=was.polar)
    elif mentions and not history and _ONLY_NAMES.fullmatch(without_names):
        own = replace(own, asks={"identity": 1.0})  # a name and no more asks what it is
    care = search_concerns.named(without_names)
    aside = bool(history) and search_concerns.is_aside(without_names)
    stated = any(said.care for said in spoken)
    plain = own.share(own.first) >= PLAINLY and INTENT_OF.get(own.first, own.first) in OF_ONE if own.asks else False
    least = SURE_ALONE if plain and not stated and own.share(*OF_SOMEBODY) < SPEAKS_OF_SOMEBODY else 0.0
    hinted = () if aside else learned_concerns.hinted(without_names, [said.text for said in spoken], least=least)
    if not stated:  # else the state that was named is what it hints at
        care = care or hinted
    vague = care == (learned_concerns.UNSURE,)
    concerns = () if vague else intents_of(care)  # a line stands before what was asked, and that is answered
    may = bool(hinted and not vague) or _asks_may(without_names, follows=bool(history))
    claims = may or own.share("health") >= 0.5 or search_concerns.cued("claims", without_names.lower())
    probabilities = _believable(own.asks, named=bool(care), claims=claims)
    if subjects and _TO_MIND.search(text):
        probabilities = {"cautions": 1.0}
    intent = next(iter(probabilities))
    tempted = stated and search_concerns.is_tempted(without_names.lower())
    some = own.share(*OFFERS) >= 0.5 or suggesting.held(without_names)
    some = some and not (tempted and own.share("recommend") < 0.6)  # `딱 한 모금인데 괜찮죠?` is of the drink spoken of
    if some and (instead := roles.replaced(text, mentions)):
        rejected, subjects = (*rejected, *instead), tuple(one for one in subjects if one not in instead)
    suggests = some and not (subjects and (intent != "recommend" or _MAY_I.search(text)))
    examples = tuple(one for one in roles.examples(text, mentions) if one in subjects)
    suggests = suggests or bool(examples and set(subjects) <= set(examples) and intent in ("recommend", "similar"))
    names_only = _ONLY_NAMES.fullmatch(without_names) or _UNKNOWN_NAME.fullmatch(without_names)
    may = may or tempted or bool(names_only and _asked_whether(spoken))
    followed, earlier = False, ""
    before = [said.text for said in spoken]
    if history and suggests and not subjects:
        if goes_on and _ANOTHER.search(text):  # `그거 말고 다른 술 추천해줘`
            rejected = (*rejected, *_from_conversation(history, names, words, ())[0])
        rejected += tuple(drink_id for said in spoken for drink_id in said.rejected)
        before = [said.text for said in spoken if said.asks_for_some and goes_on]
        earlier = before[-1] if before and spoken[-1].asks_for_some else ""
        followed = True
    elif goes_on and (not subjects or (len(subjects) == 1 and own.share("compare") >= BESIDE_EARLIER)):
        subjects, earlier = _from_conversation(history, names, words, subjects)
        subjects = tuple(drink_id for drink_id in subjects if drink_id not in rejected)
        followed = True
    sensitive = intent in SENSITIVE_INTENTS - ({"alcohol"} if suggests else set()) or bool(concerns)
    if suggests and not subjects and intent in SENSITIVE_INTENTS | {"similar"} | (_FACTS if history else set()):
        intent = "recommend"
    if (
        concerns
        and concerns[0] != "alcohol"
        and intent not in DECLINED | SENSITIVE_INTENTS | {"recommend", "ingredients", "has_ingredient"}
    ):
        intent = concerns[0]
    return Query(
        text=text,
        asked=asked,
        said=said,
        lang=lang,
        mentions=mentions,
        subjects=subjects,
        intent=intent,
        probabilities=probabilities,
        sensitive=sensitive or intent in SENSITIVE_INTENTS,
        followed=followed,
        earlier=earlier,
        before=tuple(before) if followed and not subjects else (),
        stated=tuple(said.text for said in spoken if said.states),
        suggests=suggests,
        examples=examples,
        concerns=concerns,
        rejected=rejected,
        care=care,
        states=_states(without_names, own, some),
        may=may,
        spoken=tuple(spoken),
        reading=own,
    )


BESIDE_EARLIER = 0.3
"""Probability of a comparison from which one named drink is set against the one that is spoken of: `is it stronger than soju?`."""


def _asks_may(without_names: str, *, follows: bool) -> bool:
    """Whether it asks if a person may; `is that one fine?` does of the drink that is spoken of."""
    text = _THAT_ONE.sub(MASK, without_names) if follows and MASK not in without_names else without_names
    return search_concerns.asks_may(text)


class Heard(NamedTuple):
    """An earlier question of the conversation."""

    text: str
    """Names masked."""
    rejected: tuple[str, ...]
    asks_for_some: bool
    states: bool
    """Whether what it leaves out was said for the conversation: not so where it only asks whether one drink is free of something."""
    drinks: tuple[str, ...]
    """Those that it names."""
    care: tuple[search_concerns.Concern, ...]
    may: bool
    says: bool
    """More than names."""


@lru_cache(maxsize=1024)  # a conversation is heard again with every question: 2 ms for each one before
def _heard(question: str, names: Names, words: TextAnalyzer) -> Heard:
    text, mentions = read(question, names, words)
    said = masked(text, mentions, MASK)
    own = reading.read(said)
    some = own.share(*OFFERS) >= 0.5 or suggesting.held(said)
    return Heard(
        said,
        roles.left_out(text, mentions),
        some,
        _states(said, own, some),
        tuple(dict.fromkeys(drink_id for mention in mentions for drink_id in drinks_of(mention, mentions))),
        search_concerns.named(said),
        search_concerns.asks_may(said),
        not _ONLY_NAMES.fullmatch(said),
    )


def _asked_whether(spoken: Sequence[Heard]) -> bool:
    """Whether the latest question that was more than names asked if a person may."""
    return next((said.may for said in reversed(spoken) if not _ONLY_NAMES.fullmatch(said.text)), False)


def _states(said: str, own: Reading, asks_for_some: bool) -> bool:
    """Whether what a question (names masked) leaves out is said for the conversation, not only of one drink that it asks about."""
    of_a_drink = MASK in said or "?" in said or own.share(*OFFERS) < 0.2
    return asks_for_some or not of_a_drink or bool(search_concerns.named(said) or suggesting.OF_ONESELF.search(said))


def _believable(asks: Mapping[Ask, float], *, named: bool, claims: bool) -> dict[Intent, float]:
    """The probabilities of intents, highest first; those of somebody's state are held down where none was named.

    named: somebody's state is; without it nobody is to be careful of anything.   claims: it asks what a drink does for one's health.
    """
    found: dict[Intent, float] = {}
    for ask, share in asks.items():
        intent = INTENT_OF.get(ask, cast(Intent, ask))
        found[intent] = found.get(intent, 0.0) + share
    if 0 < found.get("diet", 0.0) < 0.5:  # a word for what somebody eats is in many a plain question
        found["diet"] *= 0.3
    if not named:
        of_health: frozenset[Intent] = frozenset() if claims else frozenset({"health"})
        found |= {name: found[name] * UNNAMED for name in (OF_A_STATE | of_health) & found.keys()}
    total = sum(found.values())
    return dict(sorted(((name, p / total) for name, p in found.items()), key=lambda item: -item[1]))


def _from_conversation(
    history: Sequence[str], names: Names, words: TextAnalyzer, own: Sequence[str]
) -> tuple[tuple[str, ...], str]:
    """Subjects of the latest earlier question that names any, with the question's own behind them; and the latest question."""
    for question in reversed(history):
        _, mentions = read(question, names, words)
        if mentions:
            found = [drink_id for mention in mentions for drink_id in drinks_of(mention, mentions)]
            return tuple(dict.fromkeys([*found, *own])), history[-1]
    return tuple(own), history[-1]
