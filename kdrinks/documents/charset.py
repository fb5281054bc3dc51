"""The bytes of a text file as text: strict UTF-8 first, then what a mark or Korean habit says, and of old code pages the one whose
letters are the most usual ones of its language.

charset-normalizer 3.5 was measured beside it: it reads a short GB18030 text as Hangul nobody writes, and gives up on one wrong byte.
"""

import codecs
import re
from collections import Counter

from kdrinks.documents.chunks import Unreadable

SYLLABLES = frozenset(
    "이다는을의에가고하은한도로지를서니기사어리나자있시인아라대일해과수부그정보전주제으여만면게스들것성원구차연때장습요와동오경신까상술마물쌀날맛년월"
    "합입세드우조안방공무선용모음화중생유국적식분개미간내진소비위된할했않없"
)
IDEOGRAPHS = frozenset(
    "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于着下自之年过過发發后後作里用道行所然家"
    "种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開但因只从從想实實日月度数數酒茶米水"
)
KANA = re.compile(r"[\u3041-\u3093\u30a1-\u30f6]")

LEGACY = {
    "cp949": "",
    "johab": "",
    "gb18030": "as_gb18030",
    "cp932": "as_shift_jis",
    "euc_jp": "as_euc_jp",
    "big5": "as_big5",
    "cp1252": "as_windows_1252",
}
"""Old code pages, and the note by which a person is told; Korean's own needs none."""
ALIASES = {
    **dict.fromkeys(("euc-kr", "euckr", "ks_c_5601-1987", "ks_c_5601", "ks_c_5601-1989", "ksc5601", "x-windows-949"), "cp949"),
    **dict.fromkeys(("gb2312", "gbk", "x-gbk", "gb18030", "gb_2312-80"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j"), "cp932"),
    **dict.fromkeys(("iso-8859-1", "latin1", "us-ascii", "ascii", "windows-1252"), "cp1252"),
}  # fmt: skip
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
USUAL_LEAST = 0.1
"""Share of usual letters that another code page than Korean's must show; random bytes show 0.05."""
LOST_MOST = 0.01
"""Share of letters that may be damaged in a text that is read nevertheless; how many were is told."""


def decoded(content: bytes, unread: Counter[str], declared: str = "") -> str:
    """The text with line ends as they are in Unix. declared: the code page that the file names. Raises Unreadable."""
    text = _marked(content) or _utf8(content) or _legacy(content, unread, declared) or _damaged(content, unread)
    if text is None or "\0" in text:
        raise Unreadable("document_no_text_file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _marked(content: bytes) -> str | None:
    """UTF-16 and UTF-32 by their mark, without one by where its zeros stand; and the seven-bit codes of old mail."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return _strict(content, encoding)
    sample = content[:4096]
    if b"\0" in sample:
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if max(even, odd) > 3 * min(even, odd):
            return _strict(content, "utf-16-le" if odd > even else "utf-16-be")
    if b"\x1b$)C" in content:
        return _strict(content, "iso2022_kr")
    if b"\x1b$B" in content:
        return _strict(content, "iso2022_jp")
    return None


def _utf8(content: bytes) -> str | None:
    return _strict(content, "utf-8")


def _strict(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _legacy(content: bytes, unread: Counter[str], declared: str) -> str | None:
    declared = ALIASES.get(declared.strip().lower(), declared.strip().lower())
    found: list[tuple[float, str, str]] = []
    for encoding in LEGACY:
        if (text := _strict(content, encoding)) is not None:
            worth = _usual(text, content, encoding) + (0.1 if encoding == declared else 0)
            found.append((worth, encoding, text))
    if declared and declared not in LEGACY and not declared.startswith("utf"):
        if (text := _strict(content, declared)) is not None:
            found.append((0.25, declared, text))
    if not found:
        return None
    # the first of equals: Korean, where nothing speaks for another
    worth, encoding, text = max(found, key=lambda one: one[0])
    if worth < USUAL_LEAST and encoding != "cp949":
        return None
    if note := LEGACY.get(encoding, "as_declared"):
        unread[note] += 1
    return text


def _usual(text: str, content: bytes, encoding: str) -> float:
    """How much of what is not ASCII is usual in the language of the code page, 0 to 1."""
    letters = [character for character in text if character > "\x7f" and character.isalnum()]
    if encoding == "cp1252":
        high = re.findall(rb"[\x80-\xff]+", content)
        alone = sum(len(run) == 1 for run in high)
        return 0.5 * alone / len(high) if high else 0.0
    if not letters:
        return 0.0
    if encoding in ("cp932", "euc_jp"):
        return sum(bool(KANA.match(letter)) for letter in letters) / len(letters)
    usual = SYLLABLES if encoding in ("cp949", "johab") else IDEOGRAPHS
    return sum(letter in usual for letter in letters) / len(letters)


def _damaged(content: bytes, unread: Counter[str]) -> str | None:
    """UTF-8 or CP949 with a few bytes that are neither."""
    korean = content.decode("cp949", "replace")
    likely = [korean] if _usual(korean.replace("\ufffd", ""), content, "cp949") > USUAL_LEAST else []
    text = min([content.decode("utf-8", "replace"), *likely], key=lambda one: one.count("\ufffd"))
    lost = text.count("\ufffd")
    if lost > max(4, LOST_MOST * len(text)):
        return None
    unread["letters"] += lost
    return text.replace("\ufffd", "")
