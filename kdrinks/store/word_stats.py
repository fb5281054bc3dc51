"""The words of the analytics page: most frequent, typical of one side, said together, over the days, and the sentences they came from.

Only words of the shown analyser version are read. Whole days come from word_days, the rest of a period from words (rollup.py says why).
It does not know how words were counted.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import pandas as pd

from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.store import rollup
from kdrinks.store.analytics import DAY, AnalyticsFilter, having, more_than_totals, seen_by, where
from kdrinks.store.db import Cursor, Database
from kdrinks.store.views import AWAY
from kdrinks.text.typed import clean

Side = Literal["who", "lang", "period"]
NEWEST_MESSAGES = 1000
"""Words that go together are counted in this many of the newest messages with the word: a bounded read, steady enough to rank."""
PRIOR_WORDS = 1000.0
"""Weight of what both sides say together, in words, when they are compared: a word of few mentions stays near 0."""


class _Reader:
    """One state of the words: the shown version and the rolled days stay the same over several queries."""

    def __init__(self, cursor: Cursor) -> None:
        cursor.begin()
        self.cursor = cursor
        self.version, self.rolled = rollup.state(cursor)

    def table(self, sql: str, *values: Any) -> pd.DataFrame:
        return self.cursor.execute(sql, list(values)).df()

    def rows(
        self,
        view: AnalyticsFilter,
        pos: tuple[str, ...] = (),
        at: tuple[datetime | None, datetime | None] | None = None,
    ) -> tuple[str, list[Any]]:
        """A condition on words, with its values; at: a part of the view's period."""
        since, until = at or (view.since, view.until)
        chosen, values = where(replace(view, since=since, until=until))
        chosen += " AND analyser_version = ?"
        more, more_values = _kinds(view, pos)
        return chosen + more, [*values, self.version, *more_values]

    def counted(self, view: AnalyticsFilter, pos: tuple[str, ...] = ()) -> tuple[str, list[Any]]:
        """A query for word, pos, role, lang, count, messages, conversation_id of the view, several rows a word; days from the rollup,
        which knows no conversations (NULL), where it matters not whose they are."""
        parts: list[tuple[str, list[Any]]] = []
        first = _next_day(view.since) if view.since else date.min
        last = min(self.rolled, view.until.date()) if self.rolled and view.until else self.rolled
        edges: list[tuple[datetime | None, datetime | None]] = [(view.since, view.until)]
        if last and first < last and not (view.word or view.owner or view.fewest):
            chosen, values = ["day >= ?", "day < ?"], [first, last]
            for column, value in (("lang", view.lang), ("model_id", view.model)):
                if value:
                    chosen.append(f"{column} = ?")
                    values.append(value)  # type: ignore[arg-type]
            more, more_values = _kinds(view, pos)
            parts.append(
                (
                    f"SELECT word, pos, role, lang, count, messages, NULL::UUID AS conversation_id FROM word_days WHERE {' AND '.join(chosen)}{more}",
                    [*values, *more_values],
                )
            )
            edges = (
                [(view.since, _midnight(first)), (_midnight(last), view.until)]
                if view.since
                else [(_midnight(last), view.until)]
            )
        for edge in edges:
            chosen_rows, row_values = self.rows(view, pos, edge)
            parts.append(
                (
                    f"SELECT word, pos, role, lang, count, 1 AS messages, conversation_id FROM words WHERE {chosen_rows}",
                    row_values,
                )
            )
        return " UNION ALL ".join(sql for sql, _ in parts), [value for _, values in parts for value in values]

    def newest_since(self, view: AnalyticsFilter, word: str) -> datetime | None:
        """When the day began since which the word was in NEWEST_MESSAGES of the view's messages; None where the rollup cannot tell."""
        if self.rolled is None or view.owner:
            return None
        chosen, values = _kinds(view, ())
        for column, value in (("lang", view.lang), ("model_id", view.model)):
            if value:
                chosen, values = f"{chosen} AND {column} = ?", [*values, value]
        if view.until:
            # days that are whole inside the view only: a part of one may hold fewer
            chosen, values = f"{chosen} AND day < ?", [*values, view.until.date()]
        row = self.cursor.execute(
            f"""
            SELECT max(day) FROM (
                SELECT day, sum(sum(messages)) OVER (ORDER BY day DESC) AS so_far FROM word_days WHERE word = ?{chosen} GROUP BY day
            ) WHERE so_far >= ?
            """,
            [word, *values, NEWEST_MESSAGES],
        ).fetchone()
        return _midnight(row[0]) if row and row[0] else None

    def before(self, view: AnalyticsFilter) -> AnalyticsFilter | None:
        """The period of equal length just before; None when the view has no beginning."""
        if view.since is None:
            return None
        row = self.cursor.execute("SELECT max(created_at) FROM words").fetchone()
        # an open period ends just after the last word
        last = (row[0] if row and row[0] else view.since) + timedelta(microseconds=1)
        length = (view.until or max(last, view.since)) - view.since
        return replace(view, since=view.since - length, until=view.since)


