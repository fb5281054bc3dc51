"""How a question is understood: its drinks, what it asks for, what it calls for besides. Pure: text in, Query out.

Knows names and cues, not passages; the search decides what to do with a Query.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from kdrinks.kinds import QUOTED, Intent
from kdrinks.records import Language
from kdrinks.search import concerns as search_concerns
from kdrinks.search import intents, learned_concerns
from kdrinks.search.cautions import intents_of
from kdrinks.search.entities import Mention, Names, masked, read
from kdrinks.search.suggesting import ABOUT_IT, BARE, DECLINED, OF_ONESELF, asks_for_some, wishes
from kdrinks.text.analyzer import TextAnalyzer

_PARTING: dict[Intent, re.Pattern[str]] = {
    "farewell": re.compile(
        r"잘 ?자(?!고|면)|잘 ?있어|잘 ?가(?!고|면)|안녕히|들어가세요|다음에 (?:또|봐|올)|또 (?:봐|올|만나)|나중에 (?:봐|또|올)|바이바이|굿나잇|내일 봐"
        r"|\b(?:good ?bye|bye|see you|see ya|good ?night|farewell|take care|later!?$|gotta go|signing off)\b",
        re.IGNORECASE,
    ),
    "thanks": re.compile(
        r"고마[워웠운]|고맙|감사|땡큐|ㄱㅅ|도움이 (?:됐|되었|많이)|\b(?:thanks?|thank you|thx|ty|cheers|appreciate)",
        re.IGNORECASE,
    ),
}
"""Small talk that wants another answer than a greeting, by its words; a farewell with thanks is a farewell."""

STRAYS: frozenset[Intent] = frozenset({"driving", "diet", "cautions"})
"""Intents that count only when a word of the question names them; the other sensitive ones have their words in data/concerns.toml."""

SENSITIVE_INTENTS: frozenset[Intent] = QUOTED | {"pregnancy", "infant", "allergy", "health", "driving"}

_FACTS: frozenset[Intent] = frozenset(
    {"identity", "ingredients", "has_ingredient", "caffeine", "diet", "substitution", "false_belief", "compare"}
)
"""Intents of one drink that a question sounds like when it asks for another: `something with no nuts in it`."""

HAS_WORDS: frozenset[Intent] = frozenset(
    {
        *("driving", "diet", "pregnancy", "infant", "allergy"),
        *("caffeine", "cautions", "storage", "etiquette", "pronunciation"),
    }
)
UNSAID = 0.3
"""The share of its probability that such an intent keeps when no word of the question names it. `driving` is rare in training and
otherwise takes questions that belong elsewhere."""

OF_A_STATE: frozenset[Intent] = frozenset({"pregnancy", "infant", "allergy", "driving"})
UNNAMED = 0.001
"""What is left of these where nobody's state is named and nobody asks whether one may: `for my son's birthday` is no question on infants."""

_ONLY_A_NAME = re.compile(
    rf"\W*(?:그럼|그러면|그렇다면|그리고|그런데|근데|혹시|(?:and|or|but|so|then|ok|okay)?\W*(?:(?:what|how) about)?)\W*(?:the )?"
    rf"{intents.MASK}(?:은|는|도)?(?:요)?\W*",
    re.IGNORECASE,
)
"""`그럼 안동소주는?` asks of another drink what was asked before."""

_ONLY_NAMES = re.compile(
    rf"\W*(?:그럼|그러면|그렇다면|그리고|그런데|근데|혹시|(?:and|or|but|so|then|ok|okay)?\W*(?:(?:what|how) about)?)\W*"
    rf"(?:(?:the |or |and )?{intents.MASK}(?:은|는|도|랑|하고)?(?:요)?\W*)+",
    re.IGNORECASE,
)
"""`인삼차는? 대추차는?` asks of these whether one may, where that was asked before."""

_UNKNOWN_NAME = re.compile(  # the same of something that is no drink of ours
    r"\W*(?:그럼|그러면|그렇다면)\W+[^\s?]+(?: [^\s?]+)?[은는](?:요)?\W*|\W*(?:(?:ok|okay|so|and|then|but)\W+)*(?:what|how) about [\w' -]{2,40}\W*",
    re.IGNORECASE,
)

_THAT_ONE = re.compile(
    r"(?:그|이|저) ?(?:건|거|것|술|차|음료)(?=[은는도이가를을 ?]|$)|\b(?:(?:that|this|the other) one|one of (?:those|these|them)|that|this|it|those|these)\b",
    re.IGNORECASE,
)

_THAN = re.compile(rf"\bthan (?:the |a |an )?{intents.MASK}|{intents.MASK} ?(?:보다|보단)", re.IGNORECASE)
_NOT_THIS = re.compile(
    rf"{intents.MASK}(?:은|는|이랑|랑)? ?(?:말고|말구|빼고|제외|아닌)|\b(?:other than|besides|except(?: for)?|apart from|but not) (?:the |a |an )?{intents.MASK}",
    re.IGNORECASE,
)
"""`막걸리 말고`: the drink is named to be left out."""

_INSTEAD_OF = re.compile(
    rf"{intents.MASK} ?대신|\b(?:instead of|in place of|rather than) (?:the |a |an )?{intents.MASK}", re.IGNORECASE
)
"""Leaves the drink out where others are asked for; `유자차 대신 뭘 넣어?` asks after it."""

_ANOTHER = re.compile(r"말고|빼고|다른|딴 ?거|\b(?:other than|besides|another|else)\b", re.IGNORECASE)
_MAY_I = re.compile(
    r"도 ?(?:돼|되|될|괜찮)|괜찮(?!은)|\b(?:can|may|could|should|do|would) (?:i|you|we|she|he|they) (?:recommend|suggest)|\bsafe\b|\bok(?:ay)?\b",
    re.IGNORECASE,
)
"""Whether the drink that is named may be had, however many drinks are suggested in the same words."""

_LIKE_THIS = re.compile(
    rf"{intents.MASK}(?:이?랑|하고|와|과|을|를|은|는|이|가)? ?(?:처럼|같은|같이|비슷|좋아|맛있)|\b(?:like|love|enjoy|similar to|close to|resembl\w+) (?:the |a |an |to )?{intents.MASK}",
    re.IGNORECASE,
)
"""`막걸리 같은 거`: the drink is an example of what is wished for."""

_AND = re.compile(r"\s*(?:이?나|이?랑|하고|와|과|,|및|and|or|nor)\s*")
_COURTESY = re.compile(
    r"(?:(?:lol |haha )?ok(?:ay)?(?: thanks| cool| then)?|thanks?(?: you)?(?: so much| a lot| very much)?|thx|hi(?: there)?|hello|hey|고마워요?|고맙습니다|감사(?:합니다|해요)|안녕(?:하세요)?)\s*[,.!~…]+\s*",
    re.IGNORECASE,
)
"""Stands before a question without being what it is about."""

_POINTS_BACK = re.compile(
    r"그거|그건|그게|그걸|그것|이거|이건|이게|저거|걔|그 (?:술|차|음료|음식|둘)|둘 중|둘 다|거기|그럼|그러면|그래서|그 중|그중|둘은|둘이|말고|빼고|다른 거|다른거|걸로|것으로|좀 더|하나 더|더 (?:추천|없|있|알려)"
    r"|\b(?:then|it|its|it's|that|this|they|them|those|these|both|the (?:first|second|other|former|latter)|ones?|another|else|instead|without|more)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Query:
    """A question as the search sees it."""

    text: str
    """With spaces inside Korean names removed."""
    asked: str
    """The text that says what is asked: the earlier question's where this one is a name alone."""
    lang: Language
    mentions: tuple[Mention, ...]
    subjects: tuple[str, ...]
    """Drinks named, in reading order, or, for a follow-up, those of the conversation."""
    intent: Intent
    """Most probable class of data/intents.json, or a sensitive one that a word makes certain."""
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
    cued: frozenset[Intent] = frozenset()
    """Intents that a hand-kept cue speaks for."""
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
    subjects = tuple(dict.fromkeys(drink_id for mention in mentions for drink_id in _ids(mention, mentions)))
    rejected = _around(_NOT_THIS, text, mentions)
    subjects = tuple(drink_id for drink_id in subjects if drink_id not in rejected)
    without_names = masked(text, mentions, intents.MASK)
    asked = text
    if history and _ONLY_A_NAME.fullmatch(without_names):
        asked, without_names = _asked_before(history, names, words) or (text, without_names)
    if (courtesy := _COURTESY.match(without_names)) and (mentions or (history and text.endswith("?"))):
        without_names = without_names[courtesy.end() :]
    cued = intents.cued(without_names)
    spoken = [_heard(said, names, words) for said in history]
    care = search_concerns.named(without_names)
    aside = bool(history) and search_concerns.is_aside(without_names)
    hinted = () if aside else learned_concerns.hinted(without_names, [said.text for said in spoken])
    if not any(said.care for said in spoken):  # else the state that was named is what it hints at
        care = care or hinted
    concerns = intents_of(care)
    may = bool(hinted) or _asks_may(without_names, follows=bool(history))
    probabilities = _believable(
        intents.model().probabilities(without_names),
        cued,
        named=bool(care),
        claims=may or search_concerns.cued("claims", without_names.lower()),
    )
    intent = next(name for name in probabilities if name not in STRAYS or name in cued)
    if history and BARE.fullmatch(text):
        intent, probabilities = "recommend", {**dict.fromkeys(probabilities, 0.0), "recommend": 1.0}
    tempted = any(said.care for said in spoken) and search_concerns.is_tempted(without_names.lower())
    some = asks_for_some(without_names, intent)
    some = some and not (
        tempted and not wishes(without_names)
    )  # `딱 한 모금인데 괜찮죠?` is of the drink that was spoken of
    if some and (instead := _around(_INSTEAD_OF, text, mentions)):
        rejected, subjects = (*rejected, *instead), tuple(one for one in subjects if one not in instead)
    suggests = some and not (subjects and (intent != "recommend" or _MAY_I.search(text)))
    examples = tuple(one for one in _around(_LIKE_THIS, text, mentions) if one in subjects)
    suggests = suggests or bool(examples and set(subjects) <= set(examples) and intent in ("recommend", "similar"))
    names_only = _ONLY_NAMES.fullmatch(without_names) or _UNKNOWN_NAME.fullmatch(without_names)
    may = may or tempted or bool(names_only and _asked_whether(spoken))
    followed, earlier = False, ""
    anew = _starts_anew(text, intent, probabilities, subjects)
    before = [said.text for said in spoken]
    if history and suggests and not subjects:
        if _ANOTHER.search(text):  # `그거 말고 다른 술 추천해줘`
            rejected = (*rejected, *_from_conversation(history, names, words, ())[0])
        rejected += tuple(drink_id for said in spoken for drink_id in said.rejected)
        before = [said.text for said in spoken if said.asks_for_some and not anew]
        earlier = before[-1] if before and spoken[-1].asks_for_some else ""
        followed = True
    elif history and (not subjects or _adds_to_earlier(intent, subjects, without_names)) and not anew:
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
        cued=cued,
        rejected=rejected,
        care=care,
        states=_states(without_names, some),
        may=may,
        spoken=tuple(spoken),
    )


def _asks_may(without_names: str, *, follows: bool) -> bool:
    """Whether it asks if a person may; `is that one fine?` does of the drink that is spoken of."""
    text = (
        _THAT_ONE.sub(intents.MASK, without_names) if follows and intents.MASK not in without_names else without_names
    )
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


@lru_cache(maxsize=1024)  # a conversation is heard again with every question: 2 ms for each one before
def _heard(question: str, names: Names, words: TextAnalyzer) -> Heard:
    text, mentions = read(question, names, words)
    said = masked(text, mentions, intents.MASK)
    some = asks_for_some(said, _likely(said))
    return Heard(
        said,
        _around(_NOT_THIS, text, mentions),
        some,
        _states(said, some),
        tuple(dict.fromkeys(drink_id for mention in mentions for drink_id in _ids(mention, mentions))),
        search_concerns.named(said),
        search_concerns.asks_may(said),
    )


def _asked_whether(spoken: Sequence[Heard]) -> bool:
    """Whether the latest question that was more than names asked if a person may."""
    return next((said.may for said in reversed(spoken) if not _ONLY_NAMES.fullmatch(said.text)), False)


def _states(said: str, asks_for_some: bool) -> bool:
    """Whether what a question (names masked) leaves out is said for the conversation, not only of one drink that it asks about."""
    of_a_drink = intents.MASK in said or "?" in said or ABOUT_IT.search(said)
    return asks_for_some or not of_a_drink or bool(search_concerns.named(said) or OF_ONESELF.search(said))


def _likely(without_names: str) -> Intent:
    return next(iter(intents.model().probabilities(without_names)))


def _around(pattern: re.Pattern[str], text: str, mentions: Sequence[Mention]) -> tuple[str, ...]:
    """The drinks named in the text that the pattern finds beside their own sign, and those named in one breath with them."""
    found = [
        bool(pattern.search(masked(text, [mention], intents.MASK)[max(mention.start - 16, 0) : mention.start + 9]))
        for mention in mentions
    ]
    for here, there in (*itertools.pairwise(range(len(found))), *itertools.pairwise(reversed(range(len(found))))):
        first, second = sorted((here, there))
        if found[here] and _AND.fullmatch(text[mentions[first].end : mentions[second].start]):
            found[there] = True
    return tuple(
        drink_id for mention, beside in zip(mentions, found, strict=True) if beside for drink_id in mention.drink_ids
    )


def _believable(
    probabilities: Mapping[Intent, float], cued: frozenset[Intent], *, named: bool, claims: bool
) -> dict[Intent, float]:
    """The probabilities, highest first, with intents that have words of their own held down where none of those was said.

    named: somebody's state is; without it nobody is to be careful of anything.   claims: it asks what a drink does for one's health.
    """
    held = {name: p * (UNSAID if name in HAS_WORDS and name not in cued else 1.0) for name, p in probabilities.items()}
    if not named:
        of_health: frozenset[Intent] = frozenset() if claims else frozenset({"health"})
        held |= {name: held[name] * UNNAMED for name in (OF_A_STATE | of_health) & held.keys()}
    total = sum(held.values())
    return dict(sorted(((name, p / total) for name, p in held.items()), key=lambda item: -item[1]))


def small_talk(text: str) -> Intent:
    """The key of the answer that small talk gets: "farewell", "thanks" or, for anything else, "smalltalk"."""
    return next((name for name, pattern in _PARTING.items() if pattern.search(text)), "smalltalk")


def _ids(mention: Mention, mentions: Sequence[Mention]) -> tuple[str, ...]:
    """The drinks a mention stands for: of a shared name the one that no other mention names already, else all."""
    elsewhere = {
        drink_id
        for other in mentions
        if other is not mention and len(other.drink_ids) == 1
        for drink_id in other.drink_ids
    }
    left = tuple(drink_id for drink_id in mention.drink_ids if drink_id not in elsewhere)
    return left or mention.drink_ids


def _starts_anew(text: str, intent: Intent, probabilities: Mapping[Intent, float], subjects: Sequence[str]) -> bool:
    """Whether a question without a drink's name is complete by itself, as a new recommendation or a greeting is."""
    if subjects or _POINTS_BACK.search(text):
        return False
    return intent in ("recommend", "topic", "smalltalk", "out_of_scope", "injection") and probabilities[intent] >= 0.6


def _adds_to_earlier(intent: Intent, subjects: Sequence[str], without_names: str) -> bool:
    """Whether one named drink is set against what the conversation is about: `초록병 소주랑은 뭐가 달라?`, `is it stronger than soju?`."""
    than = intent not in ("recommend", "similar") and bool(_THAN.search(without_names))
    return len(subjects) == 1 and (intent == "compare" or than)


def _asked_before(history: Sequence[str], names: Names, words: TextAnalyzer) -> tuple[str, str] | None:
    """The latest earlier question that is more than a name, as it is and without names; None where it wants no fact of a drink."""
    for question in reversed(history):
        text, mentions = read(question, names, words)
        without_names = masked(text, mentions, intents.MASK)
        if not _ONLY_A_NAME.fullmatch(without_names):
            intent = _likely(without_names)
            return None if intent in DECLINED | {"recommend", "topic"} else (text, without_names)
    return None


def _from_conversation(
    history: Sequence[str], names: Names, words: TextAnalyzer, own: Sequence[str]
) -> tuple[tuple[str, ...], str]:
    """Subjects of the latest earlier question that names any, with the question's own behind them; and the latest question."""
    for question in reversed(history):
        _, mentions = read(question, names, words)
        if mentions:
            found = [drink_id for mention in mentions for drink_id in _ids(mention, mentions)]
            return tuple(dict.fromkeys([*found, *own])), history[-1]
    return tuple(own), history[-1]
