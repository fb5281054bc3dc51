"""Word documents (.docx) as blocks: every text that Word shows, once, wherever in a paragraph it stands.

Insertions and moves are taken as accepted, deletions are left out. Pages are those of the last time Word laid the text out, where it
wrote them down. mammoth 1.13 and docx2python 3.7 were measured on nine files beside it: the first loses simple fields, the second fails
on a footnote; neither tells pages or what it left out.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kdrinks.documents.chunks import Block, Unreadable
from kdrinks.documents.package import Package, attribute, local, opened
from kdrinks.documents.tables import COLUMNS_MAX, Cell, said

if TYPE_CHECKING:
    from lxml.etree import _Element

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How an encrypted .docx and an old .doc begin. https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb"""

_HEADING = re.compile(r"(?:heading|제목|개요)\s*(\d)", re.IGNORECASE)
_LEFT_OUT = frozenset(
    {"del", "moveFrom", "instrText", "delText", "delInstrText", "pPr", "rPr", "sdtPr", "sdtEndPr", "tblPr", "rt"}
)
_PICTURES = frozenset({"pic", "imagedata"})
_OBJECTS = frozenset({"chart", "OLEObject", "relIds", "altChunk"})
_BREAKS = frozenset({"tab", "br", "cr", "ptab"})


@dataclass(slots=True)
class _Text:
    """What was found of one paragraph."""

    pieces: list[str] = field(default_factory=list)
    boxes: list["_Element"] = field(default_factory=list)
    """Text boxes that hang on it."""
    notes: list[tuple[str, str]] = field(default_factory=list)
    """(footnote or endnote, its id), in the order of their marks."""
    turned_before: int = 0
    """Pages that end before its first letter."""
    turned: int = 0

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def blocks(content: bytes, unread: Counter[str]) -> Iterator[Block]:
    """Paragraphs, headings and table rows in their order. Raises Unreadable."""
    if content.startswith(OLE):
        raise Unreadable("document_encrypted")
    with opened(content) as package:
        yield from _Reader(package, unread).read()


class _Reader:
    def __init__(self, package: Package, unread: Counter[str]) -> None:
        self._package, self._unread = package, unread
        self._main = next(
            (target for kind, target in self._related("") if kind == "officeDocument"), "word/document.xml"
        )
        related = self._related(self._main)
        parts = {kind: target for kind, target in related if kind in ("styles", "footnotes", "endnotes", "comments")}
        self._edges = [target for kind, target in related if kind in ("header", "footer")]
        self._levels = _heading_levels(package.children(parts.get("styles", "")))
        self._notes = {
            (kind, attribute(note, "id")): note
            for kind in ("footnote", "endnote")
            for note in package.children(parts.get(f"{kind}s", ""))
            if attribute(note, "type") in ("", "normal")
        }
        self._comments = len(package.children(parts.get("comments", "")))
        self._page: int | None = None

    def read(self) -> Iterator[Block]:
        root = self._package.xml(self._main)
        if root is None:
            raise Unreadable("document_broken", cause="word/document.xml")
        if next(root.iter("{*}lastRenderedPageBreak"), None) is not None:
            self._page = 1
        body = next((child for child in root if local(child) == "body"), root)
        yield from self._within(body)
        self._unread["comments"] += self._comments
        yield from self._at_the_edges()

    def _at_the_edges(self) -> Iterator[Block]:
        """What stands at the head and foot of the pages, each text once, behind everything: a firm keeps its address there."""
        self._page = None
        seen: set[str] = set()
        for name in self._edges:
            for block in self._within(self._package.children(name)):
                if block.text.strip() not in seen and re.search(r"[^\W\d_]", block.text):
                    seen.add(block.text.strip())
                    yield Block(block.text, 0, None, block.alone)

    def _within(self, container: "Iterable[_Element]") -> Iterator[Block]:
        """The blocks of a body, cell, note, text box or content control."""
        for child in container:
            match local(child):
                case "p":
                    yield from self._paragraph(child)
                case "tbl":
                    yield from self._table(child)
                case "sdt":
                    if not _is_placeholder(child):
                        yield from self._within(child)
                case "AlternateContent":
                    yield from self._within(_chosen(child))
                case "altChunk":
                    self._unread["objects"] += 1
                case name if name not in _LEFT_OUT:
                    yield from self._within(child)

    def _paragraph(self, paragraph: "_Element") -> Iterator[Block]:
        found = _Text()
        self._collect(paragraph, found)
        if self._page is not None:
            self._page += found.turned_before
        yield Block(found.text, self._level(paragraph), self._page)
        for key in found.notes:
            if (note := self._notes.pop(key, None)) is not None:
                yield from self._within(note)
        for box in found.boxes:
            yield from self._within(box)
        if self._page is not None:
            self._page += found.turned

    def _collect(self, element: "_Element", found: _Text) -> None:
        for child in element:
            name = local(child)
            if name == "r" and _is_hidden(child):
                self._unread["hidden"] += any(local(one) == "t" for one in child)
            elif name == "sdt" and _is_placeholder(child):
                continue
            elif name == "t":
                found.pieces.append(child.text or "")
            elif name == "textpath":  # letters drawn along a line
                found.pieces.append(f" {attribute(child, 'string')} ")
            elif name in _BREAKS:
                found.pieces.append(" ")
            elif name == "noBreakHyphen":
                found.pieces.append("-")
            elif name == "lastRenderedPageBreak":
                if "".join(found.pieces).strip():
                    found.turned += 1
                else:
                    found.turned_before += 1
            elif name in ("footnoteReference", "endnoteReference"):
                found.notes.append((name.removesuffix("Reference"), attribute(child, "id")))
            elif name == "txbxContent":
                found.boxes.append(child)
            elif name == "AlternateContent":
                self._collect(_chosen(child), found)
            elif name == "ruby":
                self._collect(child, found)
                read = "".join(one.text or "" for part in child if local(part) == "rt" for one in part.iter("{*}t"))
                found.pieces.append(f"({read})" if read else "")
            elif name not in _LEFT_OUT:
                self._unread["pictures"] += name in _PICTURES
                self._unread["objects"] += name in _OBJECTS
                self._collect(child, found)

    def _level(self, paragraph: "_Element") -> int:
        properties = next((child for child in paragraph if local(child) == "pPr"), None)
        for child in properties if properties is not None else ():
            if local(child) == "pStyle":
                return self._levels.get(attribute(child, "val"), 0)
            if local(child) == "outlineLvl" and attribute(child, "val").isdecimal():
                return min(int(attribute(child, "val")) + 2, 6) if int(attribute(child, "val")) < 9 else 0
        return 0

    def _table(self, table: "_Element") -> Iterator[Block]:
        """A row as `Name: value, ...`; tables and lists within a cell follow their row."""
        page = self._page
        rows: list[list[Cell]] = []
        within: list[list[Block]] = []
        above: dict[int, Cell] = {}
        for row in _nested(table, "tr"):
            properties = {local(one) for child in row if local(child) == "trPr" for one in child}
            if "del" in properties:
                continue
            cells, inner = list[Cell](), list[Block]()
            for cell in _nested(row, "tc"):
                wide, goes_on = _span(cell)
                if len(cells) + wide > COLUMNS_MAX:
                    raise Unreadable("document_too_wide", limit=COLUMNS_MAX)
                # a cell that goes on from the row above says there what it says
                text = "" if goes_on else " ".join(self._cell(cell, inner))
                made = (
                    above[len(cells)] if goes_on and len(cells) in above else Cell(text, head="tblHeader" in properties)
                )
                above |= {len(cells) + across: made for across in range(wide)}
                cells += [made] * wide
            rows.append(cells)
            within.append(inner)
        sentences = {row.number: row for row in said(rows)}
        for number, inner in enumerate(within):
            if number in sentences:
                yield Block(sentences[number].text, 0, page, sentences[number].alone)
            yield from inner

    def _cell(self, cell: "_Element", inner: list[Block]) -> Iterator[str]:
        for child in cell:
            if local(child) == "tbl":
                inner += self._table(child)
            elif local(child) not in _LEFT_OUT and local(child) != "tcPr":
                for block in self._within([child]):
                    if block.alone:
                        inner.append(block)
                    elif block.text.strip():
                        yield block.text.strip()

    def _related(self, part: str) -> list[tuple[str, str]]:
        """(kind, name) of the parts that a part refers to; "" for the package itself."""
        folder, name = posixpath.split(part)
        return [
            (attribute(one, "Type").rpartition("/")[2], _placed(folder, attribute(one, "Target")))
            for one in self._package.children(posixpath.join(folder, "_rels", f"{name}.rels"))
            if attribute(one, "TargetMode") != "External"
        ]


