"""The child process that reads one document: the file on standard input, JSON lines on standard output.

`{"done": 3, "of": 120}` while it reads, at the end `{"chunks": [...], "pages": 120, "unread": {"pictures": 2}}` or `{"error": KEY, "values": {...}}`. A process of its
own, because a document comes from anywhere: what crashes, hangs or fills the memory is ended without the app, and a cancel is a kill.
"""

import json
import sys
from collections import Counter
from dataclasses import asdict

from kdrinks.documents.chunks import Unreadable, chunked
from kdrinks.documents.formats import blocks

MEMORY_BYTES = 2 * 1024**3
CPU_S = 300


def main() -> None:
    _limit()
    content = sys.stdin.buffer.read()
    try:
        unread = Counter[str]()
        found = list(blocks(content, sys.argv[1], lambda done, of: _say({"done": done, "of": of}), unread))
        chunks = chunked(found)
        if not chunks:
            raise Unreadable("document_no_text" if sys.argv[1] == "pdf" else "document_empty")
        pages = max((block.page or 0 for block in found), default=0) or None
        _say({"chunks": [asdict(chunk) for chunk in chunks], "pages": pages, "unread": dict(+unread)})
    except Unreadable as unreadable:
        _say({"error": unreadable.key, "values": unreadable.values})
    except MemoryError:
        _say({"error": "document_too_complex", "values": {}})


def _limit() -> None:
    """The kernel's limits, where there are some: on Windows the parent's patience is the only one."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _say(line: dict[str, object]) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
