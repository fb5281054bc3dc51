"""What a question names that somebody must be careful of: pregnancy, an infant, a medicine, driving, a poisonous plant ...; and whether it asks if one may.

Reads data/concerns.toml, which says how words are written there. Pure: a text in, with the names of drinks masked. A person counts only
where somebody is to drink, to have or to be given something: who makes a drink, or is told of, is no concern.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from kdrinks.records import Language
from kdrinks.search import concern_words
from kdrinks.search.concern_words import WordList
from kdrinks.text import fuzzy
from kdrinks.text.korean import PARTICLES


@dataclass(frozen=True, slots=True)
class Concern:
    """Something to be careful of, as a question names it."""

    group: str
    """Of the safety sentences that answer it (drinks.model.Group), or `liver`."""
    surface: str
    """As it was typed."""
    what: str = ""
    """Of an allergy the thing (a tag of the group diet, or the word as it was typed), of a poison its kind; else empty."""
    topic: str = ""
    """The general rule (gen-*) that is said with it; empty where there is none."""


PEOPLE = frozenset({"infant_under_6m", "infant_under_12m", "child", "minor"})

_NO_STORY = frozenset({"allergy", "sobriety", "poison"})  # a word of names and old times does not take these back


_HANGUL, _LATIN = re.compile("[가-힣]"), re.compile("[a-z]")
_NOT_KO = re.compile(
    r"^(?:을|를|이|가|은|는|도|한|인|중인|한 ?건|인 ?건|중은)? ?(?:아니(?!면 ?안|지\?|죠)|아닌|아냐|아님|없(?!으면)|안 ?(?:하고|해서|하는|했|할 ?거)|말고|끝났|졸업)"
)
_NOT_EN = re.compile(
    r"(?:\bnot?\b|\bnon\b|n't|\bnever\b|\bwithout\b|\bno longer\b|\bisn'?t\b|\baren'?t\b|\bdont\b|\bnobody(?: is|'s)?\b|\bneither\b)(?: (?:a|an|any|my|even|on|taking|currently|take|have|is|are|been|the|actually|yet|of))*[ -]$"
)
_NEGATES_ITSELF = frozenset({"sobriety", "allergy", "caffeine_sensitive", "poison"})
"""Groups whose words stand beside a negation that does not take them back: `알레르기 없` does, `not eat` does not."""
_NONE_KO = re.compile(r"^(?:가|이|는|은|도)? ?(?:없(?!으면)|아니|아닌)")
_NONE_EN = re.compile(r"(?:\bno (?:known )?|\bwithout (?:any )?|\bnot |n't (?:have )?(?:any |an )?)$")

_LIQUOR = re.compile(
    r"¤|술|탁주|약주|청주|반주|동동|takju|yakju|cheongju|rice wine|알코올|취|\b(?:alcohol|liquor|booze|drank|drunk|drinking|tipsy)\b"
)
_CANNOT = re.compile(
    r"못 ?(?:먹|마시|드|하)|안 ?(?:맞|받)|먹(?:으면|고) ?(?:나면 )?(?:.{0,8})(?:안 ?(?:돼|되|좋)|가려|부어|부었|붓|아프|탈|토|설사|두드러기|올라|숨)|피해야|예민|민감"
    r"|(?:can'?t|cannot|can not|couldn'?t|not allowed to|mustn'?t|don'?t) (?:eat|have|tolerate|do|consume|digest|be near|touch)|makes? (?:me|him|her|my \w+) (?:sick|ill|itch|swell|break out)|reacts? (?:badly )?to|sensitive to",
    re.IGNORECASE,
)
"""Says of a food that somebody cannot have it, without the word allergy."""


@lru_cache(maxsize=2048)
def named(text: str) -> tuple[Concern, ...]:
    """What the text names, in the order of the lists; each group and thing once. text: names of drinks masked."""
    text = _normal(text)
    found = [
        (words, match) for words, match in _found(text) if not _taken_back(words, text, match) and _counts(words, text)
    ]
    if cued("story", text) and not (asks_may(text) or cued("giving", text)):
        found = [(words, match) for words, match in found if words.group in _NO_STORY and words.what != "asked"]
    if any(words.group == "pregnancy" for words, _ in found) and not cued("giving", text):
        found = [(words, match) for words, match in found if words.group not in PEOPLE]  # the mother drinks
    concerns = [Concern(words.group, match.group().strip(), words.what, words.topic) for words, match in found]
    return tuple(_settled(_with_things(concerns, text), {words.group for words, _ in found if not words.weight}))


def _found(text: str) -> list[tuple[WordList, re.Match[str]]]:
    """Every word of a list that stands in the text, and long words that are a letter away from one."""
    found = [(words, match) for words in concern_words.lists() for match in _matches(words, text)]
    known = [match.span() for _, match in found]
    for token in re.finditer(r"[a-z]{6,}|[가-힣]{3,}", text):
        if any(start < token.end() and token.start() < end for start, end in known):
            continue
        near = (
            words
            for words in concern_words.lists()
            if any(_is_nearly(token.group(), word) for word in words.long) and not _means_else(words, text, token)
        )
        found += [(words, token) for words in itertools.islice(near, 1)]
    return found


def _counts(words: WordList, text: str) -> bool:
    """Whether the text has what the list needs beside its word."""
    match words.needs:
        case "taking":
            return _somebody_takes(text, certain=not words.weight)
        case "going":
            named = bool(_LIQUOR.search(text.replace("¤", "")))
            return named or cued("drunk", text) or asks_may(text) or not cued("fact", text)
        case "drunk":
            return bool(_LIQUOR.search(text)) and cued("drunk", text)
    return True


@cache
def signal_names() -> tuple[str, ...]:
    """What signals() says, in its order."""
    groups = sorted({words.group for words in concern_words.lists()})
    return (
        *(f"word {group}" for group in groups),
        *(f"care {group}" for group in groups),
        *(f"cue {name}" for name in sorted(concern_words.cues()) if name != "figure"),  # gone before anything hears it
        *("word", "care", "may", "tempted"),
    )


@lru_cache(maxsize=2048)  # of a long question 4 ms, and each is heard again with every one after it
def signals(text: str) -> tuple[bool, ...]:
    """What the lists hear in a text, whether or not it counts: for what is learned beside them. text: names of drinks masked."""
    said = _normal(text)
    words = {f"word {words.group}" for words, _ in _found(said)}
    care = {f"care {concern.group}" for concern in named(text)}
    heard = words | care | {f"cue {name}" for name in concern_words.cues() if cued(name, said)}
    heard |= {
        name
        for name, held in (("word", words), ("care", care), ("may", asks_may(text)), ("tempted", is_tempted(said)))
        if held
    }
    return tuple(name in heard for name in signal_names())


def excused(group: str, text: str) -> bool:
    """Whether the text holds a word of the group in a sense that harms nobody: an azalea festival."""
    lists = [words.unless for words in concern_words.lists() if words.group == group and words.unless]
    return any(pattern.search(_normal(text)) for pattern in lists) and not any(
        one.group == group for one in named(text)
    )


def asks_may(text: str) -> bool:
    """Whether the text asks if a person may drink, have or be given something; ways of drinking, making and keeping are questions of fact."""
    text = _normal(text)
    if not cued("asks_may", text) or _WHERE.search(text):
        return False
    if cued("bodily", text) and cued("takes", text):
        return True
    if cued("ways", text) or cued("story", text):
        return False
    if cued("takes", text):
        return not _way_before(text)
    # no verb at all: `쌍화차 괜찮아?`, `is ssanghwa-cha safe?`
    return bool(_BARE_KO.search(text) or _BARE_EN.search(text))


_WHERE = re.compile(
    r"어디|어느 (?:가게|집|식당)|\bwhere\b|\bwhat (?:food )?(?:can|should|could|do|would|shall) (?:i|we|you) (?:eat|have|serve|cook|pair|put|order)\b(?:[^.?!]*\bwith (?:it|¤|that))"
    r"|(?:뭐|뭘|무엇을?|뭣을?|무슨 ?요리를?) ?(?:좀 |또 )?(?:해|만들어|끓여|요리해)(?:서)? ?(?:먹|드|마시)"
)
"""Asks for the place where somebody can have it, for what goes with it, or for what can be made of it."""

_BARE_KO = re.compile(
    r"¤(?:은|는|이|가|도|라도)? ?(?:(?:한 ?(?:잔|모금|컵)|조금|정도|정말|진짜|혹시|그냥|너무)(?:은|만|는)? ?)*"
    r"(?:괜찮|괜찬|갠찮|ㄱㅊ|ㄱㄴ|안전|위험|해로|몸에 ?나쁘|안 ?되|돼|되나|될까|되죠|가능)"
)
_BARE_EN = re.compile(
    r"\b(?:is|are|would|will)\b.{0,20}¤.{0,30}\b(?:ok|okay|safe|fine|harmful|dangerous|allowed|bad for|alright|all right|off limits|a problem|risky)\b(?! (?:to|with|as|in|on|at))|¤[,:]? (?:ok|okay|safe|fine)\b\W*$",
    re.IGNORECASE,
)
_WAY = re.compile(
    r"(?:[가-힣](?:어|아|여|워|려|해|서|켜|게|채로|에다|으로|로|고)|\S에) (?:떠|퍼)?(?:마셔|먹어|드셔|마시|먹)"
)
_NO_WAY = re.compile(
    r"(?:매일|많이|하루에|공복에|전에|중에|때에|나중에|후에|같이|함께|하고|먹고|맞고|이고|있고|있어|아파서|걸려서|추워서) (?:마셔|먹어|드셔|마시|먹)"
)


def _way_before(text: str) -> bool:
    """Whether the verb of taking stands behind a way of doing it: `흔들어 마셔도`, `빨대로 마셔도`."""
    return bool(_WAY.search(text)) and not _NO_WAY.search(text)


def _somebody_takes(text: str, *, certain: bool) -> bool:
    """Whether a person that the text names is to drink, to have or to be given something.

    certain: an age or a baby is named, so that little else can be meant; a son or a niece may as well give or make it.
    """
    if cued("giving", text):
        return True
    if cued("making", text):
        return False
    if certain:
        celebrated = cued("occasion", text) and not (cued("asks_may", text) or cued("takes", text))
        return not celebrated and (cued("taking", text) or not cued("fact", text))
    if cued("ways", text):
        return cued("asks_may", text) and cued("takes", text)
    return cued("taking", text) or not (cued("fact", text) or cued("occasion", text))


def cued(name: str, text: str) -> bool:
    """Whether one of the words of a cue stands in the text."""
    return any(pattern.search(text) for pattern in concern_words.cues()[name])


def is_tempted(text: str) -> bool:
    """Whether somebody thinks of having some, or asks whether it is fine without a word for what."""
    if cued("aside", text) and not (cued("takes", text) or cued("giving", text)):
        return False
    return cued("tempted", text) or (cued("asks_may", text) and not cued("ways", text))


def is_aside(text: str) -> bool:
    """Whether it asks for a name, a spelling or a text about a drink, and nobody is to have any. text: names of drinks masked."""
    text = _normal(text)
    return cued("aside", text) and not (cued("takes", text) or cued("giving", text) or cued("asks_may", text))


def called(group: str, lang: Language) -> str:
    """What a group of concerns is called: pregnancy and breastfeeding."""
    return str(concern_words.table()["group"][group][f"on_{lang}"])


def topic_called(topic: str, group: str, lang: Language) -> str:
    """What a general rule is called: by itself, or as its group."""
    own = concern_words.table()["topic"].get(topic)
    return str(own[lang]) if own else called(group, lang)


def speaks_of(group: str, text: str, lang: Language) -> bool:
    """Whether a sentence of a drink's own text on what to mind is on the group."""
    return bool(_about(group, lang).search(text))


