"""Files as blocks: which parser reads a format, and what makes a file unreadable. Runs in a child process (reader.py).

PDF and Word have modules of their own; the parsers are imported where they are used. Every parser's own errors end here.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from kdrinks.documents.chunks import BULLET, Block, OnProgress, Unreadable

if TYPE_CHECKING:
    from bs4 import Tag

_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?。:;,][\"'”’)\]]*$")

UNSEEN = (
    "script",
    "style",
    "noscript",
    "template",
    "nav",
    "footer",
    "aside",
    "form",
    "button",
    "select",
    "svg",
    "iframe",
    "title",
)
_HIDDEN_STYLE = re.compile(r"display:none|visibility:hidden|font-size:0(?:px|pt|em|rem|%)?(?:;|$)|opacity:0(?:;|$)")
_HTML_BLOCKS = (
    "address article blockquote body center dd details div dl dt fieldset figcaption figure header hr html li main ol p pre section "
    "summary table ul h1 h2 h3 h4 h5 h6"
).split()


def blocks(content: bytes, format: str, on_progress: OnProgress) -> Iterator[Block]:
    """The blocks of a file. format: one of documents.FORMATS. Raises Unreadable."""
    try:
        if format == "pdf":
            from kdrinks.documents import pdf

            yield from pdf.blocks(content, on_progress)
        elif format == "docx":
            from kdrinks.documents import docx

            yield from docx.blocks(content)
        elif format == "html":
            yield from _html(content)
        else:
            reads = {"md": _markdown, "txt": _text, "csv": _csv}
            yield from reads[format](decoded(content))
    except (RecursionError, csv.Error) as exc:
        raise Unreadable("document_broken", cause=str(exc).splitlines()[0]) from exc


def decoded(content: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 with its mark, or CP949, as Korean Windows writes it. Raises Unreadable."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp949"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise Unreadable("document_no_text_file")


def _text(text: str) -> Iterator[Block]:
    """Paragraphs between empty lines; a short line of its own that ends no sentence is a heading; form feeds part pages."""
    sheets = text.split("\f")
    for number, sheet in enumerate(sheets, 1):
        page = number if len(sheets) > 1 else None
        for paragraph in re.split(r"\n\s*\n", sheet):
            lines = [line for line in paragraph.split("\n") if line.strip()]
            if len(lines) == 1 and len(lines[0]) <= 50 and not _SENTENCE_END.search(lines[0].strip()):
                yield Block(re.sub(r"^[#=\s]+|[=\s]+$", "", lines[0]), 2, page)
                continue
            for item in _items(lines):
                yield Block(item, 0, page)


def _items(lines: list[str]) -> Iterator[str]:
    """Lines of a paragraph joined, a new item at each line that begins with a bullet or a number."""
    item: list[str] = []
    for line in lines:
        if item and BULLET.match(line):
            yield " ".join(item)
            item = []
        item.append(line)
    if item:
        yield " ".join(item)


def _csv(text: str) -> Iterator[Block]:
    """A row as `Name: value, Name: value.`; names are the first row's where it holds no figures."""
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:8192], ",;\t|")
    except csv.Error:
        dialect = csv.excel
    rows = list(csv.reader(io.StringIO(text), dialect))
    head = [cell.strip() for cell in rows[0]] if rows else []
    named = len(head) > 1 and all(head) and not any(re.fullmatch(r"[\d.,%\s-]+", cell) for cell in head)
    for number, row in enumerate(rows[1:] if named else rows, 2 if named else 1):
        yield Block(_row(head if named else [], row), 0, number, alone=True)


def _row(head: list[str], cells: list[str]) -> str:
    filled = [(head[place] if place < len(head) else "", cell.strip()) for place, cell in enumerate(cells)]
    return ", ".join(f"{name}: {cell}" if name else cell for name, cell in filled if cell)


def _markdown(text: str) -> Iterator[Block]:
    from markdown_it import MarkdownIt

    level, in_cell = 0, False
    row: list[str] = []
    head: list[str] = []
    for token in MarkdownIt("commonmark").enable("table").parse(_FRONT_MATTER.sub("", text)):
        match token.type:
            case "heading_open":
                level = int(token.tag[1])
            case "heading_close":
                level = 0
            case "table_open":
                head = []
            case "tr_open":
                row = []
            case "th_open" | "td_open":
                in_cell = True
            case "th_close" | "td_close":
                in_cell = False
            case "tr_close":
                if head:
                    yield Block(_row(head, row), alone=True)
                head = head or row
            case "inline" if in_cell:
                row.append(_said(token.children or ()))
            case "inline":
                yield Block(_said(token.children or ()), level)
            case "fence" | "code_block":
                yield Block(token.content)
            case "html_block":
                yield from _html(token.content.encode())


def _said(children: Iterable[Any]) -> str:
    """The text of Markdown's inline tokens, without its marks and addresses."""
    breaks = ("softbreak", "hardbreak")
    textual = ("text", "code_inline", "image")
    return "".join(
        " " if child.type in breaks else child.content for child in children if child.type in (*breaks, *textual)
    )


def _html(content: bytes) -> Iterator[Block]:
    """What a page shows: scripts, menus and hidden elements left out, the main part alone where it says which that is."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(content, "lxml")
    for tag in soup(UNSEEN):
        tag.decompose()
    for tag in soup(_is_hidden):
        tag.decompose()
    main = soup.find("main") or soup.find(role="main")
    yield from _web_blocks(main or soup.body or soup)


def _is_hidden(tag: "Tag") -> bool:
    style = re.sub(r"\s", "", str(tag.get("style", ""))).lower()
    return tag.has_attr("hidden") or tag.get("aria-hidden") == "true" or bool(_HIDDEN_STYLE.search(style))


def _web_blocks(root: "Tag") -> Iterator[Block]:
    """Headings, table rows and runs of text between the edges of block elements, in reading order."""
    from bs4 import Tag
    from bs4.element import NavigableString, PreformattedString

    pieces: list[str] = []

    def flushed() -> Iterator[Block]:
        if pieces:
            yield Block("".join(pieces))
            pieces.clear()

    for child in root.children:
        if isinstance(child, NavigableString):
            if not isinstance(child, PreformattedString):  # comments, doctypes
                pieces.append(str(child))
        elif isinstance(child, Tag):
            if re.fullmatch(r"h[1-6]", child.name):
                yield from flushed()
                yield Block(child.get_text(" "), int(child.name[1]))
            elif child.name == "table":
                yield from flushed()
                yield from _web_table(child)
            elif child.name == "br":
                pieces.append(" ")
            elif child.name in _HTML_BLOCKS or child.find(_HTML_BLOCKS):
                yield from flushed()
                yield from _web_blocks(child)
            else:
                pieces.append(child.get_text(""))
    yield from flushed()


def _web_table(table: "Tag") -> Iterator[Block]:
    head: list[str] = []
    for row in table.find_all("tr"):
        cells = row.find_all(["th", "td"], recursive=False)
        texts = [cell.get_text(" ", strip=True) for cell in cells]
        if not head and len(cells) > 1 and all(cell.name == "th" for cell in cells):
            head = texts
        else:
            yield Block(_row(head, texts), alone=True)
