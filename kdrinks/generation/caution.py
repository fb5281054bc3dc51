"""How an answer says what protects people: cautions quoted first, sentences of the notes behind them, fixed lines, and nothing freely written.

Pure. What is said is chosen by search.safety.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from kdrinks.findings import Findings
from kdrinks.generation import templates
from kdrinks.generation.guard import COURTESIES, HEALTH_CONCERNS, HEALTH_INTENTS, quote
from kdrinks.kinds import Intent
from kdrinks.records import Language, Passage
from kdrinks.text.korean import framed, split_sentences

_LINES: dict[str, dict[Language, str]] = {
    "no_special": {
        "ko": "{title}에 대해 제 자료가 {on:과/와} 관련해 아는 특별한 주의는 없습니다. 괜찮다는 뜻은 아니니 확실하지 않으면 의사나 약사에게 물어보세요.",
        "en": "{title}: my notes know no special caution with regard to {on}. That does not mean it is fine: if in doubt, ask a doctor or pharmacist.",
    },
    "no_row": {
        "ko": "{title}에 대해 제 자료에는 {on:과/와} 관련된 내용이 없습니다. 괜찮다는 뜻이 아니니 의사나 약사에게 먼저 물어보세요.",
        "en": "{title}: my notes say nothing with regard to {on}. That does not mean it is fine: ask a doctor or pharmacist first.",
    },
    "nothing_named": {
        "ko": "제 자료에는 그 음료와 {on}에 대한 내용이 없습니다. 괜찮다는 뜻이 아니니 의사나 약사에게 먼저 물어보세요.",
        "en": "My notes say nothing on that with regard to {on}. That does not mean it is fine: ask a doctor or pharmacist first.",
    },
    "vague": {
        "ko": "누군가 아프거나 약을 먹거나 임신했거나 아주 어리다면, 제 자료에는 그에 맞는 내용이 없으니 의사나 약사에게 먼저 물어보세요.",
        "en": "If somebody is ill, pregnant, very young or takes medicine, my notes do not cover that: ask a doctor or pharmacist first.",
    },
    "not_listed": {
        "ko": "제 자료의 {title} 재료에는 {thing:이/가} 적혀 있지 않습니다. 제품과 만드는 곳마다 다르고 섞일 수 있으니 라벨을 확인하고, 심한 알레르기라면 먼저 의사에게 물어보세요.",
        "en": "My notes do not list {thing} among what {title} is made with. Products and kitchens differ and traces can get in: the label decides, and with a severe allergy ask a doctor first.",
    },
    "noted": {
        "ko": "{said}. 이 대화에서는 그에 맞추어 답하겠습니다. 어떤 음료가 궁금하신지 물어봐 주세요.",
        "en": "{said}. I will keep to that in this conversation. Ask me about a drink.",
    },
    "none_fits": {
        "ko": "제 자료에는 {on}에 맞는다고 권할 음료가 없습니다. 의사나 약사에게 먼저 물어보세요.",
        "en": "My notes hold no drink that I could suggest for {on}. Ask a doctor or pharmacist first.",
    },
    "list_permits_nothing": {
        "ko": "{on:을/를} 생각해 제 자료에 주의가 적힌 것은 뺐습니다. 남은 것이 괜찮다는 뜻은 아니니 의사나 약사에게 먼저 물어보세요.",
        "en": "With regard to {on}, what my notes warn of is left out. That does not mean that the rest is fine: ask a doctor or pharmacist first.",
    },
    "does_not_fit": {
        "ko": "앞서 빼 달라고 하신 것이 있어, {title:은/는} 권하지 않습니다.",
        "en": "{title} does not fit what you said you leave out.",
    },
    "chosen": {
        "ko": "빼 달라고 하신 것을 뺀 {number}가지 가운데 질문에 가까운 것을 골랐습니다.",
        "en": "Chosen as closest to your question out of {number} drinks without what you leave out.",
    },
    "reminder": {"ko": "{said}: {text}", "en": "{said}: {text}"},
}
"""Sentences that no passage holds."""

PERMITS = re.compile(
    r"알코올이? ?(?:없|들어 ?있지 ?않)|알코올 ?0(?!\.)|무알코올|술이 아(?:니|닌|닙)|도수가 없|누구나|(?:아이|어린이|임산부|임신부|어르신|환자)[가도들이]* ?(?:함께 |부담 없이 |마음 놓고 |즐겨 )?(?:마실|마셔|마십|즐길|즐겨)|부담 ?없|안심|괜찮|안전합니다|안전한 (?:음료|차)"
    r"|마셔도 (?:됩|좋)|먹어도 (?:됩|좋)|마실 수 있|알려진 것은 없|문제(?:된다고|가) .*없|지장을 준다고 알려진|카페인이? ?없"
    r"|alcohol[- ]free|non-?alcoholic|not (?:an? )?(?:alcohol(?:ic)?|liquor)\b|no alcohol|without alcohol|(?:is|are) (?:usually |generally |considered )?(?:safe|fine|harmless|ok(?:ay)?)\b|suit(?:s|able)|(?:children|anyone|everybody|pregnant women) (?:can|may|too)"
    r"|may (?:have|drink)|can (?:have|drink)|not known to (?:be a problem|affect)|no caffeine|caffeine[- ]free",
    re.IGNORECASE,
)
"""What reads as permission behind a caution."""

_FORBIDS = re.compile(
    r"(?:마시|먹|주|먹이|드리)지 ?않|피하|삼가|먼저 (?:상의|묻|물어)|않는 것이 (?:가장 )?안전|\b(?:do|does|is|are) not (?:drink|give|have|take|safe)|\bnever\b|avoid|ask (?:a|your|first)|no amount|safest",
    re.IGNORECASE,
)


def line(key: str, lang: Language, **values: str) -> str:
    """A fixed sentence."""
    return framed(_LINES[key][lang], **values)


_FREE_OF = re.compile(
    r"(?:무알코올|무카페인|알코올 없는|카페인 없는) (?=\S)|\b(?:non-?alcoholic|(?:alcohol|caffeine)-free),? (?=\w)",
    re.IGNORECASE,
)
"""Stands before a noun in a sentence that says more."""


def without_permission(passage: Passage) -> Passage | None:
    """The passage without what reads as permission, words or sentences; None where nothing is left."""
    said = split_sentences(_FREE_OF.sub("", passage.text))
    kept = [one for one in said if not PERMITS.search(one) or _forbids_alone(one)]
    if kept == split_sentences(passage.text):
        return passage
    return replace(passage, text=" ".join(kept), said=()) if kept else None


def _forbids_alone(sentence: str) -> bool:
    """Whether what looks like permission is part of a prohibition: `no amount is known to be safe`."""
    return bool(_FORBIDS.search(PERMITS.sub("", sentence))) and not re.search("무알코올|alcohol-free", sentence)


def said_exactly(lang: Language, findings: Findings, passages: Sequence[Passage]) -> str:
    """The whole answer where no model writes it, else "": what is sensitive, and what was listed, counted or compared in several lines.

    passages: the cautions first.
    """
    if findings.unsaid == (line("vague", lang),) and not (findings.cautions or findings.sensitive):
        told = findings.listed or _plainly(findings.intent, lang, passages)
        return f"> {findings.unsaid[0]}\n\n{told}{under(findings)}"
    listed = findings.listed
    protected = bool(findings.concerns or findings.cautions or findings.unsaid)
    if findings.sensitive and (protected or not listed):
        return answer(lang, findings, passages)
    in_one_line = "\n" not in listed and len(passages) == 1
    return "" if not listed or (in_one_line and not findings.sensitive) else listed + under(findings)


def answer(lang: Language, findings: Findings, passages: Sequence[Passage]) -> str:
    """The whole answer to a question that no model may answer: cautions, then other passages, or that there are none.

    passages: the cautions first (Findings.cautions), then what follows them.
    """
    if findings.intent in COURTESIES and not passages:
        return templates.DECLINE[lang][findings.intent]
    if not passages and not findings.unsaid:
        return f"{templates.DECLINE[lang]['not_found']}\n\n{templates.NOT_REVIEWED[lang]}"
    first = len(findings.cautions)
    numbered = list(enumerate(passages, 1))
    parts = [
        quote(numbered[:first]),
        "\n>\n".join(f"> {said}" for said in findings.unsaid),
        *(_told(number, passage, lang) for number, passage in numbered[first:]),
        "\n>\n".join(f"> {said}" for said in findings.under),
    ]
    said = "\n>\n".join(part for part in parts if part)
    said = said.replace("\n>\n" + _RECIPE, "\n\n")
    health = findings.intent in HEALTH_INTENTS or not HEALTH_CONCERNS.isdisjoint(findings.concerns)
    if health or findings.unsaid or any(passage.kind == "cautions" for passage in passages):
        said += f"\n\n{templates.NOT_REVIEWED[lang]}"
    return said


_RECIPE = "\0"
"""Marks a part that stands on lines of its own."""


def _told(number: int, passage: Passage, lang: Language) -> str:
    """A passage behind the cautions: quoted, a recipe in its steps."""
    if passage.kind != "making":
        return quote([(number, passage)])
    return f"{_RECIPE}{templates.render('making', lang, [passage])} [{number}]"


def _plainly(intent: Intent, lang: Language, passages: Sequence[Passage]) -> str:
    """What the built-in model is taught to say of the passages, each with its number."""
    if not passages:
        return templates.render(intent, lang, ())
    titles = list(dict.fromkeys(passage.title for passage in passages if passage.kind == "identity"))
    told = [
        f"{templates.render(passage.kind, lang, [passage])} [{number}]" for number, passage in enumerate(passages, 1)
    ]
    return " ".join([*filter(None, [templates.lead(intent, lang, titles)]), *told])


def not_reviewed(lang: Language, findings: Findings) -> str:
    """The line on health, under what a model wrote without the notes; empty where that is on nobody's health."""
    health = findings.intent in HEALTH_INTENTS or not HEALTH_CONCERNS.isdisjoint(findings.concerns)
    return f"\n\n{templates.NOT_REVIEWED[lang]}" if health else ""


def under(findings: Findings) -> str:
    """The lines that stand under an answer that a model wrote; empty without any."""
    return "".join(f"\n\n{said}" for said in findings.under)
