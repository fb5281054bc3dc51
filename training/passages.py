"""Every passage in both languages, and the questions that are asked for one: what training looks at. Knows no model."""

from collections import defaultdict
from typing import NamedTuple

from kdrinks import kinds
from kdrinks.drinks.passages import all_passages
from kdrinks.drinks.read import load_beliefs, load_drinks, load_topics
from kdrinks.records import Passage
from kdrinks.search.query import INTENT_OF
from kdrinks.search.reading import Ask


class Asked(NamedTuple):
    text: str
    """Names masked."""
    named: tuple[str, ...]
    """Drinks that it names."""
    subject: str
    passage: int
    """Place in the passages; -1: none answers."""


class Passages:
    """Every passage in both languages, as one."""

    def __init__(self) -> None:
        both: dict[str, dict[str, Passage]] = defaultdict(dict)
        for passage in all_passages(load_drinks(), load_topics(), load_beliefs()):
            both[passage.id[:-3]][passage.lang] = passage
        self.ids = list(both)
        self.both = list(both.values())
        self.place_of_id = {one: place for place, one in enumerate(self.ids)}
        self.of_subject: dict[str, list[int]] = defaultdict(list)
        self.place_of_text: dict[tuple[str, str], int] = {}
        for place, languages in enumerate(self.both):
            english = languages["en"]
            self.of_subject[english.subject_id].append(place)
            self.place_of_text[english.subject_id, english.text] = place
        self.topics = [place for topic in load_topics() for place in self.of_subject[topic.id]]
        self.beliefs: dict[str, list[int]] = defaultdict(list)
        for belief in load_beliefs():
            for drink in belief.related:
                self.beliefs[drink] += self.of_subject[belief.id]

    def place(self, subject: str, kind: str, english: str) -> int:
        """Of the passage that says this, or the only one of its kind, whatever it says by now. Raises KeyError where there is none."""
        if (place := self.place_of_text.get((subject, english))) is not None:
            return place
        of_kind = [one for one in self.of_subject[subject] if self.both[one]["en"].kind == kind]
        if len(of_kind) != 1:
            raise KeyError(f"{subject} {kind}: {english}")
        return of_kind[0]

    def asked_for(self, subject: str, ask: Ask) -> list[int]:
        """Those of a drink that are about what is asked."""
        kind = INTENT_OF.get(ask, ask)
        own = [(place, self.both[place]["en"]) for place in self.of_subject[subject]]
        return [
            place
            for place, one in own
            if (one.aspect == ask if one.kind in kinds.DETAILED else one.kind == kind and not one.aspect)
        ]

    def candidates(self, asked: Asked) -> list[int]:
        own = dict.fromkeys((*asked.named, asked.subject))
        found = [place for subject in own for place in (*self.of_subject[subject], *self.beliefs.get(subject, ()))]
        return list(dict.fromkeys((*found, *self.topics)))
