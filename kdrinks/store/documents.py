"""The documents that people added: their list, their passages, words and vectors. Apart from the drinks' tables, which are filled anew.

Words and vectors come in ready; knows no file format and no language beyond the column.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kdrinks.errors import BadInput
from kdrinks.permissions import administrators_only, owner_of
from kdrinks.records import Passage, Visitor
from kdrinks.store import jobs
from kdrinks.store.db import Cursor, Database


@dataclass(frozen=True, slots=True)
class Document:
    """One line of the list of documents."""

    id: str
    title: str
    file: str
    """Its name as it came."""
    format: str
    size_bytes: int
    content_hash: str
    """SHA-256 of the file, in hexadecimal."""
    pages: int | None
    """Rows for a table file; None where the format has neither."""
    passages: int
    added_at: datetime
    """UTC without a zone."""


@dataclass(frozen=True, slots=True)
class DocumentPassage:
    """A passage of a document with where it stands and what it is found by."""

    passage: Passage
    number: int
    """From 1, in the order of the document."""
    heading: str
    page: int | None
    counts: Mapping[str, int]
    vector: Sequence[float] | None
    """Of length 1."""


def add(
    db: Database,
    who: Visitor,
    document: Document,
    parts: Sequence[DocumentPassage],
    *,
    index_version: str,
    unread: Mapping[str, int],
) -> None:
    """Write a document whole or not at all. Raises BadInput when one with the same content is there already; NotAllowed.

    unread: how much of each kind ([unread] in i18n/documents.toml) its file holds beside what was read.
    """
    administrators_only(who)
    with db.write() as cursor:
        same = cursor.execute("SELECT title FROM documents WHERE content_hash = ?", [document.content_hash]).fetchone()
        if same:
            raise BadInput("document_already", title=same[0])
        cursor.execute(
            "INSERT INTO documents (id, title, file, format, size_bytes, content_hash, pages, passages, words, edition, owner, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *(document.id, document.title, document.file, document.format, document.size_bytes),
                *(document.content_hash, document.pages, len(parts), _words(parts), index_version, owner_of(who)),
                document.added_at,
            ],
        )
        for kind, count in unread.items():
            cursor.execute(
                "INSERT INTO document_unread (document_id, kind, count) VALUES (?, ?, ?)", [document.id, kind, count]
            )
        _insert(cursor, parts)


def index_again(db: Database, document_id: str, parts: Sequence[DocumentPassage], *, index_version: str) -> None:
    """Replace a document's passages by the same with words and vectors of another index version."""
    with db.write() as cursor:
        _delete_parts(cursor, document_id)
        _insert(cursor, parts)
        cursor.execute(
            "UPDATE documents SET words = ?, edition = ? WHERE id = ?", [_words(parts), index_version, document_id]
        )


def remove(db: Database, who: Visitor, document_id: str) -> bool:
    """Delete a document with its passages, words and vectors; whether it was there. Raises NotAllowed."""
    administrators_only(who)
    with db.write() as cursor:
        _delete_parts(cursor, document_id)
        if file := cursor.execute("SELECT file FROM documents WHERE id = ?", [document_id]).fetchone():
            jobs.forget(cursor, "document", file[0])
        cursor.execute("DELETE FROM document_unread WHERE document_id = ?", [document_id])
        gone = cursor.execute("DELETE FROM documents WHERE id = ?", [document_id]).fetchone()
    db.drop_copy()
    db.checkpoint()  # what was removed shall not wait in the log
    return bool(gone and gone[0])


def listed(db: Database, who: Visitor, *, document_id: str = "") -> list[Document]:
    """The documents, newest first. document_id: only this one; an id that is none finds nothing. Raises NotAllowed."""
    administrators_only(who)
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT id::VARCHAR, title, file, format, size_bytes, content_hash, pages, passages, created_at FROM documents "
            "WHERE ? IN ('', id::VARCHAR) ORDER BY created_at DESC, id DESC",
            [document_id],
        ).fetchall()
    return [Document(*row) for row in rows]


def unread(db: Database, who: Visitor) -> dict[str, dict[str, int]]:
    """What of each document's file was not read, by id and kind; without those of which all was, or which an older kdrinks read."""
    administrators_only(who)
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT document_id::VARCHAR, kind, count FROM document_unread ORDER BY document_id, kind"
        ).fetchall()
    found: dict[str, dict[str, int]] = {}
    for document_id, kind, count in rows:
        found.setdefault(document_id, {})[kind] = count
    return found


def titled(db: Database, content_hash: str) -> str | None:
    """The title of the document with this content; None when there is none."""
    with db.cursor() as cursor:
        row = cursor.execute("SELECT title FROM documents WHERE content_hash = ?", [content_hash]).fetchone()
    return row[0] if row else None


def outdated(db: Database, index_version: str) -> list[str]:
    """Ids of the documents whose words and vectors are of another index version."""
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT id::VARCHAR FROM documents WHERE edition <> ? ORDER BY id", [index_version]
        ).fetchall()
    return [row[0] for row in rows]


def parts(
    db: Database, who: Visitor, document_id: str, *, first: int = 1, most: int = 1_000_000
) -> list[DocumentPassage]:
    """Passages of a document in their order, from a number on, without their words and vectors. Raises NotAllowed."""
    administrators_only(who)
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT id, subject_id, lang, title, text, number, heading, page FROM document_passages "
            "WHERE subject_id = ? AND number >= ? ORDER BY number LIMIT ?",
            [document_id, first, most],
        ).fetchall()
    return [DocumentPassage(_passage(row), row[5], row[6], row[7], {}, None) for row in rows]


