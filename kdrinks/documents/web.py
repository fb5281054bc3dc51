"""Saved web pages as blocks: HTML by Beautiful Soup and lxml, MHTML by the standard library's email package around it.

What a reader of the page sees: scripts, menus and hidden elements are left out, the main part alone where the page says which that is.
What fades in or stands in a form is seen. A page of which nothing would be left is read as a whole.
"""

import email
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kdrinks.documents.charset import decoded
from kdrinks.documents.chunks import Block, Unreadable
from kdrinks.documents.tables import Cell, grid, said

if TYPE_CHECKING:
    from bs4 import Tag

_NO_TEXT = "script style template button select textarea input datalist svg math canvas iframe object embed video audio title del".split()
_BESIDE = "nav footer aside noscript".split()
"""Around what the page is about; read where there is nothing else. A form is none of them: blogs of ASP.NET stand in one as a whole."""
_NOT_READ = {"img": "pictures", "iframe": "frames", "frame": "frames", "object": "objects", "embed": "objects"}
DEPTH_MAX = 200
"""Elements within elements; pages that people save have up to 60."""
_CONTENT = ("main", "article", "body")
_GONE = re.compile(r"display:none")
_UNSEEN = re.compile(r"visibility:(?:hidden|collapse)|opacity:0?(?:\.0+)?(?:;|!|$)")
_NO_SIZE = re.compile(r"font-size:0(?:\.0+)?(?:px|pt|em|rem|%)?(?:;|!|$)")
_SEEN_AGAIN = re.compile(r"visibility:visible|font-size:(?!0(?:\.0+)?(?:px|pt|em|rem|%)?(?:;|!|$))")
_FADES_IN = re.compile(r"transition|animation")
_FADE_NAMES = re.compile(r"fade|animat|reveal|scroll|\b(?:wow|aos)\b", re.IGNORECASE)
_BLOCKS = (
    "address article blockquote body caption center dd details div dl dt fieldset figcaption figure footer form header hr html legend li main "
    "nav aside ol option p pre section summary table tbody td tfoot th thead tr ul h1 h2 h3 h4 h5 h6"
).split()
_NEW_LINE = re.compile(r"\n\s*\n|\n(?=\s*[^\s:：]{1,12} ?[:：])")
"""Of line breaks those that begin something: an empty line, and a name with its value (`도수: 13도`)."""
_DECLARED = re.compile(rb"<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_ARCHIVE = re.compile(rb"(?:[\w-]+: [^\n]*\n(?:[ \t][^\n]*\n)*){0,20}?(?:mime-version|content-type): ", re.IGNORECASE)
_HEAD_BYTES = 8192


def blocks(content: bytes, unread: Counter[str], declared: str = "") -> Iterator[Block]:
    """The blocks of a page. declared: the charset that came with it. Raises Unreadable."""
    if _ARCHIVE.match(content) and not declared:  # some browsers call a web archive .html
        return mhtml(content, unread)
    if not declared and (match := _DECLARED.search(content[:_HEAD_BYTES])):
        declared = match[1].decode("ascii", "replace")
    return of_text(decoded(content, unread, declared), unread)


def mhtml(content: bytes, unread: Counter[str]) -> Iterator[Block]:
    """The page of a web archive: the first with text, which is its root; the others are frames within it. Raises Unreadable."""
    message = email.message_from_bytes(content)
    pages = [part for part in message.walk() if part.get_content_type() in ("text/html", "application/xhtml+xml")]
    if not pages and re.match(rb"\s*<", content):
        return blocks(content, unread)
    if not pages:
        raise Unreadable("document_broken", cause="MHTML: text/html")
    start = message.get_param("start")
    for page in sorted(pages, key=lambda part: start is not None and part.get("Content-ID") != start):
        body = page.get_payload(decode=True)
        found = list(blocks(body, unread, page.get_content_charset() or "")) if isinstance(body, bytes) and body else []
        if any(block.text.strip() for block in found):
            return iter(found)
    return iter(())


def of_text(text: str, unread: Counter[str]) -> Iterator[Block]:
    """The blocks of a page whose bytes are decoded."""
    from bs4 import BeautifulSoup

    # lxml refuses a text that declares an encoding
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text, count=1)
    for whole in (False, True):
        soup = BeautifulSoup(text, "lxml")
        _bound_depth(soup)
        left_out = Counter[str]()
        _strip(soup.body or soup, left_out, whole=whole)
        main = soup.find("main") or soup.find(role="main")
        roots = [root for root in (main, soup.body or soup) if root is not None]
        for root in roots:
            found = list(_within(root))
            if any(character.isalnum() for block in found for character in block.text):
                unread.update(left_out)
                yield from found
                return


def _bound_depth(soup: "Tag") -> None:
    """Raises Unreadable; Python's own limit comes after 15 s of looking through 3,000 tables within tables."""
    depths = {id(soup): 0}
    for tag in soup(True):
        depths[id(tag)] = depths[id(tag.parent)] + 1
        if depths[id(tag)] > DEPTH_MAX:
            raise Unreadable("document_broken", cause="too many levels")


