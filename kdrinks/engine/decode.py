"""From the bytes of tokens to text that can be shown: whole characters only, cut before a stop text. Pure.

A token may hold half a Hangul syllable or a byte that is no UTF-8 at all. An unfinished character waits for its rest
(3 bytes at most); a broken byte becomes U+FFFD at once, so nothing ever stalls and every byte is decoded once.
"""

import codecs
from collections.abc import Sequence


class TextStream:
    """feed() the bytes of each token; what comes back may be shown. `ended` tells that a stop text was met."""

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self._begun = False
        self.ended = False

    def feed(self, piece: bytes) -> str:
        """Text that became certain with these bytes; empty while it may be the beginning of a stop text."""
        return self._certain(self._decoder.decode(piece))

    def finish(self) -> str:
        """What was still held back when no more bytes come."""
        text = self._certain(self._decoder.decode(b"", final=True)) + self._held
        self._held = ""
        return text

    def _certain(self, text: str) -> str:
        if self.ended:
            return ""
        if not self._begun:
            # Sentencepiece models begin an answer with a space that belongs to the word, not to the answer.
            text = text.lstrip()
            self._begun = bool(text)
        if not self._stops:
            return text
        text = self._held + text
        found = [at for at in (text.find(stop) for stop in self._stops) if at >= 0]
        if found:
            self.ended = True
            self._held = ""
            return text[: min(found)]
        keep = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of text that is a beginning of stop."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if stop.startswith(text[-length:]):
            return length
    return 0
