"""What a model thinks before it answers, told apart from the answer while both are written. Pure: bytes in, bytes out.

Each family marks its thoughts in its own way (CONVENTIONS). A prompt may open the thought, the model may open it, once more than needed or
not at all, and it may never close it. One rule covers all: what stands before the last mark that ends a thought is thought. So a closing
mark that nothing opened makes thought of the text before it, also when that was shown already (RETHOUGHT). In code of an answer, between
back quotes, a mark is a text like any other.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

TEXT: Literal["text"] = "text"
THOUGHT: Literal["thought"] = "thought"
RETHOUGHT: Literal["rethought"] = "rethought"
"""All text so far was thought; it carries no bytes."""
Kind = Literal["text", "thought", "rethought"]
Part = tuple[Kind, bytes]
_BLANKS = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Convention:
    """How a family of models marks its thoughts."""

    opens: tuple[str, ...]
    """The first is how a prompt opens it."""
    closes: tuple[str, ...]
    """The first is how a prompt closes it."""
    drops: tuple[str, ...] = ()
    """Borders around the answer: neither thought nor text."""
    stray: Literal["thought", "border", "text"] = "thought"
    """What its closing mark is in an answer: the end of a thought that nothing opened, a border (`<|end|>`), or words like any others."""
    sign: str = ""
    """Only for a model that has this control text, or whose template holds it; "" for marks that any model may spell."""
    skips: str = ""
    """What a prompt ends with so that the model answers at once; "" opens a thought and closes it."""


def _tag(name: str, *drops: str) -> Convention:
    return Convention((f"<{name}>",), (f"</{name}>",), drops)


_ANSWER = ("<answer>", "</answer>", "<response>", "</response>")
CONVENTIONS = (
    _tag(
        "think", *_ANSWER
    ),  # Qwen3, DeepSeek R1, SmolLM3, GLM, MiniMax, Nemotron, EXAONE 4, Hunyuan, Granite 3.3, ERNIE
    _tag("thinking", "[BEGIN FINAL RESPONSE]", "[END FINAL RESPONSE]", *_ANSWER),  # Apriel 1.5
    _tag("thought", *_ANSWER),  # EXAONE Deep
    _tag("reasoning", *_ANSWER),
    _tag("seed:think"),  # Seed-OSS
    _tag("mm:think"),  # MiniMax M3
    Convention(("[THINK]",), ("[/THINK]",)),  # Magistral, Ministral
    Convention(("◁think▷",), ("◁/think▷",)),  # Kimi-VL
    Convention(  # Command A, Command R7B
        ("<|START_THINKING|>",),
        ("<|END_THINKING|>",),
        ("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"),
    ),
    Convention(  # OpenThinker, Sky-T1
        ("<|begin_of_thought|>",), ("<|end_of_thought|>",), ("<|begin_of_solution|>", "<|end_of_solution|>")
    ),
    Convention(("<|inner_prefix|>",), ("<|inner_suffix|>",)),  # Apertus
    Convention(("<|channel>thought",), ("<channel|>",)),  # Gemma 4
    Convention(  # gpt-oss
        ("<|channel|>analysis<|message|>", "<|channel|>commentary<|message|>"),
        ("<|end|>", "<|start|>assistant", "<|channel|>final<|message|>"),
        ("<|return|>",),
        stray="border",
        sign="<|channel|>",
        skips="<|channel|>final<|message|>",
    ),
    Convention(  # Solar Open
        ("<|think|>",), ("<|end|>",), ("<|begin|>assistant", "<|content|>"), stray="border", sign="<|begin|>"
    ),
    Convention(  # HyperCLOVA X: the thought is a turn of its own, and its end a turn's end
        ("/think\n",), ("<|im_end|>",), ("<|im_start|>assistant\n",), stray="border", sign="assistant/think", skips="\n"
    ),
    Convention(  # Apriel 1.6
        ("Here are my reasoning steps:",),
        ("[BEGIN FINAL RESPONSE]",),
        ("[END FINAL RESPONSE]",),
        sign="Here are my reasoning steps",
    ),
    Convention(  # Granite 3.2
        ("Here is my thought process:",), ("Here is my response:",), stray="text", sign="Here is my thought process"
    ),
)


class Thinking:
    """The marks that count for one loaded model.

    source: its chat template. control: the control texts of its vocabulary.
    """

    def __init__(self, source: str = "", control: Collection[str] = ()) -> None:
        self.conventions = tuple(
            one
            for one in CONVENTIONS
            if not one.sign or one.sign in source or any(one.sign in text for text in control)
        )
        own = [
            one for one in self.conventions if any(mark in source or mark in control for mark in one.opens + one.closes)
        ]
        self.known = bool(own)
        """Whether its template or vocabulary speaks of thoughts."""
        self._own = next(iter(own), None)
        """By which it can be told not to think."""
        marks = [mark for one in self.conventions for mark in one.opens + one.closes + one.drops]
        self.hidden = frozenset(text for text in control if text and any(text in mark for mark in marks))
        """Control texts that marks are made of: whoever shows no control text must show these to `stream`."""

    def opened_by(self, prompt: str) -> Convention | None:
        """The convention by which a prompt has opened a thought at its end."""
        end = prompt.rstrip()
        return next((one for one in self.conventions if end.endswith(tuple(mark.rstrip() for mark in one.opens))), None)

    def skipped(self, prompt: str, *, known: bool) -> str:
        """The prompt, ending so that the model answers without a thought; as it is where the model is not known to think.

        known: its template was told so; then only a thought that it opened all the same is closed.
        """
        if one := self.opened_by(prompt):
            return f"{prompt.rstrip()}\n\n{one.closes[0]}\n\n"
        one = self._own
        if known or one is None or prompt.rstrip().endswith(tuple(mark.rstrip() for mark in one.closes)):
            return prompt
        return prompt + (one.skips or f"{one.opens[0]}\n\n{one.closes[0]}\n\n")

    def stream(self, opened: Convention | None = None) -> "ThoughtStream":
        """For one answer, whose prompt opened a thought or not."""
        return ThoughtStream(self.conventions, opened, self.hidden)


@dataclass(frozen=True, slots=True)
class _Mark:
    """What a mark does where it counts."""

    does: Literal["opens", "closes", "drops", "hidden"]
    convention: Convention | None = None


class ThoughtStream:
    """feed() the bytes of each token, in any pieces; what comes back does not depend on where they were cut."""

    def __init__(
        self, conventions: Sequence[Convention], opened: Convention | None, hidden: Collection[str] = ()
    ) -> None:
        self._thought: Convention | None = opened
        """The convention whose thought is being written; None in the answer."""
        self._blank, self._thoughts = True, opened is not None
        self._quotes = 0
        """Back quotes in the answer so far."""
        self._held = b""
        self._in_answer = dict(_marks(conventions, hidden))
        self._spelled = {mark for mark in self._in_answer if not any(text.encode() in mark for text in hidden)}
        """Marks that are words to the model: where they mark nothing they are shown."""
        self._in_thought = {one: dict(_marks_within(one, hidden)) for one in conventions}
        self._use()

    @property
    def thinking(self) -> bool:
        """Whether what comes next belongs to a thought."""
        return self._thought is not None

    def ended_by(self, text: bytes) -> bool:
        """Whether this control text only ends the thought, so that the answer is still to come."""
        return self._thought is not None and text in self._marks and self._marks[text].does == "closes"

    def feed(self, piece: bytes) -> list[Part]:
        """What is certain with these bytes."""
        self._held += piece
        return list(self._parts(final=False))

    def finish(self) -> list[Part]:
        """What was held back because it might have become a mark."""
        return list(self._parts(final=True))

    def _parts(self, *, final: bool) -> Iterator[Part]:
        at = 0
        while found := self._firsts.search(self._held, at):
            at = found.start()
            # the longest mark that begins here; while a longer one may still come nothing is certain
            length = max((len(mark) for mark in self._marks if self._held.startswith(mark, at)), default=0)
            rest = self._held[at:]
            if not final and any(len(mark) > max(length, len(rest)) and mark.startswith(rest) for mark in self._marks):
                yield from self._said(self._held[:at])
                self._held = rest
                return
            if not length:
                at += 1
                continue
            mark = self._held[at : at + length]
            yield from self._said(self._held[:at])
            self._held = self._held[at + length :]
            at = 0
            yield from self._met(mark)
        yield from self._said(self._held)
        self._held = b""

    def _said(self, text: bytes) -> Iterator[Part]:
        if self._blank:
            text = text.lstrip(_BLANKS)
        if text:
            self._blank = False
            if self._thought is None:
                self._quotes += text.count(b"`")
            yield (THOUGHT if self._thought else TEXT), text

    def _met(self, text: bytes) -> Iterator[Part]:
        mark, spelled = self._marks[text], text in self._spelled
        if self._thought:
            if mark.does == "closes":
                self._thought, self._blank = None, True
                self._use()
            elif spelled and not self._blank:
                yield from self._said(text)  # a thought that speaks of thoughts
            return  # at its beginning: the model opens what the prompt has opened
        if spelled and (self._quotes % 2 or (mark.does == "drops" and not self._thoughts)):
            yield from self._said(text)
        elif mark.does == "opens":
            self._thought, self._thoughts, self._blank = mark.convention, True, True
            self._use()
        elif mark.does == "closes":
            self._thoughts, self._quotes, self._blank = True, 0, True
            yield RETHOUGHT, b""
        elif mark.does == "drops":
            self._blank = True

    def _use(self) -> None:
        """The marks that count now."""
        self._marks: Mapping[bytes, _Mark] = self._in_thought[self._thought] if self._thought else self._in_answer
        firsts = {mark[:1] for mark in self._marks}
        self._firsts = re.compile(b"|".join(re.escape(first) for first in sorted(firsts)))


def _marks(conventions: Sequence[Convention], hidden: Collection[str]) -> Iterator[tuple[bytes, _Mark]]:
    """Those that count in an answer; of two that are the same text the later one counts."""
    yield from ((text.encode(), _Mark("hidden")) for text in hidden)
    for one in conventions:
        borders = one.drops + one.closes if one.stray == "border" else one.drops
        yield from ((text.encode(), _Mark("drops")) for text in borders)
    for one in conventions:
        if one.stray == "thought":
            yield from ((text.encode(), _Mark("closes", one)) for text in one.closes)
        yield from ((text.encode(), _Mark("opens", one)) for text in one.opens)


def _marks_within(one: Convention, hidden: Collection[str]) -> Iterator[tuple[bytes, _Mark]]:
    """Those that count in a thought of this convention."""
    yield from ((text.encode(), _Mark("hidden")) for text in hidden)
    yield from ((text.encode(), _Mark("opens", one)) for text in one.opens)
    yield from ((text.encode(), _Mark("closes", one)) for text in one.closes)
