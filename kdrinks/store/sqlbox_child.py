"""The child process of sqlbox.py: one task as JSON on standard input, its answer as JSON on standard output.

Started as a file, imports nothing of kdrinks. Only one SELECT runs; DuckDB itself refuses files, networks, extensions and settings.
"""

import json
import sys
import time

import duckdb

MOST_ROWS = 10_000


def main() -> None:
    task = json.load(sys.stdin)
    try:
        answer = run(task["folder"], task["views"], task["sql"], task["memory_limit_mb"])
    except duckdb.Error as exc:
        answer = problem(exc)
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
        "rows": rows[:MOST_ROWS],
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


def quoted(text: str) -> str:
    return text.replace("'", "''")


def plain(value: object) -> object:
    return str(value)


if __name__ == "__main__":
    main()
