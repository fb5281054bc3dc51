"""The facts of the drinks as rows, for questions over many of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from kdrinks.records import Language
from kdrinks.store.db import Database

COLUMNS = (
    "drink_id, aspect, number, what, value, value_max, unit, code, ko, en, sources, confidence, asked_ko, asked_en"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a drink's record says; a sentence with several figures is several facts with one number."""

    drink_id: str
    aspect: str
    number: int = 1
    """Of the drink's things of this aspect."""
    what: str = ""
    """Whose figure (water, fridge); the group of a tag or of a caution."""
    value: float | None = None
    value_max: float | None = None
    unit: str = ""
    code: str = ""
    """Of a closed list: a tag, a level, another drink's id."""
    ko: str = ""
    en: str = ""
    sources: tuple[str, ...] = ()
    confidence: str = "medium"
    asked_ko: str = ""
    """The question that it answers, as people ask it: of a reason."""
    asked_en: str = ""

    def text(self, lang: Language) -> str:
        """Its name, item or sentence in a language; empty where it has none."""
        return self.ko if lang == "ko" else self.en


def hold(db: Database, facts: Sequence[Fact]) -> None:
    """Make the store hold these facts and no others; written only where something changed. 10,000 rows take 0.1 s."""
    rows = [astuple(fact) for fact in facts]
    edition = hashlib.sha256(repr(rows).encode()).hexdigest()[:16]
    with db.cursor() as cursor:
        stored = cursor.execute("SELECT any_value(edition), count(*) FROM facts").fetchone()
    if stored == (edition, len(rows)):
        return
    columns = [list(column) for column in zip(*rows, strict=True)]
    sources = columns.pop(COLUMNS.split(", ").index("sources"))
    with db.write() as cursor:
        cursor.execute("DELETE FROM facts")
        cursor.execute(
            f"INSERT INTO facts ({COLUMNS}, edition) SELECT unnest(?), unnest(?), unnest(?), unnest(?), unnest(?::DOUBLE[]), "
            "unnest(?::DOUBLE[]), unnest(?), unnest(?), unnest(?), unnest(?), "
            "list_filter(string_split(unnest(?), chr(10)), lambda address: address <> ''), unnest(?), unnest(?), unnest(?), ?",
            [*columns[:10], ["\n".join(addresses) for addresses in sources], *columns[10:], edition],
        )
