"""Draws the answers of a run one at a time, those that failed first, with what judges them by hand: buttons and keys."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kdrinks.measure import question_set, run
from kdrinks.measure.judge import VERDICTS, Verdict
from kdrinks.services import Services
from kdrinks.store.evaluations import Run
from kdrinks.ui.frame import get_services, t, visitor
from kdrinks.ui.lab import answered, controls, results, sealed
from kdrinks.ui.lab.failures import Row, failed, turned, worst_first
from kdrinks.ui.markdown_text import as_plain

LISTED = 12
"""Questions of the list around the one that is open: each row costs some milliseconds at every key."""
OPEN = "lab-open"
"""Session state: the run and the question that were drawn last."""
ICONS: Mapping[str, str] = {
    "right": "check_circle",
    "partly": "contrast",
    "wrong": "cancel",
    "unsafe": "dangerous",
    "ugly": "sentiment_dissatisfied",
    "declined": "block",
}
"""Of verdicts."""


def draw(services: Services, runs: Sequence[Run]) -> None:
    """The section under "Answers"."""
    if not runs:
        results.nothing_yet()
        return
    with st.container(horizontal=True, key="lab-which"):
        of_set = controls.choose_set(services, runs)
        read = controls.choose_run(controls.RUN, t("lab.run"), of_set)
    assert read is not None
    if run.hidden(services, read):
        _draw_sealed(services, read)
        return
    rows = worst_first(run.rows(services, visitor(), read.id))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="lab-filters"):
        shown = st.container(width="content")
        with st.popover(t("lab.filter"), icon=":material/filter_list:", key="lab-filter"):
            others = [one for one in of_set if one.id != read.id]
            beside = controls.choose_run(controls.BESIDE, t("lab.beside"), others, none=t("lab.beside_none"))
            said, kind = _choose_kind(rows)
    before = controls.by_id(run.rows(services, visitor(), beside.id)) if beside else {}
    with shown:
        shows = controls.SHOW if before else controls.SHOW[:3]
        show = controls.segments(controls.SHOWN, t("lab.show"), shows, lambda one: t(f"lab.shows.{one}"))
    keeps: Mapping[str, Callable[[Row], bool]] = {
        "all": lambda row: True,
        "failed": failed,
        "unjudged": lambda row: not row["verdict"],
        "turned": lambda row: bool(turned(before.get(row["id"]), row)),
    }
    listed = [row for row in rows if keeps[show](row) and kind in ("", row["kind"]) and said in ("all", row["lang"])]
    if chosen := _in_words(beside, said, kind):
        st.caption(f":material/filter_list: {as_plain(chosen)}")
    _draw_reading(services, read, beside, rows, listed, before)


def _draw_sealed(services: Services, read: Run) -> None:
    """Counts, and the way to more."""
    rows = run.rows(services, visitor(), read.id)
    st.markdown(t("lab.sealed_counts", count=len(rows), failed=sum(map(failed, rows))))
    asked = question_set.by_hash(services.settings, read.set_hash)
    if asked:
        sealed.draw(asked)
    else:
        st.info(t("lab.sealed_gone"), icon=":material/lock:")


def _choose_kind(rows: Sequence[Row]) -> tuple[str, str]:
    """A language and a kind of question; `all` and "" leave everything."""
    kinds = sorted({row["kind"] for row in rows if row["kind"]})
    said = controls.segments(controls.LANG, t("lab.said"), controls.SAID, lambda one: t(f"lab.saids.{one}"))
    if len(kinds) < 2:
        return said, ""
    options = ["", *kinds]
    return said, controls.one_of(controls.KIND, t("lab.kind"), options, lambda one: one or t("lab.kind_all"))


def _in_words(beside: Run | None, said: str, kind: str) -> str:
    """What the closed window of the filters holds."""
    parts = [
        f"{t('lab.beside')}: {controls.setting_name(beside.setting)}" if beside else "",
        t(f"lab.saids.{said}") if said != "all" else "",
        kind,
    ]
    return " · ".join(part for part in parts if part)


def _draw_reading(
    services: Services,
    read: Run,
    beside: Run | None,
    rows: Sequence[Row],
    listed: Sequence[Row],
    before: Mapping[str, Row],
) -> None:
    if not listed:
        st.info(t("lab.none_left"), icon=":material/filter_alt_off:")
        return
    at = st.session_state.get(controls.AT)
    place = next((place for place, one in enumerate(listed) if one["id"] == at), 0)
    row = listed[place]
    main, side = st.columns([2.2, 1], gap="medium")
    with main:
        where = _draw_judging(read.id, place, listed)
        asked = question_set.by_hash(services.settings, read.set_hash)
        question = next((one for one in asked.questions if one["id"] == row["id"]), {}) if asked else {}
        names = controls.run_names([one for one in (beside, read) if one])
        sides = [(read.id, names[read.id], row)]
        if beside and row["id"] in before:
            sides.insert(0, (beside.id, names[beside.id], before[row["id"]]))
        answered.draw(services, question, sides)
    with side:
        _draw_list(listed, place, before)
    judged = sum(bool(one["verdict"]) for one in rows)
    counts = t(
        "lab.place", number=f"{place + 1:,}", of=f"{len(listed):,}", judged=f"{judged:,}", total=f"{len(rows):,}"
    )
    # last: whoever sees the number has the question and its keys before them
    where.caption(counts, width="content")


def _draw_judging(run_id: str, place: int, listed: Sequence[Row]) -> DeltaGenerator:
    """The way to the next, and the verdicts, each with its key; returns where to say how far one is."""
    ids, row = [one["id"] for one in listed], listed[place]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="lab-place"):
        for name, icon, shortcut, by in (("previous", "arrow_back", "Left", -1), ("next", "arrow_forward", "Right", 1)):
            st.button(
                t(f"lab.{name}"),
                icon=f":material/{icon}:",
                key=f"lab-{name}",
                shortcut=shortcut,
                disabled=not 0 <= place + by < len(ids),
                on_click=_step,
                args=(ids, by),
            )
        where = st.container(width="content")
    st.session_state[OPEN] = [run_id, row["id"]]
    following = _next_unjudged(listed, place)
    with st.container(horizontal=True, gap="xsmall", key="lab-verdicts"):
        for key, verdict in enumerate(VERDICTS, 1):
            st.button(
                t(f"lab.verdicts.{verdict}"),
                icon=f":material/{ICONS[verdict]}:",
                type="primary" if row["verdict"] == verdict else "secondary",
                key=f"verdict-{verdict}-{row['number']}",
                shortcut=str(key),
                on_click=_judge,
                args=(run_id, row["id"], verdict, following),
            )
    return where


def _next_unjudged(listed: Sequence[Row], place: int) -> str:
    """Id of the first one behind this place that nobody judged, else of the first of all; "" where every one is."""
    later = [*listed[place + 1 :], *listed[:place]]
    return next((str(row["id"]) for row in later if not row["verdict"]), "")


def _open(question_id: str) -> None:
    st.session_state[controls.AT] = question_id


def _step(ids: Sequence[str], by: int) -> None:
    """From where one is now: a second key that comes before the page has followed the first one counts too."""
    at = st.session_state.get(controls.AT)
    place = ids.index(at) if at in ids else 0
    st.session_state[controls.AT] = ids[max(0, min(place + by, len(ids) - 1))]


def _judge(run_id: str, question_id: str, verdict: Verdict, following: str) -> None:
    """Keep it, and go on. Only of the question that is open: while one follows the other both have buttons, and a key presses both."""
    if st.session_state.get(OPEN) != [run_id, question_id]:
        return
    if controls.attempt(run.judge_by_hand, get_services(), visitor(), run_id, question_id, verdict):
        st.session_state[controls.AT] = following or question_id
        if not following:
            st.toast(t("lab.all_judged"), icon=":material/done_all:")


def _draw_list(listed: Sequence[Row], place: int, before: Mapping[str, Row]) -> None:
    """Those around the one that is open."""
    start = max(0, min(place - LISTED // 3, len(listed) - LISTED))
    with st.container(gap=None, key="lab-list"):
        for one in listed[start : start + LISTED]:
            here = one is listed[place]
            with st.container(key=f"lab-row-{'open-' if here else ''}{one['number']}"):
                st.button(
                    as_plain(_label(one, before)),
                    icon=f":material/{_icon(one)}:",
                    type="tertiary",
                    width="stretch",
                    key=f"lab-open-{one['number']}",
                    on_click=_open,
                    args=(one["id"],),
                )
    if len(listed) > LISTED:
        st.caption(t("lab.listed", first=start + 1, last=min(start + LISTED, len(listed)), of=len(listed)))


def _label(row: Row, before: Mapping[str, Row]) -> str:
    arrow = {"better": "↗ ", "worse": "↘ ", "": ""}[turned(before.get(row["id"]), row)]
    return f"{arrow}{row.get('question') or row['id']}"


def _icon(row: Row) -> str:
    if row["verdict"]:
        return ICONS.get(row["verdict"], "gavel")
    return "close" if failed(row) else "check"