def _placed(folder: str, target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))


def _heading_levels(styles: "Sequence[_Element]") -> dict[str, int]:
    """The level of each style that is a heading by its name, or is based on one."""
    named: dict[str, tuple[str, str]] = {}
    for style in styles:
        values = {local(child): attribute(child, "val") for child in style}
        named[attribute(style, "styleId")] = values.get("name", ""), values.get("basedOn", "")
    levels: dict[str, int] = {}
    for style_id in named:
        at, seen = style_id, set[str]()
        while at in named and at not in seen:
            seen.add(at)
            name, based_on = named[at]
            if match := _HEADING.match(name):
                levels[style_id] = min(int(match[1]) + 1, 6)  # below the title
                break
            if name.lower() in ("title", "제목"):
                levels[style_id] = 1
                break
            at = based_on
    return levels


def _nested(element: "_Element", name: str) -> "Iterator[_Element]":
    """The rows of a table or cells of a row, in content controls and tracked changes too; not those of a table within."""
    for child in element:
        if local(child) == name:
            yield child
        elif local(child) in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            yield from _nested(child, name)


def _span(cell: "_Element") -> tuple[int, bool]:
    """How many columns a cell is wide, and whether it goes on from the row above."""
    properties = next((child for child in cell if local(child) == "tcPr"), None)
    wide, goes_on = 1, False
    for child in properties if properties is not None else ():
        value = attribute(child, "val")
        if local(child) == "gridSpan" and value.isdecimal():
            wide = max(min(int(value), COLUMNS_MAX + 1), 1)
        elif local(child) == "vMerge":
            goes_on = value in ("", "continue")
    return wide, goes_on


def _is_hidden(run: "_Element") -> bool:
    return any(
        local(mark) == "vanish" and attribute(mark, "val") not in ("0", "false", "off")
        for child in run
        if local(child) == "rPr"
        for mark in child
    )


def _is_placeholder(control: "_Element") -> bool:
    """Whether a content control still shows the hint that nobody has written over."""
    return any(
        local(mark) == "showingPlcHdr" and attribute(mark, "val") not in ("0", "false", "off")
        for child in control
        if local(child) == "sdtPr"
        for mark in child
    )


def _chosen(alternates: "_Element") -> "_Element":
    """Of the same content twice, for a newer and an older Word, the first that holds text."""
    choices = [child for child in alternates if local(child) in ("Choice", "Fallback")]
    return next((one for one in choices if next(one.iter("{*}t"), None) is not None), (choices or [alternates])[0])
