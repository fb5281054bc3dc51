"""How an answer is written: token by token where the model chooses, in runs where it may not, and as text that can be shown.

Only worker.py uses it. Knows token ids and texts; nothing of requests, templates or pipes.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kdrinks.engine.constraint import HeldSentence, SentenceConstraint
from kdrinks.engine.control_text import ControlTexts
from kdrinks.engine.decode import TextStream
from kdrinks.engine.native import Model
from kdrinks.engine.repetition import Repetition

TEXT_EVERY_S = 0.01
"""Tokens of a fast model come every 0.5 ms: those within this time share one line, or the pipe would cost a third."""
SAMPLING_KEYS = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "seed")


def constraint_for(
    sentences: Sequence[Mapping[str, Any]] | None, model: Model, control: ControlTexts
) -> SentenceConstraint | None:
    """Holds an answer to records.Sentence as JSON; None leaves it free."""
    if sentences is None:
        return None

    def tokens(text: str) -> list[int]:
        # SentencePiece merges pieces into control tokens without being asked for any: `</s>` in a document would end the answer
        return model.tokenize(control.broken(text), add_special=False, parse_special=False)

    held = [
        HeldSentence(
            tokens(sentence["text"]),
            tokens(sentence["separator"] + sentence["text"]),
            sentence["begins"],
            sentence["may_end"],
            sentence["after"],
        )
        for sentence in sentences
    ]
    return SentenceConstraint(held, model.end_token())


def runs(
    model: Model, sampling: Mapping[str, Any], limit: int, held: SentenceConstraint | None, *, ends: bool
) -> Iterator[list[int] | None]:
    """The answer's tokens behind the prompt that was read, at most limit; None when the model ended it.

    A token that the model chose comes alone. Those that it may not choose come as one run before they are read, and are read in one
    batch, with the choice before them, when the next choice needs them; an empty list is a moment in which it may be stopped.
    sampling: SAMPLING_KEYS. Raises ReadProblem.
    """
    sampler = model.sampler({key: sampling[key] for key in SAMPLING_KEYS})
    written, unread = 0, list[int]()
    try:
        while written < limit:
            run = held.forced(limit - written) if held else []
            for token in run:
                sampler.accept(token)
            if not run:
                if len(unread) == 1:
                    model.append(unread[0])
                else:
                    for _ in model.read(unread):
                        yield []
                unread.clear()
                if held:
                    held.mask(model.logits())
                run = [sampler.sample()]
                if held:
                    held.accept(run[0])
            ended = ends and model.ends(run[-1])
            if ended:
                run.pop()
            if run:
                written += len(run)
                unread += run
                yield run
            if ended:
                yield None
                return
    finally:
        sampler.close()


class Writer:
    """Sends text: the first at once, then what came within TEXT_EVERY_S in one piece. Takes it back where it is a loop."""

    def __init__(self, show: Callable[[str], None], text: TextStream, repetition: Repetition | None) -> None:
        """repetition: None where a loop is no reason to end."""
        self._show = show
        self._text = text
        self._repetition = repetition
        self._pending: list[str] = []
        self._sent_at = 0.0
        self.times: list[float] = []
        """When each token was known."""
        self.taken_back = 0
        """Characters at the end of what was sent that repeat what stands before them."""

    def write(
        self, tokens: Iterator[list[int] | None], piece: Callable[[int], bytes], stopped: Callable[[], bool]
    ) -> str:
        """Sends what the tokens say; the finish: "stop", "repeated", "stopped" or "length"."""
        finish = "length"
        for run in tokens:
            if run is None:
                finish = "stop"
                break
            now = time.monotonic()
            self.times += [now] * len(run)
            if ended := self._take(b"".join(map(piece, run)), now):
                finish = ended
                break
            if stopped():
                finish = "stopped"
                break
        if finish != "repeated":
            self._pending.append(self._text.finish())
        self._send()
        return finish

    def _take(self, raw: bytes, now: float) -> str:
        """Why the answer ends with these bytes; "" where it goes on."""
        text = self._text.feed(raw)
        if text:
            self._pending.append(text)
        if self._pending and now - self._sent_at >= TEXT_EVERY_S:
            self._send()
            self._sent_at = now
        if self._text.ended:
            return "stop"
        if text and self._repetition and (loop := self._repetition.feed(text)):
            self.taken_back = loop
            return "repeated"
        return ""

    def _send(self) -> None:
        text = "".join(self._pending)
        self._pending.clear()
        if text:
            self._show(text)
