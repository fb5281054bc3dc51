"""How an answer is written: token by token where the model chooses, in runs where it may not, and as text and thought that can be shown.

Only worker.py uses it. Knows token ids and texts; nothing of requests, templates or pipes.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from kdrinks.engine.constraint import HeldSentence, SentenceConstraint
from kdrinks.engine.control_text import ControlTexts
from kdrinks.engine.decode import TextStream
from kdrinks.engine.native import Model
from kdrinks.engine.repetition import Repetition
from kdrinks.engine.thinking import RETHOUGHT, TEXT, Part, ThoughtStream

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
        return model.vocabulary.tokenize(control.broken(text), add_special=False, parse_special=False)

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
    return SentenceConstraint(held, model.vocabulary.end_token())


def runs(
    model: Model,
    sampling: Mapping[str, Any],
    limit: int,
    held: SentenceConstraint | None,
    *,
    goes_on: Callable[[int], bool] = lambda token: False,
) -> Iterator[list[int] | None]:
    """The answer's tokens behind the prompt that was read, at most limit; None when the model ended it.

    A token that the model chose comes alone. Those that it may not choose come as one run before they are read, and are read in one
    batch, with the choice before them, when the next choice needs them; an empty list is a moment in which it may be stopped.
    sampling: SAMPLING_KEYS. goes_on: whether the answer goes on behind a token that ends a turn.
    Raises ReadProblem.
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
            ended = model.vocabulary.ends(run[-1]) and not goes_on(run[-1])
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
    """Sends text and thoughts: the first at once, then what came within TEXT_EVERY_S in one line of each. Takes text back where it is a loop."""

    def __init__(
        self,
        say: Callable[[Mapping[str, object]], None],
        stops: Sequence[str] = (),
        *,
        notes: bool = False,
        loops: bool = False,
        thoughts: ThoughtStream | None = None,
        max_tokens: int,
        max_thought_tokens: int = 0,
    ) -> None:
        """say: sends one event. stops, notes: what ends the answer, never a thought (decode.TextStream).
        loops: whether one ends the answer; in a thought it lasts until max_thought_tokens.
        thoughts: tells them from the answer; None takes all for the answer.
        """
        self._say = say
        self._stops, self._notes, self._loops = stops, notes, loops
        self._thoughts = thoughts
        self._thought = TextStream()
        self._begin()
        self._pending: list[tuple[str, str]] = []
        self._sent_at = 0.0
        self._last: float | None = None
        # by whether it is thought
        self._most = {False: max_tokens, True: max_thought_tokens}
        self._tokens = {False: 0, True: 0}
        self._seconds = {False: 0.0, True: 0.0}
        self.taken_back = 0
        """Characters at the end of the text that was sent that repeat what stands before them."""

    def write(
        self, tokens: Iterator[list[int] | None], piece: Callable[[int], bytes], stopped: Callable[[], bool]
    ) -> str:
        """Sends what the tokens say; the finish: "stop", "repeated", "stopped" or "length". piece: a token's bytes, also of a hidden mark."""
        finish = "length"
        for run in tokens:
            if run is None:
                finish = "stop"
                break
            if run and (ended := self._take(b"".join(map(piece, run)), len(run), time.monotonic())):
                finish = ended
                break
            if stopped():
                finish = "stopped"
                break
            if self._full:
                break
        if finish != "repeated":
            if self._thoughts and not self._text.ended:
                self._sort(self._thoughts.finish())
            self._pending += [("thought", self._thought.finish()), ("text", self._text.finish())]
        self._send()
        return finish

    def goes_on(self, piece: bytes) -> bool:
        """Whether a token that ends a turn, by its bytes, ends the thought alone."""
        return self._thoughts is not None and self._thoughts.ended_by(piece)

    def spent(self) -> dict[str, float]:
        return {
            "completion_tokens": self._tokens[False],
            "completion_s": self._seconds[False],
            "thought_tokens": self._tokens[True],
            "thought_s": self._seconds[True],
        }

    @property
    def _full(self) -> bool:
        """Whether no further token may come of what is being written."""
        thinking = self._thinking
        return self._tokens[thinking] >= self._most[thinking]

    @property
    def _thinking(self) -> bool:
        return self._thoughts is not None and self._thoughts.thinking

    def _begin(self) -> None:
        """The answer begins, or begins anew."""
        self._text = TextStream(self._stops, notes=self._notes)
        self._repetition = Repetition() if self._loops else None
        self._loop = 0

    def _take(self, raw: bytes, count: int, now: float) -> str:
        """Takes the bytes of so many tokens; why the answer ends with them, "" where it goes on."""
        thought = self._thinking
        parts: Sequence[Part] = self._thoughts.feed(raw) if self._thoughts else [(TEXT, raw)]
        self._sort(parts)
        thought = thought or self._thinking or any(kind == RETHOUGHT for kind, _ in parts)
        if self._last is not None:
            # until the first token of the answer is there it is the thought that is waited for
            self._seconds[thought or not self._tokens[False]] += now - self._last
        self._last = now
        self._tokens[thought] += count
        if self._pending and now - self._sent_at >= TEXT_EVERY_S:
            self._send()
            self._sent_at = now
        if self._text.ended:
            return "stop"
        self.taken_back = self._loop
        return "repeated" if self._loop else ""

    def _sort(self, parts: Sequence[Part]) -> None:
        for kind, piece in parts:
            if kind == RETHOUGHT:
                self._pending += [("text", self._text.finish()), ("rethought", "")]
                self._begin()
                for counted in (self._tokens, self._seconds):
                    counted[True] += counted[False]  # type: ignore[assignment]
                    counted[False] = 0
            elif kind != TEXT:
                self._pending.append(("thought", self._thought.feed(piece)))
            elif not self._loop and (text := self._text.feed(piece)):
                self._pending.append(("text", text))
                self._loop = self._repetition.feed(text) if self._repetition else 0

    def _send(self) -> None:
        for event, items in groupby(self._pending, key=lambda one: one[0]):
            text = "".join(text for _, text in items)
            if event == "rethought":
                self._say({"event": event})
            elif text:
                self._say({"event": event, "text": text})
        self._pending.clear()
