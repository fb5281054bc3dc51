"""Which drinks are suggested first: what their tags say to a wish, what was learned of wishes in any words, and how well known they are."""

import math
from collections.abc import MutableMapping

from kdrinks.search import filters, wished
from kdrinks.search.filters import Wishes
from kdrinks.search.index import Index
from kdrinks.search.query import Query

LIKE_IT = 3.0
"""Added for a drink that is similar to the one named as an example: more than being well known, less than two wishes."""

WORDS, TAGS, KNOWN, LEARNED = 0.3, 1.5, 1.0, 6.0
"""What it counts that the words of a drink are those of the wish, that its tags are, that it is well known, and that it is e times as likely
for the wish as any other. Of 150 wishes of a writer that nothing was learned from (tests/data/wishes.jsonl) the first drink shown suited 78
without the last, and suits 101 with it; 95 where it counts 3."""


def weigh(scores: MutableMapping[str, float], index: Index, query: Query, wishes: Wishes, wish: str) -> None:
    """The scores of drinks with what is wished for; those that must not be suggested are gone. wish: in words, names masked."""
    says_something = wishes or wishes.leaves_out or wishes.soft_word or wishes.liquor is not None
    if not (says_something or query.suggests):
        return
    if query.intent != "topic":
        for other in scores.keys() - index.drinks.keys():
            scores[other] *= 0.3  # what words alone say of topics gives way to drinks that fit
    suits = wished.suiting(wish, index.drinks.values())
    for drink_id, drink in index.drinks.items():
        fit = filters.fits(drink, wishes)
        if fit is None:
            scores.pop(drink_id, None)
        else:
            known = min(index.known.get(drink_id, 0.0), 8.0) / 8
            learned = math.log(max(suits[drink_id] * len(suits), LEAST))
            scores[drink_id] = WORDS * scores.get(drink_id, 0.0) + TAGS * fit + KNOWN * known + LEARNED * learned
    for example in query.examples:
        for drink_id in index.drinks[example].similar:
            scores[drink_id] = scores.get(drink_id, 0.0) + LIKE_IT


LEAST = 0.05
"""Of the likelihood of any drink: below it one is as unlikely as another."""
