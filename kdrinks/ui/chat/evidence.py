"""What stands under a finished answer: the passages it rests on, what it took, and which model said it where.

Draws records; knows no store and no engine.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kdrinks import kinds
from kdrinks.config import ROOT
from kdrinks.generation import templates
from kdrinks.generation.citations import of_kept
from kdrinks.records import Citation, Exchange, Loaded, Passage, Timing
from kdrinks.text import english
from kdrinks.text.korean import HANGUL
from kdrinks.ui import source_links, trace
from kdrinks.ui.format import seconds_text
from kdrinks.ui.frame import lang, t, visitor
from kdrinks.ui.markdown_text import as_markdown, as_plain

DRINKS = ROOT / "pages" / "drinks.py"
_MARK, _MARK_END = "\ue000", "\ue001"
_UNSUPPORTED, _UNKNOWN = "\ue000", "\ue002"
"""Private characters that no font draws; stand for a mark while the text becomes Markdown."""

DEVICES = {"cpu": "CPU", "cuda": "CUDA", "metal": "Metal", "vulkan": "Vulkan"}
FROM_SOURCES = {"kept": "menu_book", "said": "menu_book", "quoted": "format_quote"}
"""What the guard did that is said beside the sources, with its icon: only what a reader can see there. The rest is for the details."""


def draw(exchange: Exchange, traced: Callable[[], Mapping[str, Any]] | None = None) -> None:
    """traced: reads the answer's trace; None where it has none."""
    terms, besides = exchange.details.get("question_terms", ()), of_kept(exchange.details.get("also_found", ()))
    if exchange.citations or besides:
        with st.container(
            horizontal=True, gap="xsmall", vertical_alignment="center", key=f"sources-{exchange.message_id}"
        ):
            for citation in exchange.citations:
                with st.popover(f"**{citation.number}** {_named(citation.passage)}", type="secondary"):
                    _draw_passage(citation.passage, terms)
            if besides:
                _draw_also_found(besides, terms)
            if exchange.guard in FROM_SOURCES and not _declines(exchange):
                icon = f":material/{FROM_SOURCES[exchange.guard]}:"
                st.badge(t(f"chat.guard_{exchange.guard}"), icon=icon, color="gray")
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"took-{exchange.message_id}"):
        if line := _line(exchange):
            st.caption(line, width="content")
        with st.popover(t("chat.details"), type="tertiary", key=f"details-{exchange.message_id}"):
            _draw_details(exchange)
        if traced:
            _draw_trace(exchange.message_id, traced)
    for name in ("unsupported", "unknown_number"):
        if exchange.details.get(name) or exchange.details.get(f"{name}s"):
            st.caption(f":material/help: {t(f'chat.{name}_help')}")
    if exchange.guard == "no_notes":
        st.caption(f":material/edit_note: {t('chat.without_notes')}")
    if dropped := exchange.details.get("dropped_turns", 0):
        words = t("chat.dropped_one") if dropped == 1 else t("chat.dropped_many", count=dropped)
        st.caption(f":material/history: {words}")


def _declines(exchange: Exchange) -> bool:
    """Small talk and what is not answered: a seal under `고마워!` says that something was wrong with it. What quotes passages answers."""
    return exchange.guard != "quoted" and exchange.details.get("intent") in templates.DECLINE[exchange.language]


def draw_text(exchange: Exchange) -> None:
    """The answer; what a model wrote in its own words stands apart from what is quoted above it."""
    marks = [(span, _UNSUPPORTED) for span in exchange.details.get("unsupported", ())]
    marks += [(span, _UNKNOWN) for span in exchange.details.get("unknown_numbers", ())]
    text = re.sub(f"[{_UNSUPPORTED}{_UNKNOWN}]", " ", exchange.answer)
    for (start, end), mark in sorted(marks, reverse=True):
        end = start + len(text[start:end].rstrip("| "))  # inside the last cell of a table's row
        text = text[:end] + mark + text[end:]
    own_from = exchange.details.get("own_from", 0)  # no mark stands before it
    if own_from:
        st.markdown(as_markdown(text[:own_from]))
        with own_words(exchange.message_id):
            st.markdown(_with_badges(text[own_from:]))
    else:
        st.markdown(_with_badges(text))


def own_words(key: str) -> DeltaGenerator:
    """A place for what a model wrote below a quotation, that says so."""
    place = st.container(key=f"own-{key}")
    place.caption(f":material/edit_note: {t('chat.own_words')}")
    return place


def _with_badges(text: str) -> str:
    shown = as_markdown(text)
    for mark, said in ((_UNSUPPORTED, "unsupported"), (_UNKNOWN, "unknown_number")):
        shown = shown.replace(mark, f" :orange-badge[:material/help: {t(f'chat.{said}')}]")
    return shown


def _draw_also_found(found: Collection[Citation], question_terms: Collection[str]) -> None:
    """What was read and is not pointed to: no source of the answer, so behind a door of its own."""
    with st.popover(t("chat.also_found", count=len(found)), type="tertiary"):
        st.caption(t("chat.also_found_help"))
        for citation in found:
            _draw_passage(citation.passage, question_terms)


def _named(passage: Passage) -> str:
    return f"{as_plain(passage.title)} · {kinds.row(passage.kind).label.of(lang())}"


