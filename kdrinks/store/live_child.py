"""The child process of live.py: serves the views that another process has, and ends when a query lasts too long or its client is gone.

DuckDB's Quack goes on with a query whose client was killed, and no statement stops it; ending the process that computes it does. Started as a
file, imports nothing of kdrinks. One task as JSON in the first line of standard input; the end of that input ends it too.
"""

import json
import os
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

import duckdb
import psutil

LOOK_S = 0.25


def main() -> None:
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_app, daemon=True).start()
    connection = duckdb.connect(":memory:")
    connection.execute(f"SET memory_limit = '{task['memory_limit_mb']}MB'")
    connection.execute("SET threads = 2")
    connection.execute("SET temp_directory = ''")
    for file in task["extensions"]:
        connection.execute(f"LOAD {quoted(file)}")
    # a secret, for whoever may list the views reads what they are made of
    connection.execute(f"CREATE SECRET source (TYPE quack, TOKEN {quoted(task['source_token'])})")
    connection.execute(f"CREATE SCHEMA {task['schema']}")
    for name in task["views"]:
        rows = quoted(f"FROM {task['schema']}.{name}")
        source = f"quack_query({quoted(task['source'])}, {rows})"
        connection.execute(f"CREATE VIEW {task['schema']}.{name} AS FROM {source}")
    connection.execute(task["authorization"])
    connection.execute(f"SET GLOBAL quack_authorization_function = '{task['schema']}.only_views'")
    connection.execute(f"CALL quack_serve({quoted(task['address'])}, token = {quoted(task['token'])})")
    print("ready", flush=True)
    port = int(task["address"].rsplit(":", 1)[1])
    while not _must_end(connection, port, task["time_limit_s"]):
        time.sleep(LOOK_S)
    os._exit(1)  # at once: a query under way would be waited for


def _must_end(connection: Any, port: int, time_limit_s: float) -> bool:
    began = _active(connection)
    if not began:
        return False
    now = datetime.now(UTC).replace(tzinfo=None)
    if max((now - one).total_seconds() for one in began) > time_limit_s:
        return True
    sockets = psutil.Process().net_connections("tcp")
    if any(one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port for one in sockets):
        return False
    # a query that was answered between the two looks has no client any more either
    return bool(began & _active(connection))


def _active(connection: Any) -> set[datetime]:
    """When each query under way began."""
    with connection.cursor() as cursor:
        rows = cursor.execute("SELECT query_started_at FROM quack_active_connections() WHERE state = 'active'")
        return {row[0] for row in rows.fetchall()}


def _end_with_the_app() -> None:
    sys.stdin.read()
    os._exit(0)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


if __name__ == "__main__":
    main()
