"""What the sections of the analytics page share: filters kept in the address, cards, panels with their downloads, cached tables.

Every number comes from the store and every chart from charts; nothing is counted here.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

import pandas as pd
import streamlit as st

from kdrinks.charts import base
from kdrinks.config import ROOT
from kdrinks.records import Visitor
from kdrinks.store import analytics, preferences
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.db import Database, now
from kdrinks.store.export import as_csv, as_parquet
from kdrinks.ui import address
from kdrinks.ui.address import Control
from kdrinks.ui.frame import get_services, lang, t, visitor
from kdrinks.ui.markdown_text import as_plain

PERIOD_DAYS = {"1d": 1, "7d": 7, "30d": 30, "90d": 90, "all": None}
SAID = ("all", "ko", "en")
WHO = ("both", "question", "answer")
TOP = range(10, 101, 10)
"""How many of the most frequent words can be shown."""
SECTION_KEY = "analytics-section"
WORD_KEY = "analytics-only"
"""Session state: the word that narrows the page."""
STOP_WORDS_KEY = "stop_words"
"""Under which the store keeps the words a person does not want counted."""
DEFAULT_KINDS = ("drink", "noun", "english")
DRINKS_ONLY = ("drink",)


def read(table: Callable[..., pd.DataFrame], view: AnalyticsFilter, /, *arguments: Any, **options: Any) -> pd.DataFrame:
    """What a function of the store returns for (db, who, view, *arguments); asked again only when something was stored since."""
    db, who = get_services().db, visitor()
    name = f"{table.__module__}.{table.__qualname__}"
    seen = (who.administrator, analytics.seen_by(db, who, view))  # visitors who see the same share it
    return _read(db, who, table, name, analytics.data_version(db), seen, view, arguments, options)


@st.cache_data(max_entries=128, show_spinner=False)
def _read(
    _db: Database,
    _who: Visitor,
    _table: Callable[..., pd.DataFrame],
    name: str,
    data_version: str,
    seen: tuple[bool, AnalyticsFilter],
    view: AnalyticsFilter,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
) -> pd.DataFrame:
    return _table(_db, _who, view, *arguments, **options)


def sees_totals_only() -> bool:
    """Whether single answers, and words of people's own, are not for who is at this page."""
    db, who = get_services().db, visitor()
    return analytics.seen_by(db, who, AnalyticsFilter()).fewest > 0


def whose() -> None:
    """A line for a visitor that says whose conversations the charts are about."""
    who = visitor()
    if not who.administrator:
        fewest = analytics.FEWEST_CONVERSATIONS
        st.caption(t(f"analytics.seen_{analytics.audience(get_services().db)}", fewest=fewest), width="stretch")


def nothing_yet() -> None:
    """The page before the first question."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("medium")
        st.subheader(t("analytics.empty_title"), anchor=False, text_alignment="center")
        st.markdown(t("analytics.empty_text"), text_alignment="center")
        st.page_link(ROOT / "pages" / "chat.py", label=t("analytics.empty_link"), icon=":material/forum:")
        st.space("medium")


def settle_address(sections: Sequence[str]) -> None:
    """Before everything that is chosen here: ?section=drinks&period=7d&said=ko&who=answer&pos=drink&word=식혜&top=30."""
    controls = {
        "section": Control(key=SECTION_KEY, usual=sections[0], known=sections),
        "period": Control(key="analytics-period", usual="30d", known=PERIOD_DAYS),
        "said": Control(key="analytics-said", usual="all", known=SAID),
        "who": Control(key="analytics-who", usual="both", known=WHO),
        "pos": Control(key="analytics-pos", usual=list(DEFAULT_KINDS), known=base.WORD_KINDS),
        "model": Control(key="analytics-model", usual=None, known=models()),
        "word": Control(key=WORD_KEY, usual="", known=None),
        "top": Control(key="analytics-top", usual=TOP[0], known=[str(count) for count in TOP], read=int),
    }
    address.settle("analytics", controls)


def choose_view() -> AnalyticsFilter:
    """The filters. Of totals over everybody the words are drinks alone, whatever is chosen (analytics.seen_by)."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        period = _one_of("period", tuple(PERIOD_DAYS))
        word_stats = _one_of("said", SAID, label="language")
        who = _one_of("who", WHO)
        kinds = DRINKS_ONLY if sees_totals_only() else _kinds()
        model = _model()
    offset = -(st.context.timezone_offset or 0)
    return AnalyticsFilter(
        since=_beginning(PERIOD_DAYS[period], offset),
        lang=cast(Literal["", "ko", "en"], "" if word_stats == "all" else word_stats),
        who=cast(Literal["", "question", "answer"], "" if who == "both" else who),
        pos=kinds,
        model=model,
        word=_word(),
        stop=tuple(stop_words()),
        utc_offset_minutes=offset,
    )


