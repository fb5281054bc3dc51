"""Texts for st.markdown and for labels, which are Markdown too: answers keep their Markdown, all else is shown as it was typed.

Streamlit's Markdown breaks Korean answers: two `~` of price ranges strike out what lies between, `**"강조"**는` keeps its asterisks
(CommonMark knows no particles), `$` starts a formula. And it makes the browser fetch: pictures, Mermaid's, whatever a link leads to.
No two readers of Markdown agree on all of it, so none of an answer's own marks are handed on: each node that markdown-it finds is
written anew, in a form that both read alike, its text escaped. Pictures become links, links lead to http and https or are text, and a
block of code keeps its language unless that draws something. No definitions of references: `[1]` is a citation.
Longer texts of people need no Markdown at all: st.text. Not named markdown.py: while a page runs, Streamlit puts the main script's
folder first on sys.path, where that name would shadow the library. Pure; no streamlit.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from markdown_it.tree import SyntaxTreeNode as Node

from kdrinks.text.markdown_reader import reader
from kdrinks.ui.marks import CUT, escaped, web_address

HAIR_SPACE = "\u200a"
"""Between emphasis and a particle: enough for CommonMark to close the emphasis, too thin to see."""
RULE = "___"
"""Of underscores: behind `- ` and `* ` the others would make one rule of item and rule."""

BREAK = "  \n"
"""The end of a line that stays one."""

_BLANKS = re.compile(r"[ \t]*")
_AT_START = re.compile(r"^(?:[=:+|-]|\d+(?=[.)](?:\s|$)))", re.MULTILINE)
_ANYWHERE = r"[\\`*<>{~$&#]|_(?![^\W_])|(?<![^\W_])_|!(?=\[|$)"
"""Special in every text; an underscore within a word is not."""
_TYPED = re.compile(rf"{_ANYWHERE}|[|\[\]]|(?<=\])\(")
_WRITTEN = re.compile(rf"{_ANYWHERE}|\[(?!(?:\d{{1,3}}|[ xX])\](?![(\[:]))")
"""Citations and boxes to tick keep their brackets."""
_ADDRESS = re.compile(
    r"(https?://[^\s<>\"'`()\[\]{}\\|^*ㄱ-ㆎ가-힣]*[^\s<>\"'`()\[\]{}\\|^*ㄱ-ㆎ가-힣.,:;!?~_])", re.IGNORECASE
)
_LANGUAGE = re.compile(r"[\w+#.-]+")
_DRAWN = ("mermaid", "math")
"""Languages of blocks that Streamlit draws instead of showing them."""

Piece = tuple[Literal["text", "open", "close"], str]


def as_markdown(text: str, *, unfinished: bool = False) -> str:
    """A model's answer.

    unfinished: the text is still being written, so emphasis that is open on the last line is closed.
    """
    return "\n".join(_blocks(Node(_READER.parse(text)).children, unfinished=unfinished))


def as_plain(text: str) -> str:
    """A person's or a source's text for st.markdown: every character as it was typed, lines kept."""
    lines = re.split(r"\r\n?|\n", text)
    ends = ["  \n" if line.strip() and after.strip() else "\n" for line, after in pairwise(lines)]
    return "".join(f"{_line(line)}{end}" for line, end in zip(lines, [*ends, ""], strict=True))


def _line(text: str) -> str:
    """Blanks at the start are written as references: four of them would be code."""
    blanks = _BLANKS.match(text)[0]  # type: ignore[index]  # matches always
    return "".join(f"&#{ord(blank)};" for blank in blanks) + _at_start(escaped(text.removeprefix(blanks), _TYPED))


def _at_start(text: str) -> str:
    """What begins no list, table, rule or heading at the start of a line."""
    return _AT_START.sub(lambda match: f"{match[0]}\\" if match[0].isdecimal() else f"\\{match[0]}", text)


def _blocks(nodes: Sequence[Node], *, tight: bool = False, unfinished: bool = False) -> list[str]:
    """The lines of blocks; unfinished: of the last one."""
    lines: list[str] = []
    for node in nodes:
        if lines and not tight:
            lines.append("")
        lines += _block(node, unfinished=unfinished and node is nodes[-1])
    return lines


def _block(node: Node, *, unfinished: bool) -> list[str]:
    match node.type:
        case "paragraph":
            return _inline(node, unfinished=unfinished).split("\n")
        case "heading":
            return [f"{'#' * int(node.tag[1])} {_inline(node, unfinished=unfinished).replace(BREAK, ' ')}"]
        case "fence" | "code_block":
            return _fence(node)
        case "hr":
            return [RULE]
        case "blockquote":
            return ["> " * bool(line) + line or ">" for line in _blocks(node.children, unfinished=unfinished)]
        case "bullet_list" | "ordered_list":
            return _list(node, unfinished=unfinished)
        case "table":
            return _table(node, unfinished=unfinished)
    raise NotImplementedError(node.type)  # of a rule of markdown-it that _READER leaves out


def _fence(node: Node) -> list[str]:
    code = node.content.removesuffix("\n")
    ticks = "`" * max(3, 1 + _longest_run(code))
    language = _LANGUAGE.match(node.info.strip()) if node.info else None
    drawn = language and any(name in language[0].lower() for name in _DRAWN)
    return [ticks + (language[0] if language and not drawn else ""), *code.split("\n"), ticks]


def _list(node: Node, *, unfinished: bool) -> list[str]:
    tight = all(block.hidden for item in node.children for block in item.children if block.type == "paragraph")
    lines: list[str] = []
    for item in node.children:
        marker = f"{item.info}{item.markup} "
        last = unfinished and item is node.children[-1]
        first, *others = _blocks(item.children, tight=tight, unfinished=last) or [""]
        if lines and not tight:
            lines.append("")
        lines += [f"{marker}{first}", *(line and f"{' ' * len(marker)}{line}" for line in others)]
    return lines


def _table(node: Node, *, unfinished: bool) -> list[str]:
    rows = [row for part in node.children for row in part.children]
    marks = {"text-align:left": ":---", "text-align:center": ":---:", "text-align:right": "---:"}
    rule = "|".join(marks.get(str(cell.attrs.get("style")), "---") for cell in rows[0].children)
    lines = [
        f"| {' | '.join(_cell(cell, unfinished=unfinished and row is rows[-1]) for cell in row.children)} |"
        for row in rows
    ]
    return [lines[0], f"|{rule}|", *lines[1:]]


def _cell(cell: Node, *, unfinished: bool) -> str:
    """An upright line ends a cell even in code; one behind an odd number of backslashes is escaped already."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\|", r"\1\\|", _inline(cell, unfinished=unfinished))


