"""`python -m kdrinks` in a process of its own, as a shell runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kdrinks.config import ROOT


def kdrinks(
    *arguments: str, home: Path, stdin: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """env: further environment variables."""
    return subprocess.run(
        [sys.executable, "-m", "kdrinks", *arguments],
        cwd=ROOT,
        env={**os.environ, "KDRINKS_HOME": str(home), "LANG": "en_US.UTF-8", "PYTHONUTF8": "1", **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def document(done: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON document that it printed."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
