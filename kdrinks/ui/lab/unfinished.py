"""Draws the runs of before that have questions left: to go on with, or to delete."""

import streamlit as st

from kdrinks.measure import run
from kdrinks.services import Services
from kdrinks.store.evaluations import Run
from kdrinks.ui.frame import get_services, t, visitor
from kdrinks.ui.lab import controls
from kdrinks.ui.markdown_text import as_plain


def draw(services: Services) -> None:
    failed = {job.key for job in services.jobs.of(run.KIND) if job.phase == "failed"}  # drawn as jobs, with the reason
    left = [one for one in run.unfinished(services, visitor()) if one.id not in failed]
    if not left:
        return
    st.markdown(f"##### {t('lab.unfinished')}")
    for one in left:
        with st.container(
            border=True,
            horizontal=True,
            vertical_alignment="center",
            horizontal_alignment="distribute",
            key=f"unfinished-{one.id}",
        ):
            name = f"**{as_plain(one.question_set)} · {as_plain(controls.setting_name(one.setting))}**"
            state = t("lab.answered_of", done=one.answered, total=one.questions)
            st.markdown(f"{name}  \n:small[:gray[{as_plain(f'{controls.began(one)} · {state}')}]]", width="content")
            with st.container(horizontal=True, width="content", gap="small"):
                st.button(
                    t("jobs.resume"),
                    icon=":material/play_arrow:",
                    key=f"resume-{one.id}",
                    on_click=_resume,
                    args=(one.id,),
                )
                draw_delete(one)


def draw_delete(one: Run) -> None:
    """A run's button for its deletion, which asks first."""
    with st.popover(t("lab.delete"), icon=":material/delete:", type="tertiary", key=f"ask-{one.id}"):
        st.markdown(t("lab.delete_sure", count=one.answered), width=300)
        st.button(t("lab.delete_yes"), type="primary", key=f"delete-{one.id}", on_click=_delete, args=(one.id,))


def _resume(run_id: str) -> None:
    controls.attempt(run.resume, get_services(), visitor(), run_id)


def _delete(run_id: str) -> None:
    controls.attempt(run.forget, get_services(), visitor(), run_id)
