"""Draws one question of a set with the answers of one run or two: as the chat draws them, with what was expected and how it came about."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import streamlit as st

from kdrinks import i18n
from kdrinks.drinks import catalog
from kdrinks.measure import run
from kdrinks.measure.good import AVOIDS
from kdrinks.measure.judge import MEASURES
from kdrinks.records import Citation, Exchange, Loaded, Passage, Timing
from kdrinks.services import Services
from kdrinks.store import passages
from kdrinks.ui import trace
from kdrinks.ui.chat import evidence, rows
from kdrinks.ui.chat.view import PICTURES
from kdrinks.ui.drinks import labels
from kdrinks.ui.frame import t, visitor
from kdrinks.ui.lab.failures import Row, failed, failing
from kdrinks.ui.lab.results import measure_name
from kdrinks.ui.markdown_text import as_plain

Side = tuple[str, str, Row]
"""A run's id, what it is called, and its row of the question."""


def draw(services: Services, question: Mapping[str, Any], sides: Sequence[Side]) -> None:
    """question: as its set holds it; {} where the set is gone.   sides: one or two; of two the second is the one that is read."""
    row = sides[-1][2]
    for number, earlier in enumerate(question.get("history", ())):
        _draw_asked(earlier, f"history-{number}")
    _draw_asked(row["question"], "now")
    columns = st.columns(len(sides), gap="medium")
    for column, (run_id, name, one) in zip(columns, sides, strict=True):
        with column:
            if len(sides) > 1:
                st.markdown(f"**{as_plain(name)}** {_mark(one)}")
            traced = run.trace(services, visitor(), run_id, row["id"])
            _draw_answer(services, run_id, one, traced)
            _draw_failing(one)
    _draw_expected(services, question, sides)
    _draw_trace(services, sides)


def _draw_asked(text: str, name: str) -> None:
    with st.container(key=f"asked-lab-{name}"), st.chat_message(t("chat.you"), avatar=PICTURES / "you.svg"):
        st.text(text)


def _mark(row: Row) -> str:
    if row.get("good") is None:
        return ""
    return f":red-badge[{t('lab.bad')}]" if failed(row) else f":green-badge[{t('lab.good')}]"


def _draw_answer(services: Services, run_id: str, row: Row, traced: Mapping[str, Any]) -> None:
    with st.chat_message(t("chat.guide"), avatar=PICTURES / "guide.svg"):
        if error := row.get("error"):
            st.error(as_plain(error), icon=":material/error:")
        exchange = exchange_of(services, run_id, row, traced)
        if exchange.answer:
            evidence.draw_text(exchange)
            rows.draw(services, exchange)
        elif not error:
            st.caption(t("chat.no_text"))
        if traced:
            evidence.draw(exchange)


def _draw_failing(row: Row) -> None:
    if names := failing(row):
        badges = " ".join(f":red-badge[:material/close: {t(f'lab.failing.{name}')}]" for name in names)
        st.markdown(badges)
    elif row.get("good") is not None and not row.get("error"):
        st.markdown(f":green-badge[:material/check: {t('lab.all_hold')}]")


def _draw_expected(services: Services, question: Mapping[str, Any], sides: Sequence[Side]) -> None:
    """What the question wants, and which of the answers has it."""
    wanted = expected(services, question)
    if wanted:
        head = ["", t("lab.expected"), *([as_plain(name) for _, name, _ in sides] if len(sides) > 1 else [""])]
        lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        for name, text in wanted:
            held = [_held(row, name) for _, _, row in sides]
            lines.append(f"| {' | '.join([measure_name(name), as_plain(' '.join(text.split())), *held])} |")
        st.markdown("\n".join(lines))
    for name in ("good", "reference"):
        if note := question.get(name):
            st.caption(f"{t(f'lab.note_{name}')} {as_plain(note)}")


def _held(row: Row, name: str) -> str:
    value = row.get(name)
    if not isinstance(value, bool):
        return "–"
    return ":green[:material/check:]" if value != (name in AVOIDS) else ":red[:material/close:]"


