"""Draws two runs of the same questions beside each other: what turned, then how sure the difference is."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from kdrinks.charts import lab as charts
from kdrinks.errors import KdrinksError
from kdrinks.measure import run, wording
from kdrinks.measure.good import LESS_IS_BETTER
from kdrinks.measure.judge import MEASURES
from kdrinks.measure.pairing import match
from kdrinks.measure.statistics import Pair, Paired, compare
from kdrinks.services import Services
from kdrinks.store.evaluations import Run
from kdrinks.ui.analytics.view import can_save_pictures, download, show
from kdrinks.ui.frame import lang, show_error, t, visitor
from kdrinks.ui.lab import controls, results
from kdrinks.ui.lab.failures import Row
from kdrinks.ui.markdown_text import as_plain

FEWEST_DRAWN = 5
"""Flips that a picture says more of than their list."""
LISTED = 30
"""Flips of one direction that are listed; all of them are read one after the other."""
SIGNS = {
    "better": ("trending_up", "green"),
    "worse": ("trending_down", "red"),
    "no difference shown": ("drag_handle", "gray"),
}


def draw(services: Services, runs: Sequence[Run]) -> None:
    """The section under "Compare two"."""
    if not runs:
        results.nothing_yet()
        return
    of_set = controls.choose_set(services, runs)
    if len(of_set) < 2:
        st.info(t("lab.one_run"), icon=":material/balance:")
        return
    left, right, swap = st.columns([5, 5, 1], vertical_alignment="bottom")
    with left:
        before = controls.choose_run(controls.BESIDE, t("lab.before"), of_set)
    assert before is not None
    others = [one for one in of_set if one.id != before.id]
    with right:
        after = controls.choose_run(controls.RUN, t("lab.after"), others)
    assert after is not None
    swap.button(
        t("lab.swap"),
        icon=":material/swap_horiz:",
        type="tertiary",
        key="lab-swap",
        on_click=controls.go,
        args=("compare",),
        kwargs={"run": before.id, "beside": after.id},
    )
    _draw_pair(services, before, after)


def _draw_pair(services: Services, before: Run, after: Run) -> None:
    a, b = (controls.by_id(run.rows(services, visitor(), one.id)) for one in (before, after))
    measures = [name for name in MEASURES if all(any(name in row for row in side.values()) for side in (a, b))]
    if not measures:
        st.info(t("lab.nothing_measured"), icon=":material/balance:")
        return
    measure = controls.one_of(controls.MEASURE, t("lab.measure"), measures, results.measure_name)
    try:
        matched = match(a, b, measure)
    except KdrinksError as error:
        show_error(error)
        return
    paired = _paired(matched.pairs, less_is_better=measure in LESS_IS_BETTER)
    hidden = run.hidden(services, after)
    _draw_flips(paired, matched.rows, before, after, hidden=hidden)
    _draw_difference(paired, results.measure_name(measure))
    if matched.only_a or matched.only_b:
        st.caption(t("lab.left_out_pairs", a=matched.only_a, b=matched.only_b))


@st.cache_data(max_entries=64, show_spinner=False)
def _paired(pairs: tuple[Pair, ...], *, less_is_better: bool) -> Paired:
    return compare(pairs, less_is_better=less_is_better)


def _draw_flips(paired: Paired, rows: Mapping[str, tuple[Row, Row]], before: Run, after: Run, *, hidden: bool) -> None:
    flips = [(id, turned) for turned in ("worse", "better") for id in getattr(paired, turned)]
    if not flips:
        st.markdown(f":material/drag_handle: {t('lab.no_flips')}")
        return
    if paired.test == "McNemar" and len(flips) >= FEWEST_DRAWN:
        table = pd.DataFrame(
            [
                {"group": rows[id][1]["kind"] or "–", "turned": turned, "question": rows[id][1].get("question") or id}
                for id, turned in flips
            ]
        )
        can_save_pictures()
        show("flips", charts.flips(table, lang()))
        download("flips", table)
    left, right = st.columns(2, gap="medium")
    for column, turned in ((left, "worse"), (right, "better")):
        with column, st.container(key=f"flips-{turned}", gap="xsmall"):
            _draw_turned(turned, getattr(paired, turned), rows, before, after, hidden=hidden)


def _draw_turned(
    turned: str,
    ids: Sequence[str],
    rows: Mapping[str, tuple[Row, Row]],
    before: Run,
    after: Run,
    *,
    hidden: bool,
) -> None:
    icon, colour = SIGNS[turned]
    st.markdown(f"**:{colour}[:material/{icon}: {t(f'lab.turned.{turned}', count=len(ids))}]**")
    if hidden:
        st.caption(as_plain(", ".join(ids)))
        return
    for id in ids[:LISTED]:
        st.button(
            as_plain(rows[id][1].get("question") or id),
            type="tertiary",
            key=f"flip-{turned}-{rows[id][1].get('number', id)}",
            on_click=controls.go,
            args=("read",),
            kwargs={"run": after.id, "beside": before.id, "at": id, "show": "all", "kind": "", "said": "all"},
        )
    if len(ids) > LISTED:
        st.caption(t("lab.more_flips", count=len(ids) - LISTED))


def _draw_difference(paired: Paired, measure: str) -> None:
    icon, colour = SIGNS[paired.verdict]
    a, b = wording.sides(paired, lang())
    verdict = wording.verdict(paired, lang())
    with st.container(border=True, key="lab-difference"):
        st.markdown(f"### :{colour}[:material/{icon}: {verdict[:1].upper()}{verdict[1:]}]")
        lines = [
            (t("lab.before"), a),
            (t("lab.after"), b),
            (t("lab.difference"), wording.difference(paired, lang())),
            (f"p ({t(f'lab.tests.{paired.test}')})", f"{paired.p:.2g}"),
            (t("lab.compared"), t("lab.questions_clusters", n=paired.n, clusters=paired.clusters)),
        ]
        st.markdown(
            "\n".join(
                [f"| {measure} | |", "|---|---|", *(f"| {name} | **{as_plain(value)}** |" for name, value in lines)]
            )
        )
        st.caption(wording.least(paired, lang()))
