"""The pieces of a page in the order in which a person reads them: columns one after the other, rows of a table apart. Pure geometry.

A piece is a run of text without a wide gap, as a PDF places it; y grows upwards. pdfminer.six and pdfplumber were measured on the same
pages: the one reads columns line by line and a table column by column, the other straight across.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from kdrinks.documents.chunks import BULLET
from kdrinks.documents.tables import said, texts

GAP = 0.8
"""Times the height of the letters, beside the space that is written: a wider gap parts two pieces of a line, as the narrowest gutters do."""
CELL_GAP = 1.5
"""Times the height: cells of a table stand wider apart; what is parted by less than this is joined again."""
COLUMN_LEAST = 8
"""Times the height: narrower pieces are cells, not lines of a column."""
FULL = 0.75
"""Share of a column's width that most of its lines fill; cells of a table end where their text does."""


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    left: float
    right: float
    top: float
    bottom: float
    height: float
    """Of its letters."""


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    top: float
    height: float
    alone: bool = False
    """A row of a table, as a sentence."""


def arranged(lines: Sequence[Sequence[Piece]], *, in_order: bool = True) -> list[Line]:
    """lines: as the file has them, which is kept where nothing stands beside anything else and `in_order` says so: PDFium reverses the
    lines of a page that is shown turned."""
    pieces = [piece for line in lines for piece in line]
    if all(len(line) < 2 for line in lines) and not _any_beside(pieces):
        return [_line(line) for line in (lines if in_order else sorted(lines, key=lambda line: -line[0].top))]
    return list(_in_order(pieces))


def _any_beside(pieces: Sequence[Piece]) -> bool:
    ordered = sorted(pieces, key=lambda piece: -piece.top)
    return any(_beside(one, other) for one, other in pairwise(ordered))


def _beside(one: Piece, other: Piece) -> bool:
    """Whether they share more than half of a line's height."""
    shared = min(one.top, other.top) - max(one.bottom, other.bottom)
    return shared > 0.5 * min(one.top - one.bottom, other.top - other.bottom)


def _in_order(pieces: Sequence[Piece]) -> Iterator[Line]:
    pieces = sorted(pieces, key=lambda piece: -piece.top)
    at = _gutter(pieces)
    if at is None:
        yield from _rows_of(pieces)
        return
    across = sorted(_across(pieces, at), key=lambda piece: -piece.top)
    rest = [piece for piece in pieces if not any(piece is one for one in across)]
    for number, top in enumerate([*(piece.top for piece in across), float("-inf")]):
        band = [piece for piece in rest if piece.top > top]
        rest = [piece for piece in rest if piece.top <= top]
        for side in ([one for one in band if one.right <= at + 1], [one for one in band if one.right > at + 1]):
            if side:
                yield from _in_order(side)
        if number < len(across):
            yield _line([across[number]])


def _across(pieces: Iterable[Piece], at: float) -> list[Piece]:
    return [piece for piece in pieces if piece.left < at - 1 and piece.right > at + 1]


def _gutter(pieces: Sequence[Piece]) -> float | None:
    """Where a column begins that has another one at its left; None on a page of one column, or of tables."""
    best: tuple[int, float] | None = None
    for at in sorted({round(piece.left) for piece in pieces})[1:]:
        left = [piece for piece in pieces if piece.right <= at + 1]
        right = [piece for piece in pieces if piece.left >= at - 1]
        crossing = len(pieces) - len(left) - len(right)
        if len(left) < 2 or len(right) < 2 or crossing > min(len(left), len(right)) or (best and crossing >= best[0]):
            continue
        overlap = min(left[0].top, right[0].top) - max(left[-1].bottom, right[-1].bottom)
        if overlap > left[0].height and _is_column(left) and _is_column(right):
            best = crossing, float(at)
    return best[1] if best else None


def _is_column(pieces: Sequence[Piece]) -> bool:
    if median((piece.right - piece.left) / (piece.height or 1) for piece in pieces) < COLUMN_LEAST:
        return False
    width = max(piece.right for piece in pieces) - min(piece.left for piece in pieces)
    full = sum(piece.right - piece.left >= FULL * width for piece in pieces)
    return 2 * full >= len(pieces) or _gutter(pieces) is not None


def _rows_of(pieces: Sequence[Piece]) -> Iterator[Line]:
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: -piece.top):
        if rows and _beside(rows[-1][0], piece):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    for row in rows:
        row.sort(key=lambda piece: piece.left)
    place = 0
    while place < len(rows):
        end, columns = _table_end(rows, place)
        if end - place < 2:
            yield _line(rows[place])
            place += 1
            continue
        yield from _table(rows[place:end], columns)
        place = end


def _table_end(rows: Sequence[Sequence[Piece]], start: int) -> tuple[int, list[tuple[float, float]]]:
    """Up to where rows stand in the same columns, and from where to where each column reaches."""
    columns: list[tuple[float, float]] = []
    end, wide = start, 0
    for place in range(start, len(rows)):
        row = rows[place]
        if BULLET.match(row[0].text.strip() + " ") and len(row) == 2 and len(row[0].text.strip()) < 4:
            break
        within = len(_joined(((piece.left, piece.right) for piece in row), CELL_GAP * row[0].height)) > 1 or (
            wide > 1 and columns and row[0].left > columns[0][1]
        )
        spans = [*columns, *((piece.left, piece.right) for piece in row)]
        joined = _joined(spans, CELL_GAP * row[0].height)
        far = place > start and rows[place - 1][0].bottom - row[0].top > 3 * row[0].height
        if not within or far or len(joined) < 2 or (columns and len(joined) < len(columns)):
            break
        columns, wide = joined, wide + (len(row) > 1)
        end = place + 1
    return (end, columns) if wide > 1 else (start, [])


def _joined(spans: Iterable[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for left, right in sorted(spans):
        if joined and left <= joined[-1][1] + gap:
            joined[-1] = joined[-1][0], max(joined[-1][1], right)
        else:
            joined.append((left, right))
    return joined


def _table(rows: Sequence[Sequence[Piece]], columns: Sequence[tuple[float, float]]) -> Iterator[Line]:
    cells: list[list[str]] = []
    firsts: list[Piece] = []
    for row in rows:
        texts_of = [""] * len(columns)
        for piece in row:
            at = next(number for number, (left, right) in enumerate(columns) if left <= piece.left <= right)
            texts_of[at] = f"{texts_of[at]} {piece.text.strip()}".strip()
        if cells and len(row) == 1:  # the second line of a cell
            cells[-1] = [f"{above} {text}".strip() for above, text in zip(cells[-1], texts_of, strict=True)]
            continue
        if len(cells) > 1 and not texts_of[0] and all(texts_of[1:]) and len(columns) > 2:
            texts_of[0] = cells[-1][0]  # a cell that is merged over several rows
        cells.append(texts_of)
        firsts.append(row[0])
    for row_said in said(texts(cells)):
        first = firsts[row_said.number]
        yield Line(row_said.text, first.top, first.height, alone=True)


def _line(pieces: Sequence[Piece]) -> Line:
    if len(pieces) == 1:
        return Line(
            pieces[0].text, pieces[0].top, pieces[0].height
        )  # with the space at its end, where the file has one
    return Line(
        " ".join(piece.text.strip() for piece in pieces), pieces[0].top, median(piece.height for piece in pieces)
    )
