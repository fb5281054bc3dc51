"""Copies for analysts: whole tables as Parquet, CSV and JSONL, and one chart's table as a download.

Copies hold no path of this machine (files by name only) and no session; CSV begins with a byte order mark, without which a
spreadsheet reads Hangul as another encoding, and no cell or column name in it runs as a formula (spreadsheet.py).
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from kdrinks.errors import BadInput, StoreNotWritable
from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.store import forget
from kdrinks.store.db import Database, translate_errors
from kdrinks.store.ratings import CONSENTED
from kdrinks.store.spreadsheet import cell
from kdrinks.store.views import MADE_HERE, NO_PATHS

FORMATS = ("parquet", "csv", "jsonl")

TABLES = {
    "conversations": "SELECT id, created_at, session = 'sample' AS sample FROM conversations ORDER BY id",
    "messages": "SELECT * FROM messages ORDER BY created_at, id",
    "generations": f"SELECT * REPLACE (parse_filename(file) AS file, {NO_PATHS} AS error) FROM generations ORDER BY created_at, message_id",
    "words": "SELECT * FROM words ORDER BY created_at, message_id, word",
    "citations": "SELECT * FROM citations ORDER BY created_at, message_id, number",
    "ratings": "SELECT * FROM ratings ORDER BY created_at, message_id",
    # whole like the rest: what they hold of a person stands in that person's questions too; no view of analysts has them
    # but for what a model thought on the way: that was never said
    "traces": """SELECT * REPLACE (json_merge_patch(trace, '{"thought": null}') AS trace) FROM traces ORDER BY created_at, message_id""",
}

# One line a conversation, as chat fine-tuning tools read it: each question with its last finished answer.
# Of a visitor's (they have an owner) only the answers that may be used so, as they ticked at their rating.
# Nothing that came from a file: other programs' answers, invented ones, and visitors' for whom a file cannot consent.
_CHATS = f"""
WITH answered AS (
    SELECT q.conversation_id, q.created_at, q.id, q.text AS question, arg_max(a.text, a.created_at) AS answer
    FROM messages q JOIN messages a ON a.parent = q.id AND a.role = 'answer' AND a.text <> ''
    JOIN generations g ON g.message_id = a.id AND g.finish IN ('stop', 'length') AND {MADE_HERE}
    WHERE q.role = 'question' AND q.conversation_id NOT IN (SELECT id FROM conversations WHERE session = 'imported')
      AND (q.conversation_id IN (SELECT id FROM conversations WHERE owner IS NULL) OR a.id IN ({CONSENTED}))
    GROUP BY q.conversation_id, q.created_at, q.id, q.text
)
SELECT conversation_id::VARCHAR AS id, flatten(list([{{'role': 'user', 'content': question}}, {{'role': 'assistant', 'content': answer}}]
    ORDER BY created_at, answered.id)) AS messages
FROM answered GROUP BY conversation_id ORDER BY conversation_id
"""


def export(db: Database, who: Visitor, folder: Path, formats: Sequence[str] = FORMATS) -> dict[str, Any]:
    """Write every table into folder, which is made; returns {"files": names, "rows": rows by table}.

    Files of the same name are replaced. JSONL is conversations only, in fine-tune form; of a hosted site's visitors what
    they consented to.
    Raises BadInput for an unknown format, StoreNotWritable when the folder or disk refuses, NotAllowed.
    """
    administrators_only(who)
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise BadInput("export_format", found=", ".join(unknown), known=", ".join(FORMATS))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreNotWritable("export_not_writable", path=folder, cause=exc.strerror or exc) from exc
    # what a person deleted is in no copy, whether or not it could still be taken back
    forget.carry_out(db, at_once=True)
    files: list[str] = []
    rows: dict[str, int] = {}
    with db.cursor() as cursor, translate_errors(folder, not_writable="export_not_writable"):
        cursor.begin()  # one state of the data in all files
        for name, sql in TABLES.items():
            found = cursor.execute(f"SELECT count(*) FROM {name}").fetchone()
            rows[name] = found[0] if found else 0
            if "parquet" in formats:
                cursor.execute(f"COPY ({sql}) TO {_quoted(folder / f'{name}.parquet')} (FORMAT parquet)")
                files.append(f"{name}.parquet")
            if "csv" in formats:
                _write(folder / f"{name}.csv", as_csv(cursor.execute(sql).df()))
                files.append(f"{name}.csv")
        if "jsonl" in formats:
            cursor.execute(f"COPY ({_CHATS}) TO {_quoted(folder / 'chats.jsonl')} (FORMAT json)")
            files.append("chats.jsonl")
        cursor.rollback()
    return {"files": files, "rows": rows}


def as_csv(table: pd.DataFrame) -> bytes:
    """A table as a spreadsheet opens it: UTF-8 with a byte order mark, no cell that runs as a formula."""
    safe = table.copy()
    for place, kind in enumerate(table.dtypes):
        if not (is_numeric_dtype(kind) or is_datetime64_any_dtype(kind)):
            safe.isetitem(place, table.iloc[:, place].astype("string").map(cell, na_action="ignore"))
    safe.columns = pd.Index([cell(str(name)) for name in table.columns])
    text: str = safe.to_csv(index=False, lineterminator="\r\n")
    return text.encode("utf-8-sig")


def as_parquet(db: Database, table: pd.DataFrame) -> bytes:
    """A table as one Parquet file's content."""
    with (
        tempfile.TemporaryDirectory() as folder,
        db.cursor() as cursor,
        translate_errors(Path(folder), not_writable="export_not_writable"),
    ):
        file = Path(folder) / "table.parquet"
        cursor.register("chart", table)
        cursor.execute(f"COPY chart TO {_quoted(file)} (FORMAT parquet)")
        return file.read_bytes()


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as exc:
        raise StoreNotWritable("export_not_writable", path=file.parent, cause=exc.strerror or exc) from exc


def _quoted(file: Path) -> str:
    return "'" + str(file).replace("'", "''") + "'"
