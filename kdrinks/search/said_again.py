"""A question that asks for an answer in another language, or for the last one once more: `can you say that again in korean`. Pure."""

import re
from typing import NamedTuple

from kdrinks.records import Language

_WANTED = re.compile(
    r"(?P<ko_en>영어|영문)로(?:는|도)? ?(?:좀 ?|도 ?|다시 ?|한번 ?|간단히 ?|짧게 ?|뭐라고 ?|어떻게 ?)*(?:설명|말(?!하는)|알려|답|번역|써|적어|바꿔|소개|부탁|요약|해 ?(?:줘|주|봐))[가-힣]*"
    r"(?: ?(?:돼|되나|될까|줄래|줘|주세요|줄 수 있|주실)[가-힣]*)?(?: ?있[가-힣]*)?"
    r"|(?P<ko_ko>한국어|한국말|한글|우리말)로(?:는|도)? ?(?:좀 ?|도 ?|다시 ?|한번 ?|간단히 ?|짧게 ?)*(?:설명|말(?!하는)|알려|답|번역|써|적어|바꿔|소개|부탁|요약|해 ?(?:줘|주|봐))[가-힣]*"
    r"|\b(?:say|tell|explain|answer|translate|repeat|write|give|put|reply|describe)(?! (?:\S+ ){0,6}?(?:called|names?|words?|mean\w*|pronounce\w*)\b)"
    r"(?P<kept>(?: \S+){0,6}?) (?:in|into|to) (?P<en>korean|english)\b(?: please| pls)?"
    r"|^\W*(?:and |now |same |the same |again |please )*in (?P<alone>korean|english)\b(?: please| pls| now| too| as well)*",
    re.IGNORECASE,
)
"""`what is it called in Korean` asks for a name and is none."""

_AGAIN = re.compile(
    r"^\W*(?:(?:미안|죄송|잠깐|응|어)[가-힣]* ?)?(?:방금 ?|아까 ?)?(?:그거 ?|그걸 ?)?(?:다시|한 ?번 ?더) ?(?:한 ?번 ?)?(?:말|설명|알려|얘기|이야기)[가-힣]*(?: ?(?:줘|주세요|줄래|주실래요)[가-힣]*)?\W*$"
    r"|^\W*(?:sorry |wait |ok(?:ay)? |(?:can|could|would) you |please )*(?:say|repeat|tell me|explain)(?: (?:that|it|this))*(?: (?:again|once more|one more time))?(?: please| pls)?\W*$",
    re.IGNORECASE,
)

_EXPLAINS = re.compile(
    r"뭐라고 ?설명|어떻게 ?설명|\bhow (?:do|should|would|can|could) (?:i|we|you) (?:explain|describe)", re.IGNORECASE
)


class SaidAgain(NamedTuple):
    """What is left of a question without the words that say how it is to be answered."""

    rest: str
    language: Language | None
    again: bool
    """It asks for the last answer once more, where it names no drink."""
    explains: bool
    """It asks how to say what the drink is, whatever was answered last."""


def heard(question: str) -> SaidAgain:
    match = _WANTED.search(question)
    if not match:
        return SaidAgain(question, None, bool(_AGAIN.search(question)), explains=False)
    said = match.groupdict()
    language: Language = "en" if said["ko_en"] or "english" in (said["en"] or said["alone"] or "").lower() else "ko"
    rest = f"{question[: match.start()]} {said['kept'] or ''} {question[match.end() :]}"
    rest = re.sub(r"(?<=[가-힣])(?:을|를|에 ?대해서?)$", "", rest.strip(" ,.?!~"))
    if rest and re.search("설명|소개", match[0]):
        rest += " 설명"
    elif rest and re.match("(?:explain|describe)", match[0], re.IGNORECASE):
        rest = f"explain {rest}"
    return SaidAgain(" ".join(rest.split()), language, again=True, explains=bool(_EXPLAINS.search(question)))
