"""A person's document as passages: blocks of a parser in, chunks by heading, page and sentence out. Pure; reads no file.

What a document says is data. Its text is kept to what a reader sees: characters that show nothing are dropped (hidden orders travel in
them), line breaks become spaces, so that no line of it can pass for a line of a prompt, and its [1] becomes (1), which is how an
answer marks what it rests on. Control text of chat templates is broken up where prompts are made (prompt.escape_control_tokens).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from kdrinks.records import Language
from kdrinks.text.korean import split_sentences
from kdrinks.text.typed import clean

FORMATS = ("pdf", "docx", "hwpx", "md", "txt", "csv", "html", "mhtml")
SUFFIXES = {
    "pdf": "pdf",
    "docx": "docx",
    "hwpx": "hwpx",
    "md": "md",
    "markdown": "md",
    "txt": "txt",
    "csv": "csv",
    "tsv": "csv",
    "html": "html",
    "htm": "html",
    "xhtml": "html",
    "mhtml": "mhtml",
    "mht": "mhtml",
}
"""The format of a file by its ending."""

SIZE_MAX_BYTES = 20 * 1024 * 1024
PAGES_MAX = 1_000
PASSAGES_MAX = 5_000
"""About 1,000 pages of prose; the search keeps its time up to 100,000 passages of all documents."""

CHUNK_UNITS = 560
"""Of letters, Hangul counted 2.2 times: 560 Latin letters or 255 syllables, about 210 to 250 tokens of the built-in model, whose prompt
leaves 420 to passages."""
HANGUL_UNITS = 2.2

LINE_BREAK = "\ue000"
"""Where a line of a PDF ends between two syllables, with or without a space nobody can see there: TextAnalyzer.glued decides."""

_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")
_LATIN_LIGATURES = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
_MARK = re.compile(r"\[(\d+)\]")
_ENDED = re.compile(r"[.!?。…:][\"'”’)\]』》」]*$")
_STATED = re.compile(
    r"(?:[다요죠]|니까)[.!?]?$|\d\s*(?:원|도|%|℃|ml|㎖|l|kg|g|시|분|won)(?![^\W\d_])|0\d{1,2}-\d{3,4}-\d{4}",
    re.IGNORECASE,
)
"""What tells a statement from a name: `달맞이 술은 13도입니다`, `달맞이 한 병 18,000원`."""
_HEADING_MOST = 80


OnProgress = Callable[[int, int], None]
"""(pages done, pages to do); formats without pages tell nothing."""

BULLET = re.compile(r"^\s*(?:[-*•·▪◦‣○●□■]|\(?\d{1,3}[.)])\s")
LABELLED = re.compile(r"\s*(?![\d\s])[^\n:：/]{1,24}[:：](?!//)\s*\S")
"""A name with its value: `도수: 13도`."""


class Unreadable(Exception):
    """A file that cannot become passages. key: entry under [errors]; values: fill its places."""

    def __init__(self, key: str, /, **values: object) -> None:
        super().__init__(key)
        self.key, self.values = key, values


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph, list item or table row, as a parser found it."""

    text: str
    level: int = 0
    """1 to 6 for a heading, 0 for text."""
    page: int | None = None
    """From 1; of a table file the row. None where the format has none."""
    alone: bool = False
    """Never shares a chunk with its neighbours: a row of a table."""


@dataclass(frozen=True, slots=True)
class Chunk:
    text: str
    heading: str
    """The headings above it, outermost first, joined with ` › `; empty without any."""
    page: int | None
    """Where it begins."""
    lang: Language


def chunked(blocks: Iterable[Block]) -> list[Chunk]:
    """Chunks of whole sentences, none across a heading or the beginning of a page. Raises Unreadable when they are too many."""
    chunks: list[Chunk] = []
    for heading, page, sentences in _sections(blocks):
        for text in _packed(_stopped(sentence) for sentence in sentences):
            chunks.append(Chunk(text, heading, page, language(text)))
        if len(chunks) > PASSAGES_MAX:
            raise Unreadable("document_too_long", limit=f"{PASSAGES_MAX:,}")
    return chunks


def plain(text: str) -> str:
    """What a reader sees of a text, in one line."""
    text = clean(text).translate(_LATIN_LIGATURES)
    kept = (" " if character.isspace() else character for character in text if _visible(character))
    text = re.sub(r" {2,}", " ", "".join(kept)).strip()
    return _MARK.sub(r"(\1)", text).replace("](", "] (")  # the second: no link or picture, wherever it is shown


