"""What one search reads, all of one moment; an edit makes a new one, and a search under way ends with the one it began with."""

from collections.abc import Mapping
from dataclasses import dataclass

from kdrinks.drinks.model import Aspect, Drink
from kdrinks.records import Language, Passage
from kdrinks.search.entities import Names
from kdrinks.search.facets import Facets
from kdrinks.search.recalled import Keys
from kdrinks.search.topics import TopicMatcher
from kdrinks.store import passages as store
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer


@dataclass(frozen=True, slots=True)
class Index:
    db: Database
    content_version: str
    """Of all passages that the store was made to hold."""
    words: TextAnalyzer
    drinks: Mapping[str, Drink]
    """By id, as people corrected them."""
    ingredients: Mapping[Language, frozenset[str]]
    """Search terms of everything that some drink is made of."""
    aspects: Mapping[str, Aspect]
    """What each passage that tells a detail is about, by its id."""
    topics: Mapping[Language, tuple[Passage, ...]]
    """What is said of no drink alone."""
    keys: Mapping[Language, Keys]
    """Of all passages of drinks and topics."""
    beliefs: Mapping[Language, Mapping[str, tuple[Passage, ...]]]
    """False beliefs about a drink, by its id."""
    names: Names
    facets: Facets
    touched: TopicMatcher
    known: Mapping[str, float]
    """How often topics, beliefs and other drinks speak of a drink: the better known first among equals."""
    vocabulary: frozenset[str]
    """Every term that some passage holds."""
    foods: tuple[tuple[str, str], ...]
    """What drinks go with, as their records say it: (Korean, English)."""
    sizes: Mapping[Language, store.CorpusStats]
