"""Holds a small model to its passages: a sentence reaches a person only when it is one that the passages allow.

Pure: text in, text out. A model of a few million parameters writes fluently and may still slip, and a slip about a drink
is a false fact. So its answer is released sentence by sentence, each after its check against templates.sentences(); at
the first slip the rest is replaced by the passages themselves, quoted as such. What is on alcohol, pregnancy, infants,
allergies or medicine is always quoted.
"""

from collections.abc import Sequence

from kdrinks.generation import templates
from kdrinks.kinds import Intent
from kdrinks.records import Language, Passage, Sentence

HEALTH_INTENTS: frozenset[Intent] = frozenset({"pregnancy", "infant", "allergy", "health", "cautions"})
COURTESIES: frozenset[Intent] = frozenset({"smalltalk", "about", "chat", "thanks", "farewell", "injection"})
"""Intents whose decline asks nothing of the knowledge base, also where a baby is greeted."""
HEALTH_CONCERNS = frozenset({"pregnancy", "infant", "allergy", "health"})


class Guard:
    """The gate of one answer.

    passages: those in the prompt, in its order; none means that the answer must decline.
    script: every sentence that may be said, and what may follow it; the engine's decoding is held to the same.
    outcome: "kept" until a slip; then "quoted" (the passages took over), "fixed" (a decline text took over) or
    "repaired" (all was said already, a loop was cut off).
    """

    def __init__(self, intent: str, lang: Language, passages: Sequence[Passage]) -> None:
        self.script = templates.script(intent, lang, passages)
        self.outcome = "kept"
        self._passages = passages
        self.said: list[templates.Line] = []
        """What was released, in order."""
        self._open = [line for line in self.script if line.begins]
        """What may be said next."""
        self._pending = ""
        self._unmarked = 0
        """The passage that is being said and has no number in the text yet; 0 for none."""

    def sentences(self) -> list[Sentence]:
        """The script as the engine's decoding is held to it."""
        return [
            Sentence(line.sentence, templates.separator(line.sentence), line.begins, line.may_end, line.after)
            for line in self.script
        ]

    def at_once(self) -> str:
        """The whole answer, its numbers too, where the script leaves nothing to choose and no model need run; empty where it does."""
        return "".join(self._joined(line) for line in templates.only_way(self.script))

    def feed(self, piece: str) -> str:
        """The text that may be shown now, empty while a sentence is unfinished. After a slip everything stays empty."""
        if self.outcome != "kept":
            return ""
        self._pending += piece
        return self._release(ended=False)

    def finish(self) -> str:
        """What remains to be shown when the model has ended: the last sentence, or what replaces the answer's rest."""
        released = self._release(ended=True) if self.outcome == "kept" else ""
        if self.outcome == "kept" and not (self.said and self.said[-1].may_end):
            self._slip()
        released += self._mark_left(0)
        if self.outcome == "kept":
            return released
        rest = self._replacement()
        if not rest:
            self.outcome = "repaired"
        return released + rest

    def _release(self, *, ended: bool) -> str:
        released = ""
        while pending := self._pending.lstrip():
            whole = [line for line in self._open if pending.startswith(line.sentence)]
            if not ended and any(line.sentence.startswith(pending) for line in self._open if line not in whole):
                break
            if not whole:
                self._slip()
                break
            line = max(whole, key=lambda line: len(line.sentence))
            self._pending = pending[len(line.sentence) :]
            released += self._joined(line)
        return released

    def _joined(self, line: templates.Line) -> str:
        """The sentence behind what was said, with its passage's number once that passage is left or said to its end."""
        before = self._mark_left(line.number) + (templates.separator(line.sentence) if self.said else "")
        self.said.append(line)
        self._open = [self.script[place] for place in line.after]
        self._unmarked = line.number
        return before + line.sentence + (self._mark_left(0) if line.ends_passage else "")

    def _mark_left(self, number: int) -> str:
        """The number of the passage that is left for another one; empty when it stands there already."""
        left = self._unmarked
        if left == number:
            return ""
        self._unmarked = 0
        return f" [{left}]" if left else ""

    def _slip(self) -> None:
        self.outcome = "quoted" if self._passages else "fixed"
        self._pending = ""

    def _replacement(self) -> str:
        """The passages that were not said, or not to the end where they must be; without passages the decline."""
        if not self._passages:
            return " ".join(line.sentence for line in self.script if line not in self.said)
        done = {line.number for line in self.said if line.may_leave}
        quoted = quote([(number, passage) for number, passage in enumerate(self._passages, 1) if number not in done])
        return f"\n\n{quoted}" if quoted and self.said else quoted


def quote(numbered: Sequence[tuple[int, Passage]]) -> str:
    """Passages as quotations, each with its number: `> **식혜** — 식혜는 술이 아닙니다. [1]`."""
    texts = [f"{_titled(passage)} [{number}]" for number, passage in numbered]
    return "\n>\n".join("> " + text.replace("\n", "\n> ") for text in texts)


def _titled(passage: Passage) -> str:
    """The text behind its title; a false belief's title would stand there as if it were true, a list's is its own beginning."""
    return passage.text if passage.kind in ("belief", "listing") else f"**{passage.title}** — {passage.text}"
