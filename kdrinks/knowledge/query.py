"""How a question is understood: its drinks, what it asks for, what it calls for besides. Pure: text in, Query out.

Knows names and cues, not passages; the search decides what to do with a Query.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kdrinks.knowledge import intents
from kdrinks.knowledge.subjects import Mention, Names, masked
from kdrinks.records import Language
from kdrinks.words import Words

LEAN_TO_DRINK = 1.6
"""Added for names that are also ordinary words: 장수가 뭐야 is about the drink here, 무병장수 is not."""

DECLINED = frozenset({"smalltalk", "out_of_scope", "injection", "not_found"})

_PARTING: dict[str, re.Pattern[str]] = {
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

_SENSITIVE: dict[str, re.Pattern[str]] = {
    "pregnancy": re.compile(
        r"임신|임산부|임부|산모|산부인과|만삭|홀몸|출산|(?:애|아이|아기)를? ?가(?:진|졌)|젖먹이|젖을? ?먹|수유|입덧|태아|모유|뱃속|pregnan|breast.?fe|nursing|trimester|lactat",
        re.IGNORECASE,
    ),
    "infant": re.compile(
        r"아기|아가(?![리씨])|영아|신생아|갓난|이유식|\d+ ?개월|돌 ?(?:전|안|도|된|지난|쟁이)|(?:두|세) ?돌|돌인데|걸음마|아이(?!스)|어린이|애(?:들|한테|기)|조카|유치원|(?<!\d)[1-9] ?살|(?:한|두|세|네|다섯) ?살"
        r"|\b(?:baby|babies|infants?|newborns?|toddlers?|kids?|child(?:ren)?)\b|month.?old|months old",
        re.IGNORECASE,
    ),
    "allergy": re.compile(
        r"알레르기|알러지|과민|두드러기|셀리악|글루텐|allerg|celiac|coeliac|intoleran|gluten|anaphyla", re.IGNORECASE
    ),
    "health": re.compile(
        r"약(?:을|이랑|과) ?(?:같이|함께|먹|복용)|복용|약 먹|술 ?깨|숙취|해장(?!술)|혈압|당뇨|혈당|항생제|수술|치료|질환|medicin|medication|antibiotic|diabet|blood pressure|\bdisease|\bpills?\b",
        re.IGNORECASE,
    ),
    "alcohol": re.compile(r"운전|미성년|청소년|\bdriv(?:e|ing)\b|underage|\bminors?\b", re.IGNORECASE),
}
"""Words that make a question sensitive whatever else it asks."""

STRAYS = frozenset({"driving", "diet", "cautions"})
"""What no question is about without a word for it; each of the other sensitive ones has its words in _SENSITIVE."""

SENSITIVE_INTENTS = frozenset({"alcohol", "pregnancy", "infant", "allergy", "health", "driving", "cautions"})

HAS_WORDS = frozenset("driving diet pregnancy infant allergy caffeine cautions storage etiquette pronunciation".split())
UNSAID = 0.3
"""What is left of the probability of one of these without a word for it; without it `driving`, rare in training, takes strays."""

_ONLY_A_NAME = re.compile(
    rf"\W*(?:그럼|그러면|그렇다면|그리고|그런데|근데|혹시|(?:and|or|but|so|then|ok|okay)?\W*(?:(?:what|how) about)?)\W*(?:the )?"
    rf"{intents.MASK}(?:은|는|도)?(?:요)?\W*",
    re.IGNORECASE,
)
"""`그럼 안동소주는?` asks of another drink what was asked before."""

_THAN = re.compile(rf"\bthan (?:the |a |an )?{intents.MASK}|{intents.MASK} ?(?:보다|보단)", re.IGNORECASE)
_NOT_THIS = re.compile(
    rf"{intents.MASK}(?:은|는|이랑|랑)? ?(?:말고|빼고|제외|아닌)|\b(?:other than|besides|except(?: for)?|apart from|but not) (?:the )?{intents.MASK}",
    re.IGNORECASE,
)
"""`막걸리 말고`: the drink is named to be left out."""

_ANOTHER = re.compile(r"말고|빼고|다른|딴 ?거|\b(?:other than|besides|another|else)\b", re.IGNORECASE)
_COURTESY = re.compile(
    r"(?:thanks?(?: you)?(?: so much| a lot| very much)?|thx|hi(?: there)?|hello|hey|고마워요?|고맙습니다|감사(?:합니다|해요)|안녕(?:하세요)?)\s*[,.!~…]+\s*",
    re.IGNORECASE,
)
"""Stands before a question without being what it is about."""

_POINTS_BACK = re.compile(
    r"그거|그건|그게|그걸|그것|이거|이건|이게|저거|걔|그 (?:술|차|음료|음식|둘)|둘 중|둘 다|거기|그럼|그러면|그래서|그 중|그중|둘은|둘이|말고|빼고|다른 거|다른거|걸로|것으로|좀 더"
    r"|\b(?:then|it|its|it's|that|this|they|them|those|these|both|the (?:first|second|other|former|latter)|ones?|another|else|instead|without)\b",
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
    intent: str
    """Most probable class of data/intents.json, or a sensitive one that a word makes certain."""
    probabilities: Mapping[str, float]
    sensitive: bool
    followed: bool
    """Whether the subjects came from earlier questions."""
    earlier: str = ""
    """The earlier question that a follow-up without subjects goes on from."""
    before: tuple[str, ...] = ()
    """All the earlier questions of a follow-up without subjects, oldest first: what they wished for still stands."""
    cued: frozenset[str] = frozenset()
    """Intents that a hand-kept cue speaks for."""
    rejected: tuple[str, ...] = ()
    """Drinks named to be left out."""
    concerns: tuple[str, ...] = field(default=())
    """Sensitive matters that its words name: pregnancy, infant, allergy, health, alcohol."""


def understand(
    question: str, names: Names, words: Words, *, history: Sequence[str] = (), lang: Language | None = None
) -> Query:
    """The Query of a question in a conversation. history: earlier questions, oldest first."""
    text, mentions = _read(question, names, words)
    lang = lang or words.language(question)
    subjects = tuple(dict.fromkeys(drink_id for mention in mentions for drink_id in _ids(mention, mentions)))
    rejected = tuple(drink_id for mention in mentions if _left_out(text, mention) for drink_id in mention.drink_ids)
    subjects = tuple(drink_id for drink_id in subjects if drink_id not in rejected)
    without_names = masked(text, mentions, intents.MASK)
    asked = text
    if history and _ONLY_A_NAME.fullmatch(without_names):
        asked, without_names = _asked_before(history, names, words) or (text, without_names)
    if (courtesy := _COURTESY.match(without_names)) and (mentions or (history and text.endswith("?"))):
        without_names = without_names[courtesy.end() :]
    cued = intents.cued(without_names)
    probabilities = _believable(intents.model().probabilities(without_names), cued)
    intent = next(name for name in probabilities if name not in STRAYS or name in cued)
    concerns = tuple(name for name, pattern in _SENSITIVE.items() if pattern.search(asked))
    followed, earlier = False, ""
    if (
        history
        and (not subjects or _adds_to_earlier(intent, subjects, without_names))
        and not _starts_anew(text, intent, probabilities, subjects)
    ):
        subjects, earlier = _from_conversation(history, names, words, subjects)
        subjects = tuple(drink_id for drink_id in subjects if drink_id not in rejected)
        if intent == "recommend" and _ANOTHER.search(text):  # `그거 말고 다른 술 추천해줘`
            rejected, subjects = (*rejected, *subjects), ()
        followed = True
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
        sensitive=intent in SENSITIVE_INTENTS or bool(concerns),
        followed=followed,
        earlier=earlier,
        before=tuple(history) if followed and not subjects else (),
        concerns=concerns,
        cued=cued,
        rejected=rejected,
    )


def _left_out(text: str, mention: Mention) -> bool:
    around = masked(text, [mention], intents.MASK)
    return bool(_NOT_THIS.search(around[max(mention.start - 12, 0) : mention.start + 8]))


def _read(question: str, names: Names, words: Words) -> tuple[str, tuple[Mention, ...]]:
    """The question with spaces inside Korean names removed, and the drinks it names."""
    text = words.joined(" ".join(question.split()))
    return text, tuple(names.mentions(text, words.korean_names(text, LEAN_TO_DRINK)))


def _believable(probabilities: Mapping[str, float], cued: frozenset[str]) -> dict[str, float]:
    """The probabilities, highest first, with intents that have words of their own held down where none of those was said."""
    held = {name: p * (UNSAID if name in HAS_WORDS and name not in cued else 1.0) for name, p in probabilities.items()}
    total = sum(held.values())
    return dict(sorted(((name, p / total) for name, p in held.items()), key=lambda item: -item[1]))


def small_talk(text: str) -> str:
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


def _starts_anew(text: str, intent: str, probabilities: Mapping[str, float], subjects: Sequence[str]) -> bool:
    """Whether a question without a drink's name is complete by itself, as a new recommendation or a greeting is."""
    if subjects or _POINTS_BACK.search(text):
        return False
    return intent in ("recommend", "topic", "smalltalk", "out_of_scope", "injection") and probabilities[intent] >= 0.6


