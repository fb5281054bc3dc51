"""The sentences that say what a passage says: how the built-in model was taught to speak, and what its guard lets pass.

Pure. A passage brings the sentences that say it (drinks.passages makes them, by one frame per kind of fact and language, few enough for a
10 MB model to learn without a slip); prose is said in its own. training/ makes its gold answers with render(); guard.py holds answers to
sentences().
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kdrinks import kinds
from kdrinks.records import Language, Passage
from kdrinks.text.korean import framed, split_sentences

COMPARE: dict[Language, str] = {
    "ko": "{first:과/와} {second:을/를} 견주어 보겠습니다.",
    "en": "Here is how {first} and {second} differ.",
}
RECOMMEND: dict[Language, str] = {"ko": "{titles:을/를} 추천합니다.", "en": "I suggest {titles}."}
NEAREST: dict[Language, str] = {
    "ko": "제 자료에는 물어보신 점이 나와 있지 않습니다. 가장 가까운 내용은 이렇습니다.",
    "en": "My notes do not say that. The nearest they come is this.",
}

DECLINE: dict[Language, dict[str, str]] = {
    "ko": {
        "not_found": "제 자료에는 그 내용이 없습니다. 다른 한국 전통 음료에 대해 물어봐 주세요.",
        "out_of_scope": "그 질문은 제 범위 밖입니다. 저는 한국 전통 음료를 알려 드립니다. 식혜나 막걸리에 대해 물어봐 주세요.",
        "injection": "그 요청은 도와드릴 수 없습니다. 저는 한국 전통 음료를 알려 드립니다.",
        "smalltalk": "안녕하세요! 저는 한국 전통 음료와 전통주를 알려 드립니다. 재료, 만드는 법, 역사를 물어봐 주세요.",
        "about": "저는 kdrinks입니다. 한국 전통 음료를 알려 드리는 이 컴퓨터 안의 챗봇이고, 제 자료에 있는 것을 출처와 함께 말합니다. 재료, 만드는 법, 도수, 역사를 물어봐 주세요.",
        "chat": "네, 듣고 있습니다. 저는 한국 전통 음료 이야기만 할 수 있으니, 궁금한 음료나 빠진 내용이 있으면 말씀해 주세요.",
        "clarify": "어느 음료를 말씀하시나요? 식혜, 막걸리, 안동소주처럼 음료 이름을 알려 주시면 바로 답해 드리겠습니다.",
        "thanks": "도움이 되었다니 기쁩니다. 궁금한 한국 전통 음료가 또 있으면 물어봐 주세요.",
        "farewell": "안녕히 가세요. 궁금한 한국 전통 음료가 있으면 또 물어봐 주세요.",
    },
    "en": {
        "not_found": "My notes hold nothing on that. Please ask me about another traditional Korean drink.",
        "out_of_scope": "That is outside my scope. I talk about traditional Korean drinks. Ask me about sikhye or makgeolli.",
        "injection": "I can't help with that request. I talk about traditional Korean drinks.",
        "smalltalk": "Hello! I talk about traditional Korean drinks and liquors. Ask me about ingredients, making or history.",
        "about": "I am kdrinks, a chatbot on traditional Korean drinks that runs on this computer and tells what its notes say, with sources. Ask me about ingredients, making, strength or history.",
        "chat": "I hear you. I can only talk about traditional Korean drinks, so tell me which drink you would like to know about, or what was missing.",
        "clarify": "Which drink do you mean? Tell me its name, such as sikhye, makgeolli or Andong soju, and I will answer right away.",
        "thanks": "I am glad to help. Ask me about another traditional Korean drink any time.",
        "farewell": "Goodbye! Ask me about traditional Korean drinks any time.",
    },
}
"""What is said when no passage answers, by the intent of the question. The built-in model was trained on the first four alone: the
constraint writes the others."""

NOT_REVIEWED: dict[Language, str] = {
    "ko": "이 내용은 의료 전문가가 검토하지 않았습니다. 걱정되면 의사나 약사에게 물어보세요.",
    "en": "No health professional has reviewed this. If in doubt, ask a doctor or pharmacist.",
}
"""Stands under every answer on pregnancy, infants, allergies, health or medicine."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of a script, and what may come after it."""

    sentence: str
    number: int
    """Of the passage that it says, counted from 1; 0 for a lead or a decline."""
    begins: bool
    """Whether an answer may begin with it."""
    ends_passage: bool
    may_leave: bool
    """Whether its passage may be left here: it was said to the end, or is true without the rest."""
    may_end: bool
    """Whether the answer may end with it."""
    after: tuple[int, ...]
    """Places in the script that may follow: its passage goes on, or a later passage begins."""


