"""How an answer came about, drawn from its trace (generation.trace): what was understood, weighed, read and allowed, and how long it took.

For the details of an answer, and beside one that failed a question set.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

import streamlit as st

from kdrinks import i18n, kinds
from kdrinks.drinks import catalog
from kdrinks.drinks.model import Bilingual
from kdrinks.drinks.read import load_beliefs, load_topics
from kdrinks.search import concerns
from kdrinks.ui.chat import exclusions
from kdrinks.ui.drinks import labels
from kdrinks.ui.format import seconds_text
from kdrinks.ui.frame import get_services, lang, t
from kdrinks.ui.markdown_text import as_plain

LOW = 8
"""Candidates up to which the table has its own height; a longer one scrolls."""
HEIGHT = 320
NAME_PX, KIND_PX, SCORE_PX, BAR_PX = 140, 90, 64, 80
"""A phone shows what was found and its score; the bars are a swipe away."""
SURE = 0.01
"""Probability from which an intent is told."""
SHORT_S = 0.005
"""Shorter times would read 0.00."""


def draw(trace: Mapping[str, Any], key: str) -> None:
    """key: a name of its own on the page. Nothing for an empty trace."""
    if not trace:
        return
    names = _names()
    _draw_understood(trace["understood"], names)
    if trace["candidates"]:
        _draw_candidates(trace, names, key)
    _draw_rest(trace, names)
    _draw_prompt(trace, key)
    _draw_took(trace)


def _draw_understood(understood: Mapping[str, Any], names: Mapping[str, str]) -> None:
    rows = [
        ("asks", [_asked(understood)]),
        ("over_many", [_string("operations", understood["operation"])] if understood["operation"] else []),
        ("aspects", [_intent(one) for one in understood["aspects"]]),
        ("about", [names.get(one, one) for one in understood["subjects"]]),
        ("filters", [_filter(one) for one in understood["filters"]]),
        ("excluded", [exclusions.label(get_services(), one) for one in understood["excluded"]]),
        ("concerns", [_concern(one) for one in understood["concerns"]]),
    ]
    said = [f"- {t(f'trace.{name}')}: {as_plain(', '.join(values))}" for name, values in rows if values]
    _draw_list(t("trace.understood"), said)


def _asked(understood: Mapping[str, Any]) -> str:
    """What it was answered as, and how likely its wording made that and other things."""
    likely = [f"{_intent(name)} {share:.0%}" for name, share in understood["intents"] if share >= SURE]
    return f"{_intent(understood['intent'])} ({', '.join(likely)})" if likely else _intent(understood["intent"])


def _draw_candidates(trace: Mapping[str, Any], names: Mapping[str, str], key: str) -> None:
    titles = {passage["subject"]: passage["title"] for passage in trace["passages"]}  # of documents too
    table = [
        {
            "name": ("● " if one["used"] else "")
            + (names.get(one["subject"]) or titles.get(one["subject"]) or one["subject"]),
            "kind": _intent(one["kind"]) if one["kind"] else "",
            "score": one["score"],
            "lexical": one["lexical"],
            "vector": one["vector"],
        }
        for one in trace["candidates"]
    ]
    most = max((one["lexical"] or 0.0 for one in table), default=0.0)
    columns: dict[str, Any] = {
        "name": st.column_config.TextColumn(t("trace.name"), width=NAME_PX),
        "kind": st.column_config.TextColumn(t("trace.kind"), width=KIND_PX),
        "score": st.column_config.NumberColumn(t("trace.score"), format="%.1f", width=SCORE_PX),
        "lexical": st.column_config.ProgressColumn(
            t("trace.lexical"), format="%.1f", min_value=0.0, max_value=most or 1.0, width=BAR_PX
        ),
        "vector": st.column_config.ProgressColumn(
            t("trace.vector"), format="%.2f", min_value=0.0, max_value=1.0, width=BAR_PX
        ),
    }
    st.markdown(f"**{t('trace.candidates')}**")
    st.caption(t("trace.candidates_about"))
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content" if len(table) <= LOW else HEIGHT,
        column_config=columns,
        key=f"candidates-{key}",
    )


def _draw_rest(trace: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """The passages or rows that the answer rests on, and what stood beside them."""
    passages = [
        f"{one['number']}. **{as_plain(one['title'])}** · {_intent(one['kind'])}  \n{_on_one_line(one['text'])}"
        for one in trace["passages"]
    ]
    _draw_list(t("trace.passages"), passages)
    rows = [names.get(row["id"], row["id"]) for row in trace["rows"]]
    _draw_list(t("trace.rows", count=len(rows)), [as_plain(", ".join(rows))] if rows else [])
    for name in ("lines", "unsupported", "unknown_numbers"):
        _draw_list(t(f"trace.{name}"), [f"- {_on_one_line(one)}" for one in trace.get(name, ())])
    if held := trace["constraint"]:
        said = sum(one["said"] for one in held)
        with st.expander(t("trace.constraint", count=len(held), said=said), type="compact"):
            st.markdown("\n".join(f"- {'✓ ' if one['said'] else ''}{_on_one_line(one['sentence'])}" for one in held))


def _draw_list(title: str, lines: Sequence[str]) -> None:
    if lines:
        st.markdown(f"**{title}**")
        st.markdown("\n".join(lines))


def _draw_prompt(trace: Mapping[str, Any], key: str) -> None:
    if trace.get("withheld"):
        st.caption(t("trace.withheld"))
        return
    if not trace["prompt"]:
        st.caption(t("trace.no_model"))
        return
    with st.expander(t("trace.prompt"), type="compact", key=f"prompt-{key}"):
        for message in trace["prompt"]:
            st.caption(t(f"trace.roles.{message['role']}"))
            st.code(message["content"], language=None, wrap_lines=True)


def _draw_took(trace: Mapping[str, Any]) -> None:
    timing, settings = trace["timing"], trace["settings"]
    times = (
        ("wait", timing["wait_s"]),
        ("search", timing["retrieve_s"]),
        ("queue", timing["queue_s"]),
        ("load", timing["load_s"]),
        ("read", timing["prompt_s"]),
        ("think", timing.get("thought_s")),
        ("write", timing["completion_s"]),
        ("total", timing["total_s"]),
    )
    said = [t(f"trace.{name}", seconds=seconds_text(value)) for name, value in times if value and value >= SHORT_S]
    st.markdown(f"**{t('trace.took')}**")
    mode = [t("trace.mode", mode=t(f"models.modes.{trace['mode']}"))] if "mode" in trace else []  # older ones have none
    st.caption(" · ".join([t(f"charts.guards.{trace['guard']}"), *mode, *said]))
    if trace["model"]:
        names = {name: settings[name] for name in ("max_tokens", "seed", "template")}
        names["temperature"] = f"{settings['temperature']:g}"
        st.caption(f"{as_plain(trace['model']['file'])} · {as_plain(t('trace.settings', **names))}")
    if trace["identity"]:
        st.caption(t("trace.identity", identity=f"`{trace['identity'][:16]}`"))


def _intent(name: str) -> str:
    """What a kind, an intent or a figure is called."""
    if name in kinds.TABLE:
        return kinds.row(cast(kinds.Kind, name)).label.of(lang())
    return _string("intents", name)


def _string(table: str, name: str) -> str:
    """The name itself where this version has no word for it."""
    key = f"trace.{table}.{name}"
    return t(key) if key in i18n.strings() else name


def _concern(name: str) -> str:
    try:
        return concerns.called(name, lang())
    except KeyError:
        return _intent(name)


def _filter(said: str) -> str:
    """said: as search.answering.filters_of names it: `region jeju`, `alcohol low, medium`, `liquor yes`, `lacks nuts`, `within 2 hours`."""
    group, _, name = said.partition(" ")
    if group in ("holds", "lacks", "ingredient", "food"):
        return t(f"trace.conditions.{group}", what=labels.short("diet", name))
    if group in ("liquor", "homemade"):
        return t(f"trace.conditions.{group}_{name}")
    tags = [labels.short(group, one) for one in name.split(", ") if (group, one) in labels.tags()]
    return "·".join(tags) or said


@cache
def _texts() -> dict[str, Bilingual]:
    """Titles of topics and false beliefs by id."""
    return {topic.id: topic.title for topic in load_topics()} | {belief.id: belief.belief for belief in load_beliefs()}


def _names() -> dict[str, str]:
    """Drinks, topics and false beliefs in the reader's language, by id; of a drink that is no longer there nothing."""
    texts = {name: title.ko if lang() == "ko" else title.en for name, title in _texts().items()}
    return texts | {drink.id: labels.title(drink) for drink in catalog.current(get_services().db).drinks}


def _on_one_line(text: str) -> str:
    return as_plain(" ".join(text.split()))
