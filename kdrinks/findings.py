"""What the search found for a question, and how the question was understood: frozen values that answers are made of."""

from dataclasses import dataclass

from kdrinks.kinds import Intent
from kdrinks.records import Passage


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, with what found it."""

    passage: Passage
    score: float
    """Higher is better; comparable within one search only."""
    lexical: float | None
    """BM25 score; None when the words did not find it."""
    vector: float | None = None
    """Cosine similarity in [-1, 1]; None when the vector did not find it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A drink, topic, belief or document that the search weighed, by the passage of it that it found best."""

    passage_id: str
    """"" where words and vector found none of its passages: its name or a wish brought it."""
    subject_id: str
    kind: str
    """Of the passage."""
    score: float
    """As Hit.score; the rest too."""
    lexical: float | None
    vector: float | None


@dataclass(frozen=True, slots=True)
class Understood:
    """What a question was taken to ask, as `ask --json` prints it."""

    operation: str = ""
    """list, count, most, least, order, make_from, within, pairing, same_region, compare; "" where one drink or text is asked for."""
    aspects: tuple[str, ...] = ()
    """What it wants to know: abv, first_record, total_time, making, storage ..."""
    subjects: tuple[str, ...] = ()
    """Ids of the drinks that it is about."""
    filters: tuple[str, ...] = ()
    """What the drinks must be, in words that are the same whenever it is the same: "region jeju", "kind tea"."""
    excluded: tuple[str, ...] = ()
    """What they must not be: as Findings.exclusions."""


@dataclass(frozen=True, slots=True)
class Row:
    """A drink that answers a question over many drinks, with the figure that was asked for."""

    id: str
    """Of the drink."""
    value: float | str | None = None
    """None in a plain list."""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the knowledge base found for one question, and how the question was understood."""

    hits: tuple[Hit, ...]
    """Best first; distinct passages, several may share a subject."""
    prompt_hits: tuple[Hit, ...]
    """The few (0 to 3) that the answer should rest on; empty means the knowledge base holds nothing on it."""
    intent: Intent
    sensitive: bool
    """On alcohol, infants, pregnancy, allergies or medicine: the answer quotes its passages."""
    subjects: tuple[str, ...] = ()
    """Ids that the question or, for a follow-up, the conversation is about, most important first."""
    concerns: tuple[str, ...] = ()
    """Sensitive matters that the question's words name: pregnancy, infant, allergy, health, alcohol."""
    narrowed: bool = False
    """Drinks are suggested, and some left out because they were not wanted: nothing else may be suggested."""
    data_version: str = ""
    """Of the passages that were searched."""
    exclusions: tuple[str, ...] = ()
    """What must not be suggested in this conversation, in words that are the same whenever it is the same."""
    understood: Understood = Understood()
    cautions: tuple[Passage, ...] = ()  # what protects people, quoted before anything else
    unsaid: tuple[str, ...] = ()  # behind the cautions: that the notes hold nothing on what was named
    under: tuple[str, ...] = ()
    """Lines that stand under the answer, whoever wrote it: what was said earlier and bears on it, how a suggestion chose."""
    rows: tuple[Row, ...] = ()
    """The whole answer to a question over many drinks, in its order; empty for any other question."""
    listed: str = ""
    """The exact text of such an answer: nothing may be written around it."""
    considered: tuple[Candidate, ...] = ()
    """The subjects that were weighed, best first, hits among them; empty where no search but a query over the facts answers."""
    intents: tuple[tuple[Intent, float], ...] = ()
    """The likeliest intents by the question's wording alone, with their probabilities, highest first."""


NOTHING_FOUND = Findings((), (), "unknown", False)
