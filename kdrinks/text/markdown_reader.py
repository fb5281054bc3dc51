"""Reads the Markdown of answers as people mean it: emphasis before Korean particles, tables, no HTML, no references (`[1]` is a citation). Pure."""

import unicodedata
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter


def reader(leads_somewhere: Callable[[str], bool]) -> MarkdownIt:
    """leads_somewhere: whether an address may be a link's."""
    made = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["reference", "html_block", "html_inline"])
    made.inline.ruler.at("emphasis", _emphasis)
    made.validateLink = leads_somewhere  # type: ignore[method-assign,assignment]
    return made


def _emphasis(state: StateInline, silent: bool) -> bool:
    """As markdown-it's own rule; but a letter of no alphabet with capitals, as a Korean particle, is no reason not to close or open."""
    marker = state.src[state.pos]
    if silent or marker not in "*_":
        return False
    scanned = state.scanDelims(state.pos, marker == "*")
    end = state.pos + scanned.length
    before, after = state.src[max(state.pos - 1, 0) : state.pos], state.src[end : end + 1]
    opens, closes = scanned.can_open, scanned.can_close
    if marker == "*" and before.strip() and after.strip():
        opens, closes = opens or _is_syllable(before), closes or _is_syllable(after)
    for _ in range(scanned.length):
        token = state.push("text", "", 0)
        token.content = marker
        state.delimiters.append(Delimiter(ord(marker), scanned.length, len(state.tokens) - 1, -1, opens, closes))
    state.pos = end
    return True


def _is_syllable(character: str) -> bool:
    return unicodedata.category(character) == "Lo"
