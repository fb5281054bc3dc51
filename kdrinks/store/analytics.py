"""What a person looks at (AnalyticsFilter) and may look at (seen_by), and the numbers at the head of the analytics page: conversations,
answers, course over the days.

Every number of the page is a short pandas table straight from SQL; no function loops over rows. word_stats.py has the words, speed.py the
timings.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, get_args

import pandas as pd

from kdrinks.errors import NotAllowed
from kdrinks.records import Visitor
from kdrinks.store import preferences
from kdrinks.store.db import Database
from kdrinks.store.views import MADE_HERE

DAY = "date_trunc('day', created_at + to_minutes(?))"
"""The reader's day; its value is AnalyticsFilter.utc_offset_minutes."""
SHOWN = "(SELECT version FROM analysers ORDER BY created_at DESC LIMIT 1)"
"""The analyser version whose words are shown."""
Audience = Literal["totals", "own", "all"]
"""Of whose conversations a visitor of a hosted site sees words and charts: totals over everybody's, their own, or everybody's as an
administrator does, sentences excepted."""
AUDIENCE_KEY = "visitors_see"
FEWEST_CONVERSATIONS = 5
"""A total over fewer says too much of each; its visitors are strangers to each other."""


@dataclass(frozen=True, slots=True)
class AnalyticsFilter:
    """What a person looks at; the empty value of each field means all."""

    since: datetime | None = None
    """UTC without a zone, like until."""
    until: datetime | None = None
    lang: Literal["", "ko", "en"] = ""
    who: Literal["", "question", "answer"] = ""
    pos: tuple[str, ...] = ()
    model: str = ""
    word: str = ""
    """Only conversations in which this word was said in the period."""
    stop: tuple[str, ...] = ()
    """Words that are counted nowhere."""
    utc_offset_minutes: int = 0
    """Where the reader's day begins: 540 in Seoul."""
    owner: str = ""
    """Only this visitor's conversations. As the next one it is seen_by that sets it."""
    fewest: int = 0
    """A view, or a group in it, of fewer conversations than this is as an empty one."""


def audience(db: Database) -> Audience:
    """What the administrators let visitors see; totals while nobody chose."""
    saved = preferences.get(db, AUDIENCE_KEY, "totals")
    return saved if saved in get_args(Audience) else "totals"


def set_audience(db: Database, who: Visitor, chosen: Audience) -> None:
    """Raises NotAllowed."""
    preferences.set(db, who, AUDIENCE_KEY, chosen)


def seen_by(db: Database, who: Visitor, view: AnalyticsFilter) -> AnalyticsFilter:
    """As much of a view as somebody may see; every function of the page asks this first.

    Of totals the words are names of drinks alone: others are people's own, names and illnesses among them. Nor does a word narrow them.
    """
    if who.administrator:
        return replace(view, owner="", fewest=0)
    match audience(db):
        case "totals":
            return replace(view, owner="", fewest=FEWEST_CONVERSATIONS, pos=("drink",), word="")
        case "own":
            return replace(view, owner=who.id or "nobody", fewest=0)
        case "all":
            return replace(view, owner="", fewest=0)


def more_than_totals(db: Database, who: Visitor, view: AnalyticsFilter) -> AnalyticsFilter:
    """As seen_by, for what shows single answers or words of people's own. Raises NotAllowed where only totals are seen."""
    view = seen_by(db, who, view)
    if view.fewest:
        raise NotAllowed("totals_only")
    return view


def data_version(db: Database) -> str:
    """Changes whenever any table of the page may: the key of its cache and of the analysts' snapshot."""
    return str(
        table(
            db,
            """
            SELECT concat_ws('/', (SELECT count(*) FROM messages), (SELECT max(created_at) FROM messages),
                             (SELECT count(*) FROM words), (SELECT max(created_at) FROM analysers),
                             (SELECT count(deleted_at) FROM conversations), (SELECT max(deleted_at) FROM conversations)) AS s
            """,
        )["s"][0]
    )


def counts(db: Database, who: Visitor, view: AnalyticsFilter) -> pd.DataFrame:
    """One row: conversations, questions, answers, failures, tokens, first_token_s, tokens_per_s.

    The last two are medians of the answers, NaN without any.   failures: answers that failed and questions whose answer the end of the process cut.
    What came from a file is counted as said, and no more: how it was answered tells nothing of this app.
    """
    view = seen_by(db, who, view)
    asked, asked_values = where(view, "m", model=False)
    made, made_values = where(view)
    return table(
        db,
        f"""
        WITH asked AS (SELECT m.id, m.conversation_id, m.created_at FROM messages m WHERE m.role = 'question' AND {asked}),
        cut AS (SELECT a.id FROM asked a ANTI JOIN messages b ON b.parent = a.id AND b.role = 'answer'
                WHERE a.created_at < ? AND a.conversation_id NOT IN (SELECT id FROM conversations WHERE session = 'imported')),
        here AS (SELECT * FROM generations WHERE {made} AND {MADE_HERE}),
        made AS (SELECT * FROM generations WHERE {made})
        SELECT (SELECT count(DISTINCT conversation_id) FROM asked) AS conversations, (SELECT count(*) FROM asked) AS questions,
               (SELECT count(*) FROM made WHERE finish <> 'failed') AS answers,
               (SELECT count(*) FROM here WHERE finish = 'failed') + (SELECT count(*) FROM cut) AS failures,
               (SELECT coalesce(sum(completion_tokens), 0)::BIGINT FROM here) AS tokens,
               (SELECT median(first_token_s) FROM here WHERE finish <> 'failed') AS first_token_s,
               (SELECT median(tokens_per_s) FROM here WHERE finish <> 'failed') AS tokens_per_s
        """,
        *asked_values,
        db.opened_at,
        *made_values,
        *made_values,
    )