def _adds_to_earlier(intent: str, subjects: Sequence[str], without_names: str) -> bool:
    """Whether one named drink is set against what the conversation is about: `초록병 소주랑은 뭐가 달라?`, `is it stronger than soju?`."""
    than = intent not in ("recommend", "similar") and bool(_THAN.search(without_names))
    return len(subjects) == 1 and (intent == "compare" or than)


def _asked_before(history: Sequence[str], names: Names, words: Words) -> tuple[str, str] | None:
    """The latest earlier question that is more than a name, as it is and without names; None where it wants no fact of a drink."""
    for question in reversed(history):
        text, mentions = _read(question, names, words)
        without_names = masked(text, mentions, intents.MASK)
        if not _ONLY_A_NAME.fullmatch(without_names):
            intent = next(iter(intents.model().probabilities(without_names)))
            return None if intent in DECLINED | {"recommend", "topic"} else (text, without_names)
    return None


def _from_conversation(
    history: Sequence[str], names: Names, words: Words, own: Sequence[str]
) -> tuple[tuple[str, ...], str]:
    """Subjects of the latest earlier question that names any, with the question's own behind them; and the latest question."""
    for question in reversed(history):
        _, mentions = _read(question, names, words)
        if mentions:
            found = [drink_id for mention in mentions for drink_id in _ids(mention, mentions)]
            return tuple(dict.fromkeys([*found, *own])), history[-1]
    return tuple(own), history[-1]