@contextmanager
def _reading(db: Database) -> Iterator[_Reader]:
    with db.cursor() as cursor:
        yield _Reader(cursor)


def top_words(db: Database, who: Visitor, view: AnalyticsFilter, *, limit: int = 10, search: str = "") -> pd.DataFrame:
    """rank, word, pos, count, messages, before: the most frequent words; before: the count in the period of equal length
    just before, NULL when the view has no beginning. search: only words that contain it."""
    view = seen_by(db, who, view)
    with _reading(db) as reader:
        before = reader.before(view)
        now_sql, now_values = reader.counted(view)
        was_sql, was_values = (
            reader.counted(before)
            if before
            else ("SELECT '' AS word, '' AS pos, 0 AS count, NULL::UUID AS conversation_id", [])
        )
        search = clean(search).strip()
        found = "WHERE contains(word, lower(?))" if search else ""
        return reader.table(
            f"""
            WITH now AS (
                SELECT word, pos, sum(count)::BIGINT AS count, sum(messages)::BIGINT AS messages
                FROM ({now_sql}) {found} GROUP BY word, pos {having(view)}
            ),
            top AS (SELECT * FROM now ORDER BY count DESC, messages DESC, word LIMIT ?),
            was AS (SELECT word, pos, sum(count)::BIGINT AS count FROM ({was_sql}) SEMI JOIN top USING (word, pos) GROUP BY word, pos {having(view)})
            SELECT row_number() OVER (ORDER BY top.count DESC, top.messages DESC, top.word) AS rank, top.word, top.pos, top.count, top.messages,
                   CASE WHEN ? THEN coalesce(was.count, 0) END AS before
            FROM top LEFT JOIN was USING (word, pos) ORDER BY rank
            """,
            *now_values,
            *([search] if search else []),
            limit,
            *was_values,
            before is not None,
        )


