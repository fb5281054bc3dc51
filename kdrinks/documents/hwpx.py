"""Documents of Hancom's word processor (.hwpx, KS X 6101) as blocks. The older .hwp is no XML and has no reader under a licence that kdrinks
could ship: it is refused, with how to save it anew.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kdrinks.documents.chunks import Block, Unreadable
from kdrinks.documents.package import Package, attribute, local, opened
from kdrinks.documents.tables import Cell, grid, said

if TYPE_CHECKING:
    from lxml.etree import _Element

_HEADING = re.compile(r"(?:개요|제목|outline|heading)\s*(\d)", re.IGNORECASE)
_SPACES = frozenset({"tab", "lineBreak", "nbSpace", "fwSpace"})
_UNREAD = {"pic": "pictures", "ole": "objects", "chart": "objects", "equation": "objects", "video": "objects"}


def blocks(content: bytes, unread: Counter[str]) -> Iterator[Block]:
    """Paragraphs, headings and table rows in their order; notes, text boxes and what is in a cell behind its paragraph. Raises Unreadable."""
    with opened(content) as package:
        if any(local(one) == "encryption-data" for one in _all(package, "META-INF/manifest.xml")):
            raise Unreadable("document_encrypted")
        sections = [name for name in package.names if re.fullmatch(r"Contents/section\d+\.xml", name)]
        if not sections:
            raise Unreadable("document_broken", cause="Contents/section0.xml")
        levels = _levels(package)
        for name in sorted(sections, key=lambda one: int(re.sub(r"\D", "", one))):
            yield from _within(package.children(name), levels, unread)


def _all(package: Package, name: str) -> "Iterable[_Element]":
    root = package.xml(name)
    return root.iter("{*}*") if root is not None else ()


def _levels(package: Package) -> dict[str, int]:
    """The level of each style that is a heading by its name."""
    styles = (one for one in _all(package, "Contents/header.xml") if local(one) == "style")
    matches = {
        attribute(one, "id"): _HEADING.match(attribute(one, "name") or attribute(one, "engName")) for one in styles
    }
    return {style: min(int(match[1]), 6) for style, match in matches.items() if match}


def _within(container: "Iterable[_Element]", levels: dict[str, int], unread: Counter[str]) -> Iterator[Block]:
    for child in container:
        if local(child) == "p":
            yield from _paragraph(child, levels, unread)
        elif local(child) in ("subList", "drawText"):
            yield from _within(child, levels, unread)


def _paragraph(paragraph: "_Element", levels: dict[str, int], unread: Counter[str]) -> Iterator[Block]:
    pieces: list[str] = []
    behind: list[Block] = []
    _collect(paragraph, pieces, behind, levels, unread)
    yield Block("".join(pieces), levels.get(attribute(paragraph, "styleIDRef"), 0))
    yield from behind


def _collect(
    element: "_Element", pieces: list[str], behind: list[Block], levels: dict[str, int], unread: Counter[str]
) -> None:
    for child in element:
        name = local(child)
        if name == "t":
            pieces += _shown(child)
        elif name == "tbl":
            behind += _table(child, levels, unread)
        elif name in ("subList", "drawText"):
            behind += _within([child], levels, unread)
        elif name == "hiddenComment":
            unread["comments"] += 1
        elif name not in ("linesegarray", "secPr"):
            if name in _UNREAD:
                unread[_UNREAD[name]] += 1
            _collect(child, pieces, behind, levels, unread)


def _shown(text: "_Element") -> Iterator[str]:
    """The letters of a run without those that a tracked deletion holds."""
    deleted = False
    yield text.text or ""
    for child in text:
        if local(child) in ("deleteBegin", "deleteEnd"):
            deleted = local(child) == "deleteBegin"
        elif local(child) in _SPACES and not deleted:
            yield " "
        if not deleted:
            yield child.tail or ""


def _table(table: "_Element", levels: dict[str, int], unread: Counter[str]) -> Iterator[Block]:
    rows: list[list[Cell]] = []
    within: list[list[Block]] = []
    for row in (child for child in table if local(child) == "tr"):
        cells, inner = list[Cell](), list[Block]()
        for cell in (child for child in row if local(child) == "tc"):
            texts: list[str] = []
            for block in _within(cell, levels, unread):
                if block.alone:
                    inner.append(block)
                else:
                    texts.append(block.text.strip())
            span = next((child for child in cell if local(child) == "cellSpan"), None)
            tall, wide = (_number(span, name) for name in ("rowSpan", "colSpan"))
            cells.append(Cell(" ".join(filter(None, texts)), tall, wide, attribute(cell, "header") == "1"))
        rows.append(cells)
        within.append(inner)
    sentences = {row.number: row for row in said(grid(rows))}
    for number, inner in enumerate(within):
        if number in sentences:
            yield Block(sentences[number].text, 0, None, sentences[number].alone)
        yield from inner


def _number(span: "_Element | None", name: str) -> int:
    value = attribute(span, name) if span is not None else ""
    return int(value) if value.isdecimal() and len(value) < 7 else 1
