"""What is said without a model: what protects people, lists, what the notes do not hold, and what leaves nothing to choose. Pure.

Whatever model was chosen, and in whatever mode: these texts are exact, a model could only spoil them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kdrinks import kinds
from kdrinks.findings import Findings
from kdrinks.generation import caution, templates
from kdrinks.generation.guard import COURTESIES, Guard, quote
from kdrinks.kinds import Intent
from kdrinks.records import Language, Mode, Passage

NEEDS_NOTES: dict[Literal["built_in", "held"], dict[Language, str]] = {
    "built_in": {
        "ko": "내장 모델은 자료에 있는 말만 하도록 만들어져서 자료 없이는 답할 수 없습니다. 자료와 함께 묻거나 다른 모델을 골라 주세요.",
        "en": "The built-in model was made to say what the notes hold and cannot answer without them. Ask with the notes, or choose another model.",
    },
    "held": {
        "ko": "이 모델은 자료의 문장만 말하게 되어 있어서 자료 없이는 답할 수 없습니다. 모드를 ‘자유롭게’로 바꾸면 답합니다.",
        "en": "This model is held to the notes and cannot answer without them. It can once its mode is set to free.",
    },
}
"""Said to a question without the notes."""
_NEVER_OURS = COURTESIES | {"out_of_scope"}
"""Intents that are declined without the notes as well; whether they hold something is not asked then."""


@dataclass(frozen=True, slots=True)
class Outright:
    """A whole answer."""

    text: str
    guard: Literal["quoted", "fixed", "said"]
    passages: tuple[Passage, ...] = ()
    """What it rests on, in the order of its numbers."""
    gate: Guard | None = None
    """What could be said, where it was said sentence by sentence."""


def outright(
    lang: Language, findings: Findings, passages: Sequence[Passage], *, mode: Mode, knowledge: bool = True
) -> Outright | None:
    """The answer that needs no model, None where one has something to say.

    passages: what follows the cautions.   mode: in which the model answers.   knowledge: False for a question without the notes, of which
    the findings hold what must be quoted all the same.
    """
    told = (*findings.cautions, *passages)
    if exact := caution.said_exactly(lang, findings, told):
        return Outright(exact, "quoted" if told else "fixed", told)
    if not passages:
        if knowledge or findings.intent in _NEVER_OURS:
            return Outright(templates.render(findings.intent, lang, ()) + caution.under(findings), "fixed")
        return None
    if mode == "held" or findings.listed:
        gate = Guard(findings.intent, lang, passages)
        if text := gate.at_once():
            return Outright(text + caution.under(findings), "said", tuple(passages), gate)
    if mode == "quote" and findings.intent == "nearest":
        text = f"{templates.NEAREST[lang]}\n\n{quote([(1, passages[0])])}"
        return Outright(text, "quoted", tuple(passages[:1]))
    return None


def first_quoted(intent: Intent, lang: Language, passages: Sequence[Passage]) -> tuple[str, int]:
    """The passage that answers, as it is, and how many that are: of a comparison both sides."""
    count = 2 if intent == "compare" else 1
    numbered = list(enumerate(passages, 1))[:count]
    return "\n>\n".join(_as_it_is(number, passage, lang) for number, passage in numbered), len(numbered)


class TooLittleRead(Exception):
    """The model's window is too small for the passages."""


def check_read(passages: Sequence[Passage], read: Sequence[Passage], mode: Mode) -> None:
    """Raises TooLittleRead where a model would answer from less than what answers: a held one cannot say what it does not read, and a
    recipe that is cut is a wrong one."""
    needed = len(passages) if mode == "held" else min(1, len(passages))
    cut = any(
        one.text != whole.text and whole.kind != "document" and not kinds.row(whole.kind).may_be_shortened
        for one, whole in zip(read[:needed], passages, strict=False)
    )
    if len(read) < needed or cut:
        raise TooLittleRead


def all_quoted(lang: Language, findings: Findings, passages: Sequence[Passage], *, shown: int = 0) -> Outright:
    """Where the model's window is too small to read the passages: people can.   shown: how many of the first stand there already."""
    parts = [_as_it_is(number, passage, lang) for number, passage in enumerate(passages, 1)][shown:]
    text = ("\n>\n" if shown and parts else "") + "\n>\n".join(parts)
    return Outright(text + caution.under(findings), "quoted", tuple(passages))


def without_notes(lang: Language, *, built_in: bool) -> Outright:
    """To a question without the notes, of a model that may say nothing else."""
    return Outright(NEEDS_NOTES["built_in" if built_in else "held"][lang], "fixed")


def _as_it_is(number: int, passage: Passage, lang: Language) -> str:
    """Quoted, a recipe in its steps."""
    if passage.kind != "making":
        return quote([(number, passage)])
    steps = f"{templates.render('making', lang, [passage])} [{number}]"
    return "> " + steps.replace("\n", "\n> ")