def keyness(db: Database, who: Visitor, view: AnalyticsFilter, side: Side, *, limit: int = 10) -> pd.DataFrame:
    """side, word, pos, z, count, other: the words that set one side apart from the other, most typical first.

    side: who (question against answer), lang (ko against en) or period (now against before; empty when the view has no beginning).
    z is the log-odds with an informative prior over its standard error: above 2 is hardly chance. Not raw counts, which name the words
    that everyone says. Raises NotAllowed where only totals are seen. Source: Monroe, Colaresi, Quinn, Fightin' Words (2008), equations 16, 19 and 22; https://doi.org/10.1093/pan/mpn018
    """
    view = more_than_totals(db, who, view)
    with _reading(db) as reader:
        before = reader.before(view)
        if side == "period":
            if before is None:
                return pd.DataFrame({name: [] for name in ("side", "word", "pos", "z", "count", "other")})
            parts = [("now", *reader.counted(view)), ("before", *reader.counted(before))]
            sql = " UNION ALL ".join(
                f"SELECT '{name}' AS side, word, pos, count FROM ({query})" for name, query, _ in parts
            )
            values = [value for _, _, some in parts for value in some]
        else:
            counted, values = reader.counted(view)
            column = "role" if side == "who" else "lang"
            sql = f"SELECT {column} AS side, word, pos, count FROM ({counted})"
        first = {"who": "question", "lang": "ko", "period": "now"}[side]
        second = {"who": "answer", "lang": "en", "period": "before"}[side]
        return reader.table(
            f"""
            WITH pairs AS (
                SELECT word, pos, coalesce(sum(count) FILTER (side = ?), 0)::DOUBLE AS a, coalesce(sum(count) FILTER (side = ?), 0)::DOUBLE AS b
                FROM ({sql}) GROUP BY word, pos
            ),
            sums AS (SELECT sum(a) AS na, sum(b) AS nb FROM pairs HAVING sum(a) > 0 AND sum(b) > 0),
            weighed AS (SELECT *, ? * (a + b) / (na + nb) AS prior FROM pairs, sums WHERE a + b > 0),
            scored AS (
                SELECT word, pos, a, b,
                       (ln((a + prior) / (na + $P - a - prior)) - ln((b + prior) / (nb + $P - b - prior)))
                       / sqrt(1 / (a + prior) + 1 / (b + prior)) AS z
                FROM weighed WHERE na + $P > a + prior AND nb + $P > b + prior
            ),
            sided AS (
                SELECT ? AS side, word, pos, z, a::BIGINT AS count, b::BIGINT AS other FROM scored WHERE z > 0
                UNION ALL SELECT ?, word, pos, -z, b::BIGINT, a::BIGINT FROM scored WHERE z < 0
            )
            SELECT side, word, pos, z, count, other FROM sided
            QUALIFY row_number() OVER (PARTITION BY side ORDER BY z DESC, word) <= ? ORDER BY side = ? DESC, z DESC, word
            """.replace("$P", str(PRIOR_WORDS)),
            first,
            second,
            *values,
            PRIOR_WORDS,
            first,
            second,
            limit,
            first,
        )


def collocations(db: Database, who: Visitor, view: AnalyticsFilter, word: str, *, limit: int = 10) -> pd.DataFrame:
    """word, pos, messages, expected, score: words said in the same messages as `word` more often than by chance, strongest first.

    messages: of the NEWEST_MESSAGES that said both; expected: what chance would give; score: Dunning's log-likelihood ratio, 3.8 is
    hardly chance. Raises NotAllowed where only totals are seen. Source: https://aclanthology.org/J93-1003/
    """
    view = replace(more_than_totals(db, who, view), word="")
    with _reading(db) as reader:
        rows, row_values = reader.rows(view)
        counted, values = reader.counted(view)
        messages, message_values = _messages(view)
        since = reader.newest_since(view, word)
        if since:  # of 20 million rows it reads those days only
            rows, row_values = reader.rows(view, at=(max(since, view.since or since), view.until))
        return reader.table(
            f"""
            WITH ours AS (SELECT message_id, created_at FROM words WHERE {rows} AND word = ? ORDER BY created_at DESC LIMIT ?),
            beside AS (
                SELECT word, pos, count(*)::DOUBLE AS shared FROM words SEMI JOIN ours USING (message_id)
                WHERE {rows} AND created_at >= (SELECT min(created_at) FROM ours) AND created_at <= (SELECT max(created_at) FROM ours)
                AND word <> ? GROUP BY word, pos
            ),
            total AS (SELECT word, pos, sum(messages)::DOUBLE AS messages FROM ({counted}) GROUP BY word, pos),
            sizes AS (SELECT (SELECT count(*) FROM ours)::DOUBLE AS ours, ({messages}) AS everything),
            cells AS (
                SELECT word, pos, shared, ours, everything, least(ours * (messages / everything), ours) AS expected, messages / everything AS p
                FROM beside JOIN total USING (word, pos), sizes WHERE everything > 0
            )
            SELECT word, pos, shared::BIGINT AS messages, round(expected, 1) AS expected,
                   2 * (shared * ln(shared / expected) + CASE WHEN ours > shared AND p < 1
                        THEN (ours - shared) * ln((ours - shared) / (ours * (1 - p))) ELSE 0 END) AS score
            FROM cells WHERE shared > expected AND shared >= 2 ORDER BY score DESC, word LIMIT ?
            """,
            *row_values, word, NEWEST_MESSAGES, *row_values, word, *values, *message_values, limit,
        )  # fmt: skip


