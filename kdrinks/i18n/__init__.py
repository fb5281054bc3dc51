"""Interface strings, both languages side by side: `title.ko` and `title.en` in NAME.toml beside this file make the string NAME.title."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("ko", "en")


@cache
def strings() -> dict[str, dict[str, str]]:
    """Every string by its dotted key, in each language that it has (a test proves: in all of LANGUAGES)."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        _collect(path.stem, tomllib.loads(path.read_text(encoding="utf-8")), found)
    return found


def text(key: str, lang: str, **values: object) -> str:
    """The string under a dotted key, its {placeholders} filled. Raises KeyError for an unknown key: that is a bug."""
    lang = lang if lang in LANGUAGES else "en"
    try:
        found = strings()[key][lang]
    except KeyError:
        raise KeyError(f"{key}.{lang}") from None
    return found.format(**values) if values else found


def _collect(before: str, table: dict[str, Any], found: dict[str, dict[str, str]]) -> None:
    for key, value in table.items():
        if isinstance(value, dict):
            _collect(f"{before}.{key}", value, found)
        else:  # the last part is a language; or something else, which the test names
            found.setdefault(before, {})[key] = value
