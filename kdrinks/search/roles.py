"""What a drink is named for, by the words beside its name: to be left out, to be replaced, as an example of what is wished for. Pure."""

import itertools
import re
from collections.abc import Sequence

from kdrinks.search.entities import Mention, masked
from kdrinks.search.reading import MASK

_NOT_THIS = re.compile(
    rf"{MASK}(?:은|는|이랑|랑)? ?(?:말고|말구|빼고|제외|아닌)|\b(?:other than|besides|except(?: for)?|apart from|but not) (?:the |a |an )?{MASK}"
    rf"|(?<=\w )(?<!is )(?<!are )(?<!was )(?<!it )(?<!this )(?<!that )(?<!do )(?<!does )(?<!or )not (?:the |a |an )?{MASK}",
    re.IGNORECASE,
)
"""`막걸리 말고`: the drink is named to be left out."""

_INSTEAD_OF = re.compile(
    rf"{MASK} ?대신|\b(?:instead of|in place of|rather than) (?:the |a |an )?{MASK}", re.IGNORECASE
)
"""Leaves the drink out where others are asked for; `유자차 대신 뭘 넣어?` asks after it."""

_LIKE_THIS = re.compile(
    rf"{MASK}(?:이?랑|하고|와|과|을|를|은|는|이|가)? ?(?:처럼|같은|같이|비슷|좋아|맛있)|\b(?:like|love|enjoy|similar to|close to|resembl\w+) (?:the |a |an |to )?{MASK}",
    re.IGNORECASE,
)
"""`막걸리 같은 거`: the drink is an example of what is wished for."""

_AND = re.compile(r"\s*(?:이?나|이?랑|하고|와|과|,|및|and|or|nor)\s*")


def left_out(text: str, mentions: Sequence[Mention]) -> tuple[str, ...]:
    """Ids of the drinks that it rules out."""
    return _beside(_NOT_THIS, text, mentions)


def replaced(text: str, mentions: Sequence[Mention]) -> tuple[str, ...]:
    """Ids of the drinks in whose place it wants others."""
    return _beside(_INSTEAD_OF, text, mentions)


def examples(text: str, mentions: Sequence[Mention]) -> tuple[str, ...]:
    """Ids of the drinks that what it wishes for is like."""
    return _beside(_LIKE_THIS, text, mentions)


def _beside(pattern: re.Pattern[str], text: str, mentions: Sequence[Mention]) -> tuple[str, ...]:
    """The drinks named in the text that the pattern finds beside their own sign, and those named in one breath with them."""
    found = [
        bool(pattern.search(masked(text, [mention], MASK)[max(mention.start - 16, 0) : mention.start + 9]))
        for mention in mentions
    ]
    for here, there in (*itertools.pairwise(range(len(found))), *itertools.pairwise(reversed(range(len(found))))):
        first, second = sorted((here, there))
        if found[here] and _AND.fullmatch(text[mentions[first].end : mentions[second].start]):
            found[there] = True
    return tuple(
        drink_id for mention, beside in zip(mentions, found, strict=True) if beside for drink_id in mention.drink_ids
    )