def choose_section(sections: Sequence[str]) -> str:
    """The tabs; only the open one is drawn."""
    names = {t(f"analytics.section_{name}"): name for name in sections}
    section = str(st.session_state[SECTION_KEY])
    key = f"analytics-tabs-{lang()}"

    def opened() -> None:
        st.session_state[SECTION_KEY] = names[st.session_state[key]]

    # not by its default, which would make other tabs of them
    st.session_state[key] = t(f"analytics.section_{section}")
    st.tabs(list(names), key=key, on_change=opened)
    return section


def stop_words() -> list[str]:
    """The words that a person took out of every count, besides the packaged lists."""
    return list(preferences.get(get_services().db, STOP_WORDS_KEY, []))


def cards(view: AnalyticsFilter) -> None:
    """Four numbers with their course over the days."""
    total = read(analytics.counts, view).iloc[0]
    days = read(analytics.activity, view)
    course = len(days) > 1
    with st.grid(4, min_column_width=150, gap="small"):
        for label, value, column, text, unit in (
            ("conversations", int(total["conversations"]), "conversations", "", ""),
            ("answers", int(total["answers"]), "answers", _failed(int(total["failures"])), ""),
            ("first_token", total["first_token_s"], "first_token_s", "", "seconds_format"),
            ("speed", total["tokens_per_s"], "tokens_per_s", "", "speed_format"),
        ):
            st.metric(
                t(f"analytics.{label}"),
                f"{value:,}" if not unit else _measured(value, unit),
                delta=text or None,
                delta_color="off" if text else "primary",
                delta_arrow="off",
                border=True,
                height="stretch",
                help=t(f"analytics.{label}_help") if unit else None,
                chart_data=list(days[column].fillna(0)) if course else None,
                chart_type="bar" if not unit else "line",
            )


def download(name: str, table: pd.DataFrame, *, picture: bool = True) -> None:
    """The chart as a picture and its data as CSV and as Parquet, made when the button is pressed."""
    db = get_services().db
    with st.container(
        horizontal=True,
        horizontal_alignment="right",
        vertical_alignment="center",
        gap="xsmall",
        key=f"downloads-{name}",
    ):
        if picture:
            pictures(name)
        for kind, make, mime in (
            ("csv", lambda: as_csv(table), "text/csv"),
            ("parquet", lambda: as_parquet(db, table), "application/vnd.apache.parquet"),
        ):
            st.download_button(
                t(f"analytics.download_{kind}"),
                make,
                file_name=f"kdrinks-{name}.{kind}",
                mime=mime,
                type="tertiary",
                on_click="ignore",
                key=f"{name}-{kind}",
            )


def panel(name: str, table: pd.DataFrame, chart: Callable[[], Any], *, note: str = "") -> None:
    """A titled box with a chart, its downloads and, where there is nothing to draw, a line that says so."""
    with st.container(border=True, height="stretch"):
        st.subheader(t(f"charts.titles.{name}"), anchor=False)
        if table.empty:
            st.caption(t("analytics.nothing_here"))
            return
        show(name, chart())
        if note:
            st.caption(note)
        download(name, table)


