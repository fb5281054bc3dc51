"""The child process that quantizes: `python -m kdrinks.engine.quantizer SOURCE OUT TYPE`, JSON lines on standard output.

Out: {"done": 3, "total": 60} a tensor, at last {"result": true} or {"error": "why"}. Ends itself when its standard
input closes, so that no orphan goes on writing, and takes away what it wrote. Only hub/quantize.py starts it.
"""

import contextlib
import json
import os
import re
import sys
import threading

from kdrinks.engine.library import Log, quantize, start

_STEP = re.compile(r"^\[\s*(\d+)/\s*(\d+)\]")


class _Steps(Log):
    """Reports each tensor as soon as its line begins."""

    def __init__(self, out: int) -> None:
        self._out = out
        super().__init__(lambda line: None)

    def _take(self, level: int, text: bytes, data: object) -> None:
        super()._take(level, text, data)
        line = text.decode("utf-8", errors="replace")
        if step := _STEP.match(line):
            say(self._out, {"done": int(step[1]), "total": int(step[2])})


def say(out: int, document: dict[str, object]) -> None:
    os.write(out, json.dumps(document).encode() + b"\n")


def main(source: str, target: str, name: str) -> None:
    out = os.dup(1)
    os.dup2(2, 1)  # native code may print
    threading.Thread(target=_leave_with_parent, args=[target], daemon=True).start()
    log = _Steps(out)
    start()
    code = quantize(source, target, name)
    say(out, {"result": True} if code == 0 else {"error": log.complaint()})


def _leave_with_parent(target: str) -> None:
    sys.stdin.buffer.read()
    with contextlib.suppress(OSError):  # not begun yet, or held open on Windows
        os.unlink(target)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:4])
