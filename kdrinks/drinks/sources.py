"""What a source is called: an address in, its title and host out, with copies of other works marked as mirrors.

Nothing is fetched: the name comes from data/source_hosts.toml, the page's own from its address.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from kdrinks.drinks.read import DATA
from kdrinks.records import Language


@dataclass(frozen=True, slots=True)
class Source:
    address: str
    title: str
    """The site's name and the page's, as far as the address tells; else the host."""
    host: str
    mirror: bool
    """The site copies another work, which title names."""


def describe(address: str, lang: Language) -> Source:
    """How a source is shown. address: of any form; one without a host is its own title."""
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets that hold no address
        return Source(address, address, address, False)
    host = (parts.hostname or address).removeprefix("www.")
    known = _known(host)
    site = known[lang] if known else host
    page = _page(parts.path, parts.query)
    title = f"{site}: {page}" if page else site
    return Source(address, title, host, bool(known and known.get("mirror")))


def _known(host: str) -> Mapping[str, Any] | None:
    """The entry of the host or of the longest ending of it."""
    labels = host.split(".")
    endings = (".".join(labels[start:]) for start in range(len(labels)))
    return next((_hosts()[ending] for ending in endings if ending in _hosts()), None)


@cache
def _hosts() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((DATA / "source_hosts.toml").read_text(encoding="utf-8"))


def _page(path: str, query: str) -> str:
    """The last part of an address that reads as a name: Hangul or hanja, or the page of a wiki."""
    named = re.search(r"(?:^|&)title=([^&]+)", query)
    pieces = [
        unquote(piece).replace("_", " ").replace("+", " ")
        for piece in [*path.split("/"), *(named.groups() if named else ())]
    ]
    names = [piece for piece in pieces if re.search(r"[가-힣]", piece) and not piece.startswith("특수:")]
    if names:
        return _short(names[-1].replace("-", " ") if " " not in names[-1] else names[-1])
    wiki = re.search(r"/(?:wiki|w)/([A-Za-z][\w-]*)$", path) or re.search(r"/([A-Z][a-z]+(?:-[a-z]+)*)$", path)
    return _short(unquote(wiki[1]).replace("_", " ")) if wiki else ""


def _short(name: str) -> str:
    return name if len(name) <= 40 else name[:39] + "…"
