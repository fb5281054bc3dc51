"""Files as blocks: which parser reads a format, and what makes a file unreadable. Runs in a child process (reader.py).

The larger formats have modules of their own; the parsers are imported where they are used. Every parser's own errors end here.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from kdrinks.documents.charset import decoded
from kdrinks.documents.chunks import BULLET, LABELLED, Block, OnProgress, Unreadable, states
from kdrinks.documents.tables import COLUMNS_MAX, said, texts, titles

_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)
_SENTENCE_END = re.compile(r"(?:[.!?。:;,]|[다요죠까오][.!?]?)[\"'”’)\]]*$")
_SEPARATED = re.compile(r"\"?sep=(.)\"?", re.IGNORECASE)
_HEADING_MOST = 50


def blocks(content: bytes, format: str, on_progress: OnProgress, unread: Counter[str]) -> Iterator[Block]:
    """The blocks of a file; what of it could not be read is counted in `unread`, by its kind ([unread] in i18n).

    format: one of documents.FORMATS. Raises Unreadable.
    """
    try:
        yield from _found(content, format, on_progress, unread)
    except RecursionError as exc:
        raise Unreadable("document_broken", cause="too many levels") from exc
    except csv.Error as exc:
        raise Unreadable("document_broken", cause=str(exc).splitlines()[0]) from exc


def _found(content: bytes, format: str, on_progress: OnProgress, unread: Counter[str]) -> Iterator[Block]:
    match format:
        case "pdf":
            from kdrinks.documents import pdf

            return pdf.blocks(content, on_progress, unread)
        case "docx":
            from kdrinks.documents import docx

            return docx.blocks(content, unread)
        case "hwpx":
            from kdrinks.documents import hwpx

            return hwpx.blocks(content, unread)
        case "html" | "mhtml":
            from kdrinks.documents import web

            return web.blocks(content, unread) if format == "html" else web.mhtml(content, unread)
        case _:
            return {"md": _markdown, "txt": _text, "csv": _csv}[format](content, unread)


def _text(content: bytes, unread: Counter[str]) -> Iterator[Block]:
    """Paragraphs between empty lines; a short line of its own over one that is longer is a heading; form feeds part pages."""
    sheets = decoded(content, unread).split("\f")
    for number, sheet in enumerate(sheets, 1):
        page = number if len(sheets) > 1 else None
        paragraphs = [
            [line for line in paragraph.split("\n") if line.strip()] for paragraph in re.split(r"\n\s*\n", sheet)
        ]
        paragraphs = [lines for lines in paragraphs if lines]
        short = [_may_head(lines) for lines in paragraphs]
        for place, lines in enumerate(paragraphs):
            over = place + 1 < len(paragraphs)
            if short[place] and over and (place == 0 or not short[place + 1]):
                is_title = place == 0 and short[place + 1]
                yield Block(re.sub(r"^[#=\s]+|[=\s]+$", "", lines[0]), 1 if is_title else 2, page)
                continue
            for item in _items(lines):
                yield Block(item, 0, page)


def _may_head(lines: list[str]) -> bool:
    line = lines[0].strip()
    fits = len(lines) == 1 and len(line) <= _HEADING_MOST
    return fits and not (_SENTENCE_END.search(line) or states(line) or BULLET.match(line))


def _items(lines: list[str]) -> Iterator[str]:
    """Lines of a paragraph joined, a new item at each line that begins with a bullet, a number or a name with its value."""
    item: list[str] = []
    for line in lines:
        if item and (BULLET.match(line) or LABELLED.match(line)):
            yield " ".join(item)
            item = []
        item.append(line)
    if item:
        yield " ".join(item)


def _csv(content: bytes, unread: Counter[str]) -> Iterator[Block]:
    """A row as `Name: value, Name: value.`; what stands over the table is its heading. Rows are counted as a spreadsheet shows them."""
    text = decoded(content, unread)
    first, _, rest = text.partition("\n")
    if separated := _SEPARATED.fullmatch(first.lstrip("\ufeff")):
        text = rest
    rows = _rows(text, separated[1] if separated else _delimiter(text))
    if any(len(row) > COLUMNS_MAX for row in rows):
        raise Unreadable("document_too_wide", limit=COLUMNS_MAX)
    cells = texts(rows)
    over = titles(cells)
    level, together = 1, 0
    for row in said(cells):
        if row.number < over:
            yield Block(row.text, level, row.number + 1)
        else:
            together = row.number + 1 if row.alone or not together else together
            yield Block(row.text, 0, together, row.alone)
        level = 0


def _delimiter(text: str) -> str:
    """The one that parts most of the lines into the same number of cells."""
    sample = "\n".join(text.split("\n")[:200])

    def worth(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in _rows(sample, delimiter) if row)
        width, count = max(widths.items(), key=lambda one: (one[0] > 1, one[1]), default=(1, 0))
        return (count / widths.total(), width) if width > 1 else (0.0, 0)

    return max(",;\t|", key=worth)


def _rows(text: str, delimiter: str) -> list[list[str]]:
    def read(quoting: int) -> list[list[str]]:
        lines = io.StringIO(text, newline="")
        return list(csv.reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=True, strict=True))  # type: ignore[arg-type]

    try:
        return read(csv.QUOTE_MINIMAL)
    except csv.Error:  # quotes that mean inches, or one that nothing closes, which would swallow the rest
        return read(csv.QUOTE_NONE)


def _markdown(content: bytes, unread: Counter[str]) -> Iterator[Block]:
    from markdown_it import MarkdownIt

    from kdrinks.documents import web

    level, in_cell = 0, False
    row: list[str] = []
    rows: list[list[str]] = []
    references: dict[str, Any] = {}
    text = _FRONT_MATTER.sub("", decoded(content, unread))
    for token in MarkdownIt("commonmark").enable("table").parse(text, references):
        unread["pictures"] += sum(child.type == "image" for child in token.children or ())
        match token.type:
            case "heading_open":
                level = int(token.tag[1])
            case "heading_close":
                level = 0
            case "table_open":
                rows = []
            case "tr_open":
                row = []
            case "th_open" | "td_open":
                in_cell = True
            case "th_close" | "td_close":
                in_cell = False
            case "tr_close":
                rows.append(row)
            case "table_close":
                yield from (Block(row.text, alone=True) for row in said(texts(rows), heads=1))
            case "inline" if in_cell:
                row.append(_said(token.children or ()))
            case "inline":
                yield Block(_said(token.children or ()), level)
            case "fence" | "code_block":
                yield Block(token.content)
            case "html_block":
                yield from web.of_text(token.content, unread)
    for label, reference in references.get("references", {}).items():
        if label.startswith("^"):  # a footnote of one word, which CommonMark takes for an address
            yield Block(unquote(str(reference["href"])))


def _said(children: Iterable[Any]) -> str:
    """The text of Markdown's inline tokens, without its marks and addresses."""
    breaks = ("softbreak", "hardbreak", "html_inline")
    textual = ("text", "code_inline", "image")
    return "".join(
        (" " if child.type != "html_inline" or child.content.startswith("<br") else "")
        if child.type in breaks
        else child.content
        for child in children
        if child.type in (*breaks, *textual)
    )