def states(text: str) -> bool:
    """Whether a heading, or what looks like one, says something that may be asked for: it stays as text, too."""
    return bool(_STATED.search(text) or LABELLED.match(text))


def language(text: str) -> Language:
    """Korean where a third of the letters are Hangul: a syllable says as much as two or three Latin letters."""
    hangul = len(_HANGUL.findall(text))
    latin = len(re.findall(r"[A-Za-z]", text))
    return "ko" if hangul and 2 * hangul >= latin else "en"


def page_word(lang: Language, format: str, page: int) -> str:
    """Where a passage stands, for its title: `3쪽`, `p. 3`; of a table `12행`, `row 12`."""
    if format == "csv":
        return f"{page}행" if lang == "ko" else f"row {page}"
    return f"{page}쪽" if lang == "ko" else f"p. {page}"


def _visible(character: str) -> bool:
    return character.isspace() or character == LINE_BREAK or unicodedata.category(character) not in _INVISIBLE


def _sections(blocks: Iterable[Block]) -> Iterator[tuple[str, int | None, list[str]]]:
    """Headings, page and sentences of what stands together. A sentence that runs on over a page stays on its first one."""
    path: dict[int, str] = {}
    page: int | None = None
    sentences: list[str] = []
    for block, names in _headings(blocks):
        text = block.text
        if block.level:
            above = {level: heading for level, heading in path.items() if level < block.level}
            if names or above != path or block.page != page:
                yield _joined(path), page, sentences
                sentences = []
            path, page = above | ({block.level: text} if names else {}), block.page
            if not names or states(text):
                sentences += [_stopped(text)]
            continue
        if block.alone:
            yield _joined(path), page, sentences
            yield _joined(path), block.page, [text]
            page, sentences = block.page, []
            continue
        if block.page != page:
            runs_on = bool(sentences) and not _ENDED.search(sentences[-1]) and block.page is not None
            if runs_on:
                first, *rest = split_sentences(text)
                sentences[-1] = f"{sentences[-1]} {first}"
                text = " ".join(rest)
            yield _joined(path), page, sentences
            page, sentences = block.page, []
            if not text:
                continue
        elif sentences and not _ENDED.search(sentences[-1]):
            sentences[-1] = _stopped(sentences[-1])
        sentences += split_sentences(text)
    yield _joined(path), page, sentences


def _headings(blocks: Iterable[Block]) -> Iterator[tuple[Block, bool]]:
    """The blocks that say something, as a reader sees them; of a heading whether anything stands under it. One without is text: files
    call prices and telephone numbers headings."""
    held: Block | None = None
    for block in blocks:
        text = plain(block.text)
        if not any(character.isalnum() for character in text):
            continue
        seen = replace(block, text=text, level=block.level if len(text) <= _HEADING_MOST else 0)
        if held:
            yield held, not 0 < seen.level <= held.level
        held = seen if seen.level else None
        if not held:
            yield seen, False
    if held:
        yield held, False


def _packed(sentences: Iterable[str]) -> Iterator[str]:
    """Sentences joined up to CHUNK_UNITS; one that is longer by itself is cut between its words."""
    chunk: list[str] = []
    used = 0.0
    for sentence in (piece for one in sentences for piece in _cut(one)):
        length = _units(sentence)
        if chunk and used + length > CHUNK_UNITS:
            yield " ".join(chunk)
            chunk, used = [], 0.0
        chunk.append(sentence)
        used += length
    if chunk:
        yield " ".join(chunk)


def _cut(sentence: str) -> Iterator[str]:
    if _units(sentence) <= CHUNK_UNITS:
        yield sentence
        return
    chunk, used = "", 0.0
    for word in sentence.split(" "):
        for piece in _pieces(word):
            length = _units(piece) + 1
            if chunk and used + length > CHUNK_UNITS:
                yield chunk
                chunk, used = "", 0.0
            chunk, used = f"{chunk} {piece}" if chunk else piece, used + length
    if chunk:
        yield chunk


def _pieces(word: str) -> Iterator[str]:
    """A word without a space for pages (Base64, a long address) in bearable pieces."""
    most = int(CHUNK_UNITS / HANGUL_UNITS)
    for start in range(0, len(word), most):
        yield word[start : start + most]


def _units(text: str) -> float:
    return len(text) + (HANGUL_UNITS - 1) * len(_HANGUL.findall(text))


def _stopped(text: str) -> str:
    return text if _ENDED.search(text) or text.endswith((",", ";")) else f"{text}."


def _joined(path: dict[int, str]) -> str:
    return " › ".join(path[level] for level in sorted(path))
