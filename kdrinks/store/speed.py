"""How fast answers came: by device, model, quantization, context, cold or warm. Failed answers are in no median.
Answers that came from a file are in nothing here, whoever gave them.

Short pandas tables straight from SQL; which groups are too small to rank is said by n, and the charts fade those below RUNS_TO_RANK.
"""

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.store.analytics import AnalyticsFilter, having, more_than_totals, seen_by, table, where
from kdrinks.store.db import Database
from kdrinks.store.views import MADE_HERE, NO_PATHS

Measure = Literal["first_token_s", "tokens_per_s"]
RUNS_TO_RANK = 5
"""A median of fewer runs says little: charts show it faded."""
GROUPS: dict[str, str] = {
    "device": "device_used",
    "model": "model_id",
    "quantization": "quantization",
    "context": "context_tokens",
    "cold": "cold",
}


def timings(
    db: Database, who: Visitor, view: AnalyticsFilter, by: Sequence[str] = ("device", "model", "quantization", "cold")
) -> pd.DataFrame:
    """One row for each group: its keys, n, failures, medians of queue_s and (of those that loaded) load_s, and median and 95th percentile
    of first_token_s and tokens_per_s.

    by: keys of GROUPS. n counts what is timed: answers that did not fail. Answers without a model are left out. p95 of tokens_per_s is the fast end; tokens_per_s_p05 the slow one.
    """
    view = seen_by(db, who, view)
    keys = ", ".join(f"{GROUPS[key]} AS {key}" for key in by)
    chosen, values = where(view)
    return table(
        db,
        f"""
        SELECT {keys}, count(first_token_s) AS n, median(queue_s) AS queue_s_median, median(load_s) FILTER (load_s > 0) AS load_s_median, count(*) FILTER (finish = 'failed') AS failures,
               median(first_token_s) AS first_token_s_median, quantile_cont(first_token_s, 0.95) AS first_token_s_p95,
               median(tokens_per_s) AS tokens_per_s_median, quantile_cont(tokens_per_s, 0.95) AS tokens_per_s_p95,
               quantile_cont(tokens_per_s, 0.05) AS tokens_per_s_p05,
               median(prompt_tokens / nullif(prompt_s, 0)) AS prompt_tokens_per_s_median, sum(completion_tokens)::BIGINT AS tokens
        FROM (SELECT * REPLACE (CASE WHEN finish <> 'failed' THEN first_token_s END AS first_token_s,
                                CASE WHEN finish <> 'failed' THEN tokens_per_s END AS tokens_per_s)
              FROM generations WHERE {chosen} AND {MADE_HERE} AND model_id IS NOT NULL)
        GROUP BY {", ".join(by)} {having(view)} ORDER BY n DESC, {", ".join(by)}
        """,
        *values,
    )


def timing_points(db: Database, who: Visitor, view: AnalyticsFilter, *, limit: int = 2000) -> pd.DataFrame:
    """The last answers one by one: at, device, model, quantization, cold, finish, prompt_tokens, cached_tokens, queue_s, load_s,
    prompt_s, first_token_s, tokens_per_s, total_s. Raises NotAllowed where only totals are seen."""
    view = more_than_totals(db, who, view)
    chosen, values = where(view)
    return table(
        db,
        f"""
        SELECT created_at + to_minutes(?) AS at, device_used AS device, model_id AS model, quantization, cold, finish, prompt_tokens,
               cached_tokens, queue_s, load_s, prompt_s, first_token_s, tokens_per_s, total_s
        FROM generations WHERE {chosen} AND {MADE_HERE} AND model_id IS NOT NULL ORDER BY created_at DESC LIMIT ?
        """,
        view.utc_offset_minutes,
        *values,
        limit,
    )


def distribution(
    db: Database, who: Visitor, view: AnalyticsFilter, measure: Measure, *, bins: int = 24
) -> pd.DataFrame:
    """device, low, high, n: how many answers took so long; steps of equal ratio, because devices differ by factors.

    The first and the last step hold what lies beyond the 1st and the 99th percentile.
    """
    view = seen_by(db, who, view)
    chosen, values = where(view)
    return table(
        db,
        f"""
        WITH timed AS (
            SELECT device_used AS device, ln({measure}) AS value, conversation_id FROM generations
            WHERE {chosen} AND {MADE_HERE} AND model_id IS NOT NULL AND finish <> 'failed' AND {measure} > 0
        ),
        ends AS (SELECT quantile_cont(value, 0.01) AS low, greatest(quantile_cont(value, 0.99), quantile_cont(value, 0.01) + 0.1) AS high FROM timed),
        binned AS (
            SELECT device, conversation_id, greatest(least(floor((value - low) / (high - low) * ?), ? - 1), 0) AS bin, low, (high - low) / ? AS width
            FROM timed, ends
        )
        SELECT device, exp(low + bin * width) AS low, exp(low + (bin + 1) * width) AS high, count(*) AS n FROM binned
        GROUP BY device, bin, binned.low, width {having(view)} ORDER BY device, bin
        """,
        *values,
        bins,
        bins,
        bins,
    )


def failures(db: Database, who: Visitor, view: AnalyticsFilter, *, limit: int = 50) -> pd.DataFrame:
    """error, model, device, n, last: what went wrong, the most frequent first; model and device are NULL when no model was loaded.

    Raises NotAllowed where only totals are seen.
    """
    view = more_than_totals(db, who, view)
    chosen, values = where(view)
    return table(
        db,
        f"""
        SELECT {NO_PATHS} AS error, model_id AS model, device_used AS device, count(*) AS n, max(created_at) + to_minutes(?) AS last
        FROM generations WHERE {chosen} AND {MADE_HERE} AND finish = 'failed' GROUP BY ALL ORDER BY n DESC, last DESC LIMIT ?
        """,
        view.utc_offset_minutes,
        *values,
        limit,
    )


def memory(db: Database, who: Visitor, view: AnalyticsFilter) -> pd.DataFrame:
    """model, quantization, context, device, n, predicted_mb, measured_mb: the engine's memory (median) beside what was predicted before
    loading, NULL where nothing was. Raises NotAllowed: what the server has is for its administrators."""
    administrators_only(who)
    chosen, values = where(view)
    return table(
        db,
        f"""
        SELECT model_id AS model, quantization, context_tokens AS context, device_used AS device, count(*) AS n,
               median(predicted_memory_bytes) / 1e6 AS predicted_mb, median(measured_memory_bytes) / 1e6 AS measured_mb
        FROM generations WHERE {chosen} AND {MADE_HERE} AND measured_memory_bytes > 0 GROUP BY ALL ORDER BY measured_mb DESC, model, context
        """,
        *values,
    )
