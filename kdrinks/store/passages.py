"""The passages of the knowledge base, their words and vectors in the store: filling them, the hybrid search in one statement, fetching.

Words and vectors come in ready (kdrinks.text.analyzer, kdrinks.text.vectors); knows nothing of drinks or of languages beyond the column.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kdrinks.records import Passage, Said
from kdrinks.store.db import Cursor, Database

COLUMNS = "id, subject_id, kind, lang, title, text, sources, said"

# The usual values of Okapi BM25; b below 0.75 because passages of one kind are alike in length.
# https://en.wikipedia.org/wiki/Okapi_BM25
K1, B = 1.2, 0.5


@dataclass(frozen=True, slots=True)
class IndexedPassage:
    """A passage with the words it is found by."""

    passage: Passage
    content_hash: str
    counts: Mapping[str, int]
    vector: Sequence[float] | None = None
    """Of length 1."""


def save_ready(db: Database, path: Path) -> None:
    """Write the words and vectors of all stored passages to a Parquet file, by content hash."""
    with db.cursor() as cursor:
        cursor.sql(
            "SELECT content_hash, any_value(vector) AS vector, list(term ORDER BY term) AS terms, list(count ORDER BY term) AS counts "
            "FROM passages JOIN passage_words ON passage_id = id GROUP BY content_hash ORDER BY content_hash"
        ).write_parquet(str(path), compression="zstd")


def add_ready(db: Database, passages: Mapping[str, Passage], path: Path, *, content_version: str) -> set[str]:
    """Write those passages whose words and vectors a file of save_ready() holds; returns their content hashes.

    passages: by content hash, none of them stored. 2,990 passages in 0.2 s, where analysing them takes 2.
    """
    with db.write() as cursor:
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE ready AS FROM read_parquet(?) WHERE content_hash IN (SELECT unnest(?))",
            [str(path), list(passages)],
        )
        held = {row[0] for row in cursor.execute("SELECT content_hash FROM ready").fetchall()}
        found = [(content_hash, passage) for content_hash, passage in passages.items() if content_hash in held]
        cursor.execute(
            f"INSERT INTO passages ({COLUMNS}, content_hash, edition, length, vector) "
            f"SELECT {COLUMNS}, content_hash, ?, list_sum(counts), vector FROM (SELECT {_UNNESTED}, unnest(?) AS content_hash) "
            "JOIN ready USING (content_hash)",
            [
                content_version,
                *_columns([passage for _, passage in found]),
                [content_hash for content_hash, _ in found],
            ],
        )
        cursor.execute(
            "INSERT INTO passage_words (passage_id, term, count, subject_id, lang, length) "
            "SELECT id, unnest(terms), unnest(counts), subject_id, lang, length FROM passages JOIN ready USING (content_hash)"
        )
        cursor.execute("DROP TABLE ready")
    return held


def stored_hashes(db: Database) -> dict[str, str]:
    """Content hash by passage id."""
    with db.cursor() as cursor:
        return dict(cursor.execute("SELECT id, content_hash FROM passages").fetchall())


def replace(db: Database, changed: Sequence[IndexedPassage], gone: Iterable[str], *, content_version: str) -> None:
    """Write the changed passages and remove those that are gone, all or nothing."""
    ids = [*gone, *(item.passage.id for item in changed)]
    if not ids:
        return
    with db.write() as cursor:
        cursor.execute("DELETE FROM passage_words WHERE passage_id IN (SELECT unnest(?))", [ids])
        cursor.execute("DELETE FROM passages WHERE id IN (SELECT unnest(?))", [ids])
        if changed:
            _insert(cursor, changed, content_version)


def sort_words(db: Database) -> None:
    """Lay the words out by language and word, as a search reads them: over 2 million rows it then takes half of the processor's time.

    Takes 4 s of a processor and 230 MB for those, one language at a time.
    """
    with db.write() as cursor:
        row = cursor.execute("SELECT max(rowid) + 1 FROM passage_words").fetchone()
        end = row[0] if row else None
        for (lang,) in cursor.execute("SELECT DISTINCT lang FROM passage_words ORDER BY lang").fetchall():
            cursor.execute(
                "INSERT INTO passage_words BY NAME SELECT * FROM passage_words WHERE rowid < ? AND lang = ? ORDER BY term",
                [end, lang],
            )
        cursor.execute("DELETE FROM passage_words WHERE rowid < ?", [end])


@dataclass(frozen=True, slots=True)
class Candidate:
    passage_id: str
    subject_id: str
    lexical: float | None
    """BM25; None when the words did not find it."""
    cosine: float | None
    """None when it is not among the nearest."""


@dataclass(frozen=True, slots=True)
class CorpusStats:
    """What BM25 compares a passage with; taken once after filling, since counting costs as much as searching."""

    passages: int
    mean_length: float
    """In words."""


def corpus_stats(db: Database, lang: str) -> CorpusStats:
    with db.cursor() as cursor:
        row = cursor.execute("SELECT count(*), avg(length) FROM passages WHERE lang = ?", [lang]).fetchone()
    return CorpusStats(row[0], row[1] or 1.0) if row else CorpusStats(0, 1.0)


def hybrid_search(
    db: Database, terms: Sequence[str], vector: Sequence[float] | None, *, lang: str, k: int, among: CorpusStats
) -> list[Candidate]:
    """The k passages of a language that the question's words find best (BM25) and the k nearest to its vector, in no order.

    vector: of length 1, as the stored ones; None searches by words only.   among: of this language.
    """
    with db.cursor() as cursor:
        rows = cursor.execute(
            f"""
            WITH matches AS (
                SELECT passage_id, subject_id, term, count, length FROM passage_words WHERE lang = $lang AND list_contains($terms, term)
            ),
            rarity AS (
                SELECT term, ln(1 + ($passages - count(*) + 0.5) / (count(*) + 0.5)) AS idf FROM matches GROUP BY term
            ),
            worded AS (
                SELECT passage_id AS id, any_value(subject_id) AS subject_id,
                       sum(idf * count * {K1 + 1} / (count + {K1} * (1 - {B} + {B} * length / $mean))) AS score
                FROM matches JOIN rarity USING (term) GROUP BY passage_id ORDER BY score DESC, id LIMIT $k
            ),
            near AS (
                SELECT id, subject_id, list_inner_product(vector, $vector::FLOAT[]) AS cosine
                FROM passages WHERE lang = $lang AND vector IS NOT NULL AND $vector IS NOT NULL ORDER BY cosine DESC, id LIMIT $k
            )
            SELECT id, coalesce(worded.subject_id, near.subject_id), score, cosine FROM worded FULL JOIN near USING (id)
            """,
            {
                "lang": lang,
                "terms": list(terms),
                "vector": None if vector is None else list(vector),
                "passages": among.passages,
                "mean": among.mean_length,
                "k": k,
            },
        ).fetchall()
    return [Candidate(*row) for row in rows]


def vocabulary(db: Database) -> frozenset[str]:
    """Every word that any passage holds: about 100 bytes each, 0.5 MB for 105 drinks."""
    with db.cursor() as cursor:
        return frozenset(row[0] for row in cursor.execute("SELECT DISTINCT term FROM passage_words").fetchall())


def subjects_holding(db: Database, terms: Iterable[str], *, lang: str) -> dict[str, int]:
    """In how many subjects of a language each of the words stands."""
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT term, count(DISTINCT subject_id) FROM passage_words "
            "WHERE lang = ? AND list_contains(?, term) GROUP BY term",
            [lang, list(terms)],
        )
        return dict(rows.fetchall())


def of_subjects(db: Database, subject_ids: Sequence[str], *, lang: str) -> list[Passage]:
    """Every passage of these subjects in a language, in the order of the subjects and of the kinds' names.

    Of one kind the passage of the fields comes first, then the numbered ones as they count: what is equally good is taken from the front.
    """
    if not subject_ids:
        return []
    with db.cursor() as cursor:
        # not IN: a list is looked for while the column is read, a join reads all columns first (10 ms against 2 in 100,000 passages)
        rows = cursor.execute(
            f"SELECT {COLUMNS} FROM passages WHERE list_contains(?, subject_id) AND lang = ? ORDER BY kind, length(id), id",
            [list(subject_ids), lang],
        ).fetchall()
    order = {subject_id: number for number, subject_id in enumerate(subject_ids)}
    return sorted((_passage(row) for row in rows), key=lambda passage: order[passage.subject_id])


def _insert(cursor: Cursor, changed: Sequence[IndexedPassage], content_version: str) -> None:
    # Lists in one statement: 60,000 word rows take 0.1 s; executemany takes 40 s.
    cursor.execute(
        f"INSERT INTO passages ({COLUMNS}, content_hash, edition, length, vector) "
        f"SELECT {_UNNESTED}, unnest(?), ?, unnest(?), unnest(?::FLOAT[][])",
        [
            *_columns([item.passage for item in changed]),
            [item.content_hash for item in changed],
            content_version,
            [sum(item.counts.values()) for item in changed],
            [None if item.vector is None else list(item.vector) for item in changed],
        ],
    )
    rows = [
        (item.passage.id, term, count, item.passage.subject_id, item.passage.lang, sum(item.counts.values()))
        for item in changed
        for term, count in item.counts.items()
    ]
    cursor.execute(
        "INSERT INTO passage_words (passage_id, term, count, subject_id, lang, length) "
        "SELECT unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)",
        [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * 6,
    )


_UNNESTED = (
    "unnest(?) AS id, unnest(?) AS subject_id, unnest(?) AS kind, unnest(?) AS lang, unnest(?) AS title, unnest(?) AS text, "
    "list_filter(string_split(unnest(?), chr(10)), lambda address: address <> '') AS sources, "
    "unnest(?::STRUCT(sentence VARCHAR, until INTEGER)[][]) AS said"
)
"""COLUMNS from the lists of _columns(), a row for each place in them."""


def _columns(passages: Sequence[Passage]) -> list[list[Any]]:
    named: list[list[Any]] = [
        [str(getattr(passage, name)) for passage in passages] for name in COLUMNS.split(", ")[:-2]
    ]
    return [
        *named,
        ["\n".join(passage.sources) for passage in passages],
        [[asdict(said) for said in passage.said] for passage in passages],
    ]


def _passage(row: tuple[Any, ...]) -> Passage:
    said = tuple(Said(one["sentence"], one["until"]) for one in row[7] or ())
    return Passage(row[0], row[1], row[2], row[3], row[4], row[5], tuple(row[6] or ()), said)
