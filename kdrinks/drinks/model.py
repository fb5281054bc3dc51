"""What the knowledge base is made of: drinks with their details, topics, false beliefs and tags as frozen records.

Does not know how they are read, passages, search or the store. The prose is kept as sentences that can be quoted: Korean in 합쇼체,
English ending with a period.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

Confidence = Literal["high", "medium"]
"""high: read in an excerpt of a page; medium: general knowledge."""

Aspect = Literal[
    "amount",
    "ratio",
    "yield",
    "sweetness",
    "time",
    "temperature",
    "total_time",
    "tools",
    "tip",
    "homemade",
    "storage",
    "freezing",
    "substitute",
    "why",
    "safety",
    "gluten",
    "caffeine",
    "first_record",
]
"""What a detail is about."""

Unit = Literal[
    "days",
    "hours",
    "minutes",
    "seconds",
    "g",
    "ml",
    "cup",
    "tbsp",
    "tsp",
    "pieces",
    "parts",
    "times",
    "people",
    "cm",
    "degC",
    "%",
    "flag",
    "year",
]
"""flag: 1 where it is so."""

LIMITS: Mapping[Unit, tuple[float, float]] = {
    "%": (0, 100),
    "degC": (-40, 350),
    "flag": (0, 1),
    "year": (1, date.today().year),
}
"""The least and the most that a figure may say: from a freezer to a hot oven, no year to come. Of any other unit 0 to MOST."""
MOST = 100_000

Group = Literal[
    "",
    "pregnancy",
    "infant_under_6m",
    "infant_under_12m",
    "child",
    "minor",
    "driving",
    "sobriety",
    "blood_thinner",
    "other_medicine",
    "diabetes",
    "blood_pressure",
    "kidney",
    "caffeine_sensitive",
    "allergy",
    "poison",
]
"""Whom a detail on safety is for, or what it warns of; empty for any other aspect."""

Level = Literal["", "avoid", "ask_professional", "fine_in_usual_amounts", "not_known"]
"""What a detail on safety says to its group; empty for any other aspect."""


@dataclass(frozen=True, slots=True)
class Bilingual:
    ko: str
    en: str


@dataclass(frozen=True, slots=True)
class BilingualList:
    """Items stand in the same order in both languages."""

    ko: tuple[str, ...]
    en: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Abv:
    """Alcohol by volume in percent."""

    min: float
    max: float
    note: Bilingual | None
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence with the pages that say so; no source means general knowledge."""

    ko: str
    en: str
    confidence: Confidence
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that a sentence says."""

    what: str
    """In plain English: water, simmer, fridge."""
    min: float
    max: float
    """As min where it is one number."""
    unit: Unit


@dataclass(frozen=True, slots=True)
class Detail:
    """One sentence on one aspect of a drink or a topic, with its figures and the pages that say so."""

    aspect: Aspect
    ko: str
    en: str
    confidence: Confidence
    figures: tuple[Figure, ...] = ()
    group: Group = ""
    level: Level = ""
    question: Bilingual = Bilingual("", "")
    """As people ask for it; only where aspect is why."""
    sources: tuple[str, ...] = ()
    """No source means general knowledge."""


@dataclass(frozen=True, slots=True)
class Tags:
    """Ids from the closed lists of data/tags.toml; field names are its groups."""

    season: tuple[str, ...]
    temperature: tuple[str, ...]
    occasion: tuple[str, ...]
    weather: tuple[str, ...]
    mood: tuple[str, ...]
    region: tuple[str, ...]
    kind: tuple[str, ...]
    diet: tuple[str, ...]
    alcohol: str
    """By the strongest kind of it: none, low (under 8%), medium (to 20%) or high. No liquor, yet not surely without: maybe."""
    caffeine: str
    """none or yes."""
    # What came later: an older record has none of it, and fits.
    taste: tuple[str, ...] = ()
    look: tuple[str, ...] = ()
    base: tuple[str, ...] = ()
    """What its character is made of."""
    kitchen: tuple[str, ...] = ()
    """Every one in which it can be made from what is bought."""


@dataclass(frozen=True, slots=True)
class Drink:
    id: str
    name_ko: str
    title_ko: str
    """name_ko without its parentheses."""
    hanja: str | None
    name_en: str
    title_en: str
    """name_en before its parenthesis."""
    aliases: tuple[str, ...]
    """Other names, romanizations and misspellings, both scripts."""
    category: str
    is_alcoholic: bool
    abv_percent: Abv | None
    """None where nobody knows it, never 0 for what may hold alcohol."""
    summary: Bilingual
    ingredients: BilingualList
    steps: BilingualList
    season: Bilingual
    serve: Bilingual
    """Adverbial: "Serve Sikhye {serve.en}."; like season, occasion and region empty where unknown."""
    occasion: Bilingual
    region: Bilingual
    facts: tuple[Fact, ...]
    heritage: tuple[Fact, ...]
    old_texts: tuple[str, ...]
    alcohol: Bilingual
    """Whether it is liquor and how strong, to be quoted as it stands."""
    caffeine: Bilingual
    allergens: BilingualList
    cautions: BilingualList
    safety: Bilingual
    """Allergens and cautions as one text, to be quoted as it stands."""
    pairing: BilingualList
    similar: tuple[str, ...]
    """Ids of other drinks."""
    tags: Tags
    sources: tuple[str, ...]
    confidence: Confidence
    # A field that comes later has a default and stands here: older records lack it, and fit.
    pronunciation: Bilingual = Bilingual("", "")
    details: tuple[Detail, ...] = ()

    @property
    def alcohol_free(self) -> bool:
        """Whether somebody who must have no alcohol may be offered it: neither liquor, nor perhaps with some."""
        return not self.is_alcoholic and self.tags.alcohol == "none"


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that holds across drinks."""

    id: str
    title: Bilingual
    ko: str
    en: str
    confidence: Confidence
    sources: tuple[str, ...]
    related: tuple[str, ...]
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True, slots=True)
class Belief:
    """What many people hold that is not so, and what is."""

    id: str
    belief: Bilingual
    """Plain style, without a final period: it stands inside quotation marks."""
    correction: Bilingual
    related: tuple[str, ...]
    confidence: Confidence
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tag:
    group: str
    """A field of Tags."""
    id: str
    label: Bilingual
    asked_by: BilingualList
    """Words by which people ask for it; the two lists are independent."""
