"""Interface strings: ko.toml and en.toml beside this file hold the same keys (a test proves it)."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("ko", "en")


@cache
def _strings(lang: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / f"{lang}.toml").read_text(encoding="utf-8"))


def text(key: str, lang: str, **values: object) -> str:
    """The string under a dotted key, its {placeholders} filled. Raises KeyError for an unknown key: that is a bug."""
    node: Any = _strings(lang if lang in LANGUAGES else "en")
    for part in key.split("."):
        node = node[part]
    return str(node).format(**values) if values else str(node)