@cache
def _about(group: str, lang: Language) -> re.Pattern[str]:
    return re.compile(concern_words.table()["group"][group][f"about_{lang}"], re.IGNORECASE)


def said(group: str, lang: Language) -> str:
    """The beginning of a line that reminds of what was named earlier: `You mentioned pregnancy`."""
    return str(concern_words.table()["group"][group][f"said_{lang}"])


def thing(what: str, lang: Language) -> str:
    """What an allergy is against, in words."""
    row = next((row for row in concern_words.table()["thing"] if row["what"] == what), None)
    return str(row[f"called_{lang}"]) if row else what


def names_thing(what: str, said: str) -> bool:
    """Whether a text (in lower case) names what an allergy is against."""
    words = next((words for words in concern_words.things() if words.what == what), None)
    return any(_matches(words, said)) if words else what in said


def _matches(words: WordList, text: str) -> Iterator[re.Match[str]]:
    for pattern in (words.ko if _HANGUL.search(text) else None, words.en if _LATIN.search(text) else None):
        for match in pattern.finditer(text) if pattern else ():
            if not match.group().strip():
                continue
            if not _means_else(words, text, match):
                yield match


def _means_else(words: WordList, text: str, match: re.Match[str]) -> bool:
    """Whether a longer word stands over it that means something else."""
    others = words.unless.finditer(text) if words.unless else ()
    return any(other.start() < match.end() and match.start() < other.end() for other in others)