def word_trend(db: Database, who: Visitor, view: AnalyticsFilter, words: Sequence[str]) -> pd.DataFrame:
    """day, word, count for the given words: one row for each day on which a word was said. Raises NotAllowed where only totals are seen."""
    view = more_than_totals(db, who, view)
    with _reading(db) as reader:
        rows, values = reader.rows(view)
        return reader.table(
            f"SELECT {DAY} AS day, word, sum(count)::BIGINT AS count FROM words WHERE {rows} AND word IN ({', '.join('?' * max(len(words), 1))})"
            " GROUP BY day, word ORDER BY day, word",
            view.utc_offset_minutes,
            *values,
            *(words or [""]),
        )


def drinks_over_time(db: Database, who: Visitor, view: AnalyticsFilter, *, limit: int = 6) -> pd.DataFrame:
    """day, drink, count of the drinks that were named most in the view."""
    view = seen_by(db, who, view)
    with _reading(db) as reader:
        rows, values = reader.rows(view, ("drink",))
        return reader.table(
            f"""
            WITH said AS (SELECT {DAY} AS day, word, sum(count)::BIGINT AS count FROM words WHERE {rows} GROUP BY day, word {having(view)}),
            top AS (SELECT word FROM said GROUP BY word ORDER BY sum(count) DESC, word LIMIT ?)
            SELECT day, word AS drink, count FROM said SEMI JOIN top USING (word) ORDER BY day, drink
            """,
            view.utc_offset_minutes,
            *values,
            limit,
        )


def concordance(db: Database, who: Visitor, view: AnalyticsFilter, word: str, *, limit: int = 20) -> pd.DataFrame:
    """at, role, lang, sentence, conversation_id: the sentences a word was counted in, newest first.

    A word in another form than it was said in (a verb's dictionary form) shows the message's beginning instead. Raises NotAllowed where they are
    not one's own.
    """
    view = more_than_totals(db, who, view)
    if not view.owner:
        administrators_only(who)
    with _reading(db) as reader:
        rows, values = reader.rows(replace(view, word=""))
        return reader.table(
            f"""
            WITH hits AS (
                SELECT message_id FROM words WHERE {rows} AND word = ? AND conversation_id NOT IN ({AWAY})
                ORDER BY created_at DESC, message_id LIMIT ?
            ),
            cut AS (
                SELECT m.*, list_filter(regexp_extract_all(m.text, '[^.!?\\n]+[.!?]*'),
                    lambda s: contains(lower(replace(s, ' ', '')), lower(replace(?, ' ', '')))) AS found
                FROM messages m SEMI JOIN hits ON hits.message_id = m.id
            )
            SELECT created_at AS at, role, lang, trim(CASE WHEN len(found) > 0 THEN found[1] ELSE left(text, 160) END) AS sentence,
                   conversation_id::VARCHAR AS conversation_id
            FROM cut ORDER BY created_at DESC, id
            """,
            *values,
            word,
            limit,
            word,
        )


def _kinds(view: AnalyticsFilter, pos: tuple[str, ...]) -> tuple[str, list[Any]]:
    """The view's speaker, kinds and stop words: columns that words and word_days share. IN reaches the scan, list_contains does not."""
    chosen = ""
    values: list[Any] = []
    for condition, some in (
        ("role IN", (view.who,) if view.who else ()),
        ("pos IN", pos or view.pos),
        ("word NOT IN", view.stop),
    ):
        if some:
            chosen, values = f"{chosen} AND {condition} ({', '.join('?' * len(some))})", [*values, *some]
    return chosen, values


def _messages(view: AnalyticsFilter) -> tuple[str, list[Any]]:
    """A query for how many messages the view holds, a question counted with the model of its answer."""
    chosen, values = where(view)
    if view.model:
        return f"SELECT count(*)::DOUBLE * {1 if view.who else 2} FROM generations WHERE {chosen}", values
    if view.who:
        chosen, values = f"{chosen} AND role = ?", [*values, view.who]
    return f"SELECT count(*)::DOUBLE FROM messages WHERE {chosen}", values


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC).replace(tzinfo=None)


def _next_day(at: datetime) -> date:
    """The first day that begins at or after this time."""
    return at.date() if at == _midnight(at.date()) else at.date() + timedelta(days=1)
