"""An answer while it is written, and what the model thought before it. One thread writes, any number read. Pure but for the clock."""

import time
from collections.abc import Callable, Iterator


class Draft:
    """The answer's text, and apart from it the thought: shown folded, kept with the trace, and read by nothing else."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._thoughts: list[str] = []
        self._began_at: float | None = None

    @property
    def text(self) -> str:
        return "".join(self._parts)

    @property
    def thought(self) -> str:
        return "".join(self._thoughts).rstrip()

    @property
    def thinking_s(self) -> float:
        """From the first of the thought to now; 0 while there is none."""
        return 0.0 if self._began_at is None else time.monotonic() - self._began_at

    def add(self, text: str) -> None:
        self._parts.append(text)

    def think(self, text: str) -> None:
        self._began_at = self._began_at or time.monotonic()
        self._thoughts.append(text)

    def cut(self, characters: int) -> None:
        """Takes the last characters of the text away: a loop. Its pieces keep their places, because readers count them."""
        parts = self._parts
        for place in reversed(range(len(parts))):
            kept = parts[place][: max(0, len(parts[place]) - characters)]
            characters -= len(parts[place]) - len(kept)
            parts[place] = kept

    def take_back(self, from_character: int = 0) -> None:
        """The text from there on was thought."""
        text = self.text
        self.think(text[from_character:])
        self._parts = [text[:from_character]]  # a new list: who reads begins anew

    def pieces(self, ended_within: Callable[[float], bool], every_s: float) -> Iterator[str]:
        """The text so far, then what came in each interval, "" where nothing did, until the end.

        ended_within: waits so many seconds for the end, and says whether it came.
        """
        seen, parts = 0, self._parts
        ended = False
        while not ended:
            ended = ended_within(every_s)
            if parts is not self._parts:
                seen, parts = 0, self._parts
            new, seen = "".join(parts[seen:]), len(parts)
            yield new
