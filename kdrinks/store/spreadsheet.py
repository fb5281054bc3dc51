"""Texts as cells of a CSV: what a spreadsheet would run as a formula begins with an apostrophe, and loses it again on the way back.

The only place that decides it, for every CSV that kdrinks writes or reads back. Pure.
Source: https://owasp.org/www-community/attacks/CSV_Injection
"""

import re

# After blanks, line breaks and what has no width a formula is one all the same. Full-width signs are taken for the plain ones by
# Japanese, Chinese and Korean spreadsheets; U+2212 is what a text processor makes of a minus. `-5` and `- 0.5 %` are numbers.
# Apostrophes at the beginning are of no account: a text that has one by itself must come back with it.
_FORMULA = re.compile(
    r"'*(?:[\t\r\n]|(?!\s*-\s*\d[\d.,]*(?:[eE][+-]?\d+)?\s*%?\s*\Z)"
    r"[\s\x00-\x1f\x7f-\xa0\xad\u115f\u1160\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0]*"
    r"[=+@\-＝＋－＠﹦﹢﹣﹫−])"
)


def cell(text: str) -> str:
    """A text as a cell, or the name of a column, that no spreadsheet runs."""
    return "'" + text if _FORMULA.match(text) else text


def text_of(cell: str) -> str:
    """The text that cell() was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell
