"""PDF files as blocks, by PDFium: lines with their height and place, joined to paragraphs; larger lines are headings.

What repeats at the head and foot of the pages (titles, page numbers) is left out. PDFium is not thread-safe: a process reads one file.
"""

import ctypes
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from kdrinks.documents.chunks import BULLET, LINE_BREAK, PAGES_MAX, Block, OnProgress, Unreadable

LARGER = 1.15
"""How many times the body's letter height makes a heading."""
APART = 1.6
"""How many times the usual distance of lines parts paragraphs."""
REPEATED = 0.4
"""Share of the pages on which a first or last line stands to be a running title."""

_PAGE_NUMBER = re.compile(
    r"[-–—\s|]*(?:p(?:age|\.)?\s*)?\d{1,4}(?:\s*(?:/|of|쪽|페이지)\s*\d{0,4})?[-–—\s|]*", re.IGNORECASE
)
_HANGUL_END, _HANGUL_START = re.compile(r"[가-힣]$"), re.compile(r"^[가-힣]")


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    """With the space at its end, where the file has one."""
    page: int
    height: float
    """Of its letters, in points; 0 where unknown."""
    top: float


def blocks(content: bytes, on_progress: OnProgress) -> Iterator[Block]:
    """Raises Unreadable when it is encrypted, broken or too long."""
    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as exc:
        locked = raw.FPDF_GetLastError() in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        raise Unreadable("document_encrypted" if locked else "document_broken", cause="PDF") from exc
    pages = len(document)
    if pages > PAGES_MAX:
        raise Unreadable("document_too_many_pages", limit=f"{PAGES_MAX:,}", pages=f"{pages:,}")
    sheets: list[list[_Line]] = []
    for number in range(pages):
        try:
            sheets.append(_lines(document[number], number + 1))
        except pdfium.PdfiumError as exc:
            raise Unreadable("document_broken", cause=f"PDF, page {number + 1}") from exc
        on_progress(number + 1, pages)
    running = _running(sheets)
    lines = [line for sheet in sheets for line in _without(sheet, running)]
    yield from _paragraphs(lines)


def _lines(page: Any, number: int) -> list[_Line]:
    text_page = page.get_textpage()
    count = text_page.count_chars()
    text = text_page.get_text_range() if count else ""
    aligned = len(text) == count
    lines: list[_Line] = []
    at = 0
    for piece in text.split("\n"):
        line = piece.rstrip("\r")
        if line.strip():
            first = at + len(line) - len(line.lstrip())
            middle = at + len(line.rstrip()) // 2
            tops = [_box(text_page, index) for index in (first, middle)] if aligned else []
            height = median(top - bottom for top, bottom in tops) if tops else 0.0
            lines.append(_Line(line, number, height, tops[0][0] if tops else 0.0))
        at += len(piece) + 1
    text_page.close()
    page.close()
    return lines


def _box(text_page: Any, index: int) -> tuple[float, float]:
    """Top and bottom of a letter's em box."""
    rect = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(text_page.raw, index, ctypes.byref(rect))
    return float(rect.top), float(rect.bottom)


def _running(sheets: Iterable[list[_Line]]) -> set[str]:
    """The keys of lines that stand on many pages."""
    sheets = list(sheets)
    found = Counter(key for sheet in sheets for key in set(_edges(sheet).values()))
    return {key for key, count in found.items() if count >= max(3, REPEATED * len(sheets))}


def _edges(sheet: list[_Line]) -> dict[int, str]:
    """The first and last two lines by place: the outermost with their figures aside, the inner ones as they are."""
    last = len(sheet) - 1
    keys = {place: sheet[place].text.strip() for place in (1, last - 1) if 0 <= place <= last}
    return keys | {place: re.sub(r"\d+", "#", sheet[place].text.strip()) for place in (0, last) if sheet}


def _without(sheet: list[_Line], running: set[str]) -> list[_Line]:
    edges = _edges(sheet)
    return [
        line
        for place, line in enumerate(sheet)
        if not (place in edges and (edges[place] in running or _PAGE_NUMBER.fullmatch(line.text.strip())))
    ]


def _paragraphs(lines: list[_Line]) -> Iterator[Block]:
    if not lines:
        return
    body = _weighed_median(lines)
    sizes = sorted({round(line.height) for line in lines if line.height > body * LARGER}, reverse=True)
    gaps = [line.top - other.top for line, other in pairwise(lines) if line.page == other.page]
    usual = median([gap for gap in gaps if gap > 0] or [0.0])
    spaced = _spaces_at_ends(lines)
    paragraph: list[_Line] = []
    for line in lines:
        if paragraph and _parted(paragraph[-1], line, usual):
            yield _block(paragraph, body, sizes, spaced)
            paragraph = []
        paragraph.append(line)
    yield _block(paragraph, body, sizes, spaced)


def _weighed_median(lines: list[_Line]) -> float:
    heights = Counter[float]()
    for line in lines:
        heights[round(line.height, 1)] += len(line.text)
    return heights.most_common(1)[0][0]


def _parted(before: _Line, line: _Line, usual: float) -> bool:
    if before.page != line.page or BULLET.match(line.text):
        return True
    if line.text.lstrip()[:1].islower() and not before.text.rstrip().endswith((".", "!", "?")):
        return False  # a sentence goes on, though its first word may be set in another font
    if before.height and abs(line.height - before.height) > 0.12 * before.height:
        return True
    gap = before.top - line.top
    return usual > 0 and (gap > APART * usual or gap < 0)


def _block(lines: list[_Line], body: float, sizes: list[int], spaced: bool) -> Block:
    text = ""
    for line in lines:
        text = _joined(text, line.text, spaced)
    height = round(lines[0].height)
    heading = body > 0 and lines[0].height > body * LARGER and height in sizes
    return Block(text, min(sizes.index(height) + 1, 6) if heading else 0, lines[0].page)


def _spaces_at_ends(lines: list[_Line]) -> bool:
    """Whether the file keeps the space at which a line was broken: then a line without one goes on in the middle of a word."""
    ends = [line.text for line in lines if _HANGUL_END.search(line.text.rstrip())]
    return sum(text.endswith(" ") for text in ends) >= max(1, 0.3 * len(ends))


def _joined(text: str, line: str, spaced: bool) -> str:
    if not text:
        return line
    start = line.lstrip()
    if re.search(r"[A-Za-z][-\xad\x02\ufffe]$", text.rstrip()) and start[:1].islower():
        return text.rstrip()[:-1] + start
    if _HANGUL_END.search(text if spaced else text.rstrip()) and _HANGUL_START.match(start):
        return text + start if spaced else f"{text.rstrip()}{LINE_BREAK}{start}"
    return f"{text} {start}"
