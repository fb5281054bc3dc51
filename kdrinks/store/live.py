"""A live, read-only connection for another DuckDB on this machine, while the app runs: DuckDB's Quack protocol, off until somebody asks.

Quack serves the whole database to whoever has the token, for reading and writing. So every statement that arrives passes `only_views`:
it must parse as one SELECT, name no table but the documented views (schema `live`; a CTE's name counts as none), and call no table
function but those that list them. Rows that a client sends for an INSERT come as a message of their own, which is no SELECT either.

What is computed for analysts is computed in a child process (live_child.py), which asks this one for the rows of the views: a query that lasts
longer than TIME_LIMIT_S, or whose client is gone, ends with the child, and another one takes its place. Whoever was connected attaches again.
"""

import json
import re
import secrets
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from weakref import WeakKeyDictionary

import duckdb

from kdrinks.errors import StoreError
from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.store.db import Cursor, Database
from kdrinks.store.views import VIEWS

SCHEMA = "live"
EXTENSIONS = ("httpfs", "quack")
"""In the order of loading: without httpfs the server answers every request with status 500."""
PORT = 9494
"""Quack's own default; another free one while something else has it."""
TABLES = ("conversations", "messages", "generations", "words", "citations", "analysers")
"""What the views read."""

TIME_LIMIT_S = 30.0
"""Of one query."""
MEMORY_LIMIT_MB = 1024
START_S = 30.0
RESTART_S = 0.2
"""Between a child that has ended and the next."""

_STRING = r'(?:[^"\\]|\\.)*'
_ONLY_VIEWS = f"""
CREATE OR REPLACE MACRO {SCHEMA}.only_views(connection, sql) AS (
    SELECT coalesce(tree->>'error' = 'false', false)
       AND list_has_all(
               [{{views}}, '"schema_name":"information_schema","table_name":"schemata"']
               || [format('"schema_name":"","table_name":"{{}}"', name) FOR name IN regexp_extract_all(told, '"key":"([\\w가-힣]+)"', 1)
                   IF NOT list_contains(raw, lower(name))],
               regexp_extract_all(told, '"schema_name":"{_STRING}","table_name":"{_STRING}"'))
       AND list_has_all(['duckdb_tables', 'duckdb_views', 'duckdb_columns', 'unnest', 'range', 'generate_series'],
               regexp_extract_all(told, '"type":"TABLE_FUNCTION".*?"function_name":"({_STRING})"', 1))
    FROM (SELECT json_serialize_sql(sql::VARCHAR) AS tree, json_serialize_sql(sql::VARCHAR)::VARCHAR AS told,
                 coalesce((SELECT list(lower(table_name)) FROM duckdb_tables()), []) AS raw)
)
"""


@dataclass(frozen=True, slots=True)
class LiveConnection:
    """Where the views are served; attach_sql() is how another DuckDB reads them."""

    address: str
    token: str


def start(db: Database, who: Visitor) -> LiveConnection:
    """Serve the views on loopback until stop() or the end of the process; the connection that is open when there is one.

    Raises StoreError when the extensions are not installed or the server cannot start; NotAllowed.
    """
    administrators_only(who)
    if db.live:
        return LiveConnection(*db.live)
    files = [_extension(name) for name in EXTENSIONS]
    address, token = f"quack:localhost:{_free_port(PORT, 0)}", secrets.token_urlsafe(24)
    source, source_token = f"quack:localhost:{_free_port(0)}", secrets.token_urlsafe(24)
    with db.cursor() as cursor:
        try:
            for file in files:
                cursor.execute(f"LOAD {_quoted(str(file))}")
            authorization = _make_views(cursor)
            cursor.execute(f"SET GLOBAL quack_authorization_function = '{SCHEMA}.only_views'")
            cursor.execute(f"CALL quack_serve('{source}', token = '{source_token}')")
        except duckdb.Error as exc:
            raise StoreError("live_failed", cause=str(exc).splitlines()[0]) from exc
    task = {
        "extensions": [str(file) for file in files],
        "source": source,
        "source_token": source_token,
        "address": address,
        "token": token,
        "schema": SCHEMA,
        "views": [view.name for view in VIEWS],
        "authorization": authorization,
        "time_limit_s": TIME_LIMIT_S,
        "memory_limit_mb": MEMORY_LIMIT_MB,
    }
    served = _Served(source, task)
    db.live = address, token
    _served[db] = served
    threading.Thread(target=served.keep_up, name="live", daemon=True).start()
    if not served.ready.wait(START_S):
        stop(db, who)
        raise StoreError("live_failed", cause="no answer")
    return LiveConnection(address, token)