def _strip(root: "Tag", left_out: Counter[str], *, whole: bool) -> None:
    """Take out of a page what its reader does not see. whole: hidden elements and what stands beside stay."""
    for tag in root(_NO_TEXT if whole else _NO_TEXT + _BESIDE):
        if not tag.decomposed:
            for one in (tag, *tag(True)):
                left_out[_NOT_READ.get(one.name, "")] += 1
            tag.decompose()
    letters = len(root.get_text())
    for tag in () if whole else root(_hides):
        if tag.decomposed:
            continue
        style = _style(tag)
        gone = tag.has_attr("hidden") or _GONE.search(style)
        if not gone and (tag.name in _CONTENT or tag.get("role") == "main" or 2 * len(tag.get_text()) > letters):
            continue  # the page's content, shown by a script or behind a window that was open when it was saved
        for text in list(tag.find_all(string=True)):
            if gone or not any(
                _SEEN_AGAIN.search(_style(parent)) for parent in text.parents if _is_within(parent, tag)
            ):
                left_out["hidden"] += bool(text.strip())
                text.extract()
    left_out["pictures"] += len(root("img"))
    for tag in root(["rt", "rp"]):  # how a character is read: beside it, in brackets
        read = "".join(tag.find_all(string=True)) if tag.name == "rt" else ""
        tag.replace_with(f"({read})" if read else "")
    del left_out[""]


def _hides(tag: "Tag") -> bool:
    style = _style(tag)
    if tag.has_attr("hidden") or tag.get("aria-hidden") == "true" or _GONE.search(style) or _NO_SIZE.search(style):
        return True
    if not _UNSEEN.search(style) or _FADES_IN.search(style):
        return False
    return not _FADE_NAMES.search(" ".join([str(tag.get("class", "")), *tag.attrs]))


def _is_within(tag: "Tag", outer: "Tag") -> bool:
    return tag is not outer and any(parent is outer for parent in tag.parents)


def _style(tag: "Tag") -> str:
    return re.sub(r"\s", "", str(tag.get("style", ""))).lower()


def _within(root: "Tag") -> Iterator[Block]:
    """Headings, table rows and runs of text between the edges of block elements, in reading order."""
    from bs4 import Tag
    from bs4.element import NavigableString, PreformattedString

    pieces: list[str] = []
    term = ""
    for child in root.children:
        if isinstance(child, PreformattedString):  # comments, doctypes
            continue
        if isinstance(child, NavigableString):
            pieces.append(re.sub(r"\s+", " ", str(child)) if root.name != "pre" else str(child))
        elif isinstance(child, Tag):
            is_block = child.name in _BLOCKS or child.find(_BLOCKS) is not None
            if child.name == "br":
                pieces.append("\n")
            elif not is_block:
                for line_break in child("br"):
                    line_break.replace_with("\n")
                pieces.append(child.get_text(""))
            else:
                yield from _flushed(pieces)
                if re.fullmatch(r"h[1-6]", child.name):
                    yield Block(child.get_text(" "), int(child.name[1]))
                elif child.name == "table":
                    yield from _table(child)
                elif child.name == "dt":
                    yield from [Block(term)] if term else ()
                    term = child.get_text(" ", strip=True)
                elif child.name == "dd" and term and child.find(_BLOCKS) is None:
                    yield Block(f"{term}: {child.get_text(' ', strip=True)}")
                    term = ""
                else:
                    yield from [Block(term)] if term else ()
                    term = ""
                    yield from _within(child)
    yield from _flushed(pieces)
    yield from [Block(term)] if term else ()


def _flushed(pieces: list[str]) -> Iterator[Block]:
    for text in _NEW_LINE.split("".join(pieces)):
        if text.strip():
            yield Block(text)
    pieces.clear()


def _table(table: "Tag") -> Iterator[Block]:
    """Its rows; tables within a cell follow their row. One that only places things on the page is read as they stand."""
    rows: list[list[Cell]] = []
    within: list[list[Block]] = []
    as_placed: list[Block] = []
    layout = bool(table.find(re.compile(r"^h[1-6]$")))
    for caption in table.find_all("caption", recursive=False):
        yield Block(caption.get_text(" ", strip=True))
    for row in (row for row in table("tr") if row.find_parent("table") is table):
        cells, inner = list[Cell](), list[Block]()
        for cell in row.find_all(["th", "td"], recursive=False):
            found = list(_within(cell))  # once: tables within tables would be read 2, 4, 8 ... times
            as_placed += found
            text = " ".join(block.text.strip() for block in found if not block.alone)
            inner += [block for block in found if block.alone]
            cells.append(Cell(text.strip(), _number(cell, "rowspan"), _number(cell, "colspan"), cell.name == "th"))
        rows.append(cells)
        within.append(inner)
    if layout or all(len(row) < 2 for row in rows):
        yield from as_placed
        return
    sentences = {row.number: row for row in said(grid(rows))}
    for number, inner in enumerate(within):
        if number in sentences:
            yield Block(sentences[number].text, 0, None, sentences[number].alone)
        yield from inner


def _number(cell: "Tag", name: str) -> int:
    value = str(cell.get(name, "")).strip()
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 7 else 1
