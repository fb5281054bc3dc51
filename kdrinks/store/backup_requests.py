"""What another process of the same person may ask of the one that has the store open: a backup, and nothing else.

DuckDB lets one process in, so a command beside the running app asks the app. It listens on loopback; `backup_requests.json` in the home,
which its owner alone can read, tells the port and a key of this run. One request after the other, each a line of JSON; who sends none within
two seconds is hung up on, so that nobody on the machine can hold it.
"""

import hmac
import json
import logging
import os
import secrets
import socket
import socketserver
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from kdrinks.errors import KdrinksError, StoreLocked
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import backup
from kdrinks.store.db import Database

FILE = backup.REQUESTS
LINE_BYTES = 65536
FIRST_LINE_S = 2.0
ANSWER_S = 3600.0
"""A copy of many gigabytes on a slow disk."""

log = logging.getLogger(__name__)


class BackupRequests:
    """Listens until close()."""

    def __init__(self, db: Database, home: Path) -> None:
        """Raises OSError where the home cannot be written or no port is free."""
        self._file = home / FILE
        self._server = _Server(db)
        threading.Thread(target=self._server.serve_forever, name="backup-requests", daemon=True).start()
        told = json.dumps({"port": self._server.server_address[1], "key": self._server.key, "pid": os.getpid()})
        self._file.unlink(missing_ok=True)
        with open(self._file, "x", opener=lambda name, flags: os.open(name, flags, 0o600), encoding="utf-8") as file:
            file.write(told)

    def close(self) -> None:
        with suppress(OSError):
            self._file.unlink(missing_ok=True)
        self._server.shutdown()
        self._server.server_close()


def ask(home: Path, file: Path) -> dict[str, int]:
    """Let the process that has this home open write a backup; the rows of each table in it.

    Raises StoreLocked where none listens, and what backup.write raises there.
    """
    try:
        told = json.loads((home / FILE).read_text(encoding="utf-8"))
        with socket.create_connection(("127.0.0.1", int(told["port"])), FIRST_LINE_S) as connection:
            connection.settimeout(ANSWER_S)
            request = {"key": str(told["key"]), "file": str(file)}
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(connection.makefile("rb").readline())
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise StoreLocked("backup_app_silent", path=home) from exc
    if "error" in answer:
        raise KdrinksError(answer["error"]["key"], **answer["error"]["values"])
    return {str(name): int(rows) for name, rows in answer["tables"].items()}


class _Server(socketserver.TCPServer):
    allow_reuse_address = False

    def __init__(self, db: Database) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.db = db
        self.key = secrets.token_hex(32)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.exception("a request for a backup failed")


class _Handler(socketserver.StreamRequestHandler):
    server: _Server
    timeout = FIRST_LINE_S

    def handle(self) -> None:
        try:
            request = json.loads(self.rfile.readline(LINE_BYTES))
            key, file = str(request["key"]), Path(str(request["file"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return
        if not hmac.compare_digest(key.encode(), self.server.key.encode()):
            return
        answer: dict[str, Any]
        try:
            answer = {"tables": backup.write(self.server.db, ADMINISTRATOR, file)}
        except KdrinksError as error:
            values = {name: str(value) for name, value in error.values.items()}
            answer = {"error": {"key": error.key, "values": values}}
        with suppress(OSError):  # who asked has gone
            self.wfile.write(json.dumps(answer).encode() + b"\n")
