"""Measured runs of chosen settings, beside each other: how fast, how much memory, how well the files still know the language.

A setting is a file on a device with a context and a number of threads. What has fewer than RUNS_TO_SHOW runs is in no table of
results: one run may have met anything. Rows are written one by one, so that a comparison that was broken off keeps what it has.
"""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.store.db import Database, new_id, now

RUNS_TO_SHOW = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """What was compared, as a person chose it."""

    place: int
    """In the order of the comparison, from 0."""
    model_id: str
    file: str
    """Without its folder."""
    quantization: str
    size_bytes: int
    device: str
    context_tokens: int
    threads: int
    """0: as many as the engine takes by itself."""


@dataclass(frozen=True, slots=True)
class Run:
    """One answer of one setting. error: why there is none; the numbers are 0 then."""

    prompt: str
    cold: bool
    error: str | None = None
    device_used: str = ""
    gpu_layers: int = 0
    layers: int = 0
    context_used: int = 0
    threads_used: int = 0
    kv_type: str = ""
    load_s: float = 0.0
    prompt_tokens: int = 0
    prompt_s: float = 0.0
    first_token_s: float = 0.0
    completion_tokens: int = 0
    completion_s: float = 0.0
    memory_bytes: int = 0
    identity: str | None = None
    """Of the generation (generation.identity); None where a part of it is not known."""


def record_run(db: Database, comparison_id: str, setting: Setting, round_number: int, run: Run) -> None:
    """round_number: which pass over the prompts, from 0. Raises StoreError."""
    _insert(db, "comparison_runs", comparison_id, setting, {"round": round_number, **asdict(run)})


def record_perplexity(
    db: Database,
    comparison_id: str,
    setting: Setting,
    *,
    lang: str,
    text_hash: str,
    scored_tokens: int,
    perplexity: float,
) -> None:
    """perplexity: of scored_tokens tokens of the text with this hash. Raises StoreError."""
    values = {"lang": lang, "text_hash": text_hash, "scored_tokens": scored_tokens, "perplexity": perplexity}
    _insert(db, "perplexities", comparison_id, setting, values)


def _insert(db: Database, table: str, comparison_id: str, setting: Setting, values: dict[str, Any]) -> None:
    """The columns are called as the fields of Setting and Run."""
    row = {"id": new_id(), "comparison_id": comparison_id, "created_at": now(), **asdict(setting), **values}
    with db.write() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values())
        )


_KEYS = "place, model_id AS model, quantization, device, context_tokens AS context, threads"
_GROUP = "place, model_id, quantization, device, context_tokens, threads"


_RUNS = "least(count(DISTINCT round), count(*) // count(DISTINCT prompt))"
"""Whole passes over the prompts: the last one of a comparison that was cancelled may lack some."""


def comparisons(db: Database, who: Visitor) -> pd.DataFrame:
    """id, begun, settings, models: the comparisons with something to show, the latest first; times are UTC. Raises NotAllowed."""
    administrators_only(who)
    return _table(
        db,
        f"""
        WITH shown AS (
            SELECT comparison_id, place, any_value(model_id) AS model, min(created_at) AS begun FROM comparison_runs
            WHERE error IS NULL GROUP BY comparison_id, place, cold HAVING {_RUNS} >= {RUNS_TO_SHOW}
        )
        SELECT comparison_id::VARCHAR AS id, min(begun) AS begun, count(DISTINCT place) AS settings, string_agg(DISTINCT model, ', ' ORDER BY model) AS models
        FROM shown GROUP BY comparison_id ORDER BY begun DESC, id DESC
        """,
    )


def results(db: Database, who: Visitor, comparison_id: str) -> pd.DataFrame:
    """One row for each setting, cold and warm, with RUNS_TO_SHOW runs or more: its keys, cold, n (runs over the prompts), used,
    gpu_layers, layers, threads_used, context_used, kv_type, and median, min and max of wait_s, read_tokens_per_s and
    write_tokens_per_s, memory_bytes (the highest) and size_bytes.

    wait_s: to the first token; cold: from the load's begin on. Raises NotAllowed.
    """
    administrators_only(who)
    measures = ", ".join(
        f"{function}({name}) AS {name}_{function}"
        for name in ("wait_s", "read_tokens_per_s", "write_tokens_per_s")
        for function in ("median", "min", "max")
    )
    return _table(
        db,
        f"""
        WITH runs AS (
            SELECT *, load_s + first_token_s AS wait_s, prompt_tokens / nullif(prompt_s, 0) AS read_tokens_per_s,
                   (completion_tokens - 1) / nullif(completion_s, 0) AS write_tokens_per_s
            FROM comparison_runs WHERE comparison_id = ? AND error IS NULL
        )
        SELECT {_KEYS}, cold, {_RUNS} AS n, mode(device_used) AS used, mode(gpu_layers) AS gpu_layers,
               mode(layers) AS layers, mode(threads_used) AS threads_used, mode(context_used) AS context_used,
               mode(kv_type) AS kv_type, {measures}, max(memory_bytes) AS memory_bytes, max(size_bytes) AS size_bytes
        FROM runs GROUP BY {_GROUP}, cold HAVING {_RUNS} >= {RUNS_TO_SHOW} ORDER BY place, cold DESC
        """,
        comparison_id,
    )


def qualities(db: Database, who: Visitor, comparison_id: str) -> pd.DataFrame:
    """place, model, quantization, lang, scored_tokens, perplexity, size_bytes: one row for each file and language. Raises NotAllowed."""
    administrators_only(who)
    return _table(
        db,
        """
        SELECT min(place) AS place, model_id AS model, quantization, lang, arg_max(scored_tokens, created_at) AS scored_tokens,
               arg_max(perplexity, created_at) AS perplexity, max(size_bytes) AS size_bytes
        FROM perplexities WHERE comparison_id = ? GROUP BY model_id, quantization, lang ORDER BY place, lang DESC
        """,
        comparison_id,
    )


def problems(db: Database, who: Visitor, comparison_id: str) -> pd.DataFrame:
    """place, model, quantization, device, context, threads, error: the settings that could not be run, and the last reason, which may name
    folders of this machine. Raises NotAllowed."""
    administrators_only(who)
    return _table(
        db,
        f"""
        SELECT {_KEYS}, arg_max(error, created_at) AS error FROM comparison_runs
        WHERE comparison_id = ? AND error IS NOT NULL GROUP BY {_GROUP} ORDER BY place
        """,
        comparison_id,
    )


def forget(db: Database, who: Visitor, comparison_id: str) -> None:
    """Deletes a comparison. Raises NotAllowed, StoreError."""
    administrators_only(who)
    with db.write() as cursor:
        for table in ("comparison_runs", "perplexities"):
            cursor.execute(f"DELETE FROM {table} WHERE comparison_id = ?", [comparison_id])


def _table(db: Database, sql: str, *values: Any) -> pd.DataFrame:
    with db.cursor() as cursor:
        return cursor.execute(sql, list(values)).df()