def stop(db: Database, who: Visitor) -> None:
    """Stop serving and end what is connected; nothing when nothing is served. Raises NotAllowed."""
    administrators_only(who)
    if db.live:
        served = _served.pop(db)
        served.end()
        with db.cursor() as cursor:
            cursor.execute(f"CALL quack_stop('{served.source}')")
        db.live = None


@dataclass(slots=True)
class _Served:
    """The child that serves, and whoever takes its place."""

    source: str
    """Address at which this process serves the child."""
    task: dict[str, object]
    ready: threading.Event = field(default_factory=threading.Event)
    _ending: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _process: "subprocess.Popen[str] | None" = None

    def keep_up(self) -> None:
        """Until end(): starts a child, and another one where it has ended itself."""
        while True:
            with self._lock:
                if self._ending.is_set():
                    return
                process = self._process = subprocess.Popen(
                    [sys.executable, "-P", str(Path(__file__).with_name("live_child.py"))],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            assert process.stdin and process.stdout
            with process, suppress(BrokenPipeError):
                process.stdin.write(json.dumps(self.task) + "\n")
                process.stdin.flush()
                if process.stdout.readline().strip() == "ready":
                    self.ready.set()
                process.wait()
            self._ending.wait(RESTART_S)

    def end(self) -> None:
        """With all that is computed."""
        with self._lock:
            self._ending.set()
            if self._process:
                self._process.kill()


_served: "WeakKeyDictionary[Database, _Served]" = WeakKeyDictionary()


def attach_sql(connection: LiveConnection) -> str:
    """What an analyst types into a DuckDB of the same version."""
    return (
        "INSTALL httpfs; LOAD httpfs; INSTALL quack; LOAD quack;\n"
        f"ATTACH '{connection.address}' AS app (TOKEN '{connection.token}');\n"
        f"FROM app.query('SELECT word, sum(count) AS said FROM {SCHEMA}.words GROUP BY word ORDER BY said DESC LIMIT 10');"
    )


def _make_views(cursor: Cursor) -> str:
    """What makes the macro that every statement must pass, here and in the child."""
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    for view in VIEWS:
        # a view's own schema comes first when its names are looked up; and who reads live has their own order
        sql = re.sub(rf"\bFROM ({'|'.join(TABLES)})\b", r"FROM main.\1", view.sql.rsplit(" ORDER BY ", 1)[0])
        cursor.execute(f"CREATE OR REPLACE VIEW {SCHEMA}.{view.name} AS {sql}")
    views = ", ".join(f"""'"schema_name":"{SCHEMA}","table_name":"{view.name}"'""" for view in VIEWS)
    authorization = _ONLY_VIEWS.replace("{views}", views)
    cursor.execute(authorization)
    return authorization


def _extension(name: str) -> Path:
    """The signed extension that its package on PyPI brings; nothing is fetched."""
    spec = find_spec(f"duckdb_extension_{name}")
    folder = Path(spec.origin).parent / "extensions" if spec and spec.origin else None
    files = sorted(folder.glob(f"*/{name}.duckdb_extension")) if folder else []
    if not files:
        raise StoreError("live_not_installed", name=name)
    return files[-1]


def _free_port(*wanted: int) -> int:
    for port in wanted:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StoreError("live_failed", cause="no free port")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