def script(intent: str, lang: Language, passages: Sequence[Passage]) -> list[Line]:
    """Every way to answer from these passages: the model chooses what to say and where to end, never what is true.

    It begins with the first passage, which the search trusts most (the kind asked for in 119 of 123 questions); a comparison
    and a recommendation say something of each in their order, as their lead names all; so do plain facts, which stand together only
    where both were asked for; anything else may pass one over.
    """
    titles = list(dict.fromkeys(passage.title for passage in passages if passage.kind == "identity"))
    first = lead(intent, lang, titles)
    groups = [(0, [first], True)] if first else []
    for number, passage in enumerate(passages, 1):
        groups.append((number, sentences(passage), not kinds.row(passage.kind).may_be_shortened))
    if not passages:
        groups = [(0, split_sentences(render(intent, lang, ())), True)]
    facts = all(kinds.row(passage.kind).single_fact for passage in passages)
    all_named = intent in ("compare", "recommend") or facts
    starts = [sum(len(texts) for _, texts, _ in groups[:place]) for place in range(len(groups))]
    lines: list[Line] = []
    for place, (number, texts, whole) in enumerate(groups):
        one_by_one = all_named or (first and place == 0)
        later = starts[place + 1 : place + 2] if one_by_one else starts[place + 1 :]
        for step, sentence in enumerate(texts):
            last = step == len(texts) - 1
            leaves = last or not whole
            lines.append(
                Line(
                    sentence=sentence,
                    number=number,
                    begins=step == 0 and place == 0,
                    ends_passage=last,
                    may_leave=leaves,
                    may_end=leaves and not (first and place == 0) and not (all_named and later),
                    after=(*(() if last else (len(lines) + 1,)), *(later if leaves else ())),
                )
            )
    return lines


def only_way(lines: Sequence[Line]) -> list[Line]:
    """What a script says where it leaves nothing to choose, neither what follows nor where to end; empty where it does."""
    said = [line for line in lines if line.begins]
    while len(said) and not said[-1].may_end and len(said[-1].after) == 1:
        said.append(lines[said[-1].after[0]])
    begun = [line.begins for line in said].count(True)
    return said if begun == 1 and said[-1].may_end and not said[-1].after else []


def render(intent: str, lang: Language, passages: Sequence[Passage]) -> str:
    """The answer that the built-in model is taught to give.

    intent: "compare" or "recommend" put their lead first, and a recommendation says one sentence of each drink; with no
    passage the key of DECLINE; anything else says the passages one after the other. A list of steps stands on lines of its own.
    """
    if not passages:
        return DECLINE[lang].get(intent, DECLINE[lang]["not_found"])
    answer = lead(
        intent, lang, list(dict.fromkeys(passage.title for passage in passages if passage.kind == "identity"))
    )
    for passage in passages:
        brief = intent == "recommend" and passage.kind == "identity"
        for sentence in sentences(passage)[: 1 if brief else None]:
            answer += (separator(sentence) if answer else "") + sentence
    return answer


def lead(intent: str, lang: Language, titles: Sequence[str]) -> str:
    """What stands before the passages: of a comparison, a recommendation, or what is only near to the question; else empty."""
    if intent == "nearest":
        return NEAREST[lang]
    if intent == "compare" and len(titles) >= 2:
        return framed(COMPARE[lang], first=titles[0], second=titles[1])
    if intent == "recommend" and titles:
        return framed(RECOMMEND[lang], titles=_listed(titles, lang))
    return ""


def sentences(passage: Passage) -> list[str]:
    """Every sentence that says this passage, in order; together they say all of it."""
    return [said.sentence for said in passage.said] or split_sentences(passage.text)


def separator(sentence: str) -> str:
    """What stands before a sentence: numbered steps have lines of their own."""
    return "\n" if re.match(r"\d+\. ", sentence) else " "


def _listed(titles: Sequence[str], lang: Language) -> str:
    if lang == "ko" or len(titles) == 1:
        return ", ".join(titles)
    return f"{', '.join(titles[:-1])} and {titles[-1]}"
