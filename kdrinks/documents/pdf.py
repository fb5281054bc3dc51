"""PDF files as blocks, by PDFium: lines with their height and place, joined to paragraphs; larger lines are headings.

What repeats at the head and foot of the pages (titles, page numbers) is left out, and letters that the file does not tell: a font without a
table of them, which a program shows rightly and reads as any others. PDFium is not thread-safe: a process reads one file.
"""

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from kdrinks.documents.chunks import BULLET, LINE_BREAK, PAGES_MAX, Block, OnProgress, Unreadable
from kdrinks.documents.layout import GAP, Piece, arranged

LARGER = 1.15
"""How many times the body's letter height makes a heading."""
APART = 1.6
"""How many times the usual distance of lines parts paragraphs."""
REPEATED = 0.4
"""Share of the pages on which a first or last line stands to be a running title."""

UNTOLD = 0.3
"""Share of a line's letters that the file does not tell; more, and the line is left out."""
LETTERS_DRAWN = 50
"""Lines and shapes on a page without text: more are letters that are drawn."""
PICTURE_LEAST, PICTURE_MOST = 0.01, 0.8
"""Share of the page."""

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
    alone: bool = False


def blocks(content: bytes, on_progress: OnProgress, unread: Counter[str]) -> Iterator[Block]:
    """Raises Unreadable when it is encrypted, broken or too long, and when the letters of all its text are not told."""
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
            sheets.append(_lines(document[number], number + 1, unread))
        except pdfium.PdfiumError as exc:
            raise Unreadable("document_broken", cause=f"PDF, page {number + 1}") from exc
        on_progress(number + 1, pages)
    if not any(sheets) and unread["pages_untold"]:
        raise Unreadable("document_untold_letters")
    running = _running(sheets)
    lines = [line for sheet in sheets for line in _without(sheet, running)]
    yield from _paragraphs(lines)


def _lines(page: Any, number: int, unread: Counter[str]) -> list[_Line]:
    text_page = page.get_textpage()
    count = text_page.count_chars()
    text = text_page.get_text_range() if count else ""
    if len(text) != count:
        text = "".join(chr(raw.FPDFText_GetUnicode(text_page.raw, at)) for at in range(count))
    found: list[list[Piece]] = []
    untold = at = 0
    turn = _turn(text_page, count)
    for piece in text.split("\n"):
        line = piece.rstrip("\r")
        if line.strip():
            letters = [at + place for place, letter in enumerate(line) if not letter.isspace()]
            lost = sum(_is_untold(text_page, index, text[index]) for index in letters)
            if lost > UNTOLD * len(letters):
                untold += lost
            else:
                found.append(_pieces(text_page, line, at, turn))
        at += len(piece) + 1
    lines = [
        _Line(line.text, number, line.height, line.top, line.alone)
        for line in arranged(found, in_order=not page.get_rotation())
    ]
    _count_unread(page, bool(lines), untold, unread)
    text_page.close()
    page.close()
    return lines


def _count_unread(page: Any, has_text: bool, untold: int, unread: Counter[str]) -> None:
    whole = page.get_width() * page.get_height() or 1.0
    shares = []
    for image in page.get_objects(filter=(raw.FPDF_PAGEOBJ_IMAGE,), max_depth=4):
        left, bottom, right, top = image.get_bounds()
        shares.append((right - left) * (top - bottom) / whole)
    if untold:
        unread["letters" if has_text else "pages_untold"] += untold if has_text else 1
    elif not has_text:
        drawn = sum(1 for _ in page.get_objects(max_depth=2))
        unread["pages_without_text"] += bool(shares) or drawn >= LETTERS_DRAWN
    if has_text:  # the smallest are lines and dots, the largest a scan under its recognised text
        unread["pictures"] += sum(PICTURE_LEAST < share < PICTURE_MOST for share in shares)


def _is_untold(text_page: Any, index: int, letter: str) -> bool:
    return (
        letter == "\ufffd"
        or unicodedata.category(letter) == "Co"
        or raw.FPDFText_HasUnicodeMapError(text_page.raw, index) == 1
    )


def _turn(text_page: Any, count: int) -> int:
    """By how many quarters the letters of a page are turned, most of them."""
    step = max(1, count // 20)
    angles = [raw.FPDFText_GetCharAngle(text_page.raw, index) for index in range(0, count, step)]
    quarters = Counter(round(angle / (math.pi / 2)) % 4 for angle in angles if angle >= 0)
    return quarters.most_common(1)[0][0] if quarters else 0


def _pieces(text_page: Any, line: str, start: int, turn: int) -> list[Piece]:
    """A line, cut where a wide gap is."""
    pieces: list[Piece] = []
    boxes: list[tuple[float, float, float, float]] = []
    begin = 0

    def cut(end: int) -> None:
        tops = [boxes[0], boxes[len(boxes) // 2]]
        height = median(top - bottom for _, bottom, _, top in tops)
        left, right = min(box[0] for box in boxes), max(box[2] for box in boxes)
        # a space at the end says something only at the end of the file's own line
        text = line[begin:] if end == len(line) else line[begin:end].rstrip()
        pieces.append(Piece(text, left, right, boxes[0][3], boxes[0][1], height))

    spaces, edge = 0, 0.0
    for place, letter in enumerate(line):
        box = _box(text_page, start + place, turn)
        if letter.isspace():
            spaces += 1
            if (
                spaces < 3
            ):  # a space that is written belongs to the words; a row of them is how some programs make columns
                edge = max(edge, box[2])
            continue
        if boxes and spaces > 2:
            edge = boxes[-1][2]
        if boxes and abs(box[0] - edge) > GAP * max(box[3] - box[1], 1.0) and box[2] > box[0]:
            cut(place)
            boxes, begin = [], place
        boxes.append(box)
        spaces, edge = 0, box[2]
    if boxes:
        cut(len(line))
    return pieces


def _box(text_page: Any, index: int, turn: int) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a letter's em box, as if the letters stood upright."""
    rect = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(text_page.raw, index, ctypes.byref(rect))
    left, bottom, right, top = float(rect.left), float(rect.bottom), float(rect.right), float(rect.top)
    if turn == 3:  # PDFium's angles run clockwise
        return bottom, -right, top, -left
    if turn == 2:
        return -right, -top, -left, -bottom
    if turn == 1:
        return -top, left, -bottom, right
    return left, bottom, right, top


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
    if before.alone or line.alone or before.page != line.page or BULLET.match(line.text):
        return True
    if line.text.lstrip()[:1].islower() and not before.text.rstrip().endswith((".", "!", "?")):
        return False  # a sentence goes on, though its first word may be set in another font
    if before.height and abs(line.height - before.height) > 0.12 * before.height:
        return True
    gap = before.top - line.top
    return usual > 0 and (gap > APART * usual or gap < 0)


def _block(lines: list[_Line], body: float, sizes: list[int], spaced: bool) -> Block:
    if lines[0].alone:
        return Block(lines[0].text, 0, lines[0].page, alone=True)
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