def _passage(row: Sequence[Any]) -> Passage:
    passage_id, document_id, lang, title, text = row[:5]
    return Passage(passage_id, document_id, "document", lang, title, text)


def _words(parts: Sequence[DocumentPassage]) -> int:
    return sum(sum(part.counts.values()) for part in parts)


def _delete_parts(cursor: Cursor, document_id: str) -> None:
    cursor.execute("DELETE FROM document_words WHERE subject_id = ?", [document_id])
    cursor.execute("DELETE FROM document_passages WHERE subject_id = ?", [document_id])


def _insert(cursor: Cursor, parts: Sequence[DocumentPassage]) -> None:
    """As tables: 5,000 passages of 40 words take 0.7 s of processor time, as lists 1.5, and every writer waits for it."""
    import pandas as pd  # a second, which a start without documents need not take

    passages = pd.DataFrame(
        {
            **{
                name: [getattr(part.passage, name) for part in parts]
                for name in ("id", "subject_id", "lang", "title", "text")
            },
            "number": [part.number for part in parts],
            "heading": [part.heading for part in parts],
            "page": pd.array([part.page for part in parts], dtype="Int32"),
            "length": [sum(part.counts.values()) for part in parts],
        }
    )
    encoded = [part for part in parts if part.vector is not None]
    values = pd.DataFrame(
        [(part.number, place, value) for part in encoded for place, value in enumerate(part.vector or ())],
        columns=["number", "place", "value"],
    )
    counted = pd.DataFrame(
        [(part.passage.id, term, count) for part in parts for term, count in part.counts.items()],
        columns=["passage_id", "term", "count"],
    )
    tables = {"new_passages": passages, "new_values": values, "new_words": counted}
    for name, table in tables.items():
        cursor.register(name, table)
    cursor.execute(
        "INSERT INTO document_passages (id, subject_id, lang, title, text, number, heading, page, length, vector) "
        "SELECT id, subject_id, lang, title, text, number, heading, page, length, vector FROM new_passages LEFT JOIN "
        "(SELECT number, list(value::FLOAT ORDER BY place) AS vector FROM new_values GROUP BY number) USING (number)"
    )
    cursor.execute(
        "INSERT INTO document_words (passage_id, subject_id, lang, term, count, length) "
        "SELECT passage_id, subject_id, lang, term, count, length FROM new_words JOIN new_passages ON id = passage_id"
    )
    for name in tables:
        cursor.unregister(name)


@dataclass(frozen=True, slots=True)
class DocumentHit:
    """A passage of a document with what found it."""

    passage: Passage
    lexical: float
    """The weights of the question's words that it, its title or its headings hold, summed; 0 where only the vector found it."""
    cosine: float | None


def held_by(db: Database, terms: Sequence[str]) -> tuple[int, dict[str, int]]:
    """How many passages there are, of drinks and documents together, and in how many of them each word stands; 0 without documents."""
    with db.cursor() as cursor:
        count = cursor.execute("SELECT count(*) FROM document_passages").fetchone()
        if not count or not count[0]:
            return 0, {}
        drinks = cursor.execute("SELECT count(*) FROM passages").fetchone()
        rows = cursor.execute(
            "SELECT term, count(*) FROM (SELECT term FROM passage_words WHERE list_contains($terms, term) "
            "UNION ALL SELECT term FROM document_words WHERE list_contains($terms, term)) GROUP BY term",
            {"terms": list(terms)},
        ).fetchall()
    return count[0] + (drinks[0] if drinks else 0), dict(rows)


def find(
    db: Database, weights: Mapping[str, float], vector: Sequence[float] | None, *, vector_share: float, k: int
) -> list[DocumentHit]:
    """The k passages, in any language, with the highest sum of a word share in [0, 1] and vector_share times the cosine; best first.

    weights: of the question's words, not empty.   vector: of length 1, as the stored ones; None searches by words only.
    """
    with db.cursor() as cursor:
        rows = cursor.execute(
            """
            WITH asked AS (SELECT unnest($terms) AS term, unnest($weights) AS weight),
            worded AS (
                SELECT passage_id AS id, sum(weight) AS lexical FROM document_words JOIN asked USING (term) GROUP BY passage_id
            ),
            both_legs AS (
                SELECT id, subject_id, lang, title, text, number, coalesce(lexical, 0) AS lexical,
                       CASE WHEN $vector IS NOT NULL THEN list_inner_product(vector, $vector::FLOAT[]) END AS cosine
                FROM document_passages LEFT JOIN worded USING (id)
            )
            SELECT id, subject_id, lang, title, text, lexical, cosine FROM both_legs
            ORDER BY lexical / $total + $share * greatest(coalesce(cosine, 0), 0) DESC, subject_id, number LIMIT $k
            """,
            {
                "terms": list(weights),
                "weights": list(weights.values()),
                "total": sum(weights.values()),
                "vector": None if vector is None else list(vector),
                "share": vector_share,
                "k": k,
            },
        ).fetchall()
    return [DocumentHit(_passage(row), row[5], row[6]) for row in rows]


def words_of_subjects(
    db: Database, terms: Sequence[str], subject_ids: Sequence[str], *, kinds: Collection[str], said: Collection[str]
) -> set[str]:
    """Which of the words stand in passages of these drinks, topics or beliefs that are of these kinds or have one of the ids `said`."""
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT DISTINCT term FROM passage_words AS held JOIN passages ON passages.id = held.passage_id "
            "WHERE list_contains(?, held.subject_id) AND list_contains(?, term) AND (list_contains(?, kind) OR list_contains(?, id))",
            [list(subject_ids), list(terms), list(kinds), list(said)],
        ).fetchall()
    return {row[0] for row in rows}
