"""Draws the downloads: those under way with progress and buttons, and those that an earlier run left incomplete."""

from typing import Any

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.hub.download import KIND, Downloads, Interrupted
from kdrinks.hub.remote import Hub
from kdrinks.jobs import Job
from kdrinks.ui import job_progress
from kdrinks.ui.format import bytes_text, left_text
from kdrinks.ui.frame import get_services, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain

EVERY_S = 1.0


@st.cache_resource(show_spinner=False)
def hub() -> Hub:
    """The Hub for every session of this process, with the token that was typed in."""
    return Hub()


def here() -> Downloads:
    """The downloads into the models folder."""
    services = get_services()
    return Downloads(hub(), services.settings.models, services.jobs, services.db)


def begin(repo_id: str, file: str) -> bool:
    """Starts a download, or goes on with one; whether it worked, with the reason on the page when not."""
    downloads = here()
    try:
        with st.spinner(t("models.catalog.asking"), show_time=False):
            downloads.start(visitor(), downloads.hub.file(repo_id, file))
    except KdrinksError as error:
        show_error(error)
        return False
    return True


def draw() -> None:
    """Nothing where there is nothing to show. Looks again by itself while something is under way."""
    left = here().interrupted()
    for cut in get_services().jobs.cut(KIND):
        if cut.subject in {one.target.name for one in left}:
            get_services().jobs.dismiss(visitor(), cut)  # told below, with a way to go on
    job_progress.draw(KIND, text=_progress_text, every_s=EVERY_S)
    for job in here().jobs():
        if job.phase == "done":
            with st.container(border=True, key=f"download-{job.id}"):
                st.markdown(
                    f"**{as_plain(job.subject)}**  \n:green[:material/verified: {t('models.catalog.verified')}]"
                )
                job_progress.dismiss_button(job)
    for one in left:
        _draw_interrupted(one)


def _progress_text(job: Job[Any]) -> str:
    work = job.work
    parts = [
        job_progress.step_text(job),
        t("models.catalog.amount", done=bytes_text(work.done_bytes), size=bytes_text(work.size_bytes)),
    ]
    if job.progress.step == "downloading" and job.running and work.bytes_per_s:
        parts.append(t("models.catalog.speed", speed=bytes_text(work.bytes_per_s)))
        if work.left_s is not None:
            parts.append(left_text(work.left_s))
    return " · ".join(parts)


def _draw_interrupted(left: Interrupted) -> None:
    repo_id, _, file = left.origin.partition(":")
    with st.container(border=True, key=f"interrupted-{left.origin}"):
        top = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
        top.markdown(f"**{as_plain(left.target.name)}**", width="content")
        buttons = top.container(horizontal=True, width="content", gap="small")
        resume = buttons.button(t("jobs.resume"), icon=":material/play_arrow:", key=f"again-{left.origin}")
        if buttons.button(t("jobs.cancel"), icon=":material/close:", key=f"discard-{left.origin}"):
            left.discard(visitor())
            st.rerun()
        amount = t("models.catalog.amount", done=bytes_text(left.done_bytes), size=bytes_text(left.size_bytes))
        st.progress(left.done_bytes / left.size_bytes, text=f"{t('models.catalog.phase_interrupted')} · {amount}")
        if resume and begin(repo_id, file):
            st.rerun()
