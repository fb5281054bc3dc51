"""Texts made safe for st.markdown: answers keep their Markdown, everything else is shown as it was written. Pure; no streamlit.

Streamlit renders GitHub's Markdown plus its own marks, which breaks Korean answers: two `~` of price ranges strike out what
lies between, `**"강조"**는` keeps its asterisks (CommonMark knows no particles), `$` starts a formula, and an image makes the
browser fetch an address that a model wrote. Not named markdown.py: while a page runs, Streamlit puts the main script's folder
first on sys.path, where that name would shadow the library.
"""

import re
import unicodedata

HAIR_SPACE = "\u200a"
"""Between emphasis and a particle: enough for CommonMark to close the emphasis, too thin to see."""

_CODE = re.compile(r"(`{3,}.*?(?:`{3,}|\Z)|(?<!`)(`{1,2})(?!`).+?(?<!`)\2(?!`))", re.DOTALL)
_EMPHASIS = re.compile(r"(\*{1,3})(?=[^\s*])([^\n]*?[^\s*])\1(?!\*)")
_IMAGE = re.compile(r"!\[([^\]\n]*)\]\(([^)\n]*)\)")
_DIRECTIVE = re.compile(r":([A-Za-z][\w-]*)\[")
_BREAK = re.compile(r"(?<=[^\s|\\])\n(?=[^\n|])")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&])")


def as_markdown(text: str, *, unfinished: bool = False) -> str:
    """A model's answer for st.markdown; code stays untouched.

    unfinished: the text is still being written, so emphasis that is open on the last line is closed.
    """
    if unfinished:
        last_line = _CODE.sub("", text).rpartition("\n")[2]
        if last_line.count("**") % 2 and not last_line.rstrip().endswith("**"):
            text = text.rstrip() + "**"
    codes: list[str] = []

    def put_aside(code: re.Match[str]) -> str:
        codes.append(code.group(0))
        return f"\0{len(codes) - 1}\0"

    prose = _prose(_CODE.sub(put_aside, text.replace("\0", "")))
    return re.sub("\0(\\d+)\0", lambda mark: codes[int(mark.group(1))], prose)


def as_plain(text: str) -> str:
    """A person's or a source's text for st.markdown: every character as it was typed, lines kept."""
    return _BREAK.sub("  \n", _SPECIAL.sub(r"\\\1", text)).replace("\n ", "\n\u00a0")


def _prose(text: str) -> str:
    text = re.sub(r"(?<!\\)([~$])", r"\\\1", text)
    text = _IMAGE.sub(lambda image: f"[{image.group(1) or image.group(2)}]({image.group(2)})", text)
    text = text.replace("![", r"\![")
    text = _DIRECTIVE.sub(r":\1\\[", text)
    text = _EMPHASIS.sub(_space_emphasis, text)
    return _BREAK.sub("  \n", text)


def _space_emphasis(match: re.Match[str]) -> str:
    """The emphasis with hair spaces where a letter touches a delimiter that has punctuation on its inner side."""
    text, inner = match.string, match.group(2)
    before = text[match.start() - 1 : match.start()]
    after = text[match.end() : match.end() + 1]
    left = HAIR_SPACE if _is_word(before) and not _is_word(inner[0]) else ""
    right = HAIR_SPACE if _is_word(after) and not _is_word(inner[-1]) else ""
    return f"{left}{match.group(0)}{right}"


def _is_word(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "LNM"
