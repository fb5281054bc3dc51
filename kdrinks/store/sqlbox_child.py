"""The child process of sqlbox.py: one task as JSON on standard input, its answer as JSON on standard output.

Started as a file, imports nothing of kdrinks. Only one SELECT runs; DuckDB itself refuses files, networks, extensions and settings.
"""

import json
import sys
import time
import zoneinfo
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import duckdb

MOST_ROWS = 10_000


class Zone(zoneinfo.ZoneInfo):
    """What DuckDB asks the package pytz for, which is not there, when it hands over a TIMESTAMPTZ; Python knows the zones itself."""

    def localize(self, time: datetime) -> datetime:
        return time.replace(tzinfo=self)


def main() -> None:
    task = json.load(sys.stdin)
    sys.modules["pytz"] = cast(Any, SimpleNamespace(timezone=Zone))
    try:
        answer = run(task["folder"], task["views"], task["sql"], task["memory_limit_mb"])
    except duckdb.Error as exc:
        answer = problem(exc)
    except (OverflowError, ValueError) as exc:  # a time that Python cannot hold in its zone
        answer = {"error": str(exc), "key": "refused"}
    json.dump(answer, sys.stdout, ensure_ascii=False, default=plain)


def run(folder: str, views: list[str], sql: str, memory_limit_mb: int) -> dict[str, object]:
    """Open the views, close the doors, run the query."""
    # DuckDB's own limit spares what it does not count (results, hash tables of some functions): the kernel's is the last one
    if sys.platform != "win32":
        import resource

        limit = memory_limit_mb * 2**20 * 4
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection = duckdb.connect(":memory:")
    files = [f"{folder}/{name}.parquet" for name in views]
    connection.execute(f"SET memory_limit = '{memory_limit_mb}MB'")
    connection.execute("SET threads = 2")
    connection.execute("SET temp_directory = ''")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    for name, file in zip(views, files, strict=True):
        connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{quoted(file)}')")
    connection.execute("SET allowed_paths = [" + ", ".join(f"'{quoted(file)}'" for file in files) + "]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET errors_as_json = true")
    connection.execute("SET lock_configuration = true")
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        return {"error": "", "key": "not_one_select"}
    if statements[0].type == duckdb.StatementType.EXPLAIN and "analyze" in sql.lower().split("select")[0]:
        return {"error": "", "key": "not_one_select"}  # EXPLAIN ANALYZE runs what it explains
    began = time.perf_counter()
    result = connection.execute(statements[0])
    rows = result.fetchmany(MOST_ROWS + 1)
    columns = result.description or []
    return {
        "columns": [column[0] for column in columns],
        "types": [str(column[1]) for column in columns],
        "rows": [[with_names(value) for value in row] for row in rows[:MOST_ROWS]],
        "cut": len(rows) > MOST_ROWS,
        "took_s": time.perf_counter() - began,
    }


def problem(exc: duckdb.Error) -> dict[str, object]:
    """DuckDB's error as {error, key} and the position in the query, in bytes, where it gives one."""
    try:
        error = json.loads(str(exc).split(":", 1)[1] if not str(exc).startswith("{") else str(exc))
    except (ValueError, IndexError):
        error = {"exception_type": type(exc).__name__, "exception_message": str(exc)}
    key = "no_memory" if error["exception_type"] == "Out of Memory" else "refused"
    answer = {"error": error["exception_message"].split("\n\nLINE ")[0].strip(), "key": key}
    if error.get("position"):
        answer["position"] = int(error["position"])
    return answer


def with_names(value: object) -> object:
    """The keys of a MAP as texts, which JSON wants."""
    if isinstance(value, dict):
        return {str(key): with_names(one) for key, one in value.items()}
    return [with_names(one) for one in value] if isinstance(value, list | tuple) else value


def quoted(text: str) -> str:
    return text.replace("'", "''")


def plain(value: object) -> object:
    return str(value)


if __name__ == "__main__":
    main()