def _inline(block: Node, *, unfinished: bool) -> str:
    """The text of a block. Hair spaces lie where a letter touches emphasis that has punctuation on its inner side."""
    nodes = block.children[0].children if block.children else []
    pieces = [piece for piece in _pieces(nodes) if piece[1]]
    if unfinished:
        pieces = _with_emphasis_closed(pieces)
    text, before = "", ""
    for number, (role, piece) in enumerate(pieces):
        if role == "open" and before != "open":
            inner = next((other for kind, other in pieces[number:] if kind != "open"), "")
            text += CUT if before == "close" else ""  # two emphases that touch
            text += HAIR_SPACE if _is_word(text[-1:]) and not _is_word(inner[:1]) else ""
        elif role == "text" and before == "close":
            text += HAIR_SPACE if _is_word(piece[:1]) and not _is_word(text.rstrip("*_")[-1:]) else ""
        text, before = text + piece, role
    return _at_start(text)


def _pieces(nodes: Sequence[Node], *, in_link: bool = False) -> Iterator[Piece]:
    for node in nodes:
        match node.type:
            case "text":
                yield "text", _text(re.sub(r"\s", " ", node.content), in_link=in_link)
            case "softbreak" | "hardbreak":
                yield "text", " " if in_link else BREAK
            case "code_inline":
                yield "text", _code(node.content)
            case "em" | "strong":
                yield "open", node.markup
                yield from _pieces(node.children, in_link=in_link)
                yield "close", node.markup
            case "link" | "image":
                address = web_address(str(node.attrs.get("href") or node.attrs.get("src")))
                inner = "".join(piece for _, piece in _pieces(node.children, in_link=True))
                yield "text", inner if in_link else f"[{inner or escaped(address, _TYPED)}]({address})"
            case _:
                raise NotImplementedError(node.type)


def _text(text: str, *, in_link: bool) -> str:
    if in_link:
        return escaped(text, _TYPED)
    parts = _ADDRESS.split(text)
    for number in range(1, len(parts), 2):
        address = web_address(parts[number])
        shown = escaped(parts[number], _TYPED)
        parts[number] = f"[{shown}]({address})" if address else shown
    return "".join(part if number % 2 else escaped(part, _WRITTEN) for number, part in enumerate(parts))


def _code(code: str) -> str:
    ticks = "`" * (1 + _longest_run(code))
    blank = " " if code.startswith(("`", " ")) or code.endswith(("`", " ")) else ""
    return f"{ticks}{blank}{code}{blank}{ticks}"


def _longest_run(code: str) -> int:
    return max(map(len, re.findall("`+", code)), default=0)


def _with_emphasis_closed(pieces: list[Piece]) -> list[Piece]:
    """The last `**` of the last line that opens something opens bold type up to the end."""
    opened = 0
    for number in reversed(range(len(pieces))):
        role, piece = pieces[number]
        before, mark, after = piece.rpartition(r"\*\*")
        if piece == BREAK or (mark and after[:1].isspace()):
            break
        if role == "text" and mark and opened == 0 and (after or number + 1 < len(pieces)):
            bold: list[Piece] = [
                ("text", before),
                ("open", "**"),
                ("text", after),
                *pieces[number + 1 :],
                ("close", "**"),
            ]
            return [*pieces[:number], *(piece for piece in bold if piece[1])]
        opened += {"open": -1, "close": 1, "text": 0}[role]
    return pieces


def _is_word(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "LNM"


_READER = reader(lambda url: bool(web_address(url)))