def _taken_back(words: WordList, text: str, match: re.Match[str]) -> bool:
    """Whether a negation stands beside it: `not pregnant`, `임신은 아니고`."""
    before, behind = text[: match.start()], text[match.end() :]
    if words.group in _NEGATES_ITSELF:
        return bool(_NONE_KO.match(behind) or _NONE_EN.search(before))
    return bool(_NOT_KO.match(behind) or _NOT_EN.search(before))


def _is_nearly(token: str, word: str) -> bool:
    if "a" <= word[0] <= "z":
        return (
            token[0] == word[0]
            and abs(len(token) - len(word)) <= 1
            and (fuzzy.sounds(token) ^ fuzzy.sounds(word)).bit_count() <= 2
            and fuzzy.distance(token, word, 1.0) <= 1
        )
    if not "가" <= token[0] <= "힣" or len(token) < len(word) or not PARTICLES.fullmatch(token[len(word) :]):
        return False
    head, parts = fuzzy.jamo(token[: len(word)]), fuzzy.jamo(word)
    most = 1.0 if len(parts) >= 9 else 0.5
    return (fuzzy.sounds(head) ^ fuzzy.sounds(parts)).bit_count() <= 2 and fuzzy.distance(head, parts, most) <= most


def _with_things(concerns: Sequence[Concern], text: str) -> list[Concern]:
    """Allergies with what they are against: a food that the text names beside the sign of one, or that somebody cannot have."""
    signs = [concern for concern in concerns if concern.group == "allergy"]
    rest = [concern for concern in concerns if concern.group != "allergy"]
    cannot = _CANNOT.search(text)
    if not signs and not cannot:
        return rest
    things = [
        Concern("allergy", match.group().strip(), words.what)
        for words in concern_words.things()
        for match in itertools.islice(_matches(words, text), 1)
    ]
    if things or not signs:
        return [*rest, *things]
    return [*rest, Concern("allergy", signs[0].surface, _against(text))]


