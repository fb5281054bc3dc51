"""The engine's child process: `python -m kdrinks.engine.serving`, one JSON document per line on its pipes.

In:  {"id": 7, "op": "stream", ...}       one at a time, in order; "stop" and "devices" are served at once, in the middle too
Out: {"id": 7, "event": "text", ...} ...  and one last line with "result", or "error": {"type", "key", "values"}

"event": "beat" says only that the request goes on. The process ends itself when its standard input closes, in mid-prompt and mid-answer
too: no orphan keeps the memory. Only process.py starts it.
"""

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any

from kdrinks.engine.library import devices
from kdrinks.engine.worker import Refused, Worker


def main() -> None:
    """Serves until standard input closes."""
    # Ctrl-C in a terminal reaches the whole group; the app decides, by closing the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Native code may print: the protocol gets the real standard output for itself, everyone else standard error.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    writing = threading.Lock()

    def say(document: Mapping[str, Any]) -> None:
        line = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", errors="replace") + b"\n"
        try:
            with writing:
                out.write(line)
        except BrokenPipeError:
            os._exit(0)

    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    stopped = threading.Event()
    current = -1
    worker = Worker(say, stopped, walled=True)

    def listen() -> None:
        nonlocal current
        for line in sys.stdin.buffer:
            request = json.loads(line)
            if request["op"] == "stop":
                if request["target"] == current:
                    stopped.set()
            elif request["op"] == "devices":
                say({"id": request["id"], "result": devices()})
            else:
                # One at a time: the supervisor sends the next only after the last line of this one.
                stopped.clear()
                current = request["id"]
                requests.put(request)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        request = requests.get()
        try:
            say({"id": request["id"], "result": worker.serve(request)})
        except Refused as refused:
            say({"id": request["id"], "error": refused.document})
        except MemoryError:
            say({"id": request["id"], "error": worker.out_of_memory().document})


if __name__ == "__main__":
    main()
