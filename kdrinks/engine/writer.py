"""What an answer's tokens become for whoever waits for it: lines of text and of thought, each with its count, its seconds and its budget."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from kdrinks.engine.decode import TextStream
from kdrinks.engine.thinking import RETHOUGHT, TEXT, Part, ThoughtStream

TEXT_EVERY_S = 0.01
"""Tokens of a fast model come every 0.5 ms: those within this time share one line, or the pipe would cost a third."""


class Writer:
    """Sends text and thoughts: the first at once, then what came within TEXT_EVERY_S in one line of each.

    say: sends one event. stops: texts that end the answer, never a thought.
    thoughts: tells them apart; None takes all for the answer.
    """

    def __init__(
        self,
        say: Callable[[Mapping[str, object]], None],
        stops: Sequence[str],
        thoughts: ThoughtStream | None,
        *,
        max_tokens: int,
        max_thought_tokens: int,
    ) -> None:
        self._say = say
        self._stops = stops
        self._thoughts = thoughts
        self._text = TextStream(stops)
        self._thought = TextStream()
        self._pending: list[tuple[str, str]] = []
        self._sent_at = 0.0
        self._last: float | None = None
        # by whether it is thought
        self._most = {False: max_tokens, True: max_thought_tokens}
        self._tokens = {False: 0, True: 0}
        self._seconds = {False: 0.0, True: 0.0}

    @property
    def full(self) -> bool:
        """Whether no further token may come of what is being written."""
        thinking = self._thinking
        return self._tokens[thinking] >= self._most[thinking]

    @property
    def _thinking(self) -> bool:
        return self._thoughts is not None and self._thoughts.thinking

    def goes_on(self, piece: bytes) -> bool:
        """Whether a token that ends a turn ends the thought alone."""
        return self._thoughts is not None and self._thoughts.ended_by(piece)

    def take(self, piece: bytes, now: float) -> bool:
        """Takes a token's bytes; True when a stop text ended the answer."""
        thought = self._thinking
        parts: Sequence[Part] = self._thoughts.feed(piece) if self._thoughts else [(TEXT, piece)]
        self._sort(parts)
        thought = thought or self._thinking or any(kind == RETHOUGHT for kind, _ in parts)
        if self._last is not None:
            # until the first token of the answer is there it is the thought that is waited for
            self._seconds[thought or not self._tokens[False]] += now - self._last
        self._last = now
        self._tokens[thought] += 1
        if self._pending and now - self._sent_at >= TEXT_EVERY_S:
            self._send()
            self._sent_at = now
        return self._text.ended

    def finish(self) -> None:
        """Sends what was held back."""
        if self._thoughts and not self._text.ended:
            self._sort(self._thoughts.finish())
        self._pending += [("thought", self._thought.finish()), ("text", self._text.finish())]
        self._send()

    def spent(self) -> dict[str, float]:
        return {
            "completion_tokens": self._tokens[False],
            "completion_s": self._seconds[False],
            "thought_tokens": self._tokens[True],
            "thought_s": self._seconds[True],
        }

    def _sort(self, parts: Sequence[Part]) -> None:
        for kind, piece in parts:
            if kind == RETHOUGHT:
                self._pending += [("text", self._text.finish()), ("rethought", "")]
                self._text = TextStream(self._stops)
                for counted in (self._tokens, self._seconds):
                    counted[True] += counted[False]  # type: ignore[assignment]
                    counted[False] = 0
            elif kind == TEXT:
                self._pending.append(("text", self._text.feed(piece)))
            else:
                self._pending.append(("thought", self._thought.feed(piece)))

    def _send(self) -> None:
        for event, items in groupby(self._pending, key=lambda one: one[0]):
            text = "".join(text for _, text in items)
            if event == "rethought":
                self._say({"event": event})
            elif text:
                self._say({"event": event, "text": text})
        self._pending.clear()