def expected(services: Services, question: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The measures that a question has an expectation for, each with what is expected in words."""
    drinks = {drink.id: labels.title(drink) for drink in catalog.current(services.db).drinks}

    def of_ids(ids: Sequence[str]) -> str:
        return ", ".join(drinks.get(one, one) for one in ids)

    texts: dict[str, str] = {}
    if groups := question.get("gold_groups"):
        texts["recall_at_3"] = "; ".join(
            f" {t('lab.or')} ".join(drinks.get(one, one) for one in group) for group in groups
        )
    if groups := question.get("must_mention"):
        texts["mentions"] = "; ".join(f" {t('lab.or')} ".join(group) for group in groups)
    if banned := question.get("must_not_mention"):
        texts["violates"] = t("lab.none_of", texts=", ".join(banned))
    if "cautioned" in question:
        texts["cautioned" if question["cautioned"] else "false_alarm"] = t(f"lab.cautioned_{question['cautioned']}")
    if "exact" in question:
        texts["exact"] = of_ids(question["exact"]) or "–"
    if "figure" in question:
        texts["figure"] = f"{question['figure']:g}"
    if operation := question.get("operation"):
        key = f"trace.operations.{operation}"
        texts["operation"] = t(key) if key in i18n.strings() else operation
    if aspects := question.get("aspects"):
        texts["aspect"] = ", ".join(aspects)
    if strangers := question.get("passages_not"):
        texts["belongs"] = t("lab.none_of", texts=of_ids(strangers))
    if most := question.get("most_characters"):
        texts["short"] = t("lab.at_most", count=f"{most:,}")
    return [(name, texts[name]) for name in MEASURES if name in texts]


def _draw_trace(services: Services, sides: Sequence[Side]) -> None:
    """Folded, and read when it is opened; it stays open from one question to the next."""
    box = st.expander(t("lab.trace"), icon=":material/route:", type="compact", key="lab-trace", on_change="rerun")
    if not box.open:
        return
    with box:
        for run_id, name, row in sides:
            if len(sides) > 1:
                st.markdown(f"**{as_plain(name)}**")
            if traced := run.trace(services, visitor(), run_id, row["id"]):
                trace.draw(traced, f"{run_id}-{row['number']}")
            else:
                st.caption(t("lab.no_trace"))


def exchange_of(services: Services, run_id: str, row: Row, traced: Mapping[str, Any]) -> Exchange:
    """An answer of a run as the chat has its own; without a trace its passages and times are not known."""
    answer = row.get("answer", "")
    spans = [
        (answer.find(text), answer.find(text) + len(text)) for text in traced.get("unsupported", ()) if text in answer
    ]
    details = {
        "rows": traced.get("rows", ()),
        "intent": row.get("intent", ""),
        "unsupported": sorted(spans),
        "own_from": traced.get("own_from") or 0,
        "question_terms": services.words.search_terms(services.words.as_meant(row["question"]), row["lang"]),
    }
    model = traced.get("model")
    return Exchange(
        conversation_id=run_id,
        question_id=row["id"],
        message_id=f"{run_id}-{row['number']}",
        question=row["question"],
        answer=answer,
        language=row["lang"],
        finish="failed" if row.get("error") else "stop",
        error=row.get("error"),
        citations=_citations(services, traced),
        loaded=Loaded(**_known(Loaded, model)) if model else None,
        timing=Timing(**_known(Timing, traced.get("timing", {}))),
        guard=row.get("guard", ""),
        details=details,
    )


def _citations(services: Services, traced: Mapping[str, Any]) -> tuple[Citation, ...]:
    """The passages as they are now, with their sources; one that is gone as it was."""
    kept = {one["id"]: one for one in traced.get("passages", ())}
    subjects = list(dict.fromkeys(one["subject"] for one in kept.values()))
    now = {
        one.id: one
        for language in {one["lang"] for one in kept.values()}
        for one in passages.of_subjects(services.db, subjects, lang=language)
    }
    found = []
    for cited in traced.get("citations", ()):
        one = kept.get(cited["id"])
        passage = now.get(cited["id"]) or (
            one and Passage(one["id"], one["subject"], one["kind"], one["lang"], one["title"], one["text"])
        )
        if passage:
            found.append(Citation(cited["number"], passage, cited["score"]))
    return tuple(found)


def _known(record: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What this version's record has of what was stored."""
    names = {field.name for field in fields(record)}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in names}
