"""What is wrong with a field that somebody wrote, and what makes a text a sentence or an address. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from urllib.parse import urlsplit

_UNFIT = re.compile(r"[\s\x00-\x1f\x7f<>\[\]{}|\\^`\"]")
"""Stands in no address as it is (RFC 3986): it would end a link and begin something else."""
LATIN = re.compile(r"[A-Za-z]")
_POLITE = re.compile(r"다(\s*\([^()]*\))*[.!?][\"'”’)』》]*$")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field; `key` is the entry under [drinks.problems] that says it."""

    field: str
    key: str
    values: Mapping[str, object] = default(default_factory=dict)


def no_sentence(text: str, lang: str) -> str:
    """What keeps a text from standing as an answer: empty when nothing does."""
    if lang == "ko":
        return "" if _POLITE.search(text) else "polite"
    return "" if text.endswith((".", "!", "?")) and LATIN.search(text) else "period"


def is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets that hold no address
        return False
    return parts.scheme in ("http", "https") and "." in (parts.hostname or "") and not _UNFIT.search(address)
