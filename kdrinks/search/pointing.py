"""What a question points to instead of naming it: `the second one`, `둘 중에`, `the other one`. The names are put in its place. Pure.

Whoever asks for it knows the drinks of the answer before and those that the conversation named.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from kdrinks.drinks.model import Drink
from kdrinks.records import Language
from kdrinks.text.korean import josa

_PLACES = (
    (r"첫 ?(?:번째|번|째)|처음(?:에)?|첨에?|맨 ?(?:앞|위|처음)(?:에)?|1번(?!째)", "first|1st", 0),
    (r"두 ?(?:번째|번|째)|둘째|2번", "second|2nd", 1),
    (r"세 ?(?:번째|번|째)|셋째|3번", "third|3rd", 2),
    (r"네 ?(?:번째|째)|4번", "fourth|4th", 3),
    (r"마지막|맨 ?(?:뒤|끝|아래)", "last", -1),
)
_PLACED = tuple(
    (
        re.compile(
            rf"(?:그 ?중(?:에서?)? ?)?(?:{korean})(?:에|로)? ?(?:(?:말한|나온|알려\S*) ?)?(?:거|것|건|걸|게|꺼|음료|술|차)(?![가-힣]{{2}})"
            rf"|\bthe (?:very )?(?:{english})(?: (?:one|drink|tea|liquor)\b|(?=[?.!,]|$)|(?= (?:is|was|does|do|did|go(?:es)?|has|have|too|also|tastes?|ferments?|keeps?|comes?)\b))"
            r"(?: (?:(?:that )?(?:you|i|we) (?:named|mentioned|listed|said|asked about|talked about|talked abt|told me)|on the list))?",
            re.IGNORECASE,
        ),
        place,
    )
    for korean, english, place in _PLACES
)

_LATTER = re.compile(
    r"\bthe (?:(?P<latter>latter)|former)\b(?: (?:one|drink|tea))?|(?<![가-힣])(?:(?P<behind>후자)|전자)(?P<particle>은|는|이|가|을|를|의)?(?![가-힣])",
    re.IGNORECASE,
)
_BOTH = re.compile(
    r"(?:(?:그|이|저|위에?) ?(?:둘|두 ?(?:가지|개|음료|술|차|놈))|(?<![가-힣] )(?<![가-힣])둘(?= ?다)|(?<![가-힣])(?:둘|두 ?(?:가지|개|음료|술|차))(?= ?(?:중|가운데)))"
    r"(?![가-힣]{2}|째|번)(?P<particle>은|는|이|가|을|를|의)?(?P<among> ?중)?"
    r"|(?:^|\b(?:do|does|are|is|can|have|should|would|will|and|so|ok|okay|but) )(?P<both>both)(?: of (?:them|those|these|the two))?\b(?! \w+ and\b)|\bboth of (?:them|those|these|the two)\b"
    r"|\b(?:the|those|these) two(?: (?:drinks|teas|liquors|ones))?\b|\beither (?:one|of them)\b|\bbetween (?:them|the two)\b",
    re.IGNORECASE,
)
"""`카페인이랑 알코올 둘 다 없는 거` and `without both honey and nuts` point to nothing."""
_BESIDE = re.compile(r"\bthan\b|\bvs\b|\bor\b|\band\b|보다|중에|랑|하고", re.IGNORECASE)
_IT = re.compile(
    r"\b(?:that|this) (?:one|drink|tea|liquor)\b|\bit\b(?= |[?.!,]|$)|(?<![가-힣])(?:그|이) ?(?:거|차|술|음료)(?P<particle>은|는|이|가|을|를)?(?= |[?.!,]|$)",
    re.IGNORECASE,
)
"""The drink of the answer before, where nobody named one: `what's the bitter tea with an egg yolk`, `could I serve that one cold`."""
_AMONG = re.compile(r"(?<=of )(?:those|them|these)\b|(?<![가-힣])그 ?(?P<among> ?중)(?=에|\s|$)", re.IGNORECASE)
"""The same of two, where no list was told."""
_OTHER = re.compile(
    r"(?<![가-힣])(?:나머지|다른) ?(?:하나|한 ?(?:개|가지|쪽))(?P<particle>은|는|이|가|을|를)?|(?<![가-힣])나머지(?P<rest>는|은)|\bthe other (?:one|drink|tea)\b",
    re.IGNORECASE,
)


def points(question: str) -> bool:
    """Whether it may point to drinks that were spoken of."""
    return any(
        pattern.search(question)
        for pattern in (_BOTH, _AMONG, _OTHER, _LATTER, _IT, *(placed for placed, _ in _PLACED))
    )


def names_a_place(question: str) -> bool:
    """`the second one`, `첫 번째 거`"""
    return any(placed.search(question) for placed, _ in _PLACED)


def named(
    question: str,
    lang: Language,
    drinks: Mapping[str, Drink],
    *,
    answered: Callable[[], Sequence[str]],
    told: Callable[[], Sequence[str]],
    spoken_of: Sequence[Sequence[str]],
) -> str:
    """`첫 번째 거 어떻게 만들어?` with the drink's name in its place; the question as it is where nothing is pointed to.

    answered: ids of the drinks of the latest answer with several, in its order.   told: of the answer before.   spoken_of: of those that each earlier question named, oldest first.
    """
    placed = [(match, place) for pattern, place in _PLACED if (match := pattern.search(question))]
    placed.sort(key=lambda one: -one[0].start())
    if placed:  # of `you said so of the first, is it of the third too?` the latter is asked, unless both are set beside each other
        every = list(dict.fromkeys(one for ids in spoken_of for one in ids))
        ids = answered() if len(answered()) > 1 else every
        for match, place in placed if _BESIDE.search(question) else placed[:1]:
            if place < len(ids):
                particle = {"건": "은/는", "걸": "을/를", "게": "이/가"}.get(match[0][-1], "")
                question = _replaced(question, match, [drinks[ids[place]]], lang, particle)
        return question
    two = _latest_two(spoken_of)
    if (match := _LATTER.search(question)) and len(two) == 2:
        one = two[1 if match["latter"] or match["behind"] else 0]
        return _replaced(question, match, [drinks[one]], lang, _PAIRS.get(_particle(match), ""))
    if match := _OTHER.search(question):
        latest = next((ids for ids in reversed(spoken_of) if ids), ())
        other = [one for one in two if one not in latest]
        if len(two) == 2 and len(other) == 1:
            return _replaced(question, match, [drinks[other[0]]], lang, _PAIRS.get(_particle(match), ""))
    of_two = len(two) == 2 and _AMONG.search(question)
    match = _BOTH.search(question)
    if match and match.groupdict().get("both"):
        match = re.compile(r"both(?: of (?:them|those|these|the two))?", re.IGNORECASE).search(question, match.start())
    if match := match or (of_two if of_two and len(answered()) < 3 else None):
        if len(two) < 2 and len(ids := answered()) == 2:
            two = list(ids)
        if len(two) == 2:
            behind = match.groupdict().get("among") or ""
            return _replaced(
                question, match, [drinks[one] for one in two], lang, _PAIRS.get(_particle(match), ""), behind
            )
    if not any(spoken_of) and (match := _IT.search(question)) and len(ids := told()) == 1:
        return _replaced(question, match, [drinks[ids[0]]], lang, _PAIRS.get(_particle(match), ""))
    return question


_PAIRS: Mapping[str, str] = {
    **dict.fromkeys("은는", "은/는"),
    **dict.fromkeys("이가", "이/가"),
    **dict.fromkeys("을를", "을/를"),
    "의": "의",
}


def _particle(match: re.Match[str]) -> str:
    held = match.groupdict()
    return held.get("particle") or held.get("rest") or ""


def _latest_two(spoken_of: Sequence[Sequence[str]]) -> list[str]:
    """The two drinks that were named last, in the order in which they were."""
    named_: list[str] = []
    for ids in reversed(spoken_of):
        for one in reversed(ids):
            if one not in named_ and len(named_) < 2:
                named_.append(one)
    return named_[::-1]


def _replaced(
    question: str, match: re.Match[str], drinks: Sequence[Drink], lang: Language, particle: str, behind: str = ""
) -> str:
    titles = [drink.title_ko if lang == "ko" else drink.title_en for drink in drinks]
    joined = titles[0]
    if len(titles) > 1:
        joined = (
            f"{titles[0]}{josa(titles[0], '와/과')} {titles[1]}" if lang == "ko" else f"{titles[0]} and {titles[1]}"
        )
    ending = particle if len(particle) < 2 else josa(titles[-1], particle)
    return question[: match.start()] + joined + ending + behind + question[match.end() :]