def activity(db: Database, who: Visitor, view: AnalyticsFilter) -> pd.DataFrame:
    """day, conversations, answers, tokens, first_token_s, tokens_per_s (medians): one row for each day with an answer. Tokens and
    medians are of what was answered here."""
    view = seen_by(db, who, view)
    chosen, values = where(view)
    return table(
        db,
        f"""
        SELECT {DAY} AS day, count(DISTINCT conversation_id) AS conversations, count(*) FILTER (finish <> 'failed') AS answers,
               coalesce(sum(completion_tokens) FILTER ({MADE_HERE}), 0)::BIGINT AS tokens,
               median(first_token_s) FILTER (finish <> 'failed' AND {MADE_HERE}) AS first_token_s,
               median(tokens_per_s) FILTER (finish <> 'failed' AND {MADE_HERE}) AS tokens_per_s
        FROM generations WHERE {chosen} GROUP BY day {having(view)} ORDER BY day
        """,
        view.utc_offset_minutes,
        *values,
    )


def guard_shares(db: Database, who: Visitor, view: AnalyticsFilter) -> pd.DataFrame:
    """guard, n, share: how many of the answers finished here were written how (records.Exchange.guard); share adds up to 1."""
    view = seen_by(db, who, view)
    chosen, values = where(view)
    return table(
        db,
        f"""
        SELECT guard, count(*) AS n, count(*) / sum(count(*)) OVER () AS share
        FROM generations WHERE {chosen} AND finish <> 'failed' AND {MADE_HERE} GROUP BY guard {having(view)} ORDER BY n DESC, guard
        """,
        *values,
    )


def models(db: Database, who: Visitor) -> list[str]:
    """The models that answered, the busiest first."""
    view = seen_by(db, who, AnalyticsFilter())
    chosen, values = where(view)
    found = table(
        db,
        f"SELECT model_id AS m FROM generations WHERE {chosen} AND model_id IS NOT NULL GROUP BY m {having(view)} ORDER BY count(*) DESC, m",
        *values,
    )
    return [str(model) for model in found["m"]]


def where(view: AnalyticsFilter, alias: str = "", *, model: bool = True) -> tuple[str, list[Any]]:
    """The view's period, language, model and word as a condition on messages, generations or words, with its values."""
    dot = f"{alias}." if alias else ""
    period = [
        (condition, value)
        for condition, value in (("created_at >= ?", view.since), ("created_at < ?", view.until))
        if value
    ]
    parts = [f"{dot}{condition}" for condition, _ in period]
    values: list[Any] = [value for _, value in period]
    for condition, value in ((f"{dot}lang = ?", view.lang), (f"{dot}model_id = ?", view.model if model else "")):
        if value:
            parts.append(condition)
            values.append(value)
    if view.word:
        # with the period, so that of 20 million words those of its days are read and no others
        word_filter = " AND ".join(("word = ?", f"analyser_version = {SHOWN}", *(condition for condition, _ in period)))
        parts.append(f"{dot}conversation_id IN (SELECT conversation_id FROM words WHERE {word_filter})")
        values += [view.word, *(value for _, value in period)]
    if view.owner:
        parts.append(f"{dot}conversation_id IN (SELECT id FROM conversations WHERE owner = ?)")
        values.append(view.owner)
    if view.fewest:
        # by their answers, whatever table it is that asks: all of it is shown or none
        among, among_values = where(replace(view, fewest=0))
        parts.append(f"(SELECT count(DISTINCT conversation_id) FROM generations WHERE {among}) >= {int(view.fewest)}")
        values += among_values
    return " AND ".join(parts) or "true", values


def having(view: AnalyticsFilter, conversation: str = "conversation_id") -> str:
    """What leaves out the groups of too few conversations, after a GROUP BY; nothing where all are shown."""
    return f"HAVING count(DISTINCT {conversation}) >= {int(view.fewest)}" if view.fewest else ""


def table(db: Database, sql: str, *values: Any) -> pd.DataFrame:
    with db.cursor() as cursor:
        return cursor.execute(sql, list(values)).df()
