"""What a model thought before it answered: folded above the answer, never a part of it. Read from the answer's trace."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from kdrinks.records import Exchange
from kdrinks.ui.format import seconds_text
from kdrinks.ui.frame import t
from kdrinks.ui.markdown_text import as_markdown

SHOWN_LIVE = 2_000
"""Characters of a thought that is still written: each drawing sends them anew."""
_ICON = ":material/psychology:"


def draw(exchange: Exchange, traced: Callable[[], Mapping[str, Any]]) -> None:
    """Nothing for an answer without a thought. traced: reads its trace."""
    if not exchange.timing.thought_tokens or not (text := traced().get("thought")):
        return
    seconds = t("chat.seconds", seconds=seconds_text(exchange.timing.thought_s))
    with st.expander(
        f"{t('chat.thought')} · {seconds}", icon=_ICON, type="compact", key=f"thought-{exchange.message_id}"
    ):
        st.markdown(as_markdown(text))


def draw_live(text: str) -> None:
    """While it is written: its end, for who wants to see it."""
    with st.expander(t("chat.thought"), icon=_ICON, type="compact"):
        shown = text if len(text) <= SHOWN_LIVE else f"… {text[-SHOWN_LIVE:]}"
        st.markdown(as_markdown(shown, unfinished=True))


def only(exchange: Exchange) -> bool:
    """Whether it was thought about and nothing was answered, beside what was quoted: the budget or the window ended within the thought, or the
    model did."""
    quoted = exchange.guard == "quote_first" and "own_from" not in exchange.details
    wrote = exchange.answer and not quoted
    return bool(exchange.timing.thought_tokens) and not wrote and exchange.finish in ("stop", "length")