_AGAINST = re.compile(
    r"([가-힣]{1,6}?)(?:에|에게|만 먹으면)? ?(?:알레르기|알러지|알레지|과민)|(?:allergic to|allergy to|intolerant (?:to|of)) (?:the |any )?([a-z]+)|([a-z]+) (?:allerg|intoleran)"
)
_NO_THING = frozenset(
    "a an the have has my severe food bad any some no with and this that is 심한 있는 음식 내가 제가 무슨 식품".split()
)


_ENDS_A_SENTENCE = re.compile(r"(?:[세어아해나까]요|니다|까|줘|[는은인한]데|니까)$")
"""`좀 골라주세요 알러지 있는 애도 있어요`: no thing."""


def _against(text: str) -> str:
    """The word that an allergy is against where no list knows it; empty where none is said."""
    found = _AGAINST.search(text)
    word = next((part for part in found.groups() if part), "") if found else ""
    return "" if word in _NO_THING or _ENDS_A_SENTENCE.search(word) else word


def _settled(concerns: Iterable[Concern], certain: set[str]) -> list[Concern]:
    """Each once; a young person whose age is said is of that age only."""
    ages = [group for group in ("infant_under_6m", "infant_under_12m", "minor", "child") if group in certain]
    kept: dict[tuple[str, str, str], Concern] = {}
    for concern in concerns:
        if concern.group in PEOPLE and ages and concern.group != ages[0]:
            continue
        kept.setdefault(
            (concern.group, concern.what, concern.topic if concern.group == "other_medicine" else ""), concern
        )
    if any(concern.group == "poison" and concern.what != "asked" for concern in kept.values()):
        kept.pop(("poison", "asked", ""), None)
    general = ("other_medicine", "", "gen-alcohol-small-amount")
    if general in kept and any(
        concern.group in ("other_medicine", "blood_thinner", "diabetes", "blood_pressure")
        for key, concern in kept.items()
        if key != general
    ):
        del kept[general]  # a medicine that is named says more than the word medicine
    return list(kept.values())


def plain(text: str) -> str:
    """The text without figures of speech that only sound like somebody's state: `a pregnant-looking teapot`, `면허 학원`."""
    for pattern in concern_words.cues()["figure"]:
        text = pattern.sub(" ", text)
    return text


def _normal(text: str) -> str:
    return " ".join(plain(text.lower().replace("’", "'")).split())