def _draw_passage(passage: Passage, question_terms: Collection[str]) -> None:
    st.markdown(f"##### {as_plain(passage.title)}")
    st.caption(kinds.row(passage.kind).label.of(lang()))
    st.markdown(_with_words_marked(passage.text, question_terms))
    if passage.kind == "document":
        _draw_document_link(passage)
    elif passage.sources:
        links = " · ".join(source_links.link(address) for address in passage.sources)
        st.markdown(f":small[{t('chat.source_links', links=links)}]")
    else:
        st.caption(t("chat.general_knowledge"))


def _draw_document_link(passage: Passage) -> None:
    """To the passage in its document; passage ids are document.kind.number.lang."""
    at = {"document": passage.subject_id, "at": passage.id.split(".")[-2]}
    st.caption(t("documents.cited"))
    if visitor().administrator:  # others read what was cited, not the whole document
        st.page_link(DRINKS, label=t("documents.look"), icon=":material/library_books:", query_params=at)


def _with_words_marked(text: str, terms: Collection[str]) -> str:
    """A passage in Markdown, the question's words in it marked. terms: as TextAnalyzer.search_terms makes them."""
    stems = {term.removesuffix("다") if len(term) > 1 else term for term in terms if HANGUL.match(term)}
    # one syllable is a word only where one begins: 술 in 술은, not in 기술
    korean = [
        ("" if len(stem) > 1 else r"(?<![가-힣])") + re.escape(stem) for stem in sorted(stems, key=len, reverse=True)
    ]
    pattern = re.compile("|".join([*korean, english.WORD.pattern, r"\d+"]))

    def is_asked(word: str) -> bool:
        return bool(HANGUL.match(word)) or word in terms or english.stem(word.lower()) in terms

    text = re.sub(f"[{_MARK}{_MARK_END}]", " ", text)
    marked = pattern.sub(lambda match: f"{_MARK}{match[0]}{_MARK_END}" if is_asked(match[0]) else match[0], text)
    # a colon before the mark would make another mark of it
    shown = as_plain(marked).replace(f":{_MARK}", f"\\:{_MARK}")
    return shown.replace(_MARK, ":yellow-background[").replace(_MARK_END, "]")


def _line(exchange: Exchange) -> str:
    """First word, speed, model and device, as far as they are known."""
    timing, parts = exchange.timing, []
    if timing.first_token_s is not None:
        parts.append(t("chat.first_token", seconds=seconds_text(timing.first_token_s)))
    if timing.tokens_per_s is not None:
        parts.append(t("chat.speed", tokens=f"{timing.tokens_per_s:,.0f}"))
    if timing.load_s > 0:
        parts.append(t("chat.cold", seconds=seconds_text(timing.load_s)))
    if exchange.loaded is not None:
        parts += [as_plain(model_name(exchange.loaded)), device_name(exchange.loaded)]
        if mode := exchange.details.get("mode"):
            parts.append(t(f"models.modes.{mode}"))
    return " · ".join(parts)


def model_name(loaded: Loaded) -> str:
    name = loaded.file.removesuffix(".gguf")
    name = name if loaded.quantization.lower() in name.lower() else f"{name} {loaded.quantization}"
    return f"{name} + {loaded.adapter.removesuffix('.gguf')} ×{loaded.adapter_scale:g}" if loaded.adapter else name


def device_name(loaded: Loaded) -> str:
    """The device that really ran, never the one that was asked for."""
    if loaded.used == "split":
        return f"{t('chat.device_split')} ({t('chat.layers', gpu_layers=loaded.gpu_layers, layers=loaded.layers)})"
    return DEVICES.get(loaded.used, loaded.used)


def _draw_details(exchange: Exchange) -> None:
    head = f"| {t('chat.step')} | {t('chat.time')} |"
    st.markdown("\n".join([head, "|---|---:|", *(f"| {name} | {value} |" for name, value in _rows(exchange.timing))]))
    if exchange.guard == "repaired" and not _declines(exchange):
        st.caption(t("chat.guard_repaired"))
    if exchange.answer:
        st.caption(t("chat.copy_text"))
        st.code(exchange.answer, language=None, wrap_lines=True, height=140)


@st.fragment
def _draw_trace(message_id: str, traced: Callable[[], Mapping[str, Any]]) -> None:
    """Read only when somebody asks for it. A fragment: a run of the whole page glides to its end, away from the answer."""
    if st.button(t("trace.title"), type="tertiary", key=f"trace-{message_id}"):
        dialog = st.dialog(t("trace.title"), width="medium")
        dialog(trace.draw)(traced(), message_id)


def _rows(timing: Timing) -> list[tuple[str, str]]:
    read = t("chat.tokens_read", count=f"{timing.prompt_tokens:,}", cached=f"{timing.cached_tokens:,}")
    written = t("models.tokens", count=f"{timing.completion_tokens:,}")
    thought = t("models.tokens", count=f"{timing.thought_tokens:,}")
    times = (
        (t("chat.time_queue"), timing.queue_s),
        (t("chat.time_load"), timing.load_s),
        (t("chat.time_retrieve"), timing.retrieve_s),
        (f"{t('chat.time_prompt')} ({read})", timing.prompt_s),
        *([(f"{t('chat.time_thought')} ({thought})", timing.thought_s)] if timing.thought_tokens else []),
        (t("chat.time_first"), timing.first_token_s),
        (f"{t('chat.time_writing')} ({written})", timing.completion_s),
        (f"**{t('chat.time_total')}**", timing.total_s),
    )
    return [
        (name, t("chat.seconds", seconds=seconds_text(value)) if value is not None else "–") for name, value in times
    ]
