"""From the bytes of tokens to text that can be shown: whole characters only, cut before a stop text. Pure.

A token may hold half a Hangul syllable or a byte that is no UTF-8 at all. An unfinished character waits for its rest
(3 bytes at most); a broken byte becomes U+FFFD at once, so nothing ever stalls and every byte is decoded once.
"""

import codecs
import re
from collections.abc import Sequence

PLAIN_STOPS = ("\nUser:", "\nAssistant:", "\nQuestion:", "\n질문:", "\nNotes:", "\n자료:")
"""Where an answer ends under chat_template.PLAIN: a model that was never taught to chat goes on with a question of its own. 7 of 30
free answers of Gemma 3 270M did."""
_NOTE = re.compile(r"\n\[\d{1,3}\] [^\n—]{1,80} — ")
"""It then invents notes, headed as those of its prompt are (generation.prompt): 13 of the 30."""
_NOTE_BEGUN = re.compile(r"\n(\[(\d{1,3}(\]( ([^\n—]{1,80}(— ?)?)?)?)?)?)?")


class TextStream:
    """feed() the bytes of each token; what comes back may be shown. `ended` tells that a stop text was met.

    notes: behind the first line, the head of a note ("[2] Sikhye — ") is one too.
    """

    def __init__(self, stops: Sequence[str] = (), *, notes: bool = False) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stops = tuple(stop for stop in stops if stop)
        self._notes = notes
        self._held = "\n"  # as if the answer stood on a line of its own: a stop text may be its very beginning
        self._unsaid = 1
        self._begun = False
        self.ended = False

    def feed(self, piece: bytes) -> str:
        """Text that became certain with these bytes; empty while it may be the beginning of a stop text."""
        return self._certain(self._decoder.decode(piece))

    def finish(self) -> str:
        """What was still held back when no more bytes come; of an unfinished character nothing, it never was one."""
        return self._said("" if self.ended else self._held)

    def _certain(self, text: str) -> str:
        if self.ended:
            return ""
        if not self._begun:
            # Sentencepiece models begin an answer with a space that belongs to the word, not to the answer.
            text = text.lstrip()
            self._begun = bool(text)
        text = self._held + text
        found = [at for stop in self._stops if (at := text.find(stop, 0 if stop.strip() else self._unsaid)) >= 0]
        if self._notes and (note := _NOTE.search(text, self._unsaid)):
            found.append(note.start())
        if found:
            self.ended = True
            return self._said(text[: min(found)])
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        line = text.rfind("\n")
        if self._notes and line >= self._unsaid and _NOTE_BEGUN.fullmatch(text, line):
            keep = max(keep, len(text) - line)
        self._held = text[len(text) - keep :]
        return self._said(text[: len(text) - keep])

    def _said(self, text: str) -> str:
        """text without the line's end that it was thought to begin with."""
        if not text or not self._unsaid:
            return text
        self._unsaid = 0
        return text[1:]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of text that is a beginning of stop."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if stop.startswith(text[-length:]):
            return length
    return 0