def show(name: str, chart: Any, *, title: str = "", **options: Any) -> Any:
    """A chart that pictures(name) can save; options and result as of st.altair_chart."""
    with st.container(key=f"chart-{name}"):
        title = title or t(f"charts.titles.{name}")
        return st.altair_chart(
            base.as_svg(chart), **{"width": "stretch", "key": f"{name}-chart", "alt": title, **options}
        )


def pictures(name: str) -> None:
    """Buttons that save a chart as PNG and as SVG; save_chart.js does it in the browser."""
    for kind in ("png", "svg"):
        label = t(f"charts.save_{kind}")
        st.html(
            f'<button class="kd-save" data-kd-chart="{name}" data-kd-kind="{kind}" aria-label="{label}">{kind.upper()}</button>',
            width="content",
        )


def can_save_pictures() -> None:
    """What the buttons of pictures() need, once a page."""
    room = Path(__file__).parent
    st.html(room / "analytics.css")
    st.html(f"<script>{(room / 'save_chart.js').read_text(encoding='utf-8')}</script>", unsafe_allow_javascript=True)


def _kinds() -> tuple[str, ...]:
    chosen = st.pills(
        t("analytics.pos"),
        base.WORD_KINDS,
        selection_mode="multi",
        format_func=lambda kind: t(f"charts.kinds.{kind}"),
        key="analytics-pos",
        wrap=True,
        persist_state="session",
    )
    return tuple(chosen or DEFAULT_KINDS)


def _model() -> str:
    """One of the models that answered; nothing to choose while there is one."""
    names = models()
    if len(names) < 2:
        return ""
    chosen = st.selectbox(
        t("analytics.model"),
        names,
        index=None,
        placeholder=t("analytics.model_all"),
        key="analytics-model",
        persist_state="session",
        width=220,
    )
    return chosen or ""


def models() -> list[str]:
    db, who = get_services().db, visitor()
    seen = (who.administrator, analytics.seen_by(db, who, AnalyticsFilter()))
    return _models(db, who, seen, analytics.data_version(db))


@st.cache_data(max_entries=32, show_spinner=False)
def _models(_db: Database, _who: Visitor, seen: tuple[bool, AnalyticsFilter], data_version: str) -> list[str]:
    return analytics.models(_db, _who)


def _word() -> str:
    """The word that narrows the whole page, with the button that lets go of it."""
    word = str(st.session_state[WORD_KEY])
    if sees_totals_only():
        return ""
    if word:
        st.button(
            t("analytics.only_with", word=as_plain(word)),
            icon=":material/close:",
            key="analytics-word",
            help=t("analytics.only_with_help"),
            on_click=_let_go,
        )
    return word


def _let_go() -> None:
    st.session_state[WORD_KEY] = ""
    # the chart keeps a clicked bar as long as its key; a new one forgets it
    st.session_state["analytics-words-round"] = st.session_state.get("analytics-words-round", 0) + 1


def _one_of(name: str, options: tuple[str, ...], *, label: str = "") -> str:
    names = {option: t(f"analytics.{label or name}_{option}") for option in options}
    chosen = st.segmented_control(
        t(f"analytics.{label or name}"),
        options,
        required=True,
        format_func=lambda option: names[option],
        key=f"analytics-{name}",
        persist_state="session",
    )
    return chosen or options[0]


def _beginning(days: int | None, offset_minutes: int) -> datetime | None:
    """The reader's midnight that begins the last days, today included, in UTC."""
    if days is None:
        return None
    offset = timedelta(minutes=offset_minutes)
    today = (now() + offset).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days - 1) - offset


def _failed(count: int) -> str:
    return t("analytics.failed", count=count) if count else ""


def _measured(value: float, unit: str) -> str:
    if pd.isna(value):
        return t("analytics.nothing_yet")
    return t(f"analytics.{unit}", value=f"{value:.2f}" if value < 10 else f"{value:,.0f}")
